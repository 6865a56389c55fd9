/*
 * The exact master equation of two coupled nanolasers, Eq. 6 for each with H = -t_c (a_1^+ a_2 + a_2^+ a_1) +
 * sum_j (epsilon_j^* a_j + epsilon_j a_j^+), in the truncated Fock basis, at one element <m, x| rho |n, y>: m, n photons
 * of laser 1, x, y of laser 2. With the terms of lindblad_point.h for each laser,
 *
 *   d rho/dt = L_1 rho + L_2 rho + i t_c [a_1^+ a_2 + a_2^+ a_1, rho]
 *
 * so that d<a_1>/dt = ... + i t_c <a_2> - i epsilon_1. Elements outside 0 ... N-1 are zero.
 *
 * What is stored is S, rho = u_1^(m-n) u_2^(x-y) S with u_1 = -i e^{i phi_1}, u_2 = e^{i phi_1}. Then the tunnelling and
 * the first drive h_1 = epsilon are real, and the second, h_2 = -i epsilon e^{i (phi_2 - phi_1)}, is real, too, where the
 * drives are a quarter turn apart: there (and without drive) a real S stays real, and one plane does.
 *
 * A vector is zeros, [plane][block (m, n), m >= n][x][y], zeros: hermiticity gives the blocks above the diagonal, which
 * the point function reads transposed and conjugated; blocks on the diagonal hold both halves. A block is N x N without
 * edges: coefficients of what lies outside are 0, and the zeros at both ends of a vector, as the blocks beside, are there
 * to be read. So inner loops run over y, contiguous and of one length.
 */
#ifndef NL_DIMER_POINT_H
#define NL_DIMER_POINT_H

#include <math.h>
#include <stddef.h>

#include "nanolase/backend.h"
#include "real.h"

enum {
    /* Layout of a member's table: this header, square roots of -1 (0), 0 ... N-1, then those of 1 ... N-1 and a 0, which
     * is what the step up from N-1 takes. */
    NL_DIMER_A = 0,
    NL_DIMER_B,
    NL_DIMER_C,
    NL_DIMER_TUNNEL,
    NL_DIMER_DRIVE1,    /* h_1 */
    NL_DIMER_DRIVE2_RE, /* h_2 */
    NL_DIMER_DRIVE2_IM,
    NL_DIMER_CLOSED,    /* 1: population that one laser loses through the cutoff returns to its vacuum */
    NL_DIMER_HEADER
};

NL_FN size_t nl_dimer_table_len(int N)
{
    return (size_t)NL_DIMER_HEADER + 2 * (size_t)N + 1;
}

/* Blocks in a plane, the number of one of them, numbers in a plane, and zeros at each end of a vector. */
NL_FN size_t nl_dimer_blocks(int N)
{
    return (size_t)N * (N + 1) / 2;
}

NL_FN size_t nl_dimer_block(int m, int n)
{
    return (size_t)m * (m + 1) / 2 + n;
}

/* Block number k stands for (m, n), m >= n. */
NL_FN void nl_dimer_place(size_t k, int *m, int *n)
{
    int row = (int)((sqrtf(8.0f * (float)k + 1) - 1) / 2);
    while (row > 0 && nl_dimer_block(row, 0) > k) /* against rounding of the root */
        row--;
    while (nl_dimer_block(row + 1, 0) <= k)
        row++;
    *m = row;
    *n = (int)(k - nl_dimer_block(row, 0));
}

NL_FN size_t nl_dimer_plane(int N)
{
    return nl_dimer_blocks(N) * N * N;
}

NL_FN size_t nl_dimer_pad(int N)
{
    return (2 * (size_t)N + 2 + 7) / 8 * 8;
}

NL_FN size_t nl_dimer_size(int N, int planes)
{
    return 2 * nl_dimer_pad(N) + planes * nl_dimer_plane(N);
}

/* The block (m, n), those that it is connected with, and the coefficients that all its elements share. */
typedef struct nl_dimer_at {
    int N, mirrored; /* m = n: `fewer` and `more` are transposes */
    size_t plane;
    const nl_real *root, *up; /* root[x] = sqrt(x), up[x] = sqrt(x+1), 0 at x = N-1 */
    const nl_real *same;
    const nl_real *gain, *twice, *loss; /* (m-1, n-1), (m-2, n-2), (m+1, n+1); in (0, 0) where it is closed: N-1, N-2 */
    const nl_real *fewer, *more;        /* (m-1, n), (m, n+1) */
    const nl_real *above, *below;       /* (m+1, n), (m, n-1) */
    nl_real keep, gain_c, twice_c, loss_c;
    nl_real root_m, up_m, root_n, up_n;
    nl_real A, B, C, t, h1, h2_re, h2_im;
    nl_real leak_1, leak_2; /* laser 2: what (0, 0) gets of (N-1, N-1), and gives of (N-2, N-2) */
} nl_dimer_at;

/* Coefficient of rho_mn in d rho_mn/dt of one laser but its drive. */
NL_FN nl_real nl_dimer_keep(const nl_dimer_at *b, nl_real m, nl_real n)
{
    return b->B * (m + 1) * (n + 1) - (b->A + b->C) * (m + n) - 2 * b->A;
}

/* The closing term in block (0, 0), which nothing reaches from fewer photons. */
NL_FN void nl_dimer_close(nl_dimer_at *b, const nl_real *first, const nl_real *table)
{
    const nl_real N = b->N, closed = table[NL_DIMER_CLOSED];
    const size_t size = (size_t)b->N * b->N;
    b->leak_1 = closed * ((2 * b->A + b->B) - b->B * (N + 1)) * N;
    b->leak_2 = closed * b->B * N * (N - 1);
    if (b->same != first || closed == 0)
        return;
    b->gain = first + nl_dimer_block(b->N - 1, b->N - 1) * size;
    b->twice = first + nl_dimer_block(b->N - 2, b->N - 2) * size;
    b->gain_c = b->leak_1;
    b->twice_c = b->leak_2;
}

/* Block (m, n), m >= n, of a vector. Blocks that do not exist have a coefficient of 0 and stand for themselves. */
NL_FN nl_dimer_at nl_dimer_at_of(const nl_operator *op, const nl_real *table, const nl_real *vector, int m, int n)
{
    const int N = op->n;
    const size_t size = (size_t)N * N;
    const nl_real *first = vector + nl_dimer_pad(N), *root = table + NL_DIMER_HEADER + 1, *up = root + N;
    nl_dimer_at b;
    b.N = N;
    b.mirrored = m == n;
    b.plane = nl_dimer_plane(N);
    b.root = root;
    b.up = up;
    b.A = table[NL_DIMER_A];
    b.B = table[NL_DIMER_B];
    b.C = table[NL_DIMER_C];
    b.t = table[NL_DIMER_TUNNEL];
    b.h1 = table[NL_DIMER_DRIVE1];
    b.h2_re = table[NL_DIMER_DRIVE2_RE];
    b.h2_im = table[NL_DIMER_DRIVE2_IM];
    b.root_m = root[m];
    b.root_n = root[n];
    b.up_m = up[m];
    b.up_n = up[n];
    b.keep = nl_dimer_keep(&b, m, n);
    b.gain_c = (2 * b.A + b.B) * root[m] * root[n];
    b.twice_c = n > 1 ? b.B * root[m] * root[m - 1] * root[n] * root[n - 1] : 0;
    b.loss_c = 2 * b.C * up[m] * up[n];
    b.same = first + nl_dimer_block(m, n) * size;
    b.gain = n > 0 ? first + nl_dimer_block(m - 1, n - 1) * size : b.same;
    b.twice = n > 1 ? first + nl_dimer_block(m - 2, n - 2) * size : b.same;
    b.loss = m < N - 1 ? first + nl_dimer_block(m + 1, n + 1) * size : b.same;
    b.above = m < N - 1 ? first + nl_dimer_block(m + 1, n) * size : b.same;
    b.below = n > 0 ? first + nl_dimer_block(m, n - 1) * size : b.same;
    b.fewer = m > n ? first + nl_dimer_block(m - 1, n) * size : b.below; /* (m-1, m) from (m, m-1) */
    b.more = m > n ? first + nl_dimer_block(m, n + 1) * size : b.above;  /* (m, m+1) from (m+1, m) */
    nl_dimer_close(&b, first, table);
    return b;
}

/* d S/dt at (x, y) in plane p but for the imaginary part of h_2. mirrored: that of the block, as a constant. */
NL_FN nl_real nl_dimer_plane_point(const nl_dimer_at *b, int mirrored, int x, int y, int p)
{
    const int N = b->N, i = x * N + y, j = mirrored ? y * N + x : i, row = mirrored ? 1 : N, column = mirrored ? N : 1;
    const size_t o = p * b->plane;
    const nl_real *S = b->same + o, *above = b->above + o, *below = b->below + o, *fewer = b->fewer + o,
                 *more = b->more + o;
    const nl_real A = b->A, B = b->B, h1 = b->h1, h2 = b->h2_re, t = b->t, sign = mirrored && p ? -1 : 1;
    const nl_real rx = b->root[x], ry = b->root[y], ux = b->up[x], uy = b->up[y];
    const nl_real laser1 = b->gain_c * b->gain[o + i] - b->twice_c * b->twice[o + i] + b->loss_c * b->loss[o + i];
    const nl_real lower = (2 * A + B) * S[i - N - 1] - B * b->root[x - 1] * b->root[y - 1] * S[i - 2 * N - 2];
    const nl_real laser2 = (b->keep + nl_dimer_keep(b, x, y)) * S[i] + rx * (ry * lower + h2 * S[i - N]) +
                          ux * (2 * b->C * uy * S[i + N + 1] - h2 * S[i + N]) + h2 * (ry * S[i - 1] - uy * S[i + 1]);
    const nl_real from_fewer = b->root_m * (h1 * fewer[j] - t * ux * fewer[j + row]);
    const nl_real from_more = b->up_n * (t * ry * more[j - column] - h1 * more[j]);
    const nl_real from_above = b->up_m * (t * rx * above[i - N] - h1 * above[i]);
    const nl_real from_below = b->root_n * (h1 * below[i] - t * uy * below[i + 1]);
    return laser1 + laser2 + sign * (from_fewer + from_more) + (from_above + from_below);
}

/* The second drive gives h_2 U - h_2^* V (see lindblad_point.h): U + V in plane p, what i Im h_2 stands before. */
NL_FN nl_real nl_dimer_other_drive(const nl_dimer_at *b, int x, int y, int p)
{
    const int N = b->N, i = x * N + y;
    const nl_real *S = b->same + p * b->plane;
    return b->root[x] * S[i - N] - b->up[y] * S[i + 1] + b->up[x] * S[i + N] - b->root[y] * S[i - 1];
}

/* d S/dt of a complex state. */
NL_FN nl_real_complex nl_dimer_point_complex(const nl_dimer_at *b, int mirrored, int x, int y)
{
    nl_real_complex d;
    d.re = nl_dimer_plane_point(b, mirrored, x, y, 0) - b->h2_im * nl_dimer_other_drive(b, x, y, 1);
    d.im = nl_dimer_plane_point(b, mirrored, x, y, 1) + b->h2_im * nl_dimer_other_drive(b, x, y, 0);
    return d;
}

/* What laser 2 loses through the cutoff of a closed operator: to be added to d S/dt at x = y = 0. */
NL_FN nl_real nl_dimer_leak(const nl_dimer_at *b, int p)
{
    const nl_real *S = b->same + p * b->plane;
    const int last = b->N * b->N - 1;
    return b->leak_1 * S[last] - b->leak_2 * S[last - b->N - 1];
}

/* ---- moments ---- */

/*
 * A job's moments: sums over the state, and S traced over one laser, S_1 and S_2, each real parts, then imaginary ones,
 * N x N. From the reduced matrices follow all observables of one laser.
 */
enum {
    NL_DIMER_PURITY,   /* Tr rho^2 */
    NL_DIMER_N1_N2,    /* <n_1 n_2> */
    NL_DIMER_CROSS_RE, /* sum sqrt(m (x+1)) S at <m, x| |m-1, x+1>, whose conjugate times i is <a_1^+ a_2> */
    NL_DIMER_CROSS_IM,
    NL_DIMER_DISTANCE, /* sum |rho - rho_1 rho_2/Tr rho|^2 */
    NL_DIMER_SUMS
};

NL_FN size_t nl_dimer_moments_len(int N)
{
    return (size_t)NL_DIMER_SUMS + 4 * (size_t)N * N;
}

/* Parts of the moments, before they are added up: rows of one number for each block, then S_2, both planes. */
enum { NL_DIMER_TRACE_RE = NL_DIMER_SUMS, NL_DIMER_TRACE_IM, NL_DIMER_ROWS }; /* S_1 at (m, n) */

NL_FN size_t nl_dimer_parts_len(int N)
{
    return NL_DIMER_ROWS * nl_dimer_blocks(N) + 2 * (size_t)N * N;
}

/* What element (x, y) gives to the rows of its block but the distance's. */
NL_FN void nl_dimer_add_parts(const nl_dimer_at *b, int planes, int m, int n, int x, int y, double *sums)
{
    const int i = x * b->N + y;
    const double re = b->same[i], im = planes > 1 ? b->same[b->plane + i] : 0;
    sums[NL_DIMER_PURITY] += (m == n ? 1 : 2) * (re * re + im * im);
    if (x == y) {
        sums[NL_DIMER_TRACE_RE] += re;
        sums[NL_DIMER_TRACE_IM] += im;
        sums[NL_DIMER_N1_N2] += m == n ? (double)m * x * re : 0;
    }
    if (m == n + 1 && y == x + 1) {
        sums[NL_DIMER_CROSS_RE] += b->root[m] * b->root[y] * re;
        sums[NL_DIMER_CROSS_IM] += b->root[m] * b->root[y] * im;
    }
}

/* The same for the distance: from S_1 at (m, n), over the trace, and S_2, N x N a plane. */
NL_FN double nl_dimer_distance_term(const nl_dimer_at *b, int planes, nl_complex S1, const double *S2, int i)
{
    const double re2 = S2[i], im2 = S2[b->N * b->N + i];
    const double re = b->same[i] - (S1.re * re2 - S1.im * im2);
    const double im = (planes > 1 ? b->same[b->plane + i] : 0) - (S1.re * im2 + S1.im * re2);
    return (b->mirrored ? 1 : 2) * (re * re + im * im);
}

/* S_1 at (m, n) over the trace, from the parts. */
NL_FN nl_complex nl_dimer_reduced(const double *parts, int N, int m, int n)
{
    const size_t blocks = nl_dimer_blocks(N), at = nl_dimer_block(m, n);
    double trace = 0;
    for (int k = 0; k < N; k++)
        trace += parts[NL_DIMER_TRACE_RE * blocks + nl_dimer_block(k, k)];
    nl_complex S;
    S.re = parts[NL_DIMER_TRACE_RE * blocks + at] / trace;
    S.im = parts[NL_DIMER_TRACE_IM * blocks + at] / trace;
    return S;
}

/* The moments from their parts, in an order set by N alone. */
NL_FN void nl_dimer_add_up(const double *parts, int N, double *moments)
{
    const size_t blocks = nl_dimer_blocks(N), size = (size_t)N * N;
    double *S1 = moments + NL_DIMER_SUMS;
    for (int s = 0; s < NL_DIMER_SUMS; s++) {
        moments[s] = 0;
        for (size_t k = 0; k < blocks; k++)
            moments[s] += parts[s * blocks + k];
    }
    for (int m = 0; m < N; m++)
        for (int n = 0; n <= m; n++) {
            const double re = parts[NL_DIMER_TRACE_RE * blocks + nl_dimer_block(m, n)];
            const double im = parts[NL_DIMER_TRACE_IM * blocks + nl_dimer_block(m, n)];
            S1[n * N + m] = S1[m * N + n] = re;
            S1[size + n * N + m] = -im;
            S1[size + m * N + n] = im;
        }
    for (size_t i = 0; i < 2 * size; i++)
        S1[2 * size + i] = parts[NL_DIMER_ROWS * blocks + i];
}

#endif
