"""Image sets from a reader's own images: arrays, tensors, data sets, folders of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aae_lessons.arguments import check, refusal
from aae_lessons.data.pictures import SUFFIXES, levels, opened
from aae_lessons.data.sets import UNLABELLED, ImageSet

MOST_CLASSES = 10_000
NAMES = "of names: numpy.unique(labels, return_inverse=True)[1]"
CHANNELS = (1, 3)
SHAPES = "(N, H, W), (N, H, W, 3), (N, 3, H, W) or (N, 1, H, W)"
FLOATS = {torch.bool: ", such as 1.0 * images", torch.uint16: ", such as images / 65535"}


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
    pixels = _to_uint8(_channels_first(_tensor_of(images)))
    classes, label = _labels(labels, len(pixels))
    return ImageSet(pixels.to(device), label.to(device), classes)


def _tensor_of(images: Any) -> Tensor:
    """An array as a tensor: copied where torch can't take its order of bytes or its strides."""
    if isinstance(images, Tensor):
        return images.detach()
    kind = images.dtype
    check(kind.kind in "biuf", "images", f"an array of {kind}", "one of numbers")
    kind = kind.newbyteorder("=") if kind.itemsize <= 8 else np.dtype(np.float64)
    return torch.as_tensor(np.ascontiguousarray(images, kind))


def _channels_first(images: Tensor) -> Tensor:
    """(N, C, H, W) of any unambiguous layout."""
    ok = images.dim() in (3, 4) and min(images.shape, default=0) > 0
    check(ok, "images", images, f"an array of shape {SHAPES}")
    if images.dim() == 3:
        advice = "images[None] of one image, images[:, None] of grey ones as narrow as that"
        check(images.shape[2] not in CHANNELS, "images", images, f"{SHAPES}: {advice}")
        return images.unsqueeze(1)
    first, last = images.shape[1] in CHANNELS, images.shape[3] in CHANNELS
    advice = "images.reshape(N, C, H, W), or [:, None] of grey images (N, H, W)"
    check(first != last, "images", images, f"channels (1 or 3) in one place, {SHAPES}: {advice}")
    return images if first else images.permute(0, 3, 1, 2)


def _to_uint8(images: Tensor) -> Tensor:
    """Bytes as they are; floats in [0, 1] to the nearest of 256 levels."""
    if images.dtype == torch.uint8:
        return images.contiguous()
    expected = "uint8, or floats in 0 … 1" + FLOATS.get(images.dtype, "")
    check(images.is_floating_point(), "images", f"{images.dtype} values", expected)
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
    expected = f"{n} whole numbers from 0 on (-1: none) in a vector, below {MOST_CLASSES}; {NAMES}"
    try:
        label = torch.as_tensor(labels)
    except (ValueError, TypeError, RuntimeError):
        raise refusal("labels", labels, expected) from None
    whole = not label.is_floating_point() and not label.is_complex() and label.dtype != torch.bool
    check(whole and label.shape == (n,), "labels", labels, expected)
    label = label.long()
    low, high = int(label.min()), int(label.max())
    ok = low >= UNLABELLED and high < MOST_CLASSES
    check(ok, "labels", f"numbers from {low} to {high}", expected)
    return max(2, high + 1), label


def _from_dataset(data: Any) -> tuple[Tensor, list[Any] | None]:
    """The images of a ``Dataset``, with its labels if its items are pairs."""
    usable = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not callable(data)
    usable = usable and not isinstance(data, Mapping)
    expected = "an array, a tensor, a Dataset with a length, or the path of a folder"
    check(usable and len(data) > 0, "images", data, expected)
    items = [data[i] for i in range(len(data))]
    several = isinstance(items[0], tuple | list)
    images = [_as_tensor(item[0] if several else item) for item in items]
    labelled = several and len(items[0]) > 1
    return _stacked(images), [_number(item[1]) for item in items] if labelled else None


def _number(label: Any) -> Any:
    """The number in a tensor or array of one; anything else as it is."""
    single = isinstance(label, Tensor | np.ndarray | np.generic) and label.ndim == 0
    return label.item() if single else label


def _as_tensor(image: Any) -> Tensor:
    """An image as numbers: a tensor, an array, or a picture of PIL."""
    image = levels(image) if hasattr(image, "getbands") else image
    expected = "tensors, arrays or pictures, or pairs of one and its label"
    check(isinstance(image, Tensor | np.ndarray), "images", image, expected)
    return _tensor_of(image)


def _from_folder(folder: Path) -> tuple[Tensor, list[int] | None]:
    """Pictures in a folder; in folders inside it, one for each class in alphabetical order.

    Hidden files and folders, whose names begin with a dot, are passed over.
    """
    check(folder.is_dir(), "images", str(folder), "a folder that is there")
    places = sorted(
        place
        for place in (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        if place.suffix.lower() in SUFFIXES and not any(p.startswith(".") for p in place.parts)
    )
    expected = f"a folder with pictures ({', '.join(sorted(SUFFIXES))})"
    check(len(places) > 0, "images", str(folder), expected)
    depths = {len(place.parts) for place in places}
    deepest = max(places, key=lambda place: len(place.parts))
    got = f"pictures in folders of several depths, or too deep, such as {deepest.as_posix()}"
    expected = "all in the folder itself, or each in its class's folder within it"
    check(depths in ({1}, {2}), "images", got, expected)
    images = _stacked([_tensor_of(opened(folder / place)) for place in places])
    if depths == {1}:
        return images, None
    classes = sorted({place.parts[0] for place in places})
    return images, [classes.index(place.parts[0]) for place in places]


def _stacked(images: list[Tensor]) -> Tensor:
    kinds = sorted({(tuple(image.shape), str(image.dtype)) for image in images})
    expected = "images of one size and kind; resize them first"
    check(len(kinds) == 1, "images", f"shapes and kinds {kinds[:3]}", expected)
    return torch.stack(images)
