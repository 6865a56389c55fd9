/* The CPU backend: the point functions under OpenMP, over jobs and blocks of rows. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nanolase/backend.h"
#include "phase_point.h"
#include "prolong_point.h"
#include "vector_point.h"

enum {
    CHUNK = 8192,             /* elements in one unit of work; also the unit of reductions, so never thread-dependent */
    ALIGN = 64,               /* bytes: a cache line */
    SERIAL_WORK = 32768       /* elements below which waking other threads costs more than it saves */
};

static int chunk_count(size_t size)
{
    return (int)((size + CHUNK - 1) / CHUNK);
}

/* ---- memory ---- */

static nl_status cpu_alloc(nl_backend *backend, size_t bytes, void **out)
{
    (void)backend;
    const size_t rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    *out = rounded < bytes ? NULL : aligned_alloc(ALIGN, rounded ? rounded : ALIGN);
    return *out ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB of memory", bytes / 1e6);
}

static void cpu_free(nl_backend *backend, void *p)
{
    (void)backend;
    free(p);
}

static nl_status cpu_upload(nl_backend *backend, void *to, const void *host, size_t bytes)
{
    (void)backend;
    memcpy(to, host, bytes);
    return NL_OK;
}

static nl_status cpu_download(nl_backend *backend, void *host, const void *from, size_t bytes)
{
    (void)backend;
    memcpy(host, from, bytes);
    return NL_OK;
}

size_t nl_host_memory(void)
{
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib ? (size_t)kib * 1024 : (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

static nl_status cpu_available(nl_backend *backend, size_t *bytes)
{
    (void)backend;
    *bytes = nl_host_memory();
    return NL_OK;
}

/* Members are shared out over threads, each alone in its thread's cache: batches would only push it out. */
static size_t cpu_preferred_bytes(nl_backend *backend)
{
    (void)backend;
    return 0;
}

static nl_status cpu_share(nl_backend *backend, int parts, nl_backend **out)
{
    return nl_backend_open_cpu(backend->threads / parts > 0 ? backend->threads / parts : 1, out);
}

static int team(const nl_backend *backend, size_t work)
{
    return work < SERIAL_WORK ? 1 : backend->threads;
}

/* ---- linear combinations ---- */

/* out[x] = sum_k c_k in_k[x] for x in [begin, end); out is addressed from begin. */
static void combine_range(const nl_pool *pool, const nl_job *job, size_t begin, size_t end, double *out)
{
    const double *in[NL_MAX_TERMS];
    const double *c = job->c;
    for (int k = 0; k < job->n_terms; k++)
        in[k] = nl_pool_vector(pool, job->slot, job->in[k]) + begin;
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

static size_t chunk_end(size_t size, int chunk)
{
    const size_t end = ((size_t)chunk + 1) * CHUNK;
    return end < size ? end : size;
}

static nl_status cpu_combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    const int chunks = chunk_count(pool->size);
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < chunks; b++) {
            const size_t begin = (size_t)b * CHUNK;
            combine_range(pool, &jobs[j], begin, chunk_end(pool->size, b),
                          nl_pool_vector(pool, jobs[j].slot, jobs[j].out) + begin);
        }
    return NL_OK;
}

/* ---- the phase operator ---- */

/* One row of dP/dt; row[w + m] points at row i + m of P. Compile-time w lets the stencil loops unroll. */
static inline __attribute__((always_inline)) void phase_row(const nl_phase_view *v, const double *const *row, int n,
                                                            const int w, int i, double *restrict out)
{
    for (int j = 0; j < w; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 1);
#pragma omp simd
    for (int j = w; j < n - w; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 0);
    for (int j = n - w; j < n; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 1);
}

static inline __attribute__((always_inline)) void phase_row_single(const nl_phase_view *v, const double *P, int n,
                                                                   const int w, double *restrict out)
{
    for (int j = 0; j < w; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 1);
#pragma omp simd
    for (int j = w; j < n - w; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 0);
    for (int j = n - w; j < n; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 1);
}

static void phase_row_of_order(const nl_operator *op, const nl_phase_view *v, const double *const *row, int i,
                               double *out)
{
    if (op->sites == 1) {
        switch (op->half_width) {
        case 1: phase_row_single(v, row[1], op->n, 1, out); break;
        case 2: phase_row_single(v, row[2], op->n, 2, out); break;
        case 3: phase_row_single(v, row[3], op->n, 3, out); break;
        default: phase_row_single(v, row[4], op->n, 4, out);
        }
        return;
    }
    switch (op->half_width) {
    case 1: phase_row(v, row, op->n, 1, i, out); break;
    case 2: phase_row(v, row, op->n, 2, i, out); break;
    case 3: phase_row(v, row, op->n, 3, i, out); break;
    default: phase_row(v, row, op->n, 4, i, out);
    }
}

/* Rows are shared out in equal blocks of about CHUNK elements. */
static int block_count(const nl_operator *op)
{
    const int rows = nl_operator_rows(op);
    const long blocks = ((long)rows * op->n + CHUNK - 1) / CHUNK;
    return blocks < rows ? (int)blocks : rows;
}

static int block_begin(const nl_operator *op, int block)
{
    return (int)((long)nl_operator_rows(op) * block / block_count(op));
}

static void phase_apply_block(const nl_operator *op, const nl_pool *pool, const nl_job *job, int block)
{
    const int n = op->n, w = op->half_width, rows = nl_operator_rows(op);
    const nl_phase_view view = nl_phase_view_of(op->tables + (size_t)job->slot * op->table_len, n, w);
    const double *P = nl_pool_vector(pool, job->slot, job->in[0]);
    double *out = nl_pool_vector(pool, job->slot, job->out);
    for (int i = block_begin(op, block); i < block_begin(op, block + 1); i++) {
        const double *row[2 * NL_PHASE_MAX_W + 1] = {0};
        for (int m = -w; m <= w; m++)
            row[w + m] = P + (rows > 1 ? (size_t)nl_wrap(i + m, n) * n : 0);
        phase_row_of_order(op, &view, row, i, out + (size_t)i * n);
    }
}

static nl_status cpu_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    const int blocks = block_count(op);
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < blocks; b++)
            phase_apply_block(op, pool, &jobs[j], b);
    return NL_OK;
}

/*
 * out = L(sum c_k in_k) for one block: the combination of one row is formed when the stencil first needs it, in a
 * ring of 2w + 1 rows that stays in cache, so it neither goes to memory nor comes back.
 */
static void phase_stage_block(const nl_operator *op, const nl_pool *pool, const nl_job *job, int block, double *ring)
{
    const int n = op->n, w = op->half_width, rows = nl_operator_rows(op);
    const int begin = block_begin(op, block), end = block_begin(op, block + 1);
    const int halo = rows > 1 ? w : 0, depth = 2 * halo + 1;
    const nl_phase_view view = nl_phase_view_of(op->tables + (size_t)job->slot * op->table_len, n, w);
    double *out = nl_pool_vector(pool, job->slot, job->out), *arg = nl_pool_vector(pool, job->slot, job->arg);
    for (int i = begin - halo; i < end + halo; i++) {
        const size_t source = (size_t)nl_wrap(i, rows) * n;
        double *line = ring + (size_t)((i - begin + halo) % depth) * n;
        combine_range(pool, job, source, source + n, line);
        if (job->keep && i >= begin && i < end)
            memcpy(arg + source, line, n * sizeof *line);
        const int centre = i - halo;
        if (centre < begin)
            continue;
        const double *row[2 * NL_PHASE_MAX_W + 1] = {0};
        for (int m = -halo; m <= halo; m++)
            row[w + m] = ring + (size_t)((centre + m - begin + halo) % depth) * n;
        phase_row_of_order(op, &view, row, centre, out + (size_t)centre * n);
    }
}

static nl_status cpu_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    const int blocks = block_count(op);
    const size_t ring_len = (size_t)(2 * op->half_width + 1) * op->n;
    bool failed = false;
#pragma omp parallel num_threads(team(backend, pool->size * n_jobs)) reduction(|| : failed)
    {
        double *ring = malloc(ring_len * sizeof *ring);
        failed = ring == NULL;
#pragma omp for collapse(2) schedule(static)
        for (int j = 0; j < n_jobs; j++)
            for (int b = 0; b < blocks; b++)
                if (ring)
                    phase_stage_block(op, pool, &jobs[j], b, ring);
        free(ring);
    }
    return failed ? nl_fail(NL_ERR_MEMORY, "cannot allocate a row buffer") : NL_OK;
}

/* ---- reductions: one partial sum per chunk, added in chunk order ---- */

static nl_status partials_new(int n_jobs, int chunks, int width, double **out)
{
    *out = malloc((size_t)n_jobs * chunks * width * sizeof **out);
    return *out ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate partial sums");
}

/* Sum of every `stride`-th partial sum, in order. */
static double add_up(const double *partial, int count, int stride)
{
    double sum = 0;
    for (int b = 0; b < count; b++)
        sum += partial[(size_t)b * stride];
    return sum;
}

static double error_chunk(const nl_pool *pool, const nl_job *job, int chunk, double rtol, double atol)
{
    double e[CHUNK];
    const size_t begin = (size_t)chunk * CHUNK, end = chunk_end(pool->size, chunk);
    const double *y = nl_pool_vector(pool, job->slot, job->y) + begin;
    const double *y_new = nl_pool_vector(pool, job->slot, job->y_new) + begin;
    double sum = 0;
    combine_range(pool, job, begin, end, e);
#pragma omp simd reduction(+ : sum)
    for (size_t x = 0; x < end - begin; x++)
        sum += nl_scaled_error_squared(e[x], y[x], y_new[x], rtol, atol);
    return sum;
}

static nl_status cpu_error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
                           double atol, double *result)
{
    const int chunks = chunk_count(pool->size);
    double *partial;
    NL_TRY(partials_new(n_jobs, chunks, 1, &partial));
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < chunks; b++)
            partial[(size_t)j * chunks + b] = error_chunk(pool, &jobs[j], b, rtol, atol);
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(add_up(partial + (size_t)j * chunks, chunks, 1) / (double)pool->size);
    free(partial);
    return NL_OK;
}

static void sums_chunk(const nl_pool *pool, const nl_job *job, int chunk, double *result)
{
    const double *v = nl_pool_vector(pool, job->slot, job->in[0]);
    double sum = 0, magnitude = 0;
#pragma omp simd reduction(+ : sum, magnitude)
    for (size_t x = (size_t)chunk * CHUNK; x < chunk_end(pool->size, chunk); x++) {
        sum += v[x];
        magnitude += fabs(v[x]);
    }
    result[0] = sum;
    result[1] = magnitude;
}

static nl_status cpu_sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    const int chunks = chunk_count(pool->size);
    double *partial;
    NL_TRY(partials_new(n_jobs, chunks, 2, &partial));
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < chunks; b++)
            sums_chunk(pool, &jobs[j], b, partial + 2 * ((size_t)j * chunks + b));
    for (int j = 0; j < n_jobs; j++)
        for (int k = 0; k < 2; k++)
            result[2 * j + k] = add_up(partial + 2 * (size_t)j * chunks + k, chunks, 2);
    free(partial);
    return NL_OK;
}

static double dot_chunk(const nl_pool *pool, const nl_job *job, int chunk)
{
    const double *v = nl_pool_vector(pool, job->slot, job->in[0]), *w = nl_pool_vector(pool, job->slot, job->in[1]);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t x = (size_t)chunk * CHUNK; x < chunk_end(pool->size, chunk); x++)
        sum += v[x] * w[x];
    return sum;
}

static nl_status cpu_dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    const int chunks = chunk_count(pool->size);
    double *partial;
    NL_TRY(partials_new(n_jobs, chunks, 1, &partial));
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < chunks; b++)
            partial[(size_t)j * chunks + b] = dot_chunk(pool, &jobs[j], b);
    for (int j = 0; j < n_jobs; j++)
        result[j] = add_up(partial + (size_t)j * chunks, chunks, 1);
    free(partial);
    return NL_OK;
}

/* ---- moments ---- */

enum { MARGINAL_BLOCK = 64 };

/* Entries [begin, end) of one marginal, summed over s in ascending order; m runs inside so that memory is read in
 * order. */
static void marginal_block(const double *P, int which, int n, int begin, int end, double *result)
{
    for (int m = begin; m < end; m++)
        result[m] = 0;
    for (int s = 0; s < n; s++)
        for (int m = begin; m < end; m++)
            result[m] += P[nl_phase_marginal_element(which, n, m, s)];
}

static nl_status cpu_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                             int n_jobs, double *result)
{
    const int n = op->n, blocks = (n + MARGINAL_BLOCK - 1) / MARGINAL_BLOCK;
    const size_t len = nl_moments_len(op);
    if (op->sites == 1) {
        for (int j = 0; j < n_jobs; j++)
            memcpy(result + j * len, nl_pool_vector(pool, jobs[j].slot, jobs[j].in[0]), n * sizeof *result);
        return NL_OK;
    }
#pragma omp parallel for collapse(3) schedule(static) num_threads(team(backend, pool->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int which = 0; which < NL_PHASE_MARGINALS; which++)
            for (int b = 0; b < blocks; b++) {
                const int begin = b * MARGINAL_BLOCK, end = begin + MARGINAL_BLOCK < n ? begin + MARGINAL_BLOCK : n;
                marginal_block(nl_pool_vector(pool, jobs[j].slot, jobs[j].in[0]), which, n, begin, end,
                               result + j * len + (size_t)which * n);
            }
    return NL_OK;
}

/* ---- interpolation between grids ---- */

static nl_status cpu_prolong(nl_backend *backend, const nl_pool *from, int n_coarse, const nl_pool *to, int n_fine,
                             int rows, const struct nl_prolong_entry *entries, const nl_job *jobs, int n_jobs)
{
    const int coarse_rows = rows > 1 ? n_coarse : 1;
#pragma omp parallel for collapse(2) schedule(static) num_threads(team(backend, to->size * n_jobs))
    for (int j = 0; j < n_jobs; j++)
        for (int i = 0; i < rows; i++) {
            const double *P = nl_pool_vector(from, jobs[j].slot, jobs[j].in[0]);
            double *out = nl_pool_vector(to, jobs[j].slot, jobs[j].out) + (size_t)i * n_fine;
            for (int k = 0; k < n_fine; k++) {
                const double old = jobs[j].keep ? out[k] : 0;
                out[k] = old + jobs[j].c[0] * nl_prolong_point(P, coarse_rows, n_coarse, &entries[i], &entries[k]);
            }
        }
    return NL_OK;
}

/* ---- opening ---- */

static void cpu_close(nl_backend *backend)
{
    free(backend);
}

static const nl_backend_ops cpu_ops = {
    .name = "cpu",
    .close = cpu_close,
    .available = cpu_available,
    .preferred_bytes = cpu_preferred_bytes,
    .share = cpu_share,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_upload,
    .download = cpu_download,
    .combine = cpu_combine,
    .apply = cpu_apply,
    .stage = cpu_stage,
    .error = cpu_error,
    .sums = cpu_sums,
    .dot = cpu_dot,
    .moments = cpu_moments,
    .prolong = cpu_prolong,
};

static void processor_name(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(out, size, "CPU");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f)
        fclose(f);
}

nl_status nl_backend_open_cpu(int threads, nl_backend **out)
{
    nl_backend *backend = calloc(1, sizeof *backend);
    if (!backend)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the CPU backend");
    backend->ops = &cpu_ops;
    backend->threads = threads > 0 ? threads : omp_get_max_threads();
    processor_name(backend->device, sizeof backend->device);
    *out = backend;
    return NL_OK;
}
