"""A classifier whose images are standardised first: every pixel has mean 0 and deviation 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from aae_lessons.data import ImageSet, SemiSupervisedBatch
from aae_lessons.devices import in_float64

CHUNK = 10_000  # images at a time, so that a large set need not fit in memory as floats
SMALLEST = 1e-3  # deviation of a pixel that hardly varies

Step = Callable[..., dict[str, Tensor]]


class Method(Protocol):
    """What is wrapped: one of the methods, or another classifier with optimizers of its own."""

    config: Any

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, P): (B,)."""
        ...

    def optimizers(self) -> Mapping[str, Optimizer]:
        """What the step descends with, by phase."""
        ...


class Standardised(nn.Module):
    """Wraps a model; it sees (x − mean) / deviation, pixel by pixel.

    Args:
        model: a module with ``config``, ``classify`` and ``optimizers``.
        pixels: number of pixels of an image.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Method, pixels: int) -> None:
        super().__init__()
        self.model, self.config = model, model.config
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("std", torch.ones(pixels))

    def measure_pixels(self, images: ImageSet) -> None:
        """Sets mean and deviation of every pixel to those of ``images``."""
        chunks = torch.arange(len(images), device=images.device).split(CHUNK)
        sums = [
            (x.sum(0), x.square().sum(0)) for x in (in_float64(images.batch(c).x) for c in chunks)
        ]
        mean, square = (sum(parts) / len(images) for parts in zip(*sums, strict=True))
        self.mean.copy_(mean)
        self.std.copy_((square - mean.square()).clamp(min=SMALLEST**2).sqrt())

    def standardise(self, x: Tensor) -> Tensor:
        """Images, (B, P), in [0, 1], as what the model sees, (B, P)."""
        return (x - self.mean) / self.std

    def classify(self, x: Tensor) -> Tensor:
        """The class of images ``x``, (B, P), in [0, 1]: (B,), 0 … K-1."""
        return self.model.classify(self.standardise(x))

    def optimizers(self) -> Mapping[str, Optimizer]:
        """Those of the model inside."""
        return self.model.optimizers()


def standardised(step: Step) -> Step:
    """The step of the model inside, on standardised images."""

    def standardised_step(
        model: Standardised, optimizers: Mapping[str, Optimizer], batch: SemiSupervisedBatch
    ) -> dict[str, Tensor]:
        x, labelled_x = model.standardise(batch.x), model.standardise(batch.labelled_x)
        return step(model.model, optimizers, SemiSupervisedBatch(x, labelled_x, batch.label))

    return standardised_step
