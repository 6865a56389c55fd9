/* Whole steps through the batch, as runs take them: whatever the backend makes of them. Where that is more than one
 * stage after another, these are measured too. */
#include "groups.h"

#include "../bench.h"

enum { STEPS = 8 }; /* a call */

typedef struct walk {
    subject *s;
    int *active;
} walk;

/* Tolerances so wide that every step is taken, at the bound of stability. */
static nl_status take_steps(void *context)
{
    const walk *w = context;
    return nl_batch_advance(&w->s->batch, w->active, w->s->batch.n_members, 1e3, 1e3, NULL, STEPS);
}

static walk walk_of(subject *s)
{
    walk w = {s, malloc((size_t)s->batch.n_members * sizeof *w.active)};
    if (!w.active)
        bench_fail("not enough memory");
    for (int m = 0; m < s->batch.n_members; m++)
        w.active[m] = m;
    return w;
}

static void check_steps(walk *device, walk *cpu)
{
    const int last = device->s->batch.n_members - 1;
    const nl_member *member = &device->s->batch.members[last];
    const long before = member->steps;
    subject_start(device->s);
    subject_start(cpu->s);
    if (take_steps(device) != NL_OK || take_steps(cpu) != NL_OK)
        bench_fail(nl_error_message());
    const double difference = subject_difference(device->s, cpu->s, last, member->y);
    const bool same_register = member->y == cpu->s->batch.members[last].y;
    if (!same_register || member->steps - before != STEPS || !(difference <= 10 * subject_tolerance(device->s))) {
        fprintf(stderr, "bench_cuda: wrong answer: after %ld steps of %s device and CPU differ by %.3g\n",
                member->steps - before, device->s->name, difference);
        exit(1);
    }
}

/* by: how, where it is not as runs take them. */
static void measure_steps(bench *b, walk *w, const char *by)
{
    const nl_batch *batch = &w->s->batch;
    char name[48];
    if (batch->tableau->chebyshev)
        snprintf(name, sizeof name, "rkc %d%s", batch->members[0].chebyshev.stages, by);
    else
        snprintf(name, sizeof name, "%s%s", batch->tableau->name, by);
    const measure m = {.subject = w->s, .operation = name, .steps = STEPS,
                       .elements = (double)batch->pool.size * batch->n_members};
    bench_measure(b, &m, take_steps, w);
}

/* The device without the operations that do more than one stage. */
static void measure_by_stages(bench *b, walk *device, walk *cpu)
{
    nl_backend *backend = device->s->batch.backend;
    const nl_backend_ops *const whole = backend->ops;
    nl_backend_ops plain = *whole;
    plain.advance = NULL;
    plain.chebyshev = NULL;
    backend->ops = &plain;
    check_steps(device, cpu);
    measure_steps(b, device, " by stages");
    backend->ops = whole;
}

static void steps_of(bench *b, const char *name, const char *settings, int members, const nl_tableau *tableau,
                     bool on_cpu)
{
    subject s[2];
    if (!bench_pair_new(b, name, settings, members, tableau, &s[0], &s[1]))
        return;
    walk device = walk_of(&s[0]), cpu = walk_of(&s[1]);
    check_steps(&device, &cpu);
    measure_steps(b, &device, "");
    if (tableau->chebyshev || nl_batch_advances(&s[0].batch))
        measure_by_stages(b, &device, &cpu);
    if (on_cpu)
        measure_steps(b, &cpu, "");
    free(device.active);
    free(cpu.active);
    bench_pair_release(&s[0], &s[1]);
}

void bench_phase_steps(bench *b)
{
    static const struct {
        int n, members;
    } cases[] = {{100, 1}, {100, 1024}, {500, 1}, {1024, 1}, {4096, 1}};
    const int count = b->checks_only ? 2 : (int)(sizeof cases / sizeof *cases);
    for (int c = 0; c < count; c++)
        for (int order = 2; order <= 8; order += 6)
            steps_of(b, "phase", bench_phase_settings(b->checks_only ? 24 : cases[c].n, order),
                     b->checks_only ? 1 + 2 * c : cases[c].members, nl_tableau_find("rk45"), true);
    for (int c = 0; c < count; c++)
        steps_of(b, "phase", bench_phase_settings(b->checks_only ? 60 : cases[c].n, 2),
                 b->checks_only ? 1 + 2 * c : cases[c].members, nl_tableau_chebyshev(1 + c % 2), true);
}

/* All steps of so small a density matrix are one kernel. */
static void small_steps(bench *b, int members)
{
    char settings[600];
    snprintf(settings, sizeof settings, "%s fock.levels=%d", bench_lindblad_settings(b->checks_only, "photon", false),
             b->checks_only ? 20 : 40);
    steps_of(b, "photon few levels", settings, members, nl_tableau_find("rk45"), true);
}

void bench_other_steps(bench *b)
{
    for (int members = 1; members <= (b->checks_only ? 3 : 64); members += b->checks_only ? 2 : 63) {
        steps_of(b, "photon real", bench_lindblad_settings(b->checks_only, "photon", true), members,
                 nl_tableau_chebyshev(1), true);
        steps_of(b, "photon complex", bench_lindblad_settings(b->checks_only, "photon", false), members,
                 nl_tableau_find("rk45"), true);
        steps_of(b, "qubit real", bench_lindblad_settings(b->checks_only, "qubit", true), members,
                 nl_tableau_chebyshev(1), false);
        small_steps(b, members);
    }
    if (!b->checks_only)
        steps_of(b, "dimer", bench_dimer_settings(64), 1, nl_tableau_chebyshev(1), true);
    steps_of(b, "amplitude", bench_amplitude_settings(b->checks_only ? 12 : 48, 4), 1, nl_tableau_find("rk45"), true);
}
