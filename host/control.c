#include "nanolase/control.h"

#include <math.h>

static const double SAFETY = 0.9, SHRINK_MOST = 0.2, GROW_MOST = 5, ERROR_FLOOR = 1e-8, LAST_ERROR_FLOOR = 1e-4;

nl_control nl_control_decide(int order, double error, double last_error)
{
    const double q = order + 1;
    if (!isfinite(error))
        return (nl_control){false, SHRINK_MOST};
    if (error > 1)
        return (nl_control){false, fmax(SHRINK_MOST, SAFETY * pow(error, -1 / q))};
    const double e = fmax(error, ERROR_FLOOR), previous = fmax(last_error, LAST_ERROR_FLOOR);
    const double factor = SAFETY * pow(e, -0.7 / q) * pow(previous, 0.4 / q);
    return (nl_control){true, fmin(GROW_MOST, fmax(SHRINK_MOST, factor))};
}
