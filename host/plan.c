#include "nanolase/plan.h"

#include <stdlib.h>

#include "lindblad_model.h"
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

nl_status nl_plan_new_result(const nl_plan *plan, nl_result *out)
{
    return nl_result_new(plan->config, plan->model, plan->points, plan->n_points, out);
}
