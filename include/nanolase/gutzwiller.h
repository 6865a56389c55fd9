/*
 * Two nanolasers in the Gutzwiller product state (Eq. 35): steady states from the local response.
 *
 * Each laser sees f_j = epsilon_j - t_c alpha_j', and answers with alpha_j = -i e^{i arg f_j} G(|f_j|). These four real
 * equations are solved by Newton's method with the response's own derivative, so that solutions are found whether or
 * not the iteration alpha -> response(alpha) converges to them.
 */
#ifndef NL_GUTZWILLER_H
#define NL_GUTZWILLER_H

#include "nanolase/plan.h"
#include "nanolase/response.h"

enum { NL_MAX_SOLUTIONS = 16 };

/* The pair's equations at one point. */
typedef struct nl_pair {
    const nl_response *response;
    nl_complex drive[2];
    double t_c;
} nl_pair;

typedef struct nl_pair_solution {
    nl_complex alpha[2];
    nl_complex field[2]; /* f_j */
    double residual;     /* largest |alpha_j + i e^{i arg f_j} G(|f_j|)| */
} nl_pair_solution;

/* Improves alpha to a solution; false where Newton's method finds none. */
bool nl_pair_newton(const nl_pair *, nl_complex alpha[2], nl_pair_solution *out);
/* The solution that grows out of t_c = 0; false where it ends before t_c is reached. */
bool nl_pair_continue(const nl_pair *, nl_pair_solution *out);
/* All solutions that Newton's method finds from starts around the circle; returns their number. */
int nl_pair_solutions(const nl_pair *, nl_pair_solution out[NL_MAX_SOLUTIONS]);
/*
 * Modes of the pair that grow in time out of a solution: zeros of det(1 - t_c^2 K_2 K_1)(s), K_j the transfer function
 * of laser j turned by the phases between the fields, in the right half plane; counted by the winding of the
 * determinant along the imaginary axis (Nyquist). Below 0 where the transfer functions are not known.
 */
int nl_pair_unstable_modes(const nl_pair *, const nl_pair_solution *);
/* d(n_1 - n_2)/d(phi_2) at a solution, by implicit differentiation. */
double nl_pair_slope(const nl_pair *, const nl_pair_solution *);

/* Solves every point that the result holds as pending. */
nl_status nl_gutzwiller_run(const nl_plan *, nl_backend *, nl_result *, const nl_watcher *);

#endif
