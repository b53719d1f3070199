"""Lesson 4: the toy of three groups, equal or not, trained from twenty starts side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import training
from aae_lessons.arguments import check
from aae_lessons.data import Batch, ImageSet
from aae_lessons.models import categorical
from aae_lessons.objectives import adam, descend, discriminator_loss, entropy, generator_loss
from aae_lessons.references.recipes.recipe import Recipe

STARTS = 20
EQUAL, UNEQUAL = (400, 400, 400), (840, 240, 120)
CENTRES = ((0.3, 0.3), (0.5, 0.7), (0.7, 0.35))
SPREAD = 0.05
WHOLE = 0.95  # a group is whole if one class has at least this share of it
PLAIN = categorical.PlainConfig(
    classes=3, hidden=(32,), discriminator_hidden=(32,), pixels=2, reconstruction_lr=4e-3
)


def three_groups(sizes: tuple[int, ...], device: torch.device | str) -> ImageSet:
    """Images of two pixels around three centres: the same ones in every run."""
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    noise = torch.randn(len(group), 2, generator=torch.Generator().manual_seed(0))
    x = (torch.tensor(CENTRES)[group] + SPREAD * noise).clamp(0, 1)
    return ImageSet((x * 255).byte().view(-1, 1, 1, 2).to(device), group.to(device))


class SideBySide(nn.Module):
    """``STARTS`` networks of one hidden layer; weights are drawn as those of ``nn.Linear``."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ParameterList()
        for n, m in ((inputs, hidden), (hidden, outputs)):
            for shape in ((STARTS, n, m), (STARTS, 1, m)):
                self.layers.append((2 * torch.rand(shape) - 1) / math.sqrt(n))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of every network, (starts, B, outputs), of ``x``, (B or starts, B, inputs)."""
        weight, bias, last_weight, last_bias = self.layers
        return F.leaky_relu(x @ weight + bias, 0.2) @ last_weight + last_bias


class ThreeGroups(nn.Module):
    """The toy's autoencoders, each with its discriminator and Adams.

    Args:
        config: of the step.
        shares: how often the prior draws each class.
    """

    shares: Tensor
    temperature: Tensor

    def __init__(
        self,
        config: categorical.PlainConfig,
        shares: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3),
    ) -> None:
        super().__init__()
        k, pixels, hidden = config.classes, config.pixels, config.hidden[0]
        self.config = config
        self.encoder = SideBySide(pixels, hidden, k)
        self.decoder = SideBySide(k, hidden, pixels)
        self.discriminator = SideBySide(k, config.discriminator_hidden[0], 1)
        self.register_buffer("shares", torch.tensor(shares))
        self.register_buffer("temperature", torch.tensor(1.0))

    def encode(self, x: Tensor) -> Tensor:
        """Codes without noise, (starts, B, K), of images ``x``, (B, 2)."""
        return (self.encoder(x) / self.temperature).softmax(2)

    def sample(self, n: int) -> Tensor:
        """Samples of the prior, (starts, n, K)."""
        classes = torch.multinomial(self.shares, STARTS * n, replacement=True)
        return F.one_hot(classes.view(STARTS, n), len(self.shares)).float()

    def optimizers(self) -> dict[str, Adam]:
        """One Adam per phase; it treats every weight by itself, so the starts stay apart."""
        config = self.config
        result = {
            "reconstruction": adam(
                config.reconstruction_lr, config.beta1, self.encoder, self.decoder
            )
        }
        if isinstance(config, categorical.Config):
            d = adam(config.discriminator_lr, config.beta1, self.discriminator)
            g = adam(config.generator_lr, config.beta1, self.encoder)
            result |= {"discriminator": d, "generator": g}
        return result


def _rebuild(model: ThreeGroups, optimizers: dict[str, Adam], y: Tensor, x: Tensor) -> Tensor:
    """The reconstruction phase from codes ``y``; the loss is a sum over starts."""
    error = (model.decoder(y).sigmoid() - x).square()
    loss = 0.5 * error.sum(2).mean(1).sum()
    descend(loss, optimizers["reconstruction"])
    return loss.detach() / STARTS


def adversarial_step(
    model: ThreeGroups, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """The three phases of ``categorical.train_step``; losses are means over starts."""
    reconstruction = _rebuild(model, optimizers, model.encode(batch.x), batch.x)

    y = model.encode(batch.x)
    real, fake = model.discriminator(model.sample(len(batch.x))), model.discriminator(y.detach())
    discriminator = discriminator_loss(real.flatten(), fake.flatten())
    descend(STARTS * discriminator, optimizers["discriminator"])

    generator = generator_loss(model.discriminator(y).flatten())
    descend(STARTS * generator, optimizers["generator"])
    return {
        "reconstruction": reconstruction,
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


def annealed_step(
    model: ThreeGroups, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """One update on Gumbel-softmax draws; the loss is a mean over starts."""
    logits = model.encoder(batch.x)
    drawn = categorical.gumbel_softmax(logits.flatten(0, 1), model.temperature)
    y = drawn.view_as(logits)
    return {"reconstruction": _rebuild(model, optimizers, y, batch.x)}


def anneal(model: ThreeGroups, done: float) -> None:
    """τ, as in ``categorical.anneal``."""
    config = model.config
    check(isinstance(config, categorical.AnnealedConfig), "config", config, "an AnnealedConfig")
    # it reads config and temperature only
    categorical.anneal(cast(categorical.CategoricalAAE, model), done)


@torch.no_grad()
def measure(model: ThreeGroups, images: ImageSet) -> dict[str, float]:
    """In how many starts the first group is whole, and each group has a class of its own.

    A group's class is that of most of its images.
    """
    y = model.encode(images.x)
    counts = F.one_hot(y.argmax(2), y.shape[2])  # (starts, n, K)
    groups = [counts[:, images.labels == g].float().mean(1) for g in images.labels.unique()]
    of_group = torch.stack([shares.argmax(1) for shares in groups], dim=1).tolist()
    return {
        "starts": STARTS,
        "starts_with_whole_group": int((groups[0].amax(1) >= WHOLE).sum()),
        "starts_with_own_classes": sum(len(set(classes)) == len(groups) for classes in of_group),
        "mean_max_probability": y.amax(2).mean().item(),
        "entropy_of_mean": entropy(y.mean(1)).item(),
    }


ANNEALED = categorical.AnnealedConfig(**vars(PLAIN))
MATCHED = categorical.Config(**vars(PLAIN), discriminator_lr=4e-3, generator_lr=2e-3)


def adversarial(sizes: tuple[int, ...], shares: tuple[float, ...]) -> Recipe:
    """D_cat, with a prior that draws the classes with these shares."""
    return Recipe(
        build=lambda: ThreeGroups(MATCHED, shares),
        step=adversarial_step,
        measure=measure,
        batch=100,
        labels=None,
        watch=None,
        keep="record",
        dataset=lambda split, device: three_groups(sizes, device),
        schedule=training.constant,
        note=f"Three groups of {sizes} images of two pixels, {STARTS} starts.",
    )


def annealed(end: float) -> Recipe:
    """Gumbel-softmax draws whose temperature falls from 2 to ``end``, on the unequal groups."""
    config = replace(ANNEALED, end_temperature=end)
    return replace(
        adversarial(UNEQUAL, (1 / 3, 1 / 3, 1 / 3)),
        build=lambda: ThreeGroups(config),
        step=annealed_step,
        on_step=anneal,
    )


RECIPES: dict[str, Recipe] = {
    "groups-equal": adversarial(EQUAL, (1 / 3, 1 / 3, 1 / 3)),
    "groups-unequal": adversarial(UNEQUAL, (1 / 3, 1 / 3, 1 / 3)),
    "groups-unequal-prior": adversarial(UNEQUAL, (0.7, 0.2, 0.1)),
    **{f"groups-unequal-annealed-{end:g}": annealed(end) for end in (1.0, 0.5, 0.3, 0.1)},
}
