/*
 * Restarted Arnoldi on the map that time evolution makes of a state, for the members of a batch.
 *
 * The map is `steps` steps of the batch's Runge-Kutta method, all of one size h, so for a linear operator L it is a
 * polynomial R(h L)^steps: its eigenvectors are those of L however accurate the steps are in time, and those of the
 * modes that decay slowest belong to its largest eigenvalues. A decomposition M V = V H + v b^T with orthonormal
 * columns V, v grows by one vector a map; when it is full it is cut back to the span of its leading Schur vectors
 * (Krylov-Schur: Stewart, SIAM J. Matrix Anal. Appl. 23, 601 (2001)). Eigenvalues of L are those of V^T L V, not
 * logarithms of the map's.
 */
#ifndef NL_ARNOLDI_H
#define NL_ARNOLDI_H

#include "nanolase/batch.h"

enum {
    NL_ARNOLDI_SIZE = 40,                      /* columns of a full decomposition */
    NL_ARNOLDI_KEPT = 16,                      /* of one cut back, or one more */
    NL_ARNOLDI_REGISTERS = NL_ARNOLDI_SIZE + 1 /* that the batch must have beside the stepper's */
};

/* One eigenvalue of L as the subspace has it. */
typedef struct nl_ritz {
    double re, im;
    double error;                 /* |M u - mu u|/|u| over the map's time, which is also the scale of L u - lambda u */
    double y_re[NL_ARNOLDI_SIZE]; /* u = V y */
    double y_im[NL_ARNOLDI_SIZE];
} nl_ritz;

/* One member's decomposition. */
typedef struct nl_arnoldi {
    int steps;
    int count;                                          /* columns */
    double h[NL_ARNOLDI_SIZE][NL_ARNOLDI_SIZE + 1];     /* by columns; row `count` is b */
    double growth;                                      /* of what the map magnifies, per map; 1: nothing */
    int n_ritz;
    nl_ritz ritz[NL_ARNOLDI_KEPT + 1];                  /* after nl_arnoldi_restart; largest real part first */
    bool exhausted;                                     /* the columns span the whole space: nothing to extend by */
    bool failed;                                        /* numbers that are none */
} nl_arnoldi;

/* Starts arnoldi[member], which has `steps` set, from each listed member's state plus `share` times its norm of a
 * random vector. */
nl_status nl_arnoldi_start(nl_batch *, nl_arnoldi *arnoldi, const int *active, int n_active, double share);
/* Adds a column to each. The members' states are used up. */
nl_status nl_arnoldi_extend(nl_batch *, nl_arnoldi *arnoldi, const int *active, int n_active);
/* Cuts one full decomposition back and finds the eigenvalues of L in what is left. */
nl_status nl_arnoldi_restart(nl_batch *, nl_arnoldi *, int member);
/* The member's state = V y, for coefficients y of n_ritz columns. */
nl_status nl_arnoldi_vector(nl_batch *, const nl_arnoldi *, int member, const double *y);

/* ---- small dense problems (arnoldi_dense.c) ---- */

/* Of H (count columns, leading dimension NL_ARNOLDI_SIZE + 1) the real Schur form H Z = Z T with the `kept` or one more
 * largest eigenvalues first: T overwrites H, Z is count x count by columns. Returns how many come first, a conjugate
 * pair never apart; 0 where it fails. */
int nl_schur_leading(int count, int kept, double *H, double *Z);
/* Eigenvalues and eigenvectors of the n x n matrix A by columns (overwritten), |y| = 1, largest real part first; false
 * where it fails. */
bool nl_ritz_values(int n, double *A, nl_ritz *out);

#endif
