/*
 * The exact master equation of two coupled nanolasers (Eq. 6 or Eq. 1, with tunnelling) in the truncated Fock basis:
 * parameters, tables, states, observables. The operator and the layout of a state are in kernels/dimer_point.h. A
 * vector is about planes N^4/2 doubles, with qubits 16 times as many: half of the (complex) elements, or a quarter.
 */
#ifndef NL_DIMER_H
#define NL_DIMER_H

#include "nanolase/lindblad.h"

/* Parameters of one point, rates in units of kappa. */
typedef struct nl_dimer {
    nl_lindblad
        pair; /* both lasers without tunnelling: coefficients, drives, and what the initial states are made from */
    int planes;       /* 1: S real (drives a quarter turn apart, or none); 2: complex */
    bool closed;      /* population lost through the cutoff returns to the vacuum */
    double chi;       /* common phase taken out, phi_1 */
    double drive1;    /* h_1 = epsilon, */
    nl_complex drive2; /* h_2 = -i epsilon e^{i (phi_2 - phi_1)} */
    double t_c;
} nl_dimer;

/* From a config whose values make sense; initial state of `levels` levels as asked for there. */
nl_dimer nl_dimer_from_config(const nl_config *, int levels);

nl_operator nl_dimer_shape(const nl_dimer *, int levels);
void nl_dimer_fill_table(const nl_dimer *, int levels, double *table);

/* Points of a curve around the spectrum, NL_LINDBLAD_SPECTRUM of them. */
int nl_dimer_spectrum(const nl_dimer *, int levels, nl_complex *list);

/* A product of two lasers' states: vacuum, coherent, thermal; auto: near the steady state where closed, else vacuum.
 * NL_ERR_MEMORY. */
nl_status nl_dimer_initial(const nl_dimer *, nl_initial, int levels, double *state);

/* Of any vector the part that is a hermitian matrix. */
void nl_dimer_constrain(const nl_dimer *, int levels, double *state);

/* rho_1 or rho_2 (site 0 or 1), the photons' state, traced over qubits and the other laser: out[levels][levels][2], re
 * and im. */
void nl_dimer_reduce(const nl_dimer *, int levels, const double *state, int site, double *out);

/* The smallest diagonal element. */
double nl_dimer_least_population(const nl_dimer *, int levels, const double *state);

/* The moments (kernels/dimer_moments.h), read. Of a closed operator's steady state any multiple is one: all but `trace`
 * are those of trace 1. */
typedef struct nl_dimer_values {
    double trace, purity, distance; /* distance: |rho - rho_1 x rho_2|, Frobenius norm */
    nl_complex a[2], cross;         /* <a_j>, <a_1^+ a_2> */
    double n[2], var_n[2], n1_n2, site_purity[2], top[2], ground[2]; /* ground: of the qubit; 1 without */
} nl_dimer_values;

nl_dimer_values nl_dimer_values_of(const nl_dimer *, int levels, const double *moments);

/* Makes the operator larger by its derivative by phi_2, which is exact since it is linear in the drive. False where S
 * is real: there drives are a quarter turn apart, and n_1 - n_2 is even about that, or there is none. */
bool nl_dimer_turn(nl_dimer *);

/* d(n_1 - n_2)/d(phi_2 - phi_1), from the moments of a steady state and of its derivative by phi_2. */
double nl_dimer_slope(const nl_dimer *, int levels, const double *moments, const double *change);

#endif
