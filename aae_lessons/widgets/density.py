"""Priors in the plane: lines of equal density, from a density or from samples."""

from __future__ import annotations

from typing import Any

import torch
from contourpy import contour_generator
from torch import Tensor

from aae_lessons.arguments import check
from aae_lessons.plots.density import centres, levels, log_mass, square
from aae_lessons.plots.style import Extent

MASSES = (0.5, 0.9, 0.99)
CAPTION = " Grey lines hold 50, 90 and 99 % of the prior."


def check_prior(prior: Any) -> None:
    """Refuses what is no prior in the plane."""
    ok = getattr(prior, "dim", None) == 2 and callable(getattr(prior, "sample", None))
    check(ok, "prior", prior, "a prior in two dimensions, with sample(n)")


@torch.no_grad()
def contours(prior: Any, extent: Extent) -> list[dict[str, Any]]:
    """Lines that hold 50, 90 and 99 % of a 2-D prior's mass inside ``extent``.

    Args:
        prior: with ``log_prob``, or else with ``sample`` (then a smoothed histogram of draws).
        extent: left, right, bottom, top.

    Returns:
        ``[{"mass": 0.5, "lines": [[x, y, x, y, …], …]}, …]``.
    """
    check_prior(prior)
    grid = log_mass(prior, extent)
    generator = contour_generator(*centres(extent[::2], extent[1::2]), grid)
    return [
        {"mass": mass, "lines": [_flat(line) for line in generator.lines(level)]}
        for mass, level in zip(MASSES, levels(grid, MASSES).tolist(), strict=True)
    ]


def _flat(line: Any) -> list[float]:
    return [round(float(value), 3) for value in line.flatten()]


def extent_of(clouds: list[Tensor], least: float = 0.5) -> Extent:
    """A square that holds clouds of points, (n, 2) each, but for a few far out, in thousandths."""
    left, right, bottom, top = (round(edge, 3) for edge in square(clouds, least))
    return left, right, bottom, top
