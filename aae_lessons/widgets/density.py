"""Priors in the plane: lines of equal density, from a density or from samples."""

from __future__ import annotations

from typing import Any

import torch
from contourpy import contour_generator
from torch import Tensor

from aae_lessons.plots.density import square
from aae_lessons.plots.style import Extent

MASSES = (0.5, 0.9, 0.99)
GRID = 120  # points per side
DRAWS = 40_000

CAPTION = " Grey lines hold 50, 90 and 99 % of the prior."


@torch.no_grad()
def contours(prior: Any, extent: Extent) -> list[dict[str, Any]]:
    """Lines that hold 50, 90 and 99 % of a 2-D prior's mass inside ``extent``.

    Args:
        prior: with ``log_prob``, or else with ``sample`` (then the density of 40,000 draws,
            smoothed over a grid).
        extent: left, right, bottom, top.

    Returns:
        ``[{"mass": 0.5, "lines": [[x, y, x, y, …], …]}, …]``.
    """
    left, right, bottom, top = extent
    x, y = torch.linspace(left, right, GRID), torch.linspace(bottom, top, GRID)
    density = _density(prior, x, y)
    generator = contour_generator(x.numpy(), y.numpy(), density.numpy())
    levels = _levels(density)
    return [
        {"mass": mass, "lines": [_flat(line) for line in generator.lines(level)]}
        for mass, level in zip(MASSES, levels, strict=True)
    ]


def _density(prior: Any, x: Tensor, y: Tensor) -> Tensor:
    """Mass of each grid point, (GRID, GRID), rows from the bottom; adds up to 1."""
    if hasattr(prior, "log_prob"):
        grid = torch.cartesian_prod(y, x).flip(1)
        mass = prior.log_prob(grid).exp().view(GRID, GRID)
    else:
        mass = _histogram(prior, x, y)
    return (mass / mass.sum().clamp(min=1e-30)).double()


def _histogram(prior: Any, x: Tensor, y: Tensor) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = prior.sample(DRAWS).cpu()
    steps = torch.stack([x[1] - x[0], y[1] - y[0]])
    edges = torch.stack([x[0], y[0]]) - steps / 2
    column, row = ((z - edges) / steps).floor().long().T
    inside = (column >= 0) & (column < GRID) & (row >= 0) & (row < GRID)
    flat = (row * GRID + column)[inside]
    counts = torch.bincount(flat, minlength=GRID * GRID).view(1, 1, GRID, GRID).float()
    bell = torch.exp(-0.5 * torch.arange(-3.0, 4.0).square() / 1.2**2)
    smooth = torch.outer(bell, bell).view(1, 1, 7, 7)
    return torch.nn.functional.conv2d(counts, smooth, padding=3)[0, 0]


def _levels(mass: Tensor) -> list[float]:
    """The densities above which 50, 90 and 99 % of the mass lie."""
    ordered = mass.flatten().sort(descending=True).values
    gathered = ordered.cumsum(0)
    places = torch.searchsorted(gathered, torch.tensor(MASSES, dtype=torch.double))
    return [ordered[min(int(i), len(ordered) - 1)].item() for i in places]


def _flat(line: Any) -> list[float]:
    return [round(float(value), 3) for value in line.flatten()]


def extent_of(clouds: list[Tensor], least: float = 0.5) -> Extent:
    """A square that holds clouds of points, (n, 2) each, but for a few far out, in thousandths."""
    left, right, bottom, top = (round(edge, 3) for edge in square(clouds, least))
    return left, right, bottom, top
