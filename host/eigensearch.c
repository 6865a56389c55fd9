#include "eigensearch.h"

#include <math.h>

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

/* ---- the map ---- */

nl_eigensearch nl_eigensearch_new(bool chebyshev, double h, double before)
{
    const double time = before > 0 ? before : chebyshev ? CHEBYSHEV_TIME : PAIR_TIME;
    const int least = chebyshev ? 1 : PAIR_STEPS;
    return (nl_eigensearch){.change = INFINITY, .residual = INFINITY, .error = INFINITY, .best = INFINITY,
                            .steps = (int)fmax(least, fmin(ceil(time / h), MOST_STEPS))};
}

/* Gap times time of the subspace. One that is the whole space reaches as far as need be. */
static double reach(const nl_eigensearch *s, const nl_arnoldi *x, double h)
{
    return x->exhausted ? INFINITY : NL_ARNOLDI_SIZE * s->steps * h * fmax(-s->lambda_re, 0);
}

/* Does the map fit the leading mode as it is known now? */
static bool fits(const nl_eigensearch *s, const nl_arnoldi *x, double h)
{
    return h * hypot(s->lambda_re, s->lambda_im) <= LONGEST_STEP && reach(s, x, h) >= REACH;
}

void nl_eigensearch_tune(nl_eigensearch *s, const nl_arnoldi *x, nl_member *member)
{
    const double size = hypot(s->lambda_re, s->lambda_im);
    if (member->h_max * size > LONGEST_STEP) {
        member->h_max = 0.9 * LONGEST_STEP / size;
        member->chebyshev_h = 0;
    } else
        s->steps *= (int)fmin(fmax(ceil(1.2 * REACH / (reach(s, x, member->h_max) + 1e-300)), 2), 8);
    s->tuned++;
}

/* ---- what a restart tells ---- */

int nl_ritz_zero(const nl_arnoldi *x)
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

static void look_at_gap(nl_eigensearch *s, const nl_arnoldi *x)
{
    const int zero = nl_ritz_zero(x), lead = zero == 0 ? 1 : 0;
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

void nl_eigensearch_look(nl_eigensearch *s, const nl_arnoldi *x, const nl_member *member)
{
    look_at_gap(s, x);
    s->fits = x->n_ritz > 1 && fits(s, x, member->h_max);
    s->floor = nl_member_rounding(member);
}

/* ---- convergence ---- */

static double distance(const nl_eigensearch *s)
{
    if (s->change < s->floor)
        return s->change;
    return s->decay > 0 ? s->change / s->decay : INFINITY;
}

static bool state_done(const nl_eigensearch *s, const nl_point *point)
{
    return !s->wants_state || (s->residual <= point->tolerance && distance(s) <= point->accuracy);
}

bool nl_eigensearch_has_gap(const nl_eigensearch *s)
{
    return !s->wants_gap || s->error <= GAP_TOLERANCE;
}

static bool is_stalled(nl_eigensearch *s)
{
    const double left = (s->wants_state ? s->change : 0) + (s->wants_gap && isfinite(s->error) ? s->error : 0);
    if (s->restarts == 1 || left < 0.7 * s->best) {
        s->best = left;
        s->best_restart = s->restarts;
    }
    return s->restarts - s->best_restart > STALL;
}

nl_point_status nl_eigensearch_judge(nl_eigensearch *s, const nl_arnoldi *x, const nl_member *member,
                                     const nl_point *point)
{
    if (x->failed || (s->wants_state && !isfinite(s->change)))
        return NL_POINT_FAILED;
    if (s->fits && state_done(s, point) && nl_eigensearch_has_gap(s))
        return NL_POINT_CONVERGED;
    if (member->t >= point->max_time)
        return NL_POINT_MAX_TIME;
    if (!s->fits && x->n_ritz > 1 && s->tuned < MOST_TUNINGS && s->steps < MOST_STEPS)
        return NL_POINT_PENDING;
    return x->exhausted || is_stalled(s) ? NL_POINT_STALLED : NL_POINT_PENDING;
}

nl_outcome nl_eigensearch_outcome(const nl_eigensearch *s, const nl_member *member, nl_point_status status,
                                  double coarse_work)
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
