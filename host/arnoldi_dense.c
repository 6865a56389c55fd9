/* The small dense eigenvalue problems of Arnoldi's method, by LAPACK. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nanolase/arnoldi.h"

/* Marks the `kept` eigenvalues of largest magnitude, and the second of a pair with the first. */
static void select_largest(int count, int kept, const double *re, const double *im, lapack_logical *select)
{
    memset(select, 0, (size_t)count * sizeof *select);
    for (int chosen = 0; chosen < kept;) {
        int best = -1;
        for (int i = 0; i < count; i++)
            if (!select[i] && (best < 0 || hypot(re[i], im[i]) > hypot(re[best], im[best])))
                best = i;
        if (best < 0)
            return;
        const int pair = im[best] > 0 ? best + 1 : im[best] < 0 ? best - 1 : best;
        select[best] = select[pair] = 1;
        chosen += pair == best ? 1 : 2;
    }
}

int nl_schur_leading(int count, int kept, double *H, double *Z)
{
    const int ld = NL_ARNOLDI_SIZE + 1;
    double re[NL_ARNOLDI_SIZE], im[NL_ARNOLDI_SIZE], condition, separation, work[NL_ARNOLDI_SIZE];
    lapack_logical select[NL_ARNOLDI_SIZE];
    lapack_int dimension = 0, integers;
    if (LAPACKE_dgees(LAPACK_COL_MAJOR, 'V', 'N', NULL, count, H, ld, &dimension, re, im, Z, count) != 0)
        return 0;
    select_largest(count, kept, re, im, select);
    /* Not LAPACKE_dtrsen, which passes no room for integers. It may stop where two eigenvalues are too close to change
     * places: what comes first is then no less a Schur form. */
    if (LAPACKE_dtrsen_work(LAPACK_COL_MAJOR, 'N', 'V', select, count, H, ld, Z, count, re, im, &dimension, &condition,
                            &separation, work, NL_ARNOLDI_SIZE, &integers, 1) < 0)
        return 0;
    if (kept < count && H[(size_t)(kept - 1) * ld + kept] != 0)
        kept++;
    return kept;
}

static int by_real_part(const void *a, const void *b)
{
    const nl_ritz *x = a, *y = b;
    return x->re != y->re ? (x->re < y->re) - (x->re > y->re) : (x->im < y->im) - (x->im > y->im);
}

bool nl_ritz_values(int n, double *A, nl_ritz *out)
{
    double re[NL_ARNOLDI_SIZE], im[NL_ARNOLDI_SIZE], vectors[NL_ARNOLDI_SIZE * NL_ARNOLDI_SIZE];
    if (LAPACKE_dgeev(LAPACK_COL_MAJOR, 'N', 'V', n, A, n, re, im, NULL, 1, vectors, n) != 0)
        return false;
    for (int j = 0; j < n; j++) {
        const int pair = im[j] > 0 ? j : im[j] < 0 ? j - 1 : j; /* of a pair: its first column; the next one is Im y */
        out[j] = (nl_ritz){.re = re[j], .im = im[j]};
        for (int i = 0; i < n; i++) {
            out[j].y_re[i] = vectors[(size_t)pair * n + i];
            out[j].y_im[i] = im[j] == 0 ? 0 : copysign(1, im[j]) * vectors[(size_t)(pair + 1) * n + i];
        }
    }
    qsort(out, (size_t)n, sizeof *out, by_real_part);
    return true;
}
