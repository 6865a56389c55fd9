/* The phase Fokker-Planck operator and its marginals on the device. */
#include "cuda_backend.h"
#include "phase_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum {
    TILE_J = 32, /* threads along theta_2: a warp reads consecutive elements */
    TILE_I = 8,
    THREADS = 256
};

template <int W, bool UPDATES> __global__ void phase_kernel(nl_operator op, nl_pool pool, const nl_job *jobs)
{
    const int n = op.n;
    const int i = blockIdx.y * TILE_I + threadIdx.y, j = blockIdx.x * TILE_J + threadIdx.x;
    if (i >= nl_phase_rows(&op) || j >= n)
        return;
    const nl_job *job = &jobs[blockIdx.z];
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, job->slot), n, W);
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    const nl_real *row[2 * W + 1];
    for (int m = -W; m <= W; m++)
        row[W + m] = nl_phase_row(&op, P, blockIdx.z, i + m);
    nl_cuda_put<UPDATES>(&pool, job, (size_t)i * n + j, nl_phase_point(&view, row, n, W, op.first_row + i, j, 1));
}

template <int W, bool UPDATES> __global__ void phase_single_kernel(nl_operator op, nl_pool pool, const nl_job *jobs)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= op.n)
        return;
    const nl_job *job = &jobs[blockIdx.z];
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, job->slot), op.n, W);
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    nl_cuda_put<UPDATES>(&pool, job, j, nl_phase_point_single(&view, P, op.n, W, j, 1));
}

template <int W, bool UPDATES>
static void launch_phase(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 tiles((op->n + TILE_J - 1) / TILE_J, (nl_phase_rows(op) + TILE_I - 1) / TILE_I, n_jobs);
    if (op->sites == 1)
        NL_LAUNCH((phase_single_kernel<W, UPDATES>), dim3((op->n + THREADS - 1) / THREADS, 1, n_jobs), dim3(THREADS), 0,
                  cuda->stream, *op, *pool, cuda->jobs);
    else
        NL_LAUNCH((phase_kernel<W, UPDATES>), tiles, dim3(TILE_J, TILE_I), 0, cuda->stream, *op, *pool, cuda->jobs);
}

template <bool UPDATES>
static void launch_order(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    switch (op->half_width) {
    case 1: launch_phase<1, UPDATES>(cuda, op, pool, n_jobs); break;
    case 2: launch_phase<2, UPDATES>(cuda, op, pool, n_jobs); break;
    case 3: launch_phase<3, UPDATES>(cuda, op, pool, n_jobs); break;
    default: launch_phase<4, UPDATES>(cuda, op, pool, n_jobs);
    }
}

nl_status nl_cuda_phase_apply(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                              bool updates)
{
    (updates ? launch_order<true> : launch_order<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* One thread an entry of a marginal, which it sums in ascending order. blockIdx.y: which; blockIdx.z: job. */
__global__ void marginal_kernel(nl_operator op, nl_pool pool, const nl_job *jobs, double *result)
{
    const int m = blockIdx.x * blockDim.x + threadIdx.x, which = blockIdx.y;
    if (m >= op.n)
        return;
    const nl_job *job = &jobs[blockIdx.z];
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    double sum = 0;
    const int first = op.first_row, last = first + nl_phase_rows(&op); /* of the slab, or of all rows */
    const int begin = which == 0 ? 0 : first, end = which > 0 ? last : m >= first && m < last ? op.n : 0;
    for (int s = begin; s < end; s++)
        sum += P[nl_phase_marginal_element(which, op.n, m, s) - (size_t)first * op.n];
    result[((size_t)blockIdx.z * NL_PHASE_MARGINALS + which) * op.n + m] = sum;
}

nl_status nl_cuda_phase_moments(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                                int n_jobs, double *result)
{
    nl_backend *backend = &cuda->base;
    const size_t len = nl_moments_len(op);
    if (op->sites == 1) {
        for (int j = 0; j < n_jobs; j++)
            NL_TRY(nl_cuda_get(backend, result + j * len, nl_pool_vector(pool, jobs[j].slot, jobs[j].in[0]), 0, len));
        return NL_OK;
    }
    NL_TRY(nl_cuda_reserve(cuda, n_jobs * len));
    NL_LAUNCH(marginal_kernel, dim3((op->n + THREADS - 1) / THREADS, NL_PHASE_MARGINALS, n_jobs), dim3(THREADS), 0,
              cuda->stream, *op, *pool, cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return backend->ops->download(backend, result, cuda->scratch, n_jobs * len * sizeof *result);
}

} // namespace
