"""How each reference run is made: model, step, budget, labels, measures."""

from aae_lessons.references.recipes import categorical, clustering, continuous, semi_supervised
from aae_lessons.references.recipes.recipe import Recipe

__all__ = ["RECIPES", "Recipe"]

RECIPES: dict[str, Recipe] = {
    **continuous.RECIPES,
    **categorical.RECIPES,
    **semi_supervised.RECIPES,
    **clustering.RECIPES,
}
