/*
 * The exact master equation of two coupled nanolasers in the truncated Fock basis, at one element <m, x| rho |n, y>: m,
 * n of laser 1, x, y of laser 2. With the terms of lindblad_point.h for each laser, Eq. 6 or Eq. 1,
 *
 *   d rho/dt = L_1 rho + L_2 rho + i t_c [a_1^+ a_2 + a_2^+ a_1, rho]
 *
 * so that d<a_1>/dt = ... + i t_c <a_2> - i epsilon_1. local = photon: the indices are photon numbers. local = qubit: a
 * laser's state has an index and the qubit; the index counts excitations, photons plus the excited qubit, so that the
 * coupling keeps it. Component 2 l + r of a laser is the block with l and r excitations of its qubit in the left and in
 * the right index: gg, ge, eg, ee; photons alone are component 0. Elements outside 0 ... N-1 are zero.
 *
 * What is stored is S, rho = u_1^(m-n) u_2^(x-y) (-i)^(l_1-r_1+l_2-r_2) S with u_1 = -i e^{i phi_1} and
 * u_2 = e^{i phi_1}. Then the qubits' couplings, the tunnelling and the first drive h_1 = epsilon are real, and the
 * second, h_2 = -i epsilon e^{i (phi_2 - phi_1)}, is real, too, where the drives are a quarter turn apart: there (and
 * without drive) a real S stays real, and one plane does.
 *
 * A vector is zeros, [plane][component of laser 1][of laser 2][block (m, n), m >= n][x][y], zeros: hermiticity gives
 * the blocks above the diagonal, which the point function reads transposed and conjugated; blocks on the diagonal hold
 * both halves. A block is N x N without edges: coefficients of what lies outside are 0, and the zeros at both ends of a
 * vector, as the blocks beside, are there to be read. So inner loops run over y, contiguous and of one length. Elements
 * that no photon number stands for (index 0 with an excited qubit) are 0 and stay so.
 */
#ifndef NL_DIMER_POINT_H
#define NL_DIMER_POINT_H

#include <math.h>
#include <stddef.h>

#include "nanolase/backend.h"
#include "real.h"

enum {
    /* Layout of a member's table: this header, -1's root (0), then what nl_dimer_root and its fellows give. */
    NL_DIMER_A = 0,
    NL_DIMER_B,
    NL_DIMER_C,
    NL_DIMER_G,
    NL_DIMER_GAMMA,
    NL_DIMER_TUNNEL,
    NL_DIMER_DRIVE1,    /* h_1 */
    NL_DIMER_DRIVE2_RE, /* h_2 */
    NL_DIMER_DRIVE2_IM,
    NL_DIMER_CLOSED,    /* 1: population that one laser loses through the cutoff returns to its vacuum */
    NL_DIMER_HEADER
};

NL_FN size_t nl_dimer_table_len(int N, int components)
{
    return (size_t)NL_DIMER_HEADER + 1 + (size_t)(components == 1 ? 2 : 5) * N;
}

/* By index, with the qubit excited or not: the root of the photon number, and that of the one above, 0 at N-1, where no
 * step up leads on. Qubit: whether there are photons below an excited qubit, 1 or 0. */
NL_FN size_t nl_dimer_root(int N, int excited)
{
    return (size_t)NL_DIMER_HEADER + 1 + (excited ? 2 * (size_t)N : 0);
}

NL_FN size_t nl_dimer_up(int N, int excited)
{
    return nl_dimer_root(N, excited) + N;
}

NL_FN size_t nl_dimer_step(int N)
{
    return nl_dimer_root(N, 1) + 2 * (size_t)N;
}

/* ---- components ---- */

enum { NL_DIMER_GG = 0, NL_DIMER_EE = 3 };

NL_FN int nl_dimer_left(int c)
{
    return c >> 1;
}

NL_FN int nl_dimer_right(int c)
{
    return c & 1;
}

NL_FN int nl_dimer_is_diagonal(int c)
{
    return nl_dimer_left(c) == nl_dimer_right(c);
}

NL_FN int nl_dimer_adjoint(int c)
{
    return 2 * nl_dimer_right(c) + nl_dimer_left(c);
}

/* ---- layout ---- */

typedef struct nl_dimer_label {
    int c1, c2, m, n; /* components of both lasers, indices of laser 1, m >= n */
} nl_dimer_label;

/* Blocks of one component of each laser, and of all; the number of one of them. */
NL_FN size_t nl_dimer_pairs(int N)
{
    return (size_t)N * (N + 1) / 2;
}

NL_FN size_t nl_dimer_blocks(int N, int components)
{
    return (size_t)components * components * nl_dimer_pairs(N);
}

NL_FN size_t nl_dimer_block(int N, int components, nl_dimer_label at)
{
    return (size_t)(at.c1 * components + at.c2) * nl_dimer_pairs(N) + (size_t)at.m * (at.m + 1) / 2 + at.n;
}

/* Of block number k. */
NL_FN nl_dimer_label nl_dimer_label_of(int N, int components, size_t k)
{
    const size_t pairs = nl_dimer_pairs(N), place = k % pairs;
    const int c = (int)(k / pairs);
    int m = (int)((sqrtf(8.0f * (float)place + 1) - 1) / 2);
    while (m > 0 && (size_t)m * (m + 1) / 2 > place) /* against rounding of the root */
        m--;
    while ((size_t)(m + 1) * (m + 2) / 2 <= place)
        m++;
    const nl_dimer_label at = {c / components, c % components, m, (int)(place - (size_t)m * (m + 1) / 2)};
    return at;
}

/* Numbers in a plane, and zeros at each end of a vector. */
NL_FN size_t nl_dimer_plane(int N, int components)
{
    return nl_dimer_blocks(N, components) * N * N;
}

NL_FN size_t nl_dimer_pad(int N)
{
    return (2 * (size_t)N + 2 + 7) / 8 * 8;
}

NL_FN size_t nl_dimer_size(int N, int components, int planes)
{
    return 2 * nl_dimer_pad(N) + planes * nl_dimer_plane(N, components);
}

/* ---- one block ---- */

/* A block, those that it is connected with, and the coefficients that all its elements share. */
typedef struct nl_dimer_at {
    nl_dimer_label at;
    int N, mirrored; /* m = n: `fewer` and `more` are transposes */
    size_t plane;
    const nl_real *root, *up; /* photon: root[x] = sqrt(x), up[x] = sqrt(x+1), 0 at x = N-1 */
    const nl_real *left_root, *left_up, *right_root, *right_up, *step; /* qubit: laser 2's, for x and for y */
    const nl_real *same;
    const nl_real *gain, *twice, *loss; /* (m-1, n-1), (m-2, n-2), (m+1, n+1); in (0, 0) where it is closed: N-1, N-2 */
    const nl_real *fewer, *more;        /* (m-1, n), (m, n+1) */
    const nl_real *above, *below;       /* (m+1, n), (m, n-1) */
    const nl_real *flip1[2], *flip2[2]; /* qubit: each laser's other component on the left and on the right */
    const nl_real *pump2;               /* qubit: ee's gg, of laser 2 */
    nl_real keep, gain_c, twice_c, loss_c;
    nl_real flip1_c[2], flip2_c[2], pump2_c;
    nl_real root_m, up_m, root_n, up_n;
    nl_real A, B, C, gamma, t, h1, h2_re, h2_im;
    nl_real leak_1, leak_2; /* laser 2: what (0, 0) gets of (N-1, N-1), and gives of (N-2, N-2) */
} nl_dimer_at;

/* Photon: coefficient of rho_mn in d rho_mn/dt of one laser but its drive. */
NL_FN nl_real nl_dimer_keep(const nl_dimer_at *b, nl_real m, nl_real n)
{
    return b->B * (m + 1) * (n + 1) - (b->A + b->C) * (m + n) - 2 * b->A;
}

/* Qubit: the same. */
NL_FN nl_real nl_dimer_qubit_keep(const nl_dimer_at *b, int c, int m, int n)
{
    const int excited = nl_dimer_left(c) + nl_dimer_right(c);
    return -b->C * (m + n - excited) - b->gamma * (2 - excited);
}

/* The blocks and coefficients of laser 1's photons and of the tunnelling. Blocks that do not exist have a coefficient
 * of 0 and stand for themselves. */
NL_FN void nl_dimer_set_photons(nl_dimer_at *b, const nl_real *table, int components, const nl_real *first)
{
    const nl_dimer_label at = b->at, adjoint = {nl_dimer_adjoint(at.c1), nl_dimer_adjoint(at.c2), at.m, at.n};
    const int N = b->N, m = at.m, n = at.n, left = nl_dimer_left(at.c1), right = nl_dimer_right(at.c1);
    const size_t size = (size_t)N * N;
    const nl_real *mirror = first + nl_dimer_block(N, components, adjoint) * size;
    b->root_m = table[nl_dimer_root(N, left) + m];
    b->root_n = table[nl_dimer_root(N, right) + n];
    b->up_m = table[nl_dimer_up(N, left) + m];
    b->up_n = table[nl_dimer_up(N, right) + n];
    b->loss_c = 2 * b->C * b->up_m * b->up_n;
    /* Blocks stand by rows: (m, n) is m + 1 before (m+1, n), and 1 before (m, n+1). */
    b->loss = m < N - 1 ? b->same + (m + 2) * size : b->same;
    b->above = m < N - 1 ? b->same + (m + 1) * size : b->same;
    b->below = n > 0 ? b->same - size : b->same;
    b->fewer = m > n ? b->same - m * size : n > 0 ? mirror - size : b->same;             /* (m-1, m) from (m, m-1) */
    b->more = m > n ? b->same + size : m < N - 1 ? mirror + (m + 1) * size : b->same; /* (m, m+1) from (m+1, m) */
}

/* Where the operator is closed: what (0, 0), which nothing reaches from fewer photons, gets of (N-1, N-1). */
NL_FN void nl_dimer_close(nl_dimer_at *b, nl_real gain, nl_real twice)
{
    const size_t size = (size_t)b->N * b->N, last = nl_dimer_pairs(b->N) - 1;
    if ((gain == 0 && twice == 0) || b->at.m > 0)
        return;
    b->gain = b->same + last * size;
    b->gain_c = gain;
    b->twice = b->same + (last - b->N) * size;
    b->twice_c = twice;
}

/* Gain of photons alone. */
NL_FN void nl_dimer_set_gain(nl_dimer_at *b, const nl_real *table)
{
    const int N = b->N, m = b->at.m, n = b->at.n;
    const size_t size = (size_t)N * N;
    const nl_real closed = table[NL_DIMER_CLOSED];
    b->keep = nl_dimer_keep(b, m, n);
    b->gain_c = (2 * b->A + b->B) * b->root_m * b->root_n;
    b->twice_c = n > 1 ? b->B * b->root_m * b->root[m - 1] * b->root_n * b->root[n - 1] : 0;
    b->gain = n > 0 ? b->same - (m + 1) * size : b->same;
    b->twice = n > 1 ? b->same - 2 * m * size - size : b->same;
    b->leak_1 = closed * ((2 * b->A + b->B) - b->B * (nl_real)(N + 1)) * N;
    b->leak_2 = closed * b->B * (nl_real)N * (N - 1);
    nl_dimer_close(b, b->leak_1, b->leak_2);
}

/* Coupling and pumping of one laser's qubit: `step` numbers lead from one of its components to the next. */
NL_FN void nl_dimer_set_flips(const nl_real *same, int c, long long step, nl_real g, const nl_real **flip,
                              nl_real *flip_c)
{
    flip[0] = same + (nl_dimer_left(c) ? -2 : 2) * step;
    flip[1] = same + (nl_dimer_right(c) ? -1 : 1) * step;
    flip_c[0] = nl_dimer_left(c) ? g : -g;
    flip_c[1] = nl_dimer_right(c) ? g : -g;
}

NL_FN void nl_dimer_set_qubits(nl_dimer_at *b, const nl_real *table, int components)
{
    const int N = b->N, m = b->at.m, n = b->at.n, c1 = b->at.c1, c2 = b->at.c2;
    const long long size = (long long)N * N, step2 = (long long)nl_dimer_pairs(N) * size, step1 = components * step2;
    const nl_real closed = table[NL_DIMER_CLOSED], pump = 2 * b->gamma;
    b->left_root = table + nl_dimer_root(N, nl_dimer_left(c2));
    b->left_up = table + nl_dimer_up(N, nl_dimer_left(c2));
    b->right_root = table + nl_dimer_root(N, nl_dimer_right(c2));
    b->right_up = table + nl_dimer_up(N, nl_dimer_right(c2));
    b->step = table + nl_dimer_step(N);
    b->keep = nl_dimer_qubit_keep(b, c1, m, n);
    nl_dimer_set_flips(b->same, c1, step1, table[NL_DIMER_G], b->flip1, b->flip1_c);
    nl_dimer_set_flips(b->same, c2, step2, table[NL_DIMER_G], b->flip2, b->flip2_c);
    b->flip1_c[0] *= b->root[m];
    b->flip1_c[1] *= b->root[n];
    b->gain = c1 == NL_DIMER_EE && n > 0 ? b->same - NL_DIMER_EE * step1 - (m + 1) * size : b->same;
    b->gain_c = c1 == NL_DIMER_EE && n > 0 ? pump : 0;
    b->pump2 = c2 == NL_DIMER_EE ? b->same - NL_DIMER_EE * step2 : b->same;
    b->pump2_c = c2 == NL_DIMER_EE ? pump : 0;
    b->leak_1 = c2 == NL_DIMER_GG ? closed * pump : 0;
    b->leak_2 = 0;
    nl_dimer_close(b, c1 == NL_DIMER_GG ? closed * pump : 0, 0);
}

NL_FN nl_dimer_at nl_dimer_at_of(const nl_operator *op, const nl_real *table, const nl_real *vector, nl_dimer_label at)
{
    const int N = op->n;
    const nl_real *first = vector + nl_dimer_pad(N);
    nl_dimer_at b;
    b.at = at;
    b.N = N;
    b.mirrored = at.m == at.n;
    b.plane = nl_dimer_plane(N, op->components);
    b.root = table + nl_dimer_root(N, 0);
    b.up = table + nl_dimer_up(N, 0);
    b.A = table[NL_DIMER_A];
    b.B = table[NL_DIMER_B];
    b.C = table[NL_DIMER_C];
    b.gamma = table[NL_DIMER_GAMMA];
    b.t = table[NL_DIMER_TUNNEL];
    b.h1 = table[NL_DIMER_DRIVE1];
    b.h2_re = table[NL_DIMER_DRIVE2_RE];
    b.h2_im = table[NL_DIMER_DRIVE2_IM];
    b.same = first + nl_dimer_block(N, op->components, at) * N * N;
    nl_dimer_set_photons(&b, table, op->components, first);
    if (op->components == 1)
        nl_dimer_set_gain(&b, table);
    else
        nl_dimer_set_qubits(&b, table, op->components);
    return b;
}

/* ---- one element ---- */

/* Roots of laser 2's photon numbers on the left and on the right, and of those above. */
typedef struct nl_dimer_roots {
    nl_real rx, ux, ry, uy;
} nl_dimer_roots;

NL_FN nl_dimer_roots nl_dimer_roots_at(const nl_dimer_at *b, int components, int x, int y)
{
    nl_dimer_roots r;
    r.rx = components == 1 ? b->root[x] : b->left_root[x];
    r.ux = components == 1 ? b->up[x] : b->left_up[x];
    r.ry = components == 1 ? b->root[y] : b->right_root[y];
    r.uy = components == 1 ? b->up[y] : b->right_up[y];
    return r;
}

/* Tunnelling and the drive of laser 1, in plane p. mirrored: that of the block, as a constant. */
NL_FN nl_real nl_dimer_exchange(const nl_dimer_at *b, const nl_dimer_roots r, int mirrored, int x, int y, int p)
{
    const int N = b->N, i = x * N + y, j = mirrored ? y * N + x : i, row = mirrored ? 1 : N, column = mirrored ? N : 1;
    const size_t o = p * b->plane;
    const nl_real *above = b->above + o, *below = b->below + o, *fewer = b->fewer + o, *more = b->more + o;
    const nl_real h1 = b->h1, t = b->t, sign = mirrored && p ? -1 : 1;
    const nl_real from_fewer = b->root_m * (h1 * fewer[j] - t * r.ux * fewer[j + row]);
    const nl_real from_more = b->up_n * (t * r.ry * more[j - column] - h1 * more[j]);
    const nl_real from_above = b->up_m * (t * r.rx * above[i - N] - h1 * above[i]);
    const nl_real from_below = b->root_n * (h1 * below[i] - t * r.uy * below[i + 1]);
    return sign * (from_fewer + from_more) + (from_above + from_below);
}

/* Photon: the lasers on their own but the imaginary part of h_2. */
NL_FN nl_real nl_dimer_photons(const nl_dimer_at *b, const nl_dimer_roots r, int x, int y, int p)
{
    const int N = b->N, i = x * N + y;
    const size_t o = p * b->plane;
    const nl_real *S = b->same + o;
    const nl_real A = b->A, B = b->B, h2 = b->h2_re;
    const nl_real laser1 = b->gain_c * b->gain[o + i] - b->twice_c * b->twice[o + i] + b->loss_c * b->loss[o + i];
    const nl_real lower = (2 * A + B) * S[i - N - 1] - B * b->root[x - 1] * b->root[y - 1] * S[i - 2 * N - 2];
    const nl_real laser2 = (b->keep + nl_dimer_keep(b, x, y)) * S[i] + r.rx * (r.ry * lower + h2 * S[i - N]) +
                          r.ux * (2 * b->C * r.uy * S[i + N + 1] - h2 * S[i + N]) +
                          h2 * (r.ry * S[i - 1] - r.uy * S[i + 1]);
    return laser1 + laser2;
}

/* Qubit: the same. */
NL_FN nl_real nl_dimer_qubits(const nl_dimer_at *b, const nl_dimer_roots r, int x, int y, int p)
{
    const int N = b->N, i = x * N + y;
    const size_t o = p * b->plane;
    const nl_real *S = b->same + o;
    const nl_real h2 = b->h2_re, pumped = b->pump2_c * b->step[x] * b->step[y];
    const nl_real laser1 = b->gain_c * b->gain[o + i] + b->loss_c * b->loss[o + i] +
                          b->flip1_c[0] * b->flip1[0][o + i] + b->flip1_c[1] * b->flip1[1][o + i];
    const nl_real qubit2 = pumped * b->pump2[o + i - N - 1] + b->flip2_c[0] * b->root[x] * b->flip2[0][o + i] +
                          b->flip2_c[1] * b->root[y] * b->flip2[1][o + i];
    const nl_real laser2 = (b->keep + nl_dimer_qubit_keep(b, b->at.c2, x, y)) * S[i] + h2 * r.rx * S[i - N] +
                          r.ux * (2 * b->C * r.uy * S[i + N + 1] - h2 * S[i + N]) +
                          h2 * (r.ry * S[i - 1] - r.uy * S[i + 1]);
    return laser1 + qubit2 + laser2;
}

/* d S/dt at (x, y) in plane p but for the imaginary part of h_2. components, mirrored: as constants. */
NL_FN nl_real nl_dimer_plane_point(const nl_dimer_at *b, int components, int mirrored, int x, int y, int p)
{
    const nl_dimer_roots r = nl_dimer_roots_at(b, components, x, y);
    return (components == 1 ? nl_dimer_photons(b, r, x, y, p) : nl_dimer_qubits(b, r, x, y, p)) +
           nl_dimer_exchange(b, r, mirrored, x, y, p);
}

/* The second drive gives h_2 U - h_2^* V (see lindblad_point.h): U + V in plane p, what i Im h_2 stands before. */
NL_FN nl_real nl_dimer_other_drive(const nl_dimer_at *b, int components, int x, int y, int p)
{
    const nl_dimer_roots r = nl_dimer_roots_at(b, components, x, y);
    const int N = b->N, i = x * N + y;
    const nl_real *S = b->same + p * b->plane;
    return r.rx * S[i - N] - r.uy * S[i + 1] + r.ux * S[i + N] - r.ry * S[i - 1];
}

/* d S/dt of a complex state. */
NL_FN nl_real_complex nl_dimer_point_complex(const nl_dimer_at *b, int components, int mirrored, int x, int y)
{
    nl_real_complex d;
    d.re = nl_dimer_plane_point(b, components, mirrored, x, y, 0) -
           b->h2_im * nl_dimer_other_drive(b, components, x, y, 1);
    d.im = nl_dimer_plane_point(b, components, mirrored, x, y, 1) +
           b->h2_im * nl_dimer_other_drive(b, components, x, y, 0);
    return d;
}

/* What laser 2 loses through the cutoff of a closed operator: to be added to d S/dt at x = y = 0. */
NL_FN nl_real nl_dimer_leak(const nl_dimer_at *b, int p)
{
    const nl_real *S = b->same + p * b->plane;
    const int last = b->N * b->N - 1;
    return b->leak_1 * S[last] - b->leak_2 * S[last - b->N - 1];
}

#endif
