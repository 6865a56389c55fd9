/* Distributions of one laser: over its plane, over its phase and over its radius. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nanolase/amplitude.h"

static const double TWO_PI = 6.283185307179586477;

void nl_amplitude_marginal(const nl_amplitude *p, int n, int site, const double *state, double *out)
{
    const size_t cells = (size_t)n * n;
    const double h = nl_amplitude_spacing(p, n), density = 1 / ((double)cells * h * h);
    if (p->sites == 1) {
        for (size_t a = 0; a < cells; a++)
            out[a] = state[a] * density;
        return;
    }
    memset(out, 0, cells * sizeof *out);
    for (size_t a = 0; a < cells; a++)
        for (size_t b = 0; b < cells; b++)
            out[site == 0 ? a : b] += state[a * cells + b] * density / (double)cells;
}

/* Lagrange weights of the four cells around coordinate u, in cells from the middle of the first; first: of the four. */
static int weights(double u, double w[4])
{
    const int first = (int)floor(u) - 1;
    const double t = u - first - 1;
    w[0] = -t * (t - 1) * (t - 2) / 6;
    w[1] = (t + 1) * (t - 1) * (t - 2) / 2;
    w[2] = -(t + 1) * t * (t - 2) / 2;
    w[3] = (t + 1) * t * (t - 1) / 6;
    return first;
}

/* The plane's density at x + i y; zero beyond the grid. */
static double interpolated(const nl_amplitude *p, int n, const double *plane, double x, double y)
{
    const double h = nl_amplitude_spacing(p, n);
    double wx[4], wy[4], sum = 0;
    const int i = weights((x + p->extent) / h - 0.5, wx), j = weights((y + p->extent) / h - 0.5, wy);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            if (i + a >= 0 && i + a < n && j + b >= 0 && j + b < n)
                sum += wx[a] * wy[b] * plane[(size_t)(i + a) * n + j + b];
    return sum;
}

nl_status nl_amplitude_polar(const nl_amplitude *p, int n, int site, const double *state, double *P_theta, double *P_r)
{
    const double dr = p->extent / n, dtheta = TWO_PI / n;
    double *plane = malloc((size_t)n * n * sizeof *plane);
    if (!plane)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the distribution of one laser");
    nl_amplitude_marginal(p, n, site, state, plane);
    memset(P_theta, 0, (size_t)n * sizeof *P_theta);
    memset(P_r, 0, (size_t)n * sizeof *P_r);
    for (int k = 0; k < n; k++)
        for (int m = 0; m < n; m++) {
            const double r = (k + 0.5) * dr, theta = m * dtheta;
            const double P = r * interpolated(p, n, plane, r * cos(theta), r * sin(theta));
            P_theta[m] += P * dr;
            P_r[k] += P * dtheta;
        }
    free(plane);
    return NL_OK;
}
