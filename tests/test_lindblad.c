/* One laser's master equation: cutoffs, coherence orders, tables, states, elements, and the steps that are stable. */
#include <lapacke.h>

#include "lindblad_reference.h"
#include "run_support.h"

static nl_backend *cpu;

static int open_cpu(void **state)
{
    (void)state;
    return nl_backend_open_cpu(1, &cpu) != NL_OK;
}

static int close_cpu(void **state)
{
    nl_backend_close(cpu);
    return forget_files(state);
}

static nl_lindblad lindblad_of(double C_p, double gamma, const char *more)
{
    char text[400];
    snprintf(text, sizeof text, "[laser]\ncooperativity = %g\ngamma = %g\n%s", C_p, gamma, more);
    nl_config c = config_of(text);
    const nl_lindblad l = nl_lindblad_from_config(&c);
    nl_config_release(&c);
    return l;
}

/* ---- the window of cutoffs ---- */

static const struct {
    double C_p, gamma;
    int most;  /* (C_p + 1) gamma/(4 C_p kappa) */
    bool none; /* the distribution does not fit */
} windows[] = {{1.2, 500, 229, false},   {1.2, 200, 91, false},  {1.5, 1000, 416, false}, {2, 1000, 375, false},
               {1.1, 3500, 1670, false}, {2, 200, 75, true},     {1.5, 100, 41, true},    {0.9, 2000, 1055, false}};

static void test_window(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(windows); k++) {
        const double C_p = windows[k].C_p, gamma = windows[k].gamma, n0 = (C_p - 1) * gamma / (2 * C_p);
        const nl_lindblad l = lindblad_of(C_p, gamma, "");
        const nl_window w = nl_lindblad_window(&l, 0, NL_LINDBLAD_DEPTH);
        assert_int_equal(w.most, windows[k].most);
        if (n0 > 0)
            assert_int_equal(w.least, (int)ceil(n0 + 4.5 * sqrt(gamma / 2 + n0)));
        assert_int_equal(w.least > w.most, windows[k].none);
        if (windows[k].none)
            assert_int_equal(w.wanted, 0);
        else
            BETWEEN(w.wanted, w.least, w.most);
    }
}

/* Eq. 6 without renormalisation has the larger B, and a lower bound; Eq. 1 has none. */
static void test_window_of_other_models(void **state)
{
    const nl_lindblad plain = lindblad_of(1.2, 500, "renormalise = no\n");
    const nl_lindblad qubit = lindblad_of(2, 200, "[model]\nlocal = qubit\n"), photon = lindblad_of(2, 200, "");
    (void)state;
    assert_int_equal(nl_lindblad_window(&plain, 0, NL_LINDBLAD_DEPTH).most, 190);
    CLOSE(plain.laser.B_r, 2 * 1.2 * 1.2 / 500, 1e-15);
    assert_true(nl_lindblad_window(&qubit, 0, NL_LINDBLAD_DEPTH).most > 50000);
    assert_int_equal(nl_lindblad_window(&qubit, 0, NL_LINDBLAD_DEPTH).least,
                     nl_lindblad_window(&photon, 0, NL_LINDBLAD_DEPTH).least);
    BETWEEN(nl_lindblad_window(&qubit, 0, NL_LINDBLAD_DEPTH).wanted, 106, 160);
}

/* The populations of Eq. 6 without drive: none flows between n and n + 1. */
static double *populations(const nl_lindblad *l, int levels)
{
    const double A = l->laser.A, B = l->laser.B_r;
    double *p = new_array(levels), most = 0;
    p[0] = 1e-100;
    for (int n = 0; n + 1 < levels; n++)
        p[n + 1] = fmax(0, ((2 * A - B * (n + 1)) * p[n] - (n > 0 ? B * n * p[n - 1] : 0)) / 2);
    most = largest(p, levels);
    for (int n = 0; n < levels; n++)
        p[n] /= most;
    return p;
}

/* Where there is room, the cutoff leaves out less than 1e-8 of the maximum; and it is not far too large. */
static void test_wanted_holds_the_distribution(void **state)
{
    static const double cases[][2] = {{1.1, 3500}, {0.9, 2000}, {0.5, 2000}, {1, 5000}, {1.2, 20000}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        const nl_lindblad l = lindblad_of(cases[k][0], cases[k][1], "");
        const int wanted = nl_lindblad_window(&l, 0, NL_LINDBLAD_DEPTH).wanted;
        double *p = populations(&l, wanted + 1);
        BETWEEN(p[wanted], 1e-30, 2e-8);
        BETWEEN(p[wanted * 3 / 4], 1e-8, 1);
        free(p);
    }
}

/* A drive makes the distribution wider. */
static void test_wanted_grows_with_the_drive(void **state)
{
    const nl_lindblad l = lindblad_of(1.1, 3500, "");
    int before = 0;
    (void)state;
    for (double f = 0; f < 3; f += 0.3) {
        const nl_window w = nl_lindblad_window(&l, f, NL_LINDBLAD_DEPTH);
        assert_true(w.wanted > before);
        assert_int_equal(w.most, nl_lindblad_window(&l, 0, NL_LINDBLAD_DEPTH).most);
        before = w.wanted;
    }
}

static void check_refused(const char *text, const char *const *words, int count)
{
    nl_config c = config_of(text);
    nl_plan plan;
    for (int w = 0; w < count; w++)
        FAILS(nl_plan_new(&c, &plan), NL_ERR_CONFIG, words[w]);
    nl_config_release(&c);
}

#define REFUSED(text, ...)                                                                                             \
    check_refused(text, (const char *[]){__VA_ARGS__}, COUNT(((const char *[]){__VA_ARGS__})))

static const char *const laser_format = "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = %g\n"
                                        "gamma = %g\n%s";

/* The message names the place, the numbers and the way out. */
static void test_refused_cutoffs(void **state)
{
    (void)state;
    REFUSED(text_of(laser_format, 2., 200., ""), "test.ini: ", "no meaningful cutoff", "106 levels", "above 75",
            "local = qubit", "larger gamma");
    REFUSED(text_of(laser_format, 2., 200., "[fock]\nlevels = 60\n"), "test.ini:8: ", "no meaningful cutoff");
    REFUSED(text_of(laser_format, 2., 200., "[fock]\nlevels = 100\n"), "test.ini:8: ", "no meaningful cutoff");
    REFUSED(text_of(laser_format, 1.2, 500., "[fock]\nlevels = 230\n"), "test.ini:8: ", "levels = 230 is above 229",
            "119 to 229", "or auto", "local = qubit");
    REFUSED(text_of(laser_format, 1.2, 500., "[fock]\nlevels = 118\n"), "test.ini:8: ", "levels = 118", "at least 119",
            "or auto");
    REFUSED(text_of(laser_format, 1.2, 500., "[sweep]\ngamma = 500, 50\n"), "no meaningful cutoff");
    REFUSED(text_of(laser_format, 1.2, 500., "[sweep]\nlevels = 150, 90\n"), "test.ini:8: ", "levels = 90");
    REFUSED(text_of(laser_format, 2., 200., "[run]\nmode = evolve\n"), "no meaningful cutoff");
    REFUSED(text_of(laser_format, 1.2, 1e9, ""), "more than 100000 levels", "smaller gamma");
    REFUSED(text_of(laser_format, 1.2, 1e9, "[model]\nlocal = qubit\n[fock]\nlevels = 100000\n"),
            "more than 100000 levels");
    REFUSED(text_of(laser_format, 2., 200., "[run]\nmode = evolve\n[fock]\nlevels = 76\n"), "above 75", "use 2 to 75");
}

static int levels_of(const char *text)
{
    nl_config c = config_of(text);
    nl_plan plan;
    OK(nl_plan_new(&c, &plan));
    const int levels = plan.points[0].n;
    nl_plan_release(&plan);
    nl_config_release(&c);
    return levels;
}

/* In time a state may need far fewer levels than the steady one; the bound is the same. */
static void test_accepted_cutoffs(void **state)
{
    const nl_lindblad l = lindblad_of(1.2, 500, "");
    (void)state;
    assert_int_equal(levels_of(text_of(laser_format, 1.2, 500., "")),
                     nl_lindblad_window(&l, 0.3, NL_LINDBLAD_DEPTH).wanted);
    assert_int_equal(levels_of(text_of(laser_format, 1.2, 500., "[fock]\nlevels = 119\n")), 119);
    assert_int_equal(levels_of(text_of(laser_format, 1.2, 500., "[fock]\nlevels = 229\n")), 229);
    assert_int_equal(levels_of(text_of(laser_format, 2., 200., "[run]\nmode = evolve\n[fock]\nlevels = 2\n")), 2);
    BETWEEN(levels_of(text_of(laser_format, 2., 200., "[model]\nlocal = qubit\n")), 106, 200);
}

/* One cutoff serves every tunnelling of a sweep: that of the largest. */
static void test_levels_of_a_sweep(void **state)
{
    static const char *const pair = "[model]\nequation = gutzwiller\n[laser]\ncooperativity = 1.2\ngamma = 2000\n"
                                    "[run]\nmode = evolve\n";
    nl_config c = config_of(text_of("%s[sweep]\nt_c = 0, 0.1, -0.2\n", pair));
    nl_plan plan;
    (void)state;
    OK(nl_plan_new(&c, &plan));
    for (int p = 1; p < 3; p++)
        assert_int_equal(plan.points[p].n, plan.points[0].n);
    assert_int_equal(plan.points[0].n, levels_of(text_of("%s[laser]\nt_c = 0.2\n", pair)));
    assert_true(plan.points[0].n > levels_of(text_of("%s[laser]\nt_c = 0\n", pair)));
    nl_plan_release(&plan);
    nl_config_release(&c);
}

/* ---- the classical amplitude ---- */

static void test_radius(void **state)
{
    static const double cooperativities[] = {0.5, 0.999, 1, 1.1, 2, 50};
    (void)state;
    for (int k = 0; k < COUNT(cooperativities); k++) {
        const nl_lindblad l = lindblad_of(cooperativities[k], 700, "");
        const double a = l.laser.A - l.laser.C, B = l.laser.B_r;
        double before = -1;
        CLOSE(nl_lindblad_radius(&l, 0), sqrt(fmax(a, 0) / B), 1e-12 * (1 + sqrt(fmax(a, 0) / B)));
        for (double f = 1e-3; f < 1e3; f *= 7) {
            const double r = nl_lindblad_radius(&l, f);
            CLOSE((B * r * r - a) * r, f, 1e-9 * (f + fabs(a) * r));
            assert_true(r > before);
            before = r;
        }
    }
}

/* ---- coherence orders ---- */

/* I_k(x)/I_0(x) from the power series. */
static double bessel_ratio(int k, double x)
{
    double I0 = 0, Ik = 0;
    for (int m = 0; m < 400; m++) {
        I0 += exp(2 * m * log(x / 2) - 2 * lgamma(m + 1));
        Ik += exp((2 * m + k) * log(x / 2) - lgamma(m + 1) - lgamma(m + k + 1));
    }
    return Ik / I0;
}

/* The orders left out are below rounding in the phase's distribution exp(x cos), and few of those kept. */
static void test_orders(void **state)
{
    const nl_lindblad l = lindblad_of(1.1, 3500, "");
    (void)state;
    assert_int_equal(nl_lindblad_orders(&l, 0, 400), 1);
    for (double f = 0.003; f < 3; f *= 3) {
        const double r = nl_lindblad_radius(&l, f), n = r * r, width = sqrt(l.laser.A / l.laser.B_r + n);
        const double x = 2 * f * sqrt(n + 3 * width) / l.laser.A;
        const int orders = nl_lindblad_orders(&l, f, 4000);
        BETWEEN(bessel_ratio(orders, x), 0, 1e-17);
        assert_true(bessel_ratio(orders - 10, x) > 1e-17);
        assert_int_equal(nl_lindblad_orders(&l, f, 9), orders < 9 ? orders : 9);
    }
    assert_int_equal(nl_lindblad_orders(&l, 1e9, 300), 300);
}

/* Of a run: all orders to evolve, few for a steady state, in the real form where there is one site. */
static void test_form_of_runs(void **state)
{
    static const struct {
        const char *more;
        int sites, planes;
        bool all_orders, closed;
    } cases[] = {{"", 1, 1, false, true},
                 {"[run]\nmode = evolve\n", 1, 2, true, false},
                 {"[run]\nmode = evolve\n[model]\nsites = 2\n", 2, 2, true, false},
                 {"[steady]\nmethod = relax\n[model]\nsites = 2\n", 2, 2, false, true}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c = config_of(text_of("[model]\nequation = gutzwiller\n%s[laser]\ncooperativity = 1.2\ngamma = 500\n"
                                        "phi1 = 0.5\nt_c = 0.01\n%s", cases[k].sites == 1 ? "sites = 1\n" : "",
                                        cases[k].more));
        nl_plan plan;
        OK(nl_plan_new(&c, &plan));
        const nl_lindblad *l = &plan.points[0].lindblad;
        assert_int_equal(l->sites, cases[k].sites);
        assert_int_equal(l->planes, cases[k].planes);
        assert_int_equal(l->orders == plan.points[0].n, cases[k].all_orders);
        assert_int_equal(l->closed, cases[k].closed);
        CLOSE(hypot(l->drive[0].re, l->drive[0].im), 0.3, 1e-15);
        CLOSE(l->planes == 1 ? l->chi : atan2(l->drive[0].im, l->drive[0].re), 0.5, 1e-15);
        nl_plan_release(&plan);
        nl_config_release(&c);
    }
}

/* ---- tables ---- */

static void test_table(void **state)
{
    enum { N = 17 };
    nl_lindblad l = lindblad_of(1.3, 700, "[model]\nlocal = qubit\n");
    const size_t len = nl_lindblad_table_len(N);
    double *table = new_array(len), *expected = new_array(len);
    (void)state;
    l.sites = 2;
    l.drive[0] = (nl_complex){0.1, 0.2};
    l.drive[1] = (nl_complex){0.3, -0.4};
    l.t_c = 0.05;
    l.closed = true;
    const reference_laser laser = {.A = 1.3, .B = 2 * 1.3 / 700, .C = 1, .g = sqrt(1.3 * 700), .gamma = 700,
                                   .tunnel = 0.05, .drive = {0.1 + 0.2 * I, 0.3 - 0.4 * I}, .closed = true};
    reference_fill_table(&laser, N, expected);
    nl_lindblad_fill_table(&l, N, table);
    for (size_t x = 0; x < len; x++)
        CLOSE(table[x], expected[x], 1e-14 * fabs(expected[x]));
    free(table);
    free(expected);
}

/* ---- states ---- */

/* One state of a Lindblad operator and what it says of itself. */
typedef struct sample {
    nl_lindblad l;
    int levels;
    double *state;
    nl_lindblad_values site[2];
} sample;

/* The moments of a state, by the backend. */
static void measure(sample *s)
{
    const nl_point point = {.lindblad = s->l, .n = s->levels, .levels = 1};
    double moments[2 * NL_LINDBLAD_MOMENTS];
    nl_batch batch;
    OK(nl_batch_new(cpu, &nl_lindblad_model, &point, 1, s->levels, nl_tableau_find("bs32"), 0, &batch));
    OK(nl_pool_put(cpu, &batch.pool, 0, batch.members[0].y, s->state));
    OK(nl_batch_moments(&batch, (int[]){0}, 1, moments));
    for (int j = 0; j < s->l.sites; j++)
        s->site[j] = nl_lindblad_values_of(&s->l, moments + j * NL_LINDBLAD_MOMENTS);
    nl_batch_release(&batch);
}

static sample empty_sample(int sites, int components, int planes, int levels, int orders)
{
    sample s = {.l = lindblad_of(1.2, 200, ""), .levels = levels};
    s.l.sites = sites;
    s.l.components = components;
    s.l.planes = planes;
    s.l.orders = orders;
    const nl_operator op = nl_lindblad_shape(&s.l, levels);
    s.state = new_array(nl_operator_size(&op));
    return s;
}

static sample initial_sample(int sites, int components, int planes, int levels, nl_initial initial, double n)
{
    sample s = empty_sample(sites, components, planes, levels, levels);
    for (int j = 0; j < sites; j++)
        s.l.drive[j] = planes > 1 ? (nl_complex){0.3 * cos(0.4 + j), 0.3 * sin(0.4 + j)} : (nl_complex){0.3, 0};
    s.l.chi = planes > 1 ? 0 : 0.4;
    s.l.n_initial = n;
    OK(nl_lindblad_initial(&s.l, initial, levels, s.state));
    measure(&s);
    return s;
}

typedef void sample_check(const sample *, const nl_lindblad_values *, int site);

/* In every form that states come in. */
static void check_initial(nl_initial initial, double n, sample_check *check)
{
    for (int sites = 1; sites <= 2; sites++)
        for (int components = 1; components <= 4; components += 3)
            for (int planes = sites; planes <= 2; planes++) {
                sample s = initial_sample(sites, components, planes, 40, initial, n);
                for (int j = 0; j < sites; j++) {
                    CLOSE(s.site[j].trace, 1, 1e-13);
                    CLOSE(s.site[j].ground, components > 1, 1e-13);
                    check(&s, &s.site[j], j);
                }
                free(s.state);
            }
}

/* <a> = -i e^{i phi} sqrt(n): in phase with what the drive makes. */
static void check_coherent(const sample *s, const nl_lindblad_values *v, int site)
{
    const double n = s->l.n_initial, phi = 0.4 + site;
    CLOSE(v->n, n, 1e-12);
    CLOSE(v->var_n, n, 1e-11);
    CLOSE(v->purity, 1, 1e-12);
    CLOSE(v->a.re, sqrt(n) * sin(phi), 1e-12);
    CLOSE(v->a.im, -sqrt(n) * cos(phi), 1e-12);
    CLOSE(v->top, 0, 1e-12);
}

static void check_thermal(const sample *s, const nl_lindblad_values *v, int site)
{
    const double n = s->l.n_initial;
    (void)site;
    CLOSE(v->n, n, 1e-9);
    CLOSE(v->var_n, n * n + n, 1e-7);
    CLOSE(v->purity, 1 / (2 * n + 1), 1e-12);
    CLOSE(hypot(v->a.re, v->a.im), 0, 0);
}

static void check_vacuum(const sample *s, const nl_lindblad_values *v, int site)
{
    const nl_complex p = nl_lindblad_element(&s->l, s->levels, s->state, site, 0, 0);
    CLOSE(p.re, 1, 0);
    CLOSE(v->n, 0, 0);
    CLOSE(v->purity, 1, 0);
}

static void test_initial_states(void **state)
{
    (void)state;
    check_initial(NL_INITIAL_COHERENT, 7, check_coherent);
    check_initial(NL_INITIAL_COHERENT, 0.01, check_coherent);
    check_initial(NL_INITIAL_COHERENT, 0, check_vacuum);
    check_initial(NL_INITIAL_THERMAL, 0.5, check_thermal);
    check_initial(NL_INITIAL_THERMAL, 0, check_vacuum);
    check_initial(NL_INITIAL_VACUUM, 5, check_vacuum);
    check_initial(NL_INITIAL_AUTO, 5, check_vacuum);
}

/* auto of n_initial: the classical steady state's. */
static void test_classical_start(void **state)
{
    run r;
    (void)state;
    run_prepare(&r, "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 200\n[run]\n"
                    "mode = evolve\ninitial = coherent\n");
    const nl_lindblad *l = &r.plan.points[0].lindblad;
    CLOSE(l->n_initial, pow(nl_lindblad_radius(l, 0.3), 2), 1e-12);
    BETWEEN(l->n_initial, 16.7, 40);
    run_release(&r);
}

/* The start of a search for the steady state: of trace 1, and near it (n = 20.2, <a> = -3.41i). */
static void test_start_of_a_search(void **state)
{
    (void)state;
    for (int components = 1; components <= 4; components += 3) {
        sample s = empty_sample(1, components, 1, 70, 24);
        s.l.drive[0] = (nl_complex){0.3, 0};
        s.l.closed = true;
        OK(nl_lindblad_initial(&s.l, NL_INITIAL_AUTO, s.levels, s.state));
        measure(&s);
        CLOSE(s.site[0].trace, 1, 1e-13);
        BETWEEN(s.site[0].n, 18, 23);
        BETWEEN(s.site[0].a.im, -4, -2.8);
        CLOSE(s.site[0].a.re, 0, 1e-14);
        BETWEEN(s.site[0].purity, 0, 1);
        free(s.state);
    }
}

/* ---- elements ---- */

/* A state of random elements; reals stand where elements do and zeros where the layout has zeros. */
static sample random_sample(rng *r, int sites, int components, int planes, int levels, int orders)
{
    sample s = empty_sample(sites, components, planes, levels, orders);
    const reference_shape shape = {.qubit = components > 1, .N = levels, .orders = orders, .planes = planes};
    const size_t size = reference_size(&shape);
    for (int j = 0; j < sites; j++) {
        double complex *rho = random_hermitian(&shape, r);
        reference_pack(&shape, rho, s.state + j * size);
        free(rho);
    }
    measure(&s);
    return s;
}

static double complex element(const sample *s, int site, int m, int n)
{
    const nl_complex z = nl_lindblad_element(&s->l, s->levels, s->state, site, m, n);
    return z.re + I * z.im;
}

/* Against the dense matrix, the qubit traced out. */
static void check_elements(const sample *s, int site)
{
    const reference_shape shape = {.qubit = s->l.components > 1, .N = s->levels, .orders = s->l.orders,
                                   .planes = s->l.planes};
    const int dim = reference_dim(&shape), levels = reference_levels(&shape);
    double complex *rho = reference_unpack(&shape, s->state + site * reference_size(&shape));
    for (int m = 0; m < s->levels; m++)
        for (int n = 0; n < s->levels; n++) {
            double complex expected = rho[m * dim + n];
            if (shape.qubit)
                expected += rho[(levels + m) * dim + levels + n];
            CLOSE(cabs(element(s, site, m, n) - expected), 0, 1e-15);
            assert_true(element(s, site, m, n) == conj(element(s, site, n, m)));
        }
    free(rho);
}

static void check_moments(const sample *s, int site)
{
    double complex trace = 0, number = 0, square = 0, a = 0;
    double purity = 0;
    for (int n = 0; n < s->levels; n++) {
        trace += element(s, site, n, n);
        number += n * element(s, site, n, n);
        square += (double)n * n * element(s, site, n, n);
        a += n + 1 < s->levels ? sqrt(n + 1) * element(s, site, n + 1, n) : 0;
        for (int m = 0; m < s->levels; m++)
            purity += creal(element(s, site, m, n) * element(s, site, n, m));
    }
    const nl_lindblad_values *v = &s->site[site];
    CLOSE(v->trace, creal(trace), 1e-13);
    CLOSE(v->n, creal(number), 1e-12);
    CLOSE(v->var_n, creal(square) - pow(creal(number), 2), 1e-9);
    CLOSE(cabs(v->a.re + I * v->a.im - a), 0, 1e-12);
    if (s->l.components == 1) {
        CLOSE(v->purity, purity, 1e-11);
        CLOSE(v->top, creal(element(s, site, s->levels - 1, s->levels - 1) +
                            element(s, site, s->levels - 2, s->levels - 2)), 1e-14);
    }
}

static void test_elements(void **state)
{
    rng r = {11};
    (void)state;
    for (int sites = 1; sites <= 2; sites++)
        for (int components = 1; components <= 4; components += 3)
            for (int planes = 1; planes <= 2; planes++)
                for (int orders = 1; orders <= 9; orders += 4) {
                    sample s = random_sample(&r, sites, components, planes, 9, orders);
                    for (int j = 0; j < sites; j++) {
                        check_elements(&s, j);
                        check_moments(&s, j);
                    }
                    free(s.state);
                }
}

/* In the real form the drive's phase comes back as e^{i chi (m - n)}. */
static void test_phase_of_elements(void **state)
{
    rng r = {12};
    sample s = random_sample(&r, 1, 1, 1, 9, 9);
    double complex before[9][9];
    (void)state;
    for (int m = 0; m < 9; m++)
        for (int n = 0; n < 9; n++)
            before[m][n] = element(&s, 0, m, n);
    s.l.chi = 0.9;
    measure(&s);
    for (int m = 0; m < 9; m++)
        for (int n = 0; n < 9; n++)
            CLOSE(cabs(element(&s, 0, m, n) - before[m][n] * cexp(0.9 * I * (m - n))), 0, 1e-14);
    check_moments(&s, 0);
    free(s.state);
}

/* Of a closed operator's state any multiple means the same. */
static void test_values_are_of_trace_one(void **state)
{
    sample s = initial_sample(1, 1, 1, 40, NL_INITIAL_COHERENT, 4);
    const nl_operator op = nl_lindblad_shape(&s.l, s.levels);
    (void)state;
    for (size_t x = 0; x < nl_operator_size(&op); x++)
        s.state[x] *= 0.5;
    measure(&s);
    CLOSE(s.site[0].n, 2, 1e-12);
    s.l.closed = true;
    measure(&s);
    CLOSE(s.site[0].trace, 0.5, 1e-13);
    CLOSE(s.site[0].n, 4, 1e-12);
    CLOSE(s.site[0].var_n, 4, 1e-11);
    CLOSE(s.site[0].purity, 1, 1e-12);
    CLOSE(hypot(s.site[0].a.re, s.site[0].a.im), 2, 1e-12);
    free(s.state);
}

/* Fields are the elements, row by row. */
static void test_fields(void **state)
{
    rng r = {13};
    sample s = random_sample(&r, 2, 1, 2, 7, 7);
    const nl_point point = {.lindblad = s.l, .n = 7, .levels = 1};
    nl_field fields[NL_MAX_FIELDS];
    (void)state;
    assert_int_equal(nl_lindblad_model.fields(&point, fields), 2);
    for (int j = 0; j < 2; j++) {
        assert_string_equal(fields[j].name, j ? "rho2" : "rho1");
        assert_int_equal(nl_field_len(&fields[j]), 2 * 7 * 7);
        double *out = new_array(2 * 7 * 7);
        nl_lindblad_model.fill_field(&point, j, s.state, out);
        for (int x = 0; x < 49; x++)
            assert_true(out[2 * x] + I * out[2 * x + 1] == element(&s, j, x / 7, x % 7));
        free(out);
    }
    free(s.state);
}

/* ---- steps ---- */

/* Where the elements stand: all of them, or those of coherence order k; returns their number. */
static int places_of(const nl_point *point, int k, size_t *places)
{
    const nl_lindblad *l = &point->lindblad;
    const reference_shape shape = {.qubit = l->components > 1, .N = point->n, .orders = l->orders, .planes = 1};
    const size_t size = reference_size(&shape), plane = size / l->components;
    double *mark = new_array(size);
    int count = 0;
    reference_mark(&shape, mark);
    for (size_t x = 0; x < size; x++) {
        const size_t row = nl_lindblad_row(point->n, k < 0 ? 0 : k), at = x % plane;
        if (mark[x] != 0 && (k < 0 || (at >= row && at < row + point->n - k)))
            places[count++] = x;
    }
    free(mark);
    return count;
}

/* The operator between these elements, column by column. */
static double *block_of(const nl_point *point, const size_t *places, int dim)
{
    double *block = new_array((size_t)dim * dim);
    nl_batch batch;
    OK(nl_batch_new(cpu, &nl_lindblad_model, point, 1, point->n, nl_tableau_find("bs32"), 0, &batch));
    double *y = batch.pool.data, *L = y + batch.pool.size;
    const nl_job job = {.slot = 0, .in = {0}, .out = 1};
    memset(y, 0, 2 * batch.pool.size * sizeof *y);
    for (int x = 0; x < dim; x++) {
        y[places[x]] = 1;
        OK(cpu->ops->apply(cpu, &batch.op, &batch.pool, &job, 1));
        for (int z = 0; z < dim; z++)
            block[z * dim + x] = L[places[z]];
        y[places[x]] = 0;
    }
    nl_batch_release(&batch);
    return block;
}

/* |P(h lambda)| <= 1 at the bound of the step, for all modes. */
static void check_modes(const nl_point *point, const double *re, const double *im, int dim)
{
    nl_complex z[NL_MAX_SPECTRUM];
    const nl_ellipse e = nl_ellipse_around(z, nl_lindblad_model.spectrum(point, point->n, z));
    for (int order = 1; order <= 2; order++) {
        const double h = nl_model_stable_step(&nl_lindblad_model, point, point->n, nl_tableau_chebyshev(order));
        const nl_chebyshev m = nl_chebyshev_choose(order, e, h);
        double most = 0;
        for (int i = 0; i < dim; i++)
            most = fmax(most, nl_chebyshev_amplification(m, h * re[i], h * im[i]));
        if (most > 1 + 1e-6)
            fail_msg("%d levels, %d elements, order %d, h = %g, %d stages, delta = %g: |P| - 1 = %g", point->n, dim,
                     order, h, m.stages, m.delta, most - 1);
    }
}

/* At the bound of the step no mode grows: of those of one coherence order, which without drive are by themselves, or,
 * where k < 0, of all. */
static void check_stable_step(const nl_point *point, int k)
{
    size_t *places = calloc((size_t)point->lindblad.components * point->n * point->n, sizeof *places);
    assert_non_null(places);
    const int dim = places_of(point, k, places);
    double *block = block_of(point, places, dim), *re = new_array(dim), *im = new_array(dim);
    assert_int_equal(LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', dim, block, dim, re, im, NULL, 1, NULL, 1), 0);
    check_modes(point, re, im, dim);
    free(places);
    free(block);
    free(re);
    free(im);
}

static nl_point point_of(const char *more)
{
    nl_config config = config_of(text_of("[model]\nequation = gutzwiller\nsites = 1\n%s", more));
    nl_point point;
    OK(nl_lindblad_model.point(&config, &point));
    nl_config_release(&config);
    return point;
}

static void test_steps_are_stable(void **state)
{
    static const struct {
        const char *text;
        int most_order;
    } cases[] = {{"[laser]\ncooperativity = 1.2\ngamma = 200\nepsilon = 0\n", 4},
                 {"[laser]\ncooperativity = 1.2\ngamma = 500\nepsilon = 0\n", 4},
                 {"[laser]\ncooperativity = 0.8\ngamma = 300\nepsilon = 0\n", 4},
                 {"[laser]\ncooperativity = 1.5\ngamma = 1000\nepsilon = 0\n", 0},
                 {"[laser]\ncooperativity = 1.5\ngamma = 60\nepsilon = 0\n[model]\nlocal = qubit\n", 4},
                 {"[laser]\ncooperativity = 4\ngamma = 20\nepsilon = 0\n[model]\nlocal = qubit\n", 4}};
    (void)state;
    for (int c = 0; c < COUNT(cases); c++)
        for (int k = 0; k <= cases[c].most_order; k += 2) {
            nl_point point = point_of(cases[c].text);
            point.lindblad.orders = k + 1;
            check_stable_step(&point, k);
        }
}

/* With drive; below threshold, where distributions are small. */
static void test_driven_steps_are_stable(void **state)
{
    static const struct {
        const char *text;
        int n;
    } cases[] = {{"[laser]\ncooperativity = 0.5\ngamma = 40\nepsilon = 0.4\n", 24},
                 {"[laser]\ncooperativity = 0.2\ngamma = 50\nepsilon = 1\n", 22},
                 {"[laser]\ncooperativity = 0.5\ngamma = 10\nepsilon = 0.2\n[model]\nlocal = qubit\n", 12}};
    (void)state;
    for (int c = 0; c < COUNT(cases); c++) {
        nl_point point = point_of(cases[c].text);
        point.n = point.lindblad.orders = cases[c].n;
        check_stable_step(&point, -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_of_other_models),
        cmocka_unit_test(test_wanted_holds_the_distribution),
        cmocka_unit_test(test_wanted_grows_with_the_drive),
        cmocka_unit_test(test_refused_cutoffs),
        cmocka_unit_test(test_accepted_cutoffs),
        cmocka_unit_test(test_levels_of_a_sweep),
        cmocka_unit_test(test_radius),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_form_of_runs),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_initial_states),
        cmocka_unit_test(test_classical_start),
        cmocka_unit_test(test_start_of_a_search),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_phase_of_elements),
        cmocka_unit_test(test_values_are_of_trace_one),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_steps_are_stable),
        cmocka_unit_test(test_driven_steps_are_stable),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
