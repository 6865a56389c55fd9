#include "nanolase/control.h"

#include "control_point.h"

nl_control nl_control_decide(int order, double error, double last_error)
{
    return nl_control_at(order, error, last_error);
}
