"""Lesson 7: the update of a WAE with any discrepancy, and a denoising one with two mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from aae_lessons.checks.probes import Probe, holds
from aae_lessons.checks.stage import Parts, Stage, call_with_pair, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

TERMS = ("cost", "discrepancy")
PIXELS, D = 6, 2


def _wae_step(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    z = encoder(x)
    x_hat = decoder(z).sigmoid()
    cost = 0.5 * (x - x_hat).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost + weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


def lopsided(z: Tensor, z_prior: Tensor) -> Tensor:
    """Not symmetric, so that it shows which argument was given first."""
    return (z.mean(0) - 2 * z_prior.mean(0)).square().sum() + z.square().mean()


def _other(z: Tensor, z_prior: Tensor) -> Tensor:
    return (z.mean() - z_prior.square().mean()).square()


def batch_of(rows: int) -> tuple[Tensor, Tensor, Callable, float]:
    """Images, (rows, PIXELS), prior samples, (rows, D), a discrepancy and λ, by the rows."""
    which, weight = (lopsided, 2.5) if rows % 2 else (_other, 0.7)
    return torch.rand(rows, PIXELS), torch.randn(rows, D), which, weight


STAGE = Stage(
    model=lambda: Parts(encoder=mlp(PIXELS, 4, D), decoder=mlp(D, PIXELS)),
    owners={"": ("encoder", "decoder")},
    batch=batch_of,
    call=call_with_pair,
)


ROWS = """
penalty subtracted: You subtract the penalty: then codes are rewarded for being *unlike* the prior.
    Descend cost + weight · discrepancy.
    (cost + weight * penalty).backward() → (cost - weight * penalty).backward()
{COSTS}
logits taken for pixels: You compare the image with the logits. The reconstruction is x_hat =
    sigmoid(logits).
    decoder(z).sigmoid() → decoder(z)
weight forgotten: The discrepancy enters with weight 1, whatever weight is.
    (cost + weight * penalty).backward() → (cost + penalty).backward()
weight on the cost: The weight multiplies the cost. λ is the price of the discrepancy.
    (cost + weight * penalty).backward() → (weight * cost + penalty).backward()
penalty left out: The discrepancy is not in what you descend: this is a plain autoencoder.
    (cost + weight * penalty).backward() → cost.backward()
cost left out: The cost is not in what you descend: nothing asks the decoder for the image.
    (cost + weight * penalty).backward() → (weight * penalty).backward()
codes detached from the penalty: The discrepancy's gradient does not reach the encoder, and nobody
    else could move the codes. There is no opponent here, so nothing has to be detached.
    discrepancy(z, z_prior) → discrepancy(z.detach(), z_prior)
codes and prior swapped: You call discrepancy(z_prior, z). Codes come first: it need not be
    symmetric.
    discrepancy(z, z_prior) → discrepancy(z_prior, z)
discrepancy of images: You compare images. D_Z lives in the latent space: it compares the codes z
    with the prior's samples, both (B, d).
    discrepancy(z, z_prior) → discrepancy(x_hat, x)
uphill: Your step goes up: a sign is turned round.
    (cost + weight * penalty).backward() → (-(cost + weight * penalty)).backward()
weight in the discrepancy returned: Return D_Z itself, without the weight.
    "discrepancy": penalty → "discrepancy": weight * penalty
total returned as the cost: Return the cost alone: the penalty is a term of its own in the dict.
    "cost": cost.detach() → "cost": (cost + weight * penalty).detach()
{DESCENT}
"""
WAE_STEP = """
7.5 a WAE's update, with any discrepancy
read: lesson 7, sections 7.4 and 7.5
hint: The equation of the course has two terms and one λ. Which of them sees z_prior?
hint: cost + weight * discrepancy(z, z_prior): one sum, one backward(), one step().
hint: zero_grad() before it; return both terms, detached and without the weight.
{ROWS}
two descents: You descend cost and discrepancy one after the other. With Adam the weight then does
    nothing, since Adam divides each gradient by its own size. λ means something in a sum: one
    backward() and one step() for cost + weight · discrepancy.
    penalty = discrepancy(z, z_prior) → pass
    (cost + weight * penalty).backward() → cost.backward(); optimizer.step()
    optimizer.step() ⏎ return
    → penalty = discrepancy(encoder(x), z_prior); optimizer.zero_grad()
    ⏎ (weight * penalty).backward(); optimizer.step() ⏎ return
"""


def _called(answer: Callable) -> list[tuple[Tensor, Tensor]]:
    """What one update gives to the discrepancy."""
    called: list[tuple[Tensor, Tensor]] = []

    def noting(z: Tensor, z_prior: Tensor) -> Tensor:
        called.append((z, z_prior))
        return lopsided(z, z_prior)

    x, z_prior, *_ = batch_of(5)
    STAGE.play(answer, [(x, z_prior, noting, 2.5)])
    return called


def wae_probes(trial: Trial, stage: Stage = STAGE) -> Iterator[Probe]:
    """The probes of a WAE's step: the discrepancy is called, reached, and descended."""
    says = "Your step never calls the discrepancy that it is given."
    yield holds(lambda answer: bool(_called(answer)), "discrepancy not called", says)

    def reached(answer: Callable) -> bool:
        return any(a.requires_grad or b.requires_grad for a, b in _called(answer))

    yield holds(reached, "codes detached from the penalty", "")
    yield from step_probes(trial, stage, TERMS)


wae_step = exercise(_wae_step, wae_probes, WAE_STEP, ROWS=ROWS)
