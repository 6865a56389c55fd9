/* Interpolation from a coarse grid to a fine one on the device. */
#include "cuda_backend.h"
#include "prolong_point.h"

enum { TILE_J = 32, TILE_I = 8 };

__global__ void prolong_kernel(nl_pool from, int n_coarse, nl_pool to, int n_fine, int rows,
                               const nl_prolong_entry *entries, const nl_job *jobs)
{
    const int i = blockIdx.y * TILE_I + threadIdx.y, j = blockIdx.x * TILE_J + threadIdx.x;
    if (i >= rows || j >= n_fine)
        return;
    const nl_job *job = &jobs[blockIdx.z];
    double *out = nl_pool_vector(&to, job->slot, job->out) + (size_t)i * n_fine + j;
    const double value = nl_prolong_point(nl_pool_vector(&from, job->slot, job->in[0]), rows > 1 ? n_coarse : 1,
                                          n_coarse, &entries[i], &entries[j]);
    *out = (job->keep ? *out : 0) + job->c[0] * value;
}

nl_status nl_cuda_prolong(nl_backend *backend, const nl_pool *from, int n_coarse, const nl_pool *to, int n_fine,
                          int rows, const nl_prolong_entry *entries, const nl_job *jobs, int n_jobs)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    const dim3 grid((n_fine + TILE_J - 1) / TILE_J, (rows + TILE_I - 1) / TILE_I, n_jobs);
    NL_LAUNCH(prolong_kernel, grid, dim3(TILE_J, TILE_I), 0, cuda->stream, *from, n_coarse, *to, n_fine, rows, entries,
              cuda->jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}
