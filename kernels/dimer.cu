/* The operator of the exact two-laser master equation and its moments on the device: a block of threads for each part
 * of a block (m, n), so that what is common to the block's elements is common to the threads. */
#include <stdlib.h>

#include "cuda_backend.h"
#include "dimer_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { THREADS = NL_CUDA_THREADS };

static __device__ __forceinline__ nl_dimer_at block_of(const nl_operator *op, const nl_pool *pool, const nl_job *job,
                                                       int *m, int *n)
{
    nl_dimer_place(blockIdx.x, m, n);
    return nl_dimer_at_of(op, nl_slot_table(op, job->slot),
                          nl_pool_vector(pool, job->slot, job->in[0]), *m, *n);
}

/* ---- the operator ---- */

/* The zeros at both ends of the vector. */
static __device__ void clear_pads(const nl_operator *op, nl_real *out)
{
    const size_t pad = nl_dimer_pad(op->n), end = pad + op->planes * nl_dimer_plane(op->n);
    for (size_t x = threadIdx.x; x < pad; x += THREADS)
        out[x] = out[end + x] = 0;
}

/* blockIdx.x: block (m, n), y: part of it, z: job. */
template <int PLANES, bool UPDATES>
__global__ void __launch_bounds__(THREADS) dimer_kernel(nl_operator op, nl_pool pool, const nl_job *jobs)
{
    const nl_job *job = &jobs[blockIdx.z];
    const int N = op.n, i = blockIdx.y * THREADS + threadIdx.x;
    int m, n;
    if (blockIdx.x == 0 && blockIdx.y == 0)
        clear_pads(&op, nl_pool_vector(&pool, job->slot, job->out));
    if (i >= N * N)
        return;
    const nl_dimer_at b = block_of(&op, &pool, job, &m, &n);
    const int x = i / N, y = i % N;
    nl_real_complex d = {0, 0};
    if (PLANES == 1)
        d.re = m == n ? nl_dimer_plane_point(&b, 1, x, y, 0) : nl_dimer_plane_point(&b, 0, x, y, 0);
    else
        d = m == n ? nl_dimer_point_complex(&b, 1, x, y) : nl_dimer_point_complex(&b, 0, x, y);
    if (i == 0) {
        d.re += nl_dimer_leak(&b, 0);
        if (PLANES > 1)
            d.im += nl_dimer_leak(&b, 1);
    }
    const size_t at = nl_dimer_pad(N) + nl_dimer_block(m, n) * N * N + i;
    nl_cuda_put<UPDATES>(&pool, job, at, d.re);
    if (PLANES > 1)
        nl_cuda_put<UPDATES>(&pool, job, at + b.plane, d.im);
}

template <bool UPDATES>
static void launch_dimer(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 grid((unsigned)nl_dimer_blocks(op->n), (op->n * op->n + THREADS - 1) / THREADS, n_jobs);
    const auto kernel = op->planes == 1 ? dimer_kernel<1, UPDATES> : dimer_kernel<2, UPDATES>;
    NL_LAUNCH(kernel, grid, dim3(THREADS), 0, cuda->stream, *op, *pool, cuda->jobs);
}

nl_status nl_cuda_dimer_apply(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs, bool updates)
{
    (updates ? launch_dimer<true> : launch_dimer<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* ---- moments: the parts on the device, added up on the host ---- */

/* The rows of one block but the distance's. blockIdx.x: block; z: job. */
__global__ void dimer_parts_kernel(nl_operator op, nl_pool pool, const nl_job *jobs, double *parts)
{
    NL_SHARED(double, shared);
    const int N = op.n;
    double sums[NL_DIMER_ROWS] = {0};
    int m, n;
    const nl_dimer_at b = block_of(&op, &pool, &jobs[blockIdx.z], &m, &n);
    for (int i = threadIdx.x; i < N * N; i += THREADS)
        nl_dimer_add_parts(&b, op.planes, m, n, i / N, i % N, sums);
    for (int s = 0; s < NL_DIMER_ROWS; s++) {
        const double sum = nl_cuda_reduce<nl_sum>(sums[s], shared);
        if (threadIdx.x == 0)
            parts[blockIdx.z * nl_dimer_parts_len(N) + s * nl_dimer_blocks(N) + blockIdx.x] = sum;
    }
}

/* S_2. blockIdx.y: plane; z: job. */
__global__ void dimer_reduce_kernel(nl_operator op, nl_pool pool, const nl_job *jobs, double *parts)
{
    const nl_job *job = &jobs[blockIdx.z];
    const int N = op.n, i = blockIdx.x * THREADS + threadIdx.x;
    const size_t size = (size_t)N * N;
    if (i >= N * N)
        return;
    const nl_real *S = nl_pool_vector(&pool, job->slot, job->in[0]) + nl_dimer_pad(N) + blockIdx.y * nl_dimer_plane(N);
    double sum = 0;
    for (int m = 0; m < N && (int)blockIdx.y < op.planes; m++)
        sum += S[nl_dimer_block(m, m) * size + i];
    parts[blockIdx.z * nl_dimer_parts_len(N) + NL_DIMER_ROWS * nl_dimer_blocks(N) + blockIdx.y * size + i] = sum;
}

/* blockIdx.x: block; z: job. */
__global__ void dimer_distance_kernel(nl_operator op, nl_pool pool, const nl_job *jobs, double *all_parts)
{
    NL_SHARED(double, shared);
    const int N = op.n;
    double *parts = all_parts + blockIdx.z * nl_dimer_parts_len(N), sum = 0;
    const double *S2 = parts + NL_DIMER_ROWS * nl_dimer_blocks(N);
    int m, n;
    const nl_dimer_at b = block_of(&op, &pool, &jobs[blockIdx.z], &m, &n);
    const nl_complex S1 = nl_dimer_reduced(parts, N, m, n);
    for (int i = threadIdx.x; i < N * N; i += THREADS)
        sum += nl_dimer_distance_term(&b, op.planes, S1, S2, i);
    sum = nl_cuda_reduce<nl_sum>(sum, shared);
    if (threadIdx.x == 0)
        parts[NL_DIMER_DISTANCE * nl_dimer_blocks(N) + blockIdx.x] = sum;
}

static nl_status launch_parts(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const unsigned blocks = (unsigned)nl_dimer_blocks(op->n), chunks = (op->n * op->n + THREADS - 1) / THREADS;
    NL_LAUNCH(dimer_parts_kernel, dim3(blocks, 1, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool,
              cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    NL_LAUNCH(dimer_reduce_kernel, dim3(chunks, 2, n_jobs), dim3(THREADS), 0, cuda->stream, *op, *pool, cuda->jobs,
              cuda->scratch);
    NL_CUDA(cudaGetLastError());
    NL_LAUNCH(dimer_distance_kernel, dim3(blocks, 1, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool,
              cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

nl_status nl_cuda_dimer_moments(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                double *result)
{
    const size_t len = nl_dimer_parts_len(op->n);
    NL_TRY(nl_cuda_reserve(cuda, n_jobs * len));
    NL_TRY(launch_parts(cuda, op, pool, n_jobs));
    double *parts = (double *)malloc(n_jobs * len * sizeof *parts);
    if (!parts)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB for moments", (double)(n_jobs * len) * 8e-6);
    const nl_status status = cuda->base.ops->download(&cuda->base, parts, cuda->scratch, n_jobs * len * sizeof *parts);
    for (int j = 0; j < n_jobs && status == NL_OK; j++)
        nl_dimer_add_up(parts + j * len, op->n, result + j * nl_dimer_moments_len(op->n));
    free(parts);
    return status;
}

} // namespace
