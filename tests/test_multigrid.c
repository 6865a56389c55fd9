/* Steady states by multigrid: against time evolution, cost, company, backends, grids that are too coarse. */
#include "run_support.h"

static const char *const text = "[model]\nsites = %d\n[laser]\nt_c = %g\nphi1 = 0.3\nphi2 = -0.5\n"
                                "[phase]\nD_p = %g\nepsilon_over_r0 = 1\nr1 = 1.1\nr2 = 0.9\n"
                                "[grid]\nn_c = %d\norder = %d\n[steady]\nmethod = %s\ntolerance = %g\n";

/* ---- right ---- */

static void check_against_evolution(int sites, double t_c, double D_p, int n, int order)
{
    run cycles, evolved;
    run_text(&cycles, text_of(text, sites, t_c, D_p, n, order, "multigrid", 1e-11));
    run_text(&evolved, text_of(text, sites, t_c, D_p, n, order, "rre", 1e-11));
    run_expect(&cycles, NL_POINT_CONVERGED);
    run_expect(&evolved, NL_POINT_CONVERGED);
    CLOSE(run_difference(&cycles, &evolved), 0, 1e-9);
    CLOSE(cycles.result.outcomes[0].norm_error, 0, 1e-12);
    BETWEEN(cycles.result.outcomes[0].residual, 0, 1e-11);
    BETWEEN(cycles.result.outcomes[0].distance, 0, 1e-11);
    assert_true(cycles.result.outcomes[0].rhs < evolved.result.outcomes[0].rhs);
    run_release(&cycles);
    run_release(&evolved);
}

/* One grid and several, grids that halve and that do not, all orders, unequal radii and phases. */
static void test_agrees_with_evolution(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2)
        check_against_evolution(2, 0.6, 0.2, 48, order);
    check_against_evolution(2, -0.8, 0.1, 67, 4);
    check_against_evolution(1, 0, 0.05, 90, 6);
    check_against_evolution(1, 0, 0.5, 33, 2);
#ifndef NL_SANITIZED
    check_against_evolution(2, 2, 0.05, 150, 8);
#endif
}

/* What is said of the distance holds: of <exp(i theta)>, with what the estimate may be off by, it bounds the error. */
static void test_distance(void **state)
{
    static const double t_c[] = {0.4, 1, 2};
    (void)state;
    for (int i = 0; i < COUNT(t_c); i++) {
        run rough, fine;
        run_text(&rough, text_of(text, 2, t_c[i], 0.08, 72, 4, "multigrid", 1e-3));
        run_text(&fine, text_of(text, 2, t_c[i], 0.08, 72, 4, "multigrid", 1e-12));
        const double distance = rough.result.outcomes[0].distance, error = run_difference(&rough, &fine);
        BETWEEN(error, 1e-13, 10 * distance);
        BETWEEN(distance, 0, 1e-3);
        run_release(&rough);
        run_release(&fine);
    }
}

/* A residual of 1e-11 within 600 applications on the finest grid, and fewer where that is finer. */
static void test_cost(void **state)
{
    static const double t_c[] = {0.3, 1, 3};
    (void)state;
    for (int i = 0; i < COUNT(t_c); i++) {
        run r;
        run_text(&r, text_of("[laser]\nt_c = %g\nphi1 = 0\nphi2 = 0\n[phase]\nepsilon_over_r0 = 1\n"
                             "[steady]\nmethod = multigrid\ntolerance = 1e-11\n"
#ifdef NL_SANITIZED
                             "[sweep]\nD_p = 0.05\norder = 2, 8\nn_c = 64, 128\n",
#else
                             "[sweep]\nD_p = 0.05, 0.005\norder = 2, 8\nn_c = 256, 512\n",
#endif
                             t_c[i]));
        run_expect(&r, NL_POINT_CONVERGED);
        for (int p = 0; p < r.result.n_points; p++)
            BETWEEN(r.result.outcomes[p].rhs, 1, 600);
        for (int p = 1; p < r.result.n_points; p += 2) /* the last axis varies fastest */
            BETWEEN(r.result.outcomes[p].rhs, 1, 400);
        run_release(&r);
    }
}

/* ---- company ---- */

static const char *const sweep = "[laser]\nphi1 = 0\nphi2 = 0.4\n[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\n"
                                 "[grid]\nn_c = 80\norder = 4\n[steady]\nmethod = multigrid\n[sweep]\nt_c = %s\n";

static void solve_on(run *r, const backend_case *c, const char *values)
{
    nl_backend *backend;
    run_prepare(r, text_of(sweep, values));
    assert_true(open_or_skip(c, "multigrid", &backend));
    run_solve(r, backend, NULL);
    run_expect(r, NL_POINT_CONVERGED);
    nl_backend_close(backend);
}

/* Members that need different numbers of cycles, alone and together, on every backend. */
static void test_company_and_backends(void **state)
{
    run alone, together;
    nl_backend *backend;
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        if (!open_or_skip(&backend_cases[c], "multigrid", &backend))
            continue;
        nl_backend_close(backend);
        solve_on(&together, &backend_cases[c], "0, 0.7, 2.5");
        solve_on(&alone, &backend_cases[c], "0.7");
        for (int k = 0; k < alone.result.n_observables; k++) {
            const nl_value a = nl_result_values(&alone.result, 0, 0)[k],
                           t = nl_result_values(&together.result, 1, 0)[k];
            assert_true(a.re == t.re && a.im == t.im);
        }
        assert_int_equal(alone.result.outcomes[0].rhs, together.result.outcomes[1].rhs);
        run first;
        solve_on(&first, &backend_cases[0], "0, 0.7, 2.5");
        CLOSE(run_difference(&first, &together), 0, 1e-11);
        for (int p = 0; p < 3; p++)
            assert_int_equal(first.result.outcomes[p].rhs, together.result.outcomes[p].rhs);
        run_release(&first);
        run_release(&alone);
        run_release(&together);
    }
}

/* ---- where cycles fail ---- */

/* On this grid the differences have growing modes. Evolution takes over, and says so too. */
static void test_no_steady_state(void **state)
{
    run cycles, evolved;
    const char *const coarse = "[laser]\nt_c = 1\nphi2 = 0\n[phase]\nD_p = 0.002\nepsilon_over_r0 = 1\n"
                               "[grid]\nn_c = 24\norder = 2\n[steady]\nmethod = %s\n";
    (void)state;
    run_text(&cycles, text_of(coarse, "multigrid"));
    run_text(&evolved, text_of(coarse, "rre"));
    assert_true(cycles.result.outcomes[0].status != NL_POINT_CONVERGED);
    assert_int_equal(cycles.result.outcomes[0].status, evolved.result.outcomes[0].status);
    assert_true(cycles.result.outcomes[0].rhs > evolved.result.outcomes[0].rhs); /* both ways are accounted for */
    run_release(&cycles);
    run_release(&evolved);
}

/* Cycles with far too few modes below them: extrapolation holds them down, and the answer is right. */
static void test_coarse_grid(void **state)
{
    run cycles, evolved;
    const char *const coarse = "[laser]\nt_c = 1.5\nphi2 = 0.7\n[phase]\nD_p = 0.01\nepsilon_over_r0 = 1\n"
                               "[grid]\nn_c = 32\norder = 8\n[steady]\ntolerance = 1e-10\nmethod = %s\n";
    (void)state;
    run_text(&cycles, text_of(coarse, "multigrid"));
    run_text(&evolved, text_of(coarse, "rre"));
    run_expect(&cycles, NL_POINT_CONVERGED);
    run_expect(&evolved, NL_POINT_CONVERGED);
    CLOSE(run_difference(&cycles, &evolved), 0, 1e-8);
    run_release(&cycles);
    run_release(&evolved);
}

/* Below what rounding allows no method gets on, and none is called. */
static void test_stalls_at_rounding(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of(text, 2, 0.5, 0.3, 40, 2, "multigrid", 1e-15));
    BETWEEN(r.result.outcomes[0].residual, 0, 1e-12);
    BETWEEN(r.result.outcomes[0].rhs, 0, 1500);
    run_release(&r);
}

static void test_which_points(void **state)
{
    static const struct {
        const char *add;
        bool cycles;
    } cases[] = {{"", true}, {"[steady]\nmethod = rre\n", false}, {"[run]\nmode = evolve\nt_end = 1\n", false}};
    (void)state;
    for (int c = 0; c < COUNT(cases); c++) {
        run r;
        run_prepare(&r, text_of("[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n%s", cases[c].add));
        assert_int_equal(r.plan.points[0].grids > 0, cases[c].cycles);
        run_release(&r);
    }
    nl_config config = config_of("[model]\nequation = gutzwiller\n[steady]\nmethod = multigrid\n");
    nl_plan plan;
    FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, "multigrid needs grids");
    nl_config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_evolution), cmocka_unit_test(test_distance),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_company_and_backends),  cmocka_unit_test(test_no_steady_state),
        cmocka_unit_test(test_coarse_grid),           cmocka_unit_test(test_stalls_at_rounding),
        cmocka_unit_test(test_which_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
