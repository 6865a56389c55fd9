/*
 * Adaptive Runge-Kutta steps of the phase operator that stay on the device: its step by temporal blocking, and its
 * control.
 *
 * The operator is linear, so a pair's step is a polynomial in h L (tableau.h): of z_j = (h L)^j y only the newest is
 * needed, in shared memory, and two sums that every thread keeps in registers for its points, the new solution and the
 * error estimate. One kernel does as many applications as its halo allows: a whole step at order 2, 3 or 2 applications
 * at higher orders, between which z, y_new and the error wait in registers of the pool. The block that is the last of a
 * member to finish adds up the error and decides on the step, as the host does elsewhere: no round trip, and the next
 * step can be in the queue already.
 */
#include <stdlib.h>
#include <string.h>

#include "cuda_backend.h"

#include "control_point.h"
#include "nanolase/tableau.h"
#include "phase_tile.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { FEW_WARPS = 8, SUMS = 3 /* squared error, |L y_new|, |y_new| */ };

/* Of a tile: what the registers of a multiprocessor carry at this half width without spills. */
static constexpr int most_warps(int W)
{
    return W == 1 ? 12 : FEW_WARPS;
}

/* A kernel's part of a step: applications that make z_(begin + 1) ... z_(begin + count), the last of a step being that
 * on y_new. z and y_new are handed on by ping-pong, as other tiles read their halos; the error is not, in y_new. */
typedef struct segment {
    int begin, count;
    bool first, last;
    int from, to; /* of the course's work registers: z, y_new */
} segment;

typedef struct step_arguments {
    nl_operator op;
    nl_pool pool;
    nl_polynomial pair;
    nl_course *courses; /* device */
    double rtol, atol;
    double *partial;    /* [course][SUMS][tile] */
    unsigned *arrived;  /* [course], tiles of the present step that are done; 0 between steps */
} step_arguments;

/* z, y_new and error before a segment. */
static __device__ __forceinline__ void begin_segment(const step_arguments *a, const segment *s, const nl_course *c,
                                                     const nl_strip *strip, nl_real h, nl_patch z, nl_patch y_new,
                                                     nl_patch error)
{
    const int n = a->op.n;
    nl_patch_load(nl_pool_vector(&a->pool, c->slot, s->first ? c->k : c->work[s->from]), n, strip, z);
    nl_patch_load(nl_pool_vector(&a->pool, c->slot, s->first ? c->y : c->work[s->from + 1]), n, strip, y_new);
    if (!s->first) {
        nl_patch_load(nl_pool_vector(&a->pool, c->slot, c->y_new), n, strip, error);
        return;
    }
    const nl_real by = (nl_real)a->pair.y[1], be = (nl_real)a->pair.error[1];
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int k = 0; k < 2; k++) {
            z[r][k] *= h;
            y_new[r][k] += by * z[r][k];
            error[r][k] = be * z[r][k];
        }
}

static __device__ __forceinline__ void hand_on(const step_arguments *a, const segment *s, const nl_course *c,
                                               const nl_strip *strip, const nl_patch z, const nl_patch y_new,
                                               const nl_patch error)
{
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->work[s->to]), a->op.n, strip, z);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->work[s->to + 1]), a->op.n, strip, y_new);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->y_new), a->op.n, strip, error);
}

/* The step's results, k = L y_new among them; sums: of the points that the thread owns. */
static __device__ __forceinline__ void end_step(const step_arguments *a, const nl_course *c, const nl_strip *strip,
                                                nl_real h, const nl_patch k, const nl_patch y_new, const nl_patch error,
                                                double sums[SUMS])
{
    const nl_real scale = h * (nl_real)a->pair.error_new;
    nl_patch y;
    nl_patch_load(nl_pool_vector(&a->pool, c->slot, c->y), a->op.n, strip, y);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->y_new), a->op.n, strip, y_new);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->k_new), a->op.n, strip, k);
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int col = 0; col < 2; col++)
            if (nl_strip_owns(strip, r, col)) {
                sums[0] += nl_scaled_error_squared(error[r][col] + scale * k[r][col], y[r][col], y_new[r][col],
                                                   (nl_real)a->rtol, (nl_real)a->atol);
                sums[1] += fabs(k[r][col]);
                sums[2] += fabs(y_new[r][col]);
            }
}

/* In thread (0, 0): the sums over the block, in an order that its shape fixes. shared: SUMS doubles a warp. */
static __device__ void add_up(double sums[SUMS], double *shared)
{
    __syncthreads();
    NL_UNROLL
    for (int q = 0; q < SUMS; q++) {
        for (int offset = NL_CUDA_WARP / 2; offset > 0; offset /= 2)
            sums[q] += __shfl_down_sync(0xffffffffu, sums[q], offset);
        if (threadIdx.x == 0)
            shared[q * blockDim.y + threadIdx.y] = sums[q];
    }
    __syncthreads();
    for (int q = 0; q < SUMS && threadIdx.x == 0 && threadIdx.y == 0; q++) {
        sums[q] = 0;
        for (unsigned warp = 0; warp < blockDim.y; warp++)
            sums[q] += shared[q * blockDim.y + warp];
    }
}

/* Whether this block is its member's last, so that the sums of all the others can be seen. */
static __device__ bool is_last_tile(const step_arguments *a, const double sums[SUMS], int tiles, int *shared)
{
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        double *partial = a->partial + (size_t)blockIdx.z * SUMS * tiles + blockIdx.y * gridDim.x + blockIdx.x;
        for (int q = 0; q < SUMS; q++)
            partial[(size_t)q * tiles] = sums[q];
        __threadfence();
        *shared = atomicAdd(&a->arrived[blockIdx.z], 1u) == (unsigned)tiles - 1;
    }
    __syncthreads();
    return *shared;
}

/* Decides on the step; all threads of one block. */
static __device__ __noinline__ void control_step(const step_arguments *a, nl_course *course, double h, int tiles,
                                                 double *shared)
{
    const double *partial = a->partial + (size_t)blockIdx.z * SUMS * tiles;
    double sums[SUMS] = {0};
    __threadfence();
    for (int tile = threadIdx.y * NL_CUDA_WARP + threadIdx.x; tile < tiles; tile += blockDim.y * NL_CUDA_WARP)
        for (int q = 0; q < SUMS; q++)
            sums[q] += __ldcg(&partial[(size_t)q * tiles + tile]); /* past the L1 cache, which may have older sums */
    add_up(sums, shared);
    if (threadIdx.x != 0 || threadIdx.y != 0)
        return;
    nl_course c = *course;
    if (nl_course_judge(&c, a->pair.embedded, h, sqrt(sums[0] / (double)a->pool.size))) {
        c.rate = sums[1];
        c.size = sums[2];
    }
    *course = c;
    a->arrived[blockIdx.z] = 0;
}

template <int W>
__global__ void __launch_bounds__(NL_CUDA_WARP *most_warps(W))
    step_kernel(const __grid_constant__ step_arguments a, const segment s)
{
    NL_SHARED(nl_real, tiles);
    nl_course *course = &a.courses[blockIdx.z];
    if (course->remaining == 0)
        return;
    const int n = a.op.n, count = gridDim.x * gridDim.y;
    const double step = nl_course_step(course);
    const nl_real h = (nl_real)step;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&a.op, course->slot), n, W);
    const nl_strip strip = nl_strip_of(n, s.count * W);
    nl_strip_coefficients<W> coefficients;
    nl_patch z, y_new, error, Lz;
    double sums[SUMS] = {0};
    begin_segment(&a, &s, course, &strip, h, z, y_new, error);
    coefficients.load(&view, &strip, n);
    for (int m = 0; m < s.count; m++) {
        const int power = s.begin + m + 1;
        const bool closes = s.last && m == s.count - 1;
        nl_real *tile = tiles + m % 2 * nl_tile_size(blockDim.y); /* by turns: one barrier an application */
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP && closes; r++)
            for (int c = 0; c < 2; c++)
                z[r][c] = y_new[r][c];
        nl_tile_put(tile, z);
        __syncthreads();
        if (W > 3)
            coefficients.load_rows(&view, &strip, n);
        nl_tile_derivative<W>(&view, &coefficients, tile, z, Lz);
        if (closes)
            break;
        const nl_real by = (nl_real)a.pair.y[power], be = (nl_real)a.pair.error[power];
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP; r++)
            for (int c = 0; c < 2; c++) {
                z[r][c] = h * Lz[r][c];
                y_new[r][c] += by * z[r][c];
                error[r][c] += be * z[r][c];
            }
    }
    if (!s.last) {
        hand_on(&a, &s, course, &strip, z, y_new, error);
        return;
    }
    end_step(&a, course, &strip, h, Lz, y_new, error, sums);
    add_up(sums, (double *)tiles);
    if (is_last_tile(&a, sums, count, (int *)tiles))
        control_step(&a, course, step, count, (double *)tiles);
}

/* ---- the host's side ---- */

enum { MOST_SEGMENTS = 3, STEPS_AT_ONCE = 64 };

struct nl_cuda_steps {
    nl_course *courses; /* device, as are the next two */
    unsigned *arrived;
    double *partial;
    int capacity;       /* courses */
    size_t partial_len;
    cudaGraphExec_t graph; /* the last queue of steps, which mostly is the next one too; NULL: none */
    step_arguments queued; /* what it was made for: */
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
    free(steps);
    cuda->steps = NULL;
}

/* Applications in one kernel: as many as leave the tile enough points of its own. */
static int most_applications(int half_width)
{
    static const int most[] = {6, 3, 2, 2};
    return most[half_width - 1];
}

static int plan_segments(int degree, int half_width, segment out[MOST_SEGMENTS])
{
    const int most = most_applications(half_width), segments = (degree + most - 1) / most;
    for (int k = 0, done = 0; k < segments; k++) {
        const int count = (degree - done) / (segments - k), to = k % 2 * 2;
        const segment s = {1 + done, count, k == 0, k == segments - 1, 2 - to, to};
        out[k] = s;
        done += s.count;
    }
    return segments;
}

/* By the grid alone, so that the order of sums is: low tiles for small grids, whose steps last as long as one tile. */
static int warps_for(int n, int half_width)
{
    return n > 256 ? most_warps(half_width) : FEW_WARPS;
}

template <int W>
static nl_status launch_segment(nl_cuda_backend *cuda, const step_arguments *a, const segment *s, int n_courses)
{
    const int warps = warps_for(a->op.n, W);
    const size_t shared = 2 * nl_tile_size(warps) * sizeof(nl_real); /* 48 KB at most, which every device has */
    NL_LAUNCH(step_kernel<W>, nl_tile_grid(a->op.n, warps, s->count * W, n_courses), dim3(NL_CUDA_WARP, warps), shared,
              cuda->stream, *a, *s);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

static nl_status launch_steps(nl_cuda_backend *cuda, const step_arguments *a, int n_courses, int n_steps)
{
    segment segments[MOST_SEGMENTS];
    const int count = plan_segments(a->pair.degree, a->op.half_width, segments);
    for (int launch = 0; launch < n_steps * count; launch++) {
        const segment *s = &segments[launch % count];
        switch (a->op.half_width) {
        case 1: NL_TRY(launch_segment<1>(cuda, a, s, n_courses)); break;
        case 2: NL_TRY(launch_segment<2>(cuda, a, s, n_courses)); break;
        case 3: NL_TRY(launch_segment<3>(cuda, a, s, n_courses)); break;
        default: NL_TRY(launch_segment<4>(cuda, a, s, n_courses));
        }
    }
    return NL_OK;
}

static nl_status queue_steps(nl_cuda_backend *cuda, const step_arguments *a, int n_courses, int n_steps)
{
    nl_cuda_steps *steps = cuda->steps;
    if (steps->graph && steps->queued_courses == n_courses && steps->queued_steps == n_steps &&
        memcmp(&steps->queued, a, sizeof *a) == 0)
        return NL_OK;
    cudaGraph_t graph;
    if (steps->graph)
        cudaGraphExecDestroy(steps->graph);
    steps->graph = NULL;
    NL_CUDA(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal));
    const nl_status status = launch_steps(cuda, a, n_courses, n_steps);
    const cudaError_t ended = cudaStreamEndCapture(cuda->stream, &graph);
    NL_TRY(status);
    NL_CUDA(ended);
    const cudaError_t made = cudaGraphInstantiateWithFlags(&steps->graph, graph, 0);
    cudaGraphDestroy(graph);
    NL_CUDA(made);
    memcpy(&steps->queued, a, sizeof *a);
    steps->queued_courses = n_courses;
    steps->queued_steps = n_steps;
    return NL_OK;
}

static nl_status reserve(nl_cuda_backend *cuda, int n_courses, size_t partial_len)
{
    if (!cuda->steps)
        cuda->steps = (nl_cuda_steps *)calloc(1, sizeof *cuda->steps);
    nl_cuda_steps *steps = cuda->steps;
    if (!steps)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the device's steps");
    if (n_courses <= steps->capacity && partial_len <= steps->partial_len)
        return NL_OK;
    nl_cuda_steps_close(cuda);
    steps = cuda->steps = (nl_cuda_steps *)calloc(1, sizeof *steps);
    if (!steps)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the device's steps");
    NL_CUDA(cudaMalloc((void **)&steps->courses, n_courses * sizeof *steps->courses));
    NL_CUDA(cudaMalloc((void **)&steps->arrived, n_courses * sizeof *steps->arrived));
    NL_CUDA(cudaMalloc((void **)&steps->partial, partial_len * sizeof *steps->partial));
    NL_CUDA(cudaMemsetAsync(steps->arrived, 0, n_courses * sizeof *steps->arrived, cuda->stream));
    steps->capacity = n_courses;
    steps->partial_len = partial_len;
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

nl_status nl_cuda_phase_advance(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                                const struct nl_polynomial *pair, struct nl_course *courses, int n_courses, double rtol,
                                double atol)
{
    nl_cuda_backend *cuda = nl_cuda_of(backend);
    segment segments[MOST_SEGMENTS];
    const segment *last = segments + plan_segments(pair->degree, op->half_width, segments) - 1;
    const dim3 grid = nl_tile_grid(op->n, warps_for(op->n, op->half_width), last->count * op->half_width, 1);
    NL_TRY(reserve(cuda, n_courses, (size_t)n_courses * SUMS * grid.x * grid.y));
    step_arguments a;
    memset(&a, 0, sizeof a); /* it is compared byte by byte */
    a.op = *op;
    a.pool = *pool;
    a.pair = *pair;
    a.courses = cuda->steps->courses;
    a.rtol = rtol;
    a.atol = atol;
    a.partial = cuda->steps->partial;
    a.arrived = cuda->steps->arrived;
    NL_TRY(backend->ops->upload(backend, a.courses, courses, n_courses * sizeof *courses));
    for (int left = steps_to_go(courses, n_courses); left > 0; left = steps_to_go(courses, n_courses)) {
        NL_TRY(queue_steps(cuda, &a, n_courses, left < STEPS_AT_ONCE ? left : STEPS_AT_ONCE));
        NL_CUDA(cudaGraphLaunch(cuda->steps->graph, cuda->stream));
        NL_TRY(backend->ops->download(backend, courses, a.courses, n_courses * sizeof *courses));
    }
    return NL_OK;
}

} // namespace
