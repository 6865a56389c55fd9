#include "hierarchy.h"

#include <math.h>
#include <stdlib.h>

#include "nanolase/transfer.h"
#include "phase_point.h"

/* Registers of a coarse grid. */
enum { SOLUTION, STAGE, WORK, RIGHT, REGISTERS };

enum { LEAST_STEPS = 3, MOST_STEPS = 40 };

/* On each grid on the way up to the finest, where they are cheap. */
enum { START_CYCLES = 2 };

/* On the bound itself the outermost mode would not decay. */
static const double STEP_SAFETY = 0.9;

/* ---- sizes ---- */

/*
 * The solution's narrowest feature is a Gaussian of width sqrt(D/drift); its modes k fall as exp(-(k width)^2/2). Those
 * up to 3/width make a direct solution that leaves the smoother little to do, at a cost that grows with the fourth
 * power (measured for D_p = 0.005 and t_c from 0 to 4).
 */
enum { LEAST_MODES = 8, MOST_MODES = 256, MOST_MODES_ALIKE = 1024 };

static double modes_wanted(const nl_point *point)
{
    return fmax(LEAST_MODES, ceil(3 / nl_phase_width(&point->phase)));
}

/* At threshold the cycle was seen to converge with 255 modes down to D_p = 2e-5, where 950 are wanted. */
bool nl_hierarchy_resolves(const nl_point *point)
{
    return modes_wanted(point) <= 4 * MOST_MODES;
}

int nl_hierarchy_grids(const nl_point *point)
{
    const double least = fmax(2 * modes_wanted(point) + 1, NL_RESTRICTION_POINTS);
    int count = 1;
    while (count < NL_MAX_GRIDS && nl_level_size(point, count) >= least)
        count++;
    return count;
}

/*
 * Lasers alike cost an eighth, and where they lose the locking, orbits of all sizes are no narrower than cbrt(D/drift)
 * (phase.c). With modes up to 8 over that, where these are more, a cycle at threshold was seen to leave 0.6 of the
 * residual at D_p = 1e-5 and 0.87 at 1e-6.
 */
static double most_modes(const nl_phase *phase)
{
    const double narrowest = cbrt(pow(nl_phase_width(phase), 2));
    return nl_phase_is_symmetric(phase) ? fmin(fmax(MOST_MODES, ceil(8 / narrowest)), MOST_MODES_ALIKE) : MOST_MODES;
}

/* At most those that the coarsest grid carries. */
static int mode_count(const nl_point *point)
{
    const int carried = (nl_level_size(point, point->grids - 1) - 1) / 2;
    return (int)fmin(carried, fmin(modes_wanted(point), most_modes(&point->phase)));
}

/* The same operator on a coarser grid, with the wider stencil that agrees with the finest one's. */
static nl_operator coarse_shape(const nl_point *point, int n)
{
    return (nl_operator){.kind = NL_OPERATOR_PHASE, .sites = point->phase.sites, .n = n,
                         .half_width = NL_STENCIL_MAX_W, .table_len = nl_phase_table_len(n, NL_STENCIL_MAX_W)};
}

double nl_hierarchy_bytes(const nl_point *point, size_t real_size)
{
    double bytes = nl_phase_direct_bytes(&point->phase, mode_count(point));
    for (int g = 1; g < point->grids; g++) {
        const nl_operator op = coarse_shape(point, nl_level_size(point, g));
        bytes += real_size * ((double)nl_operator_size(&op) * REGISTERS + (double)op.table_len);
    }
    return bytes;
}

/* ---- making ---- */

static nl_stencil finest_stencil(const nl_point *point)
{
    return nl_stencil_of_order(point->n, point->order);
}

/* Tables of coefficients and steps of all members on grid g > 0. */
static nl_status fill_members(nl_hierarchy *h, nl_grid *grid)
{
    const nl_batch *batch = h->batch;
    const size_t len = grid->op.table_len;
    double *tables = malloc(batch->n_members * len * sizeof *tables);
    if (!tables)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the coefficient tables");
    for (int m = 0; m < batch->n_members; m++) {
        const nl_stencil fine = finest_stencil(&batch->points[m]), stencil = nl_stencil_like(&fine, grid->n);
        nl_complex spectrum[NL_PHASE_SPECTRUM];
        const int count = nl_phase_spectrum(&batch->points[m].phase, stencil, spectrum);
        grid->h[m] = STEP_SAFETY * nl_tableau_stable_step(batch->tableau, spectrum, count);
        nl_phase_fill_table(&batch->points[m].phase, stencil, tables + m * len);
    }
    nl_status status = nl_tables_new(batch->backend, &grid->op, batch->n_members);
    if (status == NL_OK)
        status = nl_tables_put(batch->backend, &grid->op, batch->n_members, tables);
    free(tables);
    return status;
}

static nl_status fill_transfers(nl_hierarchy *h, nl_grid *grid, int n_above)
{
    nl_backend *backend = h->batch->backend;
    NL_TRY(nl_transfer_new_interpolation(backend, grid->n, n_above, &grid->up));
    return nl_transfer_new_restriction(backend, n_above, grid->n, &grid->down);
}

/* So many that diffusion takes out, by e^-1.5 before and after the correction, what that cannot hold: modes beyond
 * those of a grid of half the points, or of the direct solution. */
static int smoothing_steps(const nl_point *point, int n, double h, bool is_coarsest)
{
    const nl_phase *phase = &point->phase;
    const double D = phase->sites == 2 ? fmin(phase->D[0], phase->D[1]) : phase->D[0];
    const double k = is_coarsest ? mode_count(point) : 0.25 * n;
    return (int)fmin(fmax(LEAST_STEPS, ceil(1.5 / (D * k * k * h))), MOST_STEPS);
}

static void choose_steps(const nl_hierarchy *h, int g)
{
    const nl_grid *grid = &h->grid[g];
    for (int m = 0; m < h->batch->n_members; m++)
        grid->steps[m] = smoothing_steps(&h->batch->points[m], grid->n, grid->h[m], g == h->count - 1);
}

static nl_status make_grid(nl_hierarchy *h, int g, int n)
{
    nl_batch *batch = h->batch;
    nl_grid *grid = &h->grid[g];
    *grid = (nl_grid){.n = n};
    grid->h = calloc((size_t)batch->n_members, sizeof *grid->h);
    grid->steps = calloc((size_t)batch->n_members, sizeof *grid->steps);
    if (!grid->h || !grid->steps)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a grid of %d members", batch->n_members);
    if (g == 0) {
        grid->op = batch->op;
        grid->pool = batch->pool;
        for (int m = 0; m < batch->n_members; m++)
            grid->h[m] = batch->members[m].h_max;
        choose_steps(h, g);
        return NL_OK;
    }
    grid->op = coarse_shape(&batch->points[0], n);
    NL_TRY(nl_pool_new_for(batch->backend, &grid->op, batch->n_members, REGISTERS, &grid->pool));
    NL_TRY(fill_members(h, grid));
    choose_steps(h, g);
    return fill_transfers(h, grid, h->grid[g - 1].n);
}

static nl_status make_direct(nl_hierarchy *h)
{
    const nl_batch *batch = h->batch;
    nl_status status = NL_OK;
    for (int m = 0; m < batch->n_members && status == NL_OK; m++) {
        const nl_stencil fine = finest_stencil(&batch->points[m]);
        status = nl_phase_direct_new(&batch->points[m].phase, &fine, mode_count(&batch->points[m]),
                                     batch->backend->threads, &h->direct[m]);
    }
    return status;
}

nl_status nl_hierarchy_new(nl_batch *batch, nl_hierarchy *out)
{
    *out = (nl_hierarchy){.batch = batch, .count = batch->points[0].grids};
    for (int g = 0; g < out->count; g++)
        NL_TRY(make_grid(out, g, nl_level_size(&batch->points[0], g)));
    const size_t size = out->grid[out->count - 1].pool.size;
    out->direct = calloc((size_t)batch->n_members, sizeof *out->direct);
    out->coarse_points = calloc((size_t)batch->n_members, sizeof *out->coarse_points);
    out->host[0] = calloc(size, sizeof(double));
    out->host[1] = calloc(size, sizeof(double));
    if (!out->direct || !out->coarse_points || !out->host[0] || !out->host[1])
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a hierarchy of %d members", batch->n_members);
    return make_direct(out);
}

void nl_hierarchy_release(nl_hierarchy *h)
{
    if (!h->batch)
        return;
    nl_backend *backend = h->batch->backend;
    for (int g = 0; g < h->count; g++) {
        free(h->grid[g].h);
        free(h->grid[g].steps);
        if (g == 0)
            continue; /* the rest is the batch's */
        nl_pool_release(backend, &h->grid[g].pool);
        backend->ops->free(backend, h->grid[g].op.tables);
        nl_transfer_release(backend, &h->grid[g].down);
        nl_transfer_release(backend, &h->grid[g].up);
    }
    for (int m = 0; m < h->batch->n_members && h->direct; m++)
        nl_phase_direct_release(h->direct[m]);
    free(h->direct);
    free(h->coarse_points);
    free(h->host[0]);
    free(h->host[1]);
    *h = (nl_hierarchy){0};
}

/* ---- pieces of a cycle ---- */

/* The registers that play a grid's parts for one member: on the finest they change places as the batch steps. */
static int part(const nl_hierarchy *h, int g, int member, int which)
{
    const nl_member *m = &h->batch->members[member];
    if (g > 0)
        return which;
    return which == SOLUTION ? m->y : which == STAGE ? m->y_new : m->k[1];
}

static void count_application(nl_hierarchy *h, int g, int member)
{
    if (g == 0)
        h->batch->members[member].applications++;
    else
        h->coarse_points[member] += (long)h->grid[g].pool.size;
}

/* out = scale (L in - r) + [solution]: the stage of a step, or the residual. On the finest grid r = 0. */
static nl_job stage_job(nl_hierarchy *h, int g, int member, int in, int out, double scale, bool from_solution)
{
    nl_job job = {.slot = member, .n_terms = 1, .in = {part(h, g, member, in)}, .out = part(h, g, member, out),
                  .scale = scale, .arg = part(h, g, member, in == STAGE ? WORK : STAGE)};
    if (in == SOLUTION && from_solution)
        job.c[0] = 1;
    else if (from_solution)
        nl_job_add(&job, part(h, g, member, SOLUTION), 1);
    if (g > 0)
        nl_job_add(&job, RIGHT, -scale);
    count_application(h, g, member);
    return job;
}

/* Jameson's four stages: y_s = y_0 + alpha_s h (L y_(s-1) - r). Members that take fewer steps than others drop out
 * early. */
static nl_status smooth(nl_hierarchy *h, int g, const int *active, int n_active)
{
    static const double alpha[] = {1. / 4, 1. / 3, 1. / 2, 1};
    static const int from[] = {SOLUTION, STAGE, WORK, STAGE}, to[] = {STAGE, WORK, STAGE, SOLUTION};
    nl_batch *batch = h->batch;
    nl_grid *grid = &h->grid[g];
    for (int step = 0, n_jobs = n_active; n_jobs > 0; step++)
        for (int s = 0; s < 4; s++) {
            n_jobs = 0;
            for (int a = 0; a < n_active; a++)
                if (step < grid->steps[active[a]])
                    batch->jobs[n_jobs++] =
                        stage_job(h, g, active[a], from[s], to[s], alpha[s] * grid->h[active[a]], true);
            if (n_jobs > 0)
                NL_TRY(nl_backend_update(batch->backend, &grid->op, &grid->pool, batch->jobs, n_jobs));
        }
    return NL_OK;
}

/* STAGE = r - L solution. */
static nl_status find_residual(nl_hierarchy *h, int g, const int *active, int n_active)
{
    nl_batch *batch = h->batch;
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = stage_job(h, g, active[a], SOLUTION, STAGE, -1, false);
    return nl_backend_update(batch->backend, &h->grid[g].op, &h->grid[g].pool, batch->jobs, n_active);
}

/* A register of a coarse grid. */
static nl_status set_zero(nl_hierarchy *h, int g, int which, const int *active, int n_active)
{
    nl_batch *batch = h->batch;
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .n_terms = 0, .out = which};
    return batch->backend->ops->combine(batch->backend, &h->grid[g].pool, batch->jobs, n_active);
}

static nl_status restrict_residual(nl_hierarchy *h, int g, const int *active, int n_active)
{
    nl_batch *batch = h->batch;
    const nl_grid *fine = &h->grid[g], *coarse = &h->grid[g + 1];
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {part(h, g, active[a], STAGE)}, .c = {1}, .out = RIGHT};
    return batch->backend->ops->transfer(batch->backend, &coarse->down, &fine->pool, &coarse->pool,
                                         nl_operator_rows(&coarse->op), batch->jobs, n_active);
}

/* The solution of grid g + 1, added to that of grid g or in its place. */
static nl_status interpolate(nl_hierarchy *h, int g, const int *active, int n_active, bool adds)
{
    nl_batch *batch = h->batch;
    const nl_grid *fine = &h->grid[g], *coarse = &h->grid[g + 1];
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {SOLUTION}, .c = {1},
                                  .out = part(h, g, active[a], SOLUTION), .keep = adds};
    return batch->backend->ops->transfer(batch->backend, &coarse->up, &coarse->pool, &fine->pool,
                                         nl_operator_rows(&fine->op), batch->jobs, n_active);
}

/* to = direct solution of the coarsest grid's STAGE, or of zero with the integral 1. */
static nl_status solve_directly(nl_hierarchy *h, int member, bool homogeneous, int to)
{
    nl_backend *backend = h->batch->backend;
    const int g = h->count - 1;
    const nl_grid *grid = &h->grid[g];
    for (size_t x = 0; x < grid->pool.size; x++)
        h->host[0][x] = 0;
    if (!homogeneous)
        NL_TRY(nl_pool_get(backend, &grid->pool, member, part(h, g, member, STAGE), h->host[0]));
    NL_TRY(nl_phase_direct_solve(h->direct[member], grid->n, h->host[0], homogeneous ? 1 : 0, h->host[1]));
    return nl_pool_put(backend, &grid->pool, member, part(h, g, member, to), h->host[1]);
}

static nl_status correct_directly(nl_hierarchy *h, const int *active, int n_active)
{
    nl_batch *batch = h->batch;
    const int g = h->count - 1;
    for (int a = 0; a < n_active; a++)
        NL_TRY(solve_directly(h, active[a], false, WORK));
    for (int a = 0; a < n_active; a++) {
        const int m = active[a], solution = part(h, g, m, SOLUTION);
        batch->jobs[a] = (nl_job){.slot = m, .n_terms = 2, .in = {solution, part(h, g, m, WORK)}, .c = {1, 1},
                                  .out = solution};
    }
    return batch->backend->ops->combine(batch->backend, &h->grid[g].pool, batch->jobs, n_active);
}

/* ---- the cycle ---- */

static nl_status cycle(nl_hierarchy *h, int g, const int *active, int n_active)
{
    NL_TRY(smooth(h, g, active, n_active));
    NL_TRY(find_residual(h, g, active, n_active));
    if (g == h->count - 1) {
        NL_TRY(correct_directly(h, active, n_active));
    } else {
        NL_TRY(restrict_residual(h, g, active, n_active));
        NL_TRY(set_zero(h, g + 1, SOLUTION, active, n_active));
        NL_TRY(cycle(h, g + 1, active, n_active));
        NL_TRY(interpolate(h, g, active, n_active, true));
    }
    return smooth(h, g, active, n_active);
}

/* The batch's own record of L y is of no use once y has changed. */
static void mark_changed(nl_hierarchy *h, const int *active, int n_active)
{
    for (int a = 0; a < n_active; a++) {
        nl_member *m = &h->batch->members[active[a]];
        m->fresh = false;
        m->last_step = 0;
    }
}

nl_status nl_hierarchy_cycle(nl_hierarchy *h, const int *active, int n_active)
{
    NL_TRY(cycle(h, 0, active, n_active));
    mark_changed(h, active, n_active);
    for (int a = 0; a < n_active; a++)
        h->batch->members[active[a]].steps++;
    return NL_OK;
}

nl_status nl_hierarchy_start(nl_hierarchy *h, const int *active, int n_active)
{
    for (int a = 0; a < n_active; a++)
        NL_TRY(solve_directly(h, active[a], true, SOLUTION));
    for (int g = h->count - 2; g >= 0; g--) {
        NL_TRY(interpolate(h, g, active, n_active, false));
        if (g == 0)
            break;
        NL_TRY(set_zero(h, g, RIGHT, active, n_active));
        for (int c = 0; c < START_CYCLES; c++)
            NL_TRY(cycle(h, g, active, n_active));
    }
    mark_changed(h, active, n_active);
    return NL_OK;
}
