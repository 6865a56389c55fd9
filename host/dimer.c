#include "nanolase/dimer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dimer_point.h"

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
    const double epsilon = laser->epsilon, phi = laser->phi[1] - laser->phi[0], r = nl_lindblad_radius(&d.pair, epsilon);
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
    return (nl_operator){.kind = NL_OPERATOR_DIMER, .sites = 2, .n = levels, .planes = d->planes,
                         .table_len = nl_dimer_table_len(levels)};
}

void nl_dimer_fill_table(const nl_dimer *d, int levels, double *table)
{
    double *root = table + NL_DIMER_HEADER + 1, *up = root + levels;
    memset(table, 0, nl_dimer_table_len(levels) * sizeof *table);
    table[NL_DIMER_A] = d->pair.laser.A;
    table[NL_DIMER_B] = d->pair.laser.B_r;
    table[NL_DIMER_C] = d->pair.laser.C;
    table[NL_DIMER_TUNNEL] = d->t_c;
    table[NL_DIMER_DRIVE1] = d->drive1;
    table[NL_DIMER_DRIVE2_RE] = d->drive2.re;
    table[NL_DIMER_DRIVE2_IM] = d->drive2.im;
    table[NL_DIMER_CLOSED] = d->closed;
    for (int n = 0; n < levels; n++)
        root[n] = sqrt(n);
    for (int n = 0; n + 1 < levels; n++)
        up[n] = sqrt(n + 1);
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

/* S of one laser of the pair: out[m*levels + n]. */
static void local_state(const nl_dimer *d, int levels, const double *pair, int site, nl_complex *out)
{
    for (int m = 0; m < levels; m++)
        for (int n = 0; n < levels; n++)
            out[m * levels + n] = times(gauge(d, site, n - m), nl_lindblad_element(&d->pair, levels, pair, site, m, n));
}

static void fill_product(const nl_dimer *d, int levels, const nl_complex *S1, const nl_complex *S2, double *state)
{
    const size_t size = (size_t)levels * levels, plane = nl_dimer_plane(levels);
    double *out = state + nl_dimer_pad(levels);
    memset(state, 0, nl_dimer_size(levels, d->planes) * sizeof *state);
    for (int m = 0; m < levels; m++)
        for (int n = 0; n <= m; n++, out += size)
            for (size_t i = 0; i < size; i++) {
                const nl_complex S = times(S1[m * levels + n], S2[i]);
                out[i] = S.re;
                if (d->planes > 1)
                    out[plane + i] = S.im;
            }
}

nl_status nl_dimer_initial(const nl_dimer *d, nl_initial initial, int levels, double *state)
{
    const nl_operator op = nl_lindblad_shape(&d->pair, levels);
    const size_t size = (size_t)levels * levels;
    double *pair = malloc(nl_operator_size(&op) * sizeof *pair);
    nl_complex *S = malloc(2 * size * sizeof *S);
    nl_status status = pair && S ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the initial state of %d levels", levels);
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

/* Blocks on the diagonal hold both halves of a hermitian matrix. */
static void make_hermitian(int N, int planes, double *block)
{
    const size_t plane = nl_dimer_plane(N);
    for (int x = 0; x < N; x++)
        for (int y = 0; y <= x; y++) {
            double *a = block + x * N + y, *b = block + y * N + x;
            *a = *b = (*a + *b) / 2;
            if (planes > 1) {
                a[plane] = (a[plane] - b[plane]) / 2;
                b[plane] = x == y ? 0 : -a[plane];
            }
        }
}

void nl_dimer_constrain(const nl_dimer *d, int levels, double *state)
{
    const size_t pad = nl_dimer_pad(levels), len = nl_dimer_size(levels, d->planes), size = (size_t)levels * levels;
    memset(state, 0, pad * sizeof *state);
    memset(state + len - pad, 0, pad * sizeof *state);
    for (int m = 0; m < levels; m++)
        make_hermitian(levels, d->planes, state + pad + nl_dimer_block(m, m) * size);
}

/* ---- what a state says ---- */

static nl_complex trace_of_block(const nl_dimer *d, int N, const double *block)
{
    nl_complex sum = {0, 0};
    for (int x = 0; x < N; x++) {
        sum.re += block[x * N + x];
        sum.im += d->planes > 1 ? block[nl_dimer_plane(N) + x * N + x] : 0;
    }
    return sum;
}

static nl_complex sum_of_blocks(const nl_dimer *d, int N, const double *first, int i)
{
    const size_t size = (size_t)N * N;
    nl_complex sum = {0, 0};
    for (int m = 0; m < N; m++) {
        const double *S = first + nl_dimer_block(m, m) * size + i;
        sum.re += S[0];
        sum.im += d->planes > 1 ? S[nl_dimer_plane(N)] : 0;
    }
    return sum;
}

void nl_dimer_reduce(const nl_dimer *d, int levels, const double *state, int site, double *out)
{
    const int N = levels;
    const double *first = state + nl_dimer_pad(N);
    for (int m = 0; m < N; m++)
        for (int n = 0; n <= m; n++) {
            const nl_complex S = site == 0 ? trace_of_block(d, N, first + nl_dimer_block(m, n) * N * N)
                                           : sum_of_blocks(d, N, first, m * N + n);
            const nl_complex rho = times(gauge(d, site, m - n), S);
            out[2 * (n * N + m)] = rho.re;
            out[2 * (n * N + m) + 1] = -rho.im;
            out[2 * (m * N + n)] = rho.re;
            out[2 * (m * N + n) + 1] = m == n ? 0 : rho.im;
        }
}

/* Of one laser, from its reduced S (both planes), scaled to trace 1 where the state is to be. */
static void site_values(const nl_dimer *d, int N, const double *S, int site, double scale, nl_dimer_values *v)
{
    const double *im = S + (size_t)N * N;
    double n1 = 0, n2 = 0, purity = 0, top = 0;
    nl_complex a = {0, 0};
    for (int m = 0; m < N; m++) {
        const double p = scale * S[m * N + m];
        n1 += m * p;
        n2 += (double)m * m * p;
        top += m >= N - 2 ? p : 0;
        for (int n = 0; n < N; n++)
            purity += scale * scale * (S[m * N + n] * S[m * N + n] + im[m * N + n] * im[m * N + n]);
        if (m > 0) { /* <a> = sum sqrt(m) rho_(m, m-1) */
            a.re += scale * sqrt(m) * S[m * N + m - 1];
            a.im += scale * sqrt(m) * im[m * N + m - 1];
        }
    }
    v->n[site] = n1;
    v->var_n[site] = n2 - n1 * n1;
    v->site_purity[site] = purity;
    v->top[site] = top;
    v->a[site] = times(gauge(d, site, 1), a);
}

nl_dimer_values nl_dimer_values_of(const nl_dimer *d, int levels, const double *moments)
{
    const double *S1 = moments + NL_DIMER_SUMS, *S2 = S1 + 2 * (size_t)levels * levels;
    nl_dimer_values v = {0};
    for (int m = 0; m < levels; m++)
        v.trace += S1[m * levels + m];
    const double scale = d->closed ? 1 / v.trace : 1;
    v.purity = scale * scale * moments[NL_DIMER_PURITY];
    v.distance = fabs(scale) * sqrt(moments[NL_DIMER_DISTANCE]);
    v.n1_n2 = scale * moments[NL_DIMER_N1_N2];
    v.cross = (nl_complex){scale * moments[NL_DIMER_CROSS_IM], scale * moments[NL_DIMER_CROSS_RE]};
    site_values(d, levels, S1, 0, scale, &v);
    site_values(d, levels, S2, 1, scale, &v);
    return v;
}
