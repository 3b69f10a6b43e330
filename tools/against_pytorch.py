"""Samples a second of `grapevine bench step` beside PyTorch's, eager, on a CPU: the same models, batch and optimizer (SGD without
momentum), each measured in turn several times, so that what slows the machine slows both.

PyTorch has its pictures in memory as float32 already, its batch is one indexing by shuffled rows, and its gradients are set to None:
nothing that a careful user would not do. A ratio is taken within a round, to the best of PyTorch's thread counts (1 and all cores)
and, for the cnn, with pictures as it has them by default; channels_last is shown beside it. Median over the rounds, and their range.

Exit code: 0; 77 if PyTorch is not there and nothing could be compared; 1 if a measurement failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def train(model, threads, seconds, batch, channels, layout):
    """In a process of its own: prints samples a second, of the wall's clock and of CPU time."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(1)
    torch.set_num_threads(threads)
    if model == "mlp":
        net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    else:
        layers, before, side = [], 1, 28
        for c in channels:
            layers += [nn.Conv2d(before, c, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            before, side = c, side // 2
        net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * side * side, 128), nn.ReLU(), nn.Linear(128, 10))
    shape = (-1, 784) if model == "mlp" else (-1, 1, 28, 28)
    x = (torch.randint(0, 256, (60000, 784), dtype=torch.uint8).float() / 255).view(*shape)
    y = torch.randint(0, 10, (60000,))
    if layout == "channels_last":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    order = torch.randperm(60000)
    at = 0

    def steps(n):
        nonlocal at
        for _ in range(n):
            rows = order[at : at + batch]
            at = (at + batch) % (60000 - batch)
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()

    steps(20)
    wall, cpu, began = [], [], time.perf_counter()
    while len(wall) < 3 or time.perf_counter() - began < seconds:
        t, c = time.perf_counter(), time.process_time()
        steps(20)
        wall.append(20 * batch / (time.perf_counter() - t))
        cpu.append(20 * batch / (time.process_time() - c))
    print(json.dumps({"wall": statistics.median(wall), "cpu": statistics.median(cpu)}))


def ours(a, model, seconds):
    return subprocess.Popen([a.grapevine, "bench", "step", "--json", "--quiet", "--model", model, "--batch", str(a.batch), "--channels", a.channels, "--seconds", str(seconds)],
                            stdout=subprocess.PIPE, text=True)


def answer(process):
    out = process.communicate()[0]
    if process.returncode != 0:
        sys.exit(f"against_pytorch: {' '.join(process.args)} ended with exit code {process.returncode}")
    return json.loads(out)


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} .. {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(prog="against_pytorch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grapevine", required=True, help="the program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--channels", default="32,64", help="of the cnn's convolutions")
    parser.add_argument("--models", default="mlp,cnn")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)  # model, threads, layout: the process that train() runs in
    a = parser.parse_args()
    channels = [int(c) for c in a.channels.split(",")]
    if a.train:
        model, threads, layout = a.train
        return train(model, int(threads), a.seconds, a.batch, channels, layout)

    have = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    version = have.stdout.strip() if have.returncode == 0 else None
    if not version:
        print("skipped: beside PyTorch: python3 has no torch here (apt-get install python3-torch)", file=sys.stderr)
    cores = len(os.sched_getaffinity(0))

    def theirs(model, threads, layout):
        own = [sys.executable, os.path.abspath(__file__), "--grapevine", a.grapevine, "--seconds", str(a.seconds), "--batch", str(a.batch), "--channels", a.channels]
        return answer(subprocess.Popen(own + ["--train", model, str(threads), layout], stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)}))

    report = {"pytorch": version, "cores": cores, "batch": a.batch, "channels": channels, "rounds": a.rounds, "models": {}}
    for model in a.models.split(","):
        ways = [(threads, layout) for layout in (["default"] if model == "mlp" else ["default", "channels_last"]) for threads in sorted({1, cores})]
        one, cpu, peak, two, best = [], [], [], [], {"default": [], "channels_last": []}
        per_cpu, rates = [], {way: [] for way in ways}
        for _ in range(a.rounds):
            mine = answer(ours(a, model, a.seconds))["models"][0]
            one.append(mine["samples_per_second"])
            cpu.append(mine["samples_per_cpu_second"])
            peak.append(mine["products_peak_ratio"])
            pair = [ours(a, model, a.seconds) for _ in range(2)]
            two.append(sum(answer(p)["models"][0]["samples_per_second"] for p in pair) / one[-1])
            if not version:
                continue
            measured = {way: theirs(model, *way) for way in ways}
            for way, m in measured.items():
                rates[way].append(m["wall"])
            for layout in best:
                fastest = [m["wall"] for way, m in measured.items() if way[1] == layout]
                if fastest:
                    best[layout].append(one[-1] / max(fastest))
            per_cpu.append(cpu[-1] / measured[(1, "default")]["cpu"])
        report["models"][model] = {
            "samples_per_second": one, "samples_per_cpu_second": cpu, "products_peak_ratio": peak, "two_peers_over_one": two,
            "pytorch_samples_per_second": {f"{threads} threads, {layout}": r for (threads, layout), r in rates.items()},
            "over_pytorch": best["default"], "over_pytorch_channels_last": best["channels_last"], "over_pytorch_cpu_time": per_cpu,
        }
    if a.json:
        print(json.dumps(report, indent=1))
    else:
        print(f"batch {a.batch}, {a.rounds} rounds, {cores} cores, PyTorch {version or 'skipped'}; median (range)\n")
        for model, m in report["models"].items():
            print(f"{model}")
            print(f"  samples/s, one core              {statistics.median(m['samples_per_second']):,.0f} ({min(m['samples_per_second']):,.0f} .. {max(m['samples_per_second']):,.0f})")
            for way, r in m["pytorch_samples_per_second"].items():
                print(f"  PyTorch, {way:<23} " + (f"{statistics.median(r):,.0f} ({min(r):,.0f} .. {max(r):,.0f})" if r else "skipped"))
            print(f"  over PyTorch's best              {spread(m['over_pytorch']) if m['over_pytorch'] else 'skipped'}")
            if m["over_pytorch_channels_last"]:
                print(f"  over its best with channels_last {spread(m['over_pytorch_channels_last'])}")
            if m["over_pytorch_cpu_time"]:
                print(f"  the same by CPU time, 1 thread   {spread(m['over_pytorch_cpu_time'])}")
            print(f"  products over the FMA peak       {spread(m['products_peak_ratio'])}")
            print(f"  two local peers over one         {spread(m['two_peers_over_one'])}")
    return 0 if version else 77


if __name__ == "__main__":
    sys.exit(main())
