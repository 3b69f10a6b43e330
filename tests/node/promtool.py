#!/usr/bin/env python3
"""What Prometheus itself says of /metrics, and of the queries and files in examples/grafana.
usage: promtool.py GRAPEVINE SOURCE"""

import json
import os
import shutil
import subprocess
import sys

source = os.path.abspath(sys.argv.pop(2))

if not shutil.which("promtool"):
    print("SKIPPED: no promtool here: apt-get install prometheus")
    sys.exit(77)

from nodes import Node, fail, until

examples = os.path.join(source, "examples/grafana")


def promtool(*words, given=None):
    done = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or done.stderr.strip():
        fail(f"promtool {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
promtool("check", "metrics", given=until("a has made its first sample", lambda: a.page("/metrics")))
until("a has mixed", lambda: a.mixes() > 3)
promtool("check", "metrics", given=a.page("/metrics"))
promtool("check", "config", os.path.join(examples, "prometheus.yml"))
promtool("check", "rules", os.path.join(examples, "rules.yml"))
# Every query of the dashboard, as a rule: it reads those.
with open(os.path.join(examples, "grapevine.json")) as file:
    queries = [t["expr"].replace("$__rate_interval", "1m") for p in json.load(file)["panels"] for t in p.get("targets", [])]
with open("queries.yml", "w") as file:
    file.write("groups:\n  - name: q\n    rules:\n" + "".join(f"      - record: q{i}\n        expr: {json.dumps(q)}\n" for i, q in enumerate(queries)))
promtool("check", "rules", "queries.yml")
for node in (a, b):
    node.process.kill()
print(f"promtool: /metrics, {len(queries)} queries, the rules and the configuration are as they should be")
