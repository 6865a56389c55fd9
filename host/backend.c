#include "nanolase/backend.h"

#include <string.h>

nl_status nl_backend_open(const char *name, int threads, nl_backend **out)
{
    if (strcmp(name, "cpu") == 0)
        return nl_backend_open_cpu(threads, out);
    if (strcmp(name, "cuda") == 0)
        return nl_backend_open_cuda(out);
    if (strcmp(name, "auto") != 0)
        return nl_fail(NL_ERR_USAGE, "unknown backend '%s'; use auto, cpu or cuda", name);
    const nl_status status = nl_backend_open_cuda(out);
    return status == NL_ERR_NO_CUDA ? nl_backend_open_cpu(threads, out) : status;
}

void nl_backend_close(nl_backend *backend)
{
    if (backend)
        backend->ops->close(backend);
}

nl_status nl_pool_new(nl_backend *backend, int slots, int registers, size_t size, nl_pool *out)
{
    void *data = NULL;
    *out = (nl_pool){.slots = slots, .registers = registers, .size = size};
    NL_TRY(backend->ops->alloc(backend, (size_t)slots * registers * size * sizeof(double), &data));
    out->data = data;
    return NL_OK;
}

void nl_pool_release(nl_backend *backend, nl_pool *pool)
{
    backend->ops->free(backend, pool->data);
    pool->data = NULL;
}

nl_status nl_backend_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    if (backend->ops->stage)
        return backend->ops->stage(backend, op, pool, jobs, n_jobs);
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
