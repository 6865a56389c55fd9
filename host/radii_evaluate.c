/* Steady phases at given radii, many together: points of a plan of the phase model. */
#include <math.h>
#include <stdlib.h>

#include "inner_run.h"
#include "nanolase/selfconsistent.h"

void nl_radii_state_release(nl_radii_state *state)
{
    free(state->P);
    state->P = NULL;
}

/*
 * A distribution to start from makes the coarser grids needless. The phases are carried further than the radii have to
 * be: where phases slip rarely, a distribution on its way may change so slowly that it passes for steady.
 */
static const double INNER = 0.01, INNER_LEAST = 1e-13;

static nl_point point_of(const nl_plan *outer, const nl_radii_state *state)
{
    nl_point point = outer->points[state->point];
    nl_phase_set_radii(&point.phase, (double[2]){exp(state->u[0]), exp(state->u[1])});
    point.tolerance = point.accuracy = fmax(INNER * point.tolerance, fmin(INNER_LEAST, point.tolerance));
    point.phase.start = state->start;
    if (state->start)
        point.levels = 1;
    return point;
}

static void take_state(nl_radii_state *state, const nl_point *point, nl_result *result, int p)
{
    const nl_value *values = nl_result_values(result, p, 0);
    double e[2][2], e21[2], rate[2];
    for (int k = 0; k < result->n_observables; k++)
        state->values[result->observables[k]->id] = values[k];
    for (int j = 0; j < 2; j++) {
        e[j][0] = state->values[j].re; /* exp_i_theta1, exp_i_theta2, exp_i_theta21 come first */
        e[j][1] = state->values[j].im;
    }
    e21[0] = state->values[2].re;
    e21[1] = state->values[2].im;
    nl_phase_radial_rate(&point->phase, e, e21, rate);
    state->outcome = result->outcomes[p];
    for (int j = 0; j < 2; j++)
        state->G[j] = state->outcome.status == NL_POINT_CONVERGED ? rate[j] / point->phase.r[j] : NAN;
    free(state->P);
    state->P = result->states[p]; /* handed over */
    result->states[p] = NULL;
}

nl_status nl_radii_evaluate(const nl_outer_run *outer, nl_radii_state *states, int count)
{
    nl_inner_run inner;
    if (count == 0)
        return NL_OK;
    nl_status status = nl_inner_run_new(outer, &nl_phase_model, count, &inner);
    for (int p = 0; p < count && status == NL_OK; p++) {
        inner.plan.points[p] = point_of(outer->plan, &states[p]);
        inner.plan.tableaux[p] = outer->plan->tableaux[states[p].point];
    }
    if (status == NL_OK)
        status = nl_inner_run_prepare(&inner, true);
    if (status == NL_OK)
        status = nl_inner_run_solve(&inner, outer);
    for (int p = 0; p < count && status == NL_OK; p++)
        take_state(&states[p], &inner.plan.points[p], &inner.result, p);
    nl_inner_run_release(&inner);
    return status;
}
