/*
 * A model: what an equation gives to the methods that solve it. Everything that knows the physics of one equation
 * stands behind this table; time stepping, steady states, sweeps and output know nothing else of it.
 */
#ifndef NL_MODEL_H
#define NL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/backend.h"
#include "nanolase/config.h"
#include "nanolase/phase.h"
#include "nanolase/tableau.h"

enum { NL_MAX_OBSERVABLES = 32 };

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

/* One point of a sweep: the model's parameters and how it is discretised. */
typedef struct nl_point {
    nl_phase phase;
    int n;      /* grid points along each axis */
    int order;  /* of the differences */
    int levels; /* grids in the sequence n, n/2, ...; at least 1 */
    double rtol, atol;          /* of one step when evolving */
    double tolerance, max_time; /* of the steady state */
} nl_point;

typedef struct nl_model {
    const char *name;
    /* Derives and checks one point's parameters; NL_ERR_CONFIG where they make no sense. */
    nl_status (*point)(const nl_config *, nl_point *out);
    /* The observables of this run, in output order; returns their number. */
    int (*observables)(const nl_config *, const nl_observable **list);
    /* Shape of the operator on n points an axis; tables stays NULL. */
    nl_operator (*operator_shape)(const nl_point *, int n);
    /* One member's table for that shape. */
    void (*fill_table)(const nl_point *, int n, double *table);
    double (*stable_step)(const nl_point *, int n, const nl_tableau *);
    nl_status (*initial)(const nl_point *, nl_initial, int n, double *state);
    /* values[id] of every observable, from the operator's moments; *norm: the conserved sum (1 when exact). */
    void (*observe)(const nl_point *, int n, const double *moments, nl_value *values, double *norm);
} nl_model;

/* The model of the config's equation; NL_ERR_CONFIG for one that this version lacks. */
nl_status nl_model_of(const nl_config *, const nl_model **out);

extern const nl_model nl_phase_model;

/* Grid size of level 0 (finest) to levels - 1 (coarsest). */
int nl_level_size(const nl_point *, int level);

#endif
