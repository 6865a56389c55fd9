/* Counting the growing modes of the phases and radii from the phases' response in time; see selfconsistent.h. */
#include <complex.h>
#include <math.h>

#include "nanolase/selfconsistent.h"

typedef struct curve {
    int sites;
    const double *J;
    const double (*K)[4];
    int samples;
    double spacing;
    const double *tail;
} curve;

/* int_0^inf K_jk exp(-i omega t) dt, K linear between its samples, and beyond them the tail. */
static void transform(const curve *c, double omega, double complex out[4])
{
    const double angle = omega * c->spacing;
    const bool slow = angle < 1e-3;
    /* Of a hat, and of the half one at the start; that at the end is its mirror image. */
    const double hat = slow ? c->spacing : c->spacing * 2 * (1 - cos(angle)) / (angle * angle);
    const double complex half = slow ? c->spacing / 2
                                     : c->spacing * ((1 - cos(angle)) + I * (sin(angle) - angle)) / (angle * angle);
    const double complex turn = cexp(-I * angle);
    double complex phase = 1;
    for (int e = 0; e < 4; e++)
        out[e] = half * c->K[0][e];
    for (int k = 1; k < c->samples; k++) {
        phase *= turn;
        const double complex weight = (k == c->samples - 1 ? conj(half) : hat) * phase;
        for (int e = 0; e < 4; e++)
            out[e] += weight * c->K[k][e];
    }
    for (int e = 0; e < 4; e++)
        if (c->tail[e] > 0)
            out[e] += phase * c->K[c->samples - 1][e] / (c->tail[e] + I * omega);
}

void nl_radii_static_response(const double J[4], const double (*K)[4], int samples, double spacing,
                              const double tail[4], double out[4])
{
    const curve c = {2, J, K, samples, spacing, tail};
    double complex integral[4];
    transform(&c, 0, integral);
    for (int e = 0; e < 4; e++)
        out[e] = J[e] + creal(integral[e]);
}

/* det(s - J - K(s)) at s = i omega, over (i omega + scale)^sites, so that it ends at 1. */
static double complex determinant(const curve *c, double omega, double scale)
{
    double complex K[4];
    transform(c, omega, K);
    const double complex s = I * omega, norm = s + scale;
    const double complex a = (s - c->J[0] - K[0]) / norm;
    if (c->sites == 1)
        return a;
    const double complex d = (s - c->J[3] - K[3]) / norm;
    return a * d - (c->J[1] + K[1]) * (c->J[2] + K[2]) / (norm * norm);
}

/* The poles of the norm are in the left half plane: along the axis the argument turns by -pi for each zero in the
 * right. */
int nl_radii_count_zeros(int sites, const double J[4], const double (*K)[4], int samples, double spacing,
                         const double tail[4])
{
    const curve c = {sites, J, K, samples, spacing, tail};
    const double first = 1e-3 / (spacing * samples), widest = 0.3; /* radians between two looks */
    double scale = 1 / spacing, omega = 0, step = first, turned = 0;
    for (int e = 0; e < 4; e++)
        scale = fmax(scale, fabs(J[e]) + sqrt(fabs(K[0][e])));
    double complex before = determinant(&c, 0, scale);
    while (omega < 100 * scale) {
        const double complex now = determinant(&c, omega + step, scale);
        const double angle = carg(now / before);
        if (!(fabs(angle) < widest)) { /* or NAN */
            if ((step /= 2) < 1e-6 * first)
                return -1; /* a mode on the axis itself */
            continue;
        }
        turned += angle;
        omega += step;
        step = fmin(1.5 * step, fmax(first, 0.2 * omega));
        before = now;
    }
    turned += carg(1 / before);
    const long zeros = lround(-turned / acos(-1));
    return zeros > 0 ? (int)zeros : 0;
}
