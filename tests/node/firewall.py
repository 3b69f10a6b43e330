#!/usr/bin/env python3
"""Three machines, the one in the middle a router, and a firewall on it that lets the control port of the two others through and not
the bulk port. They see that, say once what is likely, go on with the node on the router and bury nobody; whoever joins through one of
them is told at once; and when the firewall is gone they mix again by themselves.
The machines are network namespaces; where none can be made (no root, no iproute2) the test is skipped.
usage: firewall.py GRAPEVINE"""

import json

import machines
from machines import inside, skip
from nodes import fail, program, until

ROUTER, LEFT, RIGHT = range(3)
address = ["10.77.1.1", "10.77.1.2", "10.77.2.2"]

machines.begin(3)
for m, name in ((LEFT, "left"), (RIGHT, "right")):
    machines.cable(ROUTER, name, f"10.77.{m}.1", m, "eth7", address[m])
    inside(m, "ip", "route", "add", "default", "via", f"10.77.{m}.1")
inside(ROUTER, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def firewall(add):
    """Between left and right, of whatever belongs to a bulk port."""
    for here, there in ((LEFT, RIGHT), (RIGHT, LEFT)):
        for port in (7601, 7631):
            for end_of in ("sport", "dport"):
                done = inside(ROUTER, "ip", "rule", "add" if add else "del", "from", address[here], "to", address[there], "ipproto", "tcp", end_of, port, "blackhole")
                if done.returncode:
                    skip("this kernel has no rules for ports")


class Far(machines.Far):
    def __init__(self, name, machine, port, *words):
        super().__init__(name, machine, address[machine], port, *words)

    def link(self, to):
        said = inside(self.machine, "curl", "-sS", "-m", "5", f"http://127.0.0.1:{self.port + 2}/v1/links").stdout
        return next((l for l in json.loads(said)["links"] if l["name"] == to), {"mixes": 0, "failures": 0}) if said else {"mixes": 0, "failures": 0}


try:
    c = Far("c", ROUTER, 7620, "run.toml")
    until("c is up", lambda: c.sees())
    a = Far("a", LEFT, 7600, "--join", f"{address[ROUTER]}:7620")
    b = Far("b", RIGHT, 7600, "--join", f"{address[ROUTER]}:7620")
    until("all see all", lambda: all(n.sees() == {"a", "b", "c"} for n in (a, b, c)))
    until("all mix", lambda: a.link("b")["mixes"] > 3 and b.link("a")["mixes"] > 3 and a.link("c")["mixes"] > 3)
    ways = lambda n: {name: m["bulk_way"] for name, m in n.members().items()}
    if set(ways(a).values()) | set(ways(b).values()) != {"open"}:
        fail(f"a way is not open: {ways(a)}, {ways(b)}")

    firewall(True)
    until("a and b see what is wrong", lambda: ways(a).get("b") == ways(b).get("a") == "shut", 180)
    for n, other in ((a, "b"), (b, "a")):
        if ways(n)["c"] != "open":
            fail(f"{n.name} blames c as well")
        if f"{other} bulk unreachable" not in n.said() or "firewall" not in n.said():
            fail(f"{n.name} does not say what is wrong")
        if "(bulk unreachable)" not in n.verb("members"):
            fail("members does not show it")
    until("/metrics counts it", lambda: "grapevine_bulk_unreachable 1" in inside(LEFT, "curl", "-sS", f"http://127.0.0.1:{a.port + 2}/metrics").stdout)  # with the next sample
    # Whoever joins through one of them need not fail thrice.
    d = Far("d", LEFT, 7630, "--join", f"{address[RIGHT]}:7600")
    until("d sees all", lambda: d.sees() == {"a", "b", "c", "d"})
    until("d says so", lambda: "b bulk unreachable" in d.said(), 120)
    until("d mixes with those that it reaches", lambda: d.link("c")["mixes"] > 3 and d.link("a")["mixes"] > 3)
    said = inside(LEFT, program, "doctor", "--peer", f"{address[RIGHT]}:7600").stdout
    if "BAD   bulk" not in said or "port 7601 must be open" not in said:
        fail(f"doctor does not see it:\n{said}")
    # Nothing is tried in vain meanwhile, and through c all learn from all.
    before = {n.name: (n.link("c")["mixes"], n.link(o)["failures"]) for n, o in ((a, "b"), (b, "a"))}
    until("both mix with c", lambda: all(n.link("c")["mixes"] > before[n.name][0] + 20 for n in (a, b)))
    for n, other in ((a, "b"), (b, "a")):
        more = n.link(other)["failures"] - before[n.name][1]
        if more > 1:
            fail(f"{n.name} tried {other} {more} times")
        if n.said().count(f"{other} bulk unreachable") != 1:
            fail(f"{n.name} says it {n.said().count('bulk unreachable')} times")
    if any(n.sees("suspect") | n.sees("dead") for n in (a, b, c, d)):
        fail("somebody is held for dead")

    firewall(False)
    mixed = a.link("b")["mixes"]
    until("they find it out by themselves", lambda: a.link("b")["mixes"] > mixed + 3 and ways(a)["b"] == ways(b)["a"] == "open", 180)
    if "parameters get through to b again" not in a.said():
        fail("a does not say that it is well again")
    said = inside(LEFT, program, "doctor", "--peer", f"{address[RIGHT]}:7600").stdout
    if "returns 256 KiB in" not in said:
        fail(f"doctor sent nothing through the bulk plane:\n{said}")
    print("firewall: seen, said once, and gone round")
finally:
    machines.end()
