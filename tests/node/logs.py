#!/usr/bin/env python3
"""Lines of log: for people, as logfmt and as JSON, with the same fields for the same events; levels; hostile names.
usage: logs.py GRAPEVINE"""

import datetime
import json
import os
import re
import signal
import subprocess

from nodes import Node, fail, program, until

os.environ["TZ"] = "America/St_Johns"  # half an hour off: a zone that shows


def logfmt(line):
    """Strictly: key=word or key="text", one space between."""
    fields, at = {}, 0
    one = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]*)(?: |\Z)')
    while at < len(line):
        match = one.match(line, at)
        if not match or match[1] in fields:
            fail(f"no logfmt at {at}: {line}")
        fields[match[1]] = json.loads(match[2]) if match[2].startswith('"') else match[2]
        at = match.end()
    return fields


evil = 'x"=\\\u009b\u202ey'
a = Node("a", "run.toml", "--log", "json", "--log-level", "debug").up()
b = Node("b", "--join", a.address(), "--log", "logfmt", "--log-level", "debug").up()
p = Node("p", "--join", a.address(), "--name", evil).up()
w = Node("w", "--join", a.address(), "--log", "json", "--quiet").up()
until("all see all", lambda: all(len(n.sees()) == 4 for n in (a, b, p, w)))
until("a and b have mixed", lambda: a.mixes() > 5 and b.mixes() > 5)
w.process.kill()
for node in (a, b, p):
    until("w's death is known", lambda: "w" in node.sees("dead"))
for node in (p, b, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)

lines = {"a": [json.loads(line) for line in a.said().splitlines()], "b": [logfmt(line) for line in b.said().splitlines()]}
for name, said in lines.items():
    for line in said:
        when = datetime.datetime.fromisoformat(line["time"])
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", line["time"]) or when.utcoffset() not in (-datetime.timedelta(hours=3, minutes=30), -datetime.timedelta(hours=2, minutes=30)):
            fail(f"no time with its zone: {line}")
        if abs(when.timestamp() - datetime.datetime.now().timestamp()) > 600 or line["node"] != name or line["level"] not in ("debug", "info", "warn", "error") or not line["text"] or not line["kind"]:
            fail(f"{line}")
of_kind = {name: {line["kind"]: line for line in said} for name, said in lines.items()}
for kind in ("mixed", "joined", "dead", "log"):
    one, other = of_kind["a"].get(kind), of_kind["b"].get(kind)
    if not one or not other or list(one) != list(other):
        fail(f"{kind}: {one} {other}")
if set(of_kind["a"]["mixed"]) != {"time", "offset", "level", "area", "node", "kind", "about", "staleness", "distance", "relative", "weight", "bytes", "took", "taken", "text"}:
    fail(f"mixed: {of_kind['a']['mixed']}")
if not any(line["kind"] == "mixed" and line["level"] == "debug" for line in lines["a"]) or not any(line["kind"] == "mixed" and line["level"] == "info" for line in lines["b"]):
    fail("debug shows each mix, and info some")
for name in ("a", "b"):
    if evil not in [line.get("about") for line in lines[name]]:
        fail(f"{name} does not say the name as it is")
pretty = p.said()
if not re.search(r"^\d\d:\d\d:\d\d\.\d{3} INFO  gossip   mixed with ", pretty, re.M) or "DEBUG" in pretty:
    fail(f"for people:\n{pretty}")
if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", pretty):
    fail("a name moves the terminal")
if any(json.loads(line)["level"] not in ("warn", "error") for line in w.said().splitlines()):
    fail(f"--quiet: {w.said()}")
for words, says in ((["--log", "jsn"], "did you mean --log json?"), (["--log-level", "inf"], "did you mean --log-level info?"), (["--quiet", "--log-level", "info"], "leave one of them out")):
    done = subprocess.run([program, "node", "run.toml", *words], capture_output=True, text=True)
    if done.returncode != 2 or says not in done.stderr:
        fail(f"{words}: {done.returncode} {done.stderr}")
print(f"logs: {sum(map(len, lines.values()))} lines read strictly; the same fields in both")
