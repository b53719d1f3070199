"""How each reference run is made: model, step, budget, labels, measures."""

from aae_lessons.references.recipes import continuous, semi_supervised
from aae_lessons.references.recipes.recipe import Recipe

__all__ = ["RECIPES", "Recipe"]

RECIPES: dict[str, Recipe] = {**continuous.RECIPES, **semi_supervised.RECIPES}
