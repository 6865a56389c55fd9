/* A step of a Runge-Kutta-Chebyshev method: every member with the stages and the damping that its own step asks for. */
#include <stdlib.h>

#include "step.h"

/* The register of stage j: y, then by turns two others so that the last stage falls on y_new. A stage may overwrite the
 * one before the last, which it reads element by element. */
static int stage_register(const nl_batch *batch, const nl_member *m, int j)
{
    if (j == 0)
        return m->y;
    return (m->chebyshev.stages - j) % 2 == 0 ? m->y_new : batch->first_extra - 1;
}

/* Y_1 = y + h mu_F L y, for which L y is at hand. */
static nl_job first_job(const nl_batch *batch, int member, double h, const nl_chebyshev_stage *stage)
{
    const nl_member *m = &batch->members[member];
    nl_job job = {.slot = member, .out = stage_register(batch, m, 1)};
    nl_job_add(&job, m->y, 1);
    nl_job_add(&job, m->k[0], h * stage[1].mu_F);
    return job;
}

static nl_job stage_job(const nl_batch *batch, int member, int j, double h, const nl_chebyshev_stage *stage)
{
    const nl_member *m = &batch->members[member];
    const nl_chebyshev_stage c = stage[j];
    nl_job job = {.slot = member, .out = stage_register(batch, m, j), .scale = h * c.mu_F,
                  .arg = batch->first_extra - 2};
    nl_job_add(&job, stage_register(batch, m, j - 1), c.mu);
    nl_job_add(&job, stage_register(batch, m, j - 2), c.nu);
    nl_job_add(&job, m->y, batch->tableau->chebyshev > 1 ? 1 - c.mu - c.nu : 0); /* order 1: mu + nu = 1 */
    nl_job_add(&job, m->k[0], h * c.gamma_F);
    return job;
}

/* Order 1: h (L y_new - L y)/2, half of the second-order term. Order 2: (12 (y - y_new) + 6 h (L y + L y_new))/15, of
 * Sommeijer, Shampine and Verwer. */
static nl_job error_job(const nl_batch *batch, int member, double h)
{
    const nl_member *m = &batch->members[member];
    const double f = batch->tableau->chebyshev > 1 ? 0.4 * h : 0.5 * h, d = batch->tableau->chebyshev > 1 ? 0.8 : 0;
    nl_job job = {.slot = member, .y = m->y, .y_new = m->y_new};
    nl_job_add(&job, m->y, d);
    nl_job_add(&job, m->y_new, -d);
    nl_job_add(&job, m->k[0], d > 0 ? f : -f);
    nl_job_add(&job, m->k[1], f);
    return job;
}

/* Stages of all members together; those with fewer stages than others drop out early. */
static nl_status run_stages(nl_batch *batch, const int *active, int n_active, const double *step,
                            const nl_chebyshev_stage *stages)
{
    nl_backend *backend = batch->backend;
    const size_t stride = NL_CHEBYSHEV_MAX_STAGES + 1;
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = first_job(batch, active[a], step[a], stages + a * stride);
    NL_TRY(backend->ops->combine(backend, &batch->pool, batch->jobs, n_active));
    for (int j = 2, n_jobs = n_active; n_jobs > 0; j++) {
        n_jobs = 0;
        for (int a = 0; a < n_active; a++)
            if (j <= batch->members[active[a]].chebyshev.stages)
                batch->jobs[n_jobs++] = stage_job(batch, active[a], j, step[a], stages + a * stride);
        if (n_jobs > 0)
            NL_TRY(nl_backend_update(backend, &batch->op, &batch->pool, batch->jobs, n_jobs));
    }
    return NL_OK;
}

nl_status nl_step_chebyshev(nl_batch *batch, const int *active, int n_active, const double *step)
{
    const size_t stride = NL_CHEBYSHEV_MAX_STAGES + 1;
    nl_backend *backend = batch->backend;
    nl_chebyshev_stage *stages = malloc((size_t)n_active * stride * sizeof *stages + 1);
    if (!stages)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the coefficients of %d members", n_active);
    for (int a = 0; a < n_active; a++) {
        nl_member *m = &batch->members[active[a]];
        if (m->chebyshev_h != step[a])
            m->chebyshev = nl_chebyshev_choose(batch->tableau->chebyshev, m->spectrum, step[a]);
        m->chebyshev_h = step[a];
        m->applications += m->chebyshev.stages;
        nl_chebyshev_stages(m->chebyshev, stages + a * stride);
    }
    nl_status status = run_stages(batch, active, n_active, step, stages);
    free(stages);
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y_new},
                                  .out = batch->members[active[a]].k[1]};
    if (status == NL_OK)
        status = backend->ops->apply(backend, &batch->op, &batch->pool, batch->jobs, n_active);
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = error_job(batch, active[a], step[a]);
    return status;
}
