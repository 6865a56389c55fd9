/*
 * Runs within a run: points that a method solves on its way to those of the sweep. They come in the same order every
 * time, so what they have computed is kept by their number, and a run that is resumed finds it there.
 */
#include <math.h>
#include <stdlib.h>

#include "nanolase/plan.h"
#include "nanolase/ranks.h"

static const double WORTH_KEEPING = 0.2; /* seconds of work */

typedef struct within {
    const nl_plan *plan;
    nl_result *result;
    const nl_watcher *outer;
    int number;
    double kept, cost; /* when it was kept last, and how long that took */
} within;

static size_t state_length(const within *w, int p)
{
    const nl_point *point = &w->plan->points[p];
    const nl_operator op = w->plan->model->operator_shape(point, point->n);
    return nl_operator_size(&op);
}

static nl_status keep_point(within *w, int p, nl_state *state)
{
    nl_result *r = w->result;
    const size_t values = (size_t)r->n_times * r->n_observables * sizeof(nl_value);
    NL_TRY(nl_state_bytes(state, p, "outcome", &r->outcomes[p], sizeof *r->outcomes));
    NL_TRY(nl_state_bytes(state, p, "values", nl_result_values(r, p, 0), values));
    if (!r->states)
        return NL_OK;
    if (!r->states[p] && !(r->states[p] = malloc(state_length(w, p) * sizeof **r->states)))
        return nl_fail(NL_ERR_MEMORY, "cannot keep a state");
    return nl_state_bytes(state, p, "state", r->states[p], state_length(w, p) * sizeof **r->states);
}

static nl_status keep(void *user, nl_state *state)
{
    within *w = user;
    const int n_points = w->plan->n_points;
    const size_t size = (size_t)n_points * sizeof(bool);
    bool *is_done = malloc(size + 1);
    nl_status status = is_done ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of points");
    for (int p = 0; p < n_points && status == NL_OK; p++)
        is_done[p] = w->result->outcomes[p].status != NL_POINT_PENDING;
    if (status == NL_OK)
        status = nl_state_bytes(state, -1, "done", is_done, size);
    for (int p = 0; p < n_points && status == NL_OK; p++)
        if (is_done[p])
            status = keep_point(w, p, state);
    free(is_done);
    return status;
}

static nl_status keep_now(within *w)
{
    const double begin = nl_store_seconds();
    const nl_status status = nl_store_keep_inner(w->outer->store, w->number, keep, w);
    w->kept = nl_store_seconds();
    w->cost = w->kept - begin;
    return status;
}

/* ---- watching: as from outside, but that saving is our own ---- */

static void on_progress(void *user, const nl_progress *progress)
{
    const within *w = user;
    w->outer->on_progress(w->outer->user, progress);
}

static nl_status on_results(void *user)
{
    within *w = user;
    return nl_store_is_due(w->outer->store, nl_store_seconds() - w->kept, w->cost) ? keep_now(w) : NL_OK;
}

static bool wants_stop(void *user)
{
    const within *w = user;
    return w->outer->wants_stop && w->outer->wants_stop(w->outer->user);
}

static bool wants_abort(void *user)
{
    const within *w = user;
    return w->outer->wants_abort && w->outer->wants_abort(w->outer->user);
}

static nl_status run_kept(within *w, nl_backend *backend, const nl_watcher *inner)
{
    nl_store *store = w->outer->store;
    const double begin = nl_store_seconds();
    bool found;
    w->number = nl_store_next_inner(store);
    NL_TRY(nl_store_restore_inner(store, w->number, keep, w, &found));
    const int done = nl_result_count_done(w->result);
    w->kept = begin;
    NL_TRY(nl_plan_run(w->plan, backend, w->result, inner));
    /* What took no longer than keeping it does is as well computed again. */
    const bool pays = nl_store_is_due(store, INFINITY, 0) && nl_store_seconds() - begin > WORTH_KEEPING;
    return nl_result_count_done(w->result) > done && pays ? keep_now(w) : NL_OK;
}

nl_status nl_plan_run_within(const nl_plan *plan, nl_backend *backend, nl_result *result, const nl_watcher *watcher)
{
    within w = {.plan = plan, .result = result, .outer = watcher};
    const nl_watcher inner = {&w, on_progress, on_results, wants_stop, wants_abort, NULL};
    if (!watcher)
        return nl_plan_run(plan, backend, result, NULL);
    if (!watcher->store || !nl_ranks_is_first())
        return nl_plan_run(plan, backend, result, &inner);
    return run_kept(&w, backend, &inner);
}
