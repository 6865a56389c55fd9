/* Inside the CPU backend: what cpu_backend.c, cpu_phase.c, cpu_lindblad.c and cpu_dimer.c share. */
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
    const nl_transfer_entry *entries;
    const nl_basis_job *basis_jobs;
    const double *dense; /* coefficients of a basis */
    int kept;
    double rtol, atol;
    int n_from, points; /* transfer */
    int blocks;     /* per job */
    bool updates;   /* update, not apply */
    double *result; /* partial sums, or the result itself */
    double *lines;  /* work space: line_len doubles for each thread */
    size_t line_len;
} nl_cpu_operation;

typedef void (*nl_cpu_body)(const nl_cpu_operation *, int job, int block, int thread);

/* Calls body for all jobs and blocks, on as many threads as the work, in elements of a job, is worth. */
void nl_cpu_for_each(const nl_backend *, const nl_cpu_operation *, size_t work, int n_jobs, nl_cpu_body);
/* Sees to it that the backend's scratch holds at least len doubles. */
nl_status nl_cpu_reserve(nl_backend *, size_t len, double **out);
/* The same for the lines of all threads. */
nl_status nl_cpu_reserve_lines(nl_backend *, nl_cpu_operation *, size_t line_len);

static inline double *nl_cpu_line(const nl_cpu_operation *o, int thread)
{
    return o->lines + (size_t)thread * o->line_len;
}

/* out[x] = sum_k c_k in_k[x] for x in [begin, end); out is addressed from begin. */
void nl_cpu_combine_range(const nl_pool *, const nl_job *, size_t begin, size_t end, double *out);
/* The job's out[begin + x] = scale line[x] + sum_k c_k in_k[begin + x] for x < n. */
void nl_cpu_update_range(const nl_pool *, const nl_job *, size_t begin, size_t n, const double *line);

/* cpu_phase.c. apply: or update, where o->updates is set. */
nl_status nl_cpu_phase_apply(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_stage(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_moments(nl_backend *, nl_cpu_operation *o, int n_jobs);
nl_status nl_cpu_phase_transfer(nl_backend *, const nl_pool *from, int n_from, const nl_pool *to, int n_to, int rows,
                                int points, const struct nl_transfer_entry *, const nl_job *, int n_jobs);
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
