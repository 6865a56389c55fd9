/* The keys of host/config.def as a table, for what reads and prints configurations. */
#ifndef NL_CONFIG_KEYS_H
#define NL_CONFIG_KEYS_H

#include <stddef.h>

#include "nanolase/config.h"

typedef enum { KEY_REAL, KEY_INT, KEY_AUTO_REAL, KEY_AUTO_INT, KEY_CHOICE, KEY_FLAG, KEY_TEXT } nl_key_type;

typedef struct nl_key {
    const char *section, *name;
    nl_key_type type;
    size_t offset; /* of the field in nl_config */
    double value, low, high;
    const char *words; /* CHOICE: the words; TEXT: the default */
    const char *unit, *text;
} nl_key;

extern const nl_key nl_keys[];
extern const int nl_key_count;

/* Index of SECTION, NAME; -1 where there is none. NULL section: any. */
int nl_key_find(const char *section, const char *name);
/* The key of "name" or "section.name"; -1 where there is none. */
int nl_key_named(const char *name);
/* Whether name[0, length) is a section that may stand in a file. */
bool nl_section_exists(const char *name, size_t length);
static inline bool nl_key_is_numeric(const nl_key *key)
{
    return key->type <= KEY_AUTO_INT;
}
static inline bool nl_key_is_whole(const nl_key *key)
{
    return key->type == KEY_INT || key->type == KEY_AUTO_INT;
}
static inline bool nl_key_may_be_auto(const nl_key *key)
{
    return key->type == KEY_AUTO_REAL || key->type == KEY_AUTO_INT;
}
static inline void *nl_key_field(nl_config *config, const nl_key *key)
{
    return (char *)config + key->offset;
}
static inline const void *nl_key_value(const nl_config *config, const nl_key *key)
{
    return (const char *)config + key->offset;
}

/* Where each key got its value: line 0 is the default, -1 an override. */
typedef struct nl_key_origin {
    int line;
    char override[80];
} nl_key_origin;

/* Parses linspace(a, b, n) | logspace(log10 a, log10 b, n) | v1, v2, ...; the caller frees *values.
 * On failure *why says what is wrong. */
int nl_parse_axis(const char *text, double **values, const char **why);
/* Parses a whole string as one finite number. */
bool nl_parse_number(const char *text, double *out);

#endif
