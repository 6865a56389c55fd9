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

typedef struct cpu_backend {
    nl_backend base;
    double *scratch; /* rings of rows, or partial sums; kept between calls */
    size_t scratch_len;
} cpu_backend;

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

/* Sees to it that scratch holds at least len doubles. */
static nl_status reserve(nl_backend *backend, size_t len, double **out)
{
    cpu_backend *cpu = (cpu_backend *)backend; /* base is the first member */
    if (len > cpu->scratch_len) {
        free(cpu->scratch);
        cpu->scratch = malloc(len * sizeof *cpu->scratch);
        cpu->scratch_len = cpu->scratch ? len : 0;
    }
    *out = cpu->scratch;
    return *out ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB of work space", (double)len * 8e-6);
}

/* What the blocks of an operation read; each operation uses its part. */
typedef struct operation {
    const nl_operator *op;
    const nl_pool *pool, *coarse;
    const nl_job *jobs;
    const nl_prolong_entry *entries;
    double rtol, atol;
    int n_coarse;
    int blocks;     /* per job */
    double *result; /* partial sums, or the result itself */
    double *rings;  /* one per thread, ring_len doubles each */
    size_t ring_len;
} operation;

typedef void (*block_body)(const operation *o, int job, int block, int thread);

/* Calls body for all jobs and blocks, on as many threads as the work is worth. */
static void for_each(const nl_backend *backend, const operation *o, size_t work, int n_jobs, block_body body)
{
    if (backend->threads == 1 || work * n_jobs < SERIAL_WORK) { /* even a team of one costs microseconds to set up */
        for (int j = 0; j < n_jobs; j++)
            for (int b = 0; b < o->blocks; b++)
                body(o, j, b, 0);
        return;
    }
#pragma omp parallel for collapse(2) schedule(static) num_threads(backend->threads)
    for (int j = 0; j < n_jobs; j++)
        for (int b = 0; b < o->blocks; b++)
            body(o, j, b, omp_get_thread_num());
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

static void combine_block(const operation *o, int j, int block, int thread)
{
    (void)thread;
    const size_t begin = (size_t)block * CHUNK;
    combine_range(o->pool, &o->jobs[j], begin, chunk_end(o->pool->size, block),
                  nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].out) + begin);
}

static nl_status cpu_combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    const operation o = {.pool = pool, .jobs = jobs, .blocks = chunk_count(pool->size)};
    for_each(backend, &o, pool->size, n_jobs, combine_block);
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

static void apply_block(const operation *o, int j, int block, int thread)
{
    (void)thread;
    const nl_operator *op = o->op;
    const nl_pool *pool = o->pool;
    const nl_job *job = &o->jobs[j];
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
    const operation o = {.op = op, .pool = pool, .jobs = jobs, .blocks = block_count(op)};
    for_each(backend, &o, pool->size, n_jobs, apply_block);
    return NL_OK;
}

/*
 * out = L(sum c_k in_k) for one block: the combination of one row is formed when the stencil first needs it, in a
 * ring of 2w + 1 rows that stays in cache, so it neither goes to memory nor comes back.
 */
static void stage_block(const operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const int n = op->n, w = op->half_width, rows = nl_operator_rows(op);
    const int begin = block_begin(op, block), end = block_begin(op, block + 1);
    const int halo = rows > 1 ? w : 0, depth = 2 * halo + 1;
    const nl_phase_view view = nl_phase_view_of(op->tables + (size_t)job->slot * op->table_len, n, w);
    double *out = nl_pool_vector(o->pool, job->slot, job->out), *arg = nl_pool_vector(o->pool, job->slot, job->arg);
    double *ring = o->rings + thread * o->ring_len;
    for (int i = begin - halo; i < end + halo; i++) {
        const size_t source = (size_t)nl_wrap(i, rows) * n;
        double *line = ring + (size_t)((i - begin + halo) % depth) * n;
        combine_range(o->pool, job, source, source + n, line);
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
    operation o = {.op = op, .pool = pool, .jobs = jobs, .blocks = block_count(op),
                   .ring_len = (size_t)(2 * op->half_width + 1) * op->n + ALIGN / sizeof(double)};
    NL_TRY(reserve(backend, o.ring_len * backend->threads, &o.rings));
    for_each(backend, &o, pool->size, n_jobs, stage_block);
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
static nl_status reduce(nl_backend *backend, operation *o, int n_jobs, int width, block_body body, double *result)
{
    o->blocks = chunk_count(o->pool->size);
    NL_TRY(reserve(backend, (size_t)n_jobs * o->blocks * width, &o->result));
    for_each(backend, o, o->pool->size, n_jobs, body);
    for (int j = 0; j < n_jobs; j++)
        for (int k = 0; k < width; k++)
            result[j * width + k] = add_up(o->result + (size_t)j * o->blocks * width + k, o->blocks, width);
    return NL_OK;
}

static void error_chunk(const operation *o, int j, int chunk, int thread)
{
    (void)thread;
    double e[CHUNK], sum = 0;
    const nl_job *job = &o->jobs[j];
    const size_t begin = (size_t)chunk * CHUNK, end = chunk_end(o->pool->size, chunk);
    const double *y = nl_pool_vector(o->pool, job->slot, job->y) + begin;
    const double *y_new = nl_pool_vector(o->pool, job->slot, job->y_new) + begin;
    const double rtol = o->rtol, atol = o->atol;
    combine_range(o->pool, job, begin, end, e);
#pragma omp simd reduction(+ : sum)
    for (size_t x = 0; x < end - begin; x++)
        sum += nl_scaled_error_squared(e[x], y[x], y_new[x], rtol, atol);
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

static nl_status cpu_error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
                           double atol, double *result)
{
    operation o = {.pool = pool, .jobs = jobs, .rtol = rtol, .atol = atol};
    NL_TRY(reduce(backend, &o, n_jobs, 1, error_chunk, result));
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(result[j] / (double)pool->size);
    return NL_OK;
}

static void sums_chunk(const operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const double *v = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double sum = 0, magnitude = 0;
#pragma omp simd reduction(+ : sum, magnitude)
    for (size_t x = (size_t)chunk * CHUNK; x < chunk_end(o->pool->size, chunk); x++) {
        sum += v[x];
        magnitude += fabs(v[x]);
    }
    double *result = o->result + 2 * ((size_t)j * o->blocks + chunk);
    result[0] = sum;
    result[1] = magnitude;
}

static nl_status cpu_sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 2, sums_chunk, result);
}

static void dot_chunk(const operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_job *job = &o->jobs[j];
    const double *v = nl_pool_vector(o->pool, job->slot, job->in[0]);
    const double *w = nl_pool_vector(o->pool, job->slot, job->in[1]);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t x = (size_t)chunk * CHUNK; x < chunk_end(o->pool->size, chunk); x++)
        sum += v[x] * w[x];
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

static nl_status cpu_dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 1, dot_chunk, result);
}

/* ---- moments ---- */

enum { MARGINAL_BLOCK = 64 };

/* A block of entries of one marginal, summed over s in ascending order; m runs inside so that memory is read in
 * order. */
static void marginal_block(const operation *o, int j, int block, int thread)
{
    (void)thread;
    const int n = o->op->n, per_marginal = o->blocks / NL_PHASE_MARGINALS, which = block / per_marginal;
    const int begin = block % per_marginal * MARGINAL_BLOCK;
    const int end = begin + MARGINAL_BLOCK < n ? begin + MARGINAL_BLOCK : n;
    const double *P = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double *result = o->result + j * nl_moments_len(o->op) + (size_t)which * n;
    for (int m = begin; m < end; m++)
        result[m] = 0;
    for (int s = 0; s < n; s++)
        for (int m = begin; m < end; m++)
            result[m] += P[nl_phase_marginal_element(which, n, m, s)];
}

static nl_status cpu_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                             int n_jobs, double *result)
{
    const operation o = {.op = op, .pool = pool, .jobs = jobs, .result = result,
                         .blocks = NL_PHASE_MARGINALS * ((op->n + MARGINAL_BLOCK - 1) / MARGINAL_BLOCK)};
    if (op->sites == 1) /* P is its own marginal */
        for (int j = 0; j < n_jobs; j++)
            memcpy(result + j * nl_moments_len(op), nl_pool_vector(pool, jobs[j].slot, jobs[j].in[0]),
                   op->n * sizeof *result);
    else
        for_each(backend, &o, pool->size, n_jobs, marginal_block);
    return NL_OK;
}

/* ---- interpolation between grids ---- */

static void prolong_row(const operation *o, int j, int i, int thread)
{
    (void)thread;
    const nl_job *job = &o->jobs[j];
    const int coarse_rows = o->blocks > 1 ? o->n_coarse : 1, n_fine = (int)(o->pool->size / o->blocks);
    const double *P = nl_pool_vector(o->coarse, job->slot, job->in[0]);
    double *out = nl_pool_vector(o->pool, job->slot, job->out) + (size_t)i * n_fine;
    for (int k = 0; k < n_fine; k++) {
        const double old = job->keep ? out[k] : 0;
        out[k] = old + job->c[0] * nl_prolong_point(P, coarse_rows, o->n_coarse, &o->entries[i], &o->entries[k]);
    }
}

static nl_status cpu_prolong(nl_backend *backend, const nl_pool *from, int n_coarse, const nl_pool *to, int n_fine,
                             int rows, const struct nl_prolong_entry *entries, const nl_job *jobs, int n_jobs)
{
    (void)n_fine;
    const operation o = {.pool = to, .coarse = from, .jobs = jobs, .entries = entries, .n_coarse = n_coarse,
                         .blocks = rows};
    for_each(backend, &o, to->size, n_jobs, prolong_row);
    return NL_OK;
}

/* ---- opening ---- */

static void cpu_close(nl_backend *backend)
{
    free(((cpu_backend *)backend)->scratch);
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
    nl_backend *backend = calloc(1, sizeof(cpu_backend));
    if (!backend)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the CPU backend");
    backend->ops = &cpu_ops;
    backend->threads = threads > 0 ? threads : omp_get_max_threads();
    processor_name(backend->device, sizeof backend->device);
    *out = backend;
    return NL_OK;
}
