#!/usr/bin/env python3
"""Nodes share the data without being told how: each row is one node's, whoever comes takes a part of everybody's, and what somebody had
who goes is the others'. A checkpoint is gone on with, though others have its rows by now.
usage: sharding.py GRAPEVINE"""

import json
import os
import signal
import subprocess

from nodes import Node, fail, program, until

ROWS = 8000  # blobs


def rows(node):
    return (node.get("status") or {}).get("shard_rows") or 0


def shared_by(*several):
    """All rows, each once, and about as many at each."""
    each = [rows(node) for node in several]
    return sum(each) == ROWS and min(each) > 0.5 * ROWS / len(several)


a = Node("a", "run.toml", "--out", "a").up()
until("a alone has all rows", lambda: rows(a) == ROWS)
b = Node("b", "--join", a.address(), "--out", "b", "--checkpoint-every", "1s").up()
until("two share the rows", lambda: shared_by(a, b))
c = Node("c", "--join", a.address()).up()
until("three share the rows", lambda: shared_by(a, b, c))
for node in (a, b, c):
    until(f"{node.name} goes on training", lambda: node.steps() > 50)
    if "3 share them" not in node.said():
        fail(f"{node.name} did not say who shares the data")

# A part that was asked for stays, and is nothing to the others.
before = [rows(node) for node in (a, b, c)]
fixed = Node("fixed", "--join", a.address(), "--shard", "1/4").up()
until("all see the fourth", lambda: all(len(node.sees()) == 4 for node in (a, b, c, fixed)))
until("the fourth has its quarter", lambda: rows(fixed) == ROWS / 4)
fixed.process.send_signal(signal.SIGTERM)
fixed.ends(0)

# Speeds are told after some seconds, and may move blocks; then everybody knows of everybody what it has.
until("everybody says its rows", lambda: all(m["rows"] for m in a.get("members")["members"] if m["status"] == "alive"))

# Killed without a word: when it is held for dead its rows are the others'.
until("b has a checkpoint", lambda: os.path.isdir("b/checkpoints") and len(os.listdir("b/checkpoints")) > 0)
b.process.kill()
b.process.wait()
until("two share the rows of three", lambda: shared_by(a, c))

# It comes back, under the same name: with its checkpoint, and in the end with the rows that it would have had.
b2 = Node("b2", "--join", a.address(), "--name", "b", "--resume", "b").up()
if "goes on from step" not in b2.said():
    fail("b did not go on from its checkpoint")
until("three share the rows again", lambda: shared_by(a, b2, c))

c.process.send_signal(signal.SIGTERM)
c.ends(0)
until("two are left", lambda: shared_by(a, b2))
status = a.get("status")
if not 0.5 < status["samples_per_epoch"] < 1.5 or not status["epochs"] > 0:
    fail(f"a says that a pass uses a row {status['samples_per_epoch']} times, after {status['epochs']} passes")
page = a.page("/metrics")
for metric in ("grapevine_shard_rows", "grapevine_epochs_total", "grapevine_samples_per_epoch"):
    if f"\n{metric} " not in page:
        fail(f"no {metric} in /metrics")
for node in (b2, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
resharded = [json.loads(line) for line in open("a/events.jsonl") if '"resharded"' in line]
if len(resharded) < 5 or not all(e["rows"] <= ROWS and e["blocks"] <= 4096 for e in resharded):
    fail(f"a wrote down: {resharded}")
if resharded[-1]["members"] not in (1, 2):
    fail(f"at the end a reckoned with {resharded[-1]['members']}")

# Everybody with everything, where the run says so; and a joiner that wants it otherwise is told.
open("all.toml", "w").write(open("run.toml").read().replace('set = "blobs"', 'set = "blobs"\nshards = "all"'))
d = Node("d", "all.toml").up()
e = Node("e", "--join", d.address()).up()
until("both see both", lambda: d.sees() == e.sees() == {"d", "e"})
until("both have all rows", lambda: rows(d) == rows(e) == ROWS)
wrong = subprocess.run([program, "node", "run.toml", "--join", d.address(), "--port", "0"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
if wrong.returncode != 5 or "another shards: ours is auto, theirs all" not in wrong.stderr:
    fail(f"another wish ended with {wrong.returncode}: {wrong.stderr}")
for node in (e, d):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("sharding: every row one node's, through a join, a death, a return and a farewell")
