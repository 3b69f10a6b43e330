"""What the tests with real nodes share: starting them on loopback, asking their status port, waiting for what should
happen up to a limit, never for a fixed time."""

import atexit
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

program = os.path.abspath(sys.argv[1])
helpers = [os.path.abspath(path) for path in sys.argv[2:]]
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
    def __init__(self, name, *words, port="0", disk=None):
        self.name = name
        self.log = open(name + ".log", "w")
        limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))) if disk else None
        words = [*words, "--name", name] if "--name" not in words else words
        self.process = subprocess.Popen([program, "node", *words, "--port", port], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, preexec_fn=limit)
        nodes[name] = self
        self.port = self.token = None

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
                    self.port, self.token = words[1], words[4] if len(words) > 4 else None
                    return self.get("members")
        until(f"{self.name} is up", find)
        return self

    def ask(self, path):
        headers = {"Authorization": "Bearer " + self.token} if self.token else {}
        return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers), timeout=5)

    def get(self, page):
        try:
            with self.ask(f"/v1/{page}") as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def mixes(self):
        """How often it has mixed so far; 0 before its first status is out."""
        return (self.get("status") or {}).get("mixes") or 0

    def page(self, path):
        with self.ask(path) as answer:
            return answer.read().decode()

    def verb(self, *words, code=0):
        """A verb of grapevine about this node: what it prints, if it ends as it should."""
        done = subprocess.run([program, *words, "--at", self.port], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != code:
            fail(f"grapevine {' '.join(words)} at {self.name} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def address(self):
        return next(m for m in self.get("members")["members"] if m["self"])["control"].removeprefix("tcp://")

    def sees(self, status="alive"):
        members = self.get("members")
        return {m["name"] for m in members["members"] if m["status"] == status} if members else set()

    def events(self, *kinds):
        """What it still knows of these kinds, the oldest first: (kind, about) of each."""
        query = "&".join(["last=1000"] + [f"kind={kind}" for kind in kinds])
        found = self.get("events?" + query)
        return [(e["kind"], e["about"]) for e in found["events"]] if found else []

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
tally = "100ms"
"""
open("run.toml", "w").write(run.format("", 16, "gossip"))
open("other.toml", "w").write(run.format("", 17, "gossip"))
open("allreduce.toml", "w").write(run.format("", 16, "allreduce"))
