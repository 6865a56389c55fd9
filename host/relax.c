/*
 * Steady states by time evolution. The grid is refined in steps: each coarse solution costs little, and the next grid
 * starts from the Richardson combination of those before it, so that only what it alone resolves is left to relax.
 * On the way to a steady state the time accuracy of the path is of no value: steps run at the stability bound, and the
 * error estimate serves to catch growth.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "grid_sequence.h"
#include "nanolase/arnoldi.h"
#include "nanolase/extrapolate.h"
#include "relax_monitor.h"

/* In steps; a Chebyshev step does the work of tens. */
typedef struct pace {
    int check;                             /* between looks at the residual */
    long first_interval, longest_interval; /* between snapshots */
    long stall;                            /* without progress, after which a member has stalled */
} pace;

static const pace PAIR_PACE = {10, 20, 20000, 5000}, CHEBYSHEV_PACE = {2, 4, 2000, 100};
static const double RELAX_RTOL = 1e-2, RELAX_ATOL = 1e-4;

/* One member's snapshots for extrapolation: a window of NL_SNAPSHOTS states, `interval` steps apart. */
typedef struct window {
    int count;         /* snapshots taken */
    long interval;     /* steps */
    long next;         /* step at which the next is due */
    double t, spacing; /* of the last snapshot; time between snapshots */
    double t_first, r_first;
    double r_before;   /* residual just before the last extrapolation; 0: none yet */
} window;

typedef struct relaxation {
    nl_task *task;
    pace pace;
    nl_grid_sequence grids;
    nl_monitor *monitors;
    window *windows;
    bool extrapolates;
    int level;   /* at work */
    int *active; /* members still going on it, */
    int n_active;
    int *done, *full, *number;
    nl_outcome *outcomes;
    double *changes, *residuals;
} relaxation;

int nl_solve_extra_registers(const nl_config *config)
{
    if (config->run_mode != NL_MODE_STEADY || config->steady_method == NL_STEADY_RELAX ||
        config->run_precision == NL_SINGLE) /* differences of its snapshots would be rounding */
        return 0;
    return config->steady_method == NL_STEADY_KRYLOV ? NL_ARNOLDI_REGISTERS : NL_SNAPSHOTS;
}

/* ---- one grid ---- */

static nl_status start_level(relaxation *r, int level)
{
    NL_TRY(nl_grid_sequence_start(&r->grids, level, nl_solve_extra_registers(r->task->config)));
    for (int m = 0; m < r->task->count; m++) {
        r->windows[m] = (window){.interval = r->pace.first_interval, .next = r->grids.level[level].members[m].steps};
        r->monitors[m] = (nl_monitor){.coarse_decay = nl_monitor_decay_rate(&r->monitors[m]), .best = INFINITY};
    }
    return NL_OK;
}

/* Takes members that are done out of the list; on the finest grid enters them into the result. */
static nl_status retire(relaxation *r)
{
    nl_task *task = r->task;
    nl_batch *batch = &r->grids.level[r->level];
    int n_done = 0, n_left = 0;
    for (int a = 0; a < r->n_active; a++) {
        const int m = r->active[a];
        nl_member *member = &batch->members[m];
        const nl_point_status status = nl_monitor_judge(&r->monitors[m], member, &task->points[m], r->pace.stall);
        if (status == NL_POINT_PENDING) {
            nl_monitor_settle(&r->monitors[m], member, &task->points[m]);
            r->active[n_left++] = m;
            continue;
        }
        member->failed = status == NL_POINT_FAILED || status == NL_POINT_GREW;
        r->outcomes[n_done] =
            nl_monitor_outcome(&r->monitors[m], member, status, r->grids.work[m] / (double)batch->pool.size);
        r->done[n_done++] = m;
    }
    r->n_active = n_left;
    return r->level == 0 && n_done > 0 ? nl_task_record(task, batch, r->done, n_done, r->outcomes, 0) : NL_OK;
}

/* ---- extrapolation ---- */

/* Before a window's first snapshot: twice as long a window where the last extrapolation gained little. */
static void open_window(window *w, const nl_monitor *m, long longest)
{
    if (w->r_before > 0 && m->change > 0.3 * w->r_before && w->interval < longest)
        w->interval *= 2;
}

/* Takes note of a snapshot; true where the window is complete. Snapshots must be equally far apart in time. */
static bool note_snapshot(window *w, nl_monitor *m, const nl_member *member, long longest)
{
    const double spacing = member->t - w->t;
    if (w->count > 1 && fabs(spacing - w->spacing) > 1e-9 * spacing)
        w->count = 0;
    if (w->count == 0) {
        open_window(w, m, longest);
        w->t_first = member->t;
        w->r_first = m->change;
    }
    w->spacing = spacing;
    w->t = member->t;
    w->next = member->steps + w->interval;
    w->count++;
    if (w->count < NL_SNAPSHOTS)
        return false;
    const double decay = log(w->r_first / m->change) / (member->t - w->t_first);
    /* The first window of a grid sees what dies fast; later ones the slow modes. */
    if (w->r_before > 0 && decay > 0)
        m->decay = m->decay > 0 ? fmin(m->decay, decay) : decay;
    w->r_before = m->change;
    w->count = 0;
    return true;
}

static nl_status take_snapshots(relaxation *r, nl_batch *batch)
{
    int n_due = 0, n_full = 0;
    for (int a = 0; a < r->n_active; a++) {
        const int m = r->active[a];
        if (batch->members[m].steps < r->windows[m].next)
            continue;
        const bool full = note_snapshot(&r->windows[m], &r->monitors[m], &batch->members[m],
                                        r->pace.longest_interval);
        r->number[n_due] = full ? NL_SNAPSHOTS - 1 : r->windows[m].count - 1;
        r->done[n_due++] = m;
        if (full)
            r->full[n_full++] = m;
    }
    NL_TRY(nl_extrapolate_keep(batch, r->done, n_due, r->number));
    return n_full > 0 ? nl_extrapolate(batch, r->full, n_full) : NL_OK;
}

static nl_status check_members(relaxation *r)
{
    nl_batch *batch = &r->grids.level[r->level];
    NL_TRY(nl_batch_residual(batch, r->active, r->n_active, r->changes, r->residuals));
    for (int a = 0; a < r->n_active; a++)
        nl_monitor_observe(&r->monitors[r->active[a]], &batch->members[r->active[a]], r->changes[a], r->residuals[a],
                           nl_backend_epsilon(batch->backend) == DBL_EPSILON, r->extrapolates);
    const nl_member *first = &batch->members[r->active[0]];
    const nl_progress progress = {.members = r->n_active, .size_name = batch->model->size_name, .n = batch->n,
                                  .t = first->t, .h = first->h, .residual = r->monitors[r->active[0]].residual};
    NL_TRY(retire(r));
    if (r->extrapolates)
        NL_TRY(take_snapshots(r, batch));
    nl_task_progress(r->task, &progress);
    return NL_OK;
}

/* ---- keeping ---- */

static bool is_active(const relaxation *r, int member)
{
    for (int a = 0; a < r->n_active; a++)
        if (r->active[a] == member)
            return true;
    return false;
}

static nl_status keep_member(relaxation *r, int m, bool *active, nl_state *state)
{
    const int point = r->task->index[m];
    NL_TRY(nl_state_bytes(state, point, "active", active, sizeof *active));
    NL_TRY(nl_state_bytes(state, point, "monitor", &r->monitors[m], sizeof r->monitors[m]));
    NL_TRY(nl_state_bytes(state, point, "window", &r->windows[m], sizeof r->windows[m]));
    return nl_batch_keep(&r->grids.level[r->level], m, r->windows[m].count, state, point, "member");
}

static nl_status keep(void *user, nl_state *state)
{
    relaxation *r = user;
    const bool restored = nl_state_is_restored(state);
    int n_active = 0;
    NL_TRY(nl_state_bytes(state, -1, "level", &r->level, sizeof r->level));
    NL_TRY(nl_grid_sequence_keep(&r->grids, r->level, nl_solve_extra_registers(r->task->config), state));
    for (int m = 0; m < r->task->count; m++) {
        if (!nl_task_is_open(r->task, m))
            continue;
        bool active = !restored && is_active(r, m);
        NL_TRY(keep_member(r, m, &active, state));
        if (restored && active)
            r->active[n_active++] = m;
    }
    if (restored)
        r->n_active = n_active;
    return NL_OK;
}

/* ---- the sequence of grids ---- */

static nl_status relax_level(relaxation *r)
{
    while (r->n_active > 0 && !nl_task_is_aborted(r->task)) {
        NL_TRY(nl_task_keep(r->task, keep, r));
        NL_TRY(nl_batch_advance(&r->grids.level[r->level], r->active, r->n_active, RELAX_RTOL, RELAX_ATOL, NULL,
                                r->pace.check));
        NL_TRY(check_members(r));
    }
    return r->n_active > 0 ? nl_task_keep(r->task, keep, r) : NL_OK;
}

static nl_status run_levels(relaxation *r)
{
    if (r->task->restored) {
        NL_TRY(nl_task_restore(r->task, keep, r));
        NL_TRY(relax_level(r));
        r->level--;
    }
    for (; r->level >= 0 && !nl_task_is_aborted(r->task); r->level--) {
        NL_TRY(start_level(r, r->level));
        r->n_active = r->task->count;
        for (int m = 0; m < r->n_active; m++)
            r->active[m] = m;
        NL_TRY(check_members(r));
        NL_TRY(relax_level(r));
    }
    return NL_OK;
}

nl_status nl_relax(nl_task *task)
{
    relaxation r = {.task = task, .extrapolates = nl_solve_extra_registers(task->config) > 0,
                    .pace = task->tableau->chebyshev ? CHEBYSHEV_PACE : PAIR_PACE};
    const int count = task->count;
    r.level = task->points[0].levels - 1;
    nl_status status = NL_OK;
    r.monitors = calloc((size_t)count, sizeof *r.monitors);
    r.active = calloc((size_t)count, sizeof *r.active);
    r.done = calloc((size_t)count, sizeof *r.done);
    r.full = calloc((size_t)count, sizeof *r.full);
    r.number = calloc((size_t)count, sizeof *r.number);
    r.windows = calloc((size_t)count, sizeof *r.windows);
    r.outcomes = calloc((size_t)count, sizeof *r.outcomes);
    r.changes = calloc((size_t)count, sizeof *r.changes);
    r.residuals = calloc((size_t)count, sizeof *r.residuals);
    if (!r.monitors || !r.active || !r.done || !r.full || !r.number || !r.windows || !r.outcomes || !r.changes ||
        !r.residuals)
        status = nl_fail(NL_ERR_MEMORY, "cannot allocate the relaxation of %d points", count);
    if (status == NL_OK)
        status = nl_grid_sequence_new(task, &r.grids);
    if (status == NL_OK)
        status = run_levels(&r);
    nl_grid_sequence_release(&r.grids);
    free(r.monitors);
    free(r.active);
    free(r.done);
    free(r.full);
    free(r.number);
    free(r.windows);
    free(r.outcomes);
    free(r.changes);
    free(r.residuals);
    return status;
}
