/* The Lindblad superoperators of Eqs. 1 and 6 put together from dense ladder matrices, to test the point functions
 * against: density matrices in a space with more levels, so that every product is that of the infinite operators, then
 * cut to fewer than N excitations. Shares with the code under test only the layout of a table. */
#ifndef NL_TEST_LINDBLAD_REFERENCE_H
#define NL_TEST_LINDBLAD_REFERENCE_H

#include <complex.h>

#include "lindblad_point.h"
#include "support.h"

enum { REFERENCE_MORE = 4 }; /* levels above the cutoff; (a^+)^2 needs two, a a^+ one more after it */

/* What one site's vector holds. */
typedef struct reference_shape {
    bool qubit;
    int N, orders, planes;
} reference_shape;

typedef struct reference_laser {
    double A, B, C, g, gamma; /* C: kappa of Eq. 1; B: B_r where renormalised */
    double tunnel;
    double complex drive[2]; /* epsilon_j */
    bool closed;
} reference_laser;

/* ---- the table of one member, after kernels/lindblad_point.h ---- */

UNUSED static void reference_fill_table(const reference_laser *laser, int N, double *table)
{
    double *root = table + NL_LINDBLAD_HEADER + 1;
    memset(table, 0, nl_lindblad_table_len(N) * sizeof *table);
    table[NL_LINDBLAD_A] = laser->A;
    table[NL_LINDBLAD_B] = laser->B;
    table[NL_LINDBLAD_C] = laser->C;
    table[NL_LINDBLAD_G] = laser->g;
    table[NL_LINDBLAD_GAMMA] = laser->gamma;
    table[NL_LINDBLAD_TUNNEL] = laser->tunnel;
    for (int j = 0; j < 2; j++) {
        table[NL_LINDBLAD_DRIVE + 2 * j] = creal(laser->drive[j]);
        table[NL_LINDBLAD_DRIVE + 2 * j + 1] = cimag(laser->drive[j]);
    }
    table[NL_LINDBLAD_CLOSED] = laser->closed;
    for (int n = 0; n <= N + 1; n++)
        root[n] = sqrt(n);
}

/* ---- dense matrices, n x n ---- */

UNUSED static double complex *new_matrix(int n)
{
    double complex *m = calloc((size_t)n * n, sizeof *m);
    assert_non_null(m);
    return m;
}

/* out += c x y */
UNUSED static void add_product(double complex *out, double complex c, const double complex *x, const double complex *y,
                               int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            for (int j = 0; j < n && x[i * n + k] != 0; j++)
                out[i * n + j] += c * x[i * n + k] * y[k * n + j];
}

UNUSED static double complex *product(const double complex *x, const double complex *y, int n)
{
    double complex *out = new_matrix(n);
    add_product(out, 1, x, y, n);
    return out;
}

UNUSED static double complex *adjoint_of(const double complex *x, int n)
{
    double complex *out = new_matrix(n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            out[i * n + j] = conj(x[j * n + i]);
    return out;
}

/* out += -i [H, rho] */
UNUSED static void add_commutator(double complex *out, const double complex *H, const double complex *rho, int n)
{
    add_product(out, -I, H, rho, n);
    add_product(out, I, rho, H, n);
}

/* out += G (2 O rho O^+ - O^+O rho - rho O^+O) */
UNUSED static void add_dissipator(double complex *out, const double complex *O, double G, const double complex *rho,
                                  int n)
{
    double complex *adjoint = adjoint_of(O, n), *number = product(adjoint, O, n), *left = product(O, rho, n);
    add_product(out, 2 * G, left, adjoint, n);
    add_product(out, -G, number, rho, n);
    add_product(out, -G, rho, number, n);
    free(adjoint);
    free(number);
    free(left);
}

/* ---- the space: |q, n> is number q*levels + n, q = 1 the excited qubit ---- */

UNUSED static int reference_levels(const reference_shape *s)
{
    return s->N + REFERENCE_MORE;
}

UNUSED static int reference_dim(const reference_shape *s)
{
    return (s->qubit ? 2 : 1) * reference_levels(s);
}

UNUSED static int photons_of(const reference_shape *s, int state)
{
    return state % reference_levels(s);
}

UNUSED static int excitations_of(const reference_shape *s, int state)
{
    return photons_of(s, state) + state / reference_levels(s);
}

UNUSED static double complex *annihilator(const reference_shape *s)
{
    const int dim = reference_dim(s);
    double complex *a = new_matrix(dim);
    for (int x = 0; x < dim; x++)
        if (photons_of(s, x) > 0)
            a[(x - 1) * dim + x] = sqrt(photons_of(s, x));
    return a;
}

/* sigma^+ */
UNUSED static double complex *raising(const reference_shape *s)
{
    const int dim = reference_dim(s), levels = reference_levels(s);
    double complex *sigma = new_matrix(dim);
    for (int n = 0; n < levels; n++)
        sigma[(levels + n) * dim + n] = 1;
    return sigma;
}

/* Sets what has N excitations or more to zero. */
UNUSED static void cut(const reference_shape *s, double complex *rho)
{
    const int dim = reference_dim(s);
    for (int x = 0; x < dim; x++)
        for (int y = 0; y < dim; y++)
            if (excitations_of(s, x) >= s->N || excitations_of(s, y) >= s->N)
                rho[x * dim + y] = 0;
}

/* Tr(O rho) */
UNUSED static double complex mean_of(const double complex *O, const double complex *rho, int n)
{
    double complex sum = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            sum += O[i * n + k] * rho[k * n + i];
    return sum;
}

/* ---- the superoperators ---- */

/* Eq. 6 for one site but its Hamiltonian, with the cavity's operators. */
UNUSED static void add_effective(const reference_laser *l, const double complex *a, const double complex *creator,
                                 const double complex *rho, double complex *out, int dim)
{
    double complex *a_creator = product(a, creator, dim), *creator_2 = product(creator, creator, dim);
    add_dissipator(out, a, l->C, rho, dim);
    add_dissipator(out, creator, l->A, rho, dim);
    add_dissipator(out, a_creator, l->B / 2, rho, dim);
    add_dissipator(out, creator_2, -l->B / 2, rho, dim);
    add_dissipator(out, creator, l->B / 2, rho, dim);
    free(a_creator);
    free(creator_2);
}

/* Eq. 1 for one site but the drive, with the cavity's operators and sigma^+. */
UNUSED static void add_qubit(const reference_laser *l, const double complex *a, const double complex *creator,
                             const double complex *raise, const double complex *rho, double complex *out, int dim)
{
    double complex *lower = adjoint_of(raise, dim), *H = new_matrix(dim);
    add_product(H, l->g, raise, a, dim);
    add_product(H, l->g, creator, lower, dim);
    add_commutator(out, H, rho, dim);
    add_dissipator(out, raise, l->gamma, rho, dim);
    add_dissipator(out, a, l->C, rho, dim);
    free(lower);
    free(H);
}

/* d rho/dt of one site at field f, cut. The caller frees. */
UNUSED static double complex *reference_derivative(const reference_shape *s, const reference_laser *l, double complex f,
                                                   const double complex *rho)
{
    const int dim = reference_dim(s);
    double complex *out = new_matrix(dim), *a = annihilator(s), *creator = adjoint_of(a, dim), *H = new_matrix(dim);
    double complex *raise = s->qubit ? raising(s) : NULL;
    for (int x = 0; x < dim * dim; x++)
        H[x] = conj(f) * a[x] + f * creator[x];
    add_commutator(out, H, rho, dim);
    if (s->qubit)
        add_qubit(l, a, creator, raise, rho, out, dim);
    else
        add_effective(l, a, creator, rho, out, dim);
    cut(s, out);
    free(raise);
    free(a);
    free(creator);
    free(H);
    return out;
}

/* What the trace has lost returns to the vacuum, the qubit in its ground state. */
UNUSED static void close_reference(const reference_shape *s, double complex *derivative)
{
    double complex trace = 0;
    for (int x = 0; x < reference_dim(s); x++)
        trace += derivative[x * reference_dim(s) + x];
    derivative[0] -= trace;
}

/* ---- packed vectors ---- */

/* (-i)^(E + q): with these phases U on the diagonal, rho = U S U^+. */
UNUSED static double complex phase_of(const reference_shape *s, int state)
{
    static const double complex powers[] = {1, -I, -1, I};
    return powers[(excitations_of(s, state) + state / reference_levels(s)) % 4];
}

/* The number of the state with E excitations and the qubit as given; -1 where there is none. */
UNUSED static int state_of(const reference_shape *s, int E, int excited)
{
    return E < excited ? -1 : excited * reference_levels(s) + E - excited;
}

/* Calls visit for every double of one site's vector, in order: x and y are -1 in the zeros between rows and where E
 * leaves no photon number. Gives their count; v may be NULL where visit does not look. */
typedef void reference_visit(const reference_shape *, int x, int y, int plane, double *at, double complex *rho);
UNUSED static size_t reference_walk(const reference_shape *s, reference_visit *visit, double *v, double complex *rho)
{
    static const int left[] = {1, 0, 1, 0}, right[] = {1, 0, 0, 1}; /* ee, gg, eg, ge */
    size_t at = 0;
    for (int c = 0; c < (s->qubit ? 4 : 1); c++)
        for (int p = 0; p < s->planes; p++)
            for (int k = 0; k <= s->orders; k++) {
                for (int zero = 0; zero < 2; zero++)
                    visit(s, -1, -1, p, v ? v + at : NULL, rho), at++;
                for (int E = 0; E < s->N - k && k < s->orders; E++) {
                    const int x = state_of(s, E + k, s->qubit && left[c]), y = state_of(s, E, s->qubit && right[c]);
                    visit(s, y < 0 ? -1 : x, x < 0 ? -1 : y, p, v ? v + at : NULL, rho), at++;
                }
            }
    return at;
}

UNUSED static void visit_nothing(const reference_shape *s, int x, int y, int plane, double *at, double complex *rho)
{
    (void)s, (void)x, (void)y, (void)plane, (void)at, (void)rho;
}

UNUSED static size_t reference_size(const reference_shape *s)
{
    return reference_walk(s, visit_nothing, NULL, NULL);
}

UNUSED static void visit_pack(const reference_shape *s, int x, int y, int plane, double *at, double complex *rho)
{
    double complex S = 0;
    if (x >= 0)
        S = conj(phase_of(s, x)) * rho[x * reference_dim(s) + y] * phase_of(s, y);
    *at = plane ? cimag(S) : creal(S);
}

/* Writes one site's vector, zeros included. */
UNUSED static void reference_pack(const reference_shape *s, double complex *rho, double *v)
{
    reference_walk(s, visit_pack, v, rho);
}

UNUSED static void visit_unpack(const reference_shape *s, int x, int y, int plane, double *at, double complex *rho)
{
    if (x < 0)
        return;
    const double complex part = phase_of(s, x) * (plane ? *at * I : *at) * conj(phase_of(s, y));
    rho[x * reference_dim(s) + y] += part;
    if (excitations_of(s, x) > excitations_of(s, y))
        rho[y * reference_dim(s) + x] += conj(part);
}

/* The hermitian matrix of a site's vector. The caller frees. */
UNUSED static double complex *reference_unpack(const reference_shape *s, double *v)
{
    double complex *rho = new_matrix(reference_dim(s));
    reference_walk(s, visit_unpack, v, rho);
    return rho;
}

UNUSED static void visit_mark(const reference_shape *s, int x, int y, int plane, double *at, double complex *rho)
{
    (void)s, (void)y, (void)plane, (void)rho;
    *at = x >= 0;
}

/* 1 at the elements, 0 at the zeros around them. */
UNUSED static void reference_mark(const reference_shape *s, double *v)
{
    reference_walk(s, visit_mark, v, NULL);
}

/* A hermitian matrix with coherence orders below s->orders only; such that S is real where there is one plane. */
UNUSED static double complex *random_hermitian(const reference_shape *s, rng *r)
{
    const int dim = reference_dim(s);
    double complex *rho = new_matrix(dim);
    for (int x = 0; x < dim; x++)
        for (int y = 0; y <= x; y++) {
            const double re = uniform(r, -1, 1), im = uniform(r, -1, 1);
            const double complex S = re + (s->planes > 1 && x != y ? im * I : 0);
            if (abs(excitations_of(s, x) - excitations_of(s, y)) >= s->orders)
                continue;
            rho[x * dim + y] = phase_of(s, x) * S * conj(phase_of(s, y));
            rho[y * dim + x] = conj(rho[x * dim + y]);
        }
    cut(s, rho);
    return rho;
}

#endif
