"""Measures of lesson 7: those of lesson 2, and the quality of decoded prior samples."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aae_lessons import metrics, references
from aae_lessons.data import ImageSet
from aae_lessons.models.variational import VAE
from aae_lessons.references.measures import adversarial
from aae_lessons.references.measures.common import held_out_codes, match

SAMPLES = 10_000  # decoded for the Fréchet distance


def measure(model: Any, test: ImageSet) -> dict[str, float]:
    """The measures of :func:`adversarial.measure`, and the quality of 10,000 decoded samples."""
    return {**adversarial.measure(model, test), **_samples(model, test)}


def measure_vae(model: VAE, test: ImageSet) -> dict[str, float]:
    """:func:`measure`, what the draw adds to the error, and the match of codes of the right width.

    A VAE that has not converged may have codes that are too wide (lesson 3, section 3.7). So they
    are also measured after each dimension is divided by the root of its mean square, with the
    samples decoded accordingly.
    """
    z = held_out_codes(model, test)
    width = z.square().mean(0).sqrt()
    with torch.no_grad():
        from_means = model.decode(model.posterior(test.x)[0])
    of_means = (from_means - test.x).square().mean().item()
    return {
        **measure(model, test),
        "reconstruction_mse_of_means": of_means,
        "code_mean_square": z.square().mean().item(),
        **{f"{name}_rescaled": value for name, value in match(z / width, model.prior).items()},
        "frechet_distance_rescaled": _samples(model, test, width)["frechet_distance"],
    }


@torch.no_grad()
def _samples(model: Any, test: ImageSet, width: Tensor | float = 1.0) -> dict[str, float]:
    classifier = references.classifier(test.device)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = model.decode(width * model.prior.sample(SAMPLES, test.device))
        x_hat = model(test.x)
    real = classifier.features(test.x)
    return {
        "frechet_distance": metrics.frechet_distance(real, classifier.features(x)),
        "frechet_distance_of_reconstructions": metrics.frechet_distance(
            real, classifier.features(x_hat)
        ),
        "sharpness": metrics.sharpness(x),
        **metrics.sample_quality(x, classifier),
    }
