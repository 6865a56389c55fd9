/* The two-laser master equation put together from dense matrices of the product space, to test the point functions
 * against: in a space with more levels, so that every product is that of the infinite operators, then cut to N levels,
 * or fewer than N excitations with qubits, for each laser. Shares with the code under test only the layout of a vector.
 */
#ifndef NL_TEST_DIMER_REFERENCE_H
#define NL_TEST_DIMER_REFERENCE_H

#include "dimer_point.h"
#include "lindblad_reference.h"
#include "nanolase/dimer.h"

typedef struct dimer_reference {
    reference_shape site;  /* of one laser: N and qubit */
    reference_laser laser; /* all but the drive's phases and the tunnelling is of both */
    double complex u[2];   /* rho = u_1^(m-n) u_2^(x-y) S, but for the qubits' phases */
} dimer_reference;

/* ---- the space: both lasers' states s, t as lindblad_reference.h numbers them; |s, t> is number s sites + t ---- */

UNUSED static int pair_sites(const dimer_reference *d)
{
    return reference_dim(&d->site);
}

UNUSED static int pair_dim(const dimer_reference *d)
{
    return pair_sites(d) * pair_sites(d);
}

/* States of one laser inside the cutoff, and number k of them; without qubit k is the photon number. */
UNUSED static int pair_inner(const dimer_reference *d)
{
    return d->site.qubit ? 2 * d->site.N - 1 : d->site.N;
}

UNUSED static int pair_state(const dimer_reference *d, int k)
{
    return k < d->site.N ? k : reference_levels(&d->site) + k - d->site.N;
}

UNUSED static bool is_inside(const dimer_reference *d, int state)
{
    return excitations_of(&d->site, state / pair_sites(d)) < d->site.N &&
           excitations_of(&d->site, state % pair_sites(d)) < d->site.N;
}

/* O of one laser and 1 of the other. Frees O. */
UNUSED static double complex *of_site(const dimer_reference *d, double complex *O, int site)
{
    const int sites = pair_sites(d), dim = pair_dim(d), own = site == 0 ? sites : 1, other = site == 0 ? 1 : sites;
    double complex *out = new_matrix(dim);
    for (int s = 0; s < sites; s++)
        for (int t = 0; t < sites; t++)
            for (int k = 0; k < sites && O[s * sites + t] != 0; k++)
                out[(s * own + k * other) * dim + t * own + k * other] = O[s * sites + t];
    free(O);
    return out;
}

UNUSED static double complex *pair_annihilator(const dimer_reference *d, int site)
{
    return of_site(d, annihilator(&d->site), site);
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
    const int sites = pair_sites(d), dim = pair_dim(d), own = site == 0 ? sites : 1, other = site == 0 ? 1 : sites;
    for (int x = 0; x < sites; x++)
        for (int y = 0; y < sites; y++) {
            double complex trace = 0;
            for (int m = 0; m < sites; m++)
                trace += local[(m * own + x * other) * dim + m * own + y * other];
            local[x * other * dim + y * other] -= trace;
        }
}

/* One laser's own terms. */
UNUSED static void add_site(const dimer_reference *d, double complex *const a, double complex *const creator, int site,
                            const double complex *rho, double complex *local)
{
    if (!d->site.qubit) {
        add_effective(&d->laser, a, creator, rho, local, pair_dim(d));
        return;
    }
    double complex *raise = of_site(d, raising(&d->site), site);
    add_qubit(&d->laser, a, creator, raise, rho, local, pair_dim(d));
    free(raise);
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
        add_site(d, a[j], creator[j], j, rho, local);
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
    const int s = state / pair_sites(d), t = state % pair_sites(d), levels = reference_levels(&d->site);
    return cpow(d->u[0], excitations_of(&d->site, s)) * cpow(d->u[1], excitations_of(&d->site, t)) *
           cpow(-I, s / levels + t / levels);
}

/* <s, t| rho |u, v>; without qubits these are photon numbers. */
UNUSED static double complex *pair_element(const dimer_reference *d, double complex *rho, int s, int t, int u, int v)
{
    return &rho[(s * pair_sites(d) + t) * pair_dim(d) + u * pair_sites(d) + v];
}

UNUSED static size_t pair_plane(const dimer_reference *d)
{
    const size_t N = d->site.N;
    return (d->site.qubit ? 16 : 1) * N * (N + 1) / 2 * N * N;
}

UNUSED static size_t pair_zeros(const dimer_reference *d)
{
    return (2 * (size_t)d->site.N + 2 + 7) / 8 * 8;
}

UNUSED static size_t pair_len(const dimer_reference *d, int planes)
{
    return 2 * pair_zeros(d) + planes * pair_plane(d);
}

/* Where S at <s, t| |u, v> stands, s of no fewer excitations than u. */
UNUSED static size_t pair_at(const dimer_reference *d, int s, int t, int u, int v, int plane)
{
    const reference_shape *site = &d->site;
    const int levels = reference_levels(site), pairs = site->N * (site->N + 1) / 2;
    const int m = excitations_of(site, s), n = excitations_of(site, u), x = excitations_of(site, t),
              y = excitations_of(site, v);
    const int component = 8 * (s / levels) + 4 * (u / levels) + 2 * (t / levels) + v / levels;
    return pair_zeros(d) + plane * pair_plane(d) +
           (((size_t)component * pairs + m * (m + 1) / 2 + n) * site->N + x) * site->N + y;
}

UNUSED static void pair_pack(const dimer_reference *d, int planes, double complex *rho, double *v)
{
    const int inner = pair_inner(d), sites = pair_sites(d);
    memset(v, 0, pair_len(d, planes) * sizeof *v);
    for (int k = 0; k < inner * inner * inner * inner; k++) {
        const int s = pair_state(d, k / (inner * inner * inner)), t = pair_state(d, k / (inner * inner) % inner);
        const int u = pair_state(d, k / inner % inner), w = pair_state(d, k % inner);
        if (excitations_of(&d->site, s) < excitations_of(&d->site, u))
            continue;
        const double complex S = conj(phase_of_pair(d, s * sites + t)) * *pair_element(d, rho, s, t, u, w) *
                                 phase_of_pair(d, u * sites + w);
        v[pair_at(d, s, t, u, w, 0)] = creal(S);
        if (planes > 1)
            v[pair_at(d, s, t, u, w, 1)] = cimag(S);
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
    const reference_laser *l = &d->laser;
    const double complex common = cexp(I * carg(l->drive[0])), h2 = -I * l->drive[1] * conj(common);
    return (nl_dimer){.pair = {.laser = {.A = l->A, .B_r = l->B, .C = l->C}, .sites = 2, .g = l->g, .gamma = l->gamma,
                               .components = d->site.qubit ? 4 : 1},
                      .planes = planes, .closed = l->closed, .chi = carg(l->drive[0]), .drive1 = cabs(l->drive[0]),
                      .drive2 = {creal(h2), planes > 1 ? cimag(h2) : 0}, .t_c = l->tunnel};
}

/* Random coefficients; the drives a quarter turn apart where there is one plane. */
UNUSED static dimer_reference random_dimer(int N, bool qubit, int planes, bool closed, rng *r)
{
    dimer_reference d = {.site = {.N = N, .qubit = qubit},
                         .laser = {.A = uniform(r, 0.5, 1.5), .B = uniform(r, 0.02, 0.1), .C = uniform(r, 0.5, 1.5),
                                   .g = uniform(r, 0.5, 1.5), .gamma = uniform(r, 0.5, 3),
                                   .tunnel = uniform(r, 0.2, 0.9), .closed = closed}};
    const double complex common = cexp(I * uniform(r, -3, 3));
    d.laser.drive[0] = uniform(r, 0.2, 1) * common;
    d.laser.drive[1] = (planes > 1 ? cexp(I * uniform(r, -3, 3)) : I) * uniform(r, 0.2, 1) * common;
    d.u[0] = -I * common;
    d.u[1] = common;
    return d;
}

/* Tr(a_i^+ a_j rho) */
UNUSED static double complex mean_product(const dimer_reference *d, const double complex *rho, int i, int j)
{
    double complex *a = pair_annihilator(d, i), *c = pair_annihilator(d, j), *creator = adjoint_of(a, pair_dim(d));
    double complex *O = product(creator, c, pair_dim(d));
    const double complex mean = mean_of(O, rho, pair_dim(d));
    free(a);
    free(c);
    free(creator);
    free(O);
    return mean;
}

/* Tr(a_j rho) */
UNUSED static double complex mean_amplitude(const dimer_reference *d, const double complex *rho, int j)
{
    double complex *a = pair_annihilator(d, j);
    const double complex mean = mean_of(a, rho, pair_dim(d));
    free(a);
    return mean;
}

#endif
