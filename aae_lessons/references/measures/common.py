"""What several lessons measure: codes, their match to a prior, the validation images."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from aae_lessons import data, metrics
from aae_lessons.data import ImageSet
from aae_lessons.priors import Prior

VALIDATION = 10_000  # the last training images


@torch.no_grad()
def codes(model: Any, x: Tensor) -> dict[str, Tensor]:
    """Codes of images, where the model has any."""
    return {"z": model.encode(x).cpu()} if hasattr(model, "encode") else {}


@torch.no_grad()
def held_out_codes(model: Any, test: ImageSet) -> Tensor:
    """Codes of all test images; draws of a Gaussian posterior are repeatable."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.encode(test.x)


def match(z: Tensor, prior: Prior) -> dict[str, float]:
    """How well held-out codes match a prior."""
    return {
        "c2st_accuracy": metrics.c2st_accuracy(z, prior),
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, prior),
        "mmd_over_floor": metrics.mmd_over_floor(z, prior),
    }


@functools.cache
def validation_images(device: torch.device) -> ImageSet:
    """The 10,000 validation images, the last training images; read once per device."""
    return data.split_validation(data.mnist("train", device), VALIDATION)[1]
