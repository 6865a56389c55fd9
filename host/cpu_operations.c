/* The CPU backend in one precision: what depends on the operator's kind, and the table of operations. */
#include "cpu_backend.h"

static nl_status apply_or_update(nl_backend *backend, nl_cpu_operation o, int n_jobs)
{
    switch (o.op->kind) {
    case NL_OPERATOR_LINDBLAD: return nl_cpu_lindblad_apply(backend, &o, n_jobs);
    case NL_OPERATOR_DIMER: return nl_cpu_dimer_apply(backend, &o, n_jobs);
    case NL_OPERATOR_AMPLITUDE: return nl_cpu_amplitude_apply(backend, &o, n_jobs);
    default: return nl_cpu_phase_apply(backend, &o, n_jobs);
    }
}

static nl_status cpu_apply(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    return apply_or_update(backend, (nl_cpu_operation){.op = op, .pool = pool, .jobs = jobs}, n_jobs);
}

static nl_status cpu_update(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                            int n_jobs)
{
    return apply_or_update(backend, (nl_cpu_operation){.op = op, .pool = pool, .jobs = jobs, .updates = true}, n_jobs);
}

static nl_status cpu_stage(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                           int n_jobs)
{
    nl_cpu_operation o = {.op = op, .pool = pool, .jobs = jobs};
    return op->kind == NL_OPERATOR_PHASE ? nl_cpu_phase_stage(backend, &o, n_jobs)
                                         : nl_backend_combine_then_apply(backend, op, pool, jobs, n_jobs);
}

static nl_status cpu_moments(nl_backend *backend, const nl_operator *op, const nl_pool *pool, const nl_job *jobs,
                             int n_jobs, double *result)
{
    nl_cpu_operation o = {.op = op, .pool = pool, .jobs = jobs, .result = result};
    switch (op->kind) {
    case NL_OPERATOR_LINDBLAD: return nl_cpu_lindblad_moments(backend, &o, n_jobs);
    case NL_OPERATOR_DIMER: return nl_cpu_dimer_moments(backend, &o, n_jobs);
    case NL_OPERATOR_AMPLITUDE: return nl_cpu_amplitude_moments(backend, &o, n_jobs);
    default: return nl_cpu_phase_moments(backend, &o, n_jobs);
    }
}

static const nl_backend_ops operations = {
    .name = "cpu",
    .real_size = sizeof(nl_real),
    .close = nl_cpu_close,
    .available = nl_cpu_available,
    .preferred_bytes = nl_cpu_preferred_bytes,
    .share = nl_cpu_share,
    .alloc = nl_cpu_alloc,
    .free = nl_cpu_free,
    .upload = nl_cpu_upload,
    .download = nl_cpu_download,
    .put = nl_cpu_put,
    .get = nl_cpu_get,
    .combine = nl_cpu_combine,
    .apply = cpu_apply,
    .stage = cpu_stage,
    .update = cpu_update,
    .error = nl_cpu_error,
    .sums = nl_cpu_sums,
    .largest = nl_cpu_largest,
    .dot = nl_cpu_dot,
    .project = nl_cpu_project,
    .expand = nl_cpu_expand,
    .rotate = nl_cpu_rotate,
    .moments = cpu_moments,
    .transfer = nl_cpu_phase_transfer,
};

nl_status NL_OF_PRECISION(nl_backend_open_cpu)(int threads, nl_backend **out)
{
    return nl_cpu_open(&operations, threads, out);
}
