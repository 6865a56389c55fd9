/* The response in time of one laser to a kick of its field, as transfer functions over |f|: what stability asks for. */
#include <math.h>
#include <stdlib.h>

#include "inner_run.h"
#include "lindblad_point.h"
#include "response_nodes.h"
#include "series.h"

enum { SECTORS = 2, PARTS = 2 };
static const double KICK_TIME = 40, KICK_SPACING = 0.5; /* in 1/kappa */

/* Stability needs no more than per cents: some of the nodes will do, few where fields vary little. */
static int transfer_degree(const nl_response *r)
{
    const int most = nl_response_coordinate(r, r->high) - nl_response_coordinate(r, r->low) < 1.5 ? 4 : 16;
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
    nl_point point = nl_response_node(r, like, node);
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
                nl_series_through(nodes - 1, value + (size_t)part * nodes, transfer_series(r, sector, w, part));
        }
    free(value);
    return NL_OK;
}

static nl_model kick_model(void)
{
    nl_model model = nl_lindblad_model;
    model.observables = kick_observables;
    model.observe = kick_observe;
    return model;
}

nl_status nl_response_fill_transfer(const nl_outer_run *outer, nl_response *tables, int count)
{
    const nl_model model = kick_model();
    nl_inner_run inner;
    int kicks = 0, p = 0;
    for (int t = 0; t < count; t++)
        kicks += tables[t].converged ? transfer_degree(&tables[t]) + 1 : 0;
    if (kicks == 0)
        return NL_OK;
    nl_status status = nl_inner_run_new(outer, &model, kicks, &inner);
    inner.config.run_mode = NL_MODE_EVOLVE;
    inner.config.run_initial = NL_INITIAL_AUTO;
    inner.config.run_t_end = KICK_TIME / inner.config.laser_kappa;
    inner.config.run_save_every = KICK_SPACING / inner.config.laser_kappa;
    for (int t = 0; t < count && status == NL_OK; t++)
        for (int i = 0; tables[t].converged && i <= transfer_degree(&tables[t]); i++, p++) {
            inner.plan.points[p] = kick_point(&tables[t], &outer->plan->points[0], i);
            inner.plan.tableaux[p] = nl_tableau_chebyshev(2);
        }
    if (status == NL_OK)
        status = nl_inner_run_prepare(&inner, false);
    if (status == NL_OK)
        status = nl_inner_run_solve(&inner, outer);
    p = 0;
    for (int t = 0; t < count && status == NL_OK && nl_result_count_done(&inner.result) == kicks; t++)
        if (tables[t].converged) {
            status = take_transfer(&tables[t], &inner.result, p);
            p += transfer_degree(&tables[t]) + 1;
        }
    nl_inner_run_release(&inner);
    return status;
}

nl_complex nl_response_transfer(const nl_response *r, nl_sector sector, int w, double field)
{
    double unused;
    const double x = nl_response_place(r, field, &unused);
    return (nl_complex){nl_series_at(transfer_series(r, sector, w, 0), transfer_degree(r), x, &unused),
                        nl_series_at(transfer_series(r, sector, w, 1), transfer_degree(r), x, &unused)};
}
