#include "radii_newton.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The Jacobian at the start comes from differences, and from step to step from Broyden's update; where a step gains
 * little it comes from differences again. Steps that do not lower |G| are taken back.
 */
static const double DIFFERENCE = 1e-4, LONGEST_STEP = 0.2, GOOD_GAIN = 0.2;
enum { MOST_ROUNDS = 60, MOST_REFUSED = 6, MOST_STATES = 3 };

static double size_of(const nl_search *s, const double x[2])
{
    return s->sites == 2 ? fmax(fabs(x[0]), fabs(x[1])) : fabs(x[0]);
}

static bool is_open(const nl_search *s)
{
    return s->phase < NL_SEARCH_FOUND;
}

/* ---- asking ---- */

/* The states that a search needs next; returns their number. */
static int ask(const nl_search *s, nl_radii_state *out)
{
    const bool at_best = s->phase == NL_SEARCH_JACOBIAN;
    nl_radii_state at = {.point = s->point, .start = s->has_best ? s->best.P : s->seed};
    int count = 0;
    memcpy(at.u, at_best ? s->best.u : s->u, sizeof at.u);
    if (!at_best)
        out[count++] = at;
    for (int k = 0; k < s->sites && s->phase != NL_SEARCH_TRIAL; k++) {
        out[count] = at;
        out[count++].u[k] += DIFFERENCE;
    }
    return count;
}

/* ---- answering ---- */

static void add_work(nl_search *s, const nl_outcome *o)
{
    s->work.model_time += o->model_time;
    s->work.steps += o->steps;
    s->work.rejected += o->rejected;
    s->work.rhs += o->rhs;
    s->work.work += o->work;
    if (o->status != NL_POINT_CONVERGED)
        s->work.status = o->status;
}

static void take_best(nl_search *s, nl_radii_state *state)
{
    nl_radii_state_release(&s->best);
    s->best = *state;
    s->best.start = NULL;
    state->P = NULL; /* handed over */
    s->has_best = true;
}

static void take_jacobian(nl_search *s, const nl_radii_state *shifted)
{
    for (int k = 0; k < s->sites; k++)
        for (int j = 0; j < s->sites; j++)
            s->J[2 * j + k] = (shifted[k].G[j] - s->best.G[j]) / DIFFERENCE;
    s->fresh = true;
}

static void update_jacobian(nl_search *s, const nl_radii_state *state)
{
    double du[2] = {0}, square = 0;
    for (int k = 0; k < s->sites; k++) {
        du[k] = state->u[k] - s->best.u[k];
        square += du[k] * du[k];
    }
    for (int j = 0; j < s->sites && square > 0; j++) {
        double miss = state->G[j] - s->best.G[j];
        for (int k = 0; k < s->sites; k++)
            miss -= s->J[2 * j + k] * du[k];
        for (int k = 0; k < s->sites; k++)
            s->J[2 * j + k] += miss * du[k] / square;
    }
    s->fresh = false;
}

/* True where the search goes on from a new best state or a shorter step; false where it waits for the Jacobian, or
 * failed. */
static bool take_trial(nl_search *s, nl_radii_state *state)
{
    const double before = s->has_best ? size_of(s, s->best.G) : INFINITY, now = size_of(s, state->G);
    if (!(now < before)) { /* also where the phases did not become steady */
        s->phase = ++s->refused > MOST_REFUSED || !s->has_best ? NL_SEARCH_FAILED
                   : s->fresh                                  ? NL_SEARCH_TRIAL
                                                               : NL_SEARCH_JACOBIAN;
        s->scale *= s->fresh ? 0.25 : 1;
        return s->phase == NL_SEARCH_TRIAL;
    }
    if (s->has_best)
        update_jacobian(s, state);
    take_best(s, state);
    s->scale = 1;
    if (isfinite(before) && now > GOOD_GAIN * before)
        s->phase = NL_SEARCH_JACOBIAN;
    return s->phase == NL_SEARCH_TRIAL;
}

/* Newton's step from the best state, or the end of the search. */
static void aim(nl_search *s, double tolerance)
{
    double J[4], step[2] = {-s->best.G[0], -s->best.G[1]};
    lapack_int pivots[2];
    memcpy(J, s->J, sizeof J);
    if (!isfinite(size_of(s, s->best.G)) || !isfinite(J[0] + (s->sites == 2 ? J[1] + J[2] + J[3] : 0)) ||
        LAPACKE_dgesv(LAPACK_ROW_MAJOR, s->sites, 1, J, 2, pivots, step, 1) != 0) {
        s->phase = NL_SEARCH_FAILED;
        return;
    }
    s->error = size_of(s, step);
    if (s->error <= tolerance && size_of(s, s->best.G) <= tolerance) {
        s->phase = NL_SEARCH_FOUND;
        return;
    }
    const double length = fmin(1, LONGEST_STEP / s->error) * s->scale;
    for (int k = 0; k < s->sites; k++)
        s->u[k] = s->best.u[k] + length * step[k];
    s->phase = s->rounds >= MOST_ROUNDS ? NL_SEARCH_FAILED : NL_SEARCH_TRIAL;
}

static void answer(nl_search *s, nl_radii_state *states, int count, double tolerance)
{
    bool goes_on = true;
    s->rounds++;
    for (int k = 0; k < count; k++)
        add_work(s, &states[k].outcome);
    switch (s->phase) {
    case NL_SEARCH_START:
        take_best(s, &states[0]);
        take_jacobian(s, states + 1);
        break;
    case NL_SEARCH_JACOBIAN: take_jacobian(s, states); break;
    default: goes_on = take_trial(s, &states[0]);
    }
    if (goes_on)
        aim(s, tolerance);
}

nl_status nl_radii_newton(const nl_outer_run *outer, nl_search *searches, int count, bool *stopped)
{
    nl_radii_state *states = malloc((size_t)count * MOST_STATES * sizeof *states + 1);
    nl_status status = states ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %d searches", count);
    int asked = 1;
    *stopped = false;
    for (int i = 0; i < count; i++)
        searches[i].scale = 1;
    while (asked > 0 && !*stopped && status == NL_OK) {
        asked = 0;
        for (int i = 0; i < count; i++)
            if (is_open(&searches[i]))
                asked += ask(&searches[i], states + asked);
        status = nl_radii_evaluate(outer, states, asked);
        for (int k = 0; k < asked; k++)
            *stopped |= states[k].outcome.status == NL_POINT_PENDING;
        for (int i = 0, at = 0; i < count && status == NL_OK && !*stopped; i++)
            if (is_open(&searches[i])) {
                nl_radii_state unused[MOST_STATES];
                const int own = ask(&searches[i], unused);
                answer(&searches[i], states + at, own, outer->plan->config->steady_tolerance);
                at += own;
            }
        for (int k = 0; k < asked; k++)
            nl_radii_state_release(&states[k]);
    }
    free(states);
    return status;
}
