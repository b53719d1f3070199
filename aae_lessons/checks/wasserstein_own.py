"""Lesson 7: a discrepancy of one's own.

The clouds are always the same ones. Each differs from the prior in one respect,
and agrees with a sample of the prior in every simpler one *exactly* (the same mean; the same
coordinates in another combination; the same mean and covariance). So a discrepancy that is blind
to the difference gives the same number for both, whatever it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

ROWS = 300


def _own_discrepancy(z, z_prior):
    # how much farther codes are from prior samples than from each other: the energy distance
    across = torch.cdist(z, z_prior).mean()
    return 2 * across - torch.cdist(z, z).mean() - torch.cdist(z_prior, z_prior).mean()


def _clouds() -> tuple[Tensor, dict[str, Tensor]]:
    """Prior samples, and clouds of codes by the respect in which they differ from the prior."""
    fixed = torch.Generator().manual_seed(0)
    z_prior, z = torch.randn(2, ROWS, 2, generator=fixed)
    angle = 2 * math.pi * torch.rand(ROWS, generator=fixed)
    ring = torch.stack([angle.cos(), angle.sin()], dim=1)
    return z_prior, {
        "none": z,
        "place": z + 1,
        "spread": z.mean(0) + 0.3 * (z - z.mean(0)),
        "dependence": z.sort(dim=0).values,  # each coordinate as before, but tied to the other
        "shape": _with_moments_of(ring, z),
    }


def _with_moments_of(cloud: Tensor, z: Tensor) -> Tensor:
    """``cloud``, stretched and moved so that its mean and covariance are those of ``z``."""
    white = torch.linalg.solve_triangular(
        torch.linalg.cholesky(cloud.T.cov()), (cloud - cloud.mean(0)).T, upper=False
    )
    return (torch.linalg.cholesky(z.T.cov()) @ white).T + z.mean(0)


OWN_DISCREPANCY = """
7.4 a discrepancy of your own
read: lesson 7, sections 7.4 and 7.6
hint: What do two clouds have besides a mean and a spread? Think of a ring.
hint: Whatever compares all pairs of points, or the shadows on many lines, sees every shape.
hint: How far are codes from prior samples, on average, and how far from each other?
blind to a shift: All codes moved by (1, 1), and your discrepancy does not notice: it compares
    differences only. Compare where the clouds are, too.
    across = → return (z.T.cov() - z_prior.T.cov()).square().sum(); across =
blind to the spread: The codes were drawn together to 0.3 of their spread around the same mean, and
    your discrepancy does not notice. A match of the means alone is little.
    across = → return (z.mean(0) - z_prior.mean(0)).square().sum(); across =
each dimension by itself: Each coordinate is distributed as before, but now the two rise and fall
    together: all codes lie on a curve. You compare each dimension by itself, which can't see that.
    across = → return (z.sort(0).values - z_prior.sort(0).values).square().mean(); across =
blind beyond mean and covariance: The codes lie on a ring, with the mean and the covariance of the
    prior's samples. A discrepancy asks for what it compares and for nothing else: compare more
    than moments (or, with a single kernel, take a narrower one).
    across = → return (z.mean(0) - z_prior.mean(0)).square().sum(); across =
    .sum(); → .sum() + (z.T.cov() - z_prior.T.cov()).square().sum();
upside down: Codes in the wrong place get a *smaller* value than codes like the prior. The value is
    to be descended: small must mean alike.
    return 2 * across - → return -2 * across +
    mean() - torch → mean() + torch
prior's samples not used: The prior's samples moved by (3, 3), and codes that stayed behind are the
    better ones for you. Compare with z_prior: a prior N(0, I) is only one of many.
    across = → z_prior = torch.randn_like(z_prior); across =
codes compared row by row: The same codes and prior samples in another order give another value:
    you compare row i with row i. They are two *samples*; which row comes where is chance.
    across = → return (z - z_prior).square().mean(); across =
wrong gradient: The value rises where its gradient says that it falls, or stays: part of it is cut
    off from the codes (detach()?), or made of steps that have no slope (sign, argmax, counts).
    torch.cdist(z, z).mean() → torch.cdist(z.detach(), z.detach()).mean()
gradient not finite: The value is a number, its gradient is not: the slope of a root at 0 is
    infinite. The distance of a code to itself is such a 0 (torch.cdist knows, sqrt() does not).
    torch.cdist(z, z) → (z[:, None] - z[None]).square().sum(2).sqrt()
"""


def _value(trial: Trial, z: Tensor, z_prior: Tensor) -> float:
    # a discrepancy may draw random directions: the same ones each time
    torch.default_generator.manual_seed(0)
    got = trial(z, z_prior)
    trial.tensor(got, (), z)
    if not bool(got.isfinite()):
        trial.refuse("not finite", "The discrepancy of two ordinary clouds is not a number.")
    return got.item()


def _test_own(trial: Trial) -> None:
    z_prior, clouds = _clouds()
    z = clouds.pop("none")
    same = _value(trial, z, z_prior)
    _test_slope(trial, clouds["place"].clone(), z_prior)
    ordered = _value(trial, z[z[:, 0].argsort()], z_prior[z_prior[:, 0].argsort()])
    if abs(ordered - same) > 0.05 * abs(same) + 1e-5:
        cause = "codes compared row by row"
        trial.refuse(cause, "", torch.tensor(ordered), torch.tensor(same))
    moved = _value(trial, clouds["place"], z_prior)
    if moved < same - 0.1 * abs(same):
        trial.refuse("upside down", "", torch.tensor(moved), f"more than {same:.4g}")
    stayed, followed = _value(trial, z, z_prior + 3), _value(trial, z + 3, z_prior + 3)
    if followed > stayed + 1e-3 * abs(stayed):
        trial.refuse("prior's samples not used")
    for respect, row in zip(clouds, trial.exercise.wrong, strict=False):
        value = _value(trial, clouds[respect], z_prior)
        if value < same + 0.1 * abs(same):
            trial.refuse(row.cause, row.says, torch.tensor(value), f"well above {same:.4g}")
    for cloud in (z + 0.5 * z.flip(1).square(), clouds["spread"], clouds["place"]):
        _test_descent(trial, cloud, z_prior)
    three = torch.cat([z, z[:, :1].flip(0)], 1), torch.cat([z_prior, z_prior[:, :1].flip(0)], 1)
    _value(trial, *three)


def _test_slope(trial: Trial, z: Tensor, z_prior: Tensor) -> None:
    torch.default_generator.manual_seed(0)
    got = trial(z.requires_grad_(), z_prior)
    if not got.requires_grad:
        says = "No gradient flows from your discrepancy to the codes: they could not learn."
        trial.refuse("gradient cut", says)
    if not bool(torch.autograd.grad(got, z)[0].isfinite().all()):
        trial.refuse("gradient not finite")


def _test_descent(trial: Trial, z: Tensor, z_prior: Tensor) -> None:
    """The gradient must predict how the value changes as the codes move, spread or shear."""
    torch.default_generator.manual_seed(0)
    leaf = z.clone().requires_grad_()
    gradient = torch.autograd.grad(trial(leaf, z_prior), leaf)[0]
    centred = z - z.mean(0)
    for way in (torch.ones_like(z), centred, centred.flip(1)):
        step = 0.02 * way
        change = _value(trial, z + step, z_prior) - _value(trial, z - step, z_prior)
        predicted = 2 * (gradient * step).sum().item()
        size = 2 * gradient.norm().item() * step.norm().item()
        if abs(change - predicted) > 0.2 * max(abs(change), abs(predicted)) + 0.02 * size + 1e-5:
            got, expected = torch.tensor(predicted), torch.tensor(change)
            trial.refuse("wrong gradient", "", got, expected)


own_discrepancy = exercise(_own_discrepancy, _test_own, OWN_DISCREPANCY)
