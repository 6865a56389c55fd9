#include "nanolase/response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inner_run.h"
#include "response_nodes.h"
#include "series.h"

enum { FIRST_DEGREE = 8 };

/* ---- the laser at one node, as a model whose observables are the table's quantities ---- */

static int node_observables(const nl_config *config, const nl_observable **list)
{
    static const nl_observable all[NL_RESPONSE_QUANTITIES] = {
        {NL_RESPONSE_G, "G", false, "1", ""},           {NL_RESPONSE_N, "n", false, "1", ""},
        {NL_RESPONSE_VAR, "var_n", false, "1", ""},     {NL_RESPONSE_PURITY, "purity", false, "1", ""},
        {NL_RESPONSE_TOP, "top", false, "1", ""},       {NL_RESPONSE_GROUND, "ground", false, "1", ""}};
    (void)config;
    for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
        list[q] = &all[q];
    return NL_RESPONSE_QUANTITIES;
}

static void node_observe(const nl_point *point, int n, const double *moments, nl_value *values, nl_health *health)
{
    const nl_lindblad_values v = nl_lindblad_values_of(&point->lindblad, moments);
    const double all[NL_RESPONSE_QUANTITIES] = {hypot(v.a.re, v.a.im), v.n, v.var_n, v.purity, v.top, v.ground};
    (void)n;
    for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
        values[q] = (nl_value){all[q], 0};
    *health = (nl_health){.norm = v.trace};
}

static nl_model node_model(void)
{
    nl_model model = nl_lindblad_model;
    model.name = "response";
    model.observables = node_observables;
    model.observe = node_observe;
    return model;
}

/* ---- nodes and series ---- */

double nl_response_coordinate(const nl_response *r, double field)
{
    return asinh(field / r->scale);
}

/* Of node i: the Chebyshev-Lobatto points, of which every other one belongs to half the degree too. */
static double node_field(const nl_response *r, int i)
{
    const double a = nl_response_coordinate(r, r->low), b = nl_response_coordinate(r, r->high);
    const double field = r->scale * sinh((a + b) / 2 + (b - a) / 2 * cos(acos(-1) * i / r->degree));
    return i == r->degree ? r->low : field;
}

nl_point nl_response_node(const nl_response *r, const nl_point *like, int i)
{
    const double field = node_field(r, i);
    nl_point point = *like;
    point.n = r->levels;
    point.lindblad = r->local;
    point.lindblad.drive[0] = (nl_complex){field, 0};
    const int orders = nl_lindblad_orders(&r->local, field, r->levels), least = 4; /* room for a kick's first order */
    point.lindblad.orders = orders < least ? (least < r->levels ? least : r->levels) : orders;
    return point;
}

static void make_series(nl_response *r)
{
    for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
        nl_series_through(r->degree, r->value[q], r->series[q]);
}

/* The last terms say how fast the series ends. */
static double series_error(const nl_response *r, nl_response_quantity q)
{
    double most = 0, tail = 0;
    for (int i = 0; i <= r->degree; i++)
        most = fmax(most, fabs(r->value[q][i]));
    for (int k = r->degree - 2; k <= r->degree; k++)
        tail = fmax(tail, fabs(r->series[q][k]));
    return most > 0 ? tail / most : 0;
}

double nl_response_place(const nl_response *r, double field, double *slope)
{
    const double a = nl_response_coordinate(r, r->low), b = nl_response_coordinate(r, r->high);
    *slope = 2 / (b - a) / hypot(r->scale, field);
    return fmin(fmax((2 * nl_response_coordinate(r, field) - a - b) / (b - a), -1), 1);
}

double nl_response_at(const nl_response *r, nl_response_quantity q, double field, double *derivative)
{
    double slope, by_x;
    const double x = nl_response_place(r, field, &slope), value = nl_series_at(r->series[q], r->degree, x, &by_x);
    if (derivative)
        *derivative = by_x * slope;
    return value;
}

/* ---- filling ---- */

static bool is_new(const nl_response *r, int i)
{
    return r->degree == FIRST_DEGREE || i % 2 == 1;
}

/* To the next degree: the nodes there are become every other one. */
static void refine(nl_response *r)
{
    r->degree *= 2;
    for (int i = r->degree; i >= 2; i -= 2) {
        for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
            r->value[q][i] = r->value[q][i / 2];
        r->state[i] = r->state[i / 2];
        r->orders[i] = r->orders[i / 2];
        r->state[i / 2] = NULL;
    }
}

/* From point p of a result. */
static void take_node(nl_response *r, int i, nl_result *result, int p, int orders)
{
    const nl_value *values = nl_result_values(result, p, 0);
    const nl_outcome *outcome = &result->outcomes[p];
    free(r->state[i]);
    r->state[i] = result->states[p]; /* handed over */
    r->orders[i] = orders;
    result->states[p] = NULL;
    for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
        r->value[q][i] = values[q].re;
    r->residual = fmax(r->residual, outcome->residual);
    r->norm_error = fmax(r->norm_error, outcome->norm_error);
    r->negativity = fmax(r->negativity, outcome->negativity);
    r->converged &= outcome->status == NL_POINT_CONVERGED;
    r->time += outcome->model_time;
    r->rhs += outcome->rhs;
    r->steps += outcome->steps;
}

/* A node of a table. */
typedef struct node {
    int table, i;
} node;

/* Solves one round's new nodes as the points of a plan of their own. */
static nl_status solve_nodes(const nl_outer_run *outer, nl_response *tables, const node *nodes, int count)
{
    const nl_model model = node_model();
    nl_inner_run inner;
    nl_status status = nl_inner_run_new(outer, &model, count, &inner);
    for (int p = 0; p < count && status == NL_OK; p++) {
        inner.plan.points[p] = nl_response_node(&tables[nodes[p].table], &outer->plan->points[0], nodes[p].i);
        inner.plan.tableaux[p] = outer->plan->tableaux[0];
    }
    if (status == NL_OK)
        status = nl_inner_run_prepare(&inner, true);
    if (status == NL_OK)
        status = nl_inner_run_solve(&inner, outer);
    for (int p = 0; p < count && status == NL_OK; p++)
        take_node(&tables[nodes[p].table], nodes[p].i, &inner.result, p, inner.plan.points[p].lindblad.orders);
    nl_inner_run_release(&inner);
    return status;
}

/* Whether a table goes on to more nodes, after its error at this degree is known. */
static bool needs_more(nl_response *r, double tolerance)
{
    make_series(r);
    r->error = fmax(series_error(r, NL_RESPONSE_G), series_error(r, NL_RESPONSE_N));
    if (r->error <= tolerance)
        return false;
    if (r->converged && 2 * r->degree <= NL_RESPONSE_MAX_DEGREE)
        return true;
    r->converged = false;
    return false;
}

/* The nodes that open tables still want; returns their number. */
static int new_nodes(const nl_response *tables, const bool *open, int count, node *nodes)
{
    int n_nodes = 0;
    for (int t = 0; t < count; t++)
        for (int i = 0; open[t] && i <= tables[t].degree; i++)
            if (is_new(&tables[t], i))
                nodes[n_nodes++] = (node){t, i};
    return n_nodes;
}

nl_status nl_response_fill(const nl_outer_run *outer, double tolerance, nl_response *tables, int count)
{
    const size_t most = (size_t)count * (NL_RESPONSE_MAX_DEGREE + 1);
    node *nodes = malloc(most * sizeof *nodes);
    bool *open = malloc((size_t)count * sizeof *open);
    nl_status status = nodes && open ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the response's nodes");
    for (int t = 0; t < count && status == NL_OK; t++) {
        open[t] = true;
        tables[t].degree = FIRST_DEGREE;
        tables[t].converged = true;
    }
    for (int n_nodes; status == NL_OK && (n_nodes = new_nodes(tables, open, count, nodes)) > 0;) {
        status = solve_nodes(outer, tables, nodes, n_nodes);
        for (int t = 0; t < count && status == NL_OK; t++) {
            open[t] = open[t] && needs_more(&tables[t], tolerance) &&
                      !nl_watcher_wants_stop(outer->watcher, outer->backend);
            if (open[t])
                refine(&tables[t]);
        }
    }
    free(nodes);
    free(open);
    return status;
}

void nl_response_release(nl_response *r)
{
    for (int i = 0; i <= NL_RESPONSE_MAX_DEGREE; i++) {
        free(r->state[i]);
        r->state[i] = NULL;
    }
    free(r->transfer);
    r->transfer = NULL;
}
