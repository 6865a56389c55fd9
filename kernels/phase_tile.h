/*
 * Tiles of the phase operator's grid, for kernels that apply it to what they hold in shared memory and registers.
 *
 * A block has blockDim.y warps and a tile of NL_TILE_STRIP rows a warp and NL_TILE_COLUMNS columns; a thread holds a
 * strip of NL_TILE_STRIP rows of two neighbouring columns in registers, so that most neighbours along theta_1 are its
 * own, and global memory is read 16 bytes at a time. Each application spoils half_width points along the tile's edges:
 * the tile owns what is left within `halo` points, and tiles overlap by twice that.
 */
#ifndef NL_PHASE_TILE_H
#define NL_PHASE_TILE_H

#include "cuda_backend.h"
#include "phase_point.h"

namespace NL_OF_PRECISION(nl_cuda) {

enum { NL_TILE_STRIP = 4, NL_TILE_COLUMNS = 2 * NL_CUDA_WARP };

typedef nl_real nl_patch[NL_TILE_STRIP][2]; /* a thread's numbers */

/* Two neighbours in memory. */
struct __align__(2 * sizeof(nl_real)) nl_real_pair {
    nl_real first, second;
};

/* The halo along theta_2 is even, so that pairs stay aligned. */
static __host__ __device__ __forceinline__ int nl_tile_halo_columns(int halo)
{
    return halo + halo % 2;
}

static __host__ __device__ __forceinline__ int nl_tile_rows(int warps)
{
    return NL_TILE_STRIP * warps;
}

/* Tiles that cover the grid: blocks along x and y, jobs along z. */
static inline dim3 nl_tile_grid(int n, int warps, int halo, int n_jobs)
{
    const int columns = NL_TILE_COLUMNS - 2 * nl_tile_halo_columns(halo), rows = nl_tile_rows(warps) - 2 * halo;
    return dim3((n + columns - 1) / columns, (n + rows - 1) / rows, n_jobs);
}

/* Numbers of one tile. */
static __host__ __device__ __forceinline__ size_t nl_tile_size(int warps)
{
    return (size_t)nl_tile_rows(warps) * NL_TILE_COLUMNS;
}

/* A tile may go around a small grid several times. The strip does not: n >= 2 half_width + 2. */
static __device__ __forceinline__ int nl_periodic(int i, int n)
{
    while (i < 0)
        i += n;
    while (i >= n)
        i -= n;
    return i;
}

/* Where a thread's strip is on the grid, and which of its points the tile owns: bits r of rows and c of columns. Few
 * registers, as it is needed before and after the applications alone. */
typedef struct nl_strip {
    int i, j; /* of its first point, wrapped */
    unsigned rows, columns;
} nl_strip;

static __device__ __forceinline__ nl_strip nl_strip_of(int n, int halo)
{
    const int side = nl_tile_halo_columns(halo), rows = nl_tile_rows(blockDim.y) - 2 * halo;
    const int columns = NL_TILE_COLUMNS - 2 * side;
    const int row = NL_TILE_STRIP * threadIdx.y - halo, column = 2 * threadIdx.x - side; /* from the first owned */
    const int i = blockIdx.y * rows + row, j = blockIdx.x * columns + column;
    nl_strip s = {nl_periodic(i, n), nl_periodic(j, n), 0, 0};
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        s.rows |= (unsigned)(row + r >= 0 && row + r < rows && i + r < n) << r;
    NL_UNROLL
    for (int c = 0; c < 2; c++)
        s.columns |= (unsigned)(column + c >= 0 && column + c < columns && j + c < n) << c;
    return s;
}

static __device__ __forceinline__ bool nl_strip_owns(const nl_strip *s, int r, int c)
{
    return s->rows >> r & s->columns >> c & 1;
}

/* Whether the strip's two columns are one aligned pair: so everywhere on an even grid. */
static __device__ __forceinline__ bool nl_strip_pairs(const nl_strip *s, int n)
{
    return (n | s->j) % 2 == 0;
}

/* ---- between global memory and registers ---- */

static __device__ __forceinline__ void nl_patch_load(const nl_real *v, int n, const nl_strip *s, nl_patch out)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++) {
        const nl_real *row = v + (size_t)nl_wrap(s->i + r, n) * n;
        if (nl_strip_pairs(s, n)) {
            const nl_real_pair p = *(const nl_real_pair *)(row + s->j);
            out[r][0] = p.first;
            out[r][1] = p.second;
        } else {
            out[r][0] = row[s->j];
            out[r][1] = row[nl_wrap(s->j + 1, n)];
        }
    }
}

/* sum_k c_k in_k of a job. */
static __device__ __forceinline__ void nl_patch_combine(const nl_pool *pool, const nl_job *job, int n,
                                                        const nl_strip *s, nl_patch out)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        out[r][0] = out[r][1] = 0;
    for (int k = 0; k < job->n_terms; k++) {
        const nl_real c = (nl_real)job->c[k];
        nl_patch in;
        nl_patch_load(nl_pool_vector(pool, job->slot, job->in[k]), n, s, in);
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP; r++) {
            out[r][0] += c * in[r][0];
            out[r][1] += c * in[r][1];
        }
    }
}

static __device__ __forceinline__ void nl_patch_store_owned(nl_real *v, int n, const nl_strip *s, const nl_patch in)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++) {
        nl_real *row = v + (size_t)nl_wrap(s->i + r, n) * n;
        if (nl_strip_pairs(s, n) && s->columns == 3) {
            const nl_real_pair p = {in[r][0], in[r][1]};
            if (s->rows >> r & 1)
                *(nl_real_pair *)(row + s->j) = p;
            continue;
        }
        NL_UNROLL
        for (int c = 0; c < 2; c++)
            if (nl_strip_owns(s, r, c))
                row[nl_wrap(s->j + c, n)] = in[r][c];
    }
}

/* ---- the operator ---- */

/* Coefficients at the strip and its neighbours: E_1 at row r in [-W, STRIP + W), E_2 at column c in [-W, 2 + W), and
 * cos(theta_2 - theta_1) at c - r. */
template <int W> struct nl_strip_coefficients {
    nl_real E1[NL_TILE_STRIP + 2 * W], E2[2 + 2 * W], C[NL_TILE_STRIP + 1 + 2 * W];
    static constexpr int C0 = NL_TILE_STRIP - 1 + W; /* where c - r = 0 is */

    /* Those along theta_1, the same in all lanes: cheap to load again where registers are short. */
    __device__ __forceinline__ void load_rows(const nl_phase_view *v, const nl_strip *s, int n)
    {
        NL_UNROLL
        for (int m = 0; m < NL_TILE_STRIP + 2 * W; m++)
            E1[m] = v->E1[nl_wrap(s->i - W + m, n)];
    }

    __device__ __forceinline__ void load(const nl_phase_view *v, const nl_strip *s, int n)
    {
        load_rows(v, s, n);
        NL_UNROLL
        for (int m = 0; m < 2 + 2 * W; m++)
            E2[m] = v->E2[nl_wrap(s->j - W + m, n)];
        const int apart = nl_wrap(s->j - s->i, n);
        NL_UNROLL
        for (int m = 0; m < NL_TILE_STRIP + 1 + 2 * W; m++)
            C[m] = v->C[nl_wrap(apart + m - C0, n)];
    }
};

/* A tile in shared memory: the even columns of a row, then the odd ones, so that lanes read neighbouring words. */
static __device__ __forceinline__ int nl_tile_at(int row, int lane, int odd)
{
    return row * NL_TILE_COLUMNS + odd * NL_CUDA_WARP + lane;
}

static __device__ __forceinline__ void nl_tile_put(nl_real *tile, const nl_patch P)
{
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        for (int c = 0; c < 2; c++)
            tile[nl_tile_at(NL_TILE_STRIP * threadIdx.y + r, threadIdx.x, c)] = P[r][c];
}

/* Column c of the strip and W rows on either side, which beyond the tile's edges are its last ones again. */
template <int W>
static __device__ __forceinline__ void nl_tile_column(const nl_real *tile, int c, const nl_patch P,
                                                      nl_real column[NL_TILE_STRIP + 2 * W])
{
    const int first = NL_TILE_STRIP * threadIdx.y, last = nl_tile_rows(blockDim.y) - 1;
    NL_UNROLL
    for (int m = 0; m < W; m++) {
        column[m] = tile[nl_tile_at(max(first - W + m, 0), threadIdx.x, c)];
        column[W + NL_TILE_STRIP + m] = tile[nl_tile_at(min(first + NL_TILE_STRIP + m, last), threadIdx.x, c)];
    }
    NL_UNROLL
    for (int r = 0; r < NL_TILE_STRIP; r++)
        column[W + r] = P[r][c];
}

/* What is d columns beside column c of row r of the strip, d not 0; beyond the tile's edges something finite. */
static __device__ __forceinline__ nl_real nl_tile_beside(const nl_real *tile, int r, int c, int d, const nl_patch P)
{
    const int x = c + d, odd = x & 1, lane = (int)threadIdx.x + (x - odd) / 2;
    if (c == 0 && x == 1) /* but not column 0 for column 1: those registers are free by then */
        return P[r][1];
    return tile[nl_tile_at(NL_TILE_STRIP * threadIdx.y + r, min(max(lane, 0), NL_CUDA_WARP - 1), odd)];
}

/* L P at the strip, from the tile that holds P and the strip's own P. */
template <int W>
static __device__ __forceinline__ void nl_tile_derivative(const nl_phase_view *v, const nl_strip_coefficients<W> *k,
                                                          const nl_real *tile, const nl_patch P, nl_patch out)
{
    NL_UNROLL
    for (int c = 0; c < 2; c++) {
        nl_real column[NL_TILE_STRIP + 2 * W];
        nl_tile_column<W>(tile, c, P, column);
        NL_UNROLL
        for (int r = 0; r < NL_TILE_STRIP; r++) {
            const int i = W + r, j = W + c, d = k->C0 + c - r;
            nl_real sum = (v->Db1[0] + v->Db2[0]) * P[r][c];
            NL_UNROLL
            for (int m = 1; m <= W; m++) {
                sum = nl_phase_add(sum, v->Db1[m], v->a[m], v->aT1[m], k->E1[i + m], k->E1[i - m], k->C[d - m],
                                   k->C[d + m], column[i + m], column[i - m]);
                sum = nl_phase_add(sum, v->Db2[m], v->a[m], v->aT2[m], k->E2[j + m], k->E2[j - m], k->C[d + m],
                                   k->C[d - m], nl_tile_beside(tile, r, c, m, P),
                                   nl_tile_beside(tile, r, c, -m, P));
            }
            out[r][c] = sum;
        }
    }
}

} // namespace

#endif
