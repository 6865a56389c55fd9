/* Whole runs of the master equations: steady states against independent numbers, closed forms in time, forms and
 * methods against each other, two lasers against a dense integration of Eq. 35. */
#include "lindblad_reference.h"
#include "run_support.h"

#ifdef NL_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define RELATIVE(actual, expected, tolerance) CLOSE(actual, expected, (tolerance) * fabs(expected))

static const char *const one = "[model]\nequation = gutzwiller\nsites = 1\n";
static const char *const two = "[model]\nequation = gutzwiller\nsites = 2\n";

static double complex amplitude(const run *r, int point, int time, const char *name)
{
    const nl_value a = run_value(r, point, time, name);
    return a.re + I * a.im;
}

/* ---- steady states of one laser, against independent numbers ---- */

typedef struct undriven {
    double C_p;
    int levels;
    double n, var_n, ground;
} undriven;

/* gamma = 2000, kappa = 1, no drive: dense solves of the sector that conserves the number. */
static const undriven photon[] = {{0.5, 60, 0.9930636373060888, 1.967528212905339, 0},
                                  {0.9, 160, 7.734704873007353, 59.925925782083596, 0},
                                  {1.1, 400, 90.05016640173176, 850.7208788104954, 0},
                                  {1.5, 600, 332.3333333333716, 499.99999998977, 0}};
static const undriven qubit[] = {{0.5, 60, 0.9955402043218877, 1.9768683158937828, 0.0004977701021609438},
                                 {0.9, 160, 7.824399430830791, 61.203152320002474, 0.003912199715415395},
                                 {1.1, 400, 91.48676301173708, 864.4372005537116, 0.04574338150586854},
                                 {1.5, 600, 333.6666666666588, 666.6943055575975, 0.16683333333332978}};

static void solve_undriven(run *r, const undriven *u, const char *local)
{
    run_text(r, text_of("%slocal = %s\n[laser]\ncooperativity = %g\ngamma = 2000\nepsilon = 0\n[fock]\nlevels = %d\n",
                        one, local, u->C_p, u->levels));
    run_expect(r, NL_POINT_CONVERGED);
    RELATIVE(run_value(r, 0, 0, "n1").re, u->n, 1e-8);
    RELATIVE(run_value(r, 0, 0, "var_n1").re, u->var_n, 1e-8);
    CLOSE(cabs(amplitude(r, 0, 0, "a1")), 0, 1e-15);
    CLOSE(run_value(r, 0, 0, "trace").re, 1, 1e-9);
    BETWEEN(run_value(r, 0, 0, "top_population").re, -1e-12, 1e-12);
}

static void test_photons_without_drive(void **state)
{
    (void)state;
    for (int k = 0; k < (SANITIZED ? 2 : COUNT(photon)); k++) {
        run r;
        solve_undriven(&r, &photon[k], "photon");
        run_release(&r);
    }
}

/* And the identity of B.5: the ground state's population is <n> kappa/gamma. */
static void test_qubit_without_drive(void **state)
{
    (void)state;
    for (int k = 0; k < (SANITIZED ? 1 : COUNT(qubit)); k++) {
        run r;
        solve_undriven(&r, &qubit[k], "qubit");
        const double ground = run_value(&r, 0, 0, "ground_population1").re;
        RELATIVE(ground, qubit[k].ground, 1e-8);
        RELATIVE(ground, run_value(&r, 0, 0, "n1").re / 2000, 1e-8);
        run_release(&r);
    }
}

static const char *const small_laser = "[laser]\ncooperativity = 1.2\ngamma = 200\nepsilon = 0.3\n"
                                       "[fock]\nlevels = 70\n";
static const char *const large_laser = "[laser]\ncooperativity = 1.1\ngamma = 3500\nepsilon = 0.3\n"
                                       "[fock]\nlevels = 420\n";

/* Sparse direct solves. */
static void test_photons_with_drive(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s%s", one, small_laser));
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(cabs(amplitude(&r, 0, 0, "a1") + 3.4091397609108074 * I), 0, 1e-8);
    RELATIVE(run_value(&r, 0, 0, "n1").re, 20.215962304710658, 1e-8);
    RELATIVE(run_value(&r, 0, 0, "var_n1").re, 61.436137000616895, 1e-8);
    run_release(&r);
    if (SANITIZED)
        return;
    run_text(&r, text_of("%s%s", one, large_laser));
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(cabs(amplitude(&r, 0, 0, "a1") + 12.857014423067 * I), 0, 1e-8);
    RELATIVE(run_value(&r, 0, 0, "n1").re, 190.768878351635, 1e-8);
    run_release(&r);
}

/* Observables but <a> depend on the magnitude of the drive alone; <a> turns with its phase. */
static void test_phase_of_the_drive(void **state)
{
    static const char *const same[] = {"n1", "var_n1", "coherence1", "trace", "purity1", "top_population"};
    run a, b;
    (void)state;
    run_text(&a, text_of("%s%s", one, small_laser));
    run_text(&b, text_of("%s%s[laser]\nphi1 = 0.7\n", one, small_laser));
    for (int k = 0; k < COUNT(same); k++)
        RELATIVE(run_value(&a, 0, 0, same[k]).re, run_value(&b, 0, 0, same[k]).re, 1e-14);
    CLOSE(cabs(amplitude(&b, 0, 0, "a1") - cexp(0.7 * I) * amplitude(&a, 0, 0, "a1")), 0, 1e-14);
    CLOSE(run_value(&a, 0, 0, "coherence1").re, pow(cabs(amplitude(&a, 0, 0, "a1")), 2) / (200 * 0.2 / 2.4), 1e-12);
    run_release(&a);
    run_release(&b);
}

/* The orders left out of a steady state do not matter. */
static void test_orders_suffice(void **state)
{
    static const char *const locals[] = {"photon", "qubit"};
    (void)state;
    for (int k = 0; k < (SANITIZED ? 1 : COUNT(locals)); k++) {
        const char *text = text_of("%slocal = %s\n[laser]\ncooperativity = 1.1\ngamma = 150\nepsilon = 0.1\n[fock]\n"
                                   "levels = 50\n[steady]\ntolerance = 1e-11\n", one, locals[k]);
        nl_backend *backend;
        run few, all;
        OK(nl_backend_open_cpu(1, &backend));
        run_prepare(&few, text);
        run_prepare(&all, text);
        assert_true(few.plan.points[0].lindblad.orders < 50);
        all.plan.points[0].lindblad.orders = 50;
        run_solve(&few, backend, NULL);
        run_solve(&all, backend, NULL);
        run_expect(&few, NL_POINT_CONVERGED);
        run_expect(&all, NL_POINT_CONVERGED);
        CLOSE(run_difference(&few, &all), 0, 1e-9);
        run_release(&few);
        run_release(&all);
        nl_backend_close(backend);
    }
}

/* Whichever way there, it is the same steady state, and as steady as was asked. */
static void test_methods_agree(void **state)
{
    static const char *const ways[] = {"[steady]\nmethod = relax\n", "[steady]\nmethod = rre\n",
                                       "[integrator]\nmethod = rk45\n", "[integrator]\nmethod = bs32\n"};
    const char *laser = "[laser]\ncooperativity = 1.1\ngamma = 150\nepsilon = 0.3\nphi1 = 2\n[steady]\n"
                        "tolerance = 1e-10\n";
    run first;
    (void)state;
    run_text(&first, text_of("%s%s", one, laser));
    run_expect(&first, NL_POINT_CONVERGED);
    for (int k = 0; k < (SANITIZED ? 1 : COUNT(ways)); k++) {
        run r;
        run_text(&r, text_of("%s%s%s", one, laser, ways[k]));
        run_expect(&r, NL_POINT_CONVERGED);
        BETWEEN(r.result.outcomes[0].residual, 0, 1e-10);
        CLOSE(run_difference(&first, &r), 0, 1e-7);
        run_release(&r);
    }
    run_release(&first);
}

/* ---- time, one laser: closed forms ---- */

static const char *const in_time = "[run]\nmode = evolve\n[integrator]\nrtol = 1e-10\natol = 1e-13\n";

/* Photon loss alone. */
static void test_loss(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[laser]\ncooperativity = 1e-14\ngamma = 100\nepsilon = 0\nphi1 = 0.4\n[fock]\n"
                         "levels = 40\n%s[run]\nt_end = 1.5\nsave_every = 0.5\ninitial = coherent\nn_initial = 6\n",
                         one, in_time));
    run_expect(&r, NL_POINT_CONVERGED);
    for (int t = 0; t < 4; t++) {
        const double n = 6 * exp(-2 * r.result.times[t]);
        CLOSE(run_value(&r, 0, t, "n1").re, n, 1e-8);
        CLOSE(run_value(&r, 0, t, "var_n1").re, n, 1e-7);
        CLOSE(run_value(&r, 0, t, "purity1").re, 1, 1e-8);
        CLOSE(run_value(&r, 0, t, "trace").re, 1, 1e-12);
        CLOSE(cabs(amplitude(&r, 0, t, "a1") + I * cexp(0.4 * I) * sqrt(n)), 0, 1e-8);
    }
    run_release(&r);
}

/* Gain and loss without saturation: thermal light stays thermal, d<n>/dt = 2 (A - C) <n> + 2 A. */
static void test_gain(void **state)
{
    static const double cooperativities[] = {0.4, 1.5};
    (void)state;
    for (int k = 0; k < COUNT(cooperativities); k++) {
        const double A = cooperativities[k], rate = 2 * (A - 1);
        run r;
        run_text(&r, text_of("%s[laser]\ncooperativity = %g\ngamma = 1e12\nepsilon = 0\n[fock]\nlevels = 90\n%s[run]\n"
                             "t_end = 0.6\nsave_every = 0.2\ninitial = thermal\nn_initial = 0.5\n", one, A, in_time));
        run_expect(&r, NL_POINT_CONVERGED);
        for (int t = 0; t < 4; t++) {
            const double n = (0.5 + A / (A - 1)) * exp(rate * r.result.times[t]) - A / (A - 1);
            CLOSE(run_value(&r, 0, t, "n1").re, n, 1e-8);
            CLOSE(run_value(&r, 0, t, "var_n1").re, n * n + n, 1e-6);
            CLOSE(run_value(&r, 0, t, "purity1").re, 1 / (2 * n + 1), 1e-8);
            CLOSE(run_value(&r, 0, t, "trace").re, 1, 1e-9);
        }
        run_release(&r);
    }
}

/* Gain of an amplitude: d<a>/dt = (A - C) <a>, while noise is added. */
static void test_gain_of_an_amplitude(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[laser]\ncooperativity = 1.5\ngamma = 1e12\nepsilon = 0\n[fock]\nlevels = 100\n%s[run]\n"
                         "t_end = 0.4\nsave_every = 0.2\ninitial = coherent\nn_initial = 4\n", one, in_time));
    for (int t = 0; t < 3; t++) {
        const double grown = exp(r.result.times[t]);
        CLOSE(cabs(amplitude(&r, 0, t, "a1") + 2 * I * sqrt(grown)), 0, 1e-7);
        CLOSE(run_value(&r, 0, t, "n1").re, (4 + 3) * grown - 3, 1e-7);
    }
    run_release(&r);
}

/* Drive alone displaces the vacuum; with loss it ends in a coherent state. */
static void check_displacement(double kappa)
{
    run r;
    run_text(&r, text_of("%s[laser]\ncooperativity = 1e-14\nkappa = %g\ngamma = 100\nepsilon = 1.3\nphi1 = -0.8\n"
                         "[fock]\nlevels = 40\n%s[run]\nt_end = 1.8\nsave_every = 0.6\n", one, kappa, in_time));
    run_expect(&r, NL_POINT_CONVERGED);
    for (int t = 0; t < 4; t++) {
        const double complex a = I * cexp(-0.8 * I) * 1.3 * expm1(-kappa * r.result.times[t]) / kappa;
        CLOSE(cabs(amplitude(&r, 0, t, "a1") - a), 0, 1e-8);
        CLOSE(run_value(&r, 0, t, "n1").re, pow(cabs(a), 2), 1e-8);
        CLOSE(run_value(&r, 0, t, "var_n1").re, pow(cabs(a), 2), 1e-7);
        CLOSE(run_value(&r, 0, t, "purity1").re, 1, 1e-8);
        CLOSE(run_value(&r, 0, t, "trace").re, 1, 1e-12);
    }
    run_release(&r);
}

static void test_displacement(void **state)
{
    (void)state;
    check_displacement(1e-9);
    check_displacement(1);
}

/* ---- time, two lasers ---- */

/*
 * Without gain the product ansatz is exact: coherent states whose amplitudes obey d a_1/dt = -kappa a_1 + i t_c a_2 - i
 * epsilon_1. Sums and differences of the amplitudes go by themselves.
 */
static void test_coupled_cavities(void **state)
{
    const double t_c = 1.7, epsilon = 1.1, phi[] = {0.3, 1.4};
    run r;
    (void)state;
    run_text(&r, text_of("%s[laser]\ncooperativity = 1e-14\ngamma = 100\nepsilon = %g\nphi1 = %g\nphi2 = %g\nt_c = %g\n"
                         "[fock]\nlevels = 30\n%s[run]\nt_end = 1.2\nsave_every = 0.4\ninitial = coherent\n"
                         "n_initial = 2\n", two, epsilon, phi[0], phi[1], t_c, in_time));
    run_expect(&r, NL_POINT_CONVERGED);
    for (int t = 0; t < 4; t++) {
        double complex mode[2];
        for (int k = 0; k < 2; k++) {
            const double sign = k ? -1 : 1;
            const double complex rate = -1 + sign * I * t_c, unit = cexp(I * phi[0]) + sign * cexp(I * phi[1]);
            const double complex start = -I * sqrt(2) * unit, grown = cexp(rate * r.result.times[t]);
            mode[k] = start * grown - I * epsilon * unit * (grown - 1) / rate;
        }
        const double complex a[2] = {(mode[0] + mode[1]) / 2, (mode[0] - mode[1]) / 2};
        CLOSE(cabs(amplitude(&r, 0, t, "a1") - a[0]), 0, 1e-8);
        CLOSE(cabs(amplitude(&r, 0, t, "a2") - a[1]), 0, 1e-8);
        CLOSE(run_value(&r, 0, t, "imbalance").re, pow(cabs(a[0]), 2) - pow(cabs(a[1]), 2), 1e-7);
        CLOSE(run_value(&r, 0, t, "purity1").re, 1, 1e-8);
        CLOSE(run_value(&r, 0, t, "purity2").re, 1, 1e-8);
        CLOSE(run_value(&r, 0, t, "trace").re, 1, 1e-12);
    }
    run_release(&r);
}

/* Eq. 35 by dense matrices. */
typedef struct pair {
    reference_shape shape;
    reference_laser laser;
    double complex *rho[2];
} pair;

/* Photon number m of the photon state, the qubit traced out. */
static double complex photon_element(const pair *p, const double complex *rho, int m, int n)
{
    const int dim = reference_dim(&p->shape), levels = reference_levels(&p->shape);
    return rho[m * dim + n] + (p->shape.qubit ? rho[(levels + m) * dim + levels + n] : 0);
}

static double complex photon_amplitude(const pair *p, const double complex *rho)
{
    double complex a = 0;
    for (int n = 0; n + 1 < p->shape.N; n++)
        a += sqrt(n + 1) * photon_element(p, rho, n + 1, n);
    return a;
}

/* k_j = d rho_j/dt. The caller frees. */
static void pair_derivative(const pair *p, double complex *const rho[2], double complex *k[2])
{
    for (int j = 0; j < 2; j++) {
        const double complex f = p->laser.drive[j] - p->laser.tunnel * photon_amplitude(p, rho[1 - j]);
        k[j] = reference_derivative(&p->shape, &p->laser, f, rho[j]);
    }
}

/* One step of the classical Runge-Kutta method. */
static void pair_step(pair *p, double h)
{
    static const double at[] = {0, 0.5, 0.5, 1}, weight[] = {1 / 6., 1 / 3., 1 / 3., 1 / 6.};
    const int size = reference_dim(&p->shape) * reference_dim(&p->shape);
    double complex *k[2] = {NULL, NULL}, *y[2], *sum[2];
    for (int j = 0; j < 2; j++) {
        y[j] = new_matrix(reference_dim(&p->shape));
        sum[j] = new_matrix(reference_dim(&p->shape));
    }
    for (int s = 0; s < 4; s++) {
        for (int j = 0; j < 2; j++) {
            for (int x = 0; x < size; x++)
                y[j][x] = p->rho[j][x] + (k[j] ? h * at[s] * k[j][x] : 0);
            free(k[j]);
        }
        pair_derivative(p, y, k);
        for (int j = 0; j < 2; j++)
            for (int x = 0; x < size; x++)
                sum[j][x] += h * weight[s] * k[j][x];
    }
    for (int j = 0; j < 2; j++) {
        for (int x = 0; x < size; x++)
            p->rho[j][x] += sum[j][x];
        free(k[j]);
        free(y[j]);
        free(sum[j]);
    }
}

/* The pair at the start of a run: its lasers, and its initial state. */
static pair pair_of(const run *r)
{
    const nl_point *point = &r->plan.points[0];
    const nl_lindblad *l = &point->lindblad;
    pair p = {.shape = {.qubit = l->components > 1, .N = point->n, .orders = point->n, .planes = 2},
              .laser = {.A = r->config.laser_cooperativity, .C = 1, .tunnel = r->config.laser_t_c,
                        .B = 2 * r->config.laser_cooperativity / r->config.laser_gamma,
                        .g = sqrt(r->config.laser_cooperativity * r->config.laser_gamma),
                        .gamma = r->config.laser_gamma,
                        .drive = {r->config.laser_epsilon * cexp(I * r->config.laser_phi1),
                                  r->config.laser_epsilon * cexp(I * r->config.laser_phi2)}}};
    double *v = new_array(2 * reference_size(&p.shape));
    OK(nl_lindblad_initial(l, (nl_initial)r->config.run_initial, point->n, v));
    for (int j = 0; j < 2; j++)
        p.rho[j] = reference_unpack(&p.shape, v + j * reference_size(&p.shape));
    free(v);
    return p;
}

/* Every element of both density matrices, and that they are hermitian. */
static void check_against_dense(const char *local, double gamma, double t_end, int steps)
{
    run r;
    run_text(&r, text_of("%slocal = %s\n[laser]\ncooperativity = 1.3\ngamma = %g\nepsilon = 0.8\nphi1 = 0.3\n"
                         "phi2 = 2.1\nt_c = 0.9\n[fock]\nlevels = 8\n%s[run]\nt_end = %g\nsave_every = %g\n"
                         "initial = coherent\nn_initial = 1\n[output]\nfields = yes\n", two, local, gamma, in_time,
                         t_end, t_end));
    const size_t N = 8;
    pair p = pair_of(&r);
    for (int s = 0; s < steps; s++)
        pair_step(&p, t_end / steps);
    for (int j = 0; j < 2; j++) {
        const double complex *rho = (const double complex *)r.result.field_data[j];
        for (size_t m = 0; m < N; m++)
            for (size_t n = 0; n < N; n++) {
                CLOSE(cabs(rho[m * N + n] - photon_element(&p, p.rho[j], (int)m, (int)n)), 0, 1e-9);
                CLOSE(cabs(rho[m * N + n] - conj(rho[n * N + m])), 0, 1e-12);
            }
        CLOSE(cabs(amplitude(&r, 0, 1, j ? "a2" : "a1") - photon_amplitude(&p, p.rho[j])), 0, 1e-9);
        free(p.rho[j]);
    }
    run_release(&r);
}

static void test_against_dense_integration(void **state)
{
    (void)state;
    check_against_dense("photon", 40, SANITIZED ? 0.1 : 0.5, SANITIZED ? 40 : 200);
    check_against_dense("qubit", 4, SANITIZED ? 0.06 : 0.5, SANITIZED ? 24 : 200);
}

static const char *const small_pair = "[laser]\ncooperativity = 1.1\ngamma = 150\nepsilon = 0.5\nphi1 = 0.2\n"
                                      "phi2 = 1.1\nt_c = 0.3\n[fock]\nlevels = 36\n";

/* Pairs and Chebyshev steps go the same way. */
static void test_integrators_agree(void **state)
{
    static const char *const methods[] = {"rk45", "cash-karp", "rk43", "bs32", "rkc"};
    run first;
    (void)state;
    for (int k = 0; k < COUNT(methods); k++) {
        run r;
        run_text(&r, text_of("%s%s[run]\nmode = evolve\nt_end = 0.6\nsave_every = 0.3\ninitial = coherent\n"
                             "n_initial = 4\n[integrator]\nmethod = %s\nrtol = %s\natol = 1e-12\n", two, small_pair,
                             methods[k], k < 3 ? "1e-9" : "1e-10"));
        run_expect(&r, NL_POINT_CONVERGED);
        if (k == 0) {
            first = r;
            continue;
        }
        CLOSE(run_difference(&first, &r), 0, k < 4 ? 1e-9 : 2e-6);
        run_release(&r);
    }
    run_release(&first);
}

/* ---- forms against each other ---- */

/* In time the complex form goes to where the real form of the steady state is. */
static void test_evolution_reaches_the_steady_state(void **state)
{
    static const char *const both[] = {"n1", "var_n1", "purity1"};
    const char *laser = "[laser]\ncooperativity = 0.5\ngamma = 60\nepsilon = 0.5\nphi1 = 0.9\n[fock]\nlevels = 30\n";
    run steady, evolved;
    (void)state;
    run_text(&steady, text_of("%s%s", one, laser));
    run_text(&evolved, text_of("%s%s[run]\nmode = evolve\nt_end = 36\nsave_every = 36\n[integrator]\nmethod = rkc\n"
                               "rtol = 1e-6\natol = 1e-12\n", one, laser));
    run_expect(&steady, NL_POINT_CONVERGED);
    run_expect(&evolved, NL_POINT_CONVERGED);
    CLOSE(cabs(amplitude(&steady, 0, 0, "a1") - amplitude(&evolved, 0, 1, "a1")), 0, 1e-7);
    for (int k = 0; k < COUNT(both); k++)
        RELATIVE(run_value(&evolved, 0, 1, both[k]).re, run_value(&steady, 0, 0, both[k]).re, 1e-7);
    run_release(&steady);
    run_release(&evolved);
}

/* Two lasers without tunnelling are two single ones. */
static void test_pair_without_tunnelling(void **state)
{
    static const char *const names[][2] = {{"n1", "n2"}, {"var_n1", "var_n2"}, {"purity1", "purity2"}};
    const char *laser = text_of("[laser]\ncooperativity = %g\ngamma = 100\nepsilon = 0.3\n[steady]\n"
                                "tolerance = 1e-10\n", SANITIZED ? 0.4 : 0.9);
    run single[2], both;
    (void)state;
    run_text(&both, text_of("%s%s[laser]\nphi1 = 0.5\nphi2 = 2\nt_c = 0\n[steady]\nmethod = relax\n", two, laser));
    run_expect(&both, NL_POINT_CONVERGED);
    for (int j = 0; j < 2; j++) {
        run_text(&single[j], text_of("%s%s[laser]\nphi1 = %g\n", one, laser, j ? 2. : 0.5));
        CLOSE(cabs(amplitude(&both, 0, 0, j ? "a2" : "a1") - amplitude(&single[j], 0, 0, "a1")), 0, 1e-8);
        for (int k = 0; k < COUNT(names); k++)
            RELATIVE(run_value(&both, 0, 0, names[k][j]).re, run_value(&single[j], 0, 0, names[k][0]).re, 1e-8);
        run_release(&single[j]);
    }
    CLOSE(run_value(&both, 0, 0, "imbalance").re, 0, 1e-8);
    run_release(&both);
}

/* Two lasers that tunnel: direct solves of each, Newton on the amplitudes. */
static void test_pair_with_tunnelling(void **state)
{
    static const struct {
        double t_c, a1, a2, n1, n2, var_n1, var_n2; /* a1 along i */
    } cases[] = {{0.05, -1.6407389252864883, 3.8208298314516833, 17.168778645463878, 21.59402912944193,
                  61.85510650186819, 59.754794668758905},
                 {0.02, -2.889673254037288, 3.7126580381170116, 18.94347704846244, 21.1929560939718,
                  62.37180615755932, 60.28918787583774},
                 {0.1, 0.32474900467165985, 3.2030054889466304, 16.483505311952587, 19.658569583427358,
                  60.85975905075486, 61.94405552352845}};
    (void)state;
    for (int k = 0; k < (SANITIZED ? 0 : COUNT(cases)); k++) {
        run r;
        run_text(&r, text_of("%s%s[laser]\nt_c = %g\n[steady]\nmethod = %s\n", two, small_laser, cases[k].t_c,
                             k ? "rre" : "relax"));
        run_expect(&r, NL_POINT_CONVERGED);
        CLOSE(cabs(amplitude(&r, 0, 0, "a1") - cases[k].a1 * I), 0, 1e-7);
        CLOSE(cabs(amplitude(&r, 0, 0, "a2") - cases[k].a2), 0, 1e-7);
        RELATIVE(run_value(&r, 0, 0, "n1").re, cases[k].n1, 1e-8);
        RELATIVE(run_value(&r, 0, 0, "n2").re, cases[k].n2, 1e-8);
        RELATIVE(run_value(&r, 0, 0, "var_n1").re, cases[k].var_n1, 1e-7);
        RELATIVE(run_value(&r, 0, 0, "var_n2").re, cases[k].var_n2, 1e-7);
        run_release(&r);
    }
}

/* ---- the cutoff ---- */

/* A state that reaches the cutoff is not passed off as converged. */
static void test_leaks_are_told(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[laser]\ncooperativity = 1.5\ngamma = 1e6\nepsilon = 1\n[fock]\nlevels = 12\n[run]\n"
                         "mode = evolve\nt_end = 1\nsave_every = 0.1\n", one));
    run_expect(&r, NL_POINT_LEAKED);
    assert_true(r.result.outcomes[0].leaks);
    BETWEEN(run_value(&r, 0, 10, "top_population").re, 1e-5, 1);
    BETWEEN(run_value(&r, 0, 10, "trace").re, 0, 1 - 1e-5);
    RELATIVE(r.result.outcomes[0].norm_error, 1 - run_value(&r, 0, 10, "trace").re, 1e-9);
    run_release(&r);
}

/* A drive that carries the laser to the bound of Eq. 6, where populations may be negative, is refused. */
static void test_drive_beyond_the_bound(void **state)
{
    nl_config config = config_of(text_of("%s[laser]\ncooperativity = 1.2\ngamma = 200\nepsilon = 10\n", one));
    nl_plan plan;
    (void)state;
    FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, "epsilon = 10 drives the laser to 100 photons");
    nl_config_release(&config);
}

/* Nor is a start of which nothing fits below it. */
static void test_start_beyond_the_cutoff(void **state)
{
    run r;
    (void)state;
    for (double n = 20; n < 1e6; n *= 30) {
        run_text(&r, text_of("%s[laser]\ncooperativity = 0.5\ngamma = 1e6\n[fock]\nlevels = 20\n[run]\nmode = evolve\n"
                             "t_end = 0.1\nsave_every = 0.1\ninitial = coherent\nn_initial = %g\n", one, n));
        run_expect(&r, NL_POINT_LEAKED);
        run_release(&r);
    }
}

/* Within auto's window steady states stay below it. */
static void test_auto_levels_hold(void **state)
{
    static const double lasers[][2] = {{0.5, 100}, {1.2, 500}, {1.1, 1000}};
    (void)state;
    for (int k = 0; k < (SANITIZED ? 1 : COUNT(lasers)); k++) {
        run r;
        run_text(&r, text_of("%s[laser]\ncooperativity = %g\ngamma = %g\nepsilon = 0.2\n", one, lasers[k][0],
                             lasers[k][1]));
        run_expect(&r, NL_POINT_CONVERGED);
        BETWEEN(run_value(&r, 0, 0, "top_population").re, -1e-7, 1e-6);
        run_release(&r);
    }
}

/* ---- company and backends ---- */

static const char *const steady_sweep = "[laser]\ncooperativity = 1.1\ngamma = 150\n[fock]\nlevels = 50\n[steady]\n"
                                        "tolerance = %g\n[sweep]\nepsilon = 0.3, 0.31, 1\n";
static const char *const time_sweep = "[laser]\ncooperativity = 1.1\ngamma = 150\nepsilon = 0.5\nphi1 = 0.2\n"
                                      "phi2 = 1.1\n[fock]\nlevels = 20\n[run]\nmode = evolve\nt_end = 0.2\n"
                                      "save_every = 0.1\ninitial = coherent\nn_initial = 0.5\n[sweep]\n"
                                      "t_c = 0, 0.3, -1\n";

static void solve_on(run *r, const backend_case *c, const char *text, bool *skipped)
{
    nl_backend *backend;
    *skipped = !open_or_skip(c, "master equations", &backend);
    if (*skipped)
        return;
    run_prepare(r, text);
    run_solve(r, backend, NULL);
    nl_backend_close(backend);
}

/* Each point by itself. */
static void solve_alone(run *r, const char *text)
{
    nl_backend *backend;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(r, text);
    for (int p = 0; p < r->plan.n_points; p++) {
        nl_task task = {.backend = backend, .model = r->plan.model, .config = &r->config,
                        .tableau = r->plan.tableaux[p], .points = r->plan.points + p, .index = &p, .count = 1,
                        .result = &r->result};
        OK(r->config.run_mode == NL_MODE_EVOLVE ? nl_evolve(&task) : nl_relax(&task));
    }
    nl_backend_close(backend);
}

/* A point gives the same to the last bit, alone or in a sweep: pairs, and Chebyshev steps of various stages. */
static void test_company_does_not_matter(void **state)
{
    const char *const texts[] = {text_of("%s[steady]\ntolerance = %g\n[laser]\ncooperativity = 1.1\n[fock]\n"
                                         "levels = 60\n[sweep]\ngamma = 150, 160, 175\n", one, SANITIZED ? 1e-3 : 1e-9),
                                 text_of("%s%s", two, time_sweep),
                                 text_of("%s%s[integrator]\nmethod = rkc\n", two, time_sweep)};
    (void)state;
    for (int k = 0; k < COUNT(texts); k++) {
        run together, alone;
        run_text(&together, texts[k]);
        solve_alone(&alone, texts[k]);
        assert_int_equal(alone.plan.points[0].lindblad.orders, alone.plan.points[1].lindblad.orders); /* one batch */
        run_expect(&together, NL_POINT_CONVERGED);
        assert_true(run_difference(&together, &alone) == 0);
        for (int p = 0; p < together.result.n_points; p++)
            assert_int_equal(together.result.outcomes[p].rhs, alone.result.outcomes[p].rhs);
        run_release(&together);
        run_release(&alone);
    }
}

/* Every backend solves the same; other parameters share a batch. */
static void test_backends_agree(void **state)
{
    const char *const steady = text_of(steady_sweep, SANITIZED ? 1e-4 : 1e-10);
    const char *const by_pair = text_of(steady_sweep, SANITIZED ? 1e-2 : 1e-10);
    const char *const texts[] = {text_of("%s%s", one, steady),
                                 text_of("%s%s[steady]\nmethod = relax\n[integrator]\nmethod = rk45\n", one, by_pair),
                                 text_of("%s%s", one, time_sweep),
                                 text_of("%s%s", two, time_sweep),
                                 text_of("%s%s[model]\nlocal = qubit\n", two, time_sweep)};
    (void)state;
    for (int k = 0; k < COUNT(texts); k++) {
        run first;
        bool skipped;
        solve_on(&first, &backend_cases[0], texts[k], &skipped);
        run_expect(&first, NL_POINT_CONVERGED);
        for (int c = 1; c < COUNT(backend_cases); c++) {
            run r;
            solve_on(&r, &backend_cases[c], texts[k], &skipped);
            if (skipped)
                continue;
            run_expect(&r, NL_POINT_CONVERGED);
            CLOSE(run_difference(&first, &r), 0, 1e-9);
            run_release(&r);
        }
        run_release(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_photons_without_drive),
        cmocka_unit_test(test_qubit_without_drive),
        cmocka_unit_test(test_photons_with_drive),
        cmocka_unit_test(test_phase_of_the_drive),
        cmocka_unit_test(test_orders_suffice),
        cmocka_unit_test(test_methods_agree),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_gain),
        cmocka_unit_test(test_gain_of_an_amplitude),
        cmocka_unit_test(test_displacement),
        cmocka_unit_test(test_coupled_cavities),
        cmocka_unit_test(test_against_dense_integration),
        cmocka_unit_test(test_integrators_agree),
        cmocka_unit_test(test_evolution_reaches_the_steady_state),
        cmocka_unit_test(test_pair_without_tunnelling),
        cmocka_unit_test(test_pair_with_tunnelling),
        cmocka_unit_test(test_leaks_are_told),
        cmocka_unit_test(test_drive_beyond_the_bound),
        cmocka_unit_test(test_start_beyond_the_cutoff),
        cmocka_unit_test(test_auto_levels_hold),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_backends_agree),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
