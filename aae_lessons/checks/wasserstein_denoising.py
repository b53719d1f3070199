"""Lesson 7: a denoising WAE with two mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from aae_lessons.checks import wasserstein_step as wae
from aae_lessons.checks.misconceptions import mutant, row
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.stage import CallRecorder
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.objectives import inverse_multiquadratics, mmd

NOISE = 0.3
Step = Callable[..., Mapping[str, Tensor]]


def _mended_wae(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    noisy = x + 0.3 * torch.randn_like(x)
    z = encoder(noisy)
    x_hat = decoder(z).sigmoid()
    cost = 0.5 * (x - x_hat).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost + weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


def _noise(model: nn.Module, seen: CallRecorder, batch: Sequence) -> list[Tensor]:
    """What each call of the encoder saw on top of the image, in units of the noise."""
    inputs = [given for name, given, _ in seen.calls if name == "encoder"]
    same = [given for given in inputs if given.shape == batch[0].shape]
    return [(given - batch[0]) / NOISE for given in same] or [torch.zeros_like(batch[0])]


NOISY_STAGE = replace(wae.STAGE, noise=_noise)


def _draws(answer: Callable, seed: int) -> Tensor:
    """The noise of the encoder's call that has most of it, (2000, 6)."""
    batch = torch.rand(2000, wae.PIXELS), torch.randn(2000, wae.D), wae.lopsided, 2.5
    noises = NOISY_STAGE.play(answer, [batch], seed=seed).noises[0]
    return max(noises, key=lambda noise: noise.std())


def _mended_probes(trial: Trial) -> Iterator[Probe]:
    noise = NOISE * _draws(trial, 7)
    if noise.abs().max() == 0:
        trial.refuse("noise taken away")
    spread, centre, tail = noise.std(), noise.mean().abs(), (noise.abs() > 2 * NOISE).double()
    says = "The noise on the encoder's input is not the one of before, 0.3 · N(0, I)."
    if abs(spread - NOISE) > 0.02 or centre > 0.02 or abs(tail.mean() - 0.0455) > 0.012:
        trial.refuse("another noise", says, spread, torch.tensor(NOISE))
    if noise.std(0).min() < 0.2 or noise.std(1).mean() < 0.2:
        says = "Pixels or images share one noise: each pixel of each image has its own."
        trial.refuse("one noise for all pixels", says)
    if torch.equal(NOISE * _draws(trial, 99), noise):
        says = "Two updates have the same noise. Is a seed set inside the function?"
        trial.refuse("the same noise each time", says)
    yield from wae.wae_probes(trial, NOISY_STAGE)


MENDED_WAE = """
7.6 find two mistakes in a denoising WAE
read: lesson 7, sections 7.4 and 7.12
hint: The discrepancy climbs as if it were rewarded. Is it?
hint: What would a perfect model score as its cost, and why is that not 0? See the target.
hint: Keep the clean x under its own name; add the penalty.
noisy input as the target: You ask for the noise back: the target is the noisy image. Noise can't
    be rebuilt, so the cost can't fall below the noise's own. The encoder sees the noisy image; the
    target is the clean x.
    noisy = x + → x = x +
    encoder(noisy) → encoder(x)
noise taken away: You took the noise away. It belongs on the *input*: the model learns to take it
    out. Only what it is compared with has to be clean.
    x + 0.3 * torch.randn_like(x) → x
codes of the clean images: The discrepancy is given codes of the clean images, and the decoder
    those of the noisy ones. The codes that the decoder is given are the ones to be like the
    prior's samples.
    discrepancy(z, z_prior) → discrepancy(encoder(x), z_prior)
{ROWS}
"""
mended_wae = exercise(_mended_wae, _mended_probes, MENDED_WAE, ROWS=wae.ROWS)
broken_step = mutant(_mended_wae, mended_wae.wrong[0], row(mended_wae.wrong, "penalty subtracted"))


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

    Its prior is N(0, I). Random numbers stay as they were.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
        decoder = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 784))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
        kernel = inverse_multiquadratics(2)
        losses: dict[str, list[float]] = {name: [] for name in wae.TERMS}
        for _ in range(updates):
            batch, z_prior = x[torch.randint(len(x), (100,))], torch.randn(100, 2)
            inputs = batch, z_prior, lambda z, other: mmd(z, other, kernel), 30.0
            for name, loss in update(encoder, decoder, optimizer, *inputs).items():
                losses[name].append(loss.item())
        with torch.no_grad():
            z = encoder(x[:1000])
        return Run(losses, z, torch.randn(len(z), 2))
