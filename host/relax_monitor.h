/* Follows the residual of one member that relaxes, and tells when it is steady. */
#ifndef NL_RELAX_MONITOR_H
#define NL_RELAX_MONITOR_H

#include "nanolase/solve.h"

typedef struct nl_monitor {
    double t_decade, r_decade; /* when the residual was last ten times lower than before */
    double decay;              /* rate over the last decade on this grid; 0 unknown */
    double coarse_decay;       /* the same from the grid before */
    double best;               /* lowest change */
    double t_best;
    long steps_best;
    int damped; /* how often the damping was raised */
    double residual;           /* the model's */
    double change;             /* |L y|_1/|y|_1 */
    double floor;              /* what rounding leaves of a change; 0 in single precision, where that is not little */
} nl_monitor;

/* Takes note of a look at the member. is_exact: in double precision. extrapolates: decay is then measured from window
 * to window of snapshots, not here. */
void nl_monitor_observe(nl_monitor *, nl_member *, double change, double residual, bool is_exact, bool extrapolates);
/* stall: steps without progress after which the member has stalled. */
nl_point_status nl_monitor_judge(nl_monitor *, nl_member *, const nl_point *, long stall);
/* What many stages leave in the fastest modes may be all of the residual: a few short steps of few stages remove it. */
void nl_monitor_settle(const nl_monitor *, nl_member *, const nl_point *);
/* The slowest rate that the residual has been seen to fall with, here or on the grid before; 0 unknown. */
double nl_monitor_decay_rate(const nl_monitor *);
/* coarse_work: what the grids before took, in applications on this one. */
nl_outcome nl_monitor_outcome(const nl_monitor *, const nl_member *, nl_point_status, double coarse_work);

#endif
