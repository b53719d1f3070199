"""Lesson 4: one-hot samples and entropy; network, Gumbel-softmax and updates have own files."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.categorical_entropy import entropy
from aae_lessons.checks.categorical_gumbel import gumbel_softmax
from aae_lessons.checks.categorical_network import discriminator
from aae_lessons.checks.categorical_step import broken_step, mended_step, step
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.draws import EVEN, SEEDED, SERIAL, gap, independent, too_even
from aae_lessons.checks.misconceptions import wrong
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

# ---------------------------------------------------------------- 4.1 one-hot prior samples


def _sample_one_hot(n, classes):
    index = torch.randint(classes, (n,))
    return F.one_hot(index, classes).float()


DRAWN, ONE_HOT = "torch.randint(classes, (n,))", "F.one_hot(index, classes).float()"
ONE_HOT_ROWS = (
    wrong(
        "whole numbers",
        "These are whole numbers, and a network multiplies floats: add .float().",
        (".float()", ""),
    ),
    wrong(
        "soft rows",
        "Your rows are soft: numbers other than 0 and 1. A sample of Cat(K) is one class, so one "
        "entry is 1 and the others are 0. It is from these that D_cat learns that y should be "
        "sharp.",
        (ONE_HOT, "torch.randn(n, classes).softmax(1)"),
    ),
    wrong(
        "not one class in each row",
        "There must be exactly one 1 in each row: a sample is in one class.",
        (ONE_HOT, "(torch.rand(n, classes) < 1 / classes).float()"),
    ),
    wrong(
        "one class for all",
        "Every row is in the same class. Draw a class for each row: size (n,).",
        (DRAWN, "torch.randint(classes, (1,)).expand(n)"),
    ),
    wrong(
        "classes not equally likely",
        "The classes are not equally likely. randint(K, (n,)) gives 0 to K − 1, all alike; "
        "rounding and randint(K − 1, …) do not.",
        (DRAWN, "(torch.rand(n) * (classes - 1)).round().long()"),
    ),
    wrong("draws in turn", SERIAL, (DRAWN, "torch.arange(n) % classes")),
    wrong(
        "balanced, not drawn",
        EVEN,
        (DRAWN, "(torch.arange(n) % classes)[torch.randperm(n)]"),
    ),
    wrong(
        "the same each time",
        SEEDED,
        ("    index =", "    torch.manual_seed(0)\n    index ="),
    ),
    wrong(
        "number of classes not given",
        "Some batches have too few columns: F.one_hot(index) makes as many as the largest class "
        "that happened to be drawn. Give it the number of classes.",
        ("F.one_hot(index, classes)", "F.one_hot(index)"),
    ),
    wrong(
        "number of classes written into the code",
        "It always has ten columns. K is an argument: `classes`.",
        (DRAWN, "torch.randint(10, (n,))"),
        ("index, classes", "index, 10"),
    ),
)
SAYS = {row.cause: row.says for row in ONE_HOT_ROWS}


def _test_one_hot(trial: Trial) -> None:
    y = trial(DRAWS, 10)
    _test_rows(trial, y, 10)
    share = y.mean(0)
    if share.max() == 1:
        trial.refuse("one class for all", SAYS["one class for all"])
    if (
        not torch.equal(y, trial(DRAWS, 10))
        and gap(y.sum(0).double(), torch.full((10,), 1e7).double()) > 6.5
    ):
        cause = "classes not equally likely"
        trial.refuse(cause, SAYS[cause], share, torch.full((10,), 0.1))
    if not independent(y.argmax(1), 10):
        trial.refuse("draws in turn", SERIAL)
    if torch.equal(y, trial(DRAWS, 10)):
        trial.refuse("the same each time", SEEDED)
    samples = [trial(700, 7) for _ in range(12)]
    for sample in samples:
        _test_rows(trial, sample, 7, 700)
    if too_even([sample.argmax(1) for sample in samples], torch.full((7,), 1 / 7)):
        trial.refuse("balanced, not drawn", EVEN)
    for n, classes in ((1, 10), (3, 12), (2, 3)) * 4:
        small = trial(n, classes)
        if isinstance(small, Tensor) and small.dim() == 2 and 0 < small.shape[1] < classes:
            trial.refuse("number of classes not given", SAYS["number of classes not given"])
        _test_rows(trial, small, classes, n)


def _test_rows(trial: Trial, y: Tensor, classes: int, n: int = DRAWS) -> None:
    """Rows of 0 and 1, a 1 in each, of a floating-point dtype."""
    if isinstance(y, Tensor) and classes != 10 and y.shape == (n, 10):
        cause = "number of classes written into the code"
        trial.refuse(cause, SAYS[cause], tuple(y.shape), (n, classes))
    trial.tensor(y, (n, classes))
    if not y.is_floating_point():
        trial.refuse("whole numbers", SAYS["whole numbers"], y.dtype, torch.float32)
    if not bool(((y == 0) | (y == 1)).all()):
        row = y[((y != 0) & (y != 1)).any(1)][0]
        trial.refuse(
            "soft rows", SAYS["soft rows"], f"a row with {row.max():.3g} in it", "0 and 1"
        )
    if not bool((y.sum(1) == 1).all()):
        count = int(y.sum(1)[y.sum(1) != 1][0])
        cause = "not one class in each row"
        trial.refuse(cause, SAYS[cause], f"a row with {count} ones", "one 1 in each row")


one_hot = Exercise(
    name="4.1",
    title="one-hot samples of the categorical prior",
    read="lesson 4, sections 4.2 and 4.8",
    hints=(
        "Draw a class for each of the n rows first, each from 0 to K − 1.",
        "torch.randint(K, (n,)) draws n classes. What turns a class into a row?",
        "F.one_hot(index, K) gives whole numbers; .float() makes them fit for a network.",
    ),
    answer=_sample_one_hot,
    test=_test_one_hot,
    wrong=ONE_HOT_ROWS,
)
