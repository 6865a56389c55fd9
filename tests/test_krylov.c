/* The spectral gap and steady states by Arnoldi's method: against dense eigenvalues, the table of physics and
 * relaxation. */
#include <lapacke.h>

#include "lindblad_reference.h"
#include "nanolase/krylov.h"
#include "phase_reference.h"
#include "run_support.h"

#ifdef NL_SANITIZED
enum { SMALL = 1 };
#else
enum { SMALL = 0 };
#endif

/* ---- small dense problems ---- */

static void test_schur_and_ritz(void **state)
{
    const int ld = NL_ARNOLDI_SIZE + 1, n = 5;
    double H[5 * (NL_ARNOLDI_SIZE + 1)] = {0}, Z[25], A[25] = {0};
    const double pair_re = -0.1, pair_im = 0.9;
    nl_ritz ritz[5];
    (void)state;
    /* Of magnitude 0.2, 0.906 twice, 0.5, 0.1, in a triangle with entries above. */
    for (int j = 0; j < n; j++)
        for (int i = 0; i < j; i++)
            H[j * ld + i] = 0.3 + i - 0.2 * j;
    H[0] = 0.2;
    H[1 * ld + 1] = H[2 * ld + 2] = pair_re;
    H[1 * ld + 2] = -pair_im;
    H[2 * ld + 1] = pair_im;
    H[3 * ld + 3] = 0.5;
    H[4 * ld + 4] = 0.1;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++)
            A[j * n + i] = H[j * ld + i];
    assert_true(nl_ritz_values(n, A, ritz));
    CLOSE(ritz[0].re, 0.5, 1e-13);
    CLOSE(ritz[4].re, pair_re, 1e-13);
    CLOSE(fabs(ritz[4].im), pair_im, 1e-13);
    CLOSE(ritz[3].im, -ritz[4].im, 1e-13);
    /* A pair is never cut in two. */
    double again[5 * (NL_ARNOLDI_SIZE + 1)];
    memcpy(again, H, sizeof H);
    assert_int_equal(nl_schur_leading(n, 1, again, Z), 2);
    CLOSE(hypot(again[0], sqrt(fabs(again[1] * again[ld]))), hypot(pair_re, pair_im), 1e-13);
    assert_int_equal(nl_schur_leading(n, 3, H, Z), 3);
    CLOSE(H[2 * ld + 2], 0.5, 1e-13);
    H[0] = NAN;
    assert_int_equal(nl_schur_leading(n, 3, H, Z), 0);
}

/* ---- gaps against dense eigenvalues ---- */

typedef struct eigenvalue {
    double re, im;
} eigenvalue;

/* The leading one but that which is closest to zero; im: its magnitude. */
static eigenvalue leading(const eigenvalue *list, int n)
{
    int zero = 0, best = -1;
    for (int i = 1; i < n; i++)
        if (hypot(list[i].re, list[i].im) < hypot(list[zero].re, list[zero].im))
            zero = i;
    for (int i = 0; i < n; i++)
        if (i != zero && (best < 0 || list[i].re > list[best].re))
            best = i;
    return (eigenvalue){list[best].re, fabs(list[best].im)};
}

static eigenvalue dense_phase_gap(const nl_phase *phase, int n, int order)
{
    const int size = phase->sites == 2 ? n * n : n;
    double *matrix = reference_matrix(phase, n, order), *re = new_array((size_t)size), *im = new_array((size_t)size);
    eigenvalue *all = calloc((size_t)size, sizeof *all);
    assert_int_equal(LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', size, matrix, size, re, im, NULL, 1, NULL, 1), 0);
    for (int i = 0; i < size; i++)
        all[i] = (eigenvalue){re[i], im[i]};
    const eigenvalue found = leading(all, size);
    free(matrix);
    free(re);
    free(im);
    free(all);
    return found;
}

static void find_gaps(nl_backend *backend, const nl_model *model, const nl_tableau *tableau, const nl_point *points,
                      int count, nl_gap *gaps)
{
    nl_config config = config_of("[steady]\ngap = yes\n");
    const int index[] = {0, 1, 2, 3};
    nl_task task = {.backend = backend, .model = model, .config = &config, .tableau = tableau, .points = points,
                    .index = index, .count = count, .gaps = gaps};
    memset(gaps, 0, (size_t)count * sizeof *gaps);
    OK(nl_find_gaps(&task));
    nl_config_release(&config);
}

static void check_gap(const nl_gap *gap, eigenvalue expected)
{
    const double size = hypot(expected.re, expected.im);
    assert_int_equal(gap->status, NL_POINT_CONVERGED);
    CLOSE(gap->re, -expected.re, 1e-7 * size);
    CLOSE(gap->im, expected.im, 1e-7 * size);
    assert_true(gap->applications > 0);
}

static nl_point phase_point_of(nl_phase phase, int n, int order)
{
    return (nl_point){.phase = phase, .n = n, .order = order, .levels = 1, .tolerance = 1e-9, .max_time = 1e6};
}

/* Any parameters, coarse grids and fine for them; several points at once, on every backend. */
static void test_phase_gaps_against_dense(void **state)
{
    static const struct {
        int sites, n, order;
    } cases[] = {{1, 31, 2}, {1, 64, 8}, {2, 9, 2}, {2, 12, 4}, {2, 15, 8}};
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        if (!open_or_skip(&backend_cases[c], "gaps", &backend))
            continue;
        for (int k = 0; k < COUNT(cases); k++) {
            rng r = {(uint64_t)(77 + k)};
            nl_point points[3];
            nl_gap gaps[3];
            for (int m = 0; m < 3; m++)
                points[m] = phase_point_of(random_phase(&r, cases[k].sites), cases[k].n, cases[k].order);
            find_gaps(backend, &nl_phase_model, nl_tableau_find("bs32"), points, 3, gaps);
            for (int m = 0; m < 3; m++)
                check_gap(&gaps[m], dense_phase_gap(&points[m].phase, cases[k].n, cases[k].order));
        }
        nl_backend_close(backend);
    }
}

/* Slow modes that differ by orders of magnitude, close to each other or oscillating; equal ones; and modes that grow,
 * where the grid is too coarse for the noise. */
static void test_hard_phase_gaps(void **state)
{
    static const struct {
        double D, drive, tunnel, phi2;
    } cases[] = {{0.02, 1, 3, 0}, {0.5, 1, 1, 0}, {0.1, 1, 3, 0}, {0.1, 1, 1, 0}, {0.1, 1, 2, 1.5}, {0.05, 0, 1, 0},
                 {0.05, 0, 0, 0}, {0.05, 1e-3, 0.3, 0}, {2, 1, 30, 0}, {0.01, 0.05, 0.03, 2}};
    nl_backend *cpu;
    (void)state;
    OK(nl_backend_open_cpu(1, &cpu));
    for (int c = 0; c < (SMALL ? 2 : COUNT(cases)); c++) {
        const nl_phase phase = {.sites = 2, .D = {cases[c].D, cases[c].D}, .drive = {cases[c].drive, cases[c].drive},
                                .tunnel = {cases[c].tunnel, cases[c].tunnel}, .phi = {0, cases[c].phi2}, .r = {1, 1},
                                .r0 = 1};
        const int n = SMALL ? 12 : 20;
        const nl_point point = phase_point_of(phase, n, 8);
        nl_gap gap;
        const eigenvalue expected = dense_phase_gap(&phase, n, 8);
        find_gaps(cpu, &nl_phase_model, nl_tableau_at(0), &point, 1, &gap);
        if (expected.re < 0)
            check_gap(&gap, expected);
        else
            assert_int_equal(gap.status, NL_POINT_FAILED);
    }
    nl_backend_close(cpu);
}

/* All eigenvalues of the assembled superoperator on the states of fewer than N excitations. */
static eigenvalue dense_lindblad_gap(const reference_shape *s, const reference_laser *laser)
{
    const int dim = reference_dim(s);
    int *kept = calloc((size_t)dim * dim, sizeof *kept), size = 0;
    for (int x = 0; x < dim * dim; x++)
        if (excitations_of(s, x / dim) < s->N && excitations_of(s, x % dim) < s->N)
            kept[size++] = x;
    lapack_complex_double *L = calloc((size_t)size * size, sizeof *L), *w = calloc((size_t)size, sizeof *w);
    double complex *rho = new_matrix(dim);
    for (int j = 0; j < size; j++) {
        rho[kept[j]] = 1;
        double complex *d = reference_derivative(s, laser, laser->drive[0], rho);
        close_reference(s, d);
        for (int i = 0; i < size; i++)
            L[(size_t)j * size + i] = d[kept[i]];
        rho[kept[j]] = 0;
        free(d);
    }
    assert_true(size > 0);
    assert_int_equal(LAPACKE_zgeev(LAPACK_COL_MAJOR, 'N', 'N', size, L, size, w, NULL, 1, NULL, 1), 0);
    eigenvalue *all = calloc((size_t)size, sizeof *all);
    for (int i = 0; i < size; i++)
        all[i] = (eigenvalue){creal(w[i]), cimag(w[i])};
    const eigenvalue found = leading(all, size);
    free(kept);
    free(L);
    free(w);
    free(rho);
    free(all);
    return found;
}

/* The whole space, of either symmetry and all coherence orders, though the point is of the real form. */
static void test_lindblad_gaps_against_dense(void **state)
{
    static const struct {
        bool qubit;
        int N;
        double A, B, drive;
    } cases[] = {{false, 12, 1.2, 0.08, 0.3}, {false, 12, 1.2, 0.08, 0}, {false, 24, 1.3, 0.04, 0.6},
                 {false, 20, 0.5, 0.03, 0.2}, {true, 9, 1.5, 0, 0.3},    {true, 9, 1.5, 0, 0},
                 {true, 12, 3, 0, 0.1}};
    (void)state;
    for (int b = 0; b < COUNT(backend_cases); b++) {
        nl_backend *backend;
        if (!open_or_skip(&backend_cases[b], "gaps of density matrices", &backend))
            continue;
        for (int c = 0; c < COUNT(cases); c++) {
            const int N = SMALL ? cases[c].N / 2 : cases[c].N;
            const double gamma = 4, g = sqrt(cases[c].A * gamma);
            const reference_shape s = {cases[c].qubit, N, N, 2};
            const reference_laser laser = {.A = cases[c].A, .B = cases[c].B, .C = 1, .g = g, .gamma = gamma,
                                           .drive = {cases[c].drive}, .closed = true};
            const nl_lindblad l = {.laser = {.A = laser.A, .B_r = laser.B, .C = 1, .n0 = 3}, .sites = 1,
                                   .components = s.qubit ? 4 : 1, .planes = 1, .orders = cases[c].drive > 0 ? N / 2 : 1,
                                   .closed = true, .g = g, .gamma = gamma, .drive = {{cases[c].drive, 0}}};
            const nl_point point = {.lindblad = l, .n = N, .levels = 1, .tolerance = 1e-9, .max_time = 1e6};
            nl_gap gap;
            find_gaps(backend, &nl_lindblad_model, nl_cheapest_tableau(&nl_lindblad_model, &point), &point, 1, &gap);
            check_gap(&gap, dense_lindblad_gap(&s, &laser));
        }
        nl_backend_close(backend);
    }
}

/* A cutoff above the bound of Eq. 6 has modes that grow: there is no gap, and that is said. */
static void test_growing_modes(void **state)
{
    nl_backend *cpu;
    nl_gap gap;
    (void)state;
    OK(nl_backend_open_cpu(1, &cpu));
    const nl_lindblad l = {.laser = {.A = 1.2, .B_r = 0.1, .C = 1, .n0 = 2}, .sites = 1, .components = 1, .planes = 1,
                           .orders = 1, .closed = true};
    const nl_point point = {.lindblad = l, .n = 24, .levels = 1, .tolerance = 1e-9, .max_time = 1e6};
    find_gaps(cpu, &nl_lindblad_model, nl_cheapest_tableau(&nl_lindblad_model, &point), &point, 1, &gap);
    assert_int_not_equal(gap.status, NL_POINT_CONVERGED);
    assert_true(isnan(gap.re) && isnan(gap.im));
    nl_backend_close(cpu);
}

/* The same whatever the company and the threads. */
static void test_company_does_not_matter(void **state)
{
    nl_backend *one, *two;
    nl_point points[3];
    nl_gap together[3], alone;
    rng r = {8};
    (void)state;
    OK(nl_backend_open_cpu(1, &one));
    OK(nl_backend_open_cpu(2, &two));
    for (int m = 0; m < 3; m++)
        points[m] = phase_point_of(random_phase(&r, 2), 12, 4);
    find_gaps(two, &nl_phase_model, nl_tableau_find("bs32"), points, 3, together);
    for (int m = 0; m < 3; m++) {
        find_gaps(one, &nl_phase_model, nl_tableau_find("bs32"), &points[m], 1, &alone);
        assert_memory_equal(&alone.re, &together[m].re, sizeof alone.re);
        assert_int_equal(alone.applications, together[m].applications);
    }
    nl_backend_close(one);
    nl_backend_close(two);
}

/* ---- whole runs ---- */

#define PHASE                                                                                                          \
    "[model]\nequation = phase\n[laser]\nphi1 = 0\nphi2 = 0\n[phase]\nD_p = %g\nepsilon_over_r0 = 1\n"                 \
    "[grid]\nn_c = %d\norder = 8\n[steady]\ngap = %s\nmethod = %s\n[sweep]\nt_c = %s\n"

static const char *phase_text(double D, int n, const char *gap, const char *method, const char *t_c)
{
    static char text[2][600];
    static int next;
    next = !next;
    snprintf(text[next], sizeof text[next], PHASE, D, n, gap, method, t_c);
    return text[next];
}

/* The gap from Fourier-spectral matrices, to the digits of physics' table. */
static void test_table_of_gaps(void **state)
{
    static const struct {
        double D;
        int n;
        double gap[5], half_digit;
    } rows[] = {{0.2, 32, {0.871, 0.828, 0.557, 0.448, 0.406}, 6e-4},
                {0.05, 48, {0.974, 0.863, 0.399, 0.191, 0.109}, 6e-4},
                {0.005, 96, {0.9975, 0.866, 0.204, 0.027, 0.0113}, 6e-4}};
    (void)state;
    for (int k = 0; k < (SMALL ? 1 : COUNT(rows)); k++) {
        run r;
        run_text(&r,
                 phase_text(rows[k].D, SMALL ? 24 : rows[k].n, "yes", "rre", SMALL ? "0.5, 1" : "0, 0.5, 1, 1.5, 3"));
        run_expect(&r, NL_POINT_CONVERGED);
        for (int p = 0; p < r.plan.n_points; p++)
            CLOSE(run_value(&r, p, 0, "gap_re").re, rows[k].gap[SMALL ? p + 1 : p],
                  k == 2 && p == 4 ? 6e-5 : rows[k].half_digit);
        if (k == 0)
            CLOSE(run_value(&r, SMALL ? 1 : 2, 0, "gap_im").re, 0.42, 6e-3);
        run_release(&r);
    }
}

/* Steady states equal those of relaxation, and take fewer operator applications; coarse grids come first. */
static void test_phase_states_equal_relaxation(void **state)
{
    static const struct {
        double D;
        int n;
        const char *t_c;
    } cases[] = {{0.2, 24, "0, 1"}, {0.05, 64, "0.5, 1, 3"}, {0.01, 96, "0.5, 1.2"}};
    (void)state;
    for (int c = 0; c < (SMALL ? 1 : COUNT(cases)); c++) {
        run a, b;
        run_text(&a, phase_text(cases[c].D, cases[c].n, "no", "relax", cases[c].t_c));
        run_text(&b, phase_text(cases[c].D, cases[c].n, "no", "krylov", cases[c].t_c));
        run_expect(&b, NL_POINT_CONVERGED);
        CLOSE(run_difference(&a, &b), 0, 3e-9);
        for (int p = 0; p < b.plan.n_points; p++) {
            const nl_outcome *o = &b.result.outcomes[p];
            BETWEEN(o->residual, 0, 1e-9);
            BETWEEN(o->distance, 0, 1e-9);
            BETWEEN(o->norm_error, 0, 1e-12);
            assert_true(o->rhs > 0 && o->steps > 0 && o->decay_rate > 0);
        }
        if (c > 0)
            assert_true(b.result.outcomes[b.plan.n_points - 1].rhs < a.result.outcomes[b.plan.n_points - 1].rhs);
        run_release(&a);
        run_release(&b);
    }
}

/* One process for both gives what two give. */
static void test_gap_comes_along(void **state)
{
    run a, b;
    (void)state;
    run_text(&a, phase_text(0.1, 24, "yes", "relax", "0, 1.5"));
    run_text(&b, phase_text(0.1, 24, "yes", "krylov", "0, 1.5"));
    run_expect(&a, NL_POINT_CONVERGED);
    run_expect(&b, NL_POINT_CONVERGED);
    assert_true(nl_gap_comes_along(&b.config, b.plan.model) && !nl_gap_comes_along(&a.config, a.plan.model));
    CLOSE(run_difference(&a, &b), 0, 3e-9);
    run_release(&a);
    run_release(&b);
}

#define LASER                                                                                                          \
    "[model]\nequation = gutzwiller\nlocal = %s\nsites = 1\n[laser]\ncooperativity = %g\ngamma = %g\n"                 \
    "epsilon = %g\nphi1 = 0.7\n[steady]\ngap = %s\nmethod = %s\n"

static const char *laser_text(const char *local, double C_p, double gamma, double epsilon, const char *gap,
                              const char *method)
{
    static char text[2][600];
    static int next;
    next = !next;
    snprintf(text[next], sizeof text[next], LASER, local, C_p, gamma, epsilon, gap, method);
    return text[next];
}

static void test_laser_states_equal_relaxation(void **state)
{
    static const struct {
        const char *local;
        double C_p, gamma, epsilon;
    } cases[] = {{"photon", 0.5, 40, 0.2}, {"qubit", 0.7, 6, 0.2}, {"photon", 1.2, 200, 0.3}, {"qubit", 1.5, 20, 0},
                 {"photon", 1.1, 3500, 0.3}};
    (void)state;
    for (int c = 0; c < (SMALL ? 2 : COUNT(cases)); c++) {
        run a, b;
        run_text(&a, laser_text(cases[c].local, cases[c].C_p, cases[c].gamma, cases[c].epsilon, "no", "relax"));
        run_text(&b, laser_text(cases[c].local, cases[c].C_p, cases[c].gamma, cases[c].epsilon, "no", "krylov"));
        run_expect(&a, NL_POINT_CONVERGED);
        run_expect(&b, NL_POINT_CONVERGED);
        const double n1 = run_value(&a, 0, 0, "n1").re;
        CLOSE(run_value(&b, 0, 0, "n1").re, n1, 1e-8 * (1 + n1));
        CLOSE(run_value(&b, 0, 0, "a1").re, run_value(&a, 0, 0, "a1").re, 1e-8);
        CLOSE(run_value(&b, 0, 0, "a1").im, run_value(&a, 0, 0, "a1").im, 1e-8);
        CLOSE(run_value(&b, 0, 0, "trace").re, 1, 1e-9);
        run_release(&a);
        run_release(&b);
    }
}

/* The phase of an undriven laser far above threshold diffuses at a rate near A/(2 n_0). */
static void test_phase_diffusion_of_a_laser(void **state)
{
    run r;
    (void)state;
    if (SMALL)
        return;
    run_text(&r, laser_text("photon", 1.2, 500, 0, "yes", "krylov"));
    run_expect(&r, NL_POINT_CONVERGED);
    const double n0 = 0.2 * 500 / 2.4;
    CLOSE(run_value(&r, 0, 0, "gap_re").re * 2 * n0 / 1.2, 1, 0.15);
    CLOSE(run_value(&r, 0, 0, "gap_im").re, 0, 1e-12);
    run_release(&r);
}

/* ---- what does not converge ---- */

static void expect_status(const char *text, nl_point_status status)
{
    run r;
    run_text(&r, text);
    run_expect(&r, status);
    if (r.config.steady_gap)
        assert_true(isnan(run_value(&r, 0, 0, "gap_re").re));
    run_release(&r);
}

static void test_what_does_not_converge(void **state)
{
    char text[700];
    (void)state;
    snprintf(text, sizeof text, "%s[steady]\nmax_time = 0.01\n", phase_text(0.02, 24, "no", "krylov", "3"));
    expect_status(text, NL_POINT_MAX_TIME);
    snprintf(text, sizeof text, "%s[steady]\nmax_time = 0.01\n", phase_text(0.1, 20, "yes", "rre", "1"));
    expect_status(text, NL_POINT_MAX_TIME);
    if (SMALL)
        return;
    snprintf(text, sizeof text, "%s[steady]\ntolerance = 1e-15\n", phase_text(0.1, 20, "no", "krylov", "1"));
    expect_status(text, NL_POINT_STALLED);
}

static void refuses(const char *text, const char *why)
{
    nl_config config = config_of(text);
    nl_plan plan;
    FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, why);
    nl_config_release(&config);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses("[model]\nequation = gutzwiller\n[steady]\ngap = yes\n", "not linear");
    refuses("[model]\nequation = gutzwiller\n[steady]\nmethod = krylov\n", "needs a linear equation");
    refuses("[run]\nmode = evolve\n[steady]\ngap = yes\n", "evolve computes no gap");
    refuses("[model]\nequation = gutzwiller\n[sweep]\nsites = 1, 2\n[steady]\ngap = yes\n", "");
}

/* The subspace is part of what a point needs. */
static void test_memory_is_counted(void **state)
{
    run a, b, c;
    (void)state;
    run_prepare(&a, phase_text(0.1, 64, "no", "relax", "1"));
    run_prepare(&b, phase_text(0.1, 64, "no", "krylov", "1"));
    run_prepare(&c, phase_text(0.1, 64, "yes", "relax", "1"));
    const double more = 8.0 * 64 * 64 * NL_ARNOLDI_REGISTERS;
    assert_true(nl_plan_point_bytes(&b.plan, 0) >= nl_plan_point_bytes(&a.plan, 0) + more);
    assert_true(nl_plan_point_bytes(&c.plan, 0) >= more);
    run_release(&a);
    run_release(&b);
    run_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schur_and_ritz),
        cmocka_unit_test(test_phase_gaps_against_dense),
        cmocka_unit_test(test_hard_phase_gaps),
        cmocka_unit_test(test_lindblad_gaps_against_dense),
        cmocka_unit_test(test_growing_modes),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_table_of_gaps),
        cmocka_unit_test(test_phase_states_equal_relaxation),
        cmocka_unit_test(test_gap_comes_along),
        cmocka_unit_test(test_laser_states_equal_relaxation),
        cmocka_unit_test(test_phase_diffusion_of_a_laser),
        cmocka_unit_test(test_what_does_not_converge),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
