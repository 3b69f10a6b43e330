#!/usr/bin/env python3
"""A machine whose address changes: its node tells the new one at once, and nobody holds it for dead for long; who joins
later finds it there. In a network namespace of its own, where addresses come and go.
Wants to be root (unshare, ip); is skipped elsewhere.
usage: moved.py GRAPEVINE"""

import os
import shutil
import signal
import subprocess
import sys

SKIPPED = 77
if os.environ.get("GRAPEVINE_TEST_MOVED") != "inside":
    possible = shutil.which("unshare") and shutil.which("ip")
    trial = subprocess.run(["unshare", "--net", "ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1"], capture_output=True) if possible else None
    if trial is None or trial.returncode != 0:
        print("moved: skipped: no network namespace may be made here (it takes root and iproute2)")
        sys.exit(SKIPPED)
    os.environ["GRAPEVINE_TEST_MOVED"] = "inside"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
del os.environ["GRAPEVINE_TEST_MOVED"]

from nodes import Node, fail, until  # noqa: E402


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def address_of(node, seen_from):
    """Where `seen_from` believes that it is."""
    members = seen_from.get("members") or {"members": []}
    return next((m["control"] for m in members["members"] if m["name"] == node.name), None)


ip("link", "set", "lo", "up")
for name in ("a", "b"):  # a card each, for the one that moves and for those that stay
    ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
    ip("link", "set", f"{name}0", "up")
    ip("link", "set", f"{name}1", "up")
ip("addr", "add", "10.77.0.1/32", "dev", "a0")
ip("addr", "add", "10.78.0.1/32", "dev", "b0")

words = ["--insecure", "--status", "0"]
b = Node("b", "run.toml", "--listen", "10.78.0.1:7470", *words).up()
c = Node("c", "--join", "10.78.0.1:7470", "--listen", "10.78.0.1:7480", *words).up()
a = Node("a", "--join", "10.78.0.1:7470", "--listen", "0.0.0.0:7490", *words).up()
everybody = {"a", "b", "c"}
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == everybody)
    until(f"{node.name} mixes", lambda: node.mixes() > 2)
for node in (b, c):
    if address_of(a, node) != "tcp://10.77.0.1:7490":
        fail(f"{node.name} holds a to be at {address_of(a, node)}")

before = "10.77.0.1"
for place in ("10.77.0.11", "10.79.0.5"):  # another lease; another network
    ip("addr", "add", f"{place}/32", "dev", "a0")  # first, or it would take b's meanwhile
    ip("addr", "del", f"{before}/32", "dev", "a0")
    before = place
    for node in (a, b, c):
        until(f"{node.name} knows that a is at {place}", lambda: address_of(a, node) == f"tcp://{place}:7490")
        until(f"{node.name} sees all three after the move to {place}", lambda: node.sees() == everybody)
    for node in (a, b, c):
        mixed = node.mixes()
        until(f"{node.name} mixes on", lambda: node.mixes() > mixed + 2)
    if a.get("info")["addresses"]["control"] != f"tcp://{place}:7490":
        fail(f"a says that it is at {a.get('info')['addresses']}")
late = Node("late", "--join", "10.79.0.5:7490", "--listen", "10.78.0.1:7500", *words).up()
until("a newcomer joins at the new address", lambda: late.sees() == everybody | {"late"})

# Without any address it says so, and moves when there is one again.
ip("addr", "flush", "dev", "a0")
ip("addr", "del", "10.78.0.1/32", "dev", "b0")
until("a says that its address is gone", lambda: "others cannot dial us" in a.said())
until("b says that its address is gone", lambda: "others cannot dial us" in b.said())
ip("addr", "add", "10.78.0.1/32", "dev", "b0")
ip("addr", "add", "10.77.0.1/32", "dev", "a0")
until("b has its address again", lambda: "is an address of this machine again" in b.said())
for node in (a, b, c, late):
    until(f"{node.name} sees all four again", lambda: node.sees() == everybody | {"late"}, 120)
until("b knows where a is", lambda: address_of(a, b) in ("tcp://10.77.0.1:7490", "tcp://10.78.0.1:7490"))
for node in (a, b, c, late):
    node.process.send_signal(signal.SIGTERM)
for node in (a, b, c, late):
    node.ends(0)
print("moved: told at once, found at the new address, and back after no address at all")
