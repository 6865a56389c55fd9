/*
 * Eq. 14 on a periodic grid, written once more and as in a textbook: stencil coefficients from their closed form,
 * drifts from their cosines, indices modulo n, nothing shared with the code under test.
 */
#ifndef NL_TEST_PHASE_REFERENCE_H
#define NL_TEST_PHASE_REFERENCE_H

#include "nanolase/phase.h"
#include "support.h"

static double factorial(int k)
{
    return k < 2 ? 1 : k * factorial(k - 1);
}

/* First and second derivative of order 2w: sum over k = 1 ... w of a_k (f_k - f_-k), b_0 f_0 + sum b_k (f_k + f_-k). */
UNUSED static double reference_a(int w, int k)
{
    const double f = factorial(w);
    return (k % 2 ? 1 : -1) * f * f / (k * factorial(w - k) * factorial(w + k));
}

UNUSED static double reference_b(int w, int k)
{
    double b0 = 0;
    if (k > 0)
        return 2 * reference_a(w, k) / k;
    for (int m = 1; m <= w; m++)
        b0 -= 4 * reference_a(w, m) / m;
    return b0;
}

static int modulo(int i, int n)
{
    return (i % n + n) % n;
}

/* v_site at grid point (i, j); one site: at point j. */
static double reference_drift(const nl_phase *p, int site, int n, int i, int j)
{
    const double h = 2 * acos(-1.0) / n;
    const double mine = h * (p->sites == 2 && site == 0 ? i : j), other = h * (site == 0 ? j : i);
    const double drift = -p->drive[site] * cos(mine - p->phi[site]);
    return p->sites == 2 ? drift + p->tunnel[site] * cos(other - mine) : drift;
}

/* dP/dt at (i, j). */
UNUSED static double reference_point(const nl_phase *p, int n, int order, const double *P, int i, int j)
{
    const int w = order / 2;
    const double h = 2 * acos(-1.0) / n;
    double sum = 0;
    for (int site = 0; site < p->sites; site++) {
        const int di = p->sites == 2 && site == 0, dj = !di;
        for (int k = -w; k <= w; k++) {
            const int ik = p->sites == 2 ? modulo(i + k * di, n) : 0, jk = modulo(j + k * dj, n);
            const double value = P[ik * n + jk];
            const double a = k == 0 ? 0 : k > 0 ? reference_a(w, k) : -reference_a(w, -k);
            sum += p->D[site] * reference_b(w, abs(k)) / (h * h) * value;
            sum -= a / h * reference_drift(p, site, n, ik, jk) * value;
        }
    }
    return sum;
}

UNUSED static void reference_apply(const nl_phase *p, int n, int order, const double *P, double *out)
{
    for (int i = 0; i < (p->sites == 2 ? n : 1); i++)
        for (int j = 0; j < n; j++)
            out[i * n + j] = reference_point(p, n, order, P, i, j);
}

/* The assembled matrix, row by row: column c is the operator on the unit vector c. The caller frees. */
UNUSED static double *reference_matrix(const nl_phase *p, int n, int order)
{
    const int size = p->sites == 2 ? n * n : n;
    double *matrix = new_array((size_t)size * size), *unit = new_array(size), *column = new_array(size);
    for (int c = 0; c < size; c++) {
        unit[c] = 1;
        reference_apply(p, n, order, unit, column);
        unit[c] = 0;
        for (int r = 0; r < size; r++)
            matrix[(size_t)r * size + c] = column[r];
    }
    free(unit);
    free(column);
    return matrix;
}

UNUSED static void multiply(const double *matrix, const double *v, int size, double *out)
{
    for (int r = 0; r < size; r++) {
        out[r] = 0;
        for (int c = 0; c < size; c++)
            out[r] += matrix[(size_t)r * size + c] * v[c];
    }
}

/* Parameters without symmetry. */
UNUSED static nl_phase random_phase(rng *r, int sites)
{
    nl_phase p = {.sites = sites, .r0 = 1, .r = {1, 1}};
    for (int j = 0; j < 2; j++) {
        p.D[j] = uniform(r, 0.02, 0.3);
        p.drive[j] = uniform(r, 0.1, 2);
        p.tunnel[j] = sites == 2 ? uniform(r, -2, 2) : 0;
        p.phi[j] = uniform(r, -3, 3);
    }
    return p;
}

#endif
