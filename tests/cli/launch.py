#!/usr/bin/env python3
"""The launch files of examples/launch are what they should be: their command lines are read by `grapevine node`, their ports
are the program's, their patience is longer than a graceful leave; systemd reads the unit.
usage: launch.py GRAPEVINE EXAMPLES/LAUNCH"""

import os
import re
import shlex
import shutil
import subprocess
import sys

files = os.path.abspath(sys.argv[2])

from cases import check, environment, expect, finish, program, write  # noqa: E402

LEAVE = 15 + 5  # s: to merge and to say goodbye at most


def text(name):
    with open(os.path.join(files, name)) as f:
        return f.read()


def read_by_node(name, words, variables=None):
    """A node is started by this line, and must get as far as its data, which are not there: all before it was understood."""
    words = [re.sub(r"\$\(?\{?\w+\}?\)?", "127.0.0.1", word) for word in words]
    check(words[0] == "node", f"{name} starts {words[0]}, not a node")
    expect(2, [*words, "--port", "0", "--device", "cpu"], "no-such-directory", env={**(variables or {}), "GRAPEVINE_DATA_DIR": "/no-such-directory"})


run = write("run.toml", 'until = "1s"\n[data]\nset = "fashion-mnist"\n')

# systemd
unit = text("grapevine.service")
settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#") and not line.startswith("Environment"))
check(settings["KillSignal"] == "SIGTERM" and int(settings["TimeoutStopSec"].rstrip("s")) >= 2 * LEAVE, "systemd kills a node before it has left")
variables = dict(line.split("=", 1) for line in text("node.env").splitlines() if line and not line.startswith("#"))
check(settings["ExecStart"].startswith("/usr/bin/grapevine node ") and "GRAPEVINE_ARGUMENTS" in settings["ExecStart"], f"the unit starts {settings['ExecStart']}")
check(variables.pop("GRAPEVINE_ARGUMENTS").endswith(".toml"), "the unit is given no run")
known = subprocess.run([program, "help", "node"], capture_output=True, text=True).stdout
for name in variables:
    check(f"--{name.removeprefix('GRAPEVINE_').lower().replace('_', '-')} " in known, f"node.env sets {name}, which is no option of a node")
line = settings["ExecStart"].replace("%H", "host").replace("${STATE_DIRECTORY}", "state").replace("$GRAPEVINE_ARGUMENTS", run)
read_by_node("grapevine.service", shlex.split(line)[1:], {"GRAPEVINE_JOIN": variables["GRAPEVINE_JOIN"]})
if shutil.which("systemd-analyze"):
    write("grapevine.service", unit.replace("/usr/bin/grapevine", program))
    said = subprocess.run(["systemd-analyze", "verify", "./grapevine.service"], capture_output=True, text=True)
    check(said.returncode == 0 and not said.stderr, f"systemd-analyze verify: {said.stderr}")
else:
    print("launch: skipped: no systemd-analyze here; the unit was not read by systemd")

# Slurm
script = text("grapevine.sbatch")
check(subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0, "bash cannot read the batch script")
check(int(re.search(r"--signal=TERM@(\d+)", script).group(1)) >= 2 * LEAVE, "Slurm ends the job before the nodes have left")
command = script[script.index("exec grapevine") + 5:].replace("\\\n", " ").replace("' sh", "")
words = shlex.split(command.replace('"$@" --out', "--out").replace('"$@"', run).replace('"$first"', "27000"))
words = [w for w in words[1:] if w != "--port" and w != "27000"]
job = {"SLURM_JOB_NODELIST": "here", "SLURMD_NODENAME": "here", "SLURM_LOCALID": "0", "SLURM_PROCID": "0"}
expect(2, [*words, "--port", "27000", "--insecure", "--device", "cpu"], "no-such-directory", env={**job, "GRAPEVINE_DATA_DIR": "/no-such-directory"})

# Kubernetes and containers
try:
    import yaml
except ImportError:
    print("launch: skipped: no python3-yaml here; the files of Kubernetes and compose were not read")
    finish("launch")
    sys.exit()
things = {thing["kind"]: thing for thing in yaml.safe_load_all(text("kubernetes.yaml"))}
service, group = things["Service"]["spec"], things["StatefulSet"]["spec"]
pod = group["template"]["spec"]
node = pod["containers"][0]
ports = {port["name"]: port["port"] for port in service["ports"]}
check(ports == {"control": 7470, "bulk": 7471, "status": 7472}, f"the service's ports are {ports}")
check(ports == {port["name"]: port["containerPort"] for port in node["ports"]}, "the pod has other ports than the service")
check(service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True, "the service is not headless, or hides who is not ready yet")
check(service["selector"].items() <= group["template"]["metadata"]["labels"].items(), "the service does not select the pods")
check(group["serviceName"] == things["Service"]["metadata"]["name"] and f"--join=dns:{group['serviceName']}:7470" in node["args"], "the pods do not join by the service's name")
check(group["podManagementPolicy"] == "Parallel" and pod["terminationGracePeriodSeconds"] >= 2 * LEAVE, "pods start one after the other, or are killed before they have left")
probes = [node[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
check([p["path"] for p in probes] == ["/healthz", "/readyz", "/healthz"] and all(p["port"] == "status" for p in probes), f"the probes are {probes}")
given = {e["name"]: e.get("value") for e in node["env"]}
token = write("token", "0123456789abcdef\n")
args = [run if a == "/etc/grapevine/run.toml" else f"--status-token={token}" if a == "--status-token=/etc/grapevine-status/token" else "--status=0" if a.startswith("--status=") else "--listen=127.0.0.1" if a.startswith("--listen") else a for a in node["args"]]
read_by_node("kubernetes.yaml", [a.replace("--out=/var/lib/grapevine/run", "--out=pod") for a in args], {k: v for k, v in given.items() if v})
mounts = {mount["mountPath"]: mount["name"] for mount in node["volumeMounts"]}
check("--status-token=/etc/grapevine-status/token" in node["args"] and {v["name"]: v for v in pod["volumes"]}[mounts["/etc/grapevine-status"]]["secret"]["secretName"] in text("kubernetes.yaml").split("apiVersion")[0],
      "off loopback the status port wants a token, which no secret holds, or none that the first lines make")
volumes = {v["name"] for v in pod["volumes"]} | {v["metadata"]["name"] for v in group["volumeClaimTemplates"]}
check(set(mounts.values()) == volumes, f"mounts {mounts} and volumes {volumes} do not agree")
expect(0, ["check", write("pod.toml", things["ConfigMap"]["data"]["run.toml"])], stdout='name = "fashion"')

composed = yaml.safe_load(text("compose.yaml"))["services"]
for service in composed.values():
    check(int(service["stop_grace_period"].rstrip("s")) >= 2 * LEAVE, "compose kills a node before it has left")
    read_by_node("compose.yaml", [run if w == "/run.toml" else w.replace("0.0.0.0", "127.0.0.1") for w in service["command"]])
image = text("Containerfile")
check("EXPOSE 7470 7471 7472" in image and 'ENTRYPOINT ["/usr/bin/grapevine"]' in image and "USER 65532" in image, "the image is not what the other files think it is")

finish("launch")
