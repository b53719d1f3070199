"""Lesson 5, first part: the supervised adversarial autoencoder, in which z learns the style.

Principle:
    The decoder gets the label, so the code z need not hold it. A discriminator matches z to a
    Gaussian that does not depend on the class; what is left in it is the style.

        min over Q, G:  E[ c(x, G(label, z)) ]  +  D_z(Q_Z, N(0, I))

Reference:
    Makhzani et al. 2015, §4 and Fig 6; appendix A.2.1 for the learning rates of stochastic
    gradient descent and the N(0, 0.01²) weights.

Note:
    Matching all z together to a Gaussian does not make z independent of the label. With
    ``Config.class_informed`` the discriminator sees the label, as in §2.3: then z has to be the
    same Gaussian within every class. That is our addition.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD

from aae_lessons.arguments import check_config, check_labels, check_matrix, check_number
from aae_lessons.data import Batch
from aae_lessons.networks import Discriminator, mlp, normal_weights
from aae_lessons.objectives import (
    Cost,
    descend,
    generator_loss,
    reads,
    squared_error,
    two_sample_loss,
)
from aae_lessons.priors import Categorical, Gaussian


@dataclass(frozen=True)
class Config:
    """Settings of the model and of :func:`train_step`.

    Args:
        classes: K.
        dim: d, of the style z.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them, and the
            discriminator has the same.
        pixels: number of pixels of an image.
        cost: c(logits, x), summed over pixels, mean over the batch.
        class_informed: whether the discriminator sees the label (see the module's note).
        weight_std: of the initial weights; biases start at 0.
        reconstruction_lr, discriminator_lr, generator_lr: learning rates of SGD, by phase.
        momentum: of the reconstruction phase.
        adversarial_momentum: of the discriminator's and the generator's phases.
    """

    classes: int = 10
    dim: int = 10
    hidden: tuple[int, ...] = (1000, 1000)
    pixels: int = 784
    cost: Cost = squared_error
    class_informed: bool = False
    weight_std: float = 0.01
    reconstruction_lr: float = 0.01
    discriminator_lr: float = 0.1
    generator_lr: float = 0.1
    momentum: float = 0.9
    adversarial_momentum: float = 0.1

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.weight_std, "weight_std", above=0)
        for phase in ("reconstruction", "discriminator", "generator"):
            check_number(getattr(self, f"{phase}_lr"), f"{phase}_lr", above=0)


class SupervisedAAE(nn.Module):
    """x -> z, (label, z) -> x_hat, with a discriminator for z."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        self.prior_y, self.prior = Categorical(config.classes), Gaussian(config.dim)
        self.encoder = mlp((config.pixels, *config.hidden, config.dim), nn.ReLU)
        code = config.classes + config.dim
        self.decoder = mlp((code, *reversed(config.hidden), config.pixels), nn.ReLU)
        inputs = code if config.class_informed else config.dim
        self.discriminator_z = Discriminator(inputs, config.hidden, nn.ReLU)
        normal_weights(self, config.weight_std)

    def optimizers(self) -> dict[str, SGD]:
        """What :func:`train_step` descends with, by phase."""
        return optimizers(self)

    def encode(self, x: Tensor) -> Tensor:
        """Style z, (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def decoder_logits(self, label: Tensor, z: Tensor) -> Tensor:
        """Logits of the images, (B, 784), of labels, (B,), and styles, (B, d)."""
        return self.decoder(self._with_label(z, label))

    def decode(self, label: Tensor, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of labels, (B,), and styles, (B, d)."""
        return self.decoder_logits(label, z).sigmoid()

    def style_logits(self, z: Tensor, label: Tensor) -> Tensor:
        """The discriminator's logits, (B,), of styles z, (B, d), of images of labels, (B,)."""
        labelled = self._with_label(z, label)
        return self.discriminator_z(labelled if self.config.class_informed else z)

    def _with_label(self, z: Tensor, label: Tensor) -> Tensor:
        """One-hot labels and styles side by side, (B, K + d)."""
        check_labels(label, "label", self.config.classes)
        check_matrix(z, "z", columns=self.config.dim, rows=len(label))
        return torch.cat([self.prior_y.sample_given(label).to(z), z], dim=1)


def optimizers(model: SupervisedAAE) -> dict[str, SGD]:
    """One SGD per phase. The encoder is in two: it encodes, and it is the game's generator."""
    config, low = model.config, model.config.adversarial_momentum
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    discriminator = list(model.discriminator_z.parameters())
    return {
        "reconstruction": SGD(
            encoder + decoder, config.reconstruction_lr, config.momentum, fused=True
        ),
        "discriminator_z": SGD(discriminator, config.discriminator_lr, low, fused=True),
        "generator": SGD(encoder, config.generator_lr, low, fused=True),
    }


@reads(Config)
def train_step(
    model: SupervisedAAE, optimizers: dict[str, SGD], batch: Batch
) -> dict[str, Tensor]:
    """One update with known labels (§4). Returns the loss of each phase, in nats."""
    # Reconstruction phase: the decoder gets the label.
    logits = model.decoder_logits(batch.label, model.encode(batch.x))
    reconstruction = model.config.cost(logits, batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase: the discriminator tells prior samples from styles …
    z = model.encode(batch.x)
    z_prior = model.prior.sample(len(z), z.device)
    # detached: this loss needs no gradient in the encoder (see two_sample_loss)
    discriminator_z = two_sample_loss(model.style_logits, z_prior, z.detach(), batch.label)
    descend(discriminator_z, optimizers["discriminator_z"])

    # … and the encoder makes styles that pass for prior samples.
    generator = generator_loss(model.style_logits(z, batch.label))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator_z": discriminator_z.detach(),
        "generator": generator.detach(),
    }
