/* Evolution in time: closed forms of transients, saved times, restart, sweeps, backends. */
#include "run_support.h"

/*
 * Without drive theta_2 - theta_1 diffuses freely, with tunnelling or without:
 * <e^{i(theta_2 - theta_1)}>(t) = e^{-2 D_p t} times its initial value.
 */
static void test_free_diffusion(void **state)
{
    static const char *const methods[] = {"auto", "rk45", "cash-karp", "rk43", "bs32", "rkc"};
    (void)state;
    for (int m = 0; m < COUNT(methods); m++) {
        char text[400];
        run r;
        snprintf(text, sizeof text, "[laser]\nt_c = 0.8\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.3\nepsilon_over_r0 = 0\n"
                                    "[grid]\nn_c = 32\norder = 8\n[run]\nmode = evolve\nt_end = 1\nsave_every = 0.35\n"
                                    "initial = locked\n[integrator]\nmethod = %s\nrtol = 1e-6\natol = 1e-9\n",
                 methods[m]);
        run_text(&r, text);
        run_expect(&r, NL_POINT_CONVERGED);
        assert_int_equal(r.result.n_times, 4);
        const nl_value start = run_value(&r, 0, 0, "correlation");
        assert_true(hypot(start.re, start.im) > 0.5);
        for (int t = 1; t < 4; t++) {
            const nl_value c = run_value(&r, 0, t, "correlation");
            const double decay = exp(-2 * 0.3 * r.result.times[t]);
            CLOSE(hypot(c.re - decay * start.re, c.im - decay * start.im), 0, 3e-6);
        }
        CLOSE(r.result.outcomes[0].model_time, 1, 0);
        CLOSE(r.result.outcomes[0].norm_error, 0, 1e-12);
        run_release(&r);
    }
}

/* One phase: diffusion of <e^{i theta}> without drive, and the locked state stays where it is with it. */
static void test_single_site(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nsites = 1\n[laser]\nphi1 = 2\n[phase]\nD_p = 0.5\nepsilon_over_r0 = 0\n[grid]\nn_c = 32\n"
                 "order = 8\n[run]\nmode = evolve\nt_end = 2\nsave_every = 1\ninitial = locked\n");
    for (int t = 0; t < 3; t++)
        CLOSE(run_value(&r, 0, t, "exp_i_theta1").re,
              run_value(&r, 0, 0, "exp_i_theta1").re * exp(-0.5 * r.result.times[t]), 1e-7);
    run_release(&r);
    run_text(&r, "[model]\nsites = 1\n[laser]\nphi1 = 2\n[phase]\nD_p = 0.5\nepsilon_over_r0 = 1\n[grid]\nn_c = 48\n"
                 "order = 8\n[run]\nmode = evolve\nt_end = 2\nsave_every = 1\ninitial = locked\n");
    CLOSE(run_value(&r, 0, 2, "exp_i_theta1").re, run_value(&r, 0, 0, "exp_i_theta1").re, 1e-8);
    CLOSE(run_value(&r, 0, 2, "exp_i_theta1").im, run_value(&r, 0, 0, "exp_i_theta1").im, 1e-8);
    run_release(&r);
}

static const char *const sweep_text = "[laser]\nt_c = 0.8\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.3\n"
                                      "epsilon_over_r0 = 1\n[grid]\nn_c = 20\norder = 4\n[run]\nmode = evolve\n"
                                      "t_end = 0.5\nsave_every = 0.125\n[integrator]\nrtol = 1e-6\n"
                                      "[sweep]\nt_c = 0, 1, 3\n";

static void test_company_does_not_matter(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run together, alone;
        if (!open_or_skip(&backend_cases[c], "independence of the batch in time", &backend))
            continue;
        run_prepare(&together, sweep_text);
        run_prepare(&alone, sweep_text);
        solve_together(&together, backend, 0, 2, nl_evolve);
        for (int p = 0; p < 3; p++)
            solve_together(&alone, backend, p, p, nl_evolve);
        run_expect(&together, NL_POINT_CONVERGED);
        assert_true(run_difference(&together, &alone) == 0);
        for (int p = 0; p < 3; p++)
            assert_int_equal(together.result.outcomes[p].rhs, alone.result.outcomes[p].rhs);
        run_release(&together);
        run_release(&alone);
        nl_backend_close(backend);
    }
}

static void test_cpu_and_cuda_agree(void **state)
{
    nl_backend *cuda;
    run a, b;
    (void)state;
    if (!open_or_skip(&backend_cases[COUNT(backend_cases) - 1], "evolution on CPU against CUDA", &cuda))
        return;
    run_text(&a, sweep_text);
    run_prepare(&b, sweep_text);
    run_solve(&b, cuda, NULL);
    run_expect(&b, NL_POINT_CONVERGED);
    CLOSE(run_difference(&a, &b), 0, 1e-12);
    run_release(&a);
    run_release(&b);
    nl_backend_close(cuda);
}

/* What is saved does not depend on how often: the steps are the integrator's own but where they meet a saved time. */
static void test_saving_does_not_disturb(void **state)
{
    run seldom, often;
    (void)state;
    run_text(&seldom, "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 16\n[run]\nmode = evolve\nt_end = 1\n"
                      "save_every = 1\n[integrator]\nrtol = 1e-9\n");
    run_text(&often, "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 16\n[run]\nmode = evolve\nt_end = 1\n"
                     "save_every = 0.05\n[integrator]\nrtol = 1e-9\n");
    const int last = often.result.n_times - 1;
    CLOSE(run_value(&often, 0, last, "coherence").re, run_value(&seldom, 0, 1, "coherence").re, 1e-8);
    run_release(&seldom);
    run_release(&often);
}

/* The points of a sweep have tolerances of their own, but saved times in common. */
static void test_sweep_of_the_methods_keys(void **state)
{
    static const char *const times[] = {"t_end = 0.25, 0.5", "save_every = 0.1, 0.2"};
    static const char *const format = "[laser]\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n"
                                      "[grid]\nn_c = 16\n[run]\nmode = evolve\nt_end = 0.5\n[sweep]\n%s\n";
    char text[400];
    run r;
    (void)state;
    snprintf(text, sizeof text, format, "rtol = 1e-3, 1e-10");
    run_text(&r, text);
    assert_true(r.result.outcomes[1].rhs > r.result.outcomes[0].rhs);
    run_release(&r);
    for (int k = 0; k < COUNT(times); k++) {
        nl_config c;
        snprintf(text, sizeof text, format, times[k]);
        FAILS(nl_config_load(write_file_named("test.ini", text), NULL, 0, &c), NL_ERR_CONFIG, "saved times");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_diffusion),
        cmocka_unit_test(test_single_site),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_cpu_and_cuda_agree),
        cmocka_unit_test(test_saving_does_not_disturb),
        cmocka_unit_test(test_sweep_of_the_methods_keys),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
