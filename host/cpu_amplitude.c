/* The full-amplitude Fokker-Planck operator on the CPU: the point functions over jobs and blocks of rows. */
#include <string.h>

#include "amplitude_point.h"
#include "cpu_backend.h"

enum { MAX_W = NL_AMPLITUDE_MAX_W };

static size_t row_count(const nl_operator *op)
{
    const size_t n = (size_t)op->n;
    return op->sites == 2 ? n * n * n : n;
}

/* What is the same for all elements of a row, and the row itself with its images behind both mirrors. */
typedef struct row_setup {
    nl_amplitude_neighbour at[NL_SLOW_AXES][MAX_W][2];
    const nl_real *P, *vP; /* index [-w, n + w) */
} row_setup;

static inline __attribute__((always_inline)) void set_up_row(const nl_amplitude_view *v, const nl_real *P,
                                                             const nl_amplitude_row *row, const int w,
                                                             const int first_axis, nl_real *line, row_setup *out)
{
    const int n = v->n;
    const nl_real *from = P + row->start;
    nl_real *p = line + w, *vp = p + n + 2 * w;
    for (int axis = first_axis; axis < NL_SLOW_AXES; axis++)
        for (int k = 1; k <= w; k++) {
            out->at[axis][k - 1][0] = nl_amplitude_neighbour_of(v, P, row, axis, k, 1);
            out->at[axis][k - 1][1] = nl_amplitude_neighbour_of(v, P, row, axis, k, -1);
        }
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
    out->P = p;
    out->vP = vp;
}

static inline __attribute__((always_inline)) void apply_row(const nl_amplitude_view *view, const nl_real *P,
                                                            const nl_amplitude_row *row, const int w, const int sites,
                                                            nl_real *line, nl_real *restrict out)
{
    row_setup s;
    const nl_amplitude_view v = *view;
    const int first_axis = sites == 2 ? NL_AXIS_X1 : NL_AXIS_X2;
    set_up_row(&v, P, row, w, first_axis, line, &s);
    const nl_real *p = s.P, *vp = s.vP, diagonal = 2 * sites * v.Db[0];
#pragma omp simd
    for (int j = 0; j < v.n; j++) {
        nl_real sum = diagonal * p[j];
        NL_UNROLL
        for (int k = 1; k <= w; k++) {
            NL_UNROLL
            for (int axis = first_axis; axis < NL_SLOW_AXES; axis++)
                sum += nl_amplitude_term(&v, &s.at[axis][k - 1][0], axis, j) +
                       nl_amplitude_term(&v, &s.at[axis][k - 1][1], axis, j);
            sum += nl_amplitude_pair(&v, k, p[j + k], p[j - k], vp[j + k], vp[j - k]);
        }
        out[j] = sum;
    }
}

#define ROW_OF_ORDER(w)                                                                                                \
    (op->sites == 2 ? apply_row(v, P, row, w, 2, line, out) : apply_row(v, P, row, w, 1, line, out))

static void apply_row_of_order(const nl_operator *op, const nl_amplitude_view *v, const nl_real *P,
                               const nl_amplitude_row *row, nl_real *line, nl_real *out)
{
    switch (op->half_width) {
    case 1: ROW_OF_ORDER(1); break;
    case 2: ROW_OF_ORDER(2); break;
    case 3: ROW_OF_ORDER(3); break;
    default: ROW_OF_ORDER(4);
    }
}

/* Rows are shared out in equal blocks of about NL_CPU_CHUNK elements. */
static int block_count(const nl_operator *op)
{
    const size_t rows = row_count(op), blocks = (rows * op->n + NL_CPU_CHUNK - 1) / NL_CPU_CHUNK;
    return (int)(blocks < rows ? blocks : rows);
}

static size_t block_begin(const nl_cpu_operation *o, int block)
{
    return row_count(o->op) * block / o->blocks;
}

static void next_row(nl_amplitude_row *row, int n)
{
    row->start += n;
    for (int axis = NL_AXIS_X2; ++row->i[axis] == n && axis > 0; axis--)
        row->i[axis] = 0;
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const int n = op->n;
    const nl_amplitude_view view = nl_amplitude_view_of(nl_slot_table(op, job->slot), n, op->sites);
    const nl_real *P = nl_pool_vector(o->pool, job->slot, job->in[0]);
    nl_real *out = nl_pool_vector(o->pool, job->slot, job->out), *line = nl_cpu_line(o, thread), *result = line + n;
    const size_t end = block_begin(o, block + 1) * n;
    for (nl_amplitude_row row = nl_amplitude_row_of((unsigned)block_begin(o, block), (unsigned)n); row.start < end;
         next_row(&row, n)) {
        apply_row_of_order(op, &view, P, &row, o->updates ? result : line, o->updates ? line : out + row.start);
        if (o->updates)
            nl_cpu_update_range(o->pool, job, row.start, n, line);
    }
}

nl_status nl_cpu_amplitude_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = block_count(o->op);
    NL_TRY(nl_cpu_reserve_lines(backend, o, 3 * (size_t)o->op->n + 4 * MAX_W));
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
