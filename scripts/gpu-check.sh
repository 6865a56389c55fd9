#!/usr/bin/env bash
# All that needs a GPU, in one call and with one report: build, measurements, Fig. 5 (c), the scaling at threshold down
# to D_p = 1e-6, tests on the device, compute-sanitizer.
#
#   scripts/gpu-check.sh [REPORT_FOLDER]
#
# What is worth most comes first, every step has a time limit, and the report is complete up to the step at work, so
# that a call that is cut short (GPU_CHECK_SECONDS, 570) leaves what there was time for. Builds for the device's
# architecture only. A machine that can fetch nothing takes HDF5, inih, cmocka and LAPACK from the Debian packages in
# the folder $DEBS (default: debs), unpacked to build/deps. compute-sanitizer, and python with numpy, are used where
# they are. BACKEND=cpu and BENCH_CUDA=build/sanitized/bench_cuda try the script itself on a machine without a GPU.
set -u
cd "$(dirname "$0")/.." || exit
case "$#${1-}" in 0 | 1[!-]*) ;; *) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" && exit 2 ;; esac
report=${1:-build/gpu-check}
backend=${BACKEND:-cuda}
bench=${BENCH_CUDA:-build/bench/bench_cuda}
seconds=${GPU_CHECK_SECONDS:-570}
mkdir -p "$report" build/deps
log=$report/report.txt
: >"$log"
failed=0 cut=0

say() { echo "$*" | tee -a "$log"; }

step() { # step LIMIT NAME COMMAND...: runs it for at most LIMIT seconds, keeps its output, notes the outcome
    local limit=$1 name=$2 start=$SECONDS code outcome
    shift 2
    [ "$limit" -lt $((seconds - SECONDS)) ] || limit=$((seconds - SECONDS))
    if [ "$limit" -lt 5 ]; then
        say "== $name: left out, no time left"
        cut=$((cut + 1))
        return
    fi
    say "== $name"
    timeout -k 20 "$limit" bash -c '"$@"' step "$@" >>"$log" 2>&1
    code=$?
    case $code in
    0) outcome=ok ;;
    124 | 137) outcome="cut short" cut=$((cut + 1)) ;;
    *) outcome="FAILED with code $code" failed=$((failed + 1)) ;;
    esac
    say "   $outcome after $((SECONDS - start)) s"
}

use_debs() {
    local root=$PWD/build/deps deb library
    for deb in "${DEBS:-debs}"/*.deb; do
        [ -e "$deb" ] && dpkg -x "$deb" "$root"
    done
    library=$root/usr/lib/x86_64-linux-gnu
    export PKG_CONFIG_PATH=$library/pkgconfig:${PKG_CONFIG_PATH:-} PKG_CONFIG_SYSROOT_DIR=$root
    export CPATH=$root/usr/include:$root/usr/include/hdf5/serial LIBRARY_PATH=$library:$library/hdf5/serial
    export LD_LIBRARY_PATH=$library:$library/hdf5/serial:$library/lapack:$library/blas:${LD_LIBRARY_PATH:-}
}

same_on_both() { # same_on_both CONFIG [OPTIONS]: on CPU and device, observables to 1e-9 of the largest of their column
    local where
    for where in cpu "$backend"; do
        build/nanolase run "$@" -b "$where" -o "build/gpu-$where.h5" || return 1
        build/nanolase show --csv "build/gpu-$where.h5" >"build/gpu-$where.csv" || return 1
    done
    paste -d, build/gpu-cpu.csv "build/gpu-$backend.csv" | awk -F, '
        NR == 1 { n = NF / 2; for (c = 1; c <= n; c++) if ($c == "converged") last = c - 1; next }
        { for (c = 1; c <= last; c++) {
              d = $c - $(c + n); if (d < 0) d = -d; if (d > diff[c]) diff[c] = d
              s = $c < 0 ? -$c : $c; if (s > size[c]) size[c] = s } }
        END { for (c = 1; c <= last; c++) { d = diff[c] / (size[c] > 1 ? size[c] : 1); if (d > worst) worst = d }
              print "largest difference between CPU and device:", worst; exit !(NR > 1 && worst < 1e-9) }'
}

run() { # run NAME CONFIG [OPTIONS]: on the device, into the report folder; a result kept from before is another run's
    local name=$1
    shift
    rm -f "$report/$name.h5"
    build/nanolase run "$@" -b "$backend" -o "$report/$name.h5" && build/nanolase show "$report/$name.h5" | tail -n 60
}

# Each D_p by itself: the direct solutions take up to 12 GB of main memory, and what is done is kept.
scaling_beyond() {
    local D worst=0
    for D in 6.3e-5 4e-5 2.5e-5 1.6e-5 1e-6 1e-5 6.3e-6 4e-6 2.5e-6 1.6e-6; do
        run "scaling-$D" configs/critical-scaling.ini -s sweep.D_p=$D -s steady.method=multigrid -s grid.n_c=2400 \
            -s steady.tolerance=5e-8 || worst=$?
    done
    return $worst
}

exponents() {
    python3 scripts/critical_exponent.py "$report"/critical-scaling.h5 "$report"/scaling-*.h5 -d "$report"
}

device_tests() { # every C test: they run on all backends that they find
    local test worst=0
    for test in build/tests/test_*; do
        case $test in *.o) continue ;; esac
        "$test" || worst=1
    done
    return $worst
}

export -f run same_on_both scaling_beyond exponents device_tests
export report backend
pkg-config --exists inih 2>/dev/null || use_debs
architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
nvidia-smi >>"$log" 2>&1
tests=$(for source in tests/test_*.c; do echo "build/tests/$(basename "$source" .c)"; done)
build() { make -j"$(nproc)" CUDA_ARCHS="$architecture" "$@"; }
export -f build
export architecture

step 240 "build for sm_$architecture" build all "$bench"
step 20 "device" build/nanolase info
step 60 "CPU and device agree on phases" same_on_both configs/quickstart.ini
step 150 "bench_cuda" "$bench" ${BENCH_CUDA:+--check} --csv "$report/bench-cuda.csv"
step 60 "Fig. 5 (c) on the device (goal: 10 s)" run fig5c configs/fig5c.ini
# shellcheck disable=SC2086 # a list of words
step 240 "build of tests and benchmarks" build $tests build/bench/bench_phase build/bench/bench_lindblad \
    build/bench/bench_dimer build/bench/bench_amplitude
step 120 "tests on the device" device_tests
step 60 "scaling at threshold to D_p = 1e-4" run critical-scaling configs/critical-scaling.ini
step 240 "scaling at threshold to D_p = 1e-6" scaling_beyond
if python3 -c 'import numpy, h5py, matplotlib' 2>/dev/null; then
    step 60 "exponents" exponents
else
    say "no python with numpy, h5py and matplotlib: scripts/critical_exponent.py $report/critical-scaling.h5" \
        "$report/scaling-*.h5 is left for another machine"
fi
step 30 "CPU and device agree on density matrices" same_on_both configs/fig6-gutzwiller.ini -s steady.method=relax \
    -s sweep.t_c=0.01,0.02 -s laser.gamma=500 -s fock.levels=160
step 30 "CPU and device agree on self-consistent radii" same_on_both configs/fig6-selfconsistent.ini \
    -s sweep.t_c=0.01,0.03
step 30 "CPU and device agree on gaps" same_on_both configs/gap.ini -s sweep.t_c=0.5,1.5 -s sweep.D_p=0.2,0.05
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck; do
        for test in build/tests/test_{backend,advance,chebyshev_stages,lindblad_backend,dimer}; do
            step 90 "$tool of $test" compute-sanitizer --tool $tool --error-exitcode 1 "$test"
        done
    done
else
    say "compute-sanitizer is not installed: left out"
fi
step 120 "bench_cuda in single precision" "$bench" ${BENCH_CUDA:+--check} --single --csv "$report/bench-cuda-single.csv"
for name in phase lindblad dimer amplitude; do
    step 60 "$name operator on the CPU" build/bench/bench_$name cpu
done
step 60 "Fig. 4 on the device" run fig4 configs/fig4.ini
for method in multigrid rre krylov; do
    step 60 "steady states by $method on the device" run method configs/fig4.ini -s steady.method=$method \
        -s sweep.D_p=0.005 -s grid.n_c=512 -s grid.order=8 -s sweep.t_c=0.3,1,3
done
step 60 "Fig. 6 on the device" run fig6 configs/fig6-gutzwiller.ini
say "$failed steps failed, $cut cut short or left out; report in $log"
[ $failed -eq 0 ]
