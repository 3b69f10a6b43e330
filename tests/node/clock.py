#!/usr/bin/env python3
"""The wall clock of a node jumps, a day ahead and a day back: nobody else notices, training and mixing go on, and a run of some seconds
lasts some seconds. Started anew with a clock that is a day behind it is still the later one of its name.
usage: clock.py GRAPEVINE CLOCK_JUMP.so"""

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


jump(0)
a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
c = jumpy("c", "--join", a.address(), "--out", "c").up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})
for by in (DAY, -DAY, 0):
    jump(by)
    until(f"c's clock is off by {by} s", lambda: abs(((c.get("status") or {}).get("unix_time") or 0) - time.time() - by) < 60)
    mixes, steps = c.mixes(), c.steps()
    until("c mixes on", lambda: c.mixes() >= mixes + 5 and c.steps() > steps)
for node in (a, b, c):
    if {about for _, about in node.events("dead", "suspected", "left")}:
        fail(f"{node.name} doubts somebody because a clock jumped: {node.events('dead', 'suspected', 'left')}")

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
