"""Comparing what a learner's function returned, or did to its inputs, with what is expected."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import torch
from torch import Tensor


def close(got: Any, expected: Any, rtol: float = 1e-4, atol: float = 2e-6) -> bool:
    """Whether two results are the same: tensors within a tolerance, anything else exactly."""
    if isinstance(expected, Tensor):
        if not isinstance(got, Tensor) or got.shape != expected.shape:
            return False
        if got.device != expected.device:
            return False
        a, b = got.detach().double(), expected.detach().double()
        return torch.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if isinstance(expected, list | tuple):
        alike = isinstance(got, list | tuple) and len(got) == len(expected)
        return alike and all(close(a, b, rtol, atol) for a, b in zip(got, expected, strict=True))
    return type(got) is type(expected) and got == expected


def as_number(value: Any) -> Any:
    """A number of Python or numpy as a scalar tensor; anything else as it is."""
    plain = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if plain or (isinstance(value, np.ndarray) and value.shape == ()):
        return torch.tensor(float(value))
    return value


def copy_of(value: Any) -> Any:
    """A copy of the tensors in ``value``; anything else is not looked after."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, list | tuple):
        return [copy_of(v) for v in value]
    return {k: copy_of(v) for k, v in value.items()} if isinstance(value, dict) else None


def unchanged(before: Any, after: Any) -> bool:
    """Whether the tensors in ``after`` still are those of ``before``."""
    if isinstance(before, Tensor):
        return before.shape == after.shape and torch.equal(
            before.nan_to_num(nan=0.5), after.detach().nan_to_num(nan=0.5)
        )
    if isinstance(before, list):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            unchanged(before[k], after[k]) for k in before
        )
    return True


def largest_difference(got: object, expected: object) -> tuple[int, ...] | None:
    """Where two tensors of one shape differ most."""
    if not (
        isinstance(got, Tensor) and isinstance(expected, Tensor) and got.shape == expected.shape
    ):
        return None
    if got.numel() == 0 or got.is_meta:
        return None
    gap = (
        (got.detach().double().cpu() - expected.detach().double().cpu())
        .abs()
        .nan_to_num(torch.inf)
    )
    # torch's own unravel_index imports a computer algebra system, which takes seconds
    return tuple(int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))


def short(value: object, place: tuple[int, ...] | None = None) -> str:
    """A value in a few words, a large tensor by one of its entries."""
    if not isinstance(value, Tensor):
        return str(value)
    if value.is_meta:
        return f"tensor of shape {tuple(value.shape)} on the device meta"
    if value.numel() > 4:
        place = place or (0,) * value.dim()
        number = value.detach()[place].item()
        return f"tensor of shape {tuple(value.shape)}, {number:.4g} at {list(place)}"
    numbers = [f"{v:.4g}" for v in value.detach().flatten().tolist()]
    return numbers[0] if value.dim() == 0 else f"[{', '.join(numbers)}]"
