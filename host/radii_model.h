/* The observables of equation = phase-selfconsistent: those of the phase model, by its ids, and these. */
#ifndef NL_RADII_MODEL_H
#define NL_RADII_MODEL_H

#include "nanolase/model.h"

enum {
    NL_RADII_FIRST = 24, /* above the phase model's ids */
    NL_RADII_R1 = NL_RADII_FIRST, NL_RADII_R2, NL_RADII_IMBALANCE_ANALYTIC,
    NL_RADII_SOLUTIONS, NL_RADII_STABLE, NL_RADII_UNSTABLE_MODES, /* and on: of steady states only */
    NL_RADII_OTHER_N1, NL_RADII_OTHER_N2, NL_RADII_END
};

/* The classical radius in units of r_0 of a laser alone whose phase follows the drive: (A - C)(r^3 - r) =
 * epsilon/r_0. */
double nl_radii_driven(const nl_phase *);

/* The values above of a point at its radii; those that only the search for steady states gives are NAN. */
void nl_radii_values(const nl_phase *, nl_value *values);

#endif
