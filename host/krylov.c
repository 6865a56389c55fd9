#include "nanolase/krylov.h"

#include <math.h>
#include <stdlib.h>

#include "eigensearch.h"
#include "grid_sequence.h"

typedef struct krylov {
    nl_task *task;
    bool wants_state, wants_gap;
    nl_grid_sequence grids;
    nl_arnoldi *arnoldi;
    nl_eigensearch *searches;
    nl_outcome *outcomes;
    int *active, *done;
} krylov;

bool nl_gap_comes_along(const nl_config *config, const nl_model *model)
{
    return config->steady_gap && config->steady_method == NL_STEADY_KRYLOV && !model->whole_space;
}

nl_point nl_gap_point(const nl_model *model, const nl_point *point)
{
    nl_point whole = *point;
    if (model->whole_space)
        model->whole_space(&whole);
    whole.levels = 1;
    return whole;
}

/* ---- the state that a subspace holds ---- */

/* Many stages leave rounding errors in the fastest modes, which is all that the residual then shows. */
static nl_status settle(nl_batch *batch, int m)
{
    nl_member *member = &batch->members[m];
    const int steps = 4;
    double error;
    for (int s = 0; s < steps && batch->tableau->chebyshev; s++) {
        const double h = member->h_max / 100;
        NL_TRY(nl_batch_try_step(batch, &m, 1, &h, 1, 1, &error));
        nl_batch_accept(batch, m, h);
    }
    return NL_OK;
}

/* Makes the eigenvector of 0, of norm 1, the member's state. */
static nl_status take_state(krylov *k, nl_batch *batch, int m)
{
    nl_eigensearch *s = &k->searches[m];
    const nl_arnoldi *x = &k->arnoldi[m];
    nl_value values[NL_MAX_OBSERVABLES];
    nl_health health;
    double *moments = malloc(nl_moments_len(&batch->op) * sizeof *moments);
    if (!moments)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate moments");
    nl_status status = nl_arnoldi_vector(batch, x, m, x->ritz[nl_ritz_zero(x)].y_re);
    if (status == NL_OK)
        status = nl_batch_moments(batch, &m, 1, moments);
    if (status == NL_OK) {
        const int y = batch->members[m].y;
        batch->model->observe(&batch->points[m], batch->n, moments, values, &health);
        const nl_job scale = {.slot = m, .n_terms = 1, .in = {y}, .c = {1 / health.norm}, .out = y};
        status = batch->backend->ops->combine(batch->backend, &batch->pool, &scale, 1);
    }
    free(moments);
    if (status == NL_OK)
        status = settle(batch, m);
    if (status == NL_OK)
        status = nl_batch_residual(batch, &m, 1, &s->change, &s->residual);
    return status;
}

/* ---- one grid ---- */

static nl_status start_members(krylov *k, nl_batch *batch, const int *members, int count)
{
    for (int a = 0; a < count; a++)
        k->arnoldi[members[a]].steps = k->searches[members[a]].steps;
    return nl_arnoldi_start(batch, k->arnoldi, members, count, k->wants_gap ? 1 : 0);
}

/* A map that fits better, and from the start. */
static nl_status tune_member(krylov *k, nl_batch *batch, int m)
{
    nl_eigensearch_tune(&k->searches[m], &k->arnoldi[m], &batch->members[m]);
    if (!k->wants_state) /* else it starts from the best one so far */
        NL_TRY(nl_batch_set_initial(batch, k->task->config->run_initial, m, 1));
    return start_members(k, batch, &m, 1);
}

/* The stepper magnifies what the operator does not: shorter steps, or a Chebyshev method's more damping, and from the
 * start. False where that has been tried often enough, or the operator itself has growing modes. */
static nl_status try_again(krylov *k, nl_batch *batch, int m, bool *can)
{
    nl_eigensearch *s = &k->searches[m];
    const nl_arnoldi *x = &k->arnoldi[m];
    const nl_ritz *u = &x->ritz[0];
    const bool grows = x->n_ritz > 0 && u->re > 1e-3 * hypot(u->re, u->im) && u->error < 0.1 * u->re;
    *can = s->widened < 10 && !grows;
    if (!*can)
        return NL_OK;
    s->widened++;
    nl_member_shorten(&batch->members[m], batch->tableau);
    NL_TRY(nl_batch_set_initial(batch, k->task->config->run_initial, m, 1));
    return start_members(k, batch, &m, 1);
}

static nl_status look_at(krylov *k, nl_batch *batch, int m)
{
    nl_eigensearch *s = &k->searches[m];
    nl_arnoldi *x = &k->arnoldi[m];
    bool again = false;
    s->restarts++;
    NL_TRY(nl_arnoldi_restart(batch, x, m));
    if (!x->failed && x->growth > 1) {
        NL_TRY(try_again(k, batch, m, &again));
        s->change = s->error = INFINITY;
        s->fits = true; /* nothing to tune: it has begun again */
        x->failed = !again;
        return NL_OK;
    }
    if (x->failed)
        return NL_OK;
    nl_eigensearch_look(s, x, &batch->members[m]);
    return k->wants_state ? take_state(k, batch, m) : NL_OK;
}

/* Hands over what is known of a member's gap when its search ends. */
static void take_gap(krylov *k, int m, nl_point_status status, const nl_member *member)
{
    nl_eigensearch *s = &k->searches[m];
    s->gap.status = s->fits && nl_eigensearch_has_gap(s) && !member->failed ? NL_POINT_CONVERGED : status;
    if (k->wants_gap)
        k->task->gaps[m] = s->gap;
    if (k->wants_gap && s->gap.status != NL_POINT_CONVERGED)
        k->task->gaps[m].re = k->task->gaps[m].im = NAN;
    if (!k->wants_state)
        k->task->gaps[m].applications = member->applications;
}

/* Takes members that are done out of the list; on the finest grid enters them into the result. */
static nl_status retire(krylov *k, int level, int *n_active)
{
    nl_task *task = k->task;
    nl_batch *batch = &k->grids.level[level];
    int n_done = 0, n_left = 0;
    for (int a = 0; a < *n_active; a++) {
        const int m = k->active[a];
        nl_eigensearch *s = &k->searches[m];
        const nl_arnoldi *x = &k->arnoldi[m];
        nl_member *member = &batch->members[m];
        const bool looked = x->n_ritz > 0 || x->failed;
        const nl_point_status status =
            looked ? nl_eigensearch_judge(s, x, member, &batch->points[m]) : NL_POINT_PENDING;
        if (status == NL_POINT_PENDING) {
            if (x->n_ritz > 0 && !s->fits)
                NL_TRY(tune_member(k, batch, m));
            k->active[n_left++] = m;
            continue;
        }
        member->failed = status == NL_POINT_FAILED;
        k->outcomes[n_done] = nl_eigensearch_outcome(s, member, status, k->grids.work[m] / (double)batch->pool.size);
        k->done[n_done++] = m;
        take_gap(k, m, status, member);
    }
    *n_active = n_left;
    return level == 0 && n_done > 0 && k->wants_state ? nl_task_record(task, batch, k->done, n_done, k->outcomes, 0)
                                                      : NL_OK;
}

/* Restarts the members whose subspace is full, and judges those. */
static nl_status check_members(krylov *k, int level, int *n_active)
{
    nl_batch *batch = &k->grids.level[level];
    bool any = false;
    for (int a = 0; a < *n_active; a++) {
        nl_arnoldi *x = &k->arnoldi[k->active[a]];
        x->n_ritz = 0;
        if (x->count < NL_ARNOLDI_SIZE && !x->exhausted && !x->failed)
            continue;
        any = true;
        NL_TRY(look_at(k, batch, k->active[a]));
    }
    if (!any)
        return NL_OK;
    const nl_member *first = &batch->members[k->active[0]];
    const nl_eigensearch *s = &k->searches[k->active[0]];
    const nl_progress progress = {.members = *n_active,
                                  .size_name = batch->model->size_name,
                                  .n = batch->n,
                                  .t = first->t,
                                  .h = first->h_max,
                                  .residual = k->wants_state ? s->residual : s->error};
    NL_TRY(retire(k, level, n_active));
    nl_task_progress(k->task, &progress);
    return NL_OK;
}

static nl_eigensearch new_search(const krylov *k, int level, int m)
{
    const nl_batch *batch = &k->grids.level[level];
    const bool has_coarser = level < k->grids.levels - 1;
    const double before = has_coarser ? k->searches[m].steps * k->grids.level[level + 1].members[m].h_max : 0;
    nl_eigensearch s = nl_eigensearch_new(batch->tableau->chebyshev, batch->members[m].h_max, before);
    s.wants_state = k->wants_state;
    s.wants_gap = k->wants_gap;
    return s;
}

static nl_status search_level(krylov *k, int level)
{
    nl_batch *batch = &k->grids.level[level];
    int n_active = batch->n_members;
    for (int m = 0; m < n_active; m++) {
        k->active[m] = m;
        k->searches[m] = new_search(k, level, m);
    }
    NL_TRY(start_members(k, batch, k->active, n_active));
    while (n_active > 0 && !nl_task_is_aborted(k->task)) {
        NL_TRY(nl_arnoldi_extend(batch, k->arnoldi, k->active, n_active));
        NL_TRY(check_members(k, level, &n_active));
    }
    return NL_OK;
}

/* ---- the two tasks ---- */

static nl_status new_krylov(nl_task *task, krylov *k)
{
    const size_t count = (size_t)task->count;
    k->task = task;
    k->arnoldi = calloc(count, sizeof *k->arnoldi);
    k->searches = calloc(count, sizeof *k->searches);
    k->outcomes = calloc(count, sizeof *k->outcomes);
    k->active = calloc(count, sizeof *k->active);
    k->done = calloc(count, sizeof *k->done);
    if (!k->arnoldi || !k->searches || !k->outcomes || !k->active || !k->done)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the search for eigenvectors of %d points", task->count);
    return nl_grid_sequence_new(task, &k->grids);
}

static void release_krylov(krylov *k)
{
    nl_grid_sequence_release(&k->grids);
    free(k->arnoldi);
    free(k->searches);
    free(k->outcomes);
    free(k->active);
    free(k->done);
}

nl_status nl_krylov(nl_task *task)
{
    krylov k = {.wants_state = true};
    nl_status status = new_krylov(task, &k);
    for (int level = k.grids.levels - 1; level >= 0 && status == NL_OK && !nl_task_is_aborted(task); level--) {
        k.wants_gap = level == 0 && task->gaps && nl_gap_comes_along(task->config, task->model);
        status = nl_grid_sequence_start(&k.grids, level, NL_ARNOLDI_REGISTERS);
        if (status == NL_OK)
            status = search_level(&k, level);
    }
    release_krylov(&k);
    return status;
}

nl_status nl_find_gaps(nl_task *task)
{
    krylov k = {.wants_gap = true};
    nl_task whole = *task;
    nl_point *points = malloc((size_t)task->count * sizeof *points);
    for (int m = 0; m < task->count && points; m++)
        points[m] = nl_gap_point(task->model, &task->points[m]);
    whole.points = points;
    nl_status status = points ? new_krylov(&whole, &k)
                              : nl_fail(NL_ERR_MEMORY, "cannot allocate %d points", task->count);
    if (status == NL_OK)
        status = nl_grid_sequence_start(&k.grids, 0, NL_ARNOLDI_REGISTERS);
    if (status == NL_OK)
        status = search_level(&k, 0);
    release_krylov(&k);
    free(points);
    return status;
}
