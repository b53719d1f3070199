"""Shuffled minibatches from memory: no loader, no worker, no per-image transform."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from aae_lessons.arguments import (
    check,
    check_instance,
    check_int,
)
from aae_lessons.data.sets import UNLABELLED, Batch, ImageSet, to_pixels


@dataclass(frozen=True)
class Minibatches:
    """Shuffled minibatches from memory; epoch ``e`` is the same at every call.

    Each epoch is one pass over the images in a fresh order that depends on ``seed`` and the
    epoch alone, so an interrupted run finds its place again. The last, smaller batch is left
    out: a fixed batch shape is what a CUDA graph needs, and over the epochs no image is missed.

    Args:
        images: the data set; batches come on its device.
        size: B, at most the number of images.
        seed: of the shuffles.
    """

    images: ImageSet
    size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        check_instance(self.images, "images", ImageSet, "an ImageSet; ImageSet.of(…) makes one")
        check_int(self.size, "size")
        fits = self.size <= len(self.images)
        check(fits, "size", self.size, f"at most the {len(self.images)} images there are")
        check_int(self.seed, "seed", at_least=0)

    def __len__(self) -> int:
        return len(self.images) // self.size

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch ``number``, from batch ``start`` on."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order = torch.randperm(len(self.images), generator=generator).to(self.images.device)
        for i in range(start, len(self)):
            yield self.images.batch(order[i * self.size : (i + 1) * self.size])


class SemiSupervisedBatch(NamedTuple):
    """A minibatch of images without labels, and one of images with them.

    ``x``: (B, C·H·W), ``labelled_x``: (B', C·H·W), in [0, 1]; ``label``: (B',), int64.
    """

    x: Tensor
    labelled_x: Tensor
    label: Tensor


@dataclass(frozen=True)
class SemiSupervisedMinibatches:
    """Minibatches for semi-supervised learning; an epoch is a pass over *all* images.

    Each minibatch of images without labels comes with one of labelled images. The labelled
    images are repeated, in a fresh order each time, every one equally often.

    Args:
        images: the data set; a label of -1 means that none is known.
        size: B, of the unlabelled part.
        labelled_size: B', at most the number of labels there are.
        seed: of the shuffles.
    """

    images: ImageSet
    size: int = 100
    labelled_size: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        Minibatches(self.images, self.size, self.seed)
        check_int(self.labelled_size, "labelled_size")
        have = int((self.images.labels >= 0).sum())
        fits = self.labelled_size <= have
        check(fits, "labelled_size", self.labelled_size, f"at most the {have} labels there are")

    def __len__(self) -> int:
        return len(self.images) // self.size

    def epoch(self, number: int, start: int = 0) -> Iterator[SemiSupervisedBatch]:
        """The batches of epoch ``number``, from batch ``start`` on."""
        labelled = (self.images.labels >= 0).nonzero().flatten()
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        rounds = -(-len(self) * self.labelled_size // len(labelled))
        orders = [torch.randperm(len(labelled), generator=generator) for _ in range(rounds)]
        turns = labelled[torch.cat(orders).to(labelled.device)]
        pairs = Minibatches(self.images, self.size, self.seed).epoch(number, start)
        for i, batch in enumerate(pairs, start):
            rows = turns[i * self.labelled_size : (i + 1) * self.labelled_size]
            yield SemiSupervisedBatch(batch.x, *self.images.batch(rows))


@dataclass(frozen=True)
class LoaderBatches:
    """The minibatches of a ``torch.utils.data.DataLoader``, flattened, as floats, on a device.

    Epoch ``e`` has the same order at every call: the loader's random state is seeded
    with the epoch. (Random changes of images inside its data set are fresh ones.)

    Args:
        loader: of images, or of pairs of images and labels: (B, C, H, W) or (B, C·H·W), uint8 or
            floats in [0, 1].
        device: where the batches go.
    """

    loader: DataLoader
    device: torch.device | str = "cpu"

    def __len__(self) -> int:
        return len(self.loader)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch ``number``, from batch ``start`` on."""
        with torch.random.fork_rng():
            torch.manual_seed(number)
            batches = iter(self.loader)
            first = next(batches, None)
        everything = itertools.chain([] if first is None else [first], batches)
        for batch in itertools.islice(everything, start, None):
            yield self._converted(batch)

    def _converted(self, batch: Any) -> Batch:
        expected = "a loader of images, or of pairs of images and labels"
        parts = [batch] if isinstance(batch, Tensor) else batch
        check(isinstance(parts, tuple | list) and len(parts) > 0, "batches", batch, expected)
        x, label = parts[0], parts[1] if len(parts) > 1 else None
        check(isinstance(x, Tensor) and x.dim() >= 2, "batches", x, "a loader of image tensors")
        x = to_pixels(x) if x.dtype == torch.uint8 else x.flatten(1)
        if label is None:
            label = torch.full((len(x),), UNLABELLED)
        whole = isinstance(label, Tensor) and not label.is_floating_point()
        check(whole, "batches", label, "a loader whose labels are whole numbers")
        return Batch(x.to(self.device), label.long().to(self.device))
