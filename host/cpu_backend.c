/* The CPU backend: memory and threads. The operations of one precision are put together in cpu_operations.c. */
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

/* ---- memory ---- */

nl_status nl_cpu_alloc(nl_backend *backend, size_t bytes, void **out)
{
    (void)backend;
    const size_t rounded = (bytes + NL_CPU_ALIGN - 1) / NL_CPU_ALIGN * NL_CPU_ALIGN;
    *out = rounded < bytes ? NULL : aligned_alloc(NL_CPU_ALIGN, rounded ? rounded : NL_CPU_ALIGN);
    return *out ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB of memory", bytes / 1e6);
}

void nl_cpu_free(nl_backend *backend, void *p)
{
    (void)backend;
    free(p);
}

nl_status nl_cpu_upload(nl_backend *backend, void *to, const void *host, size_t bytes)
{
    (void)backend;
    memcpy(to, host, bytes);
    return NL_OK;
}

nl_status nl_cpu_download(nl_backend *backend, void *host, const void *from, size_t bytes)
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

nl_status nl_cpu_available(nl_backend *backend, size_t *bytes)
{
    (void)backend;
    *bytes = nl_host_memory();
    return NL_OK;
}

/* Members are shared out over threads, each alone in its thread's cache: batches would only push it out. */
size_t nl_cpu_preferred_bytes(nl_backend *backend)
{
    (void)backend;
    return 0;
}

nl_status nl_cpu_share(nl_backend *backend, int parts, nl_backend **out)
{
    return nl_cpu_open(backend->ops, backend->threads / parts > 0 ? backend->threads / parts : 1, out);
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
    double *lines = NULL;
    const size_t real_size = backend->ops->real_size;
    o->line_len = line_len + NL_CPU_ALIGN / real_size; /* no two threads write one cache line */
    NL_TRY(nl_cpu_reserve(backend, o->line_len * backend->threads * real_size / sizeof(double) + 1, &lines));
    o->lines = lines;
    return NL_OK;
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

/* ---- opening ---- */

void nl_cpu_close(nl_backend *backend)
{
    free(((cpu_backend *)backend)->scratch);
    free(backend);
}

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

nl_status nl_cpu_open(const nl_backend_ops *ops, int threads, nl_backend **out)
{
    nl_backend *backend = calloc(1, sizeof(cpu_backend));
    if (!backend)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the CPU backend");
    backend->ops = ops;
    backend->threads = threads > 0 ? threads : omp_get_max_threads();
    processor_name(backend->device, sizeof backend->device);
    *out = backend;
    return NL_OK;
}
