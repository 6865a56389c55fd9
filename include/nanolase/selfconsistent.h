/*
 * Steady states of the phases at radii that obey their own mean equations (Eqs. 14 and 34).
 *
 * At given radii the phases have one steady distribution P, so r_1 and r_2 are all there is to find. With u_j = ln r_j
 * the equations are
 *   G_j(u) = (1/r_j) dr_j/dt = 0,   averages over the steady P at those radii (nl_phase_radial_rate),
 * solved by Newton's method, whether or not the iteration r -> P -> r converges. All states are sought together: each
 * evaluation of G is one point of a plan of the phase model, so every method for steady states of phases serves here.
 */
#ifndef NL_SELFCONSISTENT_H
#define NL_SELFCONSISTENT_H

#include "nanolase/plan.h"

enum { NL_RADII_SOLUTIONS_MOST = 4, NL_RADII_VALUES = 24 };

/* The phases at given radii. */
typedef struct nl_radii_state {
    int point;       /* of the outer plan */
    double u[2];     /* ln r_j, r_j in units of r_0 */
    const double *start; /* a distribution on the point's grid to start from; NULL: none; not owned */
    double G[2];     /* in kappa; NAN where the phases did not become steady */
    nl_value values[NL_RADII_VALUES]; /* of the phase model, by id */
    nl_outcome outcome;               /* pending: the run was stopped */
    double *P;       /* the distribution; owned */
} nl_radii_state;

/* Steady distributions, G and values at the radii of every state, together. */
nl_status nl_radii_evaluate(const nl_outer_run *, nl_radii_state *, int count);
void nl_radii_state_release(nl_radii_state *);

/*
 * Modes of the phases and radii together that grow in time out of stationary states: zeros with Re s > 0 of
 *   det( s - J - K(s) ),  J_jk = dG_j/du_k at fixed P,  K_jk(t) = change of G_j at time t after the phases were kicked
 * by (dL/du_k) P, counted by the winding of the determinant along the imaginary axis (Nyquist). modes[s] below 0:
 * unknown. jacobian, where not NULL: J + int K dt of each state, row-major, which is dG/du with the phases following.
 */
nl_status nl_radii_unstable_modes(const nl_outer_run *, const nl_radii_state *const *states, int count, int *modes,
                                  double (*jacobian)[4]);

/* The number of zeros with Re s > 0 for K given by samples K[k][j*2 + i] at times k*spacing; beyond the last it decays
 * at the rate tail[j*2 + i], where that is 0 it has died away. sites x sites of J and K are used, row-major in 2 x 2.
 */
int nl_radii_count_zeros(int sites, const double J[4], const double (*K)[4], int samples, double spacing,
                         const double tail[4]);
/* J + int_0^inf K dt of the same. */
void nl_radii_static_response(const double J[4], const double (*K)[4], int samples, double spacing,
                              const double tail[4], double out[4]);

/* Solves every point that the result holds as pending. */
nl_status nl_selfconsistent_run(const nl_plan *, nl_backend *, nl_result *, const nl_watcher *);

#endif
