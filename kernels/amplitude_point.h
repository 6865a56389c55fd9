/*
 * The full-amplitude Fokker-Planck operator (C.3, its sign of t_c corrected) at one grid point.
 *
 *   dP/dt = sum over the axes x_1, y_1, x_2, y_2 of [ D d^2 P - d (v P) ],   a_j = x_j + i y_j,  D = A/2
 *   v_1   = g_1 a_1 + i t_c a_2 + f_1,   f_1 = -i epsilon_1,   g_1 = A - C - B_r min(|a_1|^2, L^2),   and 1 <-> 2
 *
 * P lives on an n^4 grid of cells (n^2 for one site), x_1 slowest, y_2 fastest, coordinates -L + (i + 1/2) h,
 * h = 2 L/n. The gain stays what it is at |a| = L beyond, in the corners, where there is no light, so that the drift
 * there does not bound the step. Derivatives are central stencils of half width w = order/2, applied to the product v
 * P. Beyond the edges P continues evenly and v P oddly, as behind a mirror: no flux passes, and the sum of dP/dt
 * vanishes to rounding at any order. One site stands on the fast axes, in the place of a_2.
 */
#ifndef NL_AMPLITUDE_POINT_H
#define NL_AMPLITUDE_POINT_H

#include <math.h>
#include <stddef.h>

#include "real.h"

enum {
    NL_AMPLITUDE_MAX_W = 4, /* order 8 */
    /* Layout of a member's table: coefficients, then the n coordinates, which all axes share. */
    NL_AMPLITUDE_GAIN = 0, /* A - C */
    NL_AMPLITUDE_B = 1,    /* B_r */
    NL_AMPLITUDE_R2 = 2,   /* L^2 */
    NL_AMPLITUDE_TC = 3,
    NL_AMPLITUDE_FX = 4, /* Re f of the slow and of the fast site */
    NL_AMPLITUDE_FY = 6, /* Im f */
    NL_AMPLITUDE_A = 8,  /* a_k/h: first derivative, k in [1, w]; entry 0 unused */
    NL_AMPLITUDE_DB = 13, /* D b_k/h^2: second derivative, k in [0, w] */
    NL_AMPLITUDE_HEADER = 18
};

NL_FN size_t nl_amplitude_table_len(int n)
{
    return (size_t)NL_AMPLITUDE_HEADER + n;
}

typedef struct nl_amplitude_view {
    nl_real gain, B, R2, t_c;
    const nl_real *fx, *fy, *a, *Db, *x;
    int n, sites;
} nl_amplitude_view;

NL_FN nl_amplitude_view nl_amplitude_view_of(const nl_real *table, int n, int sites)
{
    nl_amplitude_view v;
    v.gain = table[NL_AMPLITUDE_GAIN];
    v.B = table[NL_AMPLITUDE_B];
    v.R2 = table[NL_AMPLITUDE_R2];
    v.t_c = table[NL_AMPLITUDE_TC];
    v.fx = table + NL_AMPLITUDE_FX;
    v.fy = table + NL_AMPLITUDE_FY;
    v.a = table + NL_AMPLITUDE_A;
    v.Db = table + NL_AMPLITUDE_DB;
    v.x = table + NL_AMPLITUDE_HEADER;
    v.n = n;
    v.sites = sites;
    return v;
}

/* A row: all y_2 at one (x_1, y_1, x_2). One site: all y at one x, which stands in i[2]. */
enum { NL_AXIS_X1, NL_AXIS_Y1, NL_AXIS_X2, NL_SLOW_AXES };

typedef struct nl_amplitude_row {
    int i[NL_SLOW_AXES];
    size_t start; /* of its first element */
} nl_amplitude_row;

/* A row's number is below n^3, so it fits into 32 bits, which divide faster, up to n = NL_AMPLITUDE_MOST_POINTS. */
enum { NL_AMPLITUDE_MOST_POINTS = 1024 };

NL_FN nl_amplitude_row nl_amplitude_row_of(unsigned row, unsigned n)
{
    nl_amplitude_row r;
    r.start = (size_t)row * n;
    r.i[NL_AXIS_X2] = (int)(row % n);
    r.i[NL_AXIS_Y1] = (int)(row / n % n);
    r.i[NL_AXIS_X1] = (int)(row / n / n);
    return r;
}

NL_FN size_t nl_amplitude_stride(int axis, int n)
{
    return axis == NL_AXIS_X2 ? (size_t)n : axis == NL_AXIS_Y1 ? (size_t)n * n : (size_t)n * n * n;
}

/* The cell that stands behind the mirror at q, for q in [-n, 2n). */
NL_FN int nl_mirrored(int q, int n)
{
    return q < 0 ? -1 - q : q >= n ? 2 * n - 1 - q : q;
}

NL_FN nl_real nl_amplitude_gain(const nl_amplitude_view *v, nl_real r2)
{
    return v->gain - v->B * (r2 < v->R2 ? r2 : v->R2);
}

/*
 * The neighbour of a row k cells away along a slow axis, side = 1 or -1. What it gives to element j of the row is
 * (m + l y_j) P[j] along x_1, (m + l x_2) P[j] along y_1 and (m + l gain(q2 + y_j^2)) P[j] along x_2.
 */
typedef struct nl_amplitude_neighbour {
    const nl_real *P; /* its row */
    nl_real m, l, q2;
} nl_amplitude_neighbour;

NL_FN nl_amplitude_neighbour nl_amplitude_neighbour_of(const nl_amplitude_view *v, const nl_real *P,
                                                       const nl_amplitude_row *row, int axis, int k, int side)
{
    const int n = v->n, i = row->i[axis], q = i + side * k, p = nl_mirrored(q, n);
    const nl_real x = v->x[p], a = p == q ? -side * v->a[k] : side * v->a[k];
    const nl_real x1 = v->x[row->i[NL_AXIS_X1]], y1 = v->x[row->i[NL_AXIS_Y1]];
    nl_amplitude_neighbour b;
    b.P = P + (row->start + p * nl_amplitude_stride(axis, n) - i * nl_amplitude_stride(axis, n));
    b.q2 = x * x;
    if (axis == NL_AXIS_X1) {
        b.m = v->Db[k] + a * (nl_amplitude_gain(v, b.q2 + y1 * y1) * x + v->fx[0]);
        b.l = -a * v->t_c;
    } else if (axis == NL_AXIS_Y1) {
        b.m = v->Db[k] + a * (nl_amplitude_gain(v, x1 * x1 + b.q2) * x + v->fy[0]);
        b.l = a * v->t_c;
    } else {
        b.m = v->Db[k] + a * (v->fx[1] - v->t_c * y1);
        b.l = a * x;
    }
    return b;
}

NL_FN nl_real nl_amplitude_term(const nl_amplitude_view *v, const nl_amplitude_row *row,
                                const nl_amplitude_neighbour *b, int axis, int j)
{
    const nl_real y = v->x[j];
    if (axis == NL_AXIS_X1)
        return (b->m + b->l * y) * b->P[j];
    if (axis == NL_AXIS_Y1)
        return (b->m + b->l * v->x[row->i[NL_AXIS_X2]]) * b->P[j];
    return (b->m + b->l * nl_amplitude_gain(v, b->q2 + y * y)) * b->P[j];
}

/* v along x_2 at element j of the row i[NL_AXIS_X2] = p of row's plane. */
NL_FN nl_real nl_amplitude_drift_across(const nl_amplitude_view *v, const nl_amplitude_row *row, int p, int j)
{
    const nl_real x = v->x[p], y = v->x[j];
    return nl_amplitude_gain(v, x * x + y * y) * x + (v->fx[1] - v->t_c * v->x[row->i[NL_AXIS_Y1]]);
}

/* Along the row: the drift at p of [0, n), that at q of [-w, n + w) with its sign behind the mirror, and what a pair of
 * neighbours gives. */
NL_FN nl_real nl_amplitude_drift(const nl_amplitude_view *v, const nl_amplitude_row *row, int p)
{
    const nl_real x1 = v->x[row->i[NL_AXIS_X1]], x2 = v->x[row->i[NL_AXIS_X2]], y = v->x[p];
    return nl_amplitude_gain(v, x2 * x2 + y * y) * y + (v->fy[1] + v->t_c * x1);
}

NL_FN nl_real nl_amplitude_mirrored_drift(const nl_amplitude_view *v, const nl_amplitude_row *row, int q)
{
    const int p = nl_mirrored(q, v->n);
    return p == q ? nl_amplitude_drift(v, row, p) : -nl_amplitude_drift(v, row, p);
}

NL_FN nl_real nl_amplitude_pair(const nl_amplitude_view *v, int k, nl_real P_p, nl_real P_m, nl_real vP_p, nl_real vP_m)
{
    return v->Db[k] * (P_p + P_m) - v->a[k] * (vP_p - vP_m);
}

/* dP/dt at element j of a row; P: the whole vector. */
NL_FN nl_real nl_amplitude_point(const nl_amplitude_view *v, const nl_real *P, const nl_amplitude_row *row, int w,
                                 int j)
{
    const nl_real *here = P + row->start;
    nl_real sum = 2 * v->sites * v->Db[0] * here[j];
    for (int axis = v->sites == 2 ? NL_AXIS_X1 : NL_AXIS_X2; axis < NL_SLOW_AXES; axis++)
        NL_UNROLL
        for (int k = 1; k <= w; k++) {
            const nl_amplitude_neighbour p = nl_amplitude_neighbour_of(v, P, row, axis, k, 1);
            const nl_amplitude_neighbour m = nl_amplitude_neighbour_of(v, P, row, axis, k, -1);
            sum += nl_amplitude_term(v, row, &p, axis, j) + nl_amplitude_term(v, row, &m, axis, j);
        }
    NL_UNROLL
    for (int k = 1; k <= w; k++) {
        const nl_real P_p = here[nl_mirrored(j + k, v->n)], P_m = here[nl_mirrored(j - k, v->n)];
        sum += nl_amplitude_pair(v, k, P_p, P_m, nl_amplitude_mirrored_drift(v, row, j + k) * P_p,
                                 nl_amplitude_mirrored_drift(v, row, j - k) * P_m);
    }
    return sum;
}

/*
 * All observables are made of these sums over the plane of the fast site, one set for every cell (x_1, y_1) of the slow
 * one (one site: a single set).
 */
enum {
    NL_AMPLITUDE_P,
    NL_AMPLITUDE_X,  /* x P */
    NL_AMPLITUDE_Y,
    NL_AMPLITUDE_N,  /* r^2 P */
    NL_AMPLITUDE_N2, /* r^4 P */
    NL_AMPLITUDE_COS, /* cos(theta) P */
    NL_AMPLITUDE_SIN,
    NL_AMPLITUDE_NEGATIVE, /* -min(P, 0) */
    NL_AMPLITUDE_EDGE,     /* P in the outermost cells */
    NL_AMPLITUDE_SUMS
};

/* 1/r, and 0 at the origin, which has no phase. */
NL_FN double nl_inverse_radius(double r2)
{
    return r2 > 0 ? 1 / sqrt(r2) : 0;
}

/* x_of: the n coordinates; cell (i, j) of the plane. */
NL_FN void nl_amplitude_add_sums(const nl_real *x_of, int n, int i, int j, double P, double *sums)
{
    const double x = x_of[i], y = x_of[j];
    const double r2 = x * x + y * y, inverse = nl_inverse_radius(r2);
    sums[NL_AMPLITUDE_P] += P;
    sums[NL_AMPLITUDE_X] += x * P;
    sums[NL_AMPLITUDE_Y] += y * P;
    sums[NL_AMPLITUDE_N] += r2 * P;
    sums[NL_AMPLITUDE_N2] += r2 * r2 * P;
    sums[NL_AMPLITUDE_COS] += x * inverse * P;
    sums[NL_AMPLITUDE_SIN] += y * inverse * P;
    sums[NL_AMPLITUDE_NEGATIVE] += P < 0 ? -P : 0;
    sums[NL_AMPLITUDE_EDGE] += i == 0 || i == n - 1 || j == 0 || j == n - 1 ? P : 0;
}

#endif
