"""Checks of lesson 7: sorted shadows, kernels, MMD, a discrepancy of one's own, a WAE's update.

The clouds of exercise 7.4 are always the same ones. Each differs from the prior in one respect,
and agrees with a sample of the prior in every simpler one *exactly* (the same mean; the same
coordinates in another combination; the same mean and covariance). So a discrepancy that is blind
to the difference gives the same number for both, whatever it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.checks.wasserstein_broken import broken_step, mended_wae, run
from aae_lessons.checks.wasserstein_kernels import kernel, mmd, refuse_wrong_gradient
from aae_lessons.checks.wasserstein_step import wae_step

__all__ = [
    "broken_step",
    "kernel",
    "mended_wae",
    "mmd",
    "own_discrepancy",
    "run",
    "sliced",
    "wae_step",
]

# ---------------------------------------------------------------- 7.1 sorting, and shadows


def _sliced(z: Tensor, z_prior: Tensor, directions: Tensor) -> Tensor:
    shadow, shadow_prior = z @ directions, z_prior @ directions
    difference = shadow.sort(dim=0).values - shadow_prior.sort(dim=0).values
    return difference.square().mean()


def _difference(z: Tensor, z_prior: Tensor, directions: Tensor) -> Tensor:
    """Between the shadows' equal ranks, (B, n)."""
    return (z @ directions).sort(0).values - (z_prior @ directions).sort(0).values


SLICED_MISTAKES = (
    Mistake(
        "not sorted",
        "You compare the shadows row by row, as they come. Row 3 of the codes has nothing to do "
        "with row 3 of the prior's samples: sort both, then compare equal ranks.",
        lambda z, z_prior, directions: ((z - z_prior) @ directions).square().mean(),
    ),
    Mistake(
        "only one sorted",
        "One of the two is sorted and the other is not. Equal *ranks* are compared: sort both.",
        lambda z, z_prior, directions: (
            ((z @ directions).sort(0).values - z_prior @ directions).square().mean()
        ),
    ),
    Mistake(
        "only one sorted",
        "The prior's shadows are sorted and the codes' are not. Sort both.",
        lambda z, z_prior, directions: (
            (z @ directions - (z_prior @ directions).sort(0).values).square().mean()
        ),
    ),
    Mistake(
        "sorted along the directions",
        "You sort each code's shadows over the directions: torch.sort takes the *last* dimension. "
        "On each direction the B shadows are to be sorted: dim=0 of (B, n).",
        lambda z, z_prior, directions: (
            ((z @ directions).sort(1).values - (z_prior @ directions).sort(1).values)
            .square()
            .mean()
        ),
    ),
    Mistake(
        "sorted before projecting",
        "You sort the coordinates, and project what is no longer a code: sorting each column "
        "tears the rows apart. Project first, then sort the shadows.",
        lambda z, z_prior, directions: (
            ((z.sort(0).values - z_prior.sort(0).values) @ directions).square().mean()
        ),
    ),
    Mistake(
        "sum in place of a mean",
        "You sum. Take the mean over ranks and over directions, so that neither their number nor "
        "the batch size matters.",
        lambda *inputs: _difference(*inputs).square().sum(),
    ),
    Mistake(
        "sum in place of a mean",
        "You sum over the ranks and take the mean over directions only. Both are means.",
        lambda *inputs: _difference(*inputs).square().sum(0).mean(),
    ),
    Mistake(
        "sum in place of a mean",
        "You sum over the directions and take the mean over ranks only. Both are means.",
        lambda *inputs: _difference(*inputs).square().sum(1).mean(),
    ),
    Mistake(
        "root taken",
        "You take a square root. The squared distance is wanted.",
        lambda *inputs: _difference(*inputs).square().mean().sqrt(),
    ),
    Mistake(
        "not squared",
        "Carrying from x to y costs (x − y)² here, and you have |x − y|.",
        lambda *inputs: _difference(*inputs).abs().mean(),
    ),
)


def _test_sliced(trial: Trial) -> None:
    for dim, rows, n in ((3, 8, 4), (1, 5, 3)):
        directions = torch.randn(dim, n).double()
        directions = directions / directions.norm(dim=0)
        inputs = torch.randn(rows, dim).double(), 1 + torch.randn(rows, dim).double(), directions
        trial.equal(trial(*inputs), _sliced(*inputs), inputs, SLICED_MISTAKES)
    refuse_wrong_gradient(trial, inputs, _sliced)


sliced = Exercise(
    name="7.1",
    title="sliced Wasserstein, by sorting shadows",
    read="lesson 7, section 7.1",
    hints=(
        "On a line the best transport carries the smallest to the smallest, and so on.",
        "z @ directions is (B, n): each column is the shadow on one direction.",
        ".sort(dim=0).values of both; then the mean of the squared differences.",
    ),
    answer=_sliced,
    test=_test_sliced,
)

# ---------------------------------------------------------- 7.4 a discrepancy of one's own

ROWS = 300


def _own(z: Tensor, z_prior: Tensor) -> Tensor:
    # the energy distance: how much farther codes are from prior samples than from each other
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


BLIND = {
    "place": (
        "blind to a shift",
        "All codes moved by (1, 1), and your discrepancy does not notice: it compares differences "
        "only. Compare where the clouds are, too.",
    ),
    "spread": (
        "blind to the spread",
        "The codes were drawn together to 0.3 of their spread around the same mean, and your "
        "discrepancy does not notice. A match of the means alone is little.",
    ),
    "dependence": (
        "each dimension by itself",
        "Each coordinate is distributed as before, but now the two rise and fall together: all "
        "codes lie on a curve. You compare each dimension by itself, which can't see that.",
    ),
    "shape": (
        "blind beyond mean and covariance",
        "The codes lie on a ring, with the mean and the covariance of the prior's samples. A "
        "discrepancy asks for what it compares and for nothing else: compare more than moments "
        "(or, with a single kernel, take a narrower one).",
    ),
}


def _value(trial: Trial, z: Tensor, z_prior: Tensor) -> float:
    torch.manual_seed(0)  # a discrepancy may draw random directions: the same ones each time
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
    _test_rows(trial, same, z, z_prior)
    moved = _value(trial, clouds["place"], z_prior)
    if moved < same - 0.1 * abs(same):
        says = (
            "Codes in the wrong place get a *smaller* value than codes like the prior. The value "
            "is to be descended: small must mean alike."
        )
        trial.refuse("upside down", says, torch.tensor(moved), f"more than {same:.4g}")
    stayed, followed = _value(trial, z, z_prior + 3), _value(trial, z + 3, z_prior + 3)
    if followed > stayed + 1e-3 * abs(stayed):
        says = (
            "The prior's samples moved by (3, 3), and codes that stayed behind are the better "
            "ones for you. Compare with z_prior: a prior N(0, I) is only one of many."
        )
        trial.refuse("prior's samples not used", says)
    for respect, (cause, says) in BLIND.items():
        value = _value(trial, clouds[respect], z_prior)
        if value < same + 0.1 * abs(same):
            trial.refuse(cause, says, torch.tensor(value), f"well above {same:.4g}")


def _test_slope(trial: Trial, z: Tensor, z_prior: Tensor) -> None:
    got = trial(z.requires_grad_(), z_prior)
    if not got.requires_grad:
        says = "No gradient flows from your discrepancy to the codes: they could not learn."
        trial.refuse("gradient cut", says)
    if not bool(torch.autograd.grad(got, z)[0].isfinite().all()):
        says = (
            "The value is a number, its gradient is not: the slope of a root at 0 is infinite. "
            "The distance of a code to itself is such a 0 (torch.cdist knows, sqrt() does not)."
        )
        trial.refuse("gradient not finite", says)


def _test_rows(trial: Trial, same: float, z: Tensor, z_prior: Tensor) -> None:
    """The order of the rows means nothing."""
    ordered = _value(trial, z[z[:, 0].argsort()], z_prior[z_prior[:, 0].argsort()])
    if abs(ordered - same) > 0.05 * abs(same) + 1e-5:
        says = (
            "The same codes and prior samples in another order give another value: you compare "
            "row i with row i. They are two *samples*; which row comes where is chance."
        )
        trial.refuse("codes compared row by row", says, torch.tensor(ordered), torch.tensor(same))


own_discrepancy = Exercise(
    name="7.4",
    title="a discrepancy of your own",
    read="lesson 7, sections 7.2, 7.4 and 7.5",
    hints=(
        "What do two clouds have besides a mean and a spread? Think of a ring.",
        "Whatever compares all pairs of points, or the shadows on many lines, sees every shape.",
        "How far are codes from prior samples, on average, and how far from each other?",
    ),
    answer=_own,
    test=_test_own,
)
