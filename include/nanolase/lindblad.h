/*
 * The master equation of one nanolaser, photons alone (Eq. 6) or with the qubit (Eq. 1), and the Gutzwiller product of
 * two (Eq. 35), in the truncated Fock basis: parameters, cutoff, tables, states, observables. The operator and the
 * layout of a state are in kernels/lindblad_point.h.
 */
#ifndef NL_LINDBLAD_H
#define NL_LINDBLAD_H

#include "nanolase/backend.h"
#include "nanolase/config.h"
#include "nanolase/laser.h"
#include "portable.h"

/* Parameters of one point, rates in units of kappa. */
typedef struct nl_lindblad {
    nl_laser laser;
    int sites;
    int components; /* 1 photon, 4 qubit */
    int planes;     /* 1: real form, one site, drive[0] real; 2: complex */
    int orders;     /* coherence orders kept; all of them: the number of levels */
    bool closed;    /* population lost through the cutoff returns to the vacuum */
    double g, gamma;
    nl_complex drive[2]; /* epsilon_j; in the real form its magnitude */
    double chi;          /* real form: the phase of the drive that was taken out */
    double t_c;          /* 0 for one site */
    double n_initial;    /* photons of a coherent or thermal initial state */
    /* A steady state in the real form, of one site: the initial state is then its change by a kick of the field, the
     * real plane by df along f, the imaginary plane by i df across it, per df. NULL: as nl_initial says. Not owned. */
    const double *kicked;
} nl_lindblad;

/* The laser with the operator's B (renormalised or not) and the qubit's coupling; no drive, no cutoff. */
nl_lindblad nl_lindblad_from_config(const nl_config *);

/*
 * The window of cutoffs. Below `least` the distribution does not fit; above `most` the photon-number diffusion that Eq.
 * 6 implies, n (A + C - 2 B n), is negative and modes grow (Eq. 1 has no such bound: most is then large). `wanted`
 * holds the distribution for drives up to `field` to e^-depth of its maximum, sqrt(2 depth) widths away, and lies
 * within the bounds; 0 where there is no window. None goes beyond NL_LINDBLAD_MOST_LEVELS, but a least of one more: the
 * distribution is larger.
 */
enum { NL_LINDBLAD_MOST_LEVELS = 100000, NL_LINDBLAD_DEPTH = 18 /* 1e-8, six widths */ };
typedef struct nl_window {
    int least, most, wanted;
} nl_window;

nl_window nl_lindblad_window(const nl_lindblad *, double field, double depth);

/* Coherence orders that carry a steady state at drives up to `field` to rounding; at most the number of levels. */
int nl_lindblad_orders(const nl_lindblad *, double field, int levels);

/* <a^+ a> and |<a>| of the classical equation (A - C - B r^2) r + f = 0 for a drive of magnitude f. */
double nl_lindblad_radius(const nl_lindblad *, double f);

nl_operator nl_lindblad_shape(const nl_lindblad *, int levels);
void nl_lindblad_fill_table(const nl_lindblad *, int levels, double *table);

enum { NL_LINDBLAD_SPECTRUM = 48 };
/* Points of an ellipse around the part of the spectrum that a state in the window can see. */
int nl_lindblad_spectrum(const nl_lindblad *, int levels, nl_complex *list);

/* A state of the shape above. auto: near the steady state in the real form and where closed, else the vacuum. */
nl_status nl_lindblad_initial(const nl_lindblad *, nl_initial, int levels, double *state);

/* Of any vector the part that is a hermitian matrix, in the layout's terms: what two elements both stand for agrees,
 * and what is none is zero. */
void nl_lindblad_constrain(const nl_lindblad *, int levels, double *state);

/* Element <E| rho |F> of one site with its qubit in the ground state or excited on both sides, E and F excitations. */
nl_complex nl_lindblad_block(const nl_lindblad *, int levels, const double *state, int site, bool excited, int E,
                             int F);

/* Element <m| rho |n> of one site's photon state, traced over the qubit, m, n < levels: what a state in memory
 * holds. */
nl_complex nl_lindblad_element(const nl_lindblad *, int levels, const double *state, int site, int m, int n);

/* One site's moments (kernels/lindblad_point.h), read. Of a closed operator's steady state any multiple is one: its
 * values are those of trace 1. */
typedef struct nl_lindblad_values {
    double trace, n, var_n, purity, top, ground;
    nl_complex a;
} nl_lindblad_values;

nl_lindblad_values nl_lindblad_values_of(const nl_lindblad *, const double *moments);

#endif
