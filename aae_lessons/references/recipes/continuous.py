"""Lessons 1, 2, 3 and 7, and the classifier that judges samples."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import references, training
from aae_lessons.data import Batch, Minibatches
from aae_lessons.models import (
    adversarial,
    autoencoder,
    variational,
    wasserstein,
)
from aae_lessons.networks import DigitClassifier
from aae_lessons.objectives import (
    Cost,
    absolute_error,
    binary_cross_entropy,
    descend,
    inverse_multiquadratics,
    perceptual_error,
    squared_error,
)
from aae_lessons.priors import Gaussian, GaussianMixture, Prior, SwissRoll
from aae_lessons.references import measures
from aae_lessons.references.recipes.recipe import Recipe


def classifier_step(model: nn.Module, optimizers: training.Optimizers, batch: Batch):
    """One update of the classifier on cross-entropy, in nats, of shifted images."""
    loss = F.cross_entropy(model(shifted(batch.x)), batch.label)
    descend(loss, optimizers["classification"])
    return {"classification": loss.detach()}


def shifted(x: Tensor, pixels: float = 2.0) -> Tensor:
    """Each image ``x`` (B, 784) moved by its own random shift of up to ``pixels`` each way."""
    move = torch.eye(2, 3, device=x.device).repeat(len(x), 1, 1)
    move[:, :, 2] = (2 * torch.rand(len(x), 2, device=x.device) - 1) * pixels / 14
    pictures = x.view(-1, 1, 28, 28)
    grid = F.affine_grid(move, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, align_corners=False).flatten(1)


def aae(prior: Prior, labels: int = 0, **settings) -> Recipe:
    """An AAE on ``prior``, in the weighted form (``joint_step``)."""
    config = adversarial.Config(label_classes=10 if labels else 0, **settings)
    return Recipe(
        build=lambda: adversarial.AAE(prior, config),
        optimizers=lambda model: adversarial.joint_optimizers(model, config),
        step=adversarial.joint_step,
        measure=measures.latent,
        labels=labels,
        note="Weighted objective c + λ·D_Z, encoder and decoder updated together (WAE, Algorithm "
        "1): with one Adam a phase the codes drift; see lesson 2.",
    )


def vae(prior: Prior, **settings) -> Recipe:
    """A VAE on ``prior``: networks, batch and number of updates of the AAE's."""
    config = variational.Config(**settings)
    return Recipe(
        build=lambda: variational.VAE(prior, config),
        optimizers=lambda model: variational.optimizers(model, config),
        step=variational.train_step,
        measure=measures.latent,
    )


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
        optimizers=lambda model: wasserstein.optimizers(model, config),
        step=wasserstein.train_step,
        measure=measures.samples,
        epochs=BUDGET,
        prepare=match_moments,
        watch=None,
        keep="pictures",
        note="λ chosen on the last 10,000 training images, 10 epochs each; for other costs than "
        "the squared error in proportion to their size.",
    )


PHASES = adversarial.Config(reconstruction_lr=1e-3, discriminator_lr=1e-3, generator_lr=1e-3)

RECIPES: dict[str, Recipe] = {
    "classifier": Recipe(
        build=DigitClassifier,
        optimizers=lambda model: {"classification": Adam(model.parameters(), 1e-3, fused=True)},
        step=classifier_step,
        measure=measures.classifier,
        epochs=15,
        labels=None,
        note="The judge of samples; all 60,000 labels, images shifted by up to 2 pixels.",
    ),
    "autoencoder": Recipe(
        build=autoencoder.Autoencoder,
        optimizers=lambda model: autoencoder.optimizers(model, model.config),
        step=autoencoder.train_step,
        measure=measures.autoencoder,
    ),
    "adversarial-gaussian": aae(Gaussian(2)),
    "adversarial-gaussian-phases": Recipe(
        build=lambda: adversarial.AAE(Gaussian(2), PHASES),
        optimizers=lambda model: adversarial.optimizers(model, PHASES),
        step=adversarial.train_step,
        measure=measures.latent,
        note="Lesson 2's warning: one Adam a phase, 1e-3 each.",
    ),
    "adversarial-mixture": aae(GaussianMixture(), weight=60.0),
    "adversarial-swiss-roll": aae(SwissRoll(), weight=30.0),
    "adversarial-mixture-labels": aae(
        GaussianMixture(), labels=10_000, weight=50.0, discriminator_lr=1e-3
    ),
    "adversarial-swiss-roll-labels": aae(
        SwissRoll(), labels=10_000, weight=25.0, discriminator_lr=1e-3
    ),
    "variational-gaussian": vae(Gaussian(2)),
    "variational-mixture": vae(GaussianMixture()),
    "variational-mixture-squared": replace(
        vae(GaussianMixture(), cost=squared_error),
        keep="pictures",
        note="A Gaussian decoder of variance 1: the cost of the AAE's runs.",
    ),
    "variational-mixture-beta-10": replace(vae(GaussianMixture(), weight=10.0), keep="pictures"),
    **{
        f"variational-beta-{beta:g}": replace(vae(Gaussian(2), weight=beta), keep="pictures")
        for beta in (0.1, 0.3, 3.0, 10.0)
    },
    "variational-8d": replace(
        vae(EIGHT), measure=measures.samples, epochs=BUDGET, watch=None, keep="pictures"
    ),
    "adversarial-8d": Recipe(
        build=lambda: adversarial.AAE(EIGHT),
        optimizers=lambda model: adversarial.optimizers(model, model.config),
        step=adversarial.train_step,
        measure=measures.samples,
        epochs=BUDGET,
        watch=None,
        keep="pictures",
        note="The paper's separate phases, one Adam each.",
    ),
    **{
        f"wasserstein-{cost}-{discrepancy}": wae(cost, discrepancy)
        for cost in COSTS
        for discrepancy in DISCREPANCIES
        if cost != "perceptual" or discrepancy == "adversarial"  # the classifier takes its time
    },
}
