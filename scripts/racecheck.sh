#!/usr/bin/env bash
# Runs a program and tests that were built with clang's ThreadSanitizer, by four threads: racecheck.sh PROGRAM TEST...;
# 1 where threads race. The program does every kind of run that the tests of crashes know. Archer tells the sanitizer
# what OpenMP puts in order; libraries that were not built with it, HDF5 and BLAS, are passed over.
set -eu
cd "$(dirname "$0")/.."
export OMP_TOOL_LIBRARIES=libarcher.so OMP_NUM_THREADS=4
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 allocator_may_return_null=1 exitcode=66"
program=$1
shift
ARCHER_OPTIONS=verbose=1 "$program" info 2>&1 | grep -q "Archer detected" || {
    echo "racecheck: clang's OpenMP is without libarcher.so, and would give false alarms; install libomp-dev" >&2
    exit 2
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for test in "$@"; do
    if "$test" >"$log" 2>&1; then
        echo "ok $test"
    else
        cat "$log"
        echo "FAILED $test"
        status=1
    fi
done
"$(scripts/find-python.sh)" tests/race_runs.py "$program" || status=1
exit $status
