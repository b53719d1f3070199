"""Which images are held out, and which labels are known."""

from __future__ import annotations

import torch
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_instance,
    check_int,
    check_labels,
)
from aae_lessons.data.sets import CLASSES, UNLABELLED, ImageSet


def balanced_subset(labels: Tensor, n: int, seed: int, classes: int = CLASSES) -> Tensor:
    """Positions of ``n`` labelled examples, equally many of each class, chosen by ``seed``.

    Args:
        labels: (N,), int64, classes from 0 on; -1 ("no label") is never chosen.
        n: how many, a multiple of the number of classes.
        seed: the same seed gives the same positions on every device.
        classes: how many classes there are.

    Returns:
        (n,) int64, ascending, on the device of ``labels``.

    Raises ValueError where ``n`` is not a multiple of ``classes`` or a class has too few examples.
    """
    check_int(classes, "classes")
    check_labels(labels, "labels", classes, unlabelled=True)
    check_int(n, "n")
    check(n % classes == 0, "n", n, f"a multiple of {classes}: as many labels of each class")
    check_int(seed, "seed", at_least=0)
    generator, here = torch.Generator().manual_seed(seed), labels.cpu()
    chosen = []
    for k in range(classes):
        rows = (here == k).nonzero().flatten()
        enough = len(rows) >= n // classes
        have = f"{len(rows)} of class {k}"
        check(enough, "labels", have, f"at least {n // classes} of each class for n={n}")
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[: n // classes]])
    return torch.cat(chosen).sort().values.to(labels.device)


def hide_labels(images: ImageSet, keep: Tensor) -> ImageSet:
    """The same images with every label but those at ``keep`` replaced by -1 ("no label")."""
    check_instance(images, "images", ImageSet, "an ImageSet")
    ok = isinstance(keep, Tensor) and keep.dtype == torch.int64 and keep.dim() == 1
    check(ok, "keep", keep, "an int64 tensor of positions")
    if keep.device.type == "cpu" and len(keep):
        inside = int(keep.min()) >= 0 and int(keep.max()) < len(images)
        check(inside, "keep", f"{keep.min()} … {keep.max()}", f"0 … {len(images) - 1}")
    hidden = torch.full_like(images.labels, UNLABELLED)
    hidden[keep] = images.labels[keep]
    return ImageSet(images.images, hidden, images.classes)


def split_validation(images: ImageSet, n: int = 10_000) -> tuple[ImageSet, ImageSet]:
    """(training, validation): the last ``n`` images are held out, as is usual for MNIST."""
    check_instance(images, "images", ImageSet, "an ImageSet")
    check_int(n, "n")
    check(n < len(images), "n", n, f"fewer than the {len(images)} images there are")
    return images.subset(slice(0, len(images) - n)), images.subset(slice(len(images) - n, None))
