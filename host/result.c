#include "nanolase/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const nl_observable gap_observables[] = {
    {NL_GAP_RE, "gap_re", false, "kappa",
     "spectral gap: -Re lambda of the eigenvalue of L but 0 with the largest real part"},
    {NL_GAP_IM, "gap_im", false, "kappa", "|Im lambda| of that eigenvalue: 0, or of a complex pair"},
};

static const nl_observable sensitivity_observables[] = {
    {NL_SLOPE, "d_imbalance_dphi", false, "1", "d(n_1 - n_2)/d(phi_2 - phi_1)"},
    {NL_UNCERTAINTY, "phase_uncertainty", false, "rad", "std_imbalance/|d_imbalance_dphi|"},
};

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

/* Room for the fields of every point; false without memory. */
static bool make_fields(const nl_model *model, const nl_point *point, nl_result *result)
{
    result->n_fields = model->fields(point, result->fields);
    for (int k = 0; k < result->n_fields; k++) {
        const size_t count = result->n_points * nl_field_len(&result->fields[k]);
        result->field_data[k] = malloc(count * sizeof(double));
        if (!result->field_data[k])
            return false;
        fill_nan(result->field_data[k], count);
    }
    return true;
}

nl_status nl_result_new(const nl_config *config, const nl_model *model, const nl_point *points, int n_points,
                        nl_result *out)
{
    nl_result result = {
        .config = config, .model_name = model->name, .n_points = n_points, .n_times = time_count(config)};
    result.n_observables = model->observables(config, result.observables);
    for (int k = 0; k < 2 && config->steady_sensitivity && config->run_mode == NL_MODE_STEADY; k++)
        result.observables[result.n_observables++] = &sensitivity_observables[k];
    for (int k = 0; k < 2 && config->steady_gap && config->run_mode == NL_MODE_STEADY; k++)
        result.observables[result.n_observables++] = &gap_observables[k];
    const size_t n_values = (size_t)result.n_points * result.n_times * result.n_observables;
    result.times = calloc((size_t)result.n_times, sizeof *result.times);
    result.values = malloc(n_values * sizeof *result.values);
    result.outcomes = calloc((size_t)result.n_points, sizeof *result.outcomes);
    if (!result.times || !result.values || !result.outcomes ||
        (config->output_fields && !make_fields(model, points, &result))) {
        nl_result_release(&result);
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the results of %d points; use a smaller sweep or fields = no",
                       result.n_points);
    }
    fill_times(config, &result);
    fill_nan((double *)result.values, 2 * n_values);
    for (int p = 0; p < result.n_points; p++)
        result.outcomes[p] = (nl_outcome){.residual = NAN, .distance = NAN, .norm_error = NAN, .negativity = NAN};
    *out = result;
    return NL_OK;
}

void nl_result_release(nl_result *result)
{
    free(result->times);
    free(result->values);
    free(result->outcomes);
    for (int k = 0; k < result->n_fields; k++)
        free(result->field_data[k]);
    for (int p = 0; result->states && p < result->n_points; p++)
        free(result->states[p]);
    free(result->states);
    *result = (nl_result){0};
}

static nl_status no_observable(const nl_result *result, const char *name)
{
    char names[900] = "";
    size_t used = 0;
    for (int k = 0; k < result->n_observables && used < sizeof names; k++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "",
                                 result->observables[k]->name);
    return nl_fail(NL_ERR_USAGE, "no observable '%s' in this result; it has %s", name, names);
}

nl_status nl_result_value(const nl_result *result, const char *observable, int point, int time, nl_value *out)
{
    if (point < 0 || point >= result->n_points || time < 0 || time >= result->n_times)
        return nl_fail(NL_ERR_USAGE, "point %d, time %d: this result has %d points and %d times", point, time,
                       result->n_points, result->n_times);
    for (int k = 0; k < result->n_observables; k++)
        if (strcmp(result->observables[k]->name, observable) == 0) {
            *out = nl_result_values(result, point, time)[k];
            return NL_OK;
        }
    return no_observable(result, observable);
}

int nl_result_count_done(const nl_result *result)
{
    int done = 0;
    for (int p = 0; p < result->n_points; p++)
        done += result->outcomes[p].status != NL_POINT_PENDING;
    return done;
}

static nl_status record_state(nl_result *result, nl_batch *batch, int member, int point)
{
    free(result->states[point]);
    result->states[point] = malloc(batch->pool.size * sizeof(double));
    return result->states[point]
               ? nl_batch_download(batch, member, result->states[point])
               : nl_fail(NL_ERR_MEMORY, "cannot keep a state of %.1f MB", (double)batch->pool.size * 8e-6);
}

static nl_status record_fields(nl_result *result, nl_batch *batch, int member, int point)
{
    double *state = malloc(batch->pool.size * sizeof *state);
    if (!state)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a state of %.1f MB", (double)batch->pool.size * 8e-6);
    const nl_status status = nl_batch_download(batch, member, state);
    for (int k = 0; k < result->n_fields && status == NL_OK; k++)
        batch->model->fill_field(&batch->points[member], k, state,
                                 result->field_data[k] + point * nl_field_len(&result->fields[k]));
    free(state);
    return status;
}

/* How far each state is from a positive one, see nl_outcome. */
static nl_status measure_negativity(nl_batch *batch, const int *active, int n_active, double *out)
{
    double *sums = batch->errors;
    if (batch->model->least_population) {
        double *state = malloc(batch->pool.size * sizeof *state);
        nl_status status = state ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot look at a state");
        for (int a = 0; a < n_active && status == NL_OK; a++) {
            status = nl_batch_download(batch, active[a], state);
            out[a] = status == NL_OK ? fmax(0, -batch->model->least_population(&batch->points[active[a]], state)) : NAN;
        }
        free(state);
        return status;
    }
    for (int a = 0; a < n_active; a++)
        batch->jobs[a] = (nl_job){.slot = active[a], .in = {batch->members[active[a]].y}};
    NL_TRY(batch->backend->ops->sums(batch->backend, &batch->pool, batch->jobs, n_active, sums));
    for (int a = 0; a < n_active; a++)
        out[a] = fmax(0, (sums[2 * a + 1] - sums[2 * a]) / 2) / fabs(sums[2 * a]);
    return NL_OK;
}

/* Density matrices are looked at whole, so only when they are done. */
static nl_status note_negativity(nl_result *result, nl_batch *batch, const int *active, int n_active, const int *point,
                                 int time)
{
    if (batch->model->least_population && time < result->n_times - 1)
        return NL_OK;
    double *negativity = malloc((size_t)n_active * sizeof *negativity + 1);
    nl_status status = negativity ? measure_negativity(batch, active, n_active, negativity)
                                  : nl_fail(NL_ERR_MEMORY, "cannot allocate a list of members");
    for (int a = 0; a < n_active && status == NL_OK; a++)
        result->outcomes[point[a]].negativity = fmax(result->outcomes[point[a]].negativity, negativity[a]);
    free(negativity);
    return status;
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
    if (status == NL_OK)
        status = note_negativity(result, batch, active, n_active, point, time);
    for (int a = 0; a < n_active && status == NL_OK; a++) {
        nl_health health;
        nl_value *values = nl_result_values(result, point[a], time);
        batch->model->observe(&batch->points[active[a]], batch->n, moments + a * len, all, &health);
        for (int k = 0; k < result->n_observables; k++)
            values[k] = all[result->observables[k]->id];
        result->outcomes[point[a]].norm_error = fabs(health.norm - 1);
        result->outcomes[point[a]].leaks |= health.leaks;
        if (result->n_fields && time == result->n_times - 1)
            status = record_fields(result, batch, active[a], point[a]);
        if (result->states && status == NL_OK)
            status = record_state(result, batch, active[a], point[a]);
    }
    free(moments);
    return status;
}
