/*
 * The phase Fokker-Planck operator of Eqs. 14 and 16 at one grid point.
 *
 *   dP/dt = sum_j [ D_j d_j^2 P - d_j (v_j P) ]
 *   v_1   = T_1 cos(theta_2 - theta_1) - E_1 cos(theta_1 - phi_1),   T_1 = t_c r_2/r_1,  E_1 = epsilon/r_1
 *   v_2   = T_2 cos(theta_1 - theta_2) - E_2 cos(theta_2 - phi_2)
 *
 * P lives on an n x n periodic grid, theta_1 = 2 pi i/n slowest, theta_2 = 2 pi j/n fastest. Derivatives are
 * central stencils of half width w = order/2, antisymmetric for d_j and applied to the product v P, so the sum
 * of dP/dt over the grid vanishes to rounding at any order. All coefficients come from 1-D tables.
 */
#ifndef NL_PHASE_POINT_H
#define NL_PHASE_POINT_H

#include <stddef.h>

#include "nanolase/backend.h"
#include "real.h"

enum {
    NL_PHASE_MAX_W = 4, /* order 8 */
    /* Layout of a member's table: a header of stencil products, then three periodic tables that carry their own
     * wrap, so that the point function never reduces an index modulo n. Offset k in [1, w]; entry 0 unused in a. */
    NL_PHASE_A = 0,    /* a_k/h               first derivative */
    NL_PHASE_DB1 = 5,  /* D_1 b_k/h^2         second derivative, k in [0, w] */
    NL_PHASE_DB2 = 10, /* D_2 b_k/h^2 */
    NL_PHASE_AT1 = 15, /* T_1 a_k/h */
    NL_PHASE_AT2 = 20, /* T_2 a_k/h */
    NL_PHASE_HEADER = 25
};

/* Numbers in one member's table; E_1 and E_2 have n + 2w entries, cos(theta_2 - theta_1) has 2n + 2w. */
NL_FN size_t nl_phase_table_len(int n, int w)
{
    return (size_t)NL_PHASE_HEADER + 2 * ((size_t)n + 2 * w) + 2 * ((size_t)n + w);
}

/* Pointers into a table, shifted so that negative indices are valid. */
typedef struct nl_phase_view {
    const nl_real *a, *Db1, *Db2, *aT1, *aT2; /* index k */
    const nl_real *E1, *E2;                   /* index i or j in [-w, n + w) */
    const nl_real *C;                         /* index j - i in [-n - w, n + w) */
} nl_phase_view;

NL_FN nl_phase_view nl_phase_view_of(const nl_real *table, int n, int w)
{
    nl_phase_view v;
    v.a = table + NL_PHASE_A;
    v.Db1 = table + NL_PHASE_DB1;
    v.Db2 = table + NL_PHASE_DB2;
    v.aT1 = table + NL_PHASE_AT1;
    v.aT2 = table + NL_PHASE_AT2;
    v.E1 = table + NL_PHASE_HEADER + w;
    v.E2 = v.E1 + n + 2 * w;
    v.C = v.E2 + n + w + n + w;
    return v;
}

/*
 * Adds D b_k (P_+ + P_-) - a_k (v_+ P_+ - v_- P_-) with v = T c - e: what the two neighbours k points away along one
 * axis give. (Db + a e) stands first so that a loop along the other axis can keep it in a register; the sum goes
 * through, so that nothing but fused multiplications and additions is left.
 */
NL_FN nl_real nl_phase_add(nl_real sum, nl_real Db, nl_real a, nl_real aT, nl_real e_p, nl_real e_m, nl_real c_p,
                           nl_real c_m, nl_real P_p, nl_real P_m)
{
    return ((Db + a * e_p) - aT * c_p) * P_p + (((Db - a * e_m) + aT * c_m) * P_m + sum);
}

NL_FN int nl_wrap(int i, int n)
{
    return i < 0 ? i + n : i >= n ? i - n : i;
}

/* Rows of the slab, or of the whole grid. */
NL_FN int nl_phase_rows(const nl_operator *op)
{
    return op->rows ? op->rows : op->n;
}

/*
 * Row i of the operand P of job number `job` of an operation, i from the first row of the slab that P is, or of the grid,
 * in [-w, rows + w). A whole grid wraps.
 */
NL_FN const nl_real *nl_phase_row(const nl_operator *op, const nl_real *P, int job, int i)
{
    const int rows = nl_phase_rows(op), w = op->half_width;
    if (op->rows && i < 0)
        return (const nl_real *)op->halo[0] + ((size_t)job * w + w + i) * op->n;
    if (op->rows && i >= rows)
        return (const nl_real *)op->halo[1] + ((size_t)job * w + i - rows) * op->n;
    return P + (size_t)nl_wrap(i, rows) * op->n;
}

/*
 * dP/dt at (i, j) on two sites. row[w + m] points at row i + m of P (periodic), m in [-w, w].
 * edge: nonzero where j - w or j + w may leave the row; a constant 0 in the interior removes the wrap.
 */
NL_FN nl_real nl_phase_point(const nl_phase_view *v, const nl_real *const *row, int n, int w, int i, int j, int edge)
{
    const nl_real *P = row[w];
    nl_real sum = (v->Db1[0] + v->Db2[0]) * P[j];
    NL_UNROLL
    for (int k = 1; k <= w; k++) {
        const int jp = edge ? nl_wrap(j + k, n) : j + k, jm = edge ? nl_wrap(j - k, n) : j - k;
        sum = nl_phase_add(sum, v->Db1[k], v->a[k], v->aT1[k], v->E1[i + k], v->E1[i - k], v->C[j - i - k],
                           v->C[j - i + k], row[w + k][j], row[w - k][j]);
        sum = nl_phase_add(sum, v->Db2[k], v->a[k], v->aT2[k], v->E2[j + k], v->E2[j - k], v->C[j + k - i],
                           v->C[j - k - i], P[jp], P[jm]);
    }
    return sum;
}

/* dP/dt at j on one site: the axis-2 half of the above without tunnelling; the site's drift stands in E_2. */
NL_FN nl_real nl_phase_point_single(const nl_phase_view *v, const nl_real *P, int n, int w, int j, int edge)
{
    nl_real sum = v->Db2[0] * P[j];
    NL_UNROLL
    for (int k = 1; k <= w; k++) {
        const int jp = edge ? nl_wrap(j + k, n) : j + k, jm = edge ? nl_wrap(j - k, n) : j - k;
        sum = nl_phase_add(sum, v->Db2[k], v->a[k], 0, v->E2[j + k], v->E2[j - k], 0, 0, P[jp], P[jm]);
    }
    return sum;
}

/*
 * The three marginals of P that every phase observable is made of: over theta_2 (which = 0, index i), over theta_1
 * (1, index j) and over theta_1 at fixed theta_2 - theta_1 (2, index j - i). This is the element of P that is term s
 * of marginal entry m.
 */
enum { NL_PHASE_MARGINALS = 3 };

NL_FN size_t nl_phase_marginal_element(int which, int n, int m, int s)
{
    if (which == 0)
        return (size_t)m * n + s;
    if (which == 1)
        return (size_t)s * n + m;
    return (size_t)s * n + nl_wrap(s + m, n);
}

#endif
