/* Runs CUDA sources on the CPU, for tests on machines without a GPU. Compile a .cu file as C++17 with this header in
 * place of cuda_runtime.h:
 *
 *     g++ -std=c++17 -x c++ -DNL_CUDA_ON_CPU -Itests -Ikernels -Iinclude file.cu
 *
 * It is made to find mistakes. One block runs at a time; each of its threads runs until it ends or has to wait, in an
 * order that changes from block to block, so that what a barrier should have ordered comes out wrong without it. Fresh
 * memory, shared or allocated, is NaN. Barriers that not all threads reach are reported with their lines. Under
 * AddressSanitizer, kernels cannot leave their memory and the host cannot touch the head of any device memory.
 *
 * As in CUDA, threads that have ended count neither for __syncthreads() nor for the operations of a warp. Stricter than
 * CUDA: that threads of one block meet in __syncthreads() of different lines of the source is an error.
 *
 * Not seen: a missing atomic (no thread is ever interrupted), a missing synchronisation with the host (every stream
 * works at once), a kernel that reads host memory. Only one host thread may use it. A kernel must neither throw nor
 * longjmp out: no cmocka assertion inside a kernel. */
#ifndef NL_CUDA_ON_CPU_H
#define NL_CUDA_ON_CPU_H

#include "cuda_on_cpu_block.h"

#define CUDA_ON_CPU_ERRORS(X)                                                                                          \
    X(cudaSuccess, 0, "no error")                                                                                      \
    X(cudaErrorInvalidValue, 1, "invalid argument")                                                                    \
    X(cudaErrorMemoryAllocation, 2, "out of memory")                                                                   \
    X(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")                                              \
    X(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                                                    \
    X(cudaErrorInvalidDevice, 101, "invalid device ordinal")                                                           \
    X(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")                                                  \
    X(cudaErrorNotReady, 600, "device not ready")                                                                      \
    X(cudaErrorLaunchFailure, 719, "unspecified launch failure")                                                       \
    X(cudaErrorStreamCaptureUnsupported, 900, "operation not permitted when stream is capturing")                      \
    X(cudaErrorStreamCaptureInvalidated, 901, "operation failed due to a previous error during capture")               \
    X(cudaErrorStreamCaptureImplicit, 906,                                                                             \
      "operation would make the legacy stream depend on a capturing blocking stream")

#define CUDA_ON_CPU_ENUMERATOR(name, value, text) name = value,
enum cudaError_t { CUDA_ON_CPU_ERRORS(CUDA_ON_CPU_ENUMERATOR) };
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2 };
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2, cudaHostAllocWriteCombined = 4 };

using cudaStream_t = struct cuda_on_cpu_stream {
    bool blocking; /* with the default stream */
} *;
using cudaEvent_t = struct cuda_on_cpu_event {
    bool timed, recorded;
    std::chrono::steady_clock::time_point time;
} *;
using cudaGraph_t = struct cuda_on_cpu_graph {
    std::vector<std::function<cudaError_t()>> work;
} *;
using cudaGraphExec_t = cudaGraph_t;

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor, totalConstMem;
    int major, minor, multiProcessorCount, warpSize, maxThreadsPerBlock, maxThreadsPerMultiProcessor;
    int maxThreadsDim[3], maxGridSize[3], regsPerBlock, l2CacheSize, memoryBusWidth;
};

namespace cuda_on_cpu {

/* ---- Device memory, launches, graphs ---- */

struct Counters { /* what the device has done; a test may reset it: counters() = {} */
    unsigned long long launches, uploads, downloads;
};

struct Allocation {
    uintptr_t end;
    bool device; /* or pinned host memory */
};

constexpr size_t shared_default = 48 * 1024, shared_most = 227 * 1024;
inline int device_count = 1;                   /* for tests to choose, as is the next */
inline size_t device_bytes = size_t(1) << 30;
inline size_t shared_granted = shared_default; /* the most that cudaFuncSetAttribute gave to any kernel */
inline Counters counted = {};
inline cudaError_t last_error = cudaSuccess;
inline std::map<uintptr_t, Allocation> allocations; /* by address */
inline long allocations_to_go = -1;
inline cudaStream_t capturing = nullptr; /* CUDA would let several capture at a time */
inline bool capture_spoilt = false;
inline cuda_on_cpu_graph captured;

inline Counters &counters() { return counted; }

/* Of device and of pinned memory. */
inline size_t live_allocations() { return allocations.size(); }

/* n allocations succeed, of device or of pinned memory, and the one after them fails (0: the next one; then no more).
 * Negative: none fails. */
inline void fail_allocation_after(long n) { allocations_to_go = n; }

/* Every function of the runtime leaves its error behind. */
inline cudaError_t note(cudaError_t error)
{
    last_error = error != cudaSuccess ? error : last_error;
    return error;
}

/* While none of these lives, the host may not touch device memory (its head: all of it would take long). */
struct OpenDevice {
    OpenDevice() { set(true); }
    ~OpenDevice() { set(false); }
    static void set([[maybe_unused]] bool open)
    {
#ifdef __SANITIZE_ADDRESS__
        for (const auto &[begin, a] : allocations)
            if (const size_t head = std::min<size_t>(a.end - begin, 4096); a.device && open)
                __asan_unpoison_memory_region((void *)begin, head);
            else if (a.device)
                __asan_poison_memory_region((void *)begin, head);
#endif
    }
};

/* Work that the host waits for. It is forbidden while a stream captures, and spoils the capture. */
template <class Work> cudaError_t now(Work work)
{
    capture_spoilt |= capturing != nullptr;
    return note(capturing ? cudaErrorStreamCaptureUnsupported : work());
}

/* Work for a stream: done at once, or recorded if the stream captures. */
template <class Work> cudaError_t submit(cudaStream_t stream, Work work)
{
    if (capturing && stream == capturing) {
        captured.work.push_back(work);
        return cudaSuccess;
    }
    const bool implicit = capturing && !stream && capturing->blocking;
    capture_spoilt |= implicit;
    return note(implicit ? cudaErrorStreamCaptureImplicit : work());
}

inline cudaError_t run(dim3 grid, dim3 threads, size_t shared_bytes, const std::function<void()> &kernel)
{
    static unsigned launches = 0;
    const unsigned hash = ++launches * 2654435769u; /* orders without a rhythm that launches could fall in with */
    if (running != &host)
        die("a launch inside a kernel, or after a longjmp out of one");
    const OpenDevice open;
    gridDim = grid;
    blockDim = threads;
    block.kernel = &kernel;
    block.blocks = (unsigned long long)grid.x * grid.y * grid.z;
    block.next = 0;
    block.blocks_descend = hash >> 31;
    block.threads_descend = hash >> 30 & 1;
    block.threads = block.started = (int)(threads.x * threads.y * threads.z);
    /* Anew for each launch, so that AddressSanitizer knows its end. */
    const std::unique_ptr<char[]> memory(new char[shared_bytes]);
    block.shared = memory.get();
    block.shared_bytes = shared_bytes;
    counted.launches++;
    switch_to(idle_fibre());
    return cudaSuccess;
}

/* kernel: anything that can be called without arguments, once for each thread. */
inline void launch(dim3 grid, dim3 threads, size_t shared_bytes, cudaStream_t stream, std::function<void()> kernel)
{
    const bool threads_fit = threads.x <= 1024 && threads.y <= 1024 && threads.z <= 64 &&
                             threads.x * threads.y * threads.z - 1 < 1024; /* 0 wraps around */
    const bool grid_fits = grid.x - 1 < 0x7fffffff && grid.y - 1 < 65535 && grid.z - 1 < 65535;
    if (!threads_fit || !grid_fits)
        note(cudaErrorInvalidConfiguration);
    else if (shared_bytes > shared_granted)
        note(cudaErrorInvalidValue);
    else
        submit(stream, [=] { return run(grid, threads, shared_bytes, kernel); });
}

/* As <<<>>>: the arguments are converted and copied once, at the launch, also where a graph records it. */
template <class... P>
void launch_kernel(dim3 grid, dim3 threads, size_t shared_bytes, cudaStream_t stream, void (*kernel)(P...),
                   std::common_type_t<P>... arguments)
{
    launch(grid, threads, shared_bytes, stream,
           [kernel, all = std::tuple<P...>(arguments...)] { std::apply(kernel, all); });
}

inline size_t device_bytes_left()
{
    size_t left = device_bytes;
    for (const auto &[begin, a] : allocations)
        left -= a.device ? std::min(left, a.end - begin) : 0;
    return left;
}

inline cudaError_t allocate(void **p, size_t bytes, bool device)
{
    *p = nullptr;
    if (bytes == 0)
        return cudaSuccess;
    const bool fails = allocations_to_go == 0;
    allocations_to_go -= allocations_to_go >= 0;
    if (fails || (device && bytes > device_bytes_left()) || posix_memalign(p, 256, bytes))
        return cudaErrorMemoryAllocation;
    memset(*p, 0xff, bytes);
    allocations[(uintptr_t)*p] = {(uintptr_t)*p + bytes, device};
    OpenDevice::set(false);
    return cudaSuccess;
}

inline cudaError_t release(void *p, bool device)
{
    const auto a = allocations.find((uintptr_t)p);
    if (!p)
        return cudaSuccess;
    if (a == allocations.end() || a->second.device != device)
        return cudaErrorInvalidValue;
    OpenDevice::set(true);
    free(p);
    allocations.erase(a);
    OpenDevice::set(false);
    return cudaSuccess;
}

/* The live allocation that p lies in, or NULL. */
inline const Allocation *allocation_of(const void *p)
{
    auto a = allocations.upper_bound((uintptr_t)p);
    return a != allocations.begin() && (uintptr_t)p < (--a)->second.end ? &a->second : nullptr;
}

/* Whether so many bytes from p on are where they should be: in one live allocation of the device, or on the host. */
inline bool lies(const void *p, size_t bytes, bool device)
{
    const Allocation *a = allocation_of(p);
    return a ? a->device == device && bytes <= a->end - (uintptr_t)p : p && !device;
}

inline cudaError_t copy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    const bool inferred = kind == cudaMemcpyDefault; /* the other kinds have one bit for each side */
    const bool to_device = inferred ? lies(to, 1, true) : kind & 1;
    const bool from_device = inferred ? lies(from, 1, true) : kind & 2;
    if (bytes == 0)
        return cudaSuccess;
    if (!lies(to, bytes, to_device) || !lies(from, bytes, from_device))
        return cudaErrorInvalidValue;
    const OpenDevice open;
    memmove(to, from, bytes);
    counted.uploads += to_device && !from_device;
    counted.downloads += from_device && !to_device;
    return cudaSuccess;
}

inline cudaError_t fill(void *p, int byte, size_t bytes)
{
    if (bytes != 0 && !lies(p, bytes, true))
        return cudaErrorInvalidValue;
    const OpenDevice open;
    memset(p, byte, bytes);
    return cudaSuccess;
}

/* Same<T> is not deduced: atomicAdd(p, 1) is to work for every p, as it does in CUDA. */
template <class T> using Same = std::common_type_t<T>;

template <class T> T exchange(T *p, Same<T> value)
{
    static_assert(std::is_arithmetic_v<T> && sizeof(T) >= 4, "CUDA has no such atomic");
    return std::exchange(*p, value);
}

template <class T> T integer(T value)
{
    static_assert(std::is_integral_v<T>, "CUDA has this atomic for integers only");
    return value;
}

inline cudaError_t check_device(int device)
{
    return note(device >= 0 && device < device_count ? cudaSuccess : cudaErrorInvalidDevice);
}

template <class Object> cudaError_t destroy(Object *object)
{
    delete object;
    return note(object ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

/* All that follows is made visible without a prefix. */
namespace api {

/* clang-format off */

/* ---- What kernels call ---- */

inline void __syncthreads(Where at = here()) { wait("__syncthreads", at); }
inline void __syncwarp(unsigned mask = ~0u, Where at = here()) { wait_in_warp("__syncwarp", at, mask, -1, 0); }
inline void __threadfence() {}
inline void __threadfence_block() {}

inline unsigned __ballot_sync(unsigned mask, int predicate, Where at = here())
{
    return (unsigned)wait_in_warp("__ballot_sync", at, mask, -1, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate, Where at = here())
{
    return wait_in_warp("__any_sync", at, mask, -1, predicate != 0) != 0;
}
inline int __all_sync(unsigned mask, int predicate, Where at = here())
{
    return wait_in_warp("__all_sync", at, mask, -1, predicate == 0) == 0;
}

/* A lane whose source is outside its segment of `width` lanes gets its own value (xor: only where it is above it). */
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = 32, Where at = here())
{
    return shuffle("__shfl_sync", at, mask, value, segment(width, at) + (source & (width - 1)));
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, Where at = here())
{
    const int lane = thread % 32, first = segment(width, at), source = lane - (int)std::min(delta, 32u);
    return shuffle("__shfl_up_sync", at, mask, value, source >= first ? source : lane);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, Where at = here())
{
    const int lane = thread % 32, end = segment(width, at) + width, source = lane + (int)std::min(delta, 32u);
    return shuffle("__shfl_down_sync", at, mask, value, source < end ? source : lane);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, Where at = here())
{
    const int lane = thread % 32, end = segment(width, at) + width, source = lane ^ (bits & 31);
    return shuffle("__shfl_xor_sync", at, mask, value, source < end ? source : lane);
}

template <class T> T atomicExch(T *p, Same<T> value) { return exchange(p, value); }
template <class T> T atomicAdd(T *p, Same<T> value) { return exchange(p, *p + value); }
template <class T> T atomicMax(T *p, Same<T> value) { return exchange(p, std::max(integer(*p), value)); }
template <class T> T atomicMin(T *p, Same<T> value) { return exchange(p, std::min(integer(*p), value)); }
template <class T> T atomicCAS(T *p, Same<T> expected, Same<T> value)
{
    return exchange(p, integer(*p) == expected ? value : *p);
}

using std::max;
using std::min;
template <class T> T __ldg(const T *p) { return *p; }
template <class T> T __ldcg(const T *p) { return *p; }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
#if !__GLIBC_PREREQ(2, 42) /* which has it */
inline double rsqrt(double x) { return 1 / sqrt(x); }
#endif

/* ---- What the host calls: errors, the device ---- */

inline const char *cudaGetErrorName(cudaError_t error)
{
#define CUDA_ON_CPU_NAME(name, value, text) case name: return #name;
    switch (error) { CUDA_ON_CPU_ERRORS(CUDA_ON_CPU_NAME) }
    return "unrecognized error code";
}
inline const char *cudaGetErrorString(cudaError_t error)
{
#define CUDA_ON_CPU_TEXT(name, value, text) case name: return text;
    switch (error) { CUDA_ON_CPU_ERRORS(CUDA_ON_CPU_TEXT) }
    return "unrecognized error code";
}
inline cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
inline cudaError_t cudaPeekAtLastError() { return last_error; }

inline cudaError_t cudaGetDeviceCount(int *count)
{
    *count = device_count;
    return note(device_count > 0 ? cudaSuccess : cudaErrorNoDevice);
}
inline cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return note(device_count > 0 ? cudaSuccess : cudaErrorNoDevice);
}
inline cudaError_t cudaSetDevice(int device) { return check_device(device); }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    *p = {"CUDA on CPU", device_bytes, shared_default, shared_most, 228 * 1024, 64 * 1024, 9, 0, 4, warpSize, 1024,
          2048, {1024, 1024, 64}, {0x7fffffff, 65535, 65535}, 65536, 4 << 20, 512};
    return check_device(device);
}
inline cudaError_t cudaDriverGetVersion(int *version) { *version = 13000; return cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int *version) { *version = 13000; return cudaSuccess; }

/* A launch does not know its kernel, so that what is granted to one kernel is granted to all. */
template <class Kernel> cudaError_t cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int bytes)
{
    const bool fits = bytes >= 0 && (size_t)bytes <= shared_most;
    shared_granted = std::max(shared_granted, fits ? (size_t)bytes : 0);
    return note(fits ? cudaSuccess : cudaErrorInvalidValue);
}

/* ---- Memory ---- */

template <class T> cudaError_t cudaMalloc(T **p, size_t n)
{
    return now([=] { return allocate((void **)p, n, true); });
}
template <class T> cudaError_t cudaMallocHost(T **p, size_t n)
{
    return now([=] { return allocate((void **)p, n, false); });
}
template <class T> cudaError_t cudaHostAlloc(T **p, size_t n, unsigned) { return cudaMallocHost(p, n); }
inline cudaError_t cudaFree(void *p) { return now([=] { return release(p, true); }); }
inline cudaError_t cudaFreeHost(void *p) { return now([=] { return release(p, false); }); }
inline cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    *left = device_bytes_left();
    *total = device_bytes;
    return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    return now([=] { return copy(to, from, bytes, kind); });
}
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream = nullptr)
{
    return submit(stream, [=] { return copy(to, from, bytes, kind); });
}
/* To a __constant__ or __device__ variable, which is an ordinary one here. */
template <class T> cudaError_t cudaMemcpyToSymbol(T &symbol, const void *from, size_t bytes, size_t offset = 0)
{
    const bool fits = offset <= sizeof symbol && bytes <= sizeof symbol - offset;
    counted.uploads += fits;
    return fits ? cudaMemcpy((char *)&symbol + offset, from, bytes, cudaMemcpyHostToHost) : note(cudaErrorInvalidValue);
}
inline cudaError_t cudaMemset(void *p, int byte, size_t bytes) { return now([=] { return fill(p, byte, bytes); }); }
inline cudaError_t cudaMemsetAsync(void *p, int byte, size_t bytes, cudaStream_t stream = nullptr)
{
    return submit(stream, [=] { return fill(p, byte, bytes); });
}

/* ---- Streams, events, graphs ---- */

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    *stream = new cuda_on_cpu_stream{!(flags & cudaStreamNonBlocking)};
    return cudaSuccess;
}
inline cudaError_t cudaStreamCreate(cudaStream_t *s) { return cudaStreamCreateWithFlags(s, cudaStreamDefault); }
inline cudaError_t cudaStreamDestroy(cudaStream_t s) { return destroy(s); }
inline cudaError_t cudaDeviceSynchronize() { return now([] { return cudaSuccess; }); }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) { return cudaSuccess; }

inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    *event = new cuda_on_cpu_event{!(flags & cudaEventDisableTiming), false, {}};
    return cudaSuccess;
}
inline cudaError_t cudaEventCreate(cudaEvent_t *e) { return cudaEventCreateWithFlags(e, cudaEventDefault); }
inline cudaError_t cudaEventDestroy(cudaEvent_t e) { return destroy(e); }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream = nullptr)
{
    if (stream && stream == capturing) /* as by a capture that forks to a second stream */
        die("an event in a capturing stream is not supported");
    e->recorded = true;
    e->time = std::chrono::steady_clock::now();
    return cudaSuccess;
}
inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    const bool valid = from->timed && to->timed && from->recorded && to->recorded;
    return note(valid ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (!stream || capturing)
        return note(cudaErrorStreamCaptureUnsupported);
    capturing = stream;
    capture_spoilt = false;
    captured.work.clear();
    return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!stream || stream != capturing)
        return note(cudaErrorInvalidValue);
    capturing = nullptr;
    if (capture_spoilt)
        return note(cudaErrorStreamCaptureInvalidated);
    *graph = new cuda_on_cpu_graph(captured);
    return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long = 0)
{
    *executable = graph ? new cuda_on_cpu_graph(*graph) : nullptr;
    return note(graph ? cudaSuccess : cudaErrorInvalidValue);
}
inline cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph,
                                                 unsigned long long flags)
{
    return cudaGraphInstantiate(executable, graph, flags);
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    if (!graph)
        return note(cudaErrorInvalidValue);
    return submit(stream, [all = *graph] {
        for (const auto &work : all.work)
            if (const cudaError_t error = work())
                return error;
        return cudaSuccess;
    });
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return destroy(graph); }
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { return destroy(graph); }

/* clang-format on */

} // namespace api
} // namespace cuda_on_cpu

using namespace cuda_on_cpu::api;

#endif
