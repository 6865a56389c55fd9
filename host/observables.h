/* What the models' observables have in common: which of them a run gives, and how their values are written. */
#ifndef NL_OBSERVABLES_H
#define NL_OBSERVABLES_H

#include "nanolase/model.h"

/* Conditions under which an observable is given; several are joined by |. */
typedef enum nl_condition {
    NL_ALWAYS = 0,
    NL_TWO_SITES = 1, /* some point of the run has two lasers */
    NL_QUBIT = 2,     /* local = qubit */
    NL_STEADY = 4,    /* of steady states only */
    NL_RADII = 8,     /* the radii are known (phase) */
    NL_RESPONSE = 16  /* solved by the lasers' local response (gutzwiller) */
} nl_condition;

typedef struct nl_catalogue_row {
    nl_observable observable;
    int needs; /* conditions, all of which must be met */
} nl_catalogue_row;

/* Of the conditions those that the configuration alone decides: two sites, qubit, steady. */
int nl_conditions_met(const nl_config *);
/* Writes the observables whose conditions are among `met` to list, in the catalogue's order; returns their number. */
int nl_observables_choose(const nl_catalogue_row *catalogue, size_t rows, int met, const nl_observable **list);

static inline nl_value nl_real_value(double x)
{
    return (nl_value){x, 0};
}

static inline nl_value nl_complex_value(nl_complex z)
{
    return (nl_value){z.re, z.im};
}

static inline double nl_squared(nl_complex z)
{
    return z.re * z.re + z.im * z.im;
}

#endif
