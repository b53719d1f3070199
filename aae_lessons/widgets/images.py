"""The images that an explorer shows: grey or RGB, of any size, with labels or without."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_labels, check_matrix
from aae_lessons.data import UNLABELLED, ImageSet
from aae_lessons.plots.images import Shape, image_shape
from aae_lessons.plots.style import MOST_CLASSES


class ShownImages(NamedTuple):
    """Images on the CPU.

    Args:
        x: (n, C·H·W), in [0, 1].
        labels: their classes, (n,), -1 for "no label".
        shape: (C, H, W).
    """

    x: Tensor
    labels: Tensor
    shape: tuple[int, int, int]


def shown_images(
    x: Tensor | ImageSet,
    labels: Tensor | None = None,
    shape: Shape | None = None,
    at_least: int = 1,
    at_most: int | None = None,
) -> ShownImages:
    """Images as an explorer needs them.

    Args:
        x: (n, C·H·W), in [0, 1]; or an ImageSet, which has labels and shape of its own.
        labels: their classes, (n,); None for the set's own, or for none.
        shape: (H, W) or (C, H, W); None for the set's own, or for square images.
        at_least, at_most: how many images there may be.

    Raises:
        ValueError: values outside [0, 1]; labels or a shape that don't fit the images.
    """
    if isinstance(x, ImageSet):
        labels = x.labels if labels is None else labels
        shape = x.shape if shape is None else shape
        x = x.x
    x = check_images(x, "x")
    several = at_least <= len(x) <= (at_most or len(x))
    check(several, "x", x, f"{at_least} to {at_most} images" if at_most else f"{at_least} or more")
    return ShownImages(x, labels_of(labels, len(x)), image_shape(x.shape[1], shape))


def labels_of(labels: Tensor | None, n: int) -> Tensor:
    """Labels of ``n`` images, (n,), on the CPU; -1 for all of them where there are none."""
    if labels is None:
        return torch.full((n,), UNLABELLED)
    labels = labels.cpu() if isinstance(labels, Tensor) else labels
    check_labels(labels, "labels", MOST_CLASSES, unlabelled=True)
    check(len(labels) == n, "labels", labels, f"{n} labels, one per image")
    return labels


def check_images(
    value: object, name: str, columns: int | None = None, rows: int | None = None
) -> Tensor:
    """Refuses what is no batch of images, (n, C·H·W) in [0, 1]; returns it on the CPU."""
    x = check_matrix(value, name, columns, rows).detach().cpu()
    ok = bool((x >= 0).all() and (x <= 1).all())
    check(ok, name, "values outside 0 … 1, or nan", "images in [0, 1]")
    return x
