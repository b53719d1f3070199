"""What a step, its optimizers, its batches and a schedule are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

Optimizers = Mapping[str, Optimizer]
Losses = dict[str, Tensor]
Step = Callable[[nn.Module, Optimizers, Any], Losses]
Schedule = Callable[[float], float]


class Batches(Protocol):
    """What :func:`fit` draws from: :class:`aae_lessons.data.Minibatches`, or one's own."""

    def __len__(self) -> int: ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """The batches of epoch ``number``, from batch ``start`` on, the same at every call."""
        ...
