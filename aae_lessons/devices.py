"""The one place where a device is chosen (cuda, mps or cpu), and how exactly it multiplies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from aae_lessons.arguments import check


def choose(name: str | torch.device | None = None) -> torch.device:
    """The device to compute on, made ready.

    ``name``, else the environment variable ``AAE_DEVICE``, else the best there is: cuda, mps, cpu.
    On the CPU subnormal numbers are flushed to zero: after some hundred updates about half of
    Adam's first moments are subnormal, and each step would take twice as long.

    Raises ValueError where the name is unknown or the machine has no such device.
    """
    expected = str(name or os.environ.get("AAE_DEVICE") or _best())
    available = {"cpu": True, "cuda": torch.cuda.is_available, "mps": _mps}
    kind = expected.split(":")[0]
    check(kind in available, "device", expected, "cuda, mps or cpu")
    number = expected.partition(":")[2]
    check(number.isdigit() or expected == kind, "device", expected, "such as cuda, or cuda:0")
    here = kind == "cpu" or available[kind]()
    check(here, "device", expected, f"a device of this machine; torch finds no {kind} here")
    torch.set_flush_denormal(True)
    return torch.device(expected)


def _mps() -> bool:
    return torch.backends.mps.is_available()


def _best() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if _mps() else "cpu"


PRECISIONS = ("highest", "high", "medium")


@contextlib.contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Within it, the precision of single-precision matrix products: "highest" as they come.

    With "medium", factors are rounded to bfloat16 where the processor or the card has units for
    that, and products are summed in single precision: half the time of a step and more.
    Everything else, such as losses, weights and optimizers, stays as it is. Where there are no
    such units nothing changes.
    """
    check(precision in PRECISIONS, "precision", precision, f"one of {', '.join(PRECISIONS)}")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
