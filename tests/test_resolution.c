/* n_c = auto keeps the accuracy asked for, without many more points than that takes: against fine grids of order 8. */
#include "run_support.h"

#ifdef NL_SANITIZED
enum { MOST_POINTS = 64 }; /* larger grids take long there */
#else
enum { MOST_POINTS = 160 };
#endif

typedef struct problem {
    double D_p, t_c, phi2; /* at drive 1, phi1 = 0 */
    int fine;              /* a grid on which order 8 errs below 1e-10 */
} problem;

/* grid: "n_c = 64" or "accuracy = 1e-5". */
static void prepare(run *r, const problem *p, int order, const char *grid)
{
    char text[512];
    snprintf(text, sizeof text,
             "[laser]\nphi1 = 0\nphi2 = %.17g\nt_c = %.17g\n[phase]\nD_p = %.17g\nepsilon_over_r0 = 1\n[grid]\n"
             "order = %d\n%s\n[steady]\ntolerance = 1e-11\n", p->phi2, p->t_c, p->D_p, order, grid);
    run_prepare(r, text);
}

static void finish(run *r)
{
    nl_backend *backend;
    OK(nl_backend_open_cpu(1, &backend));
    run_solve(r, backend, NULL);
    nl_backend_close(backend);
    run_expect(r, NL_POINT_CONVERGED);
}

static double error_between(const run *a, const run *b)
{
    static const char *const names[] = {"exp_i_theta1", "exp_i_theta2"};
    double most = 0;
    for (int j = 0; j < 2; j++) {
        const nl_value x = run_value(a, 0, 0, names[j]), y = run_value(b, 0, 0, names[j]);
        most = fmax(most, hypot(x.re - y.re, x.im - y.im));
    }
    return most;
}

static void solve_finely(run *r, const problem *p)
{
    char grid[32];
    snprintf(grid, sizeof grid, "n_c = %d", p->fine);
    prepare(r, p, 8, grid);
    finish(r);
}

static void check_accuracy(const problem *p, int order, double accuracy, const run *fine)
{
    run r;
    char grid[32];
    snprintf(grid, sizeof grid, "accuracy = %g", accuracy);
    prepare(&r, p, order, grid);
    if (r.plan.points[0].n <= MOST_POINTS) {
        finish(&r);
        const double error = error_between(&r, fine);
        if (error > accuracy)
            fail_msg("D_p = %g, t_c = %g, phi2 = %g, order %d, accuracy %g: n_c = %d errs by %g", p->D_p, p->t_c,
                     p->phi2, order, accuracy, r.plan.points[0].n, error);
    }
    run_release(&r);
}

/* Locked, at threshold, just beyond it, where the flow contracts and where it does not, fast tunnelling. */
static void test_keeps_its_accuracy(void **state)
{
    static const problem problems[] = {
        {0.2, 1, 0, 80},        {0.2, 0, 0, 64},        {0.2, 1.5, 2.9, 80},    {0.2, 10, 1, 128},
#ifndef NL_SANITIZED
        {0.05, 0.5, 1.57, 160}, {0.05, 1, 0, 160},      {0.05, 3, 1.57, 192},   {0.02, 1.3, 0.6, 256},
        {0.02, 2, 1, 288},      {0.005, 0, 1, 256},     {0.005, 1, 0, 256},     {0.005, 1.1, 0, 320},
        {0.002, 0.9, 0, 384},   {0.0005, 1, 0, 512},
#endif
    };
    static const double accuracies[] = {1e-3, 1e-5, 1e-8};
    (void)state;
    for (int k = 0; k < COUNT(problems); k++) {
        run fine;
        solve_finely(&fine, &problems[k]);
        for (int order = 2; order <= 8; order += 2)
            for (int a = 0; a < (order > 2 ? COUNT(accuracies) : 2); a++) /* order 2 to 1e-8: too many */
                check_accuracy(&problems[k], order, accuracies[a], &fine);
        run_release(&fine);
    }
}

/* At threshold the points grow as D^(-1/3), later as D^(-1/2); measured there: 8e-10 with 480 points at D_p = 1e-4. */
static void test_wastes_little(void **state)
{
    static const struct { double D_p, accuracy; int most; } cases[] = {
        {0.2, 1e-5, 48}, {0.02, 1e-5, 96}, {0.002, 1e-5, 200}, {0.02, 1e-8, 160}, {0.002, 1e-8, 320}, {1e-4, 1e-8, 840},
    };
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        run r;
        char grid[32];
        const problem p = {cases[k].D_p, 1, 0, 0};
        snprintf(grid, sizeof grid, "accuracy = %g", cases[k].accuracy);
        prepare(&r, &p, 8, grid);
        BETWEEN(r.plan.points[0].n, 24, cases[k].most);
        run_release(&r);
    }
}

/* 1 - |<a>|^2/n_0 at threshold, from an independent Fourier-spectral sparse solve. */
static void test_threshold(void **state)
{
    static const double y[][2] = {
        {0.02, 0.0983241976},
#ifndef NL_SANITIZED
        {0.01, 0.0640282619}, {0.005, 0.0415590055}, {0.002, 0.0233847458}, {0.0005, 0.0097440442},
#endif
    };
    (void)state;
    for (int k = 0; k < COUNT(y); k++) {
        run r;
        prepare(&r, &(problem){y[k][0], 1, 0, 0}, 8, "accuracy = 1e-8");
        finish(&r);
        CLOSE((1 - run_value(&r, 0, 0, "coherence").re) / y[k][1], 1, 1e-6);
        run_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_its_accuracy),
        cmocka_unit_test(test_wastes_little),
        cmocka_unit_test(test_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
