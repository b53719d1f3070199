"""Figures from arrays. Every function returns the Figure; a notebook shows it as a cell's value.

Classes have a colour *and* a marker, from a palette that colour-blind readers can tell apart.
Architectures are drawn by :mod:`aae_lessons.plots.diagrams`.
"""

from aae_lessons.plots.clusters import codes_and_cluster_heads, contingency, rows_of_clusters
from aae_lessons.plots.comparisons import seeds_by_row, trade_off
from aae_lessons.plots.discrete import (
    class_members,
    code_bars,
    over_epochs,
    over_settings,
    peaks,
    peaks_over_training,
    simplex,
)
from aae_lessons.plots.images import decoded_plane, images, reconstructions, rows_of_images
from aae_lessons.plots.latent import codes, panels_of_codes, posteriors, transport
from aae_lessons.plots.regions import decision_regions, errors_and_cost
from aae_lessons.plots.runs import (
    Claims,
    claims,
    curves,
    equilibrium,
    histograms,
    lines,
    losses,
)

__all__ = [
    "Claims",
    "claims",
    "class_members",
    "code_bars",
    "codes",
    "codes_and_cluster_heads",
    "contingency",
    "curves",
    "decision_regions",
    "decoded_plane",
    "equilibrium",
    "errors_and_cost",
    "histograms",
    "images",
    "lines",
    "losses",
    "over_epochs",
    "over_settings",
    "panels_of_codes",
    "peaks",
    "peaks_over_training",
    "posteriors",
    "reconstructions",
    "rows_of_clusters",
    "rows_of_images",
    "seeds_by_row",
    "simplex",
    "trade_off",
    "transport",
]
