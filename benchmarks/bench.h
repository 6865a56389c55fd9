/* What benchmarks share: statistics of repeated timings, operations on a backend timed, the machine's triad, and its
 * name. */
#ifndef NL_BENCH_H
#define NL_BENCH_H

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nanolase.h"
#include "vector_point.h"

enum { BENCH_REPEATS = 9 };

typedef struct bench_summary {
    double median, spread; /* spread: (largest - smallest)/median */
} bench_summary;

static int bench_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline bench_summary bench_summarise(double *times, int count)
{
    qsort(times, (size_t)count, sizeof *times, bench_compare);
    return (bench_summary){times[count / 2], (times[count - 1] - times[0]) / times[count / 2]};
}

static inline void bench_fail(const char *message)
{
    fprintf(stderr, "benchmark: %s\n", message);
    exit(1);
}

static inline void bench_fill(double *data, size_t count)
{
    for (size_t x = 0; x < count; x++)
        data[x] = 0.5 + 0.5 * sin(0.37 * (double)(x % 100003));
}

/* Bytes per second of a = b + 3 c on vectors far larger than any cache, counting 24 bytes an element. */
static inline double bench_triad(int threads)
{
    const long n = 16L << 20;
    double *a = malloc(3 * (size_t)n * sizeof *a), *b = a + n, *c = b + n, times[9];
    if (!a)
        bench_fail("no memory for the triad");
#pragma omp parallel for num_threads(threads)
    for (long x = 0; x < n; x++) {
        a[x] = 0;
        b[x] = x;
        c[x] = 1;
    }
    for (int r = 0; r < 9; r++) {
        const double start = omp_get_wtime();
#pragma omp parallel for simd num_threads(threads)
        for (long x = 0; x < n; x++)
            a[x] = b[x] + 3 * c[x];
        times[r] = omp_get_wtime() - start;
    }
    if (a[n - 1] != n - 1 + 3.0)
        bench_fail("the triad is wrong");
    free(a);
    return 24.0 * (double)n / bench_summarise(times, 9).median;
}

static inline void bench_print_machine(void)
{
    char line[256], date[32];
    const time_t now = time(NULL);
    FILE *f = fopen("/proc/cpuinfo", "r");
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0) {
            printf("%s, %d threads, %s", date, omp_get_max_threads(), strchr(line, ':') + 2);
            break;
        }
    if (f)
        fclose(f);
}

/* ---- operations on a backend ---- */

typedef nl_status (*bench_operation)(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);

/* Waits for the device: a download comes after all that was started before. */
static inline void bench_finish(nl_backend *backend, const nl_pool *pool)
{
    double one;
    backend->ops->get(backend, &one, pool->data, 0, 1);
}

/* Seconds of one call, which is repeated so often that a repetition takes milliseconds. */
static inline bench_summary bench_time(nl_backend *backend, bench_operation run, const nl_operator *op,
                                       const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    double times[BENCH_REPEATS];
    const int inner = (int)fmax(1, (backend->threads ? 2e7 : 1e9) / ((double)pool->size * n_jobs));
    run(backend, op, pool, jobs, n_jobs);
    bench_finish(backend, pool);
    for (int r = 0; r < BENCH_REPEATS; r++) {
        const double start = omp_get_wtime();
        for (int k = 0; k < inner; k++)
            run(backend, op, pool, jobs, n_jobs);
        bench_finish(backend, pool);
        times[r] = (omp_get_wtime() - start) / inner;
    }
    return bench_summarise(times, BENCH_REPEATS);
}

static inline nl_status bench_combine(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                                      const nl_job *jobs, int n_jobs)
{
    (void)op;
    return backend->ops->combine(backend, pool, jobs, n_jobs);
}

/* The triad on a backend's own vectors: its combination of two. */
static inline double bench_backend_triad(nl_backend *backend)
{
    const size_t size = 16u << 20;
    const nl_job job = {.n_terms = 2, .in = {0, 1}, .c = {1, 3}, .out = 2};
    double *host = malloc(size * sizeof *host);
    nl_pool pool;
    if (!host || nl_pool_new(backend, 1, 3, size, &pool) != NL_OK)
        bench_fail("no memory for the triad");
    bench_fill(host, size);
    for (int r = 0; r < 3; r++)
        nl_pool_put(backend, &pool, 0, r, host);
    free(host);
    const double rate = 3.0 * backend->ops->real_size * (double)size /
                        bench_time(backend, bench_combine, NULL, &pool, &job, 1).median;
    nl_pool_release(backend, &pool);
    return rate;
}

/* Within which an answer must be right, given that of double precision. */
static inline double bench_tolerance(const nl_backend *backend, double tolerance)
{
    return backend->ops->real_size == sizeof(float) ? tolerance * 0x1p29 : tolerance;
}

/*
 * Runs the benchmark as its command line says, [cpu|cuda] [largest size] [double|single]: on the CPU with one thread
 * and with all.
 */
static inline void bench_on(int argc, char **argv, int *largest, void (*run)(nl_backend *, double triad))
{
    const int all = omp_get_max_threads();
    const char *name = argc > 1 ? argv[1] : "cpu";
    const bool is_single = argc > 3 && strcmp(argv[3], "single") == 0;
    if (argc > 2 && (*largest = atoi(argv[2])) <= 0)
        bench_fail("the largest size is a positive number");
    if (argc > 4 || (argc > 3 && !is_single && strcmp(argv[3], "double") != 0))
        bench_fail("the arguments are [cpu|cuda] [largest size] [double|single]");
    bench_print_machine();
    for (int threads = 1; threads <= all; threads += all > 1 ? all - 1 : 1) {
        nl_backend *backend;
        if (nl_backend_open(name, threads, 0, is_single ? NL_SINGLE : NL_DOUBLE, &backend) != NL_OK)
            bench_fail(nl_error_message());
        const bool is_cpu = backend->threads > 0;
        const double triad = is_cpu ? bench_triad(threads) : bench_backend_triad(backend);
        printf("\n%s, %s precision: triad %.2f GB/s\n", backend->device, is_single ? "single" : "double", triad / 1e9);
        run(backend, triad);
        nl_backend_close(backend);
        if (!is_cpu)
            break;
    }
}

#endif
