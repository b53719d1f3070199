"""Lesson 2: the adversarial autoencoder (AAE).

Principle:
    min over Q, G:  E[ c(x, G(Q(x))) ]  +  λ · D_Z(Q_Z, P_Z),   D_Z adversarial

    A discriminator learns to distinguish codes from samples of a prior; the encoder, the game's
    generator, learns to make codes that it can't. Of the prior only samples are needed.

Reference:
    Makhzani et al. 2015, "Adversarial Autoencoders", §2 (the two phases), §2.1 (posteriors),
    §2.3 (label information). Tolstikhin et al. 2018, Algorithm 1, for ``joint_step``.

Note:
    Two algorithms, each with its configuration. :func:`train_step` (:class:`Config`) is the
    paper's, phase by phase. :func:`joint_step` (:class:`JointConfig`) descends cost + λ ·
    generator loss at once. With one Adam per phase, a weight on that phase's only loss changes
    nothing (Adam divides it out again), so λ has a meaning in the joint step alone. The paper
    trains by SGD, where the ratio of the phases' learning rates is a λ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_int, check_matrix, check_numbers
from aae_lessons.data import Batch
from aae_lessons.networks import (
    CodeAutoencoder,
    Discriminator,
    anneal_noise,  # noqa: F401, lesson 2 calls it adversarial.anneal_noise
    append_label,
    check_network,
)
from aae_lessons.objectives import (
    Cost,
    adam,
    descend,
    generator_loss,
    reads,
    squared_error,
    two_sample_loss,
)
from aae_lessons.priors import Conditional, Prior, check_classes


@dataclass(frozen=True)
class BaseConfig:
    """What both algorithms read: the networks, the cost, and what the discriminator sees.

    Args:
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        discriminator_hidden: sizes of the discriminator's hidden layers.
        pixels: number of pixels of an image.
        gaussian_posterior: q(z|x) = N(mean(x), diag(variance(x))), not one code per image (§2.1).
        label_classes: K where the discriminator sees the label (§2.3), 0 where it does not.
        cost: c(logits, x), summed over pixels, mean over the batch.
        discriminator_lr: learning rate of the discriminator's Adam.
        beta1: Adam's decay of its first moment; adversarial training needs a low one.
        noise: standard deviation of Gaussian noise on the discriminator's input: both
            distributions then overlap, even across the gaps of a prior. See ``anneal_noise``.
    """

    hidden: tuple[int, ...] = (256, 256)
    discriminator_hidden: tuple[int, ...] = (256, 256)
    pixels: int = 784
    gaussian_posterior: bool = False
    label_classes: int = 0
    cost: Cost = squared_error
    discriminator_lr: float = 5e-4
    beta1: float = 0.5
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_config(self)
        check_numbers(self, "noise", at_least=0)
        check_numbers(self, "discriminator_lr", above=0)
        check_int(self.label_classes, "label_classes", at_least=0)
        possible = self.label_classes == 0 or self.label_classes >= 2
        check(possible, "label_classes", self.label_classes, "0 (no labels), or 2 and more")


@dataclass(frozen=True)
class Config(BaseConfig):
    """Settings of the paper's :func:`train_step` in addition to those of :class:`BaseConfig`.

    Args:
        reconstruction_lr, generator_lr: learning rates of the Adams of these two phases.

    """

    reconstruction_lr: float = 5e-4
    generator_lr: float = 5e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "reconstruction_lr", "generator_lr", above=0)


class AAE(CodeAutoencoder):
    """An autoencoder whose codes are matched to a prior by a discriminator.

    Args:
        prior: the distribution that the codes should have; one with ``sample_given``
            (:class:`~aae_lessons.priors.Conditional`) where the discriminator sees labels.
        config: :class:`Config` for :func:`train_step`, :class:`JointConfig` for
            :func:`joint_step`.
        encoder, decoder, discriminator: your own networks in place of the layers of ``config``:
            images (B, pixels) to codes (B, d), or mean and log-variance (B, 2 d) side by side;
            codes to logits of images; codes (and label columns) to logits (B,).
    """

    noise: Tensor

    def __init__(
        self,
        prior: Prior,
        config: Config | JointConfig = Config(),
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        discriminator: nn.Module | None = None,
    ) -> None:
        known = isinstance(config, BaseConfig)
        check(known, "config", config, "adversarial.Config or adversarial.JointConfig")
        check_classes(prior, config.label_classes)
        super().__init__(prior, config, encoder, decoder)
        inputs = prior.dim + (config.label_classes + 1 if config.label_classes else 0)
        own = check_network(discriminator, "discriminator", inputs, None)
        self.discriminator = own or Discriminator(inputs, config.discriminator_hidden)
        self.register_buffer("noise", torch.tensor(config.noise), persistent=False)

    def optimizers(self) -> dict[str, Adam]:
        """What the configuration's algorithm descends with, by phase."""
        joint = isinstance(self.config, JointConfig)
        return joint_optimizers(self) if joint else optimizers(self)

    def sample_prior(self, label: Tensor) -> Tensor:
        """Prior samples z_prior, (B, d), one for each label of the batch, (B,)."""
        if self.config.label_classes and isinstance(self.prior, Conditional):
            return self.prior.sample_given(label)
        return self.prior.sample(len(label), label.device)

    def add_instance_noise(self, z: Tensor) -> Tensor:
        """Codes or prior samples with the discriminator's noise on them, (B, d)."""
        return z + self.noise * torch.randn_like(z) if self.config.noise else z

    def discriminate(self, z: Tensor, label: Tensor) -> Tensor:
        """The discriminator's logits, (B,), of codes ``z``, (B, d): positive means "real".

        With label information each code is followed by its label, one-hot (§2.3, Fig 3).
        """
        check_matrix(z, "z", columns=self.prior.dim)
        if self.config.label_classes:
            z = append_label(z, label, self.config.label_classes)
        return self.discriminator(z)

    def discriminate_noisy(self, z: Tensor, label: Tensor) -> Tensor:
        """The discriminator's logits in training, (B,): of ``z``, (B, d), with noise added."""
        return self.discriminate(self.add_instance_noise(z), label)


def optimizers(model: AAE) -> dict[str, Adam]:
    """One Adam per phase. The encoder's parameters are in two: reconstruction and generator."""
    config, beta1 = model.config, model.config.beta1
    return {
        "reconstruction": adam(config.reconstruction_lr, beta1, model.encoder, model.decoder),
        "discriminator": adam(config.discriminator_lr, beta1, model.discriminator),
        "generator": adam(config.generator_lr, beta1, model.encoder),
    }


@reads(Config)
def train_step(model: AAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update of the paper's algorithm (§2). Returns the loss of each phase."""
    # Reconstruction phase: encoder and decoder learn to rebuild the image.
    z = model.encode(batch.x)
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase, discriminator: tell prior samples (real) from codes (fake).
    z = model.encode(batch.x)
    z_prior = model.sample_prior(batch.label)
    # detached: this loss needs no gradient in the encoder (see two_sample_loss)
    discriminator = two_sample_loss(model.discriminate_noisy, z_prior, z.detach(), batch.label)
    descend(discriminator, optimizers["discriminator"])

    # Regularization phase, generator: the encoder makes codes that pass for prior samples.
    generator = generator_loss(model.discriminate_noisy(z, batch.label))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


@dataclass(frozen=True)
class JointConfig(BaseConfig):
    """Settings of the weighted :func:`joint_step` in addition to those of :class:`BaseConfig`.

    Args:
        weight: λ, in units of the cost per nat of generator loss.
        lr: learning rate of the one Adam of encoder and decoder.
    """

    weight: float = 10.0
    lr: float = 5e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "weight", at_least=0)
        check_numbers(self, "lr", above=0)


def joint_optimizers(model: AAE) -> dict[str, Adam]:
    """Two Adams: one for encoder and decoder together, one for the discriminator."""
    config, beta1 = model.config, model.config.beta1
    return {
        "autoencoder": adam(config.lr, beta1, model.encoder, model.decoder),
        "discriminator": adam(config.discriminator_lr, beta1, model.discriminator),
    }


@reads(JointConfig)
def joint_step(model: AAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update of the weighted objective c + λ · D_Z (WAE, Algorithm 1)."""
    # Discriminator: tell prior samples (real) from codes (fake).
    z = model.encode(batch.x)
    z_prior = model.sample_prior(batch.label)
    # detached: this loss needs no gradient in the encoder (see two_sample_loss)
    discriminator = two_sample_loss(model.discriminate_noisy, z_prior, z.detach(), batch.label)
    descend(discriminator, optimizers["discriminator"])

    # Encoder and decoder: rebuild the image from codes that pass for prior samples.
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    generator = generator_loss(model.discriminate_noisy(z, batch.label))
    descend(reconstruction + model.config.weight * generator, optimizers["autoencoder"])

    return {
        "discriminator": discriminator.detach(),
        "reconstruction": reconstruction.detach(),
        "generator": generator.detach(),
    }
