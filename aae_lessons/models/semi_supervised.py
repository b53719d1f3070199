"""Lesson 5: the semi-supervised adversarial autoencoder.

Principle:
    The encoder splits an image into a class y (softmax over K) and a style z. Two discriminators
    match them to their priors, y to one-hot vectors, z to a Gaussian; a few labelled images name
    the classes.

        min over Q, G:  E[ c(x, G(y, z)) ]  +  D_y(Q_Y, Cat(K))  +  D_z(Q_Z, N(0, I))
                        +  E_labelled[ −log q(label|x) ]

Reference:
    Makhzani et al. 2015, §5 and appendix A.2.1 (the three phases, stochastic gradient descent,
    learning rates, noise on the input, N(0, 0.01²) weights).

Note:
    The cost is a *sum* over pixels. With their mean and the same learning rates the
    reconstruction would hardly change. An epoch is a pass over the images without labels.

    Two discriminators match two *marginals*: y to one-hot, z to a Gaussian. Nothing in the paper's
    objective makes them independent, and a style can still hold the class. With
    ``Config.class_informed`` the discriminator of z sees y as well, as one in §2.3 sees the
    label: then z has to be the same Gaussian within every class. That is our addition.

    :func:`baseline_step` (:class:`BaselineConfig`) trains the same encoder on the labelled images
    alone, for comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD

from aae_lessons.arguments import check_config, check_instance, check_matrix, check_numbers
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.networks import (
    ClassStyleAutoencoder,
    Corruption,
    Discriminator,
    mlp,
    normal_weights,
)
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
class BaselineConfig:
    """Settings of :func:`baseline_step`: the networks and the classification phase.

    Args:
        classes: K, of y.
        dim: d, of the style z.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them, and both
            discriminators have the same.
        pixels: number of pixels of an image.
        noise, jitter, shift: of the :class:`~aae_lessons.networks.Corruption` of the encoder's
            input, in training only; the clean image is the target. The paper has the noise alone.
        weight_std: of the initial weights; biases start at 0.
        classification_lr: learning rate of the classification phase's SGD.
        momentum: of the classification phase (and the reconstruction phase, if there is one).
    """

    classes: int = 10
    dim: int = 10
    hidden: tuple[int, ...] = (1000, 1000)
    pixels: int = 784
    noise: float = 0.3
    jitter: float = 0.0
    shift: float = 0.0
    weight_std: float = 0.01
    classification_lr: float = 0.1
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check_config(self)
        check_numbers(self, "noise", "jitter", "shift", at_least=0)
        check_numbers(self, "weight_std", "classification_lr", above=0)


@dataclass(frozen=True)
class Config(BaselineConfig):
    """Settings of the paper's :func:`train_step` in addition to those of :class:`BaselineConfig`.

    Args:
        cost: c(logits, x), summed over pixels, mean over the batch.
        class_informed: whether the discriminator of z sees y as well (see the module's note).
        reconstruction_lr, discriminator_lr, generator_lr: learning rates of SGD, by phase.
        adversarial_momentum: of the discriminators' and the generator's phases.
    """

    cost: Cost = squared_error
    class_informed: bool = False
    reconstruction_lr: float = 0.01
    discriminator_lr: float = 0.1
    generator_lr: float = 0.1
    adversarial_momentum: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "reconstruction_lr", "discriminator_lr", "generator_lr", above=0)


class SemiSupervisedAAE(ClassStyleAutoencoder):
    """x -> (y, z) -> x_hat, with a discriminator for y and one for z.

    Args:
        config: :class:`Config` for :func:`train_step`, :class:`BaselineConfig` for
            :func:`baseline_step`.
    """

    def __init__(self, config: BaselineConfig = Config()) -> None:
        super().__init__()
        check_instance(
            config, "config", BaselineConfig, "a semi_supervised.Config or BaselineConfig"
        )
        self.config = config
        self.prior_y, self.prior = Categorical(config.classes), Gaussian(config.dim)
        code = config.classes + config.dim
        self.encoder = mlp((config.pixels, *config.hidden, code), nn.ReLU)
        self.decoder = mlp((code, *reversed(config.hidden), config.pixels), nn.ReLU)
        self.discriminator_y = Discriminator(config.classes, config.hidden, nn.ReLU)
        self.class_informed = isinstance(config, Config) and config.class_informed
        inputs = code if self.class_informed else config.dim
        self.discriminator_z = Discriminator(inputs, config.hidden, nn.ReLU)
        self.corrupt = Corruption(config.noise, config.jitter, config.shift)
        normal_weights(self, config.weight_std)

    def optimizers(self) -> dict[str, SGD]:
        """What the configuration's algorithm descends with, by phase."""
        return optimizers(self)

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and the style z, (B, d), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        y_logits, z = self.encoder(x).split([self.config.classes, self.config.dim], dim=1)
        return y_logits, z

    def style_logits(self, z: Tensor, y: Tensor) -> Tensor:
        """The discriminator of z: logits, (B,), of styles z, (B, d), of classes y, (B, K).

        y is ignored, as in the paper, unless the model is class-informed.
        """
        check_matrix(z, "z", columns=self.config.dim)
        check_matrix(y, "y", columns=self.config.classes, rows=len(z))
        return self.discriminator_z(torch.cat([y, z], dim=1) if self.class_informed else z)


def optimizers(model: SemiSupervisedAAE) -> dict[str, SGD]:
    """One SGD per phase. The encoder is in three: it encodes, generates, and classifies.

    With a :class:`BaselineConfig` there is the classification phase alone.
    """
    config, encoder = model.config, list(model.encoder.parameters())

    def sgd(parameters: Iterable[nn.Parameter], lr: float, momentum: float) -> SGD:
        return SGD(parameters, lr, momentum=momentum, fused=True)

    classification = sgd(encoder, config.classification_lr, config.momentum)
    if not isinstance(config, Config):
        return {"classification": classification}
    low, lr = config.adversarial_momentum, config.discriminator_lr
    autoencoder = [*encoder, *model.decoder.parameters()]
    return {
        "reconstruction": sgd(autoencoder, config.reconstruction_lr, config.momentum),
        "discriminator_y": sgd(model.discriminator_y.parameters(), lr, low),
        "discriminator_z": sgd(model.discriminator_z.parameters(), lr, low),
        "generator": sgd(encoder, config.generator_lr, low),
        "classification": classification,
    }


@reads(Config)
def train_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update of the paper's three phases (§5). Returns the loss of each, in nats."""
    # Reconstruction phase: encoder and decoder learn to rebuild the clean image.
    y, z = model.encode(model.corrupt(batch.x))
    reconstruction = model.config.cost(model.decoder_logits(y, z), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase: each discriminator tells prior samples (real) from codes (fake) …
    y, z = model.encode(model.corrupt(batch.x))
    # detached: these losses need no gradient in the encoder (see two_sample_loss)
    y_prior, y_fixed = model.prior_y.sample(len(y), y.device), y.detach()
    discriminator_y = two_sample_loss(model.discriminator_y, y_prior, y_fixed)
    descend(discriminator_y, optimizers["discriminator_y"])
    z_prior = model.prior.sample(len(z), z.device)
    # style_logits ignores y_fixed, as in the paper, unless the model is class_informed
    discriminator_z = two_sample_loss(model.style_logits, z_prior, z.detach(), y_fixed)
    descend(discriminator_z, optimizers["discriminator_z"])

    # … and the encoder makes both codes pass for prior samples. Where style_logits sees y, y is
    # a condition: z has to fit it, so no gradient of that term reaches y.
    generator = generator_loss(model.discriminator_y(y))
    generator = generator + generator_loss(model.style_logits(z, y_fixed))
    descend(generator, optimizers["generator"])

    # Semi-supervised classification phase: the labelled images name the classes.
    y_logits, _ = model.class_logits_and_style(model.corrupt(batch.labelled_x))
    classification = F.cross_entropy(y_logits, batch.label)
    descend(classification, optimizers["classification"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator_y": discriminator_y.detach(),
        "discriminator_z": discriminator_z.detach(),
        "generator": generator.detach(),
        "classification": classification.detach(),
    }


@reads(BaselineConfig)
def baseline_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The classification phase alone: how far the labelled images get without the others."""
    y_logits, _ = model.class_logits_and_style(model.corrupt(batch.labelled_x))
    classification = F.cross_entropy(y_logits, batch.label)
    descend(classification, optimizers["classification"])
    return {"classification": classification.detach()}
