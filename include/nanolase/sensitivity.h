/*
 * How steady states answer a change of the phase phi_2 - phi_1 (section 5 of the paper): d rho/d phi solves
 * L rho' = -(dL/d phi) rho, Tr rho' = 0, by restarted GMRES on the operator. Of models that say how their operator
 * changes (nl_model's `turn`).
 */
#ifndef NL_SENSITIVITY_H
#define NL_SENSITIVITY_H

#include "nanolase/solve.h"

enum {
    NL_SENSITIVITY_SIZE = 40, /* vectors of a full subspace */
    NL_SENSITIVITY_REGISTERS = NL_SENSITIVITY_SIZE + 4
};

/* Of one point. */
typedef struct nl_sensitivity {
    double slope;           /* d(n_1 - n_2)/d(phi_2 - phi_1); NAN where not found */
    double uncertainty;     /* the standard deviation of n_1 - n_2 over its magnitude */
    nl_point_status status; /* NL_POINT_CONVERGED: found */
    long applications;      /* of the operator */
} nl_sensitivity;

/* Of the listed members' states, which are steady states as found: out[n_active], outcome[a] of active[a] says how
 * well. One member after the other, in NL_SENSITIVITY_REGISTERS vectors beside the batch's. NL_ERR_MEMORY. */
nl_status nl_sensitivities(const nl_task *, const nl_batch *, const int *active, int n_active,
                           const nl_outcome *outcome, nl_sensitivity *out);

/* Bytes that they take for a point; 0 where there is nothing to solve. */
double nl_sensitivity_bytes(const nl_model *, const nl_point *);

#endif
