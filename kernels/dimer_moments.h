/*
 * From a state of the exact two-laser master equation (dimer_point.h) to its moments, from which all observables
 * follow.
 *
 * A job's moments: sums over the state, and S traced over one laser, S_1 and S_2, each [plane][component][N][N]. Their
 * parts, before they are added up: rows of one number for each block, then S_2.
 */
#ifndef NL_DIMER_MOMENTS_H
#define NL_DIMER_MOMENTS_H

#include "dimer_point.h"

enum {
    NL_DIMER_PURITY,   /* Tr rho^2 */
    NL_DIMER_N1_N2,    /* <n_1 n_2> */
    NL_DIMER_CROSS_RE, /* sum sqrt(m (x+1)) S at <m, x| |m-1, x+1>, whose conjugate times i is <a_1^+ a_2> */
    NL_DIMER_CROSS_IM,
    NL_DIMER_DISTANCE, /* sum |rho - rho_1 rho_2/Tr rho|^2 */
    NL_DIMER_SUMS
};

enum { NL_DIMER_TRACE_RE = NL_DIMER_SUMS, NL_DIMER_TRACE_IM, NL_DIMER_ROWS }; /* of a block: S_1 is their sum over c2 */

/* Numbers in a plane of S_1 or S_2. */
NL_FN size_t nl_dimer_site_plane(int N, int components)
{
    return (size_t)components * N * N;
}

NL_FN size_t nl_dimer_moments_len(int N, int components)
{
    return (size_t)NL_DIMER_SUMS + 4 * nl_dimer_site_plane(N, components);
}

NL_FN size_t nl_dimer_parts_len(int N, int components)
{
    return NL_DIMER_ROWS * nl_dimer_blocks(N, components) + 2 * nl_dimer_site_plane(N, components);
}

/* What element (x, y) gives to the rows of its block but the distance's. */
NL_FN void nl_dimer_add_parts(const nl_dimer_at *b, const nl_real *table, int planes, int x, int y, double *sums)
{
    const int N = b->N, i = x * N + y, m = b->at.m, n = b->at.n, c1 = b->at.c1, c2 = b->at.c2;
    const double re = b->same[i], im = planes > 1 ? b->same[b->plane + i] : 0;
    sums[NL_DIMER_PURITY] += (m == n ? 1 : 2) * (re * re + im * im);
    if (!nl_dimer_is_diagonal(c2))
        return;
    if (x == y) {
        const double n1 = m - nl_dimer_left(c1), n2 = x - nl_dimer_left(c2);
        sums[NL_DIMER_TRACE_RE] += re;
        sums[NL_DIMER_TRACE_IM] += im;
        sums[NL_DIMER_N1_N2] += m == n && nl_dimer_is_diagonal(c1) ? n1 * n2 * re : 0;
    }
    if (m == n + 1 && y == x + 1 && nl_dimer_is_diagonal(c1)) {
        const double roots = b->root_m * table[nl_dimer_root(N, nl_dimer_right(c2)) + y];
        sums[NL_DIMER_CROSS_RE] += roots * re;
        sums[NL_DIMER_CROSS_IM] += roots * im;
    }
}

/* The same for the distance: from S_1 of the block, over the trace, and S_2. */
NL_FN double nl_dimer_distance_term(const nl_dimer_at *b, int components, int planes, nl_complex S1, const double *S2,
                                    int i)
{
    const double *at = S2 + (size_t)b->at.c2 * b->N * b->N;
    const double re2 = at[i], im2 = at[nl_dimer_site_plane(b->N, components) + i];
    const double re = b->same[i] - (S1.re * re2 - S1.im * im2);
    const double im = (planes > 1 ? b->same[b->plane + i] : 0) - (S1.re * im2 + S1.im * re2);
    return (b->mirrored ? 1 : 2) * (re * re + im * im);
}

/* S_1 of component c at (m, n), m >= n, from the parts. */
NL_FN nl_complex nl_dimer_traced(const double *parts, int N, int components, int c, int m, int n)
{
    const size_t blocks = nl_dimer_blocks(N, components);
    nl_complex S = {0, 0};
    for (int c2 = 0; c2 < components; c2 += NL_DIMER_EE) { /* the diagonal components */
        const nl_dimer_label at = {c, c2, m, n};
        const size_t k = nl_dimer_block(N, components, at);
        S.re += parts[NL_DIMER_TRACE_RE * blocks + k];
        S.im += parts[NL_DIMER_TRACE_IM * blocks + k];
    }
    return S;
}

/* S_1 over the trace where a block stands. */
NL_FN nl_complex nl_dimer_reduced(const double *parts, int N, int components, nl_dimer_label at)
{
    nl_complex S = nl_dimer_traced(parts, N, components, at.c1, at.m, at.n);
    double trace = 0;
    for (int c = 0; c < components; c += NL_DIMER_EE)
        for (int k = 0; k < N; k++)
            trace += nl_dimer_traced(parts, N, components, c, k, k).re;
    S.re /= trace;
    S.im /= trace;
    return S;
}

/* The moments from their parts, in an order set by the shape alone. */
NL_FN void nl_dimer_add_up(const double *parts, int N, int components, double *moments)
{
    const size_t blocks = nl_dimer_blocks(N, components), plane = nl_dimer_site_plane(N, components);
    double *S1 = moments + NL_DIMER_SUMS;
    for (int s = 0; s < NL_DIMER_SUMS; s++) {
        moments[s] = 0;
        for (size_t k = 0; k < blocks; k++)
            moments[s] += parts[s * blocks + k];
    }
    for (int c = 0; c < components; c++)
        for (int m = 0; m < N; m++)
            for (int n = 0; n <= m; n++) {
                const nl_complex S = nl_dimer_traced(parts, N, components, c, m, n);
                const size_t at = ((size_t)c * N + m) * N + n, adjoint = ((size_t)nl_dimer_adjoint(c) * N + n) * N + m;
                S1[at] = S.re;
                S1[plane + at] = S.im;
                if (m > n) {
                    S1[adjoint] = S.re;
                    S1[plane + adjoint] = -S.im;
                }
            }
    for (size_t i = 0; i < 2 * plane; i++)
        S1[2 * plane + i] = parts[NL_DIMER_ROWS * blocks + i];
}

#endif
