/* Inside the batch: the two kinds of trial step. Each leaves the new solution in y_new, its derivative in the last of
 * the stage registers, and in batch->jobs, one per listed member, the combination that estimates the error. L y is
 * fresh. */
#ifndef NL_STEP_H
#define NL_STEP_H

#include "nanolase/batch.h"

enum { NL_CHEBYSHEV_REGISTERS = 2 }; /* beside y, y_new, L y and L y_new */

/*
 * Radii r_1, r_2 that evolve with the state and enter its operator (nl_model's set_radii, radial_rate): the same pair
 * advances both. Every stage has radii of its own, for which the operator's table is uploaded, and the state's moments
 * at the stage give the radii's rate of change.
 */
typedef struct nl_radii nl_radii;
nl_status nl_radii_new(nl_batch *); /* in place of batch->points comes a copy that follows the radii */
void nl_radii_release(nl_radii *);  /* accepts NULL */
/* The members' rates of change, of state and radii: what batch->jobs, n_jobs of them, ask for. */
nl_status nl_radii_refresh(nl_batch *, int n_jobs);
nl_status nl_step_radii(nl_batch *, const int *active, int n_active, const double *step);
/* After nl_step_radii: raises error[a] to that of the radii. */
void nl_radii_error(const nl_batch *, const int *active, int n_active, const double *step, double rtol, double atol,
                    double *error);
/* Makes the radii of a trial step those of the member, before the registers change places. */
void nl_radii_accept(nl_batch *, int member);

/* Keeps or restores the member's radii. */
nl_status nl_radii_keep(nl_batch *, int member, nl_state *, int point);

/* Sets the member's h_max from its point's spectrum. */
void nl_batch_bound_step(nl_batch *, int member);

nl_status nl_step_pair(nl_batch *, const int *active, int n_active, const double *step);
nl_status nl_step_chebyshev(nl_batch *, const int *active, int n_active, const double *step);

#endif
