"""Measures: how well codes match the prior, how good reconstructions and samples are.

Each leaves torch's random state as it was and depends on its ``seed`` alone.
"""

from aae_lessons.metrics.errors import (
    dead_units,
    error_percent,
    reconstruction_mse,
)
from aae_lessons.metrics.match import (
    component_accuracy,
    kl_parts,
    mass_at_modes,
    mmd_over_floor,
    moments,
    sliced_wasserstein_over_floor,
)
from aae_lessons.metrics.samples import (
    frechet_distance,
    sample_quality,
    sharpness,
)
from aae_lessons.metrics.two_sample import c2st_accuracy

__all__ = [
    "c2st_accuracy",
    "component_accuracy",
    "dead_units",
    "error_percent",
    "frechet_distance",
    "kl_parts",
    "mass_at_modes",
    "mmd_over_floor",
    "moments",
    "reconstruction_mse",
    "sample_quality",
    "sharpness",
    "sliced_wasserstein_over_floor",
]
