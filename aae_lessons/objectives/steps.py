"""Building blocks of a training step: a descent, and the configuration that a step reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

S = TypeVar("S", bound=Callable[..., object])


def reads(config: type) -> Callable[[S], S]:
    """A decorator of training steps: ``step.config = config``.

    ``fit`` then refuses a model that has the configuration of another algorithm.

    Args:
        config: the class of the configuration that the step reads from ``model.config``.
    """

    def note(step: S) -> S:
        step.__dict__["config"] = config
        return step

    return note


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of ``optimizer`` down ``loss``, by the gradients of its own parameters only.

    Gradients left over from another phase are dropped first, and none are computed for networks
    through which this phase's loss only passes.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    optimizer.step()
