#!/usr/bin/env python3
"""Nodes that keep their data to themselves: each trains on all of its own files, and only what a number means must be the same.
usage: private.py GRAPEVINE"""

import os
import random
import signal
import subprocess

from nodes import Node, fail, nodes, program, until

rng = random.Random(3)


def flowers(folder, rows, classes=("iris", "rose", "tulip"), columns=3, scale=1.0):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/flowers.csv", "w") as file:
        file.write(",".join([f"c{c}" for c in range(columns)] + ["kind"]) + "\n")
        for i in range(rows):
            kind = i % len(classes)
            file.write(",".join([f"{scale * (5 * (kind == c) + rng.gauss(0, 1)):.4f}" for c in range(columns)] + [classes[kind]]) + "\n")
    return folder


open("flowers.toml", "w").write("""name = "test"
seed = 7
[model]
kind = "logistic"
[data]
format = "csv"
files = ["flowers.csv"]
batch = 8
[train]
learning_rate = 0.05
pace = "5ms"
[exchange]
kind = "gossip"
[metrics]
every = "200ms"
""")


def rows(node):
    return (node.get("status") or {}).get("shard_rows")


a = Node("a", "flowers.toml", "--data-private", "--data-dir", flowers("A", 300), "--out", "a").up()
b = Node("b", "--join", a.address(), "--data-dir", flowers("B", 600, scale=3.0), "--out", "b", "--checkpoint-every", "1s").up()
c = Node("c", "flowers.toml", "--data-private", "--join", b.address(), "--data-dir", flowers("C", 90)).up()
for node, of_its_own in ((a, 270), (b, 540), (c, 81)):  # a tenth is held out
    until(f"{node.name} mixes", lambda: node.mixes() >= 3)
    if rows(node) != of_its_own:
        fail(f"{node.name} trains on {rows(node)} rows, not {of_its_own}")
    if node.get("status")["samples_per_epoch"] is not None:
        fail(f"{node.name} knows how often a row is used that nobody else has")
until("all learn", lambda: all(((node.get("status") or {}).get("accuracy") or 0) > 0.8 for node in (a, b, c)))


def refused(name, status, *said):
    node = nodes[name]
    node.ends(status)
    for words in said:
        if words not in node.said():
            fail(f"{name} was not told '{words}': {node.said()}")


# What is not the same means another thing, and is said with both sides.
Node("names", "--join", a.address(), "--data-dir", flowers("N", 90, classes=("iris", "rose", "violet")))
refused("names", 5, "other training data: ours is private: 3 columns, normalize = \"standard\", classes iris, rose, violet", "theirs private: 3 columns, normalize = \"standard\", classes iris, rose, tulip")
Node("more", "--join", a.address(), "--data-dir", flowers("M", 90, classes=("iris", "rose", "tulip", "violet")))
refused("more", 5, "another model")
Node("wide", "--join", a.address(), "--data-dir", flowers("W", 90, columns=4))
refused("wide", 5, "has 4 columns besides the label, and the run normalises 3")
open("ranged.toml", "w").write(open("flowers.toml").read().replace('batch = 8', 'batch = 8\nnormalize = "range"'))
Node("ranged", "ranged.toml", "--data-private", "--join", a.address(), "--data-dir", "C")
refused("ranged", 5, "normalize = \"range\"", "normalize = \"standard\"")
Node("sharing", "flowers.toml", "--join", a.address(), "--data-dir", "C")
refused("sharing", 5, "other training data")
Node("part", "--join", a.address(), "--data-dir", "C", "--shard", "1/2")
refused("part", 2, "each has its own")

# Who was killed goes on alone from its checkpoint: with the run's figures, not with those of its own file.
until("b has a checkpoint", lambda: os.path.isdir("b/checkpoints") and len(os.listdir("b/checkpoints")) > 0)
b.process.kill()
b.process.wait()
alone = Node("alone", "flowers.toml", "--data-private", "--data-dir", "B", "--resume", "b").up()
if "goes on from step" not in alone.said():
    fail("b did not go on from its checkpoint")

# A run whose data are everybody's is not joined by who wants to keep its own.
d = Node("d", "flowers.toml", "--data-dir", "A").up()
Node("hoarder", "--join", d.address(), "--data-private", "--data-dir", "A")
refused("hoarder", 5, "--data-private, and the run of d has [data] shards = \"auto\"")
for node in (alone, c, a, d):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)

# More columns than a greeting holds figures of: not without saying that they are not normalised.
wide = subprocess.run([program, "node", "flowers.toml", "--data-private", "--data-dir", flowers("V", 30, columns=257), "--port", "0"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
if wide.returncode != 2 or 'normalize = "none"' not in wide.stderr:
    fail(f"257 columns ended with {wide.returncode}: {wide.stderr}")
at_the_limit = Node("limit", "flowers.toml", "--data-private", "--data-dir", flowers("L", 60, columns=256)).up()
joins = Node("joins", "--join", at_the_limit.address(), "--data-dir", flowers("L2", 60, columns=256)).up()
until("a joiner took 256 figures", lambda: joins.mixes() >= 1)
for node in (joins, at_the_limit):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("private: each on its own rows, normalised alike, and refused where a number means another thing")
