"""Measures of lesson 5: error rates, the confidence of y, the match of z."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from aae_lessons import metrics, references
from aae_lessons.data import ImageSet
from aae_lessons.models.semi_supervised import SemiSupervisedAAE
from aae_lessons.models.supervised import SupervisedAAE
from aae_lessons.objectives import entropy
from aae_lessons.priors import Gaussian
from aae_lessons.references.measures.common import validation_images

STYLES = 1000  # decoded with each class


class Classifier(Protocol):
    """What has an error rate: it names the class of an image."""

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, P): (B,)."""
        ...


@torch.no_grad()
def validation_error(model: Classifier, x: Tensor) -> dict[str, float]:
    """Percentage of the validation images whose class is not their label."""
    held_out = validation_images(x.device)
    wrong = (model.classify(held_out.x) != held_out.labels).sum().item()
    return {"validation_error_percent": 100 * (wrong / len(held_out))}


@torch.no_grad()
def classes(model: SemiSupervisedAAE, test: ImageSet) -> dict[str, float]:
    """Error on the test set (read once, here) and on validation; how sure y is."""
    y, _ = model.encode(test.x)
    wrong = (y.argmax(1) != test.labels).sum().item()
    return {
        "test_error_percent": 100 * (wrong / len(test)),
        **validation_error(model, test.x),
        "mean_max_probability": y.amax(1).mean().item(),
        "entropy": entropy(y).item(),
    }


@torch.no_grad()
def measure(model: SemiSupervisedAAE, test: ImageSet) -> dict[str, float]:
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
def with_confusion(model: SemiSupervisedAAE, test: ImageSet) -> dict[str, float]:
    """:func:`measure`, and which share of the mistakes are 4s called 9 or 9s called 4."""
    guess = model.classify(test.x)
    wrong = guess != test.labels
    pair = wrong & (guess + test.labels == 13) & ((guess == 4) | (guess == 9))
    share = 100 * pair.sum().item() / max(1, int(wrong.sum()))
    return {**measure(model, test), "mistakes_between_4_and_9_percent": share}


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
