/* Steady states of the Gutzwiller dimer over a sweep: points of one laser share its response, see gutzwiller.h. */
#include "nanolase/gutzwiller.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inner_run.h"
#include "lindblad_model.h"

typedef struct sweep {
    nl_outer_run run;
    nl_result *result;
    nl_response *tables;
    int n_tables;
    int *table_of; /* [point]; below 0: done before */
    int *members;  /* [table]: points that share it */
} sweep;

/* ---- grouping ---- */

static bool same_laser(const nl_response *r, const nl_point *point)
{
    const nl_lindblad *a = &r->local, *b = &point->lindblad;
    return a->components == b->components && a->laser.A == b->laser.A && a->laser.B_r == b->laser.B_r &&
           a->laser.C == b->laser.C && a->g == b->g && a->gamma == b->gamma && r->levels == point->n;
}

/* Range of |f_j| at a point: the other laser's light has at most about the classical amplitude. */
static void point_range(const nl_point *point, double *low, double *high)
{
    nl_lindblad coupled = point->lindblad;
    const double t_c = fabs(coupled.t_c), epsilon = coupled.laser.epsilon, margin = 1.1;
    coupled.laser.A += t_c;
    const double light = margin * t_c * nl_lindblad_radius(&coupled, epsilon);
    *high = epsilon + light;
    *low = fmax(0, epsilon - light);
}

static nl_response new_table(const nl_point *point)
{
    nl_response r = {.local = point->lindblad, .levels = point->n, .low = INFINITY};
    r.local.sites = 1;
    r.local.planes = 1;
    r.local.t_c = 0;
    memset(r.local.drive, 0, sizeof r.local.drive);
    /* The response bends at A/(2 r); below threshold, where r is of the order of the field, at about A. */
    const double radius = nl_lindblad_radius(&r.local, 0);
    r.scale = r.local.laser.A / fmax(2 * radius, 1);
    return r;
}

static int find_table(sweep *s, const nl_point *point)
{
    for (int t = 0; t < s->n_tables; t++)
        if (same_laser(&s->tables[t], point))
            return t;
    s->tables[s->n_tables] = new_table(point);
    return s->n_tables++;
}

static void group_points(sweep *s)
{
    for (int p = 0; p < s->run.plan->n_points; p++) {
        double low, high;
        s->table_of[p] = -1;
        if (s->result->outcomes[p].status != NL_POINT_PENDING)
            continue;
        const int t = s->table_of[p] = find_table(s, &s->run.plan->points[p]);
        point_range(&s->run.plan->points[p], &low, &high);
        s->tables[t].low = fmin(s->tables[t].low, low);
        s->tables[t].high = fmax(s->tables[t].high, high);
        s->members[t]++;
    }
    for (int t = 0; t < s->n_tables; t++) {
        nl_response *r = &s->tables[t];
        if (r->low < 0.1 * r->high)
            r->low = 0;
        if (r->high - r->low < 1e-6 * r->high) { /* no tunnelling: one field */
            r->low *= 0.99;
            r->high *= 1.01;
        }
        if (r->high == 0)
            r->high = 1e-3 * r->scale;
    }
}

/* ---- one point ---- */

static nl_lindblad_values site_values(const nl_response *r, const nl_pair_solution *s, int j)
{
    const double f = hypot(s->field[j].re, s->field[j].im);
    return (nl_lindblad_values){.trace = 1,
                                .n = nl_response_at(r, NL_RESPONSE_N, f, NULL),
                                .var_n = nl_response_at(r, NL_RESPONSE_VAR, f, NULL),
                                .purity = nl_response_at(r, NL_RESPONSE_PURITY, f, NULL),
                                .top = nl_response_at(r, NL_RESPONSE_TOP, f, NULL),
                                .ground = nl_response_at(r, NL_RESPONSE_GROUND, f, NULL),
                                .a = s->alpha[j]};
}

/* Uncertainty of a phase read off a quantity; where that does not depend on the phase but by rounding, infinite. */
static double uncertainty(double deviation, double slope)
{
    return fabs(slope) > 1e-9 * deviation ? deviation / fabs(slope) : INFINITY;
}

static void observe_slope(const nl_lindblad *l, double slope, nl_value *v)
{
    const double n_J = l->t_c * l->gamma / (l->laser.C_p * l->laser.C * l->laser.C);
    const double analytic = -n_J * cos(l->laser.phi[1] - l->laser.phi[0]);
    v[NL_GW_SLOPE].re = slope;
    v[NL_GW_SLOPE_ANALYTIC].re = analytic;
    v[NL_GW_UNCERTAINTY].re = uncertainty(v[NL_GW_STD].re, slope);
    v[NL_GW_UNCERTAINTY_ANALYTIC].re = uncertainty(v[NL_GW_STD_ANALYTIC].re, analytic);
    v[NL_GW_UNCERTAINTY_EQ38].re = uncertainty(v[NL_GW_STD_EQ37].re, n_J);
}

/* What Newton's method and the winding find at one point. */
typedef struct solutions {
    int count, stable; /* stable: below 0 where not known */
    int growing;       /* modes of the chosen one; below 0 where not known */
    nl_pair_solution chosen;
} solutions;

/* Chosen is the solution that grows out of independent lasers, which comes first, unless it is unstable and another is
 * stable. */
static solutions solve_pair(const nl_pair *pair)
{
    nl_pair_solution all[NL_MAX_SOLUTIONS];
    solutions s = {.count = nl_pair_solutions(pair, all), .growing = -1};
    for (int k = 0; k < s.count; k++) {
        const int growing = nl_pair_unstable_modes(pair, &all[k]);
        s.stable = growing < 0 ? -1 : s.stable + (growing == 0);
        if (k == 0 || (growing == 0 && s.growing > 0)) {
            s.chosen = all[k];
            s.growing = growing;
        }
    }
    return s;
}

static void record_point(sweep *s, int p, const nl_pair *pair, const solutions *found)
{
    const nl_point *point = &s->run.plan->points[p];
    const nl_response *r = pair->response;
    const nl_lindblad_values site[2] = {site_values(r, &found->chosen, 0), site_values(r, &found->chosen, 1)};
    nl_value all[NL_MAX_OBSERVABLES] = {{0}}, *values = nl_result_values(s->result, p, 0);
    nl_health health;
    nl_gw_observe(&point->lindblad, site, all, &health);
    observe_slope(&point->lindblad, nl_pair_slope(pair, &found->chosen), all);
    all[NL_GW_SOLUTIONS].re = found->count;
    all[NL_GW_STABLE].re = found->stable < 0 ? NAN : found->stable;
    all[NL_GW_GROWTH].re = found->growing < 0 ? NAN : found->growing;
    for (int k = 0; k < s->result->n_observables; k++)
        values[k] = all[s->result->observables[k]->id];
    const int members = s->members[s->table_of[p]];
    s->result->outcomes[p] = (nl_outcome){.status = health.leaks ? NL_POINT_LEAKED : NL_POINT_CONVERGED,
                                          .residual = r->residual,
                                          .distance = r->error,
                                          .norm_error = r->norm_error,
                                          .negativity = r->negativity,
                                          .leaks = health.leaks,
                                          .model_time = r->time / members,
                                          .steps = r->steps / members,
                                          .rhs = r->rhs / members,
                                          .work = (double)r->rhs / members};
}

/* A point that has no solution is marked so, and the others go on. */
static void solve_point(sweep *s, int p, nl_pair_solution *chosen)
{
    const nl_response *r = &s->tables[s->table_of[p]];
    const nl_lindblad *l = &s->run.plan->points[p].lindblad;
    const nl_pair pair = {.response = r, .drive = {l->drive[0], l->drive[1]}, .t_c = l->t_c};
    const solutions found = r->converged ? solve_pair(&pair) : (solutions){0};
    if (found.count > 0) {
        *chosen = found.chosen;
        record_point(s, p, &pair, &found);
        return;
    }
    s->result->outcomes[p] = (nl_outcome){.status = NL_POINT_STALLED,
                                          .residual = r->residual,
                                          .distance = r->error,
                                          .norm_error = NAN,
                                          .negativity = NAN,
                                          .rhs = r->rhs / s->members[s->table_of[p]]};
}

/* ---- density matrices ---- */

/* One of a point's lasers, alone at the f_j that was found. */
static nl_point field_point(const sweep *s, const nl_pair_solution *found, int p, int site)
{
    const nl_complex f = found[p].field[site];
    const nl_response *r = &s->tables[s->table_of[p] < 0 ? 0 : s->table_of[p]];
    nl_point point = s->run.plan->points[p];
    point.lindblad = r->local;
    point.lindblad.drive[0] = (nl_complex){hypot(f.re, f.im), 0};
    point.lindblad.chi = atan2(f.im, f.re);
    point.lindblad.orders = nl_lindblad_orders(&r->local, hypot(f.re, f.im), r->levels);
    return point;
}

/* The fields of each point: its two lasers, solved once more. */
static nl_status record_fields(sweep *s, const nl_pair_solution *found)
{
    const int count = 2 * s->run.plan->n_points;
    const nl_outer_run unwatched = {s->run.plan, s->run.backend, NULL};
    nl_inner_run inner;
    nl_status status = nl_inner_run_new(&unwatched, &nl_lindblad_model, count, &inner);
    inner.config.model_sites = 1;
    inner.config.output_fields = true;
    for (int i = 0; i < count && status == NL_OK; i++) {
        inner.plan.points[i] = field_point(s, found, i / 2, i % 2);
        inner.plan.tableaux[i] = s->run.plan->tableaux[i / 2];
    }
    if (status == NL_OK)
        status = nl_inner_run_prepare(&inner, false);
    for (int i = 0; i < count && status == NL_OK; i++)
        if (s->table_of[i / 2] < 0 || s->result->outcomes[i / 2].status == NL_POINT_STALLED)
            inner.result.outcomes[i].status = NL_POINT_FAILED; /* nothing to compute here */
    if (status == NL_OK)
        status = nl_inner_run_solve(&inner, &unwatched);
    const size_t len = status == NL_OK ? nl_field_len(&inner.result.fields[0]) : 0;
    for (int i = 0; i < count && status == NL_OK; i++)
        if (inner.result.outcomes[i].status != NL_POINT_FAILED)
            memcpy(s->result->field_data[i % 2] + (i / 2) * len, inner.result.field_data[0] + i * len,
                   len * sizeof(double));
    nl_inner_run_release(&inner);
    return status;
}

/* ---- the sweep ---- */

static nl_status run(sweep *s, nl_pair_solution *found)
{
    const double tolerance = s->run.plan->config->steady_tolerance;
    group_points(s);
    NL_TRY(nl_response_fill(&s->run, tolerance, s->tables, s->n_tables));
    if (nl_watcher_wants_stop(s->run.watcher, s->run.backend))
        return NL_OK; /* the points stay pending */
    NL_TRY(nl_response_fill_transfer(&s->run, s->tables, s->n_tables));
    if (nl_watcher_wants_stop(s->run.watcher, s->run.backend))
        return NL_OK; /* the points stay pending */
    for (int p = 0; p < s->run.plan->n_points; p++)
        if (s->table_of[p] >= 0)
            solve_point(s, p, &found[p]);
    if (s->result->n_fields)
        NL_TRY(record_fields(s, found));
    return s->run.watcher ? s->run.watcher->on_results(s->run.watcher->user) : NL_OK;
}

nl_status nl_gutzwiller_run(const nl_plan *plan, nl_backend *backend, nl_result *result, const nl_watcher *watcher)
{
    const size_t n = (size_t)plan->n_points;
    sweep s = {.run = {plan, backend, watcher}, .result = result};
    s.tables = calloc(n, sizeof *s.tables);
    s.table_of = calloc(n, sizeof *s.table_of);
    s.members = calloc(n, sizeof *s.members);
    nl_pair_solution *found = calloc(n, sizeof *found);
    const nl_status status = s.tables && s.table_of && s.members && found
                                 ? run(&s, found)
                                 : nl_fail(NL_ERR_MEMORY, "cannot allocate a sweep of %d points", plan->n_points);
    for (int t = 0; t < s.n_tables; t++)
        nl_response_release(&s.tables[t]);
    free(s.tables);
    free(s.table_of);
    free(s.members);
    free(found);
    return status;
}
