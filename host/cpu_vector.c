/* Vector operations of the CPU backend, in one precision. */
#include <math.h>
#include <string.h>

#include "cpu_backend.h"

static int chunk_count(size_t size)
{
    return (int)((size + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK);
}

/* ---- to and from the host ---- */

nl_status nl_cpu_put(nl_backend *backend, void *array, size_t first, const double *host, size_t count)
{
    nl_real *to = (nl_real *)array + first;
    (void)backend;
    for (size_t x = 0; x < count; x++)
        to[x] = (nl_real)host[x];
    return NL_OK;
}

nl_status nl_cpu_get(nl_backend *backend, double *host, const void *array, size_t first, size_t count)
{
    const nl_real *from = (const nl_real *)array + first;
    (void)backend;
    for (size_t x = 0; x < count; x++)
        host[x] = from[x];
    return NL_OK;
}

/* ---- linear combinations ---- */

void nl_cpu_combine_range(const nl_pool *pool, const nl_job *job, size_t begin, size_t end, nl_real *out)
{
    const nl_real *in[NL_MAX_TERMS];
    nl_real c[NL_MAX_TERMS];
    for (int k = 0; k < job->n_terms; k++) {
        c[k] = (nl_real)job->c[k];
        in[k] = nl_pool_vector(pool, job->slot, job->in[k]) + begin;
    }
    const size_t n = end - begin;
#define TERM(k) c[k] * in[k][x]
#define LOOP(expression)                                                                                               \
    _Pragma("omp simd") for (size_t x = 0; x < n; x++) out[x] = expression;                                            \
    break
    switch (job->n_terms) {
    case 1: LOOP(TERM(0));
    case 2: LOOP(TERM(0) + TERM(1));
    case 3: LOOP(TERM(0) + TERM(1) + TERM(2));
    case 4: LOOP(TERM(0) + TERM(1) + TERM(2) + TERM(3));
    case 5: LOOP(TERM(0) + TERM(1) + TERM(2) + TERM(3) + TERM(4));
    case 6: LOOP(TERM(0) + TERM(1) + TERM(2) + TERM(3) + TERM(4) + TERM(5));
    case 7: LOOP(TERM(0) + TERM(1) + TERM(2) + TERM(3) + TERM(4) + TERM(5) + TERM(6));
    case 8: LOOP(TERM(0) + TERM(1) + TERM(2) + TERM(3) + TERM(4) + TERM(5) + TERM(6) + TERM(7));
    default: memset(out, 0, n * sizeof *out);
    }
#undef LOOP
#undef TERM
}

void nl_cpu_update_range(const nl_pool *pool, const nl_job *job, size_t begin, size_t n, const nl_real *line)
{
    const nl_real scale = (nl_real)job->scale;
    nl_real *out = nl_pool_vector(pool, job->slot, job->out) + begin;
    nl_cpu_combine_range(pool, job, begin, begin + n, out);
#pragma omp simd
    for (size_t x = 0; x < n; x++)
        out[x] += scale * line[x];
}

static size_t chunk_end(size_t size, int chunk)
{
    const size_t end = ((size_t)chunk + 1) * NL_CPU_CHUNK;
    return end < size ? end : size;
}

static void combine_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    (void)thread;
    const size_t begin = (size_t)block * NL_CPU_CHUNK;
    nl_cpu_combine_range(o->pool, &o->jobs[j], begin, chunk_end(o->pool->size, block),
                  nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].out) + begin);
}

nl_status nl_cpu_combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    const nl_cpu_operation o = {.pool = pool, .jobs = jobs, .blocks = chunk_count(pool->size)};
    nl_cpu_for_each(backend, &o, pool->size, n_jobs, combine_block);
    return NL_OK;
}

/* ---- reductions: one partial sum per chunk, added in chunk order ---- */

/* Sum of every `stride`-th partial sum, in order. */
static double add_up(const double *partial, int count, int stride)
{
    double sum = 0;
    for (int b = 0; b < count; b++)
        sum += partial[(size_t)b * stride];
    return sum;
}

/* Runs body, which leaves `width` partial sums per chunk, and adds these up: width sums per job. */
static nl_status reduce(nl_backend *backend, nl_cpu_operation *o, int n_jobs, int width, nl_cpu_body body,
                        double *result)
{
    o->blocks = chunk_count(o->pool->size);
    NL_TRY(nl_cpu_reserve(backend, (size_t)n_jobs * o->blocks * width, &o->result));
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, body);
    for (int j = 0; j < n_jobs; j++)
        for (int k = 0; k < width; k++)
            result[j * width + k] = add_up(o->result + (size_t)j * o->blocks * width + k, o->blocks, width);
    return NL_OK;
}

static void error_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    nl_real e[NL_CPU_CHUNK];
    double sum = 0;
    const nl_job *job = &o->jobs[j];
    const size_t begin = (size_t)chunk * NL_CPU_CHUNK, end = chunk_end(o->pool->size, chunk);
    const nl_real *y = nl_pool_vector(o->pool, job->slot, job->y) + begin;
    const nl_real *y_new = nl_pool_vector(o->pool, job->slot, job->y_new) + begin;
    const nl_real rtol = (nl_real)o->rtol, atol = (nl_real)o->atol;
    nl_cpu_combine_range(o->pool, job, begin, end, e);
#pragma omp simd reduction(+ : sum)
    for (size_t x = 0; x < end - begin; x++)
        sum += nl_scaled_error_squared(e[x], y[x], y_new[x], rtol, atol);
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

nl_status nl_cpu_error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
                           double atol, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs, .rtol = rtol, .atol = atol};
    NL_TRY(reduce(backend, &o, n_jobs, 1, error_chunk, result));
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(result[j] / (double)pool->size);
    return NL_OK;
}

static void sums_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_real *v = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double sum = 0, magnitude = 0;
#pragma omp simd reduction(+ : sum, magnitude)
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < chunk_end(o->pool->size, chunk); x++) {
        sum += v[x];
        magnitude += fabs(v[x]);
    }
    double *result = o->result + 2 * ((size_t)j * o->blocks + chunk);
    result[0] = sum;
    result[1] = magnitude;
}

nl_status nl_cpu_sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 2, sums_chunk, result);
}

static void dot_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_job *job = &o->jobs[j];
    const nl_real *v = nl_pool_vector(o->pool, job->slot, job->in[0]);
    const nl_real *w = nl_pool_vector(o->pool, job->slot, job->in[1]);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < chunk_end(o->pool->size, chunk); x++)
        sum += (double)v[x] * w[x];
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

static void largest_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_real *v = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double largest = 0, sum = 0; /* which is NAN where an element is, or infinite */
#pragma omp simd reduction(max : largest) reduction(+ : sum)
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < chunk_end(o->pool->size, chunk); x++) {
        const double magnitude = fabs(v[x]);
        largest = magnitude > largest ? magnitude : largest;
        sum += magnitude;
    }
    o->result[(size_t)j * o->blocks + chunk] = isnan(sum) ? NAN : largest;
}

nl_status nl_cpu_largest(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs, .blocks = chunk_count(pool->size)};
    NL_TRY(nl_cpu_reserve(backend, (size_t)n_jobs * o.blocks, &o.result));
    nl_cpu_for_each(backend, &o, pool->size, n_jobs, largest_chunk);
    for (int j = 0; j < n_jobs; j++) {
        result[j] = 0;
        for (int b = 0; b < o.blocks; b++) {
            const double x = o.result[(size_t)j * o.blocks + b];
            result[j] = isnan(x) || isnan(result[j]) ? NAN : fmax(result[j], x);
        }
    }
    return NL_OK;
}

nl_status nl_cpu_dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 1, dot_chunk, result);
}
