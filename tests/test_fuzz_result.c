/* Hostile result files: seeds, former findings and some hundred mutations of them (tests/fuzz/fuzz_result.c). */
#include "fuzz/fuzz_result.c"
#include "fuzz/replay.h"

int main(void)
{
    static const char *const patterns[] = {"tests/fuzz/seeds/result-*"};
    return replay_tests(patterns, COUNT(patterns), 300);
}
