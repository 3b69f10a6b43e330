#!/usr/bin/env python3
"""Real nodes on loopback: they find each other, lose the one through which all came, take in another, refuse who does
not fit, leave when told to. Waits for what should happen, up to a limit; never for a fixed time.
usage: processes.py GRAPEVINE"""

import atexit
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

program = os.path.abspath(sys.argv[1])
folder = tempfile.mkdtemp(prefix="grapevine-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.chdir(folder)
os.environ["XDG_RUNTIME_DIR"] = folder
nodes = {}
PATIENCE = 60


def fail(text):
    print("FAILED:", text)
    for name, node in nodes.items():
        print(f"--- {name} (status {node.process.poll()})\n{open(name + '.log').read()[-3000:]}")
    for node in nodes.values():
        node.process.kill()
    sys.exit(1)


def until(what, condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    fail(f"never happened within {patience} s: {what}")


class Node:
    def __init__(self, name, *words, disk=None):
        self.name = name
        self.log = open(name + ".log", "w")
        limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))) if disk else None
        self.process = subprocess.Popen([program, "node", *words, "--name", name, "--port", "0"], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, preexec_fn=limit)
        nodes[name] = self
        self.port = None

    def said(self):
        return open(self.name + ".log").read()

    def up(self):
        def find():
            if self.process.poll() is not None:
                fail(f"{self.name} ended with status {self.process.returncode}")
            path = f"grapevine-{os.getuid()}/{self.process.pid}.node"
            if os.path.exists(path):
                words = open(path).read().split()
                if len(words) >= 2:
                    self.port = words[1]
                    return self.get("members")
        until(f"{self.name} is up", find)
        return self

    def get(self, page):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/{page}", timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def address(self):
        return next(m for m in self.get("members")["members"] if m["self"])["control"].removeprefix("tcp://")

    def sees(self, standing="alive"):
        members = self.get("members")
        return {m["name"] for m in members["members"] if m["standing"] == standing} if members else set()

    def steps(self):
        status = self.get("status")
        return status["steps"] if status else 0

    def ends(self, code, patience=PATIENCE):
        until(f"{self.name} ends", lambda: self.process.poll() is not None, patience)
        if self.process.returncode != code:
            fail(f"{self.name} ended with status {self.process.returncode}, not {code}")


run = """name = "test"
seed = 7
{}
[model]
kind = "mlp"
hidden = [{}]
[data]
set = "blobs"
batch = 16
[train]
learning_rate = 0.05
pace = "2ms"
[exchange]
kind = "{}"
[metrics]
every = "200ms"
"""
open("run.toml", "w").write(run.format("", 16, "gossip"))
open("other.toml", "w").write(run.format("", 17, "gossip"))
open("allreduce.toml", "w").write(run.format("", 16, "allreduce"))

# Three find each other through the first; the second and third are given one address and nothing else.
a = Node("a", "run.toml", "--out", "a").up()
b = Node("b", "--join", a.address(), "--shard", "2/4", "--out", "b").up()
c = Node("c", "--join", a.address(), "--shard", "3/4").up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})
    until(f"{node.name} mixes", lambda: node.get("status")["mixes"] >= 3)
listed = subprocess.run([program, "members", "--at", "b", "--json"], capture_output=True, text=True)
if listed.returncode or {m["name"] for m in json.loads(listed.stdout)["members"]} != {"a", "b", "c"}:
    fail(f"grapevine members: {listed.stdout}{listed.stderr}")
if subprocess.run([program, "members"], capture_output=True, text=True).returncode != 2:
    fail("members without --at must ask which of three nodes is meant")

# Who does not fit is refused with the reason, and nobody is disturbed.
Node("misfit", "other.toml", "--join", a.address()).ends(5)
if "another model" not in nodes["misfit"].said():
    fail("the misfit was not told why")
Node("stranger", "allreduce.toml", "--join", a.address()).ends(5)
if "another exchange" not in nodes["stranger"].said():
    fail("the stranger was not told why")

open("eager.toml", "w").write(run.format("", 16, "gossip").replace("0.05", "0.5"))
Node("eager", "eager.toml", "--join", a.address()).ends(5)
if "another learning_rate: ours is 0.5, theirs 0.05" not in nodes["eager"].said():
    fail("the eager one was not told why")

# A full disk (here: a limit on how large a file may be): said once, and training goes on.
d = Node("d", "--join", b.address(), "--out", "full", disk=8192).up()
until("d says that its disk is full", lambda: "training goes on" in d.said())
before = d.steps()
until("d trains on", lambda: d.steps() > before + 200)
d.process.send_signal(signal.SIGTERM)
d.ends(0)
until("a knows that d left", lambda: "d" in a.sees("left"))

# The first is killed. The others train on, hold it for dead, and take in a newcomer.
a.process.kill()
before = b.steps()
until("b trains on", lambda: b.steps() > before + 200)
until("b holds a for dead", lambda: "a" in b.sees("dead"))
until("c holds a for dead", lambda: "a" in c.sees("dead"))
e = Node("e", "--join", c.address()).up()
until("e has caught up", lambda: (e.get("status") or {}).get("accuracy") and e.get("status")["accuracy"] > 0.8)
until("b sees e", lambda: b.sees() == {"b", "c", "e"})

# An unreachable seed is no error: it trains alone, says so, and joins when there is somebody. (f is told of a port
# where nobody is, and of b's.)
f = Node("f", "run.toml", "--join", "127.0.0.1:9").up()
until("f trains alone", lambda: f.steps() > 100)
if "no answer" not in f.said():
    fail("f did not say that its seed is silent")
f.process.send_signal(signal.SIGTERM)
f.ends(0)
Node("g", "run.toml", "--join", "127.0.0.1:9", "--require-peers", "1").ends(4, 90)

# Told to leave they do, gracefully, and the last one's model is there.
for node in (c, e, b):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
if "a" in b.sees():
    fail("b sees ghosts")
done = subprocess.run([program, "eval", "b/final.safetensors", "--json"], capture_output=True, text=True)
if done.returncode or json.loads(done.stdout)[0]["accuracy"] < 0.8:
    fail(f"grapevine eval: {done.stdout}{done.stderr}")
lines = [json.loads(line) for line in open("b/metrics.jsonl")]
if not lines or lines[-1]["steps"] <= 0 or lines[-1]["accuracy"] is None:
    fail("b's metrics are not what they should be")
print("processes: found each other, lost one, took one in, refused two, left")
