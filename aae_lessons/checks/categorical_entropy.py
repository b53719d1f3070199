"""Lesson 4: the entropy of y."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.shared import BITS
from aae_lessons.checks.trial import Trial


def _entropy(y):
    return torch.special.entr(y).sum(1).mean()


EACH = "torch.special.entr(y)"
ZERO = (
    "Right for soft rows, not a number for a one-hot row: 0 · log 0 is nan in floating point, and "
    "0 in the limit. torch.special.entr and torch.xlogy know that."
)
ZEROS = (
    "Right for soft rows, wrong where a row has a zero in it. Such a row counts like any other, "
    "and 0 · log 0 is 0 in the limit: torch.special.entr and torch.xlogy know that."
)
ENTROPY_ROWS = (
    wrong(
        "entropy of the mean",
        "You average the rows first. That entropy says whether the classes are equally frequent "
        "on average; the mean of the rows' entropies says whether each row is sharp. D_cat asks "
        "for the first to be high and the second to be low, so they must not be mixed up.",
        (f"{EACH}.sum(1).mean()", "torch.special.entr(y.mean(0)).sum()"),
    ),
    wrong(
        "mean over classes",
        "You average over the classes as well. Sum over the classes, mean over the rows.",
        (".sum(1).mean()", ".mean()"),
    ),
    wrong(
        "sum over the batch",
        "You sum over the rows as well. Take their mean.",
        (".sum(1).mean()", ".sum()"),
    ),
    wrong(
        "sum over the rows, mean over the classes",
        "You sum over the rows (dimension 0) and average over the classes: the other way round.",
        (".sum(1)", ".sum(0)"),
    ),
    wrong("bits, not nats", BITS, (".mean()", ".mean() / 0.6931471805599453")),
    wrong(
        "sign lost",
        "Negative: log p is below 0, so a minus belongs in front of the sum.",
        (EACH, f"-{EACH}"),
    ),
    wrong(
        "softmax applied again",
        "You apply a softmax to y, which is one already: that makes it nearly even.",
        (EACH, "torch.special.entr(y.softmax(1))"),
    ),
    wrong(
        "probability left out",
        "You average −log p over the classes as if all were equally likely. Each −log p is "
        "weighted by its p.",
        (EACH, "-y.log()"),
    ),
    wrong("zero times log zero", ZERO, (EACH, "-(y * y.log())")),
    wrong(
        "rows of nan set to 0",
        "You set the entropy of every row with a 0 in it to 0. That is right for a one-hot row "
        "alone: in (½, ½, 0) one class is impossible, and the other two are even. It is the one "
        "term 0 · log 0 that is 0.",
        (f"{EACH}.sum(1).mean()", "(-(y * y.log())).sum(1).nan_to_num(0).mean()"),
    ),
    wrong(
        "rows with a zero left out",
        "You leave out the rows that have a 0 in them. They count in the mean; it is the one term "
        "0 · log 0 that is 0.",
        (f"{EACH}.sum(1).mean()", "(-(y * y.log())).sum(1)[(y > 0).all(1)].mean()"),
    ),
    wrong(
        "one-hot rows left out",
        "One-hot rows have entropy 0 and count in the mean: divide by the number of all rows.",
        (f"{EACH}.sum(1).mean()", "torch.special.entr(y).sum(1)[y.max(1).values < 1].mean()"),
    ),
    wrong(
        "a small number added",
        "You add a small number to y before the logarithm, and it shows: soft rows come out wrong "
        "in the last digits, or a one-hot row does not give 0. torch.special.entr needs no such "
        "help.",
        (EACH, "-(y * (y + 1e-3).log())"),
    ),
)


def _entropy_probes(_trial: Trial) -> Iterator[Probe]:
    number = partial(values, gradients=False, number=True)
    for rows, classes in ((7, 5), (1, 3), (4, 12)):
        yield from values(
            (2 * torch.randn(rows, classes)).softmax(1), gradients=False, number=True
        )
    y = (2 * torch.randn(6, 5)).softmax(1)
    y[0], y[4] = torch.eye(5)[2], torch.eye(5)[0]
    y[1] = torch.tensor([0.0, 0.5, 0.2, 0.3, 0.0])  # a class that is impossible, and no certainty
    hot = partial(number, cause="rows with a zero", says=ZEROS)
    yield from hot(y)
    yield from hot(torch.eye(4), atol=1e-5)


entropy = Exercise(
    name="4.2",
    title="the entropy of y",
    read="lesson 4, sections 4.2 and 4.6",
    hints=(
        "One number for each row first: minus the sum over its classes of p log p.",
        "Then the mean over the rows. Which dimension is which?",
        "What should 0 · log 0 be? torch.special.entr(p) is −p log p with that value.",
    ),
    answer=_entropy,
    test=run_probes(_entropy_probes),
    wrong=ENTROPY_ROWS,
)
