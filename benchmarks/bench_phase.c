/*
 * The phase operator on the CPU backend: points per second and fraction of the machine's own triad bandwidth.
 *
 * Declared traffic: 16 bytes a point (read P, write dP/dt); stage: 8 (s + 1) for a combination of s vectors.
 * Prints median and spread over repetitions. The answer is checked at random points before anything is timed.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "nanolase.h"
#include "phase_point.h"

enum { REPEATS = 9, STAGE_TERMS = 4 };

static const nl_phase phase = {.sites = 2, .D = {0.005, 0.007}, .drive = {1, 0.8}, .tunnel = {0.9, 1.1},
                               .phi = {0.3, 1.1}, .r = {1, 1}, .r0 = 1};

/* dP/dt at one point straight from Eq. 14, with the drift from cosines and derivatives from the textbook stencils. */
static double direct(const double *P, int n, int order, int i, int j)
{
    static const double a[4][5] = {{0, .5}, {0, 2. / 3, -1. / 12}, {0, .75, -.15, 1. / 60},
                                   {0, .8, -.2, 4. / 105, -1. / 280}};
    static const double b[4][5] = {{-2, 1}, {-2.5, 4. / 3, -1. / 12}, {-49. / 18, 1.5, -.15, 1. / 90},
                                   {-205. / 72, 1.6, -.2, 8. / 315, -1. / 560}};
    const int w = order / 2;
    const double h = 2 * acos(-1.0) / n;
    double sum = 0;
    for (int axis = 0; axis < 2; axis++)
        for (int k = -w; k <= w; k++) {
            const int ii = ((axis == 0 ? i + k : i) + n) % n, jj = ((axis == 1 ? j + k : j) + n) % n;
            const double theta = h * (axis ? jj : ii), difference = h * (jj - ii);
            const double v = phase.tunnel[axis] * cos(difference) - phase.drive[axis] * cos(theta - phase.phi[axis]);
            const double ak = k > 0 ? a[w - 1][k] : k < 0 ? -a[w - 1][-k] : 0;
            sum += (phase.D[axis] * b[w - 1][abs(k)] / (h * h) - v * ak / h) * P[(size_t)ii * n + jj];
        }
    return sum;
}

static void check(const double *P, const double *out, int n, int order)
{
    for (int trial = 0; trial < 200; trial++) {
        const int i = rand() % n, j = trial < 20 ? trial % 4 : rand() % n;
        const double expected = direct(P, n, order, i, j), got = out[(size_t)i * n + j];
        if (fabs(got - expected) > 1e-11 * (1 / (4 * acos(-1.0) * acos(-1.0)) * n * n)) {
            fprintf(stderr, "bench_phase: wrong answer at n_c = %d, order %d, (%d, %d): %g, not %g\n", n, order, i, j,
                    got, expected);
            exit(1);
        }
    }
}

static void bench_case(nl_backend *backend, int n, int order, double triad)
{
    nl_operator op = {.kind = NL_OPERATOR_PHASE, .sites = 2, .n = n, .half_width = order / 2,
                      .table_len = nl_phase_table_len(n, order / 2)};
    nl_pool pool;
    nl_job apply = {.in = {0}, .out = STAGE_TERMS}, stage = {.n_terms = STAGE_TERMS, .out = STAGE_TERMS, .arg = 5};
    double times[REPEATS];
    if (nl_pool_new(backend, 1, STAGE_TERMS + 2, (size_t)n * n, &pool) != NL_OK)
        bench_fail(nl_error_message());
    op.tables = malloc(op.table_len * sizeof *op.tables);
    nl_phase_fill_table(&phase, n, order, op.tables);
    bench_fill(pool.data, pool.size * (STAGE_TERMS + 2));
    for (int k = 0; k < STAGE_TERMS; k++) {
        stage.in[k] = k;
        stage.c[k] = k == 0 ? 1 : 1e-3 * k;
    }
    backend->ops->apply(backend, &op, &pool, &apply, 1);
    check(pool.data, pool.data + STAGE_TERMS * pool.size, n, order);
    const double points = (double)n * n;
    for (int kind = 0; kind < 2; kind++) {
        const int inner = (int)fmax(1, 2e7 / points);
        for (int r = 0; r < REPEATS; r++) {
            const double start = omp_get_wtime();
            for (int k = 0; k < inner; k++)
                if (kind == 0)
                    backend->ops->apply(backend, &op, &pool, &apply, 1);
                else
                    backend->ops->stage(backend, &op, &pool, &stage, 1);
            times[r] = (omp_get_wtime() - start) / inner;
        }
        const bench_summary s = bench_summarise(times, REPEATS);
        const double bytes = kind == 0 ? 16 : 8.0 * (STAGE_TERMS + 1);
        printf("%-6s %6d %6d %8d %12.1f %6.1f%% %10.2f %8.2f\n", kind == 0 ? "apply" : "stage", n, order,
               backend->threads, points / s.median / 1e6, 100 * s.spread, bytes * points / s.median / 1e9,
               bytes * points / s.median / triad);
    }
    free(op.tables);
    nl_pool_release(backend, &pool);
}

int main(int argc, char **argv)
{
    const int largest = argc > 1 ? atoi(argv[1]) : 8192;
    const int threads[] = {1, omp_get_max_threads()};
    bench_print_machine();
    for (int t = 0; t < (threads[1] > 1 ? 2 : 1); t++) {
        nl_backend *backend;
        if (nl_backend_open_cpu(threads[t], &backend) != NL_OK)
            bench_fail(nl_error_message());
        const double triad = bench_triad(threads[t]);
        printf("\ntriad with %d threads: %.2f GB/s (24 bytes an element)\n", threads[t], triad / 1e9);
        printf("%-6s %6s %6s %8s %12s %7s %10s %8s\n", "what", "n_c", "order", "threads", "Mpoints/s", "spread",
               "GB/s", "of triad");
        for (int n = 128; n <= largest; n *= 2)
            for (int order = 2; order <= 8; order += 2)
                bench_case(backend, n, order, triad);
        nl_backend_close(backend);
    }
    return 0;
}
