"""Lesson 4: an autoencoder with a categorical code.

Principle:
    min over Q, G:  E[ c(x, G(y)) ]  +  D_cat(Q_Y, Cat(K)),   y = softmax of K logits

    A softmax code is free to be soft: with all K probabilities it stores K − 1 real numbers. A
    discriminator compares it with one-hot vectors, the samples of Cat(K). Codes that it can't
    distinguish from them are peaked at one class, and use all classes equally often.

Reference:
    Makhzani et al. 2015, §2 (the phases), §5 and §6 (the categorical code); the slides "GAN for
    Discrete Latent Structure". The contrast: Jang et al. 2017, "Categorical Reparameterization
    with Gumbel-Softmax", arXiv:1611.01144, §2.

Note:
    Three algorithms share the model, each with a configuration of its own: :func:`train_step`
    (:class:`Config`) has D_cat; :func:`plain_step` (:class:`PlainConfig`) has nothing;
    :func:`annealed_step` (:class:`AnnealedConfig`) has noise and a temperature instead of an
    opponent, and the temperature needs a schedule, :func:`anneal`. All need
    :func:`data_dependent_init`. Without it the decoder first learns the mean image, whatever the
    code; all images get the same class, and the softmax saturates before they are separated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_matrix, check_numbers, refusal
from aae_lessons.data import Batch
from aae_lessons.networks import Discriminator, gumbel_softmax, mlp
from aae_lessons.objectives import (
    Cost,
    adam,
    descend,
    generator_loss,
    reads,
    squared_error,
    two_sample_loss,
)
from aae_lessons.priors import Categorical

MIN_PIXEL = 1e-3  # of a mean image's pixels, for their logits
MIN_STD = 1e-6  # the least standard deviation of a logit that is rescaled


@dataclass(frozen=True)
class PlainConfig:
    """Settings of :func:`plain_step`, and what all three algorithms read.

    Args:
        classes: K, 2 or more.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        discriminator_hidden: sizes of the discriminator's hidden layers.
        pixels: number of pixels of an image.
        cost: c(logits, x), summed over pixels, mean over the batch.
        logit_std: standard deviation of each logit of y over the images that
            :func:`data_dependent_init` sees.
        reconstruction_lr: learning rate of the reconstruction phase's Adam.
        beta1: Adam's decay of its first moment.
    """

    classes: int = 10
    hidden: tuple[int, ...] = (128, 128)
    discriminator_hidden: tuple[int, ...] = (128, 128)
    pixels: int = 784
    cost: Cost = squared_error
    logit_std: float = 0.5
    reconstruction_lr: float = 5e-4
    beta1: float = 0.5

    def __post_init__(self) -> None:
        check_config(self)
        check_numbers(self, "logit_std", above=0)


@dataclass(frozen=True)
class Config(PlainConfig):
    """Settings of :func:`train_step` in addition to those of :class:`PlainConfig`.

    Args:
        discriminator_lr, generator_lr: learning rates of the Adams of these two phases.
    """

    discriminator_lr: float = 1e-3
    generator_lr: float = 5e-4


@dataclass(frozen=True)
class AnnealedConfig(PlainConfig):
    """Settings of :func:`annealed_step` in addition to those of :class:`PlainConfig`.

    Args:
        start_temperature, end_temperature: τ at the start and at the end.
        cooled_at: share of the run after which τ has reached its end.
    """

    start_temperature: float = 2.0
    end_temperature: float = 0.1
    cooled_at: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(self, "start_temperature", "end_temperature", "cooled_at", above=0)


class CategoricalAAE(nn.Module):
    """x -> y -> x_hat: the decoder's only input is the softmax code.

    ``temperature``, τ, is a buffer: 1 unless :func:`anneal` fills it.

    Args:
        config: :class:`Config` for :func:`train_step`, :class:`PlainConfig` for
            :func:`plain_step`, :class:`AnnealedConfig` for :func:`annealed_step`.
    """

    temperature: Tensor

    def __init__(self, config: PlainConfig = Config()) -> None:
        super().__init__()
        check_config(config, PlainConfig)
        self.config, self.prior = config, Categorical(config.classes)
        self.encoder = mlp((config.pixels, *config.hidden, config.classes))
        self.decoder = mlp((config.classes, *reversed(config.hidden), config.pixels))
        self.discriminator = Discriminator(config.classes, config.discriminator_hidden)
        self.register_buffer("temperature", torch.tensor(1.0))

    def optimizers(self) -> dict[str, Adam]:
        """What the configuration's algorithm descends with, by phase."""
        return optimizers(self)

    def y_logits(self, x: Tensor) -> Tensor:
        """Logits of y, (B, K), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def encode(self, x: Tensor) -> Tensor:
        """Codes y = softmax(logits / τ), (B, K), of images ``x``, (B, 784), without noise."""
        return (self.y_logits(x) / self.temperature).softmax(1)

    def one_hot(self, y: Tensor) -> Tensor:
        """The nearest corner of each code ``y``, (B, K): a one-hot vector, (B, K)."""
        check_matrix(y, "y", columns=self.config.classes)
        return F.one_hot(y.argmax(1), self.config.classes).to(y.dtype)

    def decode(self, y: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of codes ``y``, (B, K)."""
        check_matrix(y, "y", columns=self.config.classes)
        return self.decoder(y).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decode(self.encode(x))


@torch.no_grad()
def data_dependent_init(model: CategoricalAAE, x: Tensor) -> None:
    """Initialises the last layers from some images ``x``, (n, 784), n at least 2.

    The decoder begins with their mean. Each logit of y begins with mean 0 and standard deviation
    ``logit_std`` over them, so that they begin in different classes.
    """
    check_matrix(x, "x", columns=model.config.pixels)
    check(len(x) > 1, "x", f"{len(x)} image", "2 images or more")
    mean = x.mean(0).clamp(MIN_PIXEL, 1 - MIN_PIXEL)
    to_pixels, last = cast(nn.Linear, model.decoder[-1]), cast(nn.Linear, model.encoder[-1])
    to_pixels.bias.copy_(mean.logit())
    logits = model.encoder(x)
    gain = model.config.logit_std / logits.std(0).clamp(min=MIN_STD)
    last.weight.mul_(gain[:, None])
    last.bias.sub_(logits.mean(0)).mul_(gain)


def optimizers(model: CategoricalAAE) -> dict[str, Adam]:
    """One Adam per phase. The encoder's parameters are in two: reconstruction and generator.

    Without a discriminator (:class:`PlainConfig`, :class:`AnnealedConfig`) there is one phase.
    """
    config, beta1 = model.config, model.config.beta1
    adams = {"reconstruction": adam(config.reconstruction_lr, beta1, model.encoder, model.decoder)}
    if isinstance(config, Config):
        adams["discriminator"] = adam(config.discriminator_lr, beta1, model.discriminator)
        adams["generator"] = adam(config.generator_lr, beta1, model.encoder)
    return adams


@reads(Config)
def train_step(
    model: CategoricalAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """One update with D_cat (§2). Returns the loss of each phase, in nats."""
    # Reconstruction phase: encoder and decoder learn to rebuild the image.
    y = model.encode(batch.x)
    reconstruction = model.config.cost(model.decoder(y), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase, discriminator: tell one-hot vectors (real) from codes (fake).
    y = model.encode(batch.x)
    y_prior = model.prior.sample(len(y), y.device)
    # detached: this loss needs no gradient in the encoder (see two_sample_loss)
    discriminator = two_sample_loss(model.discriminator, y_prior, y.detach())
    descend(discriminator, optimizers["discriminator"])

    # Regularization phase, generator: the encoder makes codes that pass for one-hot vectors.
    generator = generator_loss(model.discriminator(y))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


@reads(PlainConfig)
def plain_step(
    model: CategoricalAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """The reconstruction phase alone: the softmax code by itself."""
    reconstruction = model.config.cost(model.decoder(model.encode(batch.x)), batch.x)
    descend(reconstruction, optimizers["reconstruction"])
    return {"reconstruction": reconstruction.detach()}


@reads(AnnealedConfig)
def annealed_step(
    model: CategoricalAAE, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """One update on Gumbel-softmax draws at the model's temperature: the continuous relaxation."""
    y = gumbel_softmax(model.y_logits(batch.x), model.temperature)
    reconstruction = model.config.cost(model.decoder(y), batch.x)
    descend(reconstruction, optimizers["reconstruction"])
    return {"reconstruction": reconstruction.detach()}


def anneal(model: CategoricalAAE, done: float) -> None:
    """τ, from start to end by equal factors until ``cooled_at``: the ``on_step`` of ``fit``."""
    config = model.config
    if not isinstance(config, AnnealedConfig):
        raise refusal("config", config, "an AnnealedConfig, which has temperatures")
    ratio = config.end_temperature / config.start_temperature
    model.temperature.fill_(config.start_temperature * ratio ** min(1.0, done / config.cooled_at))
