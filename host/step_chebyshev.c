/* A step of a Runge-Kutta-Chebyshev method: every member with the stages and the damping that its own step asks for. */
#include <stdlib.h>

#include "step.h"

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

static nl_chebyshev_step step_of(const nl_batch *batch, int member, double h, const nl_chebyshev_stage *stage)
{
    const nl_member *m = &batch->members[member];
    return (nl_chebyshev_step){.slot = member, .y = m->y, .k = m->k[0], .y_new = m->y_new, .k_new = m->k[1],
                               .work = {batch->first_extra - 1, batch->first_extra - 2},
                               .stages = m->chebyshev.stages, .h = h, .stage = stage};
}

nl_status nl_step_chebyshev(nl_batch *batch, const int *active, int n_active, const double *step)
{
    const size_t stride = NL_CHEBYSHEV_MAX_STAGES + 1;
    nl_chebyshev_stage *stages = malloc((size_t)n_active * stride * sizeof *stages + 1);
    nl_chebyshev_step *steps = malloc((size_t)n_active * sizeof *steps + 1);
    nl_status status = NL_OK;
    if (!stages || !steps)
        status = nl_fail(NL_ERR_MEMORY, "cannot allocate the coefficients of %d members", n_active);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        nl_member *m = &batch->members[active[a]];
        if (m->chebyshev_h != step[a])
            m->chebyshev = nl_chebyshev_choose(batch->tableau->chebyshev, m->spectrum, step[a]);
        m->chebyshev_h = step[a];
        m->applications += m->chebyshev.stages;
        nl_chebyshev_stages(m->chebyshev, stages + a * stride);
        steps[a] = step_of(batch, active[a], step[a], stages + a * stride);
        batch->jobs[a] = error_job(batch, active[a], step[a]);
    }
    if (status == NL_OK)
        status = nl_backend_chebyshev(batch->backend, &batch->op, &batch->pool, steps, n_active);
    free(stages);
    free(steps);
    return status;
}
