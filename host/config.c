/* Reads a configuration: inih calls in, each value is checked where it stands. */
#include "nanolase/config.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_lines.h"
#include "config_value.h"

enum { MAX_POINTS = 10000000, OVERRIDE_SHOWN = 100 /* characters */ };

typedef struct reader {
    nl_config *config;
    nl_lines lines;        /* line 0 while overrides are read */
    const char *override;  /* text of the override being read, NULL in the file */
    nl_status status;
} reader;

/* ---- errors ---- */

static nl_status fail_at(const char *place, const char *format, va_list args)
{
    char text[600];
    vsnprintf(text, sizeof text, format, args);
    return nl_fail(NL_ERR_CONFIG, "%s: %s", place, text);
}

static nl_status fail_here(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static nl_status fail_here(reader *r, const char *format, ...)
{
    char place[NL_TEXT_MAX + 32];
    va_list args;
    if (r->override)
        snprintf(place, sizeof place, "-s %.*s%s", OVERRIDE_SHOWN, r->override,
                 strlen(r->override) > OVERRIDE_SHOWN ? "..." : "");
    else
        snprintf(place, sizeof place, "%s:%d", r->config->path, r->lines.line);
    va_start(args, format);
    r->status = fail_at(place, format, args);
    va_end(args);
    return r->status;
}

nl_status nl_config_fail(const nl_config *config, const char *key, const char *format, ...)
{
    char place[NL_TEXT_MAX + 100];
    const int k = nl_key_named(key);
    const nl_key_origin *origin = &config->origins[k];
    const nl_axis *axis = nl_config_axis(config, key);
    if (axis && axis->line > 0)
        snprintf(place, sizeof place, "%s:%d", config->path, axis->line);
    else if (axis)
        snprintf(place, sizeof place, "-s sweep.%s=%.60s", nl_keys[k].name, axis->text);
    else if (origin->line > 0)
        snprintf(place, sizeof place, "%s:%d", config->path, origin->line);
    else if (origin->line < 0)
        snprintf(place, sizeof place, "-s %s", origin->override);
    else
        snprintf(place, sizeof place, "%s", config->path);
    va_list args;
    va_start(args, format);
    const nl_status status = fail_at(place, format, args);
    va_end(args);
    return status;
}

/* ---- sweep axes ---- */

/* The axis of this key, or a new one; an override replaces the file's axis and keeps its place. */
static nl_axis *make_axis(reader *r, int key)
{
    nl_config *config = r->config;
    nl_axis *axis = NULL;
    for (int a = 0; a < config->n_axes; a++)
        if (config->axes[a].key == key)
            axis = &config->axes[a];
    if (axis && !r->override && !r->lines.continues) {
        fail_here(r, "the sweep over %s was given in line %d already; keep one", nl_keys[key].name, axis->line);
        return NULL;
    }
    if (axis)
        return axis;
    if (config->n_axes == NL_MAX_AXES) {
        fail_here(r, "more than %d sweep axes; make several runs", NL_MAX_AXES);
        return NULL;
    }
    config->axes[config->n_axes] = (nl_axis){.key = key};
    return &config->axes[config->n_axes++];
}

static void remove_axis(nl_config *config, int key)
{
    int left = 0;
    for (int a = 0; a < config->n_axes; a++) {
        if (config->axes[a].key == key)
            free(config->axes[a].values);
        else
            config->axes[left++] = config->axes[a];
    }
    config->n_axes = left;
}

static nl_status check_axis_values(reader *r, const nl_key *key, const double *values, int count)
{
    nl_reason why;
    for (int v = 0; v < count; v++) {
        if (nl_key_is_whole(key) && values[v] != floor(values[v]))
            return fail_here(r, "sweep of %s: %g is not a whole number; give whole ones", key->name, values[v]);
        if (!nl_key_allows(key, values[v], &why))
            return fail_here(r, "%s", why.text);
    }
    return NL_OK;
}

/* Values of a line that goes on with a list come after those that are there. */
static nl_status store_axis(reader *r, nl_axis *axis, double *values, int count, const char *text)
{
    const int kept = r->lines.continues ? axis->count : 0;
    if (count > MAX_POINTS - kept)
        return fail_here(r, "the sweep has more than %d values; make several runs", MAX_POINTS);
    double *all = realloc(axis->values, (size_t)(kept + count) * sizeof *all);
    if (!all)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a sweep axis");
    memcpy(all + kept, values, (size_t)count * sizeof *all);
    axis->values = all;
    axis->count = kept + count;
    axis->line = r->override ? -1 : kept ? axis->line : r->lines.line;
    const bool fits = !kept && strlen(text) < NL_LINE_CHARS / 2;
    snprintf(axis->text, sizeof axis->text, "%s", fits ? text : "");
    return NL_OK;
}

static nl_status set_axis(reader *r, const char *name, const char *text)
{
    const int k = nl_key_named(name);
    if (k < 0)
        return fail_here(r, "cannot sweep '%s': there is no such key; `nanolase keys` lists them", name);
    if (!nl_key_is_numeric(&nl_keys[k]))
        return fail_here(r, "cannot sweep '%s': it is not a number; sweep a numeric key", name);
    if (strcmp(nl_keys[k].section, "run") == 0)
        return fail_here(r, "cannot sweep '%s': all points share their saved times; make one run for each", name);
    const char *why = "";
    double *values = NULL;
    const int count = nl_parse_axis(text, &values, &why);
    if (count < 0)
        return fail_here(r, "sweep of %s: %s; use linspace(a, b, n), logspace(log10 a, log10 b, n) or v1, v2, ...",
                         name, why);
    nl_status status = check_axis_values(r, &nl_keys[k], values, count);
    nl_axis *axis = status == NL_OK ? make_axis(r, k) : NULL;
    if (axis)
        status = store_axis(r, axis, values, count, text);
    free(values);
    return axis ? status : r->status;
}

/* ---- file and overrides ---- */

static nl_status assign(reader *r, const char *section, const char *name, const char *value)
{
    if (strcmp(section, "sweep") == 0)
        return set_axis(r, name, value);
    const int k = nl_key_find(section, name);
    if (k < 0) {
        if (!*section)
            return fail_here(r, "'%s' stands before any [section]; put it below the one it belongs to", name);
        if (!nl_section_exists(section, strlen(section)))
            return fail_here(r, "unknown section [%s]; `nanolase keys` lists sections and keys", section);
        return fail_here(r, "unknown key '%s' in [%s]; `nanolase keys` lists them", name, section);
    }
    nl_key_origin *origin = &r->config->origins[k];
    nl_reason why;
    if (!r->override && origin->line > 0)
        return fail_here(r, "%s was given in line %d already; keep one", name, origin->line);
    if (r->lines.continues && !r->override)
        return fail_here(r, "only a sweep's list of values may go on in the next line");
    if (!nl_key_set(r->config, &nl_keys[k], value, &why))
        return fail_here(r, "%s", why.text);
    if (r->override)
        remove_axis(r->config, k); /* the last word on this key */
    origin->line = r->override ? -1 : r->lines.line;
    snprintf(origin->override, sizeof origin->override, "%s", r->override ? r->override : "");
    return NL_OK;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
    return assign(user, section, name, value) == NL_OK;
}

static char *read_line(char *buffer, int size, void *user)
{
    reader *r = user;
    char *line = r->status == NL_OK ? nl_lines_next(&r->lines, buffer, size) : NULL;
    if (r->status == NL_OK && r->lines.fault[0])
        fail_here(r, "%s", r->lines.fault);
    return line;
}

static nl_status read_file(reader *r)
{
    r->lines.file = fopen(r->config->path, "r");
    if (!r->lines.file)
        return nl_fail(NL_ERR_CONFIG, "%s: %s; give the path of a configuration file", r->config->path,
                       strerror(errno));
    const int result = ini_parse_stream(read_line, r, on_value, r);
    const bool read_error = ferror(r->lines.file) != 0;
    fclose(r->lines.file);
    if (r->status != NL_OK)
        return r->status;
    if (read_error)
        return nl_fail(NL_ERR_CONFIG, "%s: cannot be read; give the path of a configuration file", r->config->path);
    if (result > 0) {
        r->lines.line = result;
        return fail_here(r, "this is neither [section], key = value nor a comment");
    }
    return result == 0 ? NL_OK : nl_fail(NL_ERR_MEMORY, "%s: out of memory", r->config->path);
}

static nl_status read_override(reader *r, const char *text)
{
    char section[32], name[64];
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    r->override = text;
    r->lines.continues = false;
    if (!dot || !equals || dot > equals || (size_t)(dot - text) >= sizeof section ||
        (size_t)(equals - dot) >= sizeof name)
        return fail_here(r, "this is no override; write SECTION.KEY=VALUE");
    if (nl_control_char(text))
        return fail_here(r, "an override is one line of text, and byte %d of this is 0x%02x",
                         (int)(nl_control_char(text) - text) + 1, (unsigned char)*nl_control_char(text));
    snprintf(section, sizeof section, "%.*s", (int)(dot - text), text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - dot - 1), dot + 1);
    name[strcspn(name, " \t")] = '\0';
    char *value = strdup(equals + 1 + strspn(equals + 1, " \t"));
    if (!value)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate an override");
    for (size_t end = strlen(value); end > 0 && strchr(" \t", value[end - 1]); end--)
        value[end - 1] = '\0';
    const nl_status status = assign(r, section, name, value);
    free(value);
    return status;
}

static nl_status check_point_count(const nl_config *config)
{
    double points = 1;
    for (int a = 0; a < config->n_axes; a++)
        points *= config->axes[a].count;
    if (points > MAX_POINTS)
        return nl_fail(NL_ERR_CONFIG, "%s: the sweep has %.3g points; at most %d are possible", config->path, points,
                       MAX_POINTS);
    return NL_OK;
}

nl_status nl_config_load(const char *path, const char *const *overrides, int n_overrides, nl_config *out)
{
    nl_config config = {0};
    reader r = {.config = &config};
    if (strlen(path) >= sizeof config.path)
        return nl_fail(NL_ERR_CONFIG, "%.60s...: the path is too long", path);
    strcpy(config.path, path);
    config.origins = calloc((size_t)nl_key_count, sizeof *config.origins);
    if (!config.origins)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the configuration");
    for (int k = 0; k < nl_key_count; k++)
        nl_key_set_default(&config, &nl_keys[k]);
    nl_status status = read_file(&r);
    for (int i = 0; i < n_overrides && status == NL_OK; i++)
        status = read_override(&r, overrides[i]);
    if (status == NL_OK)
        status = check_point_count(&config);
    if (status != NL_OK)
        nl_config_release(&config);
    else
        *out = config;
    return status;
}

void nl_config_release(nl_config *config)
{
    for (int a = 0; a < config->n_axes; a++)
        free(config->axes[a].values);
    free(config->origins);
    config->n_axes = 0;
    config->origins = NULL;
}
