#include "nanolase/extrapolate.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

enum { DIFFERENCES = NL_SNAPSHOTS - 1 };

static int snapshot(const nl_batch *batch, int number)
{
    return batch->first_extra + number;
}

nl_status nl_extrapolate_keep(nl_batch *batch, const int *members, int count, const int *number)
{
    for (int a = 0; a < count; a++)
        batch->jobs[a] = (nl_job){.slot = members[a], .n_terms = 1, .in = {batch->members[members[a]].y}, .c = {1},
                                  .out = snapshot(batch, number[a])};
    return batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, count);
}

/* Snapshot i becomes u_i = x_(i+1) - x_i. */
static nl_status make_differences(nl_batch *batch, const int *members, int count)
{
    for (int i = 0; i < DIFFERENCES; i++) {
        for (int a = 0; a < count; a++)
            batch->jobs[a] = (nl_job){.slot = members[a], .n_terms = 2,
                                      .in = {snapshot(batch, i + 1), snapshot(batch, i)}, .c = {1, -1},
                                      .out = snapshot(batch, i)};
        NL_TRY(batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, count));
    }
    return NL_OK;
}

/* gram[a][i][k] = <u_i, u_k>. */
static nl_status gram_matrices(nl_batch *batch, const int *members, int count, double *gram)
{
    for (int i = 0; i < DIFFERENCES; i++)
        for (int k = 0; k <= i; k++) {
            for (int a = 0; a < count; a++)
                batch->jobs[a] = (nl_job){.slot = members[a], .in = {snapshot(batch, i), snapshot(batch, k)}};
            NL_TRY(batch->backend->ops->dot(batch->backend, &batch->pool, batch->jobs, count, batch->errors));
            for (int a = 0; a < count; a++) {
                double *g = gram + (size_t)a * DIFFERENCES * DIFFERENCES;
                g[i * DIFFERENCES + k] = g[k * DIFFERENCES + i] = batch->errors[a];
            }
        }
    return NL_OK;
}

/* c that makes |sum c_j u_j| least with sum c_j = 1: G c ~ (1, ..., 1). False where G is singular to rounding. */
static bool solve(double *gram, double *c)
{
    lapack_int pivots[DIFFERENCES];
    const double scale = gram[0];
    double sum = 0;
    if (!(scale > 0) || !isfinite(scale))
        return false;
    for (int x = 0; x < DIFFERENCES * DIFFERENCES; x++)
        gram[x] /= scale;
    for (int i = 0; i < DIFFERENCES; i++) {
        gram[i * DIFFERENCES + i] *= 1 + 1e-14; /* rounding may have made it indefinite */
        c[i] = 1;
    }
    if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, DIFFERENCES, 1, gram, DIFFERENCES, pivots, c, 1) != 0)
        return false;
    for (int i = 0; i < DIFFERENCES; i++)
        sum += c[i];
    for (int i = 0; i < DIFFERENCES; i++) {
        c[i] /= sum;
        if (!(fabs(c[i]) < 1e6))
            return false;
    }
    return true;
}

nl_status nl_extrapolate(nl_batch *batch, const int *members, int count)
{
    double *gram = malloc((size_t)count * DIFFERENCES * DIFFERENCES * sizeof *gram + 1);
    if (!gram)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate Gram matrices");
    nl_status status = make_differences(batch, members, count);
    if (status == NL_OK)
        status = gram_matrices(batch, members, count, gram);
    int n_jobs = 0;
    for (int a = 0; a < count && status == NL_OK; a++) {
        nl_member *member = &batch->members[members[a]];
        double c[DIFFERENCES], weight = 0;
        if (!solve(gram + (size_t)a * DIFFERENCES * DIFFERENCES, c))
            continue;
        /* sum_j c_j x_(j+1) = x_K - sum_i u_i sum_(j < i) c_j */
        nl_job job = {.slot = members[a], .n_terms = 1, .in = {member->y}, .c = {1}, .out = member->y};
        for (int i = 1; i < DIFFERENCES; i++) {
            weight += c[i - 1];
            job.in[job.n_terms] = snapshot(batch, i);
            job.c[job.n_terms++] = -weight;
        }
        member->fresh = false;
        member->last_step = 0;
        batch->jobs[n_jobs++] = job;
    }
    if (status == NL_OK && n_jobs > 0)
        status = batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_jobs);
    free(gram);
    return status;
}
