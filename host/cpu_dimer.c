/* The operator of the exact two-laser master equation on the CPU: the point functions over jobs and blocks. */
#include <string.h>

#include "cpu_backend.h"
#include "cpu_target.h"
#include "dimer_moments.h"

/* ---- one block ---- */

/* What is constant in a loop over a block: constants to the compiler, too. */
typedef struct shape {
    int components, planes, mirrored;
    purpose purpose;
} shape;

static inline __attribute__((always_inline)) nl_real_complex derivative(const nl_dimer_at *b, const shape s, int x,
                                                                        int y)
{
    if (s.planes > 1)
        return nl_dimer_point_complex(b, s.components, s.mirrored, x, y);
    return (nl_real_complex){nl_dimer_plane_point(b, s.components, s.mirrored, x, y, 0), 0};
}

static inline __attribute__((always_inline)) void put_complex(const nl_dimer_at *b, const shape s, const target *t,
                                                              size_t i, nl_real_complex d)
{
    put(t, s.purpose, i, d.re);
    if (s.planes > 1)
        put(t, s.purpose, b->plane + i, d.im);
}

/* Elements `begin` to N of row x. */
static inline __attribute__((always_inline)) void fill_row(const nl_dimer_at b, const shape s, int x, int begin,
                                                           const target t)
{
#pragma omp simd
    for (int y = begin; y < b.N; y++)
        put_complex(&b, s, &t, (size_t)(x * b.N + y), derivative(&b, s, x, y));
}

/* The element that what laser 2 loses returns to. */
static inline __attribute__((always_inline)) void fill_vacuum(const nl_dimer_at b, const shape s, const target t)
{
    nl_real_complex d = derivative(&b, s, 0, 0);
    d.re += nl_dimer_leak(&b, 0);
    if (s.planes > 1)
        d.im += nl_dimer_leak(&b, 1);
    put_complex(&b, s, &t, 0, d);
}

static inline __attribute__((always_inline)) void fill(const nl_dimer_at b, const shape s, const target t)
{
    fill_vacuum(b, s, t);
    for (int x = 0; x < b.N; x++)
        fill_row(b, s, x, x == 0, t);
}

static void fill_block(const nl_dimer_at *b, const nl_operator *op, purpose purpose, const target *t)
{
    const int qubit = op->components > 1;
#define CASE(q, planes, mirrored, p)                                                                                   \
    case (((q) * 2 + (planes) - 1) * 2 + (mirrored)) * PURPOSES + (p):                                                 \
        fill(*b, (shape){(q) ? 4 : 1, planes, mirrored, p}, *t);                                                       \
        break
#define CASES(q, planes, mirrored)                                                                                     \
    CASE(q, planes, mirrored, APPLY);                                                                                  \
    CASE(q, planes, mirrored, ADD);                                                                                    \
    CASE(q, planes, mirrored, UPDATE_TWO)
    switch (((qubit * 2 + op->planes - 1) * 2 + b->mirrored) * PURPOSES + purpose) {
        CASES(0, 1, 0);
        CASES(0, 1, 1);
        CASES(0, 2, 0);
        CASES(0, 2, 1);
        CASES(1, 1, 0);
        CASES(1, 1, 1);
        CASES(1, 2, 0);
        CASES(1, 2, 1);
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

static nl_dimer_at block_of(const nl_cpu_operation *o, const nl_job *job, int block)
{
    const nl_operator *op = o->op;
    return nl_dimer_at_of(op, nl_slot_table(op, job->slot), nl_pool_vector(o->pool, job->slot, job->in[0]),
                          nl_dimer_label_of(op->n, op->components, (size_t)block));
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const purpose purpose = !o->updates ? APPLY : job->n_terms == 2 ? UPDATE_TWO : ADD;
    const size_t size = (size_t)op->n * op->n, begin = nl_dimer_pad(op->n) + block * size;
    const target t = target_at(o, job, purpose, begin);
    const nl_dimer_at b = block_of(o, job, block);
    (void)thread;
    for (int p = 0; p < op->planes && purpose == ADD; p++)
        nl_cpu_combine_range(o->pool, job, begin + p * b.plane, begin + p * b.plane + size, t.out + p * b.plane);
    fill_block(&b, op, purpose, &t);
    if (block == 0)
        clear_pads(op, t.out - begin);
}

static int block_count(const nl_cpu_operation *o)
{
    return (int)nl_dimer_blocks(o->op->n, o->op->components);
}

nl_status nl_cpu_dimer_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = block_count(o);
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, apply_block);
    return NL_OK;
}

/* ---- moments ---- */

static const nl_real *state_of(const nl_cpu_operation *o, int j)
{
    return nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
}

/* Row x of component c of S_2. */
static void reduce_row(const nl_cpu_operation *o, int j, int c, int x, double *S2)
{
    const int N = o->op->n, components = o->op->components;
    const size_t size = (size_t)N * N, plane = nl_dimer_plane(N, components);
    for (int p = 0; p < 2; p++) {
        double *row = S2 + p * nl_dimer_site_plane(N, components) + ((size_t)c * N + x) * N;
        memset(row, 0, N * sizeof *row);
        for (int c1 = 0; c1 < components && p < o->op->planes; c1 += NL_DIMER_EE)
            for (int m = 0; m < N; m++) {
                const size_t block = nl_dimer_block(N, components, (nl_dimer_label){c1, c, m, m});
                const nl_real *S = state_of(o, j) + nl_dimer_pad(N) + p * plane + block * size;
                for (int y = 0; y < N; y++)
                    row[y] += S[(size_t)x * N + y];
            }
    }
}

static double *parts_of(const nl_cpu_operation *o, int j)
{
    return o->result + (size_t)j * nl_dimer_parts_len(o->op->n, o->op->components);
}

/* The rows of one block but the distance's, summed along x first so that rounding does not grow; or a row of S_2. */
static void parts_of_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const int N = o->op->n, blocks = block_count(o);
    double *parts = parts_of(o, j);
    (void)thread;
    if (block >= blocks) {
        reduce_row(o, j, (block - blocks) / N, (block - blocks) % N, parts + (size_t)NL_DIMER_ROWS * blocks);
        return;
    }
    const nl_dimer_at b = block_of(o, &o->jobs[j], block);
    double sums[NL_DIMER_ROWS] = {0};
    for (int x = 0; x < N; x++) {
        double row[NL_DIMER_ROWS] = {0};
        for (int y = 0; y < N; y++)
            nl_dimer_add_parts(&b, nl_slot_table(o->op, o->jobs[j].slot), o->op->planes, x, y, row);
        for (int s = 0; s < NL_DIMER_ROWS; s++)
            sums[s] += row[s];
    }
    for (int s = 0; s < NL_DIMER_ROWS; s++)
        parts[(size_t)s * blocks + block] = sums[s];
}

static void distance_of_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const int N = o->op->n, components = o->op->components;
    const size_t blocks = (size_t)block_count(o);
    double *parts = parts_of(o, j), sum = 0;
    (void)thread;
    const nl_dimer_at b = block_of(o, &o->jobs[j], block);
    const nl_complex S1 = nl_dimer_reduced(parts, N, components, b.at);
    for (int x = 0; x < N; x++) {
        double row = 0;
        for (int y = 0; y < N; y++)
            row += nl_dimer_distance_term(&b, components, o->op->planes, S1, parts + NL_DIMER_ROWS * blocks, x * N + y);
        sum += row;
    }
    parts[NL_DIMER_DISTANCE * blocks + block] = sum;
}

nl_status nl_cpu_dimer_moments(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    const int N = o->op->n, components = o->op->components;
    double *result = o->result;
    NL_TRY(nl_cpu_reserve(backend, n_jobs * nl_dimer_parts_len(N, components), &o->result));
    o->blocks = block_count(o) + components * N;
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, parts_of_block);
    o->blocks = block_count(o);
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, distance_of_block);
    for (int j = 0; j < n_jobs; j++)
        nl_dimer_add_up(parts_of(o, j), N, components, result + (size_t)j * nl_dimer_moments_len(N, components));
    return NL_OK;
}
