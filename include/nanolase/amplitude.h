/*
 * The full-amplitude Fokker-Planck equation (C.3 with its sign of t_c corrected) of one and two lasers:
 *
 *   dP/dt = sum_j [ -div_j (v_j P) + (A/2) lap_j P ],   a_j = x_j + i y_j
 *   v_1   = (A - C - B_r |a_1|^2) a_1 + i t_c a_2 - i epsilon_1,   and 1 <-> 2
 *
 * A state is P over the cells of an n^4 grid (n^2 for one site; amplitude_point.h), times the grid's volume: its mean
 * over the cells is 1. P is the Glauber P function, so means over P are normally ordered: <a_j> = <alpha_j>_P, <a_j^+
 * a_j> = <|alpha_j|^2>_P and <n_j^2> = <|alpha_j|^4>_P + <|alpha_j|^2>_P.
 */
#ifndef NL_AMPLITUDE_H
#define NL_AMPLITUDE_H

#include <stdbool.h>

#include "nanolase/config.h"
#include "nanolase/laser.h"
#include "portable.h"

typedef struct nl_amplitude {
    int sites;
    nl_laser laser;   /* t_c = 0 for one site */
    nl_complex f[2];  /* -i epsilon_j */
    double extent;    /* L: coordinates run from -L to L */
    double width;     /* of the narrowest feature of a steady state */
    double n_initial; /* photons of a coherent or thermal start */
} nl_amplitude;

/* Fills all of it; extent as given or such that the distribution has fallen by exp(-18), as a Gaussian's at 6
 * widths. */
void nl_amplitude_from_config(const nl_config *, nl_amplitude *out);

/* Points along each axis that resolve the width at this order. */
int nl_amplitude_resolution(const nl_amplitude *, int order);

/* Distance between grid points. */
double nl_amplitude_spacing(const nl_amplitude *, int n);

/* Fills a member's table (nl_amplitude_table_len of kernels/amplitude_point.h doubles). */
void nl_amplitude_fill_table(const nl_amplitude *, int n, int order, double *table);

/* The spectrum of the operator with its drift frozen at the largest value on the grid, sampled; returns the number of
 * samples, at most NL_AMPLITUDE_SPECTRUM. */
enum { NL_AMPLITUDE_SAMPLES = 9, NL_AMPLITUDE_SPECTRUM = 2 * NL_AMPLITUDE_SAMPLES * NL_AMPLITUDE_SAMPLES };
int nl_amplitude_spectrum(const nl_amplitude *, int n, int order, nl_complex *list);

/*
 * The state at the start. locked (auto): the product of the lasers' exact steady states, each in the mean field of the
 * other. vacuum, coherent (amplitude -i e^{i phi_j} sqrt(n_initial)): a Gaussian one grid spacing wide along each axis,
 * the narrowest that the grid carries, which stands for a delta function. thermal: a Gaussian of n_initial photons.
 */
nl_status nl_amplitude_initial(const nl_amplitude *, nl_initial, int n, double *state);

/* What all observables are made of: normally ordered means, of the normalised distribution. */
typedef struct nl_amplitude_means {
    double norm;          /* integral of P */
    double negative;      /* integral of the negative part of P */
    double edge;          /* integral over the outermost cells of each laser, one after the other */
    nl_complex a[2];      /* <a_j> */
    double n[2];          /* <a_j^+ a_j> */
    double n_squared[2];  /* <a_j^+2 a_j^2> */
    double n1_n2;
    nl_complex a1dag_a2;
    nl_complex exp_i_theta[2], exp_i_theta21;
} nl_amplitude_means;

/* From the operator's moments (nl_moments_len doubles). */
nl_amplitude_means nl_amplitude_means_of(const nl_amplitude *, int n, const double *moments);

/* The density of a_1 (site 0) or a_2 alone: n x n, x slowest, integral 1. */
void nl_amplitude_marginal(const nl_amplitude *, int n, int site, const double *state, double *out);

/* The densities of one laser's phase at 2 pi k/n (integral 1) and of its radius at (k + 1/2) extent/n, k in [0, n), by
 * cubic interpolation from the plane. */
nl_status nl_amplitude_polar(const nl_amplitude *, int n, int site, const double *state, double *P_theta, double *P_r);

#endif
