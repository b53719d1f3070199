"""Measures of lesson 1: reconstruction, and how far the codes are from N(0, I)."""

from __future__ import annotations

from typing import Any

from aae_lessons import metrics
from aae_lessons.data import ImageSet
from aae_lessons.priors import Gaussian
from aae_lessons.references.measures.common import held_out_codes, match


def measure(model: Any, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from N(0, I)."""
    return {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(held_out_codes(model, test), Gaussian(model.config.dim)),
    }
