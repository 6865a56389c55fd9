/*
 * A backend over ranks: of every grid of the phase operator each rank has a slab, some of the rows theta_1, and another
 * backend that works on it. An operator's application is preceded by an exchange of the rows next to a slab's ends, a
 * reduction is finished by a sum in the order of ranks; so all ranks know the same numbers and take the same decisions.
 * Vectors that are not split, small grids or what has no rows, every rank has whole, and all compute the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "slabs.h"
#include "transport.h"

nl_status nl_slabs_reserve_host(nl_room *r, size_t bytes)
{
    if (bytes <= r->bytes)
        return NL_OK;
    free(r->data);
    r->data = malloc(bytes);
    r->bytes = r->data ? bytes : 0;
    return r->data ? NL_OK
                   : nl_fail(NL_ERR_MEMORY, "cannot allocate %.1f MB for rows between ranks", (double)bytes * 1e-6);
}

nl_status nl_slabs_reserve_local(nl_slabs *s, nl_room *r, size_t bytes)
{
    if (bytes <= r->bytes)
        return NL_OK;
    s->local->ops->free(s->local, r->data);
    *r = (nl_room){0};
    NL_TRY(s->local->ops->alloc(s->local, bytes, &r->data));
    r->bytes = bytes;
    return NL_OK;
}

/* ---- vectors ---- */

static size_t held(nl_backend *backend, const nl_pool *pool)
{
    (void)backend;
    return (size_t)nl_slabs_my_rows(pool).count * nl_slabs_row_len(pool);
}

static nl_status put_vector(nl_backend *backend, const nl_pool *pool, int slot, int reg, const double *v)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    return s->local->ops->put(s->local, local.data, nl_slabs_vector_start(&local, slot, reg),
                              v + (size_t)nl_slabs_my_rows(pool).first * nl_slabs_row_len(pool), local.size);
}

static nl_status get_vector(nl_backend *backend, const nl_pool *pool, int slot, int reg, double *v)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    const int ranks = nl_ranks_now().count;
    if (!nl_slabs_is_split(pool))
        return s->local->ops->get(s->local, v, local.data, nl_slabs_vector_start(&local, slot, reg), local.size);
    nl_rows wanted[ranks];
    for (int r = 0; r < ranks; r++)
        wanted[r] = (nl_rows){0, pool->rows};
    NL_TRY(nl_slabs_reserve_host(&s->sent, local.size * sizeof *v));
    NL_TRY(
        s->local->ops->get(s->local, s->sent.data, local.data, nl_slabs_vector_start(&local, slot, reg), local.size));
    return nl_rows_fetch(pool->rows, nl_slabs_row_len(pool) * sizeof *v, s->sent.data, wanted, v);
}

/* ---- memory ---- */

static nl_status available(nl_backend *backend, size_t *bytes)
{
    nl_slabs *s = nl_slabs_of(backend);
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
    nl_slabs *s = nl_slabs_of(backend);
    return s->local->ops->preferred_bytes(s->local) * (size_t)nl_ranks_now().count;
}

static nl_status slab_alloc(nl_backend *backend, size_t bytes, void **out)
{
    return nl_slabs_of(backend)->local->ops->alloc(nl_slabs_of(backend)->local, bytes, out);
}

static void slab_free(nl_backend *backend, void *p)
{
    nl_slabs_of(backend)->local->ops->free(nl_slabs_of(backend)->local, p);
}

static nl_status upload(nl_backend *backend, void *to, const void *host, size_t bytes)
{
    return nl_slabs_of(backend)->local->ops->upload(nl_slabs_of(backend)->local, to, host, bytes);
}

static nl_status download(nl_backend *backend, void *host, const void *from, size_t bytes)
{
    return nl_slabs_of(backend)->local->ops->download(nl_slabs_of(backend)->local, host, from, bytes);
}

static nl_status put(nl_backend *backend, void *array, size_t first, const double *host, size_t count)
{
    return nl_slabs_of(backend)->local->ops->put(nl_slabs_of(backend)->local, array, first, host, count);
}

static nl_status get(nl_backend *backend, double *host, const void *array, size_t first, size_t count)
{
    return nl_slabs_of(backend)->local->ops->get(nl_slabs_of(backend)->local, host, array, first, count);
}

/* ---- operations that go by elements ---- */

static nl_status combine(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    return s->local->ops->combine(s->local, &local, jobs, n_jobs);
}

static nl_status expand(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, const double *h)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    return s->local->ops->expand(s->local, &local, jobs, n_jobs, h);
}

static nl_status rotate(nl_backend *backend, const nl_pool *pool, const nl_basis_job *job, const double *Z, int kept)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    return s->local->ops->rotate(s->local, &local, job, Z, kept);
}

/* ---- reductions ---- */

/* Every value becomes its sum over the ranks, where vectors are split. */
nl_status nl_slabs_add_up(nl_slabs *s, const nl_pool *pool, double *values, size_t count)
{
    const int ranks = nl_ranks_now().count;
    if (!nl_slabs_is_split(pool) || count == 0)
        return NL_OK;
    NL_TRY(nl_slabs_reserve_host(&s->gathered, (size_t)ranks * count * sizeof *values));
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
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    NL_TRY(s->local->ops->error(s->local, &local, jobs, n_jobs, rtol, atol, result));
    if (!nl_slabs_is_split(pool))
        return NL_OK;
    for (int j = 0; j < n_jobs; j++)
        result[j] *= result[j] * (double)local.size;
    NL_TRY(nl_slabs_add_up(s, pool, result, (size_t)n_jobs));
    for (int j = 0; j < n_jobs; j++)
        result[j] = sqrt(result[j] / (double)pool->size);
    return NL_OK;
}

static nl_status sums(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    NL_TRY(s->local->ops->sums(s->local, &local, jobs, n_jobs, result));
    return nl_slabs_add_up(s, pool, result, 2 * (size_t)n_jobs);
}

static nl_status dot(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    NL_TRY(s->local->ops->dot(s->local, &local, jobs, n_jobs, result));
    return nl_slabs_add_up(s, pool, result, (size_t)n_jobs);
}

static nl_status project(nl_backend *backend, const nl_pool *pool, const nl_basis_job *jobs, int n_jobs, double *h)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    memset(h, 0, (size_t)n_jobs * NL_MAX_BASIS * sizeof *h);
    NL_TRY(s->local->ops->project(s->local, &local, jobs, n_jobs, h));
    return nl_slabs_add_up(s, pool, h, (size_t)n_jobs * NL_MAX_BASIS);
}

static nl_status largest(nl_backend *backend, const nl_pool *pool, const nl_job *jobs, int n_jobs, double *result)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool local = nl_slabs_local_pool(pool);
    const int ranks = nl_ranks_now().count;
    NL_TRY(s->local->ops->largest(s->local, &local, jobs, n_jobs, result));
    if (!nl_slabs_is_split(pool))
        return NL_OK;
    NL_TRY(nl_slabs_reserve_host(&s->gathered, (size_t)ranks * n_jobs * sizeof *result));
    const double *all = s->gathered.data;
    nl_transport_gather(result, (size_t)n_jobs * sizeof *result, s->gathered.data);
    for (int k = 0; k < ranks * n_jobs; k++)
        if (isnan(all[k]) || all[k] > result[k % n_jobs])
            result[k % n_jobs] = all[k];
    return NL_OK;
}

/* ---- opening ---- */

static void slab_close(nl_backend *backend)
{
    nl_slabs *s = nl_slabs_of(backend);
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
    nl_slabs *s = calloc(1, sizeof *s);
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
        .apply = nl_slabs_apply,
        .stage = nl_slabs_stage,
        .update = nl_slabs_update,
        .error = error,
        .sums = sums,
        .largest = largest,
        .dot = dot,
        .project = project,
        .expand = expand,
        .rotate = rotate,
        .moments = nl_slabs_moments,
        .transfer = nl_slabs_transfer,
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
