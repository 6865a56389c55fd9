/*
 * Fuzz target: result files. An input that begins as HDF5 does is a file. Others are recipes: the first byte chooses a
 * valid result, every four that follow damage it as only HDF5 itself can, keeping it well-formed: objects of other
 * types and shapes, links that lead elsewhere, values that no run gives. What follows a % goes into the configuration.
 * The file is then shown, resumed from and written over.
 */
#include <hdf5.h>
#include <math.h>

#include "fuzz.h"
#include "nanolase.h"

enum { N_RUNS = 2, MOST_EDITS = 6, EDIT_BYTES = 4, CONFIGURATION = '%' };

/* A finished run, for its valid file. */
typedef struct finished {
    nl_config config;
    nl_plan plan;
    nl_provenance provenance;
    char path[128];
} finished;

/* Of metadata that are damaged HDF5 itself loses memory. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static finished runs[N_RUNS];
static FILE *nowhere;

static void finish_run(finished *r, int number, const char *text)
{
    char path[128], name[32];
    nl_backend *backend;
    nl_result result;
    fuzz_write(fuzz_path("run.ini", path, sizeof path), text, strlen(text));
    FUZZ_CHECK(nl_config_load(path, NULL, 0, &r->config) == NL_OK, "%s", nl_error_message());
    FUZZ_CHECK(nl_plan_new(&r->config, &r->plan) == NL_OK, "%s", nl_error_message());
    FUZZ_CHECK(nl_plan_new_result(&r->plan, &result) == NL_OK, "%s", nl_error_message());
    FUZZ_CHECK(nl_backend_open_cpu(1, &backend) == NL_OK, "%s", nl_error_message());
    FUZZ_CHECK(nl_plan_run(&r->plan, backend, &result, NULL) == NL_OK, "%s", nl_error_message());
    r->provenance = (nl_provenance){
        .config_text = nl_config_text(&r->config), .backend = "cpu", .device = "", .threads = 1, .ranks = 1};
    snprintf(name, sizeof name, "valid%d.h5", number);
    fuzz_path(name, r->path, sizeof r->path);
    FUZZ_CHECK(nl_result_write(&result, &r->provenance, r->path, false) == NL_OK, "%s", nl_error_message());
    nl_result_release(&result);
    nl_backend_close(backend);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char common[] =
        "[phase]\nD_p = 0.5\nepsilon_over_r0 = 1\n[grid]\nn_c = 8\n[sweep]\nt_c = 0, 1, 2\nphi2 = 0, 1\n"
        "[steady]\ntolerance = 1e-3\n[output]\nfields = yes\n";
    char text[400];
    (void)argc;
    (void)argv;
    finish_run(&runs[0], 0, common);
    snprintf(text, sizeof text, "%s[run]\nmode = evolve\nt_end = 0.2\n", common);
    finish_run(&runs[1], 1, text);
    nowhere = fopen("/dev/null", "w");
    FUZZ_CHECK(nowhere, "no /dev/null");
    return 0;
}

/* ---- damage ---- */

static const char *const OBJECTS[] = {"axes",
                                      "axes/t_c",
                                      "axes/phi2",
                                      "time",
                                      "observables",
                                      "observables/coherence",
                                      "observables/correlation",
                                      "series",
                                      "series/coherence",
                                      "series/correlation",
                                      "convergence",
                                      "convergence/status",
                                      "convergence/steps",
                                      "convergence/residual",
                                      "convergence/converged",
                                      "fields",
                                      "fields/P_theta",
                                      "fields/theta",
                                      "axes/extra",
                                      "observables/\x1b[2Jextra",
                                      "configuration"};
static const char *const ATTRIBUTES[] = {"nanolase_result", "config", "equation", "extra"};
static const double VALUES[] = {0, 1, -1, 5, 6, 0.5, 1e300, -1e300, 1e19, 1e-300, INFINITY, -INFINITY, NAN};
#define PICK(list, byte) ((list)[(byte) % (sizeof(list) / sizeof *(list))])

static hid_t compound(const char *a, hid_t type_a, const char *b, hid_t type_b)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, H5Tget_size(type_a) + (b ? H5Tget_size(type_b) : 0));
    H5Tinsert(type, a, 0, type_a);
    if (b)
        H5Tinsert(type, b, H5Tget_size(type_a), type_b);
    return type;
}

static hid_t type_of(uint8_t which)
{
    hid_t type;
    const hsize_t three = 3;
    switch (which % 14) {
    case 0: return H5Tcopy(H5T_NATIVE_FLOAT);
    case 1: return H5Tcopy(H5T_NATIVE_SCHAR);
    case 2: return H5Tcopy(H5T_NATIVE_ULLONG);
    case 3: return compound("r", H5T_NATIVE_DOUBLE, "i", H5T_NATIVE_DOUBLE);
    case 4: return compound("x", H5T_NATIVE_DOUBLE, "y", H5T_NATIVE_DOUBLE);
    case 5: return compound("r", H5T_NATIVE_INT, NULL, -1);
    case 6: return compound("r", H5T_C_S1, "i", H5T_NATIVE_DOUBLE);
    case 7: type = H5Tcopy(H5T_C_S1); H5Tset_size(type, H5T_VARIABLE); return type;
    case 8: type = H5Tcopy(H5T_C_S1); H5Tset_size(type, 3); return type;
    case 9: return H5Tcreate(H5T_OPAQUE, 16);
    case 10: return H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &three);
    case 11: return H5Tvlen_create(H5T_NATIVE_DOUBLE);
    case 12: return H5Tcopy(H5T_STD_REF_OBJ);
    default: return H5Tcopy(H5T_NATIVE_DOUBLE);
    }
}

/* The last ones hold more than any file does: nothing of them is stored, and all reads as a fill value. */
static hid_t space_of(uint8_t which, hsize_t *chunk)
{
    static const hsize_t shapes[][2] = {{1, 0},
                                        {0, 0},
                                        {3, 0},
                                        {2, 0},
                                        {6, 0},
                                        {3, 2},
                                        {2, 3},
                                        {18, 0},
                                        {1, 1},
                                        {(hsize_t)1 << 33, 0},
                                        {(hsize_t)1 << 61, 0},
                                        {(hsize_t)1 << 31, (hsize_t)1 << 30},
                                        {((hsize_t)1 << 61) + 1, 0}};
    const unsigned k = which % 15;
    *chunk = 0;
    if (k >= 13)
        return H5Screate(k == 13 ? H5S_SCALAR : H5S_NULL);
    *chunk = k >= 9 ? 1 : 0;
    return H5Screate_simple(shapes[k][1] ? 2 : 1, shapes[k], NULL);
}

static void replace_dataset(hid_t file, const char *name, uint8_t which_type, uint8_t which_space)
{
    hsize_t chunk, sizes[2] = {1024, 1024};
    hid_t type = type_of(which_type), space = space_of(which_space, &chunk), properties = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk)
        H5Pset_chunk(properties, H5Sget_simple_extent_ndims(space), sizes);
    H5Ldelete(file, name, H5P_DEFAULT);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(properties);
    H5Sclose(space);
    H5Tclose(type);
}

static void replace_attribute(hid_t file, const char *name, uint8_t which_type, uint8_t which_space)
{
    hsize_t chunk;
    hid_t type = type_of(which_type), space = space_of(which_space, &chunk);
    H5Adelete(file, name);
    hid_t attribute = chunk ? -1 : H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const char *const texts[18] = {"steady", "t_c", "evolve", "", "1", "x", "steady", "t_c", "evolve",
                                   "", "1", "x", "steady", "t_c", "evolve", "", "1", "x"};
    if (attribute >= 0 && H5Tis_variable_str(type) > 0)
        H5Awrite(attribute, type, texts);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/* The valid configuration with other bytes in its midst. */
static void set_configuration(hid_t file, size_t at, const uint8_t *bytes, size_t size)
{
    static char text[1 << 16];
    const char *valid = runs[0].provenance.config_text;
    at = at < strlen(valid) ? at : strlen(valid);
    const hsize_t length = (hsize_t)snprintf(text, sizeof text, "%.*s%.*s%s", (int)at, valid, (int)size,
                                             (const char *)bytes, valid + at);
    H5Ldelete(file, "configuration", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &length, NULL);
    hid_t set = H5Dcreate2(file, "configuration", H5T_NATIVE_UCHAR, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (set >= 0) {
        H5Dwrite(set, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
        H5Dclose(set);
    }
    H5Sclose(space);
}

static void set_values(hid_t file, const char *name, double value)
{
    double many[1024];
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set < 0)
        return;
    hid_t space = H5Dget_space(set);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    for (int k = 0; k < 1024; k++)
        many[k] = value;
    if (count > 0 && count <= 1024)
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, many);
    H5Sclose(space);
    H5Dclose(set);
}

/* edit: what to do, to which object or attribute, and how. */
static void damage(hid_t file, const uint8_t *edit)
{
    const char *name = PICK(OBJECTS, edit[1]), *attribute = PICK(ATTRIBUTES, edit[1]), *other = PICK(OBJECTS, edit[2]);
    hid_t group;
    switch (edit[0] % 7) {
    case 0: H5Ldelete(file, name, H5P_DEFAULT); break;
    case 1: replace_dataset(file, name, edit[2], edit[3]); break;
    case 2:
        H5Ldelete(file, name, H5P_DEFAULT);
        group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (group >= 0)
            H5Gclose(group);
        break;
    case 3:
        H5Ldelete(file, name, H5P_DEFAULT);
        if (edit[3] % 2)
            H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
        else
            H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 4: H5Adelete(file, attribute); break;
    case 5: replace_attribute(file, attribute, edit[2], edit[3]); break;
    default: set_values(file, name, PICK(VALUES, edit[2])); break;
    }
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *f = fopen(from, "rb");
    FUZZ_CHECK(f, "%s is missing", from);
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    fuzz_write(to, bytes, size);
}

static void make_file(const uint8_t *data, size_t size, const char *path)
{
    static const char mark[] = "\x89HDF";
    if (size >= 4 && memcmp(data, mark, 4) == 0) {
        fuzz_write(path, data, size);
        return;
    }
    copy_file(runs[size ? data[0] % N_RUNS : 0].path, path);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    FUZZ_CHECK(file >= 0, "%s cannot be opened", path);
    size_t at = 1;
    for (; at + EDIT_BYTES <= size && at < 1 + MOST_EDITS * EDIT_BYTES && data[at] != CONFIGURATION; at += EDIT_BYTES)
        damage(file, data + at);
    if (at + 2 < size && data[at] == CONFIGURATION)
        set_configuration(file, 8u * data[at + 1], data + at + 2, size - at - 2);
    H5Fclose(file);
}

/* ---- what the library does with it ---- */

static void check_show(const char *path)
{
    for (int csv = 0; csv < 2; csv++) {
        const nl_status status = nl_result_show(path, csv, nowhere);
        FUZZ_CHECK(status == NL_OK || (status == NL_ERR_FILE && strstr(nl_error_message(), path)), "%s",
                   nl_error_message());
    }
}

static void check_resume(const finished *r, const char *path)
{
    nl_result result;
    int done = 0;
    FUZZ_CHECK(nl_plan_new_result(&r->plan, &result) == NL_OK, "%s", nl_error_message());
    const nl_status status = nl_result_resume(&result, &r->provenance, path, &done);
    FUZZ_CHECK(status == NL_OK || (status == NL_ERR_FILE && strstr(nl_error_message(), path)), "%s",
               nl_error_message());
    for (int p = 0; p < result.n_points && status == NL_OK; p++)
        FUZZ_CHECK(result.outcomes[p].status >= NL_POINT_PENDING && result.outcomes[p].status < NL_POINT_STATUSES &&
                       result.outcomes[p].steps >= 0, "point %d", p);
    FUZZ_CHECK(done >= 0 && done <= result.n_points, "%d done", done);
    nl_result_release(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    make_file(data, size, fuzz_path("damaged.h5", path, sizeof path));
    check_show(path);
    for (int r = 0; r < N_RUNS; r++)
        check_resume(&runs[r], path);
    const nl_status status = nl_result_check_writable(path);
    FUZZ_CHECK(status == NL_OK || strstr(nl_error_message(), path), "%s", nl_error_message());
    return 0;
}

/* Recipes grow by whole edits. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint64_t random = seed;
    if (fuzz_random(&random) % 3 || size == 0 || size + EDIT_BYTES > max_size || size > MOST_EDITS * EDIT_BYTES)
        return LLVMFuzzerMutate(data, size, max_size);
    for (int k = 0; k < EDIT_BYTES; k++)
        data[size + k] = (uint8_t)(fuzz_random(&random) >> 8);
    return size + EDIT_BYTES;
}
