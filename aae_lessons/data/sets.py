"""Image sets in memory, where they come from, and which labels are known."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from aae_lessons import devices
from aae_lessons.arguments import check, check_int, check_labels

CLASSES = 10
UNLABELLED = -1
MNIST_FOLDER = Path(__file__).parent.parent / "mnist"
MNIST_FILES = {  # the MD5 of each file once unpacked
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


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


# ------------------------------------------------------------------------------- MNIST


def mnist(
    split: str = "train",
    device: str | torch.device | None = None,
    folder: str | Path = MNIST_FOLDER,
) -> ImageSet:
    """MNIST from the files inside the package.

    Args:
        split: ``"train"`` (60,000 images) or ``"test"`` (10,000).
        device: where the tensors live; see :func:`aae_lessons.devices.choose`.
        folder: where the four gzipped IDX files are.

    Raises:
        ValueError: an unknown split.
        DataError: a file is missing, cut short, or not the published one (MD5).
    """
    check(split in ("train", "test"), "split", split, "'train' or 'test'")
    prefix = "train" if split == "train" else "t10k"
    target = devices.choose(device)
    images = _read_idx(Path(folder), f"{prefix}-images-idx3-ubyte", offset=16)
    labels = _read_idx(Path(folder), f"{prefix}-labels-idx1-ubyte", offset=8)
    return ImageSet(
        images.view(-1, 1, 28, 28).to(target),
        labels.long().to(target),
    )


def _read_idx(folder: Path, name: str, offset: int) -> Tensor:
    path = folder / f"{name}.gz"
    fix = "install the package again (the four MNIST files are part of it)"
    if not path.is_file():
        raise DataError(f"MNIST: {path} is missing; {fix}.")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"MNIST: {path} can't be unpacked ({error}); {fix}.") from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MNIST_FILES[name]:
        raise DataError(f"MNIST: {path} is not the published file (MD5 differs); {fix}.")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=offset).copy())


# ------------------------------------------------------- other data sets, by torchvision


def fashion_mnist(
    split: str = "train",
    device: str | torch.device | None = None,
    folder: str | Path | None = None,
) -> ImageSet:
    """Fashion-MNIST (28×28 grey), from a folder or downloaded by torchvision.

    ``folder`` (else the environment variable ``AAE_DATA``) holds torchvision's layout,
    ``FashionMNIST/raw/*-ubyte``; without either it is downloaded to ``~/.cache/aae_lessons``.

    Raises ValueError for an unknown split, DataError where the data are damaged or out of reach.
    """
    check(split in ("train", "test"), "split", split, "'train' or 'test'")

    def load(root: Path, download: bool) -> tuple[Tensor, Tensor]:
        from torchvision.datasets import FashionMNIST

        result = FashionMNIST(root, train=split == "train", download=download)
        return result.data.unsqueeze(1), result.targets

    return _from_torchvision("Fashion-MNIST", load, folder, device)


def svhn(
    split: str = "train",
    device: str | torch.device | None = None,
    folder: str | Path | None = None,
) -> ImageSet:
    """Street View House Numbers (32×32 RGB), from a folder or downloaded by torchvision.

    ``folder`` (else ``AAE_DATA``) holds ``train_32x32.mat``, ``test_32x32.mat`` or
    ``extra_32x32.mat``; without either they are downloaded to ``~/.cache/aae_lessons``.

    Raises ValueError for an unknown split, DataError where the data are damaged or out of reach.
    """
    splits = ("train", "test", "extra")
    check(split in splits, "split", split, "'train', 'test' or 'extra'")

    def load(root: Path, download: bool) -> tuple[Tensor, Tensor]:
        from torchvision.datasets import SVHN

        result = SVHN(root, split=split, download=download)
        return torch.from_numpy(result.data), torch.from_numpy(result.labels).long()

    return _from_torchvision("SVHN", load, folder, device)


def _from_torchvision(name, load, folder, device) -> ImageSet:
    target = devices.choose(device)
    inputs = folder or os.environ.get("AAE_DATA")
    root = Path(inputs or Path.home() / ".cache" / "aae_lessons")
    if inputs and not root.is_dir():
        raise DataError(f"{name}: the folder {root} is missing; name another in AAE_DATA.")
    root.mkdir(parents=True, exist_ok=True)
    try:
        images, labels = load(root, download=not inputs)
    except Exception as error:  # torchvision, SciPy and urllib each raise their own
        fix = (
            f"put whole files there, or unset AAE_DATA (and folder=) to download {name}"
            if inputs
            else f"connect to the network, or name a folder that holds {name} in AAE_DATA"
        )
        first_line = str(error).split("\n")[0]
        raise DataError(f"{name}: can't be read from {root} ({first_line}); {fix}.") from error
    if len(images) != len(labels) or len(images) == 0:
        counts = f"{len(images)} images and {len(labels)} labels"
        raise DataError(f"{name}: {root} holds {counts}; fetch the files again.")
    return ImageSet(images.to(target), labels.to(target))


# ------------------------------------------------------------------------ label splits


def split_validation(images: ImageSet, n: int = 10_000) -> tuple[ImageSet, ImageSet]:
    """(training, validation): the last ``n`` images are held out, as is usual for MNIST."""
    check_int(n, "n")
    check(n < len(images), "n", n, f"fewer than the {len(images)} images there are")
    return images.subset(slice(0, len(images) - n)), images.subset(slice(len(images) - n, None))


def balanced_subset(labels: Tensor, n: int, seed: int) -> Tensor:
    """Positions of ``n`` labelled examples, equally many of each class, chosen by ``seed``.

    Args:
        labels: (N,), int64, classes 0 … 9; -1 ("no label") is never chosen.
        n: how many, a multiple of 10.
        seed: the same seed gives the same positions on every device.

    Returns:
        (n,) int64, ascending, on the device of ``labels``.

    Raises ValueError where ``n`` is not a multiple of 10 or a class has too few examples.
    """
    check_labels(labels, "labels", CLASSES, unlabelled=True)
    check_int(n, "n")
    check(n % CLASSES == 0, "n", n, f"a multiple of {CLASSES}: as many labels of each class")
    check_int(seed, "seed", at_least=0)
    generator, here = torch.Generator().manual_seed(seed), labels.cpu()
    chosen = []
    for k in range(CLASSES):
        rows = (here == k).nonzero().flatten()
        enough = len(rows) >= n // CLASSES
        have = f"{len(rows)} of class {k}"
        check(enough, "labels", have, f"at least {n // CLASSES} of each class for n={n}")
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[: n // CLASSES]])
    return torch.cat(chosen).sort().values.to(labels.device)


def hide_labels(images: ImageSet, keep: Tensor) -> ImageSet:
    """The same images with every label but those at ``keep`` replaced by -1 ("no label")."""
    ok = isinstance(keep, Tensor) and keep.dtype == torch.int64 and keep.dim() == 1
    check(ok, "keep", keep, "an int64 tensor of positions")
    if keep.device.type == "cpu" and len(keep):
        inside = int(keep.min()) >= 0 and int(keep.max()) < len(images)
        check(inside, "keep", f"{keep.min()} … {keep.max()}", f"0 … {len(images) - 1}")
    hidden = torch.full_like(images.labels, UNLABELLED)
    hidden[keep] = images.labels[keep]
    return ImageSet(images.images, hidden)
