/* Fourier modes |k_j| <= m of real grid functions of one or two phases, by multiplication with tables of cosines and
 * sines: BLAS does the work. */
#ifndef NL_MODES_H
#define NL_MODES_H

#include <complex.h>
#include <stddef.h>

#include "nanolase/error.h"

typedef struct nl_modes {
    int sites, n, m;
    double *trig;  /* n x 2(m+1): cos(k theta_i), then sin(k theta_i) */
    double *half;  /* n x 2(m+1) */
    double *whole; /* 2(m+1) x 2(m+1) */
} nl_modes;

nl_status nl_modes_new(int sites, int n, int m, nl_modes *out);
void nl_modes_release(nl_modes *);

/* Number of coefficients, and the index of one: k[1] is not read for one site. */
size_t nl_modes_count(int sites, int m);
size_t nl_modes_index(int sites, int m, const int k[2]);

/* c_k = mean of f e^{-i k theta}; and f = sum of c_k e^{i k theta}, for which only k_2 >= 0 (k >= 0) is read. */
void nl_modes_analyse(nl_modes *, const double *f, double complex *c);
void nl_modes_synthesise(nl_modes *, const double complex *c, double *f);

#endif
