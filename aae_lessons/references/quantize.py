"""Weights in a byte each, for runs whose networks are wide."""

from __future__ import annotations

import torch
from torch import Tensor

SCALE = ".scale"
LEVELS = 127
KEPT = ("encoder", "decoder")


def pack(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Encoder and decoder, without discriminators: matrices as signed bytes, the rest as halves.

    Each row of a matrix has a scale of its own: its largest weight is 127 steps.
    """
    packed: dict[str, Tensor] = {}
    for name, value in weights.items():
        value = value.detach().cpu().float()
        if not name.startswith(KEPT):
            continue
        if value.dim() != 2:
            packed[name] = value.half()
            continue
        scale = value.abs().amax(1, keepdim=True).clamp(min=1e-12) / LEVELS
        packed[name] = (value / scale).round().to(torch.int8)
        packed[name + SCALE] = scale
    return packed


def unpack(packed: dict[str, Tensor]) -> dict[str, Tensor]:
    """What :func:`pack` was given, to within half a step of each row."""
    return {
        name: value.float() * packed[name + SCALE] if value.dtype == torch.int8 else value.float()
        for name, value in packed.items()
        if not name.endswith(SCALE)
    }
