"""Image sets in memory, and minibatches of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_labels

CLASSES = 10
UNLABELLED = -1


class DataError(RuntimeError):
    """A data set is damaged, missing or out of reach; the message says what to do."""


class Batch(NamedTuple):
    """A minibatch: ``x`` images (B, 784) in [0, 1]; ``label`` classes (B,), -1 for "no label"."""

    x: Tensor
    label: Tensor


@dataclass(frozen=True)
class ImageSet:
    """Labelled images on one device.

    Args:
        images: (N, C, H, W), uint8.
        labels: (N,), int64, 0 … 9, or -1 for "no label".
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        ok = isinstance(self.images, Tensor) and self.images.dtype == torch.uint8
        ok = ok and self.images.dim() == 4 and len(self.images) > 0
        check(ok, "images", self.images, "a uint8 tensor of shape (N, C, H, W), N at least 1")
        check_labels(self.labels, "labels", CLASSES, unlabelled=True)
        sizes = f"{len(self.images)} images and {len(self.labels)} labels"
        check(len(self.images) == len(self.labels), "labels", sizes, "one label per image")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def device(self) -> torch.device:
        return self.images.device

    @property
    def x(self) -> Tensor:
        """All images as floats: (N, C·H·W), in [0, 1]."""
        return to_pixels(self.images)

    def subset(self, index: Tensor | slice) -> ImageSet:
        """The rows at ``index`` (a slice, or an int64 or bool tensor)."""
        return ImageSet(self.images[index], self.labels[index])

    def batch(self, index: Tensor) -> Batch:
        """The rows at ``index`` as a minibatch of floats."""
        return Batch(to_pixels(self.images[index]), self.labels[index])


def to_pixels(images: Tensor) -> Tensor:
    """uint8 images (n, C, H, W) as floats in [0, 1], flattened to (n, C·H·W)."""
    return images.flatten(1).float().div_(255)
