#!/usr/bin/env python3
"""How soon a joiner has a large state, also when a donor is killed midway, and what the donors lose by it: real processes that train a
multilayer perceptron of so many megabytes on blobs. Over loopback beside a plain TCP stream of the same size in the same run; with --rate
behind links of that rate each (tests/truth/shaper.cpp; root). Exchanges between the donors are an hour apart, so that what is seen is
the fetch.
usage: joiner.py --grapevine FILE --shaper FILE [--megabytes N] [--donors N] [--rate BITS] [--runs N] [--pace TIME] [--out FILE]"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--grapevine", required=True, help=argparse.SUPPRESS)
parser.add_argument("--shaper", help=argparse.SUPPRESS)
parser.add_argument("--megabytes", type=float, default=400)
parser.add_argument("--donors", type=int, default=3)
parser.add_argument("--rate", type=float, default=0, help="bits a second of every card, both ways; 0: loopback")
parser.add_argument("--latency", type=float, default=0.005, help="seconds one way, with --rate")
parser.add_argument("--runs", type=int, default=3, help="joiners of a calm run, and as many while a donor is killed")
parser.add_argument("--pace", default="500ms", help="a step takes that long at least")
parser.add_argument("--out", help="a JSON file for what was measured")
a = parser.parse_args()

program = os.path.abspath(a.grapevine)
shaper = os.path.abspath(a.shaper) if a.shaper else None
out = os.path.abspath(a.out) if a.out else None
folder = tempfile.TemporaryDirectory(prefix="grapevine-joiner-")
os.chdir(folder.name)
os.environ["XDG_RUNTIME_DIR"] = folder.name
width = int((a.megabytes * 1e6 / 4) ** 0.5)
open("run.toml", "w").write(f"""name = "joiner"
seed = 3
[model]
kind = "mlp"
hidden = [{width}, {width}]
[data]
set = "blobs"
batch = 1
train_samples = 1000
test_samples = 10
[train]
learning_rate = 0.0001
pace = "{a.pace}"
[exchange]
kind = "gossip"
period = "1h"
[metrics]
every = "100ms"
evaluate_every = "1h"
""")
running = []


def fail(text):
    print("FAILED:", text, file=sys.stderr)
    for node in running:
        print(f"--- {node.name}\n{open(node.name + '.log').read()[-2000:]}", file=sys.stderr)
        node.process.kill()
    sys.exit(1)


def until(what, condition, patience=300):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    fail(f"never happened within {patience} s: {what}")


class Links:
    """A network namespace for each node, behind the shaper."""

    def __init__(self, n):
        self.process = subprocess.Popen([shaper], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lines = ["queue 4000000"] + [f"node {self.address(i)} {a.rate / 8:.0f} {a.rate / 8:.0f}" for i in range(n)]
        lines += [f"link {i} {j} {a.latency} 0" for i in range(n) for j in range(n) if i != j] + ["go"]
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()
        ready = self.process.stdout.readline().split()
        if not ready:
            sys.exit(self.process.wait())
        self.spaces = [f"/proc/{ready[1]}/fd/{fd}" for fd in ready[2:]]

    @staticmethod
    def address(i):
        return f"10.99.0.{i + 1}"

    def inside(self, i, words):
        return ["nsenter", f"--net={self.spaces[i]}", *words]


links = Links(a.donors + 1) if a.rate else None


class Node:
    def __init__(self, name, place, *words):
        self.name, self.place = name, place
        command = [program, "node", *words, "--name", name, "--port", "0"]
        if links:
            command = links.inside(place, [*command, "--listen", links.address(place), "--insecure"] if secure else [*command, "--listen", links.address(place)])
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=open(name + ".log", "w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        running.append(self)

    def said(self):
        return open(self.name + ".log").read()

    def up(self):
        def address():
            if self.process.poll() is not None:
                fail(f"{self.name} ended with {self.process.returncode}")
            for line in self.said().splitlines():
                if f"{self.name} at tcp://" in line:
                    self.control = line.split(" at tcp://")[1].split(",")[0]
                    self.port = line.split("status http://")[1].split("/")[0].split(":")[-1]
                    return True
        until(f"{self.name} is up", address)
        return self

    def get(self, page):
        url = f"http://127.0.0.1:{self.port}/v1/{page}"
        try:
            if links:
                done = subprocess.run(links.inside(self.place, ["curl", "-sS", "-m", "5", url]), capture_output=True, text=True)
                return json.loads(done.stdout)
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def steps(self):
        return (self.get("status") or {}).get("steps") or 0

    def end(self):
        self.process.kill()
        self.process.wait()
        if self in running:
            running.remove(self)


secure = "--insecure" in subprocess.run([program, "help", "node"], capture_output=True, text=True).stdout


def stream(size):
    """Seconds that a plain TCP stream of so many bytes takes over loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    block = bytes(1 << 20)

    def send():
        with socket.create_connection(listener.getsockname()) as s:
            left = size
            while left > 0:
                left -= s.send(block[: min(len(block), left)])

    began = time.monotonic()
    threading.Thread(target=send, daemon=True).start()
    with listener.accept()[0] as s:
        got, room = 0, bytearray(1 << 20)
        while n := s.recv_into(room):
            got += n
    listener.close()
    return time.monotonic() - began


def rate(donors, begin, end):
    """Steps a second of each donor between two lists of (time, steps)."""
    return [(after[1] - before[1]) / (after[0] - before[0]) for before, after in zip(begin, end)]


def now_of(donors):
    return [(time.monotonic(), d.steps()) for d in donors]


def begin_donors():
    first = Node("a0", 0, "run.toml").up()
    donors = [first] + [Node(f"a{i}", i, "--join", first.control).up() for i in range(1, a.donors)]
    for d in donors:
        until(f"{d.name} trains", lambda: d.steps() >= 3)
    return donors


def fetched(node):
    found = node.get("events?last=1000&kind=fetched")
    return found["events"][0] if found and found["events"] else None


results = []
for kill in (False, True):
    donors = begin_donors()
    calm = now_of(donors)
    time.sleep(10)
    calm = rate(donors, calm, now_of(donors))
    for run in range(a.runs):
        if kill and len(donors) < a.donors:  # as many as before
            donors.append(Node(f"a{run}r", donors_place, "--join", donors[0].control).up())
            until("the one that came in its place trains", lambda: donors[-1].steps() >= 3)
        tcp = stream(int(a.megabytes * 1e6)) if not links else a.megabytes * 8e6 / a.rate
        before = now_of(donors)
        joiner = Node(f"j{int(kill)}{run}", a.donors, "--join", donors[0].control)
        until("it joins", lambda: "joins a" in joiner.said())
        if kill:
            time.sleep(max(0.3, 0.4 * tcp))
            victim = donors.pop()
            donors_place = victim.place
            victim.end()
        joiner.up()
        event = until("it has its model", lambda: fetched(joiner))
        after = now_of(donors)
        until("it trains", lambda: joiner.steps() > 0)
        first_step = time.monotonic() - joiner.started
        while_joining = rate(donors, before, after)
        if event["whole"] != 1:
            fail(f"it was not given the model: {event}")
        bound = 1.5 * tcp + 2
        results.append({"killed": kill, "took": event["took"], "donors": event["donors"], "pieces": event["pieces"], "megabytes": event["bytes"] / 1e6, "link_seconds": tcp, "bound": bound,
                        "start_to_first_step": first_step, "donors_rate": [round(w / c, 3) for w, c in zip(while_joining, calm)]})
        r = results[-1]
        print(f"{'one donor killed' if kill else 'calm':17s} {r['megabytes']:.0f} MB from {r['donors']:.0f} in {r['took']:.2f} s; the link alone {tcp:.2f} s, bound {bound:.2f} s: "
              f"{'kept' if r['took'] <= bound else 'NOT KEPT'}; start to first step {first_step:.1f} s; donors at {', '.join(f'{x:.2f}' for x in r['donors_rate'])} of their rate", flush=True)
        joiner.end()
        # Held for dead before the next comes, or it would be asked for pieces.
        until("the joiner is forgotten", lambda: all(not any(m["name"] == joiner.name and m["status"] in ("alive", "suspect") for m in (d.get("members") or {"members": [{"name": joiner.name, "status": "alive"}]})["members"]) for d in donors))
    for d in list(running):
        d.end()
if links:
    links.process.stdin.close()
    links.process.wait(timeout=10)
if out:
    json.dump(results, open(out, "w"), indent=2)
os.chdir("/")
sys.exit(0 if all(r["took"] <= r["bound"] for r in results) else 1)
