/* Phases with their own mean radii: reference values, exact limits, stability, evolution in time, backends, bad
 * input. */
#include "nanolase/selfconsistent.h"
#include "run_support.h"

#define MODEL "[model]\nequation = phase-selfconsistent\n"
#define LASER(gamma, epsilon)                                                                                          \
    MODEL "[laser]\ncooperativity = 1.1\ngamma = " gamma "\nepsilon = " epsilon                                        \
          "\nphi1 = 0\nphi2 = 1.5707963267948966\n"
#define FIG6 LASER("3500", "0.3")

#ifndef NL_SANITIZED
static const double N_0 = 1750 / 11.0; /* (C_p - 1) gamma/(2 C_p) at C_p = 1.1, gamma = 3500 */

/* ---- steady states ---- */

/* Fourier-spectral direct solves and iteration of the radii to 1e-10; the last two are past the t_c where the iteration
 * ends: an assembled matrix and Newton's method, 40 points at order 8. */
static const struct {
    double t_c, n1, n2, theta1_im, theta2_re, theta21_im, tolerance;
} references[] = {
    {0, 191.22781654764844, 191.22781654764844, -0.9311357409649225, 0.9311357409649228, 0.8670137681022961, 1e-7},
    {0.005, 183.960654242262, 197.74978483903308, -0.9092452861000153, 0.9437387379213817, 0.8639793625545429, 1e-7},
    {0.01, 175.8667306214006, 203.4313875206572, -0.8713161644599353, 0.9483476089116056, 0.8522453027493995, 1e-7},
    {0.02, 156.78660646473583, 207.7051508371224, -0.5806281531967721, 0.9109947184104487, 0.6672391690520119, 1e-7},
    {0.03, 150.3936972669161, 194.42920586503874, -0.050431016000126457, 0.7915288947103846, 0.19643562365441572, 1e-7},
    {0.04, 155.33590309, 181.64666862, NAN, NAN, NAN, 2e-7},
    {0.06, 161.54952138, 169.93891915, NAN, NAN, NAN, 2e-7},
};

static void check_reference(const run *r, int p)
{
    const double tolerance = references[p].tolerance, n1 = references[p].n1, n2 = references[p].n2;
    CLOSE(run_value(r, p, 0, "n1").re, n1, tolerance * n1);
    CLOSE(run_value(r, p, 0, "n2").re, n2, tolerance * n2);
    CLOSE(run_value(r, p, 0, "radius1").re, sqrt(n1 / N_0), tolerance);
    CLOSE(run_value(r, p, 0, "relative_imbalance").re, (n1 - n2) / (n1 + n2), tolerance);
    CLOSE(run_value(r, p, 0, "imbalance_analytic").re, -references[p].t_c * 3500 / 1.1, 1e-9);
    if (isnan(references[p].theta1_im))
        return;
    const nl_value theta1 = run_value(r, p, 0, "exp_i_theta1"), a1 = run_value(r, p, 0, "a1");
    CLOSE(theta1.im, references[p].theta1_im, tolerance);
    CLOSE(theta1.re, 0, tolerance);
    CLOSE(a1.im, sqrt(n1) * references[p].theta1_im, 20 * tolerance);
    CLOSE(run_value(r, p, 0, "exp_i_theta2").re, references[p].theta2_re, tolerance);
    CLOSE(run_value(r, p, 0, "exp_i_theta21").im, references[p].theta21_im, tolerance);
}

/* One sweep, in which each point helps its neighbours; every state is stable and the only one. */
static void test_reference_values(void **state)
{
    run r;
    (void)state;
    run_text(&r, FIG6 "[grid]\nn_c = 52\norder = 8\n[sweep]\nt_c = 0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06\n");
    run_expect(&r, NL_POINT_CONVERGED);
    for (int p = 0; p < COUNT(references); p++) {
        check_reference(&r, p);
        CLOSE(run_value(&r, p, 0, "solutions").re, 1, 0);
        CLOSE(run_value(&r, p, 0, "stable_solutions").re, 1, 0);
        CLOSE(run_value(&r, p, 0, "unstable_modes").re, 0, 0);
        assert_true(isnan(run_value(&r, p, 0, "n1_down").re));
        BETWEEN(r.result.outcomes[p].residual, 0, 1e-9);
        BETWEEN(r.result.outcomes[p].distance, 0, 1e-9);
    }
    run_release(&r);
}

/* Past the t_c where the iteration ends, alone; radii given for the start change nothing. */
static void test_alone_past_the_iteration(void **state)
{
    static const char *const starts[] = {"", "[phase]\nr1 = 0.6\nr2 = 1.4\n"};
    (void)state;
    for (int i = 0; i < COUNT(starts); i++) {
        char text[400];
        run r;
        snprintf(text, sizeof text, FIG6 "t_c = 0.04\n%s[grid]\nn_c = 40\norder = 8\n", starts[i]);
        run_text(&r, text);
        run_expect(&r, NL_POINT_CONVERGED);
        CLOSE(run_value(&r, 0, 0, "n1").re, 155.33590309, 1e-6);
        CLOSE(run_value(&r, 0, 0, "n2").re, 181.64666862, 1e-6);
        run_release(&r);
    }
}

/* One laser: (A - C)(r - r^3) + epsilon/r_0 I_1(x)/I_0(x) = 0, x = epsilon r/(r_0 D_p), by a continued fraction. */
static void test_one_laser(void **state)
{
    run r;
    (void)state;
    run_text(&r, FIG6 "[model]\nsites = 1\n[grid]\nn_c = 64\norder = 8\n[sweep]\nepsilon = 0.05, 0.3, 1\n");
    run_expect(&r, NL_POINT_CONVERGED);
    for (int p = 0; p < 3; p++) {
        const double e = r.config.axes[0].values[p] / sqrt(N_0), radius = run_value(&r, p, 0, "radius1").re;
        const double x = e * radius / (1.1 / (2 * N_0));
        double ratio = 0;
        for (int k = 200; k > 0; k--)
            ratio = 1 / (2 * k / x + ratio);
        CLOSE(0.1 * (radius - radius * radius * radius) + e * ratio, 0, 1e-8);
        CLOSE(run_value(&r, p, 0, "n1").re, N_0 * radius * radius, 1e-9);
        CLOSE(run_value(&r, p, 0, "unstable_modes").re, 0, 0);
    }
    run_release(&r);
}

/* Without drive phases are uniform and nothing flows, at any tunnelling. */
static void test_without_drive(void **state)
{
    run r;
    (void)state;
    run_text(&r, LASER("3500", "0") "[grid]\nn_c = 24\norder = 8\n[sweep]\nt_c = 0, 0.02, 0.2\n");
    run_expect(&r, NL_POINT_CONVERGED);
    for (int p = 0; p < 3; p++) {
        CLOSE(run_value(&r, p, 0, "n1").re, N_0, 1e-7);
        CLOSE(run_value(&r, p, 0, "n2").re, N_0, 1e-7);
        CLOSE(run_value(&r, p, 0, "stable_solutions").re, 1, 0);
    }
    run_release(&r);
}

/* Turning both drives changes no radius; changing places of the lasers changes their places. */
static void test_symmetries(void **state)
{
    run r;
    (void)state;
    run_text(&r, FIG6 "t_c = 0.015\n[grid]\nn_c = 40\norder = 8\n[sweep]\nphi1 = 0.3, 1.3\nphi2 = 0.3, 1.3\n");
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(run_value(&r, 0, 0, "n1").re, run_value(&r, 3, 0, "n1").re, 1e-5);
    CLOSE(run_value(&r, 0, 0, "imbalance").re, 0, 1e-7);
    CLOSE(run_value(&r, 1, 0, "n1").re, run_value(&r, 2, 0, "n2").re, 1e-6);
    BETWEEN(run_value(&r, 1, 0, "imbalance").re, -45, -5);
    run_release(&r);
}

/* n_c = auto is fine enough for the largest radii of the sweep. */
static void test_automatic_grid(void **state)
{
    run r, fine;
    (void)state;
    run_text(&r, FIG6 "t_c = 0.02\n[grid]\norder = 8\naccuracy = 1e-4\n");
    run_text(&fine, FIG6 "t_c = 0.02\n[grid]\norder = 8\nn_c = 64\n");
    run_expect(&r, NL_POINT_CONVERGED);
    BETWEEN(r.plan.points[0].n, 16, 48);
    CLOSE(run_value(&r, 0, 0, "exp_i_theta1").im, run_value(&fine, 0, 0, "exp_i_theta1").im, 1e-4);
    run_release(&r);
    run_release(&fine);
}

/* ---- in time ---- */

static void test_time_leads_to_the_steady_state(void **state)
{
    run steady, time;
    (void)state;
    run_text(&steady, FIG6 "t_c = 0.05\n[grid]\nn_c = 32\norder = 8\n");
    run_text(&time, FIG6 "t_c = 0.05\n[grid]\nn_c = 32\norder = 8\n[phase]\nr1 = 0.5\nr2 = 1.6\n[run]\nmode = evolve\n"
                         "t_end = 2000\nsave_every = 1000\n");
    run_expect(&time, NL_POINT_CONVERGED);
    CLOSE(run_value(&time, 0, 0, "n1").re, 0.25 * N_0, 1e-9);
    CLOSE(run_value(&time, 0, 0, "n2").re, 2.56 * N_0, 1e-9);
    CLOSE(run_value(&time, 0, 2, "n1").re, run_value(&steady, 0, 0, "n1").re, 1e-4);
    CLOSE(run_value(&time, 0, 2, "n2").re, run_value(&steady, 0, 0, "n2").re, 1e-4);
    CLOSE(run_value(&time, 0, 2, "exp_i_theta1").im, run_value(&steady, 0, 0, "exp_i_theta1").im, 1e-6);
    run_release(&steady);
    run_release(&time);
}

/* Without drive and tunnelling, uniform phases stay so, and dr/dt = (A - C)(r - r^3) has r^2 = 1/(1 + (1/r(0)^2 - 1)
 * e^{-2(A - C)t}). */
static void test_radii_in_time(void **state)
{
    run r;
    (void)state;
    run_text(&r, LASER("3500", "0") "t_c = 0\n[grid]\nn_c = 16\norder = 8\n[phase]\nr1 = 0.3\nr2 = 1.8\n[run]\n"
                      "mode = evolve\nt_end = 20\nsave_every = 5\ninitial = uniform\n");
    run_expect(&r, NL_POINT_CONVERGED);
    for (int t = 0; t < 5; t++)
        for (int j = 0; j < 2; j++) {
            const double start = j ? 1.8 : 0.3;
            const double square = 1 / (1 + (1 / (start * start) - 1) * exp(-0.2 * r.result.times[t]));
            CLOSE(run_value(&r, 0, t, j ? "n2" : "n1").re, N_0 * square, 1e-5);
        }
    run_release(&r);
}
#endif

/* ---- the coupled step ---- */

/* Radius 1 and <cos theta_1> after `steps` steps of a pair to t = 8. */
static void step_to(nl_backend *backend, const run *r, const char *pair, int steps, double *out)
{
    const int member = 0;
    nl_batch batch;
    double error, step = 8.0 / steps;
    double *moments = malloc(3 * 64 * sizeof *moments);
    OK(nl_batch_new(backend, r->plan.model, r->plan.points, 1, r->plan.points[0].n, nl_tableau_find(pair), 0, &batch));
    OK(nl_batch_set_initial(&batch, NL_INITIAL_LOCKED, 0, 1));
    for (int s = 0; s < steps; s++) {
        OK(nl_batch_try_step(&batch, &member, 1, &step, 1, 1, &error));
        nl_batch_accept(&batch, 0, step);
    }
    OK(nl_batch_moments(&batch, &member, 1, moments));
    out[0] = batch.points[0].phase.r[0];
    out[1] = nl_phase_moments_of(&batch.points[0].phase, batch.n, moments).exp_i_theta[0][0];
    free(moments);
    nl_batch_release(&batch);
}

/* Phases and radii together converge with the pair's order: each stage has its own radii. */
static void test_order(void **state)
{
    static const char *const pairs[] = {"bs32", "rk43", "rk45"};
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run r;
        if (!open_or_skip(&backend_cases[c], "the order of coupled steps", &backend))
            continue;
        run_prepare(&r, MODEL "[laser]\ncooperativity = 1.3\ngamma = 100\nepsilon = 0.8\nt_c = 0.2\nphi1 = 0.4\n"
                              "[grid]\nn_c = 16\norder = 4\n[phase]\nr1 = 0.8\nr2 = 1.4\n[run]\nmode = evolve\n");
        for (int i = 0; i < COUNT(pairs); i++) {
            const int order = nl_tableau_find(pairs[i])->order, first = 40;
            double exact[2], coarse[2], fine[2];
            step_to(backend, &r, "rk45", 800, exact);
            step_to(backend, &r, pairs[i], first, coarse);
            step_to(backend, &r, pairs[i], 2 * first, fine);
            for (int k = 0; k < 2; k++) {
                const double slope = log2(fabs(coarse[k] - exact[k]) / fabs(fine[k] - exact[k]));
                BETWEEN(slope, order - 0.35, order + 2.2);
            }
        }
        run_release(&r);
        nl_backend_close(backend);
    }
}

/* ---- stability ---- */

static const double none[4] = {0};

/* One laser with K = g e^{-b t}: zeros of (s - a)(s + b) - g; known to the end, or to where only the tail is left. */
static void test_zeros_of_one(void **state)
{
    enum { SAMPLES = 2000 };
    static const struct {
        double a, b, g;
        int zeros;
    } cases[] = {{-0.2, 0.3, 0, 0}, {0.2, 0.3, 0, 1}, {-0.2, 0.3, 0.05, 0}, {-0.2, 0.3, 0.07, 1},
                 {0.1, 0.3, -0.02, 1}, {0.1, 0.3, -0.04, 0}, {0.35, 0.3, -0.2, 2}};
    double(*K)[4] = calloc(SAMPLES, sizeof *K);
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        const double J[4] = {cases[i].a};
        for (int k = 0; k < SAMPLES; k++)
            K[k][0] = cases[i].g * exp(-cases[i].b * 0.05 * k);
        assert_int_equal(nl_radii_count_zeros(1, J, (const double(*)[4])K, SAMPLES, 0.05, none), cases[i].zeros);
        const double tail[4] = {cases[i].b};
        assert_int_equal(nl_radii_count_zeros(1, J, (const double(*)[4])K, SAMPLES / 20, 0.05, tail), cases[i].zeros);
    }
    free(K);
}

/* Two lasers without memory: eigenvalues of J. */
static void test_zeros_of_two(void **state)
{
    static const struct {
        double J[4];
        int zeros;
    } cases[] = {{{-0.1, 0, 0, -0.3}, 0}, {{0.1, 0, 0, -0.3}, 1}, {{0.1, 1, -1, 0.1}, 2}, {{-0.1, 1, -1, -0.1}, 0},
                 {{-0.1, 0.5, 0.5, -0.1}, 1}, {{-0.6, 0.5, 0.5, -0.6}, 0}};
    const double K[400][4] = {{0}};
    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        assert_int_equal(nl_radii_count_zeros(2, cases[i].J, K, 400, 0.5, none), cases[i].zeros);
}

/* With its sign turned the radial gain drives the radii away; as it is, not. */
static void test_modes_of_a_state(void **state)
{
    run r;
    nl_backend *backend;
    nl_radii_state at = {0};
    const nl_radii_state *list[] = {&at};
    int modes;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&r, FIG6 "t_c = 0.01\n[grid]\nn_c = 24\norder = 8\n[steady]\ntolerance = 1e-6\n");
    OK(nl_radii_evaluate(&(nl_outer_run){&r.plan, backend, NULL}, &at, 1));
    OK(nl_radii_unstable_modes(&(nl_outer_run){&r.plan, backend, NULL}, list, 1, &modes, NULL));
    assert_int_equal(modes, 0);
    r.plan.points[0].phase.net_gain = -0.1;
    OK(nl_radii_unstable_modes(&(nl_outer_run){&r.plan, backend, NULL}, list, 1, &modes, NULL));
    assert_int_equal(modes, 2);
    nl_radii_state_release(&at);
    run_release(&r);
    nl_backend_close(backend);
}

/* What follows a kick, summed over time, is what the steady phases at shifted radii give. */
static void test_response_to_kicks(void **state)
{
    const double shift = 1e-2;
    run r;
    nl_backend *backend;
    nl_radii_state at[5] = {0};
    const nl_radii_state *list[] = {&at[0]};
    double jacobian[1][4];
    int modes;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&r, LASER("500", "0.3") "t_c = 0.05\n[grid]\nn_c = 20\norder = 8\n[steady]\ntolerance = 1e-6\n");
    for (int k = 0; k < 5; k++) {
        at[k].u[0] = 0.1 + (k == 1 ? shift : k == 2 ? -shift : 0);
        at[k].u[1] = 0.2 + (k == 3 ? shift : k == 4 ? -shift : 0);
    }
    OK(nl_radii_evaluate(&(nl_outer_run){&r.plan, backend, NULL}, at, 5));
    OK(nl_radii_unstable_modes(&(nl_outer_run){&r.plan, backend, NULL}, list, 1, &modes, jacobian));
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 2; k++)
            CLOSE(jacobian[0][2 * j + k], (at[1 + 2 * k].G[j] - at[2 + 2 * k].G[j]) / (2 * shift), 2e-3);
    for (int k = 0; k < 5; k++)
        nl_radii_state_release(&at[k]);
    run_release(&r);
    nl_backend_close(backend);
}

/* ---- backends, limits, bad input ---- */

#define SMALL_FIELDS                                                                                                   \
    LASER("500", "0.3")                                                                                                \
    "[grid]\nn_c = 16\norder = 4\n[steady]\ntolerance = 1e-5\n[output]\nfields = yes\n"                                \
    "[sweep]\nt_c = 0.02, 0.05\n"

static void test_backends_agree(void **state)
{
    run first = {0};
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run r;
        if (!open_or_skip(&backend_cases[c], "self-consistent radii", &backend))
            continue;
        run_prepare(&r, SMALL_FIELDS);
        run_solve(&r, backend, NULL);
        run_expect(&r, NL_POINT_CONVERGED);
        double sum = 0;
        for (int i = 0; i < 256; i++)
            sum += r.result.field_data[0][256 + i] * pow(acos(-1) / 8, 2);
        CLOSE(sum, 1, 1e-9);
        for (int p = 0; p < 2 && c > 0; p++)
            CLOSE(run_value(&r, p, 0, "n1").re, run_value(&first, p, 0, "n1").re, 1e-6);
        if (c == 0)
            first = r;
        else
            run_release(&r);
        nl_backend_close(backend);
    }
    run_release(&first);
}

/* What cannot be found is marked, with why, and the sweep goes on. */
static void test_points_without_a_state(void **state)
{
    run r;
    (void)state;
    run_text(&r, LASER("500", "0.3") "[grid]\nn_c = 16\norder = 4\n[steady]\nmethod = rre\ntolerance = 1e-6\n"
                                     "[sweep]\nmax_time = 1, 1e6\nt_c = 0.01\n");
    assert_int_equal(r.result.outcomes[0].status, NL_POINT_MAX_TIME);
    assert_true(isnan(run_value(&r, 0, 0, "n1").re));
    assert_int_equal(r.result.outcomes[1].status, NL_POINT_CONVERGED);
    run_release(&r);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void ignore(void *user, const nl_progress *progress)
{
    (void)user;
    (void)progress;
}

static nl_status accept(void *user)
{
    (void)user;
    return NL_OK;
}

/* A run that is stopped leaves its points to be done. */
static void test_stopped(void **state)
{
    const nl_watcher watcher = {NULL, ignore, accept, always, NULL, NULL};
    nl_backend *backend;
    run r;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&r, FIG6 "[grid]\nn_c = 16\norder = 4\n");
    run_solve(&r, backend, &watcher);
    run_expect(&r, NL_POINT_PENDING);
    run_release(&r);
    nl_backend_close(backend);
}

static void test_bad_input(void **state)
{
    static const char *const texts[] = {
        "[phase]\nD_p = 0.1\n", "[phase]\nepsilon_over_r0 = 1\n", "[sweep]\nD_p = 0.1, 0.2\n",
        "[laser]\ncooperativity = 1\n", "[sweep]\ncooperativity = 0.9, 1.1\n", "[grid]\norder = 3\n",
        "[run]\ninitial = vacuum\n", "[run]\nmode = evolve\n[integrator]\nmethod = rkc\n", "[phase]\nr1 = 1e-200\n",
    };
    (void)state;
    for (int i = 0; i < COUNT(texts); i++) {
        char text[300];
        nl_plan plan;
        snprintf(text, sizeof text, MODEL "%s", texts[i]);
        nl_config config = config_of(text);
        assert_int_equal(nl_plan_new(&config, &plan), NL_ERR_CONFIG);
        nl_config_release(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef NL_SANITIZED /* a run of each kind is enough there */
        cmocka_unit_test(test_reference_values),
        cmocka_unit_test(test_alone_past_the_iteration),
        cmocka_unit_test(test_one_laser),
        cmocka_unit_test(test_without_drive),
        cmocka_unit_test(test_symmetries),
        cmocka_unit_test(test_automatic_grid),
        cmocka_unit_test(test_time_leads_to_the_steady_state),
        cmocka_unit_test(test_radii_in_time),
#endif
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_zeros_of_one),
        cmocka_unit_test(test_zeros_of_two),
        cmocka_unit_test(test_modes_of_a_state),
        cmocka_unit_test(test_response_to_kicks),
        cmocka_unit_test(test_backends_agree),
        cmocka_unit_test(test_points_without_a_state),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests_name("selfconsistent", tests, NULL, forget_files);
}
