"""Fingerprints of runs, by which a checkpoint is recognised, and digests of their state."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aae_lessons.arguments import check
from aae_lessons.training.types import Batches, Optimizers, Schedule, Step

POINTS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)  # of the run, at which two schedules are compared
PLAIN = (type(None), bool, int, float, str)
COMPARED = (*PLAIN, list, tuple, Tensor)


def fingerprint(
    step: Step,
    model: nn.Module,
    batches: Batches,
    optimizers: Optimizers,
    schedule: Schedule,
    on_step: Callable | None,
    precision: str,
) -> dict[str, str]:
    """A run's settings, each in words: what has to be the same for a checkpoint to fit.

    How many epochs there are is not among them, and neither is the state of torch's random
    numbers, which is in the checkpoint.
    """
    settings: dict[str, Any] = {
        "step": step,
        "model": type(model),
        "on_step": on_step,
        "precision": precision,
        "batches": type(batches),
        "batches in an epoch": len(batches),
        "schedule": [f"{schedule(done):.6g}" for done in POINTS],
    }
    for part in ("config", "prior", "cost", "discrepancy"):
        settings |= _settings(part, getattr(model, part, None))
    for name in ("size", "labelled_size", "seed"):
        settings[f"batches.{name}"] = getattr(batches, name, None)
    images = getattr(batches, "images", None)
    if images is not None and hasattr(images, "labels"):
        settings["images"] = (len(images), _sum(images.images), int(images.labels.sum()))
    for phase, optimizer in optimizers.items():
        settings[f"{phase} optimizer"] = type(optimizer)
        settings |= _fields(phase, optimizer.defaults)
    return {name: _in_words(value) for name, value in settings.items()}


def _sum(pixels: Tensor) -> int:
    """Of all pixels, in parts: torch makes eight bytes of each one before it adds them up."""
    return int(torch.stack([part.sum() for part in pixels.split(1000)]).sum())


def _fields(name: str, value: Any) -> dict[str, Any]:
    """A dataclass or a dict field by field, anything else whole."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {f"{name}.{key}": item for key, item in value.items()}
    return {name: value}


def _settings(name: str, value: Any) -> dict[str, Any]:
    """The fields of a model's part, and the plain attributes or closed-over values of each."""
    result = _fields(name, value)
    for key, item in list(result.items()):
        inner = {**closed_over(item), **_attributes(item)}
        result |= {f"{key}.{k}": v for k, v in inner.items() if isinstance(v, COMPARED)}
    return result


def _attributes(value: Any) -> dict[str, Any]:
    """What an object that is neither a class nor a function was made with."""
    if isinstance(value, type) or inspect.isroutine(value):
        return {}
    own = getattr(value, "__dict__", {})
    return {key: item for key, item in own.items() if key[0] != "_" and key != "training"}


def closed_over(function: Any) -> dict[str, Any]:
    """What a function that another made remembers, by name: of ``rbf(2.0)`` its bandwidth."""
    return dict(inspect.getclosurevars(function).nonlocals) if inspect.isfunction(function) else {}


def _in_words(value: Any) -> str:
    """Text that is the same in another process: functions by their names, without addresses."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_in_words, value))})"
    if isinstance(value, Tensor):
        return f"tensor {digest(value)[:16]}"
    if isinstance(value, PLAIN):
        return repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = _fields(type(value).__name__, value)
        return ", ".join(f"{name}={_in_words(item)}" for name, item in fields.items())
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def require_same(stored: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuses a checkpoint of another run, and names the first difference."""
    for name in {**stored, **now}:
        before, here = stored.get(name, "none"), now.get(name, "none")
        got = f"one of a run with {name} {before}"
        check(before == here, "checkpoint", got, f"{name} {here}, or another path")


def require_readable(value: Any, place: str = "snapshot") -> None:
    """Refuses what a checkpoint can be written with, but not read back."""
    if isinstance(value, dict):
        for key, item in value.items():
            require_readable(item, f"{place}[{key!r}]")
    elif type(value) in (list, tuple):
        for i, item in enumerate(value):
            require_readable(item, f"{place}[{i}]")
    else:
        expected = "numbers of Python, text, tensors, and lists or dicts of these (float() of a "
        expected += "numpy number): a checkpoint with anything else can't be read back"
        fits = type(value) in PLAIN or isinstance(value, Tensor)
        check(fits, place, f"a {type(value).__module__}.{type(value).__qualname__}", expected)


def digest(state: Any) -> str:
    """SHA-256 of tensors, numbers and text in dicts and lists, to the last bit."""
    result = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                result.update(f"{key!r}:".encode())
                add(item)
        elif isinstance(value, list | tuple):
            result.update(f"[{len(value)}]".encode())
            for item in value:
                add(item)
        elif isinstance(value, Tensor):
            result.update(f"{value.dtype}{tuple(value.shape)}".encode())
            flat = value.detach().cpu().contiguous().flatten()
            result.update(flat.view(torch.uint8).numpy())
        else:
            result.update(repr(value).encode())

    add(state)
    return result.hexdigest()
