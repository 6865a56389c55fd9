/* The Lindblad operator on the CPU: the point functions over jobs, sites and blocks of coherence orders. */
#include <string.h>

#include "cpu_backend.h"
#include "cpu_target.h"
#include "lindblad_point.h"

/* ---- one row ---- */

/* A row's elements `begin` to `end`; `leak` is added to d S/dt of the first. */
typedef struct span {
    int begin, end;
    nl_real leak;
} span;

static inline __attribute__((always_inline)) void put_complex(const target *t, purpose purpose,
                                                              const nl_lindblad_rows *rows, int E, nl_real_complex d)
{
    put(t, purpose, E, d.re);
    put(t, purpose, rows->plane + E, d.im);
}

static inline __attribute__((always_inline)) void real_row(const nl_lindblad_rows rows, const nl_component c, span s,
                                                           nl_real f, const purpose purpose, const target t)
{
    if (s.leak != 0) {
        put(&t, purpose, s.begin, nl_lindblad_point(&rows, c, s.begin, f) + s.leak);
        s.begin++;
    }
#pragma omp simd
    for (int E = s.begin; E < s.end; E++)
        put(&t, purpose, E, nl_lindblad_point(&rows, c, E, f));
}

static inline __attribute__((always_inline)) void complex_row(const nl_lindblad_rows rows, const nl_component c, span s,
                                                              nl_real_complex f, const purpose purpose, const target t)
{
    if (s.leak != 0) {
        nl_real_complex d = nl_lindblad_point_complex(&rows, c, s.begin, f);
        d.re += s.leak;
        put_complex(&t, purpose, &rows, s.begin++, d);
    }
#pragma omp simd
    for (int E = s.begin; E < s.end; E++)
        put_complex(&t, purpose, &rows, E, nl_lindblad_point_complex(&rows, c, E, f));
}

/* Component and purpose are constants in each loop, so that its branches are decided when compiled. */
static void fill_row(const nl_operator *op, const nl_lindblad_rows *rows, nl_component component, span s,
                     nl_real_complex f, purpose purpose, const target *t)
{
#define ROW(c, p)                                                                                                      \
    case (c) * PURPOSES + (p):                                                                                         \
        if (op->planes == 1)                                                                                           \
            real_row(*rows, c, s, f.re, p, *t);                                                                        \
        else                                                                                                           \
            complex_row(*rows, c, s, f, p, *t);                                                                        \
        break
#define ROWS(c)                                                                                                        \
    ROW(c, APPLY);                                                                                                     \
    ROW(c, ADD);                                                                                                       \
    ROW(c, UPDATE_TWO)
    switch (component * PURPOSES + purpose) {
        ROWS(NL_PHOTON);
        ROWS(NL_EE);
        ROWS(NL_GG);
        ROWS(NL_EG);
        ROWS(NL_GE);
    }
#undef ROWS
#undef ROW
}

/* ---- one site ---- */

/* Sum over a site's elements from which its <a> follows (nl_lindblad_amplitude_term). */
static nl_complex amplitude_sum(const nl_operator *op, const nl_real *table, const nl_real *state)
{
    const size_t plane = nl_lindblad_plane(op);
    const nl_real *root = table + NL_LINDBLAD_HEADER + 1;
    nl_complex sum = {0, 0};
    if (op->orders < 2)
        return sum;
    for (int c = 0; c < (op->components == 1 ? 1 : 2); c++) { /* the diagonal components come first */
        const nl_component component = nl_lindblad_component(op->components, c);
        const nl_real *row = state + c * op->planes * plane + nl_lindblad_row(op->n, 1);
        for (int E = nl_lindblad_first(component, 1); E < op->n - 1; E++) {
            sum.re += nl_lindblad_amplitude_term(root, row, component, E);
            if (op->planes > 1)
                sum.im += nl_lindblad_amplitude_term(root, row + plane, component, E);
        }
    }
    return sum;
}

static nl_real_complex field_of(const nl_operator *op, const nl_real *table, const nl_real *vector, int site)
{
    nl_complex other = {0, 0};
    if (op->sites == 2)
        other = amplitude_sum(op, table, vector + (1 - site) * (nl_operator_size(op) / 2));
    return nl_lindblad_field(table, site, other);
}

/* A site's share of a job: where it is read from and written to. */
typedef struct site_work {
    const nl_cpu_operation *o;
    const nl_job *job;
    const nl_real *table, *state;
    size_t offset; /* of the site in a vector */
    nl_real_complex f;
    purpose purpose;
} site_work;

/* Numbers of row k with the pads that it is responsible for. */
static size_t row_len(const nl_operator *op, int k)
{
    return (size_t)(op->n - k) + NL_LINDBLAD_PAD * (k + 1 == op->orders ? 2 : 1);
}

/* The job's vectors from number `begin` on. */
static target target_at(const site_work *w, size_t begin)
{
    const nl_job *job = w->job;
    target t = {.out = nl_pool_vector(w->o->pool, job->slot, job->out) + begin, .scale = (nl_real)job->scale};
    for (int k = 0; k < 2 && w->purpose == UPDATE_TWO; k++) {
        t.in[k] = nl_pool_vector(w->o->pool, job->slot, job->in[k]) + begin;
        t.c[k] = (nl_real)job->c[k];
    }
    return t;
}

/* Row k of component c, with its pads. */
static void do_row(const site_work *w, int c, int k)
{
    const nl_operator *op = w->o->op;
    const nl_component component = nl_lindblad_component(op->components, c);
    const nl_lindblad_rows rows = nl_lindblad_rows_of(op, w->table, w->state, c, k);
    const size_t plane = nl_lindblad_plane(op), len = row_len(op, k);
    const size_t begin = w->offset + c * op->planes * plane + nl_lindblad_row(op->n, k);
    const target t = target_at(w, begin);
    span s = {nl_lindblad_first(component, k), op->n - k, 0};
    if (k == 0 && w->table[NL_LINDBLAD_CLOSED] != 0 && (component == NL_PHOTON || component == NL_GG))
        s.leak = nl_lindblad_leak(op, w->table, w->state);
    for (int p = 0; p < op->planes; p++) {
        const size_t at = begin + p * plane - NL_LINDBLAD_PAD;
        nl_real *out = t.out + p * plane - NL_LINDBLAD_PAD;
        if (w->purpose == ADD)
            nl_cpu_combine_range(w->o->pool, w->job, at, at + len, out);
        memset(out, 0, (NL_LINDBLAD_PAD + s.begin) * sizeof *out);
        if (k + 1 == op->orders)
            memset(out + NL_LINDBLAD_PAD + s.end, 0, NL_LINDBLAD_PAD * sizeof *out);
    }
    fill_row(op, &rows, component, s, w->f, w->purpose, &t);
}

/* ---- the operator ---- */

/* Orders in one block: about NL_CPU_CHUNK elements. */
static int orders_per_block(const nl_operator *op)
{
    const int orders = NL_CPU_CHUNK / (op->n * op->components * op->planes);
    return orders > 1 ? orders : 1;
}

static int blocks_per_site(const nl_operator *op)
{
    return (op->orders + orders_per_block(op) - 1) / orders_per_block(op);
}

static void apply_block(const nl_cpu_operation *o, int j, int block, int thread)
{
    const nl_operator *op = o->op;
    const nl_job *job = &o->jobs[j];
    const int per_site = blocks_per_site(op), site = block / per_site, begin = block % per_site * orders_per_block(op);
    const int end = begin + orders_per_block(op) < op->orders ? begin + orders_per_block(op) : op->orders;
    const nl_real *vector = nl_pool_vector(o->pool, job->slot, job->in[0]);
    site_work w = {.o = o, .job = job, .table = nl_slot_table(op, job->slot),
                   .offset = site * (nl_operator_size(op) / op->sites),
                   .purpose = !o->updates ? APPLY : job->n_terms == 2 ? UPDATE_TWO : ADD};
    (void)thread;
    w.state = vector + w.offset;
    w.f = field_of(op, w.table, vector, site);
    for (int k = begin; k < end; k++)
        for (int c = 0; c < op->components; c++)
            do_row(&w, c, k);
}

nl_status nl_cpu_lindblad_apply(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = o->op->sites * blocks_per_site(o->op);
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, apply_block);
    return NL_OK;
}

/* ---- moments ---- */

/* All moments of one site. Added up along rows first, so that rounding does not grow with the number of elements. */
static void site_moments(const nl_cpu_operation *o, int j, int site, int thread)
{
    (void)thread;
    const nl_operator *op = o->op;
    const nl_real *table = nl_slot_table(op, o->jobs[j].slot);
    const nl_real *state = nl_pool_vector(o->pool, o->jobs[j].slot, o->jobs[j].in[0]) +
                          site * (nl_operator_size(op) / op->sites);
    double *sums = o->result + ((size_t)j * op->sites + site) * NL_LINDBLAD_MOMENTS;
    memset(sums, 0, NL_LINDBLAD_MOMENTS * sizeof *sums);
    for (int c = 0; c < op->components; c++) {
        const nl_component component = nl_lindblad_component(op->components, c);
        for (int k = 0; k < op->orders; k++) {
            const nl_lindblad_rows rows = nl_lindblad_rows_of(op, table, state, c, k);
            double row[NL_LINDBLAD_MOMENTS] = {0};
            for (int E = nl_lindblad_first(component, k); E < op->n - k; E++)
                nl_lindblad_add_moments(&rows, component, op->n, op->planes, E, row);
            for (int s = 0; s < NL_LINDBLAD_MOMENTS; s++)
                sums[s] += row[s];
        }
    }
}

nl_status nl_cpu_lindblad_moments(nl_backend *backend, nl_cpu_operation *o, int n_jobs)
{
    o->blocks = o->op->sites;
    nl_cpu_for_each(backend, o, o->pool->size, n_jobs, site_moments);
    return NL_OK;
}
