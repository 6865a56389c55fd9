/* The phase Fokker-Planck operator on the CPU: the point functions over jobs and blocks of rows. */
#include <string.h>

#include "cpu_backend.h"
#include "phase_point.h"


/* One row of dP/dt; row[w + m] points at row i + m of P. Compile-time w lets the stencil loops unroll. */
static inline __attribute__((always_inline)) void phase_row(const nl_phase_view *v, const nl_real *const *row, int n,
                                                            const int w, int i, nl_real *restrict out)
{
    for (int j = 0; j < w; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 1);
#pragma omp simd
    for (int j = w; j < n - w; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 0);
    for (int j = n - w; j < n; j++)
        out[j] = nl_phase_point(v, row, n, w, i, j, 1);
}

static inline __attribute__((always_inline)) void phase_row_single(const nl_phase_view *v, const nl_real *P, int n,
                                                                   const int w, nl_real *restrict out)
{
    for (int j = 0; j < w; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 1);
#pragma omp simd
    for (int j = w; j < n - w; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 0);
    for (int j = n - w; j < n; j++)
        out[j] = nl_phase_point_single(v, P, n, w, j, 1);
}

static void phase_row_of_order(const nl_operator *op, const nl_phase_view *v, const nl_real *const *row, int i,
                               nl_real *out)
{
    if (op->sites == 1) {
        switch (op->half_width) {
        case 1: phase_row_single(v, row[1], op->n, 1, out); break;
        case 2: phase_row_single(v, row[2], op->n, 2, out); break;
        case 3: phase_row_single(v, row[3], op->n, 3, out); break;
        default: phase_row_single(v, row[4], op->n, 4, out);
        }
        return;
    }
    switch (op->half_width) {
    case 1: phase_row(v, row, op->n, 1, i, out); break;
    case 2: phase_row(v, row, op->n, 2, i, out); break;
    case 3: phase_row(v, row, op->n, 3, i, out); break;
    default: phase_row(v, row, op->n, 4, i, out);
    }
}

/* Rows are shared out in equal blocks of about NL_CPU_CHUNK elements. */
static int block_count(const nl_operator *op)
{
    const int rows = nl_operator_rows(op);
    const long blocks = ((long)rows * op->n + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK;
    return blocks < rows ? (int)blocks : rows;
}

static int block_begin(const nl_operator *op, int block)
{
    return (int)((long)nl_operator_rows(op) * block / block_count(op));
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const int n = op->n, w = op->half_width;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(op, job->slot), n, w);
    const nl_real *P = nl_pool_vector(o->pool, job->slot, job->in[0]);
    nl_real *out = nl_pool_vector(o->pool, job->slot, job->out);
    for (int i = block_begin(op, block); i < block_begin(op, block + 1); i++) {
        const nl_real *row[2 * NL_PHASE_MAX_W + 1] = {0};
        nl_real *to = o->updates ? nl_cpu_line(o, thread) : out + (size_t)i * n;
        for (int m = -w; m <= w; m++)
            row[w + m] = op->sites == 2 ? nl_phase_row(op, P, j, i + m) : P;
        phase_row_of_order(op, &view, row, op->first_row + i, to);
        if (o->updates)
            nl_cpu_update_range(o->pool, job, (size_t)i * n, n, to);
    }
}

nl_status nl_cpu_phase_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = block_count(o->op);
    NL_TRY(nl_cpu_reserve_lines(backend, o, o->updates ? o->op->n : 0));
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, apply_block);
    return NL_OK;
}

/*
 * out = L(sum c_k in_k) for one block: the combination of one row is formed when the stencil first needs it, in a
 * ring of 2w + 1 rows that stays in cache, so it neither goes to memory nor comes back.
 */
static void stage_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const int n = op->n, w = op->half_width, rows = nl_operator_rows(op);
    const int begin = block_begin(op, block), end = block_begin(op, block + 1);
    const int halo = rows > 1 ? w : 0, depth = 2 * halo + 1;
    const nl_phase_view view = nl_phase_view_of(nl_slot_table(op, job->slot), n, w);
    nl_real *out = nl_pool_vector(o->pool, job->slot, job->out), *arg = nl_pool_vector(o->pool, job->slot, job->arg);
    nl_real *ring = nl_cpu_line(o, thread);
    for (int i = begin - halo; i < end + halo; i++) {
        const size_t source = (size_t)nl_wrap(i, rows) * n;
        nl_real *line = ring + (size_t)((i - begin + halo) % depth) * n;
        nl_cpu_combine_range(o->pool, job, source, source + n, line);
        if (job->keep && i >= begin && i < end)
            memcpy(arg + source, line, n * sizeof *line);
        const int centre = i - halo;
        if (centre < begin)
            continue;
        const nl_real *row[2 * NL_PHASE_MAX_W + 1] = {0};
        for (int m = -halo; m <= halo; m++)
            row[w + m] = ring + (size_t)((centre + m - begin + halo) % depth) * n;
        phase_row_of_order(op, &view, row, centre, out + (size_t)centre * n);
    }
}

nl_status nl_cpu_phase_stage(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = block_count(o->op);
    NL_TRY(nl_cpu_reserve_lines(backend, o, (size_t)(2 * o->op->half_width + 1) * o->op->n));
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, stage_block);
    return NL_OK;
}

/* ---- moments ---- */

enum { MARGINAL_BLOCK = 64 };

/* A block of entries of one marginal, summed over s in ascending order; m runs inside so that memory is read in
 * order. */
static void marginal_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    (void)thread;
    const int n = o->op->n, per_marginal = o->blocks / NL_PHASE_MARGINALS, which = block / per_marginal;
    const int begin = block % per_marginal * MARGINAL_BLOCK;
    const int end = begin + MARGINAL_BLOCK < n ? begin + MARGINAL_BLOCK : n;
    const nl_real *P = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]);
    double *result = o->result + j * nl_moments_len(o->op) + (size_t)which * n;
    for (int m = begin; m < end; m++)
        result[m] = 0;
    const int first = o->op->first_row, last = first + nl_phase_rows(o->op);
    const int s_begin = which == 0 ? 0 : first, s_end = which == 0 ? n : last;
    const int m_begin = which == 0 && first > begin ? first : begin, m_end = which == 0 && last < end ? last : end;
    for (int s = s_begin; s < s_end; s++)
        for (int m = m_begin; m < m_end; m++)
            result[m] += P[nl_phase_marginal_element(which, n, m, s) - (size_t)first * n];
}

nl_status nl_cpu_phase_moments(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    const size_t n = (size_t)o->op->n;
    o->blocks = NL_PHASE_MARGINALS * ((o->op->n + MARGINAL_BLOCK - 1) / MARGINAL_BLOCK);
    if (o->op->sites == 1) /* P is its own marginal */
        for (int j = 0; j < n_jobs; j++)
            NL_TRY(nl_cpu_get(backend, o->result + j * n, nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]), 0,
                              n));
    else
        nl_cpu_for_each(backend, o, o->pool->size, n_jobs, marginal_block);
    return NL_OK;
}

/* ---- from grid to grid ---- */

/* Row i of the target: the source's rows are summed up first, then that one line along the other axis, which stands
 * with its first points repeated behind its end. */
static inline __attribute__((always_inline)) void transfer_row(const nl_cpu_operation *o, int j, int i, nl_real *line,
                                                               const int points)
{
    const nl_job *job = &o->jobs[j];
    const nl_real scale = (nl_real)job->c[0];
    const int rows = o->blocks, n = o->transfer->n_from, n_to = o->transfer->n_to;
    const nl_transfer_entry slow = nl_transfer_row_of(o->transfer, i);
    const nl_real *P = nl_pool_vector(o->from, job->slot, job->in[0]);
    nl_real *out = nl_pool_vector(o->pool, job->slot, job->out) + (size_t)i * n_to;
    for (int x = 0; x < n; x++)
        line[x] = rows > 1 ? 0 : P[x];
    for (int a = 0; a < points && rows > 1; a++) {
        const nl_real *row = P + (size_t)((slow.first + a) % n) * n, weight = slow.weight[a];
        for (int x = 0; x < n; x++)
            line[x] += weight * row[x];
    }
    for (int b = 0; b < points; b++)
        line[n + b] = line[b];
    for (int k = 0; k < n_to; k++) {
        const nl_transfer_entry entry = nl_transfer_entry_of(o->transfer, k);
        nl_real sum = 0;
        for (int b = 0; b < points; b++)
            sum += entry.weight[b] * line[entry.first + b];
        out[k] = (job->keep ? out[k] : 0) + scale * sum;
    }
}

static void transfer_block(const nl_cpu_operation *o, int j, int i, int thread)
{
    if (o->transfer->points == NL_INTERPOLATION_POINTS)
        transfer_row(o, j, i, nl_cpu_line(o, thread), NL_INTERPOLATION_POINTS);
    else
        transfer_row(o, j, i, nl_cpu_line(o, thread), NL_RESTRICTION_POINTS);
}

nl_status nl_cpu_phase_transfer(nl_backend *backend, const nl_transfer *transfer, const nl_pool *from,
                                const nl_pool *to, int rows, const nl_job *jobs, int n_jobs)
{
    nl_cpu_operation o = {.pool = to, .from = from, .jobs = jobs, .transfer = transfer, .blocks = rows};
    NL_TRY(nl_cpu_reserve_lines(backend, &o, (size_t)transfer->n_from + NL_RESTRICTION_POINTS));
    nl_cpu_for_each(backend, &o, to->size, n_jobs, transfer_block);
    return NL_OK;
}
