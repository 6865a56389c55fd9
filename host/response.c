#include "nanolase/response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lindblad_point.h"

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

static double coordinate(const nl_response *r, double field)
{
    return asinh(field / r->scale);
}

/* Node i of a degree: the Chebyshev-Lobatto points, of which every other one belongs to half the degree too. */
static double node_field(const nl_response *r, int degree, int i)
{
    const double a = coordinate(r, r->low), b = coordinate(r, r->high);
    const double field = r->scale * sinh((a + b) / 2 + (b - a) / 2 * cos(acos(-1) * i / degree));
    return i == degree ? r->low : field;
}

static nl_point node_point(const nl_response *r, const nl_point *like, double field)
{
    nl_point point = *like;
    point.n = r->levels;
    point.lindblad = r->local;
    point.lindblad.drive[0] = (nl_complex){field, 0};
    const int orders = nl_lindblad_orders(&r->local, field, r->levels), least = 4; /* room for a kick's first order */
    point.lindblad.orders = orders < least ? (least < r->levels ? least : r->levels) : orders;
    return point;
}

/* The series through values at the nodes. */
static void transform(int M, const double *value, double *series)
{
    for (int k = 0; k <= M; k++) {
        double sum = 0;
        for (int i = 0; i <= M; i++)
            sum += (i == 0 || i == M ? 0.5 : 1) * value[i] * cos(acos(-1) * ((long)i * k % (2 * M)) / M);
        series[k] = (k == 0 || k == M ? 1.0 : 2.0) / M * sum;
    }
}

static void make_series(nl_response *r)
{
    for (int q = 0; q < NL_RESPONSE_QUANTITIES; q++)
        transform(r->degree, r->value[q], r->series[q]);
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

/* Place of a field between the ends of the range, in [-1, 1]; *slope: its derivative by the field. */
static double place(const nl_response *r, double field, double *slope)
{
    const double a = coordinate(r, r->low), b = coordinate(r, r->high);
    *slope = 2 / (b - a) / hypot(r->scale, field);
    return fmin(fmax((2 * coordinate(r, field) - a - b) / (b - a), -1), 1);
}

/* sum c_k T_k(x), and its derivative sum k c_k U_(k-1)(x) */
static double evaluate(const double *series, int degree, double x, double *derivative)
{
    double T0 = 1, T1 = x, U0 = 0, U1 = 1, sum = series[0] + series[1] * x, slope = series[1];
    for (int k = 2; k <= degree; k++) {
        const double T = 2 * x * T1 - T0, U = 2 * x * U1 - U0;
        sum += series[k] * T;
        slope += k * series[k] * U;
        T0 = T1;
        T1 = T;
        U0 = U1;
        U1 = U;
    }
    *derivative = slope;
    return sum;
}

double nl_response_at(const nl_response *r, nl_response_quantity q, double field, double *derivative)
{
    double slope, by_x;
    const double x = place(r, field, &slope), value = evaluate(r->series[q], r->degree, x, &by_x);
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

static void take_node(nl_response *r, int i, const nl_value *values, const nl_outcome *outcome, double **state,
                      int orders)
{
    free(r->state[i]);
    r->state[i] = *state; /* handed over */
    r->orders[i] = orders;
    *state = NULL;
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

/* Solves one round's new nodes as the points of a plan of their own. */
static nl_status solve_nodes(const nl_plan *outer, nl_backend *backend, const nl_watcher *watcher, nl_response *tables,
                             const int *table, const int *node, int count)
{
    const nl_model model = node_model();
    nl_config config = *outer->config;
    config.output_fields = false;
    nl_plan plan = {.config = &config, .model = &model, .n_points = count};
    nl_result result = {0};
    plan.points = calloc((size_t)count, sizeof *plan.points);
    plan.tableaux = calloc((size_t)count, sizeof *plan.tableaux);
    nl_status status = plan.points && plan.tableaux ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate %d nodes", count);
    for (int p = 0; p < count && status == NL_OK; p++) {
        const nl_response *r = &tables[table[p]];
        plan.points[p] = node_point(r, &outer->points[0], node_field(r, r->degree, node[p]));
        plan.tableaux[p] = outer->tableaux[0];
    }
    if (status == NL_OK)
        status = nl_result_new(&config, &model, plan.points, count, &result);
    if (status == NL_OK && !(result.states = calloc((size_t)count, sizeof *result.states)))
        status = nl_fail(NL_ERR_MEMORY, "cannot allocate %d states", count);
    if (status == NL_OK)
        status = nl_plan_run_within(&plan, backend, &result, watcher);
    for (int p = 0; p < count && status == NL_OK; p++)
        take_node(&tables[table[p]], node[p], nl_result_values(&result, p, 0), &result.outcomes[p], &result.states[p],
                  plan.points[p].lindblad.orders);
    nl_result_release(&result);
    nl_plan_release(&plan);
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

nl_status nl_response_fill(const nl_plan *plan, nl_backend *backend, const nl_watcher *watcher, double tolerance,
                           nl_response *tables, int count)
{
    const size_t most = (size_t)count * (NL_RESPONSE_MAX_DEGREE + 1);
    int *table = malloc(most * sizeof *table), *node = malloc(most * sizeof *node), n_nodes;
    bool *open = malloc((size_t)count * sizeof *open);
    nl_status status = table && node && open ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the response's nodes");
    for (int t = 0; t < count && status == NL_OK; t++) {
        open[t] = true;
        tables[t].degree = FIRST_DEGREE;
        tables[t].converged = true;
    }
    do {
        n_nodes = 0;
        for (int t = 0; t < count && status == NL_OK; t++)
            for (int i = 0; open[t] && i <= tables[t].degree; i++)
                if (is_new(&tables[t], i)) {
                    table[n_nodes] = t;
                    node[n_nodes++] = i;
                }
        if (n_nodes > 0)
            status = solve_nodes(plan, backend, watcher, tables, table, node, n_nodes);
        for (int t = 0; t < count && status == NL_OK; t++) {
            open[t] = open[t] && needs_more(&tables[t], tolerance) && !nl_watcher_wants_stop(watcher, backend);
            if (open[t])
                refine(&tables[t]);
        }
    } while (n_nodes > 0 && status == NL_OK);
    free(table);
    free(node);
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

/* ---- the response in time ---- */

enum { SECTORS = 2, PARTS = 2 };
static const double KICK_TIME = 40, KICK_SPACING = 0.5; /* in 1/kappa */

/* Stability needs no more than per cents: some of the nodes will do, few where fields vary little. */
static int transfer_degree(const nl_response *r)
{
    const int most = coordinate(r, r->high) - coordinate(r, r->low) < 1.5 ? 4 : 16;
    return r->degree < most ? r->degree : most;
}

static int kick_observables(const nl_config *config, const nl_observable **list)
{
    static const nl_observable all[SECTORS] = {{NL_ALONG, "along", false, "1", ""},
                                               {NL_ACROSS, "across", false, "1", ""}};
    (void)config;
    list[0] = &all[0];
    list[1] = &all[1];
    return SECTORS;
}

static void kick_observe(const nl_point *point, int n, const double *moments, nl_value *values, nl_health *health)
{
    (void)point;
    (void)n;
    values[NL_ALONG] = (nl_value){moments[NL_LINDBLAD_SUM_RE], 0};
    values[NL_ACROSS] = (nl_value){moments[NL_LINDBLAD_SUM_IM], 0};
    *health = (nl_health){.norm = 1};
}

/* i: of the nodes of transfer_degree. */
static nl_point kick_point(const nl_response *r, const nl_point *like, int i)
{
    const int node = i * (r->degree / transfer_degree(r));
    nl_point point = node_point(r, like, node_field(r, r->degree, node));
    point.lindblad.planes = 2;
    point.lindblad.orders = r->orders[node];
    point.lindblad.kicked = r->state[node];
    point.rtol = 1e-2;
    point.atol = 1e-5;
    return point;
}

double nl_response_frequency(const nl_response *r, int w)
{
    const double lowest = 1e-4, highest = 30; /* in kappa */
    return w == 0 ? 0 : r->local.laser.C * lowest * pow(highest / lowest, (w - 1.0) / (NL_RESPONSE_FREQUENCIES - 2));
}

/* Series of one part of X at one frequency. */
static double *transfer_series(const nl_response *r, nl_sector sector, int w, int part)
{
    return r->transfer + (((size_t)sector * NL_RESPONSE_FREQUENCIES + w) * PARTS + part) * (transfer_degree(r) + 1);
}

/*
 * int_0^inf x exp(-i omega t) dt of samples x_k, k < count: linear between them, and beyond the last the decay that the
 * last tenth shows (a slow mode is all that is left there).
 */
static nl_complex fourier(const nl_value *x, int stride, int count, double spacing, double omega)
{
    const double angle = omega * spacing, a = angle < 1e-3 ? spacing : spacing * 2 * (1 - cos(angle)) / (angle * angle);
    const nl_complex half = angle < 1e-3 ? (nl_complex){spacing / 2, 0} /* int of the first half hat */
                                         : (nl_complex){spacing * (1 - cos(angle)) / (angle * angle),
                                                        spacing * (sin(angle) - angle) / (angle * angle)};
    nl_complex sum = {half.re * x[0].re, half.im * x[0].re};
    for (int k = 1; k < count; k++) {
        const double phase = omega * spacing * k;
        nl_complex hat = {a, 0};
        if (k == count - 1) /* the other half, mirrored */
            hat = (nl_complex){half.re, -half.im};
        const double value = x[(size_t)k * stride].re;
        sum.re += value * (hat.re * cos(phase) + hat.im * sin(phase));
        sum.im += value * (hat.im * cos(phase) - hat.re * sin(phase));
    }
    const double last = x[(size_t)(count - 1) * stride].re, before = x[(size_t)(count - 1 - count / 10) * stride].re;
    const double rate = last / before > 0 ? log(before / last) / (spacing * (count / 10)) : 1;
    if (rate > 0) { /* last exp(-i omega T)/(rate + i omega) */
        const double T = omega * spacing * (count - 1), norm = rate * rate + omega * omega;
        sum.re += last * (rate * cos(T) - omega * sin(T)) / norm;
        sum.im += last * (-rate * sin(T) - omega * cos(T)) / norm;
    }
    return sum;
}

/* The transfer functions of one table from its nodes' kick responses, the first of which is number `first`. */
static nl_status take_transfer(nl_response *r, const nl_result *result, int first)
{
    const int count = result->n_times, nodes = transfer_degree(r) + 1;
    double *value = malloc((size_t)nodes * PARTS * sizeof *value);
    r->transfer = malloc((size_t)SECTORS * NL_RESPONSE_FREQUENCIES * PARTS * nodes * sizeof *r->transfer);
    if (!value || !r->transfer) {
        free(value);
        return nl_fail(NL_ERR_MEMORY, "cannot allocate transfer functions");
    }
    for (int sector = 0; sector < SECTORS; sector++)
        for (int w = 0; w < NL_RESPONSE_FREQUENCIES; w++) {
            for (int i = 0; i < nodes; i++) {
                const nl_complex X = fourier(nl_result_values(result, first + i, 0) + sector, SECTORS, count,
                                             result->times[1], nl_response_frequency(r, w));
                value[i] = X.re;
                value[nodes + i] = X.im;
            }
            for (int part = 0; part < PARTS; part++)
                transform(nodes - 1, value + (size_t)part * nodes, transfer_series(r, sector, w, part));
        }
    free(value);
    return NL_OK;
}

nl_status nl_response_fill_transfer(const nl_plan *outer, nl_backend *backend, const nl_watcher *watcher,
                                    nl_response *tables, int count)
{
    nl_model model = nl_lindblad_model;
    nl_config config = *outer->config;
    nl_plan plan = {.config = &config, .model = &model};
    nl_result result = {0};
    int p = 0;
    model.observables = kick_observables;
    model.observe = kick_observe;
    config.output_fields = false;
    config.run_mode = NL_MODE_EVOLVE;
    config.run_initial = NL_INITIAL_AUTO;
    config.run_t_end = KICK_TIME / config.laser_kappa;
    config.run_save_every = KICK_SPACING / config.laser_kappa;
    for (int t = 0; t < count; t++)
        plan.n_points += tables[t].converged ? transfer_degree(&tables[t]) + 1 : 0;
    if (plan.n_points == 0)
        return NL_OK;
    plan.points = calloc((size_t)plan.n_points, sizeof *plan.points);
    plan.tableaux = calloc((size_t)plan.n_points, sizeof *plan.tableaux);
    nl_status status = plan.points && plan.tableaux ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the kicks");
    for (int t = 0; t < count && status == NL_OK; t++)
        for (int i = 0; tables[t].converged && i <= transfer_degree(&tables[t]); i++, p++) {
            plan.points[p] = kick_point(&tables[t], &outer->points[0], i);
            plan.tableaux[p] = nl_tableau_chebyshev(2);
        }
    if (status == NL_OK)
        status = nl_result_new(&config, &model, plan.points, plan.n_points, &result);
    if (status == NL_OK)
        status = nl_plan_run_within(&plan, backend, &result, watcher);
    p = 0;
    for (int t = 0; t < count && status == NL_OK && nl_result_count_done(&result) == plan.n_points; t++)
        if (tables[t].converged) {
            status = take_transfer(&tables[t], &result, p);
            p += transfer_degree(&tables[t]) + 1;
        }
    nl_result_release(&result);
    nl_plan_release(&plan);
    return status;
}

nl_complex nl_response_transfer(const nl_response *r, nl_sector sector, int w, double field)
{
    double unused;
    const double x = place(r, field, &unused);
    return (nl_complex){evaluate(transfer_series(r, sector, w, 0), transfer_degree(r), x, &unused),
                        evaluate(transfer_series(r, sector, w, 1), transfer_degree(r), x, &unused)};
}
