"""Measures of lesson 7: those of lesson 2, and the quality of decoded prior samples."""

from __future__ import annotations

from typing import Any

import torch

from aae_lessons import metrics, references
from aae_lessons.data import ImageSet
from aae_lessons.models.variational import VAE
from aae_lessons.references.measures import adversarial

SAMPLES = 10_000  # decoded for the Fréchet distance


def measure(model: Any, test: ImageSet) -> dict[str, float]:
    """The measures of :func:`adversarial.measure`, and the quality of 10,000 decoded samples."""
    return {**adversarial.measure(model, test), **_samples(model, test)}


def measure_draw(model: VAE, test: ImageSet) -> dict[str, float]:
    """:func:`measure`, and the squared error with each code its posterior's mean, not a draw."""
    with torch.no_grad():
        from_means = model.decode(model.posterior(test.x)[0])
    of_means = (from_means - test.x).square().mean().item()
    return {**measure(model, test), "reconstruction_mse_of_means": of_means}


@torch.no_grad()
def _samples(model: Any, test: ImageSet) -> dict[str, float]:
    classifier = references.classifier(test.device)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, x_hat = model.decode(model.prior.sample(SAMPLES, test.device)), model(test.x)
    real = classifier.features(test.x)
    return {
        "frechet_distance": metrics.frechet_distance(real, classifier.features(x)),
        "frechet_distance_of_reconstructions": metrics.frechet_distance(
            real, classifier.features(x_hat)
        ),
        "sharpness": metrics.sharpness(x),
        **metrics.sample_quality(x, classifier),
    }
