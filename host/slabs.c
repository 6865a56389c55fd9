/*
 * A backend over ranks: of every grid of the phase operator each rank has a slab, some of the rows theta_1, and another
 * backend that works on it. An operator's application is preceded by an exchange of the rows next to a slab's ends, a
 * reduction is finished by a sum in the order of ranks; so all ranks know the same numbers and take the same decisions.
 * Vectors that are not split, small grids or what has no rows, every rank has whole, and all compute the same.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab_rows.h"
#include "transport.h"

/* Memory that grows as needed and is kept between calls. */
typedef struct room {
    void *data;
    size_t bytes;
} room;

typedef struct slab_backend {
    nl_backend base;
    nl_backend *local;
    nl_backend_ops ops;
    room gathered, rows, sent; /* host */
    room halo, part;           /* of the local backend */
} slab_backend;

static slab_backend *of(nl_backend *backend)
{
    return (slab_backend *)backend; /* base is the first member */
}

static nl_status reserve_host(room *r, size_t bytes)
{
    if (bytes <= r->bytes)
        return NL_OK;
    free(r->data);
    r->data = malloc(bytes);
    r->bytes = r->data ? bytes : 0;
    return r->data ? NL_OK
                   : nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB for rows between ranks", (double)bytes * 1e-6);
}

static nl_status reserve_local(slab_backend *s, room *r, size_t bytes)
{
    if (bytes <= r->bytes)
        return NL_OK;
    s->local->ops->free(s->local, r->data);
    *r = (room){0};
    NL_TRY(s->local->ops->alloc(s->local, bytes, &r->data));
    r->bytes = bytes;
    return NL_OK;
}

/* ---- vectors ---- */

static nl_rows my_rows(const nl_pool *pool)
{
    return nl_rows_of_rank(pool->rows, nl_ranks_now().rank);
}

static size_t row_len(const nl_pool *pool)
{
    return pool->size / (size_t)pool->rows;
}

static size_t held(nl_backend *backend, const nl_pool *pool)
{
    (void)backend;
    return (size_t)my_rows(pool).count * row_len(pool);
}

static bool is_split(const nl_pool *pool)
{
    return my_rows(pool).count < pool->rows;
}

/* The pool as the local backend sees it. */
static nl_pool local_pool(const nl_pool *pool)
{
    nl_pool local = *pool;
    local.rows = my_rows(pool).count;
    local.size = (size_t)local.rows * row_len(pool);
    return local;
}

static size_t vector_start(const nl_pool *local, int slot, int reg)
{
    return ((size_t)slot * local->registers + reg) * local->size;
}

static char *vector_bytes(const slab_backend *s, const nl_pool *local, int slot, int reg)
{
    return (char *)local->data + vector_start(local, slot, reg) * s->ops.real_size;
}

static nl_status put_vector(nl_backend *backend, const nl_pool *pool, int slot, int reg, const double *v)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    return s->local->ops->put(s->local, local.data, vector_start(&local, slot, reg),
                              v + (size_t)my_rows(pool).first * row_len(pool), local.size);
}

static nl_status get_vector(nl_backend *backend, const nl_pool *pool, int slot, int reg, double *v)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    const int ranks = nl_ranks_now().count;
    if (!is_split(pool))
        return s->local->ops->get(s->local, v, local.data, vector_start(&local, slot, reg), local.size);
    nl_rows wanted[ranks];
    for (int r = 0; r < ranks; r++)
        wanted[r] = (nl_rows){0, pool->rows};
    NL_TRY(reserve_host(&s->sent, local.size * sizeof *v));
    NL_TRY(s->local->ops->get(s->local, s->sent.data, local.data, vector_start(&local, slot, reg), local.size));
    return nl_rows_fetch(pool->rows, row_len(pool) * sizeof *v, s->sent.data, wanted, v);
}

/* ---- memory ---- */

static nl_status available(nl_backend *backend, size_t *bytes)
{
    slab_backend *s = of(backend);
    const nl_ranks ranks = nl_ranks_now();
    size_t mine, all[ranks.count];
    NL_TRY(s->local->ops->available(s->local, &mine));
    if (s->local->threads > 0) /* the processors' memory is that of all ranks here */
        mine /= (size_t)ranks.host_count;
    nl_transport_gather(&mine, sizeof mine, all);
    for (int r = 0; r < ranks.count; r++)
        mine = all[r] < mine ? all[r] : mine;
    *bytes = mine * (size_t)ranks.count;
    return NL_OK;
}

static size_t preferred_bytes(nl_backend *backend)
{
    slab_backend *s = of(backend);
    return s->local->ops->preferred_bytes(s->local) * (size_t)nl_ranks_now().count;
}

static nl_status slab_alloc(nl_backend *backend, size_t bytes, void **out)
{
    return of(backend)->local->ops->alloc(of(backend)->local, bytes, out);
}

static void slab_free(nl_backend *backend, void *p)
{
    of(backend)->local->ops->free(of(backend)->local, p);
}

static nl_status upload(nl_backend *backend, void *to, const void *host, size_t bytes)
{
    return of(backend)->local->ops->upload(of(backend)->local, to, host, bytes);
}

static nl_status download(nl_backend *backend, void *host, const void *from, size_t bytes)
{
    return of(backend)->local->ops->download(of(backend)->local, host, from, bytes);
}

static nl_status put(nl_backend *backend, void *array, size_t first, const double *host, size_t count)
{
    return of(backend)->local->ops->put(of(backend)->local, array, first, host, count);
}

static nl_status get(nl_backend *backend, double *host, const void *array, size_t first, size_t count)
{
    return of(backend)->local->ops->get(of(backend)->local, host, array, first, count);
}

/* ---- operations that go by elements ---- */

static nl_status combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    return s->local->ops->combine(s->local, &local, jobs, n_jobs);
}

static nl_status expand(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, const double *h)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    return s->local->ops->expand(s->local, &local, jobs, n_jobs, h);
}

static nl_status rotate(nl_backend *backend, const nl_pool *pool, const nl_basis_job *job, const double *Z, int kept)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    return s->local->ops->rotate(s->local, &local, job, Z, kept);
}

/* ---- reductions ---- */

/* Every value becomes its sum over the ranks, where vectors are split. */
static nl_status add_up(slab_backend *s, const nl_pool *pool, double *values, size_t count)
{
    const int ranks = nl_ranks_now().count;
    if (!is_split(pool) || count == 0)
        return NL_OK;
    NL_TRY(reserve_host(&s->gathered, (size_t)ranks * count * sizeof *values));
    const double *all = s->gathered.data;
    nl_transport_gather(values, count * sizeof *values, s->gathered.data);
    for (size_t k = 0; k < count; k++) {
        values[k] = all[k];
        for (int r = 1; r < ranks; r++)
            values[k] += all[(size_t)r * count + k];
    }
    return NL_OK;
}

static nl_status error(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double rtol,
                       double atol, double *result)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    NL_TRY(s->local->ops->error(s->local, &local, jobs, n_jobs, rtol, atol, result));
    if (!is_split(pool))
        return NL_OK;
    for (int j = 0; j < n_jobs; j++)
        result[j] *= result[j] * (double)local.size;
    NL_TRY(add_up(s, pool, result, (size_t)n_jobs));
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(result[j] / (double)pool->size);
    return NL_OK;
}

static nl_status sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    NL_TRY(s->local->ops->sums(s->local, &local, jobs, n_jobs, result));
    return add_up(s, pool, result, 2 * (size_t)n_jobs);
}

static nl_status dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    NL_TRY(s->local->ops->dot(s->local, &local, jobs, n_jobs, result));
    return add_up(s, pool, result, (size_t)n_jobs);
}

static nl_status project(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, double *h)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    memset(h, 0, (size_t)n_jobs * NL_MAX_BASIS * sizeof *h);
    NL_TRY(s->local->ops->project(s->local, &local, jobs, n_jobs, h));
    return add_up(s, pool, h, (size_t)n_jobs * NL_MAX_BASIS);
}

static nl_status largest(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    slab_backend *s = of(backend);
    const nl_pool local = local_pool(pool);
    const int ranks = nl_ranks_now().count;
    NL_TRY(s->local->ops->largest(s->local, &local, jobs, n_jobs, result));
    if (!is_split(pool))
        return NL_OK;
    NL_TRY(reserve_host(&s->gathered, (size_t)ranks * n_jobs * sizeof *result));
    const double *all = s->gathered.data;
    nl_transport_gather(result, (size_t)n_jobs * sizeof *result, s->gathered.data);
    for (int k = 0; k < ranks * n_jobs; k++)
        if (isnan(all[k]) || all[k] > result[k % n_jobs])
            result[k % n_jobs] = all[k];
    return NL_OK;
}

/* ---- the operator ---- */

static nl_operator local_operator(const nl_operator *op, const nl_pool *pool)
{
    nl_operator local = *op;
    local.first_row = my_rows(pool).first;
    local.rows = my_rows(pool).count;
    return local;
}

/* Brings the rows beyond the slab's ends of every job's in[0] to the operator's halo. */
static nl_status swap_halos(slab_backend *s, nl_operator *op, const nl_pool *local, const nl_job *jobs, int n_jobs)
{
    nl_backend *backend = s->local;
    const size_t bytes = (size_t)op->half_width * op->n * s->ops.real_size, all = bytes * n_jobs;
    const size_t last = ((size_t)op->rows - op->half_width) * op->n * s->ops.real_size;
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(reserve_host(&s->sent, 2 * all));
    NL_TRY(reserve_host(&s->rows, 2 * all));
    NL_TRY(reserve_local(s, &s->halo, 2 * all));
    char *top = s->sent.data, *bottom = top + all, *above = s->rows.data, *below = above + all;
    for (int j = 0; j < n_jobs; j++) {
        const char *v = vector_bytes(s, local, jobs[j].slot, jobs[j].in[0]);
        NL_TRY(backend->ops->download(backend, top + j * bytes, v, bytes));
        NL_TRY(backend->ops->download(backend, bottom + j * bytes, v + last, bytes));
    }
    NL_TRY(nl_rows_swap(all, top, bottom, above, below));
    op->halo[0] = s->halo.data;
    op->halo[1] = (char *)s->halo.data + all;
    return backend->ops->upload(backend, s->halo.data, above, 2 * all);
}

static nl_status apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    slab_backend *s = of(backend);
    if (!is_split(pool))
        return s->local->ops->apply(s->local, op, pool, jobs, n_jobs);
    const nl_pool local = local_pool(pool);
    nl_operator slab = local_operator(op, pool);
    NL_TRY(swap_halos(s, &slab, &local, jobs, n_jobs));
    return s->local->ops->apply(s->local, &slab, &local, jobs, n_jobs);
}

static nl_status update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    slab_backend *s = of(backend);
    if (!is_split(pool))
        return nl_backend_update(s->local, op, pool, jobs, n_jobs);
    const nl_pool local = local_pool(pool);
    nl_operator slab = local_operator(op, pool);
    NL_TRY(swap_halos(s, &slab, &local, jobs, n_jobs));
    return nl_backend_update(s->local, &slab, &local, jobs, n_jobs);
}

static nl_status stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    return is_split(pool) ? nl_backend_combine_then_apply(backend, op, pool, jobs, n_jobs)
                          : nl_backend_stage(of(backend)->local, op, pool, jobs, n_jobs);
}

static nl_status moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                         int n_jobs, double *result)
{
    slab_backend *s = of(backend);
    if (!is_split(pool))
        return s->local->ops->moments(s->local, op, pool, jobs, n_jobs, result);
    const nl_pool local = local_pool(pool);
    const nl_operator slab = local_operator(op, pool);
    NL_TRY(s->local->ops->moments(s->local, &slab, &local, jobs, n_jobs, result));
    return add_up(s, pool, result, (size_t)n_jobs * nl_moments_len(op));
}

/* ---- from grid to grid ---- */

/* The source's rows that a part of the target's rows needs; first: where each of those begins. */
static nl_rows needed_rows(const nl_transfer *transfer, const int *first, nl_rows target)
{
    const int n = transfer->n_from, begin = first[target.first], last = first[target.first + target.count - 1];
    const int count = (last - begin + n) % n + transfer->points;
    return target.count < transfer->n_to && count < n ? (nl_rows){begin, count} : (nl_rows){0, n};
}

/* What every rank needs of the source for its part of the target. */
static nl_status all_needed_rows(slab_backend *s, const nl_transfer *transfer, nl_rows *needed)
{
    int *first = malloc((size_t)transfer->n_to * sizeof *first);
    const nl_status status = first ? download(&s->base, first, transfer->first, (size_t)transfer->n_to * sizeof *first)
                                   : nl_fail(NL_ERR_MEMORY, "cannot allocate interpolation tables");
    for (int r = 0; r < nl_ranks_now().count && status == NL_OK; r++)
        needed[r] = needed_rows(transfer, first, nl_rows_of_rank(transfer->n_to, r));
    free(first);
    return status;
}

/* A pool of one vector with the rows of a job's source that this rank needs. */
static nl_status fetch_source(slab_backend *s, const nl_pool *from, const nl_rows *needed, const nl_job *job,
                              nl_pool *out)
{
    const nl_pool local = local_pool(from);
    const size_t row_bytes = row_len(from) * s->ops.real_size, bytes = local.size * s->ops.real_size;
    const nl_rows here = needed[nl_ranks_now().rank];
    NL_TRY(reserve_host(&s->sent, bytes));
    NL_TRY(reserve_host(&s->rows, (size_t)here.count * row_bytes));
    NL_TRY(reserve_local(s, &s->part, (size_t)here.count * row_bytes));
    NL_TRY(download(&s->base, s->sent.data, vector_bytes(s, &local, job->slot, job->in[0]), bytes));
    NL_TRY(nl_rows_fetch(from->rows, row_bytes, s->sent.data, needed, s->rows.data));
    *out = (nl_pool){s->part.data, 1, 1, (size_t)here.count * row_len(from), here.count};
    return upload(&s->base, s->part.data, s->rows.data, (size_t)here.count * row_bytes);
}

static nl_status transfer(nl_backend *backend, const nl_transfer *whole, const nl_pool *from, const nl_pool *to,
                          int rows, const nl_job *jobs, int n_jobs)
{
    slab_backend *s = of(backend);
    const nl_pool target = local_pool(to);
    nl_transfer part = *whole;
    nl_rows needed[nl_ranks_now().count];
    (void)rows;
    part.row_to = my_rows(to).first;
    if (!is_split(from))
        return s->local->ops->transfer(s->local, &part, from, &target, target.rows, jobs, n_jobs);
    NL_TRY(all_needed_rows(s, whole, needed));
    part.row_from = needed[nl_ranks_now().rank].first;
    for (int j = 0; j < n_jobs; j++) {
        nl_pool source, one = target; /* pools of one vector: the job's slot may be another than the source's */
        nl_job job = jobs[j];
        NL_TRY(fetch_source(s, from, needed, &job, &source));
        one.data = vector_bytes(s, &target, job.slot, job.out);
        one.slots = one.registers = 1;
        job.slot = job.in[0] = job.out = 0;
        NL_TRY(s->local->ops->transfer(s->local, &part, &source, &one, one.rows, &job, 1));
    }
    return NL_OK;
}

/* ---- opening ---- */

static void slab_close(nl_backend *backend)
{
    slab_backend *s = of(backend);
    s->local->ops->free(s->local, s->halo.data);
    s->local->ops->free(s->local, s->part.data);
    nl_backend_close(s->local);
    free(s->gathered.data);
    free(s->rows.data);
    free(s->sent.data);
    free(s);
}

nl_status nl_backend_open_slabs(nl_backend *local, nl_backend **out)
{
    slab_backend *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) {
        nl_backend_close(local);
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the backend of slabs");
    }
    s->ops = (nl_backend_ops){
        .name = local->ops->name,
        .real_size = local->ops->real_size,
        .close = slab_close,
        .available = available,
        .preferred_bytes = preferred_bytes,
        .alloc = slab_alloc,
        .free = slab_free,
        .upload = upload,
        .download = download,
        .put = put,
        .get = get,
        .combine = combine,
        .apply = apply,
        .stage = stage,
        .update = update,
        .error = error,
        .sums = sums,
        .largest = largest,
        .dot = dot,
        .project = project,
        .expand = expand,
        .rotate = rotate,
        .moments = moments,
        .transfer = transfer,
        .held = held,
        .put_vector = put_vector,
        .get_vector = get_vector,
    };
    s->base = *local;
    s->base.ops = &s->ops;
    s->base.sharing = NL_SHARE_GRIDS;
    s->local = local;
    *out = &s->base;
    return NL_OK;
}
