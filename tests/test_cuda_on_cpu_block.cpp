/* cuda_on_cpu.h: do the threads of a block compute what a GPU would, and are mistakes seen? */
#include "cuda_on_cpu_support.h"

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
    expect_death(wait_in_two_places, "test_cuda_on_cpu_block.cpp:"); /* the kernel's line, not the header's */
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
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
