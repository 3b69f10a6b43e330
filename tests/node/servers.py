#!/usr/bin/env python3
"""Exchanges with a server, by real processes: who begins the run serves, all end by themselves when their steps are made,
and a server that is killed is missed by its workers, who go on alone and say so.
usage: servers.py GRAPEVINE"""

import signal

from nodes import Node, fail, run, until

for name, kind, more in (("sync", "parameter-server", ""), ("async", "parameter-server", 'mode = "async"'),
                         ("fedavg", "fedavg", "every_steps = 20\nclients = 0.7")):
    text = run.format("until_steps = 3000", 16, kind)
    open(f"{name}.toml", "w").write(text.replace(f'kind = "{kind}"', f'kind = "{kind}"\n{more}'))
    a = Node(f"{name}-a", f"{name}.toml").up()
    others = [Node(f"{name}-{x}", "--join", a.address()).up() for x in "bc"]
    for node in [a, *others]:
        until(f"{node.name} mixes", lambda: node.mixes() >= 3)
    for node in [a, *others]:
        node.ends(0)

# Killed: nobody says goodbye.
open("endless.toml", "w").write(run.format("", 16, "parameter-server").replace('"parameter-server"', '"parameter-server"\npatience = "2s"'))
a = Node("a", "endless.toml").up()
others = [Node(x, "--join", a.address()).up() for x in "bc"]
for node in others:
    until(f"{node.name} mixes", lambda: node.mixes() >= 3)
a.process.send_signal(signal.SIGKILL)
for node in others:
    until(f"{node.name} has missed its server", lambda: node.events("partner_gone"))
    before = node.steps()
    until(f"{node.name} trains on", lambda: node.steps() > before + 100)
    if len(node.events("partner_gone")) != 1:
        fail(f"{node.name} says more than once that its server is gone")
for node in others:
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("servers: served, missed, and all ended")
