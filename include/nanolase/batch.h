/*
 * A batch: independent members of one model on one grid, each with its own parameters, time, step and status, and the
 * trial step of a Runge-Kutta pair or a Runge-Kutta-Chebyshev method that advances any subset of them together.
 */
#ifndef NL_BATCH_H
#define NL_BATCH_H

#include "nanolase/backend.h"
#include "nanolase/chebyshev.h"
#include "nanolase/model.h"
#include "nanolase/store.h"
#include "nanolase/tableau.h"

typedef struct nl_member {
    double t;                  /* model time, in 1/kappa */
    double h, h_max;           /* next step, and the bound that stability sets */
    double last_error;         /* of the last accepted step, for the PI controller */
    long steps, rejected, applications;
    int y, y_new;              /* registers of the pool; they change places when a step is accepted */
    int k[NL_MAX_STAGES];      /* k[0] = L y once `fresh`, the last of the stages L y_new after a trial step */
    nl_ellipse spectrum;       /* Chebyshev: what stages and damping are chosen from */
    nl_chebyshev chebyshev;    /* of the last trial step, */
    double chebyshev_h;        /* which was this long */
    double last_step;          /* of the last accepted step, whose start is still in y_new; 0: gone */
    double rate, size;         /* |L y|_1 and |y|_1 where the step told them; size 0: unknown */
    bool fresh;
    bool failed;               /* the step became too small, or the state is not finite, */
    bool grew;                 /* or larger than any can be */
} nl_member;

typedef struct nl_batch {
    nl_backend *backend;
    const nl_model *model;
    const nl_tableau *tableau;
    const nl_point *points; /* of each member, at its present radii where those evolve; not owned */
    int n;                  /* grid points along each axis */
    int n_members;
    nl_operator op;
    nl_pool pool;
    nl_member *members;
    int first_extra; /* first of the registers that the caller asked for beside the stepper's */
    nl_job *jobs;   /* work space, one per member */
    double *errors; /* work space, two per member */
    struct nl_radii *radii; /* of a model whose radii evolve; else NULL */
} nl_batch;

/* Registers that stepping a member takes with this pair. */
int nl_batch_registers(const nl_tableau *);

/* Allocates the pool and uploads every member's table; states are undefined until set. Release also after failure. */
nl_status nl_batch_new(nl_backend *, const nl_model *, const nl_point *points, int n_members, int n,
                       const nl_tableau *, int extra_registers, nl_batch *out);
void nl_batch_release(nl_batch *);

/* Sets members [first, first + count) to the model's initial state. */
nl_status nl_batch_set_initial(nl_batch *, nl_initial, int first, int count);

/* For the steppers, and for one who writes another: adds a term to a job's combination unless c is 0; k[0] = L y for
 * members that do not have it from their last step. */
void nl_job_add(nl_job *, int reg, double c);
nl_status nl_batch_refresh(nl_batch *, const int *active, int n_active);

/* One trial step of size step[a] for each listed member: y_new, k of all stages, and error[a] in units of the
 * tolerance (not finite where the state blew up). Nothing is accepted yet. */
nl_status nl_batch_try_step(nl_batch *, const int *active, int n_active, const double *step, double rtol, double atol,
                            double *error);
/* Makes the trial of one member its state. */
void nl_batch_accept(nl_batch *, int member, double step);

/* One adaptive step for each listed member: try, then accept or reject by its error. target[a]: time not to be
 * passed, met exactly. NULL: none. */
nl_status nl_batch_step(nl_batch *, const int *active, int n_active, double rtol, double atol, const double *target);

/* Up to `most` such steps of each, refused ones counted; fewer of those that meet their target or fail. On the device
 * alone where it can. */
nl_status nl_batch_advance(nl_batch *, const int *active, int n_active, double rtol, double atol, const double *target,
                           int most);
/* Whether it can, so that looking at members between single steps would only hold it up. */
bool nl_batch_advances(const nl_batch *);

/*
 * Of each listed member the relative rate of change |L y|_1/|y|_1, and the model's residual, which may be the same.
 * Many stages leave rounding errors in the fastest modes that L magnifies and the next step removes; so after a
 * Chebyshev step the rate of change is that over the step.
 */
nl_status nl_batch_residual(nl_batch *, const int *active, int n_active, double *change, double *residual);

/* Marks the listed members that have grown or are not finite. No distribution or density matrix has magnitudes that sum
 * up to more than its number of elements. */
nl_status nl_batch_check_growth(nl_batch *, const int *active, int n_active);

/* What rounding leaves of a rate of change: within a Chebyshev step it grows with the square of the stages. */
double nl_member_rounding(const nl_member *);
/* A shorter bound of the step, for where modes lie beyond the estimate of the spectrum: a Chebyshev method takes that
 * to be rounder, which damps more. */
void nl_member_shorten(nl_member *, const nl_tableau *);

/* Moments of each listed member, nl_moments_len doubles each. */
nl_status nl_batch_moments(nl_batch *, const int *active, int n_active, double *moments);

/* The state of one member. */
nl_status nl_batch_download(nl_batch *, int member, double *state);

/* Keeps or restores one member: its numbers, the vectors that its next step needs, and the first `extra` of the
 * registers beside the stepper's. point, label: what they are called. */
nl_status nl_batch_keep(nl_batch *, int member, int extra, nl_state *, int point, const char *label);
/* The same of its state alone. */
nl_status nl_batch_keep_result(nl_batch *, int member, nl_state *, int point, const char *label);

#endif
