"""Lesson 1: the plain autoencoder, and codes of several sizes."""

from __future__ import annotations

from aae_lessons.models import autoencoder
from aae_lessons.references.measures import autoencoder as measures
from aae_lessons.references.recipes.recipe import Recipe

SWEEP_EPOCHS = 8
SIZES = (1, 2, 4, 8, 16, 32, 64)


def with_code_of(dim: int) -> Recipe:
    """An autoencoder whose code has ``dim`` numbers."""
    config = autoencoder.Config(dim=dim)
    return Recipe(
        build=lambda: autoencoder.Autoencoder(config),
        step=autoencoder.train_step,
        measure=measures.code_size,
        epochs=SWEEP_EPOCHS,
        watch=None,
        keep="record",
    )


RECIPES: dict[str, Recipe] = {
    "autoencoder": Recipe(
        build=autoencoder.Autoencoder,
        step=autoencoder.train_step,
        measure=measures.measure,
    ),
    **{f"autoencoder-dim-{dim}": with_code_of(dim) for dim in SIZES},
}
