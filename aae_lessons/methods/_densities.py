"""What the methods that are variational autoencoders share: densities of rows, one-hot classes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.objectives import gaussian_log_prob

RowLoss = Callable[..., Tensor]


def log_likelihood(outputs: Tensor, x: Tensor, gaussian: bool) -> Tensor:
    """log p(x|·) in nats of each row of ``x``, (B, P): (B,).

    ``outputs`` of a decoder are Bernoulli logits, (B, P), or where ``gaussian`` the mean and the
    log-variance of every entry, (B, 2P).
    """
    if gaussian:
        return gaussian_log_prob(x, *outputs.chunk(2, dim=1))
    return -F.binary_cross_entropy_with_logits(outputs, x, reduction="none").sum(1)


def kl_of_rows(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL( N(mean, diag(σ²)) ‖ N(0, I) ) in nats of each row, (B, d) -> (B,), in closed form."""
    return 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)


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

    All pairs go through the networks as one batch of K·B rows, class by class.
    """
    rows = len(inputs[0])
    y = torch.eye(classes, dtype=inputs[0].dtype, device=inputs[0].device).repeat_interleave(
        rows, 0
    )
    tiled = [each.repeat(classes, 1) for each in inputs]
    return row_loss(*tiled, y).view(classes, rows).T


def binarise(x: Tensor) -> Tensor:
    """Pixels 0 or 1, each 1 with its brightness as probability: fresh at every call."""
    return torch.bernoulli(x)
