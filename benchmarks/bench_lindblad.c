/*
 * The Lindblad operator: applications per second and fraction of the machine's own triad bandwidth.
 *   bench_lindblad [cpu|cuda] [largest N] [double|single]
 *
 * Declared traffic of a stored number, of 8 bytes or in single precision 4: apply 2 (read S, write dS/dt); update, a
 * Chebyshev stage out = scale L in0 + c0 in0 + c1 in1 with out in the place of in1, 3 (in0 is counted once), and with a
 * third vector 4. Applications are per member, so that batches compare with single members. Prints medians and spread
 * over repetitions. Random elements are checked against the equations' elements before anything is timed.
 */
#include <complex.h>

#include "bench.h"
#include "lindblad_point.h"

enum { REGISTERS = 4, OUT = REGISTERS - 1 };

typedef struct form {
    const char *name;
    int components, planes, orders; /* orders 0: all */
} form;

static const form forms[] = {{"photon real", 1, 1, 0},
                             {"photon real", 1, 1, 40},
                             {"photon complex", 1, 2, 0},
                             {"qubit real", 4, 1, 0}};

static int largest = 512;

/* C_p = 1.1, a drive with both parts where the form allows it. Not closed, so that the elements are the equations'. */
static nl_lindblad laser_of(const form *f, int N)
{
    return (nl_lindblad){.laser = {.C_p = 1.1, .A = 1.1, .B_r = 1.1 / N, .C = 1}, .sites = 1,
                         .components = f->components, .planes = f->planes,
                         .orders = f->orders && f->orders < N ? f->orders : N, .g = sqrt(1.1 * 2 * N), .gamma = 2 * N,
                         .drive = {{0.3, f->planes > 1 ? 0.2 : 0}}};
}

/* ---- the check ---- */

/* <q, m| rho |r, n>, q and r the qubit (0 in the photon model), from a stored state. */
static double complex element(const nl_operator *op, const double *state, int q, int m, int r, int n)
{
    static const double complex powers[] = {1, -I, -1, I};
    static const int component[2][2] = {{1, 3}, {2, 0}}; /* gg, ge; eg, ee */
    const int E = n + r, k = m + q - E;
    if (m < 0 || n < 0 || m + q >= op->n || E >= op->n || abs(k) >= op->orders)
        return 0;
    if (k < 0)
        return conj(element(op, state, r, n, q, m));
    const size_t plane = nl_lindblad_plane(op);
    const int c = op->components > 1 ? component[q][r] : 0;
    const double *S = state + c * op->planes * plane + nl_lindblad_row(op->n, k) + E;
    return powers[k % 4] * (q == r ? 1 : q ? -I : I) * (S[0] + (op->planes > 1 ? I * S[plane] : 0));
}

/* (H rho)_(q m, r n) */
static double complex left_of_H(const nl_lindblad *l, const nl_operator *op, const double *s, int q, int m, int r,
                                int n)
{
    const double complex f = l->drive[0].re + I * l->drive[0].im;
    double complex sum = conj(f) * sqrt(m + 1) * element(op, s, q, m + 1, r, n) +
                         f * sqrt(m) * element(op, s, q, m - 1, r, n);
    if (op->components > 1)
        sum += l->g * (q ? sqrt(m + 1) * element(op, s, 0, m + 1, r, n) : sqrt(m) * element(op, s, 1, m - 1, r, n));
    return sum;
}

/* d rho/dt at one element: Eq. 6, or Eq. 1. */
static double complex direct(const nl_lindblad *l, const nl_operator *op, const double *s, int q, int m, int r, int n)
{
#define RHO(i, j) element(op, s, q, i, r, j)
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C;
    double complex sum = -I * (left_of_H(l, op, s, q, m, r, n) - conj(left_of_H(l, op, s, r, n, q, m))) -
                         C * (m + n) * RHO(m, n) + 2 * C * sqrt((m + 1.0) * (n + 1)) * RHO(m + 1, n + 1);
    if (op->components > 1) {
        sum -= l->gamma * (2 - q - r) * RHO(m, n);
        if (q && r)
            sum += 2 * l->gamma * element(op, s, 0, m, 0, n);
        return sum;
    }
    return sum + (-A * (m + n + 2) + B * (m + 1) * (n + 1)) * RHO(m, n) +
           (2 * A + B) * sqrt((double)m * n) * RHO(m - 1, n - 1) -
           B * sqrt((double)m * (m - 1) * n * (n - 1)) * RHO(m - 2, n - 2);
#undef RHO
}

static void check(const nl_lindblad *l, const nl_operator *op, const double *state, const double *out, double tolerance)
{
    const double largest_rate = op->components > 1 ? 4 * l->gamma : 10 * op->n;
    for (int trial = 0; trial < 2000; trial++) {
        const int q = op->components > 1 && rand() % 2, r = op->components > 1 && rand() % 2;
        const int E = trial < 100 ? trial % 4 : trial < 200 ? op->n - 1 - trial % 4 : rand() % op->n;
        const int k = trial % 3 ? rand() % op->orders : rand() % 4, m = E + k - q, n = E - r;
        if (m < 0 || n < 0 || E + k >= op->n || k >= op->orders)
            continue;
        const double complex wanted = direct(l, op, state, q, m, r, n), got = element(op, out, q, m, r, n);
        if (!(cabs(got - wanted) < tolerance * largest_rate)) {
            fprintf(stderr, "bench_lindblad: wrong answer at N = %d, <%d, %d| |%d, %d>: %g%+gi, not %g%+gi\n", op->n, q,
                    m, r, n, creal(got), cimag(got), creal(wanted), cimag(wanted));
            exit(1);
        }
    }
}

/* ---- the vectors ---- */

/* A Hermitian state: on the diagonal photons, ee and gg are real, and eg and ge each other's conjugates. */
static void fill(const nl_operator *op, double *state)
{
    const size_t plane = nl_lindblad_plane(op);
    memset(state, 0, nl_operator_size(op) * sizeof *state);
    for (int c = 0; c < op->components; c++)
        for (int p = 0; p < op->planes; p++)
            for (int k = 0; k < op->orders; k++) {
                const nl_component component = nl_lindblad_component(op->components, c);
                double *row = state + (c * op->planes + p) * plane + nl_lindblad_row(op->n, k);
                if (!(p == 1 && k == 0))
                    for (int E = nl_lindblad_first(component, k); E < op->n - k; E++)
                        row[E] = sin(0.37 * E + 1.3 * k + 0.7 * p + (component == NL_GE && k == 0 ? 2 : c));
            }
}

/* Every member with the same state in every register and the same table. */
static nl_operator set_up(nl_backend *backend, const nl_lindblad *l, int N, int batch, nl_pool *pool, double *state)
{
    nl_operator op = nl_lindblad_shape(l, N);
    double *table = malloc(batch * op.table_len * sizeof *table);
    if (!table || nl_pool_new(backend, batch, REGISTERS, nl_operator_size(&op), pool) != NL_OK ||
        nl_tables_new(backend, &op, batch) != NL_OK)
        bench_fail("not enough memory");
    for (int slot = 0; slot < batch; slot++)
        nl_lindblad_fill_table(l, N, table + slot * op.table_len);
    nl_tables_put(backend, &op, batch, table);
    fill(&op, state);
    for (int slot = 0; slot < batch; slot++)
        for (int r = 0; r < REGISTERS; r++)
            nl_pool_put(backend, pool, slot, r, state);
    free(table);
    return op;
}

/* Both operations on the last member, of in0 = in1 = in2 = state. */
static void check_member(nl_backend *backend, const nl_lindblad *l, const nl_operator *op, const nl_pool *pool,
                         int slot, const double *state)
{
    const nl_job apply = {.slot = slot, .out = OUT};
    const nl_job update = {.slot = slot, .n_terms = 3, .in = {0, 1, 2}, .c = {0.5, -0.25, 1}, .out = OUT, .arg = OUT,
                           .scale = 2};
    double *out = malloc(pool->size * sizeof *out);
    if (!out || backend->ops->apply(backend, op, pool, &apply, 1) != NL_OK)
        bench_fail(out ? nl_error_message() : "not enough memory");
    nl_pool_get(backend, pool, slot, OUT, out);
    check(l, op, state, out, bench_tolerance(backend, 1e-13));
    if (nl_backend_update(backend, op, pool, &update, 1) != NL_OK)
        bench_fail(nl_error_message());
    nl_pool_get(backend, pool, slot, OUT, out);
    for (size_t x = 0; x < pool->size; x++)
        out[x] = (out[x] - 1.25 * state[x]) / 2;
    check(l, op, state, out, bench_tolerance(backend, 1e-13));
    free(out);
}

/* ---- timing ---- */

static void print_row(const char *what, const form *f, const nl_backend *backend, const nl_operator *op, int batch,
                      int numbers, bench_summary s, double triad)
{
    const double elements = (double)nl_operator_size(op) * batch, rate = elements / s.median;
    const double bytes = numbers * (double)backend->ops->real_size;
    printf("%-9s %-14s %4d %6d %5d %7d %12.1f %12.1f %6.1f%% %8.2f %8.2f\n", what, f->name, op->n, op->orders, batch,
           backend->threads, batch / s.median, rate / 1e6, 100 * s.spread, bytes * rate / 1e9, bytes * rate / triad);
    fflush(stdout);
}

/* One job for each member of the batch. */
static bench_summary time_jobs(nl_backend *backend, bench_operation run, const nl_operator *op, const nl_pool *pool,
                               nl_job job, int batch)
{
    nl_job *jobs = malloc(batch * sizeof *jobs);
    if (!jobs)
        bench_fail("not enough memory");
    for (int slot = 0; slot < batch; slot++) {
        jobs[slot] = job;
        jobs[slot].slot = slot;
    }
    const bench_summary s = bench_time(backend, run, op, pool, jobs, batch);
    free(jobs);
    return s;
}

static void bench_case(nl_backend *backend, const form *f, int N, int batch, double triad)
{
    const nl_lindblad l = laser_of(f, N);
    const nl_operator shape = nl_lindblad_shape(&l, N);
    const nl_job apply = {.out = OUT};
    /* coefficients so small that nothing grows */
    const nl_job stage = {.n_terms = 2, .in = {0, OUT}, .c = {0.3, 0.2}, .out = OUT, .scale = 1e-6, .arg = 1};
    const nl_job three = {.n_terms = 3, .in = {0, 1, 2}, .c = {0.3, 0.2, 0.1}, .out = OUT, .scale = 1e-6, .arg = OUT};
    const double bytes = (double)backend->ops->real_size * REGISTERS * batch * (double)nl_operator_size(&shape);
    size_t available = 0;
    nl_pool pool;
    if (backend->ops->available(backend, &available) == NL_OK && bytes > 0.7 * (double)available) {
        printf("%-24s %4d %6d %5d: left out, it takes %.1f GB\n", f->name, N, l.orders, batch, bytes / 1e9);
        return;
    }
    double *state = malloc(nl_operator_size(&shape) * sizeof *state);
    if (!state)
        bench_fail("not enough memory");
    nl_operator op = set_up(backend, &l, N, batch, &pool, state);
    check_member(backend, &l, &op, &pool, batch - 1, state);
    print_row("apply", f, backend, &op, batch, 2,
              time_jobs(backend, backend->ops->apply, &op, &pool, apply, batch), triad);
    print_row("stage", f, backend, &op, batch, 3, time_jobs(backend, nl_backend_update, &op, &pool, stage, batch),
              triad);
    print_row("update 3", f, backend, &op, batch, 4, time_jobs(backend, nl_backend_update, &op, &pool, three, batch),
              triad);
    free(state);
    backend->ops->free(backend, op.tables);
    nl_pool_release(backend, &pool);
}

static void bench_backend(nl_backend *backend, double triad)
{
    printf("%-9s %-14s %4s %6s %5s %7s %12s %12s %7s %8s %8s\n", "what", "form", "N", "orders", "batch", "threads",
           "applications", "Melements/s", "spread", "GB/s", "of triad");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (int N = 64; N <= largest; N *= 2)
            for (int batch = 1; batch <= 64; batch *= 64)
                bench_case(backend, &forms[i], N, batch, triad);
}

int main(int argc, char **argv)
{
    bench_on(argc, argv, &largest, bench_backend);
    return 0;
}
