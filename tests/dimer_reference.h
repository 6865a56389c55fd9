/* The two-laser master equation put together from dense ladder matrices of the product space, to test the point functions
 * against: in a space with more levels, so that every product is that of the infinite operators, then cut to N levels for
 * each laser. Shares with the code under test only the layout of a vector. */
#ifndef NL_TEST_DIMER_REFERENCE_H
#define NL_TEST_DIMER_REFERENCE_H

#include "dimer_point.h"
#include "lindblad_reference.h"
#include "nanolase/dimer.h"

typedef struct dimer_reference {
    int N;
    reference_laser laser; /* A, B, C, drive, tunnel, closed */
    double complex u[2];   /* rho = u_1^(m-n) u_2^(x-y) S */
} dimer_reference;

UNUSED static int pair_levels(const dimer_reference *d)
{
    return d->N + REFERENCE_MORE;
}

/* |m, x> is number m levels + x of the larger space. */
UNUSED static int pair_dim(const dimer_reference *d)
{
    return pair_levels(d) * pair_levels(d);
}

UNUSED static bool is_inside(const dimer_reference *d, int state)
{
    return state / pair_levels(d) < d->N && state % pair_levels(d) < d->N;
}

UNUSED static double complex *pair_annihilator(const dimer_reference *d, int site)
{
    const int L = pair_levels(d), dim = pair_dim(d);
    double complex *a = new_matrix(dim);
    for (int k = 0; k < dim; k++) {
        const int n = site == 0 ? k / L : k % L;
        if (n > 0)
            a[(k - (site == 0 ? L : 1)) * dim + k] = sqrt(n);
    }
    return a;
}

UNUSED static double complex *pair_hamiltonian(const dimer_reference *d, double complex *const a[2],
                                               double complex *const creator[2])
{
    const int dim = pair_dim(d);
    double complex *H = new_matrix(dim);
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < dim * dim; k++)
            H[k] += conj(d->laser.drive[j]) * a[j][k] + d->laser.drive[j] * creator[j][k];
    add_product(H, -d->laser.tunnel, creator[0], a[1], dim);
    add_product(H, -d->laser.tunnel, creator[1], a[0], dim);
    return H;
}

UNUSED static void cut_pair(const dimer_reference *d, double complex *rho)
{
    const int dim = pair_dim(d);
    for (int k = 0; k < dim; k++)
        for (int l = 0; l < dim; l++)
            if (!is_inside(d, k) || !is_inside(d, l))
                rho[k * dim + l] = 0;
}

/* What one laser's own terms, cut, take out of the trace over it returns to its vacuum. */
UNUSED static void close_site(const dimer_reference *d, double complex *local, int site)
{
    const int L = pair_levels(d), dim = pair_dim(d), own = site == 0 ? L : 1, other = site == 0 ? 1 : L;
    for (int x = 0; x < d->N; x++)
        for (int y = 0; y < d->N; y++) {
            double complex trace = 0;
            for (int m = 0; m < d->N; m++)
                trace += local[(m * own + x * other) * dim + m * own + y * other];
            local[x * other * dim + y * other] -= trace;
        }
}

/* d rho/dt, cut. The caller frees. */
UNUSED static double complex *pair_derivative(const dimer_reference *d, const double complex *rho)
{
    const int dim = pair_dim(d);
    double complex *out = new_matrix(dim), *a[2], *creator[2];
    for (int j = 0; j < 2; j++) {
        a[j] = pair_annihilator(d, j);
        creator[j] = adjoint_of(a[j], dim);
    }
    double complex *H = pair_hamiltonian(d, a, creator);
    add_commutator(out, H, rho, dim);
    for (int j = 0; j < 2; j++) {
        double complex *local = new_matrix(dim);
        add_effective(&d->laser, a[j], creator[j], rho, local, dim);
        cut_pair(d, local);
        if (d->laser.closed)
            close_site(d, local, j);
        for (int k = 0; k < dim * dim; k++)
            out[k] += local[k];
        free(local);
    }
    cut_pair(d, out);
    for (int j = 0; j < 2; j++) {
        free(a[j]);
        free(creator[j]);
    }
    free(H);
    return out;
}

/* ---- vectors ---- */

UNUSED static double complex phase_of_pair(const dimer_reference *d, int state)
{
    return cpow(d->u[0], state / pair_levels(d)) * cpow(d->u[1], state % pair_levels(d));
}

/* <m, x| |n, y>, all below N. */
UNUSED static double complex *pair_element(const dimer_reference *d, double complex *rho, int m, int x, int n, int y)
{
    const int L = pair_levels(d);
    return &rho[(m * L + x) * pair_dim(d) + n * L + y];
}

UNUSED static size_t pair_len(const dimer_reference *d, int planes)
{
    const size_t N = d->N, zeros = (2 * N + 2 + 7) / 8 * 8;
    return 2 * zeros + planes * N * (N + 1) / 2 * N * N;
}

/* Where S at <m, x| |n, y>, m >= n, stands. */
UNUSED static size_t pair_at(const dimer_reference *d, int m, int x, int n, int y, int plane)
{
    const size_t N = d->N, blocks = N * (N + 1) / 2, zeros = (2 * N + 2 + 7) / 8 * 8;
    return zeros + ((plane * blocks + (size_t)m * (m + 1) / 2 + n) * N + x) * N + y;
}

UNUSED static void pair_pack(const dimer_reference *d, int planes, double complex *rho, double *v)
{
    const int N = d->N, L = pair_levels(d);
    memset(v, 0, pair_len(d, planes) * sizeof *v);
    for (int m = 0; m < N; m++)
        for (int n = 0; n <= m; n++)
            for (int x = 0; x < N; x++)
                for (int y = 0; y < N; y++) {
                    const double complex S = conj(phase_of_pair(d, m * L + x)) * *pair_element(d, rho, m, x, n, y) *
                                             phase_of_pair(d, n * L + y);
                    v[pair_at(d, m, x, n, y, 0)] = creal(S);
                    if (planes > 1)
                        v[pair_at(d, m, x, n, y, 1)] = cimag(S);
                }
}

/* A random hermitian matrix inside the cutoff; its S is real where there is one plane. */
UNUSED static double complex *random_pair(const dimer_reference *d, int planes, rng *r)
{
    const int dim = pair_dim(d);
    double complex *rho = new_matrix(dim);
    for (int k = 0; k < dim; k++)
        for (int l = 0; l <= k; l++) {
            const double re = uniform(r, -1, 1), im = uniform(r, -1, 1);
            const double complex S = re + (planes > 1 && k != l ? im * I : 0);
            rho[k * dim + l] = phase_of_pair(d, k) * S * conj(phase_of_pair(d, l));
            rho[l * dim + k] = conj(rho[k * dim + l]);
        }
    cut_pair(d, rho);
    return rho;
}

/* ---- coefficients ---- */

/* The same coefficients as the program keeps them; drives of any magnitude and phase. */
UNUSED static nl_dimer dimer_of(const dimer_reference *d, int planes)
{
    const double complex common = cexp(I * carg(d->laser.drive[0])), h2 = -I * d->laser.drive[1] * conj(common);
    return (nl_dimer){.pair = {.laser = {.A = d->laser.A, .B_r = d->laser.B, .C = d->laser.C}, .sites = 2},
                      .planes = planes, .closed = d->laser.closed, .chi = carg(d->laser.drive[0]),
                      .drive1 = cabs(d->laser.drive[0]), .drive2 = {creal(h2), planes > 1 ? cimag(h2) : 0},
                      .t_c = d->laser.tunnel};
}

/* Random coefficients; the drives a quarter turn apart where there is one plane. */
UNUSED static dimer_reference random_dimer(int N, int planes, bool closed, rng *r)
{
    dimer_reference d = {.N = N, .laser = {.A = uniform(r, 0.5, 1.5), .B = uniform(r, 0.02, 0.1),
                                           .C = uniform(r, 0.5, 1.5), .tunnel = uniform(r, 0.2, 0.9), .closed = closed}};
    const double complex common = cexp(I * uniform(r, -3, 3));
    d.laser.drive[0] = uniform(r, 0.2, 1) * common;
    d.laser.drive[1] = (planes > 1 ? cexp(I * uniform(r, -3, 3)) : I) * uniform(r, 0.2, 1) * common;
    d.u[0] = -I * common;
    d.u[1] = common;
    return d;
}

#endif
