"""Lesson 4: a categorical code with D_cat, without it, and with an annealed temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons import training
from aae_lessons.data import Batch, Minibatches
from aae_lessons.models import categorical
from aae_lessons.networks import Discriminator, mlp
from aae_lessons.objectives import descend, generator_loss, two_sample_loss
from aae_lessons.priors import Categorical
from aae_lessons.references.measures import categorical as measures
from aae_lessons.references.recipes.recipe import Recipe

EPOCHS = 15
ENOUGH = 10_000  # training images to start from


def data_dependent_init(
    model: categorical.CategoricalAAE | SeveralCodes, batches: Minibatches
) -> None:
    """The first weights of the last layers, by the first training images."""
    alike = cast(categorical.CategoricalAAE, model)  # both have what it reads and sets
    categorical.data_dependent_init(alike, batches.images.subset(slice(0, ENOUGH)).x)


def code(step: Callable[..., training.Losses], config: categorical.PlainConfig) -> Recipe:
    """A run of one of the lesson's three steps, with its configuration."""
    return Recipe(
        build=lambda: categorical.CategoricalAAE(config),
        step=step,
        measure=measures.measure,
        epochs=EPOCHS,
        prepare=data_dependent_init,
        watch=measures.watch,
        rank_by="reconstruction_mse",
    )


def annealed(**settings) -> Recipe:
    """A run with Gumbel-softmax draws."""
    config = categorical.AnnealedConfig(**settings)
    return replace(code(categorical.annealed_step, config), on_step=categorical.anneal)


# ------------------------------------------------- several codes: a discriminator for each, or one


@dataclass(frozen=True)
class SeveralCategories:
    """The prior of L independent categorical codes of K classes: their one-hot vectors in a row.

    Args:
        codes: L.
        classes: K.
    """

    codes: int
    classes: int

    @property
    def dim(self) -> int:
        """The length of a sample: L · K."""
        return self.codes * self.classes

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """Samples, (n, L · K)."""
        return Categorical(self.classes).sample(n * self.codes, device).view(n, self.dim)


class SeveralCodes(nn.Module):
    """x -> L softmax codes of K classes -> x_hat, with one discriminator, or one for each code.

    Args:
        codes: L.
        separate: one discriminator for each code, as in the paper; else one that sees all.
        config: of the single code; its ``classes`` are K.
    """

    def __init__(
        self, codes: int, separate: bool, config: categorical.Config = categorical.Config()
    ) -> None:
        super().__init__()
        self.config, self.prior = config, SeveralCategories(codes, config.classes)
        self.encoder = mlp((config.pixels, *config.hidden, self.prior.dim))
        self.decoder = mlp((self.prior.dim, *reversed(config.hidden), config.pixels))
        self.part = config.classes if separate else self.prior.dim  # what one discriminator sees
        self.discriminators = nn.ModuleList(
            Discriminator(self.part, config.discriminator_hidden)
            for _ in range(self.prior.dim // self.part)
        )

    def encode(self, x: Tensor) -> Tensor:
        """All codes in a row, (B, L · K), of images ``x``, (B, 784)."""
        logits = self.encoder(x).view(len(x), self.prior.codes, self.config.classes)
        return logits.softmax(2).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions x_hat, (B, 784), of images ``x``, (B, 784)."""
        return self.decoder(self.encode(x)).sigmoid()

    def optimizers(self) -> dict[str, Adam]:
        """One Adam per phase."""
        config, betas = self.config, (self.config.beta1, 0.999)
        encoder, decoder = list(self.encoder.parameters()), list(self.decoder.parameters())
        discriminators = list(self.discriminators.parameters())
        return {
            "reconstruction": Adam(encoder + decoder, config.reconstruction_lr, betas, fused=True),
            "discriminator": Adam(discriminators, config.discriminator_lr, betas, fused=True),
            "generator": Adam(encoder, config.generator_lr, betas, fused=True),
        }


def several_codes_step(
    model: SeveralCodes, optimizers: dict[str, Adam], batch: Batch
) -> dict[str, Tensor]:
    """The phases of ``categorical.train_step``; adversarial losses are means over D's."""
    reconstruction = model.config.cost(model.decoder(model.encode(batch.x)), batch.x)
    descend(reconstruction, optimizers["reconstruction"])

    y = model.encode(batch.x)
    reals = model.prior.sample(len(y), y.device).split(model.part, dim=1)
    fakes = y.split(model.part, dim=1)
    discriminators = list(model.discriminators)
    parts = zip(discriminators, reals, fakes, strict=True)
    losses = [two_sample_loss(d, real, fake.detach()) for d, real, fake in parts]
    discriminator = torch.stack(losses).mean()
    descend(discriminator, optimizers["discriminator"])

    losses = [generator_loss(d(fake)) for d, fake in zip(discriminators, fakes, strict=True)]
    generator = torch.stack(losses).mean()
    descend(generator, optimizers["generator"])
    return {
        "reconstruction": reconstruction.detach(),
        "discriminator": discriminator.detach(),
        "generator": generator.detach(),
    }


def several_codes(codes: int, separate: bool) -> Recipe:
    """A run with ``codes`` codes of ten classes."""
    return Recipe(
        build=lambda: SeveralCodes(codes, separate),
        step=several_codes_step,
        measure=measures.several_codes,
        epochs=EPOCHS,
        prepare=data_dependent_init,
        watch=None,
        keep="record",
        note=f"{codes} categorical codes of ten classes each, matched by "
        + ("a discriminator for each." if separate else "one discriminator that sees them all."),
    )


RECIPES: dict[str, Recipe] = {
    "categorical-adversarial": code(categorical.train_step, categorical.Config()),
    "categorical-none": code(categorical.plain_step, categorical.PlainConfig()),
    "categorical-annealed": annealed(),
    "categorical-annealed-fast": replace(
        annealed(cooled_at=0.01, end_temperature=0.02),
        keep="previews",
        note="Cold from the first hundred updates on.",
    ),
    "categorical-annealed-slow": replace(
        annealed(start_temperature=5.0, end_temperature=2.0, cooled_at=1.0),
        keep="previews",
        note="Warm to the end.",
    ),
    "categorical-constant": replace(
        annealed(start_temperature=2 / 3, end_temperature=2 / 3),
        keep="record",
        note="Gumbel-softmax draws at a constant temperature.",
    ),
    **{
        f"categorical-{codes}-codes-{how}": several_codes(codes, how == "separate")
        for codes in (2, 4, 8)
        for how in ("separate", "together")
    },
}
