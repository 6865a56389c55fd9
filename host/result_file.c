/* The HDF5 file of a result: written whole beside its place and moved there, read back to resume. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "h5.h"
#include "nanolase/result.h"
#include "result_columns.h"
#include "version.h"

static const char *const MARK = "nanolase_result"; /* root attribute that tells our files from others */

/* ---- writing ---- */

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
    } texts[] = {{MARK, "1"},
                 {"config", from->config_text},
                 {"name", from->name},
                 {"equation", f->result->model_name},
                 {"mode", config->run_mode == NL_MODE_EVOLVE ? "evolve" : "steady"},
                 {"axes", axes},
                 {"version", NL_VERSION},
                 {"commit", NL_COMMIT},
                 {"backend", from->backend},
                 {"device", from->device},
                 {"precision", "double"},
                 {"start_time", from->start},
                 {"end_time", end}};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        f->ok = f->ok && nl_h5_write_text(f->file, texts[k].name, texts[k].text);
    f->ok = f->ok && nl_h5_write_int(f->file, "threads", from->threads);
}

static bool write_file(const nl_result *result, const nl_provenance *from, const char *path)
{
    frame f = {.result = result, .time = -1, .ok = true};
    f.file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (f.file < 0)
        return false;
    hid_t complex_type = nl_h5_complex_type();
    write_root(&f, from);
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
    const bool closed = H5Fclose(f.file) >= 0;
    return f.ok && closed;
}

static bool sync_file(const char *path)
{
    const int fd = open(path, O_RDONLY);
    const bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

nl_status nl_result_write(const nl_result *result, const nl_provenance *from, const char *path)
{
    char part[NL_TEXT_MAX + 16];
    snprintf(part, sizeof part, "%s.part", path);
    nl_h5_quiet();
    if (!write_file(result, from, part) || !sync_file(part)) {
        unlink(part);
        return nl_fail(NL_ERR_FILE, "%s: cannot be written; is the disk full?", part);
    }
    if (rename(part, path) != 0) {
        const int reason = errno;
        unlink(part);
        return nl_fail(NL_ERR_FILE, "%s: %s", path, strerror(reason));
    }
    return NL_OK;
}

/* ---- what is at the place already ---- */

static bool is_result_file(const char *path)
{
    nl_h5_quiet();
    if (H5Fis_hdf5(path) <= 0)
        return false;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const bool ours = file >= 0 && H5Aexists(file, MARK) > 0;
    if (file >= 0)
        H5Fclose(file);
    return ours;
}

/* Makes and removes the file that results are written to before they are moved into place. */
static nl_status probe_part(const char *path)
{
    char part[NL_TEXT_MAX + 16];
    snprintf(part, sizeof part, "%s.part", path);
    const int fd = open(part, O_WRONLY | O_CREAT, 0666);
    if (fd < 0)
        return nl_fail(NL_ERR_FILE, "%s cannot be written (%s: %s); choose another name or folder", path, part,
                       strerror(errno));
    close(fd);
    unlink(part);
    return NL_OK;
}

nl_status nl_result_check_writable(const char *path)
{
    struct stat info;
    char folder[NL_TEXT_MAX], kept[NL_TEXT_MAX + 2];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const char *where = slash ? folder : ".";
    if (!*path)
        return nl_fail(NL_ERR_FILE, "the output has no name; give a file name");
    if (stat(where, &info) != 0 || !S_ISDIR(info.st_mode))
        return nl_fail(NL_ERR_FILE, "%s cannot be written: there is no folder %s; create it or choose another", path,
                       where);
    if (access(where, W_OK | X_OK) != 0)
        return nl_fail(NL_ERR_FILE, "%s cannot be written: no permission to write in %s; choose another folder", path,
                       where);
    NL_TRY(probe_part(path));
    if (stat(path, &info) != 0)
        return NL_OK;
    if (S_ISDIR(info.st_mode))
        return nl_fail(NL_ERR_FILE, "%s is a folder; give a file name", path);
    if (!is_result_file(path))
        return nl_fail(NL_ERR_FILE, "%s exists and is not a result of nanolase; choose another name", path);
    snprintf(kept, sizeof kept, "%s~", path);
    if (stat(kept, &info) == 0 && (S_ISDIR(info.st_mode) || !is_result_file(kept)))
        return nl_fail(NL_ERR_FILE, "%s cannot be replaced: %s, which would keep the former result, is no result of "
                                    "nanolase; move it away or choose another name",
                       path, kept);
    return NL_OK;
}

nl_status nl_result_keep_previous(const char *path)
{
    char kept[NL_TEXT_MAX + 2];
    snprintf(kept, sizeof kept, "%s~", path);
    if (access(path, F_OK) != 0)
        return NL_OK;
    /* A second name for the same file: at no instant is there no file at `path`. Where links are not known, a move. */
    if ((unlink(kept) != 0 && errno != ENOENT) || (link(path, kept) != 0 && rename(path, kept) != 0))
        return nl_fail(NL_ERR_FILE, "%s: cannot keep the former result: %s", kept, strerror(errno));
    return NL_OK;
}

/* ---- resuming ---- */

/* The configuration without [output] file, which may differ between the runs. */
static bool same_configuration(const char *a, const char *b)
{
    while (*a && *b) {
        const size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
        const bool both_file = strncmp(a, "file = ", 7) == 0 && strncmp(b, "file = ", 7) == 0;
        if (!both_file && (la != lb || strncmp(a, b, la) != 0))
            return false;
        a += la + (a[la] == '\n');
        b += lb + (b[lb] == '\n');
    }
    return !*a && !*b;
}

static bool read_convergence(nl_result *result, hid_t file)
{
    hid_t group = H5Gopen2(file, "convergence", H5P_DEFAULT);
    double *column = malloc((size_t)result->n_points * sizeof *column);
    bool ok = group >= 0 && column;
    for (int c = 0; c < nl_column_count && ok; c++) {
        ok = nl_h5_read(group, nl_columns[c].name, H5T_NATIVE_DOUBLE, (size_t)result->n_points, column);
        for (int p = 0; p < result->n_points && ok; p++)
            nl_columns[c].set(&result->outcomes[p], column[p]);
    }
    for (int p = 0; p < result->n_points && ok; p++)
        ok = result->outcomes[p].status >= NL_POINT_PENDING && result->outcomes[p].status <= NL_POINT_LEAKED;
    free(column);
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

static bool read_observables(nl_result *result, hid_t file)
{
    const bool series = result->config->run_mode == NL_MODE_EVOLVE;
    const size_t count = (size_t)result->n_points * result->n_times;
    hid_t group = H5Gopen2(file, series ? "series" : "observables", H5P_DEFAULT), complex_type = nl_h5_complex_type();
    nl_value *column = malloc(count * sizeof *column);
    bool ok = group >= 0 && column;
    for (int k = 0; k < result->n_observables && ok; k++) {
        const nl_observable *o = result->observables[k];
        ok = nl_h5_read(group, o->name, o->is_complex ? complex_type : H5T_NATIVE_DOUBLE, count, column);
        for (size_t x = 0; x < count && ok; x++)
            result->values[x * result->n_observables + k] =
                o->is_complex ? column[x] : (nl_value){((double *)column)[x], 0};
    }
    free(column);
    H5Tclose(complex_type);
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

static bool read_fields(nl_result *result, hid_t file)
{
    if (result->n_fields == 0)
        return true;
    hid_t group = H5Gopen2(file, "fields", H5P_DEFAULT), complex_type = nl_h5_complex_type();
    bool ok = group >= 0;
    for (int k = 0; k < result->n_fields && ok; k++) {
        const nl_field *field = &result->fields[k];
        const size_t count = result->n_points * nl_field_len(field) / (field->is_complex ? 2 : 1);
        ok = nl_h5_read(group, field->name, field->is_complex ? complex_type : H5T_NATIVE_DOUBLE, count,
                        result->field_data[k]);
    }
    H5Tclose(complex_type);
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

nl_status nl_result_resume(nl_result *result, const nl_provenance *from, const char *path, int *done)
{
    nl_h5_quiet();
    if (!is_result_file(path))
        return nl_fail(NL_ERR_FILE, "%s: there is no result to resume; run without --resume", path);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    char *config_text = nl_h5_read_text(file, "config");
    const bool same = config_text && same_configuration(config_text, from->config_text);
    const bool ok = same && read_convergence(result, file) && read_observables(result, file) &&
                    read_fields(result, file);
    free(config_text);
    H5Fclose(file);
    if (!same)
        return nl_fail(NL_ERR_FILE, "%s: was made with another configuration; run without --resume, or choose another "
                                    "output file", path);
    if (!ok)
        return nl_fail(NL_ERR_FILE, "%s: is damaged or from another version; run without --resume", path);
    *done = nl_result_count_done(result);
    return NL_OK;
}
