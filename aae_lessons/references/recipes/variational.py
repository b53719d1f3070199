"""Lesson 3: the VAE on two priors, and at several weights of its KL divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aae_lessons.models import variational
from aae_lessons.objectives import binary_cross_entropy, squared_error
from aae_lessons.priors import Gaussian, GaussianMixture, HasDensity, SwissRoll
from aae_lessons.references.measures import adversarial as measures
from aae_lessons.references.recipes.recipe import Keep, Recipe


def vae(prior: HasDensity, **settings) -> Recipe:
    """A VAE on ``prior``: networks, batch and number of updates of the AAE's."""
    config = variational.Config(**settings)
    return Recipe(
        build=lambda: variational.VAE(prior, config),
        step=variational.train_step,
        measure=measures.measure,
    )


SWEEP_EPOCHS = 8  # of every run that is compared with its neighbours in a sweep
COSTS = {"bce": binary_cross_entropy, "squared": squared_error}
BETAS = {"bce": (1.0, 3.0, 10.0, 30.0), "squared": (0.1, 0.3, 1.0, 3.0)}
FOUR = GaussianMixture(components=4)


@dataclass(frozen=True)
class Turned:
    """A mixture whose ring is turned by an angle; nothing else about it changes.

    Args:
        mixture: the prior that is turned.
        angle: in radians, anticlockwise.
    """

    mixture: GaussianMixture
    angle: float
    dim = 2

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, 2)."""
        return self._turn(self.mixture.sample(n, device), self.angle)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, 2)."""
        return self.mixture.log_prob(self._turn(z, -self.angle))

    @property
    def components(self) -> int:
        """How many blades."""
        return self.mixture.components

    def nearest(self, z: Tensor) -> Tensor:
        """The component under which each code is most likely, (n,)."""
        return self.mixture.nearest(self._turn(z, -self.angle))

    def distance_to_mode(self, z: Tensor) -> Tensor:
        """As :meth:`aae_lessons.priors.GaussianMixture.distance_to_mode`, (n,)."""
        return self.mixture.distance_to_mode(self._turn(z, -self.angle))

    @staticmethod
    def _turn(z: Tensor, angle: float) -> Tensor:
        (x, y), cos, sin = z.unbind(1), math.cos(angle), math.sin(angle)
        return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=1)


def swept(prior: HasDensity, keep: Keep = "record", **settings) -> Recipe:
    """One run of a sweep, for comparison with its neighbours and with the AAEs' λ."""
    return replace(vae(prior, **settings), epochs=SWEEP_EPOCHS, watch=None, keep=keep)


RECIPES: dict[str, Recipe] = {
    "variational-gaussian": vae(Gaussian(2)),
    "variational-mixture": vae(GaussianMixture()),
    **{
        f"variational-mixture-{name}-beta-{beta:g}": swept(
            GaussianMixture(), cost=cost, weight=beta
        )
        for name, cost in COSTS.items()
        for beta in BETAS[name]
    },
    "variational-swiss-roll": swept(SwissRoll(), keep="previews"),
    "variational-blades-along-the-axes": swept(FOUR, keep="previews"),
    "variational-blades-slanted": swept(Turned(FOUR, math.pi / 4), keep="previews"),
    "variational-mixture-squared": replace(
        vae(GaussianMixture(), cost=squared_error),
        keep="previews",
        note="A Gaussian decoder of variance 1: the cost of the AAE's runs.",
    ),
    "variational-mixture-beta-10": replace(vae(GaussianMixture(), weight=10.0), keep="previews"),
    **{
        f"variational-beta-{beta:g}": replace(vae(Gaussian(2), weight=beta), keep="previews")
        for beta in (0.1, 0.3, 3.0, 10.0)
    },
}
