#!/usr/bin/env python3
"""A second opinion: reckons one simulated run anew from what docs/exchanges.md, docs/configuration.md and ARCHITECTURE.md say,
with no line of the simulator's code, so that the two do not share one mistake. From the run it takes only who asked whom and
when, and how long headers are; from that follow which offers are declined, when each exchange is over at both ends, and how far
the peers' values lie apart.
usage: independent.py GRAPEVINE SCENARIO"""

import heapq
import itertools
import json
import os
import subprocess
import sys
import tempfile
import tomllib

program, scenario = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "run")
    subprocess.run([program, "sim", scenario, "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    events = [json.loads(line) for line in open(out + "/events.jsonl")]
    samples = [json.loads(line) for line in open(out + "/metrics.jsonl")]
config = tomllib.load(open(scenario, "rb"))
n, dimension = config["group"][0]["count"], config["model"]["dimension"]
ns = lambda seconds: round(seconds * 1e9)
period, latency, payload = ns(0.250), ns(0.020), ns(8 * dimension / 1e6)  # as the scenario has them; payload: of an uplink's time
until = ns(19)      # of 20 s: of an exchange that has not ended with the run we do not know that it was begun
header = ns(3e-4)   # at most: 300 bytes
number = {f"peer-{i}": i for i in range(n)}

# Who asked whom, when. Of the two ends of an exchange the one that asked began a latency and the offer's length before the other.
ends = [(number[e["peer"]], number[e["about"]], ns(e["t"]), ns(e["t"]) - ns(e["took"])) for e in events if e["kind"] == "mixed"]
declined = [(number[e["peer"]], number[e["about"]], ns(e["t"])) for e in events if e["kind"] == "declined"]
assert not any(e["kind"] in ("timed_out", "undelivered", "partner_gone") for e in events), "nothing is lost here"
began = {}
for a, b, _, since in ends:
    began.setdefault((a, b), []).append(since)
offers = lambda a, b, since: [t - since - latency for t in began.get((b, a), []) if 0 <= t - since - latency < header]
asked = [(a, b, t, since) for a, b, t, since in ends if offers(a, b, since)]
offer = min(length for a, b, _, since in asked for length in offers(a, b, since))
half = min(t - since for _, _, t, since in asked) - offer - 2 * latency
assert 0 < offer and payload < half < payload + header, (offer, half)

# Everybody asks at a phase of its own, always the same.
phase = {a: since % period for a, _, _, since in asked}
for a, b, _, since in asked:
    assert abs(since % period - phase[a]) <= 1, f"peer-{a} asks at {since} ns, out of its phase"
starts = [(since, a, b) for a, b, _, since in asked]
for a, b, t in declined:  # a decline is there a latency after the offer, and as long on its way as it takes
    since = t - 2 * latency - offer
    since -= (since - phase[a]) % period
    assert t - since - 2 * latency - offer < header, f"peer-{a} was declined at {t} ns and asked out of its phase"
    starts.append((since, a, b))
assert len(starts) > 0.9 * n * until / period, "somebody did not ask"

# The run again. What is asked arrives a latency later. An answer carries what the asked peer then holds; when it is there the
# other sends what it holds in turn, moves half the way, and is free; the asked peer, when that is there, adds half of the
# difference to what it sent. Two answers at a time, more are declined. An uplink carries one after the other. What happens at
# one instant happens in the order of who it comes from.
values = [float(i) for i in range(n)]
free, answering = [0] * n, [0] * n
order = itertools.count()
agenda = [(t, a, next(order), "ask", a, b, None) for t, a, b in starts]
heapq.heapify(agenda)
my_ends, my_declined, distances = [], [], []
grid = [ns(s["t"]) for s in samples if ns(s["t"]) <= until]


def distance():
    mean = sum(values) / n
    return dimension * sum((v - mean) ** 2 for v in values) / n


def put(at, source, *what):
    heapq.heappush(agenda, (at, source, next(order), *what))


def shipped(now, a):
    free[a] = max(now, free[a]) + half
    return free[a] + latency


while agenda and agenda[0][0] <= until:
    now, _, _, what, a, b, sent = heapq.heappop(agenda)
    while len(distances) < len(grid) and grid[len(distances)] < now:
        distances.append(distance())
    if what == "ask":
        put(now + offer + latency, a, "asked", a, b, None)
    elif what == "asked" and answering[b] == 2:
        my_declined.append((a, b, now + latency))
    elif what == "asked":
        answering[b] += 1
        put(shipped(now, b), b, "answered", a, b, values[b])
    elif what == "answered":
        put(shipped(now, a), a, "returned", a, b, (sent, values[a]))
        values[a] += (sent - values[a]) / 2
        my_ends.append((a, b, now))
    else:
        answering[b] -= 1
        values[b] += (sent[1] - sent[0]) / 2
        my_ends.append((b, a, now))
while len(distances) < len(grid):
    distances.append(distance())


def compare(what, theirs, mine, within):
    theirs, mine = (sorted(x for x in list if x[2] <= until - header) for list in (theirs, mine))
    assert len(mine) == len(theirs), f"{what}: {len(theirs)} in the run, {len(mine)} by these rules"
    for t, m in zip(theirs, mine):
        assert m[:2] == t[:2] and abs(m[2] - t[2]) <= within, f"{what}: {t} in the run, {m} by these rules"


compare("an exchange that ended", [e[:3] for e in ends], my_ends, 100)  # nanoseconds: each sum is rounded to whole ones there
compare("an offer that was declined", declined, my_declined, header)
queued = sum(t - since > 2 * latency + payload + ns(0.01) for _, _, t, since in asked)
assert queued > 100 and len(declined) > 10, "hardly anything queued: this scenario shows nothing"
for i, mine in enumerate(distances):
    theirs = samples[i]["consensus_distance"]
    assert abs(mine - theirs) <= 1e-6 * mine + 1e-12 * distances[0], f"consensus distance at {samples[i]['t']} s: {theirs} in the run, {mine} by these rules"
assert distances[-1] < 1e-6 * distances[0]
print(f"independent: {len(my_ends)} ends of exchanges to 100 ns, {queued} of them behind a queue; {len(my_declined)} offers declined; {len(distances)} consensus distances")
