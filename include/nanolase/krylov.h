/*
 * Steady states and the spectral gap by Arnoldi's method on the time-evolution map (arnoldi.h): the eigenvectors of the
 * eigenvalues of L that lie furthest to the right. Of linear operators only.
 */
#ifndef NL_KRYLOV_H
#define NL_KRYLOV_H

#include "nanolase/arnoldi.h"
#include "nanolase/solve.h"

/* The leading eigenvalue of L but 0, of one point. */
typedef struct nl_gap {
    double re, im;          /* -Re lambda and |Im lambda|; NAN where not found */
    double error;           /* change of lambda from one restart to the next, relative */
    nl_point_status status; /* NL_POINT_CONVERGED: found */
    long applications;      /* of the operator; 0 where the steady state's search found it on the way */
} nl_gap;

/* Steady states on a sequence of grids, coarse to fine; the gaps too where the task has room for them and the point's
 * operator acts on the whole space. */
nl_status nl_krylov(nl_task *);
/* The gaps alone, into task->gaps. */
nl_status nl_find_gaps(nl_task *);

/* Whether a point's gap comes with its steady state: it is looked for in the same space. */
bool nl_gap_comes_along(const nl_config *, const nl_model *);
/* The point that the gap is looked for at: over the whole space, where that of the steady state is a part. */
nl_point nl_gap_point(const nl_model *, const nl_point *);

#endif
