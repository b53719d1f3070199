"""Lesson 3: draws from the posterior, the KL in two ways; its updates have their own file."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from aae_lessons.checks.posterior import DRAWS, refuse_wrong_draws
from aae_lessons.checks.stage import patched_noise
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.variational_kl import kl, monte_carlo_kl
from aae_lessons.checks.variational_run import run
from aae_lessons.checks.variational_step import broken_step, mended_vae, vae_step

__all__ = [
    "broken_step",
    "kl",
    "mended_vae",
    "monte_carlo_kl",
    "reparameterise",
    "run",
    "vae_step",
]
MANY = 20_000


def _reparameterise(mean, log_variance):
    std = (0.5 * log_variance).exp()
    return mean + std * torch.randn_like(mean)


def _test_reparameterise(trial: Trial) -> None:
    mean = torch.randn(MANY, 3)
    log_variance = 2.4 * torch.rand_like(mean) - 1.8
    z = trial.tensor(trial(mean, log_variance), mean.shape, mean).detach()

    def shown(answer: Callable, noise: Tensor) -> Tensor:
        with patched_noise(noise):
            return answer(mean, log_variance)

    refuse_wrong_draws(trial, z, mean, log_variance, shown)
    if torch.equal(trial(mean, log_variance).detach(), z):
        says = "Two calls give the same draws. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)
    for rows, dims in ((1, 4), (3, 1), (5, 2)):
        _test_gradient(trial, torch.randn(rows, dims), torch.randn(rows, dims))


def _test_gradient(trial: Trial, mean: Tensor, log_variance: Tensor) -> None:
    inputs = mean.requires_grad_(), log_variance.requires_grad_()
    z = trial.tensor(trial(*inputs), mean.shape, mean)
    weight = torch.randn_like(z)
    if not z.requires_grad:
        trial.refuse("gradient cut")
    total = (weight * z).sum()
    got = torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True)
    if not all(g.any() for g in got):
        trial.refuse("gradient cut")
    for gradient, expected in zip(got, (weight, 0.5 * weight * (z - mean)), strict=True):
        if not torch.allclose(gradient, expected.detach().to(gradient), rtol=1e-3, atol=1e-4):
            trial.refuse("wrong gradient", "", gradient, expected)


REPARAMETERISE = """
3.1 a draw that gradients flow through
read: lesson 3, sections 3.4 and 3.10
hint: Draw ε first, of the shape of the mean: nothing to learn is in it.
hint: σ² = exp(log_variance). What is σ, then?
hint: mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
{DRAWS}
wrong gradient: A gradient of z is not that of mean + σ·ε. Did a detach() cut a part of it?
    std * torch → (0.3 * std + 0.7 * std.detach()) * torch
gradient cut: The draws are right, but no gradient goes from z back to mean and log_variance:
    sample(), torch.normal and detach() cut it. Compute z from them and from ε.
    std * torch → std.detach() * torch
"""
reparameterise = exercise(_reparameterise, _test_reparameterise, REPARAMETERISE, DRAWS=DRAWS)
