/*
 * Reduced-rank extrapolation of a sequence of states to its limit.
 *
 * States x_0 ... x_K of a linear evolution, a fixed time apart, approach the steady state along its slowest modes.
 * The combination sum_j c_j x_(j+1), sum_j c_j = 1, whose differences sum_j c_j (x_(j+1) - x_j) are least in norm
 * leaves up to K - 1 of those modes behind (Sidi, Vector Extrapolation Methods, SIAM 2017, on the method of Eddy and
 * Mesina). Sums of states are conserved, since the coefficients add up to one.
 */
#ifndef NL_EXTRAPOLATE_H
#define NL_EXTRAPOLATE_H

#include "nanolase/batch.h"

enum { NL_SNAPSHOTS = 6 };

/* Copies the state of each listed member to its snapshot register number[a]. */
nl_status nl_extrapolate_keep(nl_batch *, const int *members, int count, const int *number);

/* Replaces the state of each listed member, whose NL_SNAPSHOTS snapshots end at that state, by the extrapolation.
 * The snapshots are used up. A member whose snapshots are linearly dependent keeps its state. */
nl_status nl_extrapolate(nl_batch *, const int *members, int count);

#endif
