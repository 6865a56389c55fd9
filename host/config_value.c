#include "config_value.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "config_lines.h"

static bool refuse(nl_reason *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(nl_reason *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

bool nl_key_allows(const nl_key *key, double value, nl_reason *why)
{
    if (value >= key->low && value <= key->high)
        return true;
    if (key->low == NL_ABOVE_ZERO)
        return refuse(why, "%s = %g is out of range; it must be above 0 and at most %g", key->name, value, key->high);
    return refuse(why, "%s = %g is out of range; it must be between %g and %g", key->name, value, key->low, key->high);
}

static bool parse_numeric(const nl_key *key, const char *text, double *out, nl_reason *why)
{
    if (!nl_parse_number(text, out))
        return refuse(why, "%s = '%.100s' is not a finite number; give %s%s", key->name, text,
                      nl_key_is_whole(key) ? "a whole number" : "a number", nl_key_may_be_auto(key) ? " or auto" : "");
    if (nl_key_is_whole(key) && *out != floor(*out))
        return refuse(why, "%s = %.100s is not a whole number; give one", key->name, text);
    return nl_key_allows(key, *out, why);
}

void nl_key_store_number(nl_config *config, const nl_key *key, double value)
{
    if (nl_key_is_whole(key))
        *(int *)nl_key_field(config, key) = (int)value;
    else
        *(double *)nl_key_field(config, key) = value;
}

static bool set_choice(nl_config *config, const nl_key *key, const char *text, nl_reason *why)
{
    const size_t length = strlen(text);
    int index = 0;
    for (const char *word = key->words; word; word = strchr(word, '|') ? strchr(word, '|') + 1 : NULL, index++)
        if (strcspn(word, "|") == length && strncmp(word, text, length) == 0) {
            *(int *)nl_key_field(config, key) = index;
            return true;
        }
    return refuse(why, "%s = '%.100s' is unknown; use one of %s", key->name, text, key->words);
}

static bool set_flag(nl_config *config, const nl_key *key, const char *text, nl_reason *why)
{
    const bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    const bool no = strcmp(text, "no") == 0 || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    if (!yes && !no)
        return refuse(why, "%s = '%.100s' is neither yes nor no; use one of them", key->name, text);
    *(bool *)nl_key_field(config, key) = yes;
    return true;
}

static bool set_text(nl_config *config, const nl_key *key, const char *text, nl_reason *why)
{
    if (!*text)
        return refuse(why, "%s is empty; give a file name", key->name);
    const size_t most = NL_LINE_CHARS - strlen(key->name) - 4; /* as the resolved configuration prints it */
    if (strlen(text) > most)
        return refuse(why, "%s is longer than %zu characters; use a shorter name, or -o", key->name, most);
    if (*text == ';' || strstr(text, " ;") || strstr(text, "\t;"))
        return refuse(why, "%s has a ; after a blank, which begins a comment in a file; use another name, or -o",
                      key->name);
    strcpy(nl_key_field(config, key), text);
    return true;
}

bool nl_key_set(nl_config *config, const nl_key *key, const char *text, nl_reason *why)
{
    double value = key->value;
    switch (key->type) {
    case KEY_CHOICE: return set_choice(config, key, text, why);
    case KEY_FLAG: return set_flag(config, key, text, why);
    case KEY_TEXT: return set_text(config, key, text, why);
    default: break;
    }
    const bool is_auto = nl_key_may_be_auto(key) && strcmp(text, "auto") == 0; /* which is their default */
    if (!is_auto && !parse_numeric(key, text, &value, why))
        return false;
    nl_key_store_number(config, key, value);
    return true;
}

void nl_key_set_default(nl_config *config, const nl_key *key)
{
    switch (key->type) {
    case KEY_REAL:
    case KEY_INT:
    case KEY_AUTO_REAL:
    case KEY_AUTO_INT: nl_key_store_number(config, key, key->value); break;
    case KEY_CHOICE: *(int *)nl_key_field(config, key) = (int)key->value; break;
    case KEY_FLAG: *(bool *)nl_key_field(config, key) = key->value != 0; break;
    case KEY_TEXT: strcpy(nl_key_field(config, key), key->words); break;
    }
}
