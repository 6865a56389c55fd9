/* Step-size control: a proportional-integral controller on the scaled error (1 is just acceptable). */
#ifndef NL_CONTROL_H
#define NL_CONTROL_H

#include <stdbool.h>

typedef struct nl_control {
    bool accept;
    double factor; /* next step over this step */
} nl_control;

/* order: of the embedded solution; last_error: of the last accepted step. An error that is not finite is rejected. */
nl_control nl_control_decide(int order, double error, double last_error);

#endif
