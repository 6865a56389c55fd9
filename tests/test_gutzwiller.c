/* The Gutzwiller dimer's steady states: reference values, the local response, Newton's method, stability, slopes. */
#include <complex.h>

#include "nanolase/gutzwiller.h"
#include "run_support.h"

#ifndef NL_SANITIZED
/* ---- reference values: sparse direct solves of each site, and Newton on alpha ---- */

typedef struct reference {
    double C_p, gamma, t_c, phi2;
    int levels;
    double alpha[2][2], n[2], var[2];
} reference;

static const reference references[] = {
    {1.2, 200, 0, 1.5707963267948966, 70, {{0, -3.4091397609108074}, {3.4091397609108074, 0}},
     {20.215962304710658, 20.215962304710658}, {61.436137000616895, 61.436137000616895}},
    {1.2, 200, 0.02, 1.5707963267948966, 70, {{0, -2.889673254037288}, {3.7126580381170116, 0}},
     {18.94347704846244, 21.1929560939718}, {62.37180615755932, 60.28918787583774}},
    {1.2, 200, 0.05, 1.5707963267948966, 70, {{0, -1.6407389252864883}, {3.8208298314516833, 0}},
     {17.168778645463878, 21.59402912944193}, {61.85510650186819, 59.754794668758905}},
    {1.2, 200, 0.1, 1.5707963267948966, 70, {{0, 0.32474900467165985}, {3.2030054889666304, 0}},
     {16.483505311952587, 19.658569583427358}, {60.85975905075486, 61.94405552352845}},
    {1.1, 500, 0.01, 0.3, 160, {{0.6745552349447831, -4.451424174666897}, {2.017782593215005, -4.240339832031246}},
     {31.79060211080104, 32.74468753812637}, {170.48812025799475, 169.3917761569171}},
};

static void ini_text(const reference *c, const char *more, char *text, size_t size)
{
    snprintf(text, size, "[model]\nequation = gutzwiller\n[laser]\ncooperativity = %g\ngamma = %g\nepsilon = 0.3\n"
                         "t_c = %.17g\nphi1 = 0\nphi2 = %.17g\n[fock]\nlevels = %d\n%s",
             c->C_p, c->gamma, c->t_c, c->phi2, c->levels, more);
}

static void check_site(const run *r, int j, const reference *c, double tolerance)
{
    const char *a = j ? "a2" : "a1", *n = j ? "n2" : "n1", *var = j ? "var_n2" : "var_n1";
    CLOSE(run_value(r, 0, 0, a).re, c->alpha[j][0], tolerance * 4);
    CLOSE(run_value(r, 0, 0, a).im, c->alpha[j][1], tolerance * 4);
    CLOSE(run_value(r, 0, 0, n).re, c->n[j], tolerance * c->n[j]);
    CLOSE(run_value(r, 0, 0, var).re, c->var[j], 3 * tolerance * c->var[j]);
}

static void test_reference_values(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(references); i++) {
        const reference *c = &references[i];
        char text[400];
        run r;
        ini_text(c, "", text, sizeof text);
        run_text(&r, text);
        run_expect(&r, NL_POINT_CONVERGED);
        for (int j = 0; j < 2; j++)
            check_site(&r, j, c, 1e-8);
        CLOSE(run_value(&r, 0, 0, "std_imbalance").re, sqrt(c->var[0] + c->var[1]), 1e-7 * sqrt(c->var[0]));
        CLOSE(run_value(&r, 0, 0, "solutions").re, 1, 0);
        CLOSE(run_value(&r, 0, 0, "unstable_modes").re, 0, 0);
        BETWEEN(r.result.outcomes[0].residual, 0, 1e-9);
        BETWEEN(r.result.outcomes[0].distance, 0, 1e-9);
        run_release(&r);
    }
}

/* Without drive alpha_1 = i c_1 alpha_2 and alpha_2 = i c_2 alpha_1 with c_j >= 0 leave nothing but darkness. */
static void test_no_drive_has_one_solution(void **state)
{
    (void)state;
    for (int below = 0; below < 2; below++) {
        run r;
        run_text(&r, below ? "[model]\nequation = gutzwiller\n[laser]\nepsilon = 0\ngamma = 100\ncooperativity = 0.5\n"
                             "[sweep]\nt_c = 0, 0.3\n"
                           : "[model]\nequation = gutzwiller\n[laser]\nepsilon = 0\ngamma = 100\ncooperativity = 1.1\n"
                             "[sweep]\nt_c = 0, 0.3\n");
        run_expect(&r, NL_POINT_CONVERGED);
        for (int p = 0; p < 2; p++) {
            CLOSE(run_value(&r, p, 0, "solutions").re, 1, 0);
            CLOSE(run_value(&r, p, 0, "stable_solutions").re, 1, 0);
            CLOSE(run_value(&r, p, 0, "a1").im, 0, 1e-9);
        }
        run_release(&r);
    }
}

/* Evolved in time, the pair ends in the same state: it is stable. */
static void test_the_pair_in_time_agrees(void **state)
{
    char text[400];
    run r;
    (void)state;
    ini_text(&references[3], "[steady]\nmethod = relax\n", text, sizeof text);
    run_text(&r, text);
    run_expect(&r, NL_POINT_CONVERGED);
    for (int j = 0; j < 2; j++)
        check_site(&r, j, &references[3], 1e-8);
    run_release(&r);
}

/* Turning both drives turns both amplitudes, and nothing else. */
static void test_global_phase(void **state)
{
    const char *text = "[model]\nequation = gutzwiller\n[laser]\ncooperativity = 1.2\ngamma = 200\nepsilon = 0.3\n"
                       "t_c = 0.05\n[fock]\nlevels = 70\n[sweep]\nphi1 = 0, 0.7\nphi2 = 0.4, 1.1\n";
    run r;
    (void)state;
    run_text(&r, text);
    const nl_value a = run_value(&r, 0, 0, "a1"), b = run_value(&r, 3, 0, "a1");
    const double complex turned = (a.re + I * a.im) * cexp(0.7 * I);
    CLOSE(b.re, creal(turned), 1e-9);
    CLOSE(b.im, cimag(turned), 1e-9);
    CLOSE(run_value(&r, 0, 0, "imbalance").re, run_value(&r, 3, 0, "imbalance").re, 1e-8);
    CLOSE(run_value(&r, 0, 0, "d_imbalance_dphi").re, run_value(&r, 3, 0, "d_imbalance_dphi").re, 1e-7);
    run_release(&r);
}

/* ---- the slope of the imbalance ---- */

static void test_slope(void **state)
{
    const double h = 1e-3;
    const char *text = "[model]\nequation = gutzwiller\n[laser]\ncooperativity = 1.2\ngamma = 200\nepsilon = 0.3\n"
                       "t_c = 0.03\nphi1 = 0.2\n[fock]\nlevels = 70\n[sweep]\nphi2 = 0.598, 0.599, 0.6, 0.601, 0.602\n";
    run r;
    (void)state;
    run_text(&r, text);
    double n[5];
    for (int p = 0; p < 5; p++)
        n[p] = run_value(&r, p, 0, "imbalance").re;
    const double slope = run_value(&r, 2, 0, "d_imbalance_dphi").re;
    CLOSE(slope, (8 * (n[3] - n[1]) - (n[4] - n[0])) / (12 * h), 1e-6 * fabs(slope));
    /* n_1 - n_2 falls with phi_2 - phi_1: the sign that Eq. 6 implies, and about the size of Eq. 36. */
    const double analytic = run_value(&r, 2, 0, "d_imbalance_dphi_analytic").re;
    CLOSE(analytic, -0.03 * 200 / 1.2 * cos(0.4), 1e-12);
    BETWEEN(slope / analytic, 0.3, 2);
    CLOSE(run_value(&r, 2, 0, "phase_uncertainty").re, run_value(&r, 2, 0, "std_imbalance").re / fabs(slope), 1e-9);
    CLOSE(run_value(&r, 2, 0, "phase_uncertainty_eq38").re, sqrt(2) * 1.2 / 0.03 / sqrt(200), 1e-9);
    CLOSE(run_value(&r, 2, 0, "std_imbalance_eq37").re, sqrt(400), 1e-9);
    CLOSE(run_value(&r, 2, 0, "std_imbalance_analytic").re, sqrt(200), 1e-9);
    run_release(&r);
}

/* ---- the response ---- */

static nl_response small_response(run *r, nl_backend **backend)
{
    run_prepare(r,
                "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 100\nepsilon = 0.3\n"
                "[fock]\nlevels = 45\n");
    nl_response response = {.local = r->plan.points[0].lindblad, .levels = 45, .low = 0, .high = 0.8, .scale = 0.3};
    OK(nl_backend_open_cpu(1, backend));
    OK(nl_response_fill(&(nl_outer_run){&r->plan, *backend, NULL}, 1e-9, &response, 1));
    assert_true(response.converged);
    BETWEEN(response.error, 0, 1e-9);
    return response;
}

/* The static limit of the response in time is the derivative of the response: along the field G', across it G/|f|. */
static void test_response_in_time(void **state)
{
    run r;
    nl_backend *backend;
    (void)state;
    nl_response response = small_response(&r, &backend);
    OK(nl_response_fill_transfer(&(nl_outer_run){&r.plan, backend, NULL}, &response, 1));
    for (double f = 0.1; f < 0.8; f += 0.15) {
        double slope;
        const double G = nl_response_at(&response, NL_RESPONSE_G, f, &slope);
        CLOSE(nl_response_transfer(&response, NL_ALONG, 0, f).re, slope, 0.02 * slope);
        CLOSE(nl_response_transfer(&response, NL_ACROSS, 0, f).re, G / f, 0.02 * G / f);
        const double step = 1e-4, up = nl_response_at(&response, NL_RESPONSE_G, f + step, NULL);
        CLOSE(slope, (up - nl_response_at(&response, NL_RESPONSE_G, f - step, NULL)) / (2 * step), 1e-5 * slope);
        const int last = NL_RESPONSE_FREQUENCIES - 1; /* far above all rates nothing follows */
        BETWEEN(hypot(nl_response_transfer(&response, NL_ALONG, last, f).re,
                      nl_response_transfer(&response, NL_ALONG, last, f).im), 0, 0.1);
    }
    nl_response_release(&response);
    nl_backend_close(backend);
    run_release(&r);
}

/* Between the nodes the series gives what solving there gives. */
static void test_series(void **state)
{
    run r, direct;
    nl_backend *backend;
    (void)state;
    nl_response response = small_response(&r, &backend);
    run_text(&direct, "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 100\n"
                      "[fock]\nlevels = 45\n[sweep]\nepsilon = 0.033, 0.29, 0.61\n");
    for (int p = 0; p < 3; p++) {
        const double f = direct.config.axes[0].values[p];
        const nl_value a = run_value(&direct, p, 0, "a1");
        CLOSE(nl_response_at(&response, NL_RESPONSE_G, f, NULL), hypot(a.re, a.im), 1e-8);
        CLOSE(nl_response_at(&response, NL_RESPONSE_N, f, NULL), run_value(&direct, p, 0, "n1").re, 1e-7);
        CLOSE(nl_response_at(&response, NL_RESPONSE_VAR, f, NULL), run_value(&direct, p, 0, "var_n1").re, 1e-6);
        CLOSE(nl_response_at(&response, NL_RESPONSE_PURITY, f, NULL), run_value(&direct, p, 0, "purity1").re, 1e-8);
    }
    nl_response_release(&response);
    nl_backend_close(backend);
    run_release(&direct);
    run_release(&r);
}

/* ---- grouping ---- */

/* Points that differ in the laser have tables of their own, and give what each gives alone. */
static void test_lasers_apart(void **state)
{
    run both, one;
    (void)state;
    run_text(&both,
             "[model]\nequation = gutzwiller\n[laser]\ngamma = 100\nepsilon = 0.3\nt_c = 0.05\n[fock]\nlevels = 45\n"
             "[sweep]\ncooperativity = 1.15, 1.2\n");
    run_text(&one,
             "[model]\nequation = gutzwiller\n[laser]\ngamma = 100\nepsilon = 0.3\nt_c = 0.05\ncooperativity = 1.2\n"
             "[fock]\nlevels = 45\n");
    CLOSE(run_value(&both, 1, 0, "n1").re, run_value(&one, 0, 0, "n1").re, 0);
    assert_true(fabs(run_value(&both, 0, 0, "n1").re - run_value(&one, 0, 0, "n1").re) > 0.1);
    run_release(&both);
    run_release(&one);
}

#endif

/* ---- stability ---- */

/* A response whose kick decays as g t exp(-rate t), the same at all fields: X(s) = g/(s + rate)^2. */
static nl_response delayed_response(double g, double rate)
{
    nl_response r = {.local.laser.C = 1, .low = 0, .high = 10, .scale = 1, .degree = 8};
    const size_t terms = 9;
    r.transfer = calloc(2 * NL_RESPONSE_FREQUENCIES * 2 * terms, sizeof *r.transfer);
    assert_non_null(r.transfer);
    for (int sector = 0; sector < 2; sector++)
        for (int w = 0; w < NL_RESPONSE_FREQUENCIES; w++) {
            const double complex s = rate + I * nl_response_frequency(&r, w), X = g / (s * s);
            double *at = r.transfer + ((size_t)sector * NL_RESPONSE_FREQUENCIES + w) * 2 * terms;
            at[0] = creal(X);
            at[terms] = cimag(X);
        }
    return r;
}

/* det = (1 + t_c^2 X^2)^2: its zeros are s = -rate + sqrt(+-i t_c g), twice; two of four grow once t_c g/2 > rate^2. */
static void test_unstable_modes(void **state)
{
    const double rate = 0.3, g = 1.7;
    const nl_pair_solution solution = {.field = {{0.4, 0.1}, {0.3, 0.25}}}; /* half a radian apart */
    (void)state;
    nl_response response = delayed_response(g, rate);
    nl_pair pair = {.response = &response};
    const double threshold = 2 * rate * rate / g;
    for (int i = 0; i < 6; i++) {
        const double factor[] = {0, 0.3, 0.9, 1.1, 3, 30};
        pair.t_c = factor[i] * threshold;
        assert_int_equal(nl_pair_unstable_modes(&pair, &solution), factor[i] > 1 ? 4 : 0);
    }
    nl_response_release(&response);
    assert_int_equal(nl_pair_unstable_modes(&pair, &solution), -1);
}

/* ---- fields ---- */

static void check_density_matrices(const run *r)
{
    const int N = 45;
    for (int j = 0; j < 2; j++) {
        const double *rho = r->result.field_data[j];
        double complex a = 0;
        double trace = 0, skew = 0;
        for (int m = 0; m < N; m++)
            for (int n = 0; n < N; n++) {
                const double *x = rho + 2 * (m * N + n), *y = rho + 2 * (n * N + m);
                skew = fmax(skew, hypot(x[0] - y[0], x[1] + y[1]));
                trace += m == n ? x[0] : 0;
                a += m == n + 1 ? sqrt(m) * (x[0] + I * x[1]) : 0;
            }
        const nl_value expected = run_value(r, 0, 0, j ? "a2" : "a1");
        CLOSE(trace, 1, 1e-9);
        CLOSE(skew, 0, 1e-15);
        CLOSE(cabs(a - expected.re - I * expected.im), 0, 1e-3);
    }
}

/* From the response to the density matrices of the solution, on every backend. */
static void test_density_matrices(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run r;
        if (!open_or_skip(&backend_cases[c], "the Gutzwiller dimer", &backend))
            continue;
        run_prepare(&r, "[model]\nequation = gutzwiller\n[laser]\ncooperativity = 1.2\ngamma = 100\nepsilon = 0.3\n"
                        "t_c = 0.05\nphi1 = 0.3\n[fock]\nlevels = 45\n[steady]\ntolerance = 1e-3\n[output]\n"
                        "fields = yes\n");
        run_solve(&r, backend, NULL);
        run_expect(&r, NL_POINT_CONVERGED);
        assert_int_equal(r.result.n_fields, 2);
        CLOSE(run_value(&r, 0, 0, "unstable_modes").re, 0, 0);
        check_density_matrices(&r);
        run_release(&r);
        nl_backend_close(backend);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef NL_SANITIZED /* a run of each kind is enough there */
        cmocka_unit_test(test_reference_values),
        cmocka_unit_test(test_no_drive_has_one_solution),
        cmocka_unit_test(test_the_pair_in_time_agrees),
        cmocka_unit_test(test_global_phase),
        cmocka_unit_test(test_slope),
        cmocka_unit_test(test_response_in_time),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_lasers_apart),
#endif
        cmocka_unit_test(test_unstable_modes),
        cmocka_unit_test(test_density_matrices),
    };
    return cmocka_run_group_tests_name("gutzwiller", tests, NULL, forget_files);
}
