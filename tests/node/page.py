#!/usr/bin/env python3
"""The page of a running node in a headless Chromium: curves, members, links and events as they come, by keyboard and on a phone; hostile names; a
node that goes and comes back. Then the same page in front of a server of our own, which answers what no node would, and that of a node off loopback,
which wants a token.
usage: page.py GRAPEVINE"""

import http.server
import json
import socket
import sys
import threading
import urllib.parse

from browser import Browser, found
from nodes import Node, fail, run, until

if not found:
    print("SKIPPED: no chromium here, and the status page is a page: apt-get install chromium")
    sys.exit(77)

hostile = '<script>window.bad=1<b>&quot;'
a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
evil = Node("evil", "--join", a.address(), "--name", hostile).up()
port = a.port
origin = f"http://127.0.0.1:{port}/"
html = a.page("/")
browser = Browser()
browser.look()


def rows(table):
    return browser.run(f"[...document.querySelectorAll('#{table} tbody tr')].map(r => [...r.cells].map(c => c.innerText))")


def quiet(allowed=lambda url: url.startswith(origin)):
    """Nothing was complained about in the console, and nothing was asked of anybody else."""
    browser.run("1")
    if browser.complaints:
        fail(f"the console says {browser.complaints}")
    strange = [url for url in browser.requests if not allowed(url)]
    if strange:
        fail(f"the page asked for {strange}")


try:
    browser.open(origin)
    until("curves are drawn, of several points", lambda: browser.run(
        "['Loss', 'Accuracy', 'Samples a second', 'Distance between the peers', 'Staleness', 'Traffic'].every(title => [...document.querySelectorAll('figure')].some("
        "f => f.innerText.startsWith(title) && [...f.querySelectorAll('polyline')].some(l => l.getAttribute('points').split(' ').length >= 3)))"))
    until("all three are in the table", lambda: len(rows("members")) == 3)
    table = rows("members")
    if {row[0] for row in table} != {"a (this node)", "b", hostile} or any(row[1] != "alive" for row in table):
        fail(f"members: {table}")
    until("both others are linked to", lambda: {row[0] for row in rows("links")} == {"b", hostile})
    until("something was mixed with both, and bytes went both ways", lambda: all(row[1] == "well" and " ago" in row[2] and row[8] != "0 B" and row[9] != "0 B" for row in rows("links")))
    until("they joined, says the list of events", lambda: all(f"{name} joined at" in browser.text("#events") for name in ("b", hostile)))
    if browser.run("window.bad") or browser.run("document.querySelectorAll('td *, dd *, #gone *, #about *').length"):
        fail("a name became markup")
    if "mlp on blobs" not in browser.text("#info"):
        fail(f"about this node: {browser.text('#info')}")
    if browser.text("#waiting") != "":
        fail("it waits for a sample that was drawn")
    quiet()

    # By keyboard alone: what can be used is reached; curves are read with the arrows.
    reached = []
    for _ in range(60):
        browser.press("Tab")
        reached.append(browser.run("(e => e.id || e.ariaLabel || e.closest('section, figure')?.id || e.tagName + ' ' + e.innerText)(document.activeElement)") or "")
    for wanted in ("Loss: ", "filter", "kinds", "BUTTON name", "configuration"):
        if not any(wanted in found_there for found_there in reached):
            fail(f"{wanted} is not reached by Tab: {reached}")
    browser.run("document.querySelector('figure svg').focus()")
    browser.press("Home")
    until("the arrows read a curve", lambda: "at " in browser.text("figure .legend"))
    browser.press("Escape")
    until("and let it go", lambda: "at " not in browser.text("figure .legend"))
    browser.run("document.querySelector('#members th button').click()")
    if [row[0] for row in rows("members")] != sorted([hostile, "a (this node)", "b"], key=lambda name: name) or browser.run("document.querySelector('#members th').ariaSort") != "ascending":
        fail(f"sorted by name: {rows('members')}")
    browser.run("(f => { f.value = 'script'; f.dispatchEvent(new Event('input')); })(document.getElementById('filter'))")
    if [row[0] for row in rows("members")] != [hostile]:
        fail(f"filtered: {rows('members')}")
    browser.run("(f => { f.value = ''; f.dispatchEvent(new Event('input')); })(document.getElementById('filter'))")

    # A phone, dark: nothing is wider than the screen, and it is dark.
    light = browser.run("getComputedStyle(document.body).backgroundColor")
    browser.look(width=360, height=740, dark=True, touch=True)
    until("it is as wide as the screen", lambda: browser.run("document.documentElement.scrollWidth") <= 360)
    if browser.run("getComputedStyle(document.body).backgroundColor") == light:
        fail("dark is as light")
    browser.look()

    # As it happens, without being loaded anew.
    browser.run("window.since = 1")
    b.process.kill()
    until("b's death is told", lambda: "b is held for dead" in browser.text("#events"))
    until("and shown", lambda: ["b", "dead"] in [row[:2] for row in rows("members")])
    if browser.run("window.since") != 1:
        fail("it was loaded anew")
    quiet()

    # The node is gone, and comes back as another process at the same address.
    a.process.kill()
    a.process.wait()
    until("it says so", lambda: "no answer from the node" in browser.text("#gone"))
    browser.complaints.clear()  # that nobody answered, in the browser's words
    again = Node("again", "run.toml", "--name", "a2", "--status", port)
    until("the page goes on with the new one", lambda: browser.text("#gone") == "" and browser.text("#name") == "a2" and "polyline" in browser.run("document.getElementById('charts').innerHTML"))
    if browser.run("window.since") != 1 or any("b" == row[0] for row in rows("members")):
        fail("the old node's members are still there")
    again.process.kill()
    evil.process.kill()

    # What no node answers: nothing yet, then names and texts that are markup, and more members than a page can bear.
    markup = '<img src="http://127.0.0.1:9/x" onerror="window.bad=1"><b>x</b>'
    status = {"name": "n", "run": "0", "run_name": "r", "phase": "running", "device": "cpu", "exchange": "gossip", "t": 1.0, "unix_time": 1.0, "peers_alive": 1, "steps": 0,
              "samples": 0, "training_loss": 0, "loss": None, "accuracy": None, "cluster": {"loss": None, "accuracy": None, "worst_accuracy": None}, "mixes": 0,
              "exchanges_failed": 0, "exchanges_skipped": 0, "staleness": 0, "distance": 0, "bytes_payload": 0, "bytes_control": 0, "samples_per_second": 0,
              "seconds": {"training": 0, "mixing": 0, "evaluating": 0}}
    info = {"name": "n", "id": "0", "generation": 0, "incarnation": 1, "version": "0", "wire_version": 3, "pid": 1, "run": "0", "run_name": "r", "phase": "running", "model": "m",
            "exchange": "gossip", "device": "cpu", "addresses": {"control": "c", "bulk": "b", "status": "s"}, "directory": None,
            "health": {"local_health": 0, "failing": 0, "degraded": False, "round_trip": 0.1, "rumors_waiting": 0, "rumor_cap": 1, "remembered": 0, "most_members": 1, "records": 1},
            "per_second": {"messages_sent": 0, "messages_received": 0, "bytes_sent": 0, "bytes_received": 0}}
    answers = {"status": status, "info": info, "members": {"members": []}, "links": {"links": []}, "history": {"stride": 1, "whole": True, "kept": None, "columns": ["n", "t", "loss"], "rows": []},
               "events": {"next": "0.0", "dropped": 0, "leaving": False, "ended": False, "events": []}}

    class Stub(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = urllib.parse.urlparse(self.path).path
            body = html.encode() if name == "/" else json.dumps(answers[name.removeprefix("/v1/")]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8" if name == "/" else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours = f"http://127.0.0.1:{server.server_port}/"
    browser.open(ours)
    until("it waits for the first sample", lambda: browser.text("#name") == "n" and browser.text("#waiting") == "waiting for the first sample")
    browser.complaints.clear()  # what the page before still waited for, in the browser's words
    browser.requests.clear()
    if browser.run("document.querySelectorAll('figure:not([hidden])').length") or browser.text("#nolinks") == "" or "nothing has happened yet" not in browser.text("#events"):
        fail("with nothing to see it shows something")
    status.update(name=markup, run_name=markup, device=markup, exchange=markup, phase=markup, t=2.0)
    info.update(name=markup, model=markup, directory=markup, version=markup)
    member = {"id": markup, "status": markup, "suspected_by": markup, "control": markup, "round_trip": None, "steps": None, "speed": None, "device": markup, "age": None, "failing": 0, "self": False}
    answers["members"]["members"] = [{**member, "name": f"{markup} {i}"} for i in range(1500)]
    answers["links"]["links"] = [{"name": markup, "id": markup, "status": markup, "sent_bytes": 1, "received_bytes": 1, "window_bytes": None, "round_trip": None, "mixes": 1, "failures": 1,
                                  "last_failure": markup, "in_trouble": True, "age": 1, "staleness": 1, "distance": None, "took": 1}]
    answers["events"]["events"] = [{"n": 1, "t": 1, "peer": markup, "kind": "joined", "about": markup, "unix_time": 1, "level": markup, "area": markup, "text": markup}]
    answers["history"]["rows"] = [[0, 0, 1], [1, 1, 0.5]]
    until("it shows them", lambda: browser.text("#name") == markup and markup in browser.text("#events") and markup in browser.text("#links"))
    until("1,500 members are counted", lambda: "the first 200 of 1500 are shown" in browser.text("#counted"))
    until("and the curve", lambda: browser.run("document.querySelectorAll('figure:not([hidden]) polyline').length") == 1)
    if browser.run("window.bad") or browser.run("document.querySelectorAll('main img, main b:not(figcaption b), td *').length") or len(rows("members")) != 200:
        fail("markup of others became the page's")
    quiet(lambda url: url.startswith(ours))
    server.shutdown()

    # Off loopback it wants its token: once, in the address, and never again.
    with open("token", "w") as file:
        file.write("0123456789abcdef\n")
    guarded_node = Node("g", "run.toml", "--status", "0.0.0.0:0", "--status-token", "token").up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as routed:  # the address that this machine is known by; nothing is sent
        try:
            routed.connect(("192.0.2.1", 9))
        except OSError:
            routed.connect(("127.0.0.1", 9))  # it has none
        guarded = f"http://{routed.getsockname()[0]}:{guarded_node.port}/"
    for address in (guarded, guarded + "?token=0123456789abcdeF"):
        browser.open(address)
        until("who does not know the token is told that one is wanted", lambda: browser.run("location.href") == address and "this node's status port wants its token" in browser.text("body"))
    browser.open(guarded + "?token=0123456789abcdef")
    curves = "document.querySelectorAll('figure:not([hidden]) polyline').length >= 3 && [...document.querySelectorAll('#members tbody tr')].length === 1"
    until("who knows it sees the page", lambda: browser.run(curves))
    if browser.run("location.href") != guarded or browser.run("document.cookie") != "":
        fail(f"the token stays where others may read it: {browser.run('location.href')} {browser.run('document.cookie')}")
    browser.complaints.clear()  # of the two that were turned away
    browser.requests.clear()
    browser.ask("Page.reload")
    until("it is let in anew without the token", lambda: browser.run("performance.getEntriesByType('navigation')[0].type") == "reload" and browser.run(curves))
    quiet(lambda url: url.startswith(guarded) and "token" not in url)
    guarded_node.process.kill()
finally:
    browser.close()
for node in (a, b, evil, again):
    node.process.kill()
print("page: curves, members, links, events; by keyboard and on a phone; gone and back; hostile names inert; off loopback with its token only")
