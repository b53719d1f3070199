"""Draws whose gradient reaches the parameters of their distribution."""

from __future__ import annotations

import torch
from torch import Tensor

from aae_lessons.arguments import check_matrix, check_number


def reparameterise(mean: Tensor, log_variance: Tensor) -> Tensor:
    """z = μ + σ·ε, ε ~ N(0, I), (B, d): a draw whose gradient reaches μ and σ.

    Args:
        mean, log_variance: of the Gaussian posterior, (B, d).
    """
    return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)


def gumbel_softmax(logits: Tensor, temperature: Tensor | float) -> Tensor:
    """softmax((logits + g) / τ), g = −log(−log u), u uniform: a soft draw of a class, (B, K).

    Class k is its largest entry with probability softmax(logits)_k, whatever τ; as τ falls the
    draw nears a one-hot vector, and its gradient by the logits nears zero almost everywhere and
    is huge in between (Jang et al. 2017, §2).

    Args:
        logits: (B, K).
        temperature: τ above 0; of a tensor the value is not checked.
    """
    check_matrix(logits, "logits")
    if not isinstance(temperature, Tensor):
        check_number(temperature, "temperature", above=0)
    g = -torch.empty_like(logits).exponential_().log()
    return ((logits + g) / temperature).softmax(1)
