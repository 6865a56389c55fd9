#!/usr/bin/env bash
# Runs the test programs given, then the tests of the command line; ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit
passed=0 failed=0
count() { grep -oE "$1 [0-9]+ test" "$log" | grep -oE '[0-9]+' | awk '{s+=$1} END {print s+0}'; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for test in "$@"; do
    echo "== $test"
    "$test" >"$log" 2>&1
    code=$?
    p=$(count '\[  PASSED  \]') f=$(count '\[  FAILED  \]')
    grep -E 'SKIP' "$log"
    if [ $code -ne 0 ]; then
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
