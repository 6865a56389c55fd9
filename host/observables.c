#include "observables.h"

int nl_conditions_met(const nl_config *config)
{
    int met = NL_ALWAYS;
    if (config->model_sites == 2 || nl_config_is_swept(config, "model.sites"))
        met |= NL_TWO_SITES;
    if (config->model_local == NL_LOCAL_QUBIT)
        met |= NL_QUBIT;
    if (config->run_mode == NL_MODE_STEADY)
        met |= NL_STEADY;
    return met;
}

int nl_observables_choose(const nl_catalogue_row *catalogue, size_t rows, int met, const nl_observable **list)
{
    int count = 0;
    for (size_t k = 0; k < rows; k++)
        if ((catalogue[k].needs & ~met) == 0)
            list[count++] = &catalogue[k].observable;
    return count;
}
