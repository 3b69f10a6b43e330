#!/usr/bin/env python3
"""What floods do to a node that trains, in turn with calm: its training rate and its memory, flooded beside calm.

  frames     a member sends pings, news and offers without end, each well formed
  parcels    a member ships parcels that nobody asked for
  garbage    messages that mean nothing, at either plane
  endless    messages that have no end, at either plane; who is hung up on comes again
  half-open  connections that never say a word, at either plane; likewise

Who floods has a line of --rate, and is nice: it stands for another machine, and is not to take the processors of this one. Training is paced,
so that it is the pace that is kept and not what the machine has left; how busy the processors were is said, and above 60 % a rate that is kept
says more than one that is not. At the end a newcomer is let in. Exit codes: 0 kept (90 % of the rate, 64 MiB above calm), 1 not, 2 usage."""

import argparse
import json
import os
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import time

KINDS = ["frames", "parcels", "garbage control", "garbage bulk", "endless control", "endless bulk", "half-open control", "half-open bulk"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--grapevine", required=True, help=argparse.SUPPRESS)
parser.add_argument("--flooder", required=True, help=argparse.SUPPRESS)
parser.add_argument("--rate", type=float, default=100e6, help="bits a second that a flood carries")
parser.add_argument("--connections", type=int, default=10_000, help="half-open ones at a time")
parser.add_argument("--seconds", type=float, default=10, help="of each flood, and of the calm before it")
parser.add_argument("--rounds", type=int, default=3, help="the median is judged")
parser.add_argument("--pace", default="20ms", help="a step takes that long at least")
parser.add_argument("--only", choices=sorted({k.split()[0] for k in KINDS}), help="one kind of flood")
parser.add_argument("--out", help="a JSON file for what was measured")
o = parser.parse_args()
out = os.path.abspath(o.out) if o.out else None
sys.argv[1:] = [o.grapevine, o.flooder]  # as nodes.py takes them

from nodes import Node, fail, helpers, program, until  # noqa: E402

flooder = helpers[0]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
connections = min(o.connections, hard - 1000)  # the node wants some for itself

# The hard limit is what a node cannot raise: doctor says so where it is too low.
said = subprocess.run([program, "doctor"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))).stdout
if "up to 1024 open files" not in said or "strangers" not in said or "ulimit -Hn" not in said:
    fail(f"doctor does not say that the hard limit of open files is too low:\n{said}")

open("paced.toml", "w").write(open("run.toml").read().replace('pace = "2ms"', f'pace = "{o.pace}"'))
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # as a login shell has it
a = Node("a", "paced.toml").up()
b = Node("b", "--join", a.address()).up()
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # ours: half of the connections end here
until("a and b see each other", lambda: a.sees() == b.sees() == {"a", "b"})
limits = next(line.split() for line in open(f"/proc/{a.process.pid}/limits") if line.startswith("Max open files"))
if limits[3] != limits[4]:
    fail(f"a has not raised its limit of open files: {limits}")
contact = next(m for m in a.get("members")["members"] if m["self"])


def where(plane):
    host, port = contact[plane].removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def memory():
    return next(int(line.split()[1]) * 1024 for line in open(f"/proc/{a.process.pid}/status") if line.startswith("VmRSS:"))


def busy():
    """(seconds that all processors worked, seconds that a did)."""
    tick = os.sysconf("SC_CLK_TCK")
    all_of = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    own = open(f"/proc/{a.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (sum(all_of) - all_of[3] - all_of[4]) / tick, (int(own[11]) + int(own[12])) / tick


def measured(over):
    """What a did until `over`."""
    def reading():
        s = until("a says how far it is", lambda: a.get("status"))
        return s["t"], s["steps"]
    (t, steps), (all_before, own_before), began, peak, files, looks = reading(), busy(), time.monotonic(), 0, 0, 0
    while not over():
        peak = max(peak, memory())
        if time.monotonic() - began > 0.5 * looks:  # a walk over ten thousand takes a while
            looks += 1
            files = max(files, len(os.listdir(f"/proc/{a.process.pid}/fd")))
        time.sleep(0.05)
    took, (all_after, own_after) = time.monotonic() - began, busy()
    t_after, steps_after = reading()
    return {"steps_per_second": (steps_after - steps) / (t_after - t), "peak_bytes": peak, "files": files,
            "busy": (all_after - all_before) / took / os.cpu_count(), "cpu": (own_after - own_before) / took}


def for_a_while():
    end = time.monotonic() + o.seconds
    return lambda: time.monotonic() > end


def endless(host, port, end):
    """Parts of messages of ZMTP 3.0, each of which says that more follow."""
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
    hello = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31) + b"\x04" + bytes([len(ready)]) + ready
    part = b"\x03" + (60_000).to_bytes(8, "big") + bytes(60_000)
    sent, began, ends = 0, time.monotonic(), 0
    while time.monotonic() < end:
        try:
            with socket.create_connection((host, port), timeout=5) as s:
                s.sendall(hello)
                while time.monotonic() < end:
                    time.sleep(max(0, began + sent * 8 / o.rate - time.monotonic()))
                    s.sendall(part)
                    sent += len(part)
        except OSError:
            ends += 1
    return {"bytes": sent, "hung_up": ends}


def half_open(host, port, end):
    poll, opened, made = select.epoll(), {}, 0
    while time.monotonic() < end:
        for _ in range(min(connections - len(opened), 500)):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((host, port))
            opened[s.fileno()] = s
            poll.register(s, select.EPOLLRDHUP)
            made += 1
        for fd, event in poll.poll(0.02):
            if event & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                poll.unregister(fd)
                opened.pop(fd).close()
    return {"connections": made}


def flood(kind):
    """Begins it; whether it is over, and what it says then."""
    what, plane = (kind.split() + ["control"])[:2]
    if what in ("endless", "half-open"):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.nice(19)
            said = {"endless": endless, "half-open": half_open}[what](*where(plane), time.monotonic() + o.seconds)
            os.write(writer, json.dumps(said).encode())
            os._exit(0)
        os.close(writer)
        ended = []
        over = lambda: ended or ended.extend(pid for pid, _ in [os.waitpid(child, os.WNOHANG)] if pid) or ended
        return over, lambda: os.read(reader, 4096).decode() or os.close(reader)
    child = subprocess.Popen([flooder, what, contact[plane], str(o.seconds), str(o.rate)], stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19))
    return lambda: child.poll() is not None, lambda: child.stdout.read()


measured(for_a_while())  # it starts
before = max(measured(for_a_while())["peak_bytes"], memory())
results, kept = [], True
for kind in KINDS:
    if o.only and not kind.startswith(o.only):
        continue
    rounds = []
    for _ in range(o.rounds):
        calm = measured(for_a_while())
        over, words = flood(kind)
        flooded = measured(over)
        said = words()
        try:
            said = json.loads(said)
        except ValueError:
            fail(f"{kind}: {said}")
        rounds.append({"calm": calm, "flooded": flooded, "said": said, "ratio": flooded["steps_per_second"] / calm["steps_per_second"]})
    ratio = statistics.median(r["ratio"] for r in rounds)
    above = max(r["flooded"]["peak_bytes"] for r in rounds) - before
    last = rounds[-1]
    well = ratio >= 0.9 and above <= 64 << 20
    kept = kept and well
    results.append({"kind": kind, "ratio": ratio, "above_calm_bytes": above, "rounds": rounds})
    print(f"{kind:17s} {last['calm']['steps_per_second']:.1f} -> {last['flooded']['steps_per_second']:.1f} steps/s, {ratio:.1%} (worst {min(r['ratio'] for r in rounds):.1%}); {above / 2**20:+.1f} MiB; "
          f"files {last['calm']['files']} -> {last['flooded']['files']}; its CPU {last['calm']['cpu']:.2f} -> {last['flooded']['cpu']:.2f} of one; "
          f"processors {last['calm']['busy']:.0%} -> {last['flooded']['busy']:.0%} busy; {json.dumps(last['said'])}: {'kept' if well else 'NOT KEPT'}", flush=True)

dropped = [line for line in a.page("/metrics").splitlines() if line.startswith("grapevine_dropped_total") and not line.endswith(" 0")]
print("dropped:", ", ".join(line.removeprefix("grapevine_dropped_total") for line in dropped))
c = Node("c", "--join", a.address()).up()
until("somebody can still join", lambda: {"a", "b", "c"} <= a.sees() and {"a", "b", "c"} <= c.sees())
doubted = [event for event in a.events("suspected", "dead") if event[1] == "b"]
if doubted:
    fail(f"a doubted b: {doubted}")
for n in (a, b, c):
    n.process.send_signal(signal.SIGKILL)
    n.process.wait()
if out:
    json.dump({"rate": o.rate, "connections": connections, "floods": results}, open(out, "w"), indent=2)
if connections < o.connections:
    print(f"only {connections} half-open connections: the hard limit of open files is {hard}")
sys.exit(0 if kept else 1)
