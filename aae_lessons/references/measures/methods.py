"""Measures of lesson 8: error rates of the methods of Table 2, and how sure they are."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from aae_lessons.data import ImageSet
from aae_lessons.methods.m1 import M1, used_dimensions
from aae_lessons.references.measures import semi_supervised

CHUNK = 10_000  # images at a time


class Module(Protocol):
    """What has a training and an evaluation mode."""

    @property
    def training(self) -> bool:
        """Whether it is in training mode."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Switches between training and evaluation."""
        ...


class Classifier(Module, Protocol):
    """What is measured: a module that names the class of an image; a call gives its logits."""

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, P): (B,)."""
        ...

    def __call__(self, x: Tensor) -> Tensor: ...


@contextmanager
def evaluating(model: Module) -> Generator[None]:
    """Within it the model is in evaluation mode: batch norm uses its running statistics."""
    before = model.training
    model.train(False)
    try:
        yield
    finally:
        model.train(before)


def validation_error(model: Classifier, x: Tensor) -> dict[str, float]:
    """Percentage of the validation images that the model classifies wrongly."""
    with evaluating(model):
        return semi_supervised.validation_error(model, x)


@torch.no_grad()
def test_error(model: Classifier, test: ImageSet) -> dict[str, float]:
    """Error on the test set, which is read once, here."""
    rows = torch.arange(len(test), device=test.device).split(CHUNK)
    with evaluating(model):
        wrong = [(model.classify(x) != label).sum() for x, label in map(test.batch, rows)]
    return {"test_error_percent": 100 * torch.stack(wrong).sum().item() / len(test)}


def errors(model: Classifier, test: ImageSet) -> dict[str, float]:
    """Error on the test set and on MNIST's validation images."""
    return {**test_error(model, test), **validation_error(model, test.x)}


@torch.no_grad()
def measure(model: Classifier, test: ImageSet) -> dict[str, float]:
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
