#!/usr/bin/env python3
"""Two machines with two nodes each, and a cable between them that is pulled and put back. Both halves bury each other,
train on, and find together again: over real sockets, where a dead member must still have an address to be called at.
The machines are network namespaces; where none can be made (no root, no iproute2) the test is skipped.
usage: cut.py GRAPEVINE"""

import time

import machines
from machines import inside
from nodes import until

machines.begin(2)
machines.cable(0, "eth7", "10.77.0.1", 1, "eth7", "10.77.0.2")


def far_node(name, machine, port, *words):
    return machines.Far(name, machine, f"10.77.0.{machine + 1}", port, *words)


everybody = {"a1", "a2", "b1", "b2"}
try:
    a1 = far_node("a1", 0, 7600, "run.toml")
    until("a1 is up", lambda: a1.sees("alive"))
    others = [far_node("a2", 0, 7610, "--join", "10.77.0.1:7600"), far_node("b1", 1, 7600, "--join", "10.77.0.1:7600"), far_node("b2", 1, 7610, "--join", "10.77.0.1:7600")]
    far = [a1, *others]
    until("all see all", lambda: all(n.sees("alive") == everybody for n in far))
    inside(0, "ip", "link", "set", "eth7", "down")
    until("each half holds the other for dead", lambda: all(n.sees("dead") == {m for m in everybody if m[0] != n.name[0]} for n in far))
    inside(0, "ip", "link", "set", "eth7", "up")
    began = time.monotonic()
    until("all see all again", lambda: all(n.sees("alive") == everybody for n in far))
    print(f"cut: both halves are together {time.monotonic() - began:.1f} s after the cable is back")
finally:
    machines.end()
