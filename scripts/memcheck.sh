#!/usr/bin/env bash
# Runs test programs under valgrind's memcheck, which also sees reads of memory that nothing was written to; 1 where it
# finds anything: memcheck.sh PROGRAM... Processors' newest instructions are unknown to it: build with MARCH=x86-64-v2.
set -eu
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "memcheck: valgrind is not installed" >&2; exit 2; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for test in "$@"; do
    if OMP_NUM_THREADS=2 valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite "$test" >"$log" 2>&1; then
        echo "ok $test"
    else
        cat "$log"
        echo "FAILED $test"
        status=1
    fi
done
exit $status
