#!/usr/bin/env python3
"""grapevine top, in a terminal of our own (a pty) and without one: what it shows, how it follows the terminal, how it gives it back, what it does when
the node it watches goes.
usage: top.py GRAPEVINE"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

from nodes import Node, fail, program, until


class Terminal:
    """A pty, and what top last drew on it."""

    def __init__(self, *words, columns=100, rows=30, **environment):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE")}
        self.process = subprocess.Popen([program, "top", *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        env={**base, "TERM": "xterm", "LANG": "C.UTF-8", **environment})
        self.raw = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                return
            if not got:
                return
            self.raw += got

    def screen(self):
        """The last whole frame, as text."""
        self.read()
        frames = self.raw.split(b"\033[H")
        frame = frames[-1] if b"\033[J" in frames[-1] else frames[-2] if len(frames) > 1 else b""
        return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", frame.split(b"\033[J")[0].decode(errors="replace")).replace("\r", "").split("\n")

    def shows(self, *words):
        screen = "\n".join(self.screen())
        return all(word in screen for word in words)

    def type(self, text):
        os.write(self.master, text)

    def ended(self, code):
        until("top ends", lambda: self.read() or self.process.poll() is not None)
        self.read()
        if self.process.returncode != code:
            fail(f"top ended with {self.process.returncode}, not {code}: {self.raw[-2000:]}")
        if termios.tcgetattr(self.slave) != self.before or self.raw.rfind(b"\033[?1049l") < self.raw.rfind(b"\033[?1049h") or self.raw.rfind(b"\033[?25h") < self.raw.rfind(b"\033[?25l"):
            fail("the terminal is not as it was")
        os.close(self.master)
        os.close(self.slave)


evil = "x\u009b31m\u202edab"  # CSI as one character, and writing from right to left
a = Node("a", "run.toml").up()
b = Node("b", "--join", a.address()).up()
c = Node("evil", "--join", a.address(), "--name", evil).up()
until("a sees all", lambda: a.sees() == {"a", "b", evil})
until("and has mixed with both", lambda: a.mixes() > 5 and len(a.get("links")["links"]) == 2)

# Without a terminal: one frame, plain; as JSON; one after the other.
once = a.verb("top")
for word in ("members   3 alive", "training  step ", "exchange  ", "NAME", "a *", "b ", " steps", " ago", "joined at", "samples/s"):
    if word not in once:
        fail(f"'{word}' is not in:\n{once}")
if "\033" in once or "\u009b" in once or "\u202e" in once or "x?31m?dab" not in once:
    fail(f"a name moves the terminal:\n{once!r}")
seen = json.loads(a.verb("top", "--json"))
if seen["status"]["name"] != "a" or len(seen["members"]) != 3 or len(seen["links"]) != 2 or not seen["events"]:
    fail(f"as JSON: {seen}")
several = subprocess.Popen([program, "top", "--at", a.port, "--json", "--every", "200ms"], stdout=subprocess.PIPE, text=True)
if [json.loads(several.stdout.readline())["status"]["name"] for _ in range(3)] != ["a"] * 3:
    fail("--every does not go on")
several.send_signal(signal.SIGINT)
if several.wait(30) != 0:
    fail(f"^C of top in a pipe: {several.returncode}")
for words, says in ((["--sort", "nmae"], "did you mean --sort name?"), (["--every", "5"], "100ms"), (["--every", "1us"], "100ms"), (["--at", "9"], None)):
    said = a.verb("top", *words, code=2) if says else subprocess.run([program, "top", *words], capture_output=True, text=True).stderr
    if (says or "no node answers") not in said:
        fail(f"top {words}: {said}")

# In a terminal: in place, as wide and high as it is, with colour unless NO_COLOR says no.
top = Terminal("--at", a.port, "--every", "200ms")
until("top shows the members", lambda: top.shows("members   3 alive", "NAME", "STATUS"))
until("and redraws in place", lambda: top.read() or top.raw.count(b"\033[H") >= 3)
until("blocks are drawn", lambda: top.shows("\u2588"))
top.resize(60, 11)
until("it follows the size", lambda: top.screen() and len(top.screen()) <= 11 and all(len(line) <= 60 for line in top.screen()) and top.shows("members   3 alive", "more"))
top.type(b"s")
until("s sorts by another key", lambda: [line.split()[0] for line in top.screen() if line.startswith(("a *", "b "))][:1] == ["a"])
b.process.kill()
top.resize(120, 40)
until("b's death shows", lambda: top.shows("1 dead", "b is held for dead"))
if b"\033[31m" not in top.raw:
    fail("the dead are not red")
top.type(b"q")
top.ended(0)
plain = Terminal("--at", a.port, NO_COLOR="1", LANG="C")
until("top shows the members", lambda: plain.shows("NAME"))
plain.process.send_signal(signal.SIGINT)
plain.ended(0)
if b"\033[3" in plain.raw or b"\xe2\x96" in plain.raw:
    fail("NO_COLOR has colours, or ASCII blocks")

# The terminal goes, and nobody says so with a signal: it ends.
gone = Terminal("--at", a.port, "--every", "200ms")
until("top shows the members", lambda: gone.shows("NAME"))
os.close(gone.master)
until("top ends with its terminal", lambda: gone.process.poll() is not None, 20)
os.close(gone.slave)

# The node goes: another one of its run here is watched, and when the last has gone it says so, and ends at q.
top = Terminal("--at", a.port, "--every", "200ms", columns=160)
until("a is watched", lambda: top.shows("a in test"))
a.process.kill()
until("the other one is, and it says why", lambda: top.shows("does not answer", "this is x?31m?dab") or top.shows(" in test", "x?31m?dab *"))
c.process.kill()
until("nobody is left", lambda: top.shows("no other node of its run on this machine"))
top.type(b"q")
top.ended(0)
print("top: plain, as JSON, in place; follows the terminal and gives it back; goes on with another node")
