/* Chebyshev series sum_k c_k T_k(x) on [-1, 1], of a degree M: coefficients c_0 ... c_M. */
#ifndef NL_SERIES_H
#define NL_SERIES_H

/* The series that has value[i] at the Chebyshev-Lobatto points x_i = cos(pi i/M), i <= M. */
void nl_series_through(int M, const double *value, double *series);
/* Its value at x, and its derivative sum k c_k U_(k-1)(x). M >= 1. */
double nl_series_at(const double *series, int M, double x, double *derivative);

#endif
