/* Inside the CUDA backend: what cuda_backend.cu and the launchers in the other .cu files share. */
#ifndef NL_CUDA_BACKEND_H
#define NL_CUDA_BACKEND_H

#include "launch.h"
#include "nanolase/backend.h"
#include "vector_point.h"

/* Both precisions are linked together, and kernels of one name must not be taken for each other. */
namespace NL_OF_PRECISION(nl_cuda) {

struct nl_cuda_cublas;
struct nl_cuda_steps;

/* What the host sends for an operation; grows as needed. */
typedef struct nl_cuda_buffer {
    void *data; /* device */
    size_t bytes;
} nl_cuda_buffer;

enum { NL_CUDA_FEW_JOBS = 16 };

/* The jobs of an operation, a parameter of its kernels: few stand in it, and are launched with the kernel; more have
 * been sent before, which takes longer than a kernel on a small state. */
typedef struct nl_cuda_jobs {
    const nl_job *many; /* device; NULL: few */
    nl_job few[NL_CUDA_FEW_JOBS];
} nl_cuda_jobs;

typedef struct nl_cuda_backend {
    nl_backend base;
    cudaStream_t stream;
    cudaDeviceProp properties;
    nl_cuda_jobs jobs;      /* of the operation in flight */
    nl_cuda_buffer sent[2]; /* what it needs on the device: many jobs, or other things */
    double *scratch; /* device: partial sums, then results */
    size_t scratch_len;
    struct nl_cuda_cublas *cublas; /* dense.cu; NULL until it is needed */
    struct nl_cuda_steps *steps;   /* step_queue.cu; likewise */
} nl_cuda_backend;

static inline nl_cuda_backend *nl_cuda_of(nl_backend *backend)
{
    return (nl_cuda_backend *)backend; /* base is the first member */
}

/* Makes the jobs cuda->jobs, for the kernels launched next on the stream. */
nl_status nl_cuda_send_jobs(nl_cuda_backend *cuda, const nl_job *jobs, int n_jobs);
/* Puts `bytes` from host into the buffer, for the kernels launched next on the stream. */
nl_status nl_cuda_send(nl_cuda_backend *, nl_cuda_buffer *, const void *host, size_t bytes);
/* Sees to it that scratch holds at least len doubles. */
nl_status nl_cuda_reserve(nl_cuda_backend *cuda, size_t len);

/* ---- in kernels ---- */

static __device__ __forceinline__ const nl_job *nl_cuda_job(const nl_cuda_jobs *jobs, int which)
{
    return jobs->many ? &jobs->many[which] : &jobs->few[which];
}

/* Nothing to do for this job: of steps that stay on the device, one of a member that takes no more. */
static __device__ __forceinline__ bool nl_cuda_is_idle(const nl_job *job)
{
    return job->slot < 0;
}

/* Element x of the job's combination sum_k c_k in_k. */
static __device__ __forceinline__ nl_real nl_cuda_combination(const nl_pool *pool, const nl_job *job, size_t x)
{
    nl_real sum = 0;
    for (int k = 0; k < job->n_terms; k++)
        sum += (nl_real)job->c[k] * nl_pool_vector(pool, job->slot, job->in[k])[x];
    return sum;
}

/* Writes what the operator gives for element x, Lx: as it is, or as the job's update says; if that keeps, the
 * operator's term goes to arg. */
template <bool UPDATES>
static __device__ __forceinline__ void nl_cuda_put(const nl_pool *pool, const nl_job *job, size_t x, nl_real Lx)
{
    if (UPDATES) {
        Lx *= (nl_real)job->scale;
        if (job->keep)
            nl_pool_vector(pool, job->slot, job->arg)[x] = Lx;
        Lx += nl_cuda_combination(pool, job, x);
    }
    nl_pool_vector(pool, job->slot, job->out)[x] = Lx;
}

enum {
    NL_CUDA_WARP = 32,
    NL_CUDA_THREADS = 256, /* of a block that reduces */
    NL_CUDA_CHUNK = 4096,  /* elements that it reduces: fixes the order of summation by the vector size alone */
    NL_CUDA_SHARED = NL_CUDA_THREADS / NL_CUDA_WARP * sizeof(double) /* bytes that it needs: a double per warp */
};

typedef struct nl_sum {
    static __device__ __forceinline__ double of(double a, double b)
    {
        return a + b;
    }
} nl_sum;

/* NAN where either is. Starts from 0. */
typedef struct nl_max {
    static __device__ __forceinline__ double of(double a, double b)
    {
        return b > a || b != b ? b : a;
    }
} nl_max;

/* The sum or maximum of the block's values, valid in thread 0. */
template <class Reduction> static __device__ double nl_cuda_reduce(double value, double *shared)
{
    for (int offset = NL_CUDA_WARP / 2; offset > 0; offset /= 2)
        value = Reduction::of(value, __shfl_down_sync(0xffffffffu, value, offset));
    if (threadIdx.x % NL_CUDA_WARP == 0)
        shared[threadIdx.x / NL_CUDA_WARP] = value;
    __syncthreads();
    double all = 0;
    if (threadIdx.x == 0)
        for (int w = 0; w < NL_CUDA_THREADS / NL_CUDA_WARP; w++)
            all = Reduction::of(all, shared[w]);
    __syncthreads();
    return all;
}

/* ---- operations ---- */

/* The operator, or its update, and a combination for jobs that are on the device already. */
nl_status nl_cuda_launch_operator(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, bool updates);
nl_status nl_cuda_launch_combine(nl_cuda_backend *, const nl_pool *, int n_jobs);
/* vector.cu */
nl_status nl_cuda_put(nl_backend *, void *array, size_t first, const double *host, size_t count);
nl_status nl_cuda_get(nl_backend *, double *host, const void *array, size_t first, size_t count);
nl_status nl_cuda_combine(nl_backend *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_cuda_error(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double rtol, double atol,
                        double *result);
nl_status nl_cuda_sums(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
nl_status nl_cuda_largest(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
nl_status nl_cuda_dot(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
/* Adds up `rows` rows of partial sums at the start of scratch, which has room for the sums after them, and brings these
 * to the host. */
nl_status nl_cuda_finish_sums(nl_cuda_backend *, size_t rows, unsigned columns, double *result);
/* phase.cu. apply: or update, where `updates` is set. n_jobs > 0. */
nl_status nl_cuda_phase_apply(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, bool updates);
nl_status nl_cuda_phase_stage(nl_cuda_backend *, const nl_operator *, const nl_pool *,
                              int n_jobs); /* order 2, two sites */
nl_status nl_cuda_phase_moments(nl_cuda_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs,
                                double *result);
/* phase_step.cu */
nl_status nl_cuda_phase_advance(nl_cuda_backend *, const nl_operator *, const nl_pool *, const struct nl_tableau *,
                                struct nl_course *, int n_courses, double rtol, double atol);
/* pair_step.cu: all other operators. */
nl_status nl_cuda_pair_advance(nl_cuda_backend *, const nl_operator *, const nl_pool *, const struct nl_tableau *,
                               struct nl_course *, int n_courses, double rtol, double atol);
/* step_queue.cu */
void nl_cuda_steps_close(nl_cuda_backend *);
/* phase_chebyshev.cu: two sites, order 2. n_steps > 0. */
nl_status nl_cuda_phase_chebyshev(nl_cuda_backend *, const nl_operator *, const nl_pool *,
                                  const struct nl_chebyshev_step *, int n_steps);
/* lindblad.cu: the same; whole steps where they fit, n_steps > 0. */
bool nl_cuda_lindblad_steps_fit(const nl_operator *, const nl_pool *);
nl_status nl_cuda_lindblad_advance(nl_cuda_backend *, const nl_operator *, const nl_pool *, const struct nl_tableau *,
                                   struct nl_course *, int n_courses, double rtol, double atol);
nl_status nl_cuda_lindblad_chebyshev(nl_cuda_backend *, const nl_operator *, const nl_pool *,
                                     const struct nl_chebyshev_step *, int n_steps);
nl_status nl_cuda_lindblad_apply(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, bool updates);
nl_status nl_cuda_lindblad_moments(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, double *result);
/* dimer.cu: the same. */
nl_status nl_cuda_dimer_apply(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, bool updates);
nl_status nl_cuda_dimer_moments(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, double *result);
/* amplitude.cu: the same. */
nl_status nl_cuda_amplitude_apply(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs, bool updates);
nl_status nl_cuda_amplitude_moments(nl_cuda_backend *, const nl_operator *, const nl_pool *, int n_jobs,
                                    double *result);
/* dense.cu */
nl_status nl_cuda_project(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, double *h);
nl_status nl_cuda_expand(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, const double *h);
nl_status nl_cuda_rotate(nl_backend *, const nl_pool *, const nl_basis_job *, const double *Z, int kept);
void nl_cuda_dense_close(nl_cuda_backend *);
/* transfer.cu */
nl_status nl_cuda_transfer(nl_backend *, const nl_transfer *, const nl_pool *from, const nl_pool *to, int rows,
                           const nl_job *, int n_jobs);

} // namespace

#endif
