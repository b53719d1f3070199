"""Where image sets come from: MNIST from the package, others through torchvision."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aae_lessons import devices
from aae_lessons.arguments import check
from aae_lessons.data.sets import DataError, ImageSet
from aae_lessons.files import write_atomically

MNIST_FOLDER = Path(__file__).parent.parent / "mnist"
MNIST_SHAPE = (1, 28, 28)  # channels, height, width
MNIST_FILES = {  # the MD5 of each file once unpacked
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def mnist(
    split: str = "train",
    device: str | torch.device | None = None,
    folder: str | Path = MNIST_FOLDER,
) -> ImageSet:
    """MNIST from the files inside the package.

    Unpacked once into ``~/.cache/aae_lessons/mnist`` and mapped into memory from there, so that
    all kernels of a machine share its 55 MB; unpacked anew where that folder can't be written.

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
        images.view(-1, *MNIST_SHAPE).to(target),
        labels.long().to(target),
    )


def _read_idx(folder: Path, name: str, offset: int) -> Tensor:
    """What follows the header of ``offset`` bytes in an IDX file, flat, uint8."""
    if folder != MNIST_FOLDER:
        return torch.from_numpy(_unpack(folder, name)[offset:])
    content = _map(name)
    if content is None:
        content = _unpack(folder, name)
        _store(name, content)
    return torch.from_numpy(content[offset:])


def _unpack(folder: Path, name: str) -> np.ndarray:
    path = folder / f"{name}.gz"
    fix = "install the package again (the four MNIST files are part of it)"
    if not path.is_file():
        raise DataError(f"MNIST: {path} is missing; {fix}.")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"MNIST: {path} can't be unpacked ({error}); {fix}.") from error
    if not _is_published(content, name):
        raise DataError(f"MNIST: {path} is not the published file (MD5 differs); {fix}.")
    return np.frombuffer(bytearray(content), np.uint8)  # of a bytearray, since it can be written


def _is_published(content: bytes | memoryview, name: str) -> bool:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == MNIST_FILES[name]


def _cached(name: str) -> Path:
    return Path.home() / ".cache" / "aae_lessons" / "mnist" / name


def _map(name: str) -> np.ndarray | None:
    """The unpacked file of the cache, mapped copy-on-write; None where there is no whole one."""
    try:
        content = np.memmap(_cached(name), np.uint8, mode="c")
    except (OSError, RuntimeError, ValueError):  # no file, no home, an empty file
        return None
    return content if _is_published(content.data, name) else None


def _store(name: str, content: np.ndarray) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # a home that is missing or read-only
        write_atomically(_cached(name), lambda stream: stream.write(content))


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
