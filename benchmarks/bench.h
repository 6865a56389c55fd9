/* What benchmarks share: statistics of repeated timings, the machine's triad, and its name. */
#ifndef NL_BENCH_H
#define NL_BENCH_H

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

#endif
