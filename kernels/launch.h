/* Kernel launches and CUDA errors, for nvcc and for the CPU stand-in that the tests compile the same sources with. */
#ifndef NL_LAUNCH_H
#define NL_LAUNCH_H

#ifdef NL_CUDA_ON_CPU
#include "cuda_on_cpu.h"
#define NL_LAUNCH(kernel, grid, block, shared, stream, ...)                                                            \
    cuda_on_cpu::launch_kernel((grid), (block), (shared), (stream), kernel, __VA_ARGS__)
#define NL_SHARED(type, name) type *name = (type *)cuda_on_cpu::shared()
#else
#include <cuda_runtime.h>
#define NL_LAUNCH(kernel, grid, block, shared, stream, ...)                                                            \
    kernel<<<(grid), (block), (shared), (stream)>>>(__VA_ARGS__)
#define NL_SHARED(type, name)                                                                                          \
    extern __shared__ __align__(16) unsigned char nl_shared_memory[];                                                  \
    type *name = (type *)nl_shared_memory
#endif

#include "nanolase/error.h"

/* Maps a CUDA error to a status, with the call and CUDA's own words. */
#define NL_CUDA(call)                                                                                                  \
    do {                                                                                                               \
        const cudaError_t nl_cuda_error = (call);                                                                      \
        if (nl_cuda_error != cudaSuccess)                                                                              \
            return nl_fail(nl_cuda_error == cudaErrorMemoryAllocation ? NL_ERR_MEMORY : NL_ERR_CUDA, "%s: %s", #call,  \
                           cudaGetErrorString(nl_cuda_error));                                                         \
    } while (0)

#endif
