/* Hostile configurations: seeds, former findings and some thousand mutations of them (tests/fuzz/fuzz_config.c). */
#include "fuzz/fuzz_config.c"
#include "fuzz/replay.h"
#include "support.h"

static const char *const FOLDERS[] = {"configs/*.ini", "tests/fuzz/seeds/config-*"};

static void test_files(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(FOLDERS); k++)
        assert_true(replay_files(FOLDERS[k]) > 0);
}

static void test_mutations(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(FOLDERS); k++)
        replay_mutations(FOLDERS[k], 1500);
}

static void test_given_input(void **state)
{
    (void)state;
    if (getenv("FUZZ_INPUT"))
        assert_int_equal(replay_files(getenv("FUZZ_INPUT")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_given_input), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_mutations)};
    LLVMFuzzerInitialize(NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
