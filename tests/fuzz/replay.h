/*
 * Drives a fuzz target without libFuzzer: the seeds, every input that once found a fault, and a fixed number of
 * mutations of them from a fixed random number. What ends the program is left as a file to be replayed by its name.
 */
#ifndef NL_FUZZ_REPLAY_H
#define NL_FUZZ_REPLAY_H

#include <glob.h>
#include <signal.h>

#include "fuzz.h"
#include "support.h"

enum { REPLAY_SIZE = 1 << 16, REPLAY_SECONDS = 120 }; /* for one input, else it counts as hanging */

typedef struct replay_input {
    uint8_t data[REPLAY_SIZE];
    size_t size;
} replay_input;

static replay_input replay_now; /* the input at work */
static uint64_t replay_random = 1;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    const uint64_t r = fuzz_random(&replay_random);
    const size_t at = size ? (size_t)(r >> 8) % size : 0, rest = size - at,
                 length = rest ? (size_t)(r >> 40) % rest % 64 + 1 : 0;
    if (size == 0 || (r % 5 == 0 && size < max_size)) { /* a byte more */
        memmove(data + at + 1, data + at, rest);
        data[at] = (uint8_t)(r >> 32);
        return size + 1;
    }
    switch (r % 5) {
    case 1: data[at] = (uint8_t)(r >> 32); return size;
    case 2: data[at] ^= (uint8_t)(1 << (r >> 32) % 8); return size;
    case 3: /* a stretch less */
        memmove(data + at, data + at + length, rest - length);
        return size - length;
    default: /* a stretch twice */
        if (size + length > max_size)
            return size;
        memmove(data + at + length, data + at, rest);
        return size + length;
    }
}

/* ---- what is left of a fault ---- */

#ifdef NL_SANITIZED
void __sanitizer_set_death_callback(void (*)(void));
#endif

static void replay_keep(void)
{
    FILE *f = fopen("build/fuzz-fault", "wb");
    if (f && fwrite(replay_now.data, 1, replay_now.size, f) == replay_now.size && fclose(f) == 0)
        fprintf(stderr, "the input is kept as build/fuzz-fault; FUZZ_INPUT=build/fuzz-fault runs it alone\n");
}

static void replay_signal(int number)
{
    if (number == SIGALRM)
        fprintf(stderr, "still at work after %d s\n", REPLAY_SECONDS);
    replay_keep();
    signal(number, SIG_DFL);
    raise(number);
}

/* In each test, since cmocka has handlers of its own. */
static void replay_watch(void)
{
    static const int numbers[] = {SIGABRT, SIGALRM, SIGFPE, SIGSEGV, SIGBUS};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        signal(numbers[k], replay_signal);
#ifdef NL_SANITIZED
    __sanitizer_set_death_callback(replay_keep);
#endif
}

/* ---- inputs ---- */

static void replay_one(void)
{
    alarm(REPLAY_SECONDS);
    LLVMFuzzerTestOneInput(replay_now.data, replay_now.size);
    alarm(0);
}

static void replay_load(const char *path)
{
    FILE *f = fopen(path, "rb");
    FUZZ_CHECK(f, "%s is missing", path);
    replay_now.size = fread(replay_now.data, 1, REPLAY_SIZE / 2, f);
    fclose(f);
}

/* The files that a pattern names, each once. Returns how many. */
static int replay_files(const char *pattern)
{
    glob_t found;
    replay_watch();
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t k = 0; k < found.gl_pathc; k++) {
        replay_load(found.gl_pathv[k]);
        replay_one();
    }
    const int count = (int)found.gl_pathc;
    globfree(&found);
    return count;
}

/* `count` inputs, each a few changes away from one of the pattern's files. */
static void replay_mutations(const char *pattern, int count)
{
    glob_t found;
    replay_watch();
    FUZZ_CHECK(glob(pattern, 0, NULL, &found) == 0, "%s: no seeds", pattern);
    replay_random = 1;
    for (int k = 0; k < count; k++) {
        replay_load(found.gl_pathv[fuzz_random(&replay_random) % found.gl_pathc]);
        for (int changes = 1 + (int)(fuzz_random(&replay_random) % 4); changes > 0; changes--)
            replay_now.size = LLVMFuzzerCustomMutator(replay_now.data, replay_now.size, REPLAY_SIZE,
                                                      (unsigned)fuzz_random(&replay_random));
        replay_one();
    }
    globfree(&found);
}

/* ---- as tests ---- */

static const char *const *replay_patterns;
static int replay_n_patterns, replay_count; /* mutations of each pattern's files */

static void test_given_input(void **state)
{
    (void)state;
    if (getenv("FUZZ_INPUT"))
        assert_int_equal(replay_files(getenv("FUZZ_INPUT")), 1);
}

static void test_files(void **state)
{
    (void)state;
    for (int k = 0; k < replay_n_patterns; k++)
        assert_true(replay_files(replay_patterns[k]) > 0);
}

static void test_mutations(void **state)
{
    (void)state;
    for (int k = 0; k < replay_n_patterns; k++)
        replay_mutations(replay_patterns[k], replay_count);
}

/* FUZZ_INPUT if it is given, all files of the patterns, and `count` mutations of each pattern's. */
static int replay_tests(const char *const *patterns, int n_patterns, int count)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_given_input), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_mutations)};
    replay_patterns = patterns;
    replay_n_patterns = n_patterns;
    replay_count = count;
    LLVMFuzzerInitialize(NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
