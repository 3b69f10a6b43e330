"""What the tests of the command line share: a folder of their own, the program, and cases that are counted. The first argument is GRAPEVINE."""

import atexit
import os
import resource
import shutil
import subprocess
import sys
import tempfile

program = os.path.abspath(sys.argv[1])
folder = tempfile.mkdtemp(prefix="grapevine-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.chdir(folder)
environment = {k: v for k, v in os.environ.items() if not k.startswith("GRAPEVINE_")}
failures = 0


def write(name, content):
    with open(name, "wb") as f:
        f.write(content.encode() if isinstance(content, str) else content)
    return name


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print(f"FAILED: {what}")


def expect(code, words, *said, stdout=None, env=None, disk=None):
    """What a run prints; it must end with this status and say all of this. `disk`: bytes a file may grow to, for want of a disk that is full."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))) if disk else None
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=240, env={**environment, **(env or {})}, stdin=subprocess.DEVNULL,
                          preexec_fn=limit)
    wrong = []
    if done.returncode != code:
        wrong.append(f"exit status {done.returncode}, not {code}")
    for s in said:
        if s not in done.stderr:
            wrong.append(f"stderr does not say '{s}'")
    if code != 0 and len([l for l in done.stderr.splitlines() if l.startswith("grapevine: ")]) > 1:
        wrong.append("more than one error")
    if stdout is not None and stdout not in done.stdout:
        wrong.append(f"stdout does not say '{stdout}'")
    check(not wrong, f"grapevine {' '.join(words)}: {'; '.join(wrong)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done


def finish(name):
    print(f"{name}: every case as it should be" if failures == 0 else f"{name}: {failures} cases wrong")
    sys.exit(1 if failures else 0)
