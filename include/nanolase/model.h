/*
 * A model: what an equation gives to the methods that solve it. Everything that knows the physics of one equation
 * stands behind this table; time stepping, steady states, sweeps and output know nothing else of it.
 */
#ifndef NL_MODEL_H
#define NL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/amplitude.h"
#include "nanolase/backend.h"
#include "nanolase/config.h"
#include "nanolase/dimer.h"
#include "nanolase/lindblad.h"
#include "nanolase/phase.h"
#include "nanolase/tableau.h"

/* The last ids are those of the sensitivity to the phase and of the spectral gap, which stand beside a model's own. */
enum {
    NL_SLOPE = 36,
    NL_UNCERTAINTY = 37,
    NL_GAP_RE = 38,
    NL_GAP_IM = 39,
    NL_MAX_OBSERVABLES = 40,
    NL_MAX_FIELDS = 6,
    NL_MAX_SPECTRUM = NL_PHASE_SPECTRUM
};

typedef struct nl_observable {
    int id; /* index into the values that observe gives */
    const char *name;
    bool is_complex;
    const char *units;
    const char *description;
} nl_observable;

/* A complex value; real observables have im = 0. */
typedef struct nl_value {
    double re, im;
} nl_value;

/* A distribution or density matrix of every point, for output.fields. */
typedef struct nl_field {
    const char *name, *units, *description;
    bool is_complex;
    int rank;                 /* 1 or 2 */
    int length;               /* along each dimension */
    const char *scale, *scale_units, *scale_description; /* the coordinate along each dimension */
    double scale_step, scale_first; /* its values are scale_first, scale_first + scale_step, ... */
} nl_field;

/* Doubles that a field has per point. */
size_t nl_field_len(const nl_field *);

/* One point of a sweep: the model's parameters and how it is discretised. */
typedef struct nl_point {
    union {
        nl_phase phase;
        nl_lindblad lindblad;
        nl_dimer dimer;
        nl_amplitude amplitude;
    };
    int n;      /* phase, amplitude: grid points along each axis; Lindblad: levels */
    int order;  /* phase, amplitude: of the differences */
    int levels; /* grids in the sequence n, n/2, ...; at least 1 */
    int grids;  /* of the multigrid cycle; 0: not solved by it */
    double rtol, atol;          /* of one step when evolving */
    double tolerance, accuracy, max_time; /* of the steady state: of its residual, its distance, the search */
} nl_point;

/* What a state says of itself beside its observables. */
typedef struct nl_health {
    double norm; /* the conserved sum: 1 when exact */
    bool leaks;  /* the cutoff holds too little of it */
} nl_health;

typedef struct nl_model {
    const char *name;
    const char *size_name; /* of nl_point.n, for people */
    bool is_stiff;         /* spectra that may stretch along the negative real axis */
    /* What the residual is: the largest element of L y, else |L y|_1/|y|_1. */
    bool residual_is_largest;
    /* Derives and checks one point's parameters; NL_ERR_CONFIG where they make no sense. */
    nl_status (*point)(const nl_config *, nl_point *out);
    /* The observables of this run, in output order; returns their number. */
    int (*observables)(const nl_config *, const nl_observable **list);
    /* Shape of the operator on n points an axis; tables stays NULL. */
    nl_operator (*operator_shape)(const nl_point *, int n);
    /* One member's table for that shape. */
    void (*fill_table)(const nl_point *, int n, double *table);
    /* Samples of the operator's spectrum, or of a curve around it; returns their number, at most NL_MAX_SPECTRUM. */
    int (*spectrum)(const nl_point *, int n, nl_complex *list);
    /* The same point over the whole space of its states, where steady states are looked for in a part of it; NULL: it
     * is the whole. */
    void (*whole_space)(nl_point *);
    /* Makes any vector one that stands for a state, where not all do: takes out the rest. NULL: all do. */
    void (*constrain)(const nl_point *, int n, double *state);
    /* Least size on which a point's steady state can be told roughly, for advice; NULL: any. */
    int (*least_size)(const nl_point *);
    /* Sensitivity to phi_2 - phi_1 (sensitivity.h). turn: makes the point one whose operator is larger by dL/dphi;
     * false, and left as it is, where nothing observed depends on phi. slope: from the moments of a steady state and of
     * its change. NULL: not for this model. */
    bool (*turn)(nl_point *);
    void (*slope)(const nl_point *, int n, const double *moments, const double *change, double *slope,
                  double *uncertainty);
    nl_status (*initial)(const nl_point *, nl_initial, int n, double *state);
    /* values[id] of every observable, from the operator's moments. */
    void (*observe)(const nl_point *, int n, const double *moments, nl_value *values, nl_health *);
    /* The least population of a density matrix, on the diagonal of the Fock basis; NULL where a state is a
     * distribution. */
    double (*least_population)(const nl_point *, const double *state);
    /* The fields of a run whose points are all shaped like this one; returns their number. */
    int (*fields)(const nl_point *, nl_field *list);
    /* One field of a state. */
    void (*fill_field)(const nl_point *, int field, const double *state, double *out);
    /* Radii that evolve with the state and enter the operator (step.h); NULL: none. set_radii changes the point to
     * them, radial_rate gives their rate of change there, from the operator's moments. They start as the point's. */
    void (*set_radii)(nl_point *, const double r[2]);
    void (*radial_rate)(const nl_point *, int n, const double *moments, double rate[2]);
} nl_model;

/* The model of the config's equation; NL_ERR_CONFIG for one that this version lacks. */
nl_status nl_model_of(const nl_config *, const nl_model **out);

extern const nl_model nl_phase_model, nl_radii_model, nl_amplitude_model, nl_lindblad_model, nl_dimer_model;

/* What every point takes from the configuration: tolerances, the end of the search; one grid. No parameters yet. */
nl_point nl_point_from_config(const nl_config *);

/* Grid size of level 0 (finest) to levels - 1 (coarsest). */
int nl_level_size(const nl_point *, int level);

/* Bound of the step that stability sets for a scheme, with a margin. */
double nl_model_stable_step(const nl_model *, const nl_point *, int n, const nl_tableau *);
/* Operator applications that an accepted step of size h takes. */
int nl_model_step_cost(const nl_model *, const nl_point *, int n, const nl_tableau *, double h);
/* The method that takes the longest stable step per operator application at this point: a pair, or, where the spectrum
 * is the model's to stretch along the real axis, the Chebyshev method. */
const nl_tableau *nl_cheapest_tableau(const nl_model *, const nl_point *);

#endif
