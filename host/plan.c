#include "nanolase/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lindblad_model.h"
#include "nanolase/gutzwiller.h"
#include "nanolase/krylov.h"
#include "nanolase/sensitivity.h"
#include "nanolase/selfconsistent.h"
#include "precision.h"

/* ---- checking ---- */

/* Eigenvalues and eigenvectors are those of a linear operator. */
static nl_status check_spectrum(const nl_config *config)
{
    const bool linear = config->model_equation != NL_EQUATION_PHASE_SELFCONSISTENT &&
                        (config->model_equation != NL_EQUATION_GUTZWILLER || config->model_sites == 1);
    if (config->run_mode == NL_MODE_EVOLVE)
        return config->steady_gap ? nl_config_fail(config, "steady.gap", "mode = evolve computes no gap; use gap = no")
                                  : NL_OK;
    if (config->steady_gap && !linear)
        return nl_config_fail(config, "steady.gap", "this equation is not linear and has no spectrum; use gap = no, or "
                              "equation = phase, or gutzwiller with sites = 1");
    if (config->steady_method == NL_STEADY_KRYLOV && !linear)
        return nl_config_fail(config, "steady.method", "krylov needs a linear equation, and this one is not; use auto, "
                              "relax or rre");
    return NL_OK;
}

static nl_status check_sensitivity(const nl_config *config, const nl_model *model)
{
    if (!config->steady_sensitivity)
        return NL_OK;
    if (config->run_mode == NL_MODE_EVOLVE)
        return nl_config_fail(config, "steady.sensitivity", "it is of steady states, and mode = evolve finds none; use "
                              "sensitivity = no");
    if (!model->turn)
        return nl_config_fail(config, "steady.sensitivity", "it is for equation = dimer; use sensitivity = no "
                              "(gutzwiller with method = auto gives d_imbalance_dphi without)");
    return NL_OK;
}

static nl_status check_methods(const nl_config *config)
{
    if (config->steady_method == NL_STEADY_MULTIGRID && config->model_equation == NL_EQUATION_AMPLITUDE)
        return nl_config_fail(config, "steady.method",
                              "multigrid is for the phase equations; use auto, relax, rre or krylov");
    if (config->steady_method == NL_STEADY_MULTIGRID && (config->model_equation == NL_EQUATION_GUTZWILLER ||
                                                         config->model_equation == NL_EQUATION_DIMER))
        return nl_config_fail(config, "steady.method",
                              "multigrid needs grids, and a master equation has none; use auto, relax, rre or krylov");
    NL_TRY(check_spectrum(config));
    if (config->run_mode == NL_MODE_EVOLVE && config->run_t_end / config->run_save_every > 1e6)
        return nl_config_fail(config, "run.save_every", "more than a million saved times; raise save_every");
    return NL_OK;
}

static const nl_tableau *tableau_of(const nl_config *config, const nl_model *model, const nl_point *point)
{
    switch ((nl_method)config->integrator_method) {
    case NL_METHOD_CASH_KARP: return nl_tableau_find("cash-karp");
    case NL_METHOD_RK43: return nl_tableau_find("rk43");
    case NL_METHOD_BS32: return nl_tableau_find("bs32");
    case NL_METHOD_RKC: return nl_tableau_chebyshev(config->run_mode == NL_MODE_STEADY ? 1 : 2);
    case NL_METHOD_AUTO:
        if (config->run_mode == NL_MODE_STEADY)
            return nl_cheapest_tableau(model, point);
        /* fall through */
    default: return nl_tableau_find("rk45");
    }
}

static nl_operator shape_of(const nl_plan *plan, int point)
{
    return plan->model->operator_shape(&plan->points[point], plan->points[point].n);
}

static nl_status check_common_grid(const nl_plan *plan)
{
    const nl_operator first = shape_of(plan, 0);
    for (int p = 1; p < plan->n_points; p++) {
        const nl_operator op = shape_of(plan, p);
        if (op.n != first.n || op.sites != first.sites)
            return nl_config_fail(plan->config, "output.fields",
                                  "fields = yes needs one grid for all points, and this sweep has %s = %d and %d; "
                                  "give it a number and do not sweep it or sites, or use fields = no",
                                  plan->model->size_name, first.n, op.n);
        if (plan->model == &nl_amplitude_model &&
            plan->points[p].amplitude.extent != plan->points[0].amplitude.extent)
            return nl_config_fail(plan->config, "output.fields", "fields = yes needs one grid for all points; give "
                                  "extent a number, and do not sweep it, or use fields = no");
    }
    return NL_OK;
}

nl_status nl_plan_new(const nl_config *config, nl_plan *out)
{
    nl_plan plan = {.config = config, .n_points = nl_config_point_count(config)};
    NL_TRY(nl_model_of(config, &plan.model));
    NL_TRY(check_methods(config));
    NL_TRY(nl_precision_check(config));
    NL_TRY(check_sensitivity(config, plan.model));
    plan.by_response = plan.model == &nl_lindblad_model && nl_uses_response(config);
    plan.points = calloc((size_t)plan.n_points, sizeof *plan.points);
    plan.tableaux = calloc((size_t)plan.n_points, sizeof *plan.tableaux);
    nl_status status = plan.points && plan.tableaux
                           ? NL_OK
                           : nl_fail(NL_ERR_MEMORY, "cannot allocate a plan of %d points", plan.n_points);
    for (int p = 0; p < plan.n_points && status == NL_OK; p++) {
        const nl_config at = nl_config_at(config, p);
        status = plan.model->point(&at, &plan.points[p]);
        if (config->run_mode == NL_MODE_EVOLVE)
            plan.points[p].levels = 1;
        if (status == NL_OK)
            status = nl_precision_resolve(&at, plan.model, &plan.points[p]);
        if (status == NL_OK)
            plan.tableaux[p] = tableau_of(config, plan.model, &plan.points[p]);
    }
    if (status == NL_OK && config->output_fields)
        status = check_common_grid(&plan);
    if (status != NL_OK)
        nl_plan_release(&plan);
    else
        *out = plan;
    return status;
}

void nl_plan_release(nl_plan *plan)
{
    free(plan->points);
    free(plan->tableaux);
    *plan = (nl_plan){0};
}

bool nl_plan_shares_grids(const nl_plan *plan)
{
    const nl_operator op = shape_of(plan, 0);
    return op.kind == NL_OPERATOR_PHASE && op.sites == 2;
}

/* `registers` vectors on a grid of n, and the table. */
static double vectors_bytes(const nl_plan *plan, const nl_point *point, int n, int registers)
{
    const nl_operator op = plan->model->operator_shape(point, n);
    return nl_precision_bytes(plan->config) * ((double)nl_operator_size(&op) * registers + (double)op.table_len);
}

/* The search for the gap ends before that for the steady state begins. */
static double gap_bytes(const nl_plan *plan, const nl_point *point, const nl_tableau *tableau)
{
    if (!plan->config->steady_gap || nl_gap_comes_along(plan->config, plan->model))
        return 0;
    const nl_point whole = nl_gap_point(plan->model, point);
    return vectors_bytes(plan, &whole, whole.n, nl_batch_registers(tableau) + NL_ARNOLDI_REGISTERS);
}

static double point_bytes(const nl_plan *plan, const nl_point *point, const nl_tableau *tableau)
{
    const int registers = nl_batch_registers(tableau) + nl_solve_extra_registers(plan->config);
    double bytes = 0;
    for (int level = 0; level < point->levels; level++)
        bytes += vectors_bytes(plan, point, nl_level_size(point, level), registers);
    if (point->grids > 0) /* the cycles' memory is given back before relaxation takes over */
        bytes = fmax(bytes, nl_multigrid_bytes(plan->model, point, nl_precision_bytes(plan->config)));
    if (plan->config->steady_sensitivity)
        bytes += nl_sensitivity_bytes(plan->model, point);
    return fmax(bytes, gap_bytes(plan, point, tableau));
}

double nl_plan_point_bytes(const nl_plan *plan, int point)
{
    return point_bytes(plan, &plan->points[point], plan->tableaux[point]);
}

int nl_plan_vectors(const nl_plan *plan, int point)
{
    const nl_config *config = plan->config;
    const nl_point *at = &plan->points[point];
    if (at->levels > 1 || at->grids > 0 || config->steady_gap || config->steady_sensitivity)
        return 0;
    return nl_batch_registers(plan->tableaux[point]) + nl_solve_extra_registers(config);
}

double nl_plan_start_bytes(const nl_plan *plan, const nl_point *point)
{
    const nl_operator op = plan->model->operator_shape(point, point->n);
    return (double)sizeof(double) * (double)nl_operator_size(&op);
}

/* With the state while it is put together, where that takes the same memory. */
static double whole_bytes(const nl_plan *plan, const nl_point *point, const nl_tableau *tableau, bool on_host)
{
    return point_bytes(plan, point, tableau) + (on_host ? nl_plan_start_bytes(plan, point) : 0);
}

int nl_plan_largest_size(const nl_plan *plan, int point, double available, bool on_host)
{
    nl_point at = plan->points[point];
    int fits = 0, too_many = NL_LARGEST_SIZE + 1;
    while (fits + 1 < too_many) {
        if (whole_bytes(plan, &at, plan->tableaux[point], on_host) <= available)
            fits = at.n;
        else
            too_many = at.n;
        /* doubled until it is too many, not halved from the most: sizes grow as the fourth power, and would overflow */
        at.n = 2 * fits < too_many && fits >= plan->points[point].n ? 2 * fits : (fits + too_many) / 2;
    }
    return fits;
}

double nl_plan_result_bytes(const nl_plan *plan)
{
    const nl_config *config = plan->config;
    const double times = config->run_mode == NL_MODE_EVOLVE ? 2 + config->run_t_end / config->run_save_every : 1;
    nl_field fields[NL_MAX_FIELDS];
    double len = 0;
    for (int k = 0; config->output_fields && k < plan->model->fields(&plan->points[0], fields); k++)
        len += (double)nl_field_len(&fields[k]);
    return plan->n_points * (sizeof(nl_outcome) + times * NL_MAX_OBSERVABLES * sizeof(nl_value) + 8 * len);
}

nl_plan_work nl_plan_estimate(const nl_plan *plan)
{
    nl_plan_work work = {.n_least = plan->points[0].n, .n_most = plan->points[0].n};
    double most = 0;
    for (int p = 0; p < plan->n_points; p++) {
        const nl_point *point = &plan->points[p];
        const nl_operator op = plan->model->operator_shape(point, point->n);
        const double size = (double)nl_operator_size(&op);
        const double h = nl_model_stable_step(plan->model, point, point->n, plan->tableaux[p]);
        const double rate = nl_model_step_cost(plan->model, point, point->n, plan->tableaux[p], h) / h;
        work.n_least = point->n < work.n_least ? point->n : work.n_least;
        work.n_most = point->n > work.n_most ? point->n : work.n_most;
        const double bytes = nl_plan_point_bytes(plan, p);
        if (bytes > work.point_bytes) {
            work.point_bytes = bytes;
            work.largest = p;
        }
        if (size * rate > most) {
            most = size * rate;
            work.applications_per_time = rate;
            work.grid_points = size;
        }
    }
    return work;
}

/* What would take less memory, in words. */
static const char *smaller_words(const nl_plan *plan)
{
    if (plan->model == &nl_amplitude_model)
        return "number of points with a higher order, or equation = phase";
    return plan->model == &nl_lindblad_model || plan->model == &nl_dimer_model ? "gamma, or fewer levels"
                                                                              : "n_c with a higher order";
}

static nl_status refuse_memory(const nl_plan *plan, int p, double available, bool on_host)
{
    const int vectors = nl_plan_vectors(plan, p), extra = vectors ? nl_solve_extra_registers(plan->config) : 0;
    char relax[100] = "";
    if (extra)
        snprintf(relax, sizeof relax, ", steady.method = relax, which holds %d vectors and not %d", vectors - extra,
                 vectors);
    return nl_fail(NL_ERR_MEMORY,
                   "%s: %s = %d needs %.3g GB for one point and %.3g GB are free, which hold %d; use a smaller %s%s, "
                   "or a machine with more memory",
                   plan->config->path, plan->model->size_name, plan->points[p].n,
                   whole_bytes(plan, &plan->points[p], plan->tableaux[p], on_host) / 1e9, available / 1e9,
                   nl_plan_largest_size(plan, p, available, on_host), smaller_words(plan), relax);
}

nl_status nl_plan_check_memory(const nl_plan *plan, double available, bool on_host)
{
    for (int p = 0; p < plan->n_points; p++)
        if (whole_bytes(plan, &plan->points[p], plan->tableaux[p], on_host) > available)
            return refuse_memory(plan, p, available, on_host);
    return NL_OK;
}

nl_status nl_plan_new_result(const nl_plan *plan, nl_result *out)
{
    return nl_result_new(plan->config, plan->model, plan->points, plan->n_points, out);
}
