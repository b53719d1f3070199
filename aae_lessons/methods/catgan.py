"""CatGAN: be sure of an image's class, evenly over classes, and unsure of what a generator makes.

Principle:
    The discriminator has K classes and no output "fake". With H for entropy, p(y|x, D) for its
    prediction and p̄ for a mean prediction over images:

        D:  min  −H[ p̄(real) ] + mean H[ p(y|real) ] − mean H[ p(y|fake) ]
                 + λ · mean of −log p(label|labelled x)
        G:  min  −H[ p̄(fake) ] + mean H[ p(y|fake) ]

    Sure and even is large mutual information of image and class; the generator's images stand
    for the places where the discriminator should not be sure.

Reference:
    Springenberg 2016, "Unsupervised and Semi-supervised Learning with Categorical Generative
    Adversarial Networks", arXiv:1511.06390: §3 (requirements and objectives of D and G; the
    semi-supervised objective with λ).

Note:
    Real, fake and labelled images go through batch norm in batches of their own; the generator's
    images do not enter the running statistics. λ = 1.
    Section numbers are quoted from memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_int, check_labels, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._densities import entropy_of_logits
from aae_lessons.methods._layers import Noise, frozen_statistics, normalised_mlp
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        dim: d, of the generator's input, uniform in [0, 1].
        hidden: sizes of the discriminator's hidden layers.
        generator_hidden: of the generator's.
        pixels: number of pixels of an image.
        bounded: whether images lie in [0, 1]: the generator then ends in a sigmoid.
        noise: standard deviation of the noise on the discriminator's input and hidden layers.
        weight: λ.
        lr: Adam's learning rate in both phases.
        beta1: Adam's decay of its first moment.
        weight_decay: of the discriminator's weights.
    """

    classes: int = 10
    dim: int = 128
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    generator_hidden: tuple[int, ...] = (500, 500, 1000)
    pixels: int = 784
    bounded: bool = True
    noise: float = 0.3
    weight: float = 1.0
    lr: float = 2e-4
    beta1: float = 0.5
    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.noise, "noise", at_least=0)
        check_number(self.weight, "weight", at_least=0)
        check_number(self.lr, "lr", above=0)


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.1)


class CatGAN(nn.Module):
    """A discriminator with K classes, x -> logits (B, K), and a generator of images."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        sizes = (config.pixels, *config.hidden, config.classes)
        layers = normalised_mlp(sizes, _leaky, config.noise)
        self.discriminator = nn.Sequential(Noise(config.noise), layers)
        sizes = (config.dim, *config.generator_hidden, config.pixels)
        self.generator = normalised_mlp(sizes, _leaky)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits, (B, K), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.discriminator(x).float()

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)

    def generate(self, n: int, like: Tensor) -> Tensor:
        """``n`` images, (n, 784), from fresh uniform noise, on the device of ``like``."""
        check_int(n, "n")
        x = self.generator(torch.rand(n, self.config.dim, device=like.device)).float()
        return x.sigmoid() if self.config.bounded else x


def mean_entropy(logits: Tensor) -> Tensor:
    """mean over images of H[p(y|x)] in nats: 0 where every prediction is sure."""
    return entropy_of_logits(logits).mean()


def entropy_of_mean(logits: Tensor) -> Tensor:
    """H[mean over images of p(y|x)] in nats: log K where classes are used evenly."""
    log_mean = logits.log_softmax(1).logsumexp(0, keepdim=True) - math.log(len(logits))
    return entropy_of_logits(log_mean).mean()  # its softmax is the mean prediction


def optimizers(model: CatGAN) -> dict[str, Adam]:
    """One Adam per player."""
    config = model.config
    betas, decay = (config.beta1, 0.999), config.weight_decay
    discriminator, generator = model.discriminator.parameters(), model.generator.parameters()
    return {
        "discriminator": Adam(discriminator, config.lr, betas, weight_decay=decay, fused=True),
        "generator": Adam(generator, config.lr, betas, fused=True),
    }


@reads(Config)
def train_step(
    model: CatGAN, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update of both players (§3). Returns their losses and the cross-entropy, in nats."""
    check_labels(batch.label, "label", model.config.classes)
    # Discriminator phase: sure and even on real images, unsure of generated ones.
    real = model(batch.x)
    with frozen_statistics(model.discriminator):
        labelled = model(batch.labelled_x)
        # detached: this phase must not move the generator
        fake = model(model.generate(len(batch.x), batch.x).detach())
    classification = F.cross_entropy(labelled, batch.label)
    discriminator = mean_entropy(real) - entropy_of_mean(real) - mean_entropy(fake)
    descend(discriminator + model.config.weight * classification, optimizers["discriminator"])

    # Generator phase: images of which the discriminator is sure, evenly over classes.
    with frozen_statistics(model.discriminator):
        fake = model(model.generate(len(batch.x), batch.x))
    generator = mean_entropy(fake) - entropy_of_mean(fake)
    descend(generator, optimizers["generator"])
    return {
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
        "classification": classification.detach(),
    }
