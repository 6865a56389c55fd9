/* A step of an embedded Runge-Kutta pair for a state and the radii that its operator depends on, together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

typedef struct member_radii {
    double r[2], r_new[2];
    double rate[NL_MAX_STAGES][2]; /* dr/dt at the stages; [0] at r, the last at r_new */
    double bound_at[2];            /* radii that the member's h_max was found at */
} member_radii;

struct nl_radii {
    nl_point *points; /* [member], at r */
    member_radii *members;
    double *tables;  /* [member], as on the backend */
    double *moments; /* [member], work space */
};

/* ---- making ---- */

nl_status nl_radii_new(nl_batch *batch)
{
    const size_t count = (size_t)batch->n_members;
    nl_radii *radii = batch->radii = calloc(1, sizeof *radii);
    if (radii) {
        radii->points = malloc(count * sizeof *radii->points);
        radii->members = calloc(count, sizeof *radii->members);
        radii->tables = malloc(count * batch->op.table_len * sizeof *radii->tables);
        radii->moments = malloc(count * nl_moments_len(&batch->op) * sizeof *radii->moments);
    }
    if (!radii || !radii->points || !radii->members || !radii->tables || !radii->moments)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the radii of %d members", batch->n_members);
    memcpy(radii->points, batch->points, count * sizeof *radii->points);
    batch->points = radii->points;
    for (size_t m = 0; m < count; m++)
        for (int j = 0; j < 2; j++)
            radii->members[m].r[j] = radii->members[m].bound_at[j] = radii->points[m].phase.r[j];
    for (size_t m = 0; m < count; m++)
        batch->model->fill_table(&radii->points[m], batch->n, radii->tables + m * batch->op.table_len);
    return NL_OK;
}

void nl_radii_release(nl_radii *radii)
{
    if (!radii)
        return;
    free(radii->points);
    free(radii->members);
    free(radii->tables);
    free(radii->moments);
    free(radii);
}

/* ---- rates ---- */

/* dr/dt of the members that batch->jobs list, at radii at[job], of the states in register reg[job]. */
static nl_status radial_rates(nl_batch *batch, int n_jobs, double (*at)[2], const int *reg, int stage)
{
    nl_radii *radii = batch->radii;
    const size_t len = nl_moments_len(&batch->op);
    for (int a = 0; a < n_jobs; a++)
        batch->jobs[a] = (nl_job){.slot = batch->jobs[a].slot, .in = {reg[a]}};
    NL_TRY(batch->backend->ops->moments(batch->backend, &batch->op, &batch->pool, batch->jobs, n_jobs, radii->moments));
    for (int a = 0; a < n_jobs; a++) {
        nl_point point = radii->points[batch->jobs[a].slot];
        batch->model->set_radii(&point, at[a]);
        batch->model->radial_rate(&point, batch->n, radii->moments + a * len,
                                  radii->members[batch->jobs[a].slot].rate[stage]);
    }
    return NL_OK;
}

/* k[stage] = L(r) y of the jobs' members with y in register reg[job], and the rate of change of r. */
static nl_status rates(nl_batch *batch, int n_jobs, double (*at)[2], const int *reg, int stage)
{
    nl_radii *radii = batch->radii;
    const size_t len = batch->op.table_len;
    for (int a = 0; a < n_jobs; a++) {
        const int slot = batch->jobs[a].slot;
        nl_point point = radii->points[slot];
        batch->model->set_radii(&point, at[a]);
        batch->model->fill_table(&point, batch->n, radii->tables + slot * len);
        batch->jobs[a] = (nl_job){.slot = slot, .in = {reg[a]}, .out = batch->members[slot].k[stage]};
    }
    NL_TRY(nl_tables_put(batch->backend, &batch->op, batch->n_members, radii->tables));
    NL_TRY(batch->backend->ops->apply(batch->backend, &batch->op, &batch->pool, batch->jobs, n_jobs));
    return radial_rates(batch, n_jobs, at, reg, stage);
}

/* Radii and registers of n_jobs jobs. */
static nl_status new_list(int n_jobs, double (**at)[2], int **reg)
{
    *at = malloc((size_t)n_jobs * sizeof **at + 1);
    *reg = malloc((size_t)n_jobs * sizeof **reg + 1);
    if (*at && *reg)
        return NL_OK;
    free(*at);
    free(*reg);
    return nl_fail(NL_ERR_MEMORY, "cannot allocate the radii of a step");
}

nl_status nl_radii_refresh(nl_batch *batch, int n_jobs)
{
    double(*at)[2];
    int *reg;
    NL_TRY(new_list(n_jobs, &at, &reg));
    for (int a = 0; a < n_jobs; a++) {
        memcpy(at[a], batch->radii->members[batch->jobs[a].slot].r, sizeof at[a]);
        reg[a] = batch->jobs[a].in[0];
    }
    const nl_status status = rates(batch, n_jobs, at, reg, 0);
    free(at);
    free(reg);
    return status;
}

/* ---- steps ---- */

/* Radii and state of one stage: r + h sum_j a_sj r'_j, and the job for y + h sum_j a_sj k_j, into y_new. */
static nl_job stage_argument(const nl_batch *batch, int member, int s, double h, double r[2])
{
    const nl_member *m = &batch->members[member];
    const member_radii *of = &batch->radii->members[member];
    nl_job job = {.slot = member, .out = m->y_new};
    memcpy(r, of->r, 2 * sizeof *r);
    nl_job_add(&job, m->y, 1);
    for (int j = 0; j < s; j++) {
        const double c = h * batch->tableau->a[s][j];
        nl_job_add(&job, m->k[j], c);
        r[0] += c * of->rate[j][0];
        r[1] += c * of->rate[j][1];
    }
    return job;
}

/* A stage at radii that make no sense: at those of the start instead, and the step will be refused. */
static bool keep_sensible(double r[2], const double start[2])
{
    if (r[0] > 0 && r[1] > 0 && isfinite(r[0]) && isfinite(r[1]))
        return true;
    memcpy(r, start, 2 * sizeof *r);
    return false;
}

static nl_status stages(nl_batch *batch, const int *active, int n_active, const double *step, double (*at)[2], int *reg)
{
    nl_radii *radii = batch->radii;
    for (int a = 0; a < n_active; a++)
        radii->members[active[a]].r_new[0] = 0;
    for (int s = 1; s < batch->tableau->stages; s++) {
        for (int a = 0; a < n_active; a++) {
            member_radii *of = &radii->members[active[a]];
            batch->jobs[a] = stage_argument(batch, active[a], s, step[a], at[a]);
            reg[a] = batch->members[active[a]].y_new;
            if (!keep_sensible(at[a], of->r))
                of->r_new[0] = NAN;
        }
        NL_TRY(batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_active));
        NL_TRY(rates(batch, n_active, at, reg, s));
    }
    for (int a = 0; a < n_active; a++) {
        member_radii *of = &radii->members[active[a]];
        const bool refused = isnan(of->r_new[0]);
        memcpy(of->r_new, at[a], sizeof at[a]); /* the closing stage is the new solution */
        if (refused)
            of->r_new[0] = NAN;
    }
    return NL_OK;
}

nl_status nl_step_radii(nl_batch *batch, const int *active, int n_active, const double *step)
{
    const nl_tableau *pair = batch->tableau;
    double(*at)[2];
    int *reg;
    NL_TRY(new_list(n_active, &at, &reg));
    const nl_status status = stages(batch, active, n_active, step, at, reg);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        nl_member *m = &batch->members[active[a]];
        batch->jobs[a] = (nl_job){.slot = active[a], .y = m->y, .y_new = m->y_new};
        for (int j = 0; j < pair->stages; j++)
            nl_job_add(&batch->jobs[a], m->k[j], step[a] * (pair->b[j] - pair->b_hat[j]));
        m->applications += pair->stages - 1;
    }
    free(at);
    free(reg);
    return status;
}

void nl_radii_error(const nl_batch *batch, const int *active, int n_active, const double *step, double rtol,
                    double atol, double *error)
{
    const nl_tableau *pair = batch->tableau;
    for (int a = 0; a < n_active; a++) {
        const member_radii *of = &batch->radii->members[active[a]];
        for (int j = 0; j < 2; j++) {
            double e = 0;
            for (int s = 0; s < pair->stages; s++)
                e += step[a] * (pair->b[s] - pair->b_hat[s]) * of->rate[s][j];
            const double scaled = fabs(e) / (atol + rtol * fmax(of->r[j], of->r_new[j]));
            error[a] = isnan(of->r_new[j]) || isnan(scaled) || isnan(error[a]) ? INFINITY : fmax(error[a], scaled);
        }
    }
}

/* The bound that stability sets to the step moves with the radii; small changes are within its margin. */
static void follow_bound(nl_batch *batch, int member)
{
    member_radii *of = &batch->radii->members[member];
    const double change = fmax(fabs(of->r[0] / of->bound_at[0] - 1), fabs(of->r[1] / of->bound_at[1] - 1));
    if (change < 0.01)
        return;
    memcpy(of->bound_at, of->r, sizeof of->bound_at);
    nl_batch_bound_step(batch, member);
}

void nl_radii_accept(nl_batch *batch, int member)
{
    member_radii *of = &batch->radii->members[member];
    memcpy(of->r, of->r_new, sizeof of->r);
    memcpy(of->rate[0], of->rate[batch->tableau->stages - 1], sizeof of->rate[0]);
    batch->model->set_radii(&batch->radii->points[member], of->r);
    follow_bound(batch, member);
}

nl_status nl_radii_keep(nl_batch *batch, int member, nl_state *state, int point)
{
    member_radii *of = &batch->radii->members[member];
    NL_TRY(nl_state_bytes(state, point, "radii", of, sizeof *of));
    if (nl_state_is_restored(state))
        batch->model->set_radii(&batch->radii->points[member], of->r);
    return NL_OK;
}
