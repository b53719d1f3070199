"""Layers that several methods use: noise, batch-normalised mlps, held running statistics."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor, nn

TINY = 1e-10  # added to variances, as in the Ladder's published code


class Noise(nn.Module):
    """Adds Gaussian noise in training, (B, m) -> (B, m)."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, z: Tensor) -> Tensor:
        return z + self.std * torch.randn_like(z) if self.training else z


def normalised_mlp(
    sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, noise: float = 0.0
) -> nn.Sequential:
    """Linear layers; batch norm, noise and an activation between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)]
        layers += [Noise(noise)] * bool(noise) + [activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def moments_of(u: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of each column of ``u``, (B, m): two of (m,)."""
    variance, mean = torch.var_mean(u, 0, correction=0)
    return mean, variance


def normalise(u: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """(u − mean) / √variance, (B, m): batch norm without scale and shift."""
    return (u - mean) * (variance + TINY).rsqrt()


@contextlib.contextmanager
def frozen_statistics(model: nn.Module) -> Generator[None]:
    """Within it, batch norm's running statistics stay: only real images may enter them."""
    layers = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
