"""Lesson 7: the update of a WAE with any discrepancy, and a denoising one with two mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aae_lessons.checks.core import Exercise, Trial
from aae_lessons.checks.misconceptions import mutant, wrong
from aae_lessons.checks.probes import Probe, holds, judged_by
from aae_lessons.checks.shared import cost_rows
from aae_lessons.checks.stage import Seen, Stage, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.objectives import inverse_multiquadratics, mmd

NOISE, PIXELS, D = 0.3, 6, 2
TERMS = ("cost", "discrepancy")
Step = Callable[..., Mapping[str, Tensor]]


def _wae_step(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    z = encoder(x)
    x_hat = decoder(z).sigmoid()
    cost = 0.5 * (x - x_hat).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost + weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


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


class Pair(nn.Module):
    """Encoder 6-4-2 and decoder 2-6; ``called`` counts the calls of the discrepancy."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 4, D), mlp(D, PIXELS)


def _discrepancy(z: Tensor, z_prior: Tensor) -> Tensor:
    """Not symmetric, so that it shows which argument was given first."""
    return (z.mean(0) - 2 * z_prior.mean(0)).square().sum() + z.square().mean()


def _other(z: Tensor, z_prior: Tensor) -> Tensor:
    return (z.mean() - z_prior.square().mean()).square()


def _batch(rows: int) -> tuple[Tensor, Tensor, Callable, float]:
    which, weight = (_discrepancy, 2.5) if rows % 2 else (_other, 0.7)
    return torch.rand(rows, PIXELS), torch.randn(rows, D), which, weight


def _call(step: Callable, model: nn.Module, optimizers: Mapping, batch: Sequence) -> object:
    return step(model.encoder, model.decoder, optimizers[""], *batch)


STAGE = Stage(Pair, {"": ("encoder", "decoder")}, _batch, _call)
SUM = "(cost + weight * penalty).backward()"


def _two_descents(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    cost = 0.5 * (x - decoder(encoder(x)).sigmoid()).square().sum(1).mean()
    optimizer.zero_grad()
    cost.backward()
    optimizer.step()
    penalty = discrepancy(encoder(x), z_prior)
    optimizer.zero_grad()
    (weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


DETACHED = wrong(
    "codes detached from the penalty",
    "The discrepancy's gradient does not reach the encoder, and nobody else could move the codes. "
    "There is no opponent here, so nothing has to be detached.",
    ("discrepancy(z, z_prior)", "discrepancy(z.detach(), z_prior)"),
)
ROWS = (
    wrong(
        "penalty subtracted",
        "You subtract the penalty: then codes are rewarded for being *unlike* the prior. Descend "
        "cost + weight · discrepancy.",
        (SUM, "(cost - weight * penalty).backward()"),
    ),
    *cost_rows(),
    wrong(
        "logits taken for pixels",
        "You compare the image with the logits. The reconstruction is x_hat = sigmoid(logits).",
        ("decoder(z).sigmoid()", "decoder(z)"),
    ),
    wrong(
        "weight forgotten",
        "The discrepancy enters with weight 1, whatever weight is.",
        (SUM, "(cost + penalty).backward()"),
    ),
    wrong(
        "weight on the cost",
        "The weight multiplies the cost. λ is the price of the discrepancy.",
        (SUM, "(weight * cost + penalty).backward()"),
    ),
    wrong(
        "penalty left out",
        "The discrepancy is not in what you descend: this is a plain autoencoder.",
        (SUM, "cost.backward()"),
    ),
    wrong(
        "cost left out",
        "The cost is not in what you descend: nothing asks the decoder for the image.",
        (SUM, "(weight * penalty).backward()"),
    ),
    DETACHED,
    wrong(
        "codes and prior swapped",
        "You call discrepancy(z_prior, z). Codes come first: it need not be symmetric.",
        ("discrepancy(z, z_prior)", "discrepancy(z_prior, z)"),
    ),
    wrong(
        "discrepancy of images",
        "You compare images. D_Z lives in the latent space: it compares the codes z with the "
        "prior's samples, both (B, D).",
        ("discrepancy(z, z_prior)", "discrepancy(x_hat, x)"),
    ),
    wrong("uphill", "Your step goes up: a sign is turned round.",
          (SUM, f"(-{SUM[:-11]}).backward()")),
    wrong(
        "weight in the discrepancy returned",
        "Return D_Z itself, without the weight.",
        ('"discrepancy": penalty', '"discrepancy": weight * penalty'),
    ),
    wrong(
        "total returned as the cost",
        "Return the cost alone: the penalty is a term of its own in the dict.",
        ('"cost": cost.detach()', '"cost": (cost + weight * penalty).detach()'),
    ),
    wrong(
        "nothing moved",
        "No weight has moved. backward() makes gradients, optimizer.step() uses them; a "
        "zero_grad() between the two throws them away.",
        ("    optimizer.step()\n", ""),
    ),
    wrong(
        "stale gradients",
        "Gradients that were there before your step change it: zero_grad() is missing before "
        "backward().",
        ("    optimizer.zero_grad()\n", ""),
    ),
)  # fmt: skip
TWO = wrong(
    "two descents",
    "You descend cost and discrepancy one after the other. With Adam the weight then does "
    "nothing, since Adam divides each gradient by its own size. λ means something in a sum: one "
    "backward() and one step() for cost + weight · discrepancy.",
    _two_descents,
)


def _called(answer: Callable) -> list[tuple[Tensor, Tensor]]:
    """What one update gives to the discrepancy."""
    called: list[tuple[Tensor, Tensor]] = []

    def noting(z: Tensor, z_prior: Tensor) -> Tensor:
        called.append((z, z_prior))
        return _discrepancy(z, z_prior)

    x, z_prior, *_ = _batch(5)
    STAGE.play(answer, [(x, z_prior, noting, 2.5)])
    return called


def _wae_probes(trial: Trial, stage: Stage = STAGE) -> Iterator[Probe]:
    says = "Your step never calls the discrepancy that it is given."
    yield holds(lambda answer: bool(_called(answer)), "discrepancy not called", says)

    def reached(answer: Callable) -> bool:
        return any(a.requires_grad or b.requires_grad for a, b in _called(answer))

    yield holds(reached, DETACHED.cause, DETACHED.says)
    yield from step_probes(trial, stage, TERMS)


wae_step = Exercise(
    name="7.5",
    title="a WAE's update, with any discrepancy",
    read="lesson 7, sections 7.2 and 7.3",
    hints=(
        "The equation of the course has two terms and one λ. Which of them sees z_prior?",
        "cost + weight * discrepancy(z, z_prior): one sum, one backward(), one step().",
        "zero_grad() before it; return both terms, detached and without the weight.",
    ),
    answer=_wae_step,
    test=judged_by(_wae_probes),
    wrong=(*ROWS, TWO),
)

# ------------------------------------------------------------------- 7.6 find the mistakes


def _noise(model: nn.Module, seen: Seen, batch: Sequence) -> list[Tensor]:
    """What each call of the encoder saw beside the image, in units of the noise."""
    inputs = [given for name, given, _ in seen.calls if name == "encoder"]
    same = [given for given in inputs if given.shape == batch[0].shape]
    return [(given - batch[0]) / NOISE for given in same] or [torch.zeros_like(batch[0])]


NOISY_STAGE = Stage(Pair, {"": ("encoder", "decoder")}, _batch, _call, _noise)
NOISY_TARGET = wrong(
    "noisy input as the target",
    "You ask for the noise back: the target is the noisy image. Noise can't be rebuilt, so the "
    "cost can't fall below the noise's own. The encoder sees the noisy image; the target is the "
    "clean x.",
    ("    noisy = x +", "    x = x +"),
    ("encoder(noisy)", "encoder(x)"),
)
CLEAN_CODES = wrong(
    "codes of the clean images",
    "The discrepancy is given codes of the clean images, and the decoder those of the noisy ones. "
    "The codes that the decoder is given are the ones to be like the prior's samples.",
    ("discrepancy(z, z_prior)", "discrepancy(encoder(x), z_prior)"),
)
NO_NOISE = wrong(
    "noise taken away",
    "You took the noise away. It belongs on the *input*: the model learns to take it out. Only "
    "what it is compared with has to be clean.",
    ("x + 0.3 * torch.randn_like(x)", "x"),
)
broken_step = mutant(_mended_wae, NOISY_TARGET, ROWS[0])


def _draws(answer: Callable) -> Tensor:
    """The noise of the encoder's call that has most of it, (2000, 6)."""
    batch = torch.rand(2000, PIXELS), torch.randn(2000, D), _discrepancy, 2.5
    noises = NOISY_STAGE.play(answer, [batch]).noises[0]
    return max(noises, key=lambda noise: noise.std())


def _mended_probes(trial: Trial) -> Iterator[Probe]:
    noise = NOISE * _draws(trial)
    if noise.abs().max() == 0:
        trial.refuse(NO_NOISE.cause, NO_NOISE.says)
    spread, centre, tail = noise.std(), noise.mean().abs(), (noise.abs() > 2 * NOISE).double()
    says = "The noise on the encoder's input is not the one of before, 0.3 · N(0, I)."
    if abs(spread - NOISE) > 0.02 or centre > 0.02 or abs(tail.mean() - 0.0455) > 0.012:
        trial.refuse("another noise", says, spread, torch.tensor(NOISE))
    if noise.std(0).min() < 0.2 or noise.std(1).mean() < 0.2:
        says = "Pixels or images share one noise: each pixel of each image has its own."
        trial.refuse("one noise for all pixels", says)
    if torch.equal(NOISE * _draws(lambda *inputs: _seeded_differently(trial, inputs)), noise):
        says = "Two updates have the same noise. Is a seed set inside the function?"
        trial.refuse("the same noise each time", says)
    yield from _wae_probes(trial, NOISY_STAGE)


def _seeded_differently(trial: Trial, inputs: Sequence) -> object:
    torch.manual_seed(99)
    return trial(*inputs)


mended_wae = Exercise(
    name="7.6",
    title="find two mistakes in a denoising WAE",
    read="lesson 7, sections 7.2 and 7.7",
    hints=(
        "The discrepancy climbs as if somebody wanted it to. Does somebody?",
        "What would a perfect model score as its cost, and why is that not 0? See the target.",
        "Keep the clean x under its own name; add the penalty.",
    ),
    answer=_mended_wae,
    test=judged_by(_mended_probes),
    wrong=(NOISY_TARGET, NO_NOISE, CLEAN_CODES, *ROWS),
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

    Its prior is N(0, I). Random numbers stay as they were.
    """
    with torch.random.fork_rng(devices=[]):
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
