#include "nanolase/transfer.h"

#include <lapacke.h>
#include <math.h>

#include "transfer_point.h"

/* Lagrange weights of the points 0 ... NL_INTERPOLATION_POINTS - 1 at x. */
static void lagrange(double x, double *weight)
{
    for (int a = 0; a < NL_INTERPOLATION_POINTS; a++) {
        weight[a] = 1;
        for (int b = 0; b < NL_INTERPOLATION_POINTS; b++)
            if (b != a)
                weight[a] *= (x - b) / (a - b);
    }
}

static int wrapped(int i, int n)
{
    return (i % n + n) % n;
}

/* The coarse index, not wrapped, from which fine point i interpolates. */
static int first_point(int i, int n_coarse, int n_fine)
{
    const long long product = (long long)i * n_coarse, rest = ((product % n_fine) + n_fine) % n_fine;
    return (int)((product - rest) / n_fine) - NL_INTERPOLATION_POINTS / 2 + 1;
}

void nl_transfer_fill_interpolation(int n_coarse, int n_fine, nl_transfer_entry *entries)
{
    for (int i = 0; i < n_fine; i++) {
        const int first = first_point(i, n_coarse, n_fine);
        entries[i] = (nl_transfer_entry){.first = wrapped(first, n_coarse)};
        lagrange((double)i * n_coarse / n_fine - first, entries[i].weight);
    }
}

void nl_transfer_fill_restriction(int n_fine, int n_coarse, nl_transfer_entry *entries)
{
    for (int c = 0; c < n_coarse; c++) {
        /* The fine points that interpolate from c lie less than half a stencil away. */
        const int first = (int)floor((c - NL_INTERPOLATION_POINTS / 2) * (double)n_fine / n_coarse) + 1;
        entries[c] = (nl_transfer_entry){.first = wrapped(first, n_fine)};
        for (int b = 0; b < NL_RESTRICTION_POINTS; b++) {
            double weight[NL_INTERPOLATION_POINTS];
            const int i = first + b, point = c - first_point(i, n_coarse, n_fine);
            lagrange((double)i * n_coarse / n_fine - first_point(i, n_coarse, n_fine), weight);
            if (point >= 0 && point < NL_INTERPOLATION_POINTS)
                entries[c].weight[b] = weight[point] * n_coarse / n_fine;
        }
    }
}

nl_status nl_richardson_weights(const int *n, int count, int n_fine, int order, double *weight)
{
    /* sum_s w_s = 1 and sum_s w_s (h_s/h)^q = 1 for q = order, order + 2. */
    double matrix[NL_MAX_SOURCES * NL_MAX_SOURCES];
    lapack_int pivots[NL_MAX_SOURCES];
    for (int row = 0; row < count; row++) {
        const int q = row == 0 ? 0 : order + 2 * (row - 1);
        weight[row] = 1;
        for (int s = 0; s < count; s++)
            matrix[row * count + s] = pow((double)n_fine / n[s], q);
    }
    if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, count, 1, matrix, count, pivots, weight, 1) != 0)
        return nl_fail(NL_ERR_INTERNAL, "grids of equal size in a grid sequence");
    return NL_OK;
}
