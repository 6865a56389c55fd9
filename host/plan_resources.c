/* What a plan asks of the machine: memory of its points and results, and work. */
#include <math.h>
#include <stdio.h>

#include "nanolase/krylov.h"
#include "nanolase/plan.h"
#include "nanolase/sensitivity.h"
#include "precision.h"

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

/* Of main memory, that the state takes while it is put together for the backend. */
static double start_bytes(const nl_plan *plan, const nl_point *point)
{
    const nl_operator op = plan->model->operator_shape(point, point->n);
    return (double)sizeof(double) * (double)nl_operator_size(&op);
}

/* With the state while it is put together, where that takes the same memory. */
static double whole_bytes(const nl_plan *plan, const nl_point *point, const nl_tableau *tableau, bool on_host)
{
    return point_bytes(plan, point, tableau) + (on_host ? start_bytes(plan, point) : 0);
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
