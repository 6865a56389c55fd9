/* A pool of random vectors and an operator with other parameters in every slot, on any backend. */
#ifndef NL_TEST_RIG_H
#define NL_TEST_RIG_H

#include "phase_point.h"
#include "phase_reference.h"
#include "vector_point.h"

enum { RIG_MAX_SLOTS = 4 };

typedef struct rig {
    nl_backend *backend;
    nl_pool pool;
    nl_operator op;
    int order;
    nl_phase phase[RIG_MAX_SLOTS];
    double *host; /* what the pool held at first */
    double *now;  /* what it held at the last rig_look */
} rig;

static size_t rig_elements(const rig *g)
{
    return (size_t)g->pool.slots * g->pool.registers * g->pool.size;
}

/* Fills the pool; what the host then has is what the pool holds, rounded to its precision. */
UNUSED static void rig_send(rig *g)
{
    OK(g->backend->ops->put(g->backend, g->pool.data, 0, g->host, rig_elements(g)));
    OK(g->backend->ops->get(g->backend, g->host, g->pool.data, 0, rig_elements(g)));
}

/* A pool without an operator. */
UNUSED static rig rig_of_size(nl_backend *backend, size_t size, int slots, int registers, uint64_t seed)
{
    rng r = {seed};
    rig g = {.backend = backend};
    OK(nl_pool_new(backend, slots, registers, size, &g.pool));
    g.host = random_array(&r, rig_elements(&g));
    g.now = new_array(rig_elements(&g));
    rig_send(&g);
    return g;
}

static void rig_upload_tables(rig *g)
{
    const size_t len = g->op.table_len;
    double *tables = new_array(g->pool.slots * len);
    for (int s = 0; s < g->pool.slots; s++)
        nl_phase_fill_table(&g->phase[s], nl_stencil_of_order(g->op.n, g->order), tables + s * len);
    OK(nl_tables_new(g->backend, &g->op, g->pool.slots));
    OK(nl_tables_put(g->backend, &g->op, g->pool.slots, tables));
    free(tables);
}

UNUSED static rig rig_new(nl_backend *backend, int sites, int n, int order, int slots, int registers)
{
    rng r = {(uint64_t)(1000 * n + 10 * order + sites)};
    rig g = rig_of_size(backend, sites == 2 ? (size_t)n * n : (size_t)n, slots, registers, r.state + 1);
    assert_true(slots <= RIG_MAX_SLOTS);
    g.order = order;
    g.op = (nl_operator){.kind = NL_OPERATOR_PHASE, .sites = sites, .n = n, .half_width = order / 2,
                         .table_len = nl_phase_table_len(n, order / 2)};
    for (int s = 0; s < slots; s++)
        g.phase[s] = random_phase(&r, sites);
    rig_upload_tables(&g);
    return g;
}

UNUSED static void rig_release(rig *g)
{
    nl_pool_release(g->backend, &g->pool);
    g->backend->ops->free(g->backend, g->op.tables);
    free(g->host);
    free(g->now);
}

/* The number of the pool that a vector starts at. */
UNUSED static size_t rig_number(const rig *g, int slot, int reg)
{
    return ((size_t)slot * g->pool.registers + reg) * g->pool.size;
}

/* The vector as it was, and as it was at the last look. */
UNUSED static double *rig_was(const rig *g, int slot, int reg)
{
    return g->host + rig_number(g, slot, reg);
}

UNUSED static double *rig_is(const rig *g, int slot, int reg)
{
    return g->now + rig_number(g, slot, reg);
}

UNUSED static void rig_look(rig *g)
{
    OK(g->backend->ops->get(g->backend, g->now, g->pool.data, 0, rig_elements(g)));
}

/* Looks, and sees that no vector has changed by a bit but those that the jobs write: `out`, and `arg` in a stage. */
UNUSED static void rig_look_around(rig *g, const nl_job *jobs, int n_jobs, bool stage)
{
    rig_look(g);
    for (int s = 0; s < g->pool.slots; s++)
        for (int reg = 0; reg < g->pool.registers; reg++) {
            bool written = false;
            for (int j = 0; j < n_jobs; j++)
                written |= jobs[j].slot == s && (jobs[j].out == reg || (stage && jobs[j].arg == reg));
            if (!written && memcmp(rig_is(g, s, reg), rig_was(g, s, reg), g->pool.size * sizeof(double)) != 0)
                fail_msg("slot %d, register %d was touched", s, reg);
        }
}

/* sum c_k in_k from the vectors as they were; the caller frees. */
UNUSED static double *rig_combination(const rig *g, const nl_job *job)
{
    double *v = new_array(g->pool.size);
    for (int k = 0; k < job->n_terms; k++)
        for (size_t x = 0; x < g->pool.size; x++)
            v[x] += job->c[k] * rig_was(g, job->slot, job->in[k])[x];
    return v;
}

#endif
