#include "nanolase/amplitude.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "amplitude_point.h"
#include "nanolase/stencil.h"

static const double PI = 3.14159265358979323846;

/* ---- one laser: exponent of its steady state, extent, width ---- */

/*
 * The exponent along a ray: U(r) = (2/A) [ (A - C) r^2/2 - B_r r^4/4 + f r ]. A laser alone with drive f has
 * P ~ exp(U) along the drive's direction; tunnelling at most adds |t_c| to the gain.
 */
typedef struct ray {
    double A, gain, B, f;
} ray;

static double exponent(const ray *u, double r)
{
    return 2 / u->A * (u->gain * r * r / 2 - u->B * r * r * r * r / 4 + u->f * r);
}

static double slope(const ray *u, double r)
{
    return u->gain * r - u->B * r * r * r + u->f;
}

/* Where f(ray, r) falls below 0, for one that is below 0 from there on; infinite where numbers do not reach so far. */
static double crossing(double (*f)(const ray *, double), const ray *u, double low)
{
    double step = fmax(1, 1e-10 * low), high = low + step; /* a step that rounding cannot swallow */
    while (f(u, high) > 0)
        high = low + (step *= 2);
    for (int k = 0; k < 200; k++) {
        const double middle = (low + high) / 2;
        *(f(u, middle) > 0 ? &low : &high) = middle;
    }
    return high;
}

/* Starts past the point where slope may still grow; with B > 0 it falls from there. */
static double most_likely(const ray *u)
{
    const double turn = u->gain > 0 ? sqrt(u->gain / (3 * u->B)) : 0;
    return slope(u, turn) > 0 ? crossing(slope, u, turn) : 0;
}

static double above_tail(const ray *u, double r)
{
    const double fall = 18; /* six widths of a Gaussian */
    return exponent(u, r) - exponent(u, most_likely(u)) + fall;
}

static ray ray_of(const nl_amplitude *p, double tunnelling)
{
    const nl_laser *l = &p->laser;
    return (ray){.A = l->A, .gain = l->A - l->C + fabs(tunnelling), .B = l->B_r, .f = l->epsilon};
}

/* The curvature at the most likely radius; where it vanishes, at threshold, the extent tells. */
static double width_of(const ray *u, double extent)
{
    const double r = most_likely(u), curvature = 2 / u->A * (3 * u->B * r * r - u->gain);
    return fmin(1 / sqrt(fmax(curvature, 1e-300)), extent / 6);
}

void nl_amplitude_from_config(const nl_config *config, nl_amplitude *out)
{
    nl_amplitude p = {.sites = config->model_sites, .laser = nl_laser_from_config(config)};
    if (p.sites == 1)
        p.laser.t_c = 0;
    for (int j = 0; j < p.sites; j++)
        p.f[j] = (nl_complex){p.laser.epsilon * sin(p.laser.phi[j]), -p.laser.epsilon * cos(p.laser.phi[j])};
    const ray coupled = ray_of(&p, p.laser.t_c), alone = ray_of(&p, 0);
    const double tail = crossing(above_tail, &coupled, most_likely(&coupled));
    const double likely = most_likely(&alone);
    p.extent = isnan(config->grid_extent) ? tail : config->grid_extent;
    p.width = fmin(width_of(&coupled, tail), width_of(&alone, tail));
    p.n_initial = isnan(config->run_n_initial) ? likely * likely : config->run_n_initial;
    *out = p;
}

int nl_amplitude_resolution(const nl_amplitude *p, int order)
{
    static const double spacing[] = {0, 0.3, 0.45, 0.5, 0.55}; /* over the width: photon numbers to about 1e-4 */
    const double n = 2 * p->extent / (spacing[order / 2] * p->width);
    const int even = n < 1e6 ? 2 * (int)ceil(n / 2) : 1000000;
    return even < 8 ? 8 : even;
}

double nl_amplitude_spacing(const nl_amplitude *p, int n)
{
    return 2 * p->extent / n;
}

/* ---- operator ---- */

void nl_amplitude_fill_table(const nl_amplitude *p, int n, int order, double *table)
{
    const nl_stencil s = nl_stencil_of_order(n, order);
    const double h = nl_amplitude_spacing(p, n), ratio = 2 * PI / n / h; /* that stencil's spacing over ours */
    memset(table, 0, NL_AMPLITUDE_HEADER * sizeof *table);
    table[NL_AMPLITUDE_GAIN] = p->laser.A - p->laser.C;
    table[NL_AMPLITUDE_B] = p->laser.B_r;
    table[NL_AMPLITUDE_R2] = p->extent * p->extent;
    table[NL_AMPLITUDE_TC] = p->laser.t_c;
    for (int j = 0; j < 2; j++) {
        const nl_complex f = p->f[p->sites == 2 ? j : 0];
        table[NL_AMPLITUDE_FX + j] = f.re;
        table[NL_AMPLITUDE_FY + j] = f.im;
    }
    for (int k = 0; k <= s.w; k++) {
        table[NL_AMPLITUDE_A + k] = s.a[k] * ratio;
        table[NL_AMPLITUDE_DB + k] = p->laser.A / 2 * s.b[k] * ratio * ratio;
    }
    for (int i = 0; i < n; i++)
        table[NL_AMPLITUDE_HEADER + i] = (i + 0.5) * h - p->extent;
}

/* Largest |v_x| + |v_y| of one site on the grid, which is in a corner. */
static double fastest(const nl_amplitude *p, int site)
{
    const double L = p->extent, gain = p->laser.A - p->laser.C;
    const double edge = fabs(gain - p->laser.B_r * L * L), middle = gain > 0 ? gain : 0;
    return 2 * L * (fmax(edge, middle) + fabs(p->laser.t_c)) + fabs(p->f[site].re) + fabs(p->f[site].im);
}

int nl_amplitude_spectrum(const nl_amplitude *p, int n, int order, nl_complex *list)
{
    const nl_stencil s = nl_stencil_of_order(n, order);
    const double ratio = 2 * PI / n / nl_amplitude_spacing(p, n), D = p->laser.A / 2;
    double re[NL_AMPLITUDE_SAMPLES], im[NL_AMPLITUDE_SAMPLES]; /* of one axis, at unit drift */
    int count = 0;
    for (int k = 0; k < NL_AMPLITUDE_SAMPLES; k++) {
        double first, second;
        nl_stencil_symbol(&s, 0.5 * n * k / (NL_AMPLITUDE_SAMPLES - 1), &first, &second);
        re[k] = 2 * D * ratio * ratio * second; /* both axes of a site */
        im[k] = ratio * first;
    }
    for (int a = 0; a < NL_AMPLITUDE_SAMPLES; a++) {
        const nl_complex one = {re[a], im[a] * fastest(p, 0)};
        if (p->sites == 1)
            list[count++] = one;
        for (int b = 0; b < NL_AMPLITUDE_SAMPLES && p->sites == 2; b++)
            for (int sign = -1; sign <= 1; sign += 2)
                list[count++] = (nl_complex){one.re + re[b], one.im + sign * im[b] * fastest(p, 1)};
    }
    return count;
}

/* ---- states ---- */

/* Scales to mean 1; returns the mean amplitude. */
static nl_complex normalise(const nl_amplitude *p, int n, double *P)
{
    const double h = nl_amplitude_spacing(p, n), cells = (double)n * n;
    nl_complex mean = {0, 0};
    double sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double value = P[(size_t)i * n + j];
            sum += value;
            mean.re += value * ((i + 0.5) * h - p->extent);
            mean.im += value * ((j + 0.5) * h - p->extent);
        }
    for (size_t c = 0; c < (size_t)n * n; c++)
        P[c] *= cells / sum;
    return (nl_complex){mean.re / sum, mean.im / sum};
}

/* A gradient flow: P ~ exp((2/A) [ (A - C) r^2/2 - B_r r^4/4 + Re(f^* a) ]). Returns <a>. */
static nl_complex single_steady(const nl_amplitude *p, nl_complex f, int n, double *P)
{
    const ray u = {.A = p->laser.A, .gain = p->laser.A - p->laser.C, .B = p->laser.B_r};
    const double h = nl_amplitude_spacing(p, n);
    double highest = -INFINITY;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double x = (i + 0.5) * h - p->extent, y = (j + 0.5) * h - p->extent;
            P[(size_t)i * n + j] = exponent(&u, hypot(x, y)) + 2 / u.A * (f.re * x + f.im * y);
            highest = fmax(highest, P[(size_t)i * n + j]);
        }
    for (size_t c = 0; c < (size_t)n * n; c++)
        P[c] = exp(P[c] - highest);
    return normalise(p, n, P);
}

/* Each laser driven by its own field and by i t_c times the other's mean amplitude; a fixed point is approached. */
static void locked_pair(const nl_amplitude *p, int n, double *P1, double *P2)
{
    const double t_c = p->laser.t_c;
    const int rounds = t_c == 0 ? 1 : 30;
    nl_complex a[2] = {{0, 0}, {0, 0}};
    for (int k = 0; k < rounds; k++) {
        const nl_complex f1 = {p->f[0].re - t_c * a[1].im, p->f[0].im + t_c * a[1].re};
        const nl_complex f2 = {p->f[1].re - t_c * a[0].im, p->f[1].im + t_c * a[0].re};
        const nl_complex b1 = single_steady(p, f1, n, P1);
        const nl_complex b2 = p->sites == 2 ? single_steady(p, f2, n, P2) : b1;
        a[0] = (nl_complex){(a[0].re + b1.re) / 2, (a[0].im + b1.im) / 2};
        a[1] = (nl_complex){(a[1].re + b2.re) / 2, (a[1].im + b2.im) / 2};
    }
}

static void gaussian(const nl_amplitude *p, nl_complex centre, double width, int n, double *P)
{
    const double h = nl_amplitude_spacing(p, n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double x = (i + 0.5) * h - p->extent - centre.re, y = (j + 0.5) * h - p->extent - centre.im;
            P[(size_t)i * n + j] = exp(-(x * x + y * y) / (2 * width * width));
        }
    normalise(p, n, P);
}

static void fill_site(const nl_amplitude *p, nl_initial initial, int site, int n, double *P)
{
    const double h = nl_amplitude_spacing(p, n), r = sqrt(p->n_initial), phi = p->laser.phi[site];
    const nl_complex origin = {0, 0}, amplitude = {r * sin(phi), -r * cos(phi)};
    if (initial == NL_INITIAL_COHERENT)
        gaussian(p, amplitude, h, n, P);
    else
        gaussian(p, origin, initial == NL_INITIAL_THERMAL ? fmax(h, r / sqrt(2)) : h, n, P);
}

nl_status nl_amplitude_initial(const nl_amplitude *p, nl_initial initial, int n, double *state)
{
    const size_t cells = (size_t)n * n;
    double *P1 = malloc(2 * cells * sizeof *P1);
    if (!P1)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the initial distribution");
    double *P2 = P1 + cells;
    if (initial == NL_INITIAL_AUTO || initial == NL_INITIAL_LOCKED)
        locked_pair(p, n, P1, P2);
    else
        for (int j = 0; j < p->sites; j++)
            fill_site(p, initial, j, n, j == 0 ? P1 : P2);
    if (p->sites == 1)
        memcpy(state, P1, cells * sizeof *state);
    for (size_t a = 0; a < cells && p->sites == 2; a++)
        for (size_t b = 0; b < cells; b++)
            state[a * cells + b] = P1[a] * P2[b];
    free(P1);
    return NL_OK;
}
