/* Adaptive steps that a backend takes by itself: the same as one by one, on every backend. */
#include "nanolase/batch.h"
#include "nanolase/plan.h"
#include "phase_reference.h"

static nl_backend *cpu;

static nl_backend *backend_of(void **state)
{
    return *state;
}

enum { MEMBERS = 4 };

/* What is stepped: members of a model, each with other parameters. */
typedef struct subject {
    const nl_model *model;
    nl_initial initial;
    bool is_rough; /* starts from random numbers instead: of one phase, locked is steady and uniform smooth */
    nl_point points[MEMBERS];
} subject;

/* Two phases, parameters without symmetry. */
static subject phases(int n, int order)
{
    rng r = {(uint64_t)(100 * n + order)};
    subject s = {.model = &nl_phase_model, .initial = NL_INITIAL_LOCKED};
    for (int m = 0; m < MEMBERS; m++)
        s.points[m] = (nl_point){.phase = random_phase(&r, 2), .n = n, .order = order, .levels = 1};
    return s;
}

#define EVOLVE "[run]\nmode = evolve\n"
#define GUTZWILLER "[model]\nequation = gutzwiller\n"
#define LASER "[laser]\ngamma = 140\ncooperativity = 1.05\nphi1 = 0.7\nt_c = 0.4\n"
#define ONE "sites = 1\n"
#define QUBIT "local = qubit\n"

/* All other operators: in their real and in their complex form, small and of several parts. */
static const char *const others[] = {
    "[model]\nsites = 1\n[phase]\nD_p = 0.3\nr1 = 1.1\n[grid]\nn_c = 30\norder = 4\n",
    "[model]\nsites = 1\n[phase]\nD_p = 0.1\n[grid]\nn_c = 1100\norder = 2\n",
    GUTZWILLER ONE LASER "[fock]\nlevels = 46\n",
    GUTZWILLER ONE LASER EVOLVE "[fock]\nlevels = 20\n",
    GUTZWILLER ONE LASER EVOLVE "[fock]\nlevels = 64\n",
    GUTZWILLER ONE QUBIT LASER "[fock]\nlevels = 46\n",
    GUTZWILLER ONE QUBIT LASER EVOLVE "[fock]\nlevels = 12\n",
    GUTZWILLER ONE QUBIT LASER EVOLVE "[fock]\nlevels = 28\n",
    GUTZWILLER LASER EVOLVE "[fock]\nlevels = 30\n",
    GUTZWILLER QUBIT LASER EVOLVE "[fock]\nlevels = 16\n",
    "[model]\nequation = dimer\n" LASER EVOLVE "[fock]\nlevels = 7\n",
    "[model]\nequation = dimer\n" QUBIT LASER EVOLVE "[fock]\nlevels = 4\n",
    "[model]\nequation = amplitude\n" ONE LASER "[grid]\npoints = 34\norder = 6\n",
    "[model]\nequation = amplitude\n" LASER "[grid]\npoints = 8\norder = 2\n",
};

static subject other(const char *text)
{
    char all[600];
    nl_plan plan;
    const bool is_phase = strstr(text, "D_p") != NULL;
    snprintf(all, sizeof all, "%s[sweep]\nepsilon%s = 0.3, 0.5, 0.1, 0.4\n", text, is_phase ? "_over_r0" : "");
    nl_config config = config_of(all);
    OK(nl_plan_new(&config, &plan));
    subject s = {.model = plan.model, .initial = NL_INITIAL_AUTO, .is_rough = is_phase};
    assert_int_equal(plan.n_points, MEMBERS);
    memcpy(s.points, plan.points, sizeof s.points);
    for (int m = 0; m < MEMBERS && s.model == &nl_lindblad_model; m++)
        s.points[m].lindblad.orders = plan.points[0].lindblad.orders; /* so that they are of one shape */
    nl_plan_release(&plan);
    nl_config_release(&config);
    return s;
}

static nl_batch batch_of(nl_backend *backend, const subject *s, int count, const nl_tableau *tableau)
{
    nl_batch batch;
    OK(nl_batch_new(backend, s->model, s->points, count, s->points[0].n, tableau, 0, &batch));
    OK(nl_batch_set_initial(&batch, s->initial, 0, count));
    rng r = {7};
    for (int m = 0; m < count && s->is_rough; m++) {
        double *state = random_array(&r, batch.pool.size);
        OK(nl_pool_put(backend, &batch.pool, m, batch.members[m].y, state));
        free(state);
    }
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
    CLOSE(x->t, y->t, 10 * tolerance * fabs(y->t));
    CLOSE(x->h, y->h, 1e-8 * y->h); /* of a small error estimate few digits are sure */
    CLOSE(x->last_error, y->last_error, 1e-6 * y->last_error + 1e-9);
    CLOSE(difference(state[0], state[1], a->pool.size), 0, tolerance);
    CLOSE(difference(rate[0], rate[1], a->pool.size), 0, 1e4 * tolerance); /* L magnifies rounding errors */
    for (int k = 0; k < 2; k++) {
        free(state[k]);
        free(rate[k]);
    }
}

/* A member that takes no more steps is left alone: the start of its last step is where it was. */
static void check_start(nl_batch *a, nl_batch *b, int member, double tolerance)
{
    double *x = register_of(a, member, a->members[member].y_new), *y = register_of(b, member, b->members[member].y_new);
    CLOSE(difference(x, y, a->pool.size), 0, tolerance);
    free(x);
    free(y);
}

static void check_residuals(nl_batch *a, nl_batch *b, const int *active, int count)
{
    double change[2][4], residual[2][4];
    OK(nl_batch_residual(a, active, count, change[0], residual[0]));
    OK(nl_batch_residual(b, active, count, change[1], residual[1]));
    for (int k = 0; k < count; k++) {
        CLOSE(change[0][k], change[1][k], 1e-9 * change[1][k]);
        CLOSE(residual[0][k], residual[1][k], 1e-9 * residual[1][k]);
        assert_true(a->model->residual_is_largest || residual[0][k] == change[0][k]);
    }
}

/* With the CPU's single steps: three members of four, one of them on the way to a target. Rounding errors in the error
 * estimate change the length of all but the first step. */
static void check_against_steps(nl_backend *b, const nl_tableau *tableau, subject s, int most, double tolerance)
{
    static const int active[] = {3, 0, 2};
    nl_batch one = batch_of(b, &s, MEMBERS, tableau), two = batch_of(cpu, &s, MEMBERS, tableau);
    const double target[] = {INFINITY, 1.5 * one.members[0].h, INFINITY};
    OK(nl_batch_advance(&one, active, 3, 1e-4, 1e-6, target, most));
    for (int step = 0; step < most; step++)
        for (int a = 0; a < 3; a++)
            if (two.members[active[a]].t < target[a])
                OK(nl_batch_step(&two, &active[a], 1, 1e-4, 1e-6, &target[a]));
    for (int m = 0; m < MEMBERS; m++)
        if (m != 1)
            check_alike(&one, &two, m, tolerance);
    assert_int_equal(one.members[1].steps + one.members[1].rejected, 0);
    if (one.members[0].t == target[1])
        check_start(&one, &two, 0, tolerance);
    assert_true(one.members[0].t == target[1] || one.members[0].steps + one.members[0].rejected == most);
    check_residuals(&one, &two, active, 3);
    nl_batch_release(&one);
    nl_batch_release(&two);
}

static void test_all_pairs_and_orders(void **state)
{
    for (int i = 0; i < nl_tableau_count(); i++)
        for (int order = 2; order <= 8; order += 2)
            for (int most = 1; most <= 5; most += 4)
                check_against_steps(backend_of(state), nl_tableau_at(i), phases(order + 2 + i, order), most,
                                    most > 1 ? 1e-10 : 1e-13);
}

/* Grids of several tiles: even and odd, a little more than a tile, and of low and of high tiles. */
static void test_larger_grids(void **state)
{
    const nl_tableau *rk45 = nl_tableau_find("rk45");
    check_against_steps(backend_of(state), rk45, phases(53, 2), 3, 1e-10);
    check_against_steps(backend_of(state), rk45, phases(104, 2), 3, 1e-10);
    check_against_steps(backend_of(state), rk45, phases(75, 4), 2, 1e-10);
    check_against_steps(backend_of(state), rk45, phases(66, 6), 2, 1e-10);
    check_against_steps(backend_of(state), rk45, phases(97, 8), 2, 1e-10);
    check_against_steps(backend_of(state), rk45, phases(258, 2), 2, 1e-10);
    check_against_steps(backend_of(state), nl_tableau_find("rk43"), phases(261, 4), 2, 1e-10);
}

static void test_other_operators(void **state)
{
    for (int i = 0; i < nl_tableau_count(); i++)
        for (int k = i; k < COUNT(others); k += i == 0 ? 1 : nl_tableau_count()) /* all by the first pair */
            for (int most = 1; most <= 5; most += 4)
                check_against_steps(backend_of(state), nl_tableau_at(i), other(others[k]), most, 1e-12);
}

/* A step far beyond stability is refused, until it is short enough; the company does not notice. */
static void check_refused_steps(nl_backend *b, subject s, double tolerance)
{
    static const int active[] = {0, 1};
    nl_batch one = batch_of(b, &s, 2, nl_tableau_find("rk45"));
    nl_batch two = batch_of(cpu, &s, 2, nl_tableau_find("rk45"));
    one.members[1].h = one.members[1].h_max = two.members[1].h = two.members[1].h_max = 40 * one.members[1].h_max;
    OK(nl_batch_advance(&one, active, 2, 1e-4, 1e-6, NULL, 9));
    OK(nl_batch_advance(&two, active, 2, 1e-4, 1e-6, NULL, 9));
    assert_true(one.members[1].rejected > 0);
    check_alike(&one, &two, 0, tolerance);
    check_alike(&one, &two, 1, tolerance);
    nl_batch_release(&one);
    nl_batch_release(&two);
}

static void test_refused_steps(void **state)
{
    check_refused_steps(backend_of(state), phases(21, 4), 1e-10);
    for (int k = 0; k < COUNT(others); k++)
        check_refused_steps(backend_of(state), other(others[k]), 1e-12);
}

/* A state that is not finite: every step is refused, until none is left to try; then no further one is. */
static void check_hopeless_member(nl_backend *b, subject s)
{
    nl_batch batch = batch_of(b, &s, 2, nl_tableau_find("bs32"));
    OK(b->ops->put(b, batch.pool.data, batch.pool.size / 2, &(double){NAN}, 1));
    batch.members[0].fresh = false;
    OK(nl_batch_advance(&batch, (int[]){0, 1}, 2, 1e-4, 1e-6, NULL, 40));
    assert_true(batch.members[0].failed);
    assert_int_equal(batch.members[0].steps, 0);
    BETWEEN(batch.members[0].rejected, 10, 30);
    assert_int_equal(batch.members[1].steps + batch.members[1].rejected, 40);
    nl_batch_release(&batch);
}

static void test_hopeless_member(void **state)
{
    check_hopeless_member(backend_of(state), phases(12, 2));
    for (int k = 0; k < COUNT(others); k += 3)
        check_hopeless_member(backend_of(state), other(others[k]));
}

/* Targets are met to the last bit, in more steps than are queued at once. */
static void check_targets(nl_backend *b, subject s, double h)
{
    static const int active[] = {1, 0};
    nl_batch batch = batch_of(b, &s, 2, nl_tableau_find("bs32"));
    for (int k = 1; k <= 3; k++) {
        const double target[] = {310 * h * k, h * k};
        OK(nl_batch_advance(&batch, active, 2, 1e-7, 1e-10, target, 1000));
        assert_true(batch.members[1].t == target[0] && batch.members[0].t == target[1]);
    }
    assert_true(batch.members[1].steps > 3 * 64);
    nl_batch_release(&batch);
}

static void test_targets(void **state)
{
    check_targets(backend_of(state), phases(14, 2), 1e-3);
    check_targets(backend_of(state), other(others[3]), 1e-2);
    check_targets(backend_of(state), other(others[8]), 1e-2);
}

/* The same to the bit, whatever the company, which becomes smaller, and however many steps at once. */
static void check_company(nl_backend *b, subject s)
{
    static const int all[] = {0, 1, 2};
    nl_batch one = batch_of(b, &s, 3, nl_tableau_find("rk45"));
    nl_batch two = batch_of(b, &s, 3, nl_tableau_find("rk45"));
    OK(nl_batch_advance(&one, all, 3, 1e-4, 1e-6, NULL, 4));
    OK(nl_batch_advance(&one, (int[]){2, 0}, 2, 1e-4, 1e-6, NULL, 3));
    for (int m = 2; m >= 0; m--)
        for (int part = 0; part < (m == 1 ? 2 : 3); part++)
            OK(nl_batch_advance(&two, &all[m], 1, 1e-4, 1e-6, NULL, part < 2 ? 2 : 3));
    for (int m = 0; m < 3; m++) {
        double *x = register_of(&one, m, one.members[m].y), *y = register_of(&two, m, two.members[m].y);
        assert_memory_equal(x, y, one.pool.size * sizeof *x);
        assert_true(one.members[m].h == two.members[m].h && one.members[m].t == two.members[m].t);
        free(x);
        free(y);
    }
    nl_batch_release(&one);
    nl_batch_release(&two);
}

static void test_company_does_not_matter(void **state)
{
    check_company(backend_of(state), phases(60, 4));
    for (int k = 0; k < COUNT(others); k++)
        check_company(backend_of(state), other(others[k]));
}

static nl_status refuse(nl_backend *b, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol, double atol,
                        double *result)
{
    (void)b, (void)pool, (void)jobs, (void)n_jobs, (void)rtol, (void)atol, (void)result;
    return nl_fail(NL_ERR_CUDA, "the host wants to see an error");
}

/* Where the backend steps by itself, the host has no part in a step. */
static void test_no_host_between_steps(void **state)
{
    static nl_backend_ops without; /* outlives a failure */
    nl_backend *b = backend_of(state);
    const nl_backend_ops *whole = b->ops;
    if (!whole->advance)
        return;
    without = *whole;
    without.error = refuse;
    for (int k = 0; k < COUNT(others); k++) {
        const subject s = other(others[k]);
        nl_batch batch = batch_of(b, &s, 1, nl_tableau_find("rk43"));
        b->ops = &without;
        const nl_status status = nl_batch_advance(&batch, (int[]){0}, 1, 1e-4, 1e-6, NULL, 2);
        b->ops = whole;
        OK(status);
        assert_int_equal(batch.members[0].steps + batch.members[0].rejected, 2);
        nl_batch_release(&batch);
    }
}

/* One step in single precision, to what its numbers carry. */
static void check_single_precision(nl_backend *b, subject s)
{
    nl_batch one = batch_of(b, &s, 1, nl_tableau_find("rk45"));
    nl_batch two = batch_of(cpu, &s, 1, nl_tableau_find("rk45"));
    OK(nl_batch_advance(&one, (int[]){0}, 1, 1e-2, 1e-4, NULL, 1));
    OK(nl_batch_advance(&two, (int[]){0}, 1, 1e-2, 1e-4, NULL, 1));
    double *x = register_of(&one, 0, one.members[0].y), *y = register_of(&two, 0, two.members[0].y);
    assert_int_equal(one.members[0].steps, 1);
    CLOSE(difference(x, y, one.pool.size), 0, 1e-5);
    free(x);
    free(y);
    nl_batch_release(&one);
    nl_batch_release(&two);
}

static void test_single_precision(void **state)
{
    for (int order = 2; order <= 8; order += 2)
        check_single_precision(backend_of(state), phases(34, order));
    for (int k = 0; k < COUNT(others); k++)
        check_single_precision(backend_of(state), other(others[k]));
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
        cmocka_unit_test(test_other_operators),
        cmocka_unit_test(test_refused_steps),
        cmocka_unit_test(test_hopeless_member),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_no_host_between_steps),
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
    forget_files(NULL);
    return failed;
}
