#include "relax_monitor.h"

#include <math.h>

double nl_monitor_decay_rate(const nl_monitor *m)
{
    if (m->decay == 0 || m->coarse_decay == 0)
        return m->decay + m->coarse_decay;
    return fmin(m->decay, m->coarse_decay);
}

static double distance(const nl_monitor *m)
{
    if (m->change < m->floor)
        return m->change;
    return nl_monitor_decay_rate(m) > 0 ? m->change / nl_monitor_decay_rate(m) : INFINITY;
}

/*
 * The extents of the spectrum, from which a Chebyshev method takes its damping, are estimates: modes beyond them grow
 * out of the rounding, or keep the residual from falling. With a rounder ellipse, for which steps are shorter, they die
 * away.
 */
static bool damp_more(nl_monitor *m, nl_member *member)
{
    const int most = 10;
    if (m->damped == most)
        return false;
    m->damped++;
    nl_member_shorten(member, nl_tableau_chebyshev(member->chebyshev.order));
    m->best = m->change;
    m->t_best = member->t;
    m->steps_best = member->steps;
    return true;
}

static void check_growth(nl_monitor *m, nl_member *member)
{
    const double growth = 30;
    if (m->change > growth * m->best && member->last_step > 0)
        damp_more(m, member);
}

void nl_monitor_observe(nl_monitor *m, nl_member *member, double change, double residual, bool is_exact,
                        bool extrapolates)
{
    m->residual = residual;
    m->change = change;
    m->floor = is_exact ? nl_member_rounding(member) : 0;
    if (member->chebyshev.stages > 0)
        check_growth(m, member);
    if (change < 0.95 * m->best) {
        m->best = change;
        m->t_best = member->t;
        m->steps_best = member->steps;
    }
    if (extrapolates)
        return; /* decay is then measured from window to window */
    if (m->r_decade == 0) {
        m->t_decade = member->t;
        m->r_decade = change;
    }
    if (change < 0.1 * m->r_decade) {
        m->decay = log(m->r_decade / change) / (member->t - m->t_decade);
        m->t_decade = member->t;
        m->r_decade = change;
    }
}

nl_point_status nl_monitor_judge(nl_monitor *m, nl_member *member, const nl_point *point, long stall)
{
    const double tolerance = point->tolerance;
    if (member->grew)
        return NL_POINT_GREW;
    if (member->failed || !isfinite(m->change))
        return NL_POINT_FAILED;
    if (m->residual <= tolerance && distance(m) <= point->accuracy)
        return NL_POINT_CONVERGED;
    if (member->t >= point->max_time)
        return NL_POINT_MAX_TIME;
    /* Rounding sets a floor to the residual; oscillations last no longer than a few of the decay times so far. */
    if (member->steps - m->steps_best > stall && member->t > 2 * m->t_best &&
        !(member->chebyshev.stages > 0 && damp_more(m, member)))
        return m->residual <= tolerance && m->floor > 0 ? NL_POINT_CONVERGED : NL_POINT_STALLED;
    return NL_POINT_PENDING;
}

void nl_monitor_settle(const nl_monitor *m, nl_member *member, const nl_point *point)
{
    if (member->chebyshev.stages > 0 && member->last_step > 0 && distance(m) <= point->accuracy)
        member->h = member->h_max / 100;
}

nl_outcome nl_monitor_outcome(const nl_monitor *m, const nl_member *member, nl_point_status status, double coarse_work)
{
    return (nl_outcome){.status = status,
                        .residual = m->residual,
                        .distance = distance(m),
                        .decay_rate = nl_monitor_decay_rate(m),
                        .model_time = member->t,
                        .steps = member->steps,
                        .rejected = member->rejected,
                        .rhs = member->applications,
                        .work = coarse_work + member->applications};
}
