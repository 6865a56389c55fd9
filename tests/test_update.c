/* The fused update of every operator on every backend, and the largest magnitude of a vector. */
#include "lindblad_rig.h"

enum { REGISTERS = 10 }; /* the last one only written to */

static nl_backend *backend_of(void **state)
{
    return *state;
}

/* ---- rigs of either operator, with random vectors everywhere ---- */

static rig phase_rig(nl_backend *b, int sites, int n, int order)
{
    return rig_new(b, sites, n, order, 3, REGISTERS);
}

static rig lindblad_rig_of(nl_backend *b, int variant, int sites, int N, int orders)
{
    const reference_shape s = {.qubit = variant & 1, .N = N, .orders = orders, .planes = variant & 2 ? 2 : 1};
    return lindblad_rig_new(b, &s, sites, ON_ALL | ON_CLOSED, 3, REGISTERS).g;
}

/* L in[0] of a job by apply, which has tests of its own; the pool is left as it was. The caller frees. */
static double *applied(rig *g, const nl_job *job)
{
    nl_job apply = *job;
    double *out = new_array(g->pool.size);
    apply.out = REGISTERS - 1;
    OK(g->backend->ops->apply(g->backend, &g->op, &g->pool, &apply, 1));
    rig_look(g);
    memcpy(out, rig_is(g, job->slot, apply.out), g->pool.size * sizeof *out);
    OK(g->backend->ops->put(g->backend, g->pool.data, 0, g->host, rig_elements(g)));
    return out;
}

/* ---- update ---- */

typedef nl_status update_operation(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);

/* out: the input `in_place` where that is positive. */
static nl_job update_job(int slot, int terms, int in_place)
{
    nl_job job = {.slot = slot, .n_terms = terms, .in = {slot}, .out = 8, .arg = 7, .scale = 0.3 - 0.2 * slot};
    for (int k = 0; k < terms; k++) {
        job.in[k] = k < 2 ? (slot + 3 * k) % 7 : (slot + 2 * k) % 7; /* may name a register twice, but not in[0] */
        job.in[k] += k > 0 && job.in[k] == slot;
        job.c[k] = (0.5 + k) * (k % 2 ? -1 : 1) + 0.1 * slot;
    }
    if (in_place > 0)
        job.out = job.in[in_place];
    return job;
}

/* fused: nothing but `out` is written; else also `arg`. */
static void check_update(rig *g, update_operation *update, bool fused, int terms, int in_place)
{
    const nl_job jobs[] = {update_job(2, terms, in_place), update_job(0, terms, in_place)};
    const size_t size = g->pool.size;
    double *expected[2];
    for (int j = 0; j < 2; j++) {
        double *Lx = applied(g, &jobs[j]);
        expected[j] = rig_combination(g, &jobs[j]);
        for (size_t x = 0; x < size; x++)
            expected[j][x] += jobs[j].scale * Lx[x];
        free(Lx);
    }
    OK(update(g->backend, &g->op, &g->pool, jobs, 2));
    rig_look_around(g, jobs, 2, !fused);
    for (int j = 0; j < 2; j++) {
        CLOSE(difference(rig_is(g, jobs[j].slot, jobs[j].out), expected[j], size), 0, rounded(g->backend, 1e-13));
        free(expected[j]);
    }
    OK(g->backend->ops->put(g->backend, g->pool.data, 0, g->host, rig_elements(g)));
}

static void check_updates(rig g)
{
    for (int terms = 0; terms <= NL_MAX_TERMS; terms++)
        check_update(&g, g.backend->ops->update, true, terms, 0);
    for (int terms = 2; terms <= NL_MAX_TERMS; terms += 3)
        for (int in_place = 1; in_place < terms; in_place += 3)
            check_update(&g, g.backend->ops->update, true, terms, in_place);
    rig_release(&g);
}

static void test_update_phase(void **state)
{
    for (int sites = 1; sites <= 2; sites++)
        for (int order = 2; order <= 8; order += 2)
            check_updates(phase_rig(backend_of(state), sites, order + 7, order));
    check_updates(phase_rig(backend_of(state), 2, 101, 6));
    check_updates(phase_rig(backend_of(state), 1, 9001, 4));
}

static void test_update_lindblad(void **state)
{
    for (int variant = 0; variant < 4; variant++) {
        check_updates(lindblad_rig_of(backend_of(state), variant, 1, 1, 1));
        check_updates(lindblad_rig_of(backend_of(state), variant, 1, 12, 12));
        check_updates(lindblad_rig_of(backend_of(state), variant, 2, 31, 9));
    }
}

/* What stands in for a backend without update: apply into arg, then combine. */
static void test_update_without_fusion(void **state)
{
    nl_backend *b = backend_of(state);
    const nl_backend_ops *fused = b->ops;
    static nl_backend_ops plain; /* outlives a failure */
    plain = *fused;
    plain.update = NULL;
    for (int terms = 0; terms < NL_MAX_TERMS; terms++) {
        rig g = phase_rig(b, 2, 15, 4), h = lindblad_rig_of(b, 3, 2, 9, 9);
        b->ops = &plain;
        check_update(&g, nl_backend_update, false, terms, 0);
        check_update(&h, nl_backend_update, false, terms, terms > 1 ? 1 : 0);
        b->ops = fused;
        check_update(&h, nl_backend_update, true, terms, 0);
        rig_release(&g);
        rig_release(&h);
    }
}

/* ---- the largest magnitude ---- */

static const size_t sizes[] = {1, 31, 257, 4096, 4097, 8193, 20011};

static void test_largest(void **state)
{
    nl_backend *b = backend_of(state);
    for (int s = 0; s < COUNT(sizes); s++) {
        rig g = rig_of_size(b, sizes[s], 3, 4, 9);
        const nl_job jobs[] = {{.slot = 2, .in = {1, 3}}, {.slot = 1, .in = {0, 0}}};
        double result[2];
        OK(b->ops->largest(b, &g.pool, jobs, 2, result));
        rig_look_around(&g, NULL, 0, false);
        for (int j = 0; j < 2; j++)
            assert_true(result[j] == largest(rig_was(&g, jobs[j].slot, jobs[j].in[0]), sizes[s]));
        rig_release(&g);
    }
}

/* Puts x into one element of slot 1, register 1, and finds it; the other member's result stays what it was. */
static void check_largest_with(rig *g, size_t place, double x, double expected)
{
    nl_backend *b = g->backend;
    const nl_job jobs[] = {{.slot = 0, .in = {1}}, {.slot = 1, .in = {1}}};
    const size_t where = rig_number(g, 1, 1) + place;
    double result[2];
    OK(b->ops->put(b, g->pool.data, where, &x, 1));
    OK(b->ops->largest(b, &g->pool, jobs, 2, result));
    assert_true(result[0] == largest(rig_was(g, 0, 1), g->pool.size));
    if (!(isnan(expected) ? isnan(result[1]) : result[1] == expected))
        fail_msg("%g at %zu of %zu: %g, not %g", x, place, g->pool.size, result[1], expected);
    OK(b->ops->put(b, g->pool.data, where, rig_was(g, 1, 1) + place, 1));
}

static void test_largest_shows_bad_numbers(void **state)
{
    for (int s = 0; s < COUNT(sizes); s++) {
        rig g = rig_of_size(backend_of(state), sizes[s], 2, 2, 11);
        const size_t places[] = {0, sizes[s] / 3, sizes[s] / 2, sizes[s] - 1};
        for (int p = 0; p < COUNT(places); p++) {
            check_largest_with(&g, places[p], NAN, NAN);
            check_largest_with(&g, places[p], -NAN, NAN);
            check_largest_with(&g, places[p], INFINITY, INFINITY);
            check_largest_with(&g, places[p], -INFINITY, INFINITY);
            check_largest_with(&g, places[p], -0x1p100, 0x1p100);
            check_largest_with(&g, places[p], 2, 2);
        }
        rig_release(&g);
    }
}

static void test_largest_of_zeros_and_infinities(void **state)
{
    nl_backend *b = backend_of(state);
    rig g = rig_of_size(b, 5000, 1, 1, 1);
    const nl_job job = {.slot = 0};
    double result;
    for (int k = 0; k < 3; k++) {
        for (size_t x = 0; x < 5000; x++)
            g.host[x] = k == 0 ? -0.0 : k == 1 ? (x % 2 ? INFINITY : -INFINITY) : x == 4500 ? NAN : INFINITY;
        OK(b->ops->put(b, g.pool.data, 0, g.host, 5000));
        OK(b->ops->largest(b, &g.pool, &job, 1, &result));
        assert_true(k == 0 ? result == 0 : k == 1 ? result == INFINITY : isnan(result));
    }
    rig_release(&g);
}

static void test_no_jobs(void **state)
{
    nl_backend *b = backend_of(state);
    rig g = phase_rig(b, 2, 9, 2);
    double none;
    OK(b->ops->update(b, &g.op, &g.pool, NULL, 0));
    OK(b->ops->largest(b, &g.pool, NULL, 0, &none));
    rig_look_around(&g, NULL, 0, false);
    rig_release(&g);
}

/* The same to the bit whatever else is in the batch. */
static void check_company(rig g)
{
    nl_backend *b = g.backend;
    const nl_job jobs[] = {update_job(0, 4, 0), update_job(1, 3, 1), update_job(2, 2, 0)};
    double together[3], alone[3];
    OK(b->ops->update(b, &g.op, &g.pool, jobs, 3));
    OK(b->ops->largest(b, &g.pool, jobs, 3, together));
    rig_look(&g);
    double *first = new_array(rig_elements(&g));
    memcpy(first, g.now, rig_elements(&g) * sizeof *first);
    OK(b->ops->put(b, g.pool.data, 0, g.host, rig_elements(&g)));
    for (int j = 2; j >= 0; j--) {
        OK(b->ops->update(b, &g.op, &g.pool, &jobs[j], 1));
        OK(b->ops->largest(b, &g.pool, &jobs[j], 1, &alone[j]));
    }
    rig_look(&g);
    assert_memory_equal(first, g.now, rig_elements(&g) * sizeof *first);
    assert_memory_equal(together, alone, sizeof alone);
    free(first);
    rig_release(&g);
}

static void test_company_does_not_matter(void **state)
{
    check_company(phase_rig(backend_of(state), 2, 120, 8));
    check_company(phase_rig(backend_of(state), 1, 9001, 6));
    for (int variant = 0; variant < 4; variant++)
        check_company(lindblad_rig_of(backend_of(state), variant, 2, 90, 90));
}

/* ---- many jobs ---- */

enum { MANY = 21 };

/* Seven jobs in each of three slots, that read registers 0 to 2 and write one of the others each. */
static void fill_many(nl_job *jobs)
{
    for (int j = 0; j < MANY; j++) {
        const int slot = j % 3, k = j / 3;
        jobs[j] = (nl_job){.slot = slot, .n_terms = 2, .in = {k % 3, (k + 1) % 3}, .c = {1 + k, 0.3 * slot}, .out = 3 + k,
                           .scale = 0.1 + k, .arg = 3 + (k + 1) % 7, .y_new = 1};
    }
}

#define CALL nl_backend *b, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n
typedef nl_status writes(CALL);
typedef nl_status sums_up(CALL, double *out);

static nl_status combine(CALL)
{
    (void)op;
    return b->ops->combine(b, pool, jobs, n);
}

static nl_status error(CALL, double *out)
{
    (void)op;
    return b->ops->error(b, pool, jobs, n, 1, 1, out);
}

static nl_status sums(CALL, double *out)
{
    (void)op;
    return b->ops->sums(b, pool, jobs, n, out);
}

static nl_status magnitude(CALL, double *out)
{
    (void)op;
    return b->ops->largest(b, pool, jobs, n, out);
}

static nl_status dot(CALL, double *out)
{
    (void)op;
    return b->ops->dot(b, pool, jobs, n, out);
}

/* All at once, and one by one: what they leave is the same to the bit. */
static void check_many_writes(rig *g, writes *operation, int count)
{
    nl_job jobs[MANY];
    fill_many(jobs);
    OK(operation(g->backend, &g->op, &g->pool, jobs, count));
    rig_look(g);
    double *together = new_array(rig_elements(g));
    memcpy(together, g->now, rig_elements(g) * sizeof *together);
    rig_send(g);
    for (int j = 0; j < count; j++)
        OK(operation(g->backend, &g->op, &g->pool, &jobs[j], 1));
    rig_look(g);
    assert_memory_equal(together, g->now, rig_elements(g) * sizeof *together);
    rig_send(g);
    free(together);
}

static void check_many_sums(rig *g, sums_up *operation, size_t len, int count)
{
    nl_job jobs[MANY];
    double *together = new_array(2 * MANY * len), *alone = together + MANY * len;
    fill_many(jobs);
    OK(operation(g->backend, &g->op, &g->pool, jobs, count, together));
    for (int j = 0; j < count; j++)
        OK(operation(g->backend, &g->op, &g->pool, &jobs[j], 1, alone + j * len));
    assert_memory_equal(together, alone, count * len * sizeof *together);
    free(together);
}

static void check_many(rig g)
{
    const nl_backend_ops *ops = g.backend->ops;
    for (int count = 15; count <= MANY; count += count < 17 ? 1 : 4) {
        check_many_writes(&g, combine, count);
        check_many_writes(&g, ops->apply, count);
        check_many_writes(&g, nl_backend_update, count);
        check_many_sums(&g, error, 1, count);
        check_many_sums(&g, sums, 2, count);
        check_many_sums(&g, magnitude, 1, count);
        check_many_sums(&g, dot, 1, count);
        check_many_sums(&g, ops->moments, nl_moments_len(&g.op), count);
    }
    rig_release(&g);
}

static void test_many_jobs(void **state)
{
    check_many(phase_rig(backend_of(state), 2, 20, 2));
    check_many(phase_rig(backend_of(state), 2, 11, 6));
    check_many(phase_rig(backend_of(state), 1, 30, 4));
    check_many(lindblad_rig_of(backend_of(state), 3, 2, 6, 6));
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update_phase),
        cmocka_unit_test(test_update_lindblad),
        cmocka_unit_test(test_update_without_fusion),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_largest_shows_bad_numbers),
        cmocka_unit_test(test_largest_of_zeros_and_infinities),
        cmocka_unit_test(test_no_jobs),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_many_jobs),
    };
    return run_tests_on(c, "the tests of update", tests, COUNT(tests));
}

int main(void)
{
    int failed = 0;
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_on(&all_precisions[c]);
    return failed;
}
