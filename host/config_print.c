/* Configurations as text: the resolved one, which reproduces the run, and the list of all keys. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

/* Prints the word at `index` of "word|word|...". */
static void print_word(FILE *f, const char *words, int index)
{
    // NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker): a choice has words, and more than `index`
    while (index-- > 0)
        words = strchr(words, '|') + 1;
    fprintf(f, "%.*s", (int)strcspn(words, "|"), words);
    // NOLINTEND(clang-analyzer-core.NonNullParamChecker)
}

/* Fewest digits that read back as the same number; whole ones in full. */
static void print_number(FILE *f, double value)
{
    char text[40];
    if (value == floor(value) && fabs(value) < 1e7) {
        fprintf(f, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, f);
}

static void print_value(FILE *f, const nl_key *key, const void *field)
{
    switch (key->type) {
    case KEY_REAL:
    case KEY_AUTO_REAL:
        if (isnan(*(const double *)field))
            fputs("auto", f);
        else
            print_number(f, *(const double *)field);
        break;
    case KEY_INT: fprintf(f, "%d", *(const int *)field); break;
    case KEY_AUTO_INT:
        if (*(const int *)field == 0)
            fputs("auto", f);
        else
            fprintf(f, "%d", *(const int *)field);
        break;
    case KEY_CHOICE: print_word(f, key->words, *(const int *)field); break;
    case KEY_FLAG: fputs(*(const bool *)field ? "yes" : "no", f); break;
    case KEY_TEXT: fputs((const char *)field, f); break;
    }
}

/* A long list goes on in indented lines. */
enum { VALUES_PER_LINE = 6 };

static void print_axes(FILE *f, const nl_config *config)
{
    if (config->n_axes > 0)
        fprintf(f, "\n[sweep]\n");
    for (int a = 0; a < config->n_axes; a++) {
        const nl_axis *axis = &config->axes[a];
        fprintf(f, "%s.%s = %s", nl_keys[axis->key].section, nl_keys[axis->key].name, axis->text);
        for (int v = 0; v < axis->count && !axis->text[0]; v++) {
            fputs(v == 0 ? "" : v % VALUES_PER_LINE ? ", " : "\n    ", f);
            print_number(f, axis->values[v]);
        }
        fputc('\n', f);
    }
}

char *nl_config_text(const nl_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    for (int k = 0; k < nl_key_count; k++) {
        if (k == 0 || strcmp(nl_keys[k].section, nl_keys[k - 1].section) != 0)
            fprintf(f, "%s[%s]\n", k ? "\n" : "", nl_keys[k].section);
        fprintf(f, "%s = ", nl_keys[k].name);
        print_value(f, &nl_keys[k], nl_key_value(config, &nl_keys[k]));
        fputc('\n', f);
    }
    print_axes(f, config);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void print_range(FILE *f, const nl_key *key)
{
    fputs(nl_key_may_be_auto(key) ? "; auto, or " : "; ", f);
    if (key->low == NL_ABOVE_ZERO)
        fprintf(f, "above 0, up to %g", key->high);
    else
        fprintf(f, "%g to %g", key->low, key->high);
    if (key->unit[0])
        fprintf(f, " [%s]", key->unit);
    fputc('\n', f);
}

void nl_config_print_keys(FILE *f)
{
    fprintf(f, "; Every key of nanolase with its default. Rates are in units of kappa.\n");
    nl_config defaults = {0};
    for (int k = 0; k < nl_key_count; k++) {
        const nl_key *key = &nl_keys[k];
        if (k == 0 || strcmp(key->section, nl_keys[k - 1].section) != 0)
            fprintf(f, "\n[%s]\n", key->section);
        fprintf(f, "; %s\n", key->text);
        if (key->words && key->type == KEY_CHOICE)
            fprintf(f, "; one of %s\n", key->words);
        else if (nl_key_is_numeric(key))
            print_range(f, key);
        nl_key_set_default(&defaults, key);
        fprintf(f, "%s = ", key->name);
        print_value(f, key, nl_key_value(&defaults, key));
        fputc('\n', f);
    }
    fprintf(f, "\n[sweep]\n"
               "; any numeric key by its name, or section.name; several axes make a grid, the first varies slowest\n"
               "; linspace(a, b, n) | logspace(log10 a, log10 b, n) | v1, v2, v3\n"
               "; t_c = linspace(0, 4, 41)\n");
}
