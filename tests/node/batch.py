#!/usr/bin/env python3
"""--batch auto: a batch of this machine's own, with the learning rate to match, in a run of another.
usage: batch.py GRAPEVINE"""

import re
import signal

from nodes import Node, fail, nodes, until

open("small.toml", "w").write(open("run.toml").read().replace("batch = 16", "batch = 1").replace('pace = "2ms"', 'pace = "5ms"'))
a = Node("a", "small.toml").up()
b = Node("b", "--join", a.address(), "--batch", "auto").up()
c = Node("c", "small.toml", "--join", a.address(), "--batch", "auto").up()
for node in (b, c):
    said = re.search(r"batch (\d+): .* learning rate ([0-9.e-]+), the run's times (\d+)", node.said())
    if not said:
        fail(f"{node.name} did not say its batch")
    batch = int(said[1])
    if batch not in (1, 2, 4) or int(said[3]) != batch or abs(float(said[2]) - 0.05 * batch) > 1e-9:
        fail(f"{node.name} chose {said[0]}")
    until(f"{node.name} mixes", lambda: node.mixes() >= 3)
    status = node.get("status")
    if status["samples"] != status["steps"] * batch:
        fail(f"{node.name} took {status['steps']} steps of {batch}, and says that these are {status['samples']} samples")
if "batch = 1\n" not in b.page("/v1/config").replace("\\n", "\n"):
    fail("the run's batch is another now")

open("forest.toml", "w").write('[model]\nkind = "kmeans"\n[data]\nset = "blobs"\n')
Node("forest", "forest.toml", "--batch", "auto").ends(2)
if "no learning rate that could follow" not in nodes["forest"].said():
    fail("who has no learning rate was not told")
Node("none", "small.toml", "--batch", "automatic").ends(2)
for node in (c, b, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("batch: chosen by trial, counted as it is, and nobody else's")
