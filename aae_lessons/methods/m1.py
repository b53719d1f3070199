"""M1: a variational autoencoder learns a code from all images; a classifier is put on the code.

Principle:
    Every image, with a label or without, has a code from which it can be rebuilt:

        min  E_q[ −log p(x|z) ] + KL( q(z|x) ‖ N(0, I) ),   q(z|x) = N(μ(x), diag σ²(x))

    Labels come afterwards: a support vector machine on the means μ(x) (:mod:`.tsvm`).

Reference:
    Kingma et al. 2014, "Semi-supervised Learning with Deep Generative Models",
    arXiv:1406.5298: §2 (latent-feature discriminative model M1), eq. (1) (the generative model),
    eq. (5) (the bound).

Note:
    Hidden layers of 500-500 units are those of the authors' code; the paper has 600-600.
    The sizes, section and equation numbers are quoted from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._densities import binarise, kl_of_rows, log_likelihood
from aae_lessons.networks import mlp, reparameterise
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        dim: d, of the code z.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        pixels: number of pixels of an image.
        gaussian: whether p(x|z) is Gaussian; otherwise Bernoulli, with inputs binarised afresh
            each time.
        lr: Adam's learning rate.
    """

    dim: int = 50
    hidden: tuple[int, ...] = (500, 500)
    pixels: int = 784
    gaussian: bool = False
    lr: float = 3e-4

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.lr, "lr", above=0)


class M1(nn.Module):
    """x -> N(μ(x), diag σ²(x)) over z -> p(x|z)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        outputs = config.pixels * (2 if config.gaussian else 1)
        self.encoder = mlp((config.pixels, *config.hidden, 2 * config.dim), nn.Softplus)
        self.decoder = mlp((config.dim, *reversed(config.hidden), outputs), nn.Softplus)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        mean, log_variance = self.encoder(x).float().chunk(2, dim=1)
        return mean, log_variance

    def encode(self, x: Tensor) -> Tensor:
        """The code's mean, (B, d), of images ``x``, (B, 784): what a classifier is put on."""
        return self.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Mean images x_hat, (B, 784), of codes ``z``, (B, d)."""
        check_matrix(z, "z", columns=self.config.dim)
        outputs = self.decoder(z)
        return outputs.chunk(2, dim=1)[0] if self.config.gaussian else outputs.sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(self.encode(x))


def optimizers(model: M1) -> dict[str, Adam]:
    """One Adam: encoder and decoder descend the same bound."""
    return {"elbo": Adam(model.parameters(), model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: M1, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update, by the images without labels. Returns the bound's terms, in nats per image."""
    x = batch.x if model.config.gaussian else binarise(batch.x)
    mean, log_variance = model.posterior(x)
    outputs = model.decoder(reparameterise(mean, log_variance)).float()
    reconstruction = -log_likelihood(outputs, x, model.config.gaussian).mean()  # eq. (5), 1st term
    kl = kl_of_rows(mean, log_variance).mean()  # eq. (5), 2nd term
    descend(reconstruction + kl, optimizers["elbo"])
    return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}


@torch.no_grad()
def used_dimensions(model: M1, x: Tensor, threshold: float = 0.1) -> Tensor:
    """Which dimensions of the code vary between images: (d,), bool.

    An unused one has μ(x) = 0 for every image; dividing by its deviation would blow up noise.
    """
    return model.encode(x).std(0) > threshold
