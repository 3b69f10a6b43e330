"""A strict reader of Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), and of the habits that
`promtool check metrics` asks for. What is wrong is a list of sentences."""

import math
import re

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|\Z)')
NOT_BASE = {"milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "gigabytes", "bits", "percent", "ms", "us", "ns", "kb", "mb", "gb"}


class Families(dict):
    """name -> (type, help, [(sample's name, {label: value}, number)])"""


def read(text):
    wrong, families, current = [], Families(), None
    if not text.endswith("\n"):
        wrong.append("the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        def bad(what):
            wrong.append(f"line {number}: {what}: {line}")
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            if not NAME.match(name) or not words:
                bad("no name, or no words")
            if name in families:
                bad("a second time")
            families[name] = [None, words, []]
            current = name
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            if name != current or families[name][0] is not None or families[name][2]:
                bad("TYPE does not follow its HELP")
            elif kind not in ("counter", "gauge", "histogram"):
                bad("no known type")
            else:
                families[name][0] = kind
        elif line.startswith("#") or not line:
            bad("neither a sample nor HELP nor TYPE")
        else:
            match = LINE.match(line)
            if not match:
                bad("no sample")
                continue
            name, labels, value = match.groups()
            family = next((f for f in (name, re.sub(r"_(bucket|sum|count)\Z", "", name)) if f == current and (f == name or families[f][0] == "histogram")), None)
            if not family:
                bad("a sample outside its family")
                continue
            found, at = {}, 0
            while labels and at < len(labels):
                one = LABEL.match(labels, at)
                if not one:
                    bad("labels that cannot be read")
                    break
                if one[1] in found:
                    bad("a label twice")
                found[one[1]] = one[2]
                at = one.end()
            try:
                number_of = float(value)
            except ValueError:
                bad("no number")
                continue
            if any(name == n and found == l for n, l, _ in families[family][2]):
                bad("the same sample twice")
            families[family][2].append((name, found, number_of))
    for name, (kind, _, samples) in families.items():
        if kind is None:
            wrong.append(f"{name} has no TYPE")
        if (kind == "counter") != name.endswith("_total"):
            wrong.append(f"{name}: _total is for counters, and for all of them")
        if kind != "histogram" and re.search(r"_(bucket|sum|count)\Z", name):
            wrong.append(f"{name}: that ending is a histogram's")
        if NOT_BASE & set(name.split("_")):
            wrong.append(f"{name} is not in a base unit")
        if {"gauge", "counter", "histogram"} & set(name.split("_")) or name != name.lower():
            wrong.append(f"{name}: no types and no capitals in names")
        if kind == "counter" and any(not value >= 0 or math.isinf(value) for _, _, value in samples):
            wrong.append(f"{name} is no count")
        if kind == "histogram":
            buckets = [(float(l["le"]), v) for n, l, v in samples if n == name + "_bucket"]
            total = [v for n, _, v in samples if n == name + "_count"]
            if not buckets or buckets != sorted(buckets) or [v for _, v in buckets] != sorted(v for _, v in buckets) or buckets[-1][0] != math.inf or total != [buckets[-1][1]]:
                wrong.append(f"{name}: buckets that do not add up: {buckets} {total}")
    return wrong, families
