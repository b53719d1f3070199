"""The description of a reference run: model, step, data, measures, and what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from aae_lessons import training
from aae_lessons.arguments import check
from aae_lessons.data import ImageSet, Minibatches, mnist
from aae_lessons.references.measures.common import codes

Keep = Literal["weights", "int8", "previews", "record"]
KEEPS = get_args(Keep)


@dataclass(frozen=True)
class Recipe:
    """How one reference run is trained, measured and stored.

    Args:
        build: makes the model, untrained.
        step: one update, for :func:`aae_lessons.training.fit`.
        measure: ``measure(model, test set)`` -> numbers.
        optimizers: ``optimizers(model)``, by phase; None for those that the model makes itself.
        epochs: passes over the 60,000 training images.
        batch: B.
        labels: how many training images keep their label, balanced over classes; 0 for none, None
            for all.
        note: what a reader of the record should know.
        prepare: ``prepare(model, batches)``, before the first update.
        watch: ``watch(model, first 1000 test images)`` before and after every epoch, -> codes
            "z", and numbers by name.
        dataset: ``dataset("train" or "test", device)``; MNIST, which comes with the package.
        held_out: how many of the last training images are kept for validation.
        batches: ``batches(images, B, seed)``.
        schedule: of the learning rates.
        on_step: what else changes during the run, such as a temperature: ``on_step`` of ``fit``.
        matmul_precision: of matrix products while training; see
            :func:`aae_lessons.devices.matmul_precision`.
        rank_by: the metric by which the kept seed is the median; empty for the first seed.
        keep: what is stored next to the record. "weights", in half precision; "int8", the
            weights of encoder and decoder in a byte each
            (:mod:`aae_lessons.references.quantize`); "previews", images and codes
            (:mod:`aae_lessons.references.previews`); or nothing, "record".

    Raises:
        ValueError: another ``keep``.
    """

    build: Callable[[], nn.Module]
    step: Callable[..., training.Losses]
    measure: Callable[..., dict[str, float]]
    optimizers: Callable[..., training.Optimizers] | None = None
    epochs: int = 40
    batch: int = 128
    labels: int | None = 0
    note: str = ""
    prepare: Callable[..., object] | None = None
    watch: Callable[..., Mapping[str, Tensor | float]] | None = codes
    rank_by: str = ""
    keep: Keep = "weights"
    dataset: Callable[..., ImageSet] = mnist
    held_out: int = 0
    batches: Callable[..., training.Batches] = Minibatches
    schedule: training.Schedule = training.constant_then_linear
    on_step: Callable[..., None] | None = None
    matmul_precision: str = "highest"

    def __post_init__(self) -> None:
        check(self.keep in KEEPS, "keep", self.keep, f"one of {', '.join(KEEPS)}")

    @property
    def keeps_model(self) -> bool:
        """Whether what is stored is enough to encode and decode."""
        return self.keep in ("weights", "int8")
