#!/usr/bin/env bash
# Lets each fuzz target given look for faults for so many seconds: fuzz.sh SECONDS TARGET...; 1 where one found any.
# The corpus of the results also gets real files, so that HDF5 reads mutations of those; faults within HDF5 itself are
# told apart by their stack.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
for target in "$@"; do
    name=${target##*/fuzz_} seeds=$folder/${target##*/}
    mkdir -p "build/fuzz/corpus_$name" "build/fuzz/found_$name" "$seeds"
    cp tests/fuzz/seeds/"$name"-* "$seeds"
    if [ "$name" = config ]; then
        cp configs/*.ini "$seeds"
    else
        for mode in steady evolve; do
            build/nanolase run configs/quickstart.ini -q -j 1 -b cpu -o "$seeds/$mode.h5" -s grid.n_c=16 \
                -s phase.D_p=0.5 \
                -s sweep.t_c=0,1 -s run.mode=$mode -s run.t_end=0.2 -s steady.tolerance=1e-3
        done
    fi
    echo "== $target, $seconds s"
    OMP_NUM_THREADS=1 "$target" "build/fuzz/corpus_$name" "$seeds" -max_total_time="$seconds" -max_len=20000 \
        -timeout=20 -rss_limit_mb=3000 -artifact_prefix="build/fuzz/found_$name/" -print_final_stats=1 \
        -verbosity="${FUZZ_VERBOSITY:-0}" ||
        status=1
done
exit $status
