#include "operations.h"

#include "../bench.h"

typedef struct call {
    subject *s;
    const operation *o;
    nl_job *jobs;
    double *result;
    size_t result_len;
} call;

/* ---- what the operations are ---- */

static nl_status run_apply(subject *s, const nl_job *jobs, int n, double *result)
{
    (void)result;
    return s->batch.backend->ops->apply(s->batch.backend, &s->batch.op, &s->batch.pool, jobs, n);
}

static nl_status run_update(subject *s, const nl_job *jobs, int n, double *result)
{
    (void)result;
    return nl_backend_update(s->batch.backend, &s->batch.op, &s->batch.pool, jobs, n);
}

static nl_status run_stage(subject *s, const nl_job *jobs, int n, double *result)
{
    (void)result;
    return nl_backend_stage(s->batch.backend, &s->batch.op, &s->batch.pool, jobs, n);
}

static nl_status run_unfused_stage(subject *s, const nl_job *jobs, int n, double *result)
{
    (void)result;
    return nl_backend_combine_then_apply(s->batch.backend, &s->batch.op, &s->batch.pool, jobs, n);
}

static nl_status run_combine(subject *s, const nl_job *jobs, int n, double *result)
{
    (void)result;
    return s->batch.backend->ops->combine(s->batch.backend, &s->batch.pool, jobs, n);
}

static nl_status run_error(subject *s, const nl_job *jobs, int n, double *result)
{
    return s->batch.backend->ops->error(s->batch.backend, &s->batch.pool, jobs, n, 1e-8, 1e-10, result);
}

static nl_status run_sums(subject *s, const nl_job *jobs, int n, double *result)
{
    return s->batch.backend->ops->sums(s->batch.backend, &s->batch.pool, jobs, n, result);
}

static nl_status run_largest(subject *s, const nl_job *jobs, int n, double *result)
{
    return s->batch.backend->ops->largest(s->batch.backend, &s->batch.pool, jobs, n, result);
}

static nl_status run_dot(subject *s, const nl_job *jobs, int n, double *result)
{
    return s->batch.backend->ops->dot(s->batch.backend, &s->batch.pool, jobs, n, result);
}

static nl_status run_moments(subject *s, const nl_job *jobs, int n, double *result)
{
    return s->batch.backend->ops->moments(s->batch.backend, &s->batch.op, &s->batch.pool, jobs, n, result);
}

/* Registers 1 ... 6 as a basis, 0 as the vector. */
static void fill_basis(const nl_job *jobs, int n, nl_basis_job *out)
{
    for (int j = 0; j < n; j++)
        out[j] = (nl_basis_job){.slot = jobs[j].slot, .first = 1, .count = 6, .vector = 0};
}

static nl_status run_project(subject *s, const nl_job *jobs, int n, double *result)
{
    nl_basis_job basis[n];
    fill_basis(jobs, n, basis);
    return s->batch.backend->ops->project(s->batch.backend, &s->batch.pool, basis, n, result);
}

static nl_status run_expand(subject *s, const nl_job *jobs, int n, double *result)
{
    nl_basis_job basis[n];
    fill_basis(jobs, n, basis);
    for (int i = 0; i < n * NL_MAX_BASIS; i++)
        result[i] = 1e-9 * (i % 7); /* repeated thousands of times, it must not grow */
    return s->batch.backend->ops->expand(s->batch.backend, &s->batch.pool, basis, n, result);
}

/* No operation reads what it writes but expand, so that each may be repeated. Registers: see subject.h. */
#define THREE .n_terms = 3, .in = {0, 1, 3}, .c = {1, 0.3, -0.2}
#define FOUR .n_terms = 4, .in = {0, 1, 3, 4}, .c = {1, 0.3, -0.2, 0.1}
#define SEVEN .n_terms = 7, .in = {2, 3, 4, 5, 6, 7, 8}, .c = {1e-9, 2e-9, -1e-9, 3e-9, 1e-9, -2e-9, 1e-9}

static const operation all[] = {
    {"apply", run_apply, {.in = {0}, .out = 2}, 2, 2, 0, true},
    {"update of 3", run_update, {THREE, .out = 2, .arg = 5, .scale = 1e-3}, 4, 2, 0, true},
    {"stage of 4", run_stage, {FOUR, .out = 2, .arg = 5}, 5, 2, 0, true},
    {"unfused stage", run_unfused_stage, {FOUR, .out = 2, .arg = 5}, 5, 2, 0, true},
    {"combine 1", run_combine, {.n_terms = 1, .in = {0}, .c = {0.5}, .out = 2}, 2, 2, 0, false},
    {"combine 4", run_combine, {FOUR, .out = 2}, 5, 2, 0, false},
    {"error of 7", run_error, {SEVEN, .y = 0, .y_new = 1}, 9, -1, 1, false},
    {"sums", run_sums, {.in = {0}}, 1, -1, 2, false},
    {"largest", run_largest, {.in = {0}}, 1, -1, 1, false},
    {"dot", run_dot, {.in = {0, 1}}, 2, -1, 1, false},
    {"moments", run_moments, {.in = {0}}, 1, -1, RESULTS_MOMENTS, false},
    {"project on 6", run_project, {0}, 7, -1, NL_MAX_BASIS, false},
    {"expand of 6", run_expand, {0}, 8, 0, RESULTS_WORK, false},
};

const operation *operation_named(const char *name)
{
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(all[k].name, name) == 0)
            return &all[k];
    return NULL;
}

/* ---- calls ---- */

static call call_of(subject *s, const operation *o)
{
    const int n = s->batch.n_members;
    call c = {s, o, calloc((size_t)n, sizeof *c.jobs), NULL, 0};
    c.result_len = o->results == RESULTS_MOMENTS ? nl_moments_len(&s->batch.op)
                   : o->results == RESULTS_WORK  ? (size_t)NL_MAX_BASIS
                                                 : (size_t)o->results;
    c.result = calloc((size_t)n * c.result_len + 1, sizeof *c.result);
    if (!c.jobs || !c.result)
        bench_fail("not enough memory");
    for (int m = 0; m < n; m++) {
        c.jobs[m] = o->job;
        c.jobs[m].slot = m;
    }
    return c;
}

static void release_call(call *c)
{
    free(c->jobs);
    free(c->result);
}

static nl_status run_call(void *context)
{
    call *c = context;
    return c->o->run(c->s, c->jobs, c->s->batch.n_members, c->result);
}

/* ---- checks ---- */

static void refuse(const subject *s, const operation *o, double difference)
{
    fprintf(stderr, "bench_cuda: wrong answer: %s of %s, n = %d, order %d, %d members: device and CPU differ by %.3g\n",
            o->name, s->name, s->batch.n, 2 * s->batch.op.half_width, s->batch.n_members, difference);
    exit(1);
}

/* Results of one job are compared over their largest: of sums, some cancel. */
static double result_difference(const call *a, const call *b)
{
    double most = 0;
    for (int m = 0; m < a->s->batch.n_members && a->o->results != RESULTS_WORK; m++) {
        const double *x = a->result + m * a->result_len, *y = b->result + m * a->result_len;
        double difference = 0, largest = 1e-300;
        for (size_t i = 0; i < a->result_len; i++) {
            if (!(fabs(x[i] - y[i]) <= difference))
                difference = fabs(x[i] - y[i]);
            largest = fmax(largest, fabs(y[i]));
        }
        if (!(difference / largest <= most))
            most = difference / largest;
    }
    return most;
}

static void check(call *device, call *cpu)
{
    const int members = device->s->batch.n_members, out = device->o->out;
    if (run_call(device) != NL_OK || run_call(cpu) != NL_OK)
        bench_fail(nl_error_message());
    double difference = result_difference(device, cpu);
    for (int m = 0; m < members && out >= 0; m += members > 1 ? members - 1 : 1) {
        const double vector = subject_difference(device->s, cpu->s, m, out);
        if (!(vector <= difference))
            difference = vector;
    }
    if (!(difference <= subject_tolerance(device->s)))
        refuse(device->s, device->o, difference);
}

/* ---- measurements ---- */

static measure measure_of(const subject *s, const operation *o)
{
    const nl_operator *op = &s->batch.op;
    const double elements = (double)s->batch.pool.size * s->batch.n_members, w = op->half_width;
    const bool counted = o->applies && op->kind == NL_OPERATOR_PHASE && op->sites == 2;
    /* nl_phase_point: 4 w pairs of 11 operations and a sum each, halved by two axes of w pairs; 2 for the centre */
    const double flops = counted ? 24 * w + 2 + 2 * o->job.n_terms : 0;
    return (measure){.subject = s, .operation = o->name, .elements = elements,
                     .bytes = elements * o->numbers * (double)s->batch.backend->ops->real_size,
                     .flops = elements * flops};
}

void bench_operation_on(bench *b, subject *device, subject *cpu, const char *name, unsigned what)
{
    const operation *o = operation_named(name);
    call on_device = call_of(device, o), on_cpu = call_of(cpu, o);
    measure m = measure_of(device, o);
    check(&on_device, &on_cpu);
    bench_measure(b, &m, run_call, &on_device);
    if (what & ALSO_COLD) {
        m.cache = COLD;
        bench_measure(b, &m, run_call, &on_device);
    }
    if (what & ALSO_CPU) {
        m = measure_of(cpu, o);
        bench_measure(b, &m, run_call, &on_cpu);
    }
    release_call(&on_device);
    release_call(&on_cpu);
}
