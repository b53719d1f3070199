"""Image sets in memory, and minibatches of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_int, check_labels

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
        labels: (N,), int64, 0 … ``classes`` - 1, or -1 for "no label".
        classes: how many there are.
    """

    images: Tensor
    labels: Tensor
    classes: int = CLASSES

    def __post_init__(self) -> None:
        ok = isinstance(self.images, Tensor) and self.images.dtype == torch.uint8
        ok = ok and self.images.dim() == 4 and len(self.images) > 0
        check(ok, "images", self.images, "a uint8 tensor of shape (N, C, H, W), N at least 1")
        check_int(self.classes, "classes", at_least=2)
        check_labels(self.labels, "labels", self.classes, unlabelled=True)
        sizes = f"{len(self.images)} images and {len(self.labels)} labels"
        check(len(self.images) == len(self.labels), "labels", sizes, "one label per image")

    @classmethod
    def of(
        cls, images: Any, labels: Any = None, device: torch.device | str | None = None
    ) -> ImageSet:
        """Makes an ImageSet of your own images.

        Args:
            images: a numpy array or a tensor of shape (N, H, W), (N, H, W, 3) or (N, 3, H, W),
                uint8 or floats in [0, 1]; a torchvision ``Dataset``; or the path of a folder of
                pictures of one size, which may be sorted into a folder for each class.
            labels: N whole numbers from 0 on, -1 for "no label"; None for the data set's or the
                folder's own, or for none at all.
            device: where the set lives.

        Raises:
            ValueError: an ambiguous layout, pixels out of range, or labels that
                don't fit, with the call that repairs it.
        """
        from aae_lessons.data.own import image_set  # here: it imports this module

        return image_set(images, labels, device)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def pixels(self) -> int:
        """Numbers per image, C·H·W: ``Config(pixels=…)``."""
        return self.images[0].numel()

    @property
    def device(self) -> torch.device:
        """Where images and labels are."""
        return self.images.device

    @property
    def x(self) -> Tensor:
        """All images as floats: (N, C·H·W), in [0, 1]."""
        return to_pixels(self.images)

    def subset(self, index: Tensor | slice) -> ImageSet:
        """The rows at ``index`` (a slice, or an int64 or bool tensor)."""
        return ImageSet(self.images[index], self.labels[index], self.classes)

    def batch(self, index: Tensor) -> Batch:
        """The rows at ``index`` as a minibatch of floats."""
        return Batch(to_pixels(self.images[index]), self.labels[index])


def to_pixels(images: Tensor) -> Tensor:
    """uint8 images (n, C, H, W) as floats in [0, 1], flattened to (n, C·H·W)."""
    return images.flatten(1).float().div_(255)
