"""Measures of lesson 8: error rates of the methods of Table 2, and how sure they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from aae_lessons.data import ImageSet
from aae_lessons.methods.m1 import M1, used_dimensions
from aae_lessons.references.measures import semi_supervised

CHUNK = 10_000  # images at a time


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within it the model is in evaluation mode: batch norm uses its running statistics."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


def validation_error(model: nn.Module, x: Tensor) -> dict[str, float]:
    """Percentage of the validation images that the model classifies wrongly."""
    with evaluating(model):
        return semi_supervised.validation_error(model, x)


@torch.no_grad()
def test_error(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Error on the test set, which is read once, here."""
    rows = torch.arange(len(test), device=test.device).split(CHUNK)
    with evaluating(model):
        wrong = [(model.classify(x) != label).sum() for x, label in map(test.batch, rows)]
    return {"test_error_percent": 100 * sum(wrong).item() / len(test)}


def errors(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Error on the test set and on MNIST's validation images."""
    return {**test_error(model, test), **validation_error(model, test.x)}


@torch.no_grad()
def measure(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """:func:`errors`, and the mean of the largest probability, for models that give logits."""
    with evaluating(model):
        probability = model(test.x).softmax(1).amax(1).mean().item()
    return {**errors(model, test), "mean_max_probability": probability}


@torch.no_grad()
def bound(model: M1, test: ImageSet) -> dict[str, float]:
    """How well M1 rebuilds the test images, and how many dimensions of its code it uses."""
    with evaluating(model):
        return {
            "reconstruction_mse": (model(test.x) - test.x).square().mean().item(),
            "used_dimensions": float(used_dimensions(model, test.x).sum()),
        }
