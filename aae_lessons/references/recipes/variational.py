"""Lesson 3: the VAE on two priors, and at several weights of its KL divergence."""

from __future__ import annotations

from dataclasses import replace

from aae_lessons.models import variational
from aae_lessons.objectives import squared_error
from aae_lessons.priors import Gaussian, GaussianMixture, HasDensity
from aae_lessons.references.measures import adversarial as measures
from aae_lessons.references.recipes.recipe import Recipe


def vae(prior: HasDensity, **settings) -> Recipe:
    """A VAE on ``prior``: networks, batch and number of updates of the AAE's."""
    config = variational.Config(**settings)
    return Recipe(
        build=lambda: variational.VAE(prior, config),
        step=variational.train_step,
        measure=measures.measure,
    )


SWEEP_EPOCHS = 8  # of every run that is compared with its neighbours in a sweep


def at_beta(beta: float) -> Recipe:
    """The VAE on the mixture at one β, for comparison with the other β and with the AAEs' λ."""
    recipe = vae(GaussianMixture(), weight=beta)
    return replace(recipe, epochs=SWEEP_EPOCHS, watch=None, keep="record")


RECIPES: dict[str, Recipe] = {
    "variational-gaussian": vae(Gaussian(2)),
    "variational-mixture": vae(GaussianMixture()),
    **{f"variational-mixture-bce-beta-{beta:g}": at_beta(beta) for beta in (1.0, 3.0, 10.0)},
    "variational-mixture-squared": replace(
        vae(GaussianMixture(), cost=squared_error),
        keep="previews",
        note="A Gaussian decoder of variance 1: the cost of the AAE's runs.",
    ),
    "variational-mixture-beta-10": replace(vae(GaussianMixture(), weight=10.0), keep="previews"),
    **{
        f"variational-beta-{beta:g}": replace(vae(Gaussian(2), weight=beta), keep="previews")
        for beta in (0.1, 0.3, 3.0, 10.0)
    },
}
