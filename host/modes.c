#include "modes.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

nl_status nl_modes_new(int sites, int n, int m, nl_modes *out)
{
    const size_t K = (size_t)m + 1;
    *out = (nl_modes){.sites = sites, .n = n, .m = m};
    out->trig = malloc(2 * n * K * sizeof(double));
    out->half = malloc(2 * n * K * sizeof(double));
    out->whole = malloc(4 * K * K * sizeof(double));
    if (!out->trig || !out->half || !out->whole)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate tables of %d modes", m);
    for (int i = 0; i < n; i++)
        for (int k = 0; k <= m; k++) {
            const double angle = 2 * M_PI * ((long)i * k % n) / n;
            out->trig[2 * K * i + k] = cos(angle);
            out->trig[2 * K * i + K + k] = sin(angle);
        }
    return NL_OK;
}

void nl_modes_release(nl_modes *modes)
{
    free(modes->trig);
    free(modes->half);
    free(modes->whole);
    *modes = (nl_modes){0};
}

size_t nl_modes_count(int sites, int m)
{
    const size_t N = 2 * (size_t)m + 1;
    return sites == 2 ? N * N : N;
}

size_t nl_modes_index(int sites, int m, const int k[2])
{
    const size_t N = 2 * (size_t)m + 1;
    return sites == 2 ? (k[0] + m) * N + (k[1] + m) : (size_t)(k[0] + m);
}

/* half (rows x 2K) = f (rows x n) trig, rows = n or 1. */
static void transform_rows(nl_modes *t, const double *f)
{
    const int K2 = 2 * (t->m + 1), rows = t->sites == 2 ? t->n : 1;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, K2, t->n, 1, f, t->n, t->trig, K2, 0, t->half, K2);
}

static void analyse_one(const nl_modes *t, double complex *c)
{
    const int K = t->m + 1;
    for (int k = 0; k <= t->m; k++) {
        c[t->m + k] = (t->half[k] - _Complex_I * t->half[K + k]) / t->n;
        c[t->m - k] = conj(c[t->m + k]);
    }
}

void nl_modes_analyse(nl_modes *t, const double *f, double complex *c)
{
    const int K = t->m + 1, K2 = 2 * K;
    const double scale = 1 / ((double)t->n * t->n);
    transform_rows(t, f);
    if (t->sites == 1) {
        analyse_one(t, c);
        return;
    }
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, K2, K2, t->n, scale, t->trig, K2, t->half, K2, 0, t->whole,
                K2);
    for (int p = 0; p <= t->m; p++)
        for (int q = 0; q <= t->m; q++) {
            const double CC = t->whole[p * K2 + q], CS = t->whole[p * K2 + K + q];
            const double SC = t->whole[(K + p) * K2 + q], SS = t->whole[(K + p) * K2 + K + q];
            const double complex plus = CC - SS - _Complex_I * (SC + CS), minus = CC + SS + _Complex_I * (SC - CS);
            c[nl_modes_index(2, t->m, (int[]){p, q})] = plus;
            c[nl_modes_index(2, t->m, (int[]){-p, -q})] = conj(plus);
            c[nl_modes_index(2, t->m, (int[]){-p, q})] = minus;
            c[nl_modes_index(2, t->m, (int[]){p, -q})] = conj(minus);
        }
}

static void synthesise_one(nl_modes *t, const double complex *c, double *f)
{
    const int K = t->m + 1;
    for (int k = 0; k <= t->m; k++) {
        t->half[k] = (k ? 2 : 1) * creal(c[t->m + k]);
        t->half[K + k] = (k ? -2 : -1) * cimag(c[t->m + k]);
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, t->n, 2 * K, 1, t->trig, 2 * K, t->half, 1, 0, f, 1);
}

/* f = trig whole trig^T. */
void nl_modes_synthesise(nl_modes *t, const double complex *c, double *f)
{
    const int K = t->m + 1, K2 = 2 * K;
    if (t->sites == 1) {
        synthesise_one(t, c, f);
        return;
    }
    for (int p = 0; p <= t->m; p++)
        for (int q = 0; q <= t->m; q++) {
            const double weight = (p ? 2 : 1) * (q ? 2 : 1) * 0.5;
            const double complex plus = weight * c[nl_modes_index(2, t->m, (int[]){p, q})];
            const double complex minus = weight * c[nl_modes_index(2, t->m, (int[]){-p, q})];
            t->whole[p * K2 + q] = creal(plus) + creal(minus);
            t->whole[p * K2 + K + q] = -cimag(plus) - cimag(minus);
            t->whole[(K + p) * K2 + q] = -cimag(plus) + cimag(minus);
            t->whole[(K + p) * K2 + K + q] = -creal(plus) + creal(minus);
        }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, t->n, K2, K2, 1, t->trig, K2, t->whole, K2, 0, t->half, K2);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, t->n, t->n, K2, 1, t->half, K2, t->trig, K2, 0, f, t->n);
}
