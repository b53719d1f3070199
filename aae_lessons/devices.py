"""The one place where a device is chosen (cuda, mps or cpu), and the precision of its products."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from aae_lessons.arguments import check


def choose(name: str | torch.device | None = None) -> torch.device:
    """The device to compute on, made ready.

    ``name``, else the environment variable ``AAE_DEVICE``, else the best there is: cuda, mps, cpu.
    On the CPU subnormal numbers are flushed to zero: after some hundred updates about half of
    Adam's first moments are subnormal, and each step would take twice as long.

    Raises ValueError where the name is unknown or the machine has no such device.
    """
    expected = str(name) if name is not None else os.environ.get("AAE_DEVICE") or _best()
    available = {"cpu": lambda: True, "cuda": torch.cuda.is_available, "mps": _mps}
    kind = expected.split(":")[0]
    check(kind in available, "device", expected, "cuda, mps or cpu")
    number = expected.partition(":")[2]
    check(number.isdigit() or expected == kind, "device", expected, "such as cuda, or cuda:0")
    here = available[kind]()
    check(here, "device", expected, f"a device of this machine; torch finds no {kind} here")
    if kind == "cuda":
        _require_card(expected, int(number or 0))
    torch.set_flush_denormal(True)
    return torch.device(expected)


def _require_card(name: str, number: int) -> None:
    """Refuses a card that isn't there, or that is too old for the installed torch."""
    count = torch.cuda.device_count()
    check(number < count, "device", name, f"cuda:0 … cuda:{count - 1}")
    major, minor = torch.cuda.get_device_capability(number)
    known = [int(a.partition("_")[2].rstrip("af")) for a in torch.cuda.get_arch_list()]
    old = bool(known) and 10 * major + minor < min(known)
    got = f"{name}, a card of compute capability {major}.{minor}"
    least = f"{min(known) / 10:.1f}" if known else ""
    expected = f"{least} or more, which this torch has kernels for; else AAE_DEVICE=cpu"
    check(not old, "device", got, expected)


def _mps() -> bool:
    return torch.backends.mps.is_available()


def _best() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if _mps() else "cpu"


def in_float64(value: Tensor) -> Tensor:
    """``value`` in double precision: where it is, or on the CPU if its device has none (mps)."""
    return (value.cpu() if value.device.type == "mps" else value).double()


PRECISIONS = ("highest", "high", "medium", "bfloat16", "fast")


def fast_precision(device: torch.device | str = "cpu") -> str:
    """What "fast" stands for on a device: "bfloat16" where it has units for that, or "highest".

    A processor has them with AMX or AVX512-BF16, a card from compute capability 8 on. The answer
    depends on the machine alone, so that a run that was stopped goes on in the same arithmetic.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "highest"
    return "bfloat16" if kind == "cpu" and has_bfloat16_units() else "highest"


def has_bfloat16_units() -> bool:
    """Whether this machine's processor multiplies bfloat16 numbers in hardware."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@contextlib.contextmanager
def matmul_precision(precision: str, device: torch.device | str = "cpu") -> Generator[None]:
    """Within it, networks on ``device`` multiply their matrices in this precision.

    "highest": single precision.

    "high", "medium": torch's own settings for products of single-precision matrices. Which
    processors and cards have a faster way is up to torch: TF32 on recent cards, bfloat16 on
    processors with AMX. Elsewhere they change nothing.

    "bfloat16": autocast. Hidden layers compute and store their outputs in bfloat16 (8 bits of
    mantissa, 24 in single precision); weights, optimizers, losses, codes and all logits stay in
    single precision (see :class:`aae_lessons.networks.Float32Linear`). Autocast keeps no copies
    of the weights here: they change within a step, and a later phase would compute with those
    from before the earlier one.

    "fast": what :func:`fast_precision` chooses.

    What models reach in it is compared with single precision, three seeds each way, by
    ``benchmarks/precision.py``; ``benchmarks/README.md`` has its table. Only training is meant:
    what measures a model computes in single precision.

    Raises ValueError for any other name.
    """
    check(precision in PRECISIONS, "precision", precision, f"one of {', '.join(PRECISIONS)}")
    if precision == "fast":
        precision = fast_precision(device)
    if precision == "bfloat16":
        with torch.autocast(torch.device(device).type, torch.bfloat16, cache_enabled=False):
            yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


Loss = TypeVar("Loss", bound=Callable[..., Tensor])


def in_single_precision(loss: Loss) -> Loss:
    """A loss with matrix products in it, which autocast then leaves in single precision."""

    @functools.wraps(loss)
    def computed(*args: Any, **settings: Any) -> Tensor:
        with contextlib.ExitStack() as stack:
            for kind in ("cpu", "cuda", "mps"):
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
            return loss(*args, **settings)

    return cast(Loss, computed)
