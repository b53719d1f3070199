"""Figures from arrays. Every function returns the Figure; a notebook shows it as a cell's value.

Classes have a colour *and* a marker, from a palette that colour-blind readers can tell apart.
"""

from aae_lessons.plots.latent import codes, panels_of_codes, posteriors, transport
from aae_lessons.plots.pictures import decoded_plane, images, reconstructions, rows_of_images
from aae_lessons.plots.runs import Claims, claims, curves, histograms, losses

__all__ = [
    "Claims",
    "claims",
    "codes",
    "curves",
    "decoded_plane",
    "histograms",
    "images",
    "losses",
    "panels_of_codes",
    "posteriors",
    "reconstructions",
    "rows_of_images",
    "transport",
]
