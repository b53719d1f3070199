"""Building blocks of a training step: its optimizers, a descent, the configuration it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Adam

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


class HasParameters(Protocol):
    """A network, or another part of a model that is trained."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights, one tensor at a time."""
        ...


def adam(lr: float, beta1: float, *networks: HasParameters) -> Adam:
    """An Adam for the parameters of some networks, all of them in one fused update.

    Args:
        lr: learning rate.
        beta1: decay of the first moment; that of the second is 0.999.
        networks: one or more.
    """
    parameters = [p for network in networks for p in network.parameters()]
    return Adam(parameters, lr, (beta1, 0.999), fused=True)


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of ``optimizer`` down ``loss``, by the gradients of its own parameters only.

    Gradients left over from another phase are dropped first, and none are computed for networks
    through which this phase's loss only passes.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    optimizer.step()
