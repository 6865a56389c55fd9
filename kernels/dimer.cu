/* The operator of the exact two-laser master equation and its moments on the device: a block of threads for each part
 * of a block, so that what is common to the block's elements is common to the threads. */
#include <stdlib.h>

#include "cuda_backend.h"
#include "dimer_moments.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { THREADS = NL_CUDA_THREADS };

static __device__ __forceinline__ nl_dimer_at block_of(const nl_operator *op, const nl_pool *pool, const nl_job *job)
{
    return nl_dimer_at_of(op, nl_slot_table(op, job->slot), nl_pool_vector(pool, job->slot, job->in[0]),
                          nl_dimer_label_of(op->n, op->components, blockIdx.x));
}

/* ---- the operator ---- */

/* The zeros at both ends of the vector. */
static __device__ void clear_pads(const nl_operator *op, nl_real *out)
{
    const size_t pad = nl_dimer_pad(op->n), end = pad + op->planes * nl_dimer_plane(op->n, op->components);
    for (size_t x = threadIdx.x; x < pad; x += THREADS)
        out[x] = out[end + x] = 0;
}

template <int COMPONENTS, int PLANES>
static __device__ __forceinline__ nl_real_complex derivative(const nl_dimer_at *b, int mirrored, int x, int y)
{
    nl_real_complex d = {0, 0};
    if (PLANES == 1)
        d.re = nl_dimer_plane_point(b, COMPONENTS, mirrored, x, y, 0);
    else
        d = nl_dimer_point_complex(b, COMPONENTS, mirrored, x, y);
    return d;
}

/* blockIdx.x: block, y: part of it, z: job. */
template <int COMPONENTS, int PLANES, bool UPDATES>
__global__ void __launch_bounds__(THREADS)
    dimer_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    if (nl_cuda_is_idle(job))
        return;
    const int N = op.n, i = blockIdx.y * THREADS + threadIdx.x;
    op.components = COMPONENTS; /* as a constant it leaves the address arithmetic */
    if (blockIdx.x == 0 && blockIdx.y == 0) {
        clear_pads(&op, nl_pool_vector(&pool, job->slot, job->out));
        if (UPDATES && job->keep)
            clear_pads(&op, nl_pool_vector(&pool, job->slot, job->arg));
    }
    if (i >= N * N)
        return;
    const nl_dimer_at b = block_of(&op, &pool, job);
    const int x = i / N, y = i % N;
    nl_real_complex d = b.mirrored ? derivative<COMPONENTS, PLANES>(&b, 1, x, y)
                                   : derivative<COMPONENTS, PLANES>(&b, 0, x, y);
    if (i == 0) {
        d.re += nl_dimer_leak(&b, 0);
        if (PLANES > 1)
            d.im += nl_dimer_leak(&b, 1);
    }
    const size_t at = nl_dimer_pad(N) + (size_t)blockIdx.x * N * N + i;
    nl_cuda_put<UPDATES>(&pool, job, at, d.re);
    if (PLANES > 1)
        nl_cuda_put<UPDATES>(&pool, job, at + b.plane, d.im);
}

template <bool UPDATES>
static void launch_dimer(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const dim3 grid((unsigned)nl_dimer_blocks(op->n, op->components), (op->n * op->n + THREADS - 1) / THREADS, n_jobs);
    const auto kernel = op->components == 1
                            ? op->planes == 1 ? dimer_kernel<1, 1, UPDATES> : dimer_kernel<1, 2, UPDATES>
                            : op->planes == 1 ? dimer_kernel<4, 1, UPDATES> : dimer_kernel<4, 2, UPDATES>;
    NL_LAUNCH(kernel, grid, dim3(THREADS), 0, cuda->stream, *op, *pool, cuda->jobs);
}

nl_status nl_cuda_dimer_apply(nl_cuda_backend * cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                              bool updates)
{
    (updates ? launch_dimer<true> : launch_dimer<false>)(cuda, op, pool, n_jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

/* ---- moments: the parts on the device, added up on the host ---- */

/* The rows of one block but the distance's. blockIdx.x: block; z: job. */
__global__ void dimer_parts_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs,
                                   double *parts)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    const nl_real *table = nl_slot_table(&op, job->slot);
    const int N = op.n;
    double sums[NL_DIMER_ROWS] = {0};
    const nl_dimer_at b = block_of(&op, &pool, job);
    for (int i = threadIdx.x; i < N * N; i += THREADS)
        nl_dimer_add_parts(&b, table, op.planes, i / N, i % N, sums);
    for (int s = 0; s < NL_DIMER_ROWS; s++) {
        const double sum = nl_cuda_reduce<nl_sum>(sums[s], shared);
        if (threadIdx.x == 0)
            parts[blockIdx.z * nl_dimer_parts_len(N, op.components) + s * nl_dimer_blocks(N, op.components) +
                  blockIdx.x] = sum;
    }
}

/* S_2. blockIdx.y: plane and component; z: job. */
__global__ void dimer_reduce_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs,
                                    double *parts)
{
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.z);
    const int N = op.n, Q = op.components, p = blockIdx.y / Q, c = blockIdx.y % Q;
    const int i = blockIdx.x * THREADS + threadIdx.x;
    const size_t size = (size_t)N * N;
    if (i >= N * N)
        return;
    const nl_real *S = nl_pool_vector(&pool, job->slot, job->in[0]) + nl_dimer_pad(N) + p * nl_dimer_plane(N, Q);
    double sum = 0;
    for (int c1 = 0; c1 < Q && p < op.planes; c1 += NL_DIMER_EE)
        for (int m = 0; m < N; m++) {
            const nl_dimer_label at = {c1, c, m, m};
            sum += S[nl_dimer_block(N, Q, at) * size + i];
        }
    parts[blockIdx.z * nl_dimer_parts_len(N, Q) + NL_DIMER_ROWS * nl_dimer_blocks(N, Q) + blockIdx.y * size + i] = sum;
}

/* blockIdx.x: block; z: job. */
__global__ void dimer_distance_kernel(nl_operator op, nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs,
                                      double *all_parts)
{
    NL_SHARED(double, shared);
    const int N = op.n, Q = op.components;
    double *parts = all_parts + blockIdx.z * nl_dimer_parts_len(N, Q), sum = 0;
    const double *S2 = parts + NL_DIMER_ROWS * nl_dimer_blocks(N, Q);
    const nl_dimer_at b = block_of(&op, &pool, nl_cuda_job(&jobs, blockIdx.z));
    const nl_complex S1 = nl_dimer_reduced(parts, N, Q, b.at);
    for (int i = threadIdx.x; i < N * N; i += THREADS)
        sum += nl_dimer_distance_term(&b, Q, op.planes, S1, S2, i);
    sum = nl_cuda_reduce<nl_sum>(sum, shared);
    if (threadIdx.x == 0)
        parts[NL_DIMER_DISTANCE * nl_dimer_blocks(N, Q) + blockIdx.x] = sum;
}

static nl_status launch_parts(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs)
{
    const unsigned blocks = (unsigned)nl_dimer_blocks(op->n, op->components);
    const unsigned chunks = (op->n * op->n + THREADS - 1) / THREADS;
    NL_LAUNCH(dimer_parts_kernel, dim3(blocks, 1, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool,
              cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    NL_LAUNCH(dimer_reduce_kernel, dim3(chunks, 2 * op->components, n_jobs), dim3(THREADS), 0, cuda->stream, *op, *pool,
              cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    NL_LAUNCH(dimer_distance_kernel, dim3(blocks, 1, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *op, *pool,
              cuda->jobs, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

nl_status nl_cuda_dimer_moments(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                double *result)
{
    const int N = op->n, components = op->components;
    const size_t len = nl_dimer_parts_len(N, components);
    NL_TRY(nl_cuda_reserve(cuda, n_jobs * len));
    NL_TRY(launch_parts(cuda, op, pool, n_jobs));
    double *parts = (double *)malloc(n_jobs * len * sizeof *parts);
    if (!parts)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB for moments", (double)(n_jobs * len) * 8e-6);
    const nl_status status = cuda->base.ops->download(&cuda->base, parts, cuda->scratch, n_jobs * len * sizeof *parts);
    for (int j = 0; j < n_jobs && status == NL_OK; j++)
        nl_dimer_add_up(parts + j * len, N, components, result + j * nl_dimer_moments_len(N, components));
    free(parts);
    return status;
}

} // namespace
