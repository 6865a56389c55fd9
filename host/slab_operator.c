/* The backend of slabs: applying the operator, and going from grid to grid, for which ranks need rows of each other. */
#include <stdlib.h>

#include "slabs.h"

/* ---- the operator ---- */

static nl_operator local_operator(const nl_operator *op, const nl_pool *pool)
{
    nl_operator local = *op;
    local.first_row = nl_slabs_my_rows(pool).first;
    local.rows = nl_slabs_my_rows(pool).count;
    return local;
}

/* Brings the rows beyond the slab's ends of every job's in[0] to the operator's halo. */
static nl_status swap_halos(nl_slabs *s, nl_operator *op, const nl_pool *local, const nl_job *jobs, int n_jobs)
{
    nl_backend *backend = s->local;
    const size_t bytes = (size_t)op->half_width * op->n * s->ops.real_size, all = bytes * n_jobs;
    const size_t last = ((size_t)op->rows - op->half_width) * op->n * s->ops.real_size;
    if (n_jobs == 0)
        return NL_OK;
    NL_TRY(nl_slabs_reserve_host(&s->sent, 2 * all));
    NL_TRY(nl_slabs_reserve_host(&s->rows, 2 * all));
    NL_TRY(nl_slabs_reserve_local(s, &s->halo, 2 * all));
    char *top = s->sent.data, *bottom = top + all, *above = s->rows.data, *below = above + all;
    for (int j = 0; j < n_jobs; j++) {
        const char *v = nl_slabs_vector_bytes(s, local, jobs[j].slot, jobs[j].in[0]);
        NL_TRY(backend->ops->download(backend, top + j * bytes, v, bytes));
        NL_TRY(backend->ops->download(backend, bottom + j * bytes, v + last, bytes));
    }
    NL_TRY(nl_rows_swap(all, top, bottom, above, below));
    op->halo[0] = s->halo.data;
    op->halo[1] = (char *)s->halo.data + all;
    return backend->ops->upload(backend, s->halo.data, above, 2 * all);
}

nl_status nl_slabs_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                         int n_jobs)
{
    nl_slabs *s = nl_slabs_of(backend);
    if (!nl_slabs_is_split(pool))
        return s->local->ops->apply(s->local, op, pool, jobs, n_jobs);
    const nl_pool local = nl_slabs_local_pool(pool);
    nl_operator slab = local_operator(op, pool);
    NL_TRY(swap_halos(s, &slab, &local, jobs, n_jobs));
    return s->local->ops->apply(s->local, &slab, &local, jobs, n_jobs);
}

nl_status nl_slabs_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                          int n_jobs)
{
    nl_slabs *s = nl_slabs_of(backend);
    if (!nl_slabs_is_split(pool))
        return nl_backend_update(s->local, op, pool, jobs, n_jobs);
    const nl_pool local = nl_slabs_local_pool(pool);
    nl_operator slab = local_operator(op, pool);
    NL_TRY(swap_halos(s, &slab, &local, jobs, n_jobs));
    return nl_backend_update(s->local, &slab, &local, jobs, n_jobs);
}

nl_status nl_slabs_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                         int n_jobs)
{
    return nl_slabs_is_split(pool) ? nl_backend_combine_then_apply(backend, op, pool, jobs, n_jobs)
                          : nl_backend_stage(nl_slabs_of(backend)->local, op, pool, jobs, n_jobs);
}

nl_status nl_slabs_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                         int n_jobs, double *result)
{
    nl_slabs *s = nl_slabs_of(backend);
    if (!nl_slabs_is_split(pool))
        return s->local->ops->moments(s->local, op, pool, jobs, n_jobs, result);
    const nl_pool local = nl_slabs_local_pool(pool);
    const nl_operator slab = local_operator(op, pool);
    NL_TRY(s->local->ops->moments(s->local, &slab, &local, jobs, n_jobs, result));
    return nl_slabs_add_up(s, pool, result, (size_t)n_jobs * nl_moments_len(op));
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
static nl_status all_needed_rows(nl_slabs *s, const nl_transfer *transfer, nl_rows *needed)
{
    int *first = malloc((size_t)transfer->n_to * sizeof *first);
    const nl_status status = first ? s->local->ops->download(s->local, first, transfer->first,
                                                             (size_t)transfer->n_to * sizeof *first)
                                   : nl_fail(NL_ERR_MEMORY, "cannot allocate interpolation tables");
    for (int r = 0; r < nl_ranks_now().count && status == NL_OK; r++)
        needed[r] = needed_rows(transfer, first, nl_rows_of_rank(transfer->n_to, r));
    free(first);
    return status;
}

/* A pool of one vector with the rows of a job's source that this rank needs. */
static nl_status fetch_source(nl_slabs *s, const nl_pool *from, const nl_rows *needed, const nl_job *job,
                              nl_pool *out)
{
    const nl_pool local = nl_slabs_local_pool(from);
    const size_t row_bytes = nl_slabs_row_len(from) * s->ops.real_size, bytes = local.size * s->ops.real_size;
    const nl_rows here = needed[nl_ranks_now().rank];
    NL_TRY(nl_slabs_reserve_host(&s->sent, bytes));
    NL_TRY(nl_slabs_reserve_host(&s->rows, (size_t)here.count * row_bytes));
    NL_TRY(nl_slabs_reserve_local(s, &s->part, (size_t)here.count * row_bytes));
    NL_TRY(s->local->ops->download(s->local, s->sent.data, nl_slabs_vector_bytes(s, &local, job->slot, job->in[0]),
                                   bytes));
    NL_TRY(nl_rows_fetch(from->rows, row_bytes, s->sent.data, needed, s->rows.data));
    *out = (nl_pool){s->part.data, 1, 1, (size_t)here.count * nl_slabs_row_len(from), here.count};
    return s->local->ops->upload(s->local, s->part.data, s->rows.data, (size_t)here.count * row_bytes);
}

nl_status nl_slabs_transfer(nl_backend *backend, const nl_transfer *whole, const nl_pool *from, const nl_pool *to,
                          int rows, const nl_job *jobs, int n_jobs)
{
    nl_slabs *s = nl_slabs_of(backend);
    const nl_pool target = nl_slabs_local_pool(to);
    nl_transfer part = *whole;
    nl_rows needed[nl_ranks_now().count];
    (void)rows;
    part.row_to = nl_slabs_my_rows(to).first;
    if (!nl_slabs_is_split(from))
        return s->local->ops->transfer(s->local, &part, from, &target, target.rows, jobs, n_jobs);
    NL_TRY(all_needed_rows(s, whole, needed));
    part.row_from = needed[nl_ranks_now().rank].first;
    for (int j = 0; j < n_jobs; j++) {
        nl_pool source, one = target; /* pools of one vector: the job's slot may be another than the source's */
        nl_job job = jobs[j];
        NL_TRY(fetch_source(s, from, needed, &job, &source));
        one.data = nl_slabs_vector_bytes(s, &target, job.slot, job.out);
        one.slots = one.registers = 1;
        job.slot = job.in[0] = job.out = 0;
        NL_TRY(s->local->ops->transfer(s->local, &part, &source, &one, one.rows, &job, 1));
    }
    return NL_OK;
}
