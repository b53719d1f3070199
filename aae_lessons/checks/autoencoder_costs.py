"""Lesson 1: costs and their reductions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.shared import (
    BITS,
    LARGE,
    LOG_OF_SIGMOID,
    SIGMOID_TWICE,
    cost_rows,
)
from aae_lessons.checks.trial import Trial

of_logits = partial(values, data=(1,))  # nothing is descended by the image

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
        yield from of_logits(2 * torch.randn(rows, pixels), torch.rand(rows, pixels))


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
    test=run_probes(_cost_probes),
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
        "The sign is turned round: return the *negative* log-likelihood, so that lower is "
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
        yield from of_logits(2 * torch.randn(rows, pixels), torch.rand(rows, pixels))
    far = partial(of_logits, cause="wrong for large logits", says=LARGE)
    for size in (20.0, 95.0, 200.0):
        logits = torch.tensor([[size, -size, size, -size], [size, size, -size, 1.0]])
        x = torch.tensor([[0.0, 1.0, 0.3, 0.0], [1.0, 0.0, 0.6, 1.0]])
        yield from far(logits, x)


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
    test=run_probes(_cross_entropy_probes),
    wrong=CROSS_ENTROPY_ROWS,
)
