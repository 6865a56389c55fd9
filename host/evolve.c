/* Evolution in time: every member runs to its next saved time with its own steps, and meets it exactly. */
#include <math.h>
#include <stdlib.h>

#include "nanolase/solve.h"

enum { STEPS_UNSEEN = 32 }; /* of a device that steps by itself: enough to hide the latency of looking at it */

typedef struct evolution {
    nl_task *task;
    nl_batch batch;
    int *active, *next; /* next[m]: index of the saved time that member m runs to */
    double *target;
    int *done;
    nl_outcome *outcomes;
    double *changes, *residuals;
} evolution;

static nl_status finish_members(evolution *e, int n_done)
{
    if (n_done == 0)
        return NL_OK;
    NL_TRY(nl_batch_residual(&e->batch, e->done, n_done, e->changes, e->residuals));
    for (int a = 0; a < n_done; a++) {
        const nl_member *member = &e->batch.members[e->done[a]];
        e->outcomes[a] = (nl_outcome){.status = member->grew     ? NL_POINT_GREW
                                                : member->failed ? NL_POINT_FAILED
                                                                 : NL_POINT_CONVERGED,
                                      .residual = e->residuals[a],
                                      .distance = NAN,
                                      .model_time = member->t,
                                      .steps = member->steps,
                                      .rejected = member->rejected,
                                      .rhs = member->applications,
                                      .work = (double)member->applications};
    }
    return nl_task_record(e->task, &e->batch, e->done, n_done, e->outcomes, -1);
}

/* Now and then, or after each run of up to `most` steps, and before values are recorded: states that have grown are
 * found before they stop being finite. */
static nl_status look_at_members(evolution *e, int n_active, int most)
{
    const int every = 16; /* steps: a small part of their cost */
    int n_due = 0;
    for (int a = 0; a < n_active; a++) {
        const nl_member *member = &e->batch.members[e->active[a]];
        if (most > 1 || member->steps % every == 0 || member->t == e->task->result->times[e->next[e->active[a]]])
            e->done[n_due++] = e->active[a];
    }
    return nl_batch_check_growth(&e->batch, e->done, n_due);
}

/* After a step: records members at their saved time, and drops those at the last one or failed. */
static nl_status sort_members(evolution *e, int *n_active)
{
    const nl_result *result = e->task->result;
    int n_left = 0, n_done = 0;
    for (int a = 0; a < *n_active; a++) {
        const int m = e->active[a];
        const nl_member *member = &e->batch.members[m];
        if (member->t == result->times[e->next[m]] && !member->failed)
            NL_TRY(nl_task_record(e->task, &e->batch, &m, 1, NULL, e->next[m]++));
        if (member->failed || e->next[m] == result->n_times)
            e->done[n_done++] = m;
        else
            e->active[n_left++] = m;
    }
    *n_active = n_left;
    return finish_members(e, n_done);
}

static void tell_progress(evolution *e, int n_active)
{
    const nl_member *first = &e->batch.members[e->active[0]];
    const nl_progress progress = {.members = n_active, .size_name = e->batch.model->size_name, .n = e->batch.n,
                                  .t = first->t, .h = first->h, .residual = NAN};
    nl_task_progress(e->task, &progress);
}

/* Failed members are done, and were recorded as such: all that are open go on. */
static nl_status keep(void *user, nl_state *state)
{
    evolution *e = user;
    for (int m = 0; m < e->task->count; m++) {
        if (!nl_task_is_open(e->task, m))
            continue;
        NL_TRY(nl_state_bytes(state, e->task->index[m], "next", &e->next[m], sizeof e->next[m]));
        NL_TRY(nl_batch_keep(&e->batch, m, 0, state, e->task->index[m], "member"));
    }
    return NL_OK;
}

static nl_status begin(evolution *e)
{
    nl_task *task = e->task;
    for (int m = 0; m < task->count; m++) {
        e->active[m] = m;
        e->next[m] = 1;
    }
    if (task->restored)
        return nl_task_restore(task, keep, e);
    NL_TRY(nl_batch_set_initial(&e->batch, task->config->run_initial, 0, task->count));
    return nl_task_record(task, &e->batch, e->active, task->count, NULL, 0);
}

static nl_status run_to_end(evolution *e)
{
    nl_task *task = e->task;
    const nl_point *options = &task->points[0]; /* the same for all, see plan_run.c */
    const int most = nl_batch_advances(&e->batch) ? STEPS_UNSEEN : 1;
    int n_active = task->count;
    NL_TRY(begin(e));
    while (n_active > 0 && !nl_task_is_aborted(task)) {
        NL_TRY(nl_task_keep(task, keep, e));
        tell_progress(e, n_active);
        for (int a = 0; a < n_active; a++)
            e->target[a] = task->result->times[e->next[e->active[a]]];
        NL_TRY(nl_batch_advance(&e->batch, e->active, n_active, options->rtol, options->atol, e->target, most));
        NL_TRY(look_at_members(e, n_active, most));
        NL_TRY(sort_members(e, &n_active));
    }
    return n_active > 0 ? nl_task_keep(task, keep, e) : NL_OK;
}

nl_status nl_evolve(nl_task *task)
{
    const size_t count = (size_t)task->count;
    evolution e = {.task = task};
    e.active = calloc(count, sizeof *e.active);
    e.next = calloc(count, sizeof *e.next);
    e.done = calloc(count, sizeof *e.done);
    e.outcomes = calloc(count, sizeof *e.outcomes);
    e.target = calloc(count, sizeof *e.target);
    e.changes = calloc(count, sizeof *e.changes);
    e.residuals = calloc(count, sizeof *e.residuals);
    nl_status status = NL_OK;
    if (!e.active || !e.next || !e.done || !e.outcomes || !e.target || !e.changes || !e.residuals)
        status = nl_fail(NL_ERR_MEMORY, "cannot allocate the evolution of %d points", task->count);
    if (status == NL_OK)
        status = nl_batch_new(task->backend, task->model, task->points, task->count, task->points[0].n, task->tableau,
                              0, &e.batch);
    if (status == NL_OK)
        status = run_to_end(&e);
    nl_batch_release(&e.batch);
    free(e.active);
    free(e.next);
    free(e.done);
    free(e.outcomes);
    free(e.target);
    free(e.changes);
    free(e.residuals);
    return status;
}
