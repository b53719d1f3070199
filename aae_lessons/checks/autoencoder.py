"""Lesson 1: an autoencoder's update, and a broken one; costs have their own file."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aae_lessons.checks.autoencoder_costs import (
    LOGITS_FOR_PIXELS,
    _squared_error,
    cost,
    cross_entropy,
)
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant, wrong
from aae_lessons.checks.probes import run_probes
from aae_lessons.checks.shared import COST, UNSTEPPED, cost_rows
from aae_lessons.checks.stage import Stage, mlp
from aae_lessons.checks.steps import step_probes

__all__ = ["broken_curve", "broken_step", "cost", "cross_entropy", "mended_step", "step"]

# ------------------------------------------------------------- 1.3 an autoencoder's update


def _step(encoder, decoder, optimizer, x):
    optimizer.zero_grad()
    loss = _squared_error(decoder(encoder(x)), x)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _mended_step(encoder, decoder, optimizer, x):
    optimizer.zero_grad()
    x_hat = decoder(encoder(x)).sigmoid()
    loss = 0.5 * (x - x_hat).square().sum(1).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


class Pair(nn.Module):
    """Encoder 6-4-2 and decoder 2-6."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(6, 4, 2), mlp(2, 6)


STAGE = Stage(
    model=Pair,
    owners={"": ("encoder", "decoder")},
    batch=lambda rows: (torch.rand(rows, 6),),
    call=lambda step, model, optimizers, batch: step(
        model.encoder, model.decoder, optimizers[""], *batch
    ),
)
ZEROED = ("    optimizer.zero_grad()\n", "")
STALE = wrong(
    "stale gradients",
    "Gradients that were there before your step change it: they add up from step to step. "
    "optimizer.zero_grad() belongs before backward().",
    ZEROED,
)
STEP_ROWS = (
    UNSTEPPED,
    STALE,
    wrong(
        "encoder does not move",
        "The decoder moves, the encoder does not: its gradient was cut on the way. detach()?",
        ("encoder(x)", "encoder(x).detach()"),
    ),
    wrong(
        "uphill",
        "Your step goes up the loss: a sign is turned round.",
        ("loss.backward()", "(-loss).backward()"),
    ),
    *(
        wrong(row.cause, row.says, ("_squared_error(decoder(encoder(x)), x)", row.new),
              ("    loss =", "    x_hat = decoder(encoder(x)).sigmoid()\n    loss ="))
        for row in cost_rows()
    ),
    wrong(
        "logits taken for pixels",
        LOGITS_FOR_PIXELS.says,
        ("_squared_error(decoder(encoder(x)), x)",
         "0.5 * (x - decoder(encoder(x))).square().sum(1).mean()"),
    ),
    wrong(
        "sigmoid applied twice",
        "squared_error applies the sigmoid itself: give it the decoder's logits as they are.",
        ("decoder(encoder(x))", "decoder(encoder(x)).sigmoid()"),
    ),
)  # fmt: skip

step = Exercise(
    name="1.3",
    title="one update of an autoencoder",
    read="lesson 1, section 1.4",
    hints=(
        "Forward, loss, descend: three moves.",
        "To descend is three calls: zero_grad, backward, step. In which order?",
        "Return loss.detach(): a number to look at, not a graph to keep.",
    ),
    answer=_step,
    test=run_probes(lambda trial: step_probes(trial, STAGE)),
    wrong=STEP_ROWS,
)

# ------------------------------------------------------------------ 1.4 find the mistakes

SWINGS = wrong(
    "stale gradients",
    "One mistake is still there. The curve swings as if the step had a momentum that nobody asked "
    "for: gradients of earlier updates are still in .grad when backward() adds to them.",
    ZEROED,
)
GROWS = wrong(
    "sum over the batch",
    "One mistake is still there. Give the step every image twice: nothing new, and yet the step "
    "is twice as long. Over which dimension should there be a mean?",
    (COST, "0.5 * (x - x_hat).square().sum()"),
)
OTHERS = tuple(row for row in cost_rows() if row.edits != GROWS.edits)
MENDED_ROWS = (SWINGS, GROWS, UNSTEPPED, STEP_ROWS[2], STEP_ROWS[3], *OTHERS)
broken_step = mutant(_mended_step, SWINGS, GROWS)

mended_step = Exercise(
    name="1.4",
    title="find two mistakes in an update",
    read="lesson 1, sections 1.2 and 1.4",
    hints=(
        "Compare the step line by line with the one of exercise 1.3.",
        "What is in .grad before backward() is called for the second time?",
        "Which sum runs over pixels and images, and which should?",
    ),
    answer=_mended_step,
    test=run_probes(lambda trial: step_probes(trial, STAGE)),
    wrong=MENDED_ROWS,
    counterpart=step,
)


def broken_curve(update: Callable = broken_step) -> Tensor:
    """The losses of 60 updates on a small problem, (60,); random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        encoder, decoder = nn.Linear(12, 2), nn.Linear(2, 12)
        optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.01)
        x = (torch.rand(32, 2) @ torch.rand(2, 12)).clamp(0, 1)
        return torch.stack([update(encoder, decoder, optimizer, x).detach() for _ in range(60)])
