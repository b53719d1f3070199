"""Lesson 8: the other methods of the slides' Table 2, on the splits and images of lesson 5."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from aae_lessons.data import SemiSupervisedMinibatches
from aae_lessons.methods import ladder, vat
from aae_lessons.references import measures, measures_methods
from aae_lessons.references.recipes.recipe import Recipe


def linear_after_two_thirds(done: float) -> float:
    """Constant for two thirds of the run, then linearly to zero."""
    return min(1.0, 3.0 * (1.0 - done))


METHOD = Recipe(
    build=ladder.Ladder,
    optimizers=ladder.optimizers,
    step=ladder.train_step,
    measure=measures_methods.classifier,
    epochs=28,
    batch=100,
    labels=100,
    watch=measures_methods.validation_error,
    held_out=measures.VALIDATION,
    batches=SemiSupervisedMinibatches,
    schedule=linear_after_two_thirds,
    rank_by="test_error_percent",
    keep="record",
    matmul_precision="bfloat16",
)
RECIPES: dict[str, Recipe] = {
    "ladder-100": replace(
        METHOD,
        note="The authors' recipe (sizes, noise, λ, Adam 0.002, 100 + 100 images) with 28 epochs "
        "of 500 updates in place of 150 of 600; validation images are not trained on; matrix "
        "products in bfloat16.",
    ),
    "vat-100": replace(
        METHOD,
        build=vat.VAT,
        optimizers=vat.optimizers,
        step=vat.train_step,
        epochs=40,
        batch=200,
        batches=partial(SemiSupervisedMinibatches, labelled_size=100),
        note="Not the authors' constants: 784-1200-600-10, ξ = 10, ε = 1, Adam 2e-4, 100 + 200 "
        "images, 10,000 updates in place of 50,000, chosen on validation images of split 0; "
        "matrix products in bfloat16.",
    ),
}
