#include "inner_run.h"

#include <math.h>
#include <stdlib.h>

#include "nanolase/ranks.h"

static const double WORTH_KEEPING = 0.2; /* seconds of work */

typedef struct keeping {
    const nl_plan *plan;
    nl_result *result;
    const nl_watcher *outer;
    int number;
    double kept, cost; /* when it was kept last, and how long that took */
} keeping;

nl_status nl_inner_run_new(const nl_outer_run *outer, const nl_model *model, int n_points, nl_inner_run *out)
{
    *out = (nl_inner_run){.config = *outer->plan->config};
    out->config.output_fields = false;
    out->plan = (nl_plan){.config = &out->config, .model = model, .n_points = n_points};
    out->plan.points = calloc((size_t)n_points, sizeof *out->plan.points);
    out->plan.tableaux = calloc((size_t)n_points, sizeof *out->plan.tableaux);
    return out->plan.points && out->plan.tableaux ? NL_OK
                                                  : nl_fail(NL_ERR_MEMORY, "cannot allocate %d points", n_points);
}

nl_status nl_inner_run_prepare(nl_inner_run *inner, bool keeps_states)
{
    nl_result *result = &inner->result;
    NL_TRY(nl_plan_new_result(&inner->plan, result));
    if (keeps_states && !(result->states = calloc((size_t)result->n_points, sizeof *result->states)))
        return nl_fail(NL_ERR_MEMORY, "cannot allocate %d states", result->n_points);
    return NL_OK;
}

void nl_inner_run_release(nl_inner_run *inner)
{
    nl_result_release(&inner->result);
    nl_plan_release(&inner->plan);
}

/* ---- keeping ---- */

static size_t state_length(const keeping *k, int p)
{
    const nl_point *point = &k->plan->points[p];
    const nl_operator op = k->plan->model->operator_shape(point, point->n);
    return nl_operator_size(&op);
}

static nl_status keep_point(keeping *k, int p, nl_state *state)
{
    nl_result *r = k->result;
    const size_t values = (size_t)r->n_times * r->n_observables * sizeof(nl_value);
    NL_TRY(nl_state_bytes(state, p, "outcome", &r->outcomes[p], sizeof *r->outcomes));
    NL_TRY(nl_state_bytes(state, p, "values", nl_result_values(r, p, 0), values));
    if (!r->states)
        return NL_OK;
    if (!r->states[p] && !(r->states[p] = malloc(state_length(k, p) * sizeof **r->states)))
        return nl_fail(NL_ERR_MEMORY, "cannot keep a state");
    return nl_state_bytes(state, p, "state", r->states[p], state_length(k, p) * sizeof **r->states);
}

static nl_status keep(void *user, nl_state *state)
{
    keeping *k = user;
    const int n_points = k->plan->n_points;
    const size_t size = (size_t)n_points * sizeof(bool);
    bool *is_done = malloc(size + 1);
    nl_status status = is_done ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of points");
    for (int p = 0; p < n_points && status == NL_OK; p++)
        is_done[p] = k->result->outcomes[p].status != NL_POINT_PENDING;
    if (status == NL_OK)
        status = nl_state_bytes(state, -1, "done", is_done, size);
    for (int p = 0; p < n_points && status == NL_OK; p++)
        if (is_done[p])
            status = keep_point(k, p, state);
    free(is_done);
    return status;
}

static nl_status keep_now(keeping *k)
{
    const double begin = nl_store_seconds();
    const nl_status status = nl_store_keep_inner(k->outer->store, k->number, keep, k);
    k->kept = nl_store_seconds();
    k->cost = k->kept - begin;
    return status;
}

/* ---- watching: as from outside, but that saving is our own ---- */

static void on_progress(void *user, const nl_progress *progress)
{
    const keeping *k = user;
    k->outer->on_progress(k->outer->user, progress);
}

static nl_status on_results(void *user)
{
    keeping *k = user;
    return nl_store_is_due(k->outer->store, nl_store_seconds() - k->kept, k->cost) ? keep_now(k) : NL_OK;
}

static bool wants_stop(void *user)
{
    const keeping *k = user;
    return k->outer->wants_stop && k->outer->wants_stop(k->outer->user);
}

static bool wants_abort(void *user)
{
    const keeping *k = user;
    return k->outer->wants_abort && k->outer->wants_abort(k->outer->user);
}

static nl_status run_kept(keeping *k, nl_backend *backend, const nl_watcher *inner)
{
    nl_store *store = k->outer->store;
    const double begin = nl_store_seconds();
    bool found;
    k->number = nl_store_next_inner(store);
    NL_TRY(nl_store_restore_inner(store, k->number, keep, k, &found));
    const int done = nl_result_count_done(k->result);
    k->kept = begin;
    NL_TRY(nl_plan_run(k->plan, backend, k->result, inner));
    /* What took no longer than keeping it does is as well computed again. */
    const bool pays = nl_store_is_due(store, INFINITY, 0) && nl_store_seconds() - begin > WORTH_KEEPING;
    return nl_result_count_done(k->result) > done && pays ? keep_now(k) : NL_OK;
}

nl_status nl_inner_run_solve(nl_inner_run *inner, const nl_outer_run *outer)
{
    const nl_watcher *watcher = outer->watcher;
    keeping k = {.plan = &inner->plan, .result = &inner->result, .outer = watcher};
    const nl_watcher within = {&k, on_progress, on_results, wants_stop, wants_abort, NULL};
    if (!watcher)
        return nl_plan_run(&inner->plan, outer->backend, &inner->result, NULL);
    if (!watcher->store || !nl_ranks_is_first())
        return nl_plan_run(&inner->plan, outer->backend, &inner->result, &within);
    return run_kept(&k, outer->backend, &within);
}
