"""Lesson 2: the AAE on each prior, with and without labels, and in separate phases."""

from __future__ import annotations

from aae_lessons.models import adversarial
from aae_lessons.priors import Gaussian, GaussianMixture, Prior, SwissRoll
from aae_lessons.references.measures import adversarial as measures
from aae_lessons.references.recipes.recipe import Recipe


def aae(prior: Prior, labels: int = 0, **settings) -> Recipe:
    """An AAE on ``prior``, in the weighted form (``joint_step``)."""
    config = adversarial.JointConfig(label_classes=10 if labels else 0, **settings)
    return Recipe(
        build=lambda: adversarial.AAE(prior, config),
        step=adversarial.joint_step,
        measure=measures.measure,
        labels=labels,
        note="Weighted objective c + λ·D_Z, encoder and decoder updated together (WAE, Algorithm "
        "1): with one Adam per phase the codes drift; see lesson 2.",
    )


PHASES = adversarial.Config(reconstruction_lr=1e-3, discriminator_lr=1e-3, generator_lr=1e-3)

RECIPES: dict[str, Recipe] = {
    "adversarial-gaussian": aae(Gaussian(2)),
    "adversarial-gaussian-phases": Recipe(
        build=lambda: adversarial.AAE(Gaussian(2), PHASES),
        step=adversarial.train_step,
        measure=measures.measure,
        note="Lesson 2's warning: one Adam per phase, 1e-3 each.",
    ),
    "adversarial-mixture": aae(GaussianMixture(), weight=60.0),
    "adversarial-swiss-roll": aae(SwissRoll(), weight=30.0),
    "adversarial-mixture-labels": aae(
        GaussianMixture(), labels=10_000, weight=50.0, discriminator_lr=1e-3
    ),
    "adversarial-swiss-roll-labels": aae(
        SwissRoll(), labels=10_000, weight=25.0, discriminator_lr=1e-3
    ),
}
