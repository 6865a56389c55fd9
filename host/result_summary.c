#include "result_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "h5.h"
#include "nanolase/result.h"

enum { MOST_POINTS = 12 /* listed */, PLACE = 200 };

typedef struct summary {
    hid_t group; /* /convergence */
    size_t points;
    double *status, *numbers;
    nl_place_writer write_place;
    const void *table;
    FILE *out;
} summary;

static bool read_column(const summary *s, const char *name, double *out)
{
    return nl_h5_read(s->group, name, H5T_NATIVE_DOUBLE, s->points, out);
}

/* The largest number of a column, and where; of points that are done. */
static void print_worst(const summary *s, const char *name, const char *what)
{
    size_t worst = s->points;
    char place[PLACE];
    if (!read_column(s, name, s->numbers))
        return;
    for (size_t p = 0; p < s->points; p++)
        if (s->status[p] != NL_POINT_PENDING && !isnan(s->numbers[p]) &&
            (worst == s->points || s->numbers[p] > s->numbers[worst]))
            worst = p;
    if (worst == s->points)
        return;
    s->write_place(s->table, worst, place, sizeof place);
    fprintf(s->out, "  %-22s %.2g%s%s\n", what, s->numbers[worst], *place && s->numbers[worst] > 0 ? " at " : "",
            s->numbers[worst] > 0 ? place : "");
}

static void print_rejected(const summary *s)
{
    double rejected = 0, steps = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (!read_column(s, pass ? "steps" : "rejected", s->numbers))
            return;
        for (size_t p = 0; p < s->points; p++)
            *(pass ? &steps : &rejected) += s->numbers[p];
    }
    fprintf(s->out, "  %-22s %.0f, of %.0f taken\n", "rejected steps", rejected, steps + rejected);
}

/* Texts of one length each; the caller frees. */
static char *read_reasons(const summary *s, size_t *length)
{
    hid_t set = H5Lexists(s->group, "reason", H5P_DEFAULT) > 0 ? H5Dopen2(s->group, "reason", H5P_DEFAULT) : -1;
    hid_t type = set >= 0 ? H5Dget_type(set) : -1;
    const size_t size = type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0
                            ? H5Tget_size(type)
                            : 0;
    char *texts = size > 0 && size < 1000 ? calloc(s->points * size + 1, 1) : NULL;
    if (texts && !nl_h5_read(s->group, "reason", type, s->points, texts)) {
        free(texts);
        texts = NULL;
    }
    if (type >= 0)
        H5Tclose(type);
    if (set >= 0)
        H5Dclose(set);
    for (size_t k = 0; texts && k < s->points * size; k++) /* nothing that a terminal would take for more */
        texts[k] = texts[k] == '\0' || (texts[k] >= ' ' && texts[k] <= '~') ? texts[k] : '?';
    *length = size;
    return texts;
}

static void print_points(const summary *s)
{
    size_t length, listed = 0, wrong = 0;
    char place[PLACE], *reasons = read_reasons(s, &length);
    for (size_t p = 0; p < s->points && reasons; p++) {
        if (s->status[p] == NL_POINT_CONVERGED || s->status[p] == NL_POINT_PENDING || wrong++ >= MOST_POINTS)
            continue;
        s->write_place(s->table, p, place, sizeof place);
        fprintf(s->out, "  point %zu%s%s%s: %.*s\n", p + 1, *place ? " (" : "", place, *place ? ")" : "", (int)length,
                reasons + p * length);
        listed++;
    }
    if (wrong > listed)
        fprintf(s->out, "  and %zu more\n", wrong - listed);
    free(reasons);
}

bool nl_result_summarise(hid_t file, size_t points, nl_place_writer write_place, const void *table, FILE *out)
{
    summary s = {.group = H5Gopen2(file, "convergence", H5P_DEFAULT), .points = points, .write_place = write_place,
                 .table = table, .out = out};
    s.status = malloc(points * sizeof *s.status);
    s.numbers = malloc(points * sizeof *s.numbers);
    const bool ok = s.group >= 0 && s.status && s.numbers && read_column(&s, "status", s.status);
    if (ok) {
        print_worst(&s, "residual", "largest residual");
        print_worst(&s, "distance", "estimated error");
        print_worst(&s, "norm_error", "norm error");
        print_worst(&s, "negativity", "negative part");
        print_rejected(&s);
        print_points(&s);
    }
    if (s.group >= 0)
        H5Gclose(s.group);
    free(s.status);
    free(s.numbers);
    return ok;
}
