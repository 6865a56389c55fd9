#include "nanolase/model.h"

nl_status nl_model_of(const nl_config *config, const nl_model **out)
{
    if (config->model_equation != NL_EQUATION_PHASE)
        return nl_config_fail(config, "model.equation", "this version solves equation = phase only");
    *out = &nl_phase_model;
    return NL_OK;
}

int nl_level_size(const nl_point *point, int level)
{
    return (point->n + (1 << level) - 1) >> level;
}
