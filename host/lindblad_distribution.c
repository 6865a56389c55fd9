#include "lindblad_distribution.h"

#include <math.h>
#include <stdlib.h>

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

static int whole(double x)
{
    const double most = NL_LINDBLAD_MOST_LEVELS + 1;
    return (int)fmin(x, most);
}

nl_window nl_lindblad_window(const nl_lindblad *l, double field, double depth)
{
    const double widths = 4.5;
    const nl_laser *laser = &l->laser;
    const double least = laser->n0 > 0 ? laser->n0 + widths * nl_lindblad_width(l, laser->n0)
                                       : reach(l, 0, widths * widths / 2);
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

/* Miller's downward recurrence, normalised by I_0 + 2 sum I_k = exp(x). */
double nl_bessel_ratios(double x, double *ratio, int count)
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

int nl_lindblad_orders(const nl_lindblad *l, double field, int levels)
{
    const double r = nl_lindblad_radius(l, field);
    const double x = nl_lindblad_locking(l, field, r * r + 3 * nl_lindblad_width(l, r * r));
    const double smallest = 1e-17;
    double product = 1;
    int orders = 1;
    if (!(x < 1e4))
        return levels;
    double *ratio = malloc((size_t)levels * sizeof *ratio);
    if (!ratio)
        return levels;
    nl_bessel_ratios(x, ratio, levels);
    for (; orders < levels && product > smallest && field > 0; orders++)
        product = ratio[orders];
    free(ratio);
    if (field > 0)
        orders = (orders + 4 + 3) / 4 * 4; /* like cutoffs batch together */
    return orders < levels ? orders : levels;
}
