/* What the tests of cuda_on_cpu.h share. */
#ifndef NL_CUDA_ON_CPU_SUPPORT_H
#define NL_CUDA_ON_CPU_SUPPORT_H

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
template <class T> T *device_array(size_t n)
{
    T *p;
    assert_int_equal(cudaMalloc(&p, n * sizeof *p), cudaSuccess);
    return p;
}

template <class T> T *device_copy(const std::vector<T> &values)
{
    T *p = device_array<T>(values.size());
    assert_int_equal(cudaMemcpy(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
    return p;
}

template <class T> std::vector<T> host_copy(const T *p, size_t n)
{
    std::vector<T> values(n);
    assert_int_equal(cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
}

/* Runs `body` in a child, which has to die by SIGABRT (AddressSanitizer's reports: in any way) and say `text`. */
inline void expect_death(void (*body)(), const char *text, bool by_abort = true)
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

/* A test leaves nothing allocated and no error behind. */
inline size_t allocations_before;

inline int before(void **)
{
    allocations_before = cuda_on_cpu::live_allocations();
    return 0;
}

inline int after(void **)
{
    return cuda_on_cpu::live_allocations() != allocations_before || cudaGetLastError() != cudaSuccess;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

#endif
