/*
 * The full-amplitude operator: applications per second and fraction of the machine's own triad bandwidth.
 *   bench_amplitude [cpu|cuda] [largest number of points an axis] [double|single]
 *
 * Declared traffic: 2 numbers of 8 bytes a point, in single precision 4 (read P, write dP/dt); update: s + 1 for a
 * combination of s vectors, of
 * which the operator reads one; moments: 1.
 * Prints median and spread over repetitions. The answer is checked at random points before anything is timed.
 */
#include "amplitude_point.h"
#include "bench.h"

enum { UPDATE_TERMS = 3 };

static const nl_amplitude laser = {.sites = 2, .laser = {.A = 1.2, .C = 1, .B_r = 0.012, .t_c = 0.05, .epsilon = 0.3},
                                   .f = {{0, -0.3}, {0.3, 0}}, .extent = 9.2, .width = 1.2};

/* v along one axis at a point, straight from the equation. */
static double drift(int axis, const double x[4])
{
    const nl_laser *l = &laser.laser;
    const int site = axis / 2, im = axis % 2, other = 2 * (1 - site);
    const double r2 = fmin(x[2 * site] * x[2 * site] + x[2 * site + 1] * x[2 * site + 1], laser.extent * laser.extent);
    const double tunnelling = im ? l->t_c * x[other] : -l->t_c * x[other + 1];
    return (l->A - l->C - l->B_r * r2) * x[axis] + tunnelling + (im ? laser.f[site].im : laser.f[site].re);
}

/* dP/dt at one point, with the textbook stencils and a mirror at the edges. */
static double direct(const double *P, int n, int order, const int at[4])
{
    static const double a[4][5] = {{0, .5}, {0, 2. / 3, -1. / 12}, {0, .75, -.15, 1. / 60},
                                   {0, .8, -.2, 4. / 105, -1. / 280}};
    static const double b[4][5] = {{-2, 1}, {-2.5, 4. / 3, -1. / 12}, {-49. / 18, 1.5, -.15, 1. / 90},
                                   {-205. / 72, 1.6, -.2, 8. / 315, -1. / 560}};
    const int w = order / 2;
    const double h = 2 * laser.extent / n;
    double sum = 0;
    for (int axis = 0; axis < 4; axis++)
        for (int k = -w; k <= w; k++) {
            int i[4] = {at[0], at[1], at[2], at[3]}, sign = 1;
            double x[4];
            i[axis] += k;
            if (i[axis] < 0 || i[axis] >= n) {
                i[axis] = i[axis] < 0 ? -1 - i[axis] : 2 * n - 1 - i[axis];
                sign = -1;
            }
            for (int d = 0; d < 4; d++)
                x[d] = (i[d] + 0.5) * h - laser.extent;
            const double ak = k > 0 ? a[w - 1][k] : k < 0 ? -a[w - 1][-k] : 0;
            sum += (laser.laser.A / 2 * b[w - 1][abs(k)] / (h * h) - sign * drift(axis, x) * ak / h) *
                   P[(((size_t)i[0] * n + i[1]) * n + i[2]) * n + i[3]];
        }
    return sum;
}

static void check(const double *P, const double *out, int n, int order, double tolerance)
{
    for (int trial = 0; trial < 200; trial++) {
        int at[4];
        for (int d = 0; d < 4; d++)
            at[d] = trial % 5 == d ? (trial % 2 ? n - 1 - trial % 3 : trial % 3) : rand() % n;
        const double expected = direct(P, n, order, at);
        const double got = out[(((size_t)at[0] * n + at[1]) * n + at[2]) * n + at[3]];
        if (fabs(got - expected) > tolerance * n * n) {
            fprintf(stderr, "bench_amplitude: wrong answer at %d points, order %d: %g, not %g\n", n, order, got,
                    expected);
            exit(1);
        }
    }
}

static void print_row(const char *what, const nl_backend *backend, int n, int order, int numbers, bench_summary s,
                      double triad)
{
    const double points = (double)n * n * n * n, bytes = numbers * (double)backend->ops->real_size;
    printf("%-8s %6d %9.1f %6d %8d %10.1f %10.1f %6.1f%% %8.2f %8.2f\n", what, n,
           1e-6 * backend->ops->real_size * points, order, backend->threads, 1 / s.median, points / s.median / 1e6,
           100 * s.spread, bytes * points / s.median / 1e9, bytes * points / s.median / triad);
    fflush(stdout);
}

static nl_operator set_up(nl_backend *backend, int n, int order, nl_pool *pool)
{
    nl_operator op = {.kind = NL_OPERATOR_AMPLITUDE, .sites = 2, .n = n, .half_width = order / 2,
                      .table_len = nl_amplitude_table_len(n)};
    const size_t size = nl_operator_size(&op);
    double *host = malloc((size > op.table_len ? size : op.table_len) * sizeof *host);
    if (!host || nl_pool_new(backend, 1, UPDATE_TERMS + 1, size, pool) != NL_OK ||
        nl_tables_new(backend, &op, 1) != NL_OK)
        bench_fail("not enough memory");
    nl_amplitude_fill_table(&laser, n, order, host);
    nl_tables_put(backend, &op, 1, host);
    bench_fill(host, size);
    for (int r = 0; r < UPDATE_TERMS + 1; r++)
        nl_pool_put(backend, pool, 0, r, host);
    free(host);
    return op;
}

static void check_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *apply)
{
    double *P = malloc(2 * pool->size * sizeof *P), *out = P + pool->size;
    if (!P || backend->ops->apply(backend, op, pool, apply, 1) != NL_OK)
        bench_fail(nl_error_message());
    nl_pool_get(backend, pool, 0, apply->in[0], P);
    nl_pool_get(backend, pool, 0, apply->out, out);
    check(P, out, op->n, 2 * op->half_width, bench_tolerance(backend, 1e-11));
    free(P);
}

static nl_status moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                         int n_jobs)
{
    double *result = malloc(n_jobs * nl_moments_len(op) * sizeof *result);
    const nl_status status = result ? backend->ops->moments(backend, op, pool, jobs, n_jobs, result) : NL_ERR_MEMORY;
    free(result);
    return status;
}

static void bench_case(nl_backend *backend, int n, int order, double triad)
{
    nl_pool pool;
    nl_operator op = set_up(backend, n, order, &pool);
    const nl_job apply = {.in = {0}, .out = UPDATE_TERMS};
    nl_job update = {.n_terms = UPDATE_TERMS, .out = UPDATE_TERMS, .scale = 1e-3};
    for (int k = 0; k < UPDATE_TERMS; k++) {
        update.in[k] = k;
        update.c[k] = k == 0 ? 1 : 1e-3 * k;
    }
    check_apply(backend, &op, &pool, &apply);
    print_row("apply", backend, n, order, 2, bench_time(backend, backend->ops->apply, &op, &pool, &apply, 1), triad);
    print_row("update", backend, n, order, UPDATE_TERMS + 1,
              bench_time(backend, backend->ops->update, &op, &pool, &update, 1), triad);
    if (order == 2)
        print_row("moments", backend, n, order, 1, bench_time(backend, moments, &op, &pool, &apply, 1), triad);
    backend->ops->free(backend, op.tables);
    nl_pool_release(backend, &pool);
}

static int largest = 64;

static void bench_backend(nl_backend *backend, double triad)
{
    static const int sizes[] = {12, 16, 24, 32, 40, 48, 64, 80, 96, 128};
    printf("%-8s %6s %9s %6s %8s %10s %10s %7s %8s %8s\n", "what", "points", "MB", "order", "threads", "calls/s",
           "Mpoints/s", "spread", "GB/s", "of triad");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes && sizes[k] <= largest; k++)
        for (int order = 2; order <= 8; order += 2)
            bench_case(backend, sizes[k], order, triad);
}

int main(int argc, char **argv)
{
    bench_on(argc, argv, &largest, bench_backend);
    return 0;
}
