/* From coarse grids to a fine one: interpolation tables, and the combination of several grids' solutions. */
#ifndef NL_PROLONG_H
#define NL_PROLONG_H

#include "nanolase/error.h"

struct nl_prolong_entry;

enum { NL_MAX_SOURCES = 3 };

/* Fills n_fine entries for interpolation from n_coarse >= 8 periodic points. */
void nl_prolong_fill(int n_coarse, int n_fine, struct nl_prolong_entry *entries);

/*
 * Richardson weights: the combination sum_s weight[s] P_s of solutions on grids of n[s] points, s < count <=
 * NL_MAX_SOURCES, that agrees with the solution on n_fine points up to the first count - 1 terms, h^order and
 * h^(order+2), of the discretisation error.
 */
nl_status nl_prolong_weights(const int *n, int count, int n_fine, int order, double *weight);

#endif
