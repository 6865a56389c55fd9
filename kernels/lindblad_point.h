/*
 * The Lindblad superoperator of one nanolaser in the truncated Fock basis, at one matrix element.
 *
 * local = photon, Eq. 6, with H = f^* a + f a^+ and B the coefficient in use (B_r where renormalised):
 *
 *   d rho_mn/dt = [ -A(m+n+2) - C(m+n) + B(m+1)(n+1) ] rho_mn + (2A + B) sqrt(mn) rho_{m-1,n-1}
 *               + 2C sqrt((m+1)(n+1)) rho_{m+1,n+1} - B sqrt(m(m-1)n(n-1)) rho_{m-2,n-2}  - i [H, rho]_mn
 *
 * local = qubit, Eq. 1: coupling g (sigma^+ a + a^+ sigma^-), pumping L_{sigma^+, gamma}, loss L_{a, kappa}, the same H.
 *
 * A state is labelled by its number E of excitations, photons plus the excited qubit, 0 <= E < N. rho is stored by its
 * diagonals: row k holds the elements <E+k| rho |E>, E = 0 ... N-1-k, of coherence order k; orders at and above K are
 * taken as zero and orders below 0 follow from hermiticity. Without drive no term connects two orders; the drive
 * connects neighbours. What is stored is S, with rho = c (-i)^k S and c = 1 for the diagonal blocks, -i for eg and i for
 * ge: then every coefficient is real but f, and for real f a real S stays real. The steady state for f = |f| e^{i chi}
 * follows from that for |f| by the phase e^{i k chi}.
 *
 * A vector is [site][component][plane][packed rows]. Components: photon 1; qubit ee, gg, eg, ge. Planes: the real part
 * and, in a complex state, the imaginary part. Elements outside 0 ... N-1 are zero: two zeros stand before each row and
 * after the last, so that the point functions need no edges.
 */
#ifndef NL_LINDBLAD_POINT_H
#define NL_LINDBLAD_POINT_H

#include <stddef.h>

#include "nanolase/backend.h"
#include "real.h"

typedef enum nl_component { NL_PHOTON, NL_EE, NL_GG, NL_EG, NL_GE } nl_component;

enum {
    NL_LINDBLAD_PAD = 2,
    /* Layout of a member's table: this header, then square roots of -1 (0), 0 ... N+1, then N + 4 zeros. */
    NL_LINDBLAD_A = 0,
    NL_LINDBLAD_B,
    NL_LINDBLAD_C,
    NL_LINDBLAD_G,
    NL_LINDBLAD_GAMMA,
    NL_LINDBLAD_TUNNEL,  /* t_c; 0 for one site */
    NL_LINDBLAD_DRIVE,   /* Re and Im of epsilon_j, j = 1, 2 */
    NL_LINDBLAD_CLOSED = NL_LINDBLAD_DRIVE + 4, /* 1: population lost through the cutoff returns to the vacuum */
    NL_LINDBLAD_HEADER
};

NL_FN size_t nl_lindblad_table_len(int N)
{
    return (size_t)NL_LINDBLAD_HEADER + ((size_t)N + 3) + ((size_t)N + 4);
}

/* Where row k starts in a plane. Row K starts at the plane's end. */
NL_FN size_t nl_lindblad_row(int N, int k)
{
    return NL_LINDBLAD_PAD + (size_t)k * (N + NL_LINDBLAD_PAD) - (size_t)k * (k - 1) / 2;
}

NL_FN size_t nl_lindblad_plane(const nl_operator *op)
{
    return nl_lindblad_row(op->n, op->orders);
}

/* Component c of a local model of `components` components. */
NL_FN nl_component nl_lindblad_component(int components, int c)
{
    return components == 1 ? NL_PHOTON : (nl_component)(NL_EE + c);
}

/* Excitations that the qubit holds in the left and in the right index. */
NL_FN int nl_lindblad_left(nl_component c)
{
    return c == NL_EE || c == NL_EG;
}

NL_FN int nl_lindblad_right(nl_component c)
{
    return c == NL_EE || c == NL_GE;
}

/* The first E of row k at which both indices have photon numbers of 0 or more. */
NL_FN int nl_lindblad_first(nl_component c, int k)
{
    return nl_lindblad_right(c) || (nl_lindblad_left(c) && k == 0);
}

/* Row k of one component and what it is connected with. Pointers are to the real plane, the imaginary one is `plane`
 * numbers further; the neighbour rows, which may be the zeros of the table, have a pointer for each plane. */
typedef struct nl_lindblad_rows {
    const nl_real *table;
    const nl_real *root; /* root[n] = sqrt(n), n = -1 ... N+1 */
    size_t plane;
    int k;
    const nl_real *same;         /* row k of this component */
    const nl_real *below[2], *above[2]; /* rows k-1 and k+1; below: at k = 0 the mirrored row 1, conjugate */
    nl_real below_sign;                 /* of the imaginary part of below */
    const nl_real *ee, *gg, *eg, *ge; /* qubit: row k of each component */
} nl_lindblad_rows;

/* Rows of component c at order k; `state` is one site of a vector. */
NL_FN nl_lindblad_rows nl_lindblad_rows_of(const nl_operator *op, const nl_real *table, const nl_real *state, int c, int k)
{
    const int N = op->n;
    const size_t plane = nl_lindblad_plane(op), component = op->planes * plane, row = nl_lindblad_row(N, k);
    const nl_real *zeros = table + NL_LINDBLAD_HEADER + (N + 3) + NL_LINDBLAD_PAD;
    const int mirror = c == 2 ? 3 : c == 3 ? 2 : c; /* eg and ge are each other's adjoint */
    nl_lindblad_rows r;
    r.table = table;
    r.root = table + NL_LINDBLAD_HEADER + 1;
    r.plane = plane;
    r.k = k;
    r.same = state + c * component + row;
    for (int p = 0; p < 2; p++) {
        const nl_real *self = state + c * component + p * plane, *adjoint = state + mirror * component + p * plane;
        r.above[p] = k + 1 < op->orders ? self + nl_lindblad_row(N, k + 1) : zeros;
        r.below[p] = k > 0 ? self + nl_lindblad_row(N, k - 1)
                     : op->orders > 1 ? adjoint + nl_lindblad_row(N, 1) - 1 : zeros;
    }
    r.below_sign = k > 0 ? 1 : -1;
    r.ee = state + row;
    r.gg = r.ee + component;
    r.eg = r.gg + component;
    r.ge = r.eg + component;
    return r;
}

/* Qubit: all of d S/dt at <E+k| |E> but the drive, in plane p. */
NL_FN nl_real nl_lindblad_local(const nl_lindblad_rows *r, nl_component c, int E, int p)
{
    const size_t at = p * r->plane;
    const nl_real *t = r->table, *root = r->root, *S = r->same + at;
    const int m = E + r->k - nl_lindblad_left(c), n = E - nl_lindblad_right(c);
    const nl_real C = t[NL_LINDBLAD_C];
    const nl_real g = t[NL_LINDBLAD_G], gamma = t[NL_LINDBLAD_GAMMA], left = root[E + r->k], right = root[E];
    const nl_real *ee = r->ee + at, *gg = r->gg + at, *eg = r->eg + at, *ge = r->ge + at;
    const nl_real kept = 2 * C * (root[m + 1] * root[n + 1]) * S[E + 1] - C * (m + n) * S[E];
    if (c == NL_EE)
        return kept + g * (left * ge[E] + right * eg[E]) + 2 * gamma * gg[E - 1];
    if (c == NL_GG)
        return kept - g * (left * eg[E] + right * ge[E]) - 2 * gamma * gg[E];
    if (c == NL_EG)
        return kept + g * (left * gg[E] - right * ee[E]) - gamma * eg[E];
    return kept + g * (right * gg[E] - left * ee[E]) - gamma * ge[E];
}

/* The drive's two halves, -i [H, rho] -> f U - f^* V, in plane p: U from order k-1, V from order k+1. */
NL_FN nl_real nl_lindblad_below(const nl_lindblad_rows *r, nl_component c, int E, int p)
{
    const int m = E + r->k - nl_lindblad_left(c), n = E - nl_lindblad_right(c);
    return r->root[m] * r->below[p][E] - r->root[n + 1] * r->below[p][E + 1];
}

NL_FN nl_real nl_lindblad_above(const nl_lindblad_rows *r, nl_component c, int E, int p)
{
    const int m = E + r->k - nl_lindblad_left(c), n = E - nl_lindblad_right(c);
    return r->root[m + 1] * r->above[p][E] - r->root[n] * r->above[p][E - 1];
}

/* Photon: all of d S/dt in plane p for a real f. Factored for few multiplications and loads, which bound it on a CPU. */
NL_FN nl_real nl_lindblad_photon(const nl_lindblad_rows *r, int E, int p, nl_real f)
{
    const nl_real *t = r->table, *m = r->root + E + r->k, *n = r->root + E; /* sqrt(m) and sqrt(n) */
    const nl_real *S = r->same + p * r->plane, *below = r->below[p], *above = r->above[p];
    const nl_real A = t[NL_LINDBLAD_A], B = t[NL_LINDBLAD_B], C = t[NL_LINDBLAD_C], k = r->k, x = E;
    const nl_real up = p == 0 ? f : f * r->below_sign;
    /* B (m+1)(n+1) - (A+C)(m+n) - 2A in powers of n */
    const nl_real keep = (B * x + (B * (k + 2) - 2 * (A + C))) * x + (B * (k + 1) - (A + C) * k - 2 * A);
    const nl_real gain = (2 * A + B) * S[E - 1] - B * (m[-1] * n[-1]) * S[E - 2];
    return keep * S[E] + m[0] * (n[0] * gain + up * below[E]) + m[1] * (2 * C * n[1] * S[E + 1] - f * above[E]) +
           (n[0] * (f * above[E - 1]) - n[1] * (up * below[E + 1]));
}

/* d S/dt in plane p for a real f. */
NL_FN nl_real nl_lindblad_plane_point(const nl_lindblad_rows *r, nl_component c, int E, int p, nl_real f)
{
    if (c == NL_PHOTON)
        return nl_lindblad_photon(r, E, p, f);
    const nl_real U = nl_lindblad_below(r, c, E, p), V = nl_lindblad_above(r, c, E, p);
    return nl_lindblad_local(r, c, E, p) + f * ((p == 0 ? U : r->below_sign * U) - V);
}

/* d S/dt of a real state: f is real. */
NL_FN nl_real nl_lindblad_point(const nl_lindblad_rows *r, nl_component c, int E, nl_real f)
{
    return nl_lindblad_plane_point(r, c, E, 0, f);
}

/* d S/dt of a complex state. */
NL_FN nl_real_complex nl_lindblad_point_complex(const nl_lindblad_rows *r, nl_component c, int E, nl_real_complex f)
{
    const nl_real U_re = nl_lindblad_below(r, c, E, 0), U_im = r->below_sign * nl_lindblad_below(r, c, E, 1);
    const nl_real V_re = nl_lindblad_above(r, c, E, 0), V_im = nl_lindblad_above(r, c, E, 1);
    nl_real_complex d;
    d.re = nl_lindblad_plane_point(r, c, E, 0, f.re) - f.im * (U_im + V_im);
    d.im = nl_lindblad_plane_point(r, c, E, 1, f.re) + f.im * (U_re + V_re);
    return d;
}

/*
 * Rate at which population leaves through the cutoff. The truncated operator loses it, since the elements outside are
 * zero; where the operator is closed it returns to the vacuum, so that the trace is conserved and a steady state exists
 * at any cutoff.
 */
NL_FN nl_real nl_lindblad_leak(const nl_operator *op, const nl_real *table, const nl_real *state)
{
    const nl_real N = op->n;
    if (op->components > 1) { /* pumping from |g, N-1> to |e, N-1> */
        const nl_real *gg = state + op->planes * nl_lindblad_plane(op) + NL_LINDBLAD_PAD;
        return 2 * table[NL_LINDBLAD_GAMMA] * gg[op->n - 1];
    }
    const nl_real A = table[NL_LINDBLAD_A], B = table[NL_LINDBLAD_B];
    const nl_real *p = state + NL_LINDBLAD_PAD;
    return ((2 * A + B) - B * (N + 1)) * N * p[op->n - 1] - (op->n > 1 ? B * N * (N - 1) * p[op->n - 2] : 0);
}

/* Term E of sum_E sqrt(n+1) S_1[E] over one component, in one plane: <a> = -i times the sum over ee and gg, or over the
 * photon. */
NL_FN nl_real nl_lindblad_amplitude_term(const nl_real *root, const nl_real *row1, nl_component c, int E)
{
    return root[E - nl_lindblad_right(c) + 1] * row1[E];
}

/* f_j = epsilon_j - t_c <a_j'> (Eq. 35), from the other site's amplitude sum (see above). */
NL_FN nl_real_complex nl_lindblad_field(const nl_real *table, int site, nl_complex other_sum)
{
    const nl_real *drive = table + NL_LINDBLAD_DRIVE + 2 * site, t_c = table[NL_LINDBLAD_TUNNEL];
    nl_real_complex f;
    f.re = (nl_real)(drive[0] - t_c * other_sum.im);
    f.im = (nl_real)(drive[1] + t_c * other_sum.re);
    return f;
}

/* What all observables of one site are made of, sums over its state. */
enum {
    NL_LINDBLAD_TRACE,
    NL_LINDBLAD_SUM_RE, /* the amplitude sum above */
    NL_LINDBLAD_SUM_IM,
    NL_LINDBLAD_N,      /* Tr rho a^+ a */
    NL_LINDBLAD_N2,     /* Tr rho (a^+ a)^2 */
    NL_LINDBLAD_PURITY, /* Tr rho^2 */
    NL_LINDBLAD_TOP,    /* population of the two highest E */
    NL_LINDBLAD_GROUND, /* of the qubit's ground state; 0 without qubit */
    NL_LINDBLAD_MOMENTS
};

/* Adds what element E of row k of one component gives. */
NL_FN void nl_lindblad_add_moments(const nl_lindblad_rows *r, nl_component c, int N, int planes, int E, double *sums)
{
    const double re = r->same[E], im = planes > 1 ? r->same[r->plane + E] : 0;
    const int n = E - nl_lindblad_right(c), diagonal = nl_lindblad_left(c) == nl_lindblad_right(c);
    sums[NL_LINDBLAD_PURITY] += (r->k == 0 ? 1 : 2) * (re * re + im * im);
    if (!diagonal)
        return;
    if (r->k == 1) {
        sums[NL_LINDBLAD_SUM_RE] += r->root[n + 1] * re;
        sums[NL_LINDBLAD_SUM_IM] += r->root[n + 1] * im;
    }
    if (r->k > 0)
        return;
    sums[NL_LINDBLAD_TRACE] += re;
    sums[NL_LINDBLAD_N] += n * re;
    sums[NL_LINDBLAD_N2] += (double)n * n * re;
    sums[NL_LINDBLAD_TOP] += E >= N - 2 ? re : 0;
    sums[NL_LINDBLAD_GROUND] += c == NL_GG ? re : 0;
}

#endif
