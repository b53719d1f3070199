"""How each reference run is made: model, step, budget, labels, measures."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import metrics, references, training
from aae_lessons.data import Batch, ImageSet, Minibatches
from aae_lessons.models import adversarial, autoencoder, variational, wasserstein
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


@dataclass(frozen=True)
class Recipe:
    """
    Args:
        build: makes the model, untrained.
        optimizers: ``optimizers(model)``, by phase.
        step: one update, for :func:`aae_lessons.training.fit`.
        measure: ``measure(model, test set)`` -> numbers.
        epochs: passes over the 60,000 training images.
        batch: B.
        labels: how many training labels the run is shown; None for all.
        note: what a reader of the record should know.
        prepare: ``prepare(model, batches)``, before the first update.
        watch: keep the codes of some test images after every epoch.
        weights: keep the weights; if not, pictures only (:mod:`aae_lessons.references.pictures`).
    """

    build: Callable[[], nn.Module]
    optimizers: Callable[[nn.Module], training.Optimizers]
    step: training.Step
    measure: Callable[[nn.Module, ImageSet], dict[str, float]]
    epochs: int = 40
    batch: int = 128
    labels: int | None = 0
    note: str = ""
    prepare: Callable[[nn.Module, training.Batches], object] | None = None
    watch: bool = True
    weights: bool = True


def match(z: Tensor, prior: Prior) -> dict[str, float]:
    """How well held-out codes match a prior."""
    return {
        "judge_accuracy": metrics.judge_accuracy(z, prior),
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, prior),
        "mmd_over_floor": metrics.mmd_over_floor(z, prior),
    }


@torch.no_grad()
def codes_of(model: nn.Module, test: ImageSet) -> Tensor:
    """Codes of all test images; draws of a Gaussian posterior are repeatable."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.encode(test.x)


def measure_autoencoder(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from N(0, I)."""
    return {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(codes_of(model, test), Gaussian(model.config.dim)),
    }


def measure_latent(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from the model's prior."""
    z, prior = codes_of(model, test), model.prior
    with torch.random.fork_rng():
        torch.manual_seed(0)
        error = metrics.reconstruction_mse(model, test.x)
    found = {
        "reconstruction_mse": error,
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(z, prior),
    }
    if hasattr(prior, "distance_to_mode"):
        found |= metrics.mass_at_modes(z, prior)
    if getattr(model.config, "label_classes", 0) and hasattr(prior, "nearest"):
        found["component_accuracy"] = metrics.component_accuracy(z, test.labels, prior)
    return found


SAMPLES = 10_000


def measure_samples(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """What the decoder makes of 10,000 prior samples, beside :func:`measure_latent`."""
    return {**measure_latent(model, test), **_samples(model, test)}


@torch.no_grad()
def _samples(model: nn.Module, test: ImageSet) -> dict[str, float]:
    judge = references.classifier(test.device)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, x_hat = model.decode(model.prior.sample(SAMPLES, test.device)), model(test.x)
    real = judge.features(test.x)
    return {
        "frechet_distance": metrics.frechet_distance(real, judge.features(x)),
        "frechet_distance_of_reconstructions": metrics.frechet_distance(
            real, judge.features(x_hat)
        ),
        "sharpness": metrics.sharpness(x),
        **metrics.sample_quality(x, judge),
    }


def measure_classifier(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Test error."""
    return {"test_error_percent": metrics.error_percent(test.x, test.labels, model)}


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
        measure=measure_latent,
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
        measure=measure_latent,
    )


EIGHT = Gaussian(8)
PRETRAINING_BATCH, PRETRAINING_UPDATES = 1024, 200
BUDGET = 20  # epochs, the same for all models with 8-D codes


@functools.cache
def _features(where: torch.device) -> Callable[[Tensor], Tensor]:
    return references.classifier(where).activations


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
        measure=measure_samples,
        epochs=BUDGET,
        prepare=match_moments,
        watch=False,
        weights=cost == "squared",
        note="λ chosen on the last 10,000 training images, 10 epochs each; for other costs than "
        "the squared error in proportion to their size.",
    )


PHASES = adversarial.Config(reconstruction_rate=1e-3, discriminator_rate=1e-3, generator_rate=1e-3)

RECIPES: dict[str, Recipe] = {
    "classifier": Recipe(
        build=DigitClassifier,
        optimizers=lambda model: {"classification": Adam(model.parameters(), 1e-3, fused=True)},
        step=classifier_step,
        measure=measure_classifier,
        epochs=15,
        labels=None,
        note="The judge of samples; all 60,000 labels, images shifted by up to 2 pixels.",
    ),
    "autoencoder": Recipe(
        build=autoencoder.Autoencoder,
        optimizers=lambda model: autoencoder.optimizers(model, model.config),
        step=autoencoder.train_step,
        measure=measure_autoencoder,
    ),
    "adversarial-gaussian": aae(Gaussian(2)),
    "adversarial-gaussian-phases": Recipe(
        build=lambda: adversarial.AAE(Gaussian(2), PHASES),
        optimizers=lambda model: adversarial.optimizers(model, PHASES),
        step=adversarial.train_step,
        measure=measure_latent,
        note="Lesson 2's warning: one Adam a phase, 1e-3 each.",
    ),
    "adversarial-mixture": aae(GaussianMixture(), weight=60.0),
    "adversarial-swiss-roll": aae(SwissRoll(), weight=30.0),
    "adversarial-mixture-labels": aae(
        GaussianMixture(), labels=10_000, weight=50.0, discriminator_rate=1e-3
    ),
    "adversarial-swiss-roll-labels": aae(
        SwissRoll(), labels=10_000, weight=25.0, discriminator_rate=1e-3
    ),
    "variational-gaussian": vae(Gaussian(2)),
    "variational-mixture": vae(GaussianMixture()),
    "variational-mixture-squared": replace(
        vae(GaussianMixture(), cost=squared_error),
        weights=False,
        note="A Gaussian decoder of variance 1: the cost of the AAE's runs.",
    ),
    "variational-mixture-beta-10": replace(vae(GaussianMixture(), weight=10.0), weights=False),
    **{
        f"variational-beta-{beta:g}": replace(vae(Gaussian(2), weight=beta), weights=False)
        for beta in (0.1, 0.3, 3.0, 10.0)
    },
    "variational-8d": replace(vae(EIGHT), measure=measure_samples, epochs=BUDGET, watch=False),
    "adversarial-8d": Recipe(
        build=lambda: adversarial.AAE(EIGHT),
        optimizers=lambda model: adversarial.optimizers(model, model.config),
        step=adversarial.train_step,
        measure=measure_samples,
        epochs=BUDGET,
        watch=False,
        note="The paper's separate phases, one Adam each.",
    ),
    **{
        f"wasserstein-{cost}-{discrepancy}": wae(cost, discrepancy)
        for cost in COSTS
        for discrepancy in DISCREPANCIES
    },
}
