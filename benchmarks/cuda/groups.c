#include "groups.h"

#include "../bench.h"
#include "nanolase/transfer.h"
#include "operations.h"
#include "sparse.h"

/* ---- subjects ---- */

bool bench_pair_new(bench *b, const char *name, const char *settings, int members, const nl_tableau *tableau,
                    subject *device, subject *cpu)
{
    const bool on_device = subject_new(b->device, name, settings, members, tableau, device);
    const bool on_cpu = on_device && subject_new(b->cpu, name, settings, members, tableau, cpu);
    if (!on_device || !on_cpu) {
        printf("%-20s left out, %d of them: memory does not suffice (%s)\n", name, members, settings);
        if (on_device)
            subject_release(device);
        return false;
    }
    subject_fill(device);
    subject_fill(cpu);
    return true;
}

void bench_pair_release(subject *device, subject *cpu)
{
    subject_release(device);
    subject_release(cpu);
}

static char *next_text(void)
{
    static char texts[2][512];
    static int at;
    at = 1 - at;
    return texts[at];
}

const char *bench_phase_settings(int n, int order)
{
    char *text = next_text();
    snprintf(text, sizeof(char[512]),
             "model.equation=phase phase.D_p=0.005 phase.epsilon_over_r0=1 phase.r2=0.9 laser.t_c=0.9 laser.phi1=0.3 "
             "laser.phi2=1.1 grid.n_c=%d grid.order=%d", n, order);
    return text;
}

const char *bench_lindblad_settings(bool checks_only, const char *local, bool is_real)
{
    char *text = next_text();
    const int levels = checks_only ? 26 : 420;
    snprintf(text, sizeof(char[512]),
             "model.equation=gutzwiller model.sites=1 model.local=%s laser.gamma=%d laser.cooperativity=%s "
             "laser.epsilon=0.3 "
             "laser.phi1=0.7 fock.levels=%d run.mode=%s",
             local, checks_only ? 56 : 3500, checks_only ? "1.05" : "1.1", levels, is_real ? "steady" : "evolve");
    return text;
}

/* The cutoff leaves room for the distribution and stays below where Eq. 6 ceases to make sense. */
const char *bench_dimer_settings(int levels)
{
    char *text = next_text();
    snprintf(
        text, sizeof(char[512]),
        "model.equation=dimer laser.cooperativity=1.05 laser.gamma=%.1f laser.epsilon=0.3 laser.t_c=0.1 fock.levels=%d",
        2.15 * levels, levels);
    return text;
}

const char *bench_amplitude_settings(int points, int order)
{
    char *text = next_text();
    snprintf(text, sizeof(char[512]),
             "model.equation=amplitude laser.cooperativity=1.2 laser.gamma=200 laser.epsilon=0.3 laser.t_c=0.05 "
             "grid.points=%d grid.order=%d", points, order);
    return text;
}

/* ---- groups ---- */

static void measure_all(bench *b, const char *name, const char *settings, int members, const char *const *operations,
                        unsigned what)
{
    subject device, cpu;
    if (!bench_pair_new(b, name, settings, members, NULL, &device, &cpu))
        return;
    for (; *operations; operations++)
        bench_operation_on(b, &device, &cpu, *operations, what);
    bench_pair_release(&device, &cpu);
}

static const char *const operator_calls[] = {"apply", "update of 3", "stage of 4", "unfused stage", NULL};

static void phase_grids(bench *b)
{
    for (int n = b->checks_only ? 24 : 256; n <= (b->checks_only ? 24 : 8192); n *= 2)
        for (int order = 2; order <= 8; order += 2)
            measure_all(b, "phase", bench_phase_settings(n, order), 1, operator_calls, ALSO_COLD);
}

static void phase_batches(bench *b)
{
    for (int members = b->checks_only ? 4 : 16; members <= (b->checks_only ? 4 : 1024); members *= 8)
        for (int order = 2; order <= 8; order += 6)
            measure_all(b, "phase", bench_phase_settings(b->checks_only ? 20 : 100, order), members, operator_calls, 0);
}

static void lindblad(bench *b)
{
    static const char *const calls[] = {"apply", "update of 3", "moments", NULL};
    for (int members = 1; members <= (b->checks_only ? 3 : 64); members += b->checks_only ? 2 : 63) {
        measure_all(b, "photon real", bench_lindblad_settings(b->checks_only, "photon", true), members, calls, 0);
        measure_all(b, "photon complex", bench_lindblad_settings(b->checks_only, "photon", false), members, calls, 0);
        measure_all(b, "qubit real", bench_lindblad_settings(b->checks_only, "qubit", true), members, calls, 0);
        measure_all(b, "qubit complex", bench_lindblad_settings(b->checks_only, "qubit", false), members, calls, 0);
    }
}

static void dimer(bench *b)
{
    static const char *const calls[] = {"apply", "update of 3", "moments", NULL};
    for (int N = b->checks_only ? 26 : 32; N <= (b->checks_only ? 26 : 96); N += 32)
        measure_all(b, "dimer", bench_dimer_settings(N), 1, calls, 0);
}

static void amplitude(bench *b)
{
    static const char *const calls[] = {"apply", "update of 3", "moments", NULL};
    for (int n = b->checks_only ? 12 : 32; n <= (b->checks_only ? 12 : 96); n += 32)
        for (int order = 2; order <= 8; order += 2)
            measure_all(b, "amplitude", bench_amplitude_settings(n, order), 1, calls, 0);
}

static const char *const vector_calls[] = {"combine 1", "combine 4", "error of 7",   "sums",        "largest",
                                           "dot",       "moments",   "project on 6", "expand of 6", NULL};

static void vectors(bench *b)
{
    measure_all(b, "one grid", bench_phase_settings(b->checks_only ? 40 : 4096, 2), 1, vector_calls, ALSO_COLD);
    measure_all(b, "many grids", bench_phase_settings(b->checks_only ? 20 : 100, 2), b->checks_only ? 3 : 1024,
                vector_calls, 0);
}

static void cpu_operators(bench *b)
{
    static const char *const calls[] = {"apply", "stage of 4", NULL};
    for (int n = b->checks_only ? 24 : 256; n <= (b->checks_only ? 24 : 4096); n *= 4)
        for (int order = 2; order <= 8; order += 6)
            measure_all(b, "phase", bench_phase_settings(n, order), 1, calls, ALSO_CPU);
    measure_all(b, "photon real", bench_lindblad_settings(b->checks_only, "photon", true), 1, calls, ALSO_CPU);
    measure_all(b, "dimer", bench_dimer_settings(b->checks_only ? 26 : 64), 1, calls, ALSO_CPU);
    measure_all(b, "amplitude", bench_amplitude_settings(b->checks_only ? 12 : 48, 4), 1, calls, ALSO_CPU);
}

/* ---- the assembled matrix ---- */

typedef struct product {
    bench_matrix *matrix;
    subject *s;
} product;

enum { PRODUCT = 5 }; /* the register that it writes */

static nl_status multiply(void *context)
{
    const product *p = context;
    return bench_matrix_apply(p->matrix, &p->s->batch.pool, 0, PRODUCT);
}

/* The product must be what the operator gives. */
static void check_product(product *p, subject *cpu)
{
    const nl_job job = {.in = {0}, .out = PRODUCT};
    if (multiply(p) != NL_OK ||
        cpu->batch.backend->ops->apply(cpu->batch.backend, &cpu->batch.op, &cpu->batch.pool, &job, 1) != NL_OK)
        bench_fail(nl_error_message());
    const double difference = subject_difference(p->s, cpu, 0, PRODUCT);
    if (!(difference <= subject_tolerance(p->s))) {
        fprintf(stderr, "bench_cuda: wrong answer: the assembled matrix and the operator differ by %.3g\n", difference);
        exit(1);
    }
}

static void matrix_on(bench *b, int n, int order)
{
    subject device, cpu;
    if (!bench_pair_new(b, "phase", bench_phase_settings(n, order), 1, NULL, &device, &cpu))
        return;
    product p = {.s = &device};
    const double elements = (double)n * n;
    bench_operation_on(b, &device, &cpu, "apply", 0);
    if (bench_matrix_new(b->device, &device.batch.op, &p.matrix) == NL_OK) {
        const measure m = {.subject = &device, .operation = "cuSPARSE SpMV", .elements = elements,
                           .bytes = bench_matrix_bytes(p.matrix) + 2 * sizeof(double) * elements,
                           .flops = 2 * (2.0 * order + 1) * elements};
        check_product(&p, &cpu);
        bench_measure(b, &m, multiply, &p);
        bench_matrix_release(p.matrix);
    } else {
        printf("%-20s %-16s left out: %s\n", "phase", "cuSPARSE SpMV", nl_error_message());
    }
    bench_pair_release(&device, &cpu);
}

static void matrices(bench *b)
{
    if (b->device->ops->real_size != sizeof(double))
        return;
    for (int n = b->checks_only ? 24 : 256; n <= (b->checks_only ? 24 : 4096); n *= 2)
        for (int order = 2; order <= 8; order += 2)
            matrix_on(b, n, order);
}

/* ---- between grids ---- */

typedef struct carry {
    subject *from, *to;
    nl_transfer transfer;
} carry;

static nl_status run_carry(void *context)
{
    const carry *c = context;
    const nl_job job = {.in = {0}, .c = {1}, .out = 2};
    nl_backend *backend = c->to->batch.backend;
    return backend->ops->transfer(backend, &c->transfer, &c->from->batch.pool, &c->to->batch.pool,
                                  nl_operator_rows(&c->to->batch.op), &job, 1);
}

static carry carry_of(subject *from, subject *to)
{
    carry c = {.from = from, .to = to};
    const int n_from = from->batch.n, n_to = to->batch.n;
    nl_backend *backend = to->batch.backend;
    if ((n_from < n_to ? nl_transfer_new_interpolation(backend, n_from, n_to, &c.transfer)
                       : nl_transfer_new_restriction(backend, n_from, n_to, &c.transfer)) != NL_OK)
        bench_fail(nl_error_message());
    return c;
}

static void carry_over(bench *b, subject from[2], subject to[2], const char *name)
{
    carry device = carry_of(&from[0], &to[0]), cpu = carry_of(&from[1], &to[1]);
    if (run_carry(&device) != NL_OK || run_carry(&cpu) != NL_OK)
        bench_fail(nl_error_message());
    const double difference = subject_difference(&to[0], &to[1], 0, 2);
    if (!(difference <= subject_tolerance(&to[0]))) {
        fprintf(stderr, "bench_cuda: wrong answer: %s to n = %d: device and CPU differ by %.3g\n", name, to[0].batch.n,
                difference);
        exit(1);
    }
    const double elements = (double)to[0].batch.pool.size, moved = elements + (double)from[0].batch.pool.size;
    const measure m = {.subject = &to[0], .operation = name, .elements = elements,
                       .bytes = moved * (double)b->device->ops->real_size};
    bench_measure(b, &m, run_carry, &device);
    nl_transfer_release(b->device, &device.transfer);
    nl_transfer_release(b->cpu, &cpu.transfer);
}

static void transfers(bench *b)
{
    for (int n = b->checks_only ? 32 : 1024; n <= (b->checks_only ? 32 : 4096); n *= 2) {
        subject fine[2], coarse[2];
        if (!bench_pair_new(b, "phase", bench_phase_settings(n, 8), 1, NULL, &fine[0], &fine[1]))
            return;
        if (bench_pair_new(b, "phase", bench_phase_settings(n / 2, 8), 1, NULL, &coarse[0], &coarse[1])) {
            carry_over(b, fine, coarse, "restriction");
            carry_over(b, coarse, fine, "interpolation");
            bench_pair_release(&coarse[0], &coarse[1]);
        }
        bench_pair_release(&fine[0], &fine[1]);
    }
}

const bench_group bench_groups[] = {
    {"phase", "The phase operator on single grids", phase_grids},
    {"steps", "Whole steps of the phase equation", bench_phase_steps},
    {"matrix", "Matrix-free against an assembled matrix", matrices},
    {"batches", "The phase operator on batches of small grids", phase_batches},
    {"lindblad", "The Lindblad operator of one laser", lindblad},
    {"other-steps", "Whole steps of density matrices and amplitudes, rk45 with step control", bench_other_steps},
    {"vectors", "Vectors: combinations, sums, bases", vectors},
    {"dimer", "The operator of the exact dimer", dimer},
    {"amplitude", "The amplitude operator", amplitude},
    {"transfers", "Grid to grid", transfers},
    {"cpu", "Against the CPU of this machine", cpu_operators},
};
const int bench_group_count = sizeof bench_groups / sizeof *bench_groups;
