/* The stand-in that runs kernels on the CPU: does it compute what a GPU would, and does it see what it should? */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <cmocka.h>
}

#include "cuda_on_cpu.h"

using cuda_on_cpu::launch;
using cuda_on_cpu::launch_kernel;
using cuda_on_cpu::shared;

static const unsigned ALL = 0xffffffffu;

/* Device memory with n values. */
template <class T> static T *device_array(size_t n)
{
    T *p;
    assert_int_equal(cudaMalloc(&p, n * sizeof *p), cudaSuccess);
    return p;
}

template <class T> static T *device_copy(const std::vector<T> &values)
{
    T *p = device_array<T>(values.size());
    assert_int_equal(cudaMemcpy(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
    return p;
}

template <class T> static std::vector<T> host_copy(const T *p, size_t n)
{
    std::vector<T> values(n);
    assert_int_equal(cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
}

/* Runs `body` in a child, which has to die by SIGABRT (AddressSanitizer's reports: in any way) and say `text`. */
static void expect_death(void (*body)(), const char *text, bool by_abort = true)
{
    int ends[2], status;
    char said[20000];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; length < sizeof said - 1 && (n = read(ends[0], said + length, sizeof said - 1 - length)) > 0;)
        length += (size_t)n;
    said[length] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (by_abort)
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    else
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!strstr(said, text))
        fail_msg("\"%s\" is not in: %s", text, said);
}

/* ---- Barriers ---- */

enum { NOTHING, AFTER_LOAD, IN_LOOP, LAST_OF_LOOP };

/* Sum over a block in shared memory, written by its last thread; one barrier is left out on demand. */
template <int LEFT_OUT> __global__ void sum_kernel(const double *x, double *sums)
{
    double *s = (double *)shared();
    const unsigned t = threadIdx.x, n = blockDim.x;
    s[t] = x[blockIdx.x * n + t];
    if (LEFT_OUT != AFTER_LOAD)
        __syncthreads();
    unsigned half = 1;
    while (2 * half < n)
        half *= 2;
    for (; half > 0; half /= 2) {
        if (t < half && t + half < n)
            s[t] += s[t + half];
        if (LEFT_OUT != IN_LOOP && !(LEFT_OUT == LAST_OF_LOOP && half == 1))
            __syncthreads();
    }
    if (t == n - 1)
        sums[blockIdx.x] = s[0];
}

/* How many of the blocks come out wrong. */
static int wrong_sums(void (*kernel)(const double *, double *), unsigned threads, unsigned blocks)
{
    std::vector<double> x(threads * blocks);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = (double)(i * i % 1009 + 1);
    double *const d_x = device_copy(x), *const d_sums = device_array<double>(blocks);
    launch_kernel(blocks, threads, threads * sizeof(double), nullptr, kernel, d_x, d_sums);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
    const std::vector<double> sums = host_copy(d_sums, blocks);
    cudaFree(d_x);
    cudaFree(d_sums);
    int wrong = 0;
    for (unsigned b = 0; b < blocks; b++) {
        double sum = 0; /* of whole numbers, so exact in any order */
        for (unsigned t = 0; t < threads; t++)
            sum += x[b * threads + t];
        wrong += !(sums[b] == sum);
    }
    return wrong;
}

static void test_block_sum(void **)
{
    for (unsigned threads : {1, 2, 3, 31, 32, 33, 64, 100, 128, 256, 512, 1000, 1024})
        assert_int_equal(wrong_sums(sum_kernel<NOTHING>, threads, 5), 0);
}

/* Two blocks are enough, whatever was launched before. */
static void test_missing_barrier_shows(void **)
{
    for (int repeat = 0; repeat < 8; repeat++)
        for (unsigned threads : {64, 256}) {
            assert_int_not_equal(wrong_sums(sum_kernel<AFTER_LOAD>, threads, 2), 0);
            assert_int_not_equal(wrong_sums(sum_kernel<IN_LOOP>, threads, 2), 0);
            assert_int_not_equal(wrong_sums(sum_kernel<LAST_OF_LOOP>, threads, 2), 0);
        }
}

/* What a thread holds across barriers: its index, its local variables, its loop. */
static void test_threads_keep_their_state(void **)
{
    const unsigned blocks = 3;
    const dim3 threads(4, 5, 6);
    int *const seen = device_array<int>(blocks * 120);
    launch(blocks, threads, 120 * sizeof(int), nullptr, [=] {
        int *s = (int *)shared();
        const unsigned t = threadIdx.x + 4 * (threadIdx.y + 5 * threadIdx.z), neighbour = (t + 7) % 120;
        int mine[9] = {};
        for (int k = 0; k < 9; k++) {
            s[t] = (int)t + 1000 * k;
            __syncthreads();
            mine[k] = s[neighbour] - (int)neighbour - 1000 * k;
            __syncthreads();
        }
        int wrong = t != threadIdx.x + 4 * (threadIdx.y + 5 * threadIdx.z);
        for (int k = 0; k < 9; k++)
            wrong += mine[k] != 0;
        seen[blockIdx.x * 120 + t] = wrong;
    });
    for (int wrong : host_copy(seen, blocks * 120))
        assert_int_equal(wrong, 0);
    cudaFree(seen);
}

/* Threads that end early count no more, whether they end before or after the others wait. */
static void test_early_exit(void **)
{
    const unsigned blocks = 4, threads = 128;
    int *const result = device_array<int>(blocks * threads);
    assert_int_equal(cudaMemset(result, 0, blocks * threads * sizeof *result), cudaSuccess);
    launch(blocks, threads, threads * sizeof(int), nullptr, [=] {
        int *s = (int *)shared();
        const unsigned t = threadIdx.x;
        if (t % 3 == 0 || t / 32 == 2) /* scattered, and a whole warp */
            return;
        s[t] = (int)t;
        __syncthreads();
        if (t % 3 == 1)
            return;
        __syncthreads();
        int sum = 0;
        for (unsigned u = 0; u < threads; u++)
            if (u % 3 && u / 32 != 2)
                sum += s[u];
        /* All lanes in the mask, of which a third is alive. */
        const unsigned alive = __ballot_sync(ALL, 1);
        result[blockIdx.x * threads + t] = sum + (__builtin_popcount(alive) << 16);
    });
    const std::vector<int> values = host_copy(result, blocks * threads);
    cudaFree(result);
    for (unsigned i = 0; i < blocks * threads; i++) {
        const unsigned t = i % threads, warp = t / 32;
        int sum = 0, alive = 0;
        for (unsigned u = 0; u < threads; u++) {
            sum += u % 3 && u / 32 != 2 ? (int)u : 0;
            alive += u % 3 == 2 && u / 32 == warp;
        }
        assert_int_equal(values[i], t % 3 == 2 && warp != 2 ? sum + (alive << 16) : 0);
    }
}

/* Lanes that end while others wait for them: not in the mask of those any more, nor in their barrier. */
static void test_end_while_others_wait(void **)
{
    unsigned *const out = device_array<unsigned>(4 * 64);
    for (bool whole_block : {false, true}) {
        cudaMemset(out, 0, 4 * 64 * sizeof *out);
        launch(4, 64, 0, nullptr, [=] {
            const unsigned t = threadIdx.x;
            if (t % 32 < 5 || t % 32 > 25)
                return;
            if (whole_block)
                __syncthreads();
            out[blockIdx.x * 64 + t] = __ballot_sync(ALL, 1);
        });
        const std::vector<unsigned> values = host_copy(out, 4 * 64);
        for (unsigned i = 0; i < 4 * 64; i++)
            assert_int_equal(values[i], i % 32 < 5 || i % 32 > 25 ? 0 : 0x03ffffe0u);
    }
    cudaFree(out);
}

static void test_both_orders_occur(void **)
{
    const unsigned blocks = 2, threads = 40;
    int *const turn = device_array<int>(blocks * threads), *const turns = device_array<int>(1);
    int ascending_blocks = 0, descending_blocks = 0;
    for (int launches = 0; launches < 20; launches++) {
        cudaMemset(turns, 0, sizeof *turns);
        launch(blocks, threads, 0, nullptr,
               [=] { turn[blockIdx.x * threads + threadIdx.x] = atomicAdd(turns, 1); });
        const std::vector<int> t = host_copy(turn, blocks * threads);
        int ascending = 0, descending = 0;
        for (unsigned b = 0; b < blocks; b++) {
            ascending += t[b * threads] < t[b * threads + 1];
            descending += t[b * threads] > t[b * threads + 1];
        }
        assert_int_equal(ascending, 1);
        assert_int_equal(descending, 1);
        ascending_blocks += t[0] < t[threads];
        descending_blocks += t[0] > t[threads];
    }
    assert_true(ascending_blocks >= 5 && descending_blocks >= 5);
    cudaFree(turn);
    cudaFree(turns);
}

/* ---- Warps ---- */

enum { SHFL, UP, DOWN, XOR, N_SHUFFLES };

template <class T> static T shuffled(int kind, T value, int by, int width)
{
    switch (kind) {
    case SHFL: return __shfl_sync(ALL, value, by, width);
    case UP: return __shfl_up_sync(ALL, value, (unsigned)by, width);
    case DOWN: return __shfl_down_sync(ALL, value, (unsigned)by, width);
    default: return __shfl_xor_sync(ALL, value, by, width);
    }
}

/* From the definition: the lane that `lane` reads. */
static int source_lane(int kind, int lane, int by, int width)
{
    const int segment = lane / width, place = lane % width;
    switch (kind) {
    case SHFL: return segment * width + by % width;
    case UP: return by > place ? lane : lane - by;
    case DOWN: return place + by >= width ? lane : lane + by;
    default: return (lane ^ by) / width > segment ? lane : lane ^ by;
    }
}

template <class T> static void check_shuffles()
{
    const unsigned threads = 64;
    T *const out = device_array<T>(threads);
    for (int kind = 0; kind < N_SHUFFLES; kind++)
        for (int width : {1, 2, 4, 8, 16, 32})
            for (int by = 0; by < 32; by++) {
                launch(1, threads, 0, nullptr, [=] {
                    const T value = (T)(threadIdx.x * 3 + 1) / (T)2;
                    out[threadIdx.x] = shuffled(kind, value, by, width);
                });
                const std::vector<T> values = host_copy(out, threads);
                for (int t = 0; t < (int)threads; t++) {
                    const int from = t / 32 * 32 + source_lane(kind, t % 32, by, width);
                    assert_true(values[t] == (T)(from * 3 + 1) / (T)2);
                }
            }
    cudaFree(out);
}

static void test_shuffles(void **)
{
    check_shuffles<double>();
    check_shuffles<float>();
    check_shuffles<int>();
    check_shuffles<unsigned>();
}

/* Halves of a warp that go different ways, each with its own mask, again and again. */
static void test_shuffles_of_part_of_a_warp(void **)
{
    double *const out = device_array<double>(48);
    launch(1, 48, 0, nullptr, [=] {
        const unsigned lane = threadIdx.x % 32;
        double value = threadIdx.x;
        if (lane < 16)
            for (int by = 1; by < 16; by *= 2)
                value += __shfl_xor_sync(0x0000ffffu, value, by);
        else
            value = __shfl_down_sync(0xffff0000u, value, 1);
        out[threadIdx.x] = value;
    });
    const std::vector<double> values = host_copy(out, 48);
    for (int t = 0; t < 16; t++) {
        assert_true(values[t] == 120);
        assert_true(values[16 + t] == 16 + t + (t < 15));
        assert_true(values[32 + t] == 120 + 16 * 32);
    }
    /* The second warp has 16 lanes: what the last of them reads comes from nowhere. */
    launch(1, 48, 0, nullptr, [=] { out[threadIdx.x] = __shfl_down_sync(ALL, (double)threadIdx.x, 1); });
    assert_true(isnan(host_copy(out, 48)[47]));
    assert_true(host_copy(out, 48)[46] == 47);
    cudaFree(out);
}

static void test_votes(void **)
{
    unsigned *const out = device_array<unsigned>(64 * 5);
    launch(1, 64, 0, nullptr, [=] {
        const unsigned t = threadIdx.x, odd = t % 2;
        out[t] = __ballot_sync(ALL, (int)(odd * 256)); /* any value but 0 is true */
        out[64 + t] = (unsigned)__any_sync(ALL, t == 40);
        out[128 + t] = (unsigned)__all_sync(ALL, t != 40);
        __syncwarp();
        if (odd) {
            out[192 + t] = (unsigned)__all_sync(0xaaaaaaaau, (int)odd);
            out[256 + t] = __ballot_sync(0xaaaaaaaau, t < 32);
        }
    });
    const std::vector<unsigned> values = host_copy(out, 64 * 5);
    for (unsigned t = 0; t < 64; t++) {
        assert_int_equal(values[t], 0xaaaaaaaau);
        assert_int_equal(values[64 + t], t >= 32);
        assert_int_equal(values[128 + t], t < 32);
        assert_int_equal(values[192 + t], t % 2 ? 1 : ALL);
        assert_int_equal(values[256 + t], t % 2 ? (t < 32 ? 0xaaaaaaaau : 0) : ALL);
    }
    cudaFree(out);
}

/* __syncwarp orders what lanes write and read, and without it they come out wrong. */
static int wrong_neighbours(bool with_barrier)
{
    int *const out = device_array<int>(2 * 64);
    launch(2, 64, 64 * sizeof(int), nullptr, [=] {
        int *s = (int *)shared();
        const unsigned t = threadIdx.x;
        s[t] = (int)t;
        if (with_barrier)
            __syncwarp();
        out[blockIdx.x * 64 + t] = s[t ^ 1];
    });
    const std::vector<int> values = host_copy(out, 2 * 64);
    cudaFree(out);
    int wrong = 0;
    for (int t = 0; t < 2 * 64; t++)
        wrong += values[t] != (t % 64 ^ 1);
    return wrong;
}

static void test_syncwarp(void **)
{
    assert_int_equal(wrong_neighbours(true), 0);
    assert_int_not_equal(wrong_neighbours(false), 0);
}

/* ---- What is reported ---- */

static void wait_in_two_places()
{
    launch(1, 32, 0, nullptr, [] {
        if (threadIdx.x < 8)
            __shfl_down_sync(ALL, 1.0, 1);
        else
            __syncthreads();
    });
}

static void shuffle_with_two_masks()
{
    launch(1, 32, 0, nullptr, [] { __shfl_xor_sync(threadIdx.x == 5 ? ALL : ALL >> 1, 1, 1); });
}

static void two_barriers()
{
    launch(1, 32, 0, nullptr, [] {
        if (threadIdx.x < 8)
            __syncthreads();
        else
            __syncthreads();
    });
}

static void test_deadlocks(void **)
{
    expect_death(wait_in_two_places, "deadlock in block (0, 0, 0): of 32 threads 0 have ended");
    expect_death(wait_in_two_places, "8 wait in __shfl_down_sync");
    expect_death(wait_in_two_places, "24 wait in __syncthreads");
    expect_death(wait_in_two_places, "test_cuda_on_cpu.cpp:"); /* the kernel's line, not the header's */
    expect_death(shuffle_with_two_masks, "not in its own mask");
    expect_death(two_barriers, "threads of block (0, 0, 0) meet in different barriers");
    expect_death([] { launch(1, 32, 0, nullptr, [] { __syncwarp(threadIdx.x < 4 ? 0xffu : ALL); }); }, "deadlock");
    expect_death([] { launch(1, 32, 0, nullptr, [] { __shfl_sync(ALL, 1, 0, 24); }); }, "width 24");
    expect_death([] { launch(1, 1, 0, nullptr, [] { launch(1, 1, 0, nullptr, [] {}); }); }, "inside a kernel");
    expect_death([] { __syncthreads(); }, "outside a kernel");
}

[[maybe_unused]] static void touch_device_memory()
{
    double *p;
    cudaMalloc(&p, 64);
    *(volatile double *)p = 1;
}

[[maybe_unused]] static void write_behind_shared_memory()
{
    launch(1, 32, 31 * sizeof(double), nullptr, [] { ((volatile double *)shared())[threadIdx.x] = 1; });
}

[[maybe_unused]] static void write_behind_device_memory()
{
    double *p;
    cudaMalloc(&p, 31 * sizeof(double));
    launch(1, 32, 0, nullptr, [=] { ((volatile double *)p)[threadIdx.x] = 1; });
}

__attribute__((no_sanitize("undefined"))) static __global__ void local_array_kernel() /* UBSan might see it first */
{
    int local[32] = {};
    volatile int *const p = local;
    __syncthreads();
    p[threadIdx.x + 1] = 1;
}

[[maybe_unused]] static void write_behind_a_local_array()
{
    launch_kernel(1, 32, 0, nullptr, local_array_kernel);
}

static void test_sanitizer_sees_bad_addresses(void **)
{
#ifdef __SANITIZE_ADDRESS__
    expect_death(touch_device_memory, "AddressSanitizer: use-after-poison", false);
    expect_death(write_behind_shared_memory, "AddressSanitizer: heap-buffer-overflow", false);
    expect_death(write_behind_device_memory, "AddressSanitizer: heap-buffer-overflow", false);
#ifndef CUDA_ON_CPU_SWAPCONTEXT /* which makes it forget what lies where on a stack */
    expect_death(write_behind_a_local_array, "AddressSanitizer: stack-buffer-overflow", false);
#endif
#else
    print_message("SKIP: built without AddressSanitizer\n");
    skip();
#endif
}

/* ---- Launches ---- */

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
    assert_int_equal(cudaFuncSetAttribute(sum_kernel<NOTHING>, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    assert_int_equal(cudaFuncSetAttribute(sum_kernel<NOTHING>, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 * 1024),
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
    assert_int_equal(cudaGraphInstantiate(&second, graph, 0), cudaSuccess);
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

/* A test leaves nothing allocated and no error behind. */
static size_t allocations_before;

static int before(void **)
{
    allocations_before = cuda_on_cpu::live_allocations();
    return 0;
}

static int after(void **)
{
    return cuda_on_cpu::live_allocations() != allocations_before || cudaGetLastError() != cudaSuccess;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main()
{
    const struct CMUnitTest tests[] = {
        TEST(test_block_sum),
        TEST(test_missing_barrier_shows),
        TEST(test_threads_keep_their_state),
        TEST(test_early_exit),
        TEST(test_end_while_others_wait),
        TEST(test_both_orders_occur),
        TEST(test_shuffles),
        TEST(test_shuffles_of_part_of_a_warp),
        TEST(test_votes),
        TEST(test_syncwarp),
        TEST(test_deadlocks),
        TEST(test_sanitizer_sees_bad_addresses),
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
