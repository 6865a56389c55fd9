/* The full-amplitude Fokker-Planck operator on the CPU: the point functions over jobs and blocks of rows. */
#include <string.h>

#include "amplitude_point.h"
#include "cpu_backend.h"

enum { MAX_W = NL_AMPLITUDE_MAX_W };

/*
 * Rows of one plane (x_1, y_1), worked on together: they share what tunnelling and the slow laser give, and each v P
 * along x_2 is formed once for the 2 w rows that read it.
 */
typedef struct strip {
    nl_amplitude_row row; /* the first */
    int rows;
    nl_amplitude_neighbour x1[MAX_W][2], y1[MAX_W][2]; /* of the first row */
    nl_real *vP;   /* along x_2: rows [-w, rows + w), with the mirror's sign beyond the plane */
    nl_real *line; /* of the row at work, [-w, n + w): P, and behind it v P along y_2 */
} strip;

static inline __attribute__((always_inline)) void set_up_strip(const nl_amplitude_view *v, const nl_real *P, strip *s,
                                                               const int w)
{
    const int n = v->n, first = s->row.i[NL_AXIS_X2];
    const nl_real *plane = P + s->row.start - (size_t)first * n;
    if (v->sites == 2)
        for (int k = 1; k <= w; k++)
            for (int side = 0; side < 2; side++) {
                s->x1[k - 1][side] = nl_amplitude_neighbour_of(v, P, &s->row, NL_AXIS_X1, k, side ? -1 : 1);
                s->y1[k - 1][side] = nl_amplitude_neighbour_of(v, P, &s->row, NL_AXIS_Y1, k, side ? -1 : 1);
            }
    for (int q = -w; q < s->rows + w; q++) {
        const int p = nl_mirrored(first + q, n);
        const nl_real sign = p == first + q ? 1 : -1, *from = plane + (size_t)p * n;
        nl_real *to = s->vP + (size_t)(q + w) * n;
#pragma omp simd
        for (int j = 0; j < n; j++)
            to[j] = sign * nl_amplitude_drift_across(v, &s->row, p, j) * from[j];
    }
}

/* What the neighbours along x_1 and y_1 give to row r of the strip. */
static inline __attribute__((always_inline)) void apply_slow(const nl_amplitude_view *v, const strip *s, int r,
                                                             const int w, nl_real *restrict out)
{
    const size_t shift = (size_t)r * v->n;
    const nl_real x2 = v->x[s->row.i[NL_AXIS_X2] + r], *y = v->x;
#pragma omp simd
    for (int j = 0; j < v->n; j++) {
        nl_real sum = out[j];
        NL_UNROLL
        for (int k = 0; k < w; k++)
            NL_UNROLL
            for (int side = 0; side < 2; side++) {
                const nl_amplitude_neighbour *x1 = &s->x1[k][side], *y1 = &s->y1[k][side];
                sum += (x1->m + x1->l * y[j]) * x1->P[shift + j];
                sum += (y1->m + y1->l * x2) * y1->P[shift + j];
            }
        out[j] = sum;
    }
}

static inline __attribute__((always_inline)) void set_up_line(const nl_amplitude_view *v, const nl_real *from,
                                                              const nl_amplitude_row *row, const int w, nl_real *p,
                                                              nl_real *vp)
{
    const int n = v->n;
    for (int k = 1; k <= w; k++) {
        p[-k] = from[nl_mirrored(-k, n)];
        p[n - 1 + k] = from[nl_mirrored(n - 1 + k, n)];
        vp[-k] = nl_amplitude_mirrored_drift(v, row, -k) * p[-k];
        vp[n - 1 + k] = nl_amplitude_mirrored_drift(v, row, n - 1 + k) * p[n - 1 + k];
    }
#pragma omp simd
    for (int j = 0; j < n; j++) {
        p[j] = from[j];
        vp[j] = nl_amplitude_drift(v, row, j) * from[j];
    }
}

/* out = what row r of the strip and its neighbours along x_2 and y_2 give. */
static inline __attribute__((always_inline)) void apply_fast(const nl_amplitude_view *v, const nl_real *P,
                                                             const strip *s, int r, const int w,
                                                             nl_real *restrict out)
{
    const int n = v->n;
    nl_amplitude_row row = s->row;
    row.start += (size_t)r * n;
    row.i[NL_AXIS_X2] += r;
    const nl_real *here = P + row.start, *vP = s->vP + (size_t)(r + w) * n, *across[MAX_W][2];
    nl_real *p = s->line + w, *vp = p + n + 2 * w;
    set_up_line(v, here, &row, w, p, vp);
    for (int k = 1; k <= w; k++)
        for (int side = 0; side < 2; side++) {
            const int i = row.i[NL_AXIS_X2];
            across[k - 1][side] = here + ((ptrdiff_t)nl_mirrored(side ? i - k : i + k, n) - i) * n;
        }
    const nl_real diagonal = 2 * v->sites * v->Db[0];
#pragma omp simd
    for (int j = 0; j < n; j++) {
        nl_real sum = diagonal * p[j];
        NL_UNROLL
        for (int k = 1; k <= w; k++) {
            sum += nl_amplitude_pair(v, k, across[k - 1][0][j], across[k - 1][1][j], vP[k * n + j], vP[-k * n + j]);
            sum += nl_amplitude_pair(v, k, p[j + k], p[j - k], vp[j + k], vp[j - k]);
        }
        out[j] = sum;
    }
}

static inline __attribute__((always_inline)) void apply_strip(const nl_cpu_operation *o, const nl_job *job, strip *s,
                                                              const int w, nl_real *result)
{
    const nl_operator *op = o->op;
    const nl_amplitude_view v = nl_amplitude_view_of(nl_slot_table(op, job->slot), op->n, op->sites);
    const nl_real *P = nl_pool_vector(o->pool, job->slot, job->in[0]);
    nl_real *out = nl_pool_vector(o->pool, job->slot, job->out) + s->row.start;
    set_up_strip(&v, P, s, w);
    for (int r = 0; r < s->rows; r++, out += v.n) {
        nl_real *to = o->updates ? result : out;
        apply_fast(&v, P, s, r, w, to);
        if (v.sites == 2)
            apply_slow(&v, s, r, w, to);
        if (o->updates)
            nl_cpu_update_range(o->pool, job, s->row.start + (size_t)r * v.n, v.n, result);
    }
}

static void apply_strip_of_order(const nl_cpu_operation *o, const nl_job *job, strip *s, nl_real *result)
{
    switch (o->op->half_width) {
    case 1: apply_strip(o, job, s, 1, result); break;
    case 2: apply_strip(o, job, s, 2, result); break;
    case 3: apply_strip(o, job, s, 3, result); break;
    default: apply_strip(o, job, s, 4, result);
    }
}

/* A block: about NL_CPU_CHUNK elements of one plane. */
static int strips_of_plane(const nl_operator *op)
{
    const int strips = (op->n * op->n + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK;
    return strips < op->n ? strips : op->n;
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const int n = op->n, strips = strips_of_plane(op), first = block % strips * n / strips;
    nl_real *space = nl_cpu_line(o, thread);
    strip s = {.row = nl_amplitude_row_of((unsigned)(block / strips * n + first), (unsigned)n)};
    s.rows = (block % strips + 1) * n / strips - first;
    s.line = space + n;
    s.vP = s.line + 2 * (n + 2 * MAX_W);
    apply_strip_of_order(o, &o->jobs[j], &s, space);
}

nl_status nl_cpu_amplitude_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    const nl_operator *op = o->op;
    const int n = op->n, strips = strips_of_plane(op), most_rows = (n + strips - 1) / strips;
    o->blocks = strips * (op->sites == 2 ? n * n : 1);
    /* a row's result, P and v P of a row, v P of a strip */
    NL_TRY(nl_cpu_reserve_lines(backend, o, n + 2 * (size_t)(n + 2 * MAX_W) + (most_rows + 2 * MAX_W) * (size_t)n));
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, apply_block);
    return NL_OK;
}

/* ---- moments ---- */

/* The sums over one plane of the fast site. */
static void sum_plane(const nl_cpu_operation *o, int j, int block, int thread)
{
    (void)thread;
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const size_t n = (size_t)op->n;
    const nl_real *P = nl_pool_vector(o->pool, job->slot, job->in[0]) + block * n * n;
    const nl_real *x = nl_amplitude_view_of(nl_slot_table(op, job->slot), op->n, op->sites).x;
    double *sums = o->result + ((size_t)j * o->blocks + block) * NL_AMPLITUDE_SUMS;
    memset(sums, 0, NL_AMPLITUDE_SUMS * sizeof *sums);
    for (size_t r = 0; r < n; r++) {
        double row[NL_AMPLITUDE_SUMS] = {0};
        for (size_t s = 0; s < n; s++)
            nl_amplitude_add_sums(x, op->n, (int)r, (int)s, P[r * n + s], row);
        for (int k = 0; k < NL_AMPLITUDE_SUMS; k++)
            sums[k] += row[k];
    }
}

nl_status nl_cpu_amplitude_moments(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = o->op->sites == 2 ? o->op->n * o->op->n : 1;
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, sum_plane);
    return NL_OK;
}
