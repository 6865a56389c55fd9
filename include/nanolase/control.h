/* Step-size control: a proportional-integral controller on the scaled error (1 is just acceptable), and what it decides
 * for one member's course through time. On the device too: kernels/control_point.h. */
#ifndef NL_CONTROL_H
#define NL_CONTROL_H

#include <stdbool.h>

#include "nanolase/tableau.h"

typedef struct nl_control {
    bool accept;
    double factor; /* next step over this step */
} nl_control;

/* order: of the embedded solution; last_error: of the last accepted step. An error that is not finite is rejected. */
nl_control nl_control_decide(int order, double error, double last_error);

enum { NL_COURSE_WORK = NL_MAX_STAGES - 2 };

/* What adaptive steps of one member read and change beside its vectors. */
typedef struct nl_course {
    double t;             /* model time */
    double target;        /* not to be passed, met exactly; INFINITY: none */
    double h, h_max;      /* next step, and the bound that stability sets */
    double last_error;    /* of the last accepted step */
    double last_step;     /* its length; its start is still in y_new. 0: gone */
    double rate, size;    /* |L y|_1 and |y|_1; size 0: unknown */
    int steps, rejected;  /* so far in this run of steps */
    int remaining;        /* trial steps still to do: 0 at the target, and where the step has become too small: */
    int failed;
    int slot;             /* of the pool; registers: */
    int y, y_new;
    int k, k_new;         /* L y, L y_new; each pair changes places when a step is accepted */
    int work[NL_COURSE_WORK]; /* may be overwritten; below 0: none */
} nl_course;

#endif
