#!/usr/bin/env python3
"""What is typed wrong gets one clear error, what to do next, and the exit status that scripts rely on.
usage: bad_input.py GRAPEVINE"""

import os
import socket

from cases import check, expect, finish, write

world = '[model]\nkind = "average"\n[exchange]\nperiod = "250ms"\n[[group]]\nname = "p"\ncount = 4\n'

# verbs and options
expect(2, [], "usage: grapevine VERB")
expect(2, ["smi"], "no verb 'smi'", "did you mean 'grapevine sim'?")
expect(0, ["--version"], stdout="grapevine 0.")
expect(0, ["help"], stdout="exit status:")
for verb in "demo node members monitor info rtt join leave force-leave sim compare report replay bench eval predict export data check init doctor".split():
    expect(0, ["help", verb], stdout=f"usage: grapevine {verb}")
    expect(0, [verb, "--help"], stdout=f"usage: grapevine {verb}")
expect(2, ["help", "nodes"], "did you mean 'grapevine node'?")
expect(2, ["sim", "--sede", "3"], "no option --sede", "did you mean --seed?")
expect(2, ["sim", "a.toml", "b.toml"], "does not know what to do with 'b.toml'")
expect(2, ["sim"], "sim wants a scenario file")
expect(2, ["sim", write("good.toml", world), "--seed", "x"], "--seed wants a number")
expect(2, ["sim", "good.toml", "--seed", "-1"], "--seed -1 is out of range")
expect(2, ["sim", "good.toml", "--threads", "100000"], "--threads 100000 is out of range")
expect(2, ["sim", "good.toml", "--until", "5"], "'5' is not a duration", "250ms")
expect(2, ["sim", "good.toml", "--seed"], "wants a value")
expect(2, ["sim", "good.toml", "--exchange", "gosip"], "did you mean 'gossip'?")

# files
expect(2, ["sim", "nowhere.toml"], "nowhere.toml")
expect(2, ["sim", "."], ".")
expect(2, ["sim", write("broken.toml", '[model\nkind = "mlp"\n')], "broken.toml:1:")
expect(2, ["sim", write("key.toml", world + '[train]\nlerning_rate = 0.1\n')], "key.toml:", "lerning_rate", "learning_rate")
expect(2, ["sim", write("rate.toml", world.replace("count = 4", 'count = 4\nuplink = "-5Mbit"'))], "rate.toml:8:", "-5Mbit")
expect(2, ["sim", write("bare.toml", world.replace('"250ms"', "250"))], "bare.toml:4:")
expect(2, ["sim", write("both.toml", world.replace('period = "250ms"', 'period = "250ms"\nevery_steps = 3'))], "both.toml:")
expect(2, ["sim", write("ghost.toml", world + '[[event]]\nat = "1s"\nkind = "crash"\nnodes = "q:1"\n')], "ghost.toml:", "q")
expect(2, ["sim", write("later.toml", world.replace('period =', 'kind = "svm-sum"\nperiod ='))], "push-sum")
expect(2, ["sim", write("rounds.toml", world.replace('period =', 'kind = "dpsgd"\nperiod ='))], "rounds")

# machines that come and go
churn = world + '[churn]\nsession = "20s"\ndowntime = "5s"\n'
expect(0, ["sim", write("churn.toml", churn), "--until", "30s", "--quiet"], stdout="trace ")
expect(0, ["check", "churn.toml"], stdout="[[churn]]")
expect(2, ["sim", write("churn.toml", churn + 'groups = ["q"]\n'), "--quiet"], "churn.toml:11:11: there is no group 'q'", 'groups: "p"')
expect(2, ["sim", write("churn.toml", churn.replace("20s", "-20s")), "--quiet"], "churn.toml:9:11: '-20s' is no duration", "no sign")
expect(2, ["sim", write("churn.toml", churn.replace("20s", "0s")), "--quiet"], "churn.toml:9:11: 'session' would take no time at all")
expect(2, ["sim", write("churn.toml", world + '[churn]\ntrace = "nowhere.csv"\n'), "--quiet"], "churn.toml:9:9: trace file:", "no such file")
write("life.csv", "time,node,state\n1,p-0,down\n2,p-0,up\n3,p-9,down\n")
expect(2, ["sim", write("churn.toml", world + '[churn]\ntrace = "life.csv"\n'), "--quiet"], "churn.toml:9:9: ", "life.csv:4: there is no node 'p-9'", "p-0 to p-3")
write("life.csv", "time,node,state\n1,p-0,down\n2,p-0,up\n3,p-3,left\n")
expect(0, ["sim", "churn.toml", "--until", "20s", "--quiet", "--out", "life"], stdout="trace ")
expect(0, ["sim", "life/config.toml", "--until", "1s", "--quiet"], stdout="trace ")
expect(2, ["sim", "churn.toml", "--nodes", "2", "--quiet"], "churn.toml with --nodes 2: ", "there is no node 'p-3'")
expect(2, ["sim", write("place.toml", world + '[[event]]\nat = "1s"\nkind = "crash"\nnodes = "p[3]"\n'), "--nodes", "2", "--quiet"], "place.toml with --nodes 2: 'p[3]' asks for more than the 2 there are")
expect(2, ["sim", write("two.toml", world + '[[group]]\nname = "q"\n'), "--nodes", "1"], "two.toml has 2 groups, and each keeps one peer at least")
expect(0, ["sim", write("uneven.toml", world.replace("count = 4", "count = 1000") + '[[group]]\nname = "q"\n[[group]]\nname = "r"\n'), "--nodes", "10", "--until", "1s", "--quiet"], stdout=": 10 peers")
expect(2, ["sim", write("huge.toml", world.replace("count = 4", "count = 3000000")), "--quiet"], "huge.toml:7:9: 3.00 M peers need about", "for views", "this machine has", "fewer peers")
expect(2, ["sim", write("wide.toml", world.replace('kind = "average"', 'kind = "average"\ndimension = 1000000').replace("count = 4", "count = 100000")), "--quiet"], "wide.toml:8:9: 100 k peers", "for models", "a smaller model")
expect(0, ["sim", "good.toml", "--seeds", "3", "--until", "2s", "--quiet"], stdout="over 3 seeds: mean, and its 95 % interval")

# graphs from files
graph = world.replace('period =', 'kind = "dpsgd"\nclock = "rounds"\ngraph = "file:{}.txt"\nperiod =')
for name, text, *said in (
        ("word", "0 1\n1 two\n", "word.txt:2: '1 two' is no edge"), ("short", "0 1\n\n3\n", "short.txt:3: '3' is no edge"), ("long", "0 1 0.1 0.2\n", "long.txt:1:"),
        ("minus", "0 -1\n", "minus.txt:1:"), ("loop", "0 1\n2 2 # self\n", "loop.txt:2: an edge from 2 to itself"),
        ("twice", "0 1\n1 2\n2 3\n1 0\n", "twice.txt:4: the edge between 0 and 1 stands in line 1 already"),
        ("heavy", "0 1 1.5\n", "heavy.txt:1: '1.5' is no weight"), ("none", "0 1 0\n", "none.txt:1: '0' is no weight"), ("nan", "0 1 nan\n", "nan.txt:1:"),
        ("some", "0 1 0.2\n1 2\n", "some.txt:2: this edge has no weight"), ("sum", "0 1 0.5\n1 2 0.6\n2 3 0.1\n", "sum.txt:2: with this edge the weights of 1 make more than 1"),
        ("apart", "0 1\n2 3\n", "apart.txt: no way leads from 0 to 2"), ("empty", "# nothing\n", "empty.txt: holds no edges"),
        ("swap", "0 1 0.5\n1 2 0.5\n2 3 0.5\n3 0 0.5\n", "swap.txt: every rank gives all of its weight away"),
        ("many", "0 1\n1 2\n2 3\n3 4\n", "many.txt:4: there is no peer 4: the run has 4 peers, 0 to 3"),
        ("few", "0 1\n1 2\n", "few.txt: no edge reaches peer 3: the run has 4 peers")):
    write(name + ".txt", text)
    expect(2, ["sim", write("graph.toml", graph.format(name)), "--quiet"], *said)
    expect(2, ["check", "graph.toml"], *said)
expect(2, ["sim", write("graph.toml", graph.format("nowhere")), "--quiet"], "graph.toml:6:9: graph file:", "nowhere.txt", "no such file")
write("path.txt", "# a path\n0 1\n1 2\n3,2\n")
expect(0, ["sim", write("graph.toml", graph.format("path")), "--until", "1s", "--quiet", "--out", "graph"], stdout="trace ")
expect(0, ["sim", "graph/config.toml", "--until", "1s", "--quiet"], stdout="trace ")
expect(0, ["sim", "good.toml", "--set", "exchange.kind=dpsgd", "--set", "exchange.clock=rounds", "--set", "exchange.graph=file:path.txt", "--until", "1s", "--quiet"], stdout="trace ")
expect(2, ["sim", "good.toml", "--set", "exchange.kind=outer", "--set", "exchange.size=5", "--set", "membership.kind=partial"], "outer needs everybody to agree")
expect(2, ["sim", "graph.toml", "--nodes", "5", "--quiet"], "path.txt: no edge reaches peer 4")
write("path.txt", "0 1\n1 2\n0 3\n")
expect(2, ["sim", "graph/config.toml", "--quiet"], "config.toml:", "is not the graph that this run had")
expect(2, ["sim", write("hash.toml", graph.replace("file:{}.txt", "ring").replace("clock", "graph_hash = \"0\"\nclock")), "--quiet"], "'graph_hash' belongs to graph =")
expect(0, ["sim", "good.toml", "--until", "1s", "--quiet"], stdout="trace ")

# outer steps that drive peers apart, or hardly help
outer = world.replace('period =', 'kind = "outer"\nrate = 0.7\nmomentum = MOMENTUM\nperiod =')
for verb in "sim", "check":
    expect(2, [verb, write("apart.toml", outer.replace("MOMENTUM", "0.9"))], "apart.toml: ", "multiplies the spread by 1.09", "momentum = 0.5 and rate = 0.7")
expect(0, ["check", write("hardly.toml", outer.replace("MOMENTUM", "0.8"))], "warning: ", "multiplies the spread by 0.99")
expect(0, ["sim", "hardly.toml", "--until", "1s", "--quiet"], "warning: hardly.toml: ")
expect(0, ["check", write("diloco.toml", outer.replace("MOMENTUM", '0.9\nsize = "all"'))])
expect(0, ["sim", "good.toml"], stdout="trace ", env={"GRAPEVINE_UNTIL": "1s"})
expect(0, ["check", "good.toml"], stdout="probe_timeout")
expect(0, ["init", "new"], stdout="run.toml")
expect(0, ["check", "new/run.toml"], stdout='kind = "mlp"')
expect(2, ["init", "new"], "is there already")

expect(0, ["sim", write("nogroup.toml", 'until = "1s"\n[model]\nkind = "average"\n'), "--quiet"], stdout="4 peers")
expect(0, ["sim", "nogroup.toml", "--nodes", "7", "--quiet"], stdout="7 peers")
expect(0, ["sim", "/dev/null", "--until", "1s", "--quiet"], stdout="4 peers")
expect(2, ["sim", "good.toml", "--nodes", "1000000"], "need about", "fewer peers")
expect(0, ["sim", write("late.toml", world + '[[event]]\nat = "2h"\nkind = "crash"\nnodes = "p:1"\n'), "--until", "1s", "--quiet"], "after the end")
joins = world + '[membership]\nstart = "join"\nover = "10s"\n[[event]]\nat = "3s"\nkind = "join"\ngroup = "p"\ncount = 2\n[[expect]]\nmetric = "peers_alive"\nequals = 6\n'
expect(0, ["sim", write("joins.toml", joins), "--until", "20s", "--quiet"], stdout="holds")
again = world + '[[event]]\nat = "2s"\nkind = "crash"\nnodes = "*"\n[[event]]\nat = "5s"\nkind = "join"\ngroup = "p"\n[[expect]]\nmetric = "peers_alive"\nequals = 1\n'
expect(0, ["sim", write("again.toml", again), "--until", "20s", "--quiet"], stdout="holds")

# data
missing = 'until = "1s"\n[model]\nkind = "mlp"\n[data]\nset = "fashion-mnist"\ndirectory = "/nonexistent"\n[[group]]\nname = "p"\ncount = 2\n'
expect(2, ["sim", write("missing.toml", missing)], "apt-get install dataset-fashion-mnist")
expect(2, ["node", write("missing_node.toml", missing), "--port", "0"], "dataset-fashion-mnist")
expect(2, ["data", "show", "mnist-fashion"], "no data set")
expect(0, ["data", "list"], stdout="fashion-mnist")

# results that cannot be written
write("file", "not a directory")
expect(2, ["sim", "good.toml", "--out", "file/run"], "file")
expect(0, ["sim", "good.toml", "--until", "1s", "--out", "run", "--quiet"], stdout="files")
expect(2, ["sim", "good.toml", "--until", "1s", "--out", "run", "--quiet"], "run")
expect(0, ["sim", "good.toml", "--until", "1s", "--out", "run", "--quiet", "--overwrite"], stdout="files")
expect(1, ["sim", "good.toml", "--until", "60s", "--out", "run", "--quiet", "--overwrite"], "cannot write 'run/", "--out", stdout="trace ", disk=8192)
expect(2, ["report", "new"], "holds neither a run nor a comparison")
expect(0, ["report", "run"], stdout="report.html")

# expectations and targets
hope = world.replace('"average"', '"average"\ninitial = "normal"') + '[[expect]]\nmetric = "consensus_distance"\nat_most = {}\n'
expect(7, ["sim", write("hope.toml", hope.format("0")), "--until", "1s", "--quiet"], "did not come true")
expect(0, ["sim", write("sure.toml", hope.format("100")), "--until", "1s", "--quiet"], stdout="holds")
blobs = 'until = "3s"\n[model]\nkind = "logistic"\n[data]\nset = "blobs"\n[[group]]\nname = "p"\ncount = 3\n'
expect(3, ["sim", write("blobs.toml", blobs), "--target", "1", "--learning-rate", "0.000001", "--quiet"], "target was not reached")

# several runs
rig = world + '[[event]]\nat = "1s"\nkind = "crash"\nnodes = "p:1"\n[sweep]\n"event.0.nodes" = ["p:1", "p:2"]\n[[sweep.variant]]\nname = "a"\n[[sweep.variant]]\nname = "b"\nset = { "membership.lifeguard" = false }\n'
few = '[[expect]]\nmetric = "peers_alive"\nover = "{}"\nat_most = {}\n'
expect(0, ["sim", write("rig.toml", rig + few.format("median", 3)), "--until", "3s", "--quiet", "--seeds", "2", "--out", "sweep"], stdout="holds  median of peers_alive")
check(len(open("sweep/sweep.csv").readlines()) == 9 and os.path.exists("sweep/b-p_2-seed-2/summary.json"), f"a sweep of eight runs left something else: {os.listdir('sweep')}")
expect(0, ["sim", "sweep/b-p_2-seed-2/config.toml", "--quiet"], stdout="seed 2")
expect(7, ["sim", write("sums.toml", rig + few.format("sum", 9)), "--until", "3s", "--quiet", "--threads", "2"], "did not come true", stdout="FAILS  sum of peers_alive")
expect(0, ["sim", "rig.toml", "--until", "3s", "--quiet", "--sweep", "event.0.nodes=p:1,p:3", "--json"], stdout='"event.0.nodes": "p:3"')
expect(0, ["sim", "rig.toml", "--until", "3s", "--quiet", "--only", "b-p_2"], stdout="trace ")
expect(2, ["sim", "rig.toml", "--quiet", "--only", "b-p-2"], "no run 'b-p-2'", "did you mean 'b-p_2'?")
expect(2, ["sim", "rig.toml", "--sweep", "event.0.node=p:1,p:3", "--quiet"], "--sweep event.0.node=p:1,p:3: unknown key 'node'", "did you mean 'nodes'?")
expect(2, ["check", write("rigged.toml", rig.replace("lifeguard", "lifegard"))], "rigged.toml:18:", "unknown key 'lifegard'", "did you mean 'lifeguard'?")
expect(0, ["check", "rig.toml", "--set", "membership.period=2s"], stdout='period = "2s"')
expect(2, ["sim", "good.toml", "--set", "membership.perod=2s"], "--set membership.perod=2s: unknown key 'perod' in [membership]", "did you mean 'period'?")
expect(2, ["sim", "good.toml", "--set", "event.0.nodes=p"], "there is no [[event]] '0'", "none at all")
late = world + '[[expect]]\nmetric = "peers_alive"\nat = "9s"\nequals = 4\n'
expect(0, ["sim", write("expectlate.toml", late), "--until", "3s", "--quiet"], "lies after the end of the run")

expect(1, ["sim", write("wild.toml", blobs + '[train]\nlearning_rate = 1e38\n'), "--quiet"], "diverged")

# nodes
taken = socket.socket()
taken.bind(("127.0.0.1", 0))
taken.listen()
port = str(taken.getsockname()[1])
expect(2, ["node", "blobs.toml", "--listen", f"127.0.0.1:{port}"], port, "in use", "--listen")
expect(2, ["node", "blobs.toml", "--port", "0", "--status", port], port, "--status")
expect(2, ["node", "blobs.toml", "--listen", "0.0.0.0"], "--insecure")
expect(2, ["node", "blobs.toml", "--join", "host:port"], "--join 'host:port' is not an address", "dns:NAME")
expect(2, ["node", "blobs.toml", "--join", "dsn:grapevine"], "did you mean dns:grapevine?")
expect(2, ["node", "blobs.toml", "--join", "dns:"], "'dns:' is not a name")
expect(2, ["node", "blobs.toml", "--join", "file:"], "names no file")
expect(2, ["node", "blobs.toml", "--join", "a,slurm"], "--join slurm: ", "no Slurm job", env={"SLURM_JOB_NODELIST": ""})
expect(2, ["node", "blobs.toml"], "SLURM_JOB_NODELIST: 'n[3-1]' in a list of hosts", env={"GRAPEVINE_JOIN": "slurm", "SLURM_JOB_NODELIST": "n[3-1]"})
expect(2, ["node", "blobs.toml", "--join", "slurm"], "SLURM_LOCALID: 'x'", env={"SLURM_JOB_NODELIST": "n", "SLURM_LOCALID": "x"})
expect(2, ["node", "blobs.toml", "--join", "slurm", "--port", "0"], "the other tasks could not know our port", env={"SLURM_JOB_NODELIST": "n"})
expect(2, ["node", "blobs.toml", "--join", "env"], "no MASTER_ADDR", env={"MASTER_ADDR": ""})
expect(2, ["node", "blobs.toml", "--join", "env"], "MASTER_PORT: 'x' is not a port", env={"MASTER_ADDR": "a", "MASTER_PORT": "x"})
expect(2, ["node", "blobs.toml", "--join", "a", "--require-peers", "1", "--join-patience", "soon"], "is not a duration")
expect(2, ["node", "blobs.toml", "--join", "a", "--join-patience", "5s"], "--require-peers N")
expect(2, ["node", "blobs.toml", "--shard", "5/4"], "is not a part")
expect(2, ["node", "blobs.toml", "--data-private"], "private data are files of one's own")
expect(2, ["node", "blobs.toml", "--batch", "autos"], "--batch wants a number")
expect(2, ["sim", "blobs.toml", "--batch", "auto"], "--batch wants a number")
expect(2, ["node", "--join", "127.0.0.1:9", "--data-private", "--shard", "1/2"], "each has its own")
expect(2, ["node", "blobs.toml", "--name", "two words"], "cannot be a name")
expect(2, ["node", "rounds.toml"], "rounds")
expect(2, ["node", "--join", "127.0.0.1:1", "--learning-rate", "0.1"], "belongs to the run")
expect(6, ["node", "blobs.toml", "--port", "0", "--device", "cuda:99"], "cuda:99 is not there")
for flag in "uplink", "downlink":
    for rate in "fast", "50", "-5Mbit", "5 Mbyte", "Mbit", "1e3Mbit", "nanMbit", "infMbit", "0Mbit", "7.9kbit", "1e300Gbit", "9" * 70 + "bit", "":
        expect(2, ["node", "blobs.toml", f"--{flag}", rate], f"--{flag} '{rate}' is not a rate, or below 8 kbit", "50Mbit")
    expect(2, ["node", "blobs.toml"], f"--{flag} '5 furlongs' is not a rate", env={f"GRAPEVINE_{flag.upper()}": "5 furlongs"})
    expect(2, ["node", "blobs.toml", f"--{flag}", "1Mbit", f"--{flag}", "2Mbit"], "is given twice")
    expect(6, ["node", "blobs.toml", "--port", "0", "--device", "cuda:99", f"--{flag}", "8kbit"], "cuda:99 is not there")  # the least that is taken
expect(2, ["node", "blobs.toml", "--uplnk", "1Mbit"], "did you mean --uplink?")
donors = 'until = "1s"\n[data]\nset = "blobs"\n[exchange]\n'
expect(2, ["node", write("donors.toml", donors + "donors = 65\n")], "donors.toml:5:10: ", "out of range", "from 0 to 64")
expect(2, ["node", write("donors.toml", donors + "donor = 3\n")], "donors.toml:5:1: unknown key 'donor'", "did you mean 'donors'?")
expect(2, ["node", write("donors.toml", donors + 'kind = "dpsgd"\ndonors = 3\n')], "donors.toml:6:1: 'donors' belongs to")
expect(0, ["check", write("donors.toml", donors + "donors = 64\n")], stdout="donors = 64")
expect(0, ["check", "donors.toml", "--set", "exchange.donors=0"], stdout="donors = 0")

# Where to look for others: words that are read before anybody is asked.
for words, *said in ((",", "--join ',' names nobody"), (",,", "names nobody"), (" ", "is not an address"), ("a:65536", "'a:65536' is not an address"), ("[::1", "is not an address"),
                     ("http://a:1", "is not an address"), ("dns:a:x", "is not a name"), ("dns:" + "a" * 254, "is not a name"), ("\x1b[2J", "'?[2J' is not an address"), ("env:a", "is not an address"),
                     ("slurm:a", "is not an address"), ("x" * 10_000, "x..."), (",".join(["a"] * 3) + ",file", "'file' wants more")):
    done = expect(2, ["node", "blobs.toml", "--join", words], *said)
    check(len(done.stderr) < 1000 and "\x1b" not in done.stderr, f"--join of {len(words)} characters is answered with {len(done.stderr)}")
for variables, *said in (({"MASTER_ADDR": "a b"}, "MASTER_ADDR: 'a b' is not an address"), ({"MASTER_ADDR": "a", "MASTER_PORT": "65536"}, "MASTER_PORT: '65536' is not a port"),
                         ({"MASTER_ADDR": "a", "MASTER_PORT": "-1"}, "MASTER_PORT: '-1' is not a port")):
    expect(2, ["node", "blobs.toml", "--join", "env"], *said, env=variables)
for variables, *said in (({"SLURM_JOB_NODELIST": "n[1-10001]"}, "up to 10000 hosts"), ({"SLURM_JOB_NODELIST": "n[1-1000]", "SLURM_TASKS_PER_NODE": "101"}, "up to 100000 tasks"),
                         ({"SLURM_JOB_NODELIST": "n", "SLURM_TASKS_PER_NODE": "2(x"}, "SLURM_TASKS_PER_NODE: '2(x' cannot be read")):
    expect(2, ["node", "blobs.toml", "--join", "slurm"], *said, env=variables)

# bench
expect(2, ["bench"], "what to measure")
expect(2, ["bench", "nets"], "bench does not know 'nets'")
for words, *said in ((["--size", "0"], "--size 0 is out of range"), (["--size", "101"], "--size 101 is out of range", "between 1 and 100"), (["--size", "big"], "--size wants a number"), (["--size", "nan"], "--size nan is out of range"),
                     (["--seconds", "0"], "--seconds 0 is out of range"), (["--seconds", "601"], "--seconds 601 is out of range"), (["--seconds", "-1"], "is out of range"), (["--peer", "127.0.0.1"], "--peer '127.0.0.1' has no port"),
                     (["--peer", "a:b"], "--peer 'a:b' is not an address"), (["--peer", ":5"], "--peer ':5' is not an address"), (["--peer", "[::1"], "is not an address"), (["--serve", "127.0.0.1:65536"], "--serve '127.0.0.1:65536' is not an address"),
                     (["--serve", f"127.0.0.1:{port}"], port, "in use"), (["--serve", "127.0.0.1:0", "--peer", "127.0.0.1:1"], "one of the two here"), (["--servce", "127.0.0.1"], "did you mean --serve?")):
    expect(2, ["bench", "net", *words], *said)
expect(1, ["bench", "net", "--peer", "127.0.0.1:1", "--quiet"], "127.0.0.1:1")

# Keys and tokens.
expect(0, ["keygen", "-o", "a.key"], "wrote a.key")
expect(2, ["keygen", "-o", "a.key"], "'a.key' is there already", "choose another name")
expect(2, ["keygen", "-o", "none/a.key"], "cannot write 'none/a.key'", "does its directory exist")
expect(2, ["keygen", "--show", "-o", "none.key"], "cannot read 'none.key'")
public = expect(0, ["keygen", "--show", "-o", "a.key"]).stdout.strip()
check(len(public) == 64 and os.stat("a.key").st_mode & 0o777 == 0o600, "keygen's key, and who may read it")
other = expect(0, ["keygen", "-o", "b.key"]).stdout.strip()
expect(2, ["keygen", "c.key"], "grapevine keygen does not know what to do with 'c.key'")
expect(2, ["keygen", "-o"], "wants a value")
expect(2, ["keygen", "-o", "c.key", "-o", "d.key"], "is given twice")
expect(2, ["keygen", "--shwo"], "did you mean --show?")
expect(2, ["keygen", "-o", "."], "'.' is there already")
expect(2, ["keygen", "--show", "-o", "."], "'.' is no file")
expect(2, ["keygen", "--show", "-o", write("two.key", open("a.key").read() * 2)], "two.key:5: a second secret key")
secret = open("a.key").read().split("secret = ")[1][:64]
done = expect(2, ["keygen", "--show", "-o", write("misspelt.key", f"secert = {secret}\n")], "misspelt.key:1: 'secert' belongs into no key file")
done2 = expect(2, ["node", "blobs.toml", "--key-file", write("bare.key", secret + "\n")], "bare.key:1: what stands here belongs into no key file")
check(secret[:16] not in done.stderr + done2.stderr, "a secret that was misspelt is shown")
check(not os.path.exists("c.key") and not os.path.exists("d.key"), "keygen wrote a key though it was asked wrong")
expect(2, ["node", "blobs.toml", "--key-file", "none.key"], "cannot read 'none.key'", "grapevine keygen")
expect(2, ["node", "blobs.toml", "--key-file", "."], "'.' is no file")
expect(2, ["node", "blobs.toml", "--key-file", write("torn.key", "# mine\nsecret = 12\n")], "torn.key:2: the secret key is not 64 digits")
expect(2, ["node", "blobs.toml", "--key-file", write("public.key", f"public = {public}\n")], "holds no secret key", "--allow")
expect(2, ["node", "blobs.toml", "--key-file", write("long.key", "#" * 4097)], "more than 4096 bytes")
expect(2, ["node", "blobs.toml", "--allow", write("list", public)], "--allow without --key-file")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", "none.list"], "cannot read 'none.list'")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("bad.list", f"{public} a\n\n{other[1:]} b\n")], "bad.list:3: ", "is no public key")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("twice.list", f"{public}\n{public}\n")], "twice.list:2: this key is in line 1 already")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("empty.list", "# nobody\n")], "allows nobody")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", "."], "'.' is no file")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("long.list", f"{public} {'n' * 65}\n")], "long.list:1: a name of more than 64 characters")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("odd.list", f"{public} a\x1b[2J\n")], "odd.list:1: a name with characters that cannot be shown")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("bytes.list", bytes(range(256)))], "is no public key")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("zero.list", "0" * 64)], "is no public key")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", write("huge.list", "#" * (4 * 1024 * 1024 + 1))], "more than 4194304 bytes")
expect(2, ["node", "blobs.toml", "--key-file", "a.key", "--allow", "a.key"], "a.key:2: a secret key in a list of public ones")
expect(2, ["node", "--join", f"{public}@127.0.0.1:9"], "--join names a key, and there is no --key-file")
expect(2, ["node", "--join", "12@127.0.0.1:9", "--key-file", "a.key"], "does not begin with a public key", "KEY@HOST:PORT")
expect(2, ["node", "--join", f"{other}@127.0.0.1:9", "--key-file", "a.key"], "which is not let in here", "--allow")
expect(2, ["node", "--join", f"{other}@127.0.0.1:9", "--key-file", "a.key", "--allow", "list"], "add it to list")
expect(2, ["node", "blobs.toml", "--status-token", write("short.token", "abc\n")], "short.token:1: a token of 3 characters", "16 to 256")
expect(2, ["node", "blobs.toml", "--status-token", write("odd.token", "0123456789abcdef g\n")], "odd.token:1: a token with other characters")
expect(2, ["node", "blobs.toml", "--status-token", "none.token"], "cannot read 'none.token'")
expect(2, ["members", "--token-file", "none.token"], "cannot read 'none.token'")
expect(2, ["node", "blobs.toml", "--status", "here"], "is not a port")

expect(2, ["doctor", "--peer", "a:b"], "--peer 'a:b' is not an address")
expect(2, ["doctor", "--join", "dsn:a"], "did you mean dns:a?")
expect(1, ["doctor", "--peer", "127.0.0.1:1"], stdout="Connection refused")

# asking nodes, of which there are none
for words in (["members"], ["info"], ["monitor"], ["rtt", "a"], ["join", "a"], ["leave"], ["force-leave", "a"]):
    expect(1, [*words, "--at", "1"], "no node answers at 127.0.0.1:1", "'grapevine node' starts one")
    expect(2, [*words, "--at", "nobody-of-that-name"], "no node 'nobody-of-that-name'")
expect(2, ["members", "--status", "gone"], "no member is ever 'gone'", "suspect")
expect(2, ["members", "--standing", "alive"], "no option --standing")
expect(1, ["members", "--at", "1"], "no node answers", env={"GRAPEVINE_STATUS": "7472"})  # of `node`, whose port it is
expect(2, ["rtt"], "rtt wants a member")
expect(2, ["rtt", "a", "b", "c"], "does not know what to do with 'c'")
expect(2, ["rtt", "a", "--pings", "0"], "--pings 0 is out of range")
expect(2, ["join"], "join wants an address")
expect(2, ["join", "a:b", "--at", "1"], "'a:b' is not an address")
expect(1, ["join", "file:nowhere", "--at", "1"], "file:nowhere: not there", "no address to join through")
expect(2, ["force-leave"], "force-leave wants a member")
expect(2, ["force-leve", "a"], "did you mean 'grapevine force-leave'?")
expect(2, ["monitor", "--kind", "deaad"], "no event is of kind 'deaad'", "did you mean --kind dead?")
expect(2, ["monitor", "--last", "many"], "--last wants a number")
expect(2, ["eval", "good.toml"], "good.toml")
expect(2, ["eval"], "eval wants a model file")
expect(2, ["compare", "good.toml", "--against", "fedagv"], "did you mean 'fedavg'?")
expect(2, ["compare", "good.toml", "--methods", "allreduc"], "did you mean 'allreduce'?")
expect(2, ["compare", "good.toml", "--rates", "0.1"], "add --tune")
expect(2, ["compare", "good.toml", "--tune", "--rates", "0.1,x"], "'x' is no learning rate")
expect(2, ["compare", "good.toml", "--tune", "--rates", "0.1,0.1"], "twice")
expect(2, ["compare", "good.toml", "--tune", "--real"], "simulated time only")
expect(2, ["compare", "good.toml", "--against", "allreduc"], "did you mean 'allreduce'?")

finish("bad input")
