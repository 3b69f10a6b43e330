#!/usr/bin/env python3
"""Prints the numbers that pytorch_test.cpp holds grapevine against: the losses of the first five steps of each model of pictures and
rows, and where each optimiser brings three parameters. Both sides make data and initial parameters by the same formula.

    tests/learn/literals_from_pytorch.py            (Debian: python3-torch; 1.13 printed what stands there)

The losses are computed in float64.
"""
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
ROWS, SIDE, CHANNELS, CLASSES = 24, 8, 2, 5


def drawn(stream, i):
    """Evenly in [-1, 1)."""
    x = math.sin(i * 12.9898 + stream * 78.233) * 43758.5453
    return 2 * (x - math.floor(x)) - 1


def tensor(stream, shape, amplitude):
    n = math.prod(shape)
    return torch.tensor([amplitude * drawn(stream, i) for i in range(n)]).to(torch.float32).to(torch.float64).reshape(shape)


class Parameters:
    """In grapevine's order and shapes: dense (inputs, outputs), convolutions (side, side, inputs, outputs)."""

    def __init__(self):
        self.all = []

    def add(self, shape):
        amplitude = 0.1 if len(shape) == 1 else math.sqrt(3 / math.prod(shape[:-1]))
        self.all.append(tensor(len(self.all), shape, amplitude).requires_grad_())
        return self.all[-1]

    def dense(self, inputs, outputs):
        return self.add((inputs, outputs)), self.add((outputs,))

    def convolution(self, side, inputs, outputs):
        return self.add((side, side, inputs, outputs)), self.add((outputs,))


def dense(x, p):
    return x @ p[0] + p[1]


def convolve(x, p, stride=1):  # x as PyTorch has it: (rows, channels, height, width)
    return F.conv2d(x, p[0].permute(3, 2, 0, 1), p[1], stride=stride, padding=p[0].shape[0] // 2)


def flat(x):
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


def perceptron(p, hidden):
    sizes = [SIDE * SIDE * CHANNELS, *hidden, CLASSES]
    layers = [p.dense(a, b) for a, b in zip(sizes, sizes[1:])]

    def forward(x):
        x = flat(x)
        for layer in layers[:-1]:
            x = F.relu(dense(x, layer))
        return dense(x, layers[-1])

    return forward


def cnn(p):
    conv1, conv2 = p.convolution(3, CHANNELS, 4), p.convolution(3, 4, 6)
    hidden, out = p.dense(2 * 2 * 6, 7), p.dense(7, CLASSES)

    def forward(x):
        x = F.max_pool2d(F.relu(convolve(x, conv1)), 2)
        x = F.max_pool2d(F.relu(convolve(x, conv2)), 2)
        return dense(F.relu(dense(flat(x), hidden)), out)

    return forward


def residual(p):
    stem = p.convolution(3, CHANNELS, 4)
    a1, b1 = p.convolution(3, 4, 4), p.convolution(3, 4, 4)
    a2, b2, shortcut = p.convolution(3, 4, 6), p.convolution(3, 6, 6), p.convolution(1, 4, 6)
    out = p.dense(6, CLASSES)

    def forward(x):
        x = F.relu(convolve(x, stem))
        x = F.relu(x + convolve(F.relu(convolve(x, a1)), b1))
        x = F.relu(convolve(x, shortcut, 2) + convolve(F.relu(convolve(x, a2, 2)), b2))
        return dense(x.mean(dim=(2, 3)), out)

    return forward


def losses(make, optimiser, rate, loss=F.cross_entropy, clip=None):
    parameters = Parameters()
    forward = make(parameters)
    x = tensor(100, (ROWS, SIDE, SIDE, CHANNELS), 1).permute(0, 3, 1, 2)
    labels = torch.tensor([int((drawn(200, i) + 1) / 2 * CLASSES) for i in range(ROWS)])
    groups = [{"params": [p for p in parameters.all if p.dim() > 1]}, {"params": [p for p in parameters.all if p.dim() == 1], "weight_decay": 0}]
    optimiser = optimiser(groups)
    found = []
    for step in range(5):
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        value = loss(forward(x), labels)
        optimiser.zero_grad()
        value.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(parameters.all, clip)
        optimiser.step()
        found.append(f"{value.item():.8g}")
    return "{" + ", ".join(found) + "}"


SGD, AdamW = torch.optim.SGD, torch.optim.AdamW
print("logistic ", losses(lambda p: perceptron(p, []), lambda g: SGD(g, 1, weight_decay=0.01), lambda s: 0.5 * 0.5 ** (s // 2)))
print("svm      ", losses(lambda p: perceptron(p, []), lambda g: SGD(g, 1, momentum=0.9, weight_decay=0.05), lambda s: 0.1, F.multi_margin_loss))
print("mlp      ", losses(lambda p: perceptron(p, [6]), lambda g: SGD(g, 1, momentum=0.8, nesterov=True, weight_decay=0.02), lambda s: 0.1 * min(1, (s + 1) / 3), clip=0.4))
print("cnn      ", losses(cnn, lambda g: AdamW(g, 1, weight_decay=0.1), lambda s: 0.01 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * s / 8)))))
print("residual ", losses(residual, lambda g: AdamW(g, 1, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.01), lambda s: 0.003, clip=0.5))


def walked(optimiser, clip=None):
    """Three parameters down 1/2 sum_k (k + 1) (x_k - 1)^2, five steps."""
    x = torch.tensor([0.5, -1.0, 3.0], requires_grad=True)
    optimiser = optimiser([x])
    for _ in range(5):
        optimiser.zero_grad()
        (0.5 * torch.tensor([1.0, 2.0, 3.0]) * (x - 1) ** 2).sum().backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([x], clip)
        optimiser.step()
    return "{" + ", ".join(f"{v:.8g}" for v in x.tolist()) + "}"


print("sgd      ", walked(lambda p: SGD(p, 0.1, weight_decay=0.1)))
print("momentum ", walked(lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.1)))
print("nesterov ", walked(lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1)))
print("adamw    ", walked(lambda p: AdamW(p, 0.1, betas=(0.9, 0.99), weight_decay=0.1)))
print("clipped  ", walked(lambda p: SGD(p, 0.1), clip=1.5))
