/*
 * Fuzz target: an ini text, then overrides, each after "-s " on a new line, are read, printed, read again and planned;
 * nothing is solved. Failures must name their place; what is printed must reproduce what was read; what a plan promises
 * is finite.
 */
#define _GNU_SOURCE /* memmem */
#include <math.h>

#include "config_keys.h"
#include "fuzz.h"
#include "nanolase.h"

enum { MOST_OVERRIDES = 8, MOST_POINTS = 40 };
static const char SEPARATOR[] = "\n-s ";

typedef struct input {
    char text[1 << 16];
    char *overrides[MOST_OVERRIDES];
    int n_overrides;
    size_t file_size;
} input;

/* The first part is the file, the others are the overrides. A command line has no NUL, so those end there. */
static void split_input(const uint8_t *data, size_t size, input *in)
{
    const size_t length = strlen(SEPARATOR);
    size = size < sizeof in->text ? size : sizeof in->text - 1;
    memcpy(in->text, data, size);
    in->text[size] = '\0';
    in->n_overrides = 0;
    in->file_size = size;
    char *end = in->text + size, *mark = memmem(in->text, size, SEPARATOR, length);
    if (mark)
        in->file_size = (size_t)(mark - in->text);
    while (mark && in->n_overrides < MOST_OVERRIDES) {
        char *override = mark + length;
        *mark = '\0';
        in->overrides[in->n_overrides++] = override;
        mark = memmem(override, (size_t)(end - override), SEPARATOR, length);
    }
}

static void check_message(nl_status status, const char *path)
{
    const char *message = nl_error_message();
    FUZZ_CHECK(status == NL_ERR_CONFIG, "%s: %s", nl_status_text(status), message);
    FUZZ_CHECK(strncmp(message, path, strlen(path)) == 0 || strncmp(message, "-s ", 3) == 0, "no place: %s", message);
}

/* The text of a configuration reads as that configuration. */
static void check_text(const nl_config *config)
{
    char path[128];
    nl_config again;
    char *text = nl_config_text(config);
    FUZZ_CHECK(text, "no text");
    fuzz_write(fuzz_path("printed.ini", path, sizeof path), text, strlen(text));
    FUZZ_CHECK(nl_config_load(path, NULL, 0, &again) == NL_OK, "%s\nof %s", nl_error_message(), text);
    char *text_again = nl_config_text(&again);
    FUZZ_CHECK(text_again && strcmp(text, text_again) == 0, "%s\nreads as\n%s", text, text_again);
    FUZZ_CHECK(again.n_axes == config->n_axes, "%d axes", again.n_axes);
    for (int a = 0; a < again.n_axes; a++)
        FUZZ_CHECK(again.axes[a].key == config->axes[a].key && again.axes[a].count == config->axes[a].count &&
                       memcmp(again.axes[a].values, config->axes[a].values, again.axes[a].count * sizeof(double)) == 0,
                   "axis %d of %s", a, text);
    nl_config_release(&again);
    free(text_again);
    free(text);
}

static void check_plan(const nl_config *config)
{
    nl_plan plan;
    const nl_status status = nl_plan_new(config, &plan);
    if (status != NL_OK) {
        check_message(status, config->path);
        return;
    }
    const double bytes = nl_plan_result_bytes(&plan);
    const nl_plan_work work = nl_plan_estimate(&plan);
    FUZZ_CHECK(isfinite(bytes) && bytes > 0, "%g bytes of results", bytes);
    FUZZ_CHECK(isfinite(work.point_bytes) && work.point_bytes > 0, "%g bytes for a point", work.point_bytes);
    FUZZ_CHECK(isfinite(work.grid_points) && work.grid_points > 0, "%g grid points", work.grid_points);
    FUZZ_CHECK(isfinite(work.applications_per_time) && work.applications_per_time >= 0, "%g applications",
               work.applications_per_time);
    if (bytes < 1e8) {
        nl_result result;
        FUZZ_CHECK(nl_plan_new_result(&plan, &result) == NL_OK, "%s", nl_error_message());
        nl_result_release(&result);
    }
    nl_plan_release(&plan);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static input in;
    char path[128];
    nl_config config;
    split_input(data, size, &in);
    fuzz_write(fuzz_path("run.ini", path, sizeof path), in.text, in.file_size);
    const nl_status status = nl_config_load(path, (const char *const *)in.overrides, in.n_overrides, &config);
    if (status != NL_OK) {
        check_message(status, path);
        return 0;
    }
    check_text(&config);
    if (nl_config_point_count(&config) <= MOST_POINTS)
        check_plan(&config);
    nl_config_release(&config);
    return 0;
}

/* ---- mutation: words of the language, taken from the table of keys ---- */

static const char *const VALUES[] = {"0",
                                     "-0",
                                     "1",
                                     "2",
                                     "-1",
                                     "0.5",
                                     "1e-300",
                                     "1e300",
                                     "1e999",
                                     "4.9e-324",
                                     "1e12",
                                     "1e6",
                                     "65535",
                                     "100000",
                                     "0x10",
                                     "0x1p-3",
                                     "nan",
                                     "inf",
                                     "1,5",
                                     "auto",
                                     "yes",
                                     "no",
                                     "linspace(0, 1, 3)",
                                     "linspace(1e-3, 1e6, 7)",
                                     "logspace(-300, 12, 5)",
                                     "linspace(0, 1, 1e9)",
                                     "1, 2",
                                     "1,",
                                     "8, 16, 32",
                                     "3 ; comment",
                                     "\xEF\xBB\xBF",
                                     "\xff\xfe",
                                     "\r\n",
                                     "",
                                     "2147483648",
                                     "1e10, 1e11"};

static const char *random_value(const nl_key *key, uint64_t *random, char *text, size_t size)
{
    const uint64_t r = fuzz_random(random) % 4;
    if (key->type == KEY_CHOICE && r) { /* one of its words */
        const char *word = key->words;
        for (int skip = (int)(fuzz_random(random) % 6); skip > 0 && strchr(word, '|'); skip--)
            word = strchr(word, '|') + 1;
        snprintf(text, size, "%.*s", (int)strcspn(word, "|"), word);
    } else if (r > 1 && key->high > key->low) { /* within its range, on a logarithmic scale */
        const double low = key->low > 1e-30 ? key->low : 1e-30;
        snprintf(text, size, "%.*g", r == 2 ? 3 : 17,
                 low * pow(key->high / low, (double)(fuzz_random(random) % 1000) / 999));
    } else {
        snprintf(text, size, "%s", VALUES[fuzz_random(random) % (sizeof VALUES / sizeof *VALUES)]);
    }
    return text;
}

/* A key with a value, as a section of the file, a sweep or an override. */
static size_t random_line(uint64_t *random, char *line, size_t size)
{
    const nl_key *key = &nl_keys[fuzz_random(random) % (unsigned)nl_key_count];
    char value[64];
    random_value(key, random, value, sizeof value);
    switch (fuzz_random(random) % 7) {
    case 0: return (size_t)snprintf(line, size, "\n[%s]\n%s = %s\n", key->section, key->name, value);
    case 1: return (size_t)snprintf(line, size, "\n%s = %s\n", key->name, value);
    case 2: return (size_t)snprintf(line, size, "\n[sweep]\n%s.%s = %s\n", key->section, key->name, value);
    case 3: return (size_t)snprintf(line, size, "\n-s %s.%s=%s", key->section, key->name, value);
    case 4: return (size_t)snprintf(line, size, "\n-s sweep.%s=%s", key->name, value);
    case 5: return (size_t)snprintf(line, size, "\n  %s\n", value);
    default: return (size_t)snprintf(line, size, "%s", value);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint64_t random = seed;
    char line[200];
    if (fuzz_random(&random) % 3 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    const size_t length = random_line(&random, line, sizeof line);
    const uint8_t *end = size ? data + fuzz_random(&random) % (size + 1) : data;
    /* Mostly at the start of a line. */
    if (fuzz_random(&random) % 4)
        while (end < data + size && *end != '\n')
            end++;
    if (size + length > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    const size_t at = (size_t)(end - data);
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, line, length);
    return size + length;
}
