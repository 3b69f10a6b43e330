"""Makes text_models_literals.hpp: losses of a GRU and a transformer of torch's own modules, in their first steps.

    /usr/bin/python3 tests/learn/text_models_literals.py > tests/learn/text_models_literals.hpp

Text and initial parameters come from formulas that the test evaluates too.
"""
import torch

torch.set_default_dtype(torch.float64)
WIDTH, LAYERS, HEADS, LENGTH, ROWS, RATE, STEPS = 8, 2, 2, 6, 4, 0.5, 6


def text():
    return torch.tensor([(31 * i * i + 7 * i) % 251 for i in range(ROWS * LENGTH + 1)])


def fill(parameters):
    """parameters: (name, tensor, whether it lies transposed here), in the order of the table."""
    with torch.no_grad():
        for number, (name, tensor, transposed) in enumerate(parameters):
            values = torch.tensor([((i * 7919 + number * 104729) % 2003) / 2003 - 0.5 for i in range(tensor.numel())])
            if name.endswith("gain"):
                values = 1 + values
            if transposed:
                tensor.copy_(values.reshape(tensor.shape[1], tensor.shape[0]).T)
            else:
                tensor.copy_(values.reshape(tensor.shape))


class Gru(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(256, WIDTH)
        self.gru = torch.nn.GRU(WIDTH, WIDTH, LAYERS, batch_first=True)
        self.out = torch.nn.Linear(WIDTH, 256)

    def forward(self, x):
        return self.out(self.gru(self.embed(x))[0])

    def table(self):
        yield "embed.w", self.embed.weight, False
        for l in range(LAYERS):
            yield f"gru{l + 1}.wi", getattr(self.gru, f"weight_ih_l{l}"), True
            yield f"gru{l + 1}.bi", getattr(self.gru, f"bias_ih_l{l}"), False
            yield f"gru{l + 1}.wh", getattr(self.gru, f"weight_hh_l{l}"), True
            yield f"gru{l + 1}.bh", getattr(self.gru, f"bias_hh_l{l}"), False
        yield "out.w", self.out.weight, True
        yield "out.b", self.out.bias, False


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)
        self.attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.wide, self.back = torch.nn.Linear(WIDTH, 4 * WIDTH), torch.nn.Linear(4 * WIDTH, WIDTH)
        self.gelu = torch.nn.GELU(approximate="tanh")

    def forward(self, x):
        n = self.norm1(x)
        later = torch.triu(torch.ones(LENGTH, LENGTH, dtype=torch.bool), 1)
        x = x + self.attention(n, n, n, attn_mask=later, need_weights=False)[0]
        return x + self.back(self.gelu(self.wide(self.norm2(x))))


class Transformer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.places = torch.nn.Embedding(256, WIDTH), torch.nn.Embedding(LENGTH, WIDTH)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        self.last, self.out = torch.nn.LayerNorm(WIDTH), torch.nn.Linear(WIDTH, 256)

    def forward(self, x):
        x = self.embed(x) + self.places(torch.arange(LENGTH))
        for block in self.blocks:
            x = block(x)
        return self.out(self.last(x))

    def table(self):
        yield "embed.w", self.embed.weight, False
        yield "embed.places", self.places.weight, False
        for b in self.blocks:
            yield "gain", b.norm1.weight, False
            yield "b", b.norm1.bias, False
            yield "attention.in.w", b.attention.in_proj_weight, True
            yield "attention.in.b", b.attention.in_proj_bias, False
            yield "attention.out.w", b.attention.out_proj.weight, True
            yield "attention.out.b", b.attention.out_proj.bias, False
            yield "gain", b.norm2.weight, False
            yield "b", b.norm2.bias, False
            yield "dense.in.w", b.wide.weight, True
            yield "dense.in.b", b.wide.bias, False
            yield "dense.out.w", b.back.weight, True
            yield "dense.out.b", b.back.bias, False
        yield "gain", self.last.weight, False
        yield "b", self.last.bias, False
        yield "out.w", self.out.weight, True
        yield "out.b", self.out.bias, False


def losses(model):
    fill(model.table())
    words = text()
    x = torch.stack([words[r * LENGTH : (r + 1) * LENGTH] for r in range(ROWS)])
    y = torch.stack([words[r * LENGTH + 1 : (r + 1) * LENGTH + 1] for r in range(ROWS)])
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    found = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x).reshape(-1, 256), y.reshape(-1))
        loss.backward()
        optimiser.step()
        found.append(loss.item())
    return found


print("#pragma once\n")
print("// Made by text_models_literals.py with torch", torch.__version__.split("+")[0])
print("namespace literals {\n")
print(f"constexpr unsigned width = {WIDTH}, layers = {LAYERS}, heads = {HEADS}, length = {LENGTH}, rows = {ROWS};")
print(f"constexpr double rate = {RATE};")
for name, model in (("gru", Gru()), ("transformer", Transformer())):
    print(f"constexpr double {name}[] = {{{', '.join(f'{v:.9f}' for v in losses(model))}}};")
print("\n}  // namespace literals")
