"""Image sets from a reader's own images: arrays, tensors, data sets, folders of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aae_lessons.arguments import (
    check,
    refusal,
)
from aae_lessons.data.sets import UNLABELLED, ImageSet

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
CHANNELS = (1, 3)
SHAPES = "(N, H, W), (N, H, W, 3), (N, 3, H, W) or (N, 1, H, W)"


def image_set(
    images: Any, labels: Any = None, device: torch.device | str | None = None
) -> ImageSet:
    """See :meth:`aae_lessons.data.ImageSet.of`."""
    if isinstance(images, str | Path):
        images, own_labels = _from_folder(Path(images))
        labels = own_labels if labels is None else labels
    elif not isinstance(images, Tensor | np.ndarray):
        images, own_labels = _from_dataset(images)
        labels = own_labels if labels is None else labels
    pixels = _to_uint8(_channels_first(torch.as_tensor(images)))
    classes, label = _labels(labels, len(pixels))
    return ImageSet(pixels.to(device), label.to(device), classes)


def _channels_first(images: Tensor) -> Tensor:
    """(N, C, H, W) of any unambiguous layout."""
    ok = images.dim() in (3, 4) and min(images.shape, default=0) > 0
    check(ok, "images", images, f"an array of shape {SHAPES}")
    if images.dim() == 3:
        return images.unsqueeze(1)
    first, last = images.shape[1] in CHANNELS, images.shape[3] in CHANNELS
    advice = "images.reshape(N, C, H, W), or [:, None] of grey images (N, H, W)"
    check(first != last, "images", images, f"channels (1 or 3) in one place, {SHAPES}: {advice}")
    return images if first else images.permute(0, 3, 1, 2)


def _to_uint8(images: Tensor) -> Tensor:
    """Bytes as they are; floats in [0, 1] to the nearest of 256 levels."""
    if images.dtype == torch.uint8:
        return images.contiguous()
    kind = f"{images.dtype} values"
    check(images.is_floating_point(), "images", kind, "uint8, or floats in 0 … 1")
    check(bool(images.isfinite().all()), "images", "nan or infinite pixels", "finite ones")
    low, high = float(images.min()), float(images.max())
    advice = "images / 255" if high > 1 and low >= 0 else "(images + 1) / 2"
    got = f"floats in {low:g} … {high:g}"
    check(low >= 0 and high <= 1, "images", got, f"floats in 0 … 1, such as {advice}")
    return (images.float() * 255).round().to(torch.uint8).contiguous()


def _labels(labels: Any, n: int) -> tuple[int, Tensor]:
    """How many classes there are, and int64 labels; -1 for all images without any."""
    if labels is None:
        return 2, torch.full((n,), UNLABELLED)
    try:
        label = torch.as_tensor(labels)
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal("labels", labels, "whole numbers") from error
    whole = not label.is_floating_point() and not label.is_complex() and label.dtype != torch.bool
    ok = whole and label.shape == (n,) and int(label.min()) >= UNLABELLED
    check(ok, "labels", label, f"{n} whole numbers from 0 on (-1: none) in a vector")
    return max(2, int(label.max()) + 1), label.long()


def _from_dataset(data: Any) -> tuple[Tensor, list[int] | None]:
    """The images of a ``Dataset``, with its labels if its items are pairs."""
    usable = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not callable(data)
    expected = "an array, a tensor, a Dataset with a length, or the path of a folder"
    check(usable and len(data) > 0, "images", data, expected)
    items = [data[i] for i in range(len(data))]
    several = isinstance(items[0], tuple | list)
    images = [_as_tensor(item[0] if several else item) for item in items]
    _check_equal_sizes(images)
    labelled = several and len(items[0]) > 1
    return torch.stack(images), [int(item[1]) for item in items] if labelled else None


def _from_folder(folder: Path) -> tuple[Tensor, list[int] | None]:
    """Pictures in a folder; in folders inside it, one for each class in alphabetical order."""
    check(folder.is_dir(), "images", str(folder), "a folder that is there")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    check(len(paths) > 0, "images", str(folder), f"a folder with pictures ({', '.join(SUFFIXES)})")
    from PIL import Image  # here: only who has pictures needs it

    images = [_as_tensor(Image.open(path)) for path in paths]
    _check_equal_sizes(images)
    classes = sorted(
        {path.relative_to(folder).parts[0] for path in paths if path.parent != folder}
    )
    if not classes:
        return torch.stack(images), None
    inside = all(path.parent != folder for path in paths)
    got = "pictures both in the folder itself and in folders within it"
    check(inside, "images", got, "all in one folder, or each in its class's folder")
    return torch.stack(images), [classes.index(p.relative_to(folder).parts[0]) for p in paths]


def _as_tensor(image: Any) -> Tensor:
    if isinstance(image, Tensor):
        return image
    if hasattr(image, "mode") and image.mode not in ("L", "RGB"):  # a picture of PIL
        image = image.convert("L" if image.mode in ("1", "I", "F", "LA") else "RGB")
    return torch.from_numpy(np.array(image))


def _check_equal_sizes(images: list[Tensor]) -> None:
    shapes = sorted({tuple(image.shape) for image in images})
    expected = "images of one size and kind; resize them first"
    check(len(shapes) == 1, "images", f"shapes {shapes[:3]}", expected)
