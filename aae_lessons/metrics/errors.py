"""How well a network reconstructs and classifies, and which of its units are dead."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aae_lessons.arguments import check, check_callable, check_instance, check_labels, check_matrix

ROWS = 1000  # images at a time: the layers of all at once fill a small machine


@torch.no_grad()
def reconstruction_mse(model: nn.Module, x: Tensor) -> float:
    """Mean of (x − x̂)² over pixels and images ``x`` (n, 784), for ``model(x)`` = x̂."""
    check_matrix(x, "x")
    check(len(x) > 0, "x", x, "one image or more")
    check_callable(model, "model", "a function of images")
    total = 0.0
    for part in x.split(ROWS):
        x_hat = model(part)
        check_matrix(x_hat, "model(x)", *reversed(part.shape))
        total += (x_hat - part).square().sum().item()
    return total / x.numel()


@torch.no_grad()
def error_percent(x: Tensor, labels: Tensor, classifier: nn.Module) -> float:
    """Percentage of images ``x`` (n, 784) whose most probable class is not their label (n,)."""
    check_matrix(x, "x")
    fits = isinstance(labels, Tensor) and labels.shape == (len(x),)
    check(fits, "labels", labels, f"{len(x)} labels, one per image, in a vector")
    check_callable(classifier, "classifier", "a function of images")
    logits = classifier(x)
    check_matrix(logits, "classifier(x)", rows=len(x))
    check_labels(labels, "labels", logits.shape[1])
    return 100 * ((logits.argmax(1) != labels).sum().item() / len(x))


@torch.no_grad()
def dead_units(network: nn.Sequential, x: Tensor) -> list[float]:
    """Share of units that are at or below zero for every row of ``x``, by activation layer.

    Under ReLU such a unit is *dead*: it says nothing and learns nothing. Under leaky ReLU it
    still learns.

    Args:
        network: made by :func:`aae_lessons.networks.mlp`.
        x: its input, (n, inputs).
    """
    check_matrix(x, "x")
    check_instance(network, "network", nn.Sequential, "layers in a Sequential, as mlp makes them")
    first = next(network.parameters(), x).shape[-1]
    check(first == x.shape[1], "x", x, f"the network's inputs, (n, {first})")
    shares = []
    for layer in network:
        x = layer(x)
        if not isinstance(layer, nn.Linear):
            shares.append((x <= 0).all(0).float().mean().item())
    return shares
