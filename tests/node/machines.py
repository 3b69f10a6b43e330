"""Machines that are network namespaces, for tests with real nodes that pull cables and put up firewalls. Where none can be made (no
root, no iproute2) whoever asks for them is skipped."""

import json
import shutil
import subprocess
import sys
import time

from nodes import nodes, program

machines = []


def run(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def inside(machine, *words):
    return run("nsenter", "-t", machines[machine].pid, "-n", *words)


def end():
    for node in nodes.values():
        node.process.kill()
    for machine in machines:
        machine.kill()


def skip(why):
    print("skipped:", why)
    end()
    sys.exit(77)


def begin(count):
    """So many machines, each with nothing but its loopback."""
    if not all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter")):
        skip("it wants ip, unshare and nsenter")
    for _ in range(count):
        machines.append(subprocess.Popen(["unshare", "-n", "sleep", "900"], stderr=subprocess.DEVNULL))
    own = run("readlink", "/proc/self/ns/net").stdout
    deadline = time.monotonic() + 5
    while any(inside(m, "readlink", "/proc/self/ns/net").stdout in ("", own) for m in range(count)):
        if any(m.poll() is not None for m in machines) or time.monotonic() > deadline:
            skip("no network namespaces here")
        time.sleep(0.05)
    for m in range(count):
        inside(m, "ip", "link", "set", "lo", "up")


def cable(a, name_there, address_there, b, name_here, address_here):
    """Between two machines, with a card at each end; both are up."""
    if run("ip", "link", "add", name_there, "netns", machines[a].pid, "type", "veth", "peer", "name", name_here, "netns", machines[b].pid).returncode:
        skip("no network namespaces here")
    for machine, name, address in ((a, name_there, address_there), (b, name_here, address_here)):
        inside(machine, "ip", "addr", "add", f"{address}/24", "dev", name)
        inside(machine, "ip", "link", "set", name, "up")


class Far:
    """A node on one of the machines, at that address."""

    def __init__(self, name, machine, address, port, *words):
        self.name, self.machine, self.port = name, machine, port
        self.log = open(name + ".log", "w")
        self.process = subprocess.Popen(
            ["nsenter", "-t", str(machines[machine].pid), "-n", program, "node", *words, "--name", name, "--listen", address, "--insecure", "--port", str(port)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        nodes[name] = self

    def said(self):
        return open(self.name + ".log").read()

    def verb(self, *words):
        return inside(self.machine, program, *words, "--at", f"127.0.0.1:{self.port + 2}").stdout

    def members(self):
        said = self.verb("members", "--json")
        return {m["name"]: m for m in json.loads(said)["members"]} if said else {}

    def sees(self, status="alive"):
        return {name for name, m in self.members().items() if m["status"] == status}
