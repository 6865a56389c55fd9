/* The phase operator assembled in compressed rows, and its product with a vector by cuSPARSE. */
#include "sparse.h"

#include <limits.h>
#include <stdlib.h>

#include "cuda_backend.h"
#include "cusparse_calls.h"
#include "phase_point.h"

using namespace nl_cuda;

enum { THREADS = 256 };

#define BENCH_CUSPARSE(call)                                                                                           \
    do {                                                                                                               \
        const cusparseStatus_t bench_status = (call);                                                                  \
        if (bench_status != CUSPARSE_STATUS_SUCCESS)                                                                   \
            return nl_fail(NL_ERR_CUDA, "%s: cuSPARSE status %d", #call, (int)bench_status);                           \
    } while (0)

struct bench_matrix {
    nl_cuda_backend *cuda;
    bench_cusparse calls;
    cusparseHandle_t handle;
    cusparseSpMatDescr_t csr;
    cusparseDnVecDescr_t in, out;
    const double *in_data;
    int rows, nonzeros;
    int *starts, *columns; /* device */
    double *values;
    void *buffer;
};

/* One thread a row: the coefficients that nl_phase_add gives each neighbour. */
__global__ void assemble_kernel(nl_operator op, int *starts, int *columns, double *values)
{
    const int n = op.n, w = op.half_width, each = 4 * w + 1;
    const int row = blockIdx.x * THREADS + threadIdx.x;
    if (row > n * n)
        return;
    starts[row] = row * each;
    if (row == n * n)
        return;
    const int i = row / n, j = row % n;
    const nl_phase_view v = nl_phase_view_of((const double *)op.tables, n, w);
    int *column = columns + (size_t)row * each;
    double *value = values + (size_t)row * each;
    *column++ = row;
    *value++ = v.Db1[0] + v.Db2[0];
    for (int k = 1; k <= w; k++)
        for (int side = 0; side < 2; side++) { /* which of the two neighbours k away is 1, the other 0 */
            const int step = side ? -k : k;
            *column++ = nl_wrap(i + step, n) * n + j;
            *value++ = nl_phase_add(0, v.Db1[k], v.a[k], v.aT1[k], v.E1[i + k], v.E1[i - k], v.C[j - i - k],
                                    v.C[j - i + k], 1 - side, side);
            *column++ = i * n + nl_wrap(j + step, n);
            *value++ = nl_phase_add(0, v.Db2[k], v.a[k], v.aT2[k], v.E2[j + k], v.E2[j - k], v.C[j + k - i],
                                    v.C[j - k - i], 1 - side, side);
        }
}

static nl_status assemble(bench_matrix *m, const nl_operator *op)
{
    NL_CUDA(cudaMalloc((void **)&m->starts, ((size_t)m->rows + 1) * sizeof *m->starts));
    NL_CUDA(cudaMalloc((void **)&m->columns, (size_t)m->nonzeros * sizeof *m->columns));
    NL_CUDA(cudaMalloc((void **)&m->values, (size_t)m->nonzeros * sizeof *m->values));
    NL_LAUNCH(assemble_kernel, dim3(m->rows / THREADS + 1), dim3(THREADS), 0, m->cuda->stream, *op, m->starts,
              m->columns, m->values);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

static nl_status make(bench_matrix *m, const nl_operator *op)
{
    const double nonzeros = (4.0 * op->half_width + 1) * op->n * op->n;
    const char *problem = bench_cusparse_load(&m->calls);
    if (problem)
        return nl_fail(NL_ERR_CUDA, "cannot load cuSPARSE: %s", problem);
    if (nonzeros > INT_MAX)
        return nl_fail(NL_ERR_MEMORY, "the matrix has %.3g elements", nonzeros);
    m->rows = op->n * op->n;
    m->nonzeros = (int)nonzeros;
    NL_TRY(assemble(m, op));
    BENCH_CUSPARSE(m->calls.create(&m->handle));
    BENCH_CUSPARSE(m->calls.set_stream(m->handle, m->cuda->stream));
    BENCH_CUSPARSE(m->calls.create_csr(&m->csr, m->rows, m->rows, m->nonzeros, m->starts, m->columns, m->values,
                                       CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_64F));
    return NL_OK;
}

nl_status bench_matrix_new(nl_backend *backend, const nl_operator *op, bench_matrix **out)
{
    bench_matrix *m = (bench_matrix *)calloc(1, sizeof *m);
    if (!m)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a matrix");
    m->cuda = (nl_cuda_backend *)backend;
    const nl_status status = make(m, op);
    if (status != NL_OK)
        bench_matrix_release(m);
    else
        *out = m;
    return status;
}

static void release_vectors(bench_matrix *m)
{
    if (m->in)
        m->calls.destroy_vector(m->in);
    if (m->out)
        m->calls.destroy_vector(m->out);
    m->in = m->out = NULL;
}

void bench_matrix_release(bench_matrix *m)
{
    if (!m)
        return;
    release_vectors(m);
    if (m->csr)
        m->calls.destroy_csr(m->csr);
    if (m->handle)
        m->calls.destroy(m->handle);
    cudaFree(m->starts);
    cudaFree(m->columns);
    cudaFree(m->values);
    cudaFree(m->buffer);
    free(m);
}

double bench_matrix_bytes(const bench_matrix *m)
{
    return m->nonzeros * (double)(sizeof *m->values + sizeof *m->columns) + (m->rows + 1.0) * sizeof *m->starts;
}

/* Once for a pair of vectors: descriptors and the work space that cuSPARSE asks for. */
static nl_status bind(bench_matrix *m, double *in, double *out)
{
    const double one = 1, zero = 0;
    size_t bytes = 0;
    release_vectors(m);
    cudaFree(m->buffer);
    m->buffer = NULL;
    BENCH_CUSPARSE(m->calls.create_vector(&m->in, m->rows, in, CUDA_R_64F));
    BENCH_CUSPARSE(m->calls.create_vector(&m->out, m->rows, out, CUDA_R_64F));
    BENCH_CUSPARSE(m->calls.buffer_size(m->handle, CUSPARSE_OPERATION_NON_TRANSPOSE, &one, m->csr, m->in, &zero, m->out,
                                        CUDA_R_64F, CUSPARSE_SPMV_ALG_DEFAULT, &bytes));
    NL_CUDA(cudaMalloc(&m->buffer, bytes ? bytes : 1));
    m->in_data = in;
    return NL_OK;
}

nl_status bench_matrix_apply(bench_matrix *m, const nl_pool *pool, int in, int out)
{
    const double one = 1, zero = 0;
    double *from = nl_pool_vector(pool, 0, in);
    if (m->in_data != from)
        NL_TRY(bind(m, from, nl_pool_vector(pool, 0, out)));
    BENCH_CUSPARSE(m->calls.multiply(m->handle, CUSPARSE_OPERATION_NON_TRANSPOSE, &one, m->csr, m->in, &zero, m->out,
                                     CUDA_R_64F, CUSPARSE_SPMV_ALG_DEFAULT, m->buffer));
    return NL_OK;
}
