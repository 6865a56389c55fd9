/* CUDA events, the yardstick of a copy, and caches made cold. */
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

#include "cuda_backend.h"

using namespace nl_cuda; /* both precisions have a stream alike */

struct bench_events {
    nl_cuda_backend *cuda;
    cudaEvent_t from, to;
    char *spoiler, *copy; /* device */
    size_t spoiler_bytes, copy_bytes;
};

static nl_status make(bench_events *e)
{
    NL_CUDA(cudaEventCreate(&e->from));
    NL_CUDA(cudaEventCreate(&e->to));
    e->spoiler_bytes = 3 * (size_t)e->cuda->properties.l2CacheSize + 1;
    NL_CUDA(cudaMalloc(&e->spoiler, e->spoiler_bytes));
    return NL_OK;
}

nl_status bench_events_new(nl_backend *backend, bench_events **out)
{
    bench_events *e = (bench_events *)calloc(1, sizeof *e);
    if (!e)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a clock");
    e->cuda = (nl_cuda_backend *)backend;
    const nl_status status = make(e);
    if (status != NL_OK)
        bench_events_release(e);
    else
        *out = e;
    return status;
}

void bench_events_release(bench_events *e)
{
    if (!e)
        return;
    if (e->from)
        cudaEventDestroy(e->from);
    if (e->to)
        cudaEventDestroy(e->to);
    cudaFree(e->spoiler);
    cudaFree(e->copy);
    free(e);
}

nl_status bench_events_start(bench_events *e)
{
    NL_CUDA(cudaEventRecord(e->from, e->cuda->stream));
    return NL_OK;
}

nl_status bench_events_stop(bench_events *e, double *seconds)
{
    float milliseconds;
    NL_CUDA(cudaEventRecord(e->to, e->cuda->stream));
    NL_CUDA(cudaEventSynchronize(e->to));
    NL_CUDA(cudaEventElapsedTime(&milliseconds, e->from, e->to));
    *seconds = 1e-3 * milliseconds;
    return NL_OK;
}

nl_status bench_events_chill(bench_events *e)
{
    NL_CUDA(cudaMemsetAsync(e->spoiler, 1, e->spoiler_bytes, e->cuda->stream));
    return NL_OK;
}

nl_status bench_events_copy(bench_events *e, size_t bytes)
{
    if (2 * bytes > e->copy_bytes) {
        NL_CUDA(cudaFree(e->copy));
        e->copy = NULL;
        e->copy_bytes = 0;
        NL_CUDA(cudaMalloc(&e->copy, 2 * bytes));
        e->copy_bytes = 2 * bytes;
        NL_CUDA(cudaMemsetAsync(e->copy, 7, 2 * bytes, e->cuda->stream));
    }
    NL_CUDA(cudaMemcpyAsync(e->copy + bytes, e->copy, bytes, cudaMemcpyDeviceToDevice, e->cuda->stream));
    return NL_OK;
}

void bench_events_describe(const bench_events *e, char *text, size_t size)
{
    int driver = 0, runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    snprintf(text, size, "CUDA driver %d.%d, runtime %d.%d, %d multiprocessors, L2 %.1f MB", driver / 1000,
             driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10, e->cuda->properties.multiProcessorCount,
             e->cuda->properties.l2CacheSize / 1e6);
}
