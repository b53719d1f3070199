"""Lesson 6: clustering, the semi-supervised adversarial autoencoder without any label.

Principle:
    The encoder splits an image into a cluster y (softmax over K, which is free) and a style z. Two
    discriminators match y to one-hot vectors, all K equally often, and z to a Gaussian.

        min over Q, G:  E[ c(x, G(y, z)) ]  +  D_y(Q_Y, Cat(K))  +  D_z(Q_Z, N(0, I))

Reference:
    Makhzani et al. 2015, §6 (clustering, Fig 9), appendix A (noise on the input, batch norm).
    Agreement: Ji et al. 2019, arXiv:1807.06653.

Note:
    :func:`train_step` (:class:`Config`) is the paper's algorithm, with Adam. :func:`joint_step`
    (:class:`JointConfig`) is its weighted form and has one more term, *agreement*: two corrupted
    copies of an image should be in one cluster. The reference runs use it: they have thousands of
    updates, the paper hundreds of thousands. The logits of y are normalised over the batch: in
    early trials without agreement most clusters died in the first epoch otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_numbers
from aae_lessons.clusters import mutual_information
from aae_lessons.data import Batch
from aae_lessons.networks import ClassStyleAutoencoder, Corruption, Discriminator, mlp
from aae_lessons.networks.autoencoders import ClassStyleEncoder
from aae_lessons.objectives import (
    Cost,
    adam,
    descend,
    generator_loss,
    reads,
    squared_error,
    two_sample_loss,
)
from aae_lessons.priors import Categorical, Gaussian


@dataclass(frozen=True)
class BaseConfig:
    """What both algorithms read: the networks, the cost, and the noise in training.

    Args:
        classes, dim: K clusters, 2 or more; d, of the style z.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        discriminator_hidden: sizes of both discriminators' hidden layers.
        pixels: number of pixels of an image.
        cost: c(logits, x), summed over pixels, mean over the batch.
        noise, jitter, shift: of the :class:`~aae_lessons.networks.Corruption` of the encoder's
            input, in training only; the clean image is the target.
        style_noise: standard deviation of Gaussian noise on z (a Gaussian posterior, §2), in
            training only. It limits how much of the image z can hold; the rest is left to y.
        logit_std: standard deviation of each logit of y over the batch.
        discriminator_lr, beta1: learning rate of both discriminators; every Adam's first decay.
    """

    classes: int = 16
    dim: int = 3
    hidden: tuple[int, ...] = (200, 200)
    discriminator_hidden: tuple[int, ...] = (64, 64)
    pixels: int = 784
    cost: Cost = squared_error
    noise: float = 0.3
    jitter: float = 0.13
    shift: float = 0.03
    style_noise: float = 0.5
    logit_std: float = 5.0
    discriminator_lr: float = 2e-3
    beta1: float = 0.5

    def __post_init__(self) -> None:
        check_config(self)
        check_numbers(self, "noise", "jitter", "shift", "style_noise", at_least=0)
        check_numbers(self, "logit_std", "discriminator_lr", above=0)


@dataclass(frozen=True)
class Config(BaseConfig):
    """Settings of the paper's :func:`train_step` in addition to those of :class:`BaseConfig`.

    Args:
        reconstruction_lr, generator_lr: learning rates of the Adams of these two phases.
    """

    reconstruction_lr: float = 4e-3
    generator_lr: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "reconstruction_lr", "generator_lr", above=0)


@dataclass(frozen=True)
class JointConfig(BaseConfig):
    """Settings of the weighted :func:`joint_step` in addition to those of :class:`BaseConfig`.

    Args:
        reconstruction_weight, categorical_weight, gaussian_weight, agreement_weight: of the terms.
        lr: learning rate of the one Adam of encoder and decoder.
    """

    reconstruction_weight: float = 0.3
    categorical_weight: float = 0.2
    gaussian_weight: float = 2.0
    agreement_weight: float = 20.0
    lr: float = 4e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "lr", above=0)
        check_numbers(self, "reconstruction_weight", "categorical_weight", at_least=0)
        check_numbers(self, "gaussian_weight", "agreement_weight", at_least=0)


class ClusteringAAE(ClassStyleAutoencoder):
    """x -> (y, z) -> x_hat, with a discriminator for y and one for z. No labels anywhere.

    Args:
        config: a :class:`Config`, or a :class:`JointConfig` for :func:`joint_step`.
    """

    def __init__(self, config: Config | JointConfig = Config()) -> None:
        super().__init__()
        check_config(config, BaseConfig)
        self.config = config
        self.prior_y, self.prior = Categorical(config.classes), Gaussian(config.dim)
        self.encoder = ClassStyleEncoder(config)
        code = config.classes + config.dim
        self.decoder = mlp((code, *reversed(config.hidden), config.pixels), nn.ReLU)
        self.discriminator_y = Discriminator(config.classes, config.discriminator_hidden, nn.ReLU)
        self.discriminator_z = Discriminator(config.dim, config.discriminator_hidden, nn.ReLU)
        self.corrupt = Corruption(config.noise, config.jitter, config.shift)

    def optimizers(self) -> dict[str, Adam]:
        """What the configuration's algorithm descends with, by phase."""
        return joint_optimizers(self) if isinstance(self.config, JointConfig) else optimizers(self)

    def penalty(self) -> Tensor | float:
        """A term of the objective on the weights alone: none here (see ClusterHeadAAE)."""
        return 0.0

    def training_codes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y, (B, K), and z, (B, d), of corrupted images ``x``, (B, 784), with noise on z."""
        y, z = self.encode(self.corrupt(x))
        return y, self.sample_posterior(z)

    def sample_posterior(self, z: Tensor) -> Tensor:
        """A draw from the Gaussian posterior of the style around ``z``, (B, d)."""
        return z + self.config.style_noise * torch.randn_like(z)


def optimizers(model: ClusteringAAE) -> dict[str, Adam]:
    """One Adam per phase. The encoder's parameters are in two: reconstruction and generator."""
    config, beta1 = model.config, model.config.beta1
    return {
        "reconstruction": adam(config.reconstruction_lr, beta1, model.encoder, model.decoder),
        "discriminator_y": adam(config.discriminator_lr, beta1, model.discriminator_y),
        "discriminator_z": adam(config.discriminator_lr, beta1, model.discriminator_z),
        "generator": adam(config.generator_lr, beta1, model.encoder),
    }


@reads(Config)
def train_step(
    model: ClusteringAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """One update of the paper's two phases (§6). Returns the loss of each, in nats."""
    # Reconstruction phase: encoder and decoder learn to rebuild the clean image.
    y, z = model.training_codes(batch.x)
    reconstruction = model.config.cost(model.decoder_logits(y, z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase: each discriminator tells prior samples (real) from codes (fake) …
    y, z = model.training_codes(batch.x)
    # detached: these losses need no gradient in the encoder (see two_sample_loss)
    y_prior = model.prior_y.sample(len(y), y.device)
    discriminator_y = two_sample_loss(model.discriminator_y, y_prior, y.detach())
    descend(discriminator_y, optimizers["discriminator_y"])
    z_prior = model.prior.sample(len(z), z.device)
    discriminator_z = two_sample_loss(model.discriminator_z, z_prior, z.detach())
    descend(discriminator_z, optimizers["discriminator_z"])

    # … and the encoder makes both codes pass for prior samples.
    generator = generator_loss(model.discriminator_y(y)) + generator_loss(model.discriminator_z(z))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator_y": discriminator_y.detach(),
        "discriminator_z": discriminator_z.detach(),
        "generator": generator.detach(),
    }


def joint_optimizers(model: ClusteringAAE) -> dict[str, Adam]:
    """Three Adams: one for encoder and decoder together, one for each discriminator."""
    config, beta1 = model.config, model.config.beta1
    return {
        "autoencoder": adam(config.lr, beta1, model.encoder, model.decoder),
        "discriminator_y": adam(config.discriminator_lr, beta1, model.discriminator_y),
        "discriminator_z": adam(config.discriminator_lr, beta1, model.discriminator_z),
    }


@reads(JointConfig)
def joint_step(
    model: ClusteringAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """One update of the weighted objective, with two corrupted copies of every image.

    Returns the terms in nats, before their weights; ``agreement`` is the loss −I(y; y').
    """
    # Each image twice, with fresh noise and jitter; the second copy is for the agreement only.
    y, z = model.training_codes(torch.cat([batch.x, batch.x]))
    (y, y_other), z = y.split(len(batch.x)), z[: len(batch.x)]

    # Discriminators: tell prior samples (real) from codes (fake).
    # detached: these losses need no gradient in the encoder (see two_sample_loss)
    y_prior = model.prior_y.sample(len(y), y.device)
    discriminator_y = two_sample_loss(model.discriminator_y, y_prior, y.detach())
    descend(discriminator_y, optimizers["discriminator_y"])
    z_prior = model.prior.sample(len(z), z.device)
    discriminator_z = two_sample_loss(model.discriminator_z, z_prior, z.detach())
    descend(discriminator_z, optimizers["discriminator_z"])

    # Encoder and decoder: rebuild the clean image, from codes that pass for prior samples …
    terms = {
        "reconstruction": model.config.cost(model.decoder_logits(y, z), batch.x),
        "generator_y": generator_loss(model.discriminator_y(y)),
        "generator_z": generator_loss(model.discriminator_z(z)),
        # … and that put both copies into one cluster
        "agreement": -mutual_information(y, y_other),
    }
    objective = (
        model.config.reconstruction_weight * terms["reconstruction"]
        + model.config.categorical_weight * terms["generator_y"]
        + model.config.gaussian_weight * terms["generator_z"]
        + model.config.agreement_weight * terms["agreement"]
    )
    descend(objective + model.penalty(), optimizers["autoencoder"])

    terms |= {"discriminator_y": discriminator_y, "discriminator_z": discriminator_z}
    return {name: term.detach() for name, term in terms.items()}
