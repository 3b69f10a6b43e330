#!/usr/bin/env python3
"""Two machines with two nodes each, and a cable between them that is pulled and put back. Both halves bury each other,
train on, and find together again: over real sockets, where a dead member must still have an address to be called at.
The machines are network namespaces; where none can be made (no root, no iproute2) the test is skipped.
usage: cut.py GRAPEVINE"""

import json
import shutil
import subprocess
import sys
import time

from nodes import fail, nodes, program, until

if not all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter")):
    print("skipped: it wants ip, unshare and nsenter")
    sys.exit(77)

machines = []


def run(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def inside(machine, *words):
    return run("nsenter", "-t", machines[machine].pid, "-n", *words)


def end():
    for node in nodes.values():
        node.process.kill()
    for machine in machines:
        machine.kill()


for _ in range(2):
    machines.append(subprocess.Popen(["unshare", "-n", "sleep", "600"], stderr=subprocess.DEVNULL))
deadline = time.monotonic() + 5
while any(inside(m, "true").returncode or inside(m, "ip", "link", "show", "eth7").returncode == 0 for m in (0, 1)) and time.monotonic() < deadline:
    time.sleep(0.05)
own = run("readlink", "/proc/self/ns/net").stdout
if any(m.poll() is not None or inside(i, "readlink", "/proc/self/ns/net").stdout == own for i, m in enumerate(machines)) or run(
        "ip", "link", "add", "eth7", "netns", machines[0].pid, "type", "veth", "peer", "name", "eth7", "netns", machines[1].pid).returncode:
    print("skipped: no network namespaces here")
    end()
    sys.exit(77)
for m in (0, 1):
    inside(m, "ip", "addr", "add", f"10.77.0.{m + 1}/24", "dev", "eth7")
    inside(m, "ip", "link", "set", "lo", "up")
    inside(m, "ip", "link", "set", "eth7", "up")


class Far:
    def __init__(self, name, machine, port, *words):
        self.name, self.machine, self.port = name, machine, port
        self.log = open(name + ".log", "w")
        self.process = subprocess.Popen(
            ["nsenter", "-t", str(machines[machine].pid), "-n", program, "node", *words, "--name", name, "--listen", f"10.77.0.{machine + 1}",
             "--insecure", "--port", str(port)], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        nodes[name] = self

    def sees(self, status):
        done = inside(self.machine, program, "members", "--json", "--at", f"127.0.0.1:{self.port + 2}")
        return {m["name"] for m in json.loads(done.stdout)["members"] if m["status"] == status} if done.returncode == 0 else set()


everybody = {"a1", "a2", "b1", "b2"}
try:
    a1 = Far("a1", 0, 7600, "run.toml")
    until("a1 is up", lambda: a1.sees("alive"))
    others = [Far("a2", 0, 7610, "--join", "10.77.0.1:7600"), Far("b1", 1, 7600, "--join", "10.77.0.1:7600"), Far("b2", 1, 7610, "--join", "10.77.0.1:7600")]
    far = [a1, *others]
    until("all see all", lambda: all(n.sees("alive") == everybody for n in far))
    inside(0, "ip", "link", "set", "eth7", "down")
    until("each half holds the other for dead", lambda: all(n.sees("dead") == {m for m in everybody if m[0] != n.name[0]} for n in far))
    inside(0, "ip", "link", "set", "eth7", "up")
    began = time.monotonic()
    until("all see all again", lambda: all(n.sees("alive") == everybody for n in far))
    print(f"cut: both halves are together {time.monotonic() - began:.1f} s after the cable is back")
finally:
    end()
