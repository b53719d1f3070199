"""How each reference run is made: model, step, budget, labels, measures; one file per lesson."""

from aae_lessons.references.recipes import (
    adversarial,
    autoencoder,
    categorical,
    classifier,
    clustering,
    groups,
    methods,
    methods_svhn,
    semi_supervised,
    semi_supervised_parts,
    variational,
    wasserstein,
)
from aae_lessons.references.recipes.recipe import Recipe

__all__ = ["RECIPES", "Recipe"]

RECIPES: dict[str, Recipe] = {
    **classifier.RECIPES,
    **autoencoder.RECIPES,
    **adversarial.RECIPES,
    **variational.RECIPES,
    **categorical.RECIPES,
    **groups.RECIPES,
    **semi_supervised.RECIPES,
    **semi_supervised_parts.RECIPES,
    **clustering.RECIPES,
    **wasserstein.RECIPES,
    **methods.RECIPES,
    **methods_svhn.RECIPES,
}
