"""Lesson 2: a short training run on pictures of two pixels, by whatever update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aae_lessons.checks.adversarial_mended import broken_step, mended_aae_step
from aae_lessons.checks.adversarial_step import PHASES


@dataclass(frozen=True)
class Run:
    """A short training of the two-pixel AAE, update by update.

    Args:
        losses: by phase, one number for each update, as ``plots.losses`` takes a history.
        steps: 1, 2, ... updates.
        z: codes of the pictures at the end, (n, 2).
        label: which clump each picture is from, (n,).
    """

    losses: dict[str, list[float]]
    steps: list[int]
    z: Tensor
    label: Tensor


def run(step: Callable, updates: int = 600) -> Run:
    """Trains an AAE on pictures of two pixels, its prior N(0, I), by ``step``; the same each time.

    Args:
        step: an update as in exercise 2.5.
        updates: how many; 600 take about two seconds.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder, decoder, discriminator = (
            _mlp(2, 2),
            _mlp(2, 2),
            nn.Sequential(_mlp(2, 1), nn.Flatten(0)),
        )
        e, d, j = (list(network.parameters()) for network in (encoder, decoder, discriminator))
        owned = zip(PHASES, (e + d, j, e), (1e-3, 2e-3, 2e-3), strict=True)
        optimizers = {p: torch.optim.Adam(own, rate, (0.5, 0.999)) for p, own, rate in owned}
        label = torch.randint(3, (2048,))
        centre = torch.tensor([[0.3, 0.3], [0.5, 0.68], [0.7, 0.35]])[label]
        x = (centre + 0.1 * torch.randn(2048, 2)).clamp(0, 1)
        losses: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for _ in range(updates):
            batch = x[torch.randint(len(x), (128,))]
            result = step(encoder, decoder, discriminator, optimizers, batch, torch.randn(128, 2))
            for phase in PHASES:
                losses[phase].append(float(result[phase]))
        return Run(losses, list(range(1, updates + 1)), encoder(x).detach(), label)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    layers = (nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Linear(32, outputs))


def broken_run() -> Run:
    """The run of :func:`broken_step`."""
    return run(broken_step)


def sound_run() -> Run:
    """The same run by a sound update."""
    return run(mended_aae_step.answer)
