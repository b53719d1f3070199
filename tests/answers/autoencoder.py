"""Answers to the exercises of lesson 1: wrong ones by the name of their mistake, right ones."""

import torch
from answers._steps import by_functional_gradients, three_moves
from torch.nn import functional as F


def by_loops(logits, x):
    total = 0.0
    for row, image in zip(logits, x, strict=True):
        for logit, pixel in zip(row, image, strict=True):
            total = total + (pixel - 1 / (1 + torch.exp(-logit))) ** 2
    return total / 2 / len(x)


def loss_of(logits, x):
    return 0.5 * (x - logits.sigmoid()).square().sum(1).mean()


def step_by_three_moves(encoder, decoder, optimizer, x):
    loss = loss_of(decoder(encoder(x)), x)
    three_moves(optimizer, loss)
    return loss.detach()


def functional(encoder, decoder, optimizer, x):
    loss = loss_of(decoder(encoder(x)), x)
    by_functional_gradients(loss, optimizer)
    return loss.detach()


def in_float64(encoder, decoder, optimizer, x):
    optimizer.zero_grad(set_to_none=True)
    x_hat = torch.sigmoid(decoder(encoder(x))).double()
    loss = torch.einsum("bp,bp->", x.double() - x_hat, x.double() - x_hat) / (2 * len(x))
    loss.backward()
    optimizer.step()
    return loss.detach()


def nulls_from_one_draw(measured, sample, distance, n, repeats):
    pairs = sample(2 * n * repeats).view(repeats, 2, n, -1)
    nulls, measured = torch.tensor([distance(a, b) for a, b in pairs]), torch.tensor(measured)
    return measured / nulls.mean(), (measured <= nulls.max()).numpy()


def nulls_sorted(measured, sample, distance, n, repeats):
    nulls = sorted(distance(*(sample(n) for _ in range(2))) for _ in range(repeats))
    return [repeats * d / sum(nulls) for d in measured], [not d > nulls[-1] for d in measured]


EDITS = {
    "cost": """
wrong shape: no mean
    .sum(1).mean() → .sum(1)
gradient cut: of the reconstruction
    logits.sigmoid() → logits.sigmoid().detach()
input changed in place: by the sigmoid
    logits.sigmoid() → logits.sigmoid_()
not a tensor: a number
    .mean() → .mean().item()
""",
    "cross_entropy": """
wrong for large logits: a clamp
    F.softplus(logits) - x * logits → F.softplus(logits.clamp(-50, 50)) - x * logits.clamp(-50, 50)
""",
    "step": """
another step: the absolute error, a mean
    _squared_error(decoder(encoder(x)), x) → (decoder(encoder(x)).sigmoid() - x).abs().mean()
loss not detached: as it is
    loss.detach() → loss
another loss returned: twice the loss
    loss.detach() → 2 * loss.detach()
""",
    "over_floor": """
wrong value: a deviation above the mean
    d <= max(nulls) → d <= floor + torch.tensor(nulls).std()
""",
}
RIGHT = {
    "cost": {
        "loops": by_loops,
        "the image held": lambda logits, x: loss_of(logits, x.detach()),
        "einsum": lambda logits, x: (
            torch.einsum("bp,bp->b", x - logits.sigmoid(), x - logits.sigmoid()).mean() / 2
        ),
        "float64": lambda logits, x: loss_of(logits.double(), x.double()),
        "by torch's mse": lambda logits, x: F.mse_loss(logits.sigmoid(), x) * x.shape[1] / 2,
    },
    "cross_entropy": {
        "torch's own": lambda logits, x: (
            F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        ),
        "log-sigmoids": lambda logits, x: (
            -(x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).mean(0).sum()
        ),
        "float64": lambda logits, x: (
            (F.softplus(logits.double()) - x.double() * logits.double()).sum() / len(x)
        ),
    },
    "step": {
        "zero_grad first": step_by_three_moves,
        "by functional gradients": functional,
        "float64 and einsum": in_float64,
    },
    "over_floor": {"one draw, arrays": nulls_from_one_draw, "sorted": nulls_sorted},
    "mended_step": {"as exercise 1.3": step_by_three_moves, "by functional gradients": functional},
}
