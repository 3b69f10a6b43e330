#!/usr/bin/env python3
"""The model out of a running cluster: /v1/model and `grapevine pull`, of one member and merged; what of it others can read; and
newcomers that are given it.
usage: pull.py GRAPEVINE"""

import json
import os
import signal
import struct
import subprocess
import urllib.request

from nodes import Node, fail, nodes, program, until


def pull(node, *words, code=0):
    done = subprocess.run([program, "pull", *words, "--at", node.port], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode != code:
        fail(f"grapevine pull {' '.join(words)} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
    return done.stdout if code == 0 else done.stdout + done.stderr


def has(text, *words):
    for word in words:
        if word not in text:
            fail(f"'{word}' is not in:\n{text}")


def tensors(path):
    """What a safetensors file holds: its metadata, and the first tensor's values of each name."""
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    values = {}
    for name, entry in header.items():
        begin, end = (8 + length + place for place in entry["data_offsets"])
        values[name] = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
    return metadata, values


# Four that train and mix with nobody. After two hundred steps their rate is 0: they train on, and their models stay as they are, apart.
local = open("run.toml").read().replace('kind = "gossip"', 'kind = "local"')
open("local.toml", "w").write(local.replace('pace =', 'schedule = { kind = "cosine", steps = 200 }\npace ='))
a = Node("a", "local.toml").up()
others = [Node(name, "--join", a.address()).up() for name in ("b", "c", "d")]
everybody = [a, *others]
for node in everybody:
    until(f"{node.name} sees all four", lambda: node.sees() == {"a", "b", "c", "d"})
    until(f"{node.name}'s model stays as it is", lambda: node.steps() > 210)

# One member's, asked of another; then nobody's steps stop while models are merged.
has(pull(a, "b", "-o", "b.safetensors"), "b.safetensors: the model of b,", "steps")
before = a.steps()
said = json.loads(pull(a, "-o", "merged.safetensors", "--json"))
if said["models"] != 4 or said["file"] != "merged.safetensors" or said["bytes"] != os.path.getsize("merged.safetensors"):
    fail(f"pull says {said}")
until("a trains on", lambda: a.steps() > before)
metadata, merged = tensors("merged.safetensors")
if metadata["merged"] != "4" or metadata["format"] != "grapevine" or "config" not in metadata or "hash" not in metadata:
    fail(f"metadata {metadata}")
apart = lambda x, y: sum((p - q) ** 2 for name in x if not name.startswith("data.") for p, q in zip(x[name], y[name])) ** 0.5


models = []
for node in everybody:
    pull(others[0], node.name, "-o", "one.safetensors")
    models.append(tensors("one.safetensors")[1])
mean = {name: [sum(m[name][i] for m in models) / 4 for i in range(len(models[0][name]))] for name in models[0]}
furthest = max(apart(m, mean) for m in models)
if furthest == 0 or apart(merged, mean) > 1e-4 * furthest:
    fail(f"the merged model is {apart(merged, mean)} from the mean of all, the furthest of them {furthest}")

# Others can use it.
for path in ("merged.safetensors", "b.safetensors"):
    done = subprocess.run([program, "eval", path, "--data", "blobs", "--json"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or not 0 <= json.loads(done.stdout)[0]["accuracy"] <= 1:
        fail(f"eval {path}: {done.stdout}{done.stderr}")
    if subprocess.run([program, "export", path, "-o", "m.npz"], capture_output=True, timeout=60).returncode != 0:
        fail(f"export {path}")

# The stream itself: of the size that was said, and a model.
with urllib.request.urlopen(f"http://127.0.0.1:{a.port}/v1/model", timeout=30) as answer:
    body = answer.read()
    if int(answer.headers["Content-Length"]) != len(body):
        fail("a length that is not the length")
open("own.safetensors", "wb").write(body)
if tensors("own.safetensors")[1].keys() != merged.keys():
    fail("the own model has other tensors than the merged one")

# Wrong input, and files that cannot be written, leave no file behind.
has(pull(a, code=2), "does not say where to")
has(pull(a, "-o", "m.npz", code=2), "does not end in .safetensors")
has(pull(a, "nobody", "-o", "m.safetensors", code=2), "no member 'nobody'")
has(pull(a, "-o", "nowhere/m.safetensors", code=1), "cannot write nowhere/m.safetensors")
has(subprocess.run([program, "pull", "-o", "m.safetensors", "--at", "1"], capture_output=True, text=True).stderr, "no node answers")
open("kept.safetensors", "w").write("what was there")
pull(a, "nobody", "-o", "kept.safetensors", code=2)
if open("kept.safetensors").read() != "what was there":
    fail("a pull that failed has overwritten the file")
if [f for f in os.listdir(".") if f.endswith(".partial") or f == "m.safetensors"]:
    fail(f"left behind: {os.listdir('.')}")

# A member that is stopped gives nothing; the merged model is made of the others.
d = others[2]
d.process.send_signal(signal.SIGSTOP)
said = json.loads(pull(a, "-o", "without.safetensors", "--json"))
if said["models"] != 3:
    fail(f"with one of four stopped {said['models']} models were merged")
d.process.send_signal(signal.SIGCONT)

for node in everybody:
    node.process.send_signal(signal.SIGTERM)
for node in everybody:
    node.ends(0)
nodes.clear()

# A newcomer of a run that mixes is given the model, in one piece where it is small; it says so, and trains.
first = Node("first", "run.toml").up()
second = Node("second", "--join", first.address()).up()
until("second has mixed", lambda: second.mixes() > 0)
until("first has trained for a while", lambda: first.steps() > 200)
third = Node("third", "--join", second.address()).up()
until("third has its model", lambda: third.events("fetched"))
until("third trains", lambda: third.steps() > 0)
has(third.said(), "has the others' model", "in 1 piece from 1 member")
until("third mixes", lambda: third.mixes() > 0)
has(pull(third, "-o", "gossip.safetensors"), "3 models merged")

# A law's model is its vector, which tools/chaos looks at; there is nothing to evaluate it on.
open("law.toml", "w").write('[model]\nkind = "quadratic"\na = 1\nb = 0\n[train]\nlearning_rate = 0.1\npace = "2ms"\n[exchange]\nkind = "gossip"\nperiod = "100ms"\n')
law = Node("law", "law.toml").up()
pull(law, "-o", "law.safetensors")
if list(tensors("law.safetensors")[1]) != ["x"]:
    fail("a law's model is another vector than x")
done = subprocess.run([program, "eval", "law.safetensors"], capture_output=True, text=True, timeout=60)
if done.returncode not in (1, 2) or not done.stderr.startswith("grapevine: "):
    fail(f"eval of a law's model ended with {done.returncode}: {done.stdout}{done.stderr}")
for node in (first, second, third, law):
    node.process.send_signal(signal.SIGTERM)
for node in (first, second, third, law):
    node.ends(0)
print("all models came")
