/* Tall matrices of the CPU backend: a basis of consecutive registers against one vector, or turned within its span. */
#include <string.h>

#include "cpu_backend.h"

enum { TILE = 64 }; /* rows turned at a time */

static size_t chunk_end(size_t size, int chunk)
{
    const size_t end = ((size_t)chunk + 1) * NL_CPU_CHUNK;
    return end < size ? end : size;
}

static nl_cpu_operation operation(const nl_pool *pool, const nl_basis_job *jobs)
{
    return (nl_cpu_operation){.pool = pool, .basis_jobs = jobs,
                              .blocks = (int)((pool->size + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK)};
}

static void project_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_basis_job *job = &o->basis_jobs[j];
    const size_t begin = (size_t)chunk * NL_CPU_CHUNK, n = chunk_end(o->pool->size, chunk) - begin;
    const nl_real *w = nl_pool_vector(o->pool, job->slot, job->vector) + begin;
    double *partial = o->result + ((size_t)j * o->blocks + chunk) * NL_MAX_BASIS;
    for (int i = 0; i < job->count; i++) {
        const nl_real *v = nl_pool_vector(o->pool, job->slot, job->first + i) + begin;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t x = 0; x < n; x++)
            sum += (double)v[x] * w[x];
        partial[i] = sum;
    }
}

nl_status nl_cpu_project(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, double *h)
{
    nl_cpu_operation o = operation(pool, jobs);
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_cpu_reserve(backend, (size_t)n_jobs * o.blocks * NL_MAX_BASIS, &o.result));
    nl_cpu_for_each(backend, &o, pool->size * NL_MAX_BASIS / 8, n_jobs, project_chunk);
    for (int j = 0; j < n_jobs; j++)
        for (int i = 0; i < jobs[j].count; i++) {
            double sum = 0; /* in chunk order, whatever the threads */
            for (int b = 0; b < o.blocks; b++)
                sum += o.result[((size_t)j * o.blocks + b) * NL_MAX_BASIS + i];
            h[(size_t)j * NL_MAX_BASIS + i] = sum;
        }
    return NL_OK;
}

static void expand_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_basis_job *job = &o->basis_jobs[j];
    const size_t begin = (size_t)chunk * NL_CPU_CHUNK, n = chunk_end(o->pool->size, chunk) - begin;
    nl_real *w = nl_pool_vector(o->pool, job->slot, job->vector) + begin;
    for (int i = 0; i < job->count; i++) {
        const nl_real *v = nl_pool_vector(o->pool, job->slot, job->first + i) + begin;
        const nl_real c = (nl_real)o->dense[(size_t)j * NL_MAX_BASIS + i];
#pragma omp simd
        for (size_t x = 0; x < n; x++)
            w[x] += c * v[x];
    }
}

nl_status nl_cpu_expand(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, const double *h)
{
    nl_cpu_operation o = operation(pool, jobs);
    o.dense = h;
    nl_cpu_for_each(backend, &o, pool->size * NL_MAX_BASIS / 8, n_jobs, expand_chunk);
    return NL_OK;
}

/* out[j][x] = sum_i V_i[x] Z[j][i], rows begin ... begin + n - 1, n <= TILE. */
static void rotate_tile(const nl_cpu_operation *o, size_t begin, size_t n)
{
    const nl_basis_job *job = o->basis_jobs;
    nl_real out[NL_MAX_BASIS][TILE];
    for (int j = 0; j < o->kept; j++) {
        memset(out[j], 0, sizeof out[j]);
        for (int i = 0; i < job->count; i++) {
            const nl_real *v = nl_pool_vector(o->pool, job->slot, job->first + i) + begin;
            const nl_real c = (nl_real)o->dense[(size_t)j * job->count + i];
#pragma omp simd
            for (size_t x = 0; x < n; x++)
                out[j][x] += c * v[x];
        }
    }
    for (int j = 0; j < o->kept; j++)
        memcpy(nl_pool_vector(o->pool, job->slot, job->first + j) + begin, out[j], n * sizeof **out);
}

static void rotate_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)j;
    (void)thread;
    const size_t end = chunk_end(o->pool->size, chunk);
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < end; x += TILE)
        rotate_tile(o, x, end - x < TILE ? end - x : TILE);
}

nl_status nl_cpu_rotate(nl_backend *backend, const nl_pool *pool, const nl_basis_job *job, const double *Z, int kept)
{
    nl_cpu_operation o = operation(pool, job);
    o.dense = Z;
    o.kept = kept;
    nl_cpu_for_each(backend, &o, pool->size * NL_MAX_BASIS / 4, 1, rotate_chunk);
    return NL_OK;
}
