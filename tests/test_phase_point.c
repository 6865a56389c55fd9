/* The phase operator at a point: stencils against their symbols, the whole against a textbook evaluation of Eq. 14. */
#include "nanolase/phase.h"
#include "phase_point.h"
#include "phase_reference.h"

static const int orders[] = {2, 4, 6, 8};

/* ---- tables ---- */

static nl_phase some_phase(int sites)
{
    rng r = {7};
    return random_phase(&r, sites);
}

/* The views lie end to end and fill the table exactly; the sanitizer sees a write past its end. */
static void test_table_layout(void **state)
{
    (void)state;
    for (int o = 0; o < COUNT(orders); o++)
        for (int n = orders[o] + 2; n < orders[o] + 20; n += 7) {
            const int w = orders[o] / 2;
            const size_t len = nl_phase_table_len(n, w);
            double *table = malloc(len * sizeof *table);
            const nl_phase phase = some_phase(2);
            nl_phase_fill_table(&phase, nl_stencil_of_order(n, orders[o]), table);
            const nl_phase_view v = nl_phase_view_of(table, n, w);
            assert_int_equal(v.E1 - w - table, NL_PHASE_HEADER);
            assert_int_equal((v.E2 - w) - (v.E1 + n + w), 0);
            assert_int_equal((v.C - n - w) - (v.E2 + n + w), 0);
            assert_int_equal(v.C + n + w - table, len);
            free(table);
        }
}

static void check_table(const nl_phase *phase, int n, int order)
{
    const int w = order / 2;
    const double h = 2 * acos(-1.0) / n;
    double *table = new_array(nl_phase_table_len(n, w));
    nl_phase_fill_table(phase, nl_stencil_of_order(n, order), table);
    const nl_phase_view v = nl_phase_view_of(table, n, w);
    for (int i = -w; i < n + w; i++) {
        const int fast = phase->sites - 1; /* one site stands on the fast axis */
        CLOSE(v.E1[i], phase->drive[0] * cos(h * i - phase->phi[0]), 1e-13);
        CLOSE(v.E2[i], phase->drive[fast] * cos(h * i - phase->phi[fast]), 1e-13);
    }
    for (int d = -n - w; d < n + w; d++)
        CLOSE(v.C[d], cos(h * d), 1e-13);
    for (int k = 0; k <= w; k++) {
        const double a = k ? reference_a(w, k) / h : 0, b = reference_b(w, k) / (h * h);
        CLOSE(v.a[k], a, 1e-14 * n);
        CLOSE(v.Db1[k], phase->D[0] * b, 1e-14 * n * n);
        CLOSE(v.Db2[k], phase->D[phase->sites - 1] * b, 1e-14 * n * n);
        CLOSE(v.aT1[k], phase->tunnel[0] * a, 1e-13 * n);
        CLOSE(v.aT2[k], phase->tunnel[phase->sites - 1] * a, 1e-13 * n);
    }
    free(table);
}

static void test_table_values(void **state)
{
    (void)state;
    for (int o = 0; o < COUNT(orders); o++)
        for (int sites = 1; sites <= 2; sites++) {
            const nl_phase phase = some_phase(sites);
            check_table(&phase, 11, orders[o]);
            check_table(&phase, 32, orders[o]);
        }
}

/* ---- stencils on trigonometric functions ---- */

/* The single-site operator of diffusion D and drift v that is the same everywhere, on sin(m theta + 0.3). */
static void apply_to_wave(int n, int order, int m, double D, double drift, double *out)
{
    const int w = order / 2;
    const double h = 2 * acos(-1.0) / n;
    const nl_phase phase = {.sites = 1, .D = {D, D}};
    double *table = new_array(nl_phase_table_len(n, w)), *P = new_array(n);
    nl_phase_fill_table(&phase, nl_stencil_of_order(n, order), table);
    nl_phase_view v = nl_phase_view_of(table, n, w);
    for (int j = -w; j < n + w; j++)
        ((double *)v.E2)[j] = -drift; /* v = -E */
    for (int j = 0; j < n; j++)
        P[j] = sin(m * h * j + 0.3);
    for (int j = 0; j < n; j++)
        out[j] = nl_phase_point_single(&v, P, n, w, j, 1);
    free(table);
    free(P);
}

static void check_symbols(int n, int order, int m)
{
    const int w = order / 2;
    const double h = 2 * acos(-1.0) / n;
    double second = reference_b(w, 0) / (h * h), first = 0, *out = new_array(n);
    for (int k = 1; k <= w; k++) {
        second += 2 * reference_b(w, k) * cos(k * m * h) / (h * h);
        first += 2 * reference_a(w, k) * sin(k * m * h) / h;
    }
    apply_to_wave(n, order, m, 1, 0, out);
    for (int j = 0; j < n; j++)
        CLOSE(out[j], second * sin(m * h * j + 0.3), 1e-13 * n * n);
    apply_to_wave(n, order, m, 0, 1, out); /* -dP/dtheta */
    for (int j = 0; j < n; j++)
        CLOSE(out[j], -first * cos(m * h * j + 0.3), 1e-13 * n);
    free(out);
}

static void test_exact_symbols(void **state)
{
    (void)state;
    for (int o = 0; o < COUNT(orders); o++)
        for (int m = 0; m <= 12; m++)
            check_symbols(24, orders[o], m);
}

/* Error in m = 3 of the derivative that D and drift choose. */
static double wave_error(int n, int order, double D, double drift)
{
    const double h = 2 * acos(-1.0) / n;
    double *out = new_array(n), error = 0;
    apply_to_wave(n, order, 3, D, drift, out);
    for (int j = 0; j < n; j++)
        error = fmax(error, fabs(out[j] - (-9 * D * sin(3 * h * j + 0.3) - 3 * drift * cos(3 * h * j + 0.3))));
    free(out);
    return error;
}

static void test_order_of_stencils(void **state)
{
    (void)state;
    for (int o = 0; o < COUNT(orders); o++)
        for (int drift = 0; drift <= 1; drift++) {
            const double coarse = wave_error(32, orders[o], 1 - drift, drift);
            const double fine = wave_error(64, orders[o], 1 - drift, drift);
            BETWEEN(log2(coarse / fine), orders[o] - 0.5, orders[o] + 0.5);
        }
}

/* ---- Eq. 14 ---- */

static double at_point(const nl_phase *phase, const nl_phase_view *v, const double *P, int n, int w, int i, int j,
                       int edge)
{
    const double *row[2 * NL_PHASE_MAX_W + 1];
    if (phase->sites == 1)
        return nl_phase_point_single(v, P, n, w, j, edge);
    for (int m = -w; m <= w; m++)
        row[w + m] = P + (size_t)modulo(i + m, n) * n;
    return nl_phase_point(v, row, n, w, i, j, edge);
}

/* Every point, those in the interior by both paths. */
static void check_operator(const nl_phase *phase, int n, int order, rng *r)
{
    const int w = order / 2, rows = phase->sites == 2 ? n : 1;
    double *table = new_array(nl_phase_table_len(n, w)), *P = random_array(r, (size_t)rows * n);
    nl_phase_fill_table(phase, nl_stencil_of_order(n, order), table);
    const nl_phase_view v = nl_phase_view_of(table, n, w);
    const double tolerance = 1e-14 * n * n;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j++) {
            const double expected = reference_point(phase, n, order, P, i, j);
            CLOSE(at_point(phase, &v, P, n, w, i, j, 1), expected, tolerance);
            if (j >= w && j < n - w)
                CLOSE(at_point(phase, &v, P, n, w, i, j, 0), expected, tolerance);
        }
    free(table);
    free(P);
}

static void test_against_textbook(void **state)
{
    static const int sizes[] = {0, 1, 6, 13}; /* beyond the smallest grid */
    rng r = {11};
    (void)state;
    for (int sites = 1; sites <= 2; sites++)
        for (int o = 0; o < COUNT(orders); o++)
            for (int s = 0; s < COUNT(sizes); s++) {
                const nl_phase phase = random_phase(&r, sites);
                check_operator(&phase, orders[o] + 2 + sizes[s], orders[o], &r);
            }
}

/* Each term alone, so that no error of one hides behind another. */
static void test_single_terms(void **state)
{
    rng r = {13};
    (void)state;
    for (int term = 0; term < 6; term++) {
        nl_phase phase = {.sites = 2, .phi = {0.7, -1.9}};
        *(term < 2 ? &phase.D[term] : term < 4 ? &phase.drive[term - 2] : &phase.tunnel[term - 4]) = 1;
        for (int o = 0; o < COUNT(orders); o++)
            check_operator(&phase, 12, orders[o], &r);
    }
}

/* Without diffusion or drift probability stays where it is; with them, none is made. */
static void test_sum_vanishes(void **state)
{
    rng r = {17};
    (void)state;
    for (int o = 0; o < COUNT(orders); o++) {
        const int n = 17, w = orders[o] / 2;
        const nl_phase phase = random_phase(&r, 2);
        double *table = new_array(nl_phase_table_len(n, w)), *P = random_array(&r, (size_t)n * n), sum = 0, most = 0;
        nl_phase_fill_table(&phase, nl_stencil_of_order(n, orders[o]), table);
        const nl_phase_view v = nl_phase_view_of(table, n, w);
        for (int x = 0; x < n * n; x++) {
            const double value = at_point(&phase, &v, P, n, w, x / n, x % n, 1);
            sum += value;
            most += fabs(value);
        }
        CLOSE(sum, 0, 1e-14 * most);
        free(table);
        free(P);
    }
}

/* ---- marginals ---- */

static void test_marginal_elements(void **state)
{
    const int n = 5;
    (void)state;
    for (int m = 0; m < n; m++)
        for (int s = 0; s < n; s++) {
            assert_int_equal(nl_phase_marginal_element(0, n, m, s) / n, m);                        /* theta_1 */
            assert_int_equal(nl_phase_marginal_element(1, n, m, s) % n, m);                        /* theta_2 */
            const int x = (int)nl_phase_marginal_element(2, n, m, s);
            assert_int_equal(modulo(x % n - x / n, n), m); /* theta_2 - theta_1 */
        }
    for (int which = 0; which < NL_PHASE_MARGINALS; which++) {
        int seen[25] = {0};
        for (int m = 0; m < n; m++)
            for (int s = 0; s < n; s++)
                seen[nl_phase_marginal_element(which, n, m, s)]++;
        for (int x = 0; x < n * n; x++)
            assert_int_equal(seen[x], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_layout),
        cmocka_unit_test(test_table_values),
        cmocka_unit_test(test_exact_symbols),
        cmocka_unit_test(test_order_of_stencils),
        cmocka_unit_test(test_against_textbook),
        cmocka_unit_test(test_single_terms),
        cmocka_unit_test(test_sum_vanishes),
        cmocka_unit_test(test_marginal_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
