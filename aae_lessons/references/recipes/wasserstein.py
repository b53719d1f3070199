"""Lesson 7: eight-dimensional codes, by every cost and discrepancy, and by an AAE and a VAE."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from aae_lessons import references
from aae_lessons.data import Minibatches
from aae_lessons.models import adversarial, wasserstein
from aae_lessons.objectives import (
    Cost,
    absolute_error,
    binary_cross_entropy,
    inverse_multiquadratics,
    perceptual_error,
    squared_error,
)
from aae_lessons.priors import Gaussian
from aae_lessons.references.measures import wasserstein as measures
from aae_lessons.references.recipes.recipe import Recipe
from aae_lessons.references.recipes.variational import vae

EIGHT = Gaussian(8)
PRETRAINING_BATCH, PRETRAINING_UPDATES = 1024, 200
BUDGET = 20  # epochs, the same for all models with 8-D codes


@functools.cache
def _features(device: torch.device) -> Callable[[Tensor], Tensor]:
    return references.classifier(device).activations


def in_classifier_features(logits: Tensor, x: Tensor) -> Tensor:
    """The perceptual cost in the features of the shipped classifier."""
    return perceptual_error(_features(x.device))(logits, x)


COSTS: dict[str, tuple[Cost, float]] = {  # and their size, in multiples of the squared error's
    "squared": (squared_error, 1.0),
    "absolute": (absolute_error, 6.0),
    "cross-entropy": (binary_cross_entropy, 5.0),
    "perceptual": (in_classifier_features, 16.0),
}
DISCREPANCIES: dict[str, tuple[Callable[[], wasserstein.Discrepancy], float]] = {  # and their λ
    "adversarial": (lambda: wasserstein.Adversarial(EIGHT, log_density=True), 3.0),
    "mmd": (lambda: wasserstein.MMD(inverse_multiquadratics(EIGHT.dim)), 10.0),
    "sliced": (lambda: wasserstein.SlicedWasserstein(), 10.0),
}


def match_moments(model: wasserstein.WAE, batches: Minibatches) -> float:
    """The pre-training of the WAE paper: at most 200 updates of large batches."""
    large = Minibatches(batches.images, PRETRAINING_BATCH, batches.seed)
    endless = itertools.chain.from_iterable(large.epoch(e) for e in itertools.count())
    return wasserstein.match_moments(model, itertools.islice(endless, PRETRAINING_UPDATES))


def wae(cost: str, discrepancy: str) -> Recipe:
    """A WAE with 8-D codes, by the names of its cost and discrepancy."""
    (c, size), (make_discrepancy, weight) = COSTS[cost], DISCREPANCIES[discrepancy]
    config = wasserstein.Config(weight=size * weight)
    return Recipe(
        build=lambda: wasserstein.WAE(EIGHT, c, make_discrepancy(), config),
        step=wasserstein.train_step,
        measure=measures.measure,
        epochs=BUDGET,
        prepare=match_moments,
        watch=None,
        keep="previews",
        note="λ chosen on the last 10,000 training images, 10 epochs each; for other costs than "
        "the squared error in proportion to their size.",
    )


# ------------------------------------------ one budget for every model, and its weight swept

SWEEP_NOTE = (
    "One of lesson 7's sweep: squared error, 256 units, 8-D codes, the same pre-training of the "
    "moments, updates, batch and rates for every model; only the weight changes along a row."
)
FAMILIES: dict[str, Callable[[], wasserstein.Discrepancy]] = {
    "gan": lambda: wasserstein.Adversarial(EIGHT),
    "gan-density": DISCREPANCIES["adversarial"][0],
    "mmd": DISCREPANCIES["mmd"][0],
    "sliced": DISCREPANCIES["sliced"][0],
}
WEIGHTS: dict[str, tuple[float, ...]] = {  # λ, and for the VAE β
    "gan": (1, 3, 10, 30, 100),
    "gan-density": (1, 3, 10, 30, 100),
    "mmd": (10, 30, 100, 300, 1000),
    "sliced": (10, 30, 100, 300, 1000),
    "vae": (0.01, 0.03, 0.1, 0.3, 0.4, 0.5, 1),
    "phases": (1,),
}


def swept(
    family: str, weight: float, beta1: float = 0.5, gaussian_posterior: bool = False
) -> Recipe:
    """One run of the sweep: a family of :data:`WEIGHTS` at one weight.

    ``beta1`` is the VAE's, which always has a Gaussian posterior; the others have one on demand.
    """
    config = wasserstein.Config(weight=weight, gaussian_posterior=gaussian_posterior)
    recipe = Recipe(
        build=lambda: wasserstein.WAE(EIGHT, squared_error, FAMILIES[family](), config),
        step=wasserstein.train_step,
        measure=measures.measure,
    )
    if family == "vae":
        recipe = replace(
            vae(EIGHT, cost=squared_error, weight=weight, lr=5e-4, beta1=beta1),
            measure=measures.measure_vae,
        )
    if family == "phases":
        rates = adversarial.Config(
            reconstruction_lr=5e-4, discriminator_lr=5e-4, generator_lr=5e-4
        )
        build = lambda: adversarial.AAE(EIGHT, rates)  # noqa: E731
        recipe = replace(recipe, build=build, step=adversarial.train_step)
    return replace(
        recipe,
        epochs=BUDGET,
        prepare=match_moments,
        watch=None,
        keep="record",
        note=SWEEP_NOTE,
    )


RECIPES: dict[str, Recipe] = {
    "variational-8d": replace(
        vae(EIGHT), measure=measures.measure, epochs=BUDGET, watch=None, keep="previews"
    ),
    "adversarial-8d": Recipe(
        build=lambda: adversarial.AAE(EIGHT),
        step=adversarial.train_step,
        measure=measures.measure,
        epochs=BUDGET,
        watch=None,
        keep="previews",
        note="The paper's separate phases, one Adam each.",
    ),
    **{
        f"wasserstein-{cost}-{discrepancy}": wae(cost, discrepancy)
        for cost in COSTS
        for discrepancy in DISCREPANCIES
        if cost != "perceptual" or discrepancy == "adversarial"  # the classifier takes its time
    },
    **{
        f"sweep-{family}-{weight:g}": swept(family, weight)
        for family, weights in WEIGHTS.items()
        for weight in weights
    },
}
RECIPES |= {  # twice as long: does the nearest one match then?
    "sweep-gan-10-40-epochs": replace(RECIPES["sweep-gan-10"], epochs=2 * BUDGET)
}
RECIPES |= {  # as long as that AAE, with the β₁ that is usual for a VAE
    "sweep-vae-0.5-40-epochs": replace(
        swept("vae", 0.5, beta1=0.9),
        epochs=2 * BUDGET,
        note=SWEEP_NOTE.replace(
            "only the weight changes along a row.", "but twice the epochs, and β₁ = 0.9 in Adam."
        ),
    )
}
RECIPES |= {  # the discriminator in the KL's place, with the VAE's random encoder
    f"sweep-gan-{weight}-gaussian-posterior": replace(
        swept("gan", weight, gaussian_posterior=True),
        note=SWEEP_NOTE.replace(
            "only the weight changes along a row.", "but the codes are draws, as in a VAE."
        ),
    )
    for weight in (1, 3, 10)
}
