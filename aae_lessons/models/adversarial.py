"""Lesson 2: the adversarial autoencoder (AAE).

Principle:
    min over Q, G:  E[ c(x, G(Q(x))) ]  +  λ · D_Z(Q_Z, P_Z),   D_Z adversarial

    A discriminator learns to tell codes from samples of a prior; the encoder, which is at the
    same time the generator of that game, learns to make codes it can't tell. All that is needed
    of the prior is samples.

Reference:
    Makhzani et al. 2015, "Adversarial Autoencoders", §2 (the two phases), §2.1 (posteriors),
    §2.3 (label information). Tolstikhin et al. 2018, Algorithm 1, for ``joint_step``.

Note:
    :func:`train_step` is the paper's algorithm, phase by phase. :func:`joint_step` descends
    cost + λ · generator loss at once. With one Adam a phase, a weight on that phase's only loss
    changes nothing (Adam divides it out again), so λ has a meaning in the joint step alone. The
    paper trains by SGD, where the ratio of the phases' rates is a λ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check, check_labels, check_matrix, check_number
from aae_lessons.data import Batch
from aae_lessons.networks import Discriminator, mlp
from aae_lessons.objectives import (
    Cost,
    descend,
    discriminator_loss,
    generator_loss,
    squared_error,
)
from aae_lessons.priors import Prior


@dataclass(frozen=True)
class Config:
    """
    Args:
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        discriminator_hidden: sizes of the discriminator's hidden layers.
        pixels: of an image.
        gaussian_posterior: q(z|x) = N(mean(x), diag(variance(x))) instead of one code for each
            image (§2.1).
        label_classes: K where the discriminator is told the label (§2.3), 0 where it is not.
        cost: c(logits, x), summed over pixels, mean over the batch.
        weight: λ, in nats of cost for a nat of generator loss; used by ``joint_step`` only.
        reconstruction_lr, discriminator_lr, generator_lr: Adam's learning rates.
        beta1: Adam's decay of its first moment; games want it low.
        noise: standard deviation of Gaussian noise on whatever the discriminator sees. It blurs
            both distributions, so that codes in one part of a prior with gaps feel what is
            missing in another. ``anneal_noise`` takes it away during the first half of a run.
    """

    hidden: tuple[int, ...] = (256, 256)
    discriminator_hidden: tuple[int, ...] = (256, 256)
    pixels: int = 784
    gaussian_posterior: bool = False
    label_classes: int = 0
    cost: Cost = squared_error
    weight: float = 10.0
    reconstruction_lr: float = 5e-4
    discriminator_lr: float = 5e-4
    generator_lr: float = 5e-4
    beta1: float = 0.5
    noise: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.weight, "weight", at_least=0)
        check_number(self.noise, "noise", at_least=0)
        for name in ("reconstruction_lr", "discriminator_lr", "generator_lr"):
            check_number(getattr(self, name), name, above=0)
        told = self.label_classes == 0 or self.label_classes >= 2
        check(told, "label_classes", self.label_classes, "0 (not told) or 2 and more")


class AAE(nn.Module):
    """An autoencoder whose codes are matched to a prior by a discriminator.

    Args:
        prior: the distribution that the codes should have; ``sample_given`` too where the
            discriminator is told labels.
        config: see :class:`Config`.
    """

    def __init__(self, prior: Prior, config: Config = Config()) -> None:
        super().__init__()
        conditional = config.label_classes == 0 or hasattr(prior, "sample_given")
        check(conditional, "prior", prior, "one with sample_given, to be told labels")
        self.prior, self.config = prior, config
        heads = 2 if config.gaussian_posterior else 1
        told = config.label_classes + 1 if config.label_classes else 0
        self.encoder = mlp((config.pixels, *config.hidden, heads * prior.dim))
        self.decoder = mlp((prior.dim, *reversed(config.hidden), config.pixels))
        self.discriminator = Discriminator(prior.dim + told, config.discriminator_hidden)
        self.register_buffer("noise", torch.tensor(config.noise), persistent=False)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x), each (B, D); a Gaussian posterior only."""
        gaussian = self.config.gaussian_posterior
        check(gaussian, "gaussian_posterior", gaussian, "True: this encoder is deterministic")
        check_matrix(x, "x", columns=self.config.pixels)
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def encode(self, x: Tensor) -> Tensor:
        """Codes z, (B, D), of images ``x``, (B, 784): draws where the posterior is Gaussian."""
        if self.config.gaussian_posterior:
            mean, log_variance = self.posterior(x)
            return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of codes ``z``, (B, D)."""
        check_matrix(z, "z", columns=self.prior.dim)
        return self.decoder(z).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(self.encode(x))

    def sample_prior(self, label: Tensor) -> Tensor:
        """Prior samples z_prior, (B, D), one for each label of the batch, (B,)."""
        if self.config.label_classes:
            return self.prior.sample_given(label)
        return self.prior.sample(len(label), label.device)

    def add_instance_noise(self, z: Tensor) -> Tensor:
        """Codes or prior samples with the discriminator's noise on them, (B, D)."""
        return z + self.noise * torch.randn_like(z) if self.config.noise else z

    def discriminate(self, z: Tensor, label: Tensor) -> Tensor:
        """The discriminator's logits, (B,), of codes ``z``, (B, D): positive means "real".

        Where it is told labels it sees beside each code a one-hot vector of K + 1 classes, the
        last for "no label" (§2.3, Fig 3).
        """
        check_matrix(z, "z", columns=self.prior.dim)
        if self.config.label_classes:
            no_label = self.config.label_classes
            check_labels(label, "label", no_label, unlabelled=True)
            check(len(label) == len(z), "label", label, f"one label for each of {len(z)} codes")
            shown = F.one_hot(torch.where(label < 0, no_label, label), no_label + 1)
            z = torch.cat([z, shown.to(z.dtype)], dim=1)
        return self.discriminator(z)


def optimizers(model: AAE, config: Config) -> dict[str, Adam]:
    """One Adam a phase. The encoder is in two: it encodes, and it is the game's generator."""
    betas = (config.beta1, 0.999)
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    discriminator = list(model.discriminator.parameters())
    return {
        "reconstruction": Adam(encoder + decoder, config.reconstruction_lr, betas, fused=True),
        "discriminator": Adam(discriminator, config.discriminator_lr, betas, fused=True),
        "generator": Adam(encoder, config.generator_lr, betas, fused=True),
    }


def train_step(model: AAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update of the paper's algorithm (§2). Returns the loss of each phase, in nats."""
    # Reconstruction phase: encoder and decoder learn to rebuild the image.
    z = model.encode(batch.x)
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase, discriminator: tell prior samples (real) from codes (fake).
    z = model.encode(batch.x)
    discriminator = _discriminator_phase(model, z, batch.label)
    descend(discriminator, optimizers["discriminator"])

    # Regularization phase, generator: the encoder makes codes that pass for prior samples.
    generator = generator_loss(model.discriminate(model.add_instance_noise(z), batch.label))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


def anneal_noise(model: AAE, done: float) -> None:
    """The discriminator's noise, linearly down to 0 at half the run: ``on_step`` of ``fit``."""
    model.noise.fill_(model.config.noise * max(0.0, 1.0 - 2.0 * done))


def joint_optimizers(model: AAE, config: Config) -> dict[str, Adam]:
    """Two Adams: one for encoder and decoder together, one for the discriminator."""
    phases = optimizers(model, config)
    return {
        "autoencoder": phases["reconstruction"],
        "discriminator": phases["discriminator"],
    }


def joint_step(model: AAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update of the weighted objective c + λ · D_Z (WAE, Algorithm 1). Losses as above."""
    # Discriminator: tell prior samples (real) from codes (fake).
    z = model.encode(batch.x)
    discriminator = _discriminator_phase(model, z, batch.label)
    descend(discriminator, optimizers["discriminator"])

    # Encoder and decoder: rebuild the image from codes that pass for prior samples.
    reconstruction = model.config.cost(model.decoder(z), batch.x)
    generator = generator_loss(model.discriminate(model.add_instance_noise(z), batch.label))
    descend(reconstruction + model.config.weight * generator, optimizers["autoencoder"])

    return {
        "discriminator": discriminator.detach(),
        "reconstruction": reconstruction.detach(),
        "generator": generator.detach(),
    }


def _discriminator_phase(model: AAE, z: Tensor, label: Tensor) -> Tensor:
    """The discriminator's loss, prior samples and codes in one batch."""
    z_prior = model.sample_prior(label)
    # detached: this phase must not move the encoder
    both = torch.cat([z_prior, z.detach()])
    logits = model.discriminate(model.add_instance_noise(both), torch.cat([label, label]))
    return discriminator_loss(*logits.split(len(z)))
