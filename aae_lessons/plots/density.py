"""Where a prior's mass lies: lines drawn over the codes, from samples of any prior."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter
from torch import Tensor

MASSES = (0.9, 0.5)  # the lines hold these shares of the prior
DRAWS = 100_000  # of a prior that can be sampled
CELLS = 150  # of the grid, along a side
SMOOTHING = 1.2  # cells


def samples(prior: Any, n: int = DRAWS) -> Tensor:
    """Samples of a prior, (n, 2); a tensor is taken as samples. The random state stays."""
    if isinstance(prior, Tensor):
        return prior.detach().cpu()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return prior.sample(n).detach().cpu()


def contours(ax: Axes, prior: Tensor, low: list[float], high: list[float]) -> None:
    """Lines that hold half and nine tenths of ``prior``, (n, 2), within the square."""
    ranges = [(low[0], high[0]), (low[1], high[1])]
    counts, x, y = np.histogram2d(*prior.double().numpy().T, bins=CELLS, range=ranges)
    # few samples need more smoothing: about 1 / n^(1/6) for a density in the plane
    wider = (DRAWS / max(len(prior), 1)) ** (1 / 6)
    mass = gaussian_filter(counts, SMOOTHING * wider)
    if mass.sum() == 0:
        return
    ordered = np.sort(mass, axis=None)[::-1]
    places = np.searchsorted(ordered.cumsum() / mass.sum(), MASSES)
    levels = np.unique(ordered[places])
    grid = [(edges[1:] + edges[:-1]) / 2 for edges in (x, y)]
    for colour, width in (("white", 2.6), ("0.1", 1.0)):  # a pale rim keeps the line visible
        ax.contour(*grid, mass.T, levels=levels, colors=colour, linewidths=width, zorder=3)
