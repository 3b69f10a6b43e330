#!/usr/bin/env python3
"""The wall clock of a node jumps, a day ahead and a day back: nobody else notices, training and mixing go on, and a run of some seconds
lasts some seconds. It finds out by how much it is off, says so once, and its lines carry it. Started anew with a clock that is a day behind it is still the later one of its name.
usage: clock.py GRAPEVINE CLOCK_JUMP.so"""

import datetime
import json
import os
import signal
import time

from nodes import Node, fail, helpers, until

DAY = 86400


def jump(by):
    with open("offset.new", "w") as file:
        file.write(str(by))
    os.rename("offset.new", "offset")


def jumpy(*words):
    """A node whose clock is off by what the file says."""
    os.environ.update(LD_PRELOAD=helpers[0], CLOCK_JUMP=os.path.abspath("offset"))
    node = Node(*words)
    for name in ("LD_PRELOAD", "CLOCK_JUMP"):
        del os.environ[name]
    return node


def offset(node, unknown):
    known = (node.get("status") or {}).get("clock_offset")
    return unknown if known is None else known


jump(0)
a = Node("a", "run.toml", "--log", "logfmt").up()
b = Node("b", "--join", a.address()).up()
c = jumpy("c", "--join", a.address(), "--out", "c", "--log", "json").up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})
for by in (DAY, -DAY, 0):
    jump(by)
    until(f"c's clock is off by {by} s", lambda: abs(((c.get("status") or {}).get("unix_time") or 0) - time.time() - by) < 60)
    mixes, steps = c.mixes(), c.steps()
    until("c mixes on", lambda: c.mixes() >= mixes + 5 and c.steps() > steps)
    until(f"c knows that the others are {-by} s ahead", lambda: abs(offset(c, DAY) + by) < 60)
    for node in (a, b):
        until(f"{node.name} knows that it is not its own clock that is off", lambda: abs(offset(node, DAY)) < 60)
for node in (a, b, c):
    if {about for _, about in node.events("dead", "suspected", "left")}:
        fail(f"{node.name} doubts somebody because a clock jumped: {node.events('dead', 'suspected', 'left')}")

lines = [json.loads(line) for line in c.said().splitlines()]
off = [line["text"] for line in lines if "the clock of this machine is" in line["text"]]
if len(off) != 3 or not all(words in text for words, text in zip(("is 24.0 h ahead of the others'", "is 24.0 h behind the others'", "is as the others' again"), off)):
    fail(f"c says of its clock: {off}")
for by in (DAY, -DAY, 0):
    if not any(line["offset"] is not None and abs(line["offset"] + by) < 60 for line in lines):
        fail(f"no line of c's says that its clock is off by {by} s")
for line in lines:
    if line["offset"] is not None and abs(datetime.datetime.fromisoformat(line["time"]).timestamp() + line["offset"] - time.time()) > 600:
        fail(f"time and offset are not the others' time: {line}")
if lines[0]["offset"] is not None or "offset=" not in a.said().splitlines()[0]:
    fail(f"before anybody has answered the offset is not known: {lines[0]} {a.said().splitlines()[0]}")
if any("the clock of this machine is" in node.said() for node in (a, b)):
    fail("who has the right time doubts it")

for directory in (["--out", "c", "--overwrite"], []):  # it has kept the generation of the run before; it must hear of it from others
    jump(-DAY)
    c.process.send_signal(signal.SIGKILL)
    c.process.wait()
    before = a.mixes()
    c = jumpy("c", "--join", a.address(), *directory).up()
    until("c is there, and nobody of before", lambda: c.sees() == {"a", "b", "c"} and a.sees() == {"a", "b", "c"})
    until("they mix", lambda: c.mixes() >= 3 and a.mixes() > before)

jump(0)
for node in (c, b, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)

lone = jumpy("lone", "run.toml", "--until", "6s").up()
began = time.monotonic()
jump(DAY)
lone.ends(0)
if time.monotonic() - began > 30 or time.monotonic() - began < 1:
    fail(f"a run of 6 s took {time.monotonic() - began:.1f} s by another clock")
print("clock: it jumped, and nobody noticed")
