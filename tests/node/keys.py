#!/usr/bin/env python3
"""Nodes with keys: who has one that is allowed takes part, nobody else gets a word in, and nobody speaks for another.
usage: keys.py GRAPEVINE IMPOSTOR"""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

from nodes import Node, fail, helpers, program, until

impostor = helpers[0]
liar = None


def keygen(name):
    done = subprocess.run([program, "keygen", "-o", name + ".key"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        fail(f"keygen: {done.stderr}")
    return done.stdout.strip()


def allow(*names):
    with open("new.list", "w") as f:
        f.writelines(f"{public[name]} {name}\n" for name in names)
    os.rename("new.list", "list")


def says(node, *words):
    for word in words:
        if word not in node.said():
            fail(f"{node.name} did not say '{word}'")


def keyed(name):
    return "--key-file", name + ".key", "--allow", "list"


def more_mixes(*some):
    before = {node: node.mixes() for node in some}
    until("they mix on", lambda: all(node.mixes() > before[node] + 2 for node in some))


def status_of(url, token=None, cookie=None, post=False):
    headers = {"Authorization": "Bearer " + token} if token else {}
    if cookie:
        headers["Cookie"] = cookie
    if post:
        headers["X-Grapevine"] = "1"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers, data=b"" if post else None), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


public = {name: keygen(name) for name in ("a", "b", "c", "liar", "shared", "stranger")}
allow("a", "b", "c", "liar")
try:
    # One encrypted cluster, each node with its own key; b was told whose key a has, c finds out.
    a = Node("a", "run.toml", *keyed("a")).up()
    b = Node("b", "--join", public["a"] + "@" + a.address(), *keyed("b"), "--record", "b.rec").up()
    c = Node("c", "--join", a.address(), *keyed("c")).up()
    for node in (a, b, c):
        until(f"{node.name} sees all", lambda: node.sees() == {"a", "b", "c"})
    more_mixes(a, b, c)

    # Every way in which two do not fit is said, and is no timeout.
    plain = Node("plain", "--join", a.address())
    plain.ends(5)
    says(plain, "talks only to who has a key", "--key-file")
    os.chmod("stranger.key", 0o644)
    stranger = Node("stranger", "--join", a.address(), "--key-file", "stranger.key")
    stranger.ends(5)
    says(stranger, "another key than we expect", "can be read by others", "chmod 600")
    with open("own.list", "w") as f:
        f.write(f"{public['a']} a\n{public['stranger']} myself\n")
    unknown = Node("unknown", "--join", a.address(), "--key-file", "stranger.key", "--allow", "own.list")
    unknown.ends(5)
    says(unknown, "does not know our key")
    open_one = Node("open", "run.toml").up()
    alone = Node("alone", "--join", open_one.address(), "--key-file", "shared.key")
    alone.ends(5)
    says(alone, "runs without keys")
    for node, other, word in ((a, open_one, "runs without keys"), (open_one, a, "talks only to who has a key")):
        if word not in (said := node.verb("join", other.address(), code=1)):
            fail(f"join of {node.name} does not say what is wrong with the keys, but: {said}")

    # An allowed key is no licence to speak for others.
    before = next(m for m in a.get("members")["members"] if m["name"] == "b")
    liar = subprocess.Popen([impostor, "tcp://" + a.address(), "liar.key", "list", "b"], stdout=subprocess.PIPE, text=True)
    for line in ("joined\n", "lied\n"):
        if (got := liar.stdout.readline()) != line:
            fail(f"the impostor said '{got.strip()}'")
    until("what it said last is heard", lambda: "liar" in a.sees())
    now = next(m for m in a.get("members")["members"] if m["name"] == "b")
    for key in ("id", "control", "status"):
        if now[key] != before[key]:
            fail(f"the impostor changed b's {key} from {before[key]} to {now[key]}")
    if len([m for m in a.get("members")["members"] if m["name"] == "b"]) != 1 or b.process.poll() is not None:
        fail("the impostor took b's name")
    more_mixes(a, b, c)
    liar.kill()

    # c is thrown out: its connections end, nobody is told by it any more, and the others go on.
    allow("a", "b")
    for node in (a, b):
        until(f"{node.name} holds c for left", lambda: "c" not in node.sees() and "c" in node.sees("left"))
        until(f"{node.name} has read the list", lambda: "the key " + public["c"] + " is no longer allowed" in node.said())  # the other may have told it before
    more_mixes(a, b)
    back = Node("back", "--join", a.address(), "--key-file", "c.key", "--allow", "own.list")
    back.ends(5)
    if "c" in a.sees() | b.sees():
        fail("c is back, though its key is not allowed")

    # A list that is wrong is not believed; a new key beside the old ones is, and its node comes in.
    with open("new.list", "w") as f:
        f.write(public["a"] + "\nno key\n")
    os.rename("new.list", "list")
    until("the fault is said", lambda: "list:2: 'no' is no public key" in a.said() and "stays as it was" in a.said())
    allow("a", "b", "shared")
    until("the new key is heard of", lambda: all("shared is allowed from now on" in node.said() for node in (a, b)))
    d = Node("d", "--join", b.address(), *keyed("shared")).up()
    until("d sees a and b", lambda: {"a", "b", "d"} <= d.sees())
    more_mixes(a, b, d)

    # What was recorded is played by who has no key.
    b.process.send_signal(signal.SIGTERM)
    b.ends(0)
    played = subprocess.run([program, "replay", "b.rec", "--json"], capture_output=True, text=True, timeout=120)
    if played.returncode != 0 or not json.loads(played.stdout)["same"] or json.loads(played.stdout)["inputs"] < 100:
        fail(f"replay: {played.stdout}{played.stderr}")

    # One file for all.
    e = Node("e", "run.toml", "--key-file", "shared.key").up()
    f = Node("f", "--join", e.address(), "--key-file", "shared.key").up()
    until("e and f see each other", lambda: e.sees() == f.sees() == {"e", "f"})
    more_mixes(e, f)

    # The status port and its token.
    with open("token", "w") as file:
        file.write("# ours\n0123456789abcdef\n")
    with open("wrong", "w") as file:
        file.write("0123456789abcdeF\n")
    g = Node("g", "run.toml", "--status-token", "token").up()
    page = f"http://127.0.0.1:{g.port}"
    cookie = f"grapevine-{g.port}=0123456789abcdef"
    for path in ("/", "/v1/status", "/v1/members", "/metrics", "/v1/nothing"):
        for token in (None, "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"):
            if (got := status_of(page + path, token)) != 401:
                fail(f"{path} with token {token} answers {got}, not 401")
    for url, token, kept, code in (("/healthz", None, None, 200), ("/v1/status", "0123456789abcdef", None, 200), ("/v1/status?token=0123456789abcdef", None, None, 200),
                                   ("/v1/status?token=0123456789abcdeF", None, None, 401), ("/v1/status", None, "x=1; " + cookie, 200), ("/v1/status", None, cookie + "0", 401),
                                   ("/?token=0123456789abcdeF", None, None, 401)):
        if (got := status_of(page + url, token, kept)) != code:
            fail(f"{url} with token {token} and cookie {kept} answers {got}, not {code}")
    if status_of(page + "/v1/leave", post=True) != 401 or status_of(page + "/v1/leave?token=0123456789abcdef", post=True) != 401:
        fail("a node can be told to leave by who does not know its token")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(page + "/?token=0123456789abcdef", timeout=10) as answer:
        if answer.status != 200 or "token" in answer.url:
            fail("a browser is not sent on without the token")
    with browser.open(page + "/v1/status", timeout=10) as answer:
        if answer.status != 200:
            fail("a browser does not keep the token")
    if "g" not in g.verb("members"):  # of this machine: it finds the token
        fail("members does not find the token")
    if os.stat(f"grapevine-{os.getuid()}/{g.process.pid}.node").st_mode & 0o077:
        fail("others can read the token")
    elsewhere = dict(os.environ, XDG_RUNTIME_DIR=os.path.join(os.getcwd(), "elsewhere"))
    for words, code in (([], 2), (["--token-file", "wrong"], 2), (["--token-file", "token"], 0)):
        done = subprocess.run([program, "members", "--at", g.port, *words], capture_output=True, text=True, timeout=60, env=elsewhere)
        if done.returncode != code or (code and "wants its token" not in done.stderr):
            fail(f"members {words} ended with {done.returncode}: {done.stderr}")
    h = Node("h", "run.toml", "--status", "0.0.0.0:0").up()  # drawn, and shown
    drawn = h.said().split("wants this token", 1)[1].split(": ", 1)[1].split()[0]
    if len(drawn) != 32 or status_of(f"http://127.0.0.1:{h.port}/v1/status") != 401 or status_of(f"http://127.0.0.1:{h.port}/v1/status", drawn) != 200:
        fail("off loopback no token is wanted, or another than was shown")

    for node in (a, c, d, e, f, g, h, open_one):
        node.process.send_signal(signal.SIGTERM)
    for node in (a, c, d, e, f, g, h, open_one):
        node.ends(0)
    print("keys: every case as it should be")
finally:
    if liar:
        liar.kill()
