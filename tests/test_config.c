/* The configuration: values, defaults, overrides, sweeps, where errors point, and the text that reproduces a run. */
#include "nanolase/config.h"
#include "nanolase/laser.h"
#include "support.h"

static nl_config load_with(const char *text, const char *const *overrides, int count)
{
    nl_config config;
    OK(nl_config_load(write_file_named("test.ini", text), overrides, count, &config));
    return config;
}

/* ---- values ---- */

static void test_defaults(void **state)
{
    nl_config c = config_of("");
    (void)state;
    assert_int_equal(c.model_equation, NL_EQUATION_PHASE);
    assert_int_equal(c.model_sites, 2);
    CLOSE(c.laser_gamma, 3500, 0);
    CLOSE(c.laser_phi2, acos(-1.0) / 2, 1e-16);
    assert_true(c.laser_renormalise);
    assert_true(isnan(c.phase_D_p) && isnan(c.phase_epsilon_over_r0));
    assert_int_equal(c.grid_n_c, 0);
    assert_int_equal(c.grid_order, 0);
    assert_int_equal(c.run_mode, NL_MODE_STEADY);
    CLOSE(c.steady_tolerance, 1e-9, 0);
    assert_false(c.output_fields);
    assert_string_equal(c.output_file, "out.h5");
    assert_int_equal(c.n_axes, 0);
    assert_int_equal(nl_config_point_count(&c), 1);
    assert_false(nl_config_is_swept(&c, "laser.t_c"));
    nl_config_release(&c);
}

static void test_values(void **state)
{
    nl_config c = config_of("; a comment\n[model]\nsites = 1\nequation=phase-selfconsistent\n# another\n\n"
                            "[laser]\n t_c = -2.5e-3 ; of the kind that follows a value\nrenormalise = no\n"
                            "[phase]\nD_p=0x1p-3\nepsilon_over_r0 = auto\n[grid]\nn_c = auto\r\norder = 8\n"
                            "[output]\nfile = a folder/x.h5\nfields = true\n");
    (void)state;
    assert_int_equal(c.model_sites, 1);
    assert_int_equal(c.model_equation, NL_EQUATION_PHASE_SELFCONSISTENT);
    CLOSE(c.laser_t_c, -2.5e-3, 0);
    assert_false(c.laser_renormalise);
    CLOSE(c.phase_D_p, 0.125, 0);
    assert_true(isnan(c.phase_epsilon_over_r0));
    assert_int_equal(c.grid_n_c, 0);
    assert_int_equal(c.grid_order, 8);
    assert_string_equal(c.output_file, "a folder/x.h5");
    assert_true(c.output_fields);
    nl_config_release(&c);
}

static void test_overrides(void **state)
{
    static const char *const overrides[] = {"laser.t_c=3", "laser.t_c = 4", "run.mode=evolve", "output.file=b=c.h5",
                                            "sweep.D_p=1, 2"};
    nl_config c = load_with("[laser]\nt_c = 1\n[sweep]\nD_p = 0.1, 0.2, 0.3\nphi2 = 0, 1\n", overrides, 5);
    (void)state;
    CLOSE(c.laser_t_c, 4, 0); /* the last one counts */
    assert_int_equal(c.run_mode, NL_MODE_EVOLVE);
    assert_string_equal(c.output_file, "b=c.h5");
    assert_int_equal(c.n_axes, 2); /* replaced, in its place */
    assert_string_equal(nl_config_key_name(c.axes[0].key), "D_p");
    assert_int_equal(c.axes[0].count, 2);
    CLOSE(c.axes[0].values[1], 2, 0);
    FAILS(nl_config_fail(&c, "laser.t_c", "no"), NL_ERR_CONFIG, "-s laser.t_c = 4: no");
    nl_config_release(&c);
}

/* ---- sweeps ---- */

static void test_sweep_expressions(void **state)
{
    static const struct {
        const char *text;
        int count;
        double values[5];
    } cases[] = {{"linspace(0, 4, 5)", 5, {0, 1, 2, 3, 4}},  {"linspace(2,-2,3)", 3, {2, 0, -2}},
                 {"linspace(7, 9, 1)", 1, {7}},              {"logspace(-2, 2, 3)", 3, {0.01, 1, 100}},
                 {"1", 1, {1}},                              {" 3 , 1 ,2e-1 ", 3, {3, 1, 0.2}},
                 {"linspace( 0 , 1 , 2 ) ", 2, {0, 1}}};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        char text[200];
        snprintf(text, sizeof text, "[sweep]\nt_c = %s\n", cases[k].text);
        nl_config c = config_of(text);
        assert_int_equal(c.axes[0].count, cases[k].count);
        for (int v = 0; v < cases[k].count; v++)
            CLOSE(c.axes[0].values[v], cases[k].values[v], 1e-15 * fabs(cases[k].values[v]));
        nl_config_release(&c);
    }
}

/* The ends of a linspace are what was written, bit for bit. */
static void test_linspace_ends(void **state)
{
    nl_config c = config_of("[sweep]\nt_c = linspace(0.1, 0.7, 7)\n");
    (void)state;
    assert_true(c.axes[0].values[0] == 0.1 && c.axes[0].values[6] == 0.7);
    nl_config_release(&c);
}

/* The first axis varies slowest; a point's copy has its values in place. */
static void test_points_of_a_sweep(void **state)
{
    nl_config c = config_of("[laser]\nt_c = 9\n[sweep]\nt_c = 1, 2\nphase.D_p = 0.1, 0.2, 0.3\norder = 2, 4\n");
    (void)state;
    assert_int_equal(nl_config_point_count(&c), 12);
    for (int p = 0; p < 12; p++) {
        int indices[NL_MAX_AXES];
        const nl_config at = nl_config_at(&c, p);
        nl_config_indices(&c, p, indices);
        assert_int_equal(indices[0] * 6 + indices[1] * 2 + indices[2], p);
        CLOSE(at.laser_t_c, 1 + p / 6, 0);
        CLOSE(at.phase_D_p, 0.1 * (1 + p / 2 % 3), 1e-16);
        assert_int_equal(at.grid_order, 2 + 2 * (p % 2));
    }
    assert_true(nl_config_is_swept(&c, "phase.D_p") && !nl_config_is_swept(&c, "laser.gamma"));
    CLOSE(c.laser_t_c, 9, 0);
    nl_config_release(&c);
}

/* ---- errors ---- */

static void test_errors_name_the_line(void **state)
{
    static const struct {
        const char *text, *place, *what;
    } cases[] = {
        {"[laser]\nt_c = x\n", "test.ini:2: ", "'x' is not a finite number"},
        {"[laser]\n\nt_c = nan\n", "test.ini:3: ", "not a finite number"},
        {"[laser]\nt_c = inf\n", "test.ini:2: ", "not a finite number"},
        {"[laser]\nt_c = 1e999\n", "test.ini:2: ", "not a finite number"},
        {"[laser]\nt_c =\n", "test.ini:2: ", "not a finite number"},
        {"[laser]\nt_c = 1 2\n", "test.ini:2: ", "not a finite number"},
        {"[laser]\ngamma = 0\n", "test.ini:2: ", "above 0"},
        {"[laser]\nepsilon = -1\n", "test.ini:2: ", "between 0 and"},
        {"[model]\nsites = 3\n", "test.ini:2: ", "between 1 and 2"},
        {"[model]\nsites = 1.5\n", "test.ini:2: ", "whole number"},
        {"[model]\nequation = phases\n", "test.ini:2: ", "use one of phase|"},
        {"[model]\nequation = phas\n", "test.ini:2: ", "use one of phase|"},
        {"[grid]\nn_c = 7\n", "test.ini:2: ", "between 8"},
        {"[grid]\nn_c = automatic\n", "test.ini:2: ", "or auto"},
        {"[grid]\nn_c = 1e99\n", "test.ini:2: ", "out of range"},
        {"[output]\nfields = maybe\n", "test.ini:2: ", "neither yes nor no"},
        {"[output]\nfile =\n", "test.ini:2: ", "give a file name"},
        {"[laser]\nt_d = 1\n", "test.ini:2: ", "unknown key 't_d' in [laser]"},
        {"[lasers]\nt_c = 1\n", "test.ini:1: ", "unknown section [lasers]"},
        {"t_c = 1\n", "test.ini:1: ", "before any [section]"},
        {"[laser]\nt_c = 1\nt_c = 2\n", "test.ini:3: ", "given in line 2 already"},
        {"[laser]\nt_c\n", "test.ini:2: ", "neither [section], key = value nor a comment"},
        {"[laser\nt_c = 1\n", "test.ini:1: ", "closing bracket"},
        {"[laser]\nt_c = 1\n[sweep]\nt_d = 1\n", "test.ini:4: ", "there is no such key"},
        {"[sweep]\nequation = 1\n", "test.ini:2: ", "not a number"},
        {"[sweep]\nt_c =\n", "test.ini:2: ", "empty"},
        {"[sweep]\nt_c = 1,,2\n", "test.ini:2: ", "not a finite number"},
        {"[sweep]\nt_c = 1, nan\n", "test.ini:2: ", "not a finite number"},
        {"[sweep]\nt_c = linspace(0, 1, 0)\n", "test.ini:2: ", "at least 1"},
        {"[sweep]\nt_c = linspace(0, 1, 2.5)\n", "test.ini:2: ", "whole"},
        {"[sweep]\nt_c = linspace(0, 1)\n", "test.ini:2: ", "three numbers"},
        {"[sweep]\nt_c = linspace(0, 1, 2, 3)\n", "test.ini:2: ", "three numbers"},
        {"[sweep]\nt_c = linspace(0, 1, 2\n", "test.ini:2: ", "bracket is missing"},
        {"[sweep]\nt_c = logspace(0, 400, 2)\n", "test.ini:2: ", ""},
        {"[sweep]\nt_c = 1\nlaser.t_c = 2\n", "test.ini:3: ", "given in line 2"},
        {"[sweep]\ngamma = 1, 0\n", "test.ini:2: ", "above 0"},
        {"[sweep]\norder = 2, 3.5\n", "test.ini:2: ", "not a whole number"},
        {"[sweep]\nt_c = linspace(0, 1, 10000)\nphi1 = linspace(0, 1, 10000)\n", "test.ini: ", "at most 10000000"},
    };
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c;
        const char *path = write_file_named("test.ini", cases[k].text);
        const nl_status status = nl_config_load(path, NULL, 0, &c);
        if (status != NL_ERR_CONFIG || !strstr(nl_error_message(), cases[k].place) ||
            !strstr(nl_error_message(), cases[k].what))
            fail_msg("case %d, %s: %s: %s", k, cases[k].text, nl_status_text(status), nl_error_message());
    }
}

static void test_bad_overrides(void **state)
{
    static const char *const cases[] = {"t_c=1", "laser.t_c", "laser.t_d=1", "laser.t_c=x", "sweep.t_d=1",
                                        "model.sites=0", "=", ".", "laser.=1", "sweep.t_c=linspace(1,2",
                                        "averyveryveryveryveryverylongsection.x=1"};
    (void)state;
    for (int k = 0; k < COUNT(cases); k++) {
        nl_config c;
        char place[100];
        snprintf(place, sizeof place, "-s %s: ", cases[k]);
        FAILS(nl_config_load(write_file_named("test.ini", ""), &cases[k], 1, &c), NL_ERR_CONFIG, place);
    }
}

static void test_unreadable_files(void **state)
{
    nl_config c;
    char path[600], line[400];
    (void)state;
    FAILS(nl_config_load(in_folder("none.ini"), NULL, 0, &c), NL_ERR_CONFIG, "none.ini: No such file");
    FAILS(nl_config_load("/", NULL, 0, &c), NL_ERR_CONFIG, "cannot be read");
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    FAILS(nl_config_load(path, NULL, 0, &c), NL_ERR_CONFIG, "path is too long");
    memset(line, '1', sizeof line - 1);
    memcpy(line, "[laser]\nt_c = ", 14);
    line[sizeof line - 1] = '\0';
    FAILS(nl_config_load(write_file_named("test.ini", line), NULL, 0, &c), NL_ERR_CONFIG, "test.ini:2: ");
}

/* The key of a later fault is pointed at where it was given. */
static void test_fail_points_at_the_key(void **state)
{
    nl_config c = config_of("[laser]\ngamma = 7\n[sweep]\nt_c = 1, 2\n");
    (void)state;
    FAILS(nl_config_fail(&c, "laser.gamma", "is %d", 7), NL_ERR_CONFIG, "test.ini:2: is 7");
    FAILS(nl_config_fail(&c, "laser.kappa", "is default"), NL_ERR_CONFIG, "test.ini: is default");
    nl_config_release(&c);
}

/* ---- printing ---- */

/* The text loads, and gives itself again. */
static void check_round_trip(const char *text)
{
    nl_config first = config_of(text), second;
    char *printed = nl_config_text(&first);
    assert_non_null(printed);
    OK(nl_config_load(write_file_named("printed.ini", printed), NULL, 0, &second));
    char *again = nl_config_text(&second);
    assert_string_equal(printed, again);
    assert_int_equal(first.n_axes, second.n_axes);
    for (int a = 0; a < first.n_axes; a++) {
        assert_int_equal(first.axes[a].key, second.axes[a].key);
        assert_int_equal(first.axes[a].count, second.axes[a].count);
        assert_memory_equal(first.axes[a].values, second.axes[a].values, first.axes[a].count * sizeof(double));
    }
    free(printed);
    free(again);
    nl_config_release(&first);
    nl_config_release(&second);
}

static void test_text_round_trip(void **state)
{
    (void)state;
    check_round_trip("");
    check_round_trip("[laser]\nt_c = 0.1234567890123456789\ngamma = 1e-300\nphi1 = -0.3333333333333333\n"
                     "[phase]\nD_p = 0.1\n[grid]\nn_c = 48\n[run]\nmode = evolve\n[output]\nfields = yes\n"
                     "file = a folder/b.h5\n");
    check_round_trip("[sweep]\nt_c = 0.1, 0.2\nphase.D_p = logspace(-3, -1, 4)\nn_c = 16, 32\n");
}

/* A sweep longer than a line of the file may be. */
static void test_text_of_a_long_sweep(void **state)
{
    (void)state;
    check_round_trip("[sweep]\nt_c = linspace(0, 4, 41)\n");
    check_round_trip("[sweep]\nt_c = linspace(0, 0.1, 3000)\nphi2 = logspace(-3, 0, 3)\n");
}

static char *printed_keys(void)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    nl_config_print_keys(f);
    fclose(f);
    return text;
}

/* What `nanolase keys` prints is a configuration, and that of the defaults. */
static void test_printed_keys_load(void **state)
{
    char *keys = printed_keys();
    nl_config c = config_of(keys), defaults = config_of("");
    (void)state;
    char *text = nl_config_text(&c), *default_text = nl_config_text(&defaults);
    assert_string_equal(text, default_text);
    free(keys);
    free(text);
    free(default_text);
    nl_config_release(&c);
    nl_config_release(&defaults);
}

/* The line that prints a key is accepted, and has a comment above. */
static void test_every_printed_key_is_accepted(void **state)
{
    char *keys = printed_keys(), section[32] = "", name[64], previous = 0;
    int count = 0;
    (void)state;
    for (char *line = strtok(keys, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "[%31[^]]", section) != 1 && sscanf(line, "%63[^ ;] =", name) == 1 && line[0] != ';') {
            char text[700];
            snprintf(text, sizeof text, "[%s]\n%s\n", section, line);
            nl_config c = config_of(text);
            assert_int_equal(previous, ';');
            nl_config_release(&c);
            count++;
        }
        previous = line[0];
    }
    assert_true(count >= 30);
    free(keys);
}

/* ---- coefficients ---- */

/* Eqs. 7, 9, 17 by hand for gamma = 3500, C_p = 1.1: n_0 = 0.1*3500/2.2, D_p = 1.1/(2 n_0). */
static void test_laser(void **state)
{
    nl_config c = config_of("");
    nl_laser l = nl_laser_from_config(&c);
    (void)state;
    CLOSE(l.A, 1.1, 1e-15);
    CLOSE(l.C, 1, 0);
    CLOSE(l.n0, 159.0909090909091, 1e-10);
    CLOSE(l.B_r, 2 * 1.1 * 1.1 / 3500 / 1.1, 1e-18);
    CLOSE(l.D_p, 1.1 / (2 * 159.0909090909091), 1e-14);
    nl_config_release(&c);
    c = config_of("[laser]\nrenormalise = no\n");
    l = nl_laser_from_config(&c);
    CLOSE(l.B_r, 2 * 1.1 * 1.1 / 3500, 1e-18);
    nl_config_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_sweep_expressions),
        cmocka_unit_test(test_linspace_ends),
        cmocka_unit_test(test_points_of_a_sweep),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_bad_overrides),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_fail_points_at_the_key),
        cmocka_unit_test(test_text_round_trip),
        cmocka_unit_test(test_text_of_a_long_sweep),
        cmocka_unit_test(test_printed_keys_load),
        cmocka_unit_test(test_every_printed_key_is_accepted),
        cmocka_unit_test(test_laser),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
