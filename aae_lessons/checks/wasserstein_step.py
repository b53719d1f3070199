"""Lesson 7: the update of a WAE with any discrepancy, and a denoising one with two mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, holds, run_probes
from aae_lessons.checks.shared import DESCENT, cost_rows
from aae_lessons.checks.stage import Stage, mlp
from aae_lessons.checks.steps import step_probes
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


class Pair(nn.Module):
    """Encoder 6-4-2 and decoder 2-6; ``called`` counts the calls of the discrepancy."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(PIXELS, 4, D), mlp(D, PIXELS)


def lopsided(z: Tensor, z_prior: Tensor) -> Tensor:
    """Not symmetric, so that it shows which argument was given first."""
    return (z.mean(0) - 2 * z_prior.mean(0)).square().sum() + z.square().mean()


def _other(z: Tensor, z_prior: Tensor) -> Tensor:
    return (z.mean() - z_prior.square().mean()).square()


def batch_of(rows: int) -> tuple[Tensor, Tensor, Callable, float]:
    """Images, (rows, PIXELS), prior samples, (rows, D), a discrepancy and λ, by the rows."""
    which, weight = (lopsided, 2.5) if rows % 2 else (_other, 0.7)
    return torch.rand(rows, PIXELS), torch.randn(rows, D), which, weight


def call(step: Callable, model: nn.Module, optimizers: Mapping, batch: Sequence) -> object:
    """Calls a learner's step with the parts of the model that it takes."""
    return step(model.encoder, model.decoder, optimizers[""], *batch)


STAGE = Stage(Pair, {"": ("encoder", "decoder")}, batch_of, call)
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
    *DESCENT,
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

    yield holds(reached, DETACHED.cause, DETACHED.says)
    yield from step_probes(trial, stage, TERMS)


wae_step = Exercise(
    name="7.5",
    title="a WAE's update, with any discrepancy",
    read="lesson 7, sections 7.4 and 7.5",
    hints=(
        "The equation of the course has two terms and one λ. Which of them sees z_prior?",
        "cost + weight * discrepancy(z, z_prior): one sum, one backward(), one step().",
        "zero_grad() before it; return both terms, detached and without the weight.",
    ),
    answer=_wae_step,
    test=run_probes(wae_probes),
    wrong=(*ROWS, TWO),
)
