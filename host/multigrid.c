/*
 * Steady states by multigrid cycles.
 *
 * A cycle is a linear map with the steady state as its fixed point, so the last few iterates are extrapolated to their
 * limit as those of a time evolution are; modes that the cycle alone would let grow are held down by that. Where it
 * does not converge all the same, time evolution takes over, and what is marked as converged has passed its test.
 */
#include <math.h>
#include <stdlib.h>

#include "hierarchy.h"
#include "nanolase/extrapolate.h"
#include "nanolase/krylov.h"
#include "nanolase/solve.h"

/* Cycles without the residual falling to half, after which they are given up; and in all. */
enum { STALL = 12, MOST_CYCLES = 200 };

typedef struct monitor {
    double residual;  /* |L y|_1/|y|_1 */
    double previous;  /* before the last cycle; INFINITY before the first */
    double best;
    double correction; /* |change of y|_1/|y|_1 by the last cycle */
    double floor;      /* what rounding leaves of a residual */
    int cycles, best_cycle;
    int snapshots;     /* kept for extrapolation */
} monitor;

typedef struct solution {
    nl_task *task;
    nl_batch batch;
    nl_hierarchy hierarchy;
    monitor *monitors;
    int *active, *done, *given_up, *number, *full;
    int n_given_up;
    nl_outcome *outcomes;
    double *residuals, *work;
} solution;

double nl_multigrid_bytes(const nl_model *model, const nl_point *point, size_t real_size)
{
    const nl_operator op = model->operator_shape(point, point->n);
    const int registers = nl_batch_registers(nl_tableau_smoother()) + NL_SNAPSHOTS;
    return real_size * ((double)nl_operator_size(&op) * registers + (double)op.table_len) +
           nl_hierarchy_bytes(point, real_size);
}

/* ---- one member's convergence ---- */

/* From the last correction and the ratio at which they shrink. */
static double distance(const monitor *m)
{
    const double ratio = m->residual / m->previous;
    if (m->cycles > 0 && m->residual < m->floor) /* corrections are rounding, too, and shrink no more */
        return fmax(m->residual, m->correction);
    return m->cycles > 0 && ratio < 0.9 ? m->correction * ratio / (1 - ratio) : INFINITY;
}

/* No method gets further. */
static bool is_at_rounding(const monitor *m)
{
    return m->residual < 100 * m->floor;
}

static nl_point_status judge(const monitor *m, const nl_point *point)
{
    if (!isfinite(m->residual))
        return NL_POINT_FAILED;
    if (m->residual <= point->tolerance && distance(m) <= point->accuracy)
        return NL_POINT_CONVERGED;
    if (m->cycles - m->best_cycle >= STALL || m->cycles >= MOST_CYCLES)
        return m->residual <= point->tolerance && is_at_rounding(m) && m->correction <= point->accuracy
                   ? NL_POINT_CONVERGED
                   : NL_POINT_STALLED;
    return NL_POINT_PENDING;
}

static nl_outcome outcome_of(const solution *s, int member, nl_point_status status)
{
    const monitor *m = &s->monitors[member];
    const nl_member *at = &s->batch.members[member];
    const double coarse = (double)s->hierarchy.coarse_points[member] / (double)s->batch.pool.size;
    return (nl_outcome){.status = status,
                        .residual = m->residual,
                        .distance = distance(m),
                        .decay_rate = m->residual / distance(m),
                        .steps = at->steps,
                        .rhs = at->applications,
                        .work = coarse + (double)at->applications};
}

/* ---- all members ---- */

/* Takes members that are done out of the list and into the result; those given up, out of it only. */
static nl_status retire(solution *s, int *n_active)
{
    int n_done = 0, n_left = 0;
    for (int a = 0; a < *n_active; a++) {
        const int m = s->active[a];
        const nl_point_status status = judge(&s->monitors[m], &s->task->points[m]);
        if (status == NL_POINT_PENDING) {
            s->active[n_left++] = m;
        } else if (status == NL_POINT_CONVERGED || is_at_rounding(&s->monitors[m])) {
            s->outcomes[n_done] = outcome_of(s, m, status);
            s->done[n_done++] = m;
        } else {
            s->given_up[s->n_given_up++] = m;
        }
    }
    *n_active = n_left;
    return n_done > 0 ? nl_task_record(s->task, &s->batch, s->done, n_done, s->outcomes, 0) : NL_OK;
}

static nl_status check_members(solution *s, int *n_active)
{
    NL_TRY(nl_batch_residual(&s->batch, s->active, *n_active, s->residuals, s->work));
    for (int a = 0; a < *n_active; a++) {
        monitor *m = &s->monitors[s->active[a]];
        m->previous = m->residual;
        m->residual = s->residuals[a];
        if (!(m->residual > 0.5 * m->best)) {
            m->best = m->residual;
            m->best_cycle = m->cycles;
        }
    }
    const nl_progress progress = {.members = *n_active, .size_name = s->batch.model->size_name, .n = s->batch.n,
                                  .t = NAN, .h = NAN, .cycles = s->monitors[s->active[0]].cycles,
                                  .residual = s->monitors[s->active[0]].residual};
    nl_task_progress(s->task, &progress);
    return retire(s, n_active);
}

/* Interpolation keeps the integral only nearly. */
static nl_status normalise(solution *s, int n_active)
{
    nl_batch *batch = &s->batch;
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = s->active[a], .in = {batch->members[s->active[a]].y}};
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_active, batch->errors));
    for (int a = 0; a < n_active; a++) {
        nl_job *job = &batch->jobs[a];
        const double cell = nl_phase_cell(&batch->points[job->slot].phase, batch->n);
        *job = (nl_job){.slot = job->slot, .n_terms = 1, .in = {job->in[0]}, .out = job->in[0],
                        .c = {1 / (cell * batch->errors[2 * a])}};
    }
    return batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_active);
}

/* How far the cycle has moved each member from its last snapshot. */
static nl_status measure_corrections(solution *s, int n_active)
{
    nl_batch *batch = &s->batch;
    double *sums = batch->errors;
    for (int a = 0; a < n_active; a++) {
        const nl_member *m = &batch->members[s->active[a]];
        batch->jobs[a] = (nl_job){.slot = s->active[a], .n_terms = 2, .in = {m->y, batch->first_extra + s->number[a]},
                                  .c = {1, -1}, .out = m->k[1]};
    }
    NL_TRY(batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_active));
    for (int a = 0; a < n_active; a++)
        batch->jobs[a].in[0] = batch->jobs[a].out;
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++)
        s->monitors[s->active[a]].correction = sums[2 * a + 1];
    for (int a = 0; a < n_active; a++)
        batch->jobs[a].in[0] = batch->members[s->active[a]].y;
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++)
        s->monitors[s->active[a]].correction /= sums[2 * a + 1];
    return NL_OK;
}

/* Members whose window of snapshots the last cycle has filled are extrapolated, and start another. */
static nl_status extrapolate_full(solution *s, int n_active)
{
    int n_full = 0;
    for (int a = 0; a < n_active; a++) {
        monitor *m = &s->monitors[s->active[a]];
        if (m->snapshots < NL_SNAPSHOTS - 1)
            continue;
        s->number[n_full] = NL_SNAPSHOTS - 1;
        s->full[n_full++] = s->active[a];
        m->snapshots = 0;
    }
    if (n_full == 0)
        return NL_OK;
    NL_TRY(nl_extrapolate_keep(&s->batch, s->full, n_full, s->number));
    return nl_extrapolate(&s->batch, s->full, n_full);
}

static nl_status cycle_members(solution *s, int n_active)
{
    for (int a = 0; a < n_active; a++)
        s->number[a] = s->monitors[s->active[a]].snapshots++;
    NL_TRY(nl_extrapolate_keep(&s->batch, s->active, n_active, s->number));
    NL_TRY(nl_hierarchy_cycle(&s->hierarchy, s->active, n_active));
    for (int a = 0; a < n_active; a++)
        s->monitors[s->active[a]].cycles++;
    NL_TRY(normalise(s, n_active));
    NL_TRY(measure_corrections(s, n_active));
    return extrapolate_full(s, n_active);
}

static nl_status run_cycles(solution *s)
{
    int n_active = s->batch.n_members;
    for (int m = 0; m < n_active; m++) {
        s->active[m] = m;
        s->monitors[m] = (monitor){.residual = INFINITY, .previous = INFINITY, .best = INFINITY,
                                   .floor = 8 * nl_backend_epsilon(s->task->backend) / s->batch.members[m].h_max};
    }
    NL_TRY(nl_hierarchy_start(&s->hierarchy, s->active, n_active));
    NL_TRY(normalise(s, n_active));
    NL_TRY(check_members(s, &n_active));
    while (n_active > 0 && !nl_task_is_aborted(s->task)) {
        NL_TRY(cycle_members(s, n_active));
        NL_TRY(check_members(s, &n_active));
    }
    return NL_OK;
}

/* ---- where cycles fail ---- */

static nl_status relax_rest(const solution *s)
{
    const nl_task *task = s->task;
    const size_t count = (size_t)s->n_given_up;
    nl_point *points = calloc(count, sizeof *points);
    int *index = calloc(count, sizeof *index);
    nl_gap *gaps = calloc(count, sizeof *gaps);
    nl_task rest = *task;
    rest.spent = calloc(count, sizeof *rest.spent);
    nl_status status =
        points && index && gaps && rest.spent ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of points");
    for (size_t k = 0; k < count && status == NL_OK; k++) {
        points[k] = task->points[s->given_up[k]];
        index[k] = task->index[s->given_up[k]];
        rest.spent[k] = (nl_spent){s->outcomes[k].rhs, s->outcomes[k].work};
        if (task->gaps)
            gaps[k] = task->gaps[s->given_up[k]];
    }
    rest.points = points;
    rest.index = index;
    rest.gaps = task->gaps ? gaps : NULL;
    rest.count = s->n_given_up;
    rest.file = task->restored || status != NL_OK ? task->file : index[0];
    if (status == NL_OK)
        status = nl_relax(&rest);
    free(points);
    free(index);
    free(gaps);
    free(rest.spent);
    return status;
}

/* What the cycles have cost the members that they could not solve. */
static void note_costs(solution *s)
{
    for (int k = 0; k < s->n_given_up; k++)
        s->outcomes[k] = outcome_of(s, s->given_up[k], NL_POINT_STALLED);
}

static nl_status allocate(solution *s)
{
    const size_t count = (size_t)s->task->count;
    s->monitors = calloc(count, sizeof *s->monitors);
    s->active = calloc(count, sizeof *s->active);
    s->done = calloc(count, sizeof *s->done);
    s->given_up = calloc(count, sizeof *s->given_up);
    s->number = calloc(count, sizeof *s->number);
    s->full = calloc(count, sizeof *s->full);
    s->outcomes = calloc(count, sizeof *s->outcomes);
    s->residuals = calloc(count, sizeof *s->residuals);
    s->work = calloc(count, sizeof *s->work);
    return s->monitors && s->active && s->done && s->given_up && s->number && s->full && s->outcomes &&
                   s->residuals && s->work
               ? NL_OK
               : nl_fail(NL_ERR_MEMORY, "cannot allocate the solution of %d points", s->task->count);
}

static void give_up_all(solution *s)
{
    for (s->n_given_up = 0; s->n_given_up < s->task->count; s->n_given_up++)
        s->given_up[s->n_given_up] = s->n_given_up;
}

static nl_status solve_by_cycles(solution *s)
{
    nl_task *task = s->task;
    NL_TRY(nl_batch_new(task->backend, task->model, task->points, task->count, task->points[0].n, nl_tableau_smoother(),
                        NL_SNAPSHOTS, &s->batch));
    const nl_status status = nl_hierarchy_new(&s->batch, &s->hierarchy);
    if (status == NL_ERR_INTERNAL) { /* no direct solution on the last grid */
        give_up_all(s);
        return NL_OK;
    }
    NL_TRY(status);
    NL_TRY(run_cycles(s));
    note_costs(s);
    return NL_OK;
}

nl_status nl_multigrid(nl_task *task)
{
    solution s = {.task = task};
    nl_status status = allocate(&s);
    if (status == NL_OK && task->restored) /* only what the cycles had given up was ever kept */
        give_up_all(&s);
    else if (status == NL_OK)
        status = solve_by_cycles(&s);
    nl_hierarchy_release(&s.hierarchy);
    nl_batch_release(&s.batch);
    if (status == NL_OK && s.n_given_up > 0 && !nl_task_is_aborted(task))
        status = relax_rest(&s);
    free(s.monitors);
    free(s.active);
    free(s.done);
    free(s.given_up);
    free(s.number);
    free(s.full);
    free(s.outcomes);
    free(s.residuals);
    free(s.work);
    return status;
}
