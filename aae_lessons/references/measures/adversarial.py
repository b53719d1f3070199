"""Measures of lessons 2 and 3: reconstruction, and how well the codes match the prior."""

from __future__ import annotations

from typing import Any

import torch

from aae_lessons import metrics
from aae_lessons.data import ImageSet
from aae_lessons.references.measures.common import held_out_codes, match


def measure(model: Any, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from the model's prior."""
    z, prior = held_out_codes(model, test), model.prior
    with torch.random.fork_rng():
        torch.manual_seed(0)
        error = metrics.reconstruction_mse(model, test.x)
    result = {
        "reconstruction_mse": error,
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(z, prior),
    }
    if hasattr(prior, "distance_to_mode"):
        result |= metrics.mass_at_modes(z, prior)
    if getattr(model.config, "label_classes", 0) and hasattr(prior, "nearest"):
        result["component_accuracy"] = metrics.component_accuracy(z, test.labels, prior)
    return result
