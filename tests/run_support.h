/* Whole runs from an ini text, as the program makes them. */
#ifndef NL_TEST_RUN_SUPPORT_H
#define NL_TEST_RUN_SUPPORT_H

#include "nanolase.h"
#include "support.h"

typedef struct run {
    nl_config config;
    nl_plan plan;
    nl_result result;
} run;

/* Checked and discretised, nothing solved yet. Fill in place: plan and result point at the config. */
UNUSED static void run_prepare(run *r, const char *text)
{
    r->config = config_of(text);
    OK(nl_plan_new(&r->config, &r->plan));
    OK(nl_plan_new_result(&r->plan, &r->result));
}

UNUSED static void run_release(run *r)
{
    nl_result_release(&r->result);
    nl_plan_release(&r->plan);
    nl_config_release(&r->config);
}

UNUSED static void run_solve(run *r, nl_backend *backend, const nl_watcher *watcher)
{
    OK(nl_plan_run(&r->plan, backend, &r->result, watcher));
}

/* On one CPU thread, from text to result. */
UNUSED static void run_text(run *r, const char *text)
{
    nl_backend *backend;
    run_prepare(r, text);
    OK(nl_backend_open_cpu(1, &backend));
    run_solve(r, backend, NULL);
    nl_backend_close(backend);
}

UNUSED static nl_value run_value(const run *r, int point, int time, const char *name)
{
    nl_value value = {NAN, NAN};
    OK(nl_result_value(&r->result, name, point, time, &value));
    return value;
}

/* Every point has this status. */
UNUSED static void run_expect(const run *r, nl_point_status status)
{
    for (int p = 0; p < r->result.n_points; p++)
        assert_int_equal(r->result.outcomes[p].status, status);
}

/* Largest difference between all values of two runs of one shape. */
UNUSED static double run_difference(const run *a, const run *b)
{
    const size_t count = 2 * (size_t)a->result.n_points * a->result.n_times * a->result.n_observables;
    const double *x = (const double *)a->result.values, *y = (const double *)b->result.values;
    double most = 0;
    for (size_t k = 0; k < count; k++)
        most = isnan(x[k] - y[k]) ? INFINITY : fmax(most, fabs(x[k] - y[k]));
    return most;
}

/* Solves the points `first` to `last` of the plan as one batch. */
UNUSED static void solve_together(run *r, nl_backend *backend, int first, int last, nl_status (*method)(nl_task *))
{
    int index[8];
    for (int p = first; p <= last; p++)
        index[p - first] = p;
    nl_task task = {.backend = backend, .model = r->plan.model, .config = &r->config,
                    .tableau = r->plan.tableaux[first], .points = r->plan.points + first, .index = index,
                    .count = last - first + 1, .result = &r->result};
    OK(method(&task));
}

#endif
