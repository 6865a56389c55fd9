#!/usr/bin/env bash
# All benchmarks, one after the other: nothing else should run on the machine meanwhile.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh --peers
for bench in phase lindblad dimer amplitude; do
    build/bench/bench_$bench cpu
done
build/bench/bench_dimer cpu 64 single
build/bench/bench_amplitude cpu 64 single
if build/nanolase info | grep -q 'CUDA device: none'; then
    echo "no CUDA device: its benchmarks are left out"
else
    build/bench/bench_cuda --csv build/bench/cuda.csv
    build/bench/bench_cuda --single --csv build/bench/cuda-single.csv
fi
"$(scripts/find-python.sh scipy)" benchmarks/steady_state.py
"$(scripts/find-python.sh)" benchmarks/ranks.py
"$(scripts/find-python.sh)" benchmarks/steady_methods.py
"$(scripts/find-python.sh scipy)" benchmarks/fig5c_map.py
"$(scripts/find-python.sh scipy qutip)" benchmarks/lindblad_steady_state.py
"$(scripts/find-python.sh scipy qutip)" benchmarks/dimer_evolution.py
