#!/usr/bin/env python3
"""Real nodes, and everything that happens to them, drawn from a seed: kill -9, stopped for a while (SIGSTOP), restarted, running in
fits and starts, cut off, cut in two, behind a link that has become slow. Meanwhile, and when all is over:

  - whoever has been left alone for a while trains, and sees all others of whom the same can be said
  - no process ends that was not told to; none takes more memory, files or threads than it did when all was calm
  - parameters are never torn: beside the nodes that learn, some only average, each beginning with one number in all places; whatever
    they mix, the places of one vector must stay equal
  - at the end everybody is there again, has learnt what it should, leaves when it is told to, and leaves a whole model behind

Each node lives in a network namespace of its own, joined by bridges; without root there are no namespaces, and then no cuts and no slow
links either (said at the start). Exit codes: 0 all held, 1 something did not, 2 usage."""

import argparse
import array
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

from places import die_with_us, open_page, places, token_file

UNITS = {"s": 1, "min": 60, "h": 3600}
CALM = 20                 # s that a node has been left alone before anything is asked of it
STALL = 6                 # s in which who was left alone must have made a step; an exchange's period is 250 ms
SEEN = 45                 # s after which two that were left alone must see each other
MEMORY = 64 << 20         # bytes above its calm

LEARNING = """name = "chaos"
seed = {seed}
[model]
kind = "mlp"
hidden = [512, 512]
[data]
set = "blobs"
features = 64
classes = 8
spread = 0.6
batch = 16
[train]
learning_rate = 0.02
pace = "{pace}ms"
[exchange]
kind = "gossip"
period = "250ms"
[metrics]
every = "1s"
evaluate_every = "2s"
"""

AVERAGING = """name = "whole"
seed = {seed}
[model]
kind = "average"
dimension = 65536
initial = "index"
[exchange]
kind = "gossip"
period = "100ms"
[metrics]
every = "2s"
"""


def seconds(text):
    for unit in ("min", "s", "h"):
        if text.endswith(unit) and text[:-len(unit)].replace(".", "", 1).isdigit():
            return float(text[:-len(unit)]) * UNITS[unit]
    raise argparse.ArgumentTypeError(f"'{text}' is no duration: 90s, 10min, 2h")


class Node:
    def __init__(self, chaos, i, name, file, learns):
        self.chaos, self.i, self.name, self.file, self.learns = chaos, i, name, file, learns
        self.process = None
        self.starts = 0
        self.stopped = False
        self.troubled_until = 0   # when what was done to it ended; inf while it lasts
        self.status, self.steps, self.asked = {}, [], 0
        self.calm_memory = None
        self.most_memory = 0
        self.host, self.port, self.status_host, self.status_port = chaos.net.addresses(i)

    def start(self, seeds):
        words = [self.chaos.grapevine, "node", "--name", self.name, "--listen", f"{self.host}:{self.port}", "--status", f"{self.status_host}:{self.status_port}",
                 "--out", f"{self.chaos.out}/{self.name}", "--overwrite", "--checkpoint-every", "5s"]
        words += ["--insecure", "--status-token", self.chaos.token] if self.chaos.net.cuts else []
        words += ["--join", ",".join(f"{s.host}:{s.port}" for s in seeds)] if seeds else []
        if not seeds or not self.learns:
            words.insert(2, self.file)
        self.starts += 1
        log = open(f"{self.chaos.out}/{self.name}-{self.starts}.log", "w")
        self.process = subprocess.Popen(self.chaos.net.inside(self.i, words), stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_us)
        log.close()
        self.stopped = False
        self.calm_memory = None
        self.steps = []
        self.chaos.note(f"{self.name} starts" + (f" through {', '.join(s.name for s in seeds)}" if seeds else ""))

    @property
    def up(self):
        return self.process is not None and self.process.poll() is None

    def well(self, now, since=CALM):
        return self.up and not self.stopped and now - self.troubled_until >= since

    def signal(self, which):
        self.process.send_signal(which)
        if which == signal.SIGSTOP:
            self.stopped = True
        if which == signal.SIGCONT:
            self.stopped = False

    def get(self, page):
        try:
            with open_page(self.status_host, self.status_port, f"/v1/{page}", 4) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def model(self):
        """Its parameters: the values of all tensors of a safetensors stream, one after the other."""
        try:
            with open_page(self.status_host, self.status_port, "/v1/model", 10) as answer:
                stream = answer.read()
        except OSError:
            return None
        length = struct.unpack_from("<Q", stream)[0]
        values = []
        for name, tensor in json.loads(stream[8:8 + length]).items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                values += array.array({"F64": "d", "F32": "f"}[tensor["dtype"]], stream[8 + length + begin:8 + length + end])
        return values

    def measure(self):
        """Resident bytes, open files, threads."""
        try:
            fields = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/status"))
            return int(fields["VmRSS"].split()[0]) * 1024, len(os.listdir(f"/proc/{self.process.pid}/fd")), int(fields["Threads"])
        except (OSError, KeyError):
            return None


class Chaos:
    def __init__(self, options):
        self.options = options
        self.grapevine = os.path.abspath(options.grapevine)
        self.out = os.path.abspath(options.out)
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="grapevine-chaos-")
        self.token = token_file(self.out)
        self.random = random.Random(options.seed)
        self.learners = options.nodes
        total = options.nodes + (3 if options.nodes >= 4 else 2)
        self.broken = []
        self.began = time.monotonic()
        self.net, why = places(total)
        if why:
            print(f"chaos: no network namespaces here ({why}): nothing will be cut or slowed on its way", flush=True)
        self.timeline = open(f"{self.out}/timeline.txt", "w")
        for name, text in (("learning.toml", LEARNING.format(seed=options.seed, pace=options.pace)), ("averaging.toml", AVERAGING.format(seed=options.seed))):
            open(f"{self.out}/{name}", "w").write(text)
        self.nodes = []
        for i in range(total):
            learns = i < self.learners
            self.nodes.append(Node(self, i, f"node-{i}" if learns else f"whole-{i - self.learners}", f"{self.out}/{'learning' if learns else 'averaging'}.toml", learns))
        self.halves = False
        self.later = []      # (when, what to do), of what was begun
        self.done = {}       # how often what was done
        self.checks = {"trains": 0, "sees": 0, "memory": 0, "whole": 0}

    def now(self):
        return time.monotonic() - self.began

    def note(self, text):
        line = f"{self.now():8.1f} s  {text}"
        print(line, flush=True)
        self.timeline.write(line + "\n")
        self.timeline.flush()

    def wrong(self, text):
        self.broken.append(f"{self.now():.1f} s: {text}")
        self.note("BROKEN: " + text)

    def others(self, node):
        return [n for n in self.nodes if n is not node and n.learns == node.learns]

    # --- what is done to them

    def seeds_for(self, node):
        there = [n for n in self.others(node) if n.up and not n.stopped]
        return self.random.sample(there, min(3, len(there)))

    def after(self, delay, action):
        self.later.append((self.now() + delay, action))

    def trouble(self, node, what):
        node.troubled_until = float("inf")
        self.done[what] = self.done.get(what, 0) + 1

    def over(self, node):
        node.troubled_until = self.now()

    def kill(self, node):
        self.trouble(node, "killed")
        self.note(f"{node.name} is killed (SIGKILL)")
        node.signal(signal.SIGKILL)
        node.process.wait()
        self.after(self.random.uniform(0.5, 12), lambda: self.bring_back(node))

    def bring_back(self, node):
        seeds = self.seeds_for(node)
        node.start(seeds)
        # Whose ways in all lie beyond a cut cannot come back before it is mended.
        if self.halves and all((s in self.beyond) != (node in self.beyond) for s in seeds):
            self.shut_out.append(node)
        else:
            self.over(node)

    def restart(self, node):
        self.trouble(node, "restarted")
        self.note(f"{node.name} is told to leave (SIGTERM)")
        node.signal(signal.SIGTERM)
        began = self.now()

        def gone():
            if node.up:
                if self.now() - began > 20:
                    self.wrong(f"{node.name} does not leave within 20 s of SIGTERM")
                    node.signal(signal.SIGKILL)
                self.after(0.2, gone)
            else:
                if node.process.returncode not in (0, -9):
                    self.wrong(f"{node.name} ended with status {node.process.returncode} when it was told to leave")
                self.after(self.random.uniform(0.1, 4), lambda: self.bring_back(node))
        gone()

    def pause(self, node):
        self.trouble(node, "stopped")
        lasts = self.random.choice([0.5, 2, 5, 20])
        self.note(f"{node.name} is stopped for {lasts} s (SIGSTOP)")
        node.signal(signal.SIGSTOP)

        def go_on():
            node.signal(signal.SIGCONT)
            self.note(f"{node.name} goes on")
            self.over(node)
        self.after(lasts, go_on)

    def stutter(self, node):
        self.trouble(node, "slowed (processor)")
        until = self.now() + self.random.uniform(5, 20)
        self.note(f"{node.name} runs in fits and starts for {until - self.now():.0f} s")

        def turn():
            if self.now() > until:
                node.signal(signal.SIGCONT)
                return self.over(node)
            node.signal(signal.SIGCONT if node.stopped else signal.SIGSTOP)
            self.after(0.05 if not node.stopped else 0.4, turn)
        turn()

    def cut_off(self, node):
        self.trouble(node, "cut off")
        lasts = self.random.uniform(2, 30)
        self.note(f"{node.name} is cut off for {lasts:.0f} s")
        self.net.side(node.i, 2)

        def back():
            self.net.side(node.i, 0)
            self.note(f"{node.name} is reachable again")
            self.over(node)
        self.after(lasts, back)

    def cut_in_two(self, _):
        self.halves = True
        self.done["cut in two"] = self.done.get("cut in two", 0) + 1
        lasts = self.random.uniform(10, 40)
        other = [n for n in self.nodes if self.random.random() < 0.5 and not n.troubled_until == float("inf")]
        self.note(f"cut in two for {lasts:.0f} s: {', '.join(n.name for n in other)} on the other side")
        self.beyond, self.shut_out = other, []
        for n in other:
            self.net.side(n.i, 1)

        def heal():
            for n in other:
                self.net.side(n.i, 0)
            self.halves = False
            self.note("whole again")
            for n in self.nodes:
                if n.troubled_until != float("inf") or n in self.shut_out:
                    self.over(n)
        self.after(lasts, heal)

    def slow_link(self, node):
        self.trouble(node, "slowed (link)")
        rate = self.random.choice(["1mbit", "5mbit", "20mbit"])
        lasts = self.random.uniform(5, 40)
        self.note(f"{node.name} has {rate} each way for {lasts:.0f} s")
        self.net.slow(node.i, rate)

        def fast():
            self.net.slow(node.i, None)
            self.note(f"{node.name} has its link back")
            self.over(node)
        self.after(lasts, fast)

    def something(self):
        kinds = [(self.kill, 5), (self.pause, 4), (self.restart, 3), (self.stutter, 2)]
        if self.net.cuts:
            kinds += [(self.cut_off, 3), (self.slow_link, 3)] + ([] if self.halves else [(self.cut_in_two, 1)])
        what = self.random.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        if what == self.cut_in_two:
            return what(None)
        # Two of each cluster are left in peace, so that there is one to come back to.
        fit = [n for n in self.nodes if n.up and n.troubled_until != float("inf") and sum(o.troubled_until != float("inf") for o in self.others(n)) >= 2]
        if fit:
            what(self.random.choice(fit))

    # --- what is looked at

    def look(self):
        now = self.now()
        for node in self.nodes:
            if node.process is not None and not node.up and node.troubled_until != float("inf"):
                self.wrong(f"{node.name} ended by itself with status {node.process.returncode}: {self.out}/{node.name}-{node.starts}.log")
                node.troubled_until = float("inf")
                self.after(1, lambda node=node: self.bring_back(node))
        for node in self.nodes:
            if not node.well(now, 2):
                continue
            status = node.get("status")
            if status is None:
                if node.well(self.now()):
                    self.wrong(f"{node.name} does not answer at its status port")
                continue
            node.status = status
            value = status["steps"] if node.learns else status["mixes"]
            node.steps.append((self.now(), value or 0))
            while node.steps and node.steps[0][0] < now - 60:
                node.steps.pop(0)
            if node.well(now):
                self.trains(node)
                self.sees(node)
                self.memory(node)

    def trains(self, node):
        recent = [s for t, s in node.steps if t >= self.now() - STALL]
        # Who only averages may have nobody else to mix with than one behind a slow link.
        if len(recent) < 2 or (not node.learns and (self.halves or not all(n.well(self.now()) for n in self.others(node)))):
            return
        self.checks["trains"] += 1
        if recent[-1] <= recent[0]:
            self.wrong(f"{node.name} {'made no step' if node.learns else 'mixed with nobody'} for {STALL} s, and nothing was done to it")
            node.steps = []

    def sees(self, node):
        if self.halves:
            return
        now = self.now()
        expected = {n.name for n in self.others(node) if n.well(now, SEEN)} if node.well(now, SEEN) else set()
        if not expected:
            return
        members = node.get("members")
        if members is None:
            return
        alive = {m["name"] for m in members["members"] if m["status"] in ("alive", "degraded", "suspect")}
        self.checks["sees"] += 1
        if expected - alive:
            self.wrong(f"{node.name} does not see {', '.join(sorted(expected - alive))}, and nothing was done to them for {SEEN} s")

    def memory(self, node):
        measured = node.measure()
        if not measured:
            return
        memory, files, threads = measured
        node.most_memory = max(node.most_memory, memory)
        if node.calm_memory is None:
            node.calm_memory = measured
        self.checks["memory"] += 1
        if memory > node.calm_memory[0] + MEMORY:
            self.wrong(f"{node.name} has {memory >> 20} MiB, when it was calm {node.calm_memory[0] >> 20}")
            node.calm_memory = measured
        if files > node.calm_memory[1] + 64 or threads > node.calm_memory[2] + 16:
            self.wrong(f"{node.name} has {files} open files and {threads} threads, when it was calm {node.calm_memory[1]} and {node.calm_memory[2]}")
            node.calm_memory = measured

    def whole(self):
        """The places of every vector of the averaging nodes are equal, as they are at this moment."""
        for node in self.nodes:
            if node.learns or not node.well(self.now(), 2):
                continue
            values = node.model()
            if values is None:
                continue
            self.checks["whole"] += 1
            if max(values) - min(values) > 1e-9 * max(1, abs(values[0])):
                self.wrong(f"{node.name} has torn parameters: {min(values)} .. {max(values)} in one vector")

    # --- from the beginning to the end

    def until(self, what, condition, patience):
        deadline = self.now() + patience
        while self.now() < deadline:
            self.look()
            if condition():
                return True
            time.sleep(0.5)
        self.wrong(f"not within {patience} s: {what}")
        return False

    def all_there(self):
        for learns in (True, False):
            names = {n.name for n in self.nodes if n.learns == learns}
            for node in self.nodes:
                if node.learns != learns:
                    continue
                members = node.get("members")
                if not members or {m["name"] for m in members["members"] if m["status"] == "alive"} != names:
                    return False
        return True

    def go(self):
        for node in self.nodes:
            node.start([n for n in self.others(node) if n.up][:1])
            self.over(node)
            time.sleep(0.3)
        self.until("all are there at the beginning", self.all_there, 60)
        if self.broken:
            return self.end()
        began = self.now()
        self.note(f"all are there; chaos for {self.options.length:.0f} s, seed {self.options.seed}")
        next_one = began + CALM  # so that what they take when it is calm is known
        next_look = next_whole = 0
        while self.now() < began + self.options.length:
            now = self.now()
            for entry in [e for e in self.later if e[0] <= now]:
                self.later.remove(entry)
                entry[1]()
            if now >= next_one and began + self.options.length - now > 45:
                self.something()
                next_one = now + self.random.expovariate(1 / self.options.every)
            if now >= next_look:
                self.look()
                next_look = self.now() + 1
            if now >= next_whole:
                self.whole()
                next_whole = self.now() + 20
            time.sleep(0.02)
        while self.later:  # what was begun is ended
            for entry in [e for e in self.later if e[0] <= self.now()]:
                self.later.remove(entry)
                entry[1]()
            time.sleep(0.02)
        self.note("nothing more is done to them")
        self.until("all are there at the end", self.all_there, 60)
        self.until("all have learnt", lambda: all((n.status.get("accuracy") or 0) >= self.options.accuracy for n in self.nodes if n.learns), 60)
        self.end()

    def end(self):
        self.whole()
        measured = {n.name: n.measure() for n in self.nodes if n.up}
        for node in self.nodes:
            if node.up:
                if node.stopped:
                    node.signal(signal.SIGCONT)
                node.signal(signal.SIGTERM)
        for node in self.nodes:
            if node.process is None:
                continue
            try:
                status = node.process.wait(30)
            except subprocess.TimeoutExpired:
                node.process.kill()
                status = node.process.wait()
            if status != 0:
                self.wrong(f"{node.name} ended with status {status} when it was told to leave")
        accuracies = []
        for node in self.nodes:
            for start in range(1, node.starts + 1):
                text = open(f"{self.out}/{node.name}-{start}.log", errors="replace").read()
                for line in text.splitlines():
                    if " ERROR " in line or "Assertion" in line or "terminate called" in line or "Sanitizer" in line:
                        self.wrong(f"{node.name} said: {line}")
            if node.learns:
                done = subprocess.run([self.grapevine, "eval", f"{self.out}/{node.name}/final.safetensors", "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
                if done.returncode != 0:
                    self.wrong(f"the model that {node.name} left cannot be evaluated: {done.stderr.strip()}")
                    continue
                accuracies.append(accuracy_in(json.loads(done.stdout)))
                if not accuracies[-1] or accuracies[-1] < self.options.accuracy:
                    self.wrong(f"the model that {node.name} left has an accuracy of {accuracies[-1]}")
        left = os.listdir(os.environ["XDG_RUNTIME_DIR"])
        shutil.rmtree(os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)
        self.net.end()
        summary = {"seed": self.options.seed, "nodes": self.learners, "seconds": round(self.now(), 1), "done": self.done, "checks": self.checks,
                   "steps": sum(n.status.get("steps") or 0 for n in self.nodes if n.learns), "accuracy": accuracies,
                   "memory": {n.name: {"calm": n.calm_memory and n.calm_memory[0], "most": n.most_memory, "end": measured.get(n.name) and measured[n.name][0]} for n in self.nodes},
                   "left_behind": left, "broken": self.broken}
        json.dump(summary, open(f"{self.out}/summary.json", "w"), indent=1)
        self.note("done: " + (", ".join(f"{what} {times}" for what, times in sorted(self.done.items())) or "nothing"))
        self.note("looked: " + ", ".join(f"{what} {times}" for what, times in self.checks.items()) + " times")
        if accuracies and all(accuracies):
            self.note(f"models left: accuracy {min(accuracies):.4f} .. {max(accuracies):.4f}")
        grown = [n.most_memory - n.calm_memory[0] for n in self.nodes if n.calm_memory]
        self.note(f"memory: {max(grown, default=0) / 2**20:.1f} MiB above calm at the most")
        self.note(f"{len(self.broken)} broken" if self.broken else "all held")


def accuracy_in(answer):
    if isinstance(answer, list):
        answer = answer[0]
    if "models" in answer:
        answer = answer["models"][0]
    return answer.get("accuracy")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grapevine", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--nodes", type=int, default=8, help="that learn (8); a few that only average stand beside them")
    parser.add_argument("--for", dest="length", type=seconds, default=600, metavar="TIME", help="of chaos (10min)")
    parser.add_argument("--every", type=seconds, default=4, metavar="TIME", help="mean time between two troubles (4s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=int, default=40, metavar="MS", help="of a step, so that the processors are not the limit (40)")
    parser.add_argument("--accuracy", type=float, default=0.9, help="that every node must reach (0.9)")
    parser.add_argument("--out", default="runs/chaos", metavar="DIR", help="logs, timeline.txt and summary.json (runs/chaos)")
    options = parser.parse_args()
    if not 3 <= options.nodes <= 100:
        parser.error("--nodes wants 3 to 100")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chaos = Chaos(options)
    try:
        chaos.go()
    finally:
        for node in chaos.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.kill()
        chaos.net.end()
    sys.exit(1 if chaos.broken else 0)


if __name__ == "__main__":
    main()
