/* Every operation of every backend against a plain evaluation, and backends against each other. */
#include "nanolase/transfer.h"
#include "transfer_point.h"
#include "rig.h"

static const int orders[] = {2, 4, 6, 8};

static nl_backend *backend_of(void **state)
{
    return *state;
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    nl_backend *b = backend_of(state);
    const size_t sizes[] = {1, 7, 4097, 100003};
    rng r = {3};
    size_t available = 0;
    OK(b->ops->available(b, &available));
    assert_true(available > 1000000);
    for (int s = 0; s < COUNT(sizes); s++) {
        double *there = random_array(&r, sizes[s]), *back = new_array(sizes[s]);
        void *memory = NULL;
        OK(b->ops->alloc(b, sizes[s] * sizeof *there, &memory));
        OK(b->ops->upload(b, memory, there, sizes[s] * sizeof *there));
        OK(b->ops->download(b, back, memory, sizes[s] * sizeof *there));
        assert_memory_equal(there, back, sizes[s] * sizeof *there);
        b->ops->free(b, memory);
        free(there);
        free(back);
    }
    b->ops->free(b, NULL);
}

#ifdef NL_SANITIZED
/* An allocation that fails gives NULL, as it does without the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static void test_too_much_memory(void **state)
{
    nl_backend *b = backend_of(state);
    void *memory = NULL;
    FAILS(b->ops->alloc(b, (size_t)1 << 60, &memory), NL_ERR_MEMORY, "cannot allocate");
    assert_null(memory);
    OK(b->ops->alloc(b, 64, &memory)); /* the backend goes on */
    b->ops->free(b, memory);
}

/* What comes back is what went there, rounded once. */
static void test_put_and_get(void **state)
{
    nl_backend *b = backend_of(state);
    const size_t size = 1500001; /* more than is converted at a time */
    rng r = {4};
    double *there = random_array(&r, size), *back = new_array(size);
    void *memory = NULL;
    OK(b->ops->alloc(b, (size + 3) * b->ops->real_size, &memory));
    OK(b->ops->put(b, memory, 3, there, size));
    OK(b->ops->get(b, back, memory, 3, size));
    for (size_t x = 0; x < size; x++)
        if (back[x] != (is_single(b) ? (double)(float)there[x] : there[x]))
            fail_msg("number %zu: %.17g has become %.17g", x, there[x], back[x]);
    OK(b->ops->put(b, memory, 7, (double[]){1.5, -2.25}, 2));
    OK(b->ops->get(b, back, memory, 6, 4));
    assert_true(back[1] == 1.5 && back[2] == -2.25);
    assert_true(fabs(back[0] - there[3]) < 1e-6 && fabs(back[3] - there[6]) < 1e-6);
    b->ops->free(b, memory);
    free(there);
    free(back);
}

/* ---- the operator ---- */

/* Two of three slots, in an order of their own and from and to registers of their own. */
static const nl_job apply_jobs[] = {{.slot = 2, .in = {1}, .out = 3}, {.slot = 0, .in = {2}, .out = 0}};

static void check_apply_dense(nl_backend *b, int sites, int n, int order)
{
    rig g = rig_new(b, sites, n, order, 3, 4);
    double *expected = new_array(g.pool.size);
    OK(b->ops->apply(b, &g.op, &g.pool, apply_jobs, COUNT(apply_jobs)));
    rig_look_around(&g, apply_jobs, COUNT(apply_jobs), false);
    for (int j = 0; j < COUNT(apply_jobs); j++) {
        const nl_job *job = &apply_jobs[j];
        double *matrix = reference_matrix(&g.phase[job->slot], n, order);
        multiply(matrix, rig_was(&g, job->slot, job->in[0]), (int)g.pool.size, expected);
        CLOSE(difference(rig_is(&g, job->slot, job->out), expected, g.pool.size), 0, rounded(b, 2e-14));
        free(matrix);
    }
    free(expected);
    rig_release(&g);
}

static void test_apply_against_matrix(void **state)
{
    for (int sites = 1; sites <= 2; sites++)
        for (int o = 0; o < COUNT(orders); o++) {
            check_apply_dense(backend_of(state), sites, orders[o] + 2, orders[o]);
            check_apply_dense(backend_of(state), sites, 13, orders[o]);
        }
}

/* Grids of several blocks, none full. */
static void test_apply_on_larger_grids(void **state)
{
    nl_backend *b = backend_of(state);
    const struct {
        int sites, n, order;
    } cases[] = {{2, 37, 2}, {2, 101, 4}, {2, 103, 8}, {1, 300, 6}, {1, 9001, 8}};
    for (int k = 0; k < COUNT(cases); k++) {
        rig g = rig_new(b, cases[k].sites, cases[k].n, cases[k].order, 3, 4);
        double *expected = new_array(g.pool.size);
        OK(b->ops->apply(b, &g.op, &g.pool, apply_jobs, COUNT(apply_jobs)));
        rig_look_around(&g, apply_jobs, COUNT(apply_jobs), false);
        for (int j = 0; j < COUNT(apply_jobs); j++) {
            const nl_job *job = &apply_jobs[j];
            reference_apply(&g.phase[job->slot], cases[k].n, cases[k].order, rig_was(&g, job->slot, job->in[0]),
                            expected);
            CLOSE(difference(rig_is(&g, job->slot, job->out), expected, g.pool.size), 0, rounded(b, 1e-13));
        }
        free(expected);
        rig_release(&g);
    }
}

/* ---- combinations ---- */

/* A job of `terms` terms; out: one of the inputs where in_place >= 0. */
static nl_job combine_job(int slot, int terms, int in_place)
{
    nl_job job = {.slot = slot, .n_terms = terms, .out = 9};
    for (int k = 0; k < terms; k++) {
        job.in[k] = (slot + 3 * k) % 9; /* may name a register twice */
        job.c[k] = 0.5 + k - 1.7 * slot;
    }
    if (in_place >= 0)
        job.out = job.in[in_place];
    return job;
}

static void check_combine(nl_backend *b, size_t size, int terms, int in_place)
{
    rig g = rig_of_size(b, size, 3, 10, size + (uint64_t)terms);
    const nl_job jobs[] = {combine_job(2, terms, in_place), combine_job(1, terms, in_place)};
    OK(b->ops->combine(b, &g.pool, jobs, COUNT(jobs)));
    rig_look_around(&g, jobs, COUNT(jobs), false);
    for (int j = 0; j < COUNT(jobs); j++) {
        double *expected = rig_combination(&g, &jobs[j]);
        CLOSE(difference(rig_is(&g, jobs[j].slot, jobs[j].out), expected, size), 0, rounded(b, 1e-14));
        free(expected);
    }
    rig_release(&g);
}

static void test_combine(void **state)
{
    static const size_t sizes[] = {1, 100, 4099, 16387};
    for (int s = 0; s < COUNT(sizes); s++)
        for (int terms = 0; terms <= NL_MAX_TERMS; terms++)
            for (int in_place = -1; in_place < terms; in_place += terms > 1 ? terms - 1 : 1)
                check_combine(backend_of(state), sizes[s], terms, in_place);
}

/* ---- the fused stage ---- */

static nl_job stage_job(int slot, int terms, bool keep)
{
    nl_job job = {.slot = slot, .n_terms = terms, .out = 8 - slot, .arg = 9, .keep = keep};
    for (int k = 0; k < terms; k++) {
        job.in[k] = (k + slot) % 6;
        job.c[k] = k ? 0.1 * k * (k % 2 ? -1 : 1) : 1;
    }
    return job;
}

static void check_stage(nl_backend *b, int sites, int n, int order, int terms)
{
    rig g = rig_new(b, sites, n, order, 3, 10);
    const nl_job jobs[] = {stage_job(1, terms, true), stage_job(0, terms, false)};
    double *expected = new_array(g.pool.size);
    OK(nl_backend_stage(b, &g.op, &g.pool, jobs, COUNT(jobs)));
    rig_look_around(&g, jobs, COUNT(jobs), true);
    for (int j = 0; j < COUNT(jobs); j++) {
        const nl_job *job = &jobs[j];
        double *combination = rig_combination(&g, job);
        reference_apply(&g.phase[job->slot], n, order, combination, expected);
        CLOSE(difference(rig_is(&g, job->slot, job->out), expected, g.pool.size), 0, rounded(b, 2e-13));
        if (job->keep)
            CLOSE(difference(rig_is(&g, job->slot, job->arg), combination, g.pool.size), 0, rounded(b, 1e-14));
        free(combination);
    }
    free(expected);
    rig_release(&g);
}

static void test_stage(void **state)
{
    for (int sites = 1; sites <= 2; sites++)
        for (int o = 0; o < COUNT(orders); o++) {
            check_stage(backend_of(state), sites, orders[o] + 2, orders[o], 1);
            check_stage(backend_of(state), sites, 21, orders[o], 6);
        }
    check_stage(backend_of(state), 2, 101, 8, 4);
    check_stage(backend_of(state), 1, 9001, 6, 3);
}

/* The fused stage does what the two operations do that it stands for. */
static void test_stage_is_combine_and_apply(void **state)
{
    nl_backend *b = backend_of(state);
    for (int n = 12; n <= 92; n += 80) {
        rig g = rig_new(b, 2, n, 8, 2, 10), h = rig_new(b, 2, n, 8, 2, 10);
        nl_job job = stage_job(1, 5, true);
        OK(nl_backend_stage(b, &g.op, &g.pool, &job, 1));
        rig_look(&g);
        nl_job combine = job, apply = job;
        combine.out = job.arg;
        apply.in[0] = job.arg;
        OK(b->ops->combine(b, &h.pool, &combine, 1));
        OK(b->ops->apply(b, &h.op, &h.pool, &apply, 1));
        rig_look(&h);
        CLOSE(difference(rig_is(&g, 1, job.out), rig_is(&h, 1, job.out), g.pool.size), 0, rounded(b, 1e-14));
        CLOSE(difference(rig_is(&g, 1, job.arg), rig_is(&h, 1, job.arg), g.pool.size), 0, rounded(b, 1e-15));
        rig_release(&g);
        rig_release(&h);
    }
}

/* ---- reductions ---- */

static const size_t reduction_sizes[] = {1, 31, 257, 4096, 4097, 8193, 20011};

static double plain_error(const rig *g, const nl_job *job, double rtol, double atol)
{
    double *e = rig_combination(g, job), sum = 0;
    for (size_t x = 0; x < g->pool.size; x++) {
        const double y = fabs(rig_was(g, job->slot, job->y)[x]), y_new = fabs(rig_was(g, job->slot, job->y_new)[x]);
        sum += pow(e[x] / (atol + rtol * (y > y_new ? y : y_new)), 2);
    }
    free(e);
    return sqrt(sum / (double)g->pool.size);
}

static nl_job error_job(int slot)
{
    return (nl_job){.slot = slot, .n_terms = 3, .in = {3, 0, 5}, .c = {0.3, -1.1, 0.4 + slot}, .y = 1, .y_new = 2};
}

static void test_error(void **state)
{
    nl_backend *b = backend_of(state);
    for (int s = 0; s < COUNT(reduction_sizes); s++) {
        rig g = rig_of_size(b, reduction_sizes[s], 3, 6, 5);
        const nl_job jobs[] = {error_job(2), error_job(0)};
        double result[2];
        OK(b->ops->error(b, &g.pool, jobs, 2, 1e-3, 1e-2, result));
        rig_look_around(&g, NULL, 0, false);
        for (int j = 0; j < 2; j++) {
            const double expected = plain_error(&g, &jobs[j], 1e-3, 1e-2);
            CLOSE(result[j], expected, rounded(b, 1e-12) * expected);
        }
        rig_release(&g);
    }
}

/* One bad element anywhere, in one member, shows in that member's error only. */
static void test_error_shows_bad_numbers(void **state)
{
    nl_backend *b = backend_of(state);
    const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    const size_t size = 8200, places[] = {0, 300, 8199};
    for (int k = 0; k < COUNT(bad) * COUNT(places); k++) {
        rig g = rig_of_size(b, size, 2, 6, 5);
        const nl_job jobs[] = {error_job(1), error_job(0)};
        double result[2];
        OK(b->ops->put(b, g.pool.data, rig_number(&g, 1, 3) + places[k % COUNT(places)], &bad[k / COUNT(places)], 1));
        OK(b->ops->error(b, &g.pool, jobs, 2, 1e-3, 1e-2, result));
        assert_false(isfinite(result[0]));
        assert_true(isfinite(result[1]));
        rig_release(&g);
    }
}

static void test_sums_and_dot(void **state)
{
    nl_backend *b = backend_of(state);
    for (int s = 0; s < COUNT(reduction_sizes); s++) {
        const size_t size = reduction_sizes[s];
        rig g = rig_of_size(b, size, 3, 4, 9);
        const nl_job jobs[] = {{.slot = 2, .in = {1, 3}}, {.slot = 1, .in = {0, 0}}};
        double sums[4], dots[2];
        OK(b->ops->sums(b, &g.pool, jobs, 2, sums));
        OK(b->ops->dot(b, &g.pool, jobs, 2, dots));
        rig_look_around(&g, NULL, 0, false);
        for (int j = 0; j < 2; j++) {
            const double *v = rig_was(&g, jobs[j].slot, jobs[j].in[0]), *w = rig_was(&g, jobs[j].slot, jobs[j].in[1]);
            double magnitude = 0, dot = 0;
            for (size_t x = 0; x < size; x++) {
                magnitude += fabs(v[x]);
                dot += v[x] * w[x];
            }
            CLOSE(sums[2 * j], sum_of(v, size), 1e-14 * magnitude);
            CLOSE(sums[2 * j + 1], magnitude, 1e-13 * magnitude);
            CLOSE(dots[j], dot, 1e-13 * magnitude); /* in any precision */
        }
        rig_release(&g);
    }
}

static void check_moments(nl_backend *b, int sites, int n)
{
    rig g = rig_new(b, sites, n, 2, 3, 3);
    const nl_job jobs[] = {{.slot = 1, .in = {2}}, {.slot = 2, .in = {0}}};
    const size_t len = nl_moments_len(&g.op);
    double *moments = new_array(2 * len), *expected = new_array(len);
    OK(b->ops->moments(b, &g.op, &g.pool, jobs, 2, moments));
    rig_look_around(&g, NULL, 0, false);
    for (int j = 0; j < 2; j++) {
        const double *P = rig_was(&g, jobs[j].slot, jobs[j].in[0]);
        memset(expected, 0, len * sizeof *expected);
        for (int i = 0; i < (sites == 2 ? n : 1); i++)
            for (int k = 0; k < n; k++) {
                expected[sites == 2 ? i : k] += P[i * n + k];
                if (sites == 2) {
                    expected[n + k] += P[i * n + k];
                    expected[2 * n + modulo(k - i, n)] += P[i * n + k];
                }
            }
        CLOSE(difference(moments + j * len, expected, len), 0, 1e-13);
    }
    free(moments);
    free(expected);
    rig_release(&g);
}

static void test_moments(void **state)
{
    static const int sizes[] = {4, 33, 64, 101};
    for (int s = 0; s < COUNT(sizes); s++)
        for (int sites = 1; sites <= 2; sites++)
            check_moments(backend_of(state), sites, sizes[s]);
}

/* ---- interpolation ---- */

/* A trigonometric polynomial that 8-point interpolation follows to its error, other for each slot. */
static double wave(int slot, double theta1, double theta2)
{
    return 1 + 0.5 * cos(theta1 - 0.3 * slot) + 0.4 * sin(theta2 + theta1) - 0.2 * cos(2 * theta2 + slot);
}

static void fill_wave(double *P, int slot, int sites, int n)
{
    const double h = 2 * acos(-1.0) / n;
    for (int i = 0; i < (sites == 2 ? n : 1); i++)
        for (int j = 0; j < n; j++)
            P[i * n + j] = wave(slot, h * i, h * j);
}

static void check_interpolation(nl_backend *b, int sites, int n_coarse, int n_fine)
{
    rig from = rig_new(b, sites, n_coarse, 2, 3, 2), to = rig_new(b, sites, n_fine, 2, 3, 3);
    const nl_job jobs[] = {{.slot = 2, .in = {1}, .c = {0.7}, .out = 2},
                           {.slot = 0, .in = {0}, .c = {-2}, .out = 1, .keep = 1}};
    double *P = new_array(from.pool.size), *expected = new_array(to.pool.size);
    nl_transfer transfer;
    OK(nl_transfer_new_interpolation(b, n_coarse, n_fine, &transfer));
    for (int j = 0; j < 2; j++) {
        fill_wave(P, jobs[j].slot, sites, n_coarse);
        OK(nl_pool_put(b, &from.pool, jobs[j].slot, jobs[j].in[0], P));
    }
    OK(b->ops->transfer(b, &transfer, &from.pool, &to.pool, nl_operator_rows(&to.op), jobs, 2));
    rig_look_around(&to, jobs, 2, false);
    for (int j = 0; j < 2; j++) {
        fill_wave(expected, jobs[j].slot, sites, n_fine);
        for (size_t x = 0; x < to.pool.size; x++)
            expected[x] = jobs[j].c[0] * expected[x] +
                          (jobs[j].keep ? rig_was(&to, jobs[j].slot, jobs[j].out)[x] : 0);
        CLOSE(difference(rig_is(&to, jobs[j].slot, jobs[j].out), expected, to.pool.size), 0,
              fmax(10 * pow(2 * 3.15 / n_coarse, 8), rounded(b, 0)));
    }
    nl_transfer_release(b, &transfer);
    free(P);
    free(expected);
    rig_release(&from);
    rig_release(&to);
}

/* Restriction is not so simple: the points of the target as the point function gives them. */
static void check_restriction(nl_backend *b, int sites, int n_fine, int n_coarse)
{
    rig from = rig_new(b, sites, n_fine, 2, 2, 2), to = rig_new(b, sites, n_coarse, 2, 2, 2);
    const nl_job jobs[] = {{.slot = 1, .in = {1}, .c = {-1.5}, .out = 0}};
    const int rows = sites == 2 ? n_coarse : 1;
    double *expected = new_array(to.pool.size);
    nl_backend *cpu;
    nl_transfer transfer, on_host;
    OK(nl_backend_open_cpu(1, &cpu));
    OK(nl_transfer_new_restriction(b, n_fine, n_coarse, &transfer));
    OK(nl_transfer_new_restriction(cpu, n_fine, n_coarse, &on_host));
    OK(b->ops->transfer(b, &transfer, &from.pool, &to.pool, rows, jobs, 1));
    rig_look_around(&to, jobs, 1, false);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n_coarse; j++)
            expected[i * n_coarse + j] =
                -1.5 * nl_transfer_point(&on_host, rig_was(&from, 1, 1), sites == 2 ? n_fine : 1, i, j);
    CLOSE(difference(rig_is(&to, 1, 0), expected, to.pool.size), 0, rounded(b, 1e-13));
    nl_transfer_release(b, &transfer);
    nl_transfer_release(cpu, &on_host);
    nl_backend_close(cpu);
    free(expected);
    rig_release(&from);
    rig_release(&to);
}

static void test_restriction(void **state)
{
    for (int sites = 1; sites <= 2; sites++) {
        check_restriction(backend_of(state), sites, 48, 24);
        check_restriction(backend_of(state), sites, 33, 17);
    }
}

static void test_interpolation(void **state)
{
    for (int sites = 1; sites <= 2; sites++) {
        check_interpolation(backend_of(state), sites, 24, 48);
        check_interpolation(backend_of(state), sites, 33, 65);
        check_interpolation(backend_of(state), sites, 26, 101);
    }
}

/* ---- an empty list of jobs ---- */

static void test_no_jobs(void **state)
{
    nl_backend *b = backend_of(state);
    rig g = rig_new(b, 2, 9, 2, 1, 2);
    double none;
    OK(b->ops->combine(b, &g.pool, NULL, 0));
    OK(b->ops->apply(b, &g.op, &g.pool, NULL, 0));
    OK(nl_backend_stage(b, &g.op, &g.pool, (nl_job[1]){{0}}, 0));
    OK(b->ops->error(b, &g.pool, NULL, 0, 1, 1, &none));
    OK(b->ops->sums(b, &g.pool, NULL, 0, &none));
    OK(b->ops->dot(b, &g.pool, NULL, 0, &none));
    OK(b->ops->moments(b, &g.op, &g.pool, NULL, 0, &none));
    rig_look_around(&g, NULL, 0, false);
    rig_release(&g);
}

/* ---- the same whatever the company, the threads, the backend ---- */

/* Everything that one member's vectors and numbers become, for the listed slots. */
typedef struct outcome {
    size_t len; /* per slot */
    double *of[RIG_MAX_SLOTS];
} outcome;

static outcome outcome_new(const rig *g)
{
    outcome o = {.len = 3 * g->pool.size + nl_moments_len(&g->op) + 4};
    for (int s = 0; s < g->pool.slots; s++)
        o.of[s] = new_array(o.len);
    return o;
}

static void outcome_release(outcome *o)
{
    for (int s = 0; s < RIG_MAX_SLOTS; s++)
        free(o->of[s]);
}

/* A stage, then every reduction, on the listed slots at once. */
static void run_all(rig *g, const int *slots, int count, outcome *o)
{
    nl_backend *b = g->backend;
    const size_t size = g->pool.size, len = nl_moments_len(&g->op);
    nl_job stage[RIG_MAX_SLOTS], apply[RIG_MAX_SLOTS];
    double error[RIG_MAX_SLOTS], sums[2 * RIG_MAX_SLOTS], dot[RIG_MAX_SLOTS], *moments = new_array(count * len);
    for (int a = 0; a < count; a++) {
        const int s = slots[a];
        stage[a] = (nl_job){.slot = s, .n_terms = 3, .in = {s % 3, 3, 4}, .c = {1, 0.1, -0.2 * s}, .out = 6, .arg = 7,
                            .keep = 1, .y = 5, .y_new = 2};
        apply[a] = (nl_job){.slot = s, .in = {6, 7}, .out = 8};
    }
    OK(b->ops->put(b, g->pool.data, 0, g->host, rig_elements(g)));
    OK(nl_backend_stage(b, &g->op, &g->pool, stage, count));
    OK(b->ops->apply(b, &g->op, &g->pool, apply, count));
    OK(b->ops->error(b, &g->pool, stage, count, 1e-3, 1e-6, error));
    OK(b->ops->sums(b, &g->pool, apply, count, sums));
    OK(b->ops->dot(b, &g->pool, apply, count, dot));
    OK(b->ops->moments(b, &g->op, &g->pool, apply, count, moments));
    rig_look(g);
    for (int a = 0; a < count; a++) {
        double *to = o->of[slots[a]];
        for (int v = 0; v < 3; v++)
            memcpy(to + v * size, rig_is(g, slots[a], 6 + v), size * sizeof *to);
        memcpy(to + 3 * size, moments + a * len, len * sizeof *to);
        memcpy(to + 3 * size + len, (double[]){error[a], sums[2 * a], sums[2 * a + 1], dot[a]}, 4 * sizeof *to);
    }
    free(moments);
}

static void check_same(const outcome *a, const outcome *b, int slots)
{
    for (int s = 0; s < slots; s++)
        assert_memory_equal(a->of[s], b->of[s], a->len * sizeof(double));
}

static void check_company(nl_backend *b, int sites, int n, int order)
{
    static const int all[] = {0, 1, 2, 3}, some[] = {3, 1}, others[] = {2, 0};
    rig g = rig_new(b, sites, n, order, 4, 9);
    outcome together = outcome_new(&g), apart = outcome_new(&g), alone = outcome_new(&g);
    run_all(&g, all, 4, &together);
    run_all(&g, some, 2, &apart);
    run_all(&g, others, 2, &apart);
    for (int s = 0; s < 4; s++)
        run_all(&g, &s, 1, &alone);
    check_same(&together, &apart, 4);
    check_same(&together, &alone, 4);
    outcome_release(&together);
    outcome_release(&apart);
    outcome_release(&alone);
    rig_release(&g);
}

static void test_company_does_not_matter(void **state)
{
    check_company(backend_of(state), 2, 22, 4);
    check_company(backend_of(state), 2, 101, 8); /* together enough for several threads, alone not */
    check_company(backend_of(state), 1, 9001, 6);
}

static void test_threads_do_not_matter(void **state)
{
    static const int all[] = {0, 1, 2};
    static const int threads[] = {1, 2, 3, 7};
    outcome first = {0};
    (void)state;
    for (int t = 0; t < COUNT(threads); t++) {
        nl_backend *b;
        OK(nl_backend_open_cpu(threads[t], &b));
        assert_int_equal(b->threads, threads[t]);
        rig g = rig_new(b, 2, 190, 6, 3, 9); /* 190^2 is enough for all threads in one member */
        outcome o = outcome_new(&g);
        run_all(&g, all, 3, &o);
        if (t > 0)
            check_same(&first, &o, 3);
        if (t > 0)
            outcome_release(&o);
        else
            first = o;
        rig_release(&g);
        nl_backend_close(b);
    }
    outcome_release(&first);
}

/* In units of each part's largest element: the three vectors, the moments, and the four numbers one by one. */
static void check_alike(const outcome *a, const outcome *b, const rig *g, double tolerance)
{
    const size_t size = g->pool.size, len = nl_moments_len(&g->op);
    for (int s = 0; s < g->pool.slots; s++) {
        for (int v = 0; v < 3; v++)
            CLOSE(difference(a->of[s] + v * size, b->of[s] + v * size, size), 0, tolerance);
        CLOSE(difference(a->of[s] + 3 * size, b->of[s] + 3 * size, len), 0, tolerance);
        const double *x = a->of[s] + 3 * size + len, *y = b->of[s] + 3 * size + len;
        CLOSE(x[0], y[0], tolerance * y[0]);
        CLOSE(x[1], y[1], tolerance * y[2]); /* the sum may cancel: its scale is the sum of magnitudes */
        CLOSE(x[2], y[2], tolerance * y[2]);
        CLOSE(x[3], y[3], tolerance * largest(a->of[s], size) * y[2]);
    }
}

static void test_cpu_and_cuda_agree(void **state)
{
    static const int all[] = {0, 1, 2, 3};
    nl_backend *cpu, *cuda = *state;
    OK(nl_backend_open_cpu(2, &cpu));
    for (int sites = 1; sites <= 2; sites++)
        for (int o = 0; o < COUNT(orders); o++) {
            rig g = rig_new(cpu, sites, 45, orders[o], 4, 9), h = rig_new(cuda, sites, 45, orders[o], 4, 9);
            outcome a = outcome_new(&g), b = outcome_new(&h);
            run_all(&g, all, 4, &a);
            run_all(&h, all, 4, &b);
            check_alike(&a, &b, &g, rounded(cuda, 1e-12));
            outcome_release(&a);
            outcome_release(&b);
            rig_release(&g);
            rig_release(&h);
        }
    nl_backend_close(cpu);
}

/* ---- opening ---- */

static void test_open(void **state)
{
    nl_backend *b = NULL;
    (void)state;
    FAILS(nl_backend_open("gpu", 0, 0, NL_DOUBLE, &b), NL_ERR_USAGE, "use auto, cpu or cuda");
    OK(nl_backend_open("cpu", 0, 0, NL_DOUBLE, &b));
    assert_true(b->threads >= 1);
    assert_string_equal(b->ops->name, "cpu");
    assert_false(is_single(b));
    nl_backend_close(b);
    OK(nl_backend_open("cpu", 0, 0, NL_SINGLE, &b));
    assert_true(is_single(b));
    nl_backend *share = NULL;
    OK(b->ops->share(b, 100, &share));
    assert_int_equal(share->threads, 1);
    assert_true(is_single(share));
    nl_backend_close(share);
    nl_backend_close(b);
    OK(nl_backend_open("auto", 1, 0, NL_DOUBLE, &b));
    nl_backend_close(b);
    nl_backend_close(NULL);
    assert_true(nl_host_memory() > 1000000);
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_put_and_get),
        cmocka_unit_test(test_too_much_memory),
        cmocka_unit_test(test_apply_against_matrix),
        cmocka_unit_test(test_apply_on_larger_grids),
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_stage),
        cmocka_unit_test(test_stage_is_combine_and_apply),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_error_shows_bad_numbers),
        cmocka_unit_test(test_sums_and_dot),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_interpolation),
        cmocka_unit_test(test_restriction),
        cmocka_unit_test(test_no_jobs),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_cpu_and_cuda_agree), /* last: on CUDA only */
    };
    const int count = strcmp(c->name, "cuda") == 0 ? COUNT(tests) : COUNT(tests) - 1;
    return run_tests_on(c, "the backend tests", tests, count);
}

int main(void)
{
    const struct CMUnitTest common[] = {cmocka_unit_test(test_open), cmocka_unit_test(test_threads_do_not_matter)};
    int failed = cmocka_run_group_tests(common, NULL, NULL);
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_on(&all_precisions[c]);
    return failed;
}
