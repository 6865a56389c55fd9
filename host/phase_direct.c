#include "nanolase/phase_direct.h"

#include <complex.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

typedef double complex number;

/* Block s = k_1 + k_2 (k for one site): the modes on one line, by growing k_1 - k_2; where the lasers are alike, those
 * with k_1 <= k_2, for which the others stand too. */
struct nl_phase_direct {
    nl_phase phase;
    bool alike;
    int m, top; /* largest |k| and largest s */
    int threads;
    double *d1, *d2;     /* symbols at k = -m ... m; index k + m */
    number **lu;         /* [s], s = 0 ... top: factorised block, column by column */
    lapack_int **pivots;
    nl_modes modes;
    number *coefficients; /* of a right-hand side, then of the solution; see modes.h */
    number **c;           /* [s] of the solution */
};

/* ---- the lattice of modes ---- */

static int line_length(const nl_phase_direct *d, int s)
{
    return d->phase.sites == 2 ? d->top + 1 - abs(s) : 1;
}

static int length(const nl_phase_direct *d, int s)
{
    return d->alike ? (line_length(d, s) + 1) / 2 : line_length(d, s);
}

/* Where place p of a line is kept in its block. */
static int kept(const nl_phase_direct *d, int s, int p)
{
    return p < length(d, s) ? p : line_length(d, s) - 1 - p;
}

/* The place of (-k_1, -k_2), k at place p of block s, in block -s. */
static int opposite(const nl_phase_direct *d, int s, int p)
{
    return kept(d, s, line_length(d, s) - 1 - p);
}

static void wave_numbers(const nl_phase_direct *d, int s, int p, int k[2])
{
    if (d->phase.sites == 1) {
        k[0] = s;
        k[1] = 0;
        return;
    }
    const int difference = 2 * p - (d->top - abs(s));
    k[0] = (s + difference) / 2;
    k[1] = (s - difference) / 2;
}

/* The place of mode (k_1 + step, k_2) or, site 1, (k_1, k_2 + step) in block s + step; below 0: none. */
static int neighbour(const nl_phase_direct *d, int s, int p, int site, int step)
{
    if (abs(s + step) > d->top)
        return -1;
    if (d->phase.sites == 1)
        return 0;
    const int difference = 2 * p - (d->top - abs(s)) + (site == 0 ? step : -step);
    const int place = (difference + d->top - abs(s + step)) / 2;
    const bool exists = difference + d->top - abs(s + step) >= 0 && place < line_length(d, s + step);
    return exists ? kept(d, s + step, place) : -1;
}

/* What the drive of a site moves from block s + step, step = +-1, into mode k. */
static number drive_coupling(const nl_phase_direct *d, const int k[2], int site, int step)
{
    return 0.5 * _Complex_I * d->d1[k[site] + d->m] * d->phase.drive[site] *
           cexp(_Complex_I * step * d->phase.phi[site]);
}

/* ---- blocks ---- */

static void add_diagonal_block(const nl_phase_direct *d, int s, number *M)
{
    const int x = length(d, s);
    for (int p = 0; p < x; p++) {
        int k[2];
        number exchange = 0;
        wave_numbers(d, s, p, k);
        for (int j = 0; j < d->phase.sites; j++) {
            M[p + (size_t)p * x] += d->phase.D[j] * d->d2[k[j] + d->m];
            exchange -= 0.5 * _Complex_I * d->d1[k[j] + d->m] * d->phase.tunnel[j];
        }
        if (p > 0)
            M[p + (size_t)(p - 1) * x] += exchange;
        if (p + 1 < line_length(d, s))
            M[p + (size_t)kept(d, s, p + 1) * x] += exchange;
    }
}

/* M += Up S, with S (length of s + 1 by x) eliminating block s + 1. */
static void add_eliminated_block(const nl_phase_direct *d, int s, const number *S, number *M)
{
    const int x = length(d, s);
    for (int p = 0; p < x; p++)
        for (int j = 0; j < d->phase.sites; j++) {
            int k[2];
            wave_numbers(d, s, p, k);
            const int place = neighbour(d, s, p, j, 1);
            const number up = drive_coupling(d, k, j, 1);
            for (int q = 0; q < x && place >= 0; q++)
                M[p + (size_t)q * x] += up * S[place + (size_t)q * length(d, s + 1)];
        }
}

/* The same for block -1 seen from block 0, from P(-k) = P(k)*: the mirrored conjugate of S. */
static void add_mirrored_block(const nl_phase_direct *d, const number *S, number *M)
{
    const int x = length(d, 0), y = length(d, 1);
    for (int p = 0; p < x; p++)
        for (int j = 0; j < d->phase.sites; j++) {
            int k[2];
            wave_numbers(d, 0, p, k);
            const int place = neighbour(d, 0, p, j, -1);
            const number down = drive_coupling(d, k, j, -1);
            for (int q = 0; q < x && place >= 0; q++)
                M[p + (size_t)q * x] += down * conj(S[opposite(d, 1, place) + (size_t)opposite(d, 0, q) * y]);
        }
}

/* S = -M^-1 Down, x by length of s - 1, in columns shared out among the threads. */
static void eliminate(const nl_phase_direct *d, int s, number *S)
{
    enum { COLUMNS = 48 };
    const int x = length(d, s), y = length(d, s - 1);
    memset(S, 0, (size_t)x * y * sizeof *S);
    for (int p = 0; p < x; p++)
        for (int j = 0; j < d->phase.sites; j++) {
            int k[2];
            wave_numbers(d, s, p, k);
            const int place = neighbour(d, s, p, j, -1);
            if (place >= 0)
                S[p + (size_t)place * x] -= drive_coupling(d, k, j, -1);
        }
#pragma omp parallel for num_threads(d->threads) if (d->threads > 1 && x > 64)
    for (int q = 0; q < y; q += COLUMNS)
        LAPACKE_zgetrs_work(LAPACK_COL_MAJOR, 'N', x, q + COLUMNS < y ? COLUMNS : y - q, d->lu[s], x, d->pivots[s],
                       S + (size_t)q * x, x);
}

/* The row of k = 0, which conservation leaves empty, fixes the integral. */
static void fix_integral(const nl_phase_direct *d, number *M)
{
    const int x = length(d, 0), centre = line_length(d, 0) / 2;
    for (int q = 0; q < x; q++)
        M[centre + (size_t)q * x] = q == centre;
}

static nl_status factorise(nl_phase_direct *d)
{
    const size_t most = (size_t)length(d, 0) * length(d, 0);
    number *S = malloc(most * sizeof *S);
    nl_status status = S ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a block of %d modes", length(d, 0));
    for (int s = d->top; s >= 0 && status == NL_OK; s--) {
        const int x = length(d, s);
        add_diagonal_block(d, s, d->lu[s]);
        if (s < d->top)
            add_eliminated_block(d, s, S, d->lu[s]);
        if (s == 0) {
            add_mirrored_block(d, S, d->lu[0]);
            fix_integral(d, d->lu[0]);
        }
        if (LAPACKE_zgetrf_work(LAPACK_COL_MAJOR, x, x, d->lu[s], x, d->pivots[s]) != 0)
            status = nl_fail(NL_ERR_INTERNAL, "the phase operator on %d modes has a singular block", d->m);
        else if (s > 0)
            eliminate(d, s, S);
    }
    free(S);
    return status;
}

/* ---- making ---- */

static nl_status allocate(nl_phase_direct *d)
{
    const size_t blocks = (size_t)d->top + 1;
    d->d1 = calloc(2 * (size_t)d->m + 1, sizeof *d->d1);
    d->d2 = calloc(2 * (size_t)d->m + 1, sizeof *d->d2);
    d->lu = calloc(blocks, sizeof *d->lu);
    d->pivots = calloc(blocks, sizeof *d->pivots);
    d->c = calloc(blocks, sizeof *d->c);
    d->coefficients = calloc(nl_modes_count(d->phase.sites, d->m), sizeof *d->coefficients);
    bool complete = d->d1 && d->d2 && d->lu && d->pivots && d->c && d->coefficients;
    for (int s = 0; s <= d->top && complete; s++) {
        const size_t x = (size_t)length(d, s);
        d->lu[s] = calloc(x * x, sizeof **d->lu);
        d->pivots[s] = calloc(x, sizeof **d->pivots);
        d->c[s] = calloc(x, sizeof **d->c);
        complete = d->lu[s] && d->pivots[s] && d->c[s];
    }
    return complete ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %.3g GB for a direct solution on %d modes",
                                      nl_phase_direct_bytes(&d->phase, d->m) / 1e9, d->m);
}

nl_status nl_phase_direct_new(const nl_phase *phase, const nl_stencil *stencil, int m, int threads,
                              nl_phase_direct **out)
{
    nl_phase_direct *d = calloc(1, sizeof *d);
    if (!d)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a direct solver");
    *d = (nl_phase_direct){.phase = *phase, .m = m, .top = phase->sites == 2 ? 2 * m : m,
                           .alike = nl_phase_is_symmetric(phase), .threads = threads > 0 ? threads : 1};
    nl_status status = allocate(d);
    for (int k = -m; k <= m && status == NL_OK; k++)
        nl_stencil_symbol(stencil, k, &d->d1[k + m], &d->d2[k + m]);
    if (status == NL_OK)
        status = factorise(d);
    if (status != NL_OK) {
        nl_phase_direct_release(d);
        return status;
    }
    *out = d;
    return NL_OK;
}

void nl_phase_direct_release(nl_phase_direct *d)
{
    if (!d)
        return;
    for (int s = 0; s <= d->top; s++) {
        if (d->lu)
            free(d->lu[s]);
        if (d->pivots)
            free(d->pivots[s]);
        if (d->c)
            free(d->c[s]);
    }
    free(d->d1);
    free(d->d2);
    free(d->lu);
    free(d->pivots);
    free(d->c);
    free(d->coefficients);
    nl_modes_release(&d->modes);
    free(d);
}

double nl_phase_direct_bytes(const nl_phase *phase, int m)
{
    const double N = 2.0 * m + 1, halved = nl_phase_is_symmetric(phase) ? 4 : 1;
    return sizeof(number) * (phase->sites == 2 ? N * N * N / 3 / halved + 2 * N * N : N);
}

/* ---- solving ---- */

static number *coefficient(const nl_phase_direct *d, int k_1, int k_2)
{
    return &d->coefficients[nl_modes_index(d->phase.sites, d->m, (int[]){k_1, k_2})];
}

/* Of the right-hand side; where the lasers are alike, of its symmetric part. */
static number right_side(const nl_phase_direct *d, int s, int p)
{
    int k[2];
    wave_numbers(d, s, p, k);
    const number right = *coefficient(d, k[0], k[1]);
    return d->alike ? 0.5 * (right + *coefficient(d, k[1], k[0])) : right;
}

/* sum over sites of a coupling times the neighbours in block s + step. */
static number from_block(const nl_phase_direct *d, int s, int p, int step, const number *block)
{
    number sum = 0;
    int k[2];
    wave_numbers(d, s, p, k);
    for (int j = 0; j < d->phase.sites; j++) {
        const int place = neighbour(d, s, p, j, step);
        if (place >= 0)
            sum += drive_coupling(d, k, j, step) * block[place];
    }
    return sum;
}

static void solve_block(const nl_phase_direct *d, int s, number *right)
{
    const int x = length(d, s);
    LAPACKE_zgetrs_work(LAPACK_COL_MAJOR, 'N', x, 1, d->lu[s], x, d->pivots[s], right, x);
}

/* c_s: what block s is for vanishing block s - 1. */
static void sweep_down(nl_phase_direct *d)
{
    for (int s = d->top; s > 0; s--) {
        for (int p = 0; p < length(d, s); p++)
            d->c[s][p] = right_side(d, s, p) - (s < d->top ? from_block(d, s, p, 1, d->c[s + 1]) : 0);
        solve_block(d, s, d->c[s]);
    }
}

static void solve_centre(nl_phase_direct *d, number mean, number *mirror)
{
    const int x = length(d, 0), y = length(d, 1);
    for (int q = 0; q < y; q++)
        mirror[q] = conj(d->c[1][opposite(d, 1, q)]);
    for (int p = 0; p < x; p++)
        d->c[0][p] = right_side(d, 0, p) - from_block(d, 0, p, 1, d->c[1]) - from_block(d, 0, p, -1, mirror);
    d->c[0][line_length(d, 0) / 2] = mean;
    solve_block(d, 0, d->c[0]);
}

/* The blocks from the centre outwards. */
static void sweep_up(nl_phase_direct *d, number *work)
{
    for (int s = 1; s <= d->top; s++) {
        const int x = length(d, s);
        for (int p = 0; p < x; p++)
            work[p] = from_block(d, s, p, -1, d->c[s - 1]);
        solve_block(d, s, work);
        for (int p = 0; p < x; p++)
            d->c[s][p] -= work[p];
    }
}

static void store(nl_phase_direct *d)
{
    for (int s = 0; s <= d->top; s++)
        for (int p = 0; p < length(d, s); p++) {
            int k[2];
            wave_numbers(d, s, p, k);
            *coefficient(d, k[0], k[1]) = d->c[s][p];
            *coefficient(d, -k[0], -k[1]) = conj(d->c[s][p]);
            if (d->alike) {
                *coefficient(d, k[1], k[0]) = d->c[s][p];
                *coefficient(d, -k[1], -k[0]) = conj(d->c[s][p]);
            }
        }
}

nl_status nl_phase_direct_solve(nl_phase_direct *d, int n, const double *r, double integral, double *e)
{
    const double volume = d->phase.sites == 2 ? 4 * M_PI * M_PI : 2 * M_PI;
    if (d->modes.n != n) {
        nl_modes_release(&d->modes);
        NL_TRY(nl_modes_new(d->phase.sites, n, d->m, &d->modes));
    }
    number *work = malloc((size_t)length(d, 0) * sizeof *work);
    if (!work)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a block");
    nl_modes_analyse(&d->modes, r, d->coefficients);
    sweep_down(d);
    solve_centre(d, integral / volume, work);
    sweep_up(d, work);
    store(d);
    nl_modes_synthesise(&d->modes, d->coefficients, e);
    free(work);
    return NL_OK;
}
