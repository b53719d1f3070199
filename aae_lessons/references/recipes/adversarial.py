"""Lesson 2: the AAE on each prior, with and without labels; sweeps over step, rate and λ."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from aae_lessons import metrics
from aae_lessons.models import adversarial
from aae_lessons.priors import Gaussian, GaussianMixture, Prior, SwissRoll
from aae_lessons.references.measures import adversarial as measures
from aae_lessons.references.recipes.recipe import Recipe

SWEEP_EPOCHS = 8  # of every run that is compared with its neighbours in a sweep
RATES = {"5e-4": 5e-4, "1e-3": 1e-3}
WEIGHTS = (3.0, 10.0, 60.0, 200.0)


def distance(model: adversarial.AAE, x: Tensor) -> dict[str, float]:
    """How far the codes of images ``x``, (n, 784), are from the prior: watched by epoch."""
    z = model.encode(x)
    return {"distance": metrics.sliced_wasserstein_over_floor(z, model.prior)}


def ablation(step: str, lr: float) -> Recipe:
    """One cell of the table {phases, joint} × {rates}: all else is equal."""
    if step == "joint":
        joint = aae(Gaussian(2), lr=lr, discriminator_lr=lr)
        return replace(joint, epochs=SWEEP_EPOCHS, watch=distance, keep="record", note="")
    config = adversarial.Config(reconstruction_lr=lr, discriminator_lr=lr, generator_lr=lr)
    return Recipe(
        build=lambda: adversarial.AAE(Gaussian(2), config),
        step=adversarial.train_step,
        measure=measures.measure,
        epochs=SWEEP_EPOCHS,
        watch=distance,
        keep="record",
    )


def weighted_mixture(weight: float) -> Recipe:
    """The mixture at one λ, for comparison with the other λ."""
    recipe = aae(GaussianMixture(), weight=weight)
    # codes are stored of the two runs that lesson 2 draws
    keep = "previews" if weight in (10.0, 60.0) else "record"
    return replace(recipe, epochs=SWEEP_EPOCHS, watch=distance, keep=keep, note="")


def aae(prior: Prior, labels: int = 0, **settings) -> Recipe:
    """An AAE on ``prior``, in the weighted form (``joint_step``)."""
    config = adversarial.JointConfig(label_classes=10 if labels else 0, **settings)
    return Recipe(
        build=lambda: adversarial.AAE(prior, config),
        step=adversarial.joint_step,
        measure=measures.measure,
        labels=labels,
        note="Weighted objective c + λ·D_Z, encoder and decoder updated together (WAE, Algorithm "
        "1).",
    )


RECIPES: dict[str, Recipe] = {
    "adversarial-gaussian": aae(Gaussian(2)),
    **{
        f"adversarial-{step}-{name}": ablation(step, lr)
        for step in ("phases", "joint")
        for name, lr in RATES.items()
    },
    **{f"adversarial-mixture-lambda-{w:g}": weighted_mixture(w) for w in WEIGHTS},
    "adversarial-mixture": aae(GaussianMixture(), weight=60.0),
    # the two missing corners of {Gaussian, mixture} × {λ = 10, λ = 60}
    **{
        name: replace(aae(prior, weight=weight), watch=distance, keep="record", note="")
        for name, prior, weight in (
            ("adversarial-mixture-lambda-10-40-epochs", GaussianMixture(), 10.0),
            ("adversarial-gaussian-lambda-60", Gaussian(2), 60.0),
        )
    },
    # one step each towards the VAE of lesson 3
    **{
        f"adversarial-mixture-gaussian-posterior{name}": replace(
            aae(GaussianMixture(), weight=weight, gaussian_posterior=True),
            watch=distance,
            keep="record",
            note="",
        )
        for name, weight in (("", 60.0), ("-lambda-10", 10.0))
    },
    "adversarial-mixture-beta1-0.9": replace(
        aae(GaussianMixture(), weight=60.0, beta1=0.9), watch=distance, keep="record", note=""
    ),
    "adversarial-swiss-roll": aae(SwissRoll(), weight=30.0),
    "adversarial-mixture-labels": aae(
        GaussianMixture(), labels=10_000, weight=50.0, discriminator_lr=1e-3
    ),
    "adversarial-swiss-roll-labels": aae(
        SwissRoll(), labels=10_000, weight=25.0, discriminator_lr=1e-3
    ),
}
