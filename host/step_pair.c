/* A step of an embedded Runge-Kutta pair. */
#include "step.h"

/* k[s] = L(y + h sum_j a_sj k_j); the closing stage leaves its argument, the new solution, in y_new. */
static nl_job stage_job(const nl_batch *batch, int member, int s, double h)
{
    const nl_member *m = &batch->members[member];
    const nl_tableau *tableau = batch->tableau;
    nl_job job = {.slot = member, .out = m->k[s], .arg = m->y_new, .keep = s == tableau->stages - 1};
    nl_job_add(&job, m->y, 1);
    for (int j = 0; j < s; j++)
        nl_job_add(&job, m->k[j], h * tableau->a[s][j]);
    return job;
}

static nl_job error_job(const nl_batch *batch, int member, double h)
{
    const nl_member *m = &batch->members[member];
    nl_job job = {.slot = member, .y = m->y, .y_new = m->y_new};
    for (int j = 0; j < batch->tableau->stages; j++)
        nl_job_add(&job, m->k[j], h * (batch->tableau->b[j] - batch->tableau->b_hat[j]));
    return job;
}

nl_status nl_step_pair(nl_batch *batch, const int *active, int n_active, const double *step)
{
    for (int s = 1; s < batch->tableau->stages; s++) {
        for (int a = 0; a < n_active; a++)
            batch->jobs[a] = stage_job(batch, active[a], s, step[a]);
        NL_TRY(nl_backend_stage(batch->backend, &batch->op, &batch->pool, batch->jobs, n_active));
    }
    for (int a = 0; a < n_active; a++) {
        batch->jobs[a] = error_job(batch, active[a], step[a]);
        batch->members[active[a]].applications += batch->tableau->stages - 1;
    }
    return NL_OK;
}
