/* The CPU backend: memory, threads and vector operations. The operators are in cpu_phase.c, cpu_lindblad.c
 * and cpu_dimer.c. */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu_backend.h"

/* Elements below which waking other threads costs more than it saves. */
enum { SERIAL_WORK = 32768 };

typedef struct cpu_backend {
    nl_backend base;
    double *scratch; /* rings of rows, or partial sums; kept between calls */
    size_t scratch_len;
} cpu_backend;

static int chunk_count(size_t size)
{
    return (int)((size + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK);
}

/* ---- memory ---- */

static nl_status cpu_alloc(nl_backend *backend, size_t bytes, void **out)
{
    (void)backend;
    const size_t rounded = (bytes + NL_CPU_ALIGN - 1) / NL_CPU_ALIGN * NL_CPU_ALIGN;
    *out = rounded < bytes ? NULL : aligned_alloc(NL_CPU_ALIGN, rounded ? rounded : NL_CPU_ALIGN);
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

nl_status nl_cpu_reserve(nl_backend *backend, size_t len, double **out)
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

nl_status nl_cpu_reserve_lines(nl_backend *backend, nl_cpu_operation *o, size_t line_len)
{
    o->line_len = line_len + NL_CPU_ALIGN / sizeof(double); /* no two threads write one cache line */
    return nl_cpu_reserve(backend, o->line_len * backend->threads, &o->lines);
}

void nl_cpu_for_each(const nl_backend *backend, const nl_cpu_operation *o, size_t work, int n_jobs,
                     nl_cpu_body body)
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

void nl_cpu_combine_range(const nl_pool *pool, const nl_job *job, size_t begin, size_t end, double *out)
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

void nl_cpu_update_range(const nl_pool *pool, const nl_job *job, size_t begin, size_t n, const double *line)
{
    const double scale = job->scale;
    double *out = nl_pool_vector(pool, job->slot, job->out) + begin;
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

static nl_status cpu_combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
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
static nl_status reduce(nl_backend *backend, nl_cpu_operation *o, int n_jobs, int width, nl_cpu_body body, double *result)
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
    double e[NL_CPU_CHUNK], sum = 0;
    const nl_job *job = &o->jobs[j];
    const size_t begin = (size_t)chunk * NL_CPU_CHUNK, end = chunk_end(o->pool->size, chunk);
    const double *y = nl_pool_vector(o->pool, job->slot, job->y) + begin;
    const double *y_new = nl_pool_vector(o->pool, job->slot, job->y_new) + begin;
    const double rtol = o->rtol, atol = o->atol;
    nl_cpu_combine_range(o->pool, job, begin, end, e);
#pragma omp simd reduction(+ : sum)
    for (size_t x = 0; x < end - begin; x++)
        sum += nl_scaled_error_squared(e[x], y[x], y_new[x], rtol, atol);
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

static nl_status cpu_error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
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
    const double *v = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
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

static nl_status cpu_sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 2, sums_chunk, result);
}

static void dot_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const nl_job *job = &o->jobs[j];
    const double *v = nl_pool_vector(o->pool, job->slot, job->in[0]);
    const double *w = nl_pool_vector(o->pool, job->slot, job->in[1]);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < chunk_end(o->pool->size, chunk); x++)
        sum += v[x] * w[x];
    o->result[(size_t)j * o->blocks + chunk] = sum;
}

static void largest_chunk(const nl_cpu_operation *o, int j, int chunk, int thread)
{
    (void)thread;
    const double *v = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double largest = 0, sum = 0; /* which is NAN where an element is, or infinite */
#pragma omp simd reduction(max : largest) reduction(+ : sum)
    for (size_t x = (size_t)chunk * NL_CPU_CHUNK; x < chunk_end(o->pool->size, chunk); x++) {
        const double magnitude = fabs(v[x]);
        largest = magnitude > largest ? magnitude : largest;
        sum += magnitude;
    }
    o->result[(size_t)j * o->blocks + chunk] = isnan(sum) ? NAN : largest;
}

static nl_status cpu_largest(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
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

static nl_status cpu_dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_cpu_operation o = {.pool = pool, .jobs = jobs};
    return reduce(backend, &o, n_jobs, 1, dot_chunk, result);
}

/* ---- operations that depend on the operator ---- */

static nl_status apply_or_update(nl_backend *backend, nl_cpu_operation o, int n_jobs)
{
    switch (o.op->kind) {
    case NL_OPERATOR_LINDBLAD: return nl_cpu_lindblad_apply(backend, &o, n_jobs);
    case NL_OPERATOR_DIMER: return nl_cpu_dimer_apply(backend, &o, n_jobs);
    case NL_OPERATOR_AMPLITUDE: return nl_cpu_amplitude_apply(backend, &o, n_jobs);
    default: return nl_cpu_phase_apply(backend, &o, n_jobs);
    }
}

static nl_status cpu_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    return apply_or_update(backend, (nl_cpu_operation){.op = op, .pool = pool, .jobs = jobs}, n_jobs);
}

static nl_status cpu_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                            int n_jobs)
{
    return apply_or_update(backend, (nl_cpu_operation){.op = op, .pool = pool, .jobs = jobs, .updates = true}, n_jobs);
}

static nl_status cpu_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    nl_cpu_operation o = {.op = op, .pool = pool, .jobs = jobs};
    return op->kind == NL_OPERATOR_PHASE ? nl_cpu_phase_stage(backend, &o, n_jobs)
                                         : nl_backend_combine_then_apply(backend, op, pool, jobs, n_jobs);
}

static nl_status cpu_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                             int n_jobs, double *result)
{
    nl_cpu_operation o = {.op = op, .pool = pool, .jobs = jobs, .result = result};
    switch (op->kind) {
    case NL_OPERATOR_LINDBLAD: return nl_cpu_lindblad_moments(backend, &o, n_jobs);
    case NL_OPERATOR_DIMER: return nl_cpu_dimer_moments(backend, &o, n_jobs);
    case NL_OPERATOR_AMPLITUDE: return nl_cpu_amplitude_moments(backend, &o, n_jobs);
    default: return nl_cpu_phase_moments(backend, &o, n_jobs);
    }
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
    .update = cpu_update,
    .error = cpu_error,
    .sums = cpu_sums,
    .largest = cpu_largest,
    .dot = cpu_dot,
    .project = nl_cpu_project,
    .expand = nl_cpu_expand,
    .rotate = nl_cpu_rotate,
    .moments = cpu_moments,
    .transfer = nl_cpu_phase_transfer,
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
