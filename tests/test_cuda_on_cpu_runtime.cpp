/* cuda_on_cpu.h: launches, memory, graphs and errors as the CUDA runtime has them. */
#include "cuda_on_cpu_support.h"

/* ---- Launches ---- */

__global__ void some_kernel(int *) {}

static void test_atomics(void **)
{
    struct Results {
        int sum, most, least, swapped, old;
        unsigned count, most_unsigned;
        unsigned long long big;
        float f;
        double d;
    };
    Results *const r = device_copy(std::vector<Results>(1, Results{0, -1000, 1000, -1, 0, 0, 0, 1ull << 40, 0, 0}));
    launch(7, 96, 0, nullptr, [=] {
        const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
        atomicAdd(&r->sum, i);
        atomicMax(&r->most, i);
        atomicMin(&r->least, -i);
        if (atomicCAS(&r->swapped, -1, i) == -1)
            r->old = i; /* only for one thread */
        atomicAdd(&r->count, 1);
        atomicMax(&r->most_unsigned, (unsigned)i);
        atomicAdd(&r->big, 1);
        atomicAdd(&r->f, 0.5f);
        atomicAdd(&r->d, 0.25);
    });
    const Results h = host_copy(r, 1)[0];
    const int n = 7 * 96;
    assert_int_equal(h.sum, n * (n - 1) / 2);
    assert_int_equal(h.most, n - 1);
    assert_int_equal(h.least, 1 - n);
    assert_int_equal(h.swapped, h.old);
    assert_int_equal(h.count, n);
    assert_int_equal(h.most_unsigned, n - 1);
    assert_true(h.big == (1ull << 40) + n);
    assert_true(h.f == n * 0.5f && h.d == n * 0.25);
    launch(1, 1, 0, nullptr, [=] { r->old = atomicExch(&r->sum, 5) + atomicAdd(&r->sum, 2); });
    assert_int_equal(host_copy(r, 1)[0].sum, 7);
    assert_int_equal(host_copy(r, 1)[0].old, n * (n - 1) / 2 + 5);
    cudaFree(r);
}

static void test_grids_cover_each_index_once(void **)
{
    const struct {
        dim3 grid, threads;
    } shapes[] = {{{1}, {1}}, {{5}, {7}}, {{3, 4, 5}, {4, 3, 2}}, {{1, 9, 2}, {1, 1, 64}}, {{2, 1, 7}, {32, 8}}};
    for (const auto &shape : shapes) {
        const dim3 g = shape.grid, b = shape.threads;
        const unsigned nx = g.x * b.x, ny = g.y * b.y, nz = g.z * b.z;
        int *const hits = device_array<int>(nx * ny * nz);
        cudaMemset(hits, 0, nx * ny * nz * sizeof *hits);
        launch(g, b, 0, nullptr, [=] {
            const unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y,
                           z = blockIdx.z * blockDim.z + threadIdx.z;
            if (x < nx && y < ny && z < nz && gridDim.x == g.x && gridDim.y == g.y && gridDim.z == g.z)
                atomicAdd(&hits[x + nx * (y + ny * z)], 1);
        });
        for (int count : host_copy(hits, nx * ny * nz))
            assert_int_equal(count, 1);
        cudaFree(hits);
    }
}

/* A fibre serves many threads as long as none waits, and is used again after. */
static void test_few_stacks(void **)
{
    launch(1, 1, 0, nullptr, [] {});
    const size_t before = cuda_on_cpu::fibres.size();
    launch(100, 1024, 0, nullptr, [] {});
    assert_int_equal(cuda_on_cpu::fibres.size(), before);
    for (int repeat = 0; repeat < 3; repeat++)
        launch(10, 1024, 0, nullptr, [] {
            __syncthreads();
            __syncthreads();
        });
    assert_in_range(cuda_on_cpu::fibres.size(), 1, 1024);
}

static void test_many_blocks_with_barriers(void **)
{
    int *const sums = device_array<int>(64);
    launch(64, 256, 256 * sizeof(int), nullptr, [=] {
        int *s = (int *)shared();
        s[threadIdx.x] = 1;
        __syncthreads();
        for (unsigned half = 128; half > 1; half /= 2) { /* 7 more barriers */
            if (threadIdx.x < half)
                s[threadIdx.x] += s[threadIdx.x + half];
            __syncthreads();
        }
        if (threadIdx.x == 0)
            sums[blockIdx.x] = s[0] + s[1];
    });
    for (int sum : host_copy(sums, 64))
        assert_int_equal(sum, 256);
    cudaFree(sums);
}

static void test_bad_launches_run_nothing(void **)
{
    const struct {
        dim3 grid, threads;
        size_t shared_bytes;
        cudaError_t error;
    } cases[] = {
        {{1}, {0}, 0, cudaErrorInvalidConfiguration},
        {{1}, {32, 0}, 0, cudaErrorInvalidConfiguration},
        {{1}, {1025}, 0, cudaErrorInvalidConfiguration},
        {{1}, {32, 33}, 0, cudaErrorInvalidConfiguration},
        {{1}, {1, 1, 65}, 0, cudaErrorInvalidConfiguration},
        {{0}, {32}, 0, cudaErrorInvalidConfiguration},
        {{1, 65536}, {32}, 0, cudaErrorInvalidConfiguration},
        {{1, 1, 65536}, {32}, 0, cudaErrorInvalidConfiguration},
        {{0x80000000u}, {32}, 0, cudaErrorInvalidConfiguration},
        {{1}, {32}, 48 * 1024 + 1, cudaErrorInvalidValue},
        {{1}, {32}, 48 * 1024, cudaSuccess},
        {{65536}, {1}, 0, cudaSuccess},
        {{1}, {1, 1, 64}, 0, cudaSuccess},
        {{1}, {1, 1024}, 0, cudaSuccess},
    };
    static int ran; /* host memory: the shim does not mind */
    for (const auto &c : cases) {
        const unsigned long long launches = cuda_on_cpu::counters().launches;
        ran = 0;
        launch(c.grid, c.threads, c.shared_bytes, nullptr, [] { ran = 1; });
        assert_int_equal(cudaPeekAtLastError(), c.error);
        assert_int_equal(cudaGetLastError(), c.error);
        assert_int_equal(cudaGetLastError(), cudaSuccess);
        assert_int_equal(ran, c.error == cudaSuccess);
        assert_int_equal(cuda_on_cpu::counters().launches - launches, ran);
    }
    assert_int_equal(cudaFuncSetAttribute(some_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaFuncSetAttribute(some_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 * 1024),
                     cudaSuccess);
    launch(1, 1, 100 * 1024, nullptr, [] {});
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    cuda_on_cpu::shared_granted = cuda_on_cpu::shared_default;
}

/* ---- Memory ---- */

static bool all_ff(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const unsigned char *)p)[i] != 0xff)
            return false;
    return true;
}

static void test_fresh_memory_is_nan(void **)
{
    double *device = device_array<double>(100), *pinned;
    assert_int_equal(cudaMallocHost(&pinned, 100 * sizeof *pinned), cudaSuccess);
    assert_true(all_ff(pinned, 100 * sizeof *pinned));
    assert_true(isnan(pinned[99]));
    assert_true(all_ff(host_copy(device, 100).data(), 100 * sizeof *device));
    /* Shared memory of every block, not only of the first. */
    launch(3, 1, 100 * sizeof(double), nullptr, [=] {
        device[blockIdx.x] = all_ff(shared(), 100 * sizeof(double));
        memset(shared(), 0, 100 * sizeof(double));
    });
    for (int b = 0; b < 3; b++)
        assert_true(host_copy(device, 3)[b] == 1);
    cudaFree(device);
    cudaFreeHost(pinned);
}

static void test_copies(void **)
{
    cuda_on_cpu::counters() = {};
    std::vector<int> values(100), back(100);
    for (int i = 0; i < 100; i++)
        values[i] = i;
    int *a = device_copy(values), *b = device_array<int>(100);
    assert_int_equal(cudaMemcpyAsync(b, a, 400, cudaMemcpyDeviceToDevice), cudaSuccess);
    assert_int_equal(cudaMemset(b, 0, 40), cudaSuccess);
    assert_int_equal(cudaMemcpy(b + 50, values.data(), 20, cudaMemcpyDefault), cudaSuccess);
    assert_int_equal(cudaMemcpy(back.data(), b, 400, cudaMemcpyDefault), cudaSuccess);
    for (int i = 0; i < 100; i++)
        assert_int_equal(back[i], i < 10 ? 0 : i >= 50 && i < 55 ? i - 50 : i);
    assert_int_equal(cuda_on_cpu::counters().uploads, 2);
    assert_int_equal(cuda_on_cpu::counters().downloads, 1);
    cudaFree(a);
    cudaFree(b);
}

static __constant__ double constants[4];

static void test_constants(void **)
{
    const double values[4] = {1, 2, 3, 4};
    double *const sum = device_array<double>(1);
    assert_int_equal(cudaMemcpyToSymbol(constants, values, sizeof values), cudaSuccess);
    cuda_on_cpu::counters() = {};
    assert_int_equal(cudaMemcpyToSymbol(constants, values, 8, 3 * 8), cudaSuccess);
    assert_int_equal(cuda_on_cpu::counters().uploads, 1);
    launch(1, 1, 0, nullptr, [=] { *sum = constants[0] + constants[1] + constants[2] + constants[3]; });
    assert_true(host_copy(sum, 1)[0] == 7);
    assert_int_equal(cudaMemcpyToSymbol(constants, values, sizeof values, 8), cudaErrorInvalidValue);
    cudaGetLastError();
    cudaFree(sum);
}

static void test_bad_copies_are_refused(void **)
{
    std::vector<int> host(100, 7);
    int *a = device_array<int>(100), *gone = device_array<int>(100), *pinned;
    assert_int_equal(cudaHostAlloc(&pinned, 400, cudaHostAllocDefault), cudaSuccess);
    cudaFree(gone);
    const struct {
        void *to;
        const void *from;
        size_t bytes;
        cudaMemcpyKind kind;
    } cases[] = {
        {a + 1, host.data(), 400, cudaMemcpyHostToDevice},       /* past the end */
        {a - 1, host.data(), 8, cudaMemcpyHostToDevice},         /* before the beginning */
        {host.data(), a + 1, 400, cudaMemcpyDeviceToHost},       /* past the end */
        {host.data(), host.data(), 400, cudaMemcpyHostToDevice}, /* not on the device */
        {host.data(), host.data(), 400, cudaMemcpyDeviceToHost},
        {a, host.data(), 400, cudaMemcpyDeviceToHost}, /* the wrong way */
        {host.data(), a, 400, cudaMemcpyHostToDevice},
        {a, a + 50, 40, cudaMemcpyHostToDevice}, /* both on the device */
        {a, a + 50, 40, cudaMemcpyDeviceToHost},
        {pinned, host.data(), 400, cudaMemcpyHostToDevice}, /* pinned memory is on the host */
        {gone, host.data(), 400, cudaMemcpyHostToDevice},   /* freed */
        {nullptr, host.data(), 400, cudaMemcpyHostToDevice},
        {a, nullptr, 400, cudaMemcpyHostToDevice},
        {a, host.data(), SIZE_MAX, cudaMemcpyHostToDevice},
    };
    for (const auto &c : cases) {
        assert_int_equal(cudaMemcpy(c.to, c.from, c.bytes, c.kind), cudaErrorInvalidValue);
        assert_int_equal(cudaMemcpyAsync(c.to, c.from, c.bytes, c.kind), cudaErrorInvalidValue);
        assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    }
    assert_int_equal(cudaMemset(host.data(), 0, 400), cudaErrorInvalidValue);
    assert_int_equal(cudaMemsetAsync(a, 0, 401), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(a + 1), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(pinned), cudaErrorInvalidValue);
    assert_int_equal(cudaFreeHost(a), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    for (int value : host)
        assert_int_equal(value, 7);
    assert_true(all_ff(host_copy(a, 100).data(), 400));
    assert_int_equal(cudaFree(a), cudaSuccess);
    assert_int_equal(cudaFreeHost(pinned), cudaSuccess);
    assert_int_equal(cudaFree(nullptr), cudaSuccess);
}

static void test_allocations(void **)
{
    const size_t before = cuda_on_cpu::live_allocations();
    size_t left, left_before, total;
    int *p[3], *none = nullptr;
    assert_int_equal(cudaMemGetInfo(&left_before, &total), cudaSuccess);
    assert_int_equal(total, cuda_on_cpu::device_bytes);
    cuda_on_cpu::fail_allocation_after(2);
    assert_int_equal(cudaMalloc(&p[0], 1000), cudaSuccess);
    assert_int_equal(cudaMalloc(&none, 0), cudaSuccess); /* asks for nothing and does not count */
    assert_null(none);
    assert_int_equal(cudaMallocHost(&p[1], 1000), cudaSuccess);
    assert_int_equal(cudaMalloc(&p[2], 1000), cudaErrorMemoryAllocation);
    assert_null(p[2]);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    assert_int_equal(cudaMalloc(&p[2], 1000), cudaSuccess); /* only one fails */
    assert_int_equal(cuda_on_cpu::live_allocations(), before + 3);
    cudaMemGetInfo(&left, &total);
    assert_int_equal(left_before - left, 2000);
    assert_int_equal((uintptr_t)p[0] % 256, 0);
    cudaFree(p[0]);
    cudaFreeHost(p[1]);
    cudaFree(p[2]);
    assert_int_equal(cuda_on_cpu::live_allocations(), before);
    cuda_on_cpu::fail_allocation_after(0);
    cuda_on_cpu::fail_allocation_after(-1);
    assert_int_equal(cudaMalloc(&p[0], 1000), cudaSuccess);
    cudaFree(p[0]);
    /* More than the device has. */
    assert_int_equal(cudaMalloc(&p[0], left_before + 1), cudaErrorMemoryAllocation);
    cuda_on_cpu::device_bytes = 1 << 20;
    assert_int_equal(cudaMalloc(&p[0], 600 << 10), cudaSuccess);
    assert_int_equal(cudaMalloc(&p[1], 600 << 10), cudaErrorMemoryAllocation);
    cuda_on_cpu::device_bytes = total;
    cudaFree(p[0]);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    assert_int_equal(cuda_on_cpu::live_allocations(), before);
}

/* ---- Graphs, arguments, events, the device ---- */

static __global__ void add_kernel(double *x, double amount)
{
    x[threadIdx.x] += amount;
}

static void test_graph(void **)
{
    const unsigned n = 32;
    cudaStream_t stream, other;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    double *const x = device_array<double>(n);
    std::vector<double> in(n, 1), out(n, -1);
    assert_int_equal(cudaStreamCreate(&stream), cudaSuccess);
    assert_int_equal(cudaStreamCreate(&other), cudaSuccess);
    cuda_on_cpu::counters() = {};
    int amount = 3;

    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(x, in.data(), n * sizeof *x, cudaMemcpyHostToDevice, stream), cudaSuccess);
    launch_kernel(1, n, 0, stream, add_kernel, x, amount); /* an int, for a double */
    launch_kernel(1, n, 0, stream, add_kernel, x, 0.5);
    launch_kernel(0, n, 0, stream, add_kernel, x, 100); /* refused at once */
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    assert_int_equal(cudaMemcpyAsync(out.data(), x, n * sizeof *x, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    launch_kernel(1, n, 0, other, add_kernel, x, 1); /* does not capture */
    assert_int_equal(cuda_on_cpu::counters().launches, 1);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_int_equal(cuda_on_cpu::counters().launches, 1);
    assert_int_equal(cuda_on_cpu::counters().uploads, 0);
    assert_true(out[0] == -1);

    amount = 1000; /* too late: the graph has its argument */
    assert_int_equal(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    for (int times = 1; times <= 2; times++) {
        in.assign(n, times); /* memory is read at each launch */
        assert_int_equal(cudaGraphLaunch(executable, stream), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
        for (double value : out)
            assert_true(value == times + 3.5);
        assert_int_equal(cuda_on_cpu::counters().launches, 1 + 2 * times);
        assert_int_equal(cuda_on_cpu::counters().uploads, times);
        assert_int_equal(cuda_on_cpu::counters().downloads, times);
    }
    /* A second capture has only what is its own. */
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    launch_kernel(1, n, 0, stream, add_kernel, x, 10);
    cudaGraphExec_t second;
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_int_equal(cudaGraphInstantiateWithFlags(&second, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphLaunch(second, stream), cudaSuccess);
    assert_true(host_copy(x, n)[n - 1] == 15.5);
    assert_int_equal(cuda_on_cpu::counters().launches, 6);
    cudaFree(x);
    assert_int_equal(cudaGraphLaunch(executable, stream), cudaErrorInvalidValue); /* its memory is gone */
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaGraphExecDestroy(executable), cudaSuccess);
    assert_int_equal(cudaGraphExecDestroy(second), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
    assert_int_equal(cudaStreamDestroy(other), cudaSuccess);
}

/* What would wait for the device is refused while a stream captures, and the capture is lost. */
static void test_capture_forbids(void **)
{
    static cudaStream_t stream;
    static double *x, *y;
    static double host[4];
    x = device_array<double>(4);
    y = device_array<double>(4);
    cudaStreamCreate(&stream);
    cudaError_t (*const forbidden[])() = {
        [] { return cudaMalloc(&y, 8); },
        [] { return cudaFree(y); },
        [] { return cudaMemcpy(x, host, 32, cudaMemcpyHostToDevice); },
        [] { return cudaMemset(x, 0, 32); },
        [] { return cudaStreamSynchronize(stream); },
        [] { return cudaDeviceSynchronize(); },
    };
    for (const auto &call : forbidden) {
        cudaGraph_t graph;
        double *const kept = y;
        assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
        assert_int_equal(call(), cudaErrorStreamCaptureUnsupported);
        assert_int_equal(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
        assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
        assert_null(graph);
        y = kept;
    }
    cudaGetLastError();
    /* The default stream would have to wait for the one that captures. */
    cudaGraph_t graph;
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    launch_kernel(1, 4, 0, nullptr, add_kernel, x, 1);
    assert_int_equal(cudaGetLastError(), cudaErrorStreamCaptureImplicit);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorInvalidValue);
    assert_int_equal(cudaGraphLaunch(nullptr, stream), cudaErrorInvalidValue);
    cudaGetLastError();
    cudaStreamDestroy(stream);
    assert_int_equal(cudaFree(x), cudaSuccess);
    assert_int_equal(cudaFree(y), cudaSuccess);
}

static void test_events(void **)
{
    cudaEvent_t from, to, untimed;
    float milliseconds = -1;
    assert_int_equal(cudaEventCreate(&from), cudaSuccess);
    assert_int_equal(cudaEventCreate(&to), cudaSuccess);
    assert_int_equal(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming), cudaSuccess);
    assert_int_equal(cudaEventRecord(from), cudaSuccess);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from, to), cudaErrorInvalidResourceHandle);
    usleep(3000);
    assert_int_equal(cudaEventRecord(to), cudaSuccess);
    assert_int_equal(cudaEventRecord(untimed), cudaSuccess);
    assert_int_equal(cudaEventSynchronize(to), cudaSuccess);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from, to), cudaSuccess);
    assert_true(milliseconds > 1); /* in milliseconds indeed, and of a clock that runs */
    assert_int_equal(cudaEventElapsedTime(&milliseconds, from, untimed), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidResourceHandle);
    cudaEventDestroy(from);
    cudaEventDestroy(to);
    cudaEventDestroy(untimed);
}

static void test_device(void **)
{
    int count = -1, device = -1, version = 0;
    cudaDeviceProp p;
    assert_int_equal(cudaGetDeviceCount(&count), cudaSuccess);
    assert_int_equal(count, 1);
    assert_int_equal(cudaSetDevice(0), cudaSuccess);
    assert_int_equal(cudaGetDevice(&device), cudaSuccess);
    assert_int_equal(device, 0);
    assert_int_equal(cudaGetDeviceProperties(&p, 0), cudaSuccess);
    assert_string_equal(p.name, "CUDA on CPU");
    assert_int_equal(p.sharedMemPerBlock, 48 * 1024);
    assert_int_equal(p.warpSize, 32);
    assert_int_equal(p.maxThreadsPerBlock, 1024);
    assert_int_equal(p.maxGridSize[1], 65535);
    assert_int_equal(p.totalGlobalMem, cuda_on_cpu::device_bytes);
    assert_true(p.multiProcessorCount > 0 && p.l2CacheSize == 4 << 20 && p.major == 9 && p.minor == 0);
    assert_int_equal(cudaRuntimeGetVersion(&version), cudaSuccess);
    assert_true(version >= 12000);
    assert_int_equal(cudaSetDevice(1), cudaErrorInvalidDevice);
    assert_int_equal(cudaGetDeviceProperties(&p, 1), cudaErrorInvalidDevice);
    assert_string_equal(cudaGetErrorName(cudaGetLastError()), "cudaErrorInvalidDevice");
    assert_string_equal(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
    cuda_on_cpu::device_count = 0;
    assert_int_equal(cudaGetDeviceCount(&count), cudaErrorNoDevice);
    assert_int_equal(count, 0);
    cuda_on_cpu::device_count = 1;
    assert_int_equal(cudaGetLastError(), cudaErrorNoDevice);
}

int main()
{
    const struct CMUnitTest tests[] = {
        TEST(test_atomics),
        TEST(test_grids_cover_each_index_once),
        TEST(test_few_stacks),
        TEST(test_many_blocks_with_barriers),
        TEST(test_bad_launches_run_nothing),
        TEST(test_fresh_memory_is_nan),
        TEST(test_copies),
        TEST(test_constants),
        TEST(test_bad_copies_are_refused),
        TEST(test_allocations),
        TEST(test_graph),
        TEST(test_capture_forbids),
        TEST(test_events),
        TEST(test_device),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
