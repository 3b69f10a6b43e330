#!/usr/bin/env python3
"""A name that was given is an identity: a node that was killed and starts again under it is known for what it is, and of
two that run under it the later one stays.
usage: identity.py GRAPEVINE"""

import json
import os
import random
import signal
import socket
import time

from nodes import Node, fail, until


def free_ports():
    """Three in a row, below those that the system gives out."""
    while True:
        first = random.randrange(20000, 30000)
        try:
            for port in range(first, first + 3):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return str(first)
        except OSError:
            pass


def about_c(node):
    return [kind for kind, about in node.events("joined", "left", "dead", "suspected") if about == "c"]


def generation(node):
    return json.loads(node.verb("info", "--json"))["generation"]


a = Node("a", "run.toml", "--out", "a").up()
b = Node("b", "--join", a.address()).up()
port = free_ports()
c = Node("c", "--join", a.address(), port=port).up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})
first = generation(c)
if not abs(first / 1000 - time.time()) < 100:
    fail(f"the first generation of c is {first}")

# Killed, and started again at once under the same name and port: the one before has left, nobody is dead.
c.process.kill()
c.process.wait()
c2 = Node("c2", "--join", a.address(), "--name", "c", port=port).up()
restarted = time.monotonic()
for node in (a, b):
    until(f"{node.name} knows that c is back", lambda: [m["status"] for m in node.get("members")["members"] if m["name"] == "c"].count("alive") == 1 and about_c(node)[-1] == "joined")
if not generation(c2) > first:
    fail("a restart has no later generation")
until("c mixes again", lambda: c2.mixes() >= 3)

# A second process under a name that is in use takes its place.
later = Node("later", "--join", a.address(), "--name", "b").up()
b.ends(0)
if "a later process bears our name b" not in b.said():
    fail("b was not told why it ends")
for node in (a, c2, later):
    until(f"{node.name} sees the later b alone", lambda: sorted(m["name"] for m in node.get("members")["members"] if m["status"] == "alive") == ["a", "b", "c"])

# Longer than it takes to bury somebody: nobody was suspected after the new one was there.
while time.monotonic() - restarted < 12:
    time.sleep(0.1)
for node in (a, later):
    history = about_c(node)
    if "dead" in history or "suspected" in history[history.index("left") if "left" in history else 0:]:
        fail(f"{node.name} saw of c: {history}")
if ("suspected", "b") in a.events("suspected") or ("dead", "b") in a.events("dead"):
    fail("b was suspected though it left")

# What was stored counts for more than a clock that was set back.
until("a's generation is kept", lambda: os.path.exists("a/identity"))
if open("a/identity").read() != f"a {generation(a)}\n":
    fail("a/identity: " + open("a/identity").read())
os.mkdir("ahead")
ahead = int(time.time() * 1000) + 10**9
open("ahead/identity", "w").write(f"ahead {ahead}\n")
d = Node("ahead", "--join", a.address(), "--out", "ahead").up()
if generation(d) != ahead + 1:
    fail(f"a stored generation of {ahead} is followed by {generation(d)}")

for node in (d, later, c2, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("identity: restarted and known, replaced by a later one")
