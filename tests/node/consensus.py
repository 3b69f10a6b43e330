#!/usr/bin/env python3
"""The consensus distance, from sketches, as every node tells it: held against the models that `grapevine pull` fetches.
usage: consensus.py GRAPEVINE"""

import json
import math
import re
import signal
import struct
import subprocess

from nodes import Node, fail, program, until


def model(at, name):
    file = name + ".safetensors"
    subprocess.run([program, "pull", name, "--at", at.port, "-o", file], check=True, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    data = open(file, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    values = []
    for entry in header.values():
        begin, end = (8 + length + place for place in entry["data_offsets"])
        values += struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
    return values


# Four that train and mix with nobody. After two hundred steps their rate is 0: they train on, and their models stay as they are, apart.
# Nothing pays for a sketch then, so that one epoch in sixteen looks: a tick of 50 ms makes that 24 s.
text = open("run.toml").read().replace("hidden = [16]", "hidden = [256]").replace('kind = "gossip"', 'kind = "local"').replace("pace =", 'schedule = { kind = "cosine", steps = 200 }\npace =')
text = re.sub('tally = "[^"]*"', 'tally = "50ms"', text)
open("apart.toml", "w").write(text)
a = Node("a", "apart.toml").up()
everybody = [a, *(Node(name, "--join", a.address()).up() for name in ("b", "c", "d"))]
for node in everybody:
    until(f"{node.name} sees all four", lambda: node.sees() == {"a", "b", "c", "d"})
    until(f"{node.name}'s model stays as it is", lambda: node.steps() > 210)
models = [model(a, node.name) for node in everybody]
if len(models[0]) <= 2048:
    fail(f"a model of {len(models[0])} numbers is its own sketch: this shows nothing")
mean = [sum(values) / 4 for values in zip(*models)]
distance = sum(sum((x - m) ** 2 for x, m in zip(values, mean)) for values in models) / 4
relative = math.sqrt(distance) / math.sqrt(sum(m * m for m in mean))
if not distance > 0:
    fail("the models are equal: this shows nothing")

for node in everybody:
    until(f"{node.name} tells the consensus distance {distance} within 10 %", lambda: abs((node.get("status")["cluster"]["consensus_distance"] or 0) / distance - 1) < 0.1, patience=120)
    told = node.get("status")["cluster"]["consensus_relative"]
    if not abs(told / relative - 1) < 0.1:
        fail(f"{node.name} tells {told}, relative, of {relative}")
    if "grapevine_consensus_distance" not in node.page("/metrics"):
        fail(f"{node.name}'s /metrics does not have it")
for node in reversed(everybody):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print(f"consensus: {distance:.4g} among models of {len(mean)} numbers, told by all within 10 %")
