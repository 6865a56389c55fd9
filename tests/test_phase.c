/* The phase equation's parameters from a configuration, its grids, initial states, moments and observables. */
#include "nanolase/model.h"
#include "phase_reference.h"

static const double PI = 3.14159265358979323846;

/* ---- parameters ---- */

static void test_given_parameters(void **state)
{
    nl_config c = config_of("[laser]\nt_c = 0.7\nphi1 = 0.1\nphi2 = 0.2\n"
                            "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1.5\nr1 = 2\nr2 = 0.5\n");
    nl_phase p;
    (void)state;
    OK(nl_phase_from_config(&c, &p));
    CLOSE(p.D[0], 0.3 / 4, 1e-16);
    CLOSE(p.D[1], 0.3 * 4, 1e-15);
    CLOSE(p.drive[0], 0.75, 0);
    CLOSE(p.drive[1], 3, 0);
    CLOSE(p.tunnel[0], 0.7 / 4, 1e-16);
    CLOSE(p.tunnel[1], 0.7 * 4, 1e-15);
    CLOSE(p.phi[1], 0.2, 0);
    CLOSE(p.r0, 1, 0);
    nl_config_release(&c);
}

static void test_derived_parameters(void **state)
{
    nl_config c = config_of("[model]\nsites = 1\n[laser]\nt_c = 0.7\n");
    nl_phase p;
    (void)state;
    OK(nl_phase_from_config(&c, &p));
    const double n0 = 0.1 * 3500 / (2 * 1.1);
    CLOSE(p.D[0], 1.1 / (2 * n0), 1e-15);
    CLOSE(p.drive[0], 0.3 / sqrt(n0), 1e-15);
    CLOSE(p.r0, sqrt(n0), 1e-12);
    CLOSE(p.tunnel[0], 0, 0); /* nobody to tunnel to */
    nl_config_release(&c);
}

static void test_below_threshold(void **state)
{
    static const char *const texts[] = {"[laser]\ncooperativity = 0.9\n", "[laser]\ncooperativity = 1\n",
                                        "[laser]\ncooperativity = 0.9\n[phase]\nD_p = 0.1\n"};
    nl_phase p;
    (void)state;
    for (int k = 0; k < COUNT(texts); k++) {
        nl_config c = config_of(texts[k]);
        FAILS(nl_phase_from_config(&c, &p), NL_ERR_CONFIG, "test.ini:2: cooperativity");
        nl_config_release(&c);
    }
    nl_config c = config_of("[laser]\ncooperativity = 0.9\n[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\n");
    OK(nl_phase_from_config(&c, &p));
    nl_config_release(&c);
}

/* Every configuration gives a point or an error, never numbers that are none. */
static void test_extreme_parameters(void **state)
{
    static const char *const texts[] = {"[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\nr1 = 1e-170\n[grid]\nn_c = 16\n",
                                        "[phase]\nD_p = 1e-300\nepsilon_over_r0 = 1\nr2 = 1e6\n[grid]\nn_c = 16\n",
                                        "[phase]\nD_p = 1e-20\nepsilon_over_r0 = 1\n",
                                        "[laser]\nt_c = 1e12\n[phase]\nD_p = 1e-300\nepsilon_over_r0 = 1\n"};
    (void)state;
    for (int k = 0; k < COUNT(texts); k++) {
        nl_config c = config_of(texts[k]);
        nl_point point;
        const nl_status status = nl_phase_model.point(&c, &point);
        if (status != NL_OK) {
            assert_int_equal(status, NL_ERR_CONFIG);
        } else {
            BETWEEN(point.n, 16, 65535);
            BETWEEN(point.phase.D[0], 1e-320, 1e100);
            BETWEEN(point.phase.D[1], 1e-320, 1e100);
        }
        nl_config_release(&c);
    }
    nl_config c = config_of(texts[2]);
    nl_point point;
    FAILS(nl_phase_model.point(&c, &point), NL_ERR_CONFIG, "points an axis");
    nl_config_release(&c);
}

static void test_bad_choices(void **state)
{
    static const struct {
        const char *text, *what;
    } cases[] = {{"[grid]\norder = 3\n", "test.ini:2: order = 3"},
                 {"[run]\ninitial = vacuum\n", "test.ini:2: "},
                 {"[grid]\nn_c = 8\norder = 8\n", "test.ini:2: n_c = 8 is too small"}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c = config_of(cases[k].text);
        nl_point point;
        FAILS(nl_phase_model.point(&c, &point), NL_ERR_CONFIG, cases[k].what);
        nl_config_release(&c);
    }
}

/* More accuracy and less diffusion take more points, a higher order no more. */
static void test_resolution(void **state)
{
    nl_phase p = {.sites = 2, .D = {0.1, 0.1}, .drive = {1, 1}, .tunnel = {0.5, 0.5}}, sharp = p;
    (void)state;
    sharp.D[1] = 0.001;
    for (int order = 2; order <= 8; order += 2) {
        const int n = nl_phase_resolution(&p, order, 1e-5);
        assert_true(nl_phase_resolution(&p, order, 1e-7) > n);
        assert_true(nl_phase_resolution(&sharp, order, 1e-5) > n);
        if (order > 2)
            assert_true(nl_phase_resolution(&p, order - 2, 1e-5) >= n);
    }
    p.sites = 1; /* then the second site's parameters count no more */
    sharp.sites = 1;
    assert_int_equal(nl_phase_resolution(&p, 4, 1e-5), nl_phase_resolution(&sharp, 4, 1e-5));
}

/* ---- states and moments ---- */

static void test_initial_states(void **state)
{
    const nl_phase p[] = {{.sites = 1, .D = {0.2, 0.2}, .drive = {1, 0}, .phi = {0.5, 0}},
                          {.sites = 2, .D = {0.2, 0.001}, .drive = {1, 1}, .phi = {0.5, 2}},
                          {.sites = 2, .D = {0.2, 0.2}, .drive = {0, 1}, .phi = {0.5, 2}}};
    (void)state;
    for (int k = 0; k < COUNT(p); k++) {
        const int n = 40, size = p[k].sites == 2 ? n * n : n;
        double *P = new_array(size);
        OK(nl_phase_initial(&p[k], NL_INITIAL_AUTO, n, P));
        for (int x = 0; x < size; x++)
            CLOSE(P[x], pow(2 * PI, -p[k].sites), 1e-15);
        OK(nl_phase_initial(&p[k], NL_INITIAL_LOCKED, n, P));
        CLOSE(sum_of(P, size) * nl_phase_cell(&p[k], n), 1, 1e-13);
        int top = 0;
        for (int x = 0; x < size; x++) {
            assert_true(P[x] >= 0);
            top = P[x] > P[top] ? x : top;
        }
        /* most probable where theta_j = phi_j - pi/2, to the grid */
        CLOSE(cos(2 * PI / n * (top % n) - p[k].phi[p[k].sites - 1] + PI / 2), 1, 0.01);
        if (p[k].sites == 2)
            CLOSE(cos(2 * PI / n * (top / n) - p[k].phi[0] + PI / 2), 1, 0.01);
        free(P);
    }
}

/* One phase locked to its drive is the closed form exp(-x sin(theta - phi)). */
static void test_locked_state_is_eq18(void **state)
{
    const nl_phase p = {.sites = 1, .D = {0.4, 0}, .drive = {1, 0}, .phi = {0.5, 0}};
    const int n = 64;
    double P[64], expected[64];
    (void)state;
    OK(nl_phase_initial(&p, NL_INITIAL_LOCKED, n, P));
    for (int i = 0; i < n; i++)
        expected[i] = exp(-2.5 * sin(2 * PI * i / n - 0.5));
    const double scale = 1 / (sum_of(expected, n) * 2 * PI / n);
    for (int i = 0; i < n; i++)
        CLOSE(P[i], expected[i] * scale, 1e-13);
}

/* Moments of a trigonometric polynomial, whose integrals the grid gives exactly. */
static void test_moments(void **state)
{
    const int n = 12;
    const nl_phase p = {.sites = 2, .r = {1, 1}, .r0 = 1};
    double marginals[36] = {0};
    (void)state;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double a = 2 * PI * i / n, b = 2 * PI * j / n;
            const double P = 3 * (1 + 0.4 * cos(a - 0.3) + 0.2 * cos(b - 1) + 0.5 * cos(b - a - 2)) / (4 * PI * PI);
            marginals[i] += P;
            marginals[n + j] += P;
            marginals[2 * n + modulo(j - i, n)] += P;
        }
    const nl_phase_moments m = nl_phase_moments_of(&p, n, marginals);
    CLOSE(m.norm, 3, 1e-13);
    CLOSE(m.exp_i_theta[0][0], 0.2 * cos(0.3), 1e-14);
    CLOSE(m.exp_i_theta[0][1], 0.2 * sin(0.3), 1e-14);
    CLOSE(m.exp_i_theta[1][0], 0.1 * cos(1), 1e-14);
    CLOSE(m.exp_i_theta[1][1], 0.1 * sin(1), 1e-14);
    CLOSE(m.exp_i_theta21[0], 0.25 * cos(2), 1e-14);
    CLOSE(m.exp_i_theta21[1], 0.25 * sin(2), 1e-14);
}

/* Observables of unequal radii, from the phase averages by their definitions. */
static void test_observables(void **state)
{
    const int n = 12;
    nl_config c = config_of("[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\nr1 = 2\nr2 = 0.5\n");
    const nl_observable *list[NL_MAX_OBSERVABLES];
    nl_value v[NL_MAX_OBSERVABLES];
    nl_point point;
    double marginals[36];
    nl_health health;
    (void)state;
    OK(nl_phase_model.point(&c, &point));
    for (int m = 0; m < n; m++) {
        marginals[m] = 1 + 0.4 * cos(2 * PI * m / n);
        marginals[n + m] = 1 + 0.6 * sin(2 * PI * m / n);
        marginals[2 * n + m] = 1 + 0.2 * cos(2 * PI * m / n - 1);
    }
    nl_phase_model.observe(&point, n, marginals, v, &health);
    const int count = nl_phase_model.observables(&c, list);
    const struct {
        const char *name;
        double re, im;
    } expected[] = {{"exp_i_theta1", 0.2, 0}, {"exp_i_theta2", 0, 0.3}, {"coherence1", 4 * 0.04, 0},
                    {"coherence2", 0.25 * 0.09, 0}, {"coherence", (0.16 + 0.0225) / 2, 0},
                    {"correlation", 0.1 * cos(1), 0.1 * sin(1)}, {"a1", 0.4, 0}, {"a2", 0, 0.15}, {"n1", 4, 0},
                    {"n2", 0.25, 0}, {"imbalance", 3.75, 0}, {"relative_imbalance", 3.75 / 4.25, 0}};
    for (int e = 0; e < COUNT(expected); e++) {
        bool found = false;
        for (int k = 0; k < count; k++)
            if (strcmp(list[k]->name, expected[e].name) == 0) {
                found = true;
                CLOSE(v[list[k]->id].re, expected[e].re, 1e-14);
                CLOSE(v[list[k]->id].im, expected[e].im, 1e-14);
                assert_true(list[k]->is_complex || expected[e].im == 0);
            }
        if (!found)
            fail_msg("no observable %s", expected[e].name);
    }
    nl_config_release(&c);
}

/* Which observables there are: those of one site or two, radii where they are known. */
static void test_observable_lists(void **state)
{
    static const struct {
        const char *text;
        int count;
    } cases[] = {{"[phase]\nD_p = 1\nepsilon_over_r0 = 1\n", 7},
                 {"[phase]\nD_p = 1\nepsilon_over_r0 = 1\nr1 = 2\n", 13},
                 {"[phase]\nD_p = 1\nepsilon_over_r0 = 1\n[sweep]\nr2 = 1, 2\n", 13},
                 {"", 13},
                 {"[model]\nsites = 1\n[phase]\nD_p = 1\nepsilon_over_r0 = 1\n", 3},
                 {"[model]\nsites = 1\n", 5},
                 {"[sweep]\nD_p = 1, 2\n", 7}};
    const nl_observable *list[NL_MAX_OBSERVABLES];
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c = config_of(cases[k].text);
        assert_int_equal(nl_phase_model.observables(&c, list), cases[k].count);
        nl_config_release(&c);
    }
}

static void test_level_sizes(void **state)
{
    const nl_point point = {.n = 101};
    static const int known[] = {101, 51, 26, 13};
    (void)state;
    for (int level = 0; level < COUNT(known); level++)
        assert_int_equal(nl_level_size(&point, level), known[level]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_parameters),
        cmocka_unit_test(test_derived_parameters),
        cmocka_unit_test(test_below_threshold),
        cmocka_unit_test(test_extreme_parameters),
        cmocka_unit_test(test_bad_choices),
        cmocka_unit_test(test_resolution),
        cmocka_unit_test(test_initial_states),
        cmocka_unit_test(test_locked_state_is_eq18),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_observables),
        cmocka_unit_test(test_observable_lists),
        cmocka_unit_test(test_level_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
