"""Lesson 3: the VAE on two priors, and at several weights of its KL divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.data import Batch
from aae_lessons.models import variational
from aae_lessons.objectives import binary_cross_entropy, descend, squared_error
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
BETAS = {"bce": (1.0, 3.0, 10.0, 30.0), "squared": (0.04, 0.1, 0.3, 1.0, 3.0)}
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


class FullCovarianceVAE(variational.VAE):
    """A VAE whose posteriors may turn: q(z|x) = N(μ, L Lᵀ), L a lower triangle (one output more).

    Args:
        prior: one with a density, in two dimensions.
        config: see :class:`aae_lessons.models.variational.Config`.
    """

    def __init__(self, prior: HasDensity, config: variational.Config) -> None:
        super().__init__(prior, config)
        self.encoder[-1] = nn.Linear(config.hidden[-1], 5)  # all other first weights: a VAE's

    def draw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """For each of ``x``, (B, 784), a code, (B, 2), and log q(z|x) of it in nats, (B,)."""
        mean, log_scale, slant = self.encoder(x).split((2, 2, 1), dim=1)
        noise = torch.randn_like(mean)
        z = mean + log_scale.exp() * noise
        z = torch.cat([z[:, :1], z[:, 1:] + slant * noise[:, :1]], dim=1)
        log_q = -log_scale.sum(1) - noise.square().sum(1) / 2 - math.log(2 * math.pi)
        return z, log_q

    def encode(self, x: Tensor) -> Tensor:
        """One draw z ~ q(z|x) for each image ``x``, (B, 784): (B, 2)."""
        return self.draw(x)[0]


def full_covariance_step(
    model: FullCovarianceVAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """:func:`aae_lessons.models.variational.train_step`, its KL from the same draws."""
    z, log_q = model.draw(batch.x)
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    kl = (log_q - model.prior.log_prob(z)).mean()
    descend(reconstruction + model.config.weight * kl, optimizers["elbo"])
    return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}


def full_covariance(prior: HasDensity, epochs: int, **settings) -> Recipe:
    """The run of :func:`vae` with posteriors of any orientation; nothing else changes."""
    config = variational.Config(**settings)
    return Recipe(
        build=lambda: FullCovarianceVAE(prior, config),
        step=full_covariance_step,
        measure=measures.measure,
        epochs=epochs,
        watch=None,
        keep="record",
    )


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
    **{
        f"variational-mixture-squared-beta1-0.5{name}": replace(
            vae(GaussianMixture(), cost=squared_error, beta1=0.5, weight=beta),
            watch=None,
            keep="record",
        )
        for name, beta in (("", 1.0), ("-beta-0.4", 0.4), ("-beta-0.04", 0.04))
    },
    "variational-mixture-beta-10": replace(vae(GaussianMixture(), weight=10.0), keep="previews"),
    **{
        f"variational-beta-{beta:g}": replace(vae(Gaussian(2), weight=beta), keep="previews")
        for beta in (0.1, 0.3, 3.0, 10.0)
    },
    **{
        f"variational-{name}-full-covariance": full_covariance(prior, epochs, **settings)
        for name, prior, epochs, settings in (
            ("mixture", GaussianMixture(), 40, {}),
            ("mixture-squared", GaussianMixture(), 40, {"cost": squared_error}),
            ("blades-along-the-axes", FOUR, SWEEP_EPOCHS, {}),
            ("blades-slanted", Turned(FOUR, math.pi / 4), SWEEP_EPOCHS, {}),
        )
    },
}
RECIPES |= {  # four times as long: does a VAE that is too wide after 40 epochs go on to narrow?
    f"{name}-160-epochs": replace(RECIPES[name], epochs=160, watch=None, keep="previews", note="")
    for name in ("variational-gaussian", "variational-mixture", "variational-mixture-squared")
}
