#!/usr/bin/env python3
"""/metrics of running nodes: by a strict reader, complete, documented; and what examples/grafana asks for is there.
usage: metrics.py GRAPEVINE SOURCE"""

import json
import os
import re
import sys

source = os.path.abspath(sys.argv.pop(2))

from exposition import read
from nodes import Node, fail, until

# The reader itself: what is wrong is found.
for text in ("a 1\n", "# HELP a x\na 1\n", "# HELP a x\n# TYPE a gauge\na 1", "# HELP a x\n# TYPE a gauge\na one\n", "# HELP a x\n# TYPE a counter\na 1\n",
             "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", "# HELP a x\n# TYPE a gauge\na 1\na 2\n", '# HELP a x\n# TYPE a gauge\na{b="1} 1\n', "# HELP a\n# TYPE a gauge\na 1\n",
             "# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\na 1\n", "# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n", "# HELP a x\n# TYPE a gauge\n\na 1\n",
             '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n', '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 3\nh_sum 1\nh_count 3\n'):
    if not read(text)[0]:
        fail(f"the reader finds nothing wrong with {text!r}")
if read('# HELP a x\n# TYPE a gauge\na{b="\\"\\\\\\n,}"} 1e+06\na NaN\n')[0]:
    fail("the reader refuses what is right")

a = Node("a", "run.toml", "--out", "a.run", "--checkpoint-every", "1s").up()
b = Node("b", "--join", a.address()).up()


def value(families, name, **labels):
    return next((v for n, l, v in families[name.removesuffix("_bucket").removesuffix("_count") if name not in families else name][2] if n == name and l == labels), None)


def families_of(node):
    wrong, families = read(node.page("/metrics"))
    if wrong:
        fail("/metrics: " + "; ".join(wrong))
    return families


until("a has made its first sample: before it there is nothing to say", lambda: a.page("/metrics"))


def lively():
    f = families_of(a)
    return f and value(f, "grapevine_members", status="alive") == 2 and value(f, "grapevine_mixes_total") > 3 and value(f, "grapevine_cluster_loss") is not None \
        and value(f, "grapevine_checkpoint_age_seconds") is not None and f
families = until("a has mixed, and knows the cluster's loss and a checkpoint", lively)

# What counts is counted.
for name, labels in [("grapevine_steps_total", {}), ("grapevine_samples_total", {}), ("grapevine_sent_bytes_total", {"plane": "bulk"}), ("grapevine_sent_bytes_total", {"plane": "control"}),
                     ("grapevine_received_bytes_total", {"plane": "bulk"}), ("grapevine_sent_parameter_bytes_total", {}), ("grapevine_parcels_total", {"kind": "received"}),
                     ("grapevine_learner_seconds_total", {"kind": "training"}), ("grapevine_member_events_total", {"kind": "joined"}), ("grapevine_uptime_seconds", {}),
                     ("grapevine_exchange_duration_seconds_count", {}), ("grapevine_mix_staleness_steps_count", {}), ("grapevine_ready", {}), ("grapevine_connections", {"plane": "control"}),
                     ("process_resident_memory_bytes", {}), ("process_cpu_seconds_total", {}), ("process_open_fds", {}), ("process_max_fds", {}), ("process_start_time_seconds", {}),
                     ("grapevine_round_trip_seconds", {}), ("grapevine_receive_buffers_made_total", {}), ("grapevine_accuracy_ratio", {}), ("grapevine_phase", {"phase": "running"})]:
    if not (value(families, name, **labels) or 0) > 0:
        fail(f"{name} {labels} is {value(families, name, **labels)}")
if value(families, "grapevine_exchange_duration_seconds_count") != value(families, "grapevine_mixes_total") or value(families, "grapevine_mix_staleness_steps_count") != value(families, "grapevine_mixes_total"):
    fail("the histograms count other mixes than the counter")
if abs(sum(v for _, _, v in families["grapevine_learner_seconds_total"][2]) - value(families, "grapevine_uptime_seconds")) > 0.5:
    fail(f"the learner's time is not all the time: {families['grapevine_learner_seconds_total']}")
if not 4e6 < value(families, "process_resident_memory_bytes") < 4e9 or abs(value(families, "process_start_time_seconds") - a.get("status")["unix_time"]) > 300:
    fail("the process is not as the kernel says")

# Counters never fall; no label names a member.
later = families_of(a)
for name, (kind, _, samples) in families.items():
    for n, labels, v in samples:
        if kind == "counter" and value(later, n, **labels) < v:
            fail(f"{n} {labels} fell from {v} to {value(later, n, **labels)}")
        if set(labels) - {"status", "kind", "reason", "plane", "phase", "le", "version", "wire_version"} or {"a", "b"} & set(labels.values()):
            fail(f"{n} {labels}: no label names a member")

# docs/metrics.md has each, and none that is not there.
with open(os.path.join(source, "docs/metrics.md")) as file:
    documented = set(re.findall(r"`((?:grapevine|process)_[a-z0-9_]+)", file.read()))
if documented != set(families):
    fail(f"docs/metrics.md lacks {set(families) - documented}, and has {documented - set(families)}")

# The dashboard and the rules ask for nothing else.
with open(os.path.join(source, "examples/grafana/grapevine.json")) as file:
    dashboard = json.load(file)
asked = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])] + [v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
with open(os.path.join(source, "examples/grafana/rules.yml")) as file:
    asked += [line.partition("expr:")[2] for line in file if "expr:" in line]
known = set(families) | {n for _, _, samples in families.values() for n, _, _ in samples}
names = {name for expression in asked for name in re.findall(r"\b(?:grapevine|process)_[a-z0-9_]+", expression)}
if len(asked) < 30 or names - known:
    fail(f"the dashboard asks for what is not there: {names - known}")
if len({p["id"] for p in dashboard["panels"]}) != len(dashboard["panels"]):
    fail("two panels of one id")
for node in (a, b):
    node.process.kill()
print(f"metrics: {len(families)} names, read strictly, documented; {len(asked)} queries ask for no other")
