"""Checks of lesson 7: a denoising WAE with two mistakes, to find and mend."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aae_lessons.checks.core import Exercise, Trial
from aae_lessons.checks.wasserstein_step import TERMS, Step, play, refuse_wrong_update
from aae_lessons.objectives import inverse_multiquadratics, mmd

NOISE = 0.3


def broken_step(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    """Exercise 7.6: this denoising update has two mistakes."""
    x = x + 0.3 * torch.randn_like(x)
    z = encoder(x)
    cost = 0.5 * (x - decoder(z).sigmoid()).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost - weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


def _denoising_step(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    noisy = x + 0.3 * torch.randn_like(x)
    z = encoder(noisy)
    cost = 0.5 * (x - decoder(z).sigmoid()).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost + weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


def _test_mended(trial: Trial) -> None:
    x, z_prior = torch.rand(2000, 6).double(), torch.randn(2000, 2).double()
    noise = play(trial, x, z_prior).inputs - x
    if noise.abs().max() == 0:
        says = (
            "You took the noise away. It is wanted on the *input*: the model learns to take it "
            "out. Only what it is compared with has to be clean."
        )
        trial.refuse("noise taken away", says)
    spread, centre = noise.std(), noise.mean().abs()
    if abs(spread - NOISE) > 0.02 or centre > 0.02:
        says = "The noise on the encoder's input is not the one of before, 0.3 · N(0, I)."
        trial.refuse("another noise", says, spread, torch.tensor(NOISE))
    x, z_prior = x[:5], z_prior[:5]
    refuse_wrong_update(trial, x, z_prior)


mended_wae = Exercise(
    name="7.6",
    title="find two mistakes in a denoising WAE",
    read="lesson 7, sections 7.2 and 7.7",
    hints=(
        "The discrepancy climbs as if somebody wanted it to. Does somebody?",
        "What would a perfect model score as its cost, and why is that not 0? See the target.",
        "Keep the clean x under its own name; add the penalty.",
    ),
    answer=_denoising_step,
    test=_test_mended,
)


@dataclass(frozen=True)
class Run:
    """What a short run left behind: each term after each update, codes of images, prior samples.

    Args:
        losses: name -> values, (updates,).
        z: codes of the first 1000 images, (1000, 2).
        z_prior: as many draws from the prior.
    """

    losses: dict[str, list[float]]
    z: Tensor
    z_prior: Tensor


def run(x: Tensor, update: Step = broken_step, updates: int = 150) -> Run:
    """Trains a small WAE-MMD (784-64-2) on images ``x``, (n, 784), n at least 100, by ``update``.

    Its prior is N(0, I).
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
        decoder = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 784))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
        kernel = inverse_multiquadratics(2)
        losses: dict[str, list[float]] = {name: [] for name in TERMS}
        for _ in range(updates):
            batch, z_prior = x[torch.randint(len(x), (100,))], torch.randn(100, 2)
            inputs = batch, z_prior, lambda z, other: mmd(z, other, kernel), 30.0
            for name, loss in update(encoder, decoder, optimizer, *inputs).items():
                losses[name].append(loss.item())
        with torch.no_grad():
            z = encoder(x[:1000])
        return Run(losses, z, torch.randn(len(z), 2))
