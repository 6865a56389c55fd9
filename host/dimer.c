#include "nanolase/dimer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dimer_moments.h"

static nl_complex polar(double r, double phi)
{
    return (nl_complex){r * cos(phi), r * sin(phi)};
}

/* Real S: the drives, and a coherent state with them, are a quarter turn apart; or nothing has a phase. */
static bool is_real(const nl_config *config, double phi)
{
    return fabs(cos(phi)) < 1e-15 * fmax(1, fabs(phi)) ||
           (config->laser_epsilon == 0 && config->run_initial != NL_INITIAL_COHERENT);
}

nl_dimer nl_dimer_from_config(const nl_config *config, int levels)
{
    nl_dimer d = {.pair = nl_lindblad_from_config(config), .closed = config->run_mode == NL_MODE_STEADY};
    const nl_laser *laser = &d.pair.laser;
    const double epsilon = laser->epsilon, phi = laser->phi[1] - laser->phi[0],
                 r = nl_lindblad_radius(&d.pair, epsilon);
    d.pair.sites = 2;
    d.pair.planes = 2;
    d.pair.orders = levels;
    d.pair.closed = d.closed;
    d.pair.n_initial = isnan(config->run_n_initial) ? r * r : config->run_n_initial;
    for (int j = 0; j < 2; j++)
        d.pair.drive[j] = polar(epsilon, laser->phi[j]);
    d.planes = is_real(config, phi) ? 1 : 2;
    d.chi = laser->phi[0];
    d.drive1 = epsilon;
    d.drive2 = (nl_complex){epsilon * sin(phi), -epsilon * cos(phi)};
    if (d.planes == 1)
        d.drive2.im = 0;
    d.t_c = laser->t_c;
    return d;
}

/* ---- operator ---- */

nl_operator nl_dimer_shape(const nl_dimer *d, int levels)
{
    return (nl_operator){.kind = NL_OPERATOR_DIMER, .sites = 2, .n = levels, .components = d->pair.components,
                         .planes = d->planes, .table_len = nl_dimer_table_len(levels, d->pair.components)};
}

void nl_dimer_fill_table(const nl_dimer *d, int levels, double *table)
{
    memset(table, 0, nl_dimer_table_len(levels, d->pair.components) * sizeof *table);
    table[NL_DIMER_A] = d->pair.laser.A;
    table[NL_DIMER_B] = d->pair.laser.B_r;
    table[NL_DIMER_C] = d->pair.laser.C;
    table[NL_DIMER_G] = d->pair.g;
    table[NL_DIMER_GAMMA] = d->pair.gamma;
    table[NL_DIMER_TUNNEL] = d->t_c;
    table[NL_DIMER_DRIVE1] = d->drive1;
    table[NL_DIMER_DRIVE2_RE] = d->drive2.re;
    table[NL_DIMER_DRIVE2_IM] = d->drive2.im;
    table[NL_DIMER_CLOSED] = d->closed;
    for (int excited = 0; excited < (d->pair.components > 1 ? 2 : 1); excited++)
        for (int E = excited; E < levels; E++) {
            table[nl_dimer_root(levels, excited) + E] = sqrt(E - excited);
            table[nl_dimer_up(levels, excited) + E] = E + 1 < levels ? sqrt(E + 1 - excited) : 0;
            if (excited)
                table[nl_dimer_step(levels) + E] = 1;
        }
}

/* Without tunnelling eigenvalues are sums of those of each laser, so the outline is twice as large; tunnelling turns
 * coherences of up to 2 N quanta at t_c each. */
int nl_dimer_spectrum(const nl_dimer *d, int levels, nl_complex *list)
{
    const double turning = 2 * fabs(d->t_c) * levels;
    nl_lindblad one = d->pair;
    one.sites = 1;
    const int count = nl_lindblad_spectrum(&one, levels, list);
    double real = 0;
    for (int i = 0; i < count; i++)
        real = fmax(real, -list[i].re);
    for (int i = 0; i < count; i++) {
        const double x = -list[i].re / real;
        list[i].re *= 2;
        list[i].im = 2 * list[i].im + turning * (x < 0.5 ? 2 * sqrt(x * (1 - x)) : 1);
    }
    return count;
}

/* ---- states ---- */

static nl_complex times(nl_complex a, nl_complex b)
{
    return (nl_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* u_j^k of kernels/dimer_point.h. */
static nl_complex gauge(const nl_dimer *d, int site, int k)
{
    static const nl_complex powers[] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
    const nl_complex common = polar(1, k * d->chi);
    return site == 0 ? times(powers[(k % 4 + 4) % 4], common) : common;
}

/* Numbers in S of one laser. */
static size_t site_size(const nl_dimer *d, int levels)
{
    return (size_t)d->pair.components * levels * levels;
}

/* S of one laser of the pair, [component][levels][levels]; out is zero. The qubits of initial states have no
 * coherence. */
static void local_state(const nl_dimer *d, int levels, const double *pair, int site, nl_complex *out)
{
    for (int c = 0; c < d->pair.components; c += NL_DIMER_EE)
        for (int E = 0; E < levels; E++)
            for (int F = 0; F < levels; F++)
                out[((size_t)c * levels + E) * levels + F] = times(
                    gauge(d, site, F - E), nl_lindblad_block(&d->pair, levels, pair, site, c == NL_DIMER_EE, E, F));
}

static void fill_product(const nl_dimer *d, int levels, const nl_complex *S1, const nl_complex *S2, double *state)
{
    const int components = d->pair.components;
    const size_t size = (size_t)levels * levels, plane = nl_dimer_plane(levels, components);
    double *out = state + nl_dimer_pad(levels);
    memset(state, 0, nl_dimer_size(levels, components, d->planes) * sizeof *state);
    for (size_t k = 0; k < nl_dimer_blocks(levels, components); k++, out += size) {
        const nl_dimer_label at = nl_dimer_label_of(levels, components, k);
        for (size_t i = 0; i < size; i++) {
            const nl_complex S = times(S1[at.c1 * size + at.m * levels + at.n], S2[at.c2 * size + i]);
            out[i] = S.re;
            if (d->planes > 1)
                out[plane + i] = S.im;
        }
    }
}

nl_status nl_dimer_initial(const nl_dimer *d, nl_initial initial, int levels, double *state)
{
    const nl_operator op = nl_lindblad_shape(&d->pair, levels);
    const size_t size = site_size(d, levels);
    double *pair = malloc(nl_operator_size(&op) * sizeof *pair);
    nl_complex *S = calloc(2 * size, sizeof *S);
    nl_status status = pair && S ? NL_OK
                                 : nl_fail(NL_ERR_MEMORY, "cannot allocate the initial state of %d levels", levels);
    if (status == NL_OK)
        status = nl_lindblad_initial(&d->pair, initial, levels, pair);
    if (status == NL_OK) {
        for (int j = 0; j < 2; j++)
            local_state(d, levels, pair, j, S + j * size);
        fill_product(d, levels, S, S + size, state);
    }
    free(pair);
    free(S);
    return status;
}

/* A block of a plane of a state. */
static double *block_at(const nl_dimer *d, int levels, const double *state, nl_dimer_label at)
{
    return (double *)state + nl_dimer_pad(levels) +
           nl_dimer_block(levels, d->pair.components, at) * levels * levels;
}

/* Blocks on the diagonal hold both halves of a hermitian matrix. */
static void make_hermitian(const nl_dimer *d, int N, double *state, nl_dimer_label at)
{
    const nl_dimer_label adjoint = {nl_dimer_adjoint(at.c1), nl_dimer_adjoint(at.c2), at.m, at.m};
    const size_t plane = nl_dimer_plane(N, d->pair.components);
    for (int i = 0; i < N * N; i++) {
        double *a = block_at(d, N, state, at) + i, *b = block_at(d, N, state, adjoint) + i % N * N + i / N;
        *a = *b = (*a + *b) / 2;
        if (d->planes > 1) {
            a[plane] = a == b ? 0 : (a[plane] - b[plane]) / 2;
            b[plane] = a == b ? 0 : -a[plane];
        }
    }
}

/* Elements with an excited qubit and no excitation are none. */
static void clear_nothing(const nl_dimer *d, int N, double *state, nl_dimer_label at)
{
    const bool all = (at.m == 0 && nl_dimer_left(at.c1)) || (at.n == 0 && nl_dimer_right(at.c1));
    for (int p = 0; p < d->planes; p++)
        for (int i = 0; i < N * N; i++)
            if (all || (i / N == 0 && nl_dimer_left(at.c2)) || (i % N == 0 && nl_dimer_right(at.c2)))
                block_at(d, N, state, at)[p * nl_dimer_plane(N, d->pair.components) + i] = 0;
}

void nl_dimer_constrain(const nl_dimer *d, int levels, double *state)
{
    const int components = d->pair.components;
    const size_t pad = nl_dimer_pad(levels), len = nl_dimer_size(levels, components, d->planes);
    memset(state, 0, pad * sizeof *state);
    memset(state + len - pad, 0, pad * sizeof *state);
    for (size_t k = 0; k < nl_dimer_blocks(levels, components) && components > 1; k++)
        clear_nothing(d, levels, state, nl_dimer_label_of(levels, components, k));
    for (size_t k = 0; k < nl_dimer_blocks(levels, components); k++) {
        const nl_dimer_label at = nl_dimer_label_of(levels, components, k);
        if (at.m == at.n)
            make_hermitian(d, levels, state, at);
    }
}

/* ---- what a state says ---- */

static nl_complex trace_of_block(const nl_dimer *d, int N, const double *state, nl_dimer_label at)
{
    const double *block = block_at(d, N, state, at);
    nl_complex sum = {0, 0};
    for (int x = 0; x < N; x++) {
        sum.re += block[x * N + x];
        sum.im += d->planes > 1 ? block[nl_dimer_plane(N, d->pair.components) + x * N + x] : 0;
    }
    return sum;
}

static nl_complex sum_of_blocks(const nl_dimer *d, int N, const double *state, int c1, int c2, int i)
{
    nl_complex sum = {0, 0};
    for (int m = 0; m < N; m++) {
        const double *S = block_at(d, N, state, (nl_dimer_label){c1, c2, m, m}) + i;
        sum.re += S[0];
        sum.im += d->planes > 1 ? S[nl_dimer_plane(N, d->pair.components)] : 0;
    }
    return sum;
}

/* S of one laser's photons at (m, n), m >= n, from all its components and the other's that have a trace. */
static nl_complex photons_of(const nl_dimer *d, int N, const double *state, int site, int m, int n)
{
    nl_complex sum = {0, 0};
    for (int own = 0; own < d->pair.components; own += NL_DIMER_EE)
        for (int other = 0; other < d->pair.components; other += NL_DIMER_EE) {
            const int E = m + nl_dimer_left(own), F = n + nl_dimer_left(own);
            if (E >= N)
                continue;
            const nl_complex S = site == 0 ? trace_of_block(d, N, state, (nl_dimer_label){own, other, E, F})
                                           : sum_of_blocks(d, N, state, other, own, E * N + F);
            sum.re += S.re;
            sum.im += S.im;
        }
    return sum;
}

void nl_dimer_reduce(const nl_dimer *d, int levels, const double *state, int site, double *out)
{
    const int N = levels;
    for (int m = 0; m < N; m++)
        for (int n = 0; n <= m; n++) {
            const nl_complex rho = times(gauge(d, site, m - n), photons_of(d, N, state, site, m, n));
            out[2 * (n * N + m)] = rho.re;
            out[2 * (n * N + m) + 1] = -rho.im;
            out[2 * (m * N + n)] = rho.re;
            out[2 * (m * N + n) + 1] = m == n ? 0 : rho.im;
        }
}

double nl_dimer_least_population(const nl_dimer *d, int levels, const double *state)
{
    double least = INFINITY;
    for (int c1 = 0; c1 < d->pair.components; c1 += NL_DIMER_EE)
        for (int c2 = 0; c2 < d->pair.components; c2 += NL_DIMER_EE)
            for (int k = 0; k < levels * levels; k++) {
                const int m = k / levels, x = k % levels;
                least = fmin(least, block_at(d, levels, state, (nl_dimer_label){c1, c2, m, m})[x * levels + x]);
            }
    return least;
}

/* Sums over one component of a laser's reduced S, scaled. */
typedef struct site_sums {
    double n1, n2, ground, top;
    nl_complex a; /* <a> = sum sqrt(m) rho_(m, m-1) */
} site_sums;

static void add_component(int N, int excited, double scale, const double *re, const double *im, site_sums *sums)
{
    for (int E = excited; E < N; E++) {
        const double p = scale * re[E * N + E], m = E - excited;
        sums->n1 += m * p;
        sums->n2 += m * m * p;
        sums->top += E >= N - 2 ? p : 0;
        sums->ground += excited ? 0 : p;
        if (m > 0) {
            sums->a.re += scale * sqrt(m) * re[E * N + E - 1];
            sums->a.im += scale * sqrt(m) * im[E * N + E - 1];
        }
    }
}

/* Of one laser, from its reduced S (both planes), scaled to trace 1 where the state is to be. */
static void site_values(const nl_dimer *d, int N, const double *S, int site, double scale, nl_dimer_values *v)
{
    const size_t plane = nl_dimer_site_plane(N, d->pair.components), size = (size_t)N * N;
    site_sums sums = {0};
    double purity = 0;
    for (int c = 0; c < d->pair.components; c += NL_DIMER_EE)
        add_component(N, nl_dimer_left(c), scale, S + c * size, S + plane + c * size, &sums);
    for (size_t i = 0; i < 2 * plane; i++)
        purity += scale * scale * S[i] * S[i];
    v->n[site] = sums.n1;
    v->var_n[site] = sums.n2 - sums.n1 * sums.n1;
    v->site_purity[site] = purity;
    v->top[site] = sums.top;
    v->ground[site] = sums.ground;
    v->a[site] = times(gauge(d, site, 1), sums.a);
}

nl_dimer_values nl_dimer_values_of(const nl_dimer *d, int levels, const double *moments)
{
    const size_t plane = nl_dimer_site_plane(levels, d->pair.components);
    const double *S1 = moments + NL_DIMER_SUMS, *S2 = S1 + 2 * plane;
    nl_dimer_values v = {0};
    for (int c = 0; c < d->pair.components; c += NL_DIMER_EE)
        for (int m = 0; m < levels; m++)
            v.trace += S1[((size_t)c * levels + m) * levels + m];
    const double scale = d->closed ? 1 / v.trace : 1;
    v.purity = scale * scale * moments[NL_DIMER_PURITY];
    v.distance = fabs(scale) * sqrt(moments[NL_DIMER_DISTANCE]);
    v.n1_n2 = scale * moments[NL_DIMER_N1_N2];
    v.cross = (nl_complex){scale * moments[NL_DIMER_CROSS_IM], scale * moments[NL_DIMER_CROSS_RE]};
    site_values(d, levels, S1, 0, scale, &v);
    site_values(d, levels, S2, 1, scale, &v);
    return v;
}

bool nl_dimer_turn(nl_dimer *d)
{
    const nl_complex h = d->drive2;
    if (d->planes == 1)
        return false;
    d->drive2 = (nl_complex){h.re - h.im, h.im + h.re}; /* (1 + i) h_2 */
    return true;
}

double nl_dimer_slope(const nl_dimer *d, int levels, const double *moments, const double *change)
{
    const nl_dimer_values at = nl_dimer_values_of(d, levels, moments);
    const size_t plane = nl_dimer_site_plane(levels, d->pair.components);
    double slope = 0;
    for (int j = 0; j < 2; j++) {
        const double *S = change + NL_DIMER_SUMS + 2 * j * plane;
        for (int c = 0; c < d->pair.components; c += NL_DIMER_EE)
            for (int E = nl_dimer_left(c); E < levels; E++) /* less n: what rounding gives the change of a trace */
                slope += (j ? -1 : 1) * (E - nl_dimer_left(c) - at.n[j]) * S[((size_t)c * levels + E) * levels + E];
    }
    return slope / at.trace;
}
