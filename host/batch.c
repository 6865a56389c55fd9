#include "nanolase/batch.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control_point.h"
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
        member->size = 0;
        member->applications++;
    }
    if (n_jobs && batch->radii)
        return nl_radii_refresh(batch, n_jobs);
    return n_jobs ? batch->backend->ops->apply(batch->backend, &batch->op, &batch->pool, batch->jobs, n_jobs) : NL_OK;
}

/* What the controller knows of a member. target: NULL, none. */
static nl_course course_of(const nl_batch *batch, int member, const double *target)
{
    const nl_member *m = &batch->members[member];
    const int last = batch->tableau->stages - 1;
    nl_course c = {.t = m->t, .target = target ? *target : INFINITY, .h = m->h, .h_max = m->h_max,
                   .last_error = m->last_error, .last_step = m->last_step, .rate = m->rate, .size = m->size,
                   .slot = member, .y = m->y, .y_new = m->y_new, .k = m->k[0], .k_new = m->k[last],
                   .failed = m->failed};
    for (int w = 0; w < NL_COURSE_WORK; w++)
        c.work[w] = 1 + w < last ? m->k[1 + w] : -1;
    return c;
}

static void follow(const nl_batch *batch, nl_member *m, const nl_course *c)
{
    m->t = c->t;
    m->h = c->h;
    m->last_error = c->last_error;
    m->last_step = c->last_step;
    m->rate = c->rate;
    m->size = c->size;
    m->steps += c->steps;
    m->rejected += c->rejected;
    m->failed = c->failed;
    m->y = c->y;
    m->y_new = c->y_new;
    m->k[0] = c->k;
    m->k[batch->tableau->stages - 1] = c->k_new;
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

void nl_batch_accept(nl_batch *batch, int member, double step)
{
    nl_member *m = &batch->members[member];
    nl_course c = course_of(batch, member, NULL);
    if (batch->radii)
        nl_radii_accept(batch, member);
    nl_course_accept(&c, step);
    follow(batch, m, &c);
}

static void decide(nl_batch *batch, int member, double step, double error, const double *target)
{
    nl_course c = course_of(batch, member, target);
    if (nl_course_judge(&c, batch->tableau->embedded, step, error) && batch->radii)
        nl_radii_accept(batch, member);
    follow(batch, &batch->members[member], &c);
}

nl_status nl_batch_step(nl_batch *batch, const int *active, int n_active, double rtol, double atol,
                        const double *target)
{
    double *step = batch->errors + batch->n_members, *error = batch->errors;
    for (int a = 0; a < n_active; a++) {
        const nl_course c = course_of(batch, active[a], target ? &target[a] : NULL);
        step[a] = nl_course_step(&c);
    }
    NL_TRY(nl_batch_try_step(batch, active, n_active, step, rtol, atol, error));
    for (int a = 0; a < n_active; a++)
        decide(batch, active[a], step[a], error[a], target ? &target[a] : NULL);
    return NL_OK;
}

/* ---- many steps ---- */

bool nl_batch_advances(const nl_batch *batch)
{
    return batch->backend->ops->advance && !batch->radii && !batch->tableau->chebyshev;
}

static nl_status advance_on_device(nl_batch *batch, const int *active, int n_active, double rtol, double atol,
                                   const double *target, int most)
{
    nl_course *courses = malloc((size_t)n_active * sizeof *courses + 1);
    if (!courses)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the steps of %d members", n_active);
    for (int a = 0; a < n_active; a++) {
        courses[a] = course_of(batch, active[a], target ? &target[a] : NULL);
        courses[a].remaining = most;
    }
    nl_status status = nl_batch_refresh(batch, active, n_active);
    if (status == NL_OK)
        status = batch->backend->ops->advance(batch->backend, &batch->op, &batch->pool, batch->tableau, courses,
                                              n_active, rtol, atol);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        const long tried = courses[a].steps + courses[a].rejected;
        batch->members[active[a]].applications += tried * (batch->tableau->stages - 1);
        follow(batch, &batch->members[active[a]], &courses[a]);
    }
    free(courses);
    return status;
}

nl_status nl_batch_advance(nl_batch *batch, const int *active, int n_active, double rtol, double atol,
                           const double *target, int most)
{
    if (nl_batch_advances(batch))
        return advance_on_device(batch, active, n_active, rtol, atol, target, most);
    int left[n_active > 0 ? n_active : 1], n_left = n_active;
    double goal[n_active > 0 ? n_active : 1];
    for (int a = 0; a < n_active; a++) {
        left[a] = active[a];
        goal[a] = target ? target[a] : INFINITY;
    }
    for (int step = 0; step < most && n_left > 0; step++) {
        NL_TRY(nl_batch_step(batch, left, n_left, rtol, atol, goal));
        const int before = n_left;
        n_left = 0;
        for (int a = 0; a < before; a++) {
            if (batch->members[left[a]].failed || batch->members[left[a]].t == goal[a])
                continue;
            left[n_left] = left[a];
            goal[n_left++] = goal[a];
        }
    }
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

/* Where the last step told |y|_1 it need not be added up again. */
static bool knows_size(const nl_member *m)
{
    return m->fresh && m->size > 0;
}

nl_status nl_batch_check_growth(nl_batch *batch, const int *active, int n_active)
{
    int n_jobs = 0;
    for (int a = 0; a < n_active; a++) {
        const nl_member *m = &batch->members[active[a]];
        if (knows_size(m))
            check_size(batch, active[a], m->size);
        else
            batch->jobs[n_jobs++] = (nl_job){.slot = active[a], .in = {m->y}};
    }
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_jobs, batch->errors));
    for (int j = 0; j < n_jobs; j++)
        check_size(batch, batch->jobs[j].slot, batch->errors[2 * j + 1]);
    return NL_OK;
}

/* Where the last steps told all that is asked for. */
static bool has_residual(nl_batch *batch, const int *active, int n_active, double *change, double *residual)
{
    for (int a = 0; a < n_active; a++)
        if (!knows_size(&batch->members[active[a]]) || batch->model->residual_is_largest)
            return false;
    for (int a = 0; a < n_active; a++) {
        const nl_member *m = &batch->members[active[a]];
        check_size(batch, active[a], m->size);
        change[a] = residual[a] = m->rate / m->size;
    }
    return true;
}

nl_status nl_batch_residual(nl_batch *batch, const int *active, int n_active, double *change, double *residual)
{
    nl_backend *backend = batch->backend;
    double *sums = batch->errors;
    if (has_residual(batch, active, n_active, change, residual))
        return NL_OK;
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
