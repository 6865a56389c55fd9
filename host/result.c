#include "nanolase/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int time_count(const nl_config *config)
{
    return config->run_mode == NL_MODE_EVOLVE
               ? 1 + (int)ceil(config->run_t_end / config->run_save_every * (1 - 1e-12))
               : 1;
}

static void fill_times(const nl_config *config, nl_result *result)
{
    for (int k = 0; k < result->n_times; k++)
        result->times[k] = fmin(k * config->run_save_every, config->run_t_end);
}

static void fill_nan(double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = NAN;
}

nl_status nl_result_new(const nl_config *config, const nl_model *model, const nl_point *points, nl_result *out)
{
    nl_result result = {.config = config, .n_points = nl_config_point_count(config), .n_times = time_count(config)};
    result.n_observables = model->observables(config, result.observables);
    const size_t n_values = (size_t)result.n_points * result.n_times * result.n_observables;
    size_t n_fields = 0, n_marginals = 0;
    if (config->output_fields) {
        result.field_n = points[0].n;
        result.field_sites = points[0].phase.sites;
        const size_t n = (size_t)result.field_n;
        n_fields = result.n_points * (result.field_sites == 2 ? n * n : n);
        n_marginals = result.n_points * result.field_sites * n;
        result.P_theta = malloc(n_fields * sizeof(double));
        result.marginals = malloc(n_marginals * sizeof(double));
    }
    result.times = calloc((size_t)result.n_times, sizeof *result.times);
    result.values = malloc(n_values * sizeof *result.values);
    result.outcomes = calloc((size_t)result.n_points, sizeof *result.outcomes);
    if (!result.times || !result.values || !result.outcomes ||
        (config->output_fields && (!result.P_theta || !result.marginals))) {
        nl_result_release(&result);
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the results of %d points; use a smaller sweep or fields = no",
                       result.n_points);
    }
    fill_times(config, &result);
    fill_nan((double *)result.values, 2 * n_values);
    fill_nan(result.P_theta, n_fields);
    fill_nan(result.marginals, n_marginals);
    for (int p = 0; p < result.n_points; p++)
        result.outcomes[p] = (nl_outcome){.residual = NAN, .distance = NAN, .norm_error = NAN};
    *out = result;
    return NL_OK;
}

void nl_result_release(nl_result *result)
{
    free(result->times);
    free(result->values);
    free(result->outcomes);
    free(result->P_theta);
    free(result->marginals);
    *result = (nl_result){0};
}

int nl_result_count_done(const nl_result *result)
{
    int done = 0;
    for (int p = 0; p < result->n_points; p++)
        done += result->outcomes[p].status != NL_POINT_PENDING;
    return done;
}

static nl_status record_fields(nl_result *result, nl_batch *batch, int member, int point, const double *moments)
{
    const size_t n = (size_t)result->field_n, size = batch->pool.size;
    const double cell = 6.283185307179586477 / n;
    for (int j = 0; j < result->field_sites; j++)
        for (size_t i = 0; i < n; i++)
            result->marginals[((size_t)point * result->field_sites + j) * n + i] =
                moments[j * n + i] * (result->field_sites == 2 ? cell : 1);
    return nl_batch_download(batch, member, result->P_theta + point * size);
}

nl_status nl_result_record(nl_result *result, nl_batch *batch, const int *active, int n_active, const int *point,
                           int time)
{
    const size_t len = nl_moments_len(&batch->op);
    nl_value all[NL_MAX_OBSERVABLES] = {0};
    double *moments = malloc(n_active * len * sizeof *moments + 1);
    if (!moments)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate moments");
    nl_status status = nl_batch_moments(batch, active, n_active, moments);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        double norm;
        nl_value *values = nl_result_values(result, point[a], time);
        batch->model->observe(&batch->points[active[a]], batch->n, moments + a * len, all, &norm);
        for (int k = 0; k < result->n_observables; k++)
            values[k] = all[result->observables[k]->id];
        result->outcomes[point[a]].norm_error = fabs(norm - 1);
        if (result->field_n && time == result->n_times - 1)
            status = record_fields(result, batch, active[a], point[a], moments + a * len);
    }
    free(moments);
    return status;
}
