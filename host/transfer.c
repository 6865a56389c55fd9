#include "nanolase/transfer.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

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

static void fill_interpolation(int n_coarse, int n_fine, int *first_of, double *weights)
{
    for (int i = 0; i < n_fine; i++) {
        const int first = first_point(i, n_coarse, n_fine);
        first_of[i] = wrapped(first, n_coarse);
        lagrange((double)i * n_coarse / n_fine - first, weights + (size_t)i * NL_INTERPOLATION_POINTS);
    }
}

static void fill_restriction(int n_fine, int n_coarse, int *first_of, double *weights)
{
    for (int c = 0; c < n_coarse; c++) {
        /* The fine points that interpolate from c lie less than half a stencil away. */
        const int first = (int)floor((c - NL_INTERPOLATION_POINTS / 2) * (double)n_fine / n_coarse) + 1;
        first_of[c] = wrapped(first, n_fine);
        for (int b = 0; b < NL_RESTRICTION_POINTS; b++) {
            double weight[NL_INTERPOLATION_POINTS];
            const int i = first + b, point = c - first_point(i, n_coarse, n_fine);
            lagrange((double)i * n_coarse / n_fine - first_point(i, n_coarse, n_fine), weight);
            const bool takes = point >= 0 && point < NL_INTERPOLATION_POINTS;
            weights[(size_t)c * NL_RESTRICTION_POINTS + b] = takes ? weight[point] * n_coarse / n_fine : 0;
        }
    }
}

static nl_status send(nl_backend *backend, const int *first, const double *weights, nl_transfer *out)
{
    const size_t count = (size_t)out->n_to * out->points;
    void *memory = NULL;
    NL_TRY(backend->ops->alloc(backend, out->n_to * sizeof *first, &memory));
    out->first = memory;
    NL_TRY(backend->ops->alloc(backend, count * backend->ops->real_size, &out->weight));
    NL_TRY(backend->ops->upload(backend, out->first, first, out->n_to * sizeof *first));
    return backend->ops->put(backend, out->weight, 0, weights, count);
}

static nl_status new_transfer(nl_backend *backend, int n_from, int n_to, int points, nl_transfer *out)
{
    int *first = malloc(n_to * sizeof *first);
    double *weights = malloc((size_t)n_to * points * sizeof *weights);
    nl_status status = first && weights ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate interpolation tables");
    *out = (nl_transfer){.n_from = n_from, .n_to = n_to, .points = points};
    if (status == NL_OK) {
        (points == NL_INTERPOLATION_POINTS ? fill_interpolation : fill_restriction)(n_from, n_to, first, weights);
        status = send(backend, first, weights, out);
    }
    free(first);
    free(weights);
    return status;
}

nl_status nl_transfer_new_interpolation(nl_backend *backend, int n_coarse, int n_fine, nl_transfer *out)
{
    return new_transfer(backend, n_coarse, n_fine, NL_INTERPOLATION_POINTS, out);
}

nl_status nl_transfer_new_restriction(nl_backend *backend, int n_fine, int n_coarse, nl_transfer *out)
{
    return new_transfer(backend, n_fine, n_coarse, NL_RESTRICTION_POINTS, out);
}

void nl_transfer_release(nl_backend *backend, nl_transfer *transfer)
{
    backend->ops->free(backend, transfer->first);
    backend->ops->free(backend, transfer->weight);
    *transfer = (nl_transfer){0};
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
