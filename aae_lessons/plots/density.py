"""Where a prior's mass lies: lines drawn over the codes, from its density, else from samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.path import Path
from torch import Tensor

from aae_lessons.plots.style import Extent

MASSES = (0.9, 0.5)  # the lines hold these shares of the prior
DRAWS = 100_000  # of a prior that can be sampled
CELLS = 180  # of the grid, along a side
SMOOTHING = 2.0  # cells
ROWS = 1000  # grid points at a time: a density may sum over hundreds of terms at each
FAINTEST = 60.0  # nats below the highest: all that is fainter counts as this


def samples(prior: Any, n: int = DRAWS) -> Tensor:
    """Samples of a prior, (n, 2); a tensor is taken as samples. The random state stays."""
    if isinstance(prior, Tensor):
        return prior.detach().cpu()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return prior.sample(n).detach().cpu()


def square(clouds: Sequence[Tensor], least: float = 0.0) -> Extent:
    """A square that holds clouds of points, (n, 2) each, but for a few far out of each.

    Args:
        clouds: one or more.
        least: half its side, at least.
    """
    shares = torch.tensor([0.002, 0.998])
    edges = torch.stack([cloud.quantile(shares, dim=0) for cloud in clouds])
    low, high = edges[:, 0].amin(0), edges[:, 1].amax(0)
    half = max((high - low).max().item() / 2 * 1.1, least)
    across, up = ((low + high) / 2).tolist()
    return across - half, across + half, up - half, up + half


def contours(ax: Axes, prior: Any, low: Sequence[float], high: Sequence[float]) -> None:
    """Lines that hold half and nine tenths of ``prior`` within the square.

    Args:
        ax: where to draw.
        prior: with ``log_prob``, or else with ``sample``, or samples, (n, 2).
        low, high: lower left and upper right corner of the square.
    """
    grid = log_mass(prior, (low[0], high[0], low[1], high[1]))
    # ax.contour would keep a megabyte for each of its sets, and a notebook keeps its figures
    generator = contour_generator(*centres(low, high), grid, line_type="ChunkCombinedCode")
    drawn = (generator.lines(height) for height in np.unique(levels(grid, MASSES)))
    paths = [
        Path(*line) for parts in drawn for line in zip(*parts, strict=True) if line[0] is not None
    ]
    for colour, width in (("white", 1.8), ("0.1", 1.0)):  # a pale rim keeps the line visible
        lines = PathCollection(paths, facecolors="none", edgecolors=colour, linewidths=width)
        ax.add_collection(lines, autolim=False)
        lines.set(zorder=3)


def centres(low: Sequence[float], high: Sequence[float]) -> list[np.ndarray]:
    """Middles of the grid's cells between two corners, (CELLS,) for each axis."""
    edges = [np.linspace(a, b, CELLS + 1) for a, b in zip(low, high, strict=True)]
    return [(e[1:] + e[:-1]) / 2 for e in edges]


def log_mass(prior: Any, extent: Extent) -> np.ndarray:
    """Logarithm of a prior's mass in the cells of a grid over a square, up to a constant.

    The logarithm, since that of a Gaussian is smooth enough for a coarse grid.

    Args:
        prior: with ``log_prob``, or else with ``sample``, or samples, (n, 2).
        extent: of the square.

    Returns:
        (CELLS, CELLS), rows from the bottom.
    """
    low, high = extent[::2], extent[1::2]
    grid = _from_density(prior, *centres(low, high))
    if grid is None:
        grid = _from_samples(samples(prior), low, high)
    return np.maximum(grid, grid.max() - FAINTEST).T


def levels(grid: np.ndarray, masses: Sequence[float]) -> np.ndarray:
    """Values of :func:`log_mass` above which the shares ``masses`` of the whole lie."""
    ordered = np.sort(grid, axis=None)[::-1]
    mass = np.exp(ordered - ordered[0]).cumsum()
    return ordered[np.searchsorted(mass / mass[-1], masses)]


def _from_density(prior: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Logarithm of the density at each grid point, (CELLS, CELLS); None where it has none."""
    if not hasattr(prior, "log_prob"):
        return None
    places = torch.cartesian_prod(torch.tensor(x), torch.tensor(y)).float()
    try:
        parts = [prior.log_prob(part) for part in places.split(ROWS)]
    except ValueError:  # a spiral without thickness
        return None
    return torch.cat(parts).double().view(CELLS, CELLS).numpy()


def _from_samples(drawn: Tensor, low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """Logarithm of the smoothed counts in each cell, (CELLS, CELLS)."""
    from scipy.ndimage import gaussian_filter  # here: most priors have a density, and need none

    limits = list(zip(low, high, strict=True))
    counts, *_ = np.histogram2d(*drawn.double().numpy().T, bins=CELLS, range=limits)
    # few samples need more smoothing: about 1 / n^(1/6) for a density in the plane
    wider = (DRAWS / max(len(drawn), 1)) ** (1 / 6)
    mass = gaussian_filter(counts, SMOOTHING * wider)
    return np.log(np.maximum(mass, 1e-300))
