/* The direct solution on Fourier modes, against the operator as a textbook writes it. */
#include "../host/modes.h"
#include "nanolase/phase_direct.h"
#include "phase_reference.h"

/* ---- modes ---- */

static double field_of(int sites, int i, int j, double h)
{
    return sites == 2 ? 0.3 + cos(3 * h * i - 2 * h * j + 0.4) - 2 * sin(h * i + 5 * h * j) + 0.7 * cos(4 * h * j)
                      : 0.3 + cos(3 * h * j + 0.4) - 2 * sin(5 * h * j);
}

static double *fields_of(int sites, int n)
{
    const int rows = sites == 2 ? n : 1;
    double *f = new_array((size_t)rows * n);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j++)
            f[i * n + j] = field_of(sites, i, j, 2 * acos(-1) / n);
    return f;
}

static void test_known_modes(void **state)
{
    (void)state;
    const int n = 17, m = 5;
    nl_modes modes;
    double *f = fields_of(2, n);
    double complex *c = calloc(nl_modes_count(2, m), sizeof *c);
    OK(nl_modes_new(2, n, m, &modes));
    nl_modes_analyse(&modes, f, c);
    for (int p = -m; p <= m; p++)
        for (int q = -m; q <= m; q++) {
            double complex wanted = p == 0 && q == 0 ? 0.3 : 0;
            if (abs(p) == 3 && q == (p > 0 ? -2 : 2))
                wanted = 0.5 * cexp((p > 0 ? 1 : -1) * 0.4 * _Complex_I);
            if (abs(p) == 1 && q == 5 * p)
                wanted = (p > 0 ? 1 : -1) * _Complex_I; /* -2 sin x = i e^{ix} - i e^{-ix} */
            if (p == 0 && abs(q) == 4)
                wanted = 0.35;
            CLOSE(cabs(c[nl_modes_index(2, m, (int[]){p, q})] - wanted), 0, 1e-14);
        }
    free(f);
    free(c);
    nl_modes_release(&modes);
}

/* What holds no higher modes comes back as it was. */
static void test_there_and_back(void **state)
{
    (void)state;
    for (int sites = 1; sites <= 2; sites++) {
        const int n = 16, m = 7;
        const size_t size = sites == 2 ? (size_t)n * n : (size_t)n;
        nl_modes modes;
        double *f = fields_of(sites, n), *back = new_array(size);
        double complex *c = calloc(nl_modes_count(sites, m), sizeof *c);
        OK(nl_modes_new(sites, n, m, &modes));
        nl_modes_analyse(&modes, f, c);
        nl_modes_synthesise(&modes, c, back);
        CLOSE(difference(back, f, size), 0, 1e-14);
        free(f);
        free(back);
        free(c);
        nl_modes_release(&modes);
    }
}

/* ---- solutions ---- */

static double integral_of(const double *e, int sites, int n)
{
    const double h = 2 * acos(-1) / n;
    return sum_of(e, sites == 2 ? (size_t)n * n : (size_t)n) * (sites == 2 ? h * h : h);
}

static void make_alike(nl_phase *phase)
{
    phase->D[1] = phase->D[0];
    phase->drive[1] = phase->drive[0];
    phase->tunnel[1] = phase->tunnel[0];
    phase->phi[1] = phase->phi[0];
}

static void make_symmetric(double *f, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            f[i * n + j] = f[j * n + i] = 0.5 * (f[i * n + j] + f[j * n + i]);
}

/* L e - r holds no mode up to m, and e none above; on n > 2m + 2 points products of both with the drift do not fold.
 * alike: r's antisymmetric part is not solved for, and e is symmetric. */
static void check_solution_of(int sites, bool alike, int m, int order, int threads, uint64_t seed)
{
    rng r = {seed};
    const int n = 2 * m + 5;
    const size_t size = sites == 2 ? (size_t)n * n : (size_t)n;
    nl_phase phase = random_phase(&r, sites);
    if (alike)
        make_alike(&phase);
    const nl_stencil stencil = nl_stencil_of_order(n, order);
    double *right = random_array(&r, size), *e = new_array(size), *left = new_array(size);
    double complex *c = calloc(nl_modes_count(sites, m), sizeof *c);
    nl_phase_direct *direct;
    nl_modes modes;
    OK(nl_phase_direct_new(&phase, &stencil, m, threads, &direct));
    OK(nl_phase_direct_solve(direct, n, right, 0.7, e));
    CLOSE(integral_of(e, sites, n), 0.7, 1e-11);
    if (alike)
        make_symmetric(right, n);
    for (size_t x = 0; x < size; x++)
        left[x] = reference_point(&phase, n, order, e, sites == 2 ? (int)x / n : 0, (int)x % n) - right[x];
    OK(nl_modes_new(sites, n, m, &modes));
    nl_modes_analyse(&modes, left, c);
    c[nl_modes_index(sites, m, (int[]){0, 0})] = 0; /* of which L e has none */
    double most = 0;
    for (size_t k = 0; k < nl_modes_count(sites, m); k++)
        most = fmax(most, cabs(c[k]));
    CLOSE(most, 0, 1e-10 * fmax(largest(e, size), 1));
    nl_modes_analyse(&modes, e, c);
    nl_modes_synthesise(&modes, c, left);
    CLOSE(difference(left, e, size), 0, 1e-12);
    nl_modes_release(&modes);
    nl_phase_direct_release(direct);
    free(right);
    free(e);
    free(left);
    free(c);
}

static void check_solution(int sites, int m, int order, int threads, uint64_t seed)
{
    check_solution_of(sites, false, m, order, threads, seed);
}

static void test_lasers_alike(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2)
        for (int m = 1; m <= 12; m++)
            check_solution_of(2, true, m, order, 1, (uint64_t)m);
    check_solution_of(2, true, 70, 4, 2, 1);
}

static void test_solves_the_operator(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            check_solution(2, 6, order, 1, seed);
            check_solution(2, 11, order, 1, seed);
            check_solution(1, 9, order, 1, seed);
        }
    check_solution(2, 1, 2, 1, 7);
    check_solution(1, 1, 2, 1, 7);
}

/* Blocks of more than 64 modes are shared out; the result is the same to the last bit. */
static void test_threads_change_nothing(void **state)
{
    const int m = 40, n = 84;
    rng r = {3};
    const nl_phase phase = random_phase(&r, 2);
    const nl_stencil stencil = nl_stencil_of_order(n, 4);
    double *right = random_array(&r, (size_t)n * n), *e[2];
    (void)state;
    for (int t = 0; t < 2; t++) {
        nl_phase_direct *direct;
        e[t] = new_array((size_t)n * n);
        OK(nl_phase_direct_new(&phase, &stencil, m, 1 + 2 * t, &direct));
        OK(nl_phase_direct_solve(direct, n, right, 1, e[t]));
        nl_phase_direct_release(direct);
    }
    assert_true(difference(e[0], e[1], (size_t)n * n) == 0);
    free(right);
    free(e[0]);
    free(e[1]);
}

/* One solver serves grids of any size; the homogeneous solution without tunnelling is Eq. 18's distribution. */
static void test_locked_distribution(void **state)
{
    const nl_phase phase = {.sites = 1, .D = {0.2, 0.2}, .drive = {1, 1}, .phi = {0.6, 0}, .r = {1, 1}, .r0 = 1};
    const nl_stencil fine = nl_stencil_of_order(4096, 8);
    nl_phase_direct *direct;
    (void)state;
    OK(nl_phase_direct_new(&phase, &fine, 40, 1, &direct));
    for (int n = 96; n <= 128; n += 32) {
        double *zero = new_array(n), *P = new_array(n), total = 0;
        OK(nl_phase_direct_solve(direct, n, zero, 1, P));
        for (int i = 0; i < n; i++)
            total += exp(-5 * sin(2 * acos(-1) * i / n - 0.6)) * 2 * acos(-1) / n;
        for (int i = 0; i < n; i++)
            CLOSE(P[i], exp(-5 * sin(2 * acos(-1) * i / n - 0.6)) / total, 1e-10);
        free(zero);
        free(P);
    }
    nl_phase_direct_release(direct);
}

static void test_singular(void **state)
{
    const nl_phase still = {.sites = 2, .r = {1, 1}, .r0 = 1};
    const nl_stencil stencil = nl_stencil_of_order(20, 2);
    nl_phase_direct *direct;
    (void)state;
    FAILS(nl_phase_direct_new(&still, &stencil, 4, 1, &direct), NL_ERR_INTERNAL, "singular");
    nl_phase_direct_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_modes),         cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_solves_the_operator), cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_locked_distribution), cmocka_unit_test(test_singular),
        cmocka_unit_test(test_lasers_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
