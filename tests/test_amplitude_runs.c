/* Whole runs of the full-amplitude equation: closed forms, products, linear light, Langevin values, gaps, bad input. */
#include <complex.h>
#include <lapacke.h>

#include "amplitude_reference.h"
#include "run_support.h"

#ifdef NL_SANITIZED
enum { SMALL = 1 };
#else
enum { SMALL = 0 };
#endif

#define LASER "[laser]\ngamma = 200\ncooperativity = 1.2\nepsilon = 0.3\n"
static const double A = 1.2, C = 1, B_r = 0.012, EPSILON = 0.3;

static double complex amplitude(const run *r, int time, const char *name)
{
    const nl_value z = run_value(r, 0, time, name);
    return z.re + I * z.im;
}

static double number(const run *r, const char *name)
{
    return run_value(r, 0, 0, name).re;
}

/* ---- one laser with drive: a gradient flow ---- */

typedef struct exact {
    double n, n_squared;
    double complex a, exp_i_theta;
} exact;

/* P ~ exp((2/A) [ (A - C) r^2/2 - B_r r^4/4 + Re((-i epsilon)^* alpha) ]), summed over a fine grid, which is exact to
 * rounding but for the mean phase, smooth everywhere except at the origin. */
static exact gradient_flow(double phi)
{
    const double complex f = -I * EPSILON * cexp(I * phi);
    const int n = 600;
    const double L = 14, h = 2 * L / n;
    double sum = 0;
    exact e = {0};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double complex a = (i + 0.5) * h - L + I * ((j + 0.5) * h - L);
            const double r2 = creal(a) * creal(a) + cimag(a) * cimag(a);
            const double P = exp(2 / A * ((A - C) * r2 / 2 - B_r * r2 * r2 / 4 + creal(conj(f) * a)));
            sum += P;
            e.n += r2 * P;
            e.n_squared += r2 * r2 * P;
            e.a += a * P;
            e.exp_i_theta += a / cabs(a) * P;
        }
    return (exact){e.n / sum, e.n_squared / sum, e.a / sum, e.exp_i_theta / sum};
}

static void single(run *r, int points, int order)
{
    char text[400];
    snprintf(text, sizeof text, "[model]\nequation = amplitude\nsites = 1\n" LASER
             "phi1 = 0.4\n[grid]\npoints = %d\norder = %d\nextent = 10\n[steady]\ntolerance = 1e-10\n", points, order);
    run_text(r, text);
    run_expect(r, NL_POINT_CONVERGED);
}

static double single_error(int points, int order)
{
    run r;
    const exact e = gradient_flow(0.4);
    single(&r, points, order);
    const double error = cabs(amplitude(&r, 0, "a1") - e.a);
    run_release(&r);
    return error;
}

static void test_single_laser(void **state)
{
    run r;
    const exact e = gradient_flow(0.4);
    (void)state;
    single(&r, 48, 8);
    CLOSE(cabs(amplitude(&r, 0, "a1") - e.a), 0, 1e-5);
    CLOSE(number(&r, "n1"), e.n, 1e-5);
    CLOSE(number(&r, "var_n1"), e.n_squared + e.n - e.n * e.n, 1e-3);
    CLOSE(number(&r, "coherence1"), cabs(e.a) * cabs(e.a) * B_r / (A - C), 1e-5);
    CLOSE(cabs(amplitude(&r, 0, "exp_i_theta1") - e.exp_i_theta), 0, 1e-3);
    CLOSE(number(&r, "norm"), 1, 1e-12);
    BETWEEN(number(&r, "negative_probability"), 0, 1e-5);
    BETWEEN(fabs(number(&r, "edge_probability")), 0, 1e-6);
    /* d<n>/dt = 0, which sums by parts keep at any spacing */
    CLOSE((A - C) * number(&r, "n1") - B_r * e.n_squared + A +
              creal(conj(-I * EPSILON * cexp(0.4 * I)) * amplitude(&r, 0, "a1")), 0, 1e-5);
    run_release(&r);
}

static void test_order_of_steady_state(void **state)
{
    (void)state;
    BETWEEN(log2(single_error(32, 2) / single_error(64, 2)), 1.7, 2.3);
    BETWEEN(log2(single_error(36, 4) / single_error(72, 4)), 3.6, 4.6);
}

/* points = auto resolves what it promises. */
static void test_auto_grid(void **state)
{
    const exact e = gradient_flow(0);
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        char text[300];
        run r;
        snprintf(text, sizeof text, "[model]\nequation = amplitude\nsites = 1\n" LASER "[grid]\norder = %d\n", order);
        run_text(&r, text);
        run_expect(&r, NL_POINT_CONVERGED);
        CLOSE(number(&r, "n1"), e.n, 3e-4 * e.n);
        CLOSE(cabs(amplitude(&r, 0, "a1") - e.a), 0, 1e-3);
        run_release(&r);
    }
}

/* ---- two lasers ---- */

#define PAIR "[model]\nequation = amplitude\n" LASER "phi1 = 0\nphi2 = 1.5707963267948966\n"

/* Without tunnelling the operator is a sum over the lasers, on the grid as well. */
static void test_product(void **state)
{
    static const char *const grid = "[grid]\npoints = 16\nextent = 8.5\norder = 2\n[steady]\ntolerance = 1e-7\n";
    const double phi[2] = {0.3, -1.1};
    char text[500];
    run pair, one[2];
    (void)state;
    snprintf(text, sizeof text, "[model]\nequation = amplitude\n" LASER "t_c = 0\nphi1 = %g\nphi2 = %g\n%s", phi[0],
             phi[1], grid);
    run_text(&pair, text);
    run_expect(&pair, NL_POINT_CONVERGED);
    for (int j = 0; j < 2; j++) {
        snprintf(text, sizeof text, "[model]\nequation = amplitude\nsites = 1\n" LASER "phi1 = %g\n%s", phi[j], grid);
        run_text(&one[j], text);
        CLOSE(cabs(amplitude(&pair, 0, j ? "a2" : "a1") - amplitude(&one[j], 0, "a1")), 0, 1e-5);
        CLOSE(number(&pair, j ? "n2" : "n1"), number(&one[j], "n1"), 1e-5);
        CLOSE(number(&pair, j ? "var_n2" : "var_n1"), number(&one[j], "var_n1"), 1e-3);
    }
    CLOSE(cabs(amplitude(&pair, 0, "a1dag_a2") - conj(amplitude(&one[0], 0, "a1")) * amplitude(&one[1], 0, "a1")), 0,
          1e-4);
    CLOSE(cabs(amplitude(&pair, 0, "exp_i_theta21") -
               conj(amplitude(&one[0], 0, "exp_i_theta1")) * amplitude(&one[1], 0, "exp_i_theta1")), 0, 1e-4);
    CLOSE(number(&pair, "covariance_n1_n2"), 0, 1e-3);
    CLOSE(number(&pair, "std_imbalance"), sqrt(number(&one[0], "var_n1") + number(&one[1], "var_n1")), 1e-3);
    run_release(&pair);
    run_release(&one[0]);
    run_release(&one[1]);
}

/* Langevin sampling of the same equation: 18.15, 22.60 (0.03 each), -4.453 (0.031), -1.685i (0.01). */
static void test_langevin_values(void **state)
{
    run r;
    (void)state;
    if (SMALL) {
        printf("SKIP the Langevin values: 20^4 points are too many for this build\n");
        return;
    }
    run_text(&r, PAIR "t_c = 0.05\n[grid]\npoints = 20\norder = 4\n[steady]\ntolerance = 1e-5\n");
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(number(&r, "n1"), 18.15, 0.09);
    CLOSE(number(&r, "n2"), 22.60, 0.09);
    CLOSE(number(&r, "imbalance"), -4.453, 0.093);
    CLOSE(cabs(amplitude(&r, 0, "a1") + 1.685 * I), 0, 0.03);
    run_release(&r);
}

/* ---- light without saturation: every mean is exact ---- */

#define LINEAR "[laser]\ngamma = 1e9\ncooperativity = 0.5\nepsilon = 0.6\nphi1 = 0.4\nphi2 = 0.4\n"

/* d a_1 = -(C - A) a_1 + i t_c a_2 - i epsilon_1; n_j relaxes to the noise A/(C - A) beside |a_j|^2. */
static void check_linear(int sites, const char *more, double complex a0, double complex b0, double t_c)
{
    char text[600];
    run r;
    snprintf(text, sizeof text,
             "[model]\nequation = amplitude\nsites = %d\n" LINEAR "t_c = %g\n[grid]\npoints = 18\nextent = 5.5\n"
             "[integrator]\nrtol = 1e-7\natol = 1e-7\n[run]\nmode = evolve\nt_end = 1\nsave_every = 0.5\n%s",
             sites, t_c, more);
    run_text(&r, text);
    run_expect(&r, NL_POINT_CONVERGED);
    const double complex f = -I * 0.6 * cexp(0.4 * I);
    const double n0 = run_value(&r, 0, 0, "n1").re - cabs(a0) * cabs(a0);
    for (int k = 0; k <= 2; k++) {
        const double t = 0.5 * k;
        double complex mode[2], z[2] = {a0 + b0, a0 - b0};
        for (int s = 0; s < 2; s++) {
            const double complex rate = -0.5 + (s ? -1 : 1) * I * t_c, drive = s ? 0 : 2 * f;
            mode[s] = (z[s] + drive / rate) * cexp(rate * t) - drive / rate;
        }
        const double complex a = sites == 2 ? (mode[0] + mode[1]) / 2 : (a0 - 2 * f) * exp(-0.5 * t) + 2 * f;
        CLOSE(cabs(amplitude(&r, k, "a1") - a), 0, 2e-5);
        if (sites == 2)
            CLOSE(cabs(amplitude(&r, k, "a2") - (mode[0] - mode[1]) / 2), 0, 2e-5);
        const double noise = (n0 - 1) * exp(-t) + 1;
        CLOSE(run_value(&r, 0, k, "n1").re, noise + cabs(a) * cabs(a), 1e-4 * (1 + cabs(a) * cabs(a)));
        CLOSE(run_value(&r, 0, k, "norm").re, 1, 1e-12);
    }
    run_release(&r);
}

static void test_linear_light(void **state)
{
    const double complex coherent = -I * cexp(0.4 * I) * sqrt(1.5);
    (void)state;
    check_linear(1, "initial = coherent\nn_initial = 1.5\n", coherent, 0, 0);
    check_linear(1, "initial = vacuum\n", 0, 0, 0);
    check_linear(1, "initial = thermal\nn_initial = 1.2\n", 0, 0, 0);
    check_linear(2, "initial = vacuum\n", 0, 0, 0.8);
}

/* Different starts show the sign of the tunnelling: epsilon drives laser 1 and 2 with different phases. */
static void test_tunnelling(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nequation = amplitude\n[laser]\ngamma = 1e9\ncooperativity = 0.5\nepsilon = 0.6\nphi1 = "
                 "0\nphi2 = 1.2\n"
                 "t_c = 0.7\n[grid]\npoints = 16\nextent = 5.5\norder = 4\n[integrator]\nrtol = 1e-7\natol = 1e-7\n"
                 "[run]\nmode = evolve\ninitial = vacuum\nt_end = 1\nsave_every = 1\n");
    run_expect(&r, NL_POINT_CONVERGED);
    const double complex f[2] = {-I * 0.6, -I * 0.6 * cexp(1.2 * I)};
    double complex mode[2];
    for (int s = 0; s < 2; s++) {
        const double complex rate = -0.5 + (s ? -1 : 1) * 0.7 * I, drive = s ? f[0] - f[1] : f[0] + f[1];
        mode[s] = drive / rate * (cexp(rate) - 1);
    }
    CLOSE(cabs(amplitude(&r, 1, "a1") - (mode[0] + mode[1]) / 2), 0, 1e-4);
    CLOSE(cabs(amplitude(&r, 1, "a2") - (mode[0] - mode[1]) / 2), 0, 1e-4);
    run_release(&r);
}

/* ---- spectrum ---- */

static double dense_gap(const nl_amplitude *p, int n, int order)
{
    const int size = n * n;
    double *matrix = reference_amplitude_matrix(p, n, order), *re = new_array(size), *im = new_array(size),
           first = -1e9, second = -1e9;
    assert_int_equal(LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', size, matrix, size, re, im, NULL, 1, NULL, 1), 0);
    for (int k = 0; k < size; k++) {
        if (re[k] > first) {
            second = first;
            first = re[k];
        } else if (re[k] > second) {
            second = re[k];
        }
    }
    CLOSE(first, 0, 1e-11);
    free(matrix);
    free(re);
    free(im);
    return -second;
}

static void test_gap(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nequation = amplitude\nsites = 1\n" LASER "[grid]\npoints = 18\nextent = 9\norder = 4\n"
                 "[steady]\nmethod = krylov\ngap = yes\n");
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(number(&r, "gap_re"), dense_gap(&r.plan.points[0].amplitude, 18, 4), 1e-8);
    CLOSE(number(&r, "gap_im"), 0, 0);
    run_release(&r);
}

static void test_methods_agree(void **state)
{
    static const char *const methods[] = {"relax", "rre", "krylov"};
    run r[3];
    (void)state;
    for (int k = 0; k < 3; k++) {
        char text[300];
        snprintf(text, sizeof text,
                 "[model]\nequation = amplitude\nsites = 1\n" LASER "[grid]\npoints = 24\n[run]\ninitial = thermal\n"
                 "[steady]\nmethod = %s\n",
                 methods[k]);
        run_text(&r[k], text);
        run_expect(&r[k], NL_POINT_CONVERGED);
        CLOSE(number(&r[k], "n1"), number(&r[0], "n1"), 1e-6);
        CLOSE(cabs(amplitude(&r[k], 0, "a1") - amplitude(&r[0], 0, "a1")), 0, 1e-6);
    }
    for (int k = 0; k < 3; k++)
        run_release(&r[k]);
}

/* The same run on every backend. */
static void test_backends_agree(void **state)
{
    run first;
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run r;
        if (!open_or_skip(&backend_cases[c], "a run of the amplitude equation", &backend))
            continue;
        run_prepare(&r, PAIR "t_c = 0.05\n[grid]\npoints = 8\nextent = 8\n[run]\nmode = evolve\nt_end = 0.2\n");
        run_solve(&r, backend, NULL);
        nl_backend_close(backend);
        if (c == 0) {
            first = r;
            continue;
        }
        BETWEEN(run_difference(&first, &r), 0, 1e-11);
        run_release(&r);
    }
    run_release(&first);
}

/* ---- fields ---- */

static void test_fields(void **state)
{
    run r;
    (void)state;
    run_text(&r,
             PAIR "t_c = 0.05\n[grid]\npoints = 8\nextent = 8\n[steady]\ntolerance = 1e-3\n[output]\nfields = yes\n");
    assert_int_equal(r.result.n_fields, 6);
    for (int j = 0; j < 2; j++) {
        const nl_field *f = &r.result.fields[3 * j];
        double complex mean = 0;
        double norm = 0;
        for (int x = 0; x < 8; x++)
            for (int y = 0; y < 8; y++) {
                const double P = 4 * r.result.field_data[3 * j][x * 8 + y]; /* cells of 2 x 2 */
                norm += P;
                mean += P * (f->scale_first + x * f->scale_step + I * (f->scale_first + y * f->scale_step));
            }
        CLOSE(norm, 1, 1e-12);
        CLOSE(cabs(mean - amplitude(&r, 0, j ? "a2" : "a1")), 0, 1e-12);
    }
    run_release(&r);
}

/* The phase and the radius of one laser, against the exact distribution. */
static void test_polar_fields(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nequation = amplitude\nsites = 1\n" LASER
                 "phi1 = 0.4\n[grid]\npoints = 48\norder = 8\nextent = 10\n"
                 "[output]\nfields = yes\n");
    assert_int_equal(r.result.n_fields, 3);
    const double *P_theta = r.result.field_data[1], *P_r = r.result.field_data[2], dr = 10. / 48,
                 dtheta = 2 * acos(-1) / 48;
    double complex phase = 0;
    double norm[2] = {0}, n = 0;
    for (int k = 0; k < 48; k++) {
        norm[0] += P_theta[k] * dtheta;
        norm[1] += P_r[k] * dr;
        phase += P_theta[k] * dtheta * cexp(I * dtheta * k);
        n += P_r[k] * dr * pow((k + 0.5) * dr, 2);
    }
    const exact e = gradient_flow(0.4);
    CLOSE(norm[0], 1, 1e-3);
    CLOSE(norm[1], 1, 1e-3);
    CLOSE(cabs(phase - e.exp_i_theta), 0, 2e-3);
    CLOSE(n, e.n, 1e-2);
    run_release(&r);
}

/* ---- configuration ---- */

#define AMPLITUDE "[model]\nequation = amplitude\n"

static void test_bad_input(void **state)
{
    static const struct {
        const char *text, *what;
    } cases[] = {{AMPLITUDE "[grid]\norder = 3\n", "test.ini:4: order = 3"},
                 {AMPLITUDE "[grid]\npoints = 8\norder = 8\n", "test.ini:4: points = 8 is too small"},
                 {AMPLITUDE "[run]\ninitial = uniform\n", "test.ini:4: "},
                 {AMPLITUDE "[laser]\ngamma = 1e7\n", "points = auto asks for"},
                 {AMPLITUDE "[steady]\nmethod = multigrid\n", "test.ini:4: multigrid"},
                 {AMPLITUDE "[sweep]\nsites = 1, 2\n", "sites"},
                 {AMPLITUDE "[grid]\npoints = 10\n[sweep]\nepsilon = 0, 1\n[output]\nfields = yes\n", "extent"}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c = config_of(cases[k].text);
        nl_plan plan;
        FAILS(nl_plan_new(&c, &plan), NL_ERR_CONFIG, cases[k].what);
        nl_config_release(&c);
    }
    nl_config c;
    FAILS(nl_config_load(write_file_named("test.ini", AMPLITUDE "[grid]\nextent = 0\n"), NULL, 0, &c), NL_ERR_CONFIG,
          "test.ini:4: ");
    FAILS(nl_config_load(write_file_named("test.ini", AMPLITUDE "[grid]\npoints = 7\n"), NULL, 0, &c), NL_ERR_CONFIG,
          "test.ini:4: ");
}

static void test_memory_is_refused(void **state)
{
    nl_config c = config_of(AMPLITUDE "[grid]\npoints = 200\n");
    nl_plan plan;
    (void)state;
    OK(nl_plan_new(&c, &plan));
    BETWEEN(nl_plan_point_bytes(&plan, 0), 8 * 7 * pow(200, 4), 8 * 40 * pow(200, 4));
    FAILS(nl_plan_check_memory(&plan, 24e9, false), NL_ERR_MEMORY, "points = 200 needs");
    nl_plan_release(&plan);
    nl_config_release(&c);
}

/* The light has fallen by exp(-18) at the edge; below threshold and at it the grid has a size too. */
static void test_grid(void **state)
{
    nl_config c = config_of("[model]\nequation = amplitude\nsites = 1\n" LASER);
    nl_amplitude p;
    (void)state;
    nl_amplitude_from_config(&c, &p);
    const double n0 = 0.2 / B_r, sigma = sqrt(1.2 / 0.2) / 2;
    BETWEEN(p.width, 0.8 * sigma, 1.01 * sigma);
    BETWEEN(p.extent, sqrt(n0) + 3 * sigma, sqrt(n0) + 6 * sigma);
    CLOSE(p.f[0].re, 0, 1e-15);
    CLOSE(p.f[0].im, -0.3, 1e-15);
    assert_true(nl_amplitude_resolution(&p, 2) > nl_amplitude_resolution(&p, 8));
    nl_config_release(&c);
    for (double cooperativity = 0.5; cooperativity < 1.6; cooperativity += 0.5)
        for (int drive = 0; drive <= 1; drive++) {
            char text[200];
            snprintf(text, sizeof text, "[laser]\ngamma = 200\ncooperativity = %g\nepsilon = %d\n", cooperativity,
                     drive);
            c = config_of(text);
            nl_amplitude_from_config(&c, &p);
            BETWEEN(p.extent, 3, 30);
            BETWEEN(p.width, 0.3, 3);
            nl_config_release(&c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_laser),   cmocka_unit_test(test_order_of_steady_state),
        cmocka_unit_test(test_auto_grid),      cmocka_unit_test(test_product),
        cmocka_unit_test(test_langevin_values), cmocka_unit_test(test_linear_light),
        cmocka_unit_test(test_tunnelling),     cmocka_unit_test(test_gap),
        cmocka_unit_test(test_methods_agree),  cmocka_unit_test(test_backends_agree),
        cmocka_unit_test(test_fields), cmocka_unit_test(test_polar_fields),         cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_memory_is_refused), cmocka_unit_test(test_grid),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
