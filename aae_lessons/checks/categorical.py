"""Lesson 4: one-hot samples and entropy; network, Gumbel-softmax and updates have own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.categorical_gumbel import gumbel_softmax
from aae_lessons.checks.categorical_network import discriminator
from aae_lessons.checks.categorical_step import broken_step, mended_step, step
from aae_lessons.checks.draws import gap, independent, too_even
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

__all__ = [
    "broken_step",
    "discriminator",
    "entropy",
    "gumbel_softmax",
    "mended_step",
    "one_hot",
    "step",
]

DRAWS = 20_000


def _sample_one_hot(n, classes):
    index = torch.randint(classes, (n,))
    return F.one_hot(index, classes).float()


ONE_HOT = """
4.1 one-hot samples of the categorical prior
read: lesson 4, sections 4.2 and 4.15
hint: Draw a class for each of the n rows first, each from 0 to K − 1.
hint: torch.randint(K, (n,)) draws n classes. What turns a class into a row?
hint: F.one_hot(index, K) gives whole numbers; .float() makes them fit for a network.
whole numbers: These are whole numbers, and a network multiplies floats: add .float().
    .float() →
soft rows: Your rows are soft: numbers other than 0 and 1. A sample of Cat(K) is one class, so one
    entry is 1 and the others are 0. It is from these that D_cat learns that y should be sharp.
    F.one_hot(index, classes).float() → torch.randn(n, classes).softmax(1)
not one class in each row: There must be exactly one 1 in each row: a sample is in one class.
    F.one_hot(index, classes).float() → (torch.rand(n, classes) < 1 / classes).float()
one class for all: Every row is in the same class. Draw a class for each row: size (n,).
    torch.randint(classes, (n,)) → torch.randint(classes, (1,)).expand(n)
classes not equally likely: The classes are not equally likely. randint(K, (n,)) gives 0 to K − 1,
    all alike; rounding and randint(K − 1, …) do not.
    torch.randint(classes, (n,)) → (torch.rand(n) * (classes - 1)).round().long()
draws in turn: {SERIAL}
    torch.randint(classes, (n,)) → torch.arange(n) % classes
balanced, not drawn: {EVEN}
    torch.randint(classes, (n,)) → (torch.arange(n) % classes)[torch.randperm(n)]
the same each time: {SEEDED}
    index = → torch.manual_seed(0); index =
number of classes not given: Some batches have too few columns: F.one_hot(index) makes as many as
    the largest class that happened to be drawn. Give it the number of classes.
    F.one_hot(index, classes) → F.one_hot(index)
number of classes written into the code: It always has ten columns. K is an argument: `classes`.
    torch.randint(classes, (n,)) → torch.randint(10, (n,))
    index, classes → index, 10
"""


def _test_one_hot(trial: Trial) -> None:
    y = trial(DRAWS, 10)
    _test_rows(trial, y, 10)
    share = y.mean(0)
    if share.max() == 1:
        trial.refuse("one class for all")
    if (
        not torch.equal(y, trial(DRAWS, 10))
        and gap(y.sum(0).double(), torch.full((10,), 1e7).double()) > 6.5
    ):
        cause = "classes not equally likely"
        trial.refuse(cause, "", share, torch.full((10,), 0.1))
    if not independent(y.argmax(1), 10):
        trial.refuse("draws in turn")
    if torch.equal(y, trial(DRAWS, 10)):
        trial.refuse("the same each time")
    samples = [trial(700, 7) for _ in range(12)]
    for sample in samples:
        _test_rows(trial, sample, 7, 700)
    if too_even([sample.argmax(1) for sample in samples], torch.full((7,), 1 / 7)):
        trial.refuse("balanced, not drawn")
    for n, classes in ((1, 10), (3, 12), (2, 3)) * 4:
        small = trial(n, classes)
        if isinstance(small, Tensor) and small.dim() == 2 and 0 < small.shape[1] < classes:
            trial.refuse("number of classes not given")
        _test_rows(trial, small, classes, n)


def _test_rows(trial: Trial, y: Tensor, classes: int, n: int = DRAWS) -> None:
    """Rows of 0 and 1, a 1 in each, of a floating-point dtype."""
    if isinstance(y, Tensor) and classes != 10 and y.shape == (n, 10):
        cause = "number of classes written into the code"
        trial.refuse(cause, "", tuple(y.shape), (n, classes))
    trial.tensor(y, (n, classes))
    if not y.is_floating_point():
        trial.refuse("whole numbers", "", y.dtype, torch.float32)
    if not bool(((y == 0) | (y == 1)).all()):
        row = y[((y != 0) & (y != 1)).any(1)][0]
        trial.refuse("soft rows", "", f"a row with {row.max():.3g} in it", "0 and 1")
    if not bool((y.sum(1) == 1).all()):
        count = int(y.sum(1)[y.sum(1) != 1][0])
        cause = "not one class in each row"
        trial.refuse(cause, "", f"a row with {count} ones", "one 1 in each row")


one_hot = exercise(_sample_one_hot, _test_one_hot, ONE_HOT)


def _entropy(y):
    return torch.special.entr(y).sum(1).mean()


ZEROS = (
    "Right for soft rows, wrong where a row has a zero in it. Such a row counts like any other, "
    "and 0 · log 0 is 0 in the limit: torch.special.entr and torch.xlogy know that."
)
ENTROPY = """
4.2 the entropy of y
read: lesson 4, section 4.2
hint: One number for each row first: minus the sum over its classes of p log p.
hint: Then the mean over the rows. Which dimension is which?
hint: What should 0 · log 0 be? torch.special.entr(p) is −p log p with that value.
entropy of the mean: You average the rows first. That entropy says whether the classes are equally
    frequent on average; the mean of the rows' entropies says whether each row is sharp. D_cat asks
    for the first to be high and the second to be low, so they must not be mixed up.
    torch.special.entr(y).sum(1).mean() → torch.special.entr(y.mean(0)).sum()
mean over classes: You average over the classes as well. Sum over the classes, mean over the rows.
    .sum(1).mean() → .mean()
sum over the batch: You sum over the rows as well. Take their mean.
    .sum(1).mean() → .sum()
sum over the rows, mean over the classes: You sum over the rows (dimension 0) and average over the
    classes: the other way round.
    .sum(1) → .sum(0)
bits, not nats: {BITS}
    .mean() → .mean() / 0.6931471805599453
sign lost: Negative: log p is below 0, so a minus belongs in front of the sum.
    torch.special.entr(y) → -torch.special.entr(y)
softmax applied again: You apply a softmax to y, which is one already: that makes it nearly even.
    torch.special.entr(y) → torch.special.entr(y.softmax(1))
probability left out: You average −log p over the classes as if all were equally likely. Each −log
    p is weighted by its p.
    torch.special.entr(y) → -y.log()
zero times log zero: Right for soft rows, not a number for a one-hot row: 0 · log 0 is nan in
    floating point, and 0 in the limit. torch.special.entr and torch.xlogy know that.
    torch.special.entr(y) → -(y * y.log())
rows of nan set to 0: You set the entropy of every row with a 0 in it to 0. That is right for a
    one-hot row alone: in (½, ½, 0) one class is impossible, and the other two are even. It is the
    one term 0 · log 0 that is 0.
    torch.special.entr(y).sum(1).mean() → (-(y * y.log())).sum(1).nan_to_num(0).mean()
rows with a zero left out: You leave out the rows that have a 0 in them. They count in the mean; it
    is the one term 0 · log 0 that is 0.
    torch.special.entr(y).sum(1).mean() → (-(y * y.log())).sum(1)[(y > 0).all(1)].mean()
one-hot rows left out: One-hot rows have entropy 0 and count in the mean: divide by the number of
    all rows.
    torch.special.entr(y).sum(1).mean() → torch.special.entr(y).sum(1)[y.max(1).values < 1].mean()
a small number added: You add a small number to y before the logarithm, and it shows: soft rows
    come out wrong in the last digits, or a one-hot row does not give 0. torch.special.entr needs
    no such help.
    torch.special.entr(y) → -(y * (y + 1e-3).log())
"""


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


entropy = exercise(_entropy, _entropy_probes, ENTROPY)
