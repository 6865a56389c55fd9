/* Tall matrices of the CUDA backend, by cuBLAS: a basis of consecutive registers is a column-major matrix of the
 * pool. */
#include <limits.h>
#include <stdlib.h>

#include "cuda_backend.h"
#include "cublas.h"

namespace NL_OF_PRECISION(nl_cuda) {

static const size_t ROWS = 65536; /* turned at a time */

#define NL_CUBLAS(call)                                                                                                \
    do {                                                                                                               \
        const cublasStatus_t nl_cublas_status = (call);                                                                \
        if (nl_cublas_status != CUBLAS_STATUS_SUCCESS)                                                                 \
            return nl_fail(nl_cublas_status == CUBLAS_STATUS_ALLOC_FAILED ? NL_ERR_MEMORY : NL_ERR_CUDA,               \
                           "%s: cuBLAS status %d", #call, (int)nl_cublas_status);                                      \
    } while (0)

struct nl_cuda_cublas {
    nl_cublas_calls calls;
    cublasHandle_t handle;
};

static nl_status make_handle(nl_cuda_cublas *cublas, cudaStream_t stream)
{
    const char *problem = nl_cublas_load(&cublas->calls);
    if (problem)
        return nl_fail(NL_ERR_CUDA, "cannot load cuBLAS: %s; install the CUDA Toolkit's, or use -b cpu", problem);
    NL_CUBLAS(cublas->calls.create(&cublas->handle));
    NL_CUBLAS(cublas->calls.set_stream(cublas->handle, stream));
    return NL_OK;
}

static nl_status open_cublas(nl_cuda_backend *cuda)
{
    nl_cuda_cublas *cublas = (nl_cuda_cublas *)calloc(1, sizeof *cublas);
    if (!cublas)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a cuBLAS handle");
    cuda->cublas = cublas;
    const nl_status status = make_handle(cublas, cuda->stream);
    if (status != NL_OK)
        nl_cuda_dense_close(cuda);
    return status;
}

/* On first use: a handle takes time and memory that most runs need not spend. */
static nl_status prepare(nl_cuda_backend *cuda, const nl_pool *pool, size_t scratch)
{
    if (pool->size > INT_MAX)
        return nl_fail(NL_ERR_CUDA, "cuBLAS takes vectors of up to %d numbers, and these have %zu; use a smaller grid",
                       INT_MAX, pool->size);
    if (!cuda->cublas)
        NL_TRY(open_cublas(cuda));
    return nl_cuda_reserve(cuda, scratch);
}

void nl_cuda_dense_close(nl_cuda_backend *cuda)
{
    if (cuda->cublas && cuda->cublas->handle)
        cuda->cublas->calls.destroy(cuda->cublas->handle);
    free(cuda->cublas);
    cuda->cublas = NULL;
}

#ifdef NL_FLOAT
/* cuBLAS would add up in single precision, too. */
nl_status nl_cuda_project(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, double *h)
{
    for (int j = 0; j < n_jobs; j++) {
        nl_job dots[NL_MAX_BASIS];
        for (int i = 0; i < jobs[j].count; i++) {
            dots[i] = nl_job();
            dots[i].slot = jobs[j].slot;
            dots[i].in[0] = jobs[j].first + i;
            dots[i].in[1] = jobs[j].vector;
        }
        NL_TRY(nl_cuda_dot(backend, pool, dots, jobs[j].count, h + (size_t)j * NL_MAX_BASIS));
    }
    return NL_OK;
}
#else
nl_status nl_cuda_project(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, double *h)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const double one = 1, zero = 0;
    const int size = (int)pool->size;
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, (size_t)n_jobs * NL_MAX_BASIS));
    for (int j = 0; j < n_jobs; j++)
        if (jobs[j].count > 0)
            NL_CUBLAS(cuda->cublas->calls.gemv(cuda->cublas->handle, CUBLAS_OP_T, size, jobs[j].count, &one,
                                  nl_pool_vector(pool, jobs[j].slot, jobs[j].first), size,
                                  nl_pool_vector(pool, jobs[j].slot, jobs[j].vector), 1, &zero,
                                  cuda->scratch + (size_t)j * NL_MAX_BASIS, 1));
    for (int j = 0; j < n_jobs; j++) /* what lies between was never written */
        NL_CUDA(cudaMemcpyAsync(h + (size_t)j * NL_MAX_BASIS, cuda->scratch + (size_t)j * NL_MAX_BASIS,
                                jobs[j].count * sizeof *h, cudaMemcpyDeviceToHost, cuda->stream));
    NL_CUDA(cudaStreamSynchronize(cuda->stream));
    return NL_OK;
}
#endif

nl_status nl_cuda_expand(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs,
                         const double *h)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const nl_real one = 1;
    const int size = (int)pool->size;
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, (size_t)n_jobs * NL_MAX_BASIS));
    const nl_real *coefficients = (const nl_real *)cuda->scratch;
    NL_TRY(nl_cuda_put(backend, cuda->scratch, 0, h, (size_t)n_jobs * NL_MAX_BASIS));
    for (int j = 0; j < n_jobs; j++)
        if (jobs[j].count > 0)
            NL_CUBLAS(cuda->cublas->calls.gemv(cuda->cublas->handle, CUBLAS_OP_N, size, jobs[j].count, &one,
                                  nl_pool_vector(pool, jobs[j].slot, jobs[j].first), size,
                                  coefficients + (size_t)j * NL_MAX_BASIS, 1, &one,
                                  nl_pool_vector(pool, jobs[j].slot, jobs[j].vector), 1));
    return NL_OK;
}

nl_status nl_cuda_rotate(nl_backend *backend, const nl_pool *pool, const nl_basis_job *job, const double *Z, int kept)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const size_t z_len = (size_t)job->count * kept, rows = pool->size < ROWS ? pool->size : ROWS;
    const nl_real one = 1, zero = 0;
    NL_TRY(prepare(cuda, pool, z_len + rows * kept));
    nl_real *coefficients = (nl_real *)cuda->scratch, *turned = coefficients + z_len;
    NL_TRY(nl_cuda_put(backend, coefficients, 0, Z, z_len));
    for (size_t at = 0; at < pool->size; at += rows) {
        const int n = (int)(pool->size - at < rows ? pool->size - at : rows);
        NL_CUBLAS(cuda->cublas->calls.gemm(cuda->cublas->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, kept, job->count, &one,
                              nl_pool_vector(pool, job->slot, job->first) + at, (int)pool->size, coefficients,
                              job->count, &zero, turned, n));
        for (int j = 0; j < kept; j++)
            NL_CUDA(cudaMemcpyAsync(nl_pool_vector(pool, job->slot, job->first + j) + at, turned + (size_t)j * n,
                                    n * sizeof *turned, cudaMemcpyDeviceToDevice, cuda->stream));
    }
    return NL_OK;
}

} // namespace
