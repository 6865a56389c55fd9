/* The full-amplitude operator written independently of the code under test: fluxes through the faces of the cells. */
#ifndef NL_TEST_AMPLITUDE_REFERENCE_H
#define NL_TEST_AMPLITUDE_REFERENCE_H

#include "nanolase/amplitude.h"
#include "phase_reference.h"
#include "support.h"

enum { REFERENCE_MARGIN = 8 };

UNUSED static size_t reference_cells(int sites, int n)
{
    size_t cells = 1;
    for (int d = 0; d < 2 * sites; d++)
        cells *= (size_t)n;
    return cells;
}

/* Parameters without symmetry. */
UNUSED static nl_amplitude random_amplitude(rng *r, int sites)
{
    nl_amplitude p = {.sites = sites, .extent = uniform(r, 2, 4), .width = 1};
    p.laser = (nl_laser){.A = uniform(r, 0.5, 1.5), .C = uniform(r, 0.5, 1.5), .B_r = uniform(r, 0.05, 0.2),
                         .t_c = sites == 2 ? uniform(r, -1, 1) : 0};
    for (int j = 0; j < sites; j++)
        p.f[j] = (nl_complex){uniform(r, -1, 1), uniform(r, -1, 1)};
    return p;
}

/* The drift along one axis (x_1, y_1, x_2, y_2) at a point. */
UNUSED static double reference_velocity(const nl_amplitude *p, int axis, const double *x)
{
    const int site = axis / 2;
    const double own2 = x[2 * site] * x[2 * site] + x[2 * site + 1] * x[2 * site + 1];
    const double r2 = own2 < p->extent * p->extent ? own2 : p->extent * p->extent;
    double v = (p->laser.A - p->laser.C - p->laser.B_r * r2) * x[axis];
    v += axis % 2 ? p->f[site].im : p->f[site].re;
    if (p->sites == 2) /* i t_c (x + i y) = -t_c y + i t_c x */
        v += axis % 2 ? p->laser.t_c * x[2 * (1 - site)] : -p->laser.t_c * x[2 * (1 - site) + 1];
    return v;
}

/* Adds to out what one line of cells (of `stride` from `start`) changes by flux along its axis. */
static void reference_line(const nl_amplitude *p, int axis, double *x, const double *P, int n, int order, size_t start,
                           size_t stride, double *out)
{
    const int w = order / 2, M = REFERENCE_MARGIN;
    const double h = 2 * p->extent / n;
    double *q = new_array((size_t)n + 2 * M), *f = new_array((size_t)n + 2 * M), *flux = new_array((size_t)n + 1);
    for (int i = 0; i < n; i++) {
        x[axis] = (i + 0.5) * h - p->extent;
        q[M + i] = P[start + i * stride];
        f[M + i] = reference_velocity(p, axis, x) * q[M + i];
    }
    for (int g = 0; g < w; g++) {
        q[M - 1 - g] = q[M + g];
        f[M - 1 - g] = -f[M + g];
        q[M + n + g] = q[M + n - 1 - g];
        f[M + n + g] = -f[M + n - 1 - g];
    }
    for (int face = 1; face < n; face++) /* no flux through faces 0 and n */
        for (int k = 1; k <= w; k++) {
            for (int m = face - k; m < face + k; m++)
                flux[face] += reference_a(w, k) * f[M + m];
            for (int m = face - k; m < face; m++)
                flux[face] -= p->laser.A / 2 / h * reference_b(w, k) * (q[M + m + k] - q[M + m]);
        }
    for (int i = 0; i < n; i++)
        out[start + i * stride] -= (flux[i + 1] - flux[i]) / h;
    free(q);
    free(f);
    free(flux);
}

UNUSED static void reference_amplitude(const nl_amplitude *p, int n, int order, const double *P, double *out)
{
    const size_t cells = reference_cells(p->sites, n);
    size_t stride = cells;
    memset(out, 0, cells * sizeof *out);
    for (int axis = 0; axis < 2 * p->sites; axis++) {
        stride /= n;
        for (size_t c = 0; c < cells; c++) {
            double x[4];
            size_t rest = c;
            if (c / stride % n != 0)
                continue; /* no start of a line */
            for (int d = 2 * p->sites - 1; d >= 0; d--, rest /= n)
                x[d] = ((double)(rest % n) + 0.5) * 2 * p->extent / n - p->extent;
            reference_line(p, axis, x, P, n, order, c, stride, out);
        }
    }
}

/* The assembled matrix, row by row. The caller frees. */
UNUSED static double *reference_amplitude_matrix(const nl_amplitude *p, int n, int order)
{
    const size_t size = reference_cells(p->sites, n);
    double *matrix = new_array(size * size), *unit = new_array(size), *column = new_array(size);
    for (size_t c = 0; c < size; c++) {
        unit[c] = 1;
        reference_amplitude(p, n, order, unit, column);
        unit[c] = 0;
        for (size_t r = 0; r < size; r++)
            matrix[r * size + c] = column[r];
    }
    free(unit);
    free(column);
    return matrix;
}

#endif
