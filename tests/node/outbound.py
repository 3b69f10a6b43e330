#!/usr/bin/env python3
"""A node that nobody can dial, as behind a home router: it says that it is at an address where nobody listens. It finds out, the
others see it, and it takes full part; when it is killed it is missed like anybody. Two of them do not mix with each other, and each
does with the others. Under an exchange in a fixed order both say that there is no way between them, and nobody else does.
usage: outbound.py GRAPEVINE"""


from nodes import Node, fail, until

home = ("--advertise", "127.0.0.9")  # of this machine, and nobody's


def member(of, name):
    members = of.get("members")
    return next((m for m in members["members"] if m["name"] == name), None) if members else None


def reach(of, name):
    m = member(of, name)
    return (m["reach"], m["in_reach"]) if m else None


def mixes(node, about):
    return sum(1 for kind, name in node.events("mixed") if name == about)


a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
c = Node("c", "--join", a.address(), *home).up()
until("all see each other", lambda: all(n.sees() == {"a", "b", "c"} for n in (a, b, c)))
until("c has found out that it cannot be dialled", lambda: reach(c, "c") == ("outbound", True))
if "nobody can dial us" not in c.said():
    fail("c does not say that it cannot be dialled")
until("a and b know it, and have links to it", lambda: reach(a, "c") == reach(b, "c") == ("outbound", True))
if {reach(n, m) for n in (a, b, c) for m in ("a", "b")} != {("dialable", True)}:
    fail("somebody else is held for outbound")
if "only dials out" not in a.verb("members"):
    fail("members does not show it")
before = c.mixes()
until("c mixes with both, and both with it", lambda: c.mixes() > before + 20 and all(mixes(n, "c") > 3 for n in (a, b)) and all(mixes(c, n) > 3 for n in ("a", "b")))

# One that says so itself.
d = Node("d", "--join", a.address(), *home, "--outbound").up()
until("d is one of them", lambda: all(n.sees() == {"a", "b", "c", "d"} for n in (a, b, c, d)))
until("a and b have links to it", lambda: reach(a, "d") == reach(b, "d") == ("outbound", True))
until("d mixes with a and b", lambda: mixes(d, "a") > 3 and mixes(d, "b") > 3)
if reach(c, "d") != ("outbound", False) or reach(d, "c") != ("outbound", False):
    fail("two that cannot be dialled think that they reach each other")
if mixes(c, "d") or mixes(d, "c"):
    fail("two that cannot be dialled have mixed")
for n in (a, b, c, d):
    if n.events("suspected", "dead"):
        fail(f"{n.name} doubted somebody: {n.events('suspected', 'dead')}")

c.process.kill()
until("c is missed by all", lambda: all(n.sees("dead") == {"c"} for n in (a, b, d)))
d.verb("leave")
d.ends(0)
until("d has left", lambda: all(n.sees("left") == {"d"} for n in (a, b)))
for n in (a, b):
    n.process.kill()
if any("both only dial out" in n.said() for n in (a, b, c, d)):
    fail("what is no matter under gossip was said")

# In a fixed order.
with open("ring.toml", "w") as file:
    file.write(open("run.toml").read().replace('kind = "gossip"', 'kind = "dpsgd"\nevery_steps = 50'))
e = Node("e", "ring.toml").up()
f = Node("f", "--join", e.address(), *home, "--outbound").up()
until("f is there", lambda: e.sees() == f.sees() == {"e", "f"})
g = Node("g", "--join", e.address(), *home).up()
for one, other in ((f, g), (g, f)):
    until(f"{one.name} says that {other.name} is out of reach", lambda: f"{other.name} and we can both only dial out" in one.said() and "dpsgd does not ask who reaches whom" in one.said())
if "both only dial out" in e.said() or any(n.said().count("both only dial out") != 1 for n in (f, g)):
    fail("who can be dialled says it, or it is said more than once")
for n in (e, f, g):
    n.process.kill()
print("outbound: takes full part")
