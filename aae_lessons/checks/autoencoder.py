"""Lesson 1: costs and their reductions, an autoencoder's update, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Trial
from aae_lessons.checks.misconceptions import mutant, wrong
from aae_lessons.checks.probes import Probe, judged_by, values
from aae_lessons.checks.shared import (
    BITS,
    COST,
    LOG_OF_SIGMOID,
    SIGMOID_TWICE,
    cost_rows,
)
from aae_lessons.checks.stage import Stage, mlp
from aae_lessons.checks.steps import step_probes

# --------------------------------------------------------------------- 1.1 squared error


def _squared_error(logits, x):
    x_hat = logits.sigmoid()
    return 0.5 * (x - x_hat).square().sum(1).mean()


LOGITS_FOR_PIXELS = wrong(
    "logits taken for pixels",
    "You compare the image with the decoder's logits. The reconstruction is x_hat = "
    "sigmoid(logits).",
    ("x_hat = logits.sigmoid()", "x_hat = logits"),
)
SOFTMAX = wrong(
    "softmax for sigmoid",
    "You apply a softmax, which makes the pixels of an image compete: they sum to 1. Each pixel "
    "has a sigmoid of its own.",
    ("x_hat = logits.sigmoid()", "x_hat = logits.softmax(1)"),
)


def _cost_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, pixels in ((7, 12), (1, 5), (3, 1)):
        yield from values(2 * torch.randn(rows, pixels), torch.rand(rows, pixels))


cost = Exercise(
    name="1.1",
    title="the squared error of a reconstruction",
    read="lesson 1, section 1.2",
    hints=(
        "The decoder gives logits. What turns them into pixels between 0 and 1?",
        "Which dimension holds the pixels and which the images? One is summed, one averaged.",
        "(x - x_hat).square().sum(1) has one number for each image.",
    ),
    answer=_squared_error,
    test=judged_by(_cost_probes),
    wrong=(LOGITS_FOR_PIXELS, *cost_rows(), SOFTMAX),
)

# --------------------------------------------------------------- 1.2 binary cross-entropy


def _cross_entropy(logits, x):
    return (F.softplus(logits) - x * logits).sum(1).mean()


EACH = "(F.softplus(logits) - x * logits)"
NAIVE = "-(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log())"
CROSS_ENTROPY_ROWS = (
    wrong(
        "mean over pixels",
        "You take the mean over all pixels: that is the default reduction of torch's function. "
        "Sum over the pixels, then take the mean over the images.",
        (".sum(1).mean()", ".mean()"),
    ),
    wrong(
        "sum over the batch",
        "You sum over the images as well (reduction='sum'). Take the mean over the images.",
        (".sum(1).mean()", ".sum()"),
    ),
    wrong(
        "sigmoid applied twice",
        SIGMOID_TWICE,
        (EACH, "(F.softplus(logits.sigmoid()) - x * logits.sigmoid())"),
    ),
    wrong(
        "sign lost",
        "The sign is turned round: the *negative* log-likelihood is asked for, so that lower is "
        "better.",
        (EACH, f"-{EACH}"),
    ),
    wrong(
        "only the ink counted",
        "You leave out the term of the white pixels, (1 − x) log(1 − x_hat).",
        (EACH, "(x * F.softplus(-logits))"),
    ),
    wrong(
        "only the paper counted",
        "You leave out the term of the ink, x log x_hat.",
        (EACH, "((1 - x) * F.softplus(logits))"),
    ),
    wrong(
        "image and reconstruction swapped",
        "Image and reconstruction have changed places: the logarithm belongs to x_hat. torch's "
        "functions take the prediction first and the target second.",
        (EACH, "F.binary_cross_entropy(x.clamp(1e-6, 1 - 1e-6), logits.sigmoid(), "
         "reduction='none')"),
    ),
    wrong("bits, not nats", BITS, (".mean()", ".mean() / 0.6931471805599453")),
    wrong("sigmoid, then log", LOG_OF_SIGMOID, (EACH, f"({NAIVE})")),
    wrong(
        "sigmoid, then log",
        LOG_OF_SIGMOID + " torch's binary_cross_entropy stops at 100 for that reason.",
        (EACH, "F.binary_cross_entropy(logits.sigmoid(), x, reduction='none')"),
    ),
    wrong(
        "sigmoid, then log",
        "log(1 + exp(l)) is infinite in float32 from l = 89 on. F.softplus knows that.",
        (EACH, "((1 + logits.exp()).log() - x * logits)"),
    ),
)  # fmt: skip


def _cross_entropy_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, pixels in ((7, 12), (1, 5), (3, 1)):
        yield from values(2 * torch.randn(rows, pixels), torch.rand(rows, pixels))
    far: dict[str, Any] = {"cause": "sigmoid, then log", "says": LOG_OF_SIGMOID}
    for size in (20.0, 95.0, 200.0):
        logits = torch.tensor([[size, -size, size, -size], [size, size, -size, 1.0]])
        x = torch.tensor([[0.0, 1.0, 0.3, 0.0], [1.0, 0.0, 0.6, 1.0]])
        yield from values(logits, x, **far)


cross_entropy = Exercise(
    name="1.2",
    title="binary cross-entropy on logits",
    read="lesson 1, section 1.2",
    hints=(
        "Write −x log x_hat − (1 − x) log(1 − x_hat) for one pixel first.",
        "log(sigmoid(l)) is −softplus(−l). What is log(1 − sigmoid(l))?",
        "F.binary_cross_entropy_with_logits(..., reduction='none') has one number for each pixel.",
    ),
    answer=_cross_entropy,
    test=judged_by(_cross_entropy_probes),
    wrong=CROSS_ENTROPY_ROWS,
)

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
UNSTEPPED = wrong(
    "nothing moved",
    "No weight has moved. backward() makes gradients, optimizer.step() uses them; a zero_grad() "
    "between the two throws them away.",
    ("    optimizer.step()\n", ""),
)
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
        wrong(row.cause, row.says, ("_squared_error(decoder(encoder(x)), x)", row.texts[0][1]),
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
    test=judged_by(lambda trial: step_probes(trial, STAGE)),
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
    test=judged_by(lambda trial: step_probes(trial, STAGE)),
    wrong=MENDED_ROWS,
    beside=step,
)


def broken_curve(update: Callable = broken_step) -> Tensor:
    """The losses of 60 updates on a small problem, (60,); random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        encoder, decoder = nn.Linear(12, 2), nn.Linear(2, 12)
        optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.01)
        x = (torch.rand(32, 2) @ torch.rand(2, 12)).clamp(0, 1)
        return torch.stack([update(encoder, decoder, optimizer, x).detach() for _ in range(60)])
