"""Lesson 6: the one-to-one error."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant, wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.trial import Trial

ACCURACY = "That is the share of right ones. The error is the share of wrong ones."


def telling(exercise: Exercise, draw: Callable) -> tuple[Tensor, ...]:
    """Inputs for which the worked answer and every row's mutant give different values."""
    answers = [exercise.answer, *(mutant(exercise.answer, row) for row in exercise.wrong)]
    for _ in range(300):
        inputs = draw()
        values = []
        for answer in answers:
            with contextlib.suppress(Exception):
                values.append(float(answer(*inputs)))
        if min(b - a for a, b in itertools.pairwise(sorted(values))) > 1e-4:
            break
    return inputs


def _one_to_one_error(counts):
    cluster, label = linear_sum_assignment(counts.numpy(), maximize=True)
    return 1 - counts[cluster, label].sum() / counts.sum()


def _greedy(counts: Tensor) -> Tensor:
    left, result = counts.clone(), torch.zeros(())
    for _ in range(counts.shape[1]):
        row, column = divmod(int(left.argmax()), left.shape[1])
        result = result + counts[row, column]
        left[row], left[:, column] = -1, -1
    return 1 - result / counts.sum()


RIGHT = "counts[cluster, label].sum()"
MATCH_ROWS = (
    wrong(
        "many-to-one",
        "You give each cluster its most frequent label, and several clusters may have the same. "
        "That is many-to-one, and lower. One-to-one: each label names one cluster at most.",
        (RIGHT, "counts.max(1).values.sum()"),
    ),
    wrong(
        "one cluster for several labels",
        "You give each label its most frequent cluster, and several labels may have the same.",
        (RIGHT, "counts.max(0).values.sum()"),
    ),
    wrong(
        "greedy matching",
        "You match the largest count first, then the next. That can cost more at the end than it "
        "wins at the start; the best matching looks at all pairs together (Hungarian method).",
        _greedy,
    ),
    wrong(
        "worst matching",
        "You minimise the number of right images: linear_sum_assignment minimises a cost unless "
        "it is called with maximize=True.",
        (", maximize=True", ""),
    ),
    wrong(
        "unmatched clusters left out",
        "You divide by the images in matched clusters. Those in clusters without a name are "
        "errors, not absent.",
        ("counts.sum()", "counts[cluster].sum()"),
    ),
    wrong(
        "cluster number taken for a label",
        "You count the diagonal: cluster 3 need not hold the threes.",
        (RIGHT, "counts.diagonal().sum()"),
    ),
    wrong("accuracy, not error", ACCURACY, ("1 - counts", "counts")),
    wrong(
        "percent",
        "That is in percent. Return a share, 0 to 1.",
        ("return 1 - counts", "return 100 - 100 * counts"),
    ),
    wrong(
        "a number of images",
        "That is a number of images. Return the share of the wrong ones, 0 to 1.",
        (f"1 - {RIGHT} / counts.sum()", f"counts.sum() - {RIGHT}"),
    ),
)


def _draw_counts() -> tuple[Tensor]:
    """Images of 4 classes in 5 clusters, (5, 4); the largest count is not in the best matching."""
    counts = torch.tensor(
        [[20, 18, 0, 0], [17, 2, 0, 0], [0, 0, 15, 0], [0, 0, 0, 12], [0, 0, 9, 0]]
    )
    counts = (counts + torch.randint(3, counts.shape)).float()
    return (counts[torch.randperm(5)][:, torch.randperm(4)],)


def _one_to_one_probes(trial: Trial) -> Iterator[Probe]:
    share = partial(values, gradients=False, number=True)
    yield from share(*telling(trial.exercise, _draw_counts))
    for clusters, classes in ((3, 3), (6, 2), (6, 5)):
        counts = torch.randint(40, (clusters, classes)).float()
        yield from share(counts[torch.randperm(clusters)] + 1)


one_to_one_error = Exercise(
    name="6.3",
    title="the one-to-one error",
    read="lesson 6, section 6.3",
    hints=(
        "Choose for each label one cluster, no cluster twice, so that most images are right.",
        "scipy.optimize.linear_sum_assignment finds it. Does it minimise or maximise?",
        "All images count below the line, those in clusters without a name as well.",
    ),
    answer=_one_to_one_error,
    test=run_probes(_one_to_one_probes),
    wrong=MATCH_ROWS,
)
