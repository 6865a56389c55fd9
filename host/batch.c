#include "nanolase/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nanolase/control.h"
#include "vector_point.h"

/* On the bound itself the outermost mode would neither grow nor decay. */
static const double STEP_SAFETY = 0.9;

int nl_batch_registers(const nl_tableau *tableau)
{
    return 2 + tableau->stages;
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
    const nl_status status = batch->backend->ops->upload(batch->backend, batch->op.tables, tables,
                                                         batch->n_members * len * sizeof *tables);
    free(tables);
    return status;
}

nl_status nl_batch_new(nl_backend *backend, const nl_model *model, const nl_point *points, int n_members, int n,
                       const nl_tableau *tableau, int extra_registers, nl_batch *out)
{
    void *tables;
    *out = (nl_batch){.backend = backend, .model = model, .tableau = tableau, .points = points, .n = n,
                      .n_members = n_members, .first_extra = nl_batch_registers(tableau),
                      .op = model->operator_shape(&points[0], n)};
    out->members = calloc((size_t)n_members, sizeof *out->members);
    out->jobs = calloc((size_t)n_members, sizeof *out->jobs);
    out->errors = calloc(2 * (size_t)n_members, sizeof *out->errors);
    if (!out->members || !out->jobs || !out->errors)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a batch of %d members", n_members);
    const size_t size = (size_t)nl_operator_rows(&out->op) * n;
    NL_TRY(nl_pool_new(backend, n_members, out->first_extra + extra_registers, size, &out->pool));
    NL_TRY(backend->ops->alloc(backend, n_members * out->op.table_len * sizeof(double), &tables));
    out->op.tables = tables;
    for (int m = 0; m < n_members; m++) {
        nl_member *member = &out->members[m];
        member->y = 0;
        member->y_new = 1;
        for (int s = 0; s < tableau->stages; s++)
            member->k[s] = 2 + s;
        member->h_max = STEP_SAFETY * model->stable_step(&points[m], n, tableau);
        member->h = member->h_max / 4;
        member->last_error = 1;
    }
    return upload_tables(out);
}

void nl_batch_release(nl_batch *batch)
{
    if (!batch->backend)
        return;
    nl_pool_release(batch->backend, &batch->pool);
    batch->backend->ops->free(batch->backend, batch->op.tables);
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
            status = batch->backend->ops->upload(batch->backend,
                                                 nl_pool_vector(&batch->pool, m, batch->members[m].y), state,
                                                 size * sizeof *state);
        batch->members[m].fresh = false;
    }
    free(state);
    return status;
}

/* ---- one step ---- */

static void add_term(nl_job *job, int reg, double c)
{
    if (c == 0)
        return;
    job->in[job->n_terms] = reg;
    job->c[job->n_terms++] = c;
}

/* k[0] = L y for members that do not have it from their last step. */
static nl_status refresh(nl_batch *batch, const int *active, int n_active)
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
    return n_jobs ? batch->backend->ops->apply(batch->backend, &batch->op, &batch->pool, batch->jobs, n_jobs) : NL_OK;
}

/* k[s] = L(y + h sum_j a_sj k_j); the closing stage leaves its argument, the new solution, in y_new. */
static nl_job stage_job(const nl_batch *batch, int member, int s, double h)
{
    const nl_member *m = &batch->members[member];
    const nl_tableau *tableau = batch->tableau;
    nl_job job = {.slot = member, .out = m->k[s], .arg = m->y_new, .keep = s == tableau->stages - 1};
    add_term(&job, m->y, 1);
    for (int j = 0; j < s; j++)
        add_term(&job, m->k[j], h * tableau->a[s][j]);
    return job;
}

static nl_job error_job(const nl_batch *batch, int member, double h)
{
    const nl_member *m = &batch->members[member];
    nl_job job = {.slot = member, .y = m->y, .y_new = m->y_new};
    for (int j = 0; j < batch->tableau->stages; j++)
        add_term(&job, m->k[j], h * (batch->tableau->b[j] - batch->tableau->b_hat[j]));
    return job;
}

nl_status nl_batch_try_step(nl_batch *batch, const int *active, int n_active, const double *step, double rtol,
                            double atol, double *error)
{
    nl_backend *backend = batch->backend;
    NL_TRY(refresh(batch, active, n_active));
    for (int s = 1; s < batch->tableau->stages; s++) {
        for (int a = 0; a < n_active; a++)
            batch->jobs[a] = stage_job(batch, active[a], s, step[a]);
        NL_TRY(nl_backend_stage(backend, &batch->op, &batch->pool, batch->jobs, n_active));
    }
    for (int a = 0; a < n_active; a++) {
        batch->jobs[a] = error_job(batch, active[a], step[a]);
        batch->members[active[a]].applications += batch->tableau->stages - 1;
    }
    return backend->ops->error(backend, &batch->pool, batch->jobs, n_active, rtol, atol, error);
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
    swap(&m->y, &m->y_new);
    swap(&m->k[0], &m->k[batch->tableau->stages - 1]);
    m->t += step;
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

nl_status nl_batch_residual(nl_batch *batch, const int *active, int n_active, double *sum, double *residual)
{
    nl_backend *backend = batch->backend;
    double *sums = batch->errors;
    NL_TRY(refresh(batch, active, n_active));
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].k[0]}};
    NL_TRY(backend->ops->sums(backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++)
        residual[a] = sums[2 * a + 1];
    for (int a = 0; a < n_active; a++)
        batch->jobs[a].in[0] = batch->members[active[a]].y;
    NL_TRY(backend->ops->sums(backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++) {
        sum[a] = sums[2 * a];
        residual[a] /= sums[2 * a + 1];
    }
    return NL_OK;
}

nl_status nl_batch_moments(nl_batch *batch, const int *active, int n_active, double *moments)
{
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y}};
    return batch->backend->ops->moments(batch->backend, &batch->op, &batch->pool, batch->jobs, n_active, moments);
}

nl_status nl_batch_download(nl_batch *batch, int member, double *state)
{
    return batch->backend->ops->download(batch->backend, state,
                                         nl_pool_vector(&batch->pool, member, batch->members[member].y),
                                         batch->pool.size * sizeof *state);
}
