"""Where nodes of one machine run: on loopback, or in network namespaces whose ways to each other can be cut and slowed."""

import ctypes
import os
import signal
import subprocess
import urllib.request

CLONE_NEWNET = 0x40000000


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Loopback:
    """No namespaces: everybody on 127.0.0.1, and nothing can be cut or slowed."""
    cuts = False

    def inside(self, _, words):
        return words

    def addresses(self, i):
        return "127.0.0.1", 21000 + 10 * i, "127.0.0.1", 21002 + 10 * i

    def end(self):
        pass


class Namespaces:
    """This process moves into a namespace that holds the bridges; each node's has a way to them that can be cut and slowed (10.98.0.0/24),
    and one by which we ask it (10.97.0.0/24), which is never touched."""
    cuts = True
    bridges = 3

    def __init__(self, count):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "ask", "type", "bridge")
        run("ip", "addr", "add", "10.97.0.254/24", "dev", "ask")
        run("ip", "link", "set", "ask", "up")
        for b in range(self.bridges):
            run("ip", "link", "add", f"side{b}", "type", "bridge")
            run("ip", "link", "set", f"side{b}", "up")
        self.holders = []
        for i in range(count):
            holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up; exec sleep 1000000"], stdout=subprocess.PIPE, text=True)
            holder.stdout.readline()
            self.holders.append(holder)
            inside = ["nsenter", "-t", str(holder.pid), "-n", "ip"]
            for kind, net, bridge in (("d", 98, "side0"), ("a", 97, "ask")):
                run("ip", "link", "add", f"{kind}{i}", "type", "veth", "peer", "name", f"{kind}in", "netns", str(holder.pid))
                run("ip", "link", "set", f"{kind}{i}", "master", bridge, "up")
                run(*inside, "addr", "add", f"10.{net}.0.{i + 1}/24", "dev", f"{kind}in")
                run(*inside, "link", "set", f"{kind}in", "up")
            run(*inside, "link", "set", "lo", "up")

    def inside(self, i, words):
        return ["nsenter", "-t", str(self.holders[i].pid), "-n", *words]

    def addresses(self, i):
        return f"10.98.0.{i + 1}", 7470, f"10.97.0.{i + 1}", 7472

    def side(self, i, b):
        run("ip", "link", "set", f"d{i}", "master", f"side{b}")

    def slow(self, i, rate):
        for words in (["tc"], ["nsenter", "-t", str(self.holders[i].pid), "-n", "tc"]):
            device = f"d{i}" if len(words) == 1 else "din"
            if rate:
                run(*words, "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "16k", "latency", "300ms")
            else:
                subprocess.run([*words, "qdisc", "del", "dev", device, "root"], stderr=subprocess.DEVNULL)

    def end(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()


def die_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


TOKEN = "what-the-status-pages-of-these-nodes-want"


def token_file(directory):
    """Off loopback a status page wants a token."""
    path = os.path.join(directory, "token")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(TOKEN + "\n")
    return path


def open_page(host, port, path, patience):
    request = urllib.request.Request(f"http://{host}:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    return urllib.request.urlopen(request, timeout=patience)


def places(count):
    """Namespaces where they can be had, else loopback; and why not."""
    try:
        if os.geteuid() != 0:
            raise OSError("not root")
        return Namespaces(count), ""
    except (OSError, subprocess.CalledProcessError) as why:
        return Loopback(), str(why)
