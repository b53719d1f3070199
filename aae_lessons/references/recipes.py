"""How each reference run is made: model, step, budget, labels, measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons import metrics, training
from aae_lessons.data import Batch, ImageSet
from aae_lessons.models import adversarial, autoencoder
from aae_lessons.networks import DigitClassifier
from aae_lessons.objectives import descend
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
    """

    build: Callable[[], nn.Module]
    optimizers: Callable[[nn.Module], training.Optimizers]
    step: training.Step
    measure: Callable[[nn.Module, ImageSet], dict[str, float]]
    epochs: int = 40
    batch: int = 128
    labels: int | None = 0
    note: str = ""


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


def measure_aae(model: adversarial.AAE, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from the model's prior."""
    z = codes_of(model, test)
    found = {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(z, model.prior),
    }
    if model.config.label_classes and hasattr(model.prior, "nearest"):
        found["component_accuracy"] = metrics.component_accuracy(z, test.labels, model.prior)
    return found


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
        measure=measure_aae,
        labels=labels,
        note="Weighted objective c + λ·D_Z, encoder and decoder updated together (WAE, Algorithm "
        "1): with one Adam a phase the codes drift; see lesson 2.",
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
        measure=measure_aae,
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
}
