#include "nanolase/arnoldi.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

static int column(const nl_batch *batch, int i)
{
    return batch->first_extra + i;
}

/* ---- states ---- */

static nl_status store(nl_batch *batch, int member, const double *state)
{
    batch->members[member].fresh = false;
    batch->members[member].last_step = 0;
    return nl_pool_put(batch->backend, &batch->pool, member, batch->members[member].y, state);
}

/* One number in [-1, 1) for each element: splitmix64. */
static double random_number(uint64_t seed, size_t x)
{
    uint64_t z = seed + 0x9e3779b97f4a7c15u * (x + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 10) * 0x1p-53 - 1;
}

static double norm_of(const double *v, size_t size)
{
    double sum = 0;
    for (size_t x = 0; x < size; x++)
        sum += v[x] * v[x];
    return sqrt(sum);
}

/* Adds a random vector of the space, `share` times as long as the state; of length 1 where that is zero. */
static nl_status add_random(nl_batch *batch, int member, uint64_t seed, double share)
{
    const nl_model *model = batch->model;
    const size_t size = batch->pool.size;
    double *state = malloc(size * sizeof *state), *noise = malloc(size * sizeof *noise);
    nl_status status = state && noise ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a random vector");
    if (status == NL_OK)
        status = nl_batch_download(batch, member, state);
    for (size_t x = 0; x < size && status == NL_OK; x++)
        noise[x] = random_number(seed, x);
    if (status == NL_OK && model->constrain)
        model->constrain(&batch->points[member], batch->n, noise);
    if (status == NL_OK) {
        const double length = norm_of(state, size), factor = share * (length > 0 ? length : 1) / norm_of(noise, size);
        for (size_t x = 0; x < size; x++)
            state[x] += factor * noise[x];
        status = store(batch, member, state);
    }
    free(state);
    free(noise);
    return status;
}

/* Rounding errors leave the space that a vector stands for, where that is less than all vectors of its size. */
static nl_status constrain(nl_batch *batch, const int *active, int n_active)
{
    const nl_model *model = batch->model;
    nl_status status = NL_OK;
    if (!model->constrain)
        return NL_OK;
    double *state = malloc(batch->pool.size * sizeof *state);
    if (!state)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a state");
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        status = nl_batch_download(batch, active[a], state);
        if (status == NL_OK) {
            model->constrain(&batch->points[active[a]], batch->n, state);
            status = store(batch, active[a], state);
        }
    }
    free(state);
    return status;
}

/* ---- the map ---- */

/* Each member's `steps` steps of h_max from its state, without error control: what is done to a state must not depend
 * on it. */
static nl_status run_map(nl_batch *batch, const nl_arnoldi *arnoldi, const int *active, int n_active)
{
    int *left = malloc((size_t)n_active * sizeof *left + 1), n_left = n_active;
    double *step = batch->errors;
    nl_status status = left ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of members");
    if (status == NL_OK)
        memcpy(left, active, (size_t)n_active * sizeof *left);
    for (int s = 1; n_left > 0 && status == NL_OK; s++) {
        for (int a = 0; a < n_left; a++)
            step[a] = batch->members[left[a]].h_max;
        status = nl_batch_refresh(batch, left, n_left);
        if (status == NL_OK)
            status = (batch->tableau->chebyshev ? nl_step_chebyshev : nl_step_pair)(batch, left, n_left, step);
        int n_next = 0;
        for (int a = 0; a < n_left && status == NL_OK; a++) {
            nl_batch_accept(batch, left[a], step[a]);
            if (s < arnoldi[left[a]].steps)
                left[n_next++] = left[a];
        }
        n_left = n_next;
    }
    free(left);
    return status;
}

/* ---- orthonormal columns ---- */

typedef struct basis {
    nl_basis_job *jobs;
    double *h, *pass; /* NL_MAX_BASIS each */
    double *norm;     /* of what is left */
} basis;

static nl_status new_basis(int count, basis *out)
{
    const size_t n = (size_t)count;
    *out = (basis){calloc(n, sizeof(nl_basis_job)), calloc(n * NL_MAX_BASIS, sizeof(double)),
                   calloc(n * NL_MAX_BASIS, sizeof(double)), calloc(n, sizeof(double))};
    return out->jobs && out->h && out->pass && out->norm ? NL_OK
                                                         : nl_fail(NL_ERR_MEMORY, "cannot allocate %d bases", count);
}

static void release_basis(basis *b)
{
    free(b->jobs);
    free(b->h);
    free(b->pass);
    free(b->norm);
}

static nl_status norms(nl_batch *batch, const int *active, int n_active, double *norm)
{
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y, batch->members[active[a]].y}};
    NL_TRY(batch->backend->ops->dot(batch->backend, &batch->pool, batch->jobs, n_active, norm));
    for (int a = 0; a < n_active; a++)
        norm[a] = sqrt(norm[a]);
    return NL_OK;
}

/* Makes states orthogonal to the first count[a] columns, by Gram and Schmidt's method in two passes; h: what was taken
 * out. */
static nl_status orthogonalise(nl_batch *batch, const int *active, int n_active, const int *count, basis *b)
{
    nl_backend *backend = batch->backend;
    memset(b->h, 0, (size_t)n_active * NL_MAX_BASIS * sizeof *b->h);
    for (int a = 0; a < n_active; a++)
        b->jobs[a] = (nl_basis_job){active[a], column(batch, 0), count[a], batch->members[active[a]].y};
    for (int pass = 0; pass < 2; pass++) {
        NL_TRY(backend->ops->project(backend, &batch->pool, b->jobs, n_active, b->pass));
        for (int a = 0; a < n_active; a++)
            for (int i = 0; i < count[a]; i++) {
                double *x = &b->pass[(size_t)a * NL_MAX_BASIS + i];
                b->h[(size_t)a * NL_MAX_BASIS + i] += *x;
                *x = -*x;
            }
        NL_TRY(backend->ops->expand(backend, &batch->pool, b->jobs, n_active, b->pass));
    }
    return norms(batch, active, n_active, b->norm);
}

/* Nothing but rounding is left of a state: the columns span a space that the map does not leave. A random vector goes
 * on from there. */
static nl_status replace_state(nl_batch *batch, int member, int count, basis *b, bool *exhausted)
{
    double before;
    NL_TRY(add_random(batch, member, 0x5eed + (uint64_t)count, 1));
    NL_TRY(norms(batch, &member, 1, &before));
    NL_TRY(orthogonalise(batch, &member, 1, &count, b));
    *exhausted = b->norm[0] <= 1e-8 * before;
    return NL_OK;
}

/* The state, of length norm, becomes column i. */
static nl_job column_job(const nl_batch *batch, int member, int i, double norm)
{
    return (nl_job){.slot = member, .n_terms = 1, .in = {batch->members[member].y}, .c = {1 / norm},
                    .out = column(batch, i)};
}

nl_status nl_arnoldi_start(nl_batch *batch, nl_arnoldi *arnoldi, const int *active, int n_active, double share)
{
    double *norm = malloc((size_t)n_active * sizeof *norm + 1);
    nl_status status = norm ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate norms");
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        arnoldi[active[a]] = (nl_arnoldi){.steps = arnoldi[active[a]].steps, .growth = 1};
        if (share > 0)
            status = add_random(batch, active[a], 0x1a5e5, share);
    }
    /* The map takes out what decays fast, so that the random vector is not mostly that. */
    if (status == NL_OK && share > 0)
        status = run_map(batch, arnoldi, active, n_active);
    if (status == NL_OK)
        status = constrain(batch, active, n_active);
    if (status == NL_OK)
        status = norms(batch, active, n_active, norm);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        arnoldi[active[a]].failed = !(norm[a] > 0) || !isfinite(norm[a]);
        batch->jobs[a] = column_job(batch, active[a], 0, norm[a]);
    }
    if (status == NL_OK)
        status = batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_active);
    free(norm);
    return status;
}

/* Enters column `count` of H, from the states that the map has made of columns `count`. */
static nl_status add_columns(nl_batch *batch, nl_arnoldi *arnoldi, const int *active, int n_active, basis *b)
{
    int *count = malloc((size_t)n_active * sizeof *count + 1);
    double *before = batch->errors;
    nl_status status = count ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate counts");
    for (int a = 0; a < n_active && status == NL_OK; a++)
        count[a] = arnoldi[active[a]].count + 1;
    if (status == NL_OK)
        status = norms(batch, active, n_active, before);
    if (status == NL_OK)
        status = orthogonalise(batch, active, n_active, count, b);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        nl_arnoldi *x = &arnoldi[active[a]];
        memcpy(x->h[x->count], b->h + (size_t)a * NL_MAX_BASIS, (size_t)count[a] * sizeof(double));
        x->failed |= !isfinite(b->norm[a]);
        x->h[x->count][count[a]] = b->norm[a];
        x->count++;
    }
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        nl_arnoldi *x = &arnoldi[active[a]];
        double norm = b->norm[a];
        if (norm <= 8 * nl_backend_epsilon(batch->backend) * before[a]) {
            basis one = {b->jobs, b->h, b->pass, &norm};
            x->h[x->count - 1][x->count] = 0;
            status = replace_state(batch, active[a], x->count, &one, &x->exhausted);
        }
        nl_job job = column_job(batch, active[a], x->count, norm);
        if (x->exhausted)
            job.c[0] = 0;
        if (status == NL_OK)
            status = batch->backend->ops->combine(batch->backend, &batch->pool, &job, 1);
    }
    free(count);
    return status;
}

nl_status nl_arnoldi_extend(nl_batch *batch, nl_arnoldi *arnoldi, const int *active, int n_active)
{
    for (int a = 0; a < n_active; a++) {
        nl_member *m = &batch->members[active[a]];
        batch->jobs[a] = (nl_job){.slot = active[a], .n_terms = 1, .in = {column(batch, arnoldi[active[a]].count)},
                                  .c = {1}, .out = m->y};
        m->fresh = false;
        m->last_step = 0;
    }
    basis b;
    nl_status status = new_basis(n_active, &b);
    if (status == NL_OK)
        status = batch->backend->ops->combine(batch->backend, &batch->pool, batch->jobs, n_active);
    if (status == NL_OK)
        status = run_map(batch, arnoldi, active, n_active);
    if (status == NL_OK)
        status = constrain(batch, active, n_active);
    if (status == NL_OK)
        status = add_columns(batch, arnoldi, active, n_active, &b);
    release_basis(&b);
    return status;
}

/* ---- cutting back ---- */

/* From M V = V H + v b^T to M (V Z) = (V Z) T + v (b^T Z), cut to the first `kept` columns. */
static nl_status turn(nl_batch *batch, nl_arnoldi *x, int member, const double *Z, int kept)
{
    const int count = x->count;
    double b[NL_ARNOLDI_SIZE] = {0};
    const nl_basis_job job = {member, column(batch, 0), count, 0};
    const nl_job next = {
        .slot = member, .n_terms = 1, .in = {column(batch, count)}, .c = {1}, .out = column(batch, kept)};
    for (int j = 0; j < kept; j++)
        for (int i = 0; i < count; i++)
            b[j] += x->h[i][count] * Z[(size_t)j * count + i];
    for (int j = 0; j < kept; j++)
        x->h[j][kept] = b[j];
    x->count = kept;
    NL_TRY(batch->backend->ops->rotate(batch->backend, &batch->pool, &job, Z, kept));
    return batch->backend->ops->combine(batch->backend, &batch->pool, &next, 1);
}

/* G = V^T L V of the columns there are, by columns. */
static nl_status project_operator(nl_batch *batch, const nl_arnoldi *x, int member, double *G)
{
    nl_backend *backend = batch->backend;
    nl_member *m = &batch->members[member];
    double h[NL_MAX_BASIS];
    for (int j = 0; j < x->count; j++) {
        const nl_job apply = {.slot = member, .in = {column(batch, j)}, .out = m->k[0]};
        const nl_basis_job job = {member, column(batch, 0), x->count, m->k[0]};
        NL_TRY(backend->ops->apply(backend, &batch->op, &batch->pool, &apply, 1));
        NL_TRY(backend->ops->project(backend, &batch->pool, &job, 1, h));
        memcpy(G + (size_t)j * x->count, h, (size_t)x->count * sizeof *G);
        m->applications++;
    }
    m->fresh = false;
    return NL_OK;
}

/* |b^T y|, what the map makes of u = V y outside the subspace. */
static double outside(const nl_arnoldi *x, const nl_ritz *u)
{
    double re = 0, im = 0;
    for (int i = 0; i < x->count; i++) {
        re += x->h[i][x->count] * u->y_re[i];
        im += x->h[i][x->count] * u->y_im[i];
    }
    return hypot(re, im);
}

/* Largest eigenvalue of the map where that is beyond 1 by more than the subspace leaves open. */
static double growth_of(const nl_arnoldi *x)
{
    double T[NL_ARNOLDI_SIZE * NL_ARNOLDI_SIZE], most = 1;
    nl_ritz mu[NL_ARNOLDI_SIZE];
    for (int j = 0; j < x->count; j++)
        memcpy(T + (size_t)j * x->count, x->h[j], (size_t)x->count * sizeof *T);
    if (!nl_ritz_values(x->count, T, mu))
        return 1;
    for (int j = 0; j < x->count; j++) {
        const double size = hypot(mu[j].re, mu[j].im), tolerance = 1e-6;
        if (size > 1 + tolerance && outside(x, &mu[j]) < 0.1 * (size - 1))
            most = fmax(most, size);
    }
    return most;
}

nl_status nl_arnoldi_restart(nl_batch *batch, nl_arnoldi *x, int member)
{
    double Z[NL_ARNOLDI_SIZE * NL_ARNOLDI_SIZE], G[NL_ARNOLDI_SIZE * NL_ARNOLDI_SIZE];
    const double time = x->steps * batch->members[member].h_max;
    const int wanted = NL_ARNOLDI_KEPT < x->count ? NL_ARNOLDI_KEPT : x->count;
    const int kept = x->failed ? 0 : nl_schur_leading(x->count, wanted, x->h[0], Z);
    x->n_ritz = 0;
    x->failed = kept == 0;
    if (x->failed)
        return NL_OK;
    NL_TRY(turn(batch, x, member, Z, kept));
    NL_TRY(project_operator(batch, x, member, G));
    x->growth = growth_of(x);
    x->failed = !nl_ritz_values(kept, G, x->ritz);
    x->n_ritz = x->failed ? 0 : kept;
    for (int j = 0; j < x->n_ritz; j++)
        x->ritz[j].error = outside(x, &x->ritz[j]) / time;
    return NL_OK;
}

nl_status nl_arnoldi_vector(nl_batch *batch, const nl_arnoldi *x, int member, const double *y)
{
    nl_backend *backend = batch->backend;
    nl_member *m = &batch->members[member];
    double h[NL_MAX_BASIS] = {0};
    const nl_job first = {.slot = member, .n_terms = 1, .in = {column(batch, 0)}, .c = {y[0]}, .out = m->y};
    const nl_basis_job rest = {member, column(batch, 1), x->count - 1, m->y};
    memcpy(h, y + 1, (size_t)(x->count - 1) * sizeof *h);
    m->fresh = false;
    m->last_step = 0;
    NL_TRY(backend->ops->combine(backend, &batch->pool, &first, 1));
    return backend->ops->expand(backend, &batch->pool, &rest, 1, h);
}
