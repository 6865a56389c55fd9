/* The host's side of steps that stay on the device: courses there, and a queue of steps as one CUDA graph. */
#include <stdlib.h>
#include <string.h>

#include "cuda_steps.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { STEPS_AT_ONCE = 64 };

struct nl_cuda_steps {
    nl_course *courses; /* device, as are the next three */
    unsigned *arrived;
    double *partial;
    void *work;
    int capacity;       /* courses */
    size_t partial_len, work_bytes;
    cudaGraphExec_t graph; /* the last queue of steps, which mostly is the next one too; NULL: none */
    nl_cuda_launch_steps *queued; /* what it was made for: */
    unsigned char arguments[NL_CUDA_MOST_ARGUMENTS];
    size_t argument_bytes;
    int queued_courses, queued_steps;
};

void nl_cuda_steps_close(nl_cuda_backend *cuda)
{
    nl_cuda_steps *steps = cuda->steps;
    if (!steps)
        return;
    if (steps->graph)
        cudaGraphExecDestroy(steps->graph);
    cudaFree(steps->courses);
    cudaFree(steps->arrived);
    cudaFree(steps->partial);
    cudaFree(steps->work);
    free(steps);
    cuda->steps = NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static nl_status allocate(nl_cuda_backend *cuda, int n_courses, size_t partial_len, size_t work)
{
    nl_cuda_steps *steps = cuda->steps = (nl_cuda_steps *)calloc(1, sizeof *steps);
    if (!steps)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the device's steps");
    NL_CUDA(cudaMalloc((void **)&steps->courses, n_courses * sizeof *steps->courses));
    NL_CUDA(cudaMalloc((void **)&steps->arrived, n_courses * sizeof *steps->arrived));
    NL_CUDA(cudaMalloc((void **)&steps->partial, partial_len * sizeof *steps->partial));
    NL_CUDA(cudaMalloc(&steps->work, work));
    NL_CUDA(cudaMemsetAsync(steps->arrived, 0, n_courses * sizeof *steps->arrived, cuda->stream));
    steps->capacity = n_courses;
    steps->partial_len = partial_len;
    steps->work_bytes = work;
    return NL_OK;
}

nl_status nl_cuda_reserve_steps(nl_cuda_backend *cuda, int n_courses, size_t parts, size_t work)
{
    static const nl_cuda_steps none = {};
    const nl_cuda_steps *old = cuda->steps ? cuda->steps : &none;
    const int courses = (int)larger(old->capacity, n_courses);
    const size_t partial_len = larger(old->partial_len, n_courses * NL_CUDA_SUMS * parts);
    const size_t bytes = larger(old->work_bytes, work + 1); /* not 0 */
    if (courses == old->capacity && partial_len == old->partial_len && bytes == old->work_bytes)
        return NL_OK;
    nl_cuda_steps_close(cuda);
    return allocate(cuda, courses, partial_len, bytes);
}

void *nl_cuda_steps_work(nl_cuda_backend *cuda)
{
    return cuda->steps->work;
}

void nl_cuda_set_step(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool, const nl_tableau *tableau,
                      double rtol, double atol, nl_cuda_step *out)
{
    memset(out, 0, sizeof *out);
    out->op = *op;
    out->pool = *pool;
    out->pair = nl_tableau_polynomial(tableau);
    out->control.courses = cuda->steps->courses;
    out->control.partial = cuda->steps->partial;
    out->control.arrived = cuda->steps->arrived;
    out->control.rtol = rtol;
    out->control.atol = atol;
    out->control.size = (double)pool->size;
    out->control.embedded = tableau->embedded;
}

static bool is_queued(const nl_cuda_steps *steps, nl_cuda_launch_steps *launch, const void *arguments, size_t bytes,
                      int n_courses, int n_steps)
{
    return steps->graph && steps->queued == launch && steps->argument_bytes == bytes &&
           steps->queued_courses == n_courses && steps->queued_steps == n_steps &&
           memcmp(steps->arguments, arguments, bytes) == 0;
}

static nl_status capture(nl_cuda_backend *cuda, nl_cuda_launch_steps *launch, const void *arguments, int n_courses,
                         int n_steps)
{
    nl_cuda_steps *steps = cuda->steps;
    cudaGraph_t graph;
    if (steps->graph)
        cudaGraphExecDestroy(steps->graph);
    steps->graph = NULL;
    NL_CUDA(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal));
    const nl_status status = launch(cuda, arguments, n_courses, n_steps);
    const cudaError_t ended = cudaStreamEndCapture(cuda->stream, &graph);
    NL_TRY(status);
    NL_CUDA(ended);
    const cudaError_t made = cudaGraphInstantiateWithFlags(&steps->graph, graph, 0);
    cudaGraphDestroy(graph);
    NL_CUDA(made);
    return NL_OK;
}

static nl_status queue_steps(nl_cuda_backend *cuda, nl_cuda_launch_steps *launch, const void *arguments, size_t bytes,
                             int n_courses, int n_steps)
{
    nl_cuda_steps *steps = cuda->steps;
    if (is_queued(steps, launch, arguments, bytes, n_courses, n_steps))
        return NL_OK;
    NL_TRY(capture(cuda, launch, arguments, n_courses, n_steps));
    steps->queued = launch;
    memcpy(steps->arguments, arguments, bytes);
    steps->argument_bytes = bytes;
    steps->queued_courses = n_courses;
    steps->queued_steps = n_steps;
    return NL_OK;
}

/* Of all courses the most steps that remain. */
static int steps_to_go(const nl_course *courses, int n_courses)
{
    int most = 0;
    for (int c = 0; c < n_courses; c++)
        most = courses[c].remaining > most ? courses[c].remaining : most;
    return most;
}

nl_status nl_cuda_take_steps(nl_cuda_backend *cuda, nl_course *courses, int n_courses, nl_cuda_launch_steps *launch,
                             const void *arguments, size_t bytes)
{
    const nl_backend_ops *ops = cuda->base.ops;
    nl_course *on_device = cuda->steps->courses;
    NL_TRY(ops->upload(&cuda->base, on_device, courses, n_courses * sizeof *courses));
    for (int left = steps_to_go(courses, n_courses); left > 0; left = steps_to_go(courses, n_courses)) {
        NL_TRY(queue_steps(cuda, launch, arguments, bytes, n_courses, left < STEPS_AT_ONCE ? left : STEPS_AT_ONCE));
        NL_CUDA(cudaGraphLaunch(cuda->steps->graph, cuda->stream));
        NL_TRY(ops->download(&cuda->base, courses, on_device, n_courses * sizeof *courses));
    }
    return NL_OK;
}

} // namespace
