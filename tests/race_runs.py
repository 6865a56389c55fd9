#!/usr/bin/env python3
"""Every kind of run by a program built with ThreadSanitizer, with four threads that save and keep often, to its end and
stopped by a signal: scripts/racecheck.sh calls it with the program."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cli_support import ini, sets
from crash_support import OFTEN, RUNS


def run(program, folder, text, values, stop_after=None):
    """Returns exit code and messages."""
    command = [program, "run", ini(folder, text), "-o", "out.h5", "-j", "4", *sets({**OFTEN, **values})]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env=dict(os.environ, OMP_WAIT_POLICY="passive"))
    if stop_after:
        time.sleep(stop_after)
        process.send_signal(signal.SIGTERM)
    messages = process.communicate()[1]
    return process.returncode, messages


def main(program, *words):
    failed = 0
    for kind, (text, values) in RUNS.items():
        if words and not any(word in kind for word in words):
            continue
        begin = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="nanolase-race-"))
        for stop_after in (None, 0.3):
            code, messages = run(program, folder, text, values, stop_after)
            if code not in (0, 1, -signal.SIGTERM) or "ThreadSanitizer" in messages:
                print(messages)
                failed += 1
                print(f"FAILED {kind}: exit code {code}")
                break
        else:
            print(f"ok {kind} ({time.monotonic() - begin:.1f} s)")
        sys.stdout.flush()
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), *sys.argv[2:]))
