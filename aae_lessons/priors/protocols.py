"""What a prior can do: draw samples; for some, give a density, or a part for each class."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_int


@runtime_checkable
class Prior(Protocol):
    """What every prior has: all that an adversarial autoencoder needs."""

    @property
    def dim(self) -> int:
        """The size d of a code."""

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, d)."""


@runtime_checkable
class HasDensity(Prior, Protocol):
    """A prior whose density is known: what a variational autoencoder needs."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, d)."""


@runtime_checkable
class Conditional(Prior, Protocol):
    """A prior with a part for each class: what label information needs (AAE §2.3)."""

    def sample_given(self, label: Tensor) -> Tensor:
        """One draw per label, (n, d): of the class's part, of the whole prior where it is -1."""


@runtime_checkable
class HasModes(Prior, Protocol):
    """A prior with modes, one for each class, to which codes can be compared."""

    @property
    def components(self) -> int:
        """The number of modes."""

    def nearest(self, z: Tensor) -> Tensor:
        """The mode under which each code is most likely, (n,)."""

    def distance_to_mode(self, z: Tensor) -> Tensor:
        """How many standard deviations each code is from the nearest mode, (n,)."""


def check_prior(prior: object, name: str = "prior") -> None:
    """Refuses what no autoencoder can be built on: a prior without ``dim`` or ``sample``."""
    ok = not isinstance(prior, type) and hasattr(prior, "dim")
    ok = ok and callable(getattr(prior, "sample", None))
    check(ok, name, prior, "a prior: an object with dim and sample(n, device)")
    check_int(getattr(prior, "dim", None), f"{name}.dim")


def check_classes(prior: Prior, classes: int) -> None:
    """Refuses a prior that has no part for each of ``classes``; 0 stands for no labels."""
    check_prior(prior)
    if classes == 0:
        return
    check(isinstance(prior, Conditional), "prior", prior, "one with sample_given, for labels")
    parts = getattr(prior, "components", getattr(prior, "classes", classes))
    got = f"{classes}, and a prior with {parts} parts"
    check(parts >= classes, "label_classes", got, "no more classes than the prior has parts")
