/* The sweep of a configuration: its axes, and the points of the grid that they make. */
#include "config_value.h"

const nl_axis *nl_config_axis(const nl_config *config, const char *key)
{
    const int k = nl_key_named(key);
    for (int a = 0; a < config->n_axes; a++)
        if (config->axes[a].key == k)
            return &config->axes[a];
    return NULL;
}

bool nl_config_is_swept(const nl_config *config, const char *key)
{
    return nl_config_axis(config, key) != NULL;
}

int nl_config_point_count(const nl_config *config)
{
    int points = 1;
    for (int a = 0; a < config->n_axes; a++)
        points *= config->axes[a].count;
    return points;
}

void nl_config_indices(const nl_config *config, int point, int *indices)
{
    for (int a = config->n_axes - 1; a >= 0; a--) {
        indices[a] = point % config->axes[a].count;
        point /= config->axes[a].count;
    }
}

nl_config nl_config_at(const nl_config *config, int point)
{
    nl_config at = *config;
    int indices[NL_MAX_AXES];
    nl_config_indices(config, point, indices);
    for (int a = 0; a < config->n_axes; a++)
        nl_key_store_number(&at, &nl_keys[config->axes[a].key], config->axes[a].values[indices[a]]);
    return at;
}
