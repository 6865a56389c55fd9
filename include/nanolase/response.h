/*
 * The response of one nanolaser to a coherent field. With H = f^* a + f a^+ the steady state is that of |f|, turned by
 * the phase of f (U(1)): <a> = -i e^{i arg f} G(|f|), and all that does not depend on the phase is a function of |f|.
 * So one table over |f| serves every tunnelling, drive phase and number of sites (Eq. 35).
 *
 * The table is a Chebyshev series in s, |f| = scale sinh(s): the response bends at fields of the order of A/(2 r_0),
 * and is smooth on a logarithmic scale beyond.
 */
#ifndef NL_RESPONSE_H
#define NL_RESPONSE_H

#include "nanolase/lindblad.h"
#include "nanolase/plan.h"

typedef enum nl_response_quantity {
    NL_RESPONSE_G,
    NL_RESPONSE_N,
    NL_RESPONSE_VAR,
    NL_RESPONSE_PURITY,
    NL_RESPONSE_TOP,
    NL_RESPONSE_GROUND,
    NL_RESPONSE_QUANTITIES
} nl_response_quantity;

enum { NL_RESPONSE_MAX_DEGREE = 256, NL_RESPONSE_FREQUENCIES = 40 };

/* A small change of the field, along f or across it, changes <a> along or across; X_along(0) = G', X_across(0) =
 * G/|f|. */
typedef enum nl_sector { NL_ALONG, NL_ACROSS } nl_sector;

typedef struct nl_response {
    nl_lindblad local; /* one site, real form, closed */
    int levels;
    double low, high;  /* range of |f| */
    double scale;      /* of the map to s */
    int degree;        /* nodes are degree + 1 */
    double value[NL_RESPONSE_QUANTITIES][NL_RESPONSE_MAX_DEGREE + 1]; /* at the nodes */
    double series[NL_RESPONSE_QUANTITIES][NL_RESPONSE_MAX_DEGREE + 1];
    double error;      /* estimated, of G and n relative to their largest values */
    double residual;   /* largest max |L rho| of the nodes */
    double norm_error, negativity; /* largest of the nodes */
    bool converged;    /* all nodes, and the series */
    double time;       /* model time, operator applications and steps of all nodes */
    long rhs, steps;
    double *state[NL_RESPONSE_MAX_DEGREE + 1]; /* owned: the steady state at each node */
    int orders[NL_RESPONSE_MAX_DEGREE + 1];    /* of those states */
    /* owned: Chebyshev series of X, [sector][frequency][Re, Im][term], of at most 17 terms; NULL where not known */
    double *transfer;
} nl_response;

/* Fills the tables, whose local laser, levels and range are set: all nodes of all tables in one batch, refined until
 * the series are accurate to `tolerance`. Takes the outer plan's configuration and stepper; stops early where its
 * watcher wants to. */
nl_status nl_response_fill(const nl_outer_run *, double tolerance, nl_response *, int count);

/* The response in time, of tables that are filled: for stability. Nothing is lost where it fails for lack of memory. */
nl_status nl_response_fill_transfer(const nl_outer_run *, nl_response *, int count);

/* The transfer function X(i omega) = int_0^inf x(t) exp(-i omega t) dt of the kick response x, at frequency number
 * w. */
nl_complex nl_response_transfer(const nl_response *, nl_sector, int w, double field);
/* omega of number w: 0, then geometric. */
double nl_response_frequency(const nl_response *, int w);

void nl_response_release(nl_response *);

/* A quantity and its derivative by |f| at a field within the range. */
double nl_response_at(const nl_response *, nl_response_quantity, double field, double *derivative);

#endif
