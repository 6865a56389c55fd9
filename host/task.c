/* What the methods have in common: entering results, telling progress, being stopped. */
#include <stdlib.h>

#include "nanolase/krylov.h"
#include "nanolase/ranks.h"
#include "nanolase/sensitivity.h"

/* Of phases means err by 1e-3 to 3e-3 where this much is negative, on grids of any order, and soon after by
 * anything. */
static const double MOST_NEGATIVE = 0.2;

static void enter(nl_task *task, int id, double value, int point)
{
    nl_value *values = nl_result_values(task->result, point, 0);
    for (int k = 0; k < task->result->n_observables; k++)
        if (task->result->observables[k]->id == id)
            values[k] = (nl_value){value, 0};
}

/* A point of which the gap or the sensitivity was asked is done when that is found, too. */
static void add(nl_point_status status, long applications, nl_outcome *to)
{
    to->rhs += applications;
    to->work += (double)applications;
    if (to->status == NL_POINT_CONVERGED)
        to->status = status;
}

static void add_gap(nl_task *task, const nl_gap *gap, int point)
{
    enter(task, NL_GAP_RE, gap->re, point);
    enter(task, NL_GAP_IM, gap->im, point);
    const bool is_plain = gap->status == NL_POINT_CONVERGED || gap->status == NL_POINT_PENDING;
    add(is_plain ? gap->status : NL_POINT_NO_GAP, gap->applications, &task->result->outcomes[point]);
}

static void add_sensitivity(nl_task *task, const nl_sensitivity *found, int point)
{
    enter(task, NL_SLOPE, found->slope, point);
    enter(task, NL_UNCERTAINTY, found->uncertainty, point);
    add(found->status, found->applications, &task->result->outcomes[point]);
}

/* What became of a member; beside what is known from its state, which stands in the result already. */
static void record_outcome(nl_task *task, int member, const nl_outcome *outcome, const nl_sensitivity *found)
{
    const int point = task->index[member];
    nl_outcome *to = &task->result->outcomes[point];
    const nl_outcome before = *to;
    *to = *outcome;
    to->norm_error = before.norm_error;
    to->negativity = before.negativity;
    to->leaks = before.leaks;
    to->rank = nl_ranks_now().rank;
    if (task->gaps)
        add_gap(task, &task->gaps[member], point);
    if (found)
        add_sensitivity(task, found, point);
    if (task->spent) {
        to->rhs += task->spent[member].rhs;
        to->work += task->spent[member].work;
    }
    if (to->leaks && to->status == NL_POINT_CONVERGED)
        to->status = NL_POINT_LEAKED;
    if (task->config->run_mode == NL_MODE_STEADY && to->negativity > MOST_NEGATIVE &&
        to->status == NL_POINT_CONVERGED)
        to->status = NL_POINT_UNRESOLVED;
}

/* Values of members' states for time index `time`. */
static nl_status record_values(nl_task *task, nl_batch *batch, const int *active, int n_active, int time)
{
    int *point = malloc((size_t)n_active * sizeof *point + 1);
    if (!point)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a list of points");
    for (int a = 0; a < n_active; a++)
        point[a] = task->index[active[a]];
    const nl_status status = nl_result_record(task->result, batch, active, n_active, point, time);
    free(point);
    return status;
}

static nl_status record(nl_task *task, nl_batch *batch, const int *active, int n_active, const nl_outcome *outcome,
                        const nl_sensitivity *found, int time)
{
    if (time >= 0)
        NL_TRY(record_values(task, batch, active, n_active, time));
    for (int a = 0; a < n_active && outcome; a++)
        record_outcome(task, active[a], &outcome[a], found ? &found[a] : NULL);
    return outcome && task->watcher ? task->watcher->on_results(task->watcher->user) : NL_OK;
}

nl_status nl_task_record(nl_task *task, nl_batch *batch, const int *active, int n_active, const nl_outcome *outcome,
                         int time)
{
    nl_sensitivity *found = NULL;
    nl_status status = NL_OK;
    if (outcome && task->config->steady_sensitivity) {
        found = calloc((size_t)n_active + 1, sizeof *found);
        status = found ? nl_sensitivities(task, batch, active, n_active, outcome, found)
                       : nl_fail(NL_ERR_MEMORY, "cannot allocate the sensitivities of %d points", n_active);
    }
    /* A watcher that saves must see points whole, and only one thread may save. */
#pragma omp critical(nl_watch)
    if (status == NL_OK)
        status = record(task, batch, active, n_active, outcome, found, time);
    free(found);
    return status;
}

void nl_task_progress(nl_task *task, const nl_progress *progress)
{
    if (!task->watcher)
        return;
#pragma omp critical(nl_watch)
    task->watcher->on_progress(task->watcher->user, progress);
}

bool nl_watcher_wants_stop(const nl_watcher *watcher, const nl_backend *backend)
{
    const bool mine = watcher && watcher->wants_stop && watcher->wants_stop(watcher->user);
    return backend->sharing == NL_SHARE_NOTHING ? mine : nl_ranks_any(mine);
}

bool nl_task_is_aborted(const nl_task *task)
{
    const nl_watcher *w = task->watcher;
    const bool mine = w && w->wants_abort && w->wants_abort(w->user);
    return task->backend->sharing == NL_SHARE_GRIDS ? nl_ranks_any(mine) : mine;
}
