/* What the C tests share: checks that say what went wrong, random numbers, temporary files, backends to test on. */
#ifndef NL_TEST_SUPPORT_H
#define NL_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nanolase/backend.h"
#include "nanolase/config.h"
#include "nanolase/error.h"

#define UNUSED __attribute__((unused))
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- checks ---- */

/* The call succeeds; else the message of its failure is shown. */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        const nl_status status_ = (call);                                                                              \
        if (status_ != NL_OK)                                                                                          \
            fail_msg("%s: %s: %s", #call, nl_status_text(status_), nl_error_message());                                \
    } while (0)

/* The call fails with this status, and its message holds `text`. */
#define FAILS(call, status, text)                                                                                      \
    do {                                                                                                               \
        const nl_status status_ = (call);                                                                              \
        if (status_ != (status))                                                                                       \
            fail_msg("%s: %s, not %s", #call, nl_status_text(status_), nl_status_text(status));                        \
        if (!strstr(nl_error_message(), (text)))                                                                       \
            fail_msg("%s: \"%s\" is not in \"%s\"", #call, (text), nl_error_message());                                \
    } while (0)

/* |actual - expected| <= tolerance; NAN is never close. */
#define CLOSE(actual, expected, tolerance)                                                                             \
    do {                                                                                                               \
        const double actual_ = (actual), expected_ = (expected), tolerance_ = (tolerance);                             \
        if (!(fabs(actual_ - expected_) <= tolerance_))                                                                \
            fail_msg("%s = %.17g, expected %.17g, off by %.3g > %.3g", #actual, actual_, expected_,                    \
                     actual_ - expected_, tolerance_);                                                                 \
    } while (0)

#define BETWEEN(value, low, high)                                                                                      \
    do {                                                                                                               \
        const double value_ = (value), low_ = (low), high_ = (high);                                                   \
        if (!(value_ >= low_ && value_ <= high_))                                                                      \
            fail_msg("%s = %.17g is not between %.17g and %.17g", #value, value_, low_, high_);                        \
    } while (0)

UNUSED static double largest(const double *v, size_t n)
{
    double most = 0;
    for (size_t x = 0; x < n; x++)
        most = fabs(v[x]) > most || isnan(v[x]) ? fabs(v[x]) : most;
    return most;
}

/* Largest difference over the largest element of b; NAN where any is NAN. */
UNUSED static double difference(const double *a, const double *b, size_t n)
{
    double most = 0;
    for (size_t x = 0; x < n; x++)
        if (isnan(a[x] - b[x]) || fabs(a[x] - b[x]) > most)
            most = fabs(a[x] - b[x]);
    return most / (largest(b, n) + 1e-300);
}

UNUSED static double sum_of(const double *v, size_t n)
{
    double sum = 0;
    for (size_t x = 0; x < n; x++)
        sum += v[x];
    return sum;
}

/* ---- random numbers: splitmix64, one stream per test ---- */

typedef struct rng {
    uint64_t state;
} rng;

UNUSED static double uniform(rng *r, double low, double high)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return low + (high - low) * (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

UNUSED static void fill_random(rng *r, double *v, size_t n)
{
    for (size_t x = 0; x < n; x++)
        v[x] = uniform(r, -1, 1);
}

UNUSED static double *new_array(size_t n)
{
    double *v = calloc(n, sizeof *v);
    assert_non_null(v);
    return v;
}

UNUSED static double *random_array(rng *r, size_t n)
{
    double *v = new_array(n);
    fill_random(r, v, n);
    return v;
}

/* ---- temporary files: one folder per program, removed with all that is in it by forget_files ---- */

static char test_folder[64];

UNUSED static const char *in_folder(const char *name)
{
    static char path[4][256];
    static int next;
    if (!test_folder[0]) {
        strcpy(test_folder, "/tmp/nanolase-test-XXXXXX");
        assert_non_null(mkdtemp(test_folder));
    }
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", test_folder, name);
    return path[next];
}

UNUSED static int forget_files(void **state)
{
    char command[96];
    (void)state;
    if (!test_folder[0])
        return 0;
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    test_folder[0] = '\0';
    return system(command) != 0;
}

UNUSED static const char *write_file_named(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

/* printf into a text that stays until the fourth call after. */
UNUSED static const char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
UNUSED static const char *text_of(const char *format, ...)
{
    static char text[4][2048];
    static int next;
    va_list args;
    next = (next + 1) % 4;
    va_start(args, format);
    vsnprintf(text[next], sizeof text[next], format, args);
    va_end(args);
    return text[next];
}

/* The configuration of an ini text. */
UNUSED static nl_config config_of(const char *text)
{
    nl_config config;
    OK(nl_config_load(write_file_named("test.ini", text), NULL, 0, &config));
    return config;
}

/* ---- backends ---- */

typedef struct backend_case {
    const char *name;
    int threads;
    nl_precision precision;
} backend_case;

UNUSED static const backend_case backend_cases[] = {
    {"cpu", 1, NL_DOUBLE}, {"cpu", 2, NL_DOUBLE}, {"cuda", 0, NL_DOUBLE}};
UNUSED static const backend_case all_precisions[] = {{"cpu", 1, NL_DOUBLE},
                                                     {"cpu", 2, NL_DOUBLE},
                                                     {"cuda", 0, NL_DOUBLE},
                                                     {"cpu", 2, NL_SINGLE},
                                                     {"cuda", 0, NL_SINGLE}};

UNUSED static bool is_single(const nl_backend *b)
{
    return b->ops->real_size == sizeof(float);
}

/* The tolerance of a comparison that rounding of states and tables sets. */
UNUSED static double rounded(const nl_backend *b, double tolerance)
{
    return is_single(b) ? 1e-5 : tolerance;
}

/* False, with a line that says why, where this machine or build lacks the backend. The sanitized build never does. */
UNUSED static bool open_or_skip(const backend_case *c, const char *what, nl_backend **out)
{
    const nl_status status = nl_backend_open(c->name, c->threads, 0, c->precision, out);
    if (status == NL_OK)
        return true;
#ifdef NL_SANITIZED
    fprintf(stderr, "%s on %s: %s\n", what, c->name, nl_error_message());
    abort();
#endif
    if (status != NL_ERR_NO_CUDA) {
        fprintf(stderr, "%s on %s: %s\n", what, c->name, nl_error_message());
        abort();
    }
    printf("SKIP %s on %s: %s\n", what, c->name, nl_error_message());
    return false;
}

/* Runs the tests on one backend, which each gets as its state (backend_of); returns how many failed, 0 where this
 * machine or build lacks the backend. what: is tested, for the line that says so. */
UNUSED static int run_tests_on(const backend_case *c, const char *what, const struct CMUnitTest *tests, int count)
{
    struct CMUnitTest with_backend[count];
    nl_backend *backend = NULL;
    if (!open_or_skip(c, what, &backend))
        return 0;
    print_message("%s on %s with %d threads, %zu bytes a number (%s)\n", what, c->name, c->threads,
                  backend->ops->real_size, backend->device);
    for (int t = 0; t < count; t++) {
        with_backend[t] = tests[t];
        with_backend[t].initial_state = backend;
    }
    const int failed = _cmocka_run_group_tests(c->name, with_backend, (size_t)count, NULL, NULL);
    nl_backend_close(backend);
    return failed;
}

#endif
