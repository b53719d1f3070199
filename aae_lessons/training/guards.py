"""Checks of step, model and data that ``fit`` makes once, before the first update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from aae_lessons.arguments import (
    check,
    check_callable,
    check_instance,
    check_int,
    check_labels,
    check_matrix,
    check_number,
    refusal,
)
from aae_lessons.data import LoaderBatches
from aae_lessons.training.identity import POINTS
from aae_lessons.training.types import Batches, Losses, Optimizers, Schedule, Step


def check_settings(
    step: object, model: object, counts: dict[str, int], **functions: object
) -> None:
    """What ``fit`` is called with: a step, a model with weights, whole numbers, functions."""
    check_callable(step, "step", "a function step(model, optimizers, batch)")
    check_instance(model, "model", nn.Module, "a torch.nn.Module")
    weights = list(model.parameters()) if isinstance(model, nn.Module) else []
    check(len(weights) > 0, "model", model, "a torch.nn.Module with weights")
    for name, count in counts.items():
        check_int(count, name)
    for name, function in functions.items():
        check(function is None or callable(function), name, function, "a function, or None")


def check_schedule(schedule: Schedule) -> None:
    """A schedule gives a finite factor of 0 or more at every point of the run."""
    check_callable(schedule, "schedule", "a function of the share of the run that is done")
    for done in POINTS:
        check_number(schedule(done), f"schedule({done})", at_least=0)


def own_optimizers(step: Step, model: nn.Module, optimizers: Optimizers | None) -> Optimizers:
    """What ``step`` descends with; refuses the configuration of another algorithm."""
    make = getattr(model, "optimizers", None)
    algorithm, config = getattr(step, "config", None), getattr(model, "config", None)
    if algorithm is not None:
        name = f"{algorithm.__module__.rpartition('.')[2]}.{algorithm.__name__}"
        expected = f"a model of {name}, which {getattr(step, '__name__', 'this step')} reads"
        check(type(config) is algorithm, "model", config, expected)
    if optimizers is None:
        if not callable(make):
            raise refusal("optimizers", None, "a dict by phase: this model makes none itself")
        optimizers = make()
    ok = isinstance(optimizers, Mapping) and len(optimizers) > 0
    ok = ok and all(isinstance(o, Optimizer) for o in optimizers.values())
    check(ok, "optimizers", optimizers, "a dict of optimizers by phase")
    if algorithm is not None and callable(make):
        phases = set(make())
        check(phases <= set(optimizers), "optimizers", sorted(optimizers), f"{sorted(phases)}")
    own = {id(parameter) for parameter in model.parameters()}
    for phase, optimizer in optimizers.items():
        theirs = {id(p) for group in optimizer.param_groups for p in group["params"]}
        got = f"an optimizer of another model's weights for {phase}"
        check(bool(theirs & own), "optimizers", got, "this model's weights")
    return optimizers


def as_batches(value: Any, name: str, device: torch.device) -> Batches:
    """Minibatches as ``fit`` draws them; a ``DataLoader`` is wrapped."""
    if isinstance(value, DataLoader):
        counted = hasattr(value.dataset, "__len__")
        check(counted, "batches", value.dataset, "a loader of a data set with a length")
        value = LoaderBatches(value, device)
    ok = callable(getattr(value, "epoch", None)) and hasattr(value, "__len__")
    expected = (
        "data.Minibatches, a DataLoader, or an object with a length and epoch(number, start)"
    )
    check(ok, name, value, expected)
    check(len(value) > 0, name, "an epoch of no batches", "one batch or more in an epoch")
    return value


def rest_of_epoch(batches: Batches, done: int) -> Iterator[Any]:
    """The batches that are left of the present epoch; refuses more or fewer than promised."""
    epoch, position = divmod(done, len(batches))
    expected = f"{len(batches)}, as its length says"
    for batch in batches.epoch(epoch, position):
        check(position < len(batches), "batches", f"more than {position} in an epoch", expected)
        position += 1
        yield batch
    check(position == len(batches), "batches", f"{position} in epoch {epoch}", expected)


def check_batch(step: Step, model: nn.Module, batch: Any) -> None:
    """Shapes, dtypes and ranges of the first batch, for the steps of this course."""
    if getattr(step, "config", None) is None:
        return
    ok = isinstance(batch, tuple) and hasattr(batch, "x")
    check(ok, "batches", batch, "a data.Batch or data.SemiSupervisedBatch: images x and a label")
    semi = "SemiSupervised" in str(getattr(step, "__annotations__", {}).get("batch"))
    two = "a data.SemiSupervisedBatch, as data.SemiSupervisedMinibatches makes them"
    check(hasattr(batch, "labelled_x") or not semi, "batches", type(batch).__name__, two)
    fields, dtype = batch._asdict(), next(model.parameters()).dtype
    pixels = getattr(getattr(model, "config", None), "pixels", None)
    for name in {"x", "labelled_x"} & fields.keys():
        x = fields[name]
        check_matrix(x, f"batch.{name}", columns=pixels)
        check(x.dtype == dtype, f"batch.{name}", x, f"{dtype}, as the model's weights")
        low, high = float(x.min()), float(x.max())
        check(0 <= low <= high <= 1, f"batch.{name}", f"{low:g} … {high:g}", "pixels in 0 … 1")
    label, labelled = fields.get("label"), fields.get("labelled_x", batch.x)
    if "label" in fields:
        check_instance(label, "batch.label", Tensor, "a tensor; -1 for images without a label")
        known = getattr(model.config, "classes", 0) if semi else 0
        classes = known or 1 + max(0, int(label.max()))
        check_labels(label, "batch.label", classes, unlabelled=not known)
        expected = f"one label for each of {len(labelled)} images"
        check(len(label) == len(labelled), "batch.label", label, expected)


def check_losses(losses: Losses) -> None:
    """A step returns scalars by phase, detached, so that nothing of an update is kept."""
    expected = "a dict of detached scalar tensors by phase from the step"
    check(isinstance(losses, dict) and len(losses) > 0, "step", losses, expected)
    for phase, loss in losses.items():
        ok = isinstance(loss, Tensor) and loss.dim() == 0
        check(ok, "step", f"{phase}: {loss!r}", expected)
        check(not loss.requires_grad, "step", f"{phase} with its graph", expected)
