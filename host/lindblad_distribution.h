/* The distribution of one laser's light, roughly: what cutoffs, step sizes and first states are chosen from. */
#ifndef NL_LINDBLAD_DISTRIBUTION_H
#define NL_LINDBLAD_DISTRIBUTION_H

#include <math.h>

#include "nanolase/lindblad.h"

/* Standard deviation of the photon number in the lasing state at mean n. */
static inline double nl_lindblad_width(const nl_lindblad *l, double n)
{
    return sqrt(l->laser.A / l->laser.B_r + n);
}

/* Locking parameter x of the phase at n photons, driven by f: its distribution is exp(x cos) (Eq. 18). */
static inline double nl_lindblad_locking(const nl_lindblad *l, double f, double n)
{
    return 2 * f * sqrt(n) / l->laser.A;
}

/* ratio[k] = I_k(x)/I_0(x), k < count; returns exp(-x) I_0(x). */
double nl_bessel_ratios(double x, double *ratio, int count);

#endif
