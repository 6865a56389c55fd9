/* The CUDA backend: device, memory, jobs. The operations are in vector.cu, dense.cu, phase.cu, phase_step.cu,
 * phase_chebyshev.cu, pair_step.cu, step_queue.cu, lindblad.cu, dimer.cu, amplitude.cu and transfer.cu. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_backend.h"

namespace NL_OF_PRECISION(nl_cuda) {

static nl_status cuda_alloc(nl_backend *backend, size_t bytes, void **out)
{
    (void)backend;
    *out = NULL;
    const cudaError_t error = cudaMalloc(out, bytes ? bytes : 1);
    if (error == cudaSuccess)
        return NL_OK;
    cudaGetLastError(); /* clears it: the caller may go on with less */
    return nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB on the device: %s", bytes / 1e6, cudaGetErrorString(error));
}

static void cuda_free(nl_backend *backend, void *p)
{
    (void)backend;
    cudaFree(p);
}

static nl_status cuda_upload(nl_backend *backend, void *to, const void *host, size_t bytes)
{
    NL_CUDA(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, nl_cuda_of(backend)->stream));
    NL_CUDA(cudaStreamSynchronize(nl_cuda_of(backend)->stream));
    return NL_OK;
}

static nl_status cuda_download(nl_backend *backend, void *host, const void *from, size_t bytes)
{
    NL_CUDA(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, nl_cuda_of(backend)->stream));
    NL_CUDA(cudaStreamSynchronize(nl_cuda_of(backend)->stream));
    return NL_OK;
}

static nl_status cuda_available(nl_backend *backend, size_t *bytes)
{
    (void)backend;
    size_t total;
    NL_CUDA(cudaMemGetInfo(bytes, &total));
    return NL_OK;
}

/* Enough members in flight to fill the device and hide the latency of launches, well inside its memory. */
static size_t cuda_preferred_bytes(nl_backend *backend)
{
    return nl_cuda_of(backend)->properties.totalGlobalMem / 4;
}

static void cuda_close(nl_backend *backend)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    cudaFree(cuda->scratch);
    cudaFree(cuda->sent[0].data);
    cudaFree(cuda->sent[1].data);
    nl_cuda_dense_close(cuda);
    nl_cuda_steps_close(cuda);
    cudaStreamDestroy(cuda->stream);
    free(cuda);
}

nl_status nl_cuda_send(nl_cuda_backend *cuda, nl_cuda_buffer *buffer, const void *host, size_t bytes)
{
    if (bytes > buffer->bytes) {
        NL_CUDA(cudaFree(buffer->data));
        *buffer = (nl_cuda_buffer){NULL, 0};
        NL_CUDA(cudaMalloc(&buffer->data, bytes));
        buffer->bytes = bytes;
    }
    /* From pageable memory: the copy has left `host` when the call returns. */
    NL_CUDA(cudaMemcpyAsync(buffer->data, host, bytes, cudaMemcpyHostToDevice, cuda->stream));
    return NL_OK;
}

nl_status nl_cuda_send_jobs(nl_cuda_backend *cuda, const nl_job *jobs, int n_jobs)
{
    cuda->jobs.many = NULL;
    if (n_jobs <= NL_CUDA_FEW_JOBS) {
        memcpy(cuda->jobs.few, jobs, n_jobs * sizeof *jobs);
        return NL_OK;
    }
    NL_TRY(nl_cuda_send(cuda, &cuda->sent[0], jobs, n_jobs * sizeof *jobs));
    cuda->jobs.many = (const nl_job *)cuda->sent[0].data;
    return NL_OK;
}

nl_status nl_cuda_reserve(nl_cuda_backend *cuda, size_t len)
{
    if (len <= cuda->scratch_len)
        return NL_OK;
    NL_CUDA(cudaFree(cuda->scratch));
    cuda->scratch = NULL;
    cuda->scratch_len = 0;
    NL_CUDA(cudaMalloc((void **)&cuda->scratch, len * sizeof *cuda->scratch));
    cuda->scratch_len = len;
    return NL_OK;
}

/* ---- operations that depend on the operator ---- */

nl_status nl_cuda_launch_operator(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, int n_jobs,
                                  bool updates)
{
    if (op->kind == NL_OPERATOR_DIMER)
        return nl_cuda_dimer_apply(cuda, op, pool, n_jobs, updates);
    if (op->kind == NL_OPERATOR_AMPLITUDE)
        return nl_cuda_amplitude_apply(cuda, op, pool, n_jobs, updates);
    return op->kind == NL_OPERATOR_LINDBLAD ? nl_cuda_lindblad_apply(cuda, op, pool, n_jobs, updates)
                                            : nl_cuda_phase_apply(cuda, op, pool, n_jobs, updates);
}

static nl_status apply_or_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                                 int n_jobs, bool updates)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    return nl_cuda_launch_operator(cuda, op, pool, n_jobs, updates);
}

static nl_status cuda_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                            int n_jobs)
{
    return apply_or_update(backend, op, pool, jobs, n_jobs, false);
}

static nl_status cuda_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                             int n_jobs)
{
    return apply_or_update(backend, op, pool, jobs, n_jobs, true);
}

/* Tiles of the phase operator: order 2, two sites, all rows. What they pay, README.md tells. */
static bool goes_by_tiles(const nl_operator *op)
{
    return op->kind == NL_OPERATOR_PHASE && op->sites == 2 && op->half_width == 1 && op->rows == 0;
}

static nl_status cuda_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                            int n_jobs)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (!goes_by_tiles(op))
        return nl_backend_combine_then_apply(backend, op, pool, jobs, n_jobs);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    return nl_cuda_phase_stage(cuda, op, pool, n_jobs);
}

static nl_status cuda_chebyshev(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                                const struct nl_chebyshev_step *steps, int n_steps)
{
    if (n_steps == 0)
        return NL_OK;
    if (goes_by_tiles(op))
        return nl_cuda_phase_chebyshev(nl_cuda_of(backend), op, pool, steps, n_steps);
    if (op->kind == NL_OPERATOR_LINDBLAD && nl_cuda_lindblad_steps_fit(op, pool))
        return nl_cuda_lindblad_chebyshev(nl_cuda_of(backend), op, pool, steps, n_steps);
    return nl_backend_chebyshev_by_stages(backend, op, pool, steps, n_steps);
}

static nl_status cuda_advance(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                              const struct nl_tableau *tableau, struct nl_course *courses, int n_courses, double rtol,
                              double atol)
{
    const bool by_tiles = op->kind == NL_OPERATOR_PHASE && op->sites == 2;
    const bool in_blocks = op->kind == NL_OPERATOR_LINDBLAD && nl_cuda_lindblad_steps_fit(op, pool);
    return (by_tiles    ? nl_cuda_phase_advance
            : in_blocks ? nl_cuda_lindblad_advance
                        : nl_cuda_pair_advance)(nl_cuda_of(backend), op, pool, tableau, courses, n_courses, rtol, atol);
}

static nl_status cuda_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                              int n_jobs, double *result)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cuda_send_jobs(cuda, jobs, n_jobs));
    if (op->kind == NL_OPERATOR_DIMER)
        return nl_cuda_dimer_moments(cuda, op, pool, n_jobs, result);
    if (op->kind == NL_OPERATOR_AMPLITUDE)
        return nl_cuda_amplitude_moments(cuda, op, pool, n_jobs, result);
    return op->kind == NL_OPERATOR_LINDBLAD ? nl_cuda_lindblad_moments(cuda, op, pool, n_jobs, result)
                                            : nl_cuda_phase_moments(cuda, op, pool, jobs, n_jobs, result);
}

/* ---- opening ---- */

static const nl_backend_ops cuda_ops = {
    /* name */ "cuda",
    sizeof(nl_real),
    cuda_close,
    cuda_available,
    cuda_preferred_bytes,
    /* share */ NULL,
    cuda_alloc,
    cuda_free,
    cuda_upload,
    cuda_download,
    nl_cuda_put,
    nl_cuda_get,
    nl_cuda_combine,
    cuda_apply,
    cuda_stage,
    cuda_update,
    nl_cuda_error,
    nl_cuda_sums,
    nl_cuda_largest,
    nl_cuda_dot,
    nl_cuda_project,
    nl_cuda_expand,
    nl_cuda_rotate,
    cuda_moments,
    nl_cuda_transfer,
    /* held, put_vector, get_vector */ NULL,
    NULL,
    NULL,
    cuda_advance,
    cuda_chebyshev,
};

static nl_status open_cuda(int device, nl_backend **out)
{
    int devices = 0;
    const cudaError_t error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess || devices == 0) {
        cudaGetLastError();
        return nl_fail(NL_ERR_NO_CUDA, "no CUDA device (%s); use -b cpu",
                       error != cudaSuccess ? cudaGetErrorString(error) : "none found");
    }
    nl_cuda_backend *cuda = (nl_cuda_backend *)calloc(1, sizeof *cuda);
    if (!cuda)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the CUDA backend");
    device %= devices;
    cudaError_t failed = cudaSetDevice(device);
    if (failed == cudaSuccess)
        failed = cudaGetDeviceProperties(&cuda->properties, device);
    if (failed == cudaSuccess)
        failed = cudaStreamCreate(&cuda->stream);
    if (failed != cudaSuccess) {
        free(cuda);
        return nl_fail(NL_ERR_CUDA, "cannot use CUDA device %d: %s", device, cudaGetErrorString(failed));
    }
    cuda->base.ops = &cuda_ops;
    snprintf(cuda->base.device, sizeof cuda->base.device, "%.80s (sm_%d%d, %.0f GiB)", cuda->properties.name,
             cuda->properties.major, cuda->properties.minor, cuda->properties.totalGlobalMem / 1073741824.0);
    *out = &cuda->base;
    return NL_OK;
}

} // namespace

nl_status NL_OF_PRECISION(nl_backend_open_cuda)(int device, nl_backend **out)
{
    return NL_OF_PRECISION(nl_cuda)::open_cuda(device, out);
}

#ifndef NL_FLOAT
const char *nl_backend_cuda_build(void)
{
    return "yes";
}
#endif
