#!/usr/bin/env python3
"""Where a node is told to look: a file that comes and changes while it looks, the tasks of a job, a master. Nodes that are
started at once with the same list come to be in one run, also when they have begun several.
usage: sources.py GRAPEVINE"""

import json
import os
import signal
import socket
import subprocess

from nodes import Node, fail, program, until


def free_ports(count, row=3):
    """So many times some ports in a row that are free, the first of each."""
    found, first = [], 21000 + os.getpid() % 8000
    while len(found) < count:
        first += row
        sockets = [socket.socket() for _ in range(row)]
        try:
            for i, s in enumerate(sockets):
                s.bind(("127.0.0.1", first + i))
            found.append(first)
        except OSError:
            pass
        for s in sockets:
            s.close()
    return found


def stop(*nodes):
    for node in nodes:
        node.process.send_signal(signal.SIGTERM)
    for node in nodes:
        node.ends(0)


def run_of(node):
    return (node.get("info") or {}).get("run")


# Two pairs with a list each, which are not there at first. All begin runs; each pair comes to be in one. Then one list
# names one of the other pair: four in one run, the oldest of all, though nobody is alone any more.
ports = free_ports(4)
a, b, c, d = (Node(name, "run.toml", "--join", f"file:{pair}.txt", port=str(port)).up() for name, pair, port in zip("abcd", ("one", "one", "two", "two"), ports))
until("a says that its list is not there", lambda: "file:one.txt: not there (yet)" in a.said())
until("a trains alone", lambda: a.steps() > 20)
runs = {run_of(node) for node in (a, b, c, d)}
if len(runs) != 4:
    fail(f"four alone, but their runs are {runs}")
for pair, members in (("one", ports[:2]), ("two", ports[2:])):
    open(pair + ".new", "w").write("# its own address is among them\n" + "".join(f"127.0.0.1:{port}\n" for port in members))
    os.rename(pair + ".new", pair + ".txt")
for pair in ((a, b), (c, d)):
    for node in pair:
        until(f"{node.name} sees its pair", lambda: node.sees() == {n.name for n in pair})
open("two.txt", "a").write(f"127.0.0.1:{ports[0]}\n")
for node in (a, b, c, d):
    until(f"{node.name} sees all four", lambda: node.sees() == {"a", "b", "c", "d"}, 120)
    until(f"{node.name} is in the oldest run", lambda: run_of(node) == min(runs))
    before = node.mixes()
    until(f"{node.name} mixes on", lambda: node.mixes() > before + 2)
stop(a, b, c, d)

# Tasks of a job on one machine: one line for all, and each has its ports and its name. (No Slurm is needed for that; with a
# real one it is tools/try_slurm.)
first = free_ports(1, row=9)[0]
variables = {"SLURM_JOB_NODELIST": "here[1-1]", "SLURMD_NODENAME": "here1", "SLURM_TASKS_PER_NODE": "3"}
tasks = []
for i in range(3):
    os.environ.update(variables, SLURM_LOCALID=str(i), SLURM_PROCID=str(7 + i))
    tasks.append(Node(f"task-{i}", "run.toml", "--join", "slurm", "--require-peers", "2", port=str(first)))
for name in (*variables, "SLURM_LOCALID", "SLURM_PROCID"):
    del os.environ[name]
for i, task in enumerate(tasks):
    task.up()
    until(f"{task.name} sees all three", lambda: task.sees() == {"task-0", "task-1", "task-2"})
    if not task.address().endswith(f":{first + 3 * i}"):
        fail(f"{task.name} is at {task.address()}, not at port {first + 3 * i}")
    until(f"{task.name} trains", lambda: task.steps() > 20)
    if "training begins" not in task.said():
        fail(f"{task.name} has not waited for the others")

# A master by the environment, and the verb that reads a file.
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(first))
e = Node("e", "--join", "env").up()
until("e joined through the master", lambda: e.sees() == {"task-0", "task-1", "task-2", "e"})
del os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
open("peers.txt", "w").write(f"127.0.0.1:{first} # the first\n")
if "joined through task-0" not in tasks[1].verb("join", "file:peers.txt"):
    fail("'grapevine join file:' did not join")
# From elsewhere it is seen whether one could join there, on both planes.
said = subprocess.run([program, "doctor", "--join", "file:peers.txt", "--peer", f"127.0.0.1:{first}"], capture_output=True, text=True)
for line in (f"join    file:peers.txt: 127.0.0.1:{first}", f"control 127.0.0.1:{first} connects in", "peer    task-0, grapevine", f"bulk    127.0.0.1:{first + 1} connects in", f"bulk    127.0.0.1:{first + 1} returns 256 KiB in"):
    if said.returncode or line not in said.stdout:
        fail(f"doctor does not say '{line}', and ends with {said.returncode}:\n{said.stdout}{said.stderr}")
stop(e, *tasks)

# Who requires others and finds none, or too few, gives up and says so.
lone = Node("lone", "run.toml", "--require-peers", "1", "--join-patience", "2s", "--out", "lone")
lone.ends(4)
if "0 of the 1 others that --require-peers wants" not in lone.said():
    fail("the lone one does not say what it waited for")
if json.load(open("lone/summary.json"))["final"]["steps"] != 0:
    fail("the lone one has trained")
seeker = Node("seeker", "--join", "file:nowhere.txt", "--require-peers", "1", "--join-patience", "2s")
seeker.ends(4)
if "nobody answers at file:nowhere.txt" not in seeker.said():
    fail("the seeker does not say where it looked")
print("sources: a file that came later, two runs that became one, tasks of a job, a master, and nobody")
