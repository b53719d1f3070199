"""Lesson 3: draws from a posterior N(μ, σ²), in exercise 3.1 and wherever a VAE draws.

The draws of an answer are not prescribed. A row's mutant, played with a noise of 0 and of 1, shows
the centre and the scale that its draws have; whose centre and scale turn the learner's draws into
noise of mean 0 and deviation 1, that mutant has made the learner's mistake.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

import torch
from torch import Tensor

from aae_lessons.checks.draws import independent, too_even
from aae_lessons.checks.misconceptions import Wrong, mutant
from aae_lessons.checks.shared import SERIAL
from aae_lessons.checks.trial import Trial

DRAWS = """
variance for the deviation: You multiply ε by the variance exp(log σ²). The deviation is its root:
    σ = exp(½ log σ²). The half is missing.
    (0.5 * log_variance).exp() → log_variance.exp()
log-variance for the deviation: You multiply ε by the log-variance itself, which may even be
    negative. Turn it into a deviation first: σ = exp(½ log σ²).
    (0.5 * log_variance).exp() → log_variance
half outside the exponent: The half stands outside: ½ exp(log σ²) is half of the variance. It
    belongs into the exponent: exp(½ log σ²) is the root of the variance.
    (0.5 * log_variance).exp() → 0.5 * log_variance.exp()
sign of the exponent lost: You multiply ε by 1/σ: the sign of the exponent is turned round.
    (0.5 * log_variance).exp() → (-0.5 * log_variance).exp()
sigma left out: ε is added as it is. Multiply it by σ = exp(½ log σ²) first.
    (0.5 * log_variance).exp() → (1 + 0 * log_variance)
mean left out: The draws are centred at 0. Each image's posterior is centred at its own mean.
    mean + → 0 * mean +
no noise: Your draws are the means. A draw is mean + σ·ε, ε ~ N(0, I).
    torch.randn_like(mean) → torch.zeros_like(mean)
one noise for the whole batch: All rows get the same ε. Each image needs its own: randn_like(mean).
    torch.randn_like(mean) → torch.randn_like(mean[:1])
one noise for all dimensions: All dimensions of a code share one ε, so that every draw lies on a
    line through its mean. ε has the shape of the mean, (B, d).
    torch.randn_like(mean) → torch.randn_like(mean[:, :1])
uniform noise: Your ε is uniform between 0 and 1 (rand). Use normal noise: randn.
    torch.randn_like(mean) → torch.rand_like(mean)
noise not normal: The spread is right and the shape is not: another share of ε than a normal
    distribution's lies beyond two standard deviations. Use randn.
    torch.randn_like(mean) → (torch.rand_like(mean) - 0.5) * 12**0.5
"""


def refuse_wrong_draws(
    trial: Trial,
    z: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    shown: Callable[[Callable, Tensor], Tensor],
) -> None:
    """Refuses draws ``z`` that are not from N(mean, exp(log_variance)); all (many, d).

    ``shown(answer, noise)`` gives the draws of an answer whose ``randn_like`` gives ``noise``.
    """
    if not bool(z.isfinite().all()):
        says = "Some draws are not numbers: a root or a logarithm of a log-variance below 0?"
        trial.refuse("draws not finite", says)
    e = (z - mean).double() * (-0.5 * log_variance.double()).exp()
    if e.abs().max() < 1e-5:
        trial.refuse("no noise")
    if e.std(0).max() < 1e-3:
        trial.refuse("one noise for the whole batch")
    if e.min() > -1e-4 and e.max() < 1 + 1e-4:
        trial.refuse("uniform noise")
    if not _standard(e):
        _refuse_spread(trial, z, e, shown)
    _test_noise(trial, e)


def _refuse_spread(trial: Trial, z: Tensor, e: Tensor, shown: Callable) -> None:
    ones = torch.ones(e.shape[1])
    for row in trial.exercise.wrong:
        if _explains(trial, row, z, shown):
            trial.refuse(row.cause, row.says, e.std(0), ones)
    says = "(z − mean)/σ should have mean 0 and standard deviation 1 in each dimension."
    trial.refuse("wrong spread", says, e.std(0), ones)


def _explains(trial: Trial, row: Wrong, z: Tensor, shown: Callable) -> bool:
    """Whether the centre and scale of a row's mutant make standard noise of the draws."""
    with contextlib.suppress(Exception):
        answer = mutant(trial.exercise.answer, row)
        centre, there = (shown(answer, noise) for noise in (torch.zeros_like(z), z * 0 + 1))
        return _standard(((z - centre) / (there - centre)).double())
    return False


def _standard(e: Tensor) -> bool:
    return bool(((e.std(0) - 1).abs() < 0.04).all() and (e.mean(0).abs() < 0.05).all())


def _test_noise(trial: Trial, e: Tensor) -> None:
    """Noise of mean 0 and deviation 1 that is not independent, or not normal."""
    between = (torch.corrcoef(e.T) - torch.eye(e.shape[1]).to(e)).abs().max()
    if between > 0.1:
        trial.refuse("one noise for all dimensions", "", between, torch.zeros(()))
    far, normal = (e.abs() > 2).double().mean(), math.erfc(math.sqrt(2))
    if abs(far - normal) > 0.006:
        trial.refuse("noise not normal", "", far, torch.tensor(normal))
    cell = (4 * torch.special.ndtr(e)).long().clamp(0, 3)
    if not all(independent(column, 4) for column in cell.T):
        trial.refuse("noise in a pattern", SERIAL)
    parts = [part for column in cell.T for part in column.split(250)]
    if too_even([part for part in parts if len(part) == 250], torch.full((4,), 0.25)):
        says = "Your ε is spread too evenly over its distribution: it is placed, not drawn."
        trial.refuse("noise in a pattern", says)
