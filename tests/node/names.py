#!/usr/bin/env python3
"""--join dns:NAME, against a name server of our own, in a mount namespace of its own where /etc/resolv.conf names it: records
that are added while nodes look are found, nodes that are behind no record any more stay.
Wants to be root (unshare, mount); is skipped elsewhere.
usage: names.py GRAPEVINE"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading

SKIPPED = 77
if os.environ.get("GRAPEVINE_TEST_NAMES") != "inside":
    trial = subprocess.run(["unshare", "--mount", "true"], capture_output=True) if shutil.which("unshare") else None
    if trial is None or trial.returncode != 0:
        print("names: skipped: no mount namespace may be made here (it takes root)")
        sys.exit(SKIPPED)
    os.environ["GRAPEVINE_TEST_NAMES"] = "inside"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
del os.environ["GRAPEVINE_TEST_NAMES"]

from nodes import Node, fail, until  # noqa: E402


class NameServer(threading.Thread):
    """Answers for A and AAAA over UDP (RFC 1035): what is in `records`, and NXDOMAIN for all else."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.53", 53))
        self.records, self.asked, self.silent = {}, 0, False

    def run(self):
        while True:
            query, who = self.socket.recvfrom(512)
            self.asked += 1
            if self.silent:
                continue
            number, at, labels = query[:2], 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            question, kind = query[12:at + 5], struct.unpack(">H", query[at + 1:at + 3])[0]
            addresses = self.records.get(".".join(labels).lower())
            family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
            found = [a for a in addresses or [] if family and (":" in a) == (family == socket.AF_INET6)]
            answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data for data in (socket.inet_pton(family, a) for a in found))
            flags = 0x8180 if addresses is not None else 0x8183
            self.socket.sendto(number + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + question + answers, who)


try:
    server = NameServer()
except OSError as error:
    print(f"names: skipped: no name server can be run at 127.0.0.53 ({error})")
    sys.exit(SKIPPED)
server.start()
open("resolv.conf", "w").write("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
open("nsswitch.conf", "w").write("hosts: files dns\n")
for name in ("resolv.conf", "nsswitch.conf"):
    if os.path.exists(f"/etc/{name}"):
        subprocess.run(["mount", "--bind", name, os.path.realpath(f"/etc/{name}")], check=True)

# One address a node, all at one port, as pods have them.
with socket.socket() as s:
    s.bind(("127.7.0.1", 0))
    port = s.getsockname()[1]
where = f"dns:grapevine.test:{port}"


def pod(number, *words):
    return Node(f"pod-{number}", "run.toml", "--join", where, "--listen", f"127.7.0.{number}:{port}", "--status", "0", *words, port="0")


# Nobody has a record yet: the first trains alone, and the second begins its own run.
pods = [pod(1).up(), pod(2).up()]
for p in pods:
    until(f"{p.name} says that the name has no address", lambda: "dns:grapevine.test" in p.said())
    until(f"{p.name} trains alone", lambda: p.steps() > 20)
server.records["grapevine.test"] = ["127.7.0.1", "127.7.0.2"]
for p in pods:
    until(f"{p.name} sees both", lambda: p.sees() == {"pod-1", "pod-2"})

# A third comes while the name server does not answer, and a record of a pod that is not there is among the others.
server.silent = True
pods.append(pod(3).up())
until("pod-3 trains alone", lambda: pods[2].steps() > 20)
before = server.asked
until("pod-3 asks on", lambda: server.asked > before)
server.records["grapevine.test"] = ["127.7.0.9", "127.7.0.1", "127.7.0.3", "::1"]
server.silent = False
everybody = {"pod-1", "pod-2", "pod-3"}
for p in pods:
    until(f"{p.name} sees all three", lambda: p.sees() == everybody)
    before = p.mixes()
    until(f"{p.name} mixes", lambda: p.mixes() > before + 2)
if len({p.get("info")["run"] for p in pods}) != 1:
    fail("they see each other, and are in several runs")

# The verb looks names up as well; and one that is not there is said.
if "joined through pod-" not in pods[0].verb("join", where):
    fail("'grapevine join dns:' did not join")
if "dns:nobody.test" not in pods[0].verb("join", "dns:nobody.test", code=1):
    fail("'grapevine join dns:' does not say which name is not there")

# Without records all stay together: a name says where to look, not who is a member.
del server.records["grapevine.test"]
for p in pods:
    before = p.mixes()
    until(f"{p.name} mixes on", lambda: p.mixes() > before + 2)
    if p.sees() != everybody:
        fail(f"{p.name} has lost somebody")
for p in pods:
    p.process.send_signal(signal.SIGTERM)
for p in pods:
    p.ends(0)
print("names: records that came later were found, and nobody was lost with them")
