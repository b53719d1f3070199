"""Refusing bad input: every message names the argument, the value and what was expected.

Values (ranges) are checked on the CPU only: a check on an accelerator would make the step wait for
the device. Shapes, dtypes and sizes are checked everywhere.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def describe_value(value: object) -> str:
    """A short description of ``value`` for an error message: tensors and arrays by shape."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    if type(value).__module__ == "numpy" and hasattr(value, "shape"):
        return f"an array of shape {value.shape} and dtype {getattr(value, 'dtype', '')}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"


def check(holds: bool, name: str, got: object, expected: str) -> None:
    """Raises ValueError, naming the argument, unless ``holds``."""
    if not holds:
        raise refusal(name, got, expected)


def refusal(name: str, got: object, expected: str) -> ValueError:
    """The error that refuses ``got``."""
    return ValueError(f"{name}: got {describe_value(got)}, expected {expected}")


def check_int(value: object, name: str, at_least: int = 1) -> None:
    """``value`` must be an int (not a bool) of ``at_least`` or more."""
    ok = isinstance(value, int) and not isinstance(value, bool) and value >= at_least
    check(ok, name, value, f"a whole number, {at_least} or more")


def check_number(
    value: object, name: str, above: float = -math.inf, at_least: float = -math.inf
) -> None:
    """``value`` must be a finite real number, greater than ``above``, not below ``at_least``."""
    ok = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    limits = [f"above {above:g}"] * (above > -math.inf)
    limits += [f"{at_least:g} or more"] * (at_least > -math.inf)
    expected = " ".join(["a finite number", *limits])
    check(ok and value > above and value >= at_least, name, value, expected)


def check_matrix(
    value: object, name: str, columns: int | None = None, rows: int | None = None
) -> Tensor:
    """``value``, a floating-point tensor ``(rows, columns)`` with one row or more."""
    expected = f"a floating-point tensor of shape ({rows or 'n'}, {columns or 'd'})"
    ok = isinstance(value, Tensor) and value.is_floating_point() and value.dim() == 2
    if not isinstance(value, Tensor) or not ok:
        raise refusal(name, value, expected)
    n, d = value.shape
    ok = n > 0 and d > 0 and columns in (None, d) and rows in (None, n)
    check(ok, name, value, expected)
    return value


def check_numbers(
    config: object, *names: str, above: float = -math.inf, at_least: float = -math.inf
) -> None:
    """:func:`check_number` of several fields of a configuration."""
    for name in names:
        check_number(getattr(config, name), name, above, at_least)


def check_sizes(value: object, name: str, length: int | None = None) -> None:
    """``value`` must be a tuple of whole numbers, 1 or more (``length`` of them)."""
    ok = isinstance(value, tuple | list) and length in (None, len(value))
    ok = ok and all(type(size) is int and size >= 1 for size in value)
    many = "" if length is None else f"{length} "
    check(ok, name, value, f"a tuple of {many}whole numbers, 1 or more")


def check_instance(
    value: object, name: str, kinds: type | tuple[type, ...], expected: str
) -> None:
    """``value`` must be an instance of one of these classes."""
    check(isinstance(value, kinds), name, value, expected)


def check_callable(value: object, name: str, expected: str = "a function") -> None:
    """``value`` must be a function, or something else that can be called."""
    check(callable(value), name, value, expected)


def sized(value: Any) -> int:
    """How many items a list, tuple or tensor has; 0 for what has none."""
    return len(value) if isinstance(value, Sequence | Tensor) and not isinstance(value, str) else 0


def check_mapping(value: object, name: str, expected: str) -> None:
    """``value`` must be a dict with one entry or more."""
    check(isinstance(value, Mapping) and len(value) > 0, name, value, expected)


def check_finite(value: Tensor, name: str) -> None:
    """``value`` must hold neither nan nor infinities; it is waited for on an accelerator."""
    check(bool(value.isfinite().all()), name, "nan or infinite values", "finite values")


def check_config(config: Any, kind: type | None = None) -> None:
    """The fields that configurations share: sizes, classes, pixels, cost, rates, momenta.

    With ``kind``, a model's configuration has to be one of that class.
    """
    if kind is not None:
        expected = f"a {kind.__module__.rpartition('.')[2]}.{kind.__name__}"
        check(isinstance(config, kind), "config", config, expected)
    for field in dataclasses.fields(config):
        name, value = field.name, getattr(config, field.name)
        if str(field.type).startswith("tuple[int"):
            check_sizes(value, name)
        elif name in ("pixels", "dim", "classes"):
            check_int(value, name, at_least=2 if name == "classes" else 1)
        elif name == "cost" and field.type == "Cost":
            check_callable(value, name, "a cost c(logits, x), such as objectives.squared_error")
        elif name in ("beta1", "momentum", "adversarial_momentum"):
            check_number(value, name, at_least=0)
            check(value < 1, name, value, "a number from 0 to below 1")
        elif name == "lr" or name.endswith("_lr"):
            check_number(value, name, above=0)
        elif name == "weight_decay":
            check_number(value, name, at_least=0)


def check_same_shape(a: Tensor, b: Tensor, name_a: str, name_b: str) -> None:
    """Two tensors must have equal shapes: broadcasting would hide a mistake."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} and {name_b}: got shapes {tuple(a.shape)} and {tuple(b.shape)}, "
            "expected the same shape for both"
        )


def check_labels(value: object, name: str, classes: int, unlabelled: bool = False) -> Tensor:
    """``value``, an int64 vector of 0 … ``classes``-1, and -1 if ``unlabelled``."""
    low = -1 if unlabelled else 0
    expected = f"an int64 tensor of shape (n,) with values {low} … {classes - 1}"
    if not isinstance(value, Tensor) or value.dtype != torch.int64 or value.dim() != 1:
        raise refusal(name, value, expected)
    if value.device.type == "cpu" and len(value):
        lowest, highest = int(value.min()), int(value.max())
        check(low <= lowest and highest < classes, name, f"{lowest} … {highest}", expected)
    return value
