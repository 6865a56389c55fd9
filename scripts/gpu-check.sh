#!/usr/bin/env bash
# Build, tests and benchmarks on a machine with a GPU, in one call and with one report.
#
#   scripts/gpu-check.sh [REPORT_FOLDER]
#
# Builds for the device's architecture only. A machine that can fetch nothing takes HDF5, inih, cmocka and LAPACK from
# the Debian packages in the folder $DEBS (default: debs), unpacked to build/deps. compute-sanitizer runs where it is
# installed.
set -u
cd "$(dirname "$0")/.." || exit
report=${1:-build/gpu-check}
mkdir -p "$report" build/deps
log=$report/report.txt
: >"$log"
failed=0

step() { # step NAME COMMAND...: runs it, keeps its output, notes the outcome
    local name=$1 start=$SECONDS code
    shift
    echo "== $name" | tee -a "$log"
    "$@" >>"$log" 2>&1
    code=$?
    [ $code -eq 0 ] || failed=$((failed + 1))
    echo "   $([ $code -eq 0 ] && echo ok || echo "FAILED with code $code") after $((SECONDS - start)) s" | tee -a "$log"
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
    local backend
    for backend in cpu cuda; do
        build/nanolase run "$@" -b $backend -o "build/gpu-$backend.h5" || return 1
        build/nanolase show --csv "build/gpu-$backend.h5" >"build/gpu-$backend.csv" || return 1
    done
    paste -d, build/gpu-cpu.csv build/gpu-cuda.csv | awk -F, '
        NR == 1 { n = NF / 2; for (c = 1; c <= n; c++) if ($c == "converged") last = c - 1; next }
        { for (c = 1; c <= last; c++) {
              d = $c - $(c + n); if (d < 0) d = -d; if (d > diff[c]) diff[c] = d
              s = $c < 0 ? -$c : $c; if (s > size[c]) size[c] = s } }
        END { for (c = 1; c <= last; c++) { d = diff[c] / (size[c] > 1 ? size[c] : 1); if (d > worst) worst = d }
              print "largest difference between CPU and device:", worst; exit !(NR > 1 && worst < 1e-9) }'
}

device_tests() { # test programs that run on every backend they find
    local test
    for test in $tests; do
        "$test" || return 1
    done
}

tests="build/tests/test_backend build/tests/test_lindblad_backend build/tests/test_update build/tests/test_step
    build/tests/test_relax build/tests/test_lindblad_runs build/tests/test_multigrid build/tests/test_dense
    build/tests/test_krylov build/tests/test_selfconsistent build/tests/test_dimer build/tests/test_dimer_runs
    build/tests/test_amplitude_backend build/tests/test_amplitude_runs"
pkg-config --exists inih 2>/dev/null || use_debs
architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
nvidia-smi >>"$log" 2>&1

# shellcheck disable=SC2086 # a list of words
step "build for sm_$architecture" make -j"$(nproc)" CUDA_ARCHS="$architecture" all $tests build/bench/bench_phase \
    build/bench/bench_lindblad build/bench/bench_dimer build/bench/bench_amplitude
step "device" build/nanolase info
step "tests on the device" device_tests
step "CPU and device agree on phases" same_on_both configs/quickstart.ini
step "CPU and device agree on density matrices" same_on_both configs/fig6-gutzwiller.ini -s steady.method=relax \
    -s sweep.t_c=0.01,0.02 -s laser.gamma=500 -s fock.levels=160
step "CPU and device agree on self-consistent radii" same_on_both configs/fig6-selfconsistent.ini \
    -s sweep.t_c=0.01,0.03
step "CPU and device agree on gaps" same_on_both configs/gap.ini -s sweep.t_c=0.5,1.5 -s sweep.D_p=0.2,0.05
if command -v compute-sanitizer >/dev/null; then
    for test in build/tests/test_backend build/tests/test_lindblad_backend; do
        step "memcheck of $test" compute-sanitizer --tool memcheck --error-exitcode 1 $test
        step "racecheck of $test" compute-sanitizer --tool racecheck --error-exitcode 1 $test
    done
else
    echo "compute-sanitizer is not installed: left out" | tee -a "$log"
fi
for bench in phase lindblad dimer amplitude; do
    step "$bench operator on the device" build/bench/bench_$bench cuda
    step "$bench operator on the CPU" build/bench/bench_$bench cpu
done
step "Fig. 4 on the device" build/nanolase run configs/fig4.ini -b cuda -o build/gpu-fig4.h5
for method in multigrid rre krylov; do
    step "steady states by $method on the device" build/nanolase run configs/fig4.ini -b cuda -o build/gpu-method.h5 \
        -s steady.method=$method -s sweep.D_p=0.005 -s grid.n_c=512 -s grid.order=8 -s sweep.t_c=0.3,1,3
done
step "Fig. 6 on the device" build/nanolase run configs/fig6-gutzwiller.ini -b cuda -o build/gpu-fig6.h5
echo "$failed steps failed; report in $log" | tee -a "$log"
[ $failed -eq 0 ]
