/* The operator of the exact two-laser master equation on the CPU: the point functions over jobs and blocks (m, n). */
#include <string.h>

#include "cpu_backend.h"
#include "cpu_target.h"
#include "dimer_point.h"

/* ---- one block ---- */

/* Elements `begin` to N of row x. */
static inline __attribute__((always_inline)) void fill_row(const nl_dimer_at b, int mirrored, int planes, int x,
                                                           int begin, purpose purpose, const target t)
{
#pragma omp simd
    for (int y = begin; y < b.N; y++) {
        const size_t i = (size_t)(x * b.N + y);
        if (planes == 1) {
            put(&t, purpose, i, nl_dimer_plane_point(&b, mirrored, x, y, 0));
        } else {
            const nl_real_complex d = nl_dimer_point_complex(&b, mirrored, x, y);
            put(&t, purpose, i, d.re);
            put(&t, purpose, b.plane + i, d.im);
        }
    }
}

/* The element that what laser 2 loses returns to. */
static inline __attribute__((always_inline)) void fill_vacuum(const nl_dimer_at b, int mirrored, int planes,
                                                              purpose purpose, const target t)
{
    const nl_real_complex real = {nl_dimer_plane_point(&b, mirrored, 0, 0, 0), 0};
    const nl_real_complex d = planes == 1 ? real : nl_dimer_point_complex(&b, mirrored, 0, 0);
    put(&t, purpose, 0, d.re + nl_dimer_leak(&b, 0));
    if (planes > 1)
        put(&t, purpose, b.plane, d.im + nl_dimer_leak(&b, 1));
}

static inline __attribute__((always_inline)) void fill(const nl_dimer_at b, int mirrored, int planes, purpose purpose,
                                                       const target t)
{
    fill_vacuum(b, mirrored, planes, purpose, t);
    for (int x = 0; x < b.N; x++)
        fill_row(b, mirrored, planes, x, x == 0, purpose, t);
}

/* What is constant in each loop is a constant to the compiler. */
static void fill_block(const nl_dimer_at *b, int planes, purpose purpose, const target *t)
{
#define CASE(mirrored, planes, p)                                                                                      \
    case ((mirrored) * 2 + (planes) - 1) * PURPOSES + (p): fill(*b, mirrored, planes, p, *t); break
#define CASES(mirrored, planes)                                                                                        \
    CASE(mirrored, planes, APPLY);                                                                                     \
    CASE(mirrored, planes, ADD);                                                                                       \
    CASE(mirrored, planes, UPDATE_TWO)
    switch ((b->mirrored * 2 + planes - 1) * PURPOSES + purpose) {
        CASES(0, 1);
        CASES(0, 2);
        CASES(1, 1);
        CASES(1, 2);
    }
#undef CASES
#undef CASE
}

/* ---- the operator ---- */

/* The job's vectors from number `begin` on. */
static target target_at(const nl_cpu_operation *o, const nl_job *job, purpose purpose, size_t begin)
{
    target t = {.out = nl_pool_vector(o->pool, job->slot, job->out) + begin, .scale = (nl_real)job->scale};
    for (int k = 0; k < 2 && purpose == UPDATE_TWO; k++) {
        t.in[k] = nl_pool_vector(o->pool, job->slot, job->in[k]) + begin;
        t.c[k] = (nl_real)job->c[k];
    }
    return t;
}

static void clear_pads(const nl_operator *op, nl_real *out)
{
    const size_t pad = nl_dimer_pad(op->n), end = nl_operator_size(op) - pad;
    memset(out, 0, pad * sizeof *out);
    memset(out + end, 0, pad * sizeof *out);
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const purpose purpose = !o->updates ? APPLY : job->n_terms == 2 ? UPDATE_TWO : ADD;
    const size_t size = (size_t)op->n * op->n, begin = nl_dimer_pad(op->n) + block * size;
    const target t = target_at(o, job, purpose, begin);
    int m, n;
    (void)thread;
    nl_dimer_place((size_t)block, &m, &n);
    const nl_dimer_at b = nl_dimer_at_of(op, nl_slot_table(op, job->slot),
                                         nl_pool_vector(o->pool, job->slot, job->in[0]), m, n);
    for (int p = 0; p < op->planes && purpose == ADD; p++)
        nl_cpu_combine_range(o->pool, job, begin + p * b.plane, begin + p * b.plane + size, t.out + p * b.plane);
    fill_block(&b, op->planes, purpose, &t);
    if (block == 0)
        clear_pads(op, t.out - begin);
}

nl_status nl_cpu_dimer_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = (int)nl_dimer_blocks(o->op->n);
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, apply_block);
    return NL_OK;
}

/* ---- moments ---- */

static const nl_real *state_of(const nl_cpu_operation *o, int j)
{
    return nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
}

static nl_dimer_at block_of(const nl_cpu_operation *o, int j, int block, int *m, int *n)
{
    nl_dimer_place((size_t)block, m, n);
    return nl_dimer_at_of(o->op, nl_slot_table(o->op, o->jobs[j].slot), state_of(o, j), *m, *n);
}

/* Row x of S_2. */
static void reduce_row(const nl_cpu_operation *o, int j, int x, double *S2)
{
    const int N = o->op->n;
    const size_t size = (size_t)N * N;
    for (int p = 0; p < 2; p++) {
        double *row = S2 + p * size + (size_t)x * N;
        memset(row, 0, N * sizeof *row);
        for (int m = 0; m < N && p < o->op->planes; m++) {
            const nl_real *S = state_of(o, j) + nl_dimer_pad(N) + p * nl_dimer_plane(N) + nl_dimer_block(m, m) * size;
            for (int y = 0; y < N; y++)
                row[y] += S[(size_t)x * N + y];
        }
    }
}

/* The rows of one block but the distance's, summed along x first so that rounding does not grow; or a row of S_2. */
static void parts_of_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const int N = o->op->n, blocks = (int)nl_dimer_blocks(N);
    double *parts = o->result + (size_t)j * nl_dimer_parts_len(N);
    int m, n;
    (void)thread;
    if (block >= blocks) {
        reduce_row(o, j, block - blocks, parts + (size_t)NL_DIMER_ROWS * blocks);
        return;
    }
    const nl_dimer_at b = block_of(o, j, block, &m, &n);
    double sums[NL_DIMER_ROWS] = {0};
    for (int x = 0; x < N; x++) {
        double row[NL_DIMER_ROWS] = {0};
        for (int y = 0; y < N; y++)
            nl_dimer_add_parts(&b, o->op->planes, m, n, x, y, row);
        for (int s = 0; s < NL_DIMER_ROWS; s++)
            sums[s] += row[s];
    }
    for (int s = 0; s < NL_DIMER_ROWS; s++)
        parts[(size_t)s * blocks + block] = sums[s];
}

static void distance_of_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const int N = o->op->n;
    const size_t blocks = nl_dimer_blocks(N);
    double *parts = o->result + (size_t)j * nl_dimer_parts_len(N), sum = 0;
    int m, n;
    (void)thread;
    const nl_dimer_at b = block_of(o, j, block, &m, &n);
    const nl_complex S1 = nl_dimer_reduced(parts, N, m, n);
    for (int x = 0; x < N; x++) {
        double row = 0;
        for (int y = 0; y < N; y++)
            row += nl_dimer_distance_term(&b, o->op->planes, S1, parts + NL_DIMER_ROWS * blocks, x * N + y);
        sum += row;
    }
    parts[NL_DIMER_DISTANCE * blocks + block] = sum;
}

nl_status nl_cpu_dimer_moments(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    const int N = o->op->n;
    double *result = o->result;
    NL_TRY(nl_cpu_reserve(backend, n_jobs * nl_dimer_parts_len(N), &o->result));
    o->blocks = (int)nl_dimer_blocks(N) + N;
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, parts_of_block);
    o->blocks = (int)nl_dimer_blocks(N);
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, distance_of_block);
    for (int j = 0; j < n_jobs; j++)
        nl_dimer_add_up(o->result + (size_t)j * nl_dimer_parts_len(N), N, result + (size_t)j * nl_dimer_moments_len(N));
    return NL_OK;
}
