#!/usr/bin/env bash
# Runs the test programs given, then the tests of the command line; ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit
passed=0 failed=0
count() { grep -oE "$1 [0-9]+ test" "$log" | grep -oE '[0-9]+' | awk '{s+=$1} END {print s+0}'; }

log=$(mktemp) logs=$(mktemp -d)
export logs
trap 'rm -rf "$log" "$logs"' EXIT

# As many at a time as there are processors; threads that wait must not spin then, nor BLAS start its own.
# shellcheck disable=SC2016 # bash -c expands these
printf '%s\0' "$@" | GOMP_SPINCOUNT=5000 OPENBLAS_NUM_THREADS=1 xargs -0 -P "$(nproc)" -I '{}' bash -c '
    "$1" >"$logs/${1//\//_}" 2>&1
    echo $? >"$logs/${1//\//_}.code"
    echo "== $1"' _ '{}'
for test in "$@"; do
    name=${test//\//_}
    mv "$logs/$name" "$log"
    code=$(cat "$logs/$name.code" || echo 1)
    p=$(count '\[  PASSED  \]') f=$(count '\[  FAILED  \]')
    grep -E 'SKIP' "$log"
    if [ "$code" -ne 0 ]; then
        echo "== $test: exit status $code"
        cat "$log"
        [ "$f" -gt 0 ] || f=1 # it ended before it could count
    fi
    passed=$((passed + p)) failed=$((failed + f))
done

for script in tests/test_*.py; do
    echo "== $script"
    "$(scripts/find-python.sh)" "$script" >"$log" 2>&1
    code=$?
    p=$(grep -cE '^ok ' "$log") f=$(grep -cE '^FAILED ' "$log")
    [ $code -eq 0 ] || { cat "$log"; [ "$f" -gt 0 ] || f=1; }
    grep -E '^(SKIP|note:)' "$log"
    passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
