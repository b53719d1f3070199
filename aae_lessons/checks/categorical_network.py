"""Lesson 4: a discriminator for y, whatever its architecture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _make_discriminator(classes):
    layers = [nn.Linear(classes, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 1), nn.Flatten(0))


DISCRIMINATOR = """
4.3 a discriminator for y
read: lesson 4, section 4.2
hint: What goes in? Not images: the K entries of y.
hint: One number for each image comes out, a logit. No sigmoid, no batch norm.
hint: nn.Flatten(0) turns (B, 1) into (B,).
a network expected: Return the network itself, an nn.Module.
    layers = → return lambda y: y.sum(1) ⏎ layers =
a discriminator of images: It takes images. In an AAE the discriminator sees codes, here the K
    entries of y.
    nn.Linear(classes, 64) → nn.Linear(784, 64)
number of classes written into the code: It takes ten entries, whatever `classes` is.
    nn.Linear(classes, 64) → nn.Linear(10, 64)
random output: Two calls on the same codes differ (dropout?). Keep this one without noise.
    nn.Linear(64, 64), nn.ReLU() → nn.Linear(64, 64), nn.ReLU(), nn.Dropout()
batch norm: What it says of a code depends on the other codes of the batch: a batch norm? Real and
    fake batches are then both normalised to the same moments, and the game freezes at 50 %. Leave
    it out of a discriminator.
    nn.Linear(64, 64), nn.ReLU() → nn.BatchNorm1d(64), nn.Linear(64, 64), nn.ReLU()
sigmoid at the end: Its output lies between 0 and 1: there is a sigmoid at its end. The losses take
    logits, so the last layer is linear.
    nn.Linear(64, 1), nn.Flatten(0) → nn.Linear(64, 1), nn.Sigmoid(), nn.Flatten(0)
bounded output: Its output can't leave an interval (a tanh or a clamp at its end?). A logit has no
    bounds: the last layer is linear.
    nn.Linear(64, 1), nn.Flatten(0) → nn.Linear(64, 1), nn.Tanh(), nn.Flatten(0)
one sign only: Its output has one sign only (a ReLU or a log-sigmoid at its end?). A logit is
    negative for fake and positive for real: the last layer is linear.
    nn.Linear(64, 1), nn.Flatten(0) → nn.Linear(64, 1), nn.ReLU(), nn.Flatten(0)
no activation: It is linear: without activations between them, layers are one layer.
    nn.ReLU() → nn.Identity()
"""


def _test_discriminator(trial: Trial) -> None:
    for classes in (10, 7):
        network = trial(classes)
        if not isinstance(network, nn.Module):
            trial.refuse("a network expected", "", type(network).__name__, "Module")
        y = (3 * torch.randn(9, classes)).softmax(1)
        _test_inputs(trial, network, classes)
        for _ in range(20):  # a spectral norm settles
            logits = trial.tensor(_logits(trial, network, y), (9,))
        if not torch.allclose(logits, _logits(trial, network, y), atol=1e-3):
            trial.refuse("random output")
        if not torch.allclose(_logits(trial, network, y[:4]), logits[:4], atol=1e-3):
            trial.refuse("batch norm")
        trial.tensor(_logits(trial, network, y[:1]), (1,))
        _test_range(trial, network, y)


def _test_inputs(trial: Trial, network: nn.Module, classes: int) -> None:
    first = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
    if first is not None and first.in_features != classes:
        causes = {784: "a discriminator of images", 10: "number of classes written into the code"}
        cause = causes.get(first.in_features, "does not take the codes")
        says = (
            "" if cause in causes.values() else "Its first layer does not take the K entries of y."
        )
        trial.refuse(cause, says, first.in_features, classes)


def _logits(trial: Trial, network: nn.Module, y: Tensor) -> Tensor:
    try:
        got = network(y)
    except Exception as error:
        says = f"Codes of shape {tuple(y.shape)} make it stop: {error}."
        trial.refuse("does not take the codes", says)
    return got.detach().float() if isinstance(got, Tensor) else got


def _test_range(trial: Trial, network: nn.Module, y: Tensor) -> None:
    """With other weights it must be able to say anything: large, of both signs, not linear."""
    said = []
    for _ in range(12):
        with torch.no_grad():
            for p in network.parameters():
                p.copy_(8 * torch.randn_like(p))
        said.append(_logits(trial, network, torch.cat([y, 300 * torch.randn(100, y.shape[1])])))
    far = torch.cat(said)
    if far.min() >= 0 and far.max() <= 1:
        trial.refuse("sigmoid at the end")
    if far.min() >= 0 or far.max() <= 0:
        trial.refuse("one sign only")
    if far.abs().max() < 25:
        trial.refuse("bounded output")
    a, b = y, 2 * y.flip(0)
    apart = _logits(trial, network, a) + _logits(trial, network, b)
    at_zero = _logits(trial, network, torch.zeros_like(y))
    if torch.allclose(apart - at_zero, _logits(trial, network, a + b), rtol=1e-3, atol=1e-3):
        trial.refuse("no activation")


discriminator = exercise(_make_discriminator, _test_discriminator, DISCRIMINATOR)
