/* How cuda_on_cpu.h executes a block: its threads are fibres on the host thread, which switch where they have to wait
 * for each other. Included by cuda_on_cpu.h alone. */
#ifndef NL_CUDA_ON_CPU_BLOCK_H
#define NL_CUDA_ON_CPU_BLOCK_H

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <math.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <tuple>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* There is no __shared__: kernels take their shared memory from cuda_on_cpu::shared(). */
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) alignas(bytes)

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace cuda_on_cpu {

/* For mistakes in a kernel, after which no test could go on. */
[[noreturn, gnu::format(printf, 1, 2)]] inline void die(const char *format, ...)
{
    fputs("cuda_on_cpu: ", stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

/* ---- Fibres: stacks between which the host thread switches. A CUDA thread that waits keeps its fibre. ---- */

/* swapcontext costs a system call, and AddressSanitizer wipes its record of a whole stack there. GCC's own setjmp is 15
 * times faster and may change stacks; only the first entry of a fibre needs ucontext then. */
#if !defined __x86_64__ || defined __clang__
#define CUDA_ON_CPU_SWAPCONTEXT
#endif

struct Fibre {
    ucontext_t context;
    void *registers[5]; /* for __builtin_setjmp */
    bool entered = true;
    char *mapping = nullptr;
    const void *stack = nullptr; /* lowest address and size; the host's once they are known */
    size_t stack_bytes = 0;
    void *fake_stack = nullptr; /* AddressSanitizer's */

    static constexpr size_t guard = 4096, mapped = 256 * 1024;
    Fibre() = default; /* the host's own stack */
    Fibre(void (*body)(), unsigned number) : entered(false)
    {
        void *fresh = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh == MAP_FAILED || mprotect(fresh, guard, PROT_NONE) || getcontext(&context))
            die("no memory for the stack of a thread");
        mapping = (char *)fresh;
        stack = context.uc_stack.ss_sp = mapping + guard;
        /* Stacks that all begin alike would share a few cache lines. */
        stack_bytes = context.uc_stack.ss_size = mapped - guard - number % 64 * 192;
        makecontext(&context, body, 0);
    }
    ~Fibre()
    {
        if (mapping)
            munmap(mapping, mapped);
    }
};

inline Fibre host;
inline Fibre *running = &host, *previous = nullptr;
inline std::vector<std::unique_ptr<Fibre>> fibres; /* made when first needed, kept to the end */
inline std::vector<Fibre *> idle;                  /* those without a thread */

__attribute__((noinline, no_sanitize("address"))) inline void jump(Fibre *from, Fibre *to)
{
#ifdef CUDA_ON_CPU_SWAPCONTEXT
    swapcontext(&from->context, &to->context);
#else
    if (__builtin_setjmp(from->registers))
        return;
    if (to->entered)
        __builtin_longjmp(to->registers, 1);
    to->entered = true;
    setcontext(&to->context);
#endif
}

/* The first thing to do on the stack that was switched to. */
inline void arrive()
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(running->fake_stack, &previous->stack, &previous->stack_bytes);
#endif
}

inline void switch_to(Fibre *to)
{
    if (to == running)
        return;
    previous = running;
    running = to;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&previous->fake_stack, to->stack, to->stack_bytes);
#endif
    jump(previous, to);
    arrive();
}

/* ---- The block that runs ---- */

struct Where { /* as a default argument, the line of the caller */
    const char *file;
    int line;
};

constexpr Where here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }

struct Wait { /* what a thread waits for; on the stack of its fibre */
    const char *operation;
    Where where;
    unsigned mask;         /* lanes that have to meet; 0: the whole block */
    int source;            /* lane whose value is the result; -1: result is one bit for each lane with a value not 0 */
    uint64_t value, result;
    Fibre *fibre;
};

inline struct Block {
    const std::function<void()> *kernel;
    unsigned long long blocks, next; /* of the launch */
    bool blocks_descend, threads_descend;
    int threads, started, living, at_barrier;
    Wait *waiting[1024];
    unsigned living_lanes[32], waiting_lanes[32]; /* by warp */
    void *shared;
    size_t shared_bytes;
} block;
inline std::deque<Fibre *> ready; /* their wait is over; first come, first served */
inline int thread;                /* linear index of the running thread in its block */

/* Dynamic shared memory of the running block. */
inline void *shared() { return block.shared; }

inline bool same_text(const char *a, const char *b) { return a == b || !strcmp(a, b); }

[[noreturn]] inline void report_deadlock()
{
    std::map<std::string, int> places;
    for (int t = 0; t < block.threads; t++)
        if (const Wait *w = block.waiting[t]) {
            char place[400];
            snprintf(place, sizeof place, "%s (mask %x) at %s:%d", w->operation, w->mask, w->where.file, w->where.line);
            places[place]++;
        }
    std::string text;
    for (const auto &place : places)
        text += ", " + std::to_string(place.second) + " wait in " + place.first;
    die("deadlock in block (%u, %u, %u): of %d threads %d have ended%s", blockIdx.x, blockIdx.y, blockIdx.z,
        block.threads, block.threads - block.living, text.c_str());
}

/* In every phase between barriers the same threads go first. */
inline int in_order(int k, int count) { return block.threads_descend ? count - 1 - k : k; }

inline void make_ready(int t)
{
    ready.push_back(block.waiting[t]->fibre);
    block.waiting[t] = nullptr;
}

/* All living threads wait in __syncthreads. */
inline void release_block()
{
    const Wait *first = nullptr;
    for (int k = 0; k < block.threads; k++) {
        const int t = in_order(k, block.threads);
        const Wait *w = block.waiting[t];
        if (!w)
            continue;
        first = first ? first : w;
        if (w->where.line != first->where.line || !same_text(w->where.file, first->where.file))
            die("threads of block (%u, %u, %u) meet in different barriers, at %s:%d and at %s:%d", blockIdx.x,
                blockIdx.y, blockIdx.z, first->where.file, first->where.line, w->where.file, w->where.line);
        make_ready(t);
    }
    block.at_barrier = 0;
}

/* Once all living lanes of `mask` are in the same operation with the same mask, ends their wait. */
inline void release_warp(int warp, unsigned mask, const char *operation)
{
    const unsigned lanes = mask & block.living_lanes[warp];
    Wait **const waiting = block.waiting + warp * 32;
    unsigned votes = 0;
    for (int lane = 0; lane < 32; lane++)
        if (lanes >> lane & 1) {
            const Wait *w = waiting[lane];
            if (!w || w->mask != mask || !same_text(w->operation, operation))
                return;
            votes |= (unsigned)(w->value != 0) << lane;
        }
    /* What comes from a lane that takes no part is undefined in CUDA, and NaN here. */
    for (int lane = 0; lane < 32; lane++)
        if (lanes >> lane & 1) {
            Wait *w = waiting[lane];
            w->result = w->source < 0 ? votes : lanes >> w->source & 1 ? waiting[w->source]->value : UINT64_MAX;
        }
    block.waiting_lanes[warp] &= ~lanes;
    for (int k = 0; k < 32; k++)
        if (const int lane = in_order(k, 32); lanes >> lane & 1)
            make_ready(warp * 32 + lane);
}

inline void begin_thread()
{
    thread = in_order(block.started++, block.threads);
    const unsigned t = (unsigned)thread;
    threadIdx = {t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y};
}

/* A thread that ends may be the last that others waited for. */
inline void end_thread()
{
    const int warp = thread / 32;
    block.living--;
    block.living_lanes[warp] &= ~(1u << thread % 32);
    if (block.at_barrier > 0 && block.at_barrier == block.living)
        release_block();
    for (int lane = 0; block.waiting_lanes[warp] && lane < 32; lane++)
        if (block.waiting_lanes[warp] >> lane & 1) {
            const Wait *w = block.waiting[warp * 32 + lane];
            release_warp(warp, w->mask, w->operation);
        }
}

inline bool begin_block()
{
    if (block.living > 0 || block.next == block.blocks)
        return false;
    const unsigned long long b = block.blocks_descend ? block.blocks - 1 - block.next : block.next;
    block.next++;
    blockIdx = {(unsigned)(b % gridDim.x), (unsigned)(b / gridDim.x % gridDim.y),
                (unsigned)(b / gridDim.x / gridDim.y)};
    block.threads_descend = !block.threads_descend;
    block.started = 0;
    block.living = block.threads;
    for (int warp = 0; warp * 32 < block.threads; warp++) {
        const int lanes = std::min(block.threads - warp * 32, 32);
        block.living_lanes[warp] = ~0u >> (32 - lanes);
        block.waiting_lanes[warp] = 0;
    }
    memset(block.shared, 0xff, block.shared_bytes);
    return true;
}

inline Fibre *idle_fibre();

/* Leaves the running fibre for whoever can go on. */
inline void run_others()
{
    if (!ready.empty()) {
        Fibre *next = ready.front();
        ready.pop_front();
        switch_to(next);
    } else if (block.started < block.threads)
        switch_to(idle_fibre());
    else if (block.living > 0)
        report_deadlock();
    else
        switch_to(&host);
}

/* What a fibre does: thread after thread, block after block, without a switch until one waits or none is to start. */
inline void run_threads()
{
    arrive();
    for (;;) {
        while (block.started < block.threads || begin_block()) {
            begin_thread();
            (*block.kernel)();
            end_thread();
        }
        idle.push_back(running);
        run_others();
    }
}

inline Fibre *idle_fibre()
{
    if (idle.empty()) {
        fibres.push_back(std::make_unique<Fibre>(run_threads, (unsigned)fibres.size()));
        return fibres.back().get();
    }
    Fibre *fibre = idle.back();
    idle.pop_back();
    return fibre;
}

/* mask 0: all threads of the block. */
inline uint64_t wait(const char *operation, Where where, unsigned mask = 0, int source = -1, uint64_t value = 0)
{
    const int me = thread, warp = me / 32;
    const uint3 index = threadIdx;
    Wait w = {operation, where, mask, source, value, 0, running};
    if (running == &host)
        die("%s at %s:%d outside a kernel", operation, where.file, where.line);
    block.waiting[me] = &w;
    if (mask) {
        block.waiting_lanes[warp] |= 1u << me % 32;
        release_warp(warp, mask, operation);
    } else if (++block.at_barrier == block.living)
        release_block();
    run_others();
    thread = me;
    threadIdx = index;
    return w.result;
}

/* With the lanes of `mask`, one of which the calling thread has to be. */
inline uint64_t wait_in_warp(const char *operation, Where where, unsigned mask, int source, uint64_t value)
{
    if (!(mask >> thread % 32 & 1))
        die("%s at %s:%d: lane %d is not in its own mask %x", operation, where.file, where.line, thread % 32, mask);
    return wait(operation, where, mask, source, value);
}

template <class T> T shuffle(const char *operation, Where where, unsigned mask, T value, int source)
{
    static_assert(std::is_arithmetic_v<T> && (sizeof value == 4 || sizeof value == 8), "CUDA shuffles 4 or 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = wait_in_warp(operation, where, mask, source, bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* First lane of the calling thread's segment of the warp. */
inline int segment(int width, Where where)
{
    if (width < 1 || width > 32 || (width & (width - 1)))
        die("%s:%d: a shuffle of width %d; it must be a power of 2 up to 32", where.file, where.line, width);
    return thread % 32 & ~(width - 1);
}

} // namespace cuda_on_cpu

#endif
