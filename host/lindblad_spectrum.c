/* The spectrum of the master equation of one laser or two (Eqs. 1, 6, 35), as far as step sizes depend on it. */
#include <lapacke.h>
#include <math.h>

#include "lindblad_distribution.h"

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
    double most = drift_extent_at(l, f, fmin(n + widths * nl_lindblad_width(l, n), top), a);
    if (n > widths * nl_lindblad_width(l, n))
        most = fmax(most, drift_extent_at(l, f, n - widths * nl_lindblad_width(l, n), a));
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
