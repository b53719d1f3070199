"""What a training step is made of: one descent for each loss, and the settings that it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

S = TypeVar("S", bound=Callable[..., object])


def reads(config: type) -> Callable[[S], S]:
    """Notes on a step whose settings it reads, so that ``fit`` can refuse a model with others."""

    def note(step: S) -> S:
        step.__dict__["config"] = config
        return step

    return note


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of ``optimizer`` down ``loss``, by the gradients of its own parameters only.

    Gradients left over from another phase are dropped first, and none are computed for networks
    that this phase only looks through.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    optimizer.step()
