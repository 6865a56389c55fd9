#include "nanolase/krylov.h"

#include <math.h>
#include <stdlib.h>

#include "grid_sequence.h"

/* Relative: of the gap between restarts and of its vector's residual, and of what stands beside it, to be sure of their
 * order. */
static const double GAP_TOLERANCE = 1e-8, BESIDE_TOLERANCE = 0.1, ROUND = 1e-7;
enum { BESIDE = 3, STALL = 60 /* restarts without progress */ };

/*
 * A map of the right length. Slow modes are told apart only by a subspace that reaches about as far in time as they
 * last: a shorter one may even lose them to fast oscillations; and one that reaches much further costs more. Steps must
 * be short enough for the slow modes' order by the map to be that by decay.
 */
enum { PAIR_STEPS = 8, MOST_STEPS = 1 << 16, MOST_TUNINGS = 20 };
static const double PAIR_TIME = 0.2, CHEBYSHEV_TIME = 0.5; /* of a map to begin with, in 1/kappa */
static const double REACH = 1, LONGEST_STEP = 0.5; /* gap times time of the subspace; |lambda| h */

/* One member's search. */
typedef struct search {
    double change, residual; /* of the eigenvector of 0: |L y|_1/|y|_1, and the model's */
    double decay;            /* of the slowest other mode; 0 unknown */
    double floor;            /* what rounding leaves of a change */
    double lambda_re, lambda_im; /* the leading other eigenvalue at the last restart */
    double error;                /* of it, relative; INFINITY while not sure which it is */
    double best;
    int restarts, best_restart;
    int widened, tuned;
    bool fits; /* the map, to the leading mode */
    int steps; /* of the map */
    nl_gap gap;
} search;

typedef struct krylov {
    nl_task *task;
    bool wants_state, wants_gap;
    nl_grid_sequence grids;
    nl_arnoldi *arnoldi;
    search *searches;
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

/* ---- what a restart tells ---- */

/* The eigenvalue that is 0 but for errors. */
static int zero_of(const nl_arnoldi *x)
{
    int z = 0;
    for (int j = 1; j < x->n_ritz; j++)
        if (hypot(x->ritz[j].re, x->ritz[j].im) < hypot(x->ritz[z].re, x->ritz[z].im))
            z = j;
    return z;
}

/* Are the eigenvalues next to the leading one known well enough to tell which leads? */
static bool beside_known(const nl_arnoldi *x, int zero, int lead)
{
    int known = 0, others = 0;
    for (int j = 0; j < x->n_ritz; j++) {
        const nl_ritz *u = &x->ritz[j];
        if (j == zero || j == lead || (u->re == x->ritz[lead].re && u->im == -x->ritz[lead].im))
            continue;
        others++;
        known += u->error <= BESIDE_TOLERANCE * hypot(u->re, u->im);
    }
    return known >= (others < BESIDE ? others : BESIDE);
}

static void look_at_gap(search *s, const nl_arnoldi *x)
{
    const int zero = zero_of(x), lead = zero == 0 ? 1 : 0;
    s->error = INFINITY;
    s->decay = 0;
    if (x->n_ritz < 2)
        return;
    const nl_ritz *u = &x->ritz[lead];
    const double size = hypot(u->re, u->im);
    const double moved = hypot(u->re - s->lambda_re, fabs(u->im) - s->lambda_im);
    s->lambda_re = u->re;
    s->lambda_im = fabs(u->im);
    if (u->error <= BESIDE_TOLERANCE * fabs(u->re) && u->re < 0)
        s->decay = -u->re;
    if (beside_known(x, zero, lead) && hypot(x->ritz[zero].re, x->ritz[zero].im) < 1e-4 * size)
        s->error = fmax(x->exhausted ? 0 : moved, u->error) / size;
    s->gap.re = -u->re;
    s->gap.im = fabs(u->im) > ROUND * size ? fabs(u->im) : 0; /* a double eigenvalue comes out as a pair */
    s->gap.error = s->error;
}

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
    search *s = &k->searches[m];
    const nl_arnoldi *x = &k->arnoldi[m];
    nl_value values[NL_MAX_OBSERVABLES];
    nl_health health;
    double *moments = malloc(nl_moments_len(&batch->op) * sizeof *moments);
    if (!moments)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate moments");
    nl_status status = nl_arnoldi_vector(batch, x, m, x->ritz[zero_of(x)].y_re);
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

/* ---- one member's convergence ---- */

static double distance(const search *s)
{
    if (s->change < s->floor)
        return s->change;
    return s->decay > 0 ? s->change / s->decay : INFINITY;
}

static bool state_done(const krylov *k, const search *s, const nl_point *point)
{
    return !k->wants_state || (s->residual <= point->tolerance && distance(s) <= point->accuracy);
}

static bool gap_done(const krylov *k, const search *s)
{
    return !k->wants_gap || s->error <= GAP_TOLERANCE;
}

static bool is_stalled(const krylov *k, search *s)
{
    const double left = (k->wants_state ? s->change : 0) + (k->wants_gap && isfinite(s->error) ? s->error : 0);
    if (s->restarts == 1 || left < 0.7 * s->best) {
        s->best = left;
        s->best_restart = s->restarts;
    }
    return s->restarts - s->best_restart > STALL;
}

static nl_point_status judge(const krylov *k, search *s, const nl_arnoldi *x, const nl_member *member,
                             const nl_point *point)
{
    if (x->failed || (k->wants_state && !isfinite(s->change)))
        return NL_POINT_FAILED;
    if (s->fits && state_done(k, s, point) && gap_done(k, s))
        return NL_POINT_CONVERGED;
    if (member->t >= point->max_time)
        return NL_POINT_MAX_TIME;
    if (!s->fits && x->n_ritz > 1 && s->tuned < MOST_TUNINGS && s->steps < MOST_STEPS)
        return NL_POINT_PENDING;
    return x->exhausted || is_stalled(k, s) ? NL_POINT_STALLED : NL_POINT_PENDING;
}

static nl_outcome outcome_of(const search *s, const nl_member *member, nl_point_status status, double coarse_work)
{
    return (nl_outcome){.status = status,
                        .residual = s->residual,
                        .distance = distance(s),
                        .decay_rate = s->decay,
                        .model_time = member->t,
                        .steps = member->steps,
                        .rhs = member->applications,
                        .work = coarse_work + member->applications};
}

/* ---- one grid ---- */

static nl_status start_members(krylov *k, nl_batch *batch, const int *members, int count)
{
    for (int a = 0; a < count; a++)
        k->arnoldi[members[a]].steps = k->searches[members[a]].steps;
    return nl_arnoldi_start(batch, k->arnoldi, members, count, k->wants_gap ? 1 : 0);
}

/* Gap times time of the subspace. One that is the whole space reaches as far as need be. */
static double reach(const search *s, const nl_arnoldi *x, double h)
{
    return x->exhausted ? INFINITY : NL_ARNOLDI_SIZE * s->steps * h * fmax(-s->lambda_re, 0);
}

/* Does the map fit the leading mode as it is known now? */
static bool fits(const search *s, const nl_arnoldi *x, double h)
{
    return h * hypot(s->lambda_re, s->lambda_im) <= LONGEST_STEP && reach(s, x, h) >= REACH;
}

/* A map that fits better, and from the start. */
static nl_status tune_member(krylov *k, nl_batch *batch, int m)
{
    search *s = &k->searches[m];
    nl_member *member = &batch->members[m];
    const double size = hypot(s->lambda_re, s->lambda_im);
    if (member->h_max * size > LONGEST_STEP) {
        member->h_max = 0.9 * LONGEST_STEP / size;
        member->chebyshev_h = 0;
    } else
        s->steps *= (int)fmin(fmax(ceil(1.2 * REACH / (reach(s, &k->arnoldi[m], member->h_max) + 1e-300)), 2), 8);
    s->tuned++;
    if (!k->wants_state) /* else it starts from the best one so far */
        NL_TRY(nl_batch_set_initial(batch, k->task->config->run_initial, m, 1));
    return start_members(k, batch, &m, 1);
}

/* The stepper magnifies what the operator does not: shorter steps, or a Chebyshev method's more damping, and from the
 * start. False where that has been tried often enough, or the operator itself has growing modes. */
static nl_status try_again(krylov *k, nl_batch *batch, int m, bool *can)
{
    search *s = &k->searches[m];
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
    search *s = &k->searches[m];
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
    look_at_gap(s, x);
    s->fits = x->n_ritz > 1 && fits(s, x, batch->members[m].h_max);
    s->floor = nl_member_rounding(&batch->members[m]);
    return k->wants_state ? take_state(k, batch, m) : NL_OK;
}

/* Takes members that are done out of the list; on the finest grid enters them into the result. */
static nl_status retire(krylov *k, int level, int *n_active)
{
    nl_task *task = k->task;
    nl_batch *batch = &k->grids.level[level];
    int n_done = 0, n_left = 0;
    for (int a = 0; a < *n_active; a++) {
        const int m = k->active[a];
        search *s = &k->searches[m];
        const nl_arnoldi *x = &k->arnoldi[m];
        nl_member *member = &batch->members[m];
        const bool looked = x->n_ritz > 0 || x->failed;
        const nl_point_status status = looked ? judge(k, s, x, member, &batch->points[m]) : NL_POINT_PENDING;
        if (status == NL_POINT_PENDING) {
            if (x->n_ritz > 0 && !s->fits)
                NL_TRY(tune_member(k, batch, m));
            k->active[n_left++] = m;
            continue;
        }
        member->failed = status == NL_POINT_FAILED;
        k->outcomes[n_done] = outcome_of(s, member, status, k->grids.work[m] / (double)batch->pool.size);
        k->done[n_done++] = m;
        s->gap.status = s->fits && gap_done(k, s) && !member->failed ? NL_POINT_CONVERGED : status;
        if (k->wants_gap)
            task->gaps[m] = s->gap;
        if (k->wants_gap && s->gap.status != NL_POINT_CONVERGED)
            task->gaps[m].re = task->gaps[m].im = NAN;
        if (!k->wants_state)
            task->gaps[m].applications = member->applications;
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
    const search *s = &k->searches[k->active[0]];
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

/* A map as long as it was on the grid before. */
static search new_search(const krylov *k, int level, int m)
{
    const nl_batch *batch = &k->grids.level[level];
    const bool chebyshev = batch->tableau->chebyshev;
    search s = {.change = INFINITY, .residual = INFINITY, .error = INFINITY, .best = INFINITY};
    double time = chebyshev ? CHEBYSHEV_TIME : PAIR_TIME;
    if (level < k->grids.levels - 1)
        time = k->searches[m].steps * k->grids.level[level + 1].members[m].h_max;
    s.steps = (int)fmax(chebyshev ? 1 : PAIR_STEPS, fmin(ceil(time / batch->members[m].h_max), MOST_STEPS));
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
