"""Lesson 5: the semi-supervised AAE at three numbers of labels, labels alone, style alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

from aae_lessons import training
from aae_lessons.data import SemiSupervisedMinibatches
from aae_lessons.models import agreement, semi_supervised, supervised
from aae_lessons.references.measures import semi_supervised as measures
from aae_lessons.references.measures.common import VALIDATION
from aae_lessons.references.recipes.recipe import Recipe

HALF = semi_supervised.Config(hidden=(500, 500))
JITTERED = replace(HALF, jitter=0.15, shift=0.03)
AGREEING = agreement.Config(**vars(JITTERED))
INFORMED = replace(JITTERED, class_informed=True)
STYLE = supervised.Config(hidden=(256, 256), class_informed=True, weight_std=0.05)
BASELINE_EPOCHS = 10


@dataclass(frozen=True)
class Budget:
    """How many labels (None for all), how many epochs, and after which the rates drop."""

    labels: int | None
    epochs: int
    drop_after: int


BUDGETS = {
    "100": Budget(100, epochs=80, drop_after=72),
    "1000": Budget(1000, epochs=40, drop_after=34),
    "all": Budget(None, epochs=30, drop_after=24),
}
NOISE_BUDGETS = {
    "100": Budget(100, epochs=60, drop_after=50),
    "1000": Budget(1000, epochs=30, drop_after=26),
    "all": Budget(None, epochs=30, drop_after=24),
}
PAPER = (
    "The paper's recipe with 500 units a layer in place of 1000, and far fewer epochs; "
    "matrix products in bfloat16 where the processor has units for it."
)
WIDE = (
    "The paper's recipe and its 1000 units a layer, with fewer epochs; "
    "the forward passes under bfloat16 autocast, losses and discriminators' logits in float32."
)
ADDED = " Our addition: the encoder's input is also moved by small random affine maps."


def semi_supervised_recipe(
    budget: Budget,
    config: semi_supervised.BaselineConfig,
    step: Callable[..., training.Losses],
    **changes,
) -> Recipe:
    """A run of the paper's phases on 50,000 images."""
    recipe = Recipe(
        build=lambda: semi_supervised.SemiSupervisedAAE(config),
        step=step,
        measure=measures.measure,
        epochs=budget.epochs,
        batch=100,
        labels=budget.labels,
        watch=measures.validation_error,
        held_out=VALIDATION,
        batches=SemiSupervisedMinibatches,
        schedule=training.step_decay(budget.drop_after / budget.epochs),
        rank_by="test_error_percent",
        keep="int8",
        matmul_precision="medium",
        note=PAPER + ADDED * bool(config.jitter),
    )
    return replace(recipe, **changes)


def baseline(budget: Budget, config: semi_supervised.Config) -> Recipe:
    """The same encoder, trained on the labels alone."""
    names = [field.name for field in fields(semi_supervised.BaselineConfig)]
    return semi_supervised_recipe(
        budget,
        semi_supervised.BaselineConfig(**{name: getattr(config, name) for name in names}),
        semi_supervised.baseline_step,
        epochs=BASELINE_EPOCHS,
        measure=measures.classes,
        keep="record",
        note="The same encoder, trained on the labels alone." + ADDED * bool(config.jitter),
    )


RECIPES: dict[str, Recipe] = {}
for name, budget in BUDGETS.items():
    RECIPES[f"semi-supervised-{name}-augmented"] = semi_supervised_recipe(
        budget, JITTERED, semi_supervised.train_step
    )
RECIPES["semi-supervised-100"] = semi_supervised_recipe(
    NOISE_BUDGETS["100"],
    semi_supervised.Config(),
    semi_supervised.train_step,
    matmul_precision="bfloat16",
    note=WIDE,
)
for name, budget in NOISE_BUDGETS.items():
    RECIPES[f"semi-supervised-{name}-500-units"] = semi_supervised_recipe(
        budget, HALF, semi_supervised.train_step, keep="record"
    )
RECIPES["semi-supervised-10-augmented"] = semi_supervised_recipe(
    Budget(10, epochs=40, drop_after=34),
    replace(JITTERED, classification_lr=0.02),
    semi_supervised.train_step,
    batches=partial(SemiSupervisedMinibatches, labelled_size=10),
    keep="record",
    note=PAPER + ADDED + " The classification's rate is a fifth: at the paper's, ten images in a "
    "batch made the loss infinite within an epoch.",
)
RECIPES["semi-supervised-100-agreement"] = semi_supervised_recipe(
    Budget(100, epochs=40, drop_after=34),
    AGREEING,
    agreement.train_step,
    build=lambda: agreement.AgreementAAE(AGREEING),
    keep="record",
    note=PAPER + ADDED + " And a phase more: two corrupted copies of an image agree on its class.",
)
RECIPES["semi-supervised-100-informed"] = semi_supervised_recipe(
    BUDGETS["100"],
    INFORMED,
    semi_supervised.train_step,
    note=PAPER + ADDED + " And the discriminator of z sees y, for a style free of the class.",
)
RECIPES["supervised-style"] = Recipe(
    build=lambda: supervised.SupervisedAAE(STYLE),
    step=supervised.train_step,
    measure=measures.style,
    epochs=40,
    batch=100,
    labels=None,
    watch=None,
    held_out=VALIDATION,
    schedule=training.step_decay(0.875),
    keep="int8",
    matmul_precision="medium",
    note="The class given, the style learned (§4), with all 50,000 labels; the discriminator of z "
    "sees the class too, and the weights start at N(0, 0.05²): with 0.01, z stays empty.",
)
for name, budget in BUDGETS.items():
    RECIPES[f"baseline-{name}-augmented"] = baseline(budget, JITTERED)
    RECIPES[f"baseline-{name}"] = baseline(budget, HALF)
