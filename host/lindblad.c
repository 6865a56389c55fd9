#include "nanolase/lindblad.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lindblad_point.h"

nl_lindblad nl_lindblad_from_config(const nl_config *config)
{
    const nl_laser laser = nl_laser_from_config(config);
    return (nl_lindblad){.laser = laser,
                         .sites = 1,
                         .components = config->model_local == NL_LOCAL_QUBIT ? 4 : 1,
                         .planes = 1,
                         .g = sqrt(laser.A * config->laser_gamma), /* g^2 = C_p kappa gamma = A gamma */
                         .gamma = config->laser_gamma};
}

/* ---- the distribution, roughly ---- */

double nl_lindblad_radius(const nl_lindblad *l, double f)
{
    const double a = l->laser.A - l->laser.C, B = l->laser.B_r;
    /* B r^3 - a r - f has one root above sqrt(max(a, 0)/B), which the bracket holds. */
    double low = a > 0 ? sqrt(a / B) : 0, high = low + cbrt(f / B) + 1e-300;
    for (int i = 0; i < 80; i++) {
        const double r = (low + high) / 2;
        if ((B * r * r - a) * r > f)
            high = r;
        else
            low = r;
    }
    return (low + high) / 2;
}

/* Logarithm of the classical distribution of x = |alpha|^2 (Eq. C.7, with drive), at its best phase. */
static double log_density(const nl_lindblad *l, double f, double x)
{
    const double A = l->laser.A;
    return ((A - l->laser.C) * x - l->laser.B_r * x * x / 2 + 2 * f * sqrt(x)) / A;
}

/* Photon number above which less than about e^-depth of the maximum is left, shot noise included. */
static double reach(const nl_lindblad *l, double f, double depth)
{
    const double r = nl_lindblad_radius(l, f), top = r * r, least = log_density(l, f, top) - depth;
    double low = top, step = fmax(1, 1e-10 * top), high = top + step; /* a step that rounding cannot swallow */
    while (log_density(l, f, high) > least)
        high = top + (step *= 2);
    for (int i = 0; i < 60; i++) {
        const double x = (low + high) / 2;
        if (log_density(l, f, x) > least)
            low = x;
        else
            high = x;
    }
    return top + sqrt((high - top) * (high - top) + 2 * depth * high);
}

/* Standard deviation of the photon number in the lasing state at mean n. */
static double width(const nl_lindblad *l, double n)
{
    return sqrt(l->laser.A / l->laser.B_r + n);
}

static int whole(double x)
{
    const double most = NL_LINDBLAD_MOST_LEVELS + 1;
    return (int)fmin(x, most);
}

nl_window nl_lindblad_window(const nl_lindblad *l, double field, double depth)
{
    const double widths = 4.5;
    const nl_laser *laser = &l->laser;
    const double least = laser->n0 > 0 ? laser->n0 + widths * width(l, laser->n0) : reach(l, 0, widths * widths / 2);
    nl_window window = {.least = whole(ceil(fmax(least, 2))),
                        .most = NL_LINDBLAD_MOST_LEVELS};
    if (l->components == 1)
        window.most = whole(fmin(window.most, floor((laser->A + laser->C) / (2 * laser->B_r))));
    /* Near the bound the operator is far from normal, and steps short: there fewer widths must do. */
    const double comfortable = fmax(0.7 * window.most, reach(l, field, fmin(depth, 14)));
    const int wanted = whole(ceil(fmin(reach(l, field, depth), comfortable))) + 2;
    if (window.least <= window.most)
        window.wanted = wanted < window.least ? window.least : wanted > window.most ? window.most : wanted;
    return window;
}

/* ratio[k] = I_k(x)/I_0(x), k < count; returns exp(-x) I_0(x). Miller's downward recurrence, normalised by
 * I_0 + 2 sum I_k = exp(x). */
static double bessel_ratios(double x, double *ratio, int count)
{
    const int start = (int)(x + 12 * sqrt(x)) + 40;
    double next = 0, sum = 0;
    /* First the ratios of neighbours q_k = I_k/I_(k-1), kept where wanted; then their products. */
    for (int k = start; k >= 1; k--) {
        next = x / (2 * k + x * next);
        sum = next * (1 + sum); /* sum over j >= k of I_j/I_(k-1) */
        if (k < count)
            ratio[k] = next;
    }
    if (count > 0)
        ratio[0] = 1;
    for (int k = 1; k < count; k++)
        ratio[k] = k <= start ? ratio[k] * ratio[k - 1] : 0;
    return 1 / (1 + 2 * sum);
}

/* Locking parameter of the phase at n photons: its distribution is exp(x cos). */
static double locking(const nl_lindblad *l, double f, double n)
{
    return 2 * f * sqrt(n) / l->laser.A;
}

int nl_lindblad_orders(const nl_lindblad *l, double field, int levels)
{
    const double r = nl_lindblad_radius(l, field), x = locking(l, field, r * r + 3 * width(l, r * r));
    const double smallest = 1e-17;
    double product = 1;
    int orders = 1;
    if (!(x < 1e4))
        return levels;
    double *ratio = malloc((size_t)levels * sizeof *ratio);
    if (!ratio)
        return levels;
    bessel_ratios(x, ratio, levels);
    for (; orders < levels && product > smallest && field > 0; orders++)
        product = ratio[orders];
    free(ratio);
    if (field > 0)
        orders = (orders + 4 + 3) / 4 * 4; /* like cutoffs batch together */
    return orders < levels ? orders : levels;
}

/* ---- operator ---- */

nl_operator nl_lindblad_shape(const nl_lindblad *l, int levels)
{
    return (nl_operator){.kind = NL_OPERATOR_LINDBLAD,
                         .sites = l->sites,
                         .n = levels,
                         .orders = l->orders,
                         .components = l->components,
                         .planes = l->planes,
                         .table_len = nl_lindblad_table_len(levels)};
}

void nl_lindblad_fill_table(const nl_lindblad *l, int levels, double *table)
{
    double *root = table + NL_LINDBLAD_HEADER + 1;
    memset(table, 0, nl_lindblad_table_len(levels) * sizeof *table);
    table[NL_LINDBLAD_A] = l->laser.A;
    table[NL_LINDBLAD_B] = l->laser.B_r;
    table[NL_LINDBLAD_C] = l->laser.C;
    table[NL_LINDBLAD_G] = l->g;
    table[NL_LINDBLAD_GAMMA] = l->gamma;
    table[NL_LINDBLAD_TUNNEL] = l->t_c;
    table[NL_LINDBLAD_CLOSED] = l->closed;
    for (int j = 0; j < l->sites; j++) {
        table[NL_LINDBLAD_DRIVE + 2 * j] = l->drive[j].re;
        table[NL_LINDBLAD_DRIVE + 2 * j + 1] = l->drive[j].im;
    }
    for (int n = 0; n <= levels + 1; n++)
        root[n] = sqrt(n);
}

/* ---- spectrum ---- */

/* The largest |f_j| that the other site's amplitude can make; |<a>|^2 <= <n> is below the number of levels. */
static double largest_field(const nl_lindblad *l, int levels)
{
    double f = 0;
    for (int j = 0; j < l->sites; j++)
        f = fmax(f, hypot(l->drive[j].re, l->drive[j].im));
    nl_lindblad coupled = *l;
    coupled.laser.A += fabs(l->t_c);
    return f + fabs(l->t_c) * fmin(nl_lindblad_radius(&coupled, f), sqrt(levels));
}

/* Extent of the photon operator along the real axis: the mode that changes sign from n to n+1, at the cutoff. */
static double photon_extent(const nl_lindblad *l, double n)
{
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C;
    return 4 * (A + C) * n + 2 * A + 2 * C - B * (2 * n + 1);
}

/*
 * Photon number drifts with v and diffuses with D: a wave of number q, exp(i q n), has -D q^2 + i v q, and an ellipse
 * of real semi-axis a holds it where its other semi-axis is |v| sqrt(a/(2 D)).
 */
static double drift_extent_at(const nl_lindblad *l, double f, double n, double a)
{
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C;
    const double v = 2 * n * (A - C - B * n) + 2 * f * sqrt(n), D = n * fmax(A + C - 2 * B * n, 0.03 * (A + C));
    return fabs(v) * sqrt(a / (2 * D));
}

/* Where the distribution lives; waves beyond are carried back there before they have grown much, but at the cutoff they
 * are modes of their own (the share found by diagonalising the populations' equation, and by trial). */
static double drift_extent(const nl_lindblad *l, double f, int levels, double a)
{
    const double r = nl_lindblad_radius(l, f), n = r * r, widths = 2.5, share = 0.4, top = levels - 1;
    double most = drift_extent_at(l, f, fmin(n + widths * width(l, n), top), a);
    if (n > widths * width(l, n))
        most = fmax(most, drift_extent_at(l, f, n - widths * width(l, n), a));
    return l->components == 1 ? fmax(most, share * drift_extent_at(l, f, top, a)) : most;
}

/* Widens the ellipse's semi-axes for the fast modes of qubit and photons at n photons and phase theta from n to n+1. */
static void add_qubit_modes(const nl_lindblad *l, double n, double theta, double *real, double *imaginary)
{
    const double g = l->g * sqrt(n), gamma = l->gamma, C = l->laser.C;
    const lapack_complex_double loss = 2 * C * n * (lapack_make_complex_double(cos(theta), sin(theta)) - 1);
    const lapack_complex_double pump = 2 * gamma * lapack_make_complex_double(cos(theta), -sin(theta));
    lapack_complex_double m[16] = {loss, pump, g, g, 0, loss - 2 * gamma, -g, -g, -g, g, loss - gamma, 0,
                                   -g, g, 0, loss - gamma},
                          w[4];
    if (LAPACKE_zgeev(LAPACK_ROW_MAJOR, 'N', 'N', 4, m, 4, w, NULL, 1, NULL, 1) != 0)
        return;
    for (int i = 0; i < 4; i++) {
        *real = fmax(*real, -lapack_complex_double_real(w[i]));
        if (-lapack_complex_double_real(w[i]) > 0.2 * gamma) /* the slow mode is the drift's */
            *imaginary = fmax(*imaginary, fabs(lapack_complex_double_imag(w[i])));
    }
}

/* The spectrum's outline: near 0 the ellipse that drift and fast qubit modes ask for, and the drive's share, which
 * grows to the far end: a wave that turns by theta from n to n+1 has 4 |f| sqrt(n) sin(theta/2). */
int nl_lindblad_spectrum(const nl_lindblad *l, int levels, nl_complex *list)
{
    const double f = largest_field(l, levels), pi = acos(-1), driven = 4 * f * sqrt(levels);
    double real = photon_extent(l, levels - 1), imaginary = 0;
    if (l->components > 1) {
        real = 0;
        for (int i = 1; i <= 8; i++)
            for (int t = 0; t <= 8; t++)
                add_qubit_modes(l, levels * i / 8.0, pi * t / 8, &real, &imaginary);
    }
    imaginary = fmax(imaginary, drift_extent(l, f, levels, real / 2));
    for (int i = 0; i < NL_LINDBLAD_SPECTRUM; i++) {
        const double theta = pi * (i + 1) / NL_LINDBLAD_SPECTRUM, share = theta < pi / 2 ? sin(theta) : 1;
        const double far = l->components > 1 && theta < 0.8 * pi ? imaginary : 0;
        list[i].re = -real / 2 * (1 - cos(theta));
        list[i].im = fmax(fmax(theta < pi / 2 ? imaginary * share : 0, far * share), driven * sin(theta / 2));
    }
    return NL_LINDBLAD_SPECTRUM;
}

/* ---- states ---- */

/* What a site starts from: populations p_n of photons, and the coherences relative to sqrt(p_n p_(n+k)). */
typedef struct profile {
    double *p;     /* [levels] */
    double *ratio; /* [levels][orders]: factor of order k around n; NULL: 1 */
} profile;

/* Populations without drive: no probability flows between n and n+1 (Eq. 6 on the diagonal). */
static void undriven_populations(const nl_lindblad *l, int levels, double *p)
{
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C;
    p[0] = 1;
    for (int n = 0; n + 1 < levels; n++) {
        const double flow = (2 * A - B * (n + 1)) * p[n] - (n > 0 ? B * n * p[n - 1] : 0);
        p[n + 1] = fmax(flow / (2 * C), 0);
        if (p[n + 1] > 1e200)
            for (int m = 0; m <= n + 1; m++)
                p[m] *= 1e-200;
    }
}

/* Near the steady state: the undriven populations times the weight of the drive, phases locked (Eq. 18) at each n. */
static void steady_profile(const nl_lindblad *l, double f, int levels, profile *out)
{
    undriven_populations(l, levels, out->p);
    const double x_top = locking(l, f, levels);
    for (int n = 0; n < levels; n++) {
        const double x = locking(l, f, n);
        out->p[n] *= bessel_ratios(x, out->ratio + (size_t)n * l->orders, l->orders) * exp(x - x_top);
    }
}

static void coherent_profile(double mean, int levels, profile *out)
{
    for (int n = 0; n < levels; n++)
        out->p[n] = mean > 0 ? exp(n * log(mean) - mean - lgamma(n + 1)) : n == 0;
}

static void thermal_profile(double mean, int levels, profile *out)
{
    for (int n = 0; n < levels; n++)
        out->p[n] = pow(mean / (1 + mean), n) / (1 + mean);
}

static void normalise(double *p, int levels)
{
    double sum = 0;
    for (int n = 0; n < levels; n++)
        sum += p[n];
    for (int n = 0; n < levels; n++)
        p[n] /= sum;
}

/* Writes a profile into component c of a site, phases turned by k phi. Photon n stands at E = n + shift. */
static void put_profile(const nl_lindblad *l, const profile *from, int levels, int c, int shift, double phi, int orders,
                        double *site)
{
    const nl_operator op = nl_lindblad_shape(l, levels);
    const size_t plane = nl_lindblad_plane(&op);
    for (int k = 0; k < orders; k++) {
        double *row = site + c * op.planes * plane + nl_lindblad_row(levels, k);
        for (int n = 0; n + k + shift < levels; n++) {
            const double factor = from->ratio ? from->ratio[(size_t)(n + k / 2) * l->orders + k] : 1;
            const double x = sqrt(from->p[n] * from->p[n + k]) * factor;
            row[n + shift] = l->planes > 1 ? x * cos(k * phi) : x;
            if (l->planes > 1)
                row[plane + n + shift] = x * sin(k * phi);
        }
    }
}

nl_status nl_lindblad_kick(const nl_lindblad *l, int levels, const double *steady, double *out)
{
    nl_lindblad real = *l, both = *l;
    real.planes = 1;
    both.planes = 2;
    const nl_operator from = nl_lindblad_shape(&real, levels), to = nl_lindblad_shape(&both, levels);
    const size_t plane = nl_lindblad_plane(&to);
    double *table = malloc(from.table_len * sizeof *table);
    memset(out, 0, nl_operator_size(&to) * sizeof *out);
    if (!table)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the table of a kick");
    nl_lindblad_fill_table(&real, levels, table);
    for (int c = 0; c < from.components; c++)
        for (int k = 0; k < from.orders; k++) {
            const nl_component component = nl_lindblad_component(from.components, c);
            const nl_lindblad_rows rows = nl_lindblad_rows_of(&from, table, steady, c, k);
            double *row = out + 2 * c * plane + nl_lindblad_row(levels, k);
            for (int E = nl_lindblad_first(component, k); E < levels - k; E++) {
                const double U = nl_lindblad_below(&rows, component, E, 0),
                             V = nl_lindblad_above(&rows, component, E, 0);
                row[E] = U - V; /* f U - f^* V at f = 1 and at f = i */
                row[plane + E] = U + V;
            }
        }
    free(table);
    return NL_OK;
}

nl_status nl_lindblad_initial(const nl_lindblad *l, nl_initial initial, int levels, double *state)
{
    if (l->kicked)
        return nl_lindblad_kick(l, levels, l->kicked, state);
    const nl_operator op = nl_lindblad_shape(l, levels);
    const bool steady = initial == NL_INITIAL_AUTO && l->closed;
    profile from = {.p = malloc((size_t)levels * sizeof *from.p)};
    if (steady)
        from.ratio = malloc((size_t)levels * l->orders * sizeof *from.ratio);
    const bool ok = from.p && (from.ratio || !steady);
    memset(state, 0, nl_operator_size(&op) * sizeof *state);
    for (int j = 0; j < l->sites && ok; j++) {
        const double f = hypot(l->drive[j].re, l->drive[j].im);
        const double phi = f > 0 || l->planes == 1 ? atan2(l->drive[j].im, l->drive[j].re) : l->laser.phi[j];
        if (steady)
            steady_profile(l, f, levels, &from);
        else if (initial == NL_INITIAL_THERMAL)
            thermal_profile(l->n_initial, levels, &from);
        else
            coherent_profile(initial == NL_INITIAL_COHERENT ? l->n_initial : 0, levels, &from);
        if (steady)
            normalise(from.p, levels);
        /* A laser's qubit is inverted, ee; other states start with the qubit in its ground state, gg. */
        const int c = l->components > 1 && !steady;
        put_profile(l, &from, levels, c, l->components > 1 && steady, phi,
                    initial == NL_INITIAL_THERMAL ? 1 : l->orders, state + j * (nl_operator_size(&op) / l->sites));
    }
    free(from.p);
    free(from.ratio);
    return ok ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the initial state of %d levels", levels);
}

/* Of order 0 the diagonal blocks are real, and ge is the adjoint of eg. */
static void make_hermitian(const nl_operator *op, double *site)
{
    const size_t plane = nl_lindblad_plane(op), component = op->planes * plane;
    for (int E = 0; E < op->n; E++) {
        double *x = site + NL_LINDBLAD_PAD + E;
        if (op->planes > 1)
            x[plane] = 0;
        if (op->components == 1)
            continue;
        if (op->planes > 1)
            x[component + plane] = 0;
        double *eg = x + 2 * component, *ge = x + 3 * component;
        eg[0] = ge[0] = (eg[0] + ge[0]) / 2;
        if (op->planes > 1) {
            eg[plane] = (eg[plane] - ge[plane]) / 2;
            ge[plane] = -eg[plane];
        }
    }
}

void nl_lindblad_constrain(const nl_lindblad *l, int levels, double *state)
{
    const nl_operator op = nl_lindblad_shape(l, levels);
    const size_t plane = nl_lindblad_plane(&op);
    for (int s = 0; s < op.sites * op.components; s++)
        for (int p = 0; p < op.planes; p++) {
            const nl_component c = nl_lindblad_component(op.components, s % op.components);
            double *v = state + (s * op.planes + p) * plane;
            memset(v, 0, NL_LINDBLAD_PAD * sizeof *v);
            for (int k = 0; k < op.orders; k++) {
                double *row = v + nl_lindblad_row(levels, k);
                memset(row, 0, nl_lindblad_first(c, k) * sizeof *row);
                memset(row + (levels - k), 0, NL_LINDBLAD_PAD * sizeof *row);
            }
        }
    for (int j = 0; j < op.sites; j++)
        make_hermitian(&op, state + j * (nl_operator_size(&op) / op.sites));
}

/* (-i)^k e^(i k chi) z */
static nl_complex turned(const nl_lindblad *l, int k, nl_complex z)
{
    const double angle = l->planes == 1 ? k * l->chi : 0;
    const nl_complex u = {z.re * cos(angle) - z.im * sin(angle), z.re * sin(angle) + z.im * cos(angle)};
    switch (k % 4) {
    case 0: return u;
    case 1: return (nl_complex){u.im, -u.re};
    case 2: return (nl_complex){-u.re, -u.im};
    default: return (nl_complex){-u.im, u.re};
    }
}

nl_complex nl_lindblad_block(const nl_lindblad *l, int levels, const double *state, int site, bool excited, int E,
                             int F)
{
    const nl_operator op = nl_lindblad_shape(l, levels);
    const size_t plane = nl_lindblad_plane(&op);
    const int c = l->components > 1 && !excited, k = E > F ? E - F : F - E, low = E < F ? E : F;
    const double *row = state + site * (nl_operator_size(&op) / l->sites) + c * op.planes * plane +
                        nl_lindblad_row(levels, k);
    if (k >= l->orders || low + k >= levels)
        return (nl_complex){0, 0};
    const nl_complex rho = turned(l, k, (nl_complex){row[low], l->planes > 1 ? row[plane + low] : 0});
    return E >= F ? rho : (nl_complex){rho.re, -rho.im};
}

nl_complex nl_lindblad_element(const nl_lindblad *l, int levels, const double *state, int site, int m, int n)
{
    nl_complex sum = nl_lindblad_block(l, levels, state, site, false, m, n);
    if (l->components > 1) { /* with the qubit excited there is one excitation more */
        const nl_complex more = nl_lindblad_block(l, levels, state, site, true, m + 1, n + 1);
        sum.re += more.re;
        sum.im += more.im;
    }
    return sum;
}

nl_lindblad_values nl_lindblad_values_of(const nl_lindblad *l, const double *moments)
{
    const nl_complex sum = {moments[NL_LINDBLAD_SUM_RE], moments[NL_LINDBLAD_SUM_IM]};
    const double scale = l->closed ? 1 / moments[NL_LINDBLAD_TRACE] : 1, n = scale * moments[NL_LINDBLAD_N];
    const nl_complex a = turned(l, 1, sum);
    return (nl_lindblad_values){.trace = moments[NL_LINDBLAD_TRACE],
                                .n = n,
                                .var_n = scale * moments[NL_LINDBLAD_N2] - n * n,
                                .purity = scale * scale * moments[NL_LINDBLAD_PURITY],
                                .top = scale * moments[NL_LINDBLAD_TOP],
                                .ground = scale * moments[NL_LINDBLAD_GROUND],
                                .a = {scale * a.re, scale * a.im}};
}
