#!/usr/bin/env python3
"""Files of one's own, from a table to a prediction: check, node, checkpoints, --resume, eval, export, predict; and what is said of bad ones.
Where numpy is installed it reads what export writes, and writes what eval reads. usage: own_data.py GRAPEVINE"""

import glob
import json
import os
import random
import resource
import signal
import struct
import subprocess
import time

from cases import check, environment, expect, finish, folder, program, write

draw = random.Random(1)
lines = []
for i in range(400):
    x, y = draw.gauss(100, 20), draw.gauss(0, 0.01)
    lines.append(f"{x:.4f};{y:.6f};{'red wine' if x - 100 > 2000 * y else 'white'}")
os.mkdir("data")
write("data/wine.csv", "acid;sugar;kind\r\n" + "\r\n".join(lines))
run = '[model]\nkind = "mlp"\nhidden = [8]\n[data]\nformat = "csv"\nfiles = ["data/wine.csv"]\nlabel = "kind"\nbatch = 16\n[train]\noptimizer = "adamw"\nlearning_rate = 0.01\norder = "1us"\n'
write("run.toml", run)

# check and data show
expect(0, ["check", "run.toml"], stdout=f'files = ["{os.path.realpath(folder)}/data/wine.csv"]' if os.path.realpath(folder) == folder else "wine.csv")
expect(0, ["data", "show", "data/wine.csv"], stdout="400 rows of 2 numbers")
expect(0, ["data", "show", "data/wine.csv"], stdout="red wine")
expect(2, ["data", "show", "data/none.csv"], "data/none.csv: there is no such file")
for name, content, said in [
    ("nan.csv", "a,b,c\n1,2,x\n1,nan,y\n", "nan.csv:3:3: 'nan' is not a number to learn from"),
    ("cut.csv", "a,b,c\n1,2,x\n1,2", "cut.csv:3: the line has 2 fields, those before have 3"),
    ("empty.csv", "", "empty.csv: it is empty"),
    ("one.csv", "1,2,x\n3,4,x\n", "all samples have the label 'x'"),
]:
    write(name, content)
    write("bad.toml", f'[data]\nformat = "csv"\nfiles = ["{name}"]\n')
    expect(2, ["check", "bad.toml"], said)
    expect(2, ["node", "bad.toml", "--port", "0", "--no-status", "--until", "1s"], said)
write("bad.toml", '[data]\nformat = "csv"\nfiles = ["data"]\n')
expect(2, ["check", "bad.toml"], "data is a directory")
write("huge.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 70) + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,), }".ljust(69) + b"\n" + b"1234")
write("bad.toml", '[data]\nformat = "npy"\nfiles = ["huge.npy", "huge.npy"]\n')
expect(2, ["check", "bad.toml"], "huge.npy: it claims 2000000000 values")

# a run, its checkpoints, and on from them
node = ["node", "run.toml", "--port", "0", "--no-status", "--device", "cpu"]
expect(0, [*node, "--out", "one", "--until-steps", "3000", "--checkpoint-every", "50ms"])
kept = sorted(glob.glob("one/checkpoints/*"))
check(1 <= len(kept) <= 3 and all(k.endswith(".safetensors") for k in kept), f"up to three checkpoints, and nothing beside them: {kept}")
latest = max(kept, key=os.path.getmtime)


def metadata(path):
    content = open(path, "rb").read()
    return json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])["__metadata__"]


write("slow.toml", run + 'pace = "20ms"\n')
begun = int(metadata(latest)["step"])
on = ["node", "slow.toml", *node[2:], "--overwrite", "--until-steps", str(begun + 50)]
for attempt in range(5):  # a node stops with the first order after its last step, or on a busy machine the second: only two that made as many can be alike
    expect(0, [*on, "--out", "two", "--resume", "one"], f"goes on from step {begun} of {latest}")
    expect(0, [*on, "--out", "three", "--resume", latest], f"of {latest}")
    two, three = metadata("two/final.safetensors"), metadata("three/final.safetensors")
    if two["step"] == three["step"]:
        break
check((two["step"], two["hash"]) == (three["step"], three["hash"]), f"going on twice from one checkpoint ends in the same bits: {two} {three}")
check(int(two["step"]) >= begun + 50 and float(two["samples"]) == 16 * int(two["step"]), "steps and samples are counted on")
accuracies = [m["accuracy"] for m in json.loads(expect(0, ["eval", "one/final.safetensors", latest, "--data-dir", "data", "--json"]).stdout)]
check(len(accuracies) == 3 and accuracies[0] > 0.95, f"a line divides these classes: {accuracies}")
expect(2, ["eval", "two/final.safetensors"], "wine.csv: there is no such file", "--data-dir")
expect(2, [*node, "--resume", "data"], "data holds no checkpoints")
expect(2, [*node, "--resume", "none"], "none: there is no such file")
expect(2, [*node, "--resume", "two/final.safetensors"], "a model and not where its training was")
bytes_ = open(latest, "rb").read()
write("cut.safetensors", bytes_[:-100])
expect(2, [*node, "--resume", "cut.safetensors"], "cut.safetensors is no model that can be read")
write("flipped.safetensors", bytes_[:-100] + bytes([bytes_[-100] ^ 1]) + bytes_[-99:])
expect(2, [*node, "--resume", "flipped.safetensors"], "its hash is another")
write("later.safetensors", bytes_.replace(b'"version":"1"', b'"version":"7"'))
expect(2, [*node, "--resume", "later.safetensors"], "is of version 7")
write("other.toml", run.replace("[8]", "[9]"))
expect(2, ["node", "other.toml", *node[2:], "--resume", latest], "tensor w1 is 2x8 in the file and 2x9 in the model")
write("other.toml", run.replace("kind = \"mlp\"", "kind = \"mlp\"", 1).replace('label = "kind"', 'label = "kind"\nnormalize = "range"'))
expect(2, ["node", "other.toml", *node[2:], "--resume", latest], "trained on other data")
expect(2, [*node, "--checkpoint-every", "1s"], "--checkpoint-every without --out")
expect(2, [*node, "--out", "x", "--checkpoint-every", "5"], "is not a duration")

# export, predict
expect(0, ["export", latest, "--out", "bare.safetensors"], stdout="bare.safetensors: 6 tensors")
final = "one/final.safetensors"
expect(0, ["export", final, "--out", "m.npz"], stdout="6 tensors")
expect(0, ["export", "m.npz", "--out", "m.safetensors"], stdout="tensors")
evaluations = [json.loads(expect(0, ["eval", m, "--json", "--data-dir", "data"]).stdout)[0]["loss"] for m in (final, "m.npz", "m.safetensors")]
check(len(set(evaluations)) == 1, f"a model and what is exported of it are one: {evaluations}")
expect(2, ["export", latest], "does not say where to")
expect(2, ["export", latest, "--out", "m.onnx"], "neither .npz nor .safetensors")
expect(2, ["export", "run.toml", "--out", "m.npz"], "no model that can be read")
expect(1, ["export", latest, "--out", "nowhere/m.npz"], "cannot write nowhere/m.npz")
expect(1, ["export", latest, "--out", "full.npz"], "make room", disk=100)
check(not glob.glob("full*"), "nothing is left of what could not be written")
held = expect(0, ["predict", "m.npz", "--data-dir", "data"], "accuracy ", "of 40 rows")
check(float(held.stderr.split("accuracy ")[1].split(":")[0]) > 0.95, "the held-out rows are told apart")
check(held.stdout.startswith("class,probability\n") and len(held.stdout.splitlines()) == 41, "a line for each held-out row")
table = expect(0, ["predict", "m.npz", "data/wine.csv"], "of 400 rows")
check(len(table.stdout.splitlines()) == 401, "a line for each row of the file")
write("two.csv", "acid;sugar\n160;0\n40;0\n")
check([l.split(",")[0] for l in expect(0, ["predict", "m.npz", "two.csv"]).stdout.splitlines()] == ["class", "red wine", "white"], "classes by their names")
rows = json.loads(expect(0, ["predict", "m.npz", "two.csv", "--json"]).stdout)
check([r["class"] for r in rows] == ["red wine", "white"] and all(0.9 < r["probability"] <= 1 for r in rows), f"as JSON: {rows}")
expect(0, ["predict", "m.npz", "two.csv", "--out", "p.csv"])
check(open("p.csv").read().startswith("class,probability\nred wine,"), "--out")
expect(2, ["predict"], "predict wants a model file")
expect(2, ["predict", "m.npz", write("wide.csv", "1;2;3;4;5\n")], "has 5 numbers a row, and the model wants 2")
expect(2, ["predict", "m.npz", "two.csv", "--data", "blobs"], "files or --data, not both")
expect(2, ["predict", "m.npz", "--data", "blobs"], "rows of 20 numbers and 4 classes")
expect(2, ["predict", "m.npz", write("word.csv", "acid;sugar\n1;x\n")], "word.csv:2:")

# a disk that is full: the last checkpoint stays, and the run goes on
before = open(latest, "rb").read()
limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))
process = subprocess.Popen([program, *node, "--out", "full", "--checkpoint-every", "50ms"], stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=limit)
time.sleep(3)
check(process.poll() is None, "a run goes on when its checkpoints cannot be written")
process.send_signal(signal.SIGTERM)
said = process.communicate(timeout=60)[1]
check("The last checkpoint stays, and training goes on" in said, f"a full disk is said: {said[-1500:]}")
check(not glob.glob("full/checkpoints/*.partial"), "nothing is left of what could not be written")

try:
    import numpy
except ImportError:
    print("skipped: numpy is not installed: what it reads and writes was not tried")
else:
    model = numpy.load("m.npz")
    check({"w1", "b1", "w2", "b2"} <= set(model.files) and model["w1"].shape == (2, 8) and model["w1"].dtype == numpy.float32, f"numpy reads an npz: {model.files}")
    check(json.loads(model["metadata.json"])["format"] == "grapevine", "and its metadata")
    arrays = {k: model[k] for k in model.files if k != "metadata.json"}
    x = numpy.array([[160, 0], [40, 0]], dtype="f8")
    hidden = numpy.maximum(0, (x * arrays["data.scale"] + arrays["data.shift"]) @ arrays["w1"] + arrays["b1"])
    logits = hidden @ arrays["w2"] + arrays["b2"]
    p = numpy.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    check(numpy.allclose(p.max(1), [r["probability"] for r in rows], atol=1e-5), "predict's probabilities are those of the formula")
    numpy.savez("numpy.npz", w1=numpy.zeros((2, 2), "f4"))
    expect(2, ["eval", "numpy.npz"], "does not say which run it comes from")
    numpy.savez_compressed("packed.npz", w1=numpy.zeros((2, 2), "f4"))
    expect(2, ["eval", "packed.npz"], "compressed", "savez, not savez_compressed")
    numpy.save("x.npy", numpy.array([[1, 2], [3, 4], [5, 7]] * 10, dtype="i4"))
    numpy.save("y.npy", numpy.array([3, 9, 3] * 10, dtype="i8"))
    expect(0, ["data", "show", "x.npy", "y.npy"], stdout="30 rows of 2 numbers from 1 to 7")
    write("npy.toml", '[model]\nkind = "logistic"\n[data]\nformat = "npy"\nfiles = ["x.npy", "y.npy"]\n')
    expect(0, ["check", "npy.toml"], stdout='normalize = "standard"')
    numpy.save("f.npy", numpy.asfortranarray(numpy.ones((3, 2), "f4")))
    expect(2, ["data", "show", "f.npy", "y.npy"], "column by column", "ascontiguousarray")

finish("own data")
