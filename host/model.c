#include "nanolase/model.h"

#include "nanolase/chebyshev.h"

nl_status nl_model_of(const nl_config *config, const nl_model **out)
{
    switch ((nl_equation)config->model_equation) {
    case NL_EQUATION_PHASE: *out = &nl_phase_model; return NL_OK;
    case NL_EQUATION_PHASE_SELFCONSISTENT: *out = &nl_radii_model; return NL_OK;
    case NL_EQUATION_AMPLITUDE: *out = &nl_amplitude_model; return NL_OK;
    case NL_EQUATION_GUTZWILLER: *out = &nl_lindblad_model; return NL_OK;
    case NL_EQUATION_DIMER: *out = &nl_dimer_model; return NL_OK;
    default:
        return nl_config_fail(config, "model.equation", "this version has no such equation");
    }
}

nl_point nl_point_from_config(const nl_config *config)
{
    return (nl_point){.levels = 1,
                      .rtol = config->integrator_rtol,
                      .atol = config->integrator_atol,
                      .tolerance = config->steady_tolerance,
                      .accuracy = config->steady_tolerance,
                      .max_time = config->steady_max_time};
}

int nl_level_size(const nl_point *point, int level)
{
    return (point->n + (1 << level) - 1) >> level;
}

size_t nl_field_len(const nl_field *field)
{
    const size_t n = (size_t)field->length;
    return (field->rank == 2 ? n * n : n) * (field->is_complex ? 2 : 1);
}

double nl_model_stable_step(const nl_model *model, const nl_point *point, int n, const nl_tableau *tableau)
{
    nl_complex spectrum[NL_MAX_SPECTRUM];
    const int count = model->spectrum(point, n, spectrum);
    if (tableau->chebyshev)
        return nl_chebyshev_longest_step(tableau->chebyshev, nl_ellipse_around(spectrum, count));
    return nl_tableau_stable_step(tableau, spectrum, count);
}

int nl_model_step_cost(const nl_model *model, const nl_point *point, int n, const nl_tableau *tableau, double h)
{
    nl_complex spectrum[NL_MAX_SPECTRUM];
    const int count = model->spectrum(point, n, spectrum);
    if (!tableau->chebyshev)
        return tableau->stages - 1;
    return nl_chebyshev_choose(tableau->chebyshev, nl_ellipse_around(spectrum, count), h).stages;
}

static double step_per_application(const nl_model *model, const nl_point *point, const nl_tableau *tableau)
{
    const double h = nl_model_stable_step(model, point, point->n, tableau);
    return h / nl_model_step_cost(model, point, point->n, tableau, h);
}

const nl_tableau *nl_cheapest_tableau(const nl_model *model, const nl_point *point)
{
    const nl_tableau *best = model->is_stiff ? nl_tableau_chebyshev(1) : nl_tableau_at(0);
    double most = step_per_application(model, point, best);
    for (int i = 0; i < nl_tableau_count(); i++) {
        const double step = step_per_application(model, point, nl_tableau_at(i));
        if (step > most) {
            best = nl_tableau_at(i);
            most = step;
        }
    }
    return best;
}
