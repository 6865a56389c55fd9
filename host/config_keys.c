#include "config_keys.h"

#include <math.h>
#include <string.h>

#define FIELD(section, key) offsetof(nl_config, section##_##key)
const nl_key nl_keys[] = {
#define REAL(section, key, value, low, high, unit, text)                                                               \
    {#section, #key, KEY_REAL, FIELD(section, key), value, low, high, NULL, unit, text},
#define INT(section, key, value, low, high, unit, text)                                                                \
    {#section, #key, KEY_INT, FIELD(section, key), value, low, high, NULL, unit, text},
#define AUTO_REAL(section, key, low, high, unit, text)                                                                 \
    {#section, #key, KEY_AUTO_REAL, FIELD(section, key), NAN, low, high, NULL, unit, text},
#define AUTO_INT(section, key, low, high, unit, text)                                                                  \
    {#section, #key, KEY_AUTO_INT, FIELD(section, key), 0, low, high, NULL, unit, text},
#define CHOICE(section, key, value, words, text)                                                                       \
    {#section, #key, KEY_CHOICE, FIELD(section, key), value, 0, 0, words, "", text},
#define FLAG(section, key, value, text) {#section, #key, KEY_FLAG, FIELD(section, key), value, 0, 1, NULL, "", text},
#define TEXT(section, key, value, text) {#section, #key, KEY_TEXT, FIELD(section, key), 0, 0, 0, value, "", text},
#include "config.def"
};
const int nl_key_count = sizeof nl_keys / sizeof *nl_keys;

int nl_key_find(const char *section, const char *name)
{
    for (int k = 0; k < nl_key_count; k++)
        if ((!section || strcmp(section, nl_keys[k].section) == 0) && strcmp(name, nl_keys[k].name) == 0)
            return k;
    return -1;
}

int nl_key_named(const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot)
        return nl_key_find(NULL, name);
    char section[32];
    snprintf(section, sizeof section, "%.*s", (int)(dot - name), name);
    return nl_key_find(section, dot + 1);
}

bool nl_section_exists(const char *name, size_t length)
{
    for (int k = 0; k < nl_key_count; k++)
        if (strlen(nl_keys[k].section) == length && strncmp(nl_keys[k].section, name, length) == 0)
            return true;
    return length == 5 && strncmp(name, "sweep", length) == 0;
}

const char *nl_config_key_name(int key)
{
    return nl_keys[key].name;
}

const char *nl_config_key_unit(int key)
{
    return nl_keys[key].unit;
}

const char *nl_config_key_text(int key)
{
    return nl_keys[key].text;
}
