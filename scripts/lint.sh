#!/usr/bin/env bash
# Static analysis by whatever of clang-tidy, gcc's analyzer, cppcheck, shellcheck and pyflakes is installed; 1 where one
# finds anything. A word chooses one: lint.sh cppcheck. What is passed over has its reason here, in .clang-tidy, or
# where it stands.
# shellcheck disable=SC2317 # functions are called by name
set -u
cd "$(dirname "$0")/.." || exit
chosen=${1:-} status=0
libraries=$(pkg-config --cflags hdf5-serial inih lapacke 2>/dev/null || pkg-config --cflags hdf5 inih lapacke)
read -ra flags <<<"-std=gnu11 -Iinclude -Ikernels -Ihost -DNL_COMMIT=\"\" $libraries"
mapfile -t sources < <(git ls-files 'host/*.c' | grep -v transport_mpi) # that one needs MPI's headers

lint() { # name, then the command
    name=$1
    shift
    [ -z "$chosen" ] || [ "$chosen" = "$name" ] || return 0
    if ! "${check[@]}" >/dev/null 2>&1; then
        echo "SKIP $name: not installed"
    elif "$@"; then
        echo "ok $name"
    else
        echo "FAILED $name"
        status=1
    fi
}

tidy() {
    printf '%s\n' "${sources[@]}" | xargs -P"$(nproc)" -I{} clang-tidy --quiet {} -- "${flags[@]}" -fopenmp 2>/dev/null
}

# gcc's analyzer takes what is put into another's struct for lost (LeakSanitizer watches that in the tests), and a loop
# over points or elements for possibly empty, so that what it fills would be fresh memory (make memcheck watches that).
analyze() {
    printf '%s\n' "${sources[@]}" | xargs -P"$(nproc)" -I{} gcc -fanalyzer -fanalyzer-call-summaries \
        -Wno-analyzer-malloc-leak -Wno-analyzer-use-of-uninitialized-value -Werror -O1 \
        -D__clang_analyzer__ "${flags[@]}" -c {} -o /dev/null
}

# cppcheck takes names of #pragma simd reductions for calls, loops over lasers for possibly empty, and a list that was
# handed to its owner for lost; a column of doubles is written as integers in place, of the same size.
check_c() {
    cppcheck --quiet --std=c11 -j"$(nproc)" --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=ignoredReturnValue --suppress=uninitvar:host/phase.c \
        --suppress=memleak:host/state_file.c --suppress=memleak:host/store.c \
        --suppress=nullPointerRedundantCheck:host/ranks.c --suppress=invalidPointerCast:host/result_write.c \
        -Iinclude -Ikernels -Ihost --error-exitcode=1 "${sources[@]}"
}

check=(command -v clang-tidy) && lint clang-tidy tidy
check=(gcc -fanalyzer -x c -c /dev/null -o /dev/null) && lint gcc-analyzer analyze
check=(command -v cppcheck) && lint cppcheck check_c
check=(command -v shellcheck) && lint shellcheck shellcheck scripts/*.sh tests/run.sh
python=$(scripts/find-python.sh)
check=("$python" -m pyflakes --version) && lint pyflakes "$python" -m pyflakes scripts/*.py tests/*.py benchmarks/*.py
exit $status
