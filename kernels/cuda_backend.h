/* Inside the CUDA backend: what cuda_backend.cu and the launchers in phase.cu and vector.cu share. */
#ifndef NL_CUDA_BACKEND_H
#define NL_CUDA_BACKEND_H

#include "launch.h"
#include "nanolase/backend.h"

typedef struct nl_cuda_backend {
    nl_backend base;
    cudaStream_t stream;
    cudaDeviceProp properties;
    nl_job *jobs; /* device copy of the jobs of the operation in flight */
    int jobs_capacity;
    double *scratch; /* device: partial sums, then results */
    size_t scratch_len;
} nl_cuda_backend;

static inline nl_cuda_backend *nl_cuda_of(nl_backend *backend)
{
    return (nl_cuda_backend *)backend; /* base is the first member */
}

/* Puts the jobs on the device, for the kernels launched next on the stream. */
nl_status nl_cuda_send_jobs(nl_cuda_backend *cuda, const nl_job *jobs, int n_jobs);
/* Sees to it that scratch holds at least len doubles. */
nl_status nl_cuda_reserve(nl_cuda_backend *cuda, size_t len);

/* vector.cu */
nl_status nl_cuda_combine(nl_backend *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_cuda_error(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double rtol, double atol,
                        double *result);
nl_status nl_cuda_sums(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
nl_status nl_cuda_dot(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
/* phase.cu */
nl_status nl_cuda_apply(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_cuda_moments(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs,
                          double *result);
/* prolong.cu */
nl_status nl_cuda_prolong(nl_backend *, const nl_pool *from, int n_coarse, const nl_pool *to, int n_fine, int rows,
                          const struct nl_prolong_entry *entries, const nl_job *, int n_jobs);

#endif
