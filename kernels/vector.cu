/* Linear combinations and reductions over batches of vectors. */
#include <math.h>

#include <vector>

#include "cuda_backend.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { THREADS = NL_CUDA_THREADS, CHUNK = NL_CUDA_CHUNK };

__global__ void combine_kernel(nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs)
{
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    if (nl_cuda_is_idle(job))
        return;
    nl_real *out = nl_pool_vector(&pool, job->slot, job->out);
    for (size_t x = (size_t)blockIdx.x * blockDim.x + threadIdx.x; x < pool.size; x += (size_t)gridDim.x * blockDim.x)
        out[x] = nl_cuda_combination(&pool, job, x);
}

__global__ void error_kernel(nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, nl_real rtol, nl_real atol,
                             double *partial)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    const nl_real *y = nl_pool_vector(&pool, job->slot, job->y);
    const nl_real *y_new = nl_pool_vector(&pool, job->slot, job->y_new);
    double sum = 0;
    for (int m = threadIdx.x; m < CHUNK; m += THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= pool.size)
            break;
        sum += nl_scaled_error_squared(nl_cuda_combination(&pool, job, x), y[x], y_new[x], rtol, atol);
    }
    sum = nl_cuda_reduce<nl_sum>(sum, shared);
    if (threadIdx.x == 0)
        partial[(size_t)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

__global__ void sums_kernel(nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, double *partial)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    const nl_real *v = nl_pool_vector(&pool, job->slot, job->in[0]);
    double sum = 0, magnitude = 0;
    for (int m = threadIdx.x; m < CHUNK; m += THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= pool.size)
            break;
        sum += v[x];
        magnitude += fabs(v[x]);
    }
    sum = nl_cuda_reduce<nl_sum>(sum, shared);
    magnitude = nl_cuda_reduce<nl_sum>(magnitude, shared);
    if (threadIdx.x == 0) {
        const size_t row = (size_t)blockIdx.y * 2 * gridDim.x;
        partial[row + blockIdx.x] = sum;
        partial[row + gridDim.x + blockIdx.x] = magnitude;
    }
}

__global__ void dot_kernel(nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, double *partial)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    const nl_real *v = nl_pool_vector(&pool, job->slot, job->in[0]), *w = nl_pool_vector(&pool, job->slot, job->in[1]);
    double sum = 0;
    for (int m = threadIdx.x; m < CHUNK; m += THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= pool.size)
            break;
        sum += (double)v[x] * w[x];
    }
    sum = nl_cuda_reduce<nl_sum>(sum, shared);
    if (threadIdx.x == 0)
        partial[(size_t)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

__global__ void largest_kernel(nl_pool pool, const __grid_constant__ nl_cuda_jobs jobs, double *partial)
{
    NL_SHARED(double, shared);
    const nl_job *job = nl_cuda_job(&jobs, blockIdx.y);
    const nl_real *v = nl_pool_vector(&pool, job->slot, job->in[0]);
    double largest = 0;
    for (int m = threadIdx.x; m < CHUNK; m += THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= pool.size)
            break;
        largest = nl_max::of(largest, fabs(v[x]));
    }
    largest = nl_cuda_reduce<nl_max>(largest, shared);
    if (threadIdx.x == 0)
        partial[(size_t)blockIdx.y * gridDim.x + blockIdx.x] = largest;
}

/* result[row] = what a row of partial results comes to; one block a row. */
template <class Reduction> __global__ void finish_kernel(const double *partial, int columns, double *result)
{
    NL_SHARED(double, shared);
    double all = 0;
    for (int c = threadIdx.x; c < columns; c += THREADS)
        all = Reduction::of(all, partial[(size_t)blockIdx.x * columns + c]);
    all = nl_cuda_reduce<Reduction>(all, shared);
    if (threadIdx.x == 0)
        result[blockIdx.x] = all;
}

/* ---- to and from the host ---- */

static const size_t CONVERTED = 1 << 20; /* numbers at a time */

nl_status nl_cuda_put(nl_backend *backend, void *array, size_t first, const double *host, size_t count)
{
    if (sizeof(nl_real) == sizeof *host)
        return backend->ops->upload(backend, (nl_real *)array + first, host, count * sizeof *host);
    std::vector<nl_real> some(count < CONVERTED ? count : CONVERTED);
    for (size_t at = 0; at < count; at += some.size()) {
        const size_t n = count - at < some.size() ? count - at : some.size();
        for (size_t x = 0; x < n; x++)
            some[x] = (nl_real)host[at + x];
        NL_TRY(backend->ops->upload(backend, (nl_real *)array + first + at, some.data(), n * sizeof(nl_real)));
    }
    return NL_OK;
}

nl_status nl_cuda_get(nl_backend *backend, double *host, const void *array, size_t first, size_t count)
{
    if (sizeof(nl_real) == sizeof *host)
        return backend->ops->download(backend, host, (const nl_real *)array + first, count * sizeof *host);
    std::vector<nl_real> some(count < CONVERTED ? count : CONVERTED);
    for (size_t at = 0; at < count; at += some.size()) {
        const size_t n = count - at < some.size() ? count - at : some.size();
        NL_TRY(backend->ops->download(backend, some.data(), (const nl_real *)array + first + at, n * sizeof(nl_real)));
        for (size_t x = 0; x < n; x++)
            host[at + x] = some[x];
    }
    return NL_OK;
}

/* ---- operations ---- */

nl_status nl_cuda_launch_combine(nl_cuda_backend *cuda, const nl_pool *pool, int n_jobs)
{
    const size_t blocks = (pool->size + THREADS - 1) / THREADS;
    const dim3 grid(blocks < 65536 ? (unsigned)blocks : 65536u, n_jobs);
    NL_LAUNCH(combine_kernel, grid, dim3(THREADS), 0, cuda->stream, *pool, cuda->jobs);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

nl_status nl_cuda_combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    return nl_cuda_launch_combine(cuda, pool, n_jobs);
}

static unsigned chunk_count(const nl_pool *pool)
{
    return (unsigned)((pool->size + CHUNK - 1) / CHUNK);
}

/* Before a reduction to `width` sums a job: jobs on the device, room for partial sums and sums. */
static nl_status prepare(nl_cuda_backend *cuda, const nl_pool *pool, const nl_job *jobs, int n_jobs, int width)
{
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    return nl_cuda_reserve(cuda, (size_t)width * n_jobs * (chunk_count(pool) + 1));
}

/* From `rows` rows of partial results at the start of scratch to one result each, on the host. */
template <class Reduction>
static nl_status finish(nl_cuda_backend *cuda, size_t rows, unsigned columns, double *result)
{
    double *all = cuda->scratch + rows * columns;
    NL_LAUNCH(finish_kernel<Reduction>, dim3((unsigned)rows), dim3(THREADS), NL_CUDA_SHARED, cuda->stream,
              cuda->scratch, (int)columns, all);
    NL_CUDA(cudaGetLastError());
    return cuda->base.ops->download(&cuda->base, result, all, rows * sizeof *result);
}

nl_status nl_cuda_finish_sums(nl_cuda_backend *cuda, size_t rows, unsigned columns, double *result)
{
    return finish<nl_sum>(cuda, rows, columns, result);
}

nl_status nl_cuda_error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
                        double atol, double *result)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const unsigned columns = chunk_count(pool);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, jobs, n_jobs, 1));
    NL_LAUNCH(error_kernel, dim3(columns, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *pool, cuda->jobs, rtol,
              atol, cuda->scratch);
    NL_CUDA(cudaGetLastError());
    NL_TRY(finish<nl_sum>(cuda, n_jobs, columns, result));
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(result[j] / (double)pool->size);
    return NL_OK;
}

nl_status nl_cuda_sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const unsigned columns = chunk_count(pool);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, jobs, n_jobs, 2));
    NL_LAUNCH(sums_kernel, dim3(columns, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *pool, cuda->jobs,
              cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return finish<nl_sum>(cuda, 2 * n_jobs, columns, result);
}

nl_status nl_cuda_largest(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const unsigned columns = chunk_count(pool);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, jobs, n_jobs, 1));
    NL_LAUNCH(largest_kernel, dim3(columns, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *pool, cuda->jobs,
              cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return finish<nl_max>(cuda, n_jobs, columns, result);
}

nl_status nl_cuda_dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    const unsigned columns = chunk_count(pool);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(prepare(cuda, pool, jobs, n_jobs, 1));
    NL_LAUNCH(dot_kernel, dim3(columns, n_jobs), dim3(THREADS), NL_CUDA_SHARED, cuda->stream, *pool, cuda->jobs,
              cuda->scratch);
    NL_CUDA(cudaGetLastError());
    return finish<nl_sum>(cuda, n_jobs, columns, result);
}

} // namespace
