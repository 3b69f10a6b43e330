"""The first losses of matrix factorisation and skip-gram in PyTorch, which factors_test.cpp and skipgram_test.cpp have as literals.

python3 torch_pairs.py     (PyTorch 1.13 of Debian: python3-torch)
"""
import torch


def wave(rows, columns, phase):
    """0.5 sin(phase + i) for element i, row by row."""
    return (0.5 * torch.sin(phase + torch.arange(rows * columns, dtype=torch.float64))).float().reshape(rows, columns).requires_grad_()


def descend(name, parameters, loss_of, rate):
    optimizer = torch.optim.SGD(parameters, lr=rate)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(name, ", ".join("%.7g" % loss for loss in losses))


users = torch.tensor([i * 3 % 4 for i in range(7)])
items = torch.tensor([i % 3 for i in range(7)])
ratings = torch.tensor([1.0 + i % 5 for i in range(7)])
mean = ratings.mean()
bu, bi, p, q = wave(4, 1, 1), wave(3, 1, 2), wave(4, 3, 3), wave(3, 3, 4)
embedding = torch.nn.functional.embedding
descend("factors", [bu, bi, p, q],
        lambda: torch.nn.functional.mse_loss(mean + embedding(users, bu)[:, 0] + embedding(items, bi)[:, 0] + (embedding(users, p) * embedding(items, q)).sum(1), ratings), 0.5)

words = torch.tensor([0, 1, 4, 4])
contexts = torch.tensor([[1, 2, 3], [4, 0, 3], [4, 3, 2], [1, 0, 0]])  # the first of a pair, the others drawn
signs = torch.tensor([1.0, -1.0, -1.0])
v, w = wave(5, 3, 1), wave(5, 3, 2)
descend("skip-gram", [v, w],
        lambda: -torch.nn.functional.logsigmoid(signs * (embedding(words, v)[:, None, :] * embedding(contexts, w)).sum(2)).sum(1).mean(), 0.5)
