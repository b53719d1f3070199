"""Lesson 1: the plain autoencoder."""

from __future__ import annotations

from aae_lessons.models import autoencoder
from aae_lessons.references.measures import autoencoder as measures
from aae_lessons.references.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    "autoencoder": Recipe(
        build=autoencoder.Autoencoder,
        step=autoencoder.train_step,
        measure=measures.measure,
    ),
}
