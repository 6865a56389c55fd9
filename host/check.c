#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "nanolase.h"

/* What the largest point takes, and how large it could be here and on devices as they are sold. */
static void print_memory(const nl_plan *plan, const nl_plan_work *work)
{
    static const double GiB = 1024.0 * 1024 * 1024;
    const int vectors = nl_plan_vectors(plan, work->largest);
    const double here = (double)nl_host_memory();
    printf("; memory: %.3g MB for the largest point", work->point_bytes / 1e6);
    if (vectors)
        printf(" (%d vectors)", vectors);
    printf(", %.3g MB for the results\n", nl_plan_result_bytes(plan) / 1e6);
    if (nl_plan_largest_size(plan, work->largest, here, true) == NL_LARGEST_SIZE)
        return;
    printf("; largest %s by memory alone: %d in the %.3g GB free here, %d in 24 GiB, %d in 80 GiB, %d in 139 GiB\n",
           plan->model->size_name, nl_plan_largest_size(plan, work->largest, here, true), here / 1e9,
           nl_plan_largest_size(plan, work->largest, 24 * GiB, false),
           nl_plan_largest_size(plan, work->largest, 80 * GiB, false),
           nl_plan_largest_size(plan, work->largest, 139 * GiB, false));
}

static void print_plan(const nl_plan *plan, const char *config_text)
{
    const nl_plan_work work = nl_plan_estimate(plan);
    fputs(config_text, stdout);
    const nl_laser laser = nl_laser_from_config(plan->config);
    printf("\n; derived from [laser] (without sweep axes): A = %g, B_r = %g, C = %g, n_0 = %g, D_p = %g\n", laser.A,
           laser.B_r, laser.C, laser.n0, laser.D_p);
    const nl_point *first = &plan->points[0];
    printf("; points: %d; %s: %d to %d", plan->n_points, plan->model->size_name, work.n_least, work.n_most);
    if (first->order)
        printf(", order %d", first->order);
    printf("; method of the first point: %s\n", plan->tableaux[0]->name);
    print_memory(plan, &work);
    printf("; work: up to %.3g applications of the operator per unit of time, %.3g elements each\n",
           work.applications_per_time, work.grid_points);
    if (plan->config->run_precision == NL_SINGLE && plan->config->run_mode == NL_MODE_STEADY)
        printf("; single precision: tolerance of the first point %.2g on the residual, %.2g on the distance\n",
               first->tolerance, first->accuracy);
    else if (plan->config->run_precision == NL_SINGLE)
        printf("; single precision: rtol = %.2g\n", first->rtol);
}

static nl_status check_output(const nl_config *config)
{
    char reason[600];
    if (nl_result_check_writable(config->output_file) == NL_OK)
        return NL_OK;
    snprintf(reason, sizeof reason, "%s", nl_error_message());
    return nl_config_fail(config, "output.file", "%s", reason);
}

static nl_status check_plan(const nl_config *config, const nl_plan *plan)
{
    NL_TRY(check_output(config));
    NL_TRY(nl_plan_check_memory(plan, (double)nl_host_memory(), true));
    char *text = nl_config_text(config);
    if (!text)
        return nl_fail(NL_ERR_MEMORY, "cannot print the configuration");
    print_plan(plan, text);
    free(text);
    return NL_OK;
}

nl_status nl_check(const nl_options *options)
{
    nl_config config = {0};
    nl_plan plan = {0};
    nl_status status = nl_config_load(options->file, options->overrides, options->n_overrides, &config);
    if (status == NL_OK)
        status = nl_plan_new(&config, &plan);
    if (status == NL_OK)
        status = check_plan(&config, &plan);
    nl_plan_release(&plan);
    nl_config_release(&config);
    return status;
}
