/* Looks at what is at the place of a result, and reads it back to resume. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_difference.h"
#include "h5.h"
#include "nanolase/result.h"
#include "new_file.h"
#include "result_columns.h"

/* ---- what is at the place already ---- */

static bool is_result_file(const char *path)
{
    hid_t file = nl_h5_open(path);
    const bool ours = file >= 0 && H5Aexists(file, NL_RESULT_MARK) > 0;
    if (file >= 0)
        H5Fclose(file);
    return ours;
}

/* Makes and removes the file that results are written to before they are moved into place; one that is there already
 * may belong to a run. */
static nl_status probe_part(const char *path)
{
    char part[NL_PATH_MAX];
    struct stat info;
    snprintf(part, sizeof part, "%s.part", path);
    const int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
        close(fd);
        unlink(part);
        return NL_OK;
    }
    if (errno == EEXIST && stat(part, &info) == 0 && !S_ISREG(info.st_mode))
        errno = EISDIR;
    else if (errno == EEXIST && access(part, W_OK) == 0)
        return NL_OK;
    return nl_fail(NL_ERR_FILE, "%s cannot be written (%s: %s); choose another name or folder", path, part,
                   strerror(errno));
}

nl_status nl_result_check_writable(const char *path)
{
    struct stat info;
    char folder[NL_PATH_MAX], kept[NL_PATH_MAX + 2];
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

/* ---- resuming ---- */

/* Counts and marks fit into their integers; the others may be any number. */
static bool fits(const nl_column *column, double x)
{
    return !column->is_integer || (x >= 0 && x <= column->most);
}

static bool read_convergence(nl_result *result, hid_t file)
{
    hid_t group = H5Gopen2(file, "convergence", H5P_DEFAULT);
    double *column = malloc((size_t)result->n_points * sizeof *column);
    bool ok = group >= 0 && column;
    for (int c = 0; c < nl_column_count && ok; c++) {
        ok = nl_h5_read(group, nl_columns[c].name, H5T_NATIVE_DOUBLE, (size_t)result->n_points, column);
        for (int p = 0; p < result->n_points && ok; p++) {
            ok = fits(&nl_columns[c], column[p]);
            if (ok)
                nl_columns[c].set(&result->outcomes[p], column[p]);
        }
    }
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

/* The caller frees; NULL where there is none to be read. */
static char *read_configuration(hid_t file)
{
    const size_t length = nl_h5_count(file, NL_RESULT_CONFIGURATION);
    char *text = length > 0 ? calloc(length + 1, 1) : NULL;
    if (text && nl_h5_read(file, NL_RESULT_CONFIGURATION, H5T_NATIVE_UCHAR, length, text))
        return text;
    free(text);
    return NULL;
}

static nl_status compare(hid_t file, const char *config_text, const char *path)
{
    char lines[1200];
    char *was = read_configuration(file);
    if (!was)
        return nl_fail(NL_ERR_FILE, "%s: is damaged or from another version; run without --resume", path);
    const int count = nl_config_difference(was, config_text, lines, sizeof lines);
    free(was);
    return count == 0 ? NL_OK
                      : nl_fail(NL_ERR_FILE, "%s: was made with another configuration, %d key%s:\n%s"
                                             "go back to that, run without --resume, or choose another output file",
                                path, count, count == 1 ? "" : "s", lines);
}

nl_status nl_result_resume(nl_result *result, const nl_provenance *from, const char *path, int *done)
{
    if (!is_result_file(path))
        return nl_fail(NL_ERR_FILE, "%s: there is no result to resume; run without --resume", path);
    hid_t file = nl_h5_open(path);
    const nl_status status = compare(file, from->config_text, path);
    const bool ok = status == NL_OK && read_convergence(result, file) && read_observables(result, file) &&
                    read_fields(result, file);
    H5Fclose(file);
    NL_TRY(status);
    if (!ok)
        return nl_fail(NL_ERR_FILE, "%s: is damaged or from another version; run without --resume", path);
    *done = nl_result_count_done(result);
    return NL_OK;
}
