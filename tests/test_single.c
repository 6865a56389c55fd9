/* Runs in single precision: against double precision, within the distance that they state; and what they refuse. */
#include "run_support.h"

/* Solves the text in one precision. */
static void solve_in(run *r, const char *text, const backend_case *c, nl_backend *b)
{
    char all[1200];
    snprintf(all, sizeof all, "%s[run]\nprecision = %s\n", text, c->precision == NL_SINGLE ? "single" : "double");
    run_prepare(r, all);
    run_solve(r, b, NULL);
}

/* Largest difference between two runs in an observable, over its largest magnitude. */
static double relative_difference(const run *a, const run *b, const char *name)
{
    double most = 0, scale = 0;
    for (int p = 0; p < a->result.n_points; p++)
        for (int t = 0; t < a->result.n_times; t++) {
            const nl_value x = run_value(a, p, t, name), y = run_value(b, p, t, name);
            most = fmax(most, hypot(x.re - y.re, x.im - y.im));
            scale = fmax(scale, hypot(y.re, y.im));
        }
    return isfinite(scale) ? most / scale : INFINITY;
}

typedef struct problem {
    const char *text, *observable;
    double tolerance;
    bool is_steady;
} problem;

#define PHASE "[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\n[laser]\nphi1 = 0\nphi2 = 0\n[grid]\nn_c = 32\norder = 8\n"
#define SWEEP "[sweep]\nt_c = 0, 0.7, 1.5\n"
#define EVOLVE "[run]\nmode = evolve\nt_end = 2\nsave_every = 1\n"
#define DIMER                                                                                                          \
    "[model]\nequation = dimer\n[laser]\ngamma = 40\ncooperativity = 0.1\nepsilon = 0.3\nt_c = 0.2\n[fock]\nlevels = " \
    "10\n"
#define PAIR                                                                                                           \
    "[model]\nequation = gutzwiller\n[laser]\ngamma = 40\ncooperativity = 0.1\nepsilon = 0.3\nt_c = "                  \
    "0.2\n[fock]\nlevels = 10\n"
#define AMPLITUDE                                                                                                      \
    "[model]\nequation = amplitude\nsites = 1\n[laser]\ngamma = 200\ncooperativity = 1.2\nepsilon = "                  \
    "0.3\n[grid]\npoints = 40\norder = 4\n"

static const problem problems[] = {
    {PHASE SWEEP, "coherence", 5e-5, true},
    {PHASE SWEEP "[steady]\nmethod = relax\n", "coherence", 3e-4, true},
    {PHASE SWEEP EVOLVE, "coherence", 1e-5, false},
    {DIMER, "n1", 3e-4, true},
    {DIMER EVOLVE, "a1dag_a2", 1e-4, false},
    {PAIR "[steady]\nmethod = relax\n", "n1", 3e-4, true},
    {PAIR EVOLVE, "a1", 1e-4, false},
    {AMPLITUDE, "n1", 1e-3, true},
    {AMPLITUDE EVOLVE, "n1", 1e-4, false},
};

static void check_problem(const problem *p, const run *exact, const backend_case *c, nl_backend *b)
{
    run r;
    solve_in(&r, p->text, c, b);
    for (int k = 0; k < r.result.n_points; k++)
        if (r.result.outcomes[k].status != NL_POINT_CONVERGED)
            fail_msg("on %s: status %d, distance %g of\n%s", c->name, r.result.outcomes[k].status,
                     r.result.outcomes[k].distance, p->text);
    const double difference = relative_difference(&r, exact, p->observable);
    if (!(difference <= p->tolerance))
        fail_msg("on %s: %s differs by %g > %g, of\n%s", c->name, p->observable, difference, p->tolerance, p->text);
    for (int k = 0; k < r.result.n_points; k++) {
        const nl_outcome *o = &r.result.outcomes[k];
        BETWEEN(fabs(o->norm_error), 0, 1e-3);
        if (p->is_steady)
            BETWEEN(o->residual, 1e-10, r.plan.points[k].tolerance); /* which single precision cannot have exactly */
        if (p->is_steady)
            BETWEEN(o->distance, 0, r.plan.points[k].accuracy);
    }
    run_release(&r);
}

static void test_against_double(void **state)
{
    const backend_case in_double = {"cpu", 1, NL_DOUBLE};
    (void)state;
    for (int k = 0; k < COUNT(problems); k++) {
        nl_backend *b;
        run exact;
        OK(nl_backend_open_cpu(1, &b));
        solve_in(&exact, problems[k].text, &in_double, b);
        for (int p = 0; p < exact.result.n_points; p++)
            if (exact.result.outcomes[p].status != NL_POINT_CONVERGED)
                fail_msg("status %d of\n%s", exact.result.outcomes[p].status, problems[k].text);
        nl_backend_close(b);
        for (int c = 0; c < COUNT(all_precisions); c++) {
            if (all_precisions[c].precision != NL_SINGLE ||
                !open_or_skip(&all_precisions[c], "runs in single precision", &b))
                continue;
            check_problem(&problems[k], &exact, &all_precisions[c], b);
            nl_backend_close(b);
        }
        run_release(&exact);
    }
}

/* What decays slowly is far from its end when its rate of change comes down to rounding: the distance must say so. */
static void test_distance_bounds_the_error(void **state)
{
#define SLOW                                                                                                           \
    "[phase]\nD_p = 0.005\nepsilon_over_r0 = 1\n[laser]\nphi1 = 0\nphi2 = 0\nt_c = 3\n[grid]\nn_c = 96\norder = 8\n"   \
    "[steady]\nmethod = relax\n"
    const backend_case cases[] = {{"cpu", 1, NL_DOUBLE}, {"cpu", 1, NL_SINGLE}};
    run r[2];
    (void)state;
    for (int k = 0; k < 2; k++) {
        nl_backend *b;
        OK(nl_backend_open(cases[k].name, 1, 0, cases[k].precision, &b));
        solve_in(&r[k], SLOW, &cases[k], b);
        nl_backend_close(b);
    }
    const nl_value x = run_value(&r[0], 0, 0, "exp_i_theta21"), y = run_value(&r[1], 0, 0, "exp_i_theta21");
    const double error = hypot(x.re - y.re, x.im - y.im);
    BETWEEN(error, 0, r[1].result.outcomes[0].distance);
    BETWEEN(error, 0, 1e-2);
    run_release(&r[0]);
    run_release(&r[1]);
}

/* ---- what is possible ---- */

static void refuses(const char *text, const char *words)
{
    char all[1200];
    nl_plan plan;
    snprintf(all, sizeof all, "%s[run]\nprecision = single\n", text);
    nl_config config = config_of(all);
    FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, words);
    nl_config_release(&config);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses(PHASE "[steady]\ntolerance = 1e-8\n", "test.ini:11: tolerance = 1e-08 is below what rounding");
    refuses(PHASE "[steady]\ngap = yes\n", "use precision = double");
    refuses(PHASE "[steady]\nmethod = krylov\n", "krylov and rre work in double precision only");
    refuses(PHASE "[steady]\nmethod = rre\n", "krylov and rre work in double precision only");
    refuses(PAIR, "method = relax");
    refuses("[model]\nequation = phase-selfconsistent\n", "mode = evolve");
    char text[1200];
    snprintf(text, sizeof text, PHASE "[integrator]\nrtol = 1e-7\n[run]\nmode = evolve\nprecision = single\n");
    nl_config config = config_of(text);
    nl_plan plan;
    FAILS(nl_plan_new(&config, &plan), NL_ERR_CONFIG, "rtol = 1e-07 is below the rounding");
    nl_config_release(&config);
}

/* Half the memory, tolerances that can be met, and defaults that stand for them. */
static void test_plan(void **state)
{
    run twice, once;
    (void)state;
    run_prepare(&twice, PHASE "[steady]\nmethod = relax\n");
    run_prepare(&once, PHASE "[steady]\nmethod = relax\n[run]\nprecision = single\n");
    CLOSE(nl_plan_point_bytes(&once.plan, 0), nl_plan_point_bytes(&twice.plan, 0) / 2, 1);
    CLOSE(twice.plan.points[0].tolerance, 1e-9, 0);
    BETWEEN(once.plan.points[0].tolerance, 1e-6, 1e-4);
    BETWEEN(once.plan.points[0].accuracy, once.plan.points[0].tolerance, 1e-3);
    run_release(&twice);
    run_release(&once);
    run_prepare(&once, PHASE "[steady]\ntolerance = 1e-2\n[run]\nprecision = single\n");
    CLOSE(once.plan.points[0].tolerance, 1e-2, 0);
    CLOSE(once.plan.points[0].accuracy, 1e-2, 0);
    run_release(&once);
}

/* A backend of the other precision is not what the run asks for. */
static void test_backend_must_fit(void **state)
{
    nl_backend *b;
    run r;
    (void)state;
    run_prepare(&r, PHASE "[run]\nprecision = single\n");
    OK(nl_backend_open_cpu(1, &b));
    FAILS(nl_plan_run(&r.plan, b, &r.result, NULL), NL_ERR_USAGE, "precision");
    nl_backend_close(b);
    run_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_double),
        cmocka_unit_test(test_distance_bounds_the_error),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_backend_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
