/*
 * The operator of the exact two-laser master equation: applications per second and fraction of the machine's own triad
 * bandwidth.
 *   bench_dimer [cpu|cuda] [largest N] [double|single]
 *
 * Declared traffic of a stored number, of 8 bytes or in single precision 4: apply 2 (read S, write dS/dt); update, a
 * Chebyshev stage out = scale L in0 + c0 in0 + c1 in1 with out in the place of in1, 3 (in0 is counted once), and with a
 * third vector 4. Prints medians and spread over repetitions. Random elements are checked against the equation's
 * elements before anything is timed.
 */
#include <complex.h>

#include "bench.h"
#include "dimer_point.h"

enum { REGISTERS = 4, OUT = REGISTERS - 1 };

static int largest = 64;

/* What a benchmark is of: with qubits or without, S real or complex. */
typedef struct form {
    const char *name;
    int components, planes, share; /* sizes go to largest/share */
} form;

static const form forms[] = {{"photon real", 1, 1, 1}, {"photon complex", 1, 2, 1}, {"qubit real", 4, 1, 2},
                             {"qubit complex", 4, 2, 2}};

/* C_p = 1.1, drives a quarter turn apart where S is to be real. Not closed, so that the elements are the equation's. */
static nl_dimer dimer_of(const form *f, int N)
{
    return (nl_dimer){.pair = {.laser = {.C_p = 1.1, .A = 1.1, .B_r = 1.1 / N, .C = 1}, .components = f->components,
                               .g = 3, .gamma = 8},
                      .planes = f->planes, .drive1 = 0.3,
                      .drive2 = {0.25, f->planes > 1 ? -0.15 : 0}, .t_c = 0.2};
}

/* ---- the check: the equation as it stands, of rho = S with u_1 = -i, u_2 = 1 ---- */

static const double complex powers[] = {1, -I, -1, I};

/* |q_1 p_1, q_2 p_2>: the qubits, and the photons beside. */
typedef struct ket {
    int q[2], p[2];
} ket;

typedef struct subject {
    const nl_dimer *d;
    const nl_operator *op;
    const double *state;
} subject;

static ket moved(ket s, int site, int q, int p)
{
    s.q[site] += q;
    s.p[site] += p;
    return s;
}

static bool is_inside(ket s, int N)
{
    for (int j = 0; j < 2; j++)
        if (s.p[j] < 0 || s.q[j] < 0 || s.q[j] > 1 || s.p[j] + s.q[j] >= N)
            return false;
    return true;
}

/* <s| rho |t> from a stored state. */
static double complex element(const subject *u, ket s, ket t)
{
    const int N = u->op->n, components = u->op->components;
    const int m = s.p[0] + s.q[0], n = t.p[0] + t.q[0], x = s.p[1] + s.q[1], y = t.p[1] + t.q[1];
    if (!is_inside(s, N) || !is_inside(t, N))
        return 0;
    if (m < n)
        return conj(element(u, t, s));
    const nl_dimer_label at = {2 * s.q[0] + t.q[0], 2 * s.q[1] + t.q[1], m, n};
    const double *S = u->state + nl_dimer_pad(N) + nl_dimer_block(N, components, at) * N * N + x * N + y;
    const int quarter_turns = 4 + m - n + s.q[0] - t.q[0] + s.q[1] - t.q[1];
    return powers[quarter_turns % 4] * (S[0] + (u->op->planes > 1 ? I * S[nl_dimer_plane(N, components)] : 0));
}

/* (H rho) at an element. */
static double complex left_of_H(const subject *u, ket s, ket t)
{
    const nl_dimer *d = u->d;
    const double complex field[] = {d->drive1, I * (d->drive2.re + I * d->drive2.im)};
    double complex sum = 0;
    for (int j = 0; j < 2; j++) {
        sum += conj(field[j]) * sqrt(s.p[j] + 1) * element(u, moved(s, j, 0, 1), t);
        sum += field[j] * sqrt(s.p[j]) * element(u, moved(s, j, 0, -1), t);
        sum -= d->t_c * sqrt(s.p[j] * (s.p[1 - j] + 1.0)) * element(u, moved(moved(s, j, 0, -1), 1 - j, 0, 1), t);
        if (u->op->components > 1 && s.q[j])
            sum += d->pair.g * sqrt(s.p[j] + 1) * element(u, moved(s, j, -1, 1), t);
        else if (u->op->components > 1)
            sum += d->pair.g * sqrt(s.p[j]) * element(u, moved(s, j, 1, -1), t);
    }
    return sum;
}

/* What dissipation of one laser gives: Eq. 6 without qubits, Eq. 1 with them. */
static double complex dissipation(const subject *u, int j, ket s, ket t)
{
    const nl_lindblad *l = &u->d->pair;
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C, gamma = l->gamma;
    const int m = s.p[j], n = t.p[j];
    const double complex here = element(u, s, t);
    const double complex lost = sqrt((m + 1.0) * (n + 1)) * element(u, moved(s, j, 0, 1), moved(t, j, 0, 1));
    const double complex sum = C * (2 * lost - (m + n) * here);
    if (u->op->components > 1)
        return sum - gamma * (2 - s.q[j] - t.q[j]) * here +
               (s.q[j] && t.q[j] ? 2 * gamma * element(u, moved(s, j, -1, 0), moved(t, j, -1, 0)) : 0);
    return sum + (B * (m + 1) * (n + 1) - A * (m + n + 2)) * here +
           (2 * A + B) * sqrt((double)m * n) * element(u, moved(s, j, 0, -1), moved(t, j, 0, -1)) -
           B * sqrt((double)m * (m - 1) * n * (n - 1)) * element(u, moved(s, j, 0, -2), moved(t, j, 0, -2));
}

static double complex direct(const subject *u, ket s, ket t)
{
    return dissipation(u, 0, s, t) + dissipation(u, 1, s, t) - I * (left_of_H(u, s, t) - conj(left_of_H(u, t, s)));
}

/* Near the vacuum, near the cutoff, anywhere. */
static ket random_ket(const nl_operator *op, int trial)
{
    ket s;
    for (int j = 0; j < 2; j++) {
        const int E = trial % 3 == 0 ? rand() % 3 : trial % 3 == 1 ? op->n - 1 - rand() % 3 : rand() % op->n;
        s.q[j] = op->components > 1 && E > 0 ? rand() % 2 : 0;
        s.p[j] = E - s.q[j];
    }
    return s;
}

static void check(const nl_dimer *d, const nl_operator *op, const double *state, const double *out, double tolerance)
{
    const subject of_state = {d, op, state}, of_out = {d, op, out};
    const double rate = 20 * op->n + 4 * d->pair.gamma;
    for (int trial = 0; trial < 4000; trial++) {
        const ket s = random_ket(op, trial), t = random_ket(op, trial);
        const double complex wanted = direct(&of_state, s, t), got = element(&of_out, s, t);
        if (!(cabs(got - wanted) < tolerance * rate)) {
            fprintf(stderr, "bench_dimer: wrong answer at N = %d, <%d %d, %d %d| |%d %d, %d %d>: %g%+gi, not %g%+gi\n",
                    op->n, s.q[0], s.p[0], s.q[1], s.p[1], t.q[0], t.p[0], t.q[1], t.p[1], creal(got), cimag(got),
                    creal(wanted), cimag(wanted));
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
    nl_tables_put(backend, &op, 1, table);
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
    check(d, op, state, out, bench_tolerance(backend, 1e-13));
    if (nl_backend_update(backend, op, pool, &update, 1) != NL_OK)
        bench_fail(nl_error_message());
    nl_pool_get(backend, pool, 0, OUT, out);
    for (size_t x = 0; x < pool->size; x++)
        out[x] = (out[x] - 1.25 * state[x]) / 2;
    check(d, op, state, out, bench_tolerance(backend, 1e-13));
    free(out);
}

/* ---- timing ---- */

static void print_row(const char *what, const form *f, const nl_backend *backend, const nl_operator *op, int numbers,
                      bench_summary s, double triad)
{
    const double rate = (double)nl_operator_size(op) / s.median, bytes = numbers * (double)backend->ops->real_size;
    printf("%-9s %-14s %4d %9.1f %7d %12.2f %12.1f %6.1f%% %8.2f %8.2f\n", what, f->name, op->n,
           1e-6 * backend->ops->real_size * (double)nl_operator_size(op), backend->threads, 1 / s.median, rate / 1e6,
           100 * s.spread, bytes * rate / 1e9, bytes * rate / triad);
    fflush(stdout);
}

static void bench_case(nl_backend *backend, const form *f, int N, double triad)
{
    const nl_dimer d = dimer_of(f, N);
    const nl_operator shape = nl_dimer_shape(&d, N);
    const nl_job apply = {.out = OUT};
    /* coefficients so small that nothing grows */
    const nl_job stage = {.n_terms = 2, .in = {0, OUT}, .c = {0.3, 0.2}, .out = OUT, .scale = 1e-6, .arg = 1};
    const nl_job three = {.n_terms = 3, .in = {0, 1, 2}, .c = {0.3, 0.2, 0.1}, .out = OUT, .scale = 1e-6, .arg = OUT};
    const double bytes = (double)backend->ops->real_size * REGISTERS * (double)nl_operator_size(&shape);
    size_t available = 0;
    nl_pool pool;
    if (backend->ops->available(backend, &available) == NL_OK && bytes > 0.7 * (double)available) {
        printf("%-24s %4d: left out, it takes %.1f GB\n", f->name, N, bytes / 1e9);
        return;
    }
    double *state = malloc(nl_operator_size(&shape) * sizeof *state);
    if (!state)
        bench_fail("not enough memory");
    nl_operator op = set_up(backend, &d, N, &pool, state);
    check_operations(backend, &d, &op, &pool, state);
    print_row("apply", f, backend, &op, 2, bench_time(backend, backend->ops->apply, &op, &pool, &apply, 1), triad);
    print_row("stage", f, backend, &op, 3, bench_time(backend, nl_backend_update, &op, &pool, &stage, 1), triad);
    print_row("update 3", f, backend, &op, 4, bench_time(backend, nl_backend_update, &op, &pool, &three, 1), triad);
    free(state);
    backend->ops->free(backend, op.tables);
    nl_pool_release(backend, &pool);
}

static void bench_backend(nl_backend *backend, double triad)
{
    printf("%-9s %-14s %4s %9s %7s %12s %12s %7s %8s %8s\n", "what", "form", "N", "MB/vector", "threads",
           "applications", "Melements/s", "spread", "GB/s", "of triad");
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++)
        for (int N = 16; N <= largest / forms[k].share; N = N * 3 / 2)
            bench_case(backend, &forms[k], N, triad);
}

int main(int argc, char **argv)
{
    bench_on(argc, argv, &largest, bench_backend);
    return 0;
}
