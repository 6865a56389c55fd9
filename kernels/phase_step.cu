/*
 * Adaptive Runge-Kutta steps of the phase operator that stay on the device: its step by temporal blocking.
 *
 * The operator is linear, so a pair's step is a polynomial in h L (tableau.h): of z_j = (h L)^j y only the newest is
 * needed, in shared memory, and two sums that every thread keeps in registers for its points, the new solution and the
 * error estimate. One kernel does as many applications as its halo allows: a whole step at order 2, 3 or 2 applications
 * at higher orders, between which z, y_new and the error wait in registers of the pool.
 */
#include "cuda_steps.h"
#include "phase_tile.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { FEW_WARPS = 8 };

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

/* z, y_new and error before a segment. */
static __device__ __forceinline__ void begin_segment(const nl_cuda_step *a, const segment *s, const nl_course *c,
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

static __device__ __forceinline__ void hand_on(const nl_cuda_step *a, const segment *s, const nl_course *c,
                                               const nl_strip *strip, const nl_patch z, const nl_patch y_new,
                                               const nl_patch error)
{
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->work[s->to]), a->op.n, strip, z);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->work[s->to + 1]), a->op.n, strip, y_new);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->y_new), a->op.n, strip, error);
}

/* The step's results, k = L y_new among them; sums: of the points that the thread owns. */
static __device__ __forceinline__ void end_step(const nl_cuda_step *a, const nl_course *c, const nl_strip *strip,
                                                nl_real h, const nl_patch k, const nl_patch y_new, const nl_patch error,
                                                double sums[NL_CUDA_SUMS])
{
    const nl_real scale = h * (nl_real)a->pair.error_new;
    nl_patch y;
    nl_patch_load(nl_pool_vector(&a->pool, c->slot, c->y), a->op.n, strip, y);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->y_new), a->op.n, strip, y_new);
    nl_patch_store_owned(nl_pool_vector(&a->pool, c->slot, c->k_new), a->op.n, strip, k);
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int col = 0; col < 2; col++)
            if (nl_strip_owns(strip, r, col))
                nl_cuda_add(&a->control, error[r][col] + scale * k[r][col], y[r][col], y_new[r][col], k[r][col], sums);
}

template <int W>
__global__ void __launch_bounds__(NL_CUDA_WARP *most_warps(W))
    step_kernel(const __grid_constant__ nl_cuda_step a, const segment s)
{
    NL_SHARED(nl_real, tiles);
    nl_course *course = &a.control.courses[blockIdx.z];
    if (course->remaining == 0)
        return;
    const int n = a.op.n;
    const double step = nl_course_step(course);
    const nl_real h = (nl_real)step;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&a.op, course->slot), n, W);
    const nl_strip strip = nl_strip_of(n, s.count * W);
    nl_strip_coefficients<W> coefficients;
    nl_patch z, y_new, error, Lz;
    double sums[NL_CUDA_SUMS] = {0};
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
    nl_cuda_end_step(&a.control, course, step, sums, (double *)tiles);
}

/* ---- the host's side ---- */

enum { MOST_SEGMENTS = 3 };

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
static nl_status launch_segment(nl_cuda_backend *cuda, const nl_cuda_step *a, const segment *s, int n_courses)
{
    const int warps = warps_for(a->op.n, W);
    const size_t shared = 2 * nl_tile_size(warps) * sizeof(nl_real); /* 48 KB at most, which every device has */
    NL_LAUNCH(step_kernel<W>, nl_tile_grid(a->op.n, warps, s->count * W, n_courses), dim3(NL_CUDA_WARP, warps), shared,
              cuda->stream, *a, *s);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

static nl_status launch_steps(nl_cuda_backend *cuda, const void *arguments, int n_courses, int n_steps)
{
    const nl_cuda_step *a = (const nl_cuda_step *)arguments;
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

nl_status nl_cuda_phase_advance(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool,
                                const struct nl_tableau *tableau, nl_course *courses, int n_courses, double rtol,
                                double atol)
{
    nl_cuda_step a;
    segment segments[MOST_SEGMENTS];
    const segment *last = segments + plan_segments(tableau->stages - 1, op->half_width, segments) - 1;
    const dim3 grid = nl_tile_grid(op->n, warps_for(op->n, op->half_width), last->count * op->half_width, 1);
    NL_TRY(nl_cuda_reserve_steps(cuda, n_courses, (size_t)grid.x * grid.y, 0));
    nl_cuda_set_step(cuda, op, pool, tableau, rtol, atol, &a);
    return nl_cuda_take_steps(cuda, courses, n_courses, launch_steps, &a, sizeof a);
}

} // namespace
