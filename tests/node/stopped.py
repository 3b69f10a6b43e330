#!/usr/bin/env python3
"""A process that was stopped, as a laptop that slept, has missed what the others said. When it goes on it must not take
that for their silence: it never holds somebody who runs for dead. The others do hold it for dead meanwhile, and take it
back. (And a node that is told to wait for others and finds none gives up meanwhile.)
usage: stopped.py GRAPEVINE"""

import signal
import time

from nodes import Node, fail, until

waiting = Node("waiting", "run.toml", "--join", "127.0.0.1:9", "--require-peers", "1")
a = Node("a", "run.toml").up()
others = [a] + [Node(name, "--join", a.address()).up() for name in "bc"]
d = Node("d", "--join", a.address()).up()
for node in [*others, d]:
    until(f"{node.name} sees all four", lambda: node.sees() == {"a", "b", "c", "d"})
until("d mixes", lambda: d.mixes() >= 3)

for stop in (1.6, 20):  # short: a probe is out; long: everybody has given it up
    before = d.mixes()
    d.process.send_signal(signal.SIGSTOP)
    time.sleep(stop)
    if stop > 15:
        until("the others hold d for dead", lambda: all("d" in node.sees("dead") for node in others))
    d.process.send_signal(signal.SIGCONT)
    for node in others:
        until(f"{node.name} has d back", lambda: "d" in node.sees())
    until("d mixes again", lambda: d.mixes() >= before + 3)
    until("d doubts nobody", lambda: d.sees() == {"a", "b", "c", "d"})
    if d.events("dead"):
        fail(f"d, stopped for {stop} s, holds for dead: {d.events('dead')}")

# Whom it suspected when it woke has had the time to answer.
time.sleep(6)
if d.events("dead") or d.sees() != {"a", "b", "c", "d"}:
    fail(f"d holds for dead: {d.events('dead')}; it sees {d.sees()}")
for node in others:
    if {about for _, about in node.events("dead", "left")} - {"d"}:
        fail(f"{node.name} lost somebody: {node.events('dead', 'left')}")
waiting.ends(4)
for node in [d, *others]:
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("stopped: given up, back, and nobody accused")
