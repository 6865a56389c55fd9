/*
 * Direct solution of the phase operator on its low Fourier modes.
 *
 * On e^{i(k_1 theta_1 + k_2 theta_2)} a difference stencil is a number, and every cosine of the drift couples nearest
 * neighbours only. Modes |k_j| <= m, taken along the lines s = k_1 + k_2, make a block tridiagonal system, which is
 * eliminated from s = 2m to s = 0; s < 0 follows from P(-k) = P(k)*. About 2.7 (2m+1)^4 complex operations to
 * factorise, (2m+1)^3/3 complex numbers to hold; an eighth and a quarter of that where the lasers are alike (D, drive,
 * tunnelling, phase of the drive), whose solutions are taken to be symmetric under exchange, as steady states are.
 */
#ifndef NL_PHASE_DIRECT_H
#define NL_PHASE_DIRECT_H

#include "nanolase/phase.h"

typedef struct nl_phase_direct nl_phase_direct;

/* Factorises the operator that the stencil makes of the phase equation, for modes up to m >= 1. The caller releases.
 * NL_ERR_INTERNAL where a block is singular. */
nl_status nl_phase_direct_new(const nl_phase *, const nl_stencil *, int m, int threads, nl_phase_direct **out);
void nl_phase_direct_release(nl_phase_direct *); /* accepts NULL */
/* Bytes that it will hold. */
double nl_phase_direct_bytes(const nl_phase *, int m);

/* e: L e = r on the modes, with integral `integral`; both are grid functions, n x n (n for one site), n > 2m. */
nl_status nl_phase_direct_solve(nl_phase_direct *, int n, const double *r, double integral, double *e);

#endif
