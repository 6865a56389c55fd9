#include "nanolase/backend.h"

#include <float.h>
#include <string.h>

#include "dimer_moments.h"
#include "amplitude_point.h"
#include "lindblad_point.h"
#include "nanolase/chebyshev.h"
#include "phase_point.h"

static nl_status open_cpu(int threads, nl_precision precision, nl_backend **out)
{
    return (precision == NL_SINGLE ? nl_backend_open_cpu_single : nl_backend_open_cpu)(threads, out);
}

static nl_status open_cuda(int device, nl_precision precision, nl_backend **out)
{
    return (precision == NL_SINGLE ? nl_backend_open_cuda_single : nl_backend_open_cuda)(device, out);
}

nl_status nl_backend_open(const char *name, int threads, int device, nl_precision precision, nl_backend **out)
{
    if (strcmp(name, "cpu") == 0)
        return open_cpu(threads, precision, out);
    if (strcmp(name, "cuda") == 0)
        return open_cuda(device, precision, out);
    if (strcmp(name, "auto") != 0)
        return nl_fail(NL_ERR_USAGE, "unknown backend '%s'; use auto, cpu or cuda", name);
    const nl_status status = open_cuda(device, precision, out);
    return status == NL_ERR_NO_CUDA ? open_cpu(threads, precision, out) : status;
}

void nl_backend_close(nl_backend *backend)
{
    if (backend)
        backend->ops->close(backend);
}

double nl_backend_epsilon(const nl_backend *backend)
{
    return backend->ops->real_size == sizeof(float) ? FLT_EPSILON : DBL_EPSILON;
}

/* ---- shapes ---- */

int nl_operator_rows(const nl_operator *op)
{
    return op->rows ? op->rows : op->sites == 2 ? op->n : 1;
}

size_t nl_operator_size(const nl_operator *op)
{
    if (op->kind == NL_OPERATOR_LINDBLAD)
        return (size_t)op->sites * op->components * op->planes * nl_lindblad_plane(op);
    if (op->kind == NL_OPERATOR_DIMER)
        return nl_dimer_size(op->n, op->components, op->planes);
    if (op->kind == NL_OPERATOR_AMPLITUDE)
        return (size_t)op->n * op->n * nl_operator_rows(op) * nl_operator_rows(op);
    return (size_t)nl_operator_rows(op) * op->n;
}

size_t nl_moments_len(const nl_operator *op)
{
    if (op->kind == NL_OPERATOR_LINDBLAD)
        return (size_t)op->sites * NL_LINDBLAD_MOMENTS;
    if (op->kind == NL_OPERATOR_DIMER)
        return nl_dimer_moments_len(op->n, op->components);
    if (op->kind == NL_OPERATOR_AMPLITUDE)
        return (size_t)NL_AMPLITUDE_SUMS * nl_operator_rows(op) * nl_operator_rows(op);
    return (size_t)(op->sites == 2 ? NL_PHASE_MARGINALS : 1) * op->n;
}

bool nl_operator_same_shape(const nl_operator *a, const nl_operator *b)
{
    return a->kind == b->kind && a->sites == b->sites && a->n == b->n && a->half_width == b->half_width &&
           a->orders == b->orders && a->components == b->components && a->planes == b->planes;
}

/* ---- pools ---- */

static nl_status new_pool(nl_backend *backend, nl_pool pool, nl_pool *out)
{
    const size_t held = backend->ops->held ? backend->ops->held(backend, &pool) : pool.size;
    *out = pool;
    return backend->ops->alloc(backend, (size_t)pool.slots * pool.registers * held * backend->ops->real_size,
                               &out->data);
}

nl_status nl_pool_new(nl_backend *backend, int slots, int registers, size_t size, nl_pool *out)
{
    return new_pool(backend, (nl_pool){.slots = slots, .registers = registers, .size = size, .rows = 1}, out);
}

nl_status nl_pool_new_for(nl_backend *backend, const nl_operator *op, int slots, int registers, nl_pool *out)
{
    const int rows = op->kind == NL_OPERATOR_PHASE ? nl_operator_rows(op) : 1;
    return new_pool(backend, (nl_pool){NULL, slots, registers, nl_operator_size(op), rows}, out);
}

/* The number that a vector starts at. */
static size_t start_of(const nl_pool *pool, int slot, int reg)
{
    return ((size_t)slot * pool->registers + reg) * pool->size;
}

nl_status nl_pool_put(nl_backend *backend, const nl_pool *pool, int slot, int reg, const double *v)
{
    if (backend->ops->put_vector)
        return backend->ops->put_vector(backend, pool, slot, reg, v);
    return backend->ops->put(backend, pool->data, start_of(pool, slot, reg), v, pool->size);
}

nl_status nl_pool_get(nl_backend *backend, const nl_pool *pool, int slot, int reg, double *v)
{
    if (backend->ops->get_vector)
        return backend->ops->get_vector(backend, pool, slot, reg, v);
    return backend->ops->get(backend, v, pool->data, start_of(pool, slot, reg), pool->size);
}

void nl_pool_release(nl_backend *backend, nl_pool *pool)
{
    backend->ops->free(backend, pool->data);
    pool->data = NULL;
}

/* ---- tables ---- */

nl_status nl_tables_new(nl_backend *backend, nl_operator *op, int slots)
{
    return backend->ops->alloc(backend, slots * op->table_len * backend->ops->real_size, &op->tables);
}

nl_status nl_tables_put(nl_backend *backend, const nl_operator *op, int slots, const double *tables)
{
    return backend->ops->put(backend, op->tables, 0, tables, slots * op->table_len);
}

/* ---- what stands in for optional operations ---- */

nl_status nl_backend_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    return (backend->ops->stage ? backend->ops->stage : nl_backend_combine_then_apply)(backend, op, pool, jobs, n_jobs);
}

nl_status nl_backend_combine_then_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                                        const nl_job *jobs, int n_jobs)
{
    nl_job step[n_jobs > 0 ? n_jobs : 1];
    memcpy(step, jobs, sizeof *jobs * n_jobs);
    for (int j = 0; j < n_jobs; j++)
        step[j].out = jobs[j].arg;
    NL_TRY(backend->ops->combine(backend, pool, step, n_jobs));
    for (int j = 0; j < n_jobs; j++) {
        step[j].in[0] = jobs[j].arg;
        step[j].out = jobs[j].out;
    }
    return backend->ops->apply(backend, op, pool, step, n_jobs);
}

nl_status nl_backend_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                            int n_jobs)
{
    if (backend->ops->update)
        return backend->ops->update(backend, op, pool, jobs, n_jobs);
    nl_job step[n_jobs > 0 ? n_jobs : 1];
    memcpy(step, jobs, sizeof *jobs * n_jobs);
    for (int j = 0; j < n_jobs; j++)
        step[j].out = jobs[j].arg;
    NL_TRY(backend->ops->apply(backend, op, pool, step, n_jobs));
    for (int j = 0; j < n_jobs; j++) {
        step[j].out = jobs[j].out;
        step[j].in[step[j].n_terms] = jobs[j].arg;
        step[j].c[step[j].n_terms++] = jobs[j].scale;
    }
    return backend->ops->combine(backend, pool, step, n_jobs);
}

/* The register of stage j of a Chebyshev step: by turns two, so that the last stage falls on y_new. A stage may
 * overwrite the one before the last, which it reads element by element. */
static int register_of(const nl_chebyshev_step *s, int j)
{
    return j == 0 ? s->y : (s->stages - j) % 2 == 0 ? s->y_new : s->work[0];
}

static void add_term(nl_job *job, int reg, double c)
{
    job->in[job->n_terms] = reg;
    job->c[job->n_terms] = c;
    job->n_terms += c != 0;
}

static nl_job first_stage(const nl_chebyshev_step *s)
{
    nl_job job = {.slot = s->slot, .out = register_of(s, 1)};
    add_term(&job, s->y, 1);
    add_term(&job, s->k, s->h * s->stage[1].mu_F);
    return job;
}

static nl_job later_stage(const nl_chebyshev_step *s, int j)
{
    const nl_chebyshev_stage c = s->stage[j];
    nl_job job = {.slot = s->slot, .out = register_of(s, j), .scale = s->h * c.mu_F, .arg = s->work[1]};
    add_term(&job, register_of(s, j - 1), c.mu); /* the operand: first, and never 0 */
    add_term(&job, register_of(s, j - 2), c.nu);
    add_term(&job, s->y, c.rest);
    add_term(&job, s->k, s->h * c.gamma_F);
    return job;
}

nl_status nl_backend_chebyshev_by_stages(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                                         const nl_chebyshev_step *steps, int n_steps)
{
    nl_job jobs[n_steps > 0 ? n_steps : 1];
    jobs[0] = (nl_job){0};
    for (int s = 0; s < n_steps; s++)
        jobs[s] = first_stage(&steps[s]);
    NL_TRY(backend->ops->combine(backend, pool, jobs, n_steps));
    for (int j = 2, n_jobs = n_steps; n_jobs > 0; j++) { /* members with fewer stages than others drop out early */
        n_jobs = 0;
        for (int s = 0; s < n_steps; s++)
            if (j <= steps[s].stages)
                jobs[n_jobs++] = later_stage(&steps[s], j);
        NL_TRY(nl_backend_update(backend, op, pool, jobs, n_jobs));
    }
    for (int s = 0; s < n_steps; s++)
        jobs[s] = (nl_job){.slot = steps[s].slot, .in = {steps[s].y_new}, .out = steps[s].k_new};
    return backend->ops->apply(backend, op, pool, jobs, n_steps);
}

nl_status nl_backend_chebyshev(nl_backend *backend, const nl_operator *op, const nl_pool *pool,
                               const nl_chebyshev_step *steps, int n_steps)
{
    const bool fused = backend->ops->chebyshev != NULL;
    return (fused ? backend->ops->chebyshev : nl_backend_chebyshev_by_stages)(backend, op, pool, steps, n_steps);
}
