/* Between grids: interpolation and restriction tables, and the combination of several grids' solutions. */
#ifndef NL_TRANSFER_H
#define NL_TRANSFER_H

#include "nanolase/backend.h"

enum { NL_MAX_SOURCES = 3 };

/* Lagrange interpolation from n_coarse >= 8 periodic points through the NL_INTERPOLATION_POINTS nearest. Release also
 * after failure. */
nl_status nl_transfer_new_interpolation(nl_backend *, int n_coarse, int n_fine, nl_transfer *out);

/* Its adjoint times n_coarse/n_fine, which keeps integrals; n_fine is at least NL_RESTRICTION_POINTS and at most
 * 2 n_coarse. */
nl_status nl_transfer_new_restriction(nl_backend *, int n_fine, int n_coarse, nl_transfer *out);

void nl_transfer_release(nl_backend *, nl_transfer *);

/*
 * Richardson weights: the combination sum_s weight[s] P_s of solutions on grids of n[s] points, s < count <=
 * NL_MAX_SOURCES, that agrees with the solution on n_fine points up to the first count - 1 terms, h^order and
 * h^(order+2), of the discretisation error.
 */
nl_status nl_richardson_weights(const int *n, int count, int n_fine, int order, double *weight);

#endif
