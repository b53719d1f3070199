"""Checks of lesson 7: the inverse multiquadratics kernel and the unbiased MMD."""

from __future__ import annotations

import torch
from torch import Tensor

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.objectives import WAE_SCALES, inverse_multiquadratics


def refuse_wrong_gradient(trial: Trial, inputs: tuple, worked) -> None:
    """The gradient by the codes (the first input) must be that of the worked answer."""
    z = inputs[0].detach().clone().requires_grad_()
    got = trial(z, *inputs[1:])
    if not got.requires_grad:
        says = "The value is right, but no gradient flows back to the codes: they could not learn."
        trial.refuse("gradient cut", says)
    gradient = torch.autograd.grad(got, z)[0]
    expected = torch.autograd.grad(worked(z, *inputs[1:]), z)[0]
    if not torch.allclose(gradient, expected, rtol=1e-4, equal_nan=False):
        says = "The value is right, its gradient by the codes is not. A detach(), a root of 0?"
        trial.refuse("wrong gradient", says, gradient, expected)


# ------------------------------------------------- 7.2 the inverse multiquadratics kernel


def _kernel(squared_distance: Tensor, dim: int, std: float, scales) -> Tensor:
    constants = [2 * dim * std**2 * s for s in scales]
    return sum(c / (c + squared_distance) for c in constants)


def _over_scales(one):
    """What comes out if ``one(squared_distance, C)`` is summed over the scales."""
    return lambda d2, dim, std, scales: sum(one(d2, 2 * dim * std**2 * s) for s in scales)


KERNEL_MISTAKES = (
    Mistake(
        "bandwidth inverted",
        "You have 1/(1 + C·d²): a larger C then makes the kernel narrower. C/(C + d²) is "
        "1/(1 + d²/C): C is the squared distance at which the kernel has fallen to a half.",
        _over_scales(lambda d2, c: 1 / (1 + c * d2)),
    ),
    Mistake(
        "averaged over dimensions",
        "The dimension is missing in C = 2·dim·std²·s. Squared distances add up over dimensions, "
        "and the kernel's width has to grow with them.",
        lambda d2, dim, std, scales: _kernel(d2, 1, std, scales),
    ),
    Mistake(
        "averaged over dimensions",
        "You divide the squared distance by the dimension, which C = 2·dim·std²·s does already.",
        lambda d2, dim, std, scales: _kernel(d2 / dim, dim, std, scales),
    ),
    Mistake(
        "deviation for the variance",
        "You use std where std² stands: C is a squared distance.",
        lambda d2, dim, std, scales: _kernel(d2, dim, std**0.5, scales),
    ),
    Mistake(
        "squared twice",
        "You square what is a squared distance already.",
        lambda d2, dim, std, scales: _kernel(d2.square(), dim, std, scales),
    ),
    Mistake(
        "root of the squared distance",
        "You take the root first. The kernel is a function of the squared distance.",
        lambda d2, dim, std, scales: _kernel(d2.sqrt(), dim, std, scales),
    ),
    Mistake(
        "two forgotten",
        "C is half of what it should be: 2·dim·std² is the expected squared distance of *two* "
        "draws from the prior, and each of them brings dim·std².",
        lambda d2, dim, std, scales: _kernel(d2, dim, std / 2**0.5, scales),
    ),
    Mistake(
        "mean over scales",
        "You take the mean over the scales. The kernel is their sum.",
        lambda d2, dim, std, scales: _kernel(d2, dim, std, scales) / len(scales),
    ),
    Mistake(
        "numerator 1",
        "The numerator is C as well: each kernel of the sum should be 1 at distance 0.",
        _over_scales(lambda d2, c: 1 / (c + d2)),
    ),
    Mistake(
        "upside down",
        "Your kernel is 0 for equal codes and grows with the distance. A kernel says how *alike* "
        "two codes are.",
        _over_scales(lambda d2, c: d2 / (c + d2)),
    ),
    Mistake(
        "a Gaussian kernel",
        "That is a Gaussian kernel, which is blind to what is far off. C/(C + d²) has long tails.",
        _over_scales(lambda d2, c: torch.exp(-d2 / c)),
    ),
)


def _test_kernel(trial: Trial) -> None:
    for dim, std in ((3, 0.7), (8, 1.6)):
        d2 = (2 * dim * torch.rand(4, 5)).double()
        inputs = d2, dim, std, WAE_SCALES
        trial.equal(trial(*inputs), _kernel(*inputs), inputs, KERNEL_MISTAKES)


kernel = Exercise(
    name="7.2",
    title="the inverse multiquadratics kernel",
    read="lesson 7, sections 7.4 and 7.7",
    hints=(
        "For each scale s there is one number C. What is it for dim = 2 and std = 1?",
        "C / (C + squared_distance): 1 for equal codes, a half where the squared distance is C.",
        "Add up over the scales; no mean.",
    ),
    answer=_kernel,
    test=_test_kernel,
)

# ------------------------------------------------------------------ 7.3 the unbiased MMD


def _mmd(z: Tensor, z_prior: Tensor, kernel) -> Tensor:
    def k(a, b):
        return kernel((a[:, None] - b[None]).square().sum(2))

    def mean_of_pairs(a):
        n, among = len(a), k(a, a)
        return (among.sum() - among.diagonal().sum()) / (n * (n - 1))

    return mean_of_pairs(z) + mean_of_pairs(z_prior) - 2 * k(z, z_prior).mean()


def _k(a: Tensor, b: Tensor, kernel) -> Tensor:
    """Of all pairs, (n, m)."""
    return kernel((a[:, None] - b[None]).square().sum(2))


def _pairs(among: Tensor) -> Tensor:
    """The sum of a square matrix without its diagonal."""
    return among.sum() - among.diagonal().sum()


def _combined(within, cross=torch.mean):
    """An MMD whose three terms are reduced by these functions of a matrix."""

    def result(z: Tensor, z_prior: Tensor, kernel) -> Tensor:
        inside = within(_k(z, z, kernel)) + within(_k(z_prior, z_prior, kernel))
        return inside - 2 * cross(_k(z, z_prior, kernel))

    return result


def _unbiased(among: Tensor) -> Tensor:
    return _pairs(among) / (len(among) * (len(among) - 1))


DIVIDED_TWICE = (
    "You divide by B(B − 1), and then take .mean() as well, which divides by the number of "
    "entries once more. Divide the *sum* over pairs by their number."
)
MMD_MISTAKES = (
    Mistake(
        "diagonal left in",
        "You count each code as a pair with itself. It is as near to itself as can be, and so two "
        "samples of one distribution never come out at 0. Leave the diagonal out.",
        _combined(torch.mean),
    ),
    Mistake(
        "diagonal out, still divided by B²",
        "The diagonal is out of the sum but not out of the count: there are B(B − 1) pairs.",
        _combined(lambda among: _pairs(among) / among.numel()),
    ),
    Mistake(
        "diagonal left in",
        "You divide by B(B − 1), but the diagonal is still in the sum.",
        _combined(lambda among: among.sum() / (len(among) * (len(among) - 1))),
    ),
    Mistake(
        "divided twice",
        DIVIDED_TWICE,
        _combined(lambda among: _unbiased(among) / among.numel()),
    ),
    Mistake(
        "divided twice",
        DIVIDED_TWICE,
        _combined(lambda among: _unbiased(among) / among.numel(), lambda k: k.mean() / k.numel()),
    ),
    Mistake(
        "norms not squared",
        "You give the kernel distances. It is a function of *squared* distances (torch.cdist and "
        ".norm() are not squared).",
        lambda z, z_prior, kernel: _mmd(z, z_prior, lambda d2: kernel(d2.sqrt())),
    ),
    Mistake(
        "averaged over dimensions",
        "You take the mean of the squared differences over dimensions. A squared distance is "
        "their sum: with the mean, the kernel is too wide.",
        lambda z, z_prior, kernel: _mmd(z, z_prior, lambda d2: kernel(d2 / z.shape[1])),
    ),
    Mistake(
        "cross term once",
        "The cross term counts twice: (a − b)² = a² + b² − 2ab.",
        _combined(_unbiased, lambda k: k.mean() / 2),
    ),
    Mistake(
        "cross term without its diagonal",
        "You leave the diagonal out of the cross term too. There z_i and z'_i are two different "
        "points, and a pair like any other: all B·B' of them count.",
        _combined(_unbiased, lambda k: _pairs(k) / (len(k) * (len(k) - 1))),
    ),
    Mistake(
        "sign lost",
        "The sign is turned round: pairs within a sample enter with plus, pairs across "
        "with minus.",
        lambda z, z_prior, kernel: -_mmd(z, z_prior, kernel),
    ),
    Mistake(
        "root taken",
        "You take the square root. The *squared* MMD is wanted; its unbiased estimate may be "
        "negative, and then a root is not a number.",
        lambda z, z_prior, kernel: _mmd(z, z_prior, kernel).sqrt(),
    ),
)


def _test_mmd(trial: Trial) -> None:
    kernel = inverse_multiquadratics(2)
    for shift in (2.5, 5.0):
        z, z_prior = torch.randn(6, 2).double(), shift + torch.randn(6, 2).double()
        inputs = z, z_prior, kernel
        trial.equal(trial(*inputs), _mmd(*inputs), inputs, MMD_MISTAKES)
    # equal samples: the pairs across include each code with itself, so the estimate is below 0
    got, expected = trial.tensor(trial(z, z.clone(), kernel), ()), _mmd(z, z, kernel)
    if not torch.allclose(got.double(), expected):
        says = (
            "Right where the estimate is positive, wrong where it is negative. An unbiased "
            "estimate of 0 is below 0 half of the time: that is no error. No clamp, no abs()."
        )
        trial.refuse("negative values cut off", says, got, expected)
    more = torch.randn(9, 2).double()
    got, expected = trial.tensor(trial(z, more, kernel), ()), _mmd(z, more, kernel)
    if not torch.allclose(got.double(), expected):
        says = (
            "Right where both samples have the same size, wrong for 6 codes and 9 prior samples. "
            "Each of the three terms is divided by the number of its own pairs."
        )
        trial.refuse("sizes taken for equal", says, got, expected)
    refuse_wrong_gradient(trial, inputs, _mmd)


mmd = Exercise(
    name="7.3",
    title="the unbiased MMD",
    read="lesson 7, sections 7.4 and 7.7",
    hints=(
        "Three means of kernel values: among codes, among prior samples, across (this one twice).",
        "z[:, None] - z_prior[None] is (B, B', D). Square, sum over D, apply the kernel.",
        "Among: (k.sum() - k.diagonal().sum()) / (n * (n - 1)). Across: k.mean().",
    ),
    answer=_mmd,
    test=_test_mmd,
)
