#!/bin/sh
# Prints a python3 that has numpy, h5py, matplotlib and the further modules given: the first on the PATH may not be the
# one that Debian's packages serve. Where none has them, makes build/venv.
set -eu
cd "$(dirname "$0")/.."
modules="numpy,h5py,matplotlib"
for module in "$@"; do
    modules="$modules,$module"
done

for python in "${PYTHON:-}" python3 /usr/bin/python3 "$PWD/build/venv/bin/python"; do
    if [ -n "$python" ] && "$python" -c "import $modules" 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done

{
    echo "find-python: no python3 here has $modules; making build/venv"
    mkdir -p build
    # shellcheck disable=SC2046 # one word for each module
    python3 -m venv build/venv && build/venv/bin/python -m pip install -q $(echo "$modules" | tr , ' ')
} >&2 || {
    echo "find-python: that failed; install python3 with the modules $modules, and set PYTHON to it" >&2
    exit 1
}
echo "$PWD/build/venv/bin/python"
