/* Coefficients of one nanolaser, from the microscopic parameters. */
#ifndef NL_LASER_H
#define NL_LASER_H

#include "nanolase/config.h"

/* Rates in the unit of kappa as given; see Eqs. 3, 4, 7, 9, 15, 17. */
typedef struct nl_laser {
    double C_p;
    double A, B_r, C; /* gain A = C_p kappa, saturation (renormalised or not), loss C = kappa */
    double n0;        /* (A - C)/B_r; not above 0 below threshold */
    double D_p;       /* A/(2 n_0); infinite or negative without lasing */
    double epsilon, t_c;
    double phi[2];
} nl_laser;

nl_laser nl_laser_from_config(const nl_config *);

#endif
