#!/usr/bin/env python3
"""What a simulated run leaves behind for people to look at: traces, diagrams, recordings. Each is read by a reader of our own,
which believes nothing.
usage: traces.py GRAPEVINE"""

import json
import os
import subprocess
import xml.etree.ElementTree as xml
from collections import Counter, defaultdict

from cases import check, environment, finish, program, write

def run(*words, code=0, says="", env=None, disk=None):
    import resource
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))) if disk else None
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, env={**environment, **(env or {})}, preexec_fn=limit)
    check(done.returncode == code and says in done.stderr + done.stdout,
          f"grapevine {' '.join(words)}: status {done.returncode}, not {code}, or does not say '{says}'\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if code != 0:
        check(len([l for l in done.stderr.splitlines() if l.startswith("grapevine: ")]) == 1, f"grapevine {' '.join(words)}: one error, not several or none: {done.stderr}")
    return done


# Losses, copies, two that crash, one that comes back, one that joins, a cut, a pause, training and mixing that take time.
world = """name = 'all "that" <can> & may happen \\ ü'
seed = 3
until = "6s"
[model]
kind = "quadratic"
dimension = 50
[exchange]
period = "200ms"
[[group]]
name = "desk"
count = 3
step_time = "7ms"
uplink = "1Mbit"
downlink = "1Mbit"
mix_rate = "1MB/s"
[[group]]
name = "home"
count = 3
step_time = { dist = "exponential", mean = "12ms" }
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "5ms", max = "40ms" }
loss = 0.05
duplicate = 0.05
[[event]]
at = "1s"
kind = "crash"
nodes = "home[1]"
[[event]]
at = "1500ms"
kind = "pause"
nodes = "desk[1]"
for = "700ms"
[[event]]
at = "2s"
kind = "join"
group = "home"
count = 1
[[event]]
at = "2500ms"
kind = "restart"
nodes = "home[2]"
[[event]]
at = "3s"
kind = "partition"
sides = [["desk"], ["home"]]
for = "1s"
[[event]]
at = "4500ms"
kind = "leave"
nodes = "desk[2]"
"""
write("world.toml", world)
write("quiet.toml", world.split("[[event]]")[0])


# --- Trace Event Format ---

def read_trace(path, least_flows=1):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    trace = json.loads(text)
    events = trace["traceEvents"]
    last, open_slices, flows, names, tracks = -1.0, defaultdict(list), {}, Counter(), {}
    for e in events:
        ph = e["ph"]
        check(ph in "BEsfiCM" and isinstance(e["pid"], int) and isinstance(e["tid"], int), f"{path}: no event of the format: {e}")
        if ph == "M":
            check(e["name"] in ("process_name", "thread_name", "thread_sort_index", "process_sort_index"), f"{path}: unknown metadata {e}")
            if e["name"] == "thread_name":
                tracks[e["tid"]] = e["args"]["name"]
            continue
        check(e["ts"] >= last, f"{path}: time goes back from {last} to {e['ts']}: {e}")
        last = e["ts"]
        track = (e["pid"], e["tid"])
        if ph == "B":
            open_slices[track].append(e)
            names[e["name"].split(" ")[0]] += 1
        elif ph == "E":
            check(open_slices[track], f"{path}: a slice ends that has not begun: {e}")
            if open_slices[track]:
                open_slices[track].pop()
        elif ph in "sf":
            check(open_slices[track], f"{path}: a flow is bound to no slice: {e}")
            if ph == "s":
                check(e["id"] not in flows, f"{path}: a flow begins twice: {e}")
                flows[e["id"]] = e
            else:
                begun = flows.get(e["id"])
                check(e.get("bp") == "e", f"{path}: a flow ends at the next slice: {e}")
                check(begun and "done" not in begun and begun["ts"] <= e["ts"] and begun["cat"] == e["cat"] and begun["name"] == e["name"], f"{path}: a flow ends that has not begun so: {e}")
                if begun:
                    begun["done"] = True
        elif ph == "i":
            check(e["s"] in "gpt" and e["name"], f"{path}: an instant without scope: {e}")
        elif ph == "C":
            check(all(isinstance(v, (int, float)) for v in e["args"].values()), f"{path}: a counter counts {e}")
    for track, left in open_slices.items():
        check(not left, f"{path}: {len(left)} slices of {track} never end: {left[:1]}")
    check(len(flows) >= least_flows and all("done" in f for f in flows.values()), f"{path}: {len(flows)} flows, of which some never end")
    return events, names, flows, tracks


untraced = json.loads(run("sim", "world.toml", "--json", "--quiet").stdout)
traced = json.loads(run("sim", "world.toml", "--json", "--quiet", "--trace", "trace.json", "--spacetime", "st.svg", "--record", "p1=p1.rec", "--record", "home-0=home.rec", "--story", "story.txt",
                        "--out", "run").stdout)
check(untraced["trace_hash"] == traced["trace_hash"] and untraced["model_hash"] == traced["model_hash"], "watching a run changes it")
events, names, flows, tracks = read_trace("trace.json", 100)
for slice_name in ("training", "mixing", "waiting", "paused", "offer", "half", "ping"):
    check(names[slice_name] > 0, f"trace.json shows no {slice_name}: {names}")
check(sorted(tracks) == list(range(1, 9)), f"trace.json: a track a peer, and one for who came again: {tracks}")
instants = Counter(e["name"].split(" ")[0] for e in events if e["ph"] == "i")
for instant in ("crashed", "started", "partitioned", "healed", "lost:", "suspects", "mixed"):
    check(instants[instant] > 0, f"trace.json marks no {instant}: {instants}")
counters = {e["name"] for e in events if e["ph"] == "C"}
check({"consensus distance", "peers alive"} <= counters, f"trace.json counts only {counters}")
story = sum(" -> " in line for line in open("story.txt"))
arrivals = sum(e["ph"] == "B" and e["cat"] == "message" and " from " in e["name"] and not e["name"].endswith(("nobody is there", "still under way")) for e in events)
check(arrivals == story, f"trace.json has {arrivals} messages that arrive, the story {story}")

# A part of it: flows that begin before are left out, what is under way at its end is said to be.
run("sim", "world.toml", "--quiet", "--trace", "part.json", "--from", "1200ms", "--to", "1900ms")
part, names, _, _ = read_trace("part.json", 10)
stamps = [e["ts"] for e in part if "ts" in e]
check(min(stamps) >= 1.2e6 and max(stamps) <= 1.9e6, f"part.json goes from {min(stamps)} to {max(stamps)} us")
check(names["training"] and names["paused"], "part.json does not show what had begun before")
# Too much for its limit: it ends early, is whole all the same, and says so.
write("long.toml", world.replace('until = "6s"', 'until = "100s"'))
done = run("sim", "long.toml", "--quiet", "--trace", "small.json", "--trace-limit", "1", says="note: --trace small.json: it ends at")
read_trace("small.json", 100)
check(2**20 <= os.path.getsize("small.json") < 2**20 + 2**16, f"small.json has {os.path.getsize('small.json')} bytes")

# --- JSON lines ---

run("sim", "world.toml", "--quiet", "--trace", "trace.jsonl")
last, under_way, words, working = -1.0, {}, Counter(), {}
for number, line in enumerate(open("trace.jsonl", encoding="utf-8"), 1):
    e = json.loads(line)
    words[e["what"]] += 1
    check(e["t"] >= last, f"trace.jsonl:{number}: time goes back")
    last = e["t"]
    if e["what"] == "sent":
        first, serial = e["id"].split(".")
        check(e["word"] and e["plane"] in ("control", "bulk") and e["bytes_control"] > 0 and (e["plane"] == "bulk") == (e["bytes_payload"] > 0), f"trace.jsonl:{number}: {e}")
        for copy in range(e["copies"]):
            under_way[f"{first}.{int(serial) + copy}"] = e
    elif e["what"] == "arrived":
        sent = under_way.pop(e["id"], None)
        check(sent and (sent["from"], sent["to"]) == (e["from"], e["to"]) and sent["t"] <= e["t"], f"trace.jsonl:{number}: arrives and was not sent: {e}")
    elif e["what"] == "order_begun":
        check(working.get(e["peer"]) is None, f"trace.jsonl:{number}: two orders at a time")
        working[e["peer"]] = e["tag"]
    elif e["what"] == "order_ended":
        check(working.pop(e["peer"], None) == e["tag"], f"trace.jsonl:{number}: an order ends that was not begun")
    elif e["what"] in ("stopped", "born"):
        working.pop(e["peer"], None)
    elif e["what"] == "event":
        check(e["event"]["kind"] and abs(e["event"]["t"] - e["t"]) < 1e-9, f"trace.jsonl:{number}: {e}")
check(set(words) == {"born", "stopped", "paused", "resumed", "sent", "arrived", "order_begun", "order_ended", "event", "sample"}, f"trace.jsonl tells only of {words}")
check(words["born"] == 8 and words["sample"] == 7 and words["stopped"] == 3, f"trace.jsonl: {words}")

# --- space-time ---

def read_svg(path):
    text = open(path, encoding="utf-8").read()
    tree = xml.fromstring(text)
    check("<script" not in text and "href" not in text and text.count("http") == 1, f"{path} fetches or runs something")
    check("prefers-color-scheme:dark" in text, f"{path} knows one kind of screen only")
    space = "{http://www.w3.org/2000/svg}"
    wide = float(tree.get("width"))
    for path_element in tree.iter(space + "path"):
        if (path_element.get("class") or "").startswith("a "):
            x0, y0, x1, y1 = (float(v) for v in path_element.get("d").replace("M", "").replace("L", " ").split())
            check(0 <= x0 <= wide and x0 <= x1 + 0.2 <= wide + 0.2, f"{path}: an arrow back in time or out of the picture: {path_element.get('d')}")
    classes = Counter(c for e in tree.iter() for c in (e.get("class") or "").split())
    return tree, classes, [t.text for t in tree.iter(space + "text")]


_, classes, texts = read_svg("st.svg")
for drawn in ("life", "train", "mix", "member", "exchange", "values", "cross", "gone", "lost", "fault"):
    check(classes[drawn] > 1 if drawn not in ("fault",) else classes[drawn] >= 1, f"st.svg draws no {drawn}: {classes}")
check('all "that" <can> & may happen \\ ü' in " ".join(texts), f"st.svg has another title: {texts[:2]}")
check({"desk-0", "home-3"} <= set(texts), "st.svg does not name its lines")
run("sim", "world.toml", "--quiet", "--spacetime", "part.svg", "--from", "900ms", "--to", "1100ms")
_, part_classes, texts = read_svg("part.svg")
check(part_classes["member"] + part_classes["values"] < classes["member"] + classes["values"] and part_classes["gone"] == 2, f"part.svg shows another part: {part_classes}")
check("crashes" in texts, "part.svg does not say that somebody crashes")
run("sim", "long.toml", "--quiet", "--spacetime", "long.svg", says="note: --spacetime long.svg: It ends at")
read_svg("long.svg")

# --- recordings ---

for path in ("p1.rec", "home.rec"):
    played = run("replay", path, says="the same effects")
    check(" <- " in played.stdout and " -> " in played.stdout and "mixed with" in played.stdout, f"{path}: no story in it: {played.stdout[:500]}")
result = json.loads(run("replay", "p1.rec", "--json").stdout)
check(result["same"] and result["inputs"] > 400 and result["effects"] > result["inputs"] / 2 and result["first_difference"] is None, f"p1.rec: {result}")
check(run("replay", "p1.rec", "--all").stdout.count("\n") > run("replay", "p1.rec").stdout.count("\n"), "--all shows no more")

recording = open("p1.rec", "rb").read()


def damaged(name, data, code=2, says=""):
    with open(name, "wb") as f:
        f.write(data)
    run("replay", name, "--quiet", code=code, says=says)


damaged("empty.rec", b"", says="is no recording of a peer")
damaged("garbage.rec", os.urandom(5000), says="is no recording of a peer")
damaged("text.rec", b"grapevine recording", says="is no recording of a peer")
damaged("newer.rec", recording[:20] + bytes([recording[20] + 1]) + recording[21:], says=f"is a recording of version {recording[20] + 1}")
damaged("wire.rec", recording[:21] + bytes([recording[21] + 1]) + recording[22:], says="messages of version")
for length in (22, 25, 100, len(recording) // 3, len(recording) // 2, len(recording) - 18, len(recording) - 1):
    damaged("short.rec", recording[:length], says="was cut short")
for place in (40, 1000, len(recording) // 2, len(recording) - 3):
    changed = bytearray(recording)
    changed[place] ^= 0x10
    damaged("changed.rec", bytes(changed), says="'changed.rec' ")
damaged("longer.rec", recording + b"more", says="goes on behind its end")

# What differs is found: an input that a peer was never given. Frames: kind, length, checksum, body.
def frames(data):
    at, all_frames = 22, []
    while at < len(data):
        length = int.from_bytes(data[at + 1:at + 5], "little")
        all_frames.append(data[at:at + 9 + length])
        at += 9 + length
    return all_frames


parts = frames(recording)
check(b"".join(parts) == recording[22:] and parts[0][:1] == b"b" and parts[-1][:1] == b"z", "frames are not as they are said to be")
inputs = [i for i, f in enumerate(parts) if f[:1] == b"i"]
middle = inputs[len(inputs) // 2]
kept = parts[:middle] + parts[middle + 2:-1]
end = len(inputs) - 1
body = end.to_bytes(8, "little")
checksum = 2166136261
for byte in body:
    checksum = ((checksum ^ byte) * 16777619) & 0xFFFFFFFF
last_part = b"z" + (8).to_bytes(4, "little") + checksum.to_bytes(4, "little") + body
with open("without.rec", "wb") as f:
    f.write(recording[:22] + b"".join(kept) + last_part)
answer = run("replay", "without.rec", "--json", code=1, says="a fresh peer does something else: at input")
check(json.loads(answer.stdout)["first_difference"] >= len(inputs) // 2 - 1, f"without.rec differs too early: {answer.stdout}")

# Every exchange can be recorded and played.
for kind, more in (("epidemic", ""), ("push-sum", ""), ("group", ""), ("outer", ""), ("dpsgd", 'clock = "rounds"\n'), ("allreduce", ""), ("parameter-server", ""), ("fedavg", "")):
    period = 'period = "200ms"' if kind in ("epidemic", "push-sum", "group", "dpsgd") else "every_steps = 5"
    write("kind.toml", world.replace('period = "200ms"', f'kind = "{kind}"\n{more}{period}'))
    run("sim", "kind.toml", "--quiet", "--until", "4s", "--record", "p1=kind.rec", "--record", "home-2=kind2.rec", "--trace", "kind.json")
    run("replay", "kind.rec", "--quiet", says="the same effects")
    run("replay", "kind2.rec", "--quiet", says="the same effects")
    read_trace("kind.json")
write("partial.toml", world.replace("[exchange]", '[membership]\nkind = "partial"\n[exchange]'))
run("sim", "partial.toml", "--quiet", "--record", "p4=partial.rec")
run("replay", "partial.rec", "--quiet", says="the same effects")

# --- a run, shown again ---

shown = run("replay", "run").stdout.splitlines()
check("\033" not in "".join(shown) and any("alive" in l for l in shown) and any("home-1 crashed" in l for l in shown), f"replay run: {shown[:5]}")
moments = [float(l.split(" s ")[0]) for l in shown if " s  " in l]
check(moments == sorted(moments) and len(moments) > 10, "replay run: out of order")
check(len(run("replay", "run", "--all", "--speed", "10x").stdout.splitlines()) > len(shown), "replay run --all shows no more")

# --- what is typed wrong ---

run("sim", "world.toml", "--trace", "nowhere/x.json", code=2, says="cannot write 'nowhere/x.json'")
run("sim", "world.toml", "--trace", "x.json", "--nodes", "201", code=2, says="--trace shows 200 peers at most")
run("sim", "world.toml", "--spacetime", "x.svg", "--nodes", "20", code=2, says="--spacetime shows 20 peers at most, and here are 21")
run("sim", "world.toml", "--trace", "x.json", "--seeds", "2", code=2, says="listen to one run on one thread")
run("sim", "world.toml", "--trace", "x.json", "--threads", "2", code=2, says="leave --threads out")
run("sim", "world.toml", "--trace", "x.json", "--from", "3s", "--to", "2s", code=2, says="--from lies behind --to")
run("sim", "world.toml", "--trace", "x.json", "--from", "3", code=2, says="is not a duration")
run("sim", "world.toml", "--from", "3s", code=2, says="there is none")
run("sim", "world.toml", "--trace", "x.json", "--from", "7s", code=2, says="after the end of the run")
run("sim", "world.toml", "--trace", "x.json", "--trace-limit", "0", code=2, says="out of range")
for peer, words in (("p8", "there is no peer p8"), ("p0", "there is no peer p0"), ("desk-3", "desk-0 to desk-2"), ("dsk-1", "desk-0"), ("x", "there is no peer 'x'")):
    run("sim", "quiet.toml", "--record", peer + "=x.rec", code=2, says=words)
run("sim", "world.toml", "--record", "p1", code=2, says="--record wants PEER=FILE")
run("sim", "world.toml", "--quiet", "--trace", "x.json", code=1, disk=30000, says="cannot write 'x.json'")
run("replay", code=2, says="replay wants")
run("replay", "nowhere.rec", code=2, says="there is no such file")
os.mkdir("nothing")
run("replay", "nothing", code=2, says="metrics.jsonl")
run("replay", "run", "--speed", "fast", code=2, says="--speed 'fast' is no speed")
run("replay", "p1.rec", "--speed", "2x", code=2, says="--speed is for")

# --- bench ---

run("bench", code=2, says="bench wants to know")
run("bench", "sin", code=2, says="bench does not know 'sin'")
bench = json.loads(run("bench", "sim", "--peers", "1000", "--quiet", "--json").stdout)
(size,) = bench["runs"]
check(bench["heap_events_per_second"] > 1e4 and bench["memory_bytes_per_second"] > 1e8, f"bench: {bench}")
check(size["peers"] == 1000 and size["events"] > 10000 and abs(size["events_per_cpu_second"] * size["cpu_seconds"] / size["events"] - 1) < 0.01, f"bench: {size}")
steps = json.loads(run("bench", "step", "--seconds", "0", "--batch", "8", "--channels", "4,6", "--quiet", "--json").stdout)
check(steps["peak_flops_per_second"] > 1e8 and [m["model"] for m in steps["models"]] == ["mlp", "cnn"], f"bench: {steps}")
check(all(m["samples_per_second"] > 1 and 0 < m["products_peak_ratio"] < 3 for m in steps["models"]), f"bench: {steps}")
check(steps["models"][0]["flops_per_sample"] == 6 * (784 * 256 + 256 * 128 + 128 * 10) - 2 * 784 * 256, f"bench: {steps}")
mixes = json.loads(run("bench", "mix", "--parameters", "100000", "--quiet", "--json").stdout)["mixes"]
check([m["encoding"] for m in mixes] == ["float32", "bf16", "int8"] and all(m["copy_ratio"] > 0 for m in mixes), f"bench: {mixes}")
run("bench", "step", "--model", "gru", code=2, says="--model gru is not measured")
run("bench", "step", "--channels", "32,", code=2, says="--channels 32,")
run("bench", "mix", "--device", "cuda:0", code=2, says="--device cuda:0")

finish("traces")
