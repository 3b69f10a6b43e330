#!/usr/bin/env python3
"""PyTorch on the same card as tools/gpu_check.sh: mixing, the MLP's step, a transformer of GPT-2's size. usage: gpu_check_torch.py DEVICE

Lines "NAME figures"; the first says which PyTorch."""

import sys
import time

import torch

DEVICE = f"cuda:{sys.argv[1] if len(sys.argv) > 1 else 0}"


def median_time(work, times=20, inner=1):
    for _ in range(3):
        work()
    torch.cuda.synchronize(DEVICE)
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        for _ in range(inner):
            work()
        torch.cuda.synchronize(DEVICE)
        taken.append((time.perf_counter() - begun) / inner)
    return sorted(taken)[len(taken) // 2]


def mix():
    ours = torch.randn(100_000_000, device=DEVICE)
    theirs = torch.randn_like(ours)

    def plain():
        ours.mul_(0.5).add_(theirs, alpha=0.5)

    def with_norms():
        distance, norm = (theirs - ours).norm(), ours.norm()
        ours.lerp_(theirs, 0.5)
        return distance, norm

    return f"mix {1e6 * median_time(lambda: ours.lerp_(theirs, 0.5)):.1f} us by lerp_, {1e6 * median_time(plain):.1f} us plainly, {1e6 * median_time(with_norms):.1f} us with both norms"


def mlp(name, half):
    torch.backends.cuda.matmul.allow_tf32 = False
    net = torch.nn.Sequential(torch.nn.Linear(784, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 10)).to(DEVICE)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, foreach=True)
    x, y = torch.randn(256, 784, device=DEVICE), torch.randint(0, 10, (256,), device=DEVICE)

    def step():
        optimizer.zero_grad(set_to_none=False)
        with torch.autocast("cuda", torch.bfloat16, enabled=half, cache_enabled=False):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()

    eager = median_time(step, inner=50)
    side = torch.cuda.Stream(DEVICE)
    side.wait_stream(torch.cuda.current_stream(DEVICE))
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream(DEVICE).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return f"{name} {1e6 * eager:.1f} us eager, {1e6 * median_time(graph.replay, inner=200):.1f} us as a CUDA graph of one step"


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.first, self.second = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = (part.view(b, t, self.heads, w // self.heads).transpose(1, 2) for part in self.qkv(self.first(x)).split(w, 2))
        x = x + self.out(torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, w))
        return x + self.down(torch.nn.functional.gelu(self.up(self.second(x)), approximate="tanh"))


class Transformer(torch.nn.Module):
    def __init__(self, vocabulary=256, length=1024, width=768, layers=12, heads=12):
        super().__init__()
        self.words, self.places = torch.nn.Embedding(vocabulary, width), torch.nn.Embedding(length, width)
        self.blocks = torch.nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.last, self.head = torch.nn.LayerNorm(width), torch.nn.Linear(width, vocabulary)

    def forward(self, words):
        x = self.words(words) + self.places(torch.arange(words.shape[1], device=words.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))


def gpt2():
    net = Transformer().to(DEVICE)
    compiled = torch.compile(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-4, fused=True)
    words = torch.randint(0, 256, (64, 1025), device=DEVICE)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(compiled(words[:, :-1]).view(-1, 256), words[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()

    return f"gpt2 {1e3 * median_time(step, times=5):.1f} ms by torch.compile"


def main():
    torch.cuda.set_device(DEVICE)
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name(DEVICE)}", flush=True)
    for measure in (mix, lambda: mlp("mlp_fp32", False), lambda: mlp("mlp_bf16", True), gpt2):
        print(measure(), flush=True)


if __name__ == "__main__":
    main()
