"""What the methods that are variational autoencoders share: densities of rows, one-hot classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.objectives.information import gaussian_log_prob_of_rows

RowLoss = Callable[..., Tensor]


def log_likelihood(outputs: Tensor, x: Tensor, gaussian: bool) -> Tensor:
    """log p(x|·) in nats of each row of ``x``, (B, P): (B,), or (K, B) of outputs by class.

    ``outputs`` of a decoder are Bernoulli logits, ([K,] B, P), or where ``gaussian`` the mean and
    the log-variance of every entry, ([K,] B, 2P).
    """
    if gaussian:
        return gaussian_log_prob_of_rows(x, *outputs.chunk(2, dim=-1))
    x = x.expand_as(outputs)
    return -F.binary_cross_entropy_with_logits(outputs, x, reduction="none").sum(-1)


def kl_of_rows(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL( N(mean, diag(σ²)) ‖ N(0, I) ) in nats of each row, (…, d) -> (…), in closed form."""
    return 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(-1)


def entropy_of_logits(logits: Tensor) -> Tensor:
    """H of each row's prediction in nats, (B, K) -> (B,).

    By log_softmax: where a probability is 0 in floating point, −p log p of p has no gradient.
    """
    return -(logits.softmax(1) * logits.log_softmax(1)).sum(1)


def one_hot(label: Tensor, classes: int, like: Tensor) -> Tensor:
    """One-hot rows, (B, K), of labels, (B,), with the dtype of ``like``."""
    return F.one_hot(label, classes).to(like.dtype)


def every_class(row_loss: RowLoss, classes: int, *inputs: Tensor) -> Tensor:
    """``row_loss(*inputs, y)`` of every image with every class: (B, K).

    The one-hot rows y have the shape (K, 1, K), which broadcasts over the rows of ``inputs``.
    """
    like = inputs[0]
    y = torch.eye(classes, dtype=like.dtype, device=like.device)[:, None]
    return row_loss(*inputs, y).T


def side_by_side(network: nn.Sequential, *inputs: Tensor) -> Tensor:
    """``network([x, y, …])`` without writing the inputs into one: W [x, y] = W_x x + W_y y.

    Inputs broadcast: with images x, (B, m), and every class y, (K, 1, K), the result is
    (K, B, outputs), and W_x x, most of the first layer, is calculated once, not K times.
    """
    first, rest = cast("nn.Linear", network[0]), network[1:]
    weights = first.weight.split([each.shape[-1] for each in inputs], dim=1)
    u: Tensor = first.bias
    for each, weight in zip(inputs, weights, strict=True):
        u = u + F.linear(each, weight)
    return rest(u.flatten(0, -2)).unflatten(0, u.shape[:-1])  # batch norm takes rows


def binarise(x: Tensor) -> Tensor:
    """Pixels 0 or 1, each 1 with its brightness as probability: fresh at every call."""
    return torch.bernoulli(x)
