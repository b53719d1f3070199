"""The one place where a device is chosen: cuda, mps or cpu."""

from __future__ import annotations

import os

import torch

from aae_lessons.arguments import require


def choose(name: str | torch.device | None = None) -> torch.device:
    """The device to compute on, made ready.

    ``name``, else the environment variable ``AAE_DEVICE``, else the best there is: cuda, mps, cpu.
    On the CPU subnormal numbers are flushed to zero: after some hundred updates about half of
    Adam's first moments are subnormal, and each step would take twice as long.

    Raises ValueError where the name is unknown or the machine has no such device.
    """
    wanted = str(name or os.environ.get("AAE_DEVICE") or _best())
    available = {"cpu": True, "cuda": torch.cuda.is_available, "mps": _mps}
    kind = wanted.split(":")[0]
    require(kind in available, "device", wanted, "cuda, mps or cpu")
    number = wanted.partition(":")[2]
    require(number.isdigit() or wanted == kind, "device", wanted, "such as cuda, or cuda:0")
    here = kind == "cpu" or available[kind]()
    require(here, "device", wanted, f"a device of this machine; torch finds no {kind} here")
    torch.set_flush_denormal(True)
    return torch.device(wanted)


def _mps() -> bool:
    return torch.backends.mps.is_available()


def _best() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if _mps() else "cpu"
