/* `nanolase show`: reads a result file as columns and prints them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "h5.h"
#include "nanolase/result.h"
#include "result_columns.h"
#include "result_summary.h"

enum { MAX_COLUMNS = 96, NAME_MAX_CHARS = 64 };
static const size_t MAX_ROWS = (size_t)1 << 48; /* far more than any run has, far less than a size_t */

/* One printed column. Its value in row x stands at data[(x / repeat) % count]: axes, times and per-point values are
 * stored once and repeat. */
typedef struct column {
    char name[NAME_MAX_CHARS];
    bool is_complex, is_integer;
    size_t repeat, count;
    double *data;
} column;

typedef struct table {
    hid_t file;
    bool series;
    size_t points, times;
    int n_axes; /* the first columns */
    int n_columns;
    column columns[MAX_COLUMNS];
} table;

static void table_release(table *t)
{
    for (int c = 0; c < t->n_columns; c++)
        free(t->columns[c].data);
    if (t->file >= 0)
        H5Fclose(t->file);
}

/* Of a column, as every key and observable has: nothing that a terminal or a reader of CSV would take for more. */
static bool is_name(const char *name)
{
    const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length < NAME_MAX_CHARS && name[length] == '\0';
}

static bool add_column(table *t, hid_t group, const char *name, size_t count, size_t repeat, bool is_integer)
{
    if (t->n_columns == MAX_COLUMNS || !is_name(name) || nl_h5_count(group, name) != count)
        return false;
    column *c = &t->columns[t->n_columns];
    *c = (column){.is_complex = nl_h5_is_complex(group, name), .is_integer = is_integer, .repeat = repeat,
                  .count = count};
    snprintf(c->name, sizeof c->name, "%s", name);
    c->data = malloc((c->is_complex ? 2 : 1) * count * sizeof *c->data);
    if (!c->data)
        return false;
    t->n_columns++;
    hid_t complex_type = nl_h5_complex_type();
    const bool ok = nl_h5_read(group, name, c->is_complex ? complex_type : H5T_NATIVE_DOUBLE, count, c->data);
    H5Tclose(complex_type);
    return ok;
}

static herr_t collect_axis(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)info;
    table *t = user;
    const size_t count = nl_h5_count(group, name);
    if (count == 0 || count > MAX_ROWS / t->times / t->points)
        return -1;
    t->points *= count;
    return add_column(t, group, name, count, 1, false) ? 0 : -1;
}

/* Axes in sweep order, in which they were written; the last varies fastest. */
static bool add_axes(table *t)
{
    hid_t group = H5Gopen2(t->file, "axes", H5P_DEFAULT);
    if (group < 0)
        return false;
    t->points = 1;
    const bool ok = H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, collect_axis, t) >= 0;
    H5Gclose(group);
    t->n_axes = t->n_columns;
    size_t repeat = t->times;
    for (int c = t->n_columns - 1; c >= 0; c--) {
        t->columns[c].repeat = repeat;
        repeat *= t->columns[c].count;
    }
    return ok;
}

static herr_t collect_name(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)info;
    table *t = user;
    return add_column(t, group, name, t->points * t->times, 1, false) ? 0 : -1;
}

static bool add_observables(table *t)
{
    hid_t group = H5Gopen2(t->file, t->series ? "series" : "observables", H5P_DEFAULT);
    if (group < 0)
        return false;
    const bool ok = H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, collect_name, t) >= 0;
    H5Gclose(group);
    return ok;
}

static bool add_convergence(table *t)
{
    hid_t group = H5Gopen2(t->file, "convergence", H5P_DEFAULT);
    bool ok = group >= 0;
    for (int c = 0; c < nl_column_count && ok; c++)
        if (nl_columns[c].in_csv)
            ok = add_column(t, group, nl_columns[c].name, t->points, t->times, nl_columns[c].is_integer);
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

static bool load(table *t)
{
    t->series = H5Lexists(t->file, "series", H5P_DEFAULT) > 0;
    t->times = t->series ? nl_h5_count(t->file, "time") : 1;
    bool ok = H5Aexists(t->file, NL_RESULT_MARK) > 0 && t->times > 0 && t->times < MAX_ROWS && add_axes(t);
    if (ok && t->series) {
        ok = add_column(t, t->file, "time", t->times, 1, false);
        if (ok)
            strcpy(t->columns[t->n_columns - 1].name, "t");
    }
    return ok && add_observables(t) && add_convergence(t);
}

/* ---- printing ---- */

static const double *cell(const column *c, size_t row)
{
    return c->data + (row / c->repeat) % c->count * (c->is_complex ? 2 : 1);
}

/* One spelling of what is no number, whose sign means nothing. */
static void print_number(double x, FILE *f)
{
    if (isnan(x))
        fputs("nan", f);
    else
        fprintf(f, "%.17g", x);
}

static void print_csv(const table *t, FILE *f)
{
    for (int c = 0; c < t->n_columns; c++) {
        const char *name = t->columns[c].name, *comma = c ? "," : "";
        if (t->columns[c].is_complex)
            fprintf(f, "%s%s_re,%s_im", comma, name, name);
        else
            fprintf(f, "%s%s", comma, name);
    }
    fputc('\n', f);
    for (size_t row = 0; row < t->points * t->times; row++) {
        for (int c = 0; c < t->n_columns; c++) {
            const double *x = cell(&t->columns[c], row);
            fputs(c ? "," : "", f);
            if (t->columns[c].is_integer)
                fprintf(f, "%.0f", x[0]);
            else
                print_number(x[0], f);
            if (t->columns[c].is_complex) {
                fputc(',', f);
                print_number(x[1], f);
            }
        }
        fputc('\n', f);
    }
}

static int width_of(const column *c)
{
    const int name = (int)strlen(c->name), least = c->is_complex ? 22 : c->is_integer ? 6 : 11;
    return name > least ? name : least;
}

/* Rounding noise in one part of a complex number says nothing to people. */
static double part(const double *x, int which)
{
    return fabs(x[which]) < 1e-13 * fabs(x[1 - which]) ? 0 : x[which];
}

static void print_cell(const column *c, size_t row, FILE *f)
{
    char text[64];
    const double *x = cell(c, row);
    if (c->is_integer)
        snprintf(text, sizeof text, "%.0f", x[0]);
    else if (c->is_complex)
        snprintf(text, sizeof text, "%.6g %+.6gi", part(x, 0), part(x, 1));
    else
        snprintf(text, sizeof text, "%.6g", x[0]);
    fprintf(f, "  %*s", width_of(c), text);
}

/* "t_c = 0.5, phi2 = 0" */
static void write_place(const void *user, size_t point, char *out, size_t size)
{
    const table *t = user;
    size_t used = 0;
    out[0] = '\0';
    for (int c = 0; c < t->n_axes && used < size; c++)
        used += (size_t)snprintf(out + used, size - used, "%s%s = %.6g", c ? ", " : "", t->columns[c].name,
                                 cell(&t->columns[c], point * t->times)[0]);
}

static bool print_table(const table *t, const char *path, FILE *f)
{
    size_t converged = 0;
    for (int c = 0; c < t->n_columns; c++)
        fprintf(f, "  %*s", width_of(&t->columns[c]), t->columns[c].name);
    fputc('\n', f);
    for (size_t row = 0; row < t->points * t->times; row++) {
        for (int c = 0; c < t->n_columns; c++)
            print_cell(&t->columns[c], row, f);
        fputc('\n', f);
    }
    for (int c = 0; c < t->n_columns; c++)
        for (size_t p = 0; strcmp(t->columns[c].name, "converged") == 0 && p < t->points; p++)
            converged += t->columns[c].data[p] != 0;
    const bool ok = nl_result_summarise(t->file, t->points, write_place, t, f);
    fprintf(f, "%s: %zu of %zu points %s\n", path, converged, t->points, t->series ? "complete" : "converged");
    return ok;
}

nl_status nl_result_show(const char *path, bool csv, FILE *f)
{
    table t = {.file = nl_h5_open(path)};
    if (t.file < 0)
        return nl_fail(NL_ERR_FILE, "%s: is missing or not an HDF5 file; give a result of `nanolase run`", path);
    bool ok = load(&t);
    if (ok && csv)
        print_csv(&t, f);
    else if (ok)
        ok = print_table(&t, path, f);
    table_release(&t);
    return ok ? NL_OK : nl_fail(NL_ERR_FILE, "%s: is not a complete result of `nanolase run`", path);
}
