#include "precision.h"

#include <float.h>
#include <math.h>

#include "lindblad_model.h"
#include "nanolase/tableau.h"

/* Of config.def: a tolerance that is the default stands for the lowest possible, as the echo of a run must run
 * again. */
static const double DEFAULT_TOLERANCE = 1e-9, DEFAULT_RTOL = 1e-8;
/* Of a step's error, relative to the state: each stage is rounded, and their combination shows it. */
static const double STEP_RTOL = 1e-5, LEAST_RTOL = 32 * FLT_EPSILON;
/* Distance over residual that may be met: what decays slowly is told apart from rounding down to there. */
static const double DISTANCE_SHARE = 10;

size_t nl_precision_bytes(const nl_config *config)
{
    return config->run_precision == NL_SINGLE ? sizeof(float) : sizeof(double);
}

nl_status nl_precision_check(const nl_config *config)
{
    if (config->run_precision != NL_SINGLE || config->run_mode == NL_MODE_EVOLVE)
        return NL_OK;
    if (config->steady_sensitivity)
        return nl_config_fail(config, "steady.sensitivity", "the sensitivity is computed in double precision only; use "
                              "precision = double");
    if (config->steady_gap)
        return nl_config_fail(config, "steady.gap",
                              "the gap is computed in double precision only; use precision = double");
    if (config->steady_method == NL_STEADY_KRYLOV || config->steady_method == NL_STEADY_RRE)
        return nl_config_fail(config, "steady.method",
                              "krylov and rre work in double precision only; use auto, relax or, "
                              "for phases, multigrid, or precision = double");
    if (config->model_equation == NL_EQUATION_PHASE_SELFCONSISTENT)
        return nl_config_fail(config, "run.precision",
                              "self-consistent steady states are found in double precision only; "
                              "use precision = double, or mode = evolve");
    if (config->model_equation == NL_EQUATION_GUTZWILLER && nl_uses_response(config))
        return nl_config_fail(config, "run.precision", "the lasers' response is computed in double precision only; use "
                              "precision = double, or method = relax");
    return NL_OK;
}

/* What rounding leaves of |L y|_1/|y|_1, with a margin of about 6. A step of a pair is about 3 over the extent. */
static double residual_floor(const nl_model *model, const nl_point *point)
{
    return 8 * FLT_EPSILON / nl_model_stable_step(model, point, point->n, nl_tableau_find("rk45"));
}

nl_status nl_precision_resolve(const nl_config *config, const nl_model *model, nl_point *point)
{
    if (config->run_precision != NL_SINGLE)
        return NL_OK;
    if (config->run_mode == NL_MODE_EVOLVE) {
        if (point->rtol < LEAST_RTOL && point->rtol != DEFAULT_RTOL)
            return nl_config_fail(config, "integrator.rtol",
                                  "rtol = %g is below the rounding of single precision; use %.1g or "
                                  "more, or precision = double",
                                  point->rtol, LEAST_RTOL);
        point->rtol = fmax(point->rtol, point->rtol == DEFAULT_RTOL ? STEP_RTOL : 0);
        point->atol = fmax(point->atol, FLT_MIN);
        return NL_OK;
    }
    const double least = residual_floor(model, point), share = point->accuracy / point->tolerance;
    if (point->tolerance >= least)
        return NL_OK;
    if (point->tolerance != DEFAULT_TOLERANCE)
        return nl_config_fail(
            config, "steady.tolerance",
            "tolerance = %g is below what rounding to single precision leaves of "
            "the residual at %s = %d, near %.1e; use that or more, leave it out, or use precision = double",
            point->tolerance, model->size_name, point->n, least);
    point->tolerance = least;
    point->accuracy = DISTANCE_SHARE * share * least;
    return NL_OK;
}
