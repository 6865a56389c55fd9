/* Adaptive steps that a backend takes by itself: the same as one by one, on every backend. */
#include "nanolase/batch.h"
#include "phase_reference.h"

static nl_backend *cpu;

static nl_backend *backend_of(void **state)
{
    return *state;
}

/* Parameters without symmetry, of which every member has others. */
static void fill_points(nl_point *points, int count, int n, int order)
{
    rng r = {(uint64_t)(100 * n + order)};
    for (int m = 0; m < count; m++)
        points[m] = (nl_point){.phase = random_phase(&r, 2), .n = n, .order = order, .levels = 1};
}

static nl_batch batch_of(nl_backend *backend, const nl_point *points, int count, const nl_tableau *tableau)
{
    nl_batch batch;
    OK(nl_batch_new(backend, &nl_phase_model, points, count, points[0].n, tableau, 0, &batch));
    OK(nl_batch_set_initial(&batch, NL_INITIAL_LOCKED, 0, count));
    return batch;
}

static double *register_of(nl_batch *batch, int member, int reg)
{
    double *v = new_array(batch->pool.size);
    OK(nl_pool_get(batch->backend, &batch->pool, member, reg, v));
    return v;
}

/* State, derivative and what the controller knows agree; the trial vectors need not. */
static void check_alike(nl_batch *a, nl_batch *b, int member, double tolerance)
{
    const nl_member *x = &a->members[member], *y = &b->members[member];
    double *state[] = {register_of(a, member, x->y), register_of(b, member, y->y)};
    double *rate[] = {register_of(a, member, x->k[0]), register_of(b, member, y->k[0])};
    assert_int_equal(x->steps, y->steps);
    assert_int_equal(x->rejected, y->rejected);
    assert_int_equal(x->applications, y->applications);
    assert_int_equal(x->failed, y->failed);
    CLOSE(x->t, y->t, tolerance * fabs(y->t));
    CLOSE(x->h, y->h, 1e-8 * y->h); /* of a small error estimate few digits are sure */
    CLOSE(x->last_error, y->last_error, 1e-6 * y->last_error + 1e-9);
    CLOSE(difference(state[0], state[1], a->pool.size), 0, tolerance);
    CLOSE(difference(rate[0], rate[1], a->pool.size), 0, 1000 * tolerance);
    for (int k = 0; k < 2; k++) {
        free(state[k]);
        free(rate[k]);
    }
}

static void check_residuals(nl_batch *a, nl_batch *b, const int *active, int count)
{
    double change[2][4], residual[2][4];
    OK(nl_batch_residual(a, active, count, change[0], residual[0]));
    OK(nl_batch_residual(b, active, count, change[1], residual[1]));
    for (int k = 0; k < count; k++) {
        CLOSE(change[0][k], change[1][k], 1e-9 * change[1][k]);
        assert_true(residual[0][k] == change[0][k]);
    }
}

/* With the CPU's single steps: three members of four, one of them on the way to a target. Rounding errors in the error
 * estimate change the length of all but the first step. */
static void check_against_steps(nl_backend *b, const nl_tableau *tableau, int n, int order, int most)
{
    static const int active[] = {3, 0, 2};
    nl_point points[4];
    fill_points(points, 4, n, order);
    nl_batch one = batch_of(b, points, 4, tableau), two = batch_of(cpu, points, 4, tableau);
    const double target[] = {INFINITY, 1.5 * one.members[0].h, INFINITY};
    OK(nl_batch_advance(&one, active, 3, 1e-4, 1e-6, target, most));
    for (int step = 0; step < most; step++)
        for (int a = 0; a < 3; a++)
            if (two.members[active[a]].t < target[a])
                OK(nl_batch_step(&two, &active[a], 1, 1e-4, 1e-6, &target[a]));
    for (int m = 0; m < 4; m++)
        if (m != 1)
            check_alike(&one, &two, m, most > 1 ? 1e-10 : 1e-13);
    assert_int_equal(one.members[1].steps + one.members[1].rejected, 0);
    assert_true(most == 1 || one.members[0].t == target[1]);
    check_residuals(&one, &two, active, 3);
    nl_batch_release(&one);
    nl_batch_release(&two);
}

static void test_all_pairs_and_orders(void **state)
{
    for (int i = 0; i < nl_tableau_count(); i++)
        for (int order = 2; order <= 8; order += 2)
            for (int most = 1; most <= 5; most += 4)
                check_against_steps(backend_of(state), nl_tableau_at(i), order + 2 + i, order, most);
}

/* Grids of several tiles: even and odd, a little more than a tile, and of low and of high tiles. */
static void test_larger_grids(void **state)
{
    const nl_tableau *rk45 = nl_tableau_find("rk45");
    check_against_steps(backend_of(state), rk45, 53, 2, 3);
    check_against_steps(backend_of(state), rk45, 104, 2, 3);
    check_against_steps(backend_of(state), rk45, 75, 4, 2);
    check_against_steps(backend_of(state), rk45, 66, 6, 2);
    check_against_steps(backend_of(state), rk45, 97, 8, 2);
    check_against_steps(backend_of(state), rk45, 258, 2, 2);
    check_against_steps(backend_of(state), nl_tableau_find("rk43"), 261, 4, 2);
}

/* A step far beyond stability is refused, until it is short enough; the company does not notice. */
static void test_refused_steps(void **state)
{
    static const int active[] = {0, 1};
    nl_point points[2];
    fill_points(points, 2, 21, 4);
    nl_batch one = batch_of(backend_of(state), points, 2, nl_tableau_find("rk45"));
    nl_batch two = batch_of(cpu, points, 2, nl_tableau_find("rk45"));
    one.members[1].h = one.members[1].h_max = two.members[1].h = two.members[1].h_max = 40 * one.members[1].h_max;
    OK(nl_batch_advance(&one, active, 2, 1e-4, 1e-6, NULL, 9));
    OK(nl_batch_advance(&two, active, 2, 1e-4, 1e-6, NULL, 9));
    assert_true(one.members[1].rejected > 0);
    check_alike(&one, &two, 0, 1e-10);
    check_alike(&one, &two, 1, 1e-10);
    nl_batch_release(&one);
    nl_batch_release(&two);
}

/* A state that is not finite: every step is refused, until none is left to try; then no further one is. */
static void test_hopeless_member(void **state)
{
    nl_point point;
    fill_points(&point, 1, 12, 2);
    nl_batch batch = batch_of(backend_of(state), &point, 1, nl_tableau_find("bs32"));
    OK(batch.backend->ops->put(batch.backend, batch.pool.data, 17, &(double){NAN}, 1));
    batch.members[0].fresh = false;
    OK(nl_batch_advance(&batch, (int[]){0}, 1, 1e-4, 1e-6, NULL, 200));
    assert_true(batch.members[0].failed);
    assert_int_equal(batch.members[0].steps, 0);
    BETWEEN(batch.members[0].rejected, 10, 30);
    nl_batch_release(&batch);
}

/* Targets are met to the last bit, in more steps than are queued at once. */
static void test_targets(void **state)
{
    static const int active[] = {1, 0};
    nl_point points[2];
    fill_points(points, 2, 14, 2);
    nl_batch batch = batch_of(backend_of(state), points, 2, nl_tableau_find("bs32"));
    for (int k = 1; k <= 3; k++) {
        const double target[] = {0.31 * k, 1e-3 * k};
        OK(nl_batch_advance(&batch, active, 2, 1e-7, 1e-10, target, 1000));
        assert_true(batch.members[1].t == target[0] && batch.members[0].t == target[1]);
    }
    assert_true(batch.members[1].steps > 3 * 64);
    nl_batch_release(&batch);
}

/* The same to the bit, whatever the company and however many steps at once. */
static void test_company_does_not_matter(void **state)
{
    static const int all[] = {0, 1, 2};
    nl_point points[3];
    fill_points(points, 3, 60, 4);
    nl_batch one = batch_of(backend_of(state), points, 3, nl_tableau_find("rk45"));
    nl_batch two = batch_of(backend_of(state), points, 3, nl_tableau_find("rk45"));
    OK(nl_batch_advance(&one, all, 3, 1e-4, 1e-6, NULL, 6));
    for (int m = 2; m >= 0; m--)
        for (int part = 0; part < 3; part++)
            OK(nl_batch_advance(&two, &all[m], 1, 1e-4, 1e-6, NULL, 2));
    for (int m = 0; m < 3; m++) {
        double *a = register_of(&one, m, one.members[m].y), *b = register_of(&two, m, two.members[m].y);
        assert_memory_equal(a, b, one.pool.size * sizeof *a);
        assert_true(one.members[m].h == two.members[m].h && one.members[m].t == two.members[m].t);
        free(a);
        free(b);
    }
    nl_batch_release(&one);
    nl_batch_release(&two);
}

/* One step in single precision, to what its numbers carry. */
static void test_single_precision(void **state)
{
    for (int order = 2; order <= 8; order += 2) {
        nl_point point;
        fill_points(&point, 1, 34, order);
        nl_batch one = batch_of(backend_of(state), &point, 1, nl_tableau_find("rk45"));
        nl_batch two = batch_of(cpu, &point, 1, nl_tableau_find("rk45"));
        OK(nl_batch_advance(&one, (int[]){0}, 1, 1e-2, 1e-4, NULL, 1));
        OK(nl_batch_advance(&two, (int[]){0}, 1, 1e-2, 1e-4, NULL, 1));
        double *a = register_of(&one, 0, one.members[0].y), *b = register_of(&two, 0, two.members[0].y);
        assert_int_equal(one.members[0].steps, 1);
        CLOSE(difference(a, b, one.pool.size), 0, 1e-5);
        free(a);
        free(b);
        nl_batch_release(&one);
        nl_batch_release(&two);
    }
}

static int run_in_single_precision(void)
{
    const backend_case c = {"cuda", 0, NL_SINGLE};
    const struct CMUnitTest test = cmocka_unit_test(test_single_precision);
    return run_tests_on(&c, "many steps in single precision", &test, 1);
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pairs_and_orders),
        cmocka_unit_test(test_larger_grids),
        cmocka_unit_test(test_refused_steps),
        cmocka_unit_test(test_hopeless_member),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_company_does_not_matter),
    };
    return run_tests_on(c, "the tests of many steps", tests, COUNT(tests));
}

int main(void)
{
    int failed = 0;
    if (nl_backend_open("cpu", 1, 0, NL_DOUBLE, &cpu) != NL_OK)
        return 1;
    for (int c = 0; c < COUNT(backend_cases); c++)
        failed += run_on(&backend_cases[c]);
    failed += run_in_single_precision();
    nl_backend_close(cpu);
    return failed;
}
