/*
 * A Chebyshev step of the phase operator by temporal blocking: several stages of its three-term recurrence to a kernel.
 *
 * A tile stands in shared memory twice, by turns: as the stage that the operator is applied to, and as the one before,
 * of which a thread takes its own points. The start of the step and L times it, which order 2 of the method asks for in
 * every stage, are read again each time, from the L1 cache. What a thread does not keep makes room for a second block,
 * which loads while this one computes. Differences of order 2 alone: what pays, README.md tells.
 */
#include "cuda_chebyshev.h"
#include "phase_tile.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { WARPS = 8, APPLICATIONS = 4 /* of the operator in a kernel: the halo of its tiles */ };

static __host__ __device__ __forceinline__ int parts_of(int stages)
{
    return (stages + APPLICATIONS - 1) / APPLICATIONS;
}

/* Where a part leaves its last two stages, counted from the end: by turns, as other tiles still read what came before.
 * The last part leaves the last stage there, and L times it. */
static __device__ __forceinline__ const int *pair_of(const member_step *m, int parts_after)
{
    return parts_after % 2 == 0 ? m->end : m->work;
}

/* The two newest stages before a part. */
static __device__ __forceinline__ void begin_part(const nl_pool *pool, const member_step *m, const stage *stages,
                                                  int part, int n, const nl_strip *strip, nl_patch now, nl_patch before)
{
    if (part > 0) {
        const int *pair = pair_of(m, parts_of(m->stages) - part);
        nl_patch_load(nl_pool_vector(pool, m->slot, pair[0]), n, strip, now);
        nl_patch_load(nl_pool_vector(pool, m->slot, pair[1]), n, strip, before);
        return;
    }
    const nl_real rate = (nl_real)stages[1].start_rate;
    nl_patch_load(nl_pool_vector(pool, m->slot, m->y), n, strip, before);
    nl_patch_load(nl_pool_vector(pool, m->slot, m->k), n, strip, now);
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int c = 0; c < 2; c++)
            now[r][c] = before[r][c] + rate * now[r][c];
}

static __device__ __forceinline__ void add_to(nl_patch sum, nl_real c, const nl_patch P)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int k = 0; k < 2; k++)
            sum[r][k] += c * P[r][k];
}

/* What the start gives for a stage. */
static __device__ __forceinline__ void add_start(const nl_pool *pool, const member_step *m, const stage *s, int n,
                                                 const nl_strip *strip, nl_patch sum)
{
    nl_patch in;
    nl_patch_load(nl_pool_vector(pool, m->slot, m->y), n, strip, in);
    add_to(sum, (nl_real)s->start, in);
    nl_patch_load(nl_pool_vector(pool, m->slot, m->k), n, strip, in);
    add_to(sum, (nl_real)s->start_rate, in);
}

/* The thread's own points of a tile. */
static __device__ __forceinline__ void tile_get(const nl_real *tile, nl_patch out)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int c = 0; c < 2; c++)
            out[r][c] = tile[nl_tile_at(NL_TILE_STRIP * threadIdx.y + r, threadIdx.x, c)];
}

/* By turns, so that an application takes one barrier: stage j - 1, and stage j - 2 still stands in the other. */
static __device__ __forceinline__ nl_real *tile_of(nl_real *tiles, int j)
{
    return tiles + j % 2 * nl_tile_size(WARPS);
}

/* Part number `part` of every member's step. */
__global__ void __launch_bounds__(WARPS *NL_CUDA_WARP, 2)
    chebyshev_kernel(const __grid_constant__ nl_operator op, const __grid_constant__ nl_pool pool,
                     const sent_steps sent, int part)
{
    NL_SHARED(nl_real, tiles);
    const member_step *m = &sent.members[blockIdx.z];
    const stage *stages = stages_of(&sent, blockIdx.z);
    const int parts = parts_of(m->stages), n = op.n;
    if (part >= parts)
        return;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(&op, m->slot), n, 1);
    const nl_strip strip = nl_strip_of(n, APPLICATIONS);
    nl_strip_coefficients<1> coefficients;
    nl_patch now, before, L;
    const int begin = part * APPLICATIONS + 2, end = min(begin + APPLICATIONS, m->stages + 2);
    begin_part(&pool, m, stages, part, n, &strip, now, before);
    nl_tile_put(tile_of(tiles, begin - 1), before);
    coefficients.load(&view, &strip, n);
    for (int j = begin; j < end; j++) { /* the stage to come; the last is followed by L times it */
        nl_tile_put(tile_of(tiles, j), now);
        __syncthreads();
        coefficients.load_rows(&view, &strip, n); /* again, as registers are short */
        nl_tile_derivative<1>(&view, &coefficients, tile_of(tiles, j), now, L);
        const stage s = stages[j];
        const nl_real a = (nl_real)s.now, b = (nl_real)s.before, f = (nl_real)s.rate;
        tile_get(tile_of(tiles, j - 1), before);
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP; r++)
            for (int c = 0; c < 2; c++)
                now[r][c] = f * L[r][c] + (b * before[r][c] + a * now[r][c]);
        if (s.start != 0 || s.start_rate != 0)
            add_start(&pool, m, &s, n, &strip, now);
    }
    const bool last = part == parts - 1;
    const int *pair = pair_of(m, parts - 1 - part);
    nl_patch_store_owned(nl_pool_vector(&pool, m->slot, pair[last]), n, &strip, now);
    tile_get(tile_of(tiles, end - 1), before);
    nl_patch_store_owned(nl_pool_vector(&pool, m->slot, pair[!last]), n, &strip, before);
}

nl_status nl_cuda_phase_chebyshev(nl_cuda_backend *cuda, const nl_operator *op, const nl_pool *pool,
                                  const struct nl_chebyshev_step *steps, int n_steps)
{
    sent_steps sent;
    NL_TRY(send_steps(cuda, steps, n_steps, &sent));
    for (int part = 0; part < parts_of(sent.most); part++)
        NL_LAUNCH(chebyshev_kernel, nl_tile_grid(op->n, WARPS, APPLICATIONS, n_steps), dim3(NL_CUDA_WARP, WARPS),
                  2 * nl_tile_size(WARPS) * sizeof(nl_real), cuda->stream, *op, *pool, sent, part);
    NL_CUDA(cudaGetLastError());
    return NL_OK;
}

} // namespace
