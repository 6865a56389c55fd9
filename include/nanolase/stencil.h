/*
 * Central difference stencils on a periodic grid, and their symbols: what they make of e^{i k theta}.
 *
 * A coarse grid that serves the solution of a fine one must approximate the fine grid's operator, not the differential
 * equation. So the stencil of a coarse grid is made to agree with the fine one's symbol, as far as its width allows.
 */
#ifndef NL_STENCIL_H
#define NL_STENCIL_H

enum { NL_STENCIL_MAX_W = 4 }; /* order 8 */

/* df = sum_k a_k (f_k - f_-k), d2f = b_0 f_0 + sum_k b_k (f_k + f_-k), k in [1, w]. Spacings are within. */
typedef struct nl_stencil {
    int n; /* points around the circle */
    int w; /* half width */
    double a[NL_STENCIL_MAX_W + 1], b[NL_STENCIL_MAX_W + 1];
} nl_stencil;

/*
 * The order that is meant: as given, or where that is 0 (auto) 8 on a grid whose size is auto too (points = 0), which
 * then needs the fewest points by far, and 2, the paper's, on one of so many points.
 */
int nl_stencil_order(int order, int points);

/* The standard stencils of order 2, 4, 6 or 8. */
nl_stencil nl_stencil_of_order(int n, int order);
/* The stencil of half width NL_STENCIL_MAX_W on n points whose symbols agree with those of `fine` to order 8 in k. */
nl_stencil nl_stencil_like(const nl_stencil *fine, int n);

/* d e^{ik theta} = i first e^{ik theta}, d^2 e^{ik theta} = second e^{ik theta}. */
void nl_stencil_symbol(const nl_stencil *, double k, double *first, double *second);

#endif
