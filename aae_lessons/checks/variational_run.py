"""Lesson 3: a short training run of a VAE, by whatever update."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aae_lessons.checks.variational_step import Step, broken_step


@dataclass(frozen=True)
class Run:
    """What a short run left behind.

    Args:
        losses: each term's value after each update.
        x_hat: the first ten images, decoded from their means, (10, 784).
        charged: the mean σ of those ten posteriors, which the KL charges for.
        drawn: the deviation of z around its mean that the update really drew, for the same ten.
    """

    losses: dict[str, list[float]]
    x_hat: Tensor
    charged: float
    drawn: float


def run(x: Tensor, update: Step = broken_step, updates: int = 150) -> Run:
    """Trains a small VAE (784-64-2) on images ``x``, (n, 784), n at least 100, by ``update``.

    Random numbers stay as they were.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 4))
        decoder = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 784))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
        losses: dict[str, list[float]] = {"reconstruction": [], "kl": []}
        for _ in range(updates):
            batch = x[torch.randint(len(x), (100,))]
            for name, loss in update(encoder, decoder, optimizer, batch, 1.0).items():
                losses[name].append(loss.item())
        with torch.no_grad():
            mean, log_variance = encoder(x[:10]).chunk(2, dim=1)
            x_hat = decoder(mean).sigmoid()
        drawn = _deviation_drawn(encoder, decoder, update, x[:10].repeat(100, 1))
    return Run(losses, x_hat, (0.5 * log_variance).exp().mean().item(), drawn)


def _deviation_drawn(encoder: nn.Module, decoder: nn.Module, update: Step, x: Tensor) -> float:
    """Root mean square of z − mean that one more update gives to the decoder."""
    seen: list[Tensor] = []
    decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        mean = encoder(x).chunk(2, dim=1)[0]
    zero_lr = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.0)
    update(encoder, decoder, zero_lr, x, 1.0)
    return (seen[0] - mean).square().mean().sqrt().item()
