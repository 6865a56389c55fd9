/* The HDF5 file: what is written is read back; what is not ours is refused; the old file or the new one, never less. */
#include <dirent.h>
#include <hdf5.h>
#include <sys/stat.h>

#include "run_support.h"

static const char *const steady_text = "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n"
                                       "[output]\nfields = yes\n[sweep]\nt_c = 0, 0.5\nphi2 = 0, 1, 2\n";
static const char *const evolve_text = "[model]\nsites = 1\n[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n"
                                       "[run]\nmode = evolve\nt_end = 1\nsave_every = 0.3\n"
                                       "[sweep]\nepsilon_over_r0 = 0.5, 1\n";
/* Fields of complex numbers, and more statuses than four. */
static const char *const lindblad_text = "[model]\nequation = gutzwiller\n[laser]\ncooperativity = 1.2\ngamma = 200\n"
                                         "epsilon = 0.3\n[fock]\nlevels = 9\n[run]\nmode = evolve\nt_end = 1\n"
                                         "save_every = 0.5\n[output]\nfields = yes\n[sweep]\n"
                                         "t_c = 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6\n";

/* A run with made-up results in it, other in each place; the last point is pending. */
static void fill(run *r, const char *text, nl_provenance *from)
{
    rng g = {23};
    run_prepare(r, text);
    nl_result *result = &r->result;
    const int points = result->n_points;
    for (int p = 0; p < points - 1; p++) {
        for (int t = 0; t < result->n_times; t++)
            for (int k = 0; k < result->n_observables; k++)
                nl_result_values(result, p, t)[k] =
                    (nl_value){uniform(&g, -1, 1), result->observables[k]->is_complex ? uniform(&g, -1, 1) : 0};
        result->outcomes[p] = (nl_outcome){.status = NL_POINT_CONVERGED + p % NL_POINT_LEAKED,
                                           .residual = uniform(&g, 0, 1),
                                           .distance = uniform(&g, 0, 1),
                                           .decay_rate = uniform(&g, 0, 1),
                                           .norm_error = uniform(&g, 0, 1),
                                           .model_time = uniform(&g, 0, 1),
                                           .steps = 1000 + p,
                                           .rejected = 20 + p,
                                           .rhs = 123456789012 + p,
                                           .work = uniform(&g, 0, 1)};
    }
    for (int k = 0; k < result->n_fields; k++)
        fill_random(&g, result->field_data[k], points * nl_field_len(&result->fields[k]));
    *from = (nl_provenance){.config_text = nl_config_text(&r->config), .name = "test", .backend = "cpu",
                            .device = "a processor", .threads = 3, .start = "2024-01-02T03:04:05Z"};
}

static void forget(run *r, nl_provenance *from)
{
    free((char *)from->config_text);
    run_release(r);
}

/* NaN, of points that were not computed, is the same as NaN. */
static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_outcomes(const nl_outcome *a, const nl_outcome *b, int count)
{
    for (int p = 0; p < count; p++) {
        assert_int_equal(a[p].status, b[p].status);
        assert_int_equal(a[p].steps, b[p].steps);
        assert_int_equal(a[p].rejected, b[p].rejected);
        assert_int_equal(a[p].rhs, b[p].rhs);
        assert_true(same(a[p].residual, b[p].residual) && same(a[p].distance, b[p].distance) &&
                    same(a[p].decay_rate, b[p].decay_rate) && same(a[p].norm_error, b[p].norm_error) &&
                    same(a[p].model_time, b[p].model_time) && same(a[p].work, b[p].work));
    }
}

static void check_values(const nl_result *a, const nl_result *b)
{
    const size_t count = (size_t)a->n_points * a->n_times * a->n_observables;
    for (size_t v = 0; v < count; v++) {
        assert_true(a->values[v].re == b->values[v].re || (isnan(a->values[v].re) && isnan(b->values[v].re)));
        if (a->observables[v % a->n_observables]->is_complex)
            assert_true(a->values[v].im == b->values[v].im || (isnan(a->values[v].im) && isnan(b->values[v].im)));
    }
}

static void check_round_trip(const char *text, int fields)
{
    run written, read;
    nl_provenance from, again;
    int done = -1;
    fill(&written, text, &from);
    OK(nl_result_write(&written.result, &from, in_folder("r.h5"), false));
    run_prepare(&read, text);
    again = from;
    OK(nl_result_resume(&read.result, &again, in_folder("r.h5"), &done));
    assert_int_equal(done, written.result.n_points - 1);
    check_outcomes(written.result.outcomes, read.result.outcomes, written.result.n_points);
    check_values(&written.result, &read.result);
    assert_int_equal(written.result.n_fields, fields);
    for (int k = 0; k < fields; k++)
        assert_memory_equal(written.result.field_data[k], read.result.field_data[k],
                            written.result.n_points * nl_field_len(&written.result.fields[k]) * sizeof(double));
    run_release(&read);
    forget(&written, &from);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(steady_text, 3);
    check_round_trip(evolve_text, 0);
    check_round_trip(lindblad_text, 2);
    check_round_trip("[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n", 0);
}

/* A configuration of thousands of sweep values is a long text. */
static void test_long_text(void **state)
{
    enum { LENGTH = 300000 };
    run r;
    nl_provenance from;
    char *text = malloc(LENGTH + 1);
    int done;
    (void)state;
    fill(&r, steady_text, &from);
    for (int c = 0; c < LENGTH; c++) /* values of a list that goes on in indented lines */
        text[c] = c % 70 == 0 ? '\n' : c % 70 < 5 ? ' ' : (char)('0' + c % 10);
    memcpy(text, "[sweep]\nt_c = 1", 15);
    text[LENGTH] = '\0';
    nl_provenance with_text = from;
    with_text.config_text = text;
    OK(nl_result_write(&r.result, &with_text, in_folder("r.h5"), false));
    OK(nl_result_resume(&r.result, &with_text, in_folder("r.h5"), &done));
    text[LENGTH - 1] = '-'; /* and is read to its end */
    FAILS(nl_result_resume(&r.result, &with_text, in_folder("r.h5"), &done), NL_ERR_FILE, "another configuration");
    free(text);
    forget(&r, &from);
}

/* ---- as others see it ---- */

static double read_double(hid_t file, const char *name, hsize_t at)
{
    double values[100];
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    return values[at];
}

static int shape_of(hid_t file, const char *name, hsize_t *shape)
{
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Aexists(set, "units") > 0 && H5Aexists(set, "description") > 0);
    const hid_t space = H5Dget_space(set);
    const int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    H5Sclose(space);
    H5Dclose(set);
    return rank;
}

static void test_layout(void **state)
{
    static const char *const attributes[] = {"config", "version", "commit", "backend", "device", "precision",
                                             "threads", "start_time", "end_time"};
    hsize_t shape[8];
    run r;
    nl_provenance from;
    (void)state;
    fill(&r, steady_text, &from);
    OK(nl_result_write(&r.result, &from, in_folder("r.h5"), false));
    const hid_t file = H5Fopen(in_folder("r.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    for (int a = 0; a < COUNT(attributes); a++)
        assert_true(H5Aexists(file, attributes[a]) > 0);
    assert_int_equal(shape_of(file, "axes/t_c", shape), 1);
    assert_int_equal(shape[0], 2);
    CLOSE(read_double(file, "axes/phi2", 2), 2, 0);
    assert_int_equal(shape_of(file, "observables/coherence", shape), 2);
    assert_true(shape[0] == 2 && shape[1] == 3);
    CLOSE(read_double(file, "observables/coherence1", 4), run_value(&r, 4, 0, "coherence1").re, 0);
    assert_true(isnan(read_double(file, "observables/coherence1", 5)));
    assert_int_equal(shape_of(file, "convergence/residual", shape), 2);
    assert_int_equal(shape_of(file, "fields/P_theta", shape), 4);
    assert_true(shape[2] == 12 && shape[3] == 12);
    const hid_t set = H5Dopen2(file, "observables/correlation", H5P_DEFAULT), type = H5Dget_type(set);
    assert_int_equal(H5Tget_class(type), H5T_COMPOUND);
    assert_true(H5Tget_member_index(type, "r") == 0 && H5Tget_member_index(type, "i") == 1);
    H5Tclose(type);
    H5Dclose(set);
    H5Fclose(file);
    forget(&r, &from);
}

static void test_layout_of_evolve(void **state)
{
    hsize_t shape[8];
    run r;
    nl_provenance from;
    (void)state;
    fill(&r, evolve_text, &from);
    OK(nl_result_write(&r.result, &from, in_folder("e.h5"), false));
    const hid_t file = H5Fopen(in_folder("e.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_int_equal(shape_of(file, "time", shape), 1);
    assert_int_equal(shape[0], 5); /* 0, 0.3, 0.6, 0.9, 1 */
    CLOSE(read_double(file, "time", 3), 0.9, 1e-15);
    CLOSE(read_double(file, "time", 4), 1, 0);
    assert_int_equal(shape_of(file, "series/coherence", shape), 2);
    assert_true(shape[0] == 2 && shape[1] == 5);
    H5Fclose(file);
    forget(&r, &from);
}

static char *shown(const char *path, bool csv)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    OK(nl_result_show(path, csv, f));
    fclose(f);
    return text;
}

/* One line per point; values with all their digits. */
static void test_show(void **state)
{
    run r;
    nl_provenance from;
    (void)state;
    fill(&r, steady_text, &from);
    OK(nl_result_write(&r.result, &from, in_folder("r.h5"), false));
    char *csv = shown(in_folder("r.h5"), true), *table = shown(in_folder("r.h5"), false), *line = strtok(csv, "\n");
    assert_true(strncmp(line, "t_c,phi2,exp_i_theta1_re,exp_i_theta1_im,", 41) == 0);
    const char *const end = ",converged,residual,model_time,steps,rhs";
    assert_string_equal(line + strlen(line) - strlen(end), end);
    for (int p = 0; p < 6; p++) {
        double t_c, phi2, re, im;
        line = strtok(NULL, "\n");
        assert_non_null(line);
        assert_int_equal(sscanf(line, "%lf,%lf,%lf,%lf,", &t_c, &phi2, &re, &im), 4);
        assert_true(t_c == 0.5 * (p / 3) && phi2 == p % 3);
        const nl_value e = run_value(&r, p, 0, "exp_i_theta1");
        assert_true(p == 5 || (re == e.re && im == e.im)); /* the last is pending */
    }
    assert_null(strtok(NULL, "\n"));
    assert_non_null(strstr(table, "1 of 6 points converged"));
    free(csv);
    free(table);
    forget(&r, &from);
}

/* ---- what is refused ---- */

static void make_foreign(const char *path)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    H5Fclose(file);
}

static void test_foreign_files(void **state)
{
    run r;
    nl_provenance from;
    int done;
    (void)state;
    fill(&r, steady_text, &from);
    make_foreign(in_folder("foreign.h5"));
    write_file_named("text.h5", "not HDF5 at all");
    const char *const files[] = {"foreign.h5", "text.h5"};
    for (int f = 0; f < COUNT(files); f++) {
        FAILS(nl_result_resume(&r.result, &from, in_folder(files[f]), &done), NL_ERR_FILE, "no result to resume");
        FAILS(nl_result_check_writable(in_folder(files[f])), NL_ERR_FILE, "is not a result of nanolase");
        FAILS(nl_result_show(in_folder(files[f]), true, stdout), NL_ERR_FILE, files[f]);
    }
    FAILS(nl_result_resume(&r.result, &from, in_folder("none.h5"), &done), NL_ERR_FILE, "no result to resume");
    FAILS(nl_result_show(in_folder("none.h5"), true, stdout), NL_ERR_FILE, "missing");
    forget(&r, &from);
}

static void test_places_that_cannot_be_written(void **state)
{
    run r;
    nl_provenance from;
    char path[300];
    (void)state;
    fill(&r, steady_text, &from);
    snprintf(path, sizeof path, "%s/none/r.h5", in_folder(""));
    FAILS(nl_result_check_writable(path), NL_ERR_FILE, "there is no folder");
    FAILS(nl_result_write(&r.result, &from, path, false), NL_ERR_FILE, "r.h5");
    FAILS(nl_result_check_writable("/tmp"), NL_ERR_FILE, "is a folder");
    OK(nl_result_check_writable(in_folder("new.h5")));
    forget(&r, &from);
}

/* Another configuration's result is not taken; another file name is no other configuration. */
static void test_other_configuration(void **state)
{
    run r, other;
    nl_provenance from, theirs;
    int done = 0;
    (void)state;
    fill(&r, steady_text, &from);
    OK(nl_result_write(&r.result, &from, in_folder("r.h5"), false));
    fill(&other, "[phase]\nD_p = 0.31\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n[output]\nfields = yes\n"
                 "[sweep]\nt_c = 0, 0.5\nphi2 = 0, 1, 2\n", &theirs);
    FAILS(nl_result_resume(&other.result, &theirs, in_folder("r.h5"), &done), NL_ERR_FILE, "another configuration");
    forget(&other, &theirs);
    fill(&other, "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n[output]\nfields = yes\nfile = x.h5\n"
                 "[sweep]\nt_c = 0, 0.5\nphi2 = 0, 1, 2\n", &theirs);
    OK(nl_result_resume(&other.result, &theirs, in_folder("r.h5"), &done));
    assert_int_equal(done, 5);
    forget(&other, &theirs);
    forget(&r, &from);
}

static void overwrite_first(const char *path, const char *name, double value)
{
    double values[6];
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    values[0] = value;
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Fclose(file);
}

static void remove_dataset(const char *path, const char *name)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    H5Fclose(file);
}

/* Damage is noticed before it can do harm: the result is as if there had been no file. */
static void test_damaged_files(void **state)
{
    run r;
    nl_provenance from;
    int done;
    (void)state;
    for (int damage = 0; damage < 4; damage++) {
        fill(&r, steady_text, &from);
        OK(nl_result_write(&r.result, &from, in_folder("d.h5"), false));
        switch (damage) {
        case 0: remove_dataset(in_folder("d.h5"), "observables/coherence"); break;
        case 1: remove_dataset(in_folder("d.h5"), "convergence"); break;
        case 2: remove_dataset(in_folder("d.h5"), "fields/P_theta2"); break;
        default: overwrite_first(in_folder("d.h5"), "convergence/status", 77);
        }
        FAILS(nl_result_resume(&r.result, &from, in_folder("d.h5"), &done), NL_ERR_FILE, "damaged");
        forget(&r, &from);
    }
}

/* ---- replacement ---- */

static int count_files(const char *folder)
{
    int count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
        count += entry->d_name[0] != '.';
    closedir(d);
    return count;
}

static ino_t inode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

/* Written beside its place and moved there: a reader that has the old file open keeps it whole. */
static void test_replacement(void **state)
{
    run r;
    nl_provenance from;
    char folder[200], path[300], part[320];
    (void)state;
    fill(&r, steady_text, &from);
    snprintf(folder, sizeof folder, "%s", in_folder("place"));
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/r.h5", folder);
    snprintf(part, sizeof part, "%s.part", path);
    OK(nl_result_write(&r.result, &from, path, false));
    assert_int_equal(count_files(folder), 1);
    FILE *reader = fopen(path, "r");
    char before[512], after[512];
    assert_int_equal(fread(before, 1, sizeof before, reader), sizeof before);
    const ino_t old = inode_of(path);
    write_file_named("place/r.h5.part", "left behind by a run that was killed");
    OK(nl_result_write(&r.result, &from, path, false));
    assert_int_equal(count_files(folder), 1);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_true(inode_of(path) != old);
    rewind(reader);
    assert_int_equal(fread(after, 1, sizeof after, reader), sizeof after);
    assert_memory_equal(before, after, sizeof before);
    fclose(reader);
    forget(&r, &from);
}

static void test_keep_previous(void **state)
{
    run r;
    nl_provenance from;
    char kept[300];
    (void)state;
    fill(&r, steady_text, &from);
    const char *path = in_folder("k.h5");
    snprintf(kept, sizeof kept, "%s~", path);
    OK(nl_result_write(&r.result, &from, path, true)); /* nothing there to keep */
    assert_int_not_equal(access(kept, F_OK), 0);
    const ino_t first = inode_of(path);
    OK(nl_result_write(&r.result, &from, path, true));
    const ino_t second = inode_of(path);
    assert_true(inode_of(kept) == first && second != first);
    OK(nl_result_write(&r.result, &from, path, true)); /* over the one kept before */
    assert_true(inode_of(kept) == second && inode_of(path) != second);
    OK(nl_result_write(&r.result, &from, path, false));
    assert_true(inode_of(kept) == second);
    forget(&r, &from);
}

/* ---- making results ---- */

static void test_new_result(void **state)
{
    run r;
    (void)state;
    run_prepare(&r, steady_text);
    assert_int_equal(r.result.n_points, 6);
    assert_int_equal(r.result.n_times, 1);
    assert_int_equal(nl_result_count_done(&r.result), 0);
    assert_true(isnan(run_value(&r, 3, 0, "coherence").re));
    run_release(&r);
}

/* Fields of grids that differ have no common array. */
static void test_values_by_name(void **state)
{
    (void)state;
    run r;
    nl_provenance from;
    nl_value value = {7, 7};
    fill(&r, evolve_text, &from);
    for (int k = 0; k < r.result.n_observables; k++) {
        OK(nl_result_value(&r.result, r.result.observables[k]->name, 0, 2, &value));
        assert_memory_equal(&value, &nl_result_values(&r.result, 0, 2)[k], sizeof value);
    }
    value = (nl_value){7, 7};
    assert_int_equal(nl_result_value(&r.result, "coherent", 0, 0, &value), NL_ERR_USAGE);
    assert_non_null(strstr(nl_error_message(), "'coherent'"));
    assert_non_null(strstr(nl_error_message(), "exp_i_theta1, coherence1"));
    const int wrong[][2] = {{-1, 0}, {r.result.n_points, 0}, {0, -1}, {0, r.result.n_times}};
    for (int k = 0; k < 4; k++)
        assert_int_equal(nl_result_value(&r.result, "coherence1", wrong[k][0], wrong[k][1], &value), NL_ERR_USAGE);
    assert_true(value.re == 7 && value.im == 7);
    forget(&r, &from);
}

static void test_fields_need_one_grid(void **state)
{
    nl_config c = config_of("[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[output]\nfields = yes\n[sweep]\nn_c = 12, 14\n");
    nl_plan plan;
    (void)state;
    FAILS(nl_plan_new(&c, &plan), NL_ERR_CONFIG, "needs one grid");
    nl_config_release(&c);
}

static void test_saved_times(void **state)
{
    static const struct {
        const char *t_end, *save_every;
        int count;
    } cases[] = {{"1", "0.25", 5}, {"1", "0.1", 11}, {"0.7", "0.1", 8}, {"1", "0.3", 5}, {"0.1", "1", 2},
                 {"1", "0.3333333333333333", 4}, {"49", "1", 50}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        char text[300];
        run r;
        snprintf(text, sizeof text, "[phase]\nD_p = 0.3\nepsilon_over_r0 = 1\n[grid]\nn_c = 12\n[run]\nmode = evolve\n"
                                    "t_end = %s\nsave_every = %s\n", cases[k].t_end, cases[k].save_every);
        run_prepare(&r, text);
        assert_int_equal(r.result.n_times, cases[k].count);
        assert_true(r.result.times[0] == 0);
        for (int t = 1; t < r.result.n_times; t++)
            assert_true(r.result.times[t] > r.result.times[t - 1]);
        assert_true(r.result.times[r.result.n_times - 1] == r.config.run_t_end);
        run_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layout_of_evolve),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_places_that_cannot_be_written),
        cmocka_unit_test(test_other_configuration),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_replacement),
        cmocka_unit_test(test_keep_previous),
        cmocka_unit_test(test_new_result),
        cmocka_unit_test(test_values_by_name),
        cmocka_unit_test(test_fields_need_one_grid),
        cmocka_unit_test(test_saved_times),
    };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
