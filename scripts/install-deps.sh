#!/bin/sh
# Installs what nanolase needs and this machine lacks, from Debian's or Ubuntu's packages. Does nothing where all is
# there. With --peers also what the benchmarks' baselines need, with --mpi an MPI where there is none (Open MPI). CUDA
# is left to NVIDIA's own installer.
set -eu

packages="gcc g++ make pkg-config libhdf5-dev libinih-dev libcmocka-dev liblapacke-dev libopenblas0-pthread
python3 python3-venv python3-numpy python3-h5py python3-matplotlib"
modules=numpy,h5py,matplotlib
if [ "${1:-}" = --peers ]; then
    packages="$packages python3-scipy"
    modules=$modules,scipy
fi
if [ "${1:-}" = --mpi ]; then
    packages="$packages libopenmpi-dev openmpi-bin"
fi

# What each package is for is there, whoever installed it.
has() {
    case $1 in
    gcc | g++ | make) command -v "$1" ;;
    pkg-config) command -v pkg-config ;;
    libhdf5-dev) pkg-config --exists hdf5-serial || pkg-config --exists hdf5 ;;
    libinih-dev) pkg-config --exists inih ;;
    libcmocka-dev) pkg-config --exists cmocka ;;
    liblapacke-dev) pkg-config --exists lapacke ;;
    libopenblas*) PATH=$PATH:/sbin ldconfig -p | grep -Eq 'libopenblas|libblis|libmkl' ;; # the reference BLAS is slow
    libopenmpi-dev) command -v mpicc ;;
    openmpi-bin) command -v mpirun ;;
    python3) command -v python3 ;;
    python3-venv) true ;; # only a way to the next ones
    python3-*) has_modules "$modules" ;;
    esac >/dev/null 2>&1
}

# One interpreter must have all the modules.
has_modules() {
    for python in "${PYTHON:-}" python3 /usr/bin/python3 "$(dirname "$0")/../build/venv/bin/python"; do
        [ -n "$python" ] && "$python" -c "import $1" && return 0
    done
    return 1
}

missing=
for package in $packages; do
    has "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "install-deps: missing, and no apt here to install it:$missing" >&2
    echo "install-deps: install these (or what your system calls them) and run make again" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: missing:$missing; run 'apt-get install$missing' as root" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "install-deps: installing$missing"
$sudo apt-get update -q
# shellcheck disable=SC2086 # one word for each package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
