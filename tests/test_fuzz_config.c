/* Hostile configurations: seeds, former findings and some thousand mutations of them (tests/fuzz/fuzz_config.c). */
#include "fuzz/fuzz_config.c"
#include "fuzz/replay.h"

int main(void)
{
    static const char *const patterns[] = {"configs/*.ini", "tests/fuzz/seeds/config-*"};
    return replay_tests(patterns, COUNT(patterns), 1500);
}
