/* Writes the HDF5 file of a result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "h5.h"
#include "nanolase/result.h"
#include "new_file.h"
#include "result_columns.h"
#include "version.h"

/* The shape and scales of the sweep, to which datasets add their own dimensions. */
typedef struct frame {
    const nl_result *result;
    hid_t file;
    int rank;
    hsize_t shape[NL_MAX_AXES];
    hid_t scale[NL_MAX_AXES];
    hid_t time; /* dimension scale of evolve runs, else below 0 */
    bool ok;
} frame;

static nl_h5_dataset framed(const frame *f, const char *name, const char *units, const char *description)
{
    nl_h5_dataset d = {.name = name, .units = units, .description = description, .rank = f->rank};
    for (int a = 0; a < f->rank; a++) {
        d.shape[a] = f->shape[a];
        d.scale[a] = f->scale[a];
    }
    return d;
}

static void add_dimension(nl_h5_dataset *d, hsize_t length, hid_t scale)
{
    d->shape[d->rank] = length;
    d->scale[d->rank++] = scale;
}

static void put(frame *f, hid_t group, const nl_h5_dataset *d, hid_t type, const void *data)
{
    hid_t set = f->ok ? nl_h5_write(group, d, type, data) : -1;
    f->ok = f->ok && set >= 0;
    if (set >= 0)
        H5Dclose(set);
}

static void write_axes(frame *f)
{
    const nl_config *config = f->result->config;
    hid_t group = nl_h5_new_group(f->file, "axes");
    f->ok = f->ok && group >= 0;
    for (int a = 0; a < config->n_axes && f->ok; a++) {
        const nl_axis *axis = &config->axes[a];
        const nl_h5_dataset d = {.name = nl_config_key_name(axis->key), .units = nl_config_key_unit(axis->key),
                                 .description = nl_config_key_text(axis->key), .rank = 1,
                                 .shape = {(hsize_t)axis->count}};
        f->shape[a] = (hsize_t)axis->count;
        f->scale[a] = nl_h5_write_scale(group, &d, axis->values);
        f->ok = f->scale[a] >= 0;
        f->rank = a + 1;
    }
    if (group >= 0)
        H5Gclose(group);
}

static void write_time(frame *f)
{
    const nl_h5_dataset d = {.name = "time", .units = "1/kappa", .description = "saved times", .rank = 1,
                             .shape = {(hsize_t)f->result->n_times}};
    f->time = -1;
    if (f->result->config->run_mode != NL_MODE_EVOLVE)
        return;
    f->time = nl_h5_write_scale(f->file, &d, f->result->times);
    f->ok = f->ok && f->time >= 0;
}

/* Picks observable k of every point and time out of the record, as reals or as complex pairs. */
static void gather(const nl_result *result, int k, double *out)
{
    const size_t count = (size_t)result->n_points * result->n_times;
    for (size_t x = 0; x < count; x++) {
        const nl_value value = result->values[x * result->n_observables + k];
        if (result->observables[k]->is_complex) {
            out[2 * x] = value.re;
            out[2 * x + 1] = value.im;
        } else {
            out[x] = value.re;
        }
    }
}

static void write_observables(frame *f, hid_t complex_type)
{
    const nl_result *result = f->result;
    const bool series = f->time >= 0;
    hid_t group = nl_h5_new_group(f->file, series ? "series" : "observables");
    double *column = malloc(2 * (size_t)result->n_points * result->n_times * sizeof *column);
    f->ok = f->ok && group >= 0 && column;
    for (int k = 0; k < result->n_observables && f->ok; k++) {
        const nl_observable *o = result->observables[k];
        nl_h5_dataset d = framed(f, o->name, o->units, o->description);
        if (series)
            add_dimension(&d, (hsize_t)result->n_times, f->time);
        gather(result, k, column);
        put(f, group, &d, o->is_complex ? complex_type : H5T_NATIVE_DOUBLE, column);
    }
    free(column);
    if (group >= 0)
        H5Gclose(group);
}

/* Texts of one length, which is that of the longest: those have checksums. */
static void write_reasons(frame *f, hid_t group)
{
    enum { MOST = 200 };
    const nl_result *result = f->result;
    char words[MOST];
    size_t length = 1;
    for (int p = 0; p < result->n_points; p++) {
        nl_outcome_words(&result->outcomes[p], words, sizeof words);
        length = strlen(words) + 1 > length ? strlen(words) + 1 : length;
    }
    char *texts = calloc((size_t)result->n_points, length);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length);
    f->ok = f->ok && texts;
    for (int p = 0; p < result->n_points && f->ok; p++) {
        nl_outcome_words(&result->outcomes[p], words, sizeof words);
        memcpy(texts + (size_t)p * length, words, strlen(words) + 1);
    }
    const nl_h5_dataset d = framed(f, "reason", "1", "why a point is not converged");
    put(f, group, &d, type, texts);
    H5Tclose(type);
    free(texts);
}

static void write_convergence(frame *f)
{
    const nl_result *result = f->result;
    hid_t group = nl_h5_new_group(f->file, "convergence");
    double *column = malloc((size_t)result->n_points * sizeof *column);
    f->ok = f->ok && group >= 0 && column;
    for (int c = 0; c < nl_column_count && f->ok; c++) {
        const nl_h5_dataset d = framed(f, nl_columns[c].name, nl_columns[c].units, nl_columns[c].description);
        for (int p = 0; p < result->n_points; p++)
            column[p] = nl_columns[c].get(&result->outcomes[p]);
        if (nl_columns[c].is_integer) {
            long long *whole = (long long *)column;
            for (int p = 0; p < result->n_points; p++)
                whole[p] = (long long)column[p];
            put(f, group, &d, H5T_NATIVE_LLONG, whole);
        } else {
            put(f, group, &d, H5T_NATIVE_DOUBLE, column);
        }
    }
    write_reasons(f, group);
    free(column);
    if (group >= 0)
        H5Gclose(group);
}

/* One field with its coordinate; two dimensions share it. */
static void write_field(frame *f, hid_t group, int k, hid_t complex_type)
{
    const nl_field *field = &f->result->fields[k];
    double *values = malloc((size_t)field->length * sizeof *values);
    const nl_h5_dataset grid = {.name = field->scale, .units = field->scale_units,
                                .description = field->scale_description, .rank = 1,
                                .shape = {(hsize_t)field->length}};
    f->ok = f->ok && values;
    for (int i = 0; i < field->length && f->ok; i++)
        values[i] = field->scale_first + field->scale_step * i;
    const bool exists = f->ok && H5Lexists(group, field->scale, H5P_DEFAULT) > 0;
    hid_t scale = !f->ok ? -1 : exists ? H5Dopen2(group, field->scale, H5P_DEFAULT)
                                       : nl_h5_write_scale(group, &grid, values);
    f->ok = f->ok && scale >= 0;
    nl_h5_dataset d = framed(f, field->name, field->units, field->description);
    for (int r = 0; r < field->rank; r++)
        add_dimension(&d, (hsize_t)field->length, scale);
    put(f, group, &d, field->is_complex ? complex_type : H5T_NATIVE_DOUBLE, f->result->field_data[k]);
    if (scale >= 0)
        H5Dclose(scale);
    free(values);
}

static void write_fields(frame *f, hid_t complex_type)
{
    hid_t group = nl_h5_new_group(f->file, "fields");
    f->ok = f->ok && group >= 0;
    for (int k = 0; k < f->result->n_fields; k++)
        write_field(f, group, k, complex_type);
    if (group >= 0)
        H5Gclose(group);
}

static void axis_names(const nl_config *config, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int a = 0; a < config->n_axes && used < size; a++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", a ? "," : "",
                                 nl_config_key_name(config->axes[a].key));
}

static void now(char out[32])
{
    const time_t t = time(NULL);
    struct tm utc;
    gmtime_r(&t, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void write_root(frame *f, const nl_provenance *from)
{
    char axes[NL_MAX_AXES * 32], end[32];
    const nl_config *config = f->result->config;
    axis_names(config, axes, sizeof axes);
    now(end);
    const struct {
        const char *name, *text;
    } texts[] = {{NL_RESULT_MARK, "1"},
                 {"config", from->config_text},
                 {"name", from->name},
                 {"equation", f->result->model_name},
                 {"mode", config->run_mode == NL_MODE_EVOLVE ? "evolve" : "steady"},
                 {"axes", axes},
                 {"version", NL_VERSION},
                 {"commit", NL_COMMIT},
                 {"backend", from->backend},
                 {"device", from->device},
                 {"precision", config->run_precision == NL_SINGLE ? "single" : "double"},
                 {"start_time", from->start},
                 {"end_time", end}};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        f->ok = f->ok && nl_h5_write_text(f->file, texts[k].name, texts[k].text);
    f->ok = f->ok && nl_h5_write_int(f->file, "threads", from->threads) &&
            nl_h5_write_int(f->file, "ranks", from->ranks);
}

/* Once more what the root's attribute says, where it has a checksum, as texts of any length there have not. */
static void write_configuration(frame *f, const char *text)
{
    const nl_h5_dataset d = {.name = NL_RESULT_CONFIGURATION, .units = "1", .rank = 1, .shape = {strlen(text)},
                             .scale = {-1},
                             .description = "characters of the configuration, which --resume compares"};
    put(f, f->file, &d, H5T_NATIVE_UCHAR, text);
}

static bool make_image(const nl_result *result, const nl_provenance *from, nl_h5_image *image)
{
    frame f = {.result = result, .time = -1, .ok = true};
    f.file = nl_h5_new_image(image);
    if (f.file < 0)
        return false;
    hid_t complex_type = nl_h5_complex_type();
    write_root(&f, from);
    write_configuration(&f, from->config_text);
    write_axes(&f);
    write_time(&f);
    write_observables(&f, complex_type);
    write_convergence(&f);
    if (result->n_fields)
        write_fields(&f, complex_type);
    for (int a = 0; a < f.rank; a++)
        if (f.scale[a] >= 0)
            H5Dclose(f.scale[a]);
    if (f.time >= 0)
        H5Dclose(f.time);
    H5Tclose(complex_type);
    return nl_h5_finish_image(f.file, image) && f.ok;
}

nl_status nl_result_write(const nl_result *result, const nl_provenance *from, const char *path, bool keep_previous)
{
    nl_h5_image image = {0};
    nl_new_file file;
    nl_h5_quiet();
    nl_status status = make_image(result, from, &image)
                           ? nl_new_file_open(path, &file)
                           : nl_fail(NL_ERR_MEMORY, "%s: there is no memory to put the results together", path);
    if (status == NL_OK)
        status = nl_new_file_write(&file, image.bytes, image.size);
    if (status == NL_OK)
        status = nl_new_file_commit(&file, keep_previous);
    free(image.bytes);
    return status;
}
