"""Lesson 5: the semi-supervised adversarial autoencoder.

Principle:
    The encoder splits an image into a class y (softmax over K) and a style z. Two discriminators
    match them to their priors, y to one-hot vectors, z to a Gaussian; a few labelled images name
    the classes.

        min over Q, G:  E[ c(x, G(y, z)) ]  +  D_cat(Q_Y, Cat(K))  +  D_gauss(Q_Z, N(0, I))
                        +  E_labelled[ −log q(label|x) ]

Reference:
    Makhzani et al. 2015, §4 (class given, style learned), §5 and appendix A.2.1 (the three
    phases, stochastic gradient descent, rates, noise on the input, N(0, 0.01²) weights).
    Agreement: Ji et al. 2019, arXiv:1807.06653.

Note:
    The cost is a *sum* over pixels. With their mean and the same rates the reconstruction would
    hardly move. An epoch is a pass over the images without labels.

    Two discriminators match two *marginals*: y to one-hot, z to a Gaussian. Nothing in the paper's
    objective makes them independent, and a style can go on telling the class. With
    ``Config.class_informed`` the discriminator of z is told y beside it, as §2.3 tells one the
    label: then z has to be the same Gaussian within every class. That is our addition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD

from aae_lessons.arguments import check_int, check_labels, check_matrix, check_number
from aae_lessons.clusters import mutual_information
from aae_lessons.data import Batch, SemiSupervisedBatch
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
    discriminator_loss,
    generator_loss,
    squared_error,
)
from aae_lessons.priors import Categorical, Gaussian


@dataclass(frozen=True)
class Config:
    """
    Args:
        classes: K, of y.
        dim: D, of the style z.
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them, and both
            discriminators have the same.
        pixels: of an image.
        cost: c(logits, x), summed over pixels, mean over the batch.
        noise, jitter, shift: of the :class:`~aae_lessons.networks.Corruption` of the encoder's
            input, in training only; the clean image is the target. The paper has the noise alone.
        class_informed: whether the discriminator of z is told y beside it (see the module's note).
        weight_std: of the initial weights; biases start at 0.
        reconstruction_lr, discriminator_lr, generator_lr, classification_lr: learning
            rates of SGD.
        momentum: of the reconstruction and classification phases.
        adversarial_momentum: of the discriminators' and the generator's.
    """

    classes: int = 10
    dim: int = 10
    hidden: tuple[int, ...] = (1000, 1000)
    pixels: int = 784
    cost: Cost = squared_error
    noise: float = 0.3
    jitter: float = 0.0
    shift: float = 0.0
    class_informed: bool = False
    weight_std: float = 0.01
    reconstruction_lr: float = 0.01
    discriminator_lr: float = 0.1
    generator_lr: float = 0.1
    classification_lr: float = 0.1
    momentum: float = 0.9
    adversarial_momentum: float = 0.1

    def __post_init__(self) -> None:
        check_int(self.classes, "classes", at_least=2)
        check_int(self.dim, "dim")
        for name in ("noise", "jitter", "shift"):
            check_number(getattr(self, name), name, at_least=0)
        check_number(self.weight_std, "weight_std", above=0)
        for phase in ("reconstruction", "discriminator", "generator", "classification"):
            check_number(getattr(self, f"{phase}_lr"), f"{phase}_lr", above=0)


class SemiSupervisedAAE(ClassStyleAutoencoder):
    """x -> (y, z) -> x_hat, with a discriminator for y and one for z."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config = config
        self.prior_y, self.prior = Categorical(config.classes), Gaussian(config.dim)
        code = config.classes + config.dim
        self.encoder = mlp((config.pixels, *config.hidden, code), nn.ReLU)
        self.decoder = mlp((code, *reversed(config.hidden), config.pixels), nn.ReLU)
        self.discriminator_y = Discriminator(config.classes, config.hidden, nn.ReLU)
        shown = code if config.class_informed else config.dim
        self.discriminator_z = Discriminator(shown, config.hidden, nn.ReLU)
        self.corrupt = Corruption(config.noise, config.jitter, config.shift)
        normal_weights(self, config.weight_std)

    def class_logits_and_style(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of y, (B, K), and the style z, (B, D), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        y_logits, z = self.encoder(x).split([self.config.classes, self.config.dim], dim=1)
        return y_logits, z

    def style_logits(self, z: Tensor, y: Tensor) -> Tensor:
        """What the discriminator of z says of styles, (B, D), of classes y, (B, K): (B,)."""
        check_matrix(z, "z", columns=self.config.dim)
        check_matrix(y, "y", columns=self.config.classes, rows=len(z))
        shown = torch.cat([y, z], dim=1) if self.config.class_informed else z
        return self.discriminator_z(shown)


def optimizers(model: SemiSupervisedAAE, config: Config) -> dict[str, SGD]:
    """One SGD a phase. The encoder is in three: it encodes, generates, and classifies."""
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    slow, quick = config.momentum, config.adversarial_momentum

    def sgd(parameters: list[nn.Parameter], lr: float, momentum: float) -> SGD:
        return SGD(parameters, lr, momentum=momentum, fused=True)

    discriminator_y, discriminator_z = (
        list(d.parameters()) for d in (model.discriminator_y, model.discriminator_z)
    )
    return {
        "reconstruction": sgd(encoder + decoder, config.reconstruction_lr, slow),
        "discriminator_y": sgd(discriminator_y, config.discriminator_lr, quick),
        "discriminator_z": sgd(discriminator_z, config.discriminator_lr, quick),
        "generator": sgd(encoder, config.generator_lr, quick),
        "classification": sgd(encoder, config.classification_lr, slow),
    }


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
    told = y.detach()  # detached: y is shown to the discriminator of z, not taught by it
    # detached: the discriminators' phase must not move the encoder
    discriminator_y = _discriminator_loss(model.discriminator_y, model.prior_y, y.detach())
    descend(discriminator_y, optimizers["discriminator_y"])
    discriminator_z = _discriminator_loss(
        lambda both: model.style_logits(both, told.repeat(2, 1)), model.prior, z.detach()
    )
    descend(discriminator_z, optimizers["discriminator_z"])

    # … and the encoder makes both codes pass for prior samples.
    generator = generator_loss(model.discriminator_y(y))
    generator = generator + generator_loss(model.style_logits(z, told))
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


def baseline_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The classification phase alone: what the labels are worth without the other images."""
    y_logits, _ = model.class_logits_and_style(model.corrupt(batch.labelled_x))
    classification = F.cross_entropy(y_logits, batch.label)
    descend(classification, optimizers["classification"])
    return {"classification": classification.detach()}


# --------------------------------------------------- one phase more: copies of an image agree


def agreement_optimizers(model: SemiSupervisedAAE, config: Config) -> dict[str, SGD]:
    """Those of :func:`optimizers`, and the encoder's for the phase of agreement."""
    encoder = model.encoder.parameters()
    agreement = SGD(encoder, config.generator_lr, momentum=config.adversarial_momentum, fused=True)
    return {**optimizers(model, config), "agreement": agreement}


def agreement_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """The paper's three phases and lesson 6's agreement: not an adversarial term, and not theirs.

    Two copies of an image, each corrupted by itself, should be given one class. Returns the losses
    of :func:`train_step` and ``agreement``, −I(y; y') in nats.
    """
    losses = train_step(model, optimizers, batch)
    y, y_other = (model.encode(model.corrupt(batch.x))[0] for _ in range(2))
    agreement = -mutual_information(y, y_other)
    descend(agreement, optimizers["agreement"])
    return {**losses, "agreement": agreement.detach()}


def _discriminator_loss(
    discriminator: Callable[[Tensor], Tensor], prior: Categorical | Gaussian, z: Tensor
) -> Tensor:
    """A discriminator's loss, prior samples and codes in one batch."""
    logits = discriminator(torch.cat([prior.sample(len(z), z.device), z]))
    return discriminator_loss(*logits.split(len(z)))


# --------------------------------------------- the class given, the style learned (§4, Fig 6)


class SupervisedAAE(nn.Module):
    """x -> z, (label, z) -> x_hat: the decoder is told the class, so z need not hold it.

    z is matched to a Gaussian that does not depend on the class; what is left in it is style.
    """

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        self.config = config
        self.prior_y, self.prior = Categorical(config.classes), Gaussian(config.dim)
        self.encoder = mlp((config.pixels, *config.hidden, config.dim), nn.ReLU)
        code = config.classes + config.dim
        self.decoder = mlp((code, *reversed(config.hidden), config.pixels), nn.ReLU)
        shown = code if config.class_informed else config.dim
        self.discriminator_z = Discriminator(shown, config.hidden, nn.ReLU)
        normal_weights(self, config.weight_std)

    def encode(self, x: Tensor) -> Tensor:
        """Style z, (B, D), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.encoder(x)

    def decoder_logits(self, label: Tensor, z: Tensor) -> Tensor:
        """Logits of the images, (B, 784), of labels, (B,), and styles, (B, D)."""
        return self.decoder(self._told(z, label))

    def decode(self, label: Tensor, z: Tensor) -> Tensor:
        """Images x_hat, (B, 784), in [0, 1], of labels, (B,), and styles, (B, D)."""
        return self.decoder_logits(label, z).sigmoid()

    def style_logits(self, z: Tensor, label: Tensor) -> Tensor:
        """What the discriminator of z says of styles, (B, D), of images of labels, (B,): (B,)."""
        told = self._told(z, label)
        return self.discriminator_z(told if self.config.class_informed else z)

    def _told(self, z: Tensor, label: Tensor) -> Tensor:
        """One-hot labels and styles side by side, (B, K + D)."""
        check_labels(label, "label", self.config.classes)
        check_matrix(z, "z", columns=self.config.dim, rows=len(label))
        return torch.cat([self.prior_y.sample_given(label).to(z), z], dim=1)


def supervised_optimizers(model: SupervisedAAE, config: Config) -> dict[str, SGD]:
    """One SGD a phase, with the rates and momenta of :func:`optimizers`."""
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    discriminator, quick = list(model.discriminator_z.parameters()), config.adversarial_momentum
    return {
        "reconstruction": SGD(
            encoder + decoder, config.reconstruction_lr, config.momentum, fused=True
        ),
        "discriminator_z": SGD(discriminator, config.discriminator_lr, quick, fused=True),
        "generator": SGD(encoder, config.generator_lr, quick, fused=True),
    }


def supervised_step(
    model: SupervisedAAE, optimizers: dict[str, SGD], batch: Batch
) -> dict[str, Tensor]:
    """One update with the class given (§4). Returns the loss of each phase, in nats."""
    # Reconstruction phase: the decoder is told the label.
    logits = model.decoder_logits(batch.label, model.encode(batch.x))
    reconstruction = model.config.cost(logits, batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    # Regularization phase: the discriminator tells prior samples from styles …
    z = model.encode(batch.x)
    # detached: the discriminator's phase must not move the encoder
    discriminator_z = _discriminator_loss(
        lambda both: model.style_logits(both, batch.label.repeat(2)), model.prior, z.detach()
    )
    descend(discriminator_z, optimizers["discriminator_z"])

    # … and the encoder makes styles that pass for prior samples.
    generator = generator_loss(model.style_logits(z, batch.label))
    descend(generator, optimizers["generator"])

    return {
        "reconstruction": reconstruction.detach(),
        "discriminator_z": discriminator_z.detach(),
        "generator": generator.detach(),
    }
