"""What is measured of a trained model, on the 10,000 test images, and watched while it trains."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from aae_lessons import data, metrics, references
from aae_lessons.data import ImageSet
from aae_lessons.models.semi_supervised import SemiSupervisedAAE, SupervisedAAE
from aae_lessons.objectives import entropy
from aae_lessons.priors import Gaussian, Prior

SAMPLES = 10_000  # decoded for the Fréchet distance
STYLES = 1000  # decoded with each class
VALIDATION = 10_000  # the last training images


@torch.no_grad()
def codes(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Codes of images, where the model has any."""
    return {"z": model.encode(x).cpu()} if hasattr(model, "encode") else {}


def match(z: Tensor, prior: Prior) -> dict[str, float]:
    """How well held-out codes match a prior."""
    return {
        "c2st_accuracy": metrics.c2st_accuracy(z, prior),
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, prior),
        "mmd_over_floor": metrics.mmd_over_floor(z, prior),
    }


@torch.no_grad()
def codes_of(model: nn.Module, test: ImageSet) -> Tensor:
    """Codes of all test images; draws of a Gaussian posterior are repeatable."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.encode(test.x)


def autoencoder(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from N(0, I)."""
    return {
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(codes_of(model, test), Gaussian(model.config.dim)),
    }


def latent(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Reconstruction, and how far the codes are from the model's prior."""
    z, prior = codes_of(model, test), model.prior
    with torch.random.fork_rng():
        torch.manual_seed(0)
        error = metrics.reconstruction_mse(model, test.x)
    result = {
        "reconstruction_mse": error,
        "dead_units": max(metrics.dead_units(model.encoder, test.x)),
        **match(z, prior),
    }
    if hasattr(prior, "distance_to_mode"):
        result |= metrics.mass_at_modes(z, prior)
    if getattr(model.config, "label_classes", 0) and hasattr(prior, "nearest"):
        result["component_accuracy"] = metrics.component_accuracy(z, test.labels, prior)
    return result


def samples(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """What the decoder makes of 10,000 prior samples, beside :func:`latent`."""
    return {**latent(model, test), **_samples(model, test)}


@torch.no_grad()
def _samples(model: nn.Module, test: ImageSet) -> dict[str, float]:
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


def classifier(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Test error."""
    return {"test_error_percent": metrics.error_percent(test.x, test.labels, model)}


@functools.cache
def _validation(device: torch.device) -> ImageSet:
    return data.split_validation(data.mnist("train", device), VALIDATION)[1]


@torch.no_grad()
def validation_error(model: SemiSupervisedAAE, x: Tensor) -> dict[str, float]:
    """Percentage of the validation images whose class is not their label."""
    held_out = _validation(x.device)
    wrong = model.classify(held_out.x) != held_out.labels
    return {"validation_error_percent": 100 * wrong.double().mean().item()}


@torch.no_grad()
def classes(model: SemiSupervisedAAE, test: ImageSet) -> dict[str, float]:
    """Error on the test set (read once, here) and on validation; how sure y is."""
    y, _ = model.encode(test.x)
    return {
        "test_error_percent": 100 * (y.argmax(1) != test.labels).double().mean().item(),
        **validation_error(model, test.x),
        "mean_max_probability": y.amax(1).mean().item(),
        "entropy": entropy(y).item(),
    }


@torch.no_grad()
def semi_supervised(model: SemiSupervisedAAE, test: ImageSet) -> dict[str, float]:
    """:func:`classes`; the match of z; does a decoded class look like that class?"""
    _, z = model.encode(test.x)
    return {
        **classes(model, test),
        "reconstruction_mse": metrics.reconstruction_mse(model, test.x),
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, model.prior),
        "conditional_accuracy_percent": _conditional_accuracy(
            lambda args, style: model.decode(model.prior_y.sample_given(args), style),
            model.prior,
            test.device,
        ),
    }


@torch.no_grad()
def style(model: SupervisedAAE, test: ImageSet) -> dict[str, float]:
    """With the class given: reconstruction, the match of z, and whether the class decides."""
    z = model.encode(test.x)
    error = (model.decode(test.labels, z) - test.x).square().mean().item()
    return {
        "reconstruction_mse": error,
        "sliced_wasserstein_over_floor": metrics.sliced_wasserstein_over_floor(z, model.prior),
        "conditional_accuracy_percent": _conditional_accuracy(
            model.decode, model.prior, test.device
        ),
    }


def _conditional_accuracy(
    decode: Callable[[Tensor, Tensor], Tensor], prior: Gaussian, device: torch.device
) -> float:
    """How many pairs of a class and a style from the prior the classifier reads as that class."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        styles = prior.sample(STYLES, device)
    args = torch.arange(10, device=device).repeat_interleave(STYLES)
    x = decode(args, styles.repeat(10, 1))
    return 100 - metrics.error_percent(x, args, references.classifier(device))
