/* The full-amplitude Fokker-Planck operator and its moments on the device. */
#include "cuda_backend.h"
#include "amplitude_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { THREADS = 128 };

/* One thread an element: neighbours along y_2 are read by neighbouring threads, the others' rows come from the cache.
 * blockIdx.y: job. */
template <int W, bool UPDATES>
__global__ void amplitude_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    /* element = blockIdx.x THREADS + threadIdx.x = row n + j, by divisions of 32 bits only */
    const unsigned n = op.n, rest = blockIdx.x % n * THREADS + threadIdx.x;
    const nl_amplitude_row row = nl_amplitude_row_of(blockIdx.x / n * THREADS + rest / n, n);
    const size_t element = row.start + rest % n;
    if (element >= pool.size)
        return;
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    if (nl_cuda_is_idle(job))
        return;
    const nl_amplitude_view view = nl_amplitude_view_of(nl_slot_table(&op, job->slot), op.n, op.sites);
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    nl_cuda_put<UPDATES>(&pool, job, element, nl_amplitude_point(&view, P, &row, W, (int)(rest % n)));
}

template <bool UPDATES>
static void launch_order(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 grid((unsigned)((pool->size + THREADS - 1) / THREADS), n_jobs);
#define LAUNCH(W)                                                                                                      \
    NL_LAUNCH((amplitude_kernel<W, UPDATES>), grid, dim3(THREADS), 0, cuda->stream, *op, *pool, cuda->jobs)
    switch (op->half_width) {
    case 1: LAUNCH(1); break;
    case 2: LAUNCH(2); break;
    case 3: LAUNCH(3); break;
    default: LAUNCH(4);
    }
#undef LAUNCH
}

nl_status nl_cuda_amplitude_apply(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                  bool updates)
{
    (updates ? launch_order<true> : launch_order<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* A block a plane of the fast site. blockIdx.y: job. */
__global__ void plane_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, double *result)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    const size_t plane = (size_t)op.n * op.n;
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]) + blockIdx.x * plane;
    const nl_real *x = nl_amplitude_view_of(nl_slot_table(&op, job->slot), op.n, op.sites).x;
    double sums[NL_AMPLITUDE_SUMS] = {0};
    for (size_t e = threadIdx.x; e < plane; e += blockDim.x)
        nl_amplitude_add_sums(x, op.n, (int)(e / op.n), (int)(e % op.n), P[e], sums);
    for (int k = 0; k < NL_AMPLITUDE_SUMS; k++) {
        const double sum = nl_cuda_reduce<nl_sum>(sums[k], shared);
        if (threadIdx.x == 0)
            result[((size_t)blockIdx.y * gridDim.x + blockIdx.x) * NL_AMPLITUDE_SUMS + k] = sum;
    }
}

nl_status nl_cuda_amplitude_moments(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                    double *result)
{
    const size_t len = n_jobs * nl_moments_len(op);
    const dim3 planes((unsigned)(nl_moments_len(op) / NL_AMPLITUDE_SUMS), n_jobs);
    NL_TRY(nl_cuda_reserve(cuda, len));
    NL_LAUNCH(plane_kernel, planes, dim3(NL_CUDA_THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool, cuda->jobs,
              cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return cuda->base.ops->download(&cuda->base, result, cuda->scratch, len * sizeof *result);
}

} // namespace
