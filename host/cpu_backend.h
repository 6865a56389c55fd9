/* Inside the CPU backend: what cpu_backend.c, which is of both precisions, and the operations of one precision
 * share. */
#ifndef NL_CPU_BACKEND_H
#define NL_CPU_BACKEND_H

#include "nanolase/backend.h"
#include "transfer_point.h"
#include "vector_point.h"

enum {
    NL_CPU_CHUNK = 8192, /* elements in one unit of work; also the unit of reductions, so never thread-dependent */
    NL_CPU_ALIGN = 64    /* bytes: a cache line */
};

/* What the blocks of an operation read; each operation uses its part. */
typedef struct nl_cpu_operation {
    const nl_operator *op;
    const nl_pool *pool, *from;
    const nl_job *jobs;
    const nl_transfer *transfer;
    const nl_basis_job *basis_jobs;
    const double *dense; /* coefficients of a basis */
    int kept;
    double rtol, atol;
    int blocks;     /* per job */
    bool updates;   /* update, not apply */
    double *result; /* partial sums, or the result itself */
    void *lines;    /* work space: line_len numbers for each thread */
    size_t line_len;
} nl_cpu_operation;

typedef void (*nl_cpu_body)(const nl_cpu_operation *, int job, int block, int thread);

/* ---- cpu_backend.c ---- */

nl_status nl_cpu_open(const nl_backend_ops *, int threads, nl_backend **out);
/* The operations of these names. */
void nl_cpu_close(nl_backend *);
nl_status nl_cpu_available(nl_backend *, size_t *bytes);
size_t nl_cpu_preferred_bytes(nl_backend *);
nl_status nl_cpu_share(nl_backend *, int parts, nl_backend **out);
nl_status nl_cpu_alloc(nl_backend *, size_t bytes, void **out);
void nl_cpu_free(nl_backend *, void *);
nl_status nl_cpu_upload(nl_backend *, void *to, const void *host, size_t bytes);
nl_status nl_cpu_download(nl_backend *, void *host, const void *from, size_t bytes);

/* Calls body for all jobs and blocks, on as many threads as the work, in elements of a job, is worth. */
void nl_cpu_for_each(const nl_backend *, const nl_cpu_operation *, size_t work, int n_jobs, nl_cpu_body);
/* Sees to it that the backend's scratch holds at least len doubles. */
nl_status nl_cpu_reserve(nl_backend *, size_t len, double **out);
/* The same for the lines of all threads. */
nl_status nl_cpu_reserve_lines(nl_backend *, nl_cpu_operation *, size_t line_len);

static inline nl_real *nl_cpu_line(const nl_cpu_operation *o, int thread)
{
    return (nl_real *)o->lines + (size_t)thread * o->line_len;
}

/* ---- the operations of one precision; both are linked together, and have names of their own ---- */

#define nl_cpu_put NL_OF_PRECISION(nl_cpu_put)
#define nl_cpu_get NL_OF_PRECISION(nl_cpu_get)
#define nl_cpu_combine NL_OF_PRECISION(nl_cpu_combine)
#define nl_cpu_error NL_OF_PRECISION(nl_cpu_error)
#define nl_cpu_sums NL_OF_PRECISION(nl_cpu_sums)
#define nl_cpu_largest NL_OF_PRECISION(nl_cpu_largest)
#define nl_cpu_dot NL_OF_PRECISION(nl_cpu_dot)
#define nl_cpu_combine_range NL_OF_PRECISION(nl_cpu_combine_range)
#define nl_cpu_update_range NL_OF_PRECISION(nl_cpu_update_range)
#define nl_cpu_phase_apply NL_OF_PRECISION(nl_cpu_phase_apply)
#define nl_cpu_phase_stage NL_OF_PRECISION(nl_cpu_phase_stage)
#define nl_cpu_phase_moments NL_OF_PRECISION(nl_cpu_phase_moments)
#define nl_cpu_phase_transfer NL_OF_PRECISION(nl_cpu_phase_transfer)
#define nl_cpu_project NL_OF_PRECISION(nl_cpu_project)
#define nl_cpu_expand NL_OF_PRECISION(nl_cpu_expand)
#define nl_cpu_rotate NL_OF_PRECISION(nl_cpu_rotate)
#define nl_cpu_lindblad_apply NL_OF_PRECISION(nl_cpu_lindblad_apply)
#define nl_cpu_lindblad_moments NL_OF_PRECISION(nl_cpu_lindblad_moments)
#define nl_cpu_dimer_apply NL_OF_PRECISION(nl_cpu_dimer_apply)
#define nl_cpu_dimer_moments NL_OF_PRECISION(nl_cpu_dimer_moments)
#define nl_cpu_amplitude_apply NL_OF_PRECISION(nl_cpu_amplitude_apply)
#define nl_cpu_amplitude_moments NL_OF_PRECISION(nl_cpu_amplitude_moments)

/* cpu_vector.c */
/* out[x] = sum_k c_k in_k[x] for x in [begin, end); out is addressed from begin. */
void nl_cpu_combine_range(const nl_pool *, const nl_job *, size_t begin, size_t end, nl_real *out);
/* The job's out[begin + x] = scale line[x] + sum_k c_k in_k[begin + x] for x < n. */
void nl_cpu_update_range(const nl_pool *, const nl_job *, size_t begin, size_t n, const nl_real *line);
nl_status nl_cpu_put(nl_backend *, void *array, size_t first, const double *host, size_t count);
nl_status nl_cpu_get(nl_backend *, double *host, const void *array, size_t first, size_t count);
nl_status nl_cpu_combine(nl_backend *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_cpu_error(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double rtol, double atol,
                       double *result);
nl_status nl_cpu_sums(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
nl_status nl_cpu_largest(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
nl_status nl_cpu_dot(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);


/* cpu_phase.c. apply: or update, where o->updates is set. */
nl_status nl_cpu_phase_apply(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_stage(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_moments(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_transfer(nl_backend *, const nl_transfer *, const nl_pool *from, const nl_pool *to, int rows,
                                const nl_job *, int n_jobs);
/* cpu_dense.c */
nl_status nl_cpu_project(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, double *h);
nl_status nl_cpu_expand(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, const double *h);
nl_status nl_cpu_rotate(nl_backend *, const nl_pool *, const nl_basis_job *, const double *Z, int kept);
/* cpu_lindblad.c */
nl_status nl_cpu_lindblad_apply(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_lindblad_moments(nl_backend *, nl_cpu_operation *o, int n_jobs);
/* cpu_dimer.c */
nl_status nl_cpu_dimer_apply(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_dimer_moments(nl_backend *, nl_cpu_operation *o, int n_jobs);
/* cpu_amplitude.c */
nl_status nl_cpu_amplitude_apply(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_amplitude_moments(nl_backend *, nl_cpu_operation *o, int n_jobs);

#endif
