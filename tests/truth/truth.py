#!/usr/bin/env python3
"""One scenario simulated and with real processes, side by side. Each real node runs in a network namespace of its own behind
the links that the scenario's groups and links describe (shaper.cpp); data, initial parameters, machines, starts and the
rule for reaching the target are the same on both sides. What is measured is what nodes can know: the mean of the peers' own
figures. Exit codes: 0 done (also where the two differ), 1 a run failed, 2 usage, 77 no namespaces, no tun device, or not root."""

import argparse
import itertools
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
import tomllib

IN_A_ROW = 3                # samples, as the simulator asks for: one alone may be luck
GRACE = 20                  # s after the end of a run, for the final merge
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400,
         "bit": 1 / 8, "kbit": 125, "Mbit": 125e3, "Gbit": 125e6, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 2**20, "GiB": 2**30}


class Wrong(Exception):
    """What the scenario or the machine does not allow, for whoever called."""


def amount(text):
    """Seconds or bytes per second of "10ms", "20Mbit"; a bare number stays itself."""
    if not isinstance(text, str):
        return float(text)
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzBGMKis/").strip()
    return float(digits) * UNITS[text[len(digits):].strip().removesuffix("/s")]


def constant(value, what):
    if isinstance(value, dict):
        if value.get("dist") != "constant":
            raise Wrong(f"{what} is drawn from a distribution: real links and machines can be constant only")
        value = value["value"]
    return amount(value)


def put(table, path, value):
    *way, last = path.split(".")
    for key in way:
        table = table[int(key)] if isinstance(table, list) else table.setdefault(key, {})
    table[last] = value


class Case:
    """One combination of the scenario's sweep: its name, and what it sets."""

    def __init__(self, name, settings):
        self.name, self.settings = name, settings

    def words(self):
        return ["--only", self.name] if self.settings else []


def cases_of(scenario):
    sweep = dict(scenario.get("sweep", {}))
    variants = sweep.pop("variant", [{"name": "", "set": {}}])
    for variant in variants:
        for values in itertools.product(*sweep.values()):
            settings = dict(variant.get("set", {})) | dict(zip(sweep, values))
            name = "-".join([variant["name"]] * bool(variant["name"]) + ["-".join(map(str, values))] * bool(values))
            yield Case(name or "as-written", settings)


# --- both sides end here: a list of (t, accuracy, steps, ...) at equal distances, and what follows from it

KEYS = ("steps", "bytes_payload", "bytes_control", "messages")


def figures(series, target, over):
    """Time to target and what it took until then; without it, over the whole run."""
    result = {"reached": None, "samples": [[round(s["t"], 3), s["value"]] for s in series]}
    for i in range(len(series) - IN_A_ROW + 1):
        if all(s["value"] is not None and (s["value"] >= target["at_least"] if "at_least" in target else s["value"] <= target["at_most"])
               for s in series[i:i + IN_A_ROW]):
            result["reached"] = series[i]["t"]
            break
    until = result["reached"] if result["reached"] is not None else series[-1]["t"]
    at = max((s for s in series if s["t"] <= until + 1e-6), key=lambda s: s["t"])
    result["until"] = at["t"]
    for key in KEYS:
        result[key] = at[key]
    result["bytes"] = at["bytes_payload"] + at["bytes_control"]
    for name, values in exchanges(over, at["t"]).items():
        result[name] = values
    return result


def exchanges(events, until):
    mixed = [e for e in events if e["kind"] == "mixed" and 5 <= e["t"] <= until]
    failed = sum(e["kind"] in ("declined", "timed_out", "undelivered", "partner_gone") for e in events if e["t"] <= until)
    median = lambda key: statistics.median([e[key] for e in mixed if e.get(key) is not None] or [float("nan")])
    return {"mixes": sum(e["kind"] == "mixed" and e["t"] <= until for e in events), "failed": failed, "took": median("took"), "staleness": median("staleness")}


def lines(path):
    """Of a file that may still grow: its last line may be half there."""
    try:
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def simulated(grapevine, scenario, case, settings, seed, out):
    began = time.monotonic()
    done = subprocess.run([grapevine, "sim", scenario, *case.words(), *(word for s in settings for word in ("--set", s)), "--set", "train.target.stop=true", "--seed", str(seed), "--out", out, "--overwrite", "--quiet"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, preexec_fn=soon)
    if done.returncode not in (0, 3, 7):
        raise Wrong(f"grapevine sim ended with status {done.returncode}: {done.stderr.strip()}")
    config = tomllib.load(open(os.path.join(out, "config.toml"), "rb"))
    metric = config["train"]["target"]["metric"]
    series = [{"t": s["t"], "value": s[metric]} | {k: s[k] for k in KEYS} for s in lines(os.path.join(out, "metrics.jsonl")) if s[metric] is not None]
    return config, figures(series, config["train"]["target"], lines(os.path.join(out, "events.jsonl"))) | {"wall": time.monotonic() - began}


# --- the real side

class Links:
    """The namespaces and the shaper between them."""

    def __init__(self, shaper, config, machines):
        groups = [g["name"] for g in config["group"]]
        text = [f"seed {config['seed']}"]
        for i, group in enumerate(machines):
            text.append(f"node 10.99.0.{i + 1} {amount(group.get('uplink', 0))} {amount(group.get('downlink', 0))}")
        for a, from_ in enumerate(machines):
            for b, to in enumerate(machines):
                link = self.between(config.get("link", []), from_["name"], to["name"])
                if a != b and link:
                    text.append(f"link {a} {b} {constant(link.get('latency', 0), 'a link’s latency'):.9f} {link.get('loss', 0)}")
        self.process = subprocess.Popen([shaper], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=first_in_line)
        self.process.stdin.write("\n".join(text + ["go", ""]))
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if not words or words[0] != "ready":
            why = self.process.stderr.read().strip()
            if self.process.wait() == 77:
                print(f"skipped: {why}")
                sys.exit(77)
            raise Wrong(f"the shaper does not start: {why}")
        self.spaces = [f"/proc/{words[1]}/fd/{fd}" for fd in words[2:]]
        assert len(groups) > 0

    @staticmethod
    def between(links, a, b):
        found = None
        for link in links:
            x, y = link.get("between", [link.get("from", "*"), link.get("to", "*")])
            fits = lambda p, q: p in ("*", a) and q in ("*", b)
            if fits(x, y) or ("between" in link and fits(y, x)):
                found = link
        return found

    def inside(self, i, words):
        return ["nsenter", f"--net={self.spaces[i]}", *words]

    def end(self):
        out, _ = self.process.communicate()
        return json.loads(out)


def soon():
    """Of a simulation: how long it takes changes nothing of what it says, but somebody waits."""
    try:
        os.nice(-10)
    except OSError:
        pass


def first_in_line():
    """Before whatever else this machine does: it is links that are to be measured. Where that is not allowed, as it comes."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        pass


def busy_and_all():
    words = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return sum(words) - words[3] - words[4], sum(words)


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def machines_of(config):
    return [group for group in config["group"] for _ in range(group["count"])]


def node_file(source, path, group):
    """The resolved file with this machine's pace. A simulation ends at its target; a node knows of its own accuracy only, and is
    told when to end."""
    text = open(source).read()
    pace = max(amount(tomllib.loads(text)["train"].get("pace", 0)), constant(group.get("step_time", 0), "a step's time"))
    kept, train = [], False
    for line in text.splitlines():
        if line.startswith("["):
            train = line.strip() == "[train]"
            kept.append(line)
            if train:
                kept.append(f'pace = "{pace * 1e6:.0f}us"')
        elif not (train and line.split("=")[0].strip() == "pace"):
            kept.append(line.replace("stop = true", "stop = false") if train else line)
    open(path, "w").write("\n".join(kept) + "\n")


def real(grapevine, shaper, config, source, out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    machines = machines_of(config)
    n = len(machines)
    join = config["membership"].get("start") == "join"
    if config["metrics"]["every"] != config["metrics"]["evaluate_every"]:
        raise Wrong("[metrics] every and evaluate_every must be the same here")
    gap = amount(config["membership"].get("over", "0s")) / n if join else 0
    links = Links(shaper, config, machines)
    nodes, logs = [], []
    target, metric = config["train"]["target"], config["train"]["target"]["metric"]
    every, until = amount(config["metrics"]["every"]), amount(config["until"])
    try:
        busy, total = busy_and_all()
        spent = cpu_of_children()
        began = time.monotonic()
        for i, group in enumerate(machines):
            node_file(source, f"{out}/node-{i}.toml", group)
            logs.append(open(f"{out}/node-{i}.log", "w"))
            words = [grapevine, "node", f"{out}/node-{i}.toml", "--name", f"node-{i}", "--listen", f"10.99.0.{i + 1}", "--insecure", "--no-status",
                     "--shard", f"{i + 1}/{n}", "--out", f"{out}/node-{i}", *(["--join", "10.99.0.1"] if i else [])]
            time.sleep(max(0, began + i * gap - time.monotonic()))
            nodes.append(subprocess.Popen(links.inside(i, words), stdout=logs[-1], stderr=logs[-1], stdin=subprocess.DEVNULL,
                                          preexec_fn=first_in_line))
        while True:
            time.sleep(0.25)
            series = together(out, n, metric, every)
            over = time.monotonic() - began > until + GRACE
            if over or any(node.poll() is not None for node in nodes):
                break
            if series and figures(series, target, [])["reached"] is not None:
                break
        busy, total = [b - a for a, b in zip((busy, total), busy_and_all())]
        early = [(i, node.returncode) for i, node in enumerate(nodes) if node.poll() not in (None, 0, 3)]
        if early:
            raise Wrong(f"node {early[0][0]} ended with status {early[0][1]}: its log is {out}/node-{early[0][0]}.log")
        if over:
            raise Wrong(f"the nodes do not end: their logs are in {out}")
    finally:
        for node in nodes:
            if node.poll() is None:
                node.send_signal(signal.SIGTERM)
        for node in nodes:
            try:
                node.wait(10)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
        for log in logs:
            log.close()
        lasted = time.monotonic() - began
        passed = links.end()
    began_at = starts(out, n)
    events = []
    for i in range(n):
        own = lines(f"{out}/node-{i}/metrics.jsonl")[0]
        events += [e | {"t": e["t"] + own["unix_time"] - own["t"] - began_at[0]} for e in lines(f"{out}/node-{i}/events.jsonl")]
    return figures(together(out, n, metric, every), target, events) | {
        "load": busy / max(total, 1), "own_load": (cpu_of_children() - spent) / lasted / os.cpu_count(), "shaper": passed, "starts": [round(s - began_at[0], 3) for s in began_at],
        "on_the_wire": sum(node["up"]["bytes"] for node in passed["nodes"])}


def starts(out, n):
    first = [lines(f"{out}/node-{i}/metrics.jsonl")[:1] for i in range(n)]
    return [f[0]["unix_time"] if f else float("inf") for f in first]


def together(out, n, metric, every):
    """The nodes' samples as one series, at equal distances from when the first node began: each node's own figures are taken
    between its two samples next to the instant, so that their phases do not matter."""
    nodes = [lines(f"{out}/node-{i}/metrics.jsonl") for i in range(n)]
    if not nodes[0]:
        return []
    zero = nodes[0][0]["unix_time"]
    end = min(s[-1]["unix_time"] for s in nodes if s) - zero
    series = []
    k = 0
    while k * every <= end:
        at = zero + k * every
        sample = {"t": k * every}
        values = [v for v in (between(s, metric, at) for s in nodes) if v is not None]
        sample["value"] = statistics.fmean(values) if values else None
        for key in KEYS:
            sample[key] = sum(between(s, key, at) or 0 for s in nodes)
        series.append(sample)
        k += 1
    return series


def between(samples, key, at):
    before = [s for s in samples if s["unix_time"] <= at and s[key] is not None]
    after = [s for s in samples if s["unix_time"] > at and s[key] is not None]
    if not before:
        return None
    a = before[-1]
    if not after:
        return a[key]
    b = after[0]
    return a[key] + (b[key] - a[key]) * (at - a["unix_time"]) / (b["unix_time"] - a["unix_time"])


# --- what is said

def median(runs, key):
    """None counts as never: later than all others."""
    values = sorted(float("inf") if r[key] is None else r[key] for r in runs)
    middle = statistics.median_low(values) if values and values[-1] == float("inf") else statistics.median(values)
    return None if middle == float("inf") else middle


def ratio(a, b):
    return None if a is None or b is None or not b else a / b


def rate(runs, key, over="until"):
    return statistics.median([r[key] / max(r[over], 1e-9) for r in runs])


def spread(runs, key="reached"):
    values = [r[key] for r in runs if r[key] is not None]
    return f"{min(values):.1f} .. {max(values):.1f}" if values else "never"


def shown(value, digits=3):
    return "-" if value is None else f"{value:.{digits}g}"


def row(case):
    s, r = case["simulated"], case["real"]
    case["ratios"] = {"time": ratio(median(s, "reached"), median(r, "reached")), "bytes": ratio(median(s, "bytes"), median(r, "bytes"))} | {
        key: ratio(rate(s, key), rate(r, key)) for key in ("steps", "mixes")} | {
        key: ratio(rate(s, key, "mixes"), rate(r, key, "mixes")) for key in ("bytes_payload", "bytes_control")}
    q = case["ratios"]
    return [case["name"], f"{len(s)} / {len(r)}", f"{shown(median(s, 'reached'))} s ({spread(s)})", f"{shown(median(r, 'reached'))} s ({spread(r)})",
            shown(q["time"]), shown(q["bytes"]), shown(q["steps"]), shown(q["mixes"]), shown(q["bytes_payload"]), shown(q["bytes_control"]),
            f"{1e3 * median(s, 'took'):.0f} / {1e3 * median(r, 'took'):.0f} ms", f"{100 * max(x['own_load'] for x in r):.0f} / {100 * max(x['load'] for x in r):.0f} %"]


HEAD = ["case", "runs", "simulated: time to target (all)", "real", "time", "bytes", "steps/s", "mixes/s", "payload a mix", "control a mix", "an exchange takes: simulated / real", "load: own / all"]


def table(cases):
    rows = [HEAD, ["---"] * len(HEAD)] + [row(c) for c in cases]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)


def main():
    parser = argparse.ArgumentParser(prog="tools/truth", description="Simulates a scenario and runs it with real processes on shaped links, side by side.",
                                     epilog="Wants root, network namespaces and /dev/net/tun; links and step times must be constant. Every case of the scenario's "
                                            "[sweep] is one row: medians over seeds, simulated over real. Ratios of steps and mixes are of rates until the target. "
                                            "OUT/truth.json has every point, OUT/table.md the table.")
    parser.add_argument("scenario")
    parser.add_argument("--seeds", type=int, default=3, metavar="K", help="real runs of each case, under seeds of their own; default 3")
    parser.add_argument("--simulated-seeds", type=int, metavar="K", help="simulated ones; default as many")
    parser.add_argument("--only", metavar="NAMES", help="of all cases these, with commas; parts of names will do")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one key another value, in every case")
    parser.add_argument("--out", default="runs/truth", metavar="DIR", help="default runs/truth; what is there is written over")
    parser.add_argument("--again", action="store_true", help="run nothing: the table once more from OUT/truth.json")
    parser.add_argument("--within", metavar="LOW,HIGH", help="exit 1 if simulated over real time to target lies outside in any case, or was not reached")
    parser.add_argument("--grapevine", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shaper", required=True, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("nsenter"):
        print("skipped: it wants root and nsenter")
        return 77
    scenario = tomllib.load(open(a.scenario, "rb"))
    cases = [c for c in cases_of(scenario) if not a.only or any(part in c.name for part in a.only.split(","))]
    if not cases:
        print("truth: no case has such a name; there are " + ", ".join(c.name for c in cases_of(scenario)), file=sys.stderr)
        return 2
    if a.again:
        print(table(json.load(open(f"{a.out}/truth.json"))["cases"]))
        return 0
    first = scenario.get("seed", 1)
    os.makedirs(a.out, exist_ok=True)
    done = []
    for case in cases:
        result = {"name": case.name, "settings": case.settings, "simulated": [], "real": []}
        for k in range(max(a.seeds, a.simulated_seeds or 0)):
            where = f"{a.out}/{case.name}-seed-{first + k}"
            config, one = simulated(a.grapevine, a.scenario, case, a.set, first + k, where + "/simulated")
            if k < (a.simulated_seeds or a.seeds):
                result["simulated"].append(one | {"seed": first + k})
            if k < a.seeds:
                result["real"].append(real(a.grapevine, a.shaper, config, where + "/simulated/config.toml", where + "/real") | {"seed": first + k})
                print(f"{case.name}, seed {first + k}: simulated {shown(one['reached'])} s, real {shown(result['real'][-1]['reached'])} s, load {100 * result['real'][-1]['own_load']:.0f} / {100 * result['real'][-1]['load']:.0f} %",
                      file=sys.stderr, flush=True)
        done.append(result)
        text = table(done)
        json.dump({"scenario": a.scenario, "cases": done}, open(f"{a.out}/truth.json", "w"), indent=1)
        open(f"{a.out}/table.md", "w").write(text + "\n")
    print(text)
    if a.within:
        low, high = map(float, a.within.split(","))
        apart = [c["name"] for c in done if c["ratios"]["time"] is None or not low <= c["ratios"]["time"] <= high]
        if apart:
            print(f"truth: simulated over real time to target is not within {low} and {high}: {', '.join(apart)}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"truth: {wrong}", file=sys.stderr)
        sys.exit(1)
