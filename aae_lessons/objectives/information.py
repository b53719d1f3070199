"""Kullback-Leibler divergences of a Gaussian posterior, and the entropy of a categorical code."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from aae_lessons.arguments import check_matrix, check_number, check_same_shape

LogProb = Callable[[Tensor], Tensor]


def gaussian_log_prob(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mean, diag(exp(log_variance))) in nats, (B,), all arguments (B, d)."""
    _posterior(mean, log_variance)
    check_matrix(z, "z")
    check_same_shape(z, mean, "z", "mean")
    return gaussian_log_prob_of_rows(z, mean, log_variance)


def gaussian_log_prob_of_rows(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """:func:`gaussian_log_prob`, (…, d) -> (…), of rows that broadcast; nothing is checked."""
    square = (z - mean).square() * (-log_variance).exp()
    return -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(-1)


def gaussian_kl(mean: Tensor, log_variance: Tensor, std: float = 1.0) -> Tensor:
    """KL( N(mean, diag(σ²)) ‖ N(0, std²·I) ) in nats, in closed form, mean over the batch.

    ½ Σ_d [ (σ_d² + mean_d²)/std² − 1 − log(σ_d²/std²) ], with σ² = exp(log_variance) (Kingma &
    Welling 2014, appendix B, for std = 1).

    Args:
        mean, log_variance: of q(z|x), (B, d).
        std: of the prior.
    """
    _posterior(mean, log_variance)
    check_number(std, "std", above=0)
    relative = log_variance - 2 * math.log(std)
    return 0.5 * (relative.exp() + (mean / std).square() - 1 - relative).sum(1).mean()


def monte_carlo_kl(z: Tensor, mean: Tensor, log_variance: Tensor, log_prob: LogProb) -> Tensor:
    """KL( q(z|x) ‖ p ) in nats from draws: mean over the rows of log q(z|x) − log p(z).

    Unbiased, and it may come out negative. It needs the *density* of the prior.

    Args:
        z: draws from q(z|x), one per row, (B, d).
        mean, log_variance: of the q(z|x) that each row came from, (B, d).
        log_prob: of the prior, (B, d) -> (B,) in nats.
    """
    log_q = gaussian_log_prob(z, mean, log_variance)
    log_p = log_prob(z)
    check_same_shape(log_p, log_q, "log_prob(z)", "log q(z|x)")
    return (log_q - log_p).mean()


def _posterior(mean: Tensor, log_variance: Tensor) -> None:
    check_matrix(mean, "mean")
    check_matrix(log_variance, "log_variance")
    check_same_shape(mean, log_variance, "mean", "log_variance")


def entropy(probabilities: Tensor) -> Tensor:
    """−Σ_k p_k log p_k in nats, mean over the batch: 0 for one-hot rows, log K for even ones.

    Args:
        probabilities: (B, K), rows that sum to 1.
    """
    check_matrix(probabilities, "probabilities")
    return torch.special.entr(probabilities).sum(1).mean()
