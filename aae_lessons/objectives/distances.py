"""Distances between two samples: sliced Wasserstein and maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_callable,
    check_instance,
    check_int,
    check_matrix,
    check_number,
    check_same_shape,
)
from aae_lessons.devices import in_single_precision

Kernel = Callable[[Tensor], Tensor]


def random_directions(
    dim: int, n: int, generator: torch.Generator | None = None, like: Tensor | None = None
) -> Tensor:
    """``n`` unit vectors, evenly spread over the sphere: (dim, n).

    ``like`` gives device and dtype. A ``generator`` lives on the CPU and gives the same
    directions on every device.
    """
    check_int(dim, "dim")
    check_int(n, "n")
    device = None if like is None or generator is not None else like.device
    directions = torch.randn(dim, n, generator=generator, device=device)
    directions = directions / directions.norm(dim=0)
    return directions if like is None else directions.to(like)


@in_single_precision
def sliced_wasserstein(z: Tensor, z_prior: Tensor, directions: Tensor) -> Tensor:
    """Squared sliced 2-Wasserstein distance between two samples of equal size.

    mean over directions θ, mean over ranks i, of (⟨z, θ⟩ of rank i − ⟨z_prior, θ⟩ of rank i)².
    In one dimension, sorting both samples *is* the optimal transport.

    Args:
        z: codes, (B, d).
        z_prior: prior samples, (B, d).
        directions: unit vectors, (d, n); see :func:`random_directions`.
    """
    _samples(z, z_prior)
    check_same_shape(z, z_prior, "z", "z_prior")
    check_matrix(directions, "directions", rows=z.shape[1])
    difference = _sorted(z @ directions) - _sorted(z_prior @ directions)
    return difference.square().mean()


def _sorted(projections: Tensor) -> Tensor:
    """Every column in ascending order: ``projections.sort(0).values``.

    On the CPU NumPy needs a quarter of the time. It can't read a tensor that has a graph, is
    inside a transform of torch.func, or is bfloat16; torch sorts these itself.
    """
    if projections.device.type != "cpu":
        return projections.sort(0).values
    try:
        values = projections.numpy()
    except (RuntimeError, TypeError):
        return projections.sort(0).values
    return torch.from_numpy(np.sort(values, axis=0))


WAE_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def inverse_multiquadratics(
    dim: int, std: float = 1.0, scales: Sequence[float] = WAE_SCALES
) -> Kernel:
    """The kernel k(z, z') = Σ_s C_s / (C_s + ‖z − z'‖²), with C_s = 2·dim·std²·s.

    It returns a function of *squared* distances. 2·dim·std² is the expected squared distance
    between two draws from N(0, std²·I) (WAE §4; the scales are those of its authors' code).

    Args:
        dim: d.
        std: of the prior.
        scales: s, each above 0.
    """
    check_int(dim, "dim")
    check_number(std, "std", above=0)
    check_instance(scales, "scales", (tuple, list), "a tuple of scales")
    check(len(scales) > 0, "scales", scales, "one scale or more")
    for s in scales:
        check_number(s, "scales", above=0)
    constants = [2 * dim * std**2 * s for s in scales]

    def kernel(squared_distance: Tensor) -> Tensor:
        terms = [c / (c + squared_distance) for c in constants]
        return sum(terms[1:], terms[0])

    return kernel


def rbf(bandwidth: float) -> Kernel:
    """The kernel k(z, z') = exp(−‖z − z'‖² / (2·bandwidth²)), as a function of ‖z − z'‖²."""
    check_number(bandwidth, "bandwidth", above=0)
    return lambda squared_distance: torch.exp(squared_distance / (-2 * bandwidth**2))


def mmd(z: Tensor, z_prior: Tensor, kernel: Kernel) -> Tensor:
    """Unbiased estimate of the squared maximum mean discrepancy (WAE Algorithm 2).

    mean_{i≠j} k(z_i, z_j) + mean_{i≠j} k(z'_i, z'_j) − 2 mean_{i,j} k(z_i, z'_j), where z' is
    ``z_prior``. Being unbiased it may be negative: that is no error.

    Args:
        z: codes, (B, d), B at least 2.
        z_prior: prior samples, (B', d), B' at least 2.
        kernel: a function of squared distances, such as :func:`inverse_multiquadratics`.
    """
    _samples(z, z_prior)
    check_callable(kernel, "kernel", "a function of squared distances, such as rbf(1.0)")
    for value, name in ((z, "z"), (z_prior, "z_prior")):
        check(len(value) > 1, name, f"{len(value)} row", "two rows or more: pairs are compared")
    within = _mean_of_pairs(z, kernel) + _mean_of_pairs(z_prior, kernel)
    return within - 2 * kernel(_squared_distances(z, z_prior)).mean()


def _mean_of_pairs(z: Tensor, kernel: Kernel) -> Tensor:
    n = len(z)
    itself = torch.eye(n, dtype=torch.bool, device=z.device)
    k = kernel(_squared_distances(z, z)).masked_fill(itself, 0.0)
    return k.sum() / (n * (n - 1))


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_j‖², (n, m); coordinate by coordinate, which stays exact where they are close.

    Equal rows are a hair apart: there a kernel like −√s would have the gradient nan.
    """
    squares = [(a[:, None, d] - b[None, :, d]).square() for d in range(a.shape[1])]
    return sum(squares[1:], squares[0]).clamp_min(torch.finfo(a.dtype).tiny)


def _samples(z: Tensor, z_prior: Tensor) -> None:
    check_matrix(z, "z")
    check_matrix(z_prior, "z_prior", columns=z.shape[1])
