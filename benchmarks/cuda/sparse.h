/* The phase operator as an assembled matrix on the device, applied by cuSPARSE: what matrix-free has to beat. */
#ifndef BENCH_SPARSE_H
#define BENCH_SPARSE_H

#include "nanolase/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bench_matrix bench_matrix;

/* Of two sites, assembled from the table of slot 0; in double precision. NL_ERR_CUDA where there is no cuSPARSE,
 * NL_ERR_MEMORY where the matrix is too large. */
nl_status bench_matrix_new(nl_backend *, const nl_operator *, bench_matrix **out);
void bench_matrix_release(bench_matrix *); /* accepts NULL */
/* Bytes of the matrix: values, columns and row starts. */
double bench_matrix_bytes(const bench_matrix *);
/* out = matrix in, registers of slot 0. */
nl_status bench_matrix_apply(bench_matrix *, const nl_pool *, int in, int out);

#ifdef __cplusplus
}
#endif
#endif
