/*
 * The operator of the exact two-laser master equation: applications per second and fraction of the machine's own triad
 * bandwidth.
 *   bench_dimer [cpu|cuda] [largest N]
 *
 * Declared traffic of a stored double: apply 16 bytes (read S, write dS/dt); update, a Chebyshev stage
 * out = scale L in0 + c0 in0 + c1 in1 with out in the place of in1, 24 bytes (in0 is counted once), and with a third
 * vector 32. Prints medians and spread over repetitions. Random elements are checked against the equation's elements
 * before anything is timed.
 */
#include <complex.h>

#include "bench.h"
#include "dimer_point.h"

enum { REGISTERS = 4, OUT = REGISTERS - 1 };

static int largest = 64;

/* C_p = 1.1, drives a quarter turn apart where S is to be real. Not closed, so that the elements are the equation's. */
static nl_dimer dimer_of(int planes, int N)
{
    return (nl_dimer){.pair = {.laser = {.C_p = 1.1, .A = 1.1, .B_r = 1.1 / N, .C = 1}, .components = 1},
                      .planes = planes, .drive1 = 0.3,
                      .drive2 = {0.25, planes > 1 ? -0.15 : 0}, .t_c = 0.2};
}

/* ---- the check: the equation as it stands, of rho = S with u_1 = -i, u_2 = 1 ---- */

static const double complex powers[] = {1, -I, -1, I};

/* <m, x| rho |n, y> from a stored state. */
static double complex element(const nl_operator *op, const double *state, int m, int x, int n, int y)
{
    const int N = op->n;
    if (m < 0 || n < 0 || x < 0 || y < 0 || m >= N || n >= N || x >= N || y >= N)
        return 0;
    if (m < n)
        return conj(element(op, state, n, y, m, x));
    const nl_dimer_label at = {0, 0, m, n};
    const double *S = state + nl_dimer_pad(N) + nl_dimer_block(N, 1, at) * N * N + x * N + y;
    return powers[(m - n) % 4] * (S[0] + (op->planes > 1 ? I * S[nl_dimer_plane(N, 1)] : 0));
}

/* (H rho) at an element. */
static double complex left_of_H(const nl_dimer *d, const nl_operator *op, const double *s, int m, int x, int n, int y)
{
    const double complex f1 = d->drive1, f2 = I * (d->drive2.re + I * d->drive2.im);
    return conj(f1) * sqrt(m + 1) * element(op, s, m + 1, x, n, y) + f1 * sqrt(m) * element(op, s, m - 1, x, n, y) +
           conj(f2) * sqrt(x + 1) * element(op, s, m, x + 1, n, y) + f2 * sqrt(x) * element(op, s, m, x - 1, n, y) -
           d->t_c * (sqrt(m * (x + 1.0)) * element(op, s, m - 1, x + 1, n, y) +
                     sqrt((m + 1.0) * x) * element(op, s, m + 1, x - 1, n, y));
}

static double complex direct(const nl_dimer *d, const nl_operator *op, const double *s, int m, int x, int n, int y)
{
    const double A = d->pair.laser.A, B = d->pair.laser.B_r, C = d->pair.laser.C;
    const double keep = -A * (m + n + x + y + 4) - C * (m + n + x + y) + B * ((m + 1) * (n + 1) + (x + 1) * (y + 1));
    const double complex gain = sqrt((double)m * n) * element(op, s, m - 1, x, n - 1, y) +
                                sqrt((double)x * y) * element(op, s, m, x - 1, n, y - 1);
    const double complex loss = sqrt((m + 1.0) * (n + 1)) * element(op, s, m + 1, x, n + 1, y) +
                                sqrt((x + 1.0) * (y + 1)) * element(op, s, m, x + 1, n, y + 1);
    const double complex twice = sqrt((double)m * (m - 1) * n * (n - 1)) * element(op, s, m - 2, x, n - 2, y) +
                                 sqrt((double)x * (x - 1) * y * (y - 1)) * element(op, s, m, x - 2, n, y - 2);
    return keep * element(op, s, m, x, n, y) + (2 * A + B) * gain + 2 * C * loss - B * twice -
           I * (left_of_H(d, op, s, m, x, n, y) - conj(left_of_H(d, op, s, n, y, m, x)));
}

static void check(const nl_dimer *d, const nl_operator *op, const double *state, const double *out)
{
    const int N = op->n;
    for (int trial = 0; trial < 4000; trial++) {
        int at[4];
        for (int k = 0; k < 4; k++)
            at[k] = trial % 3 == 0 ? rand() % 3 : trial % 3 == 1 ? N - 1 - rand() % 3 : rand() % N;
        const double complex wanted = direct(d, op, state, at[0], at[1], at[2], at[3]);
        const double complex got = element(op, out, at[0], at[1], at[2], at[3]);
        if (!(cabs(got - wanted) < 1e-13 * 20 * N)) {
            fprintf(stderr, "bench_dimer: wrong answer at N = %d, <%d, %d| |%d, %d>: %g%+gi, not %g%+gi\n", N, at[0],
                    at[1], at[2], at[3], creal(got), cimag(got), creal(wanted), cimag(wanted));
            exit(1);
        }
    }
}

/* ---- the vectors ---- */

static nl_operator set_up(nl_backend *backend, const nl_dimer *d, int N, nl_pool *pool, double *state)
{
    nl_operator op = nl_dimer_shape(d, N);
    double *table = malloc(op.table_len * sizeof *table);
    if (!table || nl_pool_new(backend, 1, REGISTERS, nl_operator_size(&op), pool) != NL_OK ||
        nl_tables_new(backend, &op, 1) != NL_OK)
        bench_fail("not enough memory");
    nl_dimer_fill_table(d, N, table);
    bench_fill(state, nl_operator_size(&op));
    nl_dimer_constrain(d, N, state);
    backend->ops->put(backend, op.tables, 0, table, op.table_len);
    for (int r = 0; r < REGISTERS; r++)
        nl_pool_put(backend, pool, 0, r, state);
    free(table);
    return op;
}

/* Both operations, of in0 = in1 = in2 = state. */
static void check_operations(nl_backend *backend, const nl_dimer *d, const nl_operator *op, const nl_pool *pool,
                             const double *state)
{
    const nl_job apply = {.out = OUT};
    const nl_job update = {.n_terms = 3, .in = {0, 1, 2}, .c = {0.5, -0.25, 1}, .out = OUT, .arg = OUT, .scale = 2};
    double *out = malloc(pool->size * sizeof *out);
    if (!out || backend->ops->apply(backend, op, pool, &apply, 1) != NL_OK)
        bench_fail(out ? nl_error_message() : "not enough memory");
    nl_pool_get(backend, pool, 0, OUT, out);
    check(d, op, state, out);
    if (nl_backend_update(backend, op, pool, &update, 1) != NL_OK)
        bench_fail(nl_error_message());
    nl_pool_get(backend, pool, 0, OUT, out);
    for (size_t x = 0; x < pool->size; x++)
        out[x] = (out[x] - 1.25 * state[x]) / 2;
    check(d, op, state, out);
    free(out);
}

/* ---- timing ---- */

static void print_row(const char *what, const nl_backend *backend, const nl_operator *op, double bytes, bench_summary s,
                      double triad)
{
    const double rate = (double)nl_operator_size(op) / s.median;
    printf("%-9s %-8s %4d %9.1f %7d %12.2f %12.1f %6.1f%% %8.2f %8.2f\n", what, op->planes == 1 ? "real" : "complex",
           op->n, 8e-6 * (double)nl_operator_size(op), backend->threads, 1 / s.median, rate / 1e6, 100 * s.spread,
           bytes * rate / 1e9, bytes * rate / triad);
    fflush(stdout);
}

static void bench_case(nl_backend *backend, int planes, int N, double triad)
{
    const nl_dimer d = dimer_of(planes, N);
    const nl_operator shape = nl_dimer_shape(&d, N);
    const nl_job apply = {.out = OUT};
    /* coefficients so small that nothing grows */
    const nl_job stage = {.n_terms = 2, .in = {0, OUT}, .c = {0.3, 0.2}, .out = OUT, .scale = 1e-6, .arg = 1};
    const nl_job three = {.n_terms = 3, .in = {0, 1, 2}, .c = {0.3, 0.2, 0.1}, .out = OUT, .scale = 1e-6, .arg = OUT};
    const double bytes = 8.0 * REGISTERS * (double)nl_operator_size(&shape);
    size_t available = 0;
    nl_pool pool;
    if (backend->ops->available(backend, &available) == NL_OK && bytes > 0.7 * (double)available) {
        printf("%-18s %4d: left out, it takes %.1f GB\n", planes == 1 ? "real" : "complex", N, bytes / 1e9);
        return;
    }
    double *state = malloc(nl_operator_size(&shape) * sizeof *state);
    if (!state)
        bench_fail("not enough memory");
    nl_operator op = set_up(backend, &d, N, &pool, state);
    check_operations(backend, &d, &op, &pool, state);
    print_row("apply", backend, &op, 16, bench_time(backend, backend->ops->apply, &op, &pool, &apply, 1), triad);
    print_row("stage", backend, &op, 24, bench_time(backend, nl_backend_update, &op, &pool, &stage, 1), triad);
    print_row("update 3", backend, &op, 32, bench_time(backend, nl_backend_update, &op, &pool, &three, 1), triad);
    free(state);
    backend->ops->free(backend, op.tables);
    nl_pool_release(backend, &pool);
}

static void bench_backend(nl_backend *backend, double triad)
{
    printf("%-9s %-8s %4s %9s %7s %12s %12s %7s %8s %8s\n", "what", "S", "N", "MB/vector", "threads", "applications",
           "Melements/s", "spread", "GB/s", "of triad");
    for (int planes = 1; planes <= 2; planes++)
        for (int N = 16; N <= largest; N = N * 3 / 2)
            bench_case(backend, planes, N, triad);
}

int main(int argc, char **argv)
{
    if (argc > 2)
        largest = atoi(argv[2]);
    bench_on(argc > 1 ? argv[1] : "cpu", bench_backend);
    return 0;
}
