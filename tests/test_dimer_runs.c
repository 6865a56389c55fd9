/* Whole runs of the exact two-laser master equation: against reference values, single lasers and dense solves. */
#include <lapacke.h>

#include "dimer_reference.h"
#include "run_support.h"

#define DIMER "[model]\nequation = dimer\n"
#define QUBIT "local = qubit\n"
#define EVOLVE "[run]\nmode = evolve\n"

/* ---- evolution ---- */

/* Independent code's values: reference.json, dimer_photon_from_vacuum. */
static void test_from_vacuum(void **state)
{
    run r;
    (void)state;
    run_text(&r,
             DIMER "[laser]\ngamma = 200\ncooperativity = 1.2\nepsilon = 0.3\nt_c = 0.5\n[fock]\nlevels = 14\n" EVOLVE
                   "t_end = 0.15\nsave_every = 0.15\n[integrator]\nrtol = 1e-10\natol = 1e-13\n");
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(run_value(&r, 0, 1, "a1").re, 0, 1e-8);
    CLOSE(run_value(&r, 0, 1, "a1").im, -0.043820811668625885, 1e-8);
    CLOSE(run_value(&r, 0, 1, "a2").re, 0.047252331813137, 1e-8);
    CLOSE(run_value(&r, 0, 1, "a2").im, 0, 1e-8);
    CLOSE(run_value(&r, 0, 1, "n1").re, 0.3647590754578598, 1e-8);
    CLOSE(run_value(&r, 0, 1, "n2").re, 0.36507101203814285, 1e-8);
    CLOSE(run_value(&r, 0, 1, "a1dag_a2").re, 0, 1e-8);
    CLOSE(run_value(&r, 0, 1, "a1dag_a2").im, 0.0020706438884586745, 1e-8);
    CLOSE(run_value(&r, 0, 1, "trace").re, 1.0000000002315579, 1e-8);
    CLOSE(run_value(&r, 0, 1, "josephson_current").re, -0.0020706438884586745, 1e-8);
    run_release(&r);
}

/* So few photons that next to none are lost through the cutoff: with them each laser would scale the other's values. */
#define LASER "[laser]\ngamma = 40\ncooperativity = 0.1\nepsilon = 0.3\nphi1 = 0.3\nt_c = 0\n"
#define FEW EVOLVE "initial = coherent\nn_initial = 0.05\nt_end = 0.2\nsave_every = 0.1\n"
#define START EVOLVE "initial = coherent\nn_initial = 0.5\nt_end = 0.4\nsave_every = 0.2\n"
#define TIGHT "[integrator]\nrtol = 1e-11\natol = 1e-14\n"

static void compare(const run *a, const run *b, int time, const char *const *names, double tolerance)
{
    for (; *names; names++) {
        const nl_value x = run_value(a, 0, time, *names), y = run_value(b, 0, time, *names);
        if (!(hypot(x.re - y.re, x.im - y.im) <= tolerance))
            fail_msg("%s: %.12g%+.12gi and %.12g%+.12gi", *names, x.re, x.im, y.re, y.im);
    }
}

static const char *const site_names[] = {"a1", "a2", "n1", "n2", "var_n1", "var_n2", "purity1", "purity2", NULL};

/* Without tunnelling each laser goes its own way, in one plane and in two. */
static void test_without_tunnelling(void **state)
{
    static const char *const phases[] = {"phi2 = 1.2\n", "phi2 = 1.8707963267948966\n"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        char pair[600], dimer[600];
        run a, b;
        snprintf(dimer, sizeof dimer, DIMER LASER "%s[fock]\nlevels = 10\n" FEW TIGHT, phases[k]);
        snprintf(pair, sizeof pair, "[model]\nequation = gutzwiller\n" LASER "%s[fock]\nlevels = 10\n" FEW TIGHT,
                 phases[k]);
        run_text(&a, dimer);
        run_text(&b, pair);
        assert_int_equal(a.plan.points[0].dimer.planes, 2 - k);
        for (int time = 0; time < 3; time++) {
            compare(&a, &b, time, site_names, 1e-9);
            CLOSE(run_value(&a, 0, time, "product_distance").re, 0, 1e-9);
            CLOSE(run_value(&a, 0, time, "covariance_n1_n2").re, 0, 1e-9);
            CLOSE(run_value(&a, 0, time, "purity").re,
                  run_value(&b, 0, time, "purity1").re * run_value(&b, 0, time, "purity2").re, 1e-9);
        }
        run_release(&a);
        run_release(&b);
    }
}

/* The same with qubits, from a thermal start, whose qubits are in the ground state. */
static void test_qubits_without_tunnelling(void **state)
{
#define INVERTING                                                                                                      \
    QUBIT "[laser]\ngamma = 3\ncooperativity = 0.8\nepsilon = 0.3\nphi1 = 0.3\nt_c = 0\nphi2 = 1.2\n"                  \
          "[fock]\nlevels = 7\n" EVOLVE "initial = thermal\nn_initial = 0.02\nt_end = 0.1\nsave_every = 0.05\n" TIGHT
    static const char *const names[] = {"a1", "a2", "n1", "n2", "ground_population1", "ground_population2", NULL};
    run a, b;
    (void)state;
    run_text(&a, DIMER INVERTING);
    run_text(&b, "[model]\nequation = gutzwiller\n" INVERTING);
    for (int time = 0; time < 3; time++) {
        compare(&a, &b, time, names, 1e-9);
        CLOSE(run_value(&a, 0, time, "product_distance").re, 0, 1e-9);
    }
    assert_true(run_value(&a, 0, 2, "ground_population1").re < 0.8);
    run_release(&a);
    run_release(&b);
}

#define COUPLED DIMER "[laser]\ngamma = 40\ncooperativity = 1.2\nepsilon = 0.4\nt_c = 0.7\n"

/* A phase common to both drives turns the amplitudes and nothing else; exchanging the lasers exchanges their values. */
static void test_symmetries(void **state)
{
    run a, b, c;
    (void)state;
    run_text(&a, COUPLED "phi1 = 0.2\nphi2 = 0.9\n[fock]\nlevels = 6\n" START TIGHT);
    run_text(&b, COUPLED "phi1 = 1.7\nphi2 = 2.4\n[fock]\nlevels = 6\n" START TIGHT);
    run_text(&c, COUPLED "phi1 = 0.9\nphi2 = 0.2\n[fock]\nlevels = 6\n" START TIGHT);
    static const char *const same[] = {"n1", "n2", "var_n1", "covariance_n1_n2", "a1dag_a2", "purity", "trace",
                                       "product_distance", NULL};
    compare(&a, &b, 2, same, 1e-9);
    const nl_value a1 = run_value(&a, 0, 2, "a1"), b1 = run_value(&b, 0, 2, "a1");
    CLOSE(cabs((a1.re + I * a1.im) * cexp(1.5 * I) - (b1.re + I * b1.im)), 0, 1e-9);
    CLOSE(run_value(&a, 0, 2, "n1").re, run_value(&c, 0, 2, "n2").re, 1e-9);
    CLOSE(run_value(&a, 0, 2, "a2").im, run_value(&c, 0, 2, "a1").im, 1e-9);
    CLOSE(run_value(&a, 0, 2, "a1dag_a2").im, -run_value(&c, 0, 2, "a1dag_a2").im, 1e-9);
    assert_true(run_value(&a, 0, 2, "product_distance").re > 1e-3);
    run_release(&a);
    run_release(&b);
    run_release(&c);
}

/* Photons lost alone: <n_1 + n_2> decays as e^{-2 kappa t}, and n_1 - n_2 of a thermal start stays 0. */
static void test_loss_and_tunnelling(void **state)
{
    run r;
    (void)state;
    run_text(&r, DIMER "[laser]\ngamma = 1e12\ncooperativity = 1e-9\nepsilon = 0\nt_c = 0.8\nphi1 = 0\nphi2 = 0.5\n"
                       "[fock]\nlevels = 9\n" EVOLVE
                       "initial = coherent\nn_initial = 0.05\nt_end = 0.5\nsave_every = 0.5\n" TIGHT);
    CLOSE(run_value(&r, 0, 1, "n1").re + run_value(&r, 0, 1, "n2").re, 0.1 * exp(-1), 1e-8);
    /* the field turns by t_c: a_1 = e^{-t} (a_1 cos t_c t + i a_2 sin t_c t) of two coherent states */
    const double complex a1 = -I * sqrt(0.05), a2 = a1 * cexp(0.5 * I);
    const double complex wanted = exp(-0.5) * (a1 * cos(0.4) + I * a2 * sin(0.4));
    CLOSE(cabs(run_value(&r, 0, 1, "a1").re + I * run_value(&r, 0, 1, "a1").im - wanted), 0, 1e-7);
    CLOSE(run_value(&r, 0, 1, "product_distance").re, 0, 1e-6); /* coherent states stay a product */
    CLOSE(run_value(&r, 0, 1, "purity").re, 1, 1e-6);
    run_release(&r);
}

static void test_integrators_agree(void **state)
{
    run a, b;
    (void)state;
    run_text(&a, COUPLED "[fock]\nlevels = 5\n" START TIGHT);
    run_text(&b, COUPLED "[fock]\nlevels = 5\n" START "[integrator]\nmethod = rkc\nrtol = 1e-9\natol = 1e-11\n");
    CLOSE(run_difference(&a, &b), 0, 1e-5);
    run_release(&a);
    run_release(&b);
}

static void check_backends(const char *text)
{
    run first;
    run_text(&first, text);
    for (int c = 1; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        run r;
        if (!open_or_skip(&backend_cases[c], "dimer runs", &backend))
            continue;
        run_prepare(&r, text);
        run_solve(&r, backend, NULL);
        CLOSE(run_difference(&first, &r), 0, 1e-11);
        run_release(&r);
        nl_backend_close(backend);
    }
    run_release(&first);
}

static void test_backends_agree(void **state)
{
    (void)state;
    check_backends(COUPLED "phi2 = 1\n[fock]\nlevels = 5\n" START);
    check_backends(DIMER QUBIT "[laser]\ngamma = 4\nt_c = 0.7\nphi2 = 1\n[fock]\nlevels = 3\n" EVOLVE
                   "initial = coherent\nn_initial = 0.2\nt_end = 0.2\nsave_every = 0.1\n");
}

static void test_fields(void **state)
{
    run r;
    nl_field list[NL_MAX_FIELDS];
    (void)state;
    run_prepare(&r, COUPLED "phi2 = 1\n[fock]\nlevels = 6\n" START);
    const nl_point *point = &r.plan.points[0];
    assert_int_equal(nl_dimer_model.fields(point, list), 2);
    double *v = new_array(nl_dimer_size(6, 1, 2)), *rho = new_array(nl_field_len(&list[0]));
    OK(nl_dimer_model.initial(point, NL_INITIAL_COHERENT, 6, v));
    for (int j = 0; j < 2; j++) {
        const double phi = j;
        nl_dimer_model.fill_field(point, j, v, rho);
        const double complex z = (rho[2 * 6] + I * rho[2 * 6 + 1]) / rho[0]; /* <1|rho|0>/<0|rho|0> = alpha */
        CLOSE(cabs(z - -I * cexp(I * phi) * sqrt(0.5)), 0, 1e-13);
    }
    OK(nl_dimer_model.initial(point, NL_INITIAL_THERMAL, 6, v));
    nl_dimer_model.fill_field(point, 1, v, rho);
    CLOSE(rho[2 * (6 + 1)] / rho[0], 0.5 / 1.5, 1e-13); /* p_1/p_0 of the mean 0.5 */
    CLOSE(hypot(rho[2 * 6], rho[2 * 6 + 1]), 0, 0);
    OK(nl_dimer_model.initial(point, NL_INITIAL_AUTO, 6, v));
    nl_dimer_model.fill_field(point, 0, v, rho);
    CLOSE(rho[0], 1, 0); /* the vacuum */
    free(v);
    free(rho);
    run_release(&r);
}

/* ---- steady states against dense solves ---- */

/* At so few levels the cutoff is felt: the tests are of the closed operator. */
#define DRIVES "epsilon = 0.3\nphi1 = 0.4\nt_c = 0.6\n"
#define SMALL "[laser]\ngamma = 40\ncooperativity = 0.02\n" DRIVES "[fock]\nlevels = 3\n"
#define SMALL_QUBIT QUBIT "[laser]\ngamma = 4\ncooperativity = 0.005\n" DRIVES "[fock]\nlevels = 2\n"

static dimer_reference small_reference(bool qubit, double phi2)
{
    const double A = qubit ? 0.005 : 0.02, gamma = qubit ? 4 : 40;
    dimer_reference d = {.site = {.N = qubit ? 2 : 3, .qubit = qubit},
                         .laser = {.A = A, .B = 2 * A / gamma, .C = 1, .g = sqrt(A * gamma), .gamma = gamma,
                                   .tunnel = 0.6, .closed = true,
                                   .drive = {0.3 * cexp(0.4 * I), 0.3 * cexp(I * phi2)}}};
    return d;
}

/* Elements of rho inside the cutoff, and number k of them. */
static int dense_size(const dimer_reference *d)
{
    const int inner = pair_inner(d);
    return inner * inner * inner * inner;
}

static double complex *inside(const dimer_reference *d, double complex *rho, int k)
{
    const int n = pair_inner(d);
    return pair_element(d, rho, pair_state(d, k / (n * n * n)), pair_state(d, k / (n * n) % n),
                        pair_state(d, k / n % n), pair_state(d, k % n));
}

/* The superoperator by rows, of the elements inside the cutoff. */
static double complex *superoperator(const dimer_reference *d)
{
    const int all = dense_size(d);
    double complex *M = new_matrix(all), *rho = new_matrix(pair_dim(d));
    for (int k = 0; k < all; k++) {
        *inside(d, rho, k) = 1;
        double complex *L = pair_derivative(d, rho);
        for (int i = 0; i < all; i++)
            M[i * all + k] = *inside(d, L, i);
        *inside(d, rho, k) = 0;
        free(L);
    }
    free(rho);
    return M;
}

/* The solution of M rho = b with this trace; M's rows depend on each other, and that of the trace takes the first one's
 * place. The caller frees. */
static double complex *dense_solve(const dimer_reference *d, const double complex *M, const double complex *b,
                                   double trace)
{
    const int all = dense_size(d), dim = pair_inner(d) * pair_inner(d);
    double complex *copy = new_matrix(all), *x = calloc(all, sizeof *x), *rho = new_matrix(pair_dim(d));
    lapack_int *pivots = malloc(all * sizeof *pivots);
    memcpy(copy, M, sizeof *copy * all * all);
    for (int k = 0; k < all; k++) {
        copy[k] = k / dim == k % dim;
        x[k] = k == 0 ? trace : b ? b[k] : 0;
    }
    assert_int_equal(LAPACKE_zgesv(LAPACK_ROW_MAJOR, all, 1, copy, all, pivots, x, 1), 0);
    for (int k = 0; k < all; k++)
        *inside(d, rho, k) = x[k];
    free(copy);
    free(x);
    free(pivots);
    return rho;
}

/* -Re and |Im| of the eigenvalue but 0 that lies furthest to the right. */
static double complex dense_gap(const double complex *M, int all)
{
    double complex *copy = new_matrix(all), *w = calloc(all, sizeof *w), best = -INFINITY;
    memcpy(copy, M, sizeof *copy * all * all);
    assert_int_equal(LAPACKE_zgeev(LAPACK_ROW_MAJOR, 'N', 'N', all, copy, all, w, NULL, 1, NULL, 1), 0);
    for (int k = 0; k < all; k++)
        if (cabs(w[k]) > 1e-8 && creal(w[k]) > creal(best))
            best = w[k];
    free(copy);
    free(w);
    return -creal(best) + I * fabs(cimag(best));
}

static void check_steady(const run *r, const dimer_reference *d, const double complex *rho, double tolerance)
{
    const double n1 = creal(mean_product(d, rho, 0, 0)), n2 = creal(mean_product(d, rho, 1, 1));
    const double complex cross = mean_product(d, rho, 0, 1), a2 = mean_amplitude(d, rho, 1);
    double n1_n2 = 0, purity = 0, ground2 = 0;
    for (int k = 0; k < pair_dim(d); k++) {
        const int s = k / pair_sites(d), t = k % pair_sites(d);
        const double p = creal(rho[k * pair_dim(d) + k]);
        n1_n2 += photons_of(&d->site, s) * photons_of(&d->site, t) * p;
        ground2 += t < reference_levels(&d->site) ? p : 0;
    }
    for (int k = 0; k < pair_dim(d) * pair_dim(d); k++)
        purity += creal(rho[k] * conj(rho[k]));
    CLOSE(run_value(r, 0, 0, "n1").re, n1, tolerance);
    CLOSE(run_value(r, 0, 0, "n2").re, n2, tolerance);
    CLOSE(run_value(r, 0, 0, "covariance_n1_n2").re, n1_n2 - n1 * n2, tolerance);
    CLOSE(run_value(r, 0, 0, "purity").re, purity, tolerance);
    CLOSE(run_value(r, 0, 0, "a1dag_a2").re, creal(cross), tolerance);
    CLOSE(run_value(r, 0, 0, "a1dag_a2").im, cimag(cross), tolerance);
    CLOSE(run_value(r, 0, 0, "a2").re, creal(a2), tolerance);
    CLOSE(run_value(r, 0, 0, "a2").im, cimag(a2), tolerance);
    if (d->site.qubit)
        CLOSE(run_value(r, 0, 0, "ground_population2").re, ground2, tolerance);
}

static void check_methods(bool qubit, double phi2)
{
    static const char *const methods[] = {"relax\n", "rre\n", "krylov\ngap = yes\n"};
    const dimer_reference d = small_reference(qubit, phi2);
    double complex *M = superoperator(&d), *rho = dense_solve(&d, M, NULL, 1);
    const double complex gap = dense_gap(M, dense_size(&d));
    for (int k = 0; k < COUNT(methods); k++) {
        char text[600];
        run r;
        snprintf(text, sizeof text, DIMER "%s[sweep]\nphi2 = %.17g\n[steady]\ntolerance = 1e-10\nmethod = %s",
                 qubit ? SMALL_QUBIT : SMALL, phi2, methods[k]);
        run_text(&r, text);
        run_expect(&r, NL_POINT_LEAKED);
        check_steady(&r, &d, rho, 1e-9);
        if (k == 2) {
            CLOSE(run_value(&r, 0, 0, "gap_re").re, creal(gap), 1e-7);
            CLOSE(run_value(&r, 0, 0, "gap_im").re, cimag(gap), 1e-7);
        }
        run_release(&r);
    }
    free(M);
    free(rho);
}

static void test_steady_complex(void **state)
{
    (void)state;
    check_methods(false, 1.1);
}

static void test_steady_real(void **state)
{
    (void)state;
    check_methods(false, 0.4 + acos(-1) / 2);
}

static void test_steady_qubit(void **state)
{
    (void)state;
    check_methods(true, 1.1);
    check_methods(true, 0.4 + acos(-1) / 2);
}

/* ... and without tunnelling against two lasers on their own, whose closed cutoff acts on each alone. */
static void check_apart(const char *text, const char *const *names)
{
    char dimer[600], pair[600];
    run a, b;
    snprintf(dimer, sizeof dimer, DIMER "%s", text);
    snprintf(pair, sizeof pair, "[model]\nequation = gutzwiller\n%s", text);
    run_text(&a, dimer);
    run_text(&b, pair);
    compare(&a, &b, 0, names, 1e-9);
    CLOSE(run_value(&a, 0, 0, "product_distance").re, 0, 1e-9);
    CLOSE(run_value(&a, 0, 0, "covariance_n1_n2").re, 0, 1e-9);
    run_release(&a);
    run_release(&b);
}

static void test_steady_without_tunnelling(void **state)
{
#define APART "phi2 = 1\nt_c = 0\nepsilon = 0.3\n[steady]\ntolerance = 1e-11\nmethod = rre\n[fock]\n"
    static const char *const qubit_names[] = {"a1", "a2", "n1", "n2", "var_n1", "var_n2", "purity1", "purity2",
                                              "ground_population1", "ground_population2", "top_population", NULL};
    (void)state;
    check_apart("[laser]\ngamma = 40\ncooperativity = 0.02\n" APART "levels = 3\n", site_names);
    check_apart(QUBIT "[laser]\ngamma = 4\ncooperativity = 0.1\n" APART "levels = 6\n", qubit_names);
}

/* ---- sensitivity to the phase ---- */

/* d(n_1 - n_2)/d phi_2 from L rho' = -(dL/d phi_2) rho; L is linear in the drive, so its derivative is a difference. */
static double dense_slope(const dimer_reference *d, const double complex *M, const double complex *rho)
{
    const int all = dense_size(d);
    dimer_reference turned = *d;
    turned.laser.drive[1] *= 1 + I;
    double complex *L = pair_derivative(d, rho), *more = pair_derivative(&turned, rho), *b = calloc(all, sizeof *b);
    for (int k = 0; k < all; k++)
        b[k] = *inside(d, L, k) - *inside(d, more, k);
    double complex *change = dense_solve(d, M, b, 0);
    const double slope = creal(mean_product(d, change, 0, 0) - mean_product(d, change, 1, 1));
    free(L);
    free(more);
    free(b);
    free(change);
    return slope;
}

static void check_sensitivity(bool qubit, double phi2, const char *method)
{
    const dimer_reference d = small_reference(qubit, phi2);
    double complex *M = superoperator(&d), *rho = dense_solve(&d, M, NULL, 1);
    const double slope = dense_slope(&d, M, rho);
    char text[600];
    run r;
    snprintf(text, sizeof text, DIMER "%s[sweep]\nphi2 = %.17g\n[steady]\ntolerance = 1e-10\nsensitivity = yes\n"
             "method = %s", qubit ? SMALL_QUBIT : SMALL, phi2, method);
    run_text(&r, text);
    CLOSE(run_value(&r, 0, 0, "d_imbalance_dphi").re, slope, 1e-9);
    CLOSE(run_value(&r, 0, 0, "phase_uncertainty").re * fabs(slope) / run_value(&r, 0, 0, "std_imbalance").re, 1,
          slope == 0 ? INFINITY : 1e-6);
    run_release(&r);
    free(M);
    free(rho);
}

static void test_sensitivity(void **state)
{
    (void)state;
    check_sensitivity(false, 1.1, "rre\n");
    check_sensitivity(false, 2.9, "krylov\n");
    check_sensitivity(true, 1.1, "relax\n");
}

/* About drives a quarter turn apart the imbalance is even. */
static void test_sensitivity_of_real_states(void **state)
{
    const double phi2 = 0.4 + acos(-1) / 2;
    const dimer_reference d = small_reference(false, phi2);
    double complex *M = superoperator(&d), *rho = dense_solve(&d, M, NULL, 1);
    run r;
    (void)state;
    CLOSE(dense_slope(&d, M, rho), 0, 1e-12);
    run_text(&r, DIMER SMALL "[sweep]\nphi2 = 1.9707963267948966\n[steady]\nsensitivity = yes\n");
    assert_int_equal(r.plan.points[0].dimer.planes, 1);
    CLOSE(run_value(&r, 0, 0, "d_imbalance_dphi").re, 0, 0);
    run_release(&r);
    free(M);
    free(rho);
}

/* To first order in t_c each laser sees the other's mean field, which is Gutzwiller's ansatz. */
static void test_sensitivity_at_little_tunnelling(void **state)
{
#define LITTLE                                                                                                         \
    "[laser]\ngamma = 40\ncooperativity = 0.05\nepsilon = 0.4\nphi2 = 0.7\nt_c = 1e-4\n[fock]\nlevels = 4\n"           \
    "[steady]\ntolerance = 1e-11\n"
    run a, b;
    (void)state;
    run_text(&a, DIMER LITTLE "sensitivity = yes\n");
    run_text(&b, "[model]\nequation = gutzwiller\n" LITTLE);
    const double exact = run_value(&a, 0, 0, "d_imbalance_dphi").re,
                 product = run_value(&b, 0, 0, "d_imbalance_dphi").re;
    assert_true(fabs(product) > 1e-6);
    CLOSE(exact / product, 1, 1e-3);
    run_release(&a);
    run_release(&b);
}

/* ---- bad input, and memory ---- */

static void test_bad_input(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {DIMER "sites = 1\n", "gutzwiller with sites = 1"},
        {DIMER "[laser]\ngamma = 100\ncooperativity = 1.2\n[steady]\nmethod = multigrid\n", "krylov"},
        {DIMER "[run]\ninitial = uniform\n", "vacuum"},
        {DIMER "[laser]\ngamma = 100\ncooperativity = 1.2\n[fock]\nlevels = 46\n", "diffusion"},
        {DIMER "[laser]\ngamma = 100\ncooperativity = 1.2\n[fock]\nlevels = 20\n", "cuts"},
        {DIMER EVOLVE "[steady]\ngap = yes\n[fock]\nlevels = 5\n", "gap"},
        {DIMER EVOLVE "[steady]\nsensitivity = yes\n[fock]\nlevels = 5\n", "sensitivity = no"},
        {"[model]\nequation = gutzwiller\n[steady]\nsensitivity = yes\n", "equation = dimer"},
    };
    (void)state;
    for (int k = 0; k < COUNT(bad); k++) {
        nl_config config = config_of(bad[k].text);
        nl_plan plan;
        FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, bad[k].message);
        nl_config_release(&config);
    }
}

/* What a run takes is known before: a vector is half of N^4 complex elements, and one that cannot fit is refused. */
static void test_memory(void **state)
{
    run r;
    (void)state;
    nl_config config = config_of(DIMER "[laser]\ngamma = 400\ncooperativity = 1.2\nphi2 = 1\n[fock]\nlevels = 160\n"
                                 "[integrator]\nmethod = rk45\n" EVOLVE);
    OK(nl_plan_new(&config, &r.plan));
    const double vector = 8.0 * 160 * 160 * 160 * 161, bytes = nl_plan_point_bytes(&r.plan, 0);
    CLOSE(bytes / (nl_batch_registers(r.plan.tableaux[0]) * vector), 1, 1e-4);
    FAILS(nl_plan_check_memory(&r.plan, 0.99 * bytes, false), NL_ERR_MEMORY, "levels = 160");
    OK(nl_plan_check_memory(&r.plan, 1.01 * bytes, false));
    nl_plan_release(&r.plan);
    config.model_local = NL_LOCAL_QUBIT;
    OK(nl_plan_new(&config, &r.plan));
    CLOSE(nl_plan_point_bytes(&r.plan, 0) / bytes, 16, 1e-3);
    nl_plan_release(&r.plan);
    nl_config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_vacuum),
        cmocka_unit_test(test_without_tunnelling),
        cmocka_unit_test(test_qubits_without_tunnelling),
        cmocka_unit_test(test_symmetries),
        cmocka_unit_test(test_loss_and_tunnelling),
        cmocka_unit_test(test_integrators_agree),
        cmocka_unit_test(test_backends_agree),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_steady_complex),
        cmocka_unit_test(test_steady_real),
        cmocka_unit_test(test_steady_qubit),
        cmocka_unit_test(test_steady_without_tunnelling),
        cmocka_unit_test(test_sensitivity),
        cmocka_unit_test(test_sensitivity_of_real_states),
        cmocka_unit_test(test_sensitivity_at_little_tunnelling),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
