/* Inside the backend of slabs: what slabs.c, operations within a slab, and slab_operator.c, the others, share. */
#ifndef NL_SLABS_H
#define NL_SLABS_H

#include "nanolase/transfer.h"
#include "slab_rows.h"

/* Memory that grows as needed and is kept between calls. */
typedef struct nl_room {
    void *data;
    size_t bytes;
} nl_room;

typedef struct nl_slabs {
    nl_backend base;
    nl_backend *local;
    nl_backend_ops ops;
    nl_room gathered, rows, sent; /* host */
    nl_room halo, part;           /* of the local backend */
} nl_slabs;

static inline nl_slabs *nl_slabs_of(nl_backend *backend)
{
    return (nl_slabs *)backend; /* base is the first member */
}

static inline nl_rows nl_slabs_my_rows(const nl_pool *pool)
{
    return nl_rows_of_rank(pool->rows, nl_ranks_now().rank);
}

static inline size_t nl_slabs_row_len(const nl_pool *pool)
{
    return pool->size / (size_t)pool->rows;
}

static inline bool nl_slabs_is_split(const nl_pool *pool)
{
    return nl_slabs_my_rows(pool).count < pool->rows;
}

/* The pool as the local backend sees it. */
static inline nl_pool nl_slabs_local_pool(const nl_pool *pool)
{
    nl_pool local = *pool;
    local.rows = nl_slabs_my_rows(pool).count;
    local.size = (size_t)local.rows * nl_slabs_row_len(pool);
    return local;
}

static inline size_t nl_slabs_vector_start(const nl_pool *local, int slot, int reg)
{
    return ((size_t)slot * local->registers + reg) * local->size;
}

static inline char *nl_slabs_vector_bytes(const nl_slabs *s, const nl_pool *local, int slot, int reg)
{
    return (char *)local->data + nl_slabs_vector_start(local, slot, reg) * s->ops.real_size;
}

/* Room for so many bytes, on the host or the local backend; what was in it may be gone. */
nl_status nl_slabs_reserve_host(nl_room *, size_t bytes);
nl_status nl_slabs_reserve_local(nl_slabs *, nl_room *, size_t bytes);
/* Together: the sum of each of `count` values over the ranks, in their order, where the pool is split. */
nl_status nl_slabs_add_up(nl_slabs *, const nl_pool *, double *values, size_t count);

/* Operations that need rows of other ranks, see nl_backend_ops. */
nl_status nl_slabs_apply(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_slabs_update(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_slabs_stage(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_slabs_moments(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs,
                           double *result);
nl_status nl_slabs_transfer(nl_backend *, const nl_transfer *, const nl_pool *from, const nl_pool *to, int rows,
                            const nl_job *, int n_jobs);

#endif
