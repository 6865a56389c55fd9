/* Grid functions from one grid to another on the device. */
#include "cuda_backend.h"
#include "transfer_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { TILE_J = 32, TILE_I = 8 };

__global__ void transfer_kernel(nl_transfer transfer, nl_pool from, nl_pool to, int rows,
                                const __grid_constant__ nl_cuda_jobs jobs)
{
    const int i = blockIdx.y * TILE_I + threadIdx.y, j = blockIdx.x * TILE_J + threadIdx.x;
    if (i >= rows || j >= transfer.n_to)
        return;
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    nl_real *out = nl_pool_vector(&to, job->slot, job->out) + (size_t)i * transfer.n_to + j;
    const nl_real value = nl_transfer_point(&transfer, nl_pool_vector(&from, job->slot, job->in[0]),
                                            rows > 1 ? transfer.n_from : 1, i, j);
    *out = (job->keep ? *out : 0) + (nl_real)job->c[0] * value;
}

nl_status nl_cuda_transfer(nl_backend *backend, const nl_transfer *transfer, const nl_pool *from, const nl_pool *to,
                           int rows, const nl_job *jobs, int n_jobs)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    const dim3 grid((transfer->n_to + TILE_J - 1) / TILE_J, (rows + TILE_I - 1) / TILE_I, n_jobs);
    NL_LAUNCH(transfer_kernel, grid, dim3(TILE_J, TILE_I), 0, cuda->stream, *transfer, *from, *to, rows, cuda->jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

} // namespace
