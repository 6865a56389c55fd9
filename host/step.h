/* Inside the batch: the two kinds of trial step. Each leaves the new solution in y_new, its derivative in the last of the
 * stage registers, and in batch->jobs, one per listed member, the combination that estimates the error. L y is fresh. */
#ifndef NL_STEP_H
#define NL_STEP_H

#include "nanolase/batch.h"

enum { NL_CHEBYSHEV_REGISTERS = 2 }; /* beside y, y_new, L y and L y_new */

nl_status nl_step_pair(nl_batch *, const int *active, int n_active, const double *step);
nl_status nl_step_chebyshev(nl_batch *, const int *active, int n_active, const double *step);

#endif
