"""Lesson 3: the variational autoencoder (VAE), for comparison with the AAE.

Principle:
    min over Q, G:  E_x[ E_q[ c(x, G(z)) ] + β · KL( q(z|x) ‖ P_Z ) ],   q(z|x) = N(μ(x), σ²(x))

    The same equation with another last term: not "all codes together look like the prior" but
    "each image's own posterior looks like the prior". With c = binary cross-entropy, summed over
    pixels, and β = 1 this is minus the evidence lower bound (ELBO) in nats, mean over the batch.

Reference:
    Kingma & Welling 2014, "Auto-Encoding Variational Bayes", §2.3, §2.4 (reparameterisation),
    appendix B (the KL in closed form). Makhzani et al. 2015, §2.1 and Fig 2 (the comparison).
    Higgins et al. 2017, "β-VAE", for β.

Note:
    The KL needs the prior's *density*, in closed form (Gaussian) or by ``log_prob`` (mixture,
    swiss roll). Where it is unknown, as for a drawing, this model refuses the
    prior; an AAE needs samples only.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_matrix, check_number
from aae_lessons.data import Batch
from aae_lessons.networks import mlp, reparameterise
from aae_lessons.objectives import (
    Cost,
    adam,
    binary_cross_entropy,
    descend,
    gaussian_kl,
    monte_carlo_kl,
    reads,
)
from aae_lessons.priors import Gaussian, HasDensity, check_prior


@dataclass(frozen=True)
class Config:
    """Settings of the VAE and of :func:`train_step`.

    Args:
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        pixels: number of pixels of an image.
        cost: c(logits, x), summed over pixels, mean over the batch. Binary cross-entropy is
            −log p(x|z) of a Bernoulli decoder, ``squared_error`` that of a Gaussian one with
            variance 1 (up to a constant).
        weight: β, in nats of cost per nat of KL; 1 is the ELBO. With ``squared_error`` each β
            is the ELBO of a Gaussian decoder with variance β (times −β, up to a constant).
        lr: Adam's learning rate.
        beta1: Adam's decay of its first moment.
    """

    hidden: tuple[int, ...] = (256, 256)
    pixels: int = 784
    cost: Cost = binary_cross_entropy
    weight: float = 1.0
    lr: float = 5e-4
    beta1: float = 0.9

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.weight, "weight", at_least=0)
        check_number(self.lr, "lr", above=0)


class VAE(nn.Module):
    """An autoencoder with a Gaussian posterior for each image, pulled to the prior by the KL.

    Args:
        prior: one with a density.
        config: see :class:`Config`.
    """

    def __init__(self, prior: HasDensity, config: Config = Config()) -> None:
        super().__init__()
        expected = "one with log_prob: a VAE needs the prior's density (an AAE needs samples only)"
        check(isinstance(prior, HasDensity), "prior", prior, expected)
        check_prior(prior)
        self.prior, self.config = prior, config
        self.encoder = mlp((config.pixels, *config.hidden, 2 * prior.dim))
        self.decoder = mlp((prior.dim, *reversed(config.hidden), config.pixels))

    def optimizers(self) -> dict[str, Adam]:
        """What :func:`train_step` descends with, by phase."""
        return optimizers(self)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def encode(self, x: Tensor) -> Tensor:
        """One draw z ~ q(z|x) for each image ``x``, (B, 784): (B, d)."""
        return reparameterise(*self.posterior(x))

    def decode(self, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of codes ``z``, (B, d)."""
        check_matrix(z, "z", columns=self.prior.dim)
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784), each from one draw."""
        return self.decode(self.encode(x))

    def kl(self, z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """KL( q(z|x) ‖ P_Z ) in nats, mean over the batch.

        In closed form for a Gaussian prior; for any other from the draws ``z``, (B, d).
        """
        if isinstance(self.prior, Gaussian):
            return gaussian_kl(mean, log_variance, self.prior.std)
        return monte_carlo_kl(z, mean, log_variance, self.prior.log_prob)


def optimizers(model: VAE) -> dict[str, Adam]:
    """One Adam: encoder and decoder descend the same objective."""
    return {"elbo": adam(model.config.lr, model.config.beta1, model)}


@reads(Config)
def train_step(model: VAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update. Returns the two terms of the negative ELBO, in nats per image."""
    mean, log_variance = model.posterior(batch.x)
    z = reparameterise(mean, log_variance)
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    kl = model.kl(z, mean, log_variance)
    descend(reconstruction + model.config.weight * kl, optimizers["elbo"])
    return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}
