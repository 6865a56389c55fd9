/*
 * Adaptive Runge-Kutta steps that stay on the device, of any operator: by the backend's own kernels, whose jobs the
 * device writes itself.
 *
 * A step is a list of operations, each with a job for every course. What the jobs of the next step are, its length and
 * the registers, which change places, is known where the last one has been judged; so the block that judges it writes
 * them. A queue of such steps is one CUDA graph.
 *
 * Where the operator is linear a step is a polynomial in h L (tableau.h): with u_j = (h L)^(j-1) k, k = L y,
 *   u_j = h L u_(j-1),  1 < j < s,   y_new = y + h sum_(j<s) y_j u_j + y_s h^2 L u_(s-1),   k_new = L y_new,
 * as many launches as applications, and one for the error and the control. (y_s is not 0: the pair would have a stage
 * too many.) Two density matrices that depend on each other's fields take the pair's stages as they are, a combination
 * and an application each.
 */
#include <string.h>

#include "cuda_steps.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { WARPS = NL_CUDA_THREADS / NL_CUDA_WARP, CHUNK = 1024 /* elements of a part: fixes the order of all sums */ };

/* Registers of a course. */
enum role { Y, Y_NEW, K, K_NEW, WORK /* the first of NL_COURSE_WORK */ };

enum launch_kind { COMBINE, APPLY, UPDATE, ERROR };

/* A job of a step of any length: registers are roles, numbers are to be multiplied by powers of h. An update that keeps
 * has its operator's term in arg as well. */
typedef struct recipe {
    launch_kind what;
    nl_job job;
    signed char power[NL_MAX_TERMS], scale_power;
} recipe;

enum { MOST_RECIPES = 2 * (NL_MAX_STAGES - 1) + 1 };

typedef struct pair_arguments {
    nl_cuda_step step;
    nl_job *jobs; /* device, [recipe][course]; slot below 0: nothing to do */
    int count;
    recipe recipes[MOST_RECIPES]; /* the last is the error */
} pair_arguments;

/* ---- on the device ---- */

static __device__ int register_of(const nl_course *c, int r)
{
    return r == Y ? c->y : r == Y_NEW ? c->y_new : r == K ? c->k : r == K_NEW ? c->k_new : c->work[r - WORK];
}

static __device__ double times_power(double c, double h, int power)
{
    return power == 0 ? c : power == 1 ? c * h : c * h * h;
}

static __device__ void write_job(const recipe *r, const nl_course *c, nl_job *out)
{
    const double h = nl_course_step(c);
    out->slot = c->remaining > 0 ? c->slot : -1;
    out->n_terms = r->job.n_terms;
    for (int t = 0; t < NL_MAX_TERMS; t++) {
        out->in[t] = register_of(c, r->job.in[t]);
        out->c[t] = times_power(r->job.c[t], h, r->power[t]);
    }
    out->out = register_of(c, r->job.out);
    out->scale = times_power(r->job.scale, h, r->scale_power);
    out->arg = register_of(c, r->job.arg);
    out->keep = r->job.keep;
    out->y = c->y;
    out->y_new = c->y_new;
}

/* The jobs of the course's next step; all threads of a block, one a job. */
static __device__ void write_jobs(const pair_arguments *a)
{
    const int r = threadIdx.y * NL_CUDA_WARP + threadIdx.x;
    if (r < a->count)
        write_job(&a->recipes[r], &a->step.control.courses[blockIdx.z], &a->jobs[r * gridDim.z + blockIdx.z]);
}

__global__ void first_jobs_kernel(const __grid_constant__ pair_arguments a)
{
    write_jobs(&a);
}

/* Ends a step: blockIdx.x: part, blockIdx.z: course. */
__global__ void __launch_bounds__(NL_CUDA_THREADS) end_kernel(const __grid_constant__ pair_arguments a)
{
    NL_SHARED(double, shared);
    nl_course *course = &a.step.control.courses[blockIdx.z];
    if (course->remaining == 0)
        return;
    const double h = nl_course_step(course);
    const nl_job *job = &a.jobs[(a.count - 1) * gridDim.z + blockIdx.z];
    const nl_real *y = nl_pool_vector(&a.step.pool, job->slot, job->y);
    const nl_real *y_new = nl_pool_vector(&a.step.pool, job->slot, job->y_new);
    const nl_real *k_new = nl_pool_vector(&a.step.pool, job->slot, course->k_new);
    double sums[NL_CUDA_SUMS] = {0};
    for (int m = threadIdx.y * NL_CUDA_WARP + threadIdx.x; m < CHUNK; m += NL_CUDA_THREADS) {
        const size_t x = (size_t)blockIdx.x * CHUNK + m;
        if (x >= a.step.pool.size)
            break;
        nl_cuda_add(&a.step.control, nl_cuda_combination(&a.step.pool, job, x), y[x], y_new[x], k_new[x], sums);
    }
    if (!nl_cuda_end_step(&a.step.control, course, h, sums, shared))
        return;
    __syncthreads(); /* the decision is one thread's */
    write_jobs(&a);
}

/* ---- recipes ---- */

static recipe *next_recipe(pair_arguments *a, launch_kind what, int in, int out)
{
    recipe *r = &a->recipes[a->count++];
    r->what = what;
    r->job.in[0] = in;
    r->job.out = out;
    return r;
}

static void add_term(recipe *r, int in, double c, int power)
{
    if (c == 0)
        return;
    r->job.in[r->job.n_terms] = in;
    r->job.c[r->job.n_terms] = c;
    r->power[r->job.n_terms++] = (signed char)power;
}

/* Of u_j, j > 0. The last stands there as it enters y_new, times h y_s. */
static int u_role(int j)
{
    return j == 1 ? K : WORK + j - 2;
}

static void plan_polynomial(pair_arguments *a)
{
    const nl_polynomial p = a->step.pair;
    const int s = p.degree;
    recipe *r;
    for (int j = 2; j < s; j++) {
        r = next_recipe(a, UPDATE, u_role(j - 1), u_role(j));
        r->job.scale = r->scale_power = 1;
    }
    r = next_recipe(a, UPDATE, u_role(s - 1), Y_NEW);
    for (int j = s - 1; j > 0; j--)
        add_term(r, u_role(j), p.y[j], 1);
    add_term(r, Y, 1, 0);
    r->job.scale = p.y[s];
    r->scale_power = 2;
    r->job.arg = u_role(s);
    r->job.keep = 1;
    next_recipe(a, APPLY, Y_NEW, K_NEW);
    r = next_recipe(a, ERROR, Y, Y);
    for (int j = 1; j < s; j++)
        add_term(r, u_role(j), p.error[j], 1);
    add_term(r, u_role(s), p.error[s] / p.y[s], 0);
    add_term(r, K_NEW, p.error_new, 1);
}

/* Of the pair's stages, the closing one's as y_new and k_new. */
static int stage_role(const nl_tableau *tableau, int s)
{
    return s == 0 ? K : s == tableau->stages - 1 ? K_NEW : WORK + s - 1;
}

static void plan_stages(pair_arguments *a, const nl_tableau *t)
{
    for (int s = 1; s < t->stages; s++) {
        recipe *r = next_recipe(a, COMBINE, Y, Y_NEW);
        add_term(r, Y, 1, 0);
        for (int j = 0; j < s; j++)
            add_term(r, stage_role(t, j), t->a[s][j], 1);
        next_recipe(a, APPLY, Y_NEW, stage_role(t, s));
    }
    recipe *r = next_recipe(a, ERROR, Y, Y);
    for (int j = 0; j < t->stages; j++)
        add_term(r, stage_role(t, j), t->b[j] - t->b_hat[j], 1);
}

/* ---- the queue ---- */

static unsigned parts_of(const nl_pool *pool)
{
    return (unsigned)((pool->size + CHUNK - 1) / CHUNK);
}

static nl_status launch_recipe(nl_cuda_backend *cuda, const pair_arguments *a, int which, int n_courses)
{
    cuda->jobs.many = a->jobs + which * n_courses;
    switch (a->recipes[which].what) {
    case COMBINE: return nl_cuda_launch_combine(cuda, &a->step.pool, n_courses);
    case APPLY: return nl_cuda_launch_operator(cuda, &a->step.op, &a->step.pool, n_courses, false);
    case UPDATE: return nl_cuda_launch_operator(cuda, &a->step.op, &a->step.pool, n_courses, true);
    default: break;
    }
    NL_LAUNCH(end_kernel, dim3(parts_of(&a->step.pool), 1, n_courses), dim3(NL_CUDA_WARP, WARPS),
              NL_CUDA_SUMS * WARPS * sizeof(double), cuda->stream, *a);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

static nl_status launch_steps(nl_cuda_backend *cuda, const void *arguments, int n_courses, int n_steps)
{
    const pair_arguments *a = (const pair_arguments *)arguments;
    NL_LAUNCH(first_jobs_kernel, dim3(1, 1, n_courses), dim3(NL_CUDA_WARP), 0, cuda->stream, *a);
    NL_CUDA(cudaGetLastError());
    for (int launch = 0; launch < n_steps * a->count; launch++)
        NL_TRY(launch_recipe(cuda, a, launch % a->count, n_courses));
    return NL_OK;
}

nl_status nl_cuda_pair_advance(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool,
                               const struct nl_tableau *tableau, nl_course *courses, int n_courses, double rtol,
                               double atol)
{
    static_assert(sizeof(pair_arguments) <= NL_CUDA_MOST_ARGUMENTS, "kernels take no more");
    const size_t jobs = (size_t)MOST_RECIPES * n_courses * sizeof(nl_job);
    pair_arguments a;
    memset(&a, 0, sizeof a); /* it is compared byte by byte */
    NL_TRY(nl_cuda_reserve_steps(cuda, n_courses, parts_of(pool), jobs));
    nl_cuda_set_step(cuda, op, pool, tableau, rtol, atol, &a.step);
    a.jobs = (nl_job *)nl_cuda_steps_work(cuda);
    if (op->kind == NL_OPERATOR_LINDBLAD && op->sites == 2)
        plan_stages(&a, tableau);
    else
        plan_polynomial(&a);
    return nl_cuda_take_steps(cuda, courses, n_courses, launch_steps, &a, sizeof a);
}

} // namespace
