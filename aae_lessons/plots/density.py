"""Where a prior's mass lies: lines drawn over the codes, from its density, else from samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter
from torch import Tensor

from aae_lessons.plots.style import Extent

MASSES = (0.9, 0.5)  # the lines hold these shares of the prior
DRAWS = 100_000  # of a prior that can be sampled
CELLS = 180  # of the grid, along a side
SMOOTHING = 2.0  # cells


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
    edges = [np.linspace(a, b, CELLS + 1) for a, b in zip(low, high, strict=True)]
    centres = [(e[1:] + e[:-1]) / 2 for e in edges]
    log_mass = _from_density(prior, *centres)
    if log_mass is None:
        log_mass = _from_samples(samples(prior), edges)
    ordered = np.sort(log_mass, axis=None)[::-1]
    mass = np.exp(ordered).cumsum()
    if not mass[-1] > 0:
        return
    # of a density in logarithms, since those of Gaussians are smooth enough for a coarse grid
    places = np.searchsorted(mass / mass[-1], MASSES)
    levels = np.unique(ordered[places])
    for colour, width in (("white", 2.6), ("0.1", 1.0)):  # a pale rim keeps the line visible
        lines = ax.contour(*centres, log_mass.T, levels=levels, colors=colour, linewidths=width)
        lines.set(linestyle="solid", zorder=3)


def _from_density(prior: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Logarithm of the density at each grid point, (CELLS, CELLS); None where it has none."""
    if not hasattr(prior, "log_prob"):
        return None
    places = torch.cartesian_prod(torch.tensor(x), torch.tensor(y)).float()
    try:
        parts = [prior.log_prob(part) for part in places.split(5000)]
    except ValueError:  # a spiral without thickness
        return None
    return torch.cat(parts).double().view(CELLS, CELLS).numpy()


def _from_samples(drawn: Tensor, edges: list[np.ndarray]) -> np.ndarray:
    """Logarithm of the smoothed counts in each cell, (CELLS, CELLS)."""
    counts, *_ = np.histogram2d(*drawn.double().numpy().T, bins=edges)
    # few samples need more smoothing: about 1 / n^(1/6) for a density in the plane
    wider = (DRAWS / max(len(drawn), 1)) ** (1 / 6)
    mass = gaussian_filter(counts, SMOOTHING * wider)
    return np.log(np.maximum(mass, 1e-12 * max(mass.max(), 1e-300)))
