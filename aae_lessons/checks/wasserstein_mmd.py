"""Lesson 7: the unbiased MMD."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _mmd(z, z_prior, kernel):
    def k(a, b):
        return kernel((a[:, None] - b[None]).square().sum(2))

    def mean_of_pairs(a):
        n, among = len(a), k(a, a)
        return (among.sum() - among.diagonal().sum()) / (n * (n - 1))

    return mean_of_pairs(z) + mean_of_pairs(z_prior) - 2 * k(z, z_prior).mean()


MMD = """
7.3 the unbiased MMD
read: lesson 7, sections 7.4 and 7.14
hint: Three means of kernel values: among codes, among prior samples, across (this one twice).
hint: z[:, None] - z_prior[None] is (B, B', d). Square, sum over d, apply the kernel.
hint: Among: (k.sum() - k.diagonal().sum()) / (n * (n - 1)). Across: k.mean().
diagonal left in: You count each code as a pair with itself. It is as near to itself as can be, and
    so two samples of one distribution never come out at 0. Leave the diagonal out.
    (among.sum() - among.diagonal().sum()) / (n * (n - 1)) → among.mean()
diagonal out, still divided by B²: The diagonal is out of the sum but not out of the count: there
    are B(B − 1) pairs.
    (n * (n - 1)) → (n * n)
diagonal left in: You divide by B(B − 1), but the diagonal is still in the sum.
    - among.diagonal().sum() →
divided twice: You divide by B(B − 1), and then take .mean() as well, which divides by the number
    of entries once more. Divide the *sum* over pairs by their number.
    (n * (n - 1)) → (n * (n - 1)) / (n * n)
    or (n * (n - 1)) → (n * (n - 1)) / (n * n)
    2 * k(z, z_prior).mean() → 2 * k(z, z_prior).mean() / (len(z) * len(z_prior))
norms not squared: You give the kernel distances. It is a function of *squared* distances
    (torch.cdist and .norm() are not squared).
    .sum(2)) → .sum(2).sqrt())
averaged over dimensions: You take the mean of the squared differences over dimensions. A squared
    distance is their sum: with the mean, the kernel is too wide.
    .sum(2) → .mean(2)
cross term once: The cross term counts twice: (a − b)² = a² + b² − 2ab.
    2 * k(z, z_prior).mean() → k(z, z_prior).mean()
cross term without its diagonal: You leave the diagonal out of the cross term too. There z_i and
    z'_i are two different points, and a pair like any other: all B·B' of them count.
    2 * k(z, z_prior).mean()
    → 2 * (k(z, z_prior).sum() - k(z, z_prior).diagonal().sum()) / (len(z) * (len(z_prior) - 1))
sign lost: The sign is turned round: pairs within a sample enter with plus, pairs across with
    minus.
    {ESTIMATE} → -({ESTIMATE})
root taken: You take the square root. Return the *squared* MMD; its unbiased estimate may be
    negative, and then a root is not a number.
    {ESTIMATE} → ({ESTIMATE}).sqrt()
negative values cut off: Right where the estimate is positive, wrong where it is negative. An
    unbiased estimate of 0 is below 0 half of the time: that is no error. No clamp, no abs().
    {ESTIMATE} → ({ESTIMATE}).clamp(min=0)
    or {ESTIMATE} → ({ESTIMATE}).abs()
diagonal taken to be 1: You take 1 off for each code's pair with itself. A kernel need not be 1 at
    a distance of 0: that of 7.2 is as large there as its list of scales is long. Take off the
    diagonal.
    among.diagonal().sum() → n
sizes taken for equal: Right where both samples have the same size, wrong where they differ. Each
    of the three terms is divided by the number of its own pairs.
    + mean_of_pairs(z_prior)
    → + mean_of_pairs(z_prior) * len(z_prior) * (len(z_prior) - 1) / (len(z) * (len(z) - 1))
"""


def _gaussian(d2: Tensor) -> Tensor:
    return torch.exp(-d2 / 9)


def _several(d2: Tensor) -> Tensor:
    """Three kernels in one, as in lesson 7: 3 at a distance of 0."""
    return torch.stack([c / (c + d2) for c in (1.0, 4.0, 9.0)]).sum(0)


def _multiquadratic(d2: Tensor) -> Tensor:
    return 4 / (4 + d2)


def _mmd_probes(_trial: Trial) -> Iterator[Probe]:
    near = partial(values, data=(1,), rtol=3e-4, atol=1e-5)
    z = torch.randn(6, 2)
    yield from near(z, 3 + torch.randn(6, 2), _multiquadratic)
    yield from near(torch.randn(5, 3), 1.5 + torch.randn(5, 3), _gaussian)
    yield from near(torch.randn(4, 2), 1 + torch.randn(4, 2), _several)
    same = partial(near, cause="negative values cut off", says="")
    yield from same(z, z.clone(), _multiquadratic)
    unequal = partial(near, cause="sizes taken for equal", says="")
    yield from unequal(z, 2 + torch.randn(9, 2), _multiquadratic)
    yield from unequal(torch.randn(7, 1), 1 + torch.randn(3, 1), _gaussian)


ESTIMATE = "mean_of_pairs(z) + mean_of_pairs(z_prior) - 2 * k(z, z_prior).mean()"
mmd = exercise(_mmd, _mmd_probes, MMD, ESTIMATE=ESTIMATE)
