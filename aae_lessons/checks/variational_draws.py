"""Checks of lesson 3: draws from the posterior, in exercise 3.1 and wherever a VAE draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aae_lessons.checks.core import Exercise, Trial

MANY = 20_000  # rows of a sample: every tolerance below is six standard errors or more

DRAWS = (  # cause, what to say, the draws' centre and scale under that mistake
    (
        "variance for the deviation",
        "You multiply ε by the variance exp(log σ²). The deviation is its root: "
        "σ = exp(½ log σ²). The half is missing.",
        lambda mean, log_variance: (mean, log_variance.exp()),
    ),
    (
        "log-variance for the deviation",
        "You multiply ε by the log-variance itself, which may even be negative. Turn it into a "
        "deviation first: σ = exp(½ log σ²).",
        lambda mean, log_variance: (mean, log_variance),
    ),
    (
        "half outside the exponent",
        "The half stands outside: ½ exp(log σ²) is half of the variance. It belongs into the "
        "exponent: exp(½ log σ²) is the root of the variance.",
        lambda mean, log_variance: (mean, 0.5 * log_variance.exp()),
    ),
    (
        "sigma left out",
        "ε is added as it is. Multiply it by σ = exp(½ log σ²) first.",
        lambda mean, log_variance: (mean, torch.ones_like(mean)),
    ),
    (
        "mean left out",
        "The draws are centred at 0. Each image's posterior is centred at its own mean.",
        lambda mean, log_variance: (torch.zeros_like(mean), (0.5 * log_variance).exp()),
    ),
    (
        "mean and log-variance swapped",
        "You take the two halves in the wrong order: first comes the mean, then the log-variance.",
        lambda mean, log_variance: (log_variance, (0.5 * mean).exp()),
    ),
)


def refuse_wrong_draws(trial: Trial, z: Tensor, mean: Tensor, log_variance: Tensor) -> None:
    """Refuses draws ``z`` that are not from N(mean, exp(log_variance)); all (MANY, D)."""
    if not bool(z.isfinite().all()):
        says = "Some draws are not numbers: a root or a logarithm of a log-variance below 0?"
        trial.refuse("draws not finite", says)
    e = (z - mean) * (-0.5 * log_variance).exp()
    if e.abs().max() < 1e-6:
        trial.refuse("no noise", "Your draws are the means. A draw is mean + σ·ε, ε ~ N(0, I).")
    if e.std(0).max() < 1e-3:
        says = "All rows get the same ε. Each image needs its own: randn_like(mean)."
        trial.refuse("one noise for the whole batch", says)
    if e.min() > -1e-6 and e.max() < 1 + 1e-6:
        says = "Your ε is uniform between 0 and 1 (rand). Normal noise is wanted: randn."
        trial.refuse("uniform noise", says)
    if not _standard(e):
        for cause, says, under in DRAWS:
            centre, scale = under(mean, log_variance)
            if _standard((z - centre) / scale):
                trial.refuse(cause, says, e.std(0), torch.ones(e.shape[1]))
        says = "(z − mean)/σ should have mean 0 and standard deviation 1 in each dimension."
        trial.refuse("wrong spread", says, e.std(0), torch.ones(e.shape[1]))
    _test_noise(trial, e)


def _standard(e: Tensor) -> bool:
    return bool(((e.std(0) - 1).abs() < 0.04).all() and (e.mean(0).abs() < 0.05).all())


def _test_noise(trial: Trial, e: Tensor) -> None:
    """Noise of mean 0 and deviation 1 that is not independent, or not normal."""
    between = torch.corrcoef(e.T)[0, 1]
    if between.abs() > 0.1:
        says = (
            "All dimensions of a code share one ε, so that every draw lies on a line through its "
            "mean. ε has the shape of the mean, (B, D)."
        )
        trial.refuse("one noise for all dimensions", says, between, torch.zeros(()))
    far, normal = (e.abs() > 2).double().mean(), math.erfc(math.sqrt(2))
    if abs(far - normal) > 0.006:
        says = (
            "The spread is right and the shape is not: another share of ε than a normal "
            "distribution's lies beyond two standard deviations. Use randn."
        )
        trial.refuse("noise not normal", says, far, torch.tensor(normal))


# ------------------------------------------------------------------- 3.1 reparameterisation


def _reparameterise(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)


def _test_reparameterise(trial: Trial) -> None:
    # in float64: where log σ² is nearly 0, rounding must not hide what ε was multiplied by
    mean = torch.randn(MANY, 2, dtype=torch.float64)
    log_variance = 2.4 * torch.rand_like(mean) - 1.8
    z = trial.tensor(trial(mean, log_variance), mean.shape, mean).detach()
    refuse_wrong_draws(trial, z, mean, log_variance)
    if torch.equal(trial(mean, log_variance).detach(), z):
        says = "Two calls give the same draws. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)
    inputs = mean.requires_grad_(), log_variance.requires_grad_()
    z = trial(*inputs)
    result = torch.autograd.grad(z.sum(), inputs, allow_unused=True) if z.requires_grad else []
    if len(result) == 0 or any(g is None or not g.any() for g in result):
        says = (
            "The draws are right, but no gradient goes from z back to mean and log_variance: "
            "sample(), torch.normal and detach() cut it. Compute z from them and from ε."
        )
        trial.refuse("gradient cut", says)
    for gradient, expected in zip(result, (torch.ones_like(z), 0.5 * (z - mean)), strict=True):
        trial.equal(
            gradient, expected.detach(), otherwise="A gradient of z is not that of mean + σε."
        )


reparameterise = Exercise(
    name="3.1",
    title="a draw that gradients flow through",
    read="lesson 3, sections 3.4 and 3.8",
    hints=(
        "Draw ε first, of the shape of the mean: nothing to learn is in it.",
        "σ² = exp(log_variance). What is σ, then?",
        "mean + (0.5 * log_variance).exp() * torch.randn_like(mean)",
    ),
    answer=_reparameterise,
    test=_test_reparameterise,
)
