"""Lesson 5: the semi-supervised AAE at three numbers of labels, and the labels alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aae_lessons import training
from aae_lessons.data import PartlyLabelledMinibatches
from aae_lessons.models import semi_supervised
from aae_lessons.references import measures
from aae_lessons.references.recipes.recipe import Recipe

HALF = semi_supervised.Config(hidden=(500, 500))
INFORMED = replace(HALF, class_informed=True)
BASELINE_EPOCHS = 10


@dataclass(frozen=True)
class Budget:
    """How many labels (None for all), how many epochs, and after which the rates drop."""

    labels: int | None
    epochs: int
    drop_after: int


BUDGETS = {
    "100": Budget(100, epochs=60, drop_after=50),
    "1000": Budget(1000, epochs=30, drop_after=26),
    "all": Budget(None, epochs=30, drop_after=24),
}


def partly_labelled(budget: Budget, step: training.Step, **changes) -> Recipe:
    """A run of the paper's recipe (half as wide, fewer epochs) on 50,000 images."""
    recipe = Recipe(
        build=lambda: semi_supervised.SemiSupervisedAAE(HALF),
        optimizers=lambda model: semi_supervised.optimizers(model, model.config),
        step=step,
        measure=measures.semi_supervised,
        epochs=budget.epochs,
        batch=100,
        labels=budget.labels,
        watch=measures.validation_error,
        held_out=measures.VALIDATION,
        batches=PartlyLabelledMinibatches,
        schedule=training.tenfold_drops(budget.drop_after / budget.epochs),
        rank_by="test_error_percent",
        keep="bytes",
        matmul_precision="medium",
        note="The paper's recipe with 500 units a layer in place of 1000, and far fewer epochs; "
        "matrix products in bfloat16 where the processor has units for it.",
    )
    return replace(recipe, **changes)


RECIPES: dict[str, Recipe] = {
    **{
        f"semi-supervised-{name}": partly_labelled(budget, semi_supervised.train_step)
        for name, budget in BUDGETS.items()
    },
    "semi-supervised-100-informed": partly_labelled(
        replace(BUDGETS["100"], drop_after=55),
        semi_supervised.train_step,
        build=lambda: semi_supervised.SemiSupervisedAAE(INFORMED),
        note="As semi-supervised-100, but the discriminator of z is told y: our addition, for a "
        "style that is free of the class.",
    ),
    **{
        f"baseline-{name}": partly_labelled(
            budget,
            semi_supervised.baseline_step,
            epochs=BASELINE_EPOCHS,
            measure=measures.classes,
            keep="record",
            note="The same encoder, trained on the labels alone.",
        )
        for name, budget in BUDGETS.items()
    },
}
