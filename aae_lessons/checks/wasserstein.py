"""Lesson 7: sorted shadows and kernels; MMD, discrepancy and updates have their own files."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.wasserstein_denoising import broken_step, mended_wae, run
from aae_lessons.checks.wasserstein_mmd import mmd
from aae_lessons.checks.wasserstein_own import own_discrepancy
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


def _sliced(z, z_prior, directions):
    shadow, shadow_prior = z @ directions, z_prior @ directions
    return (shadow.sort(dim=0).values - shadow_prior.sort(dim=0).values).square().mean()


SLICED = """
7.1 sliced Wasserstein, by sorting shadows
read: lesson 7, sections 7.1 and 7.4
hint: On a line the best transport carries the smallest to the smallest, and so on.
hint: z @ directions is (B, n): each column is the shadow on one direction.
hint: .sort(dim=0).values of both; then the mean of the squared differences.
not sorted: You compare the shadows row by row, as they come. Row 3 of the codes has nothing to do
    with row 3 of the prior's samples: sort both, then compare equal ranks.
    shadow.sort(dim=0).values → shadow
    shadow_prior.sort(dim=0).values → shadow_prior
only one sorted: One of the two is sorted and the other is not. Equal *ranks* are compared: sort
    both.
    shadow_prior.sort(dim=0).values → shadow_prior
only one sorted: The prior's shadows are sorted and the codes' are not. Sort both.
    shadow.sort(dim=0).values → shadow
one sorted upwards, one downwards: One is sorted upwards and the other downwards: the smallest is
    carried to the largest, which is the most expensive plan of all.
    shadow_prior.sort(dim=0).values → shadow_prior.sort(dim=0, descending=True).values
sorted along the directions: You sort each code's shadows over the directions: torch.sort takes the
    *last* dimension. On each direction the B shadows are to be sorted: dim=0 of (B, n).
    sort(dim=0) → sort(dim=1)
sorted before projecting: You sort the coordinates, and project what is no longer a code: sorting
    each column tears the rows apart. Project first, then sort the shadows.
    z @ directions, z_prior @ → z.sort(0).values @ directions, z_prior.sort(0).values @
    shadow.sort(dim=0).values → shadow
    shadow_prior.sort(dim=0).values → shadow_prior
sum in place of a mean: You sum. Take the mean over ranks and over directions, so that neither
    their number nor the batch size matters.
    .mean() → .sum()
sum in place of a mean: You sum over the ranks and take the mean over directions only. Both are
    means.
    .mean() → .sum(0).mean()
sum in place of a mean: You sum over the directions and take the mean over ranks only. Both are
    means.
    .mean() → .sum(1).mean()
root taken: You take a square root. Return the squared distance.
    .mean() → .mean().sqrt()
not squared: Carrying from x to y costs (x − y)² here, and you have |x − y|.
    .square() → .abs()
indices in place of values: sort() gives values and indices, and you compare the indices (argsort).
    Their difference says nothing of distances, and has no gradient. Take .values.
    shadow.sort(dim=0).values → shadow.argsort(dim=0).float()
    shadow_prior.sort(dim=0).values → shadow_prior.argsort(dim=0).float()
means compared: You compare the means of the shadows only. Sorting compares every rank, and so the
    whole shape.
    shadow.sort(dim=0).values → shadow.mean(0)
    shadow_prior.sort(dim=0).values → shadow_prior.mean(0)
"""


def _sliced_probes(_trial: Trial) -> Iterator[Probe]:
    for dim, rows, n in ((3, 8, 4), (1, 5, 3), (2, 1, 1)):
        directions = torch.randn(dim, n)
        directions = directions / directions.norm(dim=0)
        z, z_prior = torch.randn(rows, dim), 1 + 2 * torch.randn(rows, dim)
        yield from values(z, z_prior, directions, data=(1, 2))


sliced = exercise(_sliced, _sliced_probes, SLICED)


def _kernel(squared_distance, dim, std, scales):
    constants = [2 * dim * std**2 * s for s in scales]
    return sum(c / (c + squared_distance) for c in constants)


KERNEL = """
7.2 the inverse multiquadratics kernel
read: lesson 7, sections 7.4 and 7.12
hint: For each scale s there is one number C. What is it for dim = 2 and std = 1?
hint: C / (C + squared_distance): 1 for equal codes, a half where the squared distance is C.
hint: Add up over the scales; no mean.
bandwidth inverted: You have 1/(1 + C·d²): a larger C then makes the kernel narrower. C/(C + d²) is
    1/(1 + d²/C): C is the squared distance at which the kernel has fallen to a half.
    c / (c + squared_distance) → 1 / (1 + c * squared_distance)
divided by the scale: You divide by the scale s. C_s is proportional to s: a larger scale sees
    farther.
    2 * dim * std**2 * s → 2 * dim * std**2 / s
scale squared: You square the scale too: C = 2·dim·std²·s, in which only std is squared.
    2 * dim * std**2 * s → 2 * dim * (std * s) ** 2
averaged over dimensions: The dimension is missing in C = 2·dim·std²·s. Squared distances add up
    over dimensions, and the kernel's width has to grow with them.
    2 * dim * std**2 * s → 2 * std**2 * s
averaged over dimensions: You divide the squared distance by the dimension, which C = 2·dim·std²·s
    does already.
    c / (c + squared_distance) → c / (c + squared_distance / dim)
deviation for the variance: You use std where std² stands: C is a squared distance.
    std**2 → std
squared twice: You square what is a squared distance already.
    c / (c + squared_distance) → c / (c + squared_distance**2)
root of the squared distance: You take the root first. The kernel is a function of the squared
    distance.
    c / (c + squared_distance) → c / (c + squared_distance.sqrt())
two forgotten: C is half of what it should be: 2·dim·std² is the expected squared distance of *two*
    draws from the prior, and each of them brings dim·std².
    2 * dim * std**2 * s → dim * std**2 * s
mean over scales: You take the mean over the scales. The kernel is their sum.
    constants) → constants) / len(scales)
scales left out: The scales are not used: a single kernel sees near or far, a sum over scales sees
    both.
    2 * dim * std**2 * s → 2 * dim * std**2
    constants) → constants[:1])
scales added up first: You put the sum of the scales into one kernel. The kernel is a sum of
    kernels, one for each scale.
    2 * dim * std**2 * s → 2 * dim * std**2 * sum(scales)
    constants) → constants[:1])
numerator 1: The numerator is C as well: each kernel of the sum should be 1 at distance 0.
    c / (c + squared_distance) → 1 / (c + squared_distance)
upside down: Your kernel is 0 for equal codes and grows with the distance. A kernel says how
    *alike* two codes are.
    c / (c + squared_distance) → squared_distance / (c + squared_distance)
a Gaussian kernel: That is a Gaussian kernel, which is blind to what is far off. C/(C + d²) has
    long tails.
    c / (c + squared_distance) → (-squared_distance / c).exp()
"""


def _kernel_probes(_trial: Trial) -> Iterator[Probe]:
    for dim, std, scales in ((3, 0.7, [0.1, 0.5, 3.0]), (8, 1.6, [0.2, 1.0, 4.0, 9.0]),
                             (1, 1.3, [2.5])):  # fmt: skip
        yield from values(2 * dim * torch.rand(4, 5) + 0.1, dim, std, scales)
    yield from values(torch.tensor([0.0, 1e6, 3.0]), 2, 1.5, [0.3, 7.0], gradients=False)


kernel = exercise(_kernel, _kernel_probes, KERNEL)
