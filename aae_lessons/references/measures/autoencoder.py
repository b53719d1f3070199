"""Measures of lesson 1: reconstruction, and how far the codes are from a Gaussian."""

from __future__ import annotations

from typing import Any

import torch
from torch.distributions import MultivariateNormal

from aae_lessons import data, metrics, references
from aae_lessons.data import ImageSet
from aae_lessons.priors import Gaussian
from aae_lessons.references.measures.common import held_out_codes, match


def measure(model: Any, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from N(0, I)."""
    return {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(held_out_codes(model, test), Gaussian(model.config.dim)),
    }


@torch.no_grad()
def code_size(model: Any, test: ImageSet) -> dict[str, float]:
    """Reconstructions of test images, and images decoded from a Gaussian.

    It is fitted to the codes of the training images, so that neither has seen the test images.
    If the codes filled their Gaussian without gaps, both would be equally good.
    """
    classifier = references.classifier(test.device)
    z = model.encode(data.mnist("train", test.device).x).cpu()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fitted = MultivariateNormal(z.mean(0), z.T.cov().view(z.shape[1], -1))
        drawn = model.decode(fitted.sample((len(test),)).to(test.device))
    x_hat, real = model(test.x), classifier.features(test.x)
    return {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "sharpness": metrics.sharpness(x_hat),
        "sharpness_of_digits": metrics.sharpness(test.x),
        "frechet_distance": metrics.frechet_distance(real, classifier.features(drawn)),
        "frechet_distance_of_reconstructions": metrics.frechet_distance(
            real, classifier.features(x_hat)
        ),
    }
