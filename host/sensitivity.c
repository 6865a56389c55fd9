#include "nanolase/sensitivity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Registers: solution, right-hand side, rho, first of the basis. */
enum { SIZE = NL_SENSITIVITY_SIZE, X = 0, B, STATE, V };

static const double SHARE = 0.1;      /* of the tolerance, for the residual */
static const double ROUNDING = 1e-13; /* what no residual falls below */
static const double PROGRESS = 0.98;               /* of the residual from one cycle to the next, at most, */
static const int PATIENCE = 5;                     /* but for so many cycles */

/* One member's linear system L x = b. */
typedef struct solver {
    nl_backend *backend;
    nl_operator op;
    nl_pool pool;
    double h[SIZE + 1][SIZE]; /* Hessenberg matrix, made triangular by rotations as it grows */
    double c[SIZE], s[SIZE];  /* those rotations */
    double g[SIZE + 1];       /* right-hand side of the small problem; |g[j]| is the residual after j columns */
    long applications;
} solver;

/* ---- vectors ---- */

static nl_status apply(solver *w, int from, int to)
{
    const nl_job job = {.in = {from}, .out = to};
    w->applications++;
    return w->backend->ops->apply(w->backend, &w->op, &w->pool, &job, 1);
}

static nl_status norm(const solver *w, int reg, double *out)
{
    const nl_job job = {.in = {reg, reg}};
    NL_TRY(w->backend->ops->dot(w->backend, &w->pool, &job, 1, out));
    *out = sqrt(*out);
    return NL_OK;
}

/* out = a x + b y */
static nl_status combine(const solver *w, double a, int x, double b, int y, int out)
{
    const nl_job job = {.n_terms = 2, .in = {x, y}, .c = {a, b}, .out = out};
    return w->backend->ops->combine(w->backend, &w->pool, &job, 1);
}

static nl_status scale(const solver *w, double a, int reg)
{
    const nl_job job = {.n_terms = 1, .in = {reg}, .c = {a}, .out = reg};
    return w->backend->ops->combine(w->backend, &w->pool, &job, 1);
}

/* ---- GMRES ---- */

/* Takes the basis's part out of column j + 1, twice since once leaves rounding; its coefficients into column j of h. */
static nl_status orthogonalise(solver *w, int j)
{
    const nl_basis_job job = {.first = V, .count = j + 1, .vector = V + j + 1};
    double part[NL_MAX_BASIS];
    for (int i = 0; i <= j; i++)
        w->h[i][j] = 0;
    for (int pass = 0; pass < 2; pass++) {
        NL_TRY(w->backend->ops->project(w->backend, &w->pool, &job, 1, part));
        for (int i = 0; i <= j; i++) {
            w->h[i][j] += part[i];
            part[i] = -part[i];
        }
        NL_TRY(w->backend->ops->expand(w->backend, &w->pool, &job, 1, part));
    }
    return norm(w, V + j + 1, &w->h[j + 1][j]);
}

/* Rotates column j and the right-hand side so that the entry below the diagonal vanishes. */
static void rotate(solver *w, int j)
{
    for (int i = 0; i < j; i++) {
        const double above = w->h[i][j], below = w->h[i + 1][j];
        w->h[i][j] = w->c[i] * above + w->s[i] * below;
        w->h[i + 1][j] = w->c[i] * below - w->s[i] * above;
    }
    const double r = hypot(w->h[j][j], w->h[j + 1][j]);
    w->c[j] = r > 0 ? w->h[j][j] / r : 1;
    w->s[j] = r > 0 ? w->h[j + 1][j] / r : 0;
    w->h[j][j] = r;
    w->g[j + 1] = -w->s[j] * w->g[j];
    w->g[j] *= w->c[j];
}

/* x += V y, y from the triangle of the first `count` columns. */
static nl_status add_solution(solver *w, int count)
{
    const nl_basis_job job = {.first = V, .count = count, .vector = X};
    double y[NL_MAX_BASIS];
    for (int i = count - 1; i >= 0; i--) {
        y[i] = w->g[i];
        for (int k = i + 1; k < count; k++)
            y[i] -= w->h[i][k] * y[k];
        y[i] /= w->h[i][i];
    }
    return w->backend->ops->expand(w->backend, &w->pool, &job, 1, y);
}

/* V_0 = b - L x; its norm. */
static nl_status residual(solver *w, double *out)
{
    NL_TRY(apply(w, X, V));
    NL_TRY(combine(w, 1, B, -1, V, V));
    return norm(w, V, out);
}

/* One subspace from the residual in V_0, of norm beta. Ends early at the target, or where the subspace holds the
 * solution. */
static nl_status cycle(solver *w, double beta, double target)
{
    int j = 0;
    w->g[0] = beta;
    NL_TRY(scale(w, 1 / beta, V));
    while (j < SIZE && fabs(w->g[j]) > target) {
        NL_TRY(apply(w, V + j, V + j + 1));
        NL_TRY(orthogonalise(w, j));
        const double length = w->h[j + 1][j];
        rotate(w, j);
        if (!(w->h[j][j] > 0))
            break;
        j++;
        if (!(length > 0) || j == SIZE)
            break;
        NL_TRY(scale(w, 1 / length, V + j));
    }
    return j > 0 ? add_solution(w, j) : NL_OK;
}

/* L x = b from x = 0, to `share` of b. *found: whether it was reached before the residual stopped falling. */
static nl_status solve(solver *w, const nl_task *task, double share, bool *found)
{
    double beta, target = 0, before = INFINITY;
    int idle = 0;
    *found = false;
    NL_TRY(scale(w, 0, X));
    for (;;) {
        NL_TRY(residual(w, &beta));
        if (target == 0)
            target = fmax(share, ROUNDING) * beta;
        *found = beta <= target;
        idle = beta > PROGRESS * before ? idle + 1 : 0;
        if (*found || idle > PATIENCE || !isfinite(beta) || nl_task_is_aborted(task))
            return NL_OK;
        before = beta;
        NL_TRY(cycle(w, beta, target));
    }
}

/* ---- one member ---- */

static nl_status put_table(solver *w, const nl_model *model, const nl_point *point)
{
    double *table = malloc(w->op.table_len * sizeof *table);
    if (!table)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a table of coefficients");
    model->fill_table(point, point->n, table);
    const nl_status status = nl_tables_put(w->backend, &w->op, 1, table);
    free(table);
    return status;
}

static nl_status copy_state(solver *w, const nl_batch *batch, int m)
{
    double *state = malloc(w->pool.size * sizeof *state);
    nl_status status = state
                           ? nl_pool_get(batch->backend, &batch->pool, m, batch->members[m].y, state)
                           : nl_fail(NL_ERR_MEMORY, "cannot allocate a state of %.1f MB", (double)w->pool.size * 8e-6);
    if (status == NL_OK)
        status = nl_pool_put(w->backend, &w->pool, 0, STATE, state);
    free(state);
    return status;
}

/* b = -(dL/d phi) rho: of the point's operator less that of the point turned. Leaves the point's. */
static nl_status set_right_side(solver *w, const nl_model *model, const nl_point *point, const nl_point *turned)
{
    NL_TRY(put_table(w, model, turned));
    NL_TRY(apply(w, STATE, X));
    NL_TRY(put_table(w, model, point));
    NL_TRY(apply(w, STATE, B));
    return combine(w, 1, B, -1, X, B);
}

static nl_status read_out(solver *w, const nl_model *model, const nl_point *point, nl_sensitivity *out)
{
    const size_t len = nl_moments_len(&w->op);
    const nl_job jobs[] = {{.in = {STATE}}, {.in = {X}}};
    double *moments = malloc(2 * len * sizeof *moments);
    nl_status status = moments ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate moments");
    for (int k = 0; k < 2 && status == NL_OK; k++)
        status = w->backend->ops->moments(w->backend, &w->op, &w->pool, &jobs[k], 1, moments + k * len);
    if (status == NL_OK)
        model->slope(point, point->n, moments, moments + len, &out->slope, &out->uncertainty);
    free(moments);
    return status;
}

static nl_status sensitivity_of(solver *w, const nl_task *task, const nl_batch *batch, int m, const nl_outcome *outcome,
                                nl_sensitivity *out)
{
    const nl_model *model = task->model;
    const nl_point *point = &task->points[m];
    nl_point turned = *point;
    const bool depends = model->turn(&turned);
    const double rate = outcome->decay_rate > 0 ? fmin(outcome->decay_rate, 1) : 1;
    bool found = true;
    *out = (nl_sensitivity){.slope = NAN, .uncertainty = NAN, .status = NL_POINT_STALLED};
    w->applications = 0;
    NL_TRY(copy_state(w, batch, m));
    if (depends) {
        NL_TRY(set_right_side(w, model, point, &turned));
        NL_TRY(solve(w, task, SHARE * point->tolerance * rate, &found));
    } else {
        NL_TRY(put_table(w, model, point));
        NL_TRY(combine(w, 0, STATE, 0, STATE, X));
    }
    out->applications = w->applications;
    if (!found)
        return NL_OK;
    out->status = NL_POINT_CONVERGED;
    return read_out(w, model, point, out);
}

nl_status nl_sensitivities(const nl_task *task, const nl_batch *batch, const int *active, int n_active,
                           const nl_outcome *outcome, nl_sensitivity *out)
{
    nl_backend *backend = batch->backend;
    solver *w = calloc(1, sizeof *w);
    if (!w)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the search for a sensitivity");
    w->backend = backend;
    w->op = batch->op;
    w->op.tables = NULL;
    nl_status status = nl_pool_new(backend, 1, NL_SENSITIVITY_REGISTERS, batch->pool.size, &w->pool);
    if (status == NL_OK)
        status = nl_tables_new(backend, &w->op, 1);
    for (int a = 0; a < n_active && status == NL_OK; a++)
        status = sensitivity_of(w, task, batch, active[a], &outcome[a], &out[a]);
    nl_pool_release(backend, &w->pool);
    backend->ops->free(backend, w->op.tables);
    free(w);
    return status;
}

double nl_sensitivity_bytes(const nl_model *model, const nl_point *point)
{
    const nl_operator op = model->operator_shape(point, point->n);
    return 8 * ((double)NL_SENSITIVITY_REGISTERS * (double)nl_operator_size(&op) + (double)op.table_len);
}
