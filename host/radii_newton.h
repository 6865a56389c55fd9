/* Newton's method for self-consistent radii, many searches at once. */
#ifndef NL_RADII_NEWTON_H
#define NL_RADII_NEWTON_H

#include "nanolase/selfconsistent.h"

typedef enum {
    NL_SEARCH_START, NL_SEARCH_JACOBIAN, NL_SEARCH_TRIAL, NL_SEARCH_FOUND, NL_SEARCH_FAILED
} nl_search_phase;

/* One search. The caller sets point, u, seed and, where known, J with phase NL_SEARCH_TRIAL, else NL_SEARCH_START. */
typedef struct nl_search {
    int point, sites;
    double u[2];         /* what is tried next; ln r_j */
    const double *seed;  /* a distribution near that at u; NULL: none; not owned */
    nl_search_phase phase;
    nl_radii_state best; /* of smallest |G|; its P is owned */
    double J[4];         /* dG_j/du_k, row-major */
    bool has_best, fresh; /* fresh: J is of the radii of `best` */
    double step[2], scale;
    double error;        /* |J^-1 G|, of ln r */
    int refused, rounds;
    nl_outcome work;     /* times, steps and applications of all evaluations */
} nl_search;

/* Ends with every search found or failed, or pending outcomes where the run was stopped: then *stopped is true. */
nl_status nl_radii_newton(const nl_outer_run *, nl_search *searches, int count, bool *stopped);

#endif
