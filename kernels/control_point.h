/* The step-size controller, for the host and for the device. */
#ifndef NL_CONTROL_POINT_H
#define NL_CONTROL_POINT_H

#include <math.h>

#include "nanolase/control.h"
#include "portable.h"

/* Gustafsson's PI controller: factor = S error^(-0.7/q) last_error^(0.4/q), q = order + 1. */
NL_FN nl_control nl_control_at(int order, double error, double last_error)
{
    const double safety = 0.9, shrink_most = 0.2, grow_most = 5, error_floor = 1e-8, last_error_floor = 1e-4;
    const double q = order + 1;
    nl_control control = {false, shrink_most};
    if (!(fabs(error) < INFINITY))
        return control;
    if (error > 1) {
        control.factor = fmax(shrink_most, safety * pow(error, -1 / q));
        return control;
    }
    const double e = fmax(error, error_floor), previous = fmax(last_error, last_error_floor);
    const double factor = safety * pow(e, -0.7 / q) * pow(previous, 0.4 / q);
    control.accept = true;
    control.factor = fmin(grow_most, fmax(shrink_most, factor));
    return control;
}

NL_FN void nl_swap(int *a, int *b)
{
    const int old = *a;
    *a = *b;
    *b = old;
}

/* The step to try: the member's own, shortened to meet a target that it would reach or nearly reach. */
NL_FN double nl_course_step(const nl_course *c)
{
    const double h = fmin(c->h, c->h_max);
    return c->t + 1.01 * h >= c->target ? c->target - c->t : h;
}

/* Makes a trial step the state. */
NL_FN void nl_course_accept(nl_course *c, double step)
{
    nl_swap(&c->y, &c->y_new);
    nl_swap(&c->k, &c->k_new);
    c->t += step;
    c->last_step = step;
    c->steps++;
    c->size = 0;
}

/* Accepts (true) or refuses a trial step by its error, and chooses the next. order: of the embedded solution. */
NL_FN bool nl_course_judge(nl_course *c, int order, double step, double error)
{
    const nl_control control = nl_control_at(order, error, c->last_error);
    const double next = control.factor * step;
    if (control.accept) {
        const bool shortened = step < fmin(c->h, c->h_max), meets = step == c->target - c->t;
        nl_course_accept(c, step);
        if (meets)
            c->t = c->target; /* not a rounding error beside it */
        c->last_error = error;
        c->h = fmin(c->h_max, shortened ? fmax(c->h, next) : next);
    } else {
        c->rejected++;
        c->h = next;
        c->failed = next < 1e-12 * c->h_max;
    }
    c->remaining = c->failed || c->t == c->target ? 0 : c->remaining - 1;
    return control.accept;
}

#endif
