"""Losses on held-out batches, and when to stop early."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from aae_lessons.arguments import check
from aae_lessons.training.run import History
from aae_lessons.training.types import Optimizers, Step


class NoOpOptimizer:
    """Replaces an optimizer in evaluation: the same parameters, which it never changes."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.param_groups = optimizer.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Does nothing."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure: Any = None) -> None:
        """Does nothing."""


def held_out_losses(
    step: Step, model: nn.Module, optimizers: Optimizers, batches: Iterable[Any]
) -> dict[str, float]:
    """The losses that ``step`` reports on ``batches``, mean over them, without any update.

    The model runs as in training (with noise, and batch norm over the batch), so that the losses
    compare with those of training. Buffers, gradients and the random state are put back.
    """
    idle: Any = {phase: NoOpOptimizer(optimizer) for phase, optimizer in optimizers.items()}
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reported = [step(model, idle, batch) for batch in batches]
    check(len(reported) > 0, "validation", "an epoch of no batches", "one batch or more")
    for optimizer in idle.values():
        optimizer.zero_grad()
    for buffer, before in buffers:
        buffer.copy_(before)
    phases = reported[0]
    return {p: torch.stack([losses[p] for losses in reported]).mean().item() for p in phases}


def has_stalled(history: History, phase: str, patience: int | None) -> bool:
    """Whether the held-out loss of ``phase`` was not lower in the last ``patience`` epochs."""
    line = history.validation.get(phase, [])
    if patience is None or len(line) <= patience:
        return False
    return min(line[-patience:]) >= min(line[:-patience])
