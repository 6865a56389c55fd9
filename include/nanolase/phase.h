/* The phase Fokker-Planck equation (Eqs. 14, 16) of one or two nanolasers: parameters, tables, observables. */
#ifndef NL_PHASE_H
#define NL_PHASE_H

#include <stddef.h>

#include "nanolase/config.h"
#include "nanolase/laser.h"
#include "nanolase/stencil.h"
#include "portable.h"

enum { NL_MAX_GRID = 65535 };

/* Parameters of one point, index j = site. Rates in units of kappa. */
typedef struct nl_phase {
    int sites;
    double D[2];      /* D_p/r_j^2 */
    double drive[2];  /* epsilon/(r_0 r_j) */
    double tunnel[2]; /* t_c r_{j'}/r_j; 0 for one site */
    double phi[2];
    double r[2]; /* radii in units of r0 */
    double r0;   /* sqrt(n_0) where [laser] gives the coefficients, 1 where [phase] does */
    double D_p, epsilon_over_r0, t_c; /* what D, drive and tunnel are made of */
    double net_gain;     /* A - C = B_r n_0, of the radial equations; 0 where the coefficients are not [laser]'s */
    const double *start; /* a state to start from instead of run.initial; not owned; NULL: none */
} nl_phase;

/* NL_ERR_CONFIG below threshold where coefficients would have to come from [laser]. */
nl_status nl_phase_from_config(const nl_config *, nl_phase *out);

/* The narrowest feature of a steady state, in radians: where drift of slope s balances diffusion D, a Gaussian of width
 * sqrt(D/s); at most 1. */
double nl_phase_width(const nl_phase *);

/* Two lasers that differ in nothing, whose steady state is symmetric under their exchange. */
bool nl_phase_is_symmetric(const nl_phase *);

/* Radii in units of r_0, above 0, and the D, drive and tunnel that follow from them. */
void nl_phase_set_radii(nl_phase *, const double r[2]);

/* Grid points along each axis that keep the error in <exp(i theta)> near `accuracy` at this order; above NL_MAX_GRID
 * where none would do. */
int nl_phase_resolution(const nl_phase *, int order, double accuracy);

/* Fills a member's table (nl_phase_table_len of kernels/phase_point.h doubles) for the stencil's grid. */
void nl_phase_fill_table(const nl_phase *, nl_stencil, double *table);

/* The spectrum of the operator with its drift frozen at the largest value anywhere on the grid, sampled; returns the
 * number of samples, at most NL_PHASE_SPECTRUM. */
enum { NL_PHASE_SAMPLES = 9, NL_PHASE_SPECTRUM = 2 * NL_PHASE_SAMPLES * NL_PHASE_SAMPLES };
int nl_phase_spectrum(const nl_phase *, nl_stencil, nl_complex *list);

/* The distribution at the start: density normalised to integral 1, n x n (n for one site). */
nl_status nl_phase_initial(const nl_phase *, nl_initial initial, int n, double *P);

/* Volume of a grid cell: (2 pi/n)^sites. */
double nl_phase_cell(const nl_phase *, int n);

/* From the marginals (nl_moments_len doubles) the moments that all phase observables are made of. */
typedef struct nl_phase_moments {
    double norm;         /* integral of P */
    double exp_i_theta[2][2]; /* <e^{i theta_j}>, re and im, of the normalised distribution */
    double exp_i_theta21[2];  /* <e^{i(theta_2 - theta_1)}> */
} nl_phase_moments;

nl_phase_moments nl_phase_moments_of(const nl_phase *, int n, const double *marginals);

/*
 * The radial equations (Eq. 34) in units of r_0:
 *   rate[0] = dr_1/dt = (A - C)(1 - r_1^2) r_1 + (epsilon/r_0) <sin(phi_1 - theta_1)> + t_c r_2 <sin(theta_1 -
 * theta_2)> and 1 <-> 2; <e^{i theta_j}> and <e^{i(theta_2 - theta_1)}> are [re, im]. rate[1] = 0 for one site.
 */
void nl_phase_radial_rate(const nl_phase *, const double exp_i_theta[2][2], const double exp_i_theta21[2],
                          double rate[2]);

#endif
