"""Lesson 4: a categorical code with D_cat, without it, and with an annealed temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aae_lessons import training
from aae_lessons.data import Minibatches
from aae_lessons.models import categorical
from aae_lessons.references.measures import categorical as measures
from aae_lessons.references.recipes.recipe import Recipe

EPOCHS = 15
ENOUGH = 10_000  # training images to start from


def data_dependent_init(model: categorical.CategoricalAAE, batches: Minibatches) -> None:
    """The first weights of the last layers, by the first training images."""
    categorical.data_dependent_init(model, batches.images.subset(slice(0, ENOUGH)).x)


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
}
