/*
 * Embedded explicit Runge-Kutta pairs as data.
 *
 * Every pair is stored in first-same-as-last form: the last stage is the derivative at the new point (its row of a
 * equals b), so it serves as the first stage of the next step, and a step costs stages - 1 operator applications
 * whether or not the published pair has the property.
 */
#ifndef NL_TABLEAU_H
#define NL_TABLEAU_H

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NL_MAX_STAGES = 7 };

typedef struct nl_tableau {
    const char *name;
    int stages;   /* the closing stage included */
    int order;    /* of the solution that is propagated */
    int embedded; /* order of the solution that it is compared with */
    int chebyshev; /* 0; else the coefficients follow from the step: nl_chebyshev of this order */
    double c[NL_MAX_STAGES];
    double a[NL_MAX_STAGES][NL_MAX_STAGES];
    double b[NL_MAX_STAGES];
    double b_hat[NL_MAX_STAGES];
} nl_tableau;

/* The pairs: "rk45" (Dormand-Prince 5(4)), "cash-karp" (5(4)), "rk43" (classical 4 with a third-order companion),
 * "bs32" (Bogacki-Shampine 3(2)). */
int nl_tableau_count(void);
const nl_tableau *nl_tableau_at(int index);
const nl_tableau *nl_tableau_find(const char *name); /* NULL where unknown */

/* "rkc" at order 1 (for steady states) or 2 (for evolution), not among the pairs above. It counts as two stages: L y
 * at the start and at the end of a step. */
const nl_tableau *nl_tableau_chebyshev(int order);

/* Jameson's four stages 1/4, 1/3, 1/2, 1 in low storage: of order 4 on linear equations and the smoother of multigrid
 * cycles. No pair: there is nothing to estimate an error with. */
const nl_tableau *nl_tableau_smoother(void);

/*
 * A pair's step on a linear equation y' = L y, where every stage is a polynomial in h L: with z_j = (h L)^j y
 *   y_new = sum_(j=0)^s y[j] z_j,   error estimate = sum_(j=1)^s error[j] z_j + error_new h L y_new,   s = stages - 1.
 */
typedef struct nl_polynomial {
    int degree;   /* s; also the operator applications of a step, once L y is known */
    int embedded; /* order of the embedded solution, for the controller */
    double y[NL_MAX_STAGES], error[NL_MAX_STAGES];
    double error_new;
} nl_polynomial;

nl_polynomial nl_tableau_polynomial(const nl_tableau *pair);

/* The longest step at which a pair damps or keeps every mode of a spectrum. */
double nl_tableau_stable_step(const nl_tableau *pair, const nl_complex *spectrum, int count);

/* |R(z)|, R the stability polynomial, z = re + i im. */
double nl_tableau_amplification(const nl_tableau *tableau, double re, double im);

#ifdef __cplusplus
}
#endif
#endif
