/* Adaptive steps that stay on the device: how a step ends in a kernel, and the queue of steps that the host waits for.
 * No round trip: the block that is the last of a member to finish decides on the step, as the host does elsewhere, and
 * the next step is in the queue already. */
#ifndef NL_CUDA_STEPS_H
#define NL_CUDA_STEPS_H

#include "cuda_backend.h"

#include "control_point.h"
#include "nanolase/tableau.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { NL_CUDA_SUMS = 3 /* squared error, |L y_new|, |y_new| */ };

/* What a step's end needs beside the step. A kernel's blocks are NL_CUDA_WARP threads wide, and its grid has the parts
 * of one member in x and y and the course in z. */
typedef struct nl_cuda_control {
    nl_course *courses; /* device, as are the next two */
    double *partial;    /* [course][NL_CUDA_SUMS][part] */
    unsigned *arrived;  /* [course], parts of the present step that are done; 0 between steps */
    double rtol, atol;
    double size;        /* of a vector */
    int embedded;       /* order of the embedded solution */
} nl_cuda_control;

/* A step, as kernels get it. */
typedef struct nl_cuda_step {
    nl_operator op;
    nl_pool pool;
    nl_polynomial pair;
    nl_cuda_control control;
} nl_cuda_step;

/* ---- in kernels ---- */

/* Adds one element of a new state and its derivative to a thread's sums. */
static __device__ __forceinline__ void nl_cuda_add(const nl_cuda_control *a, nl_real error, nl_real y, nl_real y_new,
                                                   nl_real k_new, double sums[NL_CUDA_SUMS])
{
    sums[0] += nl_scaled_error_squared(error, y, y_new, (nl_real)a->rtol, (nl_real)a->atol);
    sums[1] += fabs(k_new);
    sums[2] += fabs(y_new);
}

/* In thread (0, 0): the sums over the block, in an order that its shape fixes. shared: NL_CUDA_SUMS doubles a warp. */
static __device__ void nl_cuda_add_up(double sums[NL_CUDA_SUMS], double *shared)
{
    __syncthreads();
    NL_UNROLL
    for (int q = 0; q < NL_CUDA_SUMS; q++) {
        for (int offset = NL_CUDA_WARP / 2; offset > 0; offset /= 2)
            sums[q] += __shfl_down_sync(0xffffffffu, sums[q], offset);
        if (threadIdx.x == 0)
            shared[q * blockDim.y + threadIdx.y] = sums[q];
    }
    __syncthreads();
    for (int q = 0; q < NL_CUDA_SUMS && threadIdx.x == 0 && threadIdx.y == 0; q++) {
        sums[q] = 0;
        for (unsigned warp = 0; warp < blockDim.y; warp++)
            sums[q] += shared[q * blockDim.y + warp];
    }
}

/* Decides on a step of length h by the sums over the whole vector; one thread. */
static __device__ void nl_cuda_judge(const nl_cuda_control *a, nl_course *course, double h,
                                     const double sums[NL_CUDA_SUMS])
{
    nl_course c = *course;
    if (nl_course_judge(&c, a->embedded, h, sqrt(sums[0] / a->size))) {
        c.rate = sums[1];
        c.size = sums[2];
    }
    *course = c;
}

/* Whether this block is its member's last, so that the sums of all the others can be seen. */
static __device__ bool nl_cuda_is_last(const nl_cuda_control *a, const double sums[NL_CUDA_SUMS], int parts,
                                       int *shared)
{
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        double *partial = a->partial + (size_t)blockIdx.z * NL_CUDA_SUMS * parts + blockIdx.y * gridDim.x + blockIdx.x;
        for (int q = 0; q < NL_CUDA_SUMS; q++)
            partial[(size_t)q * parts] = sums[q];
        __threadfence();
        *shared = atomicAdd(&a->arrived[blockIdx.z], 1u) == (unsigned)parts - 1;
    }
    __syncthreads();
    return *shared;
}

/* Adds up what all blocks found, in the order of parts, and decides. */
static __device__ __noinline__ void nl_cuda_conclude(const nl_cuda_control *a, nl_course *course, double h, int parts,
                                                     double *shared)
{
    const double *partial = a->partial + (size_t)blockIdx.z * NL_CUDA_SUMS * parts;
    double sums[NL_CUDA_SUMS] = {0};
    __threadfence();
    for (int part = threadIdx.y * NL_CUDA_WARP + threadIdx.x; part < parts; part += blockDim.y * NL_CUDA_WARP)
        for (int q = 0; q < NL_CUDA_SUMS; q++)
            sums[q] += __ldcg(&partial[(size_t)q * parts + part]); /* past the L1 cache, which may have older sums */
    nl_cuda_add_up(sums, shared);
    if (threadIdx.x != 0 || threadIdx.y != 0)
        return;
    nl_cuda_judge(a, course, h, sums);
    a->arrived[blockIdx.z] = 0;
}

/* A step of length h ends with these sums of every thread; all threads of all blocks. True in the block that
 * decided. */
static __device__ __forceinline__ bool nl_cuda_end_step(const nl_cuda_control *a, nl_course *course, double h,
                                                        double sums[NL_CUDA_SUMS], double *shared)
{
    const int parts = gridDim.x * gridDim.y;
    nl_cuda_add_up(sums, shared);
    if (!nl_cuda_is_last(a, sums, parts, (int *)shared))
        return false;
    nl_cuda_conclude(a, course, h, parts, shared);
    return true;
}

/* ---- on the host: step_queue.cu ---- */

/* Room for so many courses, sums of `parts` parts each, and `work` bytes for the steps' own use. */
nl_status nl_cuda_reserve_steps(nl_cuda_backend *, int n_courses, size_t parts, size_t work);
void *nl_cuda_steps_work(nl_cuda_backend *);
/* After that; padding is 0, since arguments are compared byte by byte. */
void nl_cuda_set_step(nl_cuda_backend *, const nl_operator *, const nl_pool *, const nl_tableau *, double rtol,
                      double atol, nl_cuda_step *out);

/* Puts n_steps of all courses on the stream, which captures them: kernels only. */
typedef nl_status nl_cuda_launch_steps(nl_cuda_backend *, const void *arguments, int n_courses, int n_steps);

/* Steps of all courses until none remains. The queue is kept, and used again while arguments are the same bytes, up to
 * NL_CUDA_MOST_ARGUMENTS of them. */
enum { NL_CUDA_MOST_ARGUMENTS = 4096 };
nl_status nl_cuda_take_steps(nl_cuda_backend *, nl_course *courses, int n_courses, nl_cuda_launch_steps *,
                             const void *arguments, size_t bytes);

} // namespace

#endif
