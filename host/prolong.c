#include "nanolase/prolong.h"

#include <lapacke.h>
#include <math.h>

#include "prolong_point.h"

/* Lagrange weights of the points 0 ... NL_PROLONG_POINTS - 1 at x. */
static void lagrange(double x, double *weight)
{
    for (int a = 0; a < NL_PROLONG_POINTS; a++) {
        weight[a] = 1;
        for (int b = 0; b < NL_PROLONG_POINTS; b++)
            if (b != a)
                weight[a] *= (x - b) / (a - b);
    }
}

void nl_prolong_fill(int n_coarse, int n_fine, nl_prolong_entry *entries)
{
    for (int i = 0; i < n_fine; i++) {
        const double x = (double)i * n_coarse / n_fine;
        const int first = (int)floor(x) - NL_PROLONG_POINTS / 2 + 1;
        entries[i].first = ((first % n_coarse) + n_coarse) % n_coarse;
        lagrange(x - first, entries[i].weight);
    }
}

nl_status nl_prolong_weights(const int *n, int count, int n_fine, int order, double *weight)
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
