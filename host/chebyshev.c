#include "nanolase/chebyshev.h"

#include <complex.h>
#include <math.h>

static const double LEAST_DELTA = 0.7; /* |P| inside the ellipse's left part is then at most 1/cosh(delta) = 0.8 */
static const double MOST_DELTA = 5;    /* more buys nothing: tanh(delta) is 1 */
static const double MARGIN = 1.05;

/* Semi-axis along i of the ellipse from -real to 0 that holds all z. */
static double semi_axis(const nl_complex *z, int count, double real)
{
    const double a = real / 2;
    double imaginary = 0;
    for (int i = 0; i < count; i++) {
        const double x = (z[i].re + a) / a, height = sqrt(fmax(1 - x * x, 1e-12));
        if (z[i].re < 0)
            imaginary = fmax(imaginary, fabs(z[i].im) / height);
    }
    return imaginary;
}

/* A longer ellipse is also a higher one where the spectrum ends bluntly: the length that needs the lowest semi-axis. */
nl_ellipse nl_ellipse_around(const nl_complex *z, int count)
{
    const double longest = 2, factor = 1.05;
    nl_ellipse best = {0, INFINITY};
    double extent = 0;
    for (int i = 0; i < count; i++)
        extent = fmax(extent, fmax(-z[i].re, fabs(z[i].im) / 100));
    for (double length = MARGIN; length < longest; length *= factor) {
        const nl_ellipse e = {length * extent, semi_axis(z, count, length * extent)};
        if (e.imaginary < best.imaginary)
            best = e;
    }
    return best;
}

/* T_s(w0) and its first two derivatives, w0 = cosh(u). */
typedef struct polynomial {
    double w0, T, T1, T2;
} polynomial;

static polynomial at_w0(int s, double delta)
{
    const double u = delta / s, sh = sinh(u), ch = cosh(u), S = sinh(delta), C = cosh(delta);
    return (polynomial){.w0 = ch, .T = C, .T1 = s * S / sh, .T2 = (s * s * C - s * S * ch / sh) / (sh * sh)};
}

static double w1_of(int order, const polynomial *p)
{
    return order == 1 ? p->T / p->T1 : p->T1 / p->T2;
}

/* The longest step at which the method's ellipse holds the spectrum's: as long, and as round at 0. */
static double step_at(int order, nl_ellipse e, int s, double delta)
{
    const polynomial p = at_w0(s, delta);
    const double w1 = w1_of(order, &p), real = (p.w0 + 1) / (w1 * e.real);
    const double curvature = 2 * e.imaginary * e.imaginary / e.real; /* 1/h per unit of (w0^2 - 1)/(w1 w0) */
    const double round = (p.w0 * p.w0 - 1) / (w1 * p.w0) / (curvature + 1e-300);
    return fmin(real, round);
}

/* The damping at which s stages take the longest step: more rounds the ellipse and shortens it. */
static double best_delta(int order, nl_ellipse e, int s, double *step)
{
    const int trials = 24;
    double best = LEAST_DELTA;
    *step = 0;
    for (int i = 0; i < trials; i++) {
        const double delta = LEAST_DELTA * pow(MOST_DELTA / LEAST_DELTA, (double)i / (trials - 1));
        const double h = step_at(order, e, s, delta);
        if (h > *step) {
            *step = h;
            best = delta;
        }
    }
    return best;
}

/* Not the step of the very best ratio to its stages: rounding errors grow with the square of the stages, and in parts
 * of the state that are not normal modes with the length of the step. */
double nl_chebyshev_longest_step(int order, nl_ellipse e)
{
    const double share = 0.9;
    double step[NL_CHEBYSHEV_MAX_STAGES + 1], most = 0;
    int s;
    for (s = 2; s <= NL_CHEBYSHEV_MAX_STAGES; s++) {
        best_delta(order, e, s, &step[s]);
        most = fmax(most, step[s] / s);
    }
    for (s = 2; s < NL_CHEBYSHEV_MAX_STAGES && step[s] < share * most * s; s++)
        ;
    return step[s];
}

nl_chebyshev nl_chebyshev_choose(int order, nl_ellipse e, double h)
{
    int low = 2, high = NL_CHEBYSHEV_MAX_STAGES;
    double step;
    while (low < high) {
        const int middle = (low + high) / 2;
        best_delta(order, e, middle, &step);
        if (step >= h)
            high = middle;
        else
            low = middle + 1;
    }
    return (nl_chebyshev){order, low, best_delta(order, e, low, &step)};
}

/* b_j: 1/T_j(w0) at order 1, T_j''/T_j'^2 at order 2 with b_0 = b_1 = b_2. */
static double b_of(int order, int j, double u)
{
    if (order == 1)
        return 1 / cosh(j * u);
    const polynomial p = at_w0(j < 2 ? 2 : j, (j < 2 ? 2 : j) * u);
    return p.T2 / (p.T1 * p.T1);
}

void nl_chebyshev_stages(nl_chebyshev method, nl_chebyshev_stage *stage)
{
    const double u = method.delta / method.stages;
    const polynomial p = at_w0(method.stages, method.delta);
    const double w1 = w1_of(method.order, &p);
    double b2 = 0, b1 = b_of(method.order, 0, u), b = b_of(method.order, 1, u);
    stage[1] = (nl_chebyshev_stage){1, 0, 0, b * w1, 0};
    for (int j = 2; j <= method.stages; j++) {
        const double a1 = method.order == 1 ? 0 : 1 - b * cosh((j - 1) * u);
        b2 = b1;
        b1 = b;
        b = b_of(method.order, j, u);
        const double mu = 2 * p.w0 * b / b1, nu = method.order == 1 ? 1 - mu : -b / b2, mu_F = 2 * w1 * b / b1;
        const double rest = method.order == 1 ? 0 : 1 - mu - nu;
        stage[j] = (nl_chebyshev_stage){mu, nu, rest, mu_F, -a1 * mu_F};
    }
}

double nl_chebyshev_amplification(nl_chebyshev method, double re, double im)
{
    nl_chebyshev_stage stage[NL_CHEBYSHEV_MAX_STAGES + 1];
    const double complex z = re + im * I;
    double complex before = 1, now;
    nl_chebyshev_stages(method, stage);
    now = 1 + stage[1].mu_F * z;
    for (int j = 2; j <= method.stages; j++) {
        const nl_chebyshev_stage c = stage[j];
        const double complex next =
            c.mu * now + c.nu * before + c.rest + z * (c.mu_F * now + c.gamma_F);
        before = now;
        now = next;
    }
    return cabs(now);
}
