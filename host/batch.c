#include "nanolase/batch.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nanolase/control.h"
#include "step.h"

/* On the bound itself the outermost mode would neither grow nor decay. */
static const double STEP_SAFETY = 0.9;

int nl_batch_registers(const nl_tableau *tableau)
{
    return 2 + tableau->stages + (tableau->chebyshev ? NL_CHEBYSHEV_REGISTERS : 0);
}

/* ---- making and filling ---- */

static nl_status upload_tables(nl_batch *batch)
{
    const size_t len = batch->op.table_len;
    double *tables = malloc(batch->n_members * len * sizeof *tables);
    if (!tables)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the coefficient tables");
    for (int m = 0; m < batch->n_members; m++)
        batch->model->fill_table(&batch->points[m], batch->n, tables + m * len);
    const nl_status status = nl_tables_put(batch->backend, &batch->op, batch->n_members, tables);
    free(tables);
    return status;
}

void nl_batch_bound_step(nl_batch *batch, int m)
{
    batch->members[m].h_max =
        STEP_SAFETY * nl_model_stable_step(batch->model, &batch->points[m], batch->n, batch->tableau);
}

static void start_member(nl_batch *batch, int m)
{
    nl_member *member = &batch->members[m];
    nl_complex spectrum[NL_MAX_SPECTRUM];
    const int count = batch->model->spectrum(&batch->points[m], batch->n, spectrum);
    member->y = 0;
    member->y_new = 1;
    for (int s = 0; s < batch->tableau->stages; s++)
        member->k[s] = 2 + s;
    member->spectrum = nl_ellipse_around(spectrum, count);
    nl_batch_bound_step(batch, m);
    member->h = member->h_max / 4;
    member->last_error = 1;
}

nl_status nl_batch_new(nl_backend *backend, const nl_model *model, const nl_point *points, int n_members, int n,
                       const nl_tableau *tableau, int extra_registers, nl_batch *out)
{
    *out = (nl_batch){.backend = backend, .model = model, .tableau = tableau, .points = points, .n = n,
                      .n_members = n_members, .first_extra = nl_batch_registers(tableau),
                      .op = model->operator_shape(&points[0], n)};
    out->members = calloc((size_t)n_members, sizeof *out->members);
    out->jobs = calloc((size_t)n_members, sizeof *out->jobs);
    out->errors = calloc(2 * (size_t)n_members, sizeof *out->errors);
    if (!out->members || !out->jobs || !out->errors)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a batch of %d members", n_members);
    NL_TRY(nl_pool_new_for(backend, &out->op, n_members, out->first_extra + extra_registers, &out->pool));
    NL_TRY(nl_tables_new(backend, &out->op, n_members));
    if (model->radial_rate)
        NL_TRY(nl_radii_new(out));
    for (int m = 0; m < n_members; m++)
        start_member(out, m);
    return upload_tables(out);
}

void nl_batch_release(nl_batch *batch)
{
    if (!batch->backend)
        return;
    nl_pool_release(batch->backend, &batch->pool);
    batch->backend->ops->free(batch->backend, batch->op.tables);
    nl_radii_release(batch->radii);
    free(batch->members);
    free(batch->jobs);
    free(batch->errors);
    *batch = (nl_batch){0};
}

nl_status nl_batch_set_initial(nl_batch *batch, nl_initial initial, int first, int count)
{
    const size_t size = batch->pool.size;
    nl_status status = NL_OK;
    double *state = malloc(size * sizeof *state);
    if (!state)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate an initial state of %.1f MB", size * 8e-6);
    for (int m = first; m < first + count && status == NL_OK; m++) {
        status = batch->model->initial(&batch->points[m], initial, batch->n, state);
        if (status == NL_OK)
            status = nl_pool_put(batch->backend, &batch->pool, m, batch->members[m].y, state);
        batch->members[m].fresh = false;
        batch->members[m].last_step = 0;
    }
    free(state);
    return status;
}

/* ---- one step ---- */

void nl_job_add(nl_job *job, int reg, double c)
{
    if (c == 0)
        return;
    job->in[job->n_terms] = reg;
    job->c[job->n_terms++] = c;
}

nl_status nl_batch_refresh(nl_batch *batch, const int *active, int n_active)
{
    int n_jobs = 0;
    for (int a = 0; a < n_active; a++) {
        nl_member *member = &batch->members[active[a]];
        if (member->fresh)
            continue;
        batch->jobs[n_jobs++] = (nl_job){.slot = active[a], .in = {member->y}, .out = member->k[0]};
        member->fresh = true;
        member->applications++;
    }
    if (n_jobs && batch->radii)
        return nl_radii_refresh(batch, n_jobs);
    return n_jobs ? batch->backend->ops->apply(batch->backend, &batch->op, &batch->pool, batch->jobs, n_jobs) : NL_OK;
}

nl_status nl_batch_try_step(nl_batch *batch, const int *active, int n_active, const double *step, double rtol,
                            double atol, double *error)
{
    NL_TRY(nl_batch_refresh(batch, active, n_active));
    const bool is_pair = !batch->tableau->chebyshev;
    NL_TRY((batch->radii ? nl_step_radii : is_pair ? nl_step_pair : nl_step_chebyshev)(batch, active, n_active, step));
    NL_TRY(batch->backend->ops->error(batch->backend, &batch->pool, batch->jobs, n_active, rtol, atol, error));
    if (batch->radii)
        nl_radii_error(batch, active, n_active, step, rtol, atol, error);
    return NL_OK;
}

static void swap(int *a, int *b)
{
    const int old = *a;
    *a = *b;
    *b = old;
}

void nl_batch_accept(nl_batch *batch, int member, double step)
{
    nl_member *m = &batch->members[member];
    if (batch->radii)
        nl_radii_accept(batch, member);
    swap(&m->y, &m->y_new);
    swap(&m->k[0], &m->k[batch->tableau->stages - 1]);
    m->t += step;
    m->last_step = step;
    m->steps++;
}

/* The step to try: the member's own, shortened to meet a target that it would reach or nearly reach. */
static double step_towards(const nl_member *member, const double *target)
{
    const double h = fmin(member->h, member->h_max);
    if (target && member->t + 1.01 * h >= *target)
        return *target - member->t;
    return h;
}

static void decide(nl_batch *batch, int member, double step, double error, const double *target)
{
    nl_member *m = &batch->members[member];
    const nl_control control = nl_control_decide(batch->tableau->embedded, error, m->last_error);
    const double next = control.factor * step;
    if (!control.accept) {
        m->rejected++;
        m->h = next;
        m->failed = next < 1e-12 * m->h_max;
        return;
    }
    const bool shortened = step < fmin(m->h, m->h_max), meets = target && step == *target - m->t;
    nl_batch_accept(batch, member, step);
    if (meets)
        m->t = *target; /* not a rounding error beside it */
    m->last_error = error;
    m->h = fmin(m->h_max, shortened ? fmax(m->h, next) : next);
}

nl_status nl_batch_step(nl_batch *batch, const int *active, int n_active, double rtol, double atol,
                        const double *target)
{
    double *step = batch->errors + batch->n_members, *error = batch->errors;
    for (int a = 0; a < n_active; a++)
        step[a] = step_towards(&batch->members[active[a]], target ? &target[a] : NULL);
    NL_TRY(nl_batch_try_step(batch, active, n_active, step, rtol, atol, error));
    for (int a = 0; a < n_active; a++)
        decide(batch, active[a], step[a], error[a], target ? &target[a] : NULL);
    return NL_OK;
}

/* ---- looking at states ---- */

/* Jobs that read, for each member, the register of its rate of change; scale[a] makes that a rate. */
static nl_status rate_jobs(nl_batch *batch, const int *active, int n_active, double *scale)
{
    nl_backend *backend = batch->backend;
    const int work = batch->first_extra - 1;
    int n_jobs = 0;
    for (int a = 0; a < n_active && batch->tableau->chebyshev; a++) {
        const nl_member *m = &batch->members[active[a]];
        if (m->last_step > 0)
            batch->jobs[n_jobs++] = (nl_job){.slot = active[a], .n_terms = 2, .in = {m->y, m->y_new}, .c = {1, -1},
                                             .out = work};
    }
    NL_TRY(backend->ops->combine(backend, &batch->pool, batch->jobs, n_jobs));
    for (int a = 0; a < n_active; a++) {
        const nl_member *m = &batch->members[active[a]];
        const bool over_step = batch->tableau->chebyshev && m->last_step > 0;
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {over_step ? work : m->k[0]}};
        scale[a] = over_step ? 1 / m->last_step : 1;
    }
    return NL_OK;
}

static void check_size(nl_batch *batch, int member, double size)
{
    nl_member *m = &batch->members[member];
    const double most = 100 * (double)batch->pool.size; /* a kick's response may be somewhat larger than a state */
    m->grew |= isfinite(size) && size > most;
    m->failed |= !(size <= most);
}

nl_status nl_batch_check_growth(nl_batch *batch, const int *active, int n_active)
{
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y}};
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_active, batch->errors));
    for (int a = 0; a < n_active; a++)
        check_size(batch, active[a], batch->errors[2 * a + 1]);
    return NL_OK;
}

nl_status nl_batch_residual(nl_batch *batch, const int *active, int n_active, double *change, double *residual)
{
    nl_backend *backend = batch->backend;
    double *sums = batch->errors;
    NL_TRY(nl_batch_refresh(batch, active, n_active));
    NL_TRY(rate_jobs(batch, active, n_active, change));
    NL_TRY(backend->ops->sums(backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++)
        change[a] *= sums[2 * a + 1];
    for (int a = 0; a < n_active; a++)
        batch->jobs[a].in[0] = batch->members[active[a]].y;
    NL_TRY(backend->ops->sums(backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++) {
        check_size(batch, active[a], sums[2 * a + 1]);
        change[a] /= sums[2 * a + 1];
        residual[a] = change[a];
        batch->jobs[a].in[0] = batch->members[active[a]].k[0];
    }
    return batch->model->residual_is_largest
               ? backend->ops->largest(backend, &batch->pool, batch->jobs, n_active, residual)
               : NL_OK;
}

double nl_member_rounding(const nl_member *member)
{
    const double s = member->chebyshev.stages;
    return (8 + 4 * s * s) * DBL_EPSILON / member->h_max;
}

void nl_member_shorten(nl_member *member, const nl_tableau *tableau)
{
    const double factor = 1.4;
    if (!tableau->chebyshev) {
        member->h_max /= factor;
        return;
    }
    member->spectrum.imaginary *= factor;
    member->h_max = fmin(member->h_max, nl_chebyshev_longest_step(tableau->chebyshev, member->spectrum));
    member->chebyshev_h = 0;
}

nl_status nl_batch_moments(nl_batch *batch, const int *active, int n_active, double *moments)
{
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y}};
    return batch->backend->ops->moments(batch->backend, &batch->op, &batch->pool, batch->jobs, n_active, moments);
}

nl_status nl_batch_download(nl_batch *batch, int member, double *state)
{
    return nl_pool_get(batch->backend, &batch->pool, member, batch->members[member].y, state);
}
