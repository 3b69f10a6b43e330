#!/usr/bin/env python3
"""Runs that end before their end: ^C writes what there is and says so, the second ^C aborts, a full disk costs the
files and not the summary.
usage: ended.py GRAPEVINE"""

import json
import os
import resource
import shutil
import signal
import subprocess
import time

from cases import check, environment, finish, program, write

with open("long.toml", "w") as f:  # hours of work
    f.write('until = "30d"\n[model]\nkind = "average"\n[exchange]\nperiod = "250ms"\n[[group]]\nname = "p"\ncount = 8\n')


def wait_for(path, p):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and p.poll() is None:
        try:
            if os.path.getsize(path) > 0:
                return
        except OSError:
            pass
        time.sleep(0.02)


def start(*more):
    """A run that has begun: it has written samples."""
    p = subprocess.Popen([program, "sim", "long.toml", "--quiet", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    wait_for(more[-1] + "/metrics.jsonl", p)
    return p


p = start("--out", "out")
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=120)
check(p.returncode == 1, f"exit status {p.returncode} after ^C, not 1")
check("interrupted at " in err and "in out" in err, f"what ^C says: {err}")
check("interrupted before its end" in out, f"the summary says that it was interrupted: {out}")
summary = json.load(open("out/summary.json"))
check(summary["interrupted"] is True, "summary.json says that it was interrupted")
check(0 < summary["simulated_seconds"] < 30 * 86400, "summary.json says how far it came")
samples = [json.loads(line) for line in open("out/metrics.jsonl")]
check(samples and samples[-1]["t"] == summary["final"]["t"], "metrics.jsonl goes as far as the summary")
check(all(json.loads(line)["kind"] for line in open("out/events.jsonl")), "events.jsonl is whole")
check("interrupted" in open("out/report.html").read(), "the report is there, and says it")

# ^C twice, in one moment.
p = start("--out", "again")
p.send_signal(signal.SIGSTOP)
p.send_signal(signal.SIGINT)
p.send_signal(signal.SIGTERM)
p.send_signal(signal.SIGCONT)
out, err = p.communicate(timeout=120)
check(p.returncode == 130, f"exit status {p.returncode} after two, not 130")

# Of several runs those that had begun are there.
shutil.rmtree("out")
p = subprocess.Popen([program, "sim", "long.toml", "--quiet", "--seeds", "3", "--out", "out"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
wait_for("out/seed-1/metrics.jsonl", p)
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=120)
check(p.returncode == 1 and "1 of 3 runs had begun" in err, f"^C in the first of three: {p.returncode} {err}")
check(len(json.load(open("out/sweep.json"))["runs"]) == 1, "sweep.json has the one")

# A disk that fills up while the run goes on: 64 KiB a file.
limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
done = subprocess.run([program, "sim", "long.toml", "--quiet", "--until", "200s", "--out", "full"], capture_output=True, text=True, timeout=300, env=environment, preexec_fn=limit)
check(done.returncode == 1, f"exit status {done.returncode} on a full disk, not 1")
check("cannot write" in done.stderr and "File too large" in done.stderr, f"what a full disk says: {done.stderr}")
check("run: 8 peers" in done.stdout and "trace " in done.stdout, f"the summary is on stdout all the same: {done.stdout}")

# Standard output on a full disk.
with open("/dev/full", "w") as full:
    done = subprocess.run([program, "sim", "long.toml", "--quiet", "--until", "5s"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=300, env=environment)
check(done.returncode == 1 and "could not be written" in done.stderr, f"a summary that nobody can read is no success: {done.returncode} {done.stderr}")

finish("ended")
