#!/usr/bin/env python3
"""The examples are what they say: each is a valid file, a node runs those that do not need a common clock, and the
simulator gives the same run twice from one seed and another from another.
usage: examples.py GRAPEVINE EXAMPLES"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

program, examples = os.path.abspath(sys.argv[1]), Path(os.path.abspath(sys.argv[2]))
folder = tempfile.mkdtemp(prefix="grapevine-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.chdir(folder)
os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
failures = 0


def run(*words, ok=(0,)):
    global failures
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    if done.returncode not in ok:
        failures += 1
        print(f"FAILED: grapevine {' '.join(map(str, words))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def hashes(*words):
    summary = json.loads(run("sim", *words, "--json", "--quiet", ok=(0, 7)).stdout)
    return summary["trace_hash"], summary["model_hash"]


everything = sorted(examples.rglob("*.toml"))
for path in everything:
    run("check", path)
for path in sorted(examples.glob("*.toml")):
    run("node", path, "--until", "2s", "--port", "0", "--quiet")

for name in ("flaky.toml", "blobs.toml"):
    path = examples / name
    short = (path, "--until", "12s")
    first, again, other = hashes(*short), hashes(*short), hashes(*short, "--seed", "2")
    written = hashes(*short, "--out", name + ".run", "--story", name + ".story")
    if first != again:
        failures += 1
        print(f"FAILED: {name}: one seed, two runs: {first} and {again}")
    if first != written:
        failures += 1
        print(f"FAILED: {name}: writing it down changed the run: {first} and {written}")
    if first[0] == other[0] or first[1] == other[1]:
        failures += 1
        print(f"FAILED: {name}: another seed gave the same run")

if len(everything) < 5:
    failures += 1
    print("FAILED: where are the examples?")
print("examples: all as they say" if failures == 0 else f"examples: {failures} wrong")
sys.exit(1 if failures else 0)
