#!/usr/bin/env python3
"""Real nodes on loopback: they find each other, lose the one through which all came, take in another, refuse who does
not fit, leave when told to.
usage: processes.py GRAPEVINE"""

import json
import signal
import subprocess

from nodes import Node, fail, nodes, program, run, until

# Three find each other through the first; the second and third are given one address and nothing else.
a = Node("a", "run.toml", "--out", "a").up()
b = Node("b", "--join", a.address(), "--shard", "2/4", "--out", "b").up()
c = Node("c", "--join", a.address(), "--shard", "3/4").up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})
    until(f"{node.name} mixes", lambda: node.mixes() >= 3)
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
