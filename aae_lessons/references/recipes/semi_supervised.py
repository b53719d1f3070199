"""Lesson 5: the semi-supervised AAE, what can be added to it and taken away; style alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

from torch import Tensor
from torch.optim import SGD

from aae_lessons import training
from aae_lessons.data import SemiSupervisedBatch, SemiSupervisedMinibatches
from aae_lessons.models import agreement, semi_supervised, supervised
from aae_lessons.models.semi_supervised import SemiSupervisedAAE
from aae_lessons.objectives import descend
from aae_lessons.references.measures import semi_supervised as measures
from aae_lessons.references.measures.common import VALIDATION
from aae_lessons.references.recipes.recipe import Recipe

HALF = semi_supervised.Config(hidden=(500, 500))
JITTERED = replace(HALF, jitter=0.15, shift=0.03)
AGREEING = agreement.Config(**vars(JITTERED))
INFORMED = replace(JITTERED, class_informed=True)
STYLE = supervised.Config(hidden=(256, 256), class_informed=True, weight_std=0.05)


@dataclass(frozen=True)
class Budget:
    """How many labels (None for all), how many epochs, and after which the rates drop."""

    labels: int | None
    epochs: int
    drop_after: int


LABELS: dict[str, int | None] = {"100": 100, "1000": 1000, "all": None}
# the same for every row of lesson 5's table
BUDGETS = {name: Budget(labels, epochs=40, drop_after=34) for name, labels in LABELS.items()}
# the paper's own width, and longer
LONG = {
    "100": Budget(100, epochs=200, drop_after=180),
    "1000": Budget(1000, epochs=150, drop_after=135),
    "all": Budget(None, epochs=150, drop_after=135),
}
PAPER = "The paper's recipe with 500 units a layer in place of 1000, and far fewer epochs."
WIDE = "The paper's recipe and its 1000 units a layer, with fewer epochs."
HALF_PRECISION = (
    " The forward passes run in bfloat16, losses and discriminators' logits in float32."
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
        matmul_precision="high",
        note=PAPER + ADDED * bool(config.jitter),
    )
    return replace(recipe, **changes)


def baseline(budget: Budget, config: semi_supervised.Config, **changes) -> Recipe:
    """The same encoder, trained on the labels alone."""
    names = [field.name for field in fields(semi_supervised.BaselineConfig)]
    recipe = semi_supervised_recipe(
        budget,
        semi_supervised.BaselineConfig(**{name: getattr(config, name) for name in names}),
        semi_supervised.baseline_step,
        measure=measures.classes,
        keep="record",
        note="The same encoder, trained on the labels alone." + ADDED * bool(config.jitter),
    )
    return replace(recipe, **changes)


def agreement_baseline_step(
    model: SemiSupervisedAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """Classification of the labelled images, and agreement of two copies of the others: no AAE."""
    losses = semi_supervised.baseline_step(model, optimizers, batch)
    loss = agreement.agreement_loss(model, batch.x)
    descend(loss, optimizers["agreement"])
    return {**losses, "agreement": loss.detach()}


def agreement_baseline_optimizers(model: SemiSupervisedAAE) -> dict[str, SGD]:
    """The configuration's, and the one that :mod:`aae_lessons.models.agreement` adds."""
    return {**model.optimizers(), "agreement": agreement.agreement_optimizer(model, AGREEING)}


def agreeing(budget: Budget, config: agreement.Config = AGREEING, **changes) -> Recipe:
    """The three phases, data augmentation, and a phase of agreement."""
    recipe = semi_supervised_recipe(
        budget,
        config,
        agreement.train_step,
        build=lambda: agreement.AgreementAAE(config),
        keep="record",
        note=PAPER + ADDED + " And one more phase: two corrupted copies of an image agree on its "
        "class.",
    )
    return replace(recipe, **changes)


RECIPES: dict[str, Recipe] = {}
for name, budget in BUDGETS.items():
    RECIPES |= {
        f"baseline-{name}": baseline(budget, HALF),
        f"baseline-{name}-augmented": baseline(budget, JITTERED),
        f"baseline-{name}-agreement": baseline(
            budget,
            JITTERED,
            step=agreement_baseline_step,
            optimizers=agreement_baseline_optimizers,
            note="The same encoder, trained on the labels and on the agreement of two augmented "
            "copies of an image, without decoder and discriminators." + ADDED,
        ),
        f"semi-supervised-{name}-500-units": semi_supervised_recipe(
            budget, HALF, semi_supervised.train_step, keep="record"
        ),
        f"semi-supervised-{name}-augmented": semi_supervised_recipe(
            budget, JITTERED, semi_supervised.train_step
        ),
        f"semi-supervised-{name}-agreement": agreeing(budget),
        f"semi-supervised-{name}-informed": semi_supervised_recipe(
            budget,
            INFORMED,
            semi_supervised.train_step,
            keep="int8" if name == "100" else "record",
            note=PAPER + ADDED + " And the discriminator of z also sees y, for a style that does "
            "not hold the class.",
        ),
    }
for name, budget in LONG.items():
    RECIPES[f"semi-supervised-{name}"] = semi_supervised_recipe(
        budget,
        semi_supervised.Config(),
        semi_supervised.train_step,
        measure=measures.with_confusion if name == "100" else measures.measure,
        keep="int8" if name == "100" else "record",
        note=WIDE,
    )
for name, epochs, precision in (
    ("100", 60, "bfloat16"),
    ("1000", 60, "bfloat16"),
    ("100", 500, "high"),
):
    RECIPES[f"semi-supervised-{name}-{epochs}-epochs"] = semi_supervised_recipe(
        Budget(LABELS[name], epochs, drop_after=50),
        semi_supervised.Config(),
        semi_supervised.train_step,
        keep="record",
        matmul_precision=precision,
        note=WIDE
        + " The rates are divided by ten where the paper divides them, after 50 epochs."
        + HALF_PRECISION * (precision == "bfloat16"),
    )
RECIPES["semi-supervised-100-agreement-1000-units"] = agreeing(
    Budget(100, epochs=100, drop_after=90),
    replace(AGREEING, hidden=(1000, 1000)),
    note=WIDE
    + ADDED
    + " And one more phase: two corrupted copies of an image agree on its class.",
)
LONGER = RECIPES["semi-supervised-100-agreement-1000-units"]
RECIPES["semi-supervised-100-agreement-36-epochs"] = replace(
    LONGER,
    epochs=36,
    schedule=training.constant_then_linear,
    note=LONGER.note + " The rates are constant for half the run, then fall linearly to zero.",
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
    matmul_precision="high",
    note="The class is an input, the style is learned (§4), with all 50,000 labels; the "
    "discriminator of z sees the class too, and the weights start at N(0, 0.05²): with 0.01, z "
    "stays empty.",
)
