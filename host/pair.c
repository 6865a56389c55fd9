/* The self-consistency of two lasers that answer each other's light (see gutzwiller.h). */
#include <complex.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "nanolase/gutzwiller.h"

static nl_complex field_of(const nl_pair *pair, int j, const nl_complex alpha[2])
{
    const nl_complex other = alpha[1 - j], drive = pair->drive[j];
    return (nl_complex){drive.re - pair->t_c * other.re, drive.im - pair->t_c * other.im};
}

/* -i e^{i arg f} G(|f|), and D = d(e^{i arg f} G)/df as a real 2 x 2 matrix (row major): G' along f, G/|f| across. */
static nl_complex answer(const nl_response *r, nl_complex f, double D[4])
{
    double slope;
    const double size = hypot(f.re, f.im), G = nl_response_at(r, NL_RESPONSE_G, size, &slope);
    const double c = size > 0 ? f.re / size : 1, s = size > 0 ? f.im / size : 0;
    const double across = size > 1e-9 * r->scale ? G / size : slope;
    D[0] = slope * c * c + across * s * s;
    D[1] = D[2] = (slope - across) * c * s;
    D[3] = slope * s * s + across * c * c;
    return (nl_complex){s * G, -c * G};
}

/* F_j = alpha_j - answer(f_j), and dF/dalpha: unit blocks, and t_c (-i D_j) off the diagonal. */
static double equations(const nl_pair *pair, const nl_complex alpha[2], double F[4], double J[16])
{
    double largest = 0;
    memset(J, 0, 16 * sizeof *J);
    for (int j = 0; j < 2; j++) {
        double D[4];
        const nl_complex a = answer(pair->response, field_of(pair, j, alpha), D);
        const int other = 2 * (1 - j);
        F[2 * j] = alpha[j].re - a.re;
        F[2 * j + 1] = alpha[j].im - a.im;
        J[4 * (2 * j) + 2 * j] = J[4 * (2 * j + 1) + 2 * j + 1] = 1;
        for (int k = 0; k < 2; k++) { /* -i (x + i y) = y - i x: the rows of D change places */
            J[4 * (2 * j) + other + k] = pair->t_c * D[2 + k];
            J[4 * (2 * j + 1) + other + k] = -pair->t_c * D[k];
        }
        largest = fmax(largest, hypot(F[2 * j], F[2 * j + 1]));
    }
    return largest;
}

static bool in_range(const nl_pair *pair, const nl_complex alpha[2])
{
    for (int j = 0; j < 2; j++) {
        const nl_complex f = field_of(pair, j, alpha);
        const double size = hypot(f.re, f.im);
        if (!(size >= pair->response->low * (1 - 1e-9) && size <= pair->response->high * (1 + 1e-9)))
            return false;
    }
    return true;
}

bool nl_pair_newton(const nl_pair *pair, nl_complex alpha[2], nl_pair_solution *out)
{
    const int most = 60;
    const double radius = nl_lindblad_radius(&pair->response->local, pair->response->high);
    double F[4], J[16], residual = equations(pair, alpha, F, J);
    for (int i = 0; i < most && residual > 1e-13 * radius; i++) {
        lapack_int pivots[4];
        if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, 4, 1, J, 4, pivots, F, 1) != 0)
            return false;
        /* A step that goes up is shortened: far from a solution the response bends. */
        nl_complex trial[2];
        double next = INFINITY;
        double step[4], scale = 1;
        memcpy(step, F, sizeof step);
        for (int half = 0; half < 12 && !(next < residual); half++, scale /= 2) {
            for (int j = 0; j < 2; j++)
                trial[j] = (nl_complex){alpha[j].re - scale * step[2 * j], alpha[j].im - scale * step[2 * j + 1]};
            next = equations(pair, trial, F, J);
        }
        if (!(next < residual)) /* rounding is all that is left, or the search is stuck */
            break;
        memcpy(alpha, trial, sizeof trial);
        residual = next;
    }
    *out = (nl_pair_solution){.alpha = {alpha[0], alpha[1]}, .residual = residual,
                              .field = {field_of(pair, 0, alpha), field_of(pair, 1, alpha)}};
    return residual <= 1e-11 * radius && in_range(pair, alpha);
}

bool nl_pair_continue(const nl_pair *pair, nl_pair_solution *out)
{
    nl_pair at = *pair;
    nl_complex alpha[2];
    double reached = 0, step = 0.125, D[4];
    for (int j = 0; j < 2; j++)
        alpha[j] = answer(pair->response, pair->drive[j], D);
    at.t_c = 0;
    if (!nl_pair_newton(&at, alpha, out))
        return false;
    while (reached < 1) {
        const double radius = hypot(out->alpha[0].re, out->alpha[0].im) + hypot(out->alpha[1].re, out->alpha[1].im);
        nl_complex trial[2] = {out->alpha[0], out->alpha[1]};
        nl_pair_solution found;
        const double next = fmin(1, reached + step);
        at.t_c = next * pair->t_c;
        const bool ok = nl_pair_newton(&at, trial, &found);
        const double moved = hypot(found.alpha[0].re - out->alpha[0].re, found.alpha[0].im - out->alpha[0].im) +
                             hypot(found.alpha[1].re - out->alpha[1].re, found.alpha[1].im - out->alpha[1].im);
        if (ok && moved < 0.1 * radius) { /* not another branch */
            *out = found;
            reached = next;
            step = fmin(2 * step, 0.125);
        } else if ((step /= 2) < 1e-5) {
            return false;
        }
    }
    return true;
}

/* Adds a solution unless it is there, to a millionth of `radius`, the largest amplitude there may be: it may vanish. */
static void collect(const nl_pair_solution *found, double radius, nl_pair_solution *out, int *count)
{
    for (int k = 0; k < *count; k++) {
        double apart = 0, size = fmax(radius, 1e-300);
        for (int j = 0; j < 2; j++) {
            apart += hypot(found->alpha[j].re - out[k].alpha[j].re, found->alpha[j].im - out[k].alpha[j].im);
            size += hypot(found->alpha[j].re, found->alpha[j].im);
        }
        if (apart < 1e-6 * size)
            return;
    }
    if (*count < NL_MAX_SOLUTIONS)
        out[(*count)++] = *found;
}

int nl_pair_solutions(const nl_pair *pair, nl_pair_solution out[NL_MAX_SOLUTIONS])
{
    enum { ANGLES = 8, SIZES = 2 };
    const double radius = nl_lindblad_radius(&pair->response->local, hypot(pair->drive[0].re, pair->drive[0].im));
    const double size[SIZES] = {0.9 * radius, 0.3 * radius}, turn = 2 * acos(-1) / ANGLES;
    const double largest = nl_lindblad_radius(&pair->response->local, pair->response->high);
    nl_pair_solution found;
    int count = 0;
    if (nl_pair_continue(pair, &found))
        collect(&found, largest, out, &count);
    for (int start = 0; start < ANGLES * ANGLES * SIZES * SIZES; start++) {
        const double a = turn * (start % ANGLES), b = turn * (start / ANGLES % ANGLES);
        const double r = size[start / (ANGLES * ANGLES) % SIZES], s = size[start / (ANGLES * ANGLES * SIZES)];
        nl_complex alpha[2] = {{r * cos(a), r * sin(a)}, {s * cos(b), s * sin(b)}};
        if (nl_pair_newton(pair, alpha, &found))
            collect(&found, largest, out, &count);
    }
    return count;
}

double nl_pair_slope(const nl_pair *pair, const nl_pair_solution *s)
{
    double F[4], J[16], D[4], d[4];
    lapack_int pivots[4];
    equations(pair, s->alpha, F, J);
    /* Only f_2 depends on phi_2 by itself: d epsilon_2/d phi_2 = i epsilon_2. dF_2 = -(-i) D_2 i epsilon_2 */
    const nl_complex turned = {-pair->drive[1].im, pair->drive[1].re};
    answer(pair->response, s->field[1], D);
    const double x = D[0] * turned.re + D[1] * turned.im, y = D[2] * turned.re + D[3] * turned.im;
    d[0] = d[1] = 0;
    d[2] = y; /* J d alpha = -dF, and -i (x + i y) = y - i x */
    d[3] = -x;
    if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, 4, 1, J, 4, pivots, d, 1) != 0)
        return NAN;
    const nl_complex df[2] = {{-pair->t_c * d[2], -pair->t_c * d[3]},
                              {turned.re - pair->t_c * d[0], turned.im - pair->t_c * d[1]}};
    double slope = 0;
    for (int j = 0; j < 2; j++) {
        const double size = hypot(s->field[j].re, s->field[j].im);
        double dn;
        nl_response_at(pair->response, NL_RESPONSE_N, size, &dn);
        if (size > 0)
            slope += (j ? -1 : 1) * dn * (s->field[j].re * df[j].re + s->field[j].im * df[j].im) / size;
    }
    return slope;
}

/* ---- stability ---- */

/* X of both lasers, [laser][sector], at every frequency. */
typedef double complex transfers[2][2][NL_RESPONSE_FREQUENCIES];

static void read_transfers(const nl_pair *pair, const nl_pair_solution *s, transfers X)
{
    for (int j = 0; j < 2; j++)
        for (int sector = 0; sector < 2; sector++)
            for (int w = 0; w < NL_RESPONSE_FREQUENCIES; w++) {
                const nl_complex x = nl_response_transfer(pair->response, (nl_sector)sector, w,
                                                          hypot(s->field[j].re, s->field[j].im));
                X[j][sector][w] = x.re + I * x.im;
            }
}

/* t_c e^{i turn} X_j on (along, across), as a real 2 x 2 matrix over the complex numbers; X between frequencies w and
 * w + 1, beyond the last of which it is taken as 0. */
static void answer_at(double t_c, transfers X, int j, int w, double between, double turn, double complex K[4])
{
    const double c = cos(turn), d = sin(turn);
    double complex x[2];
    for (int sector = 0; sector < 2; sector++) {
        const double complex next = w + 1 < NL_RESPONSE_FREQUENCIES ? X[j][sector][w + 1] : 0;
        x[sector] = (1 - between) * X[j][sector][w] + between * next;
    }
    K[0] = t_c * c * x[NL_ALONG];
    K[1] = -t_c * d * x[NL_ACROSS];
    K[2] = t_c * d * x[NL_ALONG];
    K[3] = t_c * c * x[NL_ACROSS];
}

/*
 * df_1 = -t_c dalpha_2 and dalpha_2 = -i e^{i chi_2} X_2 u_2 for df_2 = e^{i chi_2} u_2: u_1 = t_c e^{i (pi/2 + chi_2 -
 * chi_1)} X_2 u_2, and the same with 1 and 2 changed.
 */
static double complex determinant(double t_c, transfers X, double apart, int w, double between)
{
    double complex K1[4], K2[4], M[4];
    answer_at(t_c, X, 1, w, between, acos(-1) / 2 + apart, K2);
    answer_at(t_c, X, 0, w, between, acos(-1) / 2 - apart, K1);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            M[2 * i + k] = K2[2 * i] * K1[k] + K2[2 * i + 1] * K1[2 + k];
    return (1 - M[0]) * (1 - M[3]) - M[1] * M[2];
}

int nl_pair_unstable_modes(const nl_pair *pair, const nl_pair_solution *s)
{
    enum { PARTS = 32 }; /* of each interval of frequencies: the determinant turns fast where it is small */
    transfers X;
    if (pair->t_c == 0)
        return 0;
    if (!pair->response->transfer)
        return -1;
    read_transfers(pair, s, X);
    const double apart = atan2(s->field[1].im, s->field[1].re) - atan2(s->field[0].im, s->field[0].re);
    double complex before = creal(determinant(pair->t_c, X, apart, 0, 0)); /* real at omega = 0, 1 at infinity */
    double turned = 0;
    for (int w = 0; w < NL_RESPONSE_FREQUENCIES; w++)
        for (int part = 1; part <= PARTS; part++) {
            const double complex now = determinant(pair->t_c, X, apart, w, (double)part / PARTS);
            turned += carg(now / before);
            before = now;
        }
    const int zeros = (int)lround(-turned / acos(-1));
    return zeros > 0 ? zeros : 0;
}
