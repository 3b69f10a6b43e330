#!/usr/bin/env python3
"""What people ask of running nodes and tell them: members, info, rtt, monitor, join, force-leave, leave, and the status
port behind them.
usage: verbs.py GRAPEVINE"""

import http.server
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from nodes import Node, fail, program, until


def has(text, *words):
    for word in words:
        if word not in text:
            fail(f"'{word}' is not in:\n{text}")


a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
c = Node("c", "--join", a.address()).up()
for node in (a, b, c):
    until(f"{node.name} sees all three", lambda: node.sees() == {"a", "b", "c"})

# members, info, rtt
has(a.verb("members"), "NAME", "ROUND TRIP", "(asked)", "alive")
has(a.verb("members", "--status", "suspekt", code=2), "did you mean --status suspect?")
if len(json.loads(a.verb("members", "--json", "--status", "alive"))["members"]) != 3 or json.loads(a.verb("members", "--json", "--status", "dead"))["members"]:
    fail("--status does not select")
member = next(m for m in json.loads(a.verb("members", "--json"))["members"] if m["name"] == "b")
if member["device"] != "cpu" or member["age"] is None or not 0 <= member["age"] < 300 or len(member["id"]) != 16 or member["failing"] != 0:
    fail(f"b as a sees it: {member}")
has(b.verb("info"), "b, id " + member["id"], "mlp on blobs", "3 alive")
info = json.loads(b.verb("info", "--json"))
if info["members"]["alive"] != 3 or info["id"] != member["id"] or info["addresses"]["control"] != member["control"]:
    fail(f"info: {info}")
has(a.verb("rtt", "b"), "a to b: min ", "5 of 5 pings answered")
trip = json.loads(a.verb("rtt", "b", "c", "--pings", "3", "--json"))
if (trip["from"]["name"], trip["to"]["name"], trip["answered"]) != ("b", "c", 3) or not 0 < trip["min"] <= trip["mean"] <= trip["max"]:
    fail(f"rtt: {trip}")
has(a.verb("rtt", member["id"]), "a to b: ")
has(a.verb("rtt", "bb", code=2), "no member 'bb'", "did you mean 'b'?")
has(a.verb("rtt", "a", code=2), "between two members")
until("/metrics counts them", lambda: 'grapevine_members{status="alive"} 3' in a.page("/metrics"))
has(a.page("/metrics"), 'grapevine_members{status="suspect"} 0')

# What all three observe together is known at each.
def cluster_known():
    figures = [node.get("info")["cluster"] for node in (a, b, c)]
    return all(f["loss"] is not None and 0 <= f["worst_accuracy"] <= f["accuracy"] <= 1 for f in figures)
until("all know the cluster's loss and accuracy", cluster_known)
has(a.verb("info"), "cluster    loss ", "over all peers")
until("/metrics shows them", lambda: "\ngrapevine_cluster_loss " in a.page("/metrics"))

# monitor: it is told as it happens, of the kinds it asked for, and ends well when the node leaves.
watch = subprocess.Popen([program, "monitor", "--at", c.port, "--json", "--last", "0", "--kind", "joined", "--kind", "left", "--kind", "departed"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
first = subprocess.Popen([program, "monitor", "--at", a.port], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
has("".join(first.stdout.readline() for _ in range(12)), "mixed with")  # two more than it begins with
first.stdout.close()  # as `monitor | head` does
until("a monitor that nobody reads ends", lambda: first.poll() is not None)
has(a.verb("monitor", "--kind", "mixt", code=2), "did you mean --kind mixed?")

# Readers that go away without a word, and too many that wait, keep nobody from an answer.
silent = []
for _ in range(40):
    connection = socket.create_connection(("127.0.0.1", int(a.port)))
    connection.sendall(b"GET /v1/events?after=0.0&kind=dead&wait=25 HTTP/1.1\r\nHost: x\r\n\r\n")
    silent.append(connection)
began = time.monotonic()
until("a answers while many wait", lambda: a.get("status"))
for connection in silent:
    connection.close()
has(a.verb("info"), "3 alive")
if time.monotonic() - began > 8:
    fail("those who wait for events keep others from the status port")

# Nothing is changed by a GET, by a web page, or without being meant.
for headers, data, code in [({}, None, 405), ({}, b"", 403), ({"X-Grapevine": "1", "Origin": "http://example.com"}, b"", 403)]:
    try:
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{a.port}/v1/leave", data=data, headers=headers), timeout=5)
        fail("a was told to leave by who may not")
    except urllib.error.HTTPError as error:
        if error.code != code:
            fail(f"/v1/leave answers {error.code} in place of {code}")

# join: a node that waits for a seed that is not there is shown another; one with a run of its own keeps it.
late = Node("late", "run.toml", "--join", "127.0.0.1:9").up()
until("late trains alone", lambda: late.steps() > 0)
has(late.verb("join", a.address(), "127.0.0.1:9"), "joined through a")
until("all see late", lambda: all("late" in node.sees() for node in (a, b, c)))
alone = Node("alone", "run.toml").up()
has(alone.verb("join", a.address(), code=1), "another run")
has(alone.verb("join", alone.address(), code=1), "this node itself")
alone.verb("leave")
alone.ends(0)
has(a.verb("join", code=2), "wants an address")
has(a.verb("join", "host:port", code=2), "is not an address")

# force-leave: nobody waits for the dead any more. Of one that is alive nobody is rid.
late.process.kill()
until("b doubts late", lambda: "late" in b.sees("suspect") | b.sees("dead"))
if "late" in b.sees("suspect"):
    until("it is said who doubts", lambda: "(suspected by " in b.verb("members") or "late" not in b.sees("suspect"))
has(b.verb("force-leave", "late"), "is held for left")
until("all hold late for left", lambda: all("late" in node.sees("left") for node in (a, b, c)))
if any(("dead", "late") in node.events("dead") for node in (a, b, c)) and ("left", "late") not in a.events("left"):
    fail("late died and never left")
has(b.verb("force-leave", "nobody", code=2), "no member 'nobody'")
has(b.verb("force-leave", "b", code=2), "grapevine leave")
has(b.verb("force-leave", "a"), "is back in a moment")
until("a is back", lambda: all(node.sees() >= {"a", "b", "c"} for node in (a, b, c)))

# A node that is gone between two questions of its monitor: it has said before whether it meant to go.
for leaving, code, word in [(True, 0, "has ended"), (False, 1, "without a word")]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"next": "1.0", "dropped": 0, "leaving": leaving, "ended": False, "events": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    last = subprocess.Popen([program, "monitor", "--at", str(server.server_port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server.handle_request()
    server.server_close()
    errors = last.communicate(timeout=30)[1]
    if last.returncode != code or word not in errors:
        fail(f"the monitor of a node that said leaving = {leaving} ended with {last.returncode} and said {errors}")

# leave
has(c.verb("leave"), "c has left")
c.ends(0)
said, errors = watch.communicate(timeout=30)
kinds = [(e["kind"], e["about"]) for e in map(json.loads, said.splitlines())]
if ("joined", "late") not in kinds or kinds[-1] != ("departed", None) or watch.returncode != 0 or "has ended" not in errors:
    fail(f"c's monitor ended with {watch.returncode} and said {said}{errors}")
until("a knows that c left", lambda: "c" in a.sees("left"))
if ("suspected", "c") in a.events("suspected"):
    fail("c was suspected though it said goodbye")
has(subprocess.run([program, "members", "--at", c.port], capture_output=True, text=True).stderr, "no node answers")
for node in (b, a):
    node.process.send_signal(signal.SIGTERM)
    node.ends(0)
print("verbs: asked, watched, joined, forced out, left")
