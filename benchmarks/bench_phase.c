/*
 * The phase operator: points per second and fraction of the machine's own triad bandwidth.
 *   bench_phase [cpu|cuda] [largest n_c] [double|single]
 *
 * Declared traffic: 2 numbers of 8 bytes a point, in single precision 4 (read P, write dP/dt); stage: s + 1 for a
 * combination of s vectors.
 * Prints median and spread over repetitions. The answer is checked at random points before anything is timed.
 */
#include "bench.h"
#include "phase_point.h"

enum { STAGE_TERMS = 4 };

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

static void check(const double *P, const double *out, int n, int order, double tolerance)
{
    for (int trial = 0; trial < 200; trial++) {
        const int i = rand() % n, j = trial < 20 ? trial % 4 : rand() % n;
        const double expected = direct(P, n, order, i, j), got = out[(size_t)i * n + j];
        if (fabs(got - expected) > tolerance * (1 / (4 * acos(-1.0) * acos(-1.0)) * n * n)) {
            fprintf(stderr, "bench_phase: wrong answer at n_c = %d, order %d, (%d, %d): %g, not %g\n", n, order, i, j,
                    got, expected);
            exit(1);
        }
    }
}

static void print_row(const char *what, const nl_backend *backend, int n, int order, int numbers, bench_summary s,
                      double triad)
{
    const double points = (double)n * n, bytes = numbers * (double)backend->ops->real_size;
    printf("%-6s %6d %6d %8d %12.1f %6.1f%% %10.2f %8.2f\n", what, n, order, backend->threads,
           points / s.median / 1e6, 100 * s.spread, bytes * points / s.median / 1e9, bytes * points / s.median / triad);
    fflush(stdout);
}

/* Random-looking states in every register, the tables of `phase`. */
static nl_operator set_up(nl_backend *backend, int n, int order, nl_pool *pool)
{
    nl_operator op = {.kind = NL_OPERATOR_PHASE, .sites = 2, .n = n, .half_width = order / 2,
                      .table_len = nl_phase_table_len(n, order / 2)};
    const size_t size = (size_t)n * n;
    double *host = malloc((size > op.table_len ? size : op.table_len) * sizeof *host);
    if (!host || nl_pool_new(backend, 1, STAGE_TERMS + 2, size, pool) != NL_OK ||
        nl_tables_new(backend, &op, 1) != NL_OK)
        bench_fail("not enough memory");
    nl_phase_fill_table(&phase, nl_stencil_of_order(n, order), host);
    nl_tables_put(backend, &op, 1, host);
    bench_fill(host, size);
    for (int r = 0; r < STAGE_TERMS + 2; r++)
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

static void bench_case(nl_backend *backend, int n, int order, double triad)
{
    nl_pool pool;
    nl_operator op = set_up(backend, n, order, &pool);
    const nl_job apply = {.in = {0}, .out = STAGE_TERMS};
    nl_job stage = {.n_terms = STAGE_TERMS, .out = STAGE_TERMS, .arg = STAGE_TERMS + 1};
    for (int k = 0; k < STAGE_TERMS; k++) {
        stage.in[k] = k;
        stage.c[k] = k == 0 ? 1 : 1e-3 * k;
    }
    check_apply(backend, &op, &pool, &apply);
    print_row("apply", backend, n, order, 2, bench_time(backend, backend->ops->apply, &op, &pool, &apply, 1), triad);
    print_row("stage", backend, n, order, STAGE_TERMS + 1,
              bench_time(backend, nl_backend_stage, &op, &pool, &stage, 1), triad);
    backend->ops->free(backend, op.tables);
    nl_pool_release(backend, &pool);
}

static int largest = 8192;

static void bench_backend(nl_backend *backend, double triad)
{
    printf("%-6s %6s %6s %8s %12s %7s %10s %8s\n", "what", "n_c", "order", "threads", "Mpoints/s", "spread", "GB/s",
           "of triad");
    for (int n = 128; n <= largest; n *= 2)
        for (int order = 2; order <= 8; order += 2)
            bench_case(backend, n, order, triad);
}

int main(int argc, char **argv)
{
    bench_on(argc, argv, &largest, bench_backend);
    return 0;
}
