/* The phase Fokker-Planck operator and its marginals on the device. */
#include "cuda_backend.h"
#include "phase_tile.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { ROWS = 8 /* of warps */, THREADS = ROWS * NL_CUDA_WARP };

/* What becomes of L P: out = L in[0], out = scale L in[0] + sum c_k in_k, or out = L(sum c_k in_k). */
enum operation { APPLY, UPDATE, STAGE };

/* Order 2, which memory limits: one application to a tile. Two blocks share a multiprocessor, so that one computes
 * while the other waits. */
template <operation OPERATION>
__global__ void __launch_bounds__(THREADS, 2)
    tile_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    NL_SHARED(nl_real, tile);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    const int n = op.n;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, job->slot), n, 1);
    const nl_strip strip = nl_strip_of(n, 1);
    nl_strip_coefficients<1> coefficients;
    nl_patch P, Lx;
    if (OPERATION == STAGE)
        nl_patch_combine(&pool, job, n, &strip, P);
    else
        nl_patch_load(nl_pool_vector(&pool, job->slot, job->in[0]), n, &strip, P);
    if (OPERATION == STAGE && job->keep)
        nl_patch_store_owned(nl_pool_vector(&pool, job->slot, job->arg), n, &strip, P);
    coefficients.load(&view, &strip, n);
    nl_tile_put(tile, P);
    __syncthreads();
    nl_tile_derivative<1>(&view, &coefficients, tile, P, Lx);
    if (OPERATION == UPDATE) {
        nl_patch_combine(&pool, job, n, &strip, P);
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP; r++)
            for (int c = 0; c < 2; c++)
                Lx[r][c] = (nl_real)job->scale * Lx[r][c] + P[r][c];
    }
    nl_patch_store_owned(nl_pool_vector(&pool, job->slot, job->out), n, &strip, Lx);
}

/* Higher orders, and slabs: one thread a point. Tiles would need so many registers that too few blocks fit. */
template <int W, bool UPDATES>
__global__ void phase_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    const int n = op.n;
    const int i = blockIdx.y * ROWS + threadIdx.y, j = blockIdx.x * NL_CUDA_WARP + threadIdx.x;
    if (i >= nl_phase_rows(&op) || j >= n)
        return;
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, job->slot), n, W);
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    const nl_real *row[2 * W + 1];
    for (int m = -W; m <= W; m++)
        row[W + m] = nl_phase_row(&op, P, blockIdx.z, i + m);
    nl_cuda_put<UPDATES>(&pool, job, (size_t)i * n + j, nl_phase_point(&view, row, n, W, op.first_row + i, j, 1));
}

template <int W, bool UPDATES>
__global__ void phase_single_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= op.n)
        return;
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    if (nl_cuda_is_idle(job))
        return;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, job->slot), op.n, W);
    const nl_real *P = nl_pool_vector(&pool, job->slot, job->in[0]);
    nl_cuda_put<UPDATES>(&pool, job, j, nl_phase_point_single(&view, P, op.n, W, j, 1));
}

template <operation OPERATION>
static void launch_tiles(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    NL_LAUNCH(tile_kernel<OPERATION>, nl_tile_grid(op->n, ROWS, 1, n_jobs), dim3(NL_CUDA_WARP, ROWS),
              nl_tile_size(ROWS) * sizeof(nl_real), cuda->stream, *op, *pool, cuda->jobs);
}

template <int W, bool UPDATES>
static void launch_points(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 blocks((op->n + NL_CUDA_WARP - 1) / NL_CUDA_WARP, (nl_phase_rows(op) + ROWS - 1) / ROWS, n_jobs);
    if (op->sites == 1)
        NL_LAUNCH((phase_single_kernel<W, UPDATES>), dim3((op->n + THREADS - 1) / THREADS, 1, n_jobs), dim3(THREADS), 0,
                  cuda->stream, *op, *pool, cuda->jobs);
    else if (W == 1 && op->rows == 0)
        launch_tiles<UPDATES ? UPDATE : APPLY>(cuda, op, pool, n_jobs);
    else
        NL_LAUNCH((phase_kernel<W, UPDATES>), blocks, dim3(NL_CUDA_WARP, ROWS), 0, cuda->stream, *op, *pool,
                  cuda->jobs);
}

template <bool UPDATES>
static void launch_order(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    switch (op->half_width) {
    case 1: launch_points<1, UPDATES>(cuda, op, pool, n_jobs); break;
    case 2: launch_points<2, UPDATES>(cuda, op, pool, n_jobs); break;
    case 3: launch_points<3, UPDATES>(cuda, op, pool, n_jobs); break;
    default: launch_points<4, UPDATES>(cuda, op, pool, n_jobs);
    }
}

nl_status nl_cuda_phase_apply(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                              bool updates)
{
    (updates ? launch_order<true> : launch_order<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

nl_status nl_cuda_phase_stage(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    launch_tiles<STAGE>(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* One thread an entry of a marginal, which it sums in ascending order. blockIdx.y: which; blockIdx.z: job. */
__global__ void marginal_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, double *result)
{
    const int m = blockIdx.x * blockDim.x + threadIdx.x, which = blockIdx.y;
    if (m >= op.n)
        return;
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
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
