/*
 * One member's search for the eigenvector of 0 and the leading eigenvalue beside it: what a restart of its subspace
 * tells, how long its map should be, and when the search is over.
 */
#ifndef NL_EIGENSEARCH_H
#define NL_EIGENSEARCH_H

#include "nanolase/arnoldi.h"
#include "nanolase/krylov.h"

typedef struct nl_eigensearch {
    bool wants_state, wants_gap;
    double change, residual; /* of the eigenvector of 0: |L y|_1/|y|_1, and the model's */
    double decay;            /* of the slowest other mode; 0 unknown */
    double floor;            /* what rounding leaves of a change */
    double lambda_re, lambda_im; /* the leading other eigenvalue at the last restart */
    double error;                /* of it, relative; INFINITY while not sure which it is */
    double best;                 /* lowest of what errors the restarts left, */
    int restarts, best_restart;  /* and which restart that was */
    int widened, tuned;          /* how often the stepper was shortened for growth; the map made to fit */
    bool fits;                   /* the map, to the leading mode */
    int steps;                   /* of the map */
    nl_gap gap;
} nl_eigensearch;

/* h: of a step of the map. before: how long in time the map on a coarser grid became; 0: there was none. What is wanted
 * is for the caller to say. */
nl_eigensearch nl_eigensearch_new(bool chebyshev, double h, double before);
/* Takes note of the eigenvalues after a restart, and whether the map fits them. */
void nl_eigensearch_look(nl_eigensearch *, const nl_arnoldi *, const nl_member *);
/* Makes the map one that fits better: more steps, or shorter ones. */
void nl_eigensearch_tune(nl_eigensearch *, const nl_arnoldi *, nl_member *);
/* Whether the gap is known as well as it should be, or not wanted. */
bool nl_eigensearch_has_gap(const nl_eigensearch *);
nl_point_status nl_eigensearch_judge(nl_eigensearch *, const nl_arnoldi *, const nl_member *, const nl_point *);
/* coarse_work: what the grids before took, in applications on this one. */
nl_outcome nl_eigensearch_outcome(const nl_eigensearch *, const nl_member *, nl_point_status, double coarse_work);

/* The eigenvalue that is 0 but for errors, as a number in the list. */
int nl_ritz_zero(const nl_arnoldi *);

#endif
