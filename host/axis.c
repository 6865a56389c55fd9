/* Sweep expressions: linspace(a, b, n), logspace(log10 a, log10 b, n), or a list of values. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_keys.h"

enum { MAX_VALUES = 1000000 };

bool nl_parse_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0' && isfinite(*out);
}

/* Splits `text` at commas in place; returns how many parts, -1 for more than max. */
static int split(char *text, char **parts, int max)
{
    int count = 0;
    for (char *part = text; part; count++) {
        char *comma = strchr(part, ',');
        if (count == max)
            return -1;
        parts[count] = part;
        if (comma)
            *comma = '\0';
        part = comma ? comma + 1 : NULL;
    }
    return count;
}

static int parse_range(char *arguments, bool logarithmic, double **values, const char **why)
{
    char *parts[3];
    double a, b, n;
    if (split(arguments, parts, 3) != 3 || !nl_parse_number(parts[0], &a) || !nl_parse_number(parts[1], &b) ||
        !nl_parse_number(parts[2], &n)) {
        *why = "the brackets must hold three numbers";
        return -1;
    }
    if (n != floor(n) || n < 1 || n > MAX_VALUES) {
        *why = "the number of values must be whole, at least 1 and at most 1000000";
        return -1;
    }
    *values = malloc((size_t)n * sizeof **values);
    if (!*values) {
        *why = "out of memory";
        return -1;
    }
    for (int i = 0; i < (int)n; i++) {
        const double x = i == (int)n - 1 && n > 1 ? b : n > 1 ? a + (b - a) * i / (n - 1) : a;
        (*values)[i] = logarithmic ? pow(10, x) : x;
    }
    return (int)n;
}

static int parse_list(char *text, double **values, const char **why)
{
    int capacity = 1;
    for (const char *c = text; *c; c++)
        capacity += *c == ',';
    char **parts = malloc((size_t)capacity * sizeof *parts);
    *values = malloc((size_t)capacity * sizeof **values);
    int count = parts && *values ? split(text, parts, capacity) : -1;
    *why = count < 0 ? "out of memory" : "";
    for (int i = 0; i < count; i++)
        if (!nl_parse_number(parts[i], &(*values)[i])) {
            *why = "a value is not a finite number";
            count = -1;
        }
    free(parts);
    if (count < 0) {
        free(*values);
        *values = NULL;
    }
    return count;
}

int nl_parse_axis(const char *text, double **values, const char **why)
{
    *values = NULL;
    while (isspace((unsigned char)*text))
        text++;
    if (!*text) {
        *why = "it is empty";
        return -1;
    }
    char *copy = strdup(text);
    if (!copy) {
        *why = "out of memory";
        return -1;
    }
    int count;
    const bool lin = strncmp(copy, "linspace(", 9) == 0, log = strncmp(copy, "logspace(", 9) == 0;
    char *close = strrchr(copy, ')');
    if ((lin || log) && (!close || close[1 + strspn(close + 1, " \t")] != '\0')) {
        *why = "the closing bracket is missing";
        count = -1;
    } else if (lin || log) {
        *close = '\0';
        count = parse_range(copy + 9, log, values, why);
    } else {
        count = parse_list(copy, values, why);
    }
    free(copy);
    return count;
}
