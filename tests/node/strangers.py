#!/usr/bin/env python3
"""What strangers do to a node: invent a hundred thousand members, bear a name with a key that is not its own, speak
another version, have bad links. It goes on, within its memory, and says what is wrong.
usage: strangers.py GRAPEVINE STRANGER"""

import json
import signal
import subprocess

from nodes import Node, fail, helpers, until

stranger = helpers[0]
children = []


def start(*words):
    child = subprocess.Popen([stranger, *words], stdout=subprocess.PIPE, text=True)
    children.append(child)
    return child


def memory(node):
    """Bytes that the process holds."""
    for line in open(f"/proc/{node.process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024


try:
    # Another version: what both speak is named, and what to do.
    other = start("elsewhere", "7", "9")
    where = other.stdout.readline().split("//")[1].strip()
    Node("new", "--join", where).ends(5)
    said = Node("new2", "run.toml", "--join", where)
    said.ends(5)
    for word in ("speaks versions 7 to 9 of the protocol", "we speak version 5", "Run a newer grapevine here"):
        if word not in said.said():
            fail(f"'{word}' was not said")

    a = Node("a", "run.toml").up()
    b = Node("b", "--join", a.address()).up()
    until("a and b see each other", lambda: a.sees() == b.sees() == {"a", "b"})
    if "speaks version" not in a.verb("join", where, code=1):
        fail("join does not say that the versions differ")
    if a.process.poll() is not None:
        fail("a running node ended because another speaks another version")

    # A name that belongs to a key.
    keyed = start("keyed", "tcp://" + a.address(), "taken")
    if keyed.stdout.readline() != "joined\n":
        fail("the stranger could not join")
    refused = Node("taken", "--join", a.address())
    refused.ends(5)
    if "the name taken belongs to a member with another key" not in refused.said():
        fail("it was not said that the name is taken")
    keyed.kill()

    # One that finds its links bad is shown as such, once in the log; what it says of itself in a way that we cannot read is
    # unknown, and nothing worse.
    bad = start("degraded", "tcp://" + a.address(), "bad")
    until("all know that it is degraded", lambda: "bad" in a.sees("degraded") and "bad" in b.sees("degraded"))
    member = next(m for m in json.loads(b.verb("members", "--json", "--status", "degraded"))["members"])
    if member["failing"] != 0.4 or [member[key] for key in ("age", "steps", "speed", "device", "layout")] != [None] * 5:
        fail(f"the degraded one: {member}")
    if json.loads(a.verb("info", "--json"))["members"]["degraded"] != 1:
        fail("info does not count the degraded one")
    until("/metrics counts it", lambda: 'grapevine_members{status="degraded"} 1' in a.page("/metrics"))
    if a.said().count("bad is degraded") != 1 or ("changed", "bad") not in a.events("changed"):
        fail("it was not said once that it is degraded")
    bad.kill()

    # A flood.
    before = memory(a)
    flood = start("flood", "tcp://" + a.address(), "150000")
    info = lambda: json.loads(a.verb("info", "--json"))
    until("the flood is over", lambda: flood.poll() is not None)
    most = info()["health"]["most_members"]
    until("a has heard all it can", lambda: info()["health"]["remembered"] >= most)
    steps = a.steps()
    until("a trains on", lambda: a.steps() > steps + 100)
    health = info()["health"]
    grown = memory(a) - before
    print(f"remembers {health['remembered']} members in {health['records']} records; grew by {grown / 1e6:.0f} MB")
    if health["remembered"] > most or health["records"] > 2**18 or grown > 250e6:
        fail(f"the flood was not bounded: {health}, {grown / 1e6:.0f} MB more")
    if a.said().count(" joined at ") > 2000:
        fail("a line for everybody who joins drowns the rest")
    a.process.send_signal(signal.SIGTERM)
    a.ends(0)
finally:
    for child in children:
        child.kill()
b.process.kill()
print("strangers: refused, or bounded")
