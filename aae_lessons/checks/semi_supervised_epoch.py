"""Lesson 5: what an epoch is; one assertion for each clause of its text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from aae_lessons.checks.misconceptions import row
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _epoch(n, labelled, size):
    order, updates = torch.randperm(n), n // size
    rounds = math.ceil(updates * size / len(labelled))
    turns = torch.cat([labelled[torch.randperm(len(labelled))] for _ in range(rounds)])
    parts = [slice(i * size, (i + 1) * size) for i in range(updates)]
    return [(order[part], turns[part]) for part in parts]


EPOCH = """
5.3 one epoch of pairs of minibatches
read: lesson 5, section 5.3
hint: The number of updates comes from all images: n // size.
hint: One order of all images; several orders of the labelled ones, one after the other.
hint: torch.cat of labelled[torch.randperm(len(labelled))], as many rounds as are needed.
epoch over the labelled images: Your epoch ends when the labelled images have been seen once. With
    100 labels and a batch of 100 that is one update. An epoch is a pass over the images without
    labels.
    n // size → len(labelled) // size
ragged last batch: The last, smaller batch is to be left out: every update has the same size.
    n // size → -(-n // size)
wrong number of updates: n images in batches of `size` are n // size updates.
    n // size → n // size - 1
an image twice: Some image comes twice in one pass, and others not at all: not a pass.
    order, updates = torch.randperm(n) → order, updates = torch.randint(n, (n,))
not shuffled: The images come in the order of the file. Shuffle: torch.randperm(n).
    order, updates = torch.randperm(n) → order, updates = torch.arange(n)
not a pass over all images: Some images never come, or always last, in any of your epochs. A pass
    goes over all n images; only which few of them fill no batch at its end is chance.
    order, updates = torch.randperm(n) → order, updates = torch.randperm(n // size * size)
images shuffled in blocks: Images that are neighbours in the file stay neighbours in your epoch:
    blocks of them are shuffled, or only where the epoch begins. Shuffle the images one by one:
    torch.randperm(n).
    randperm(n) → arange(n).roll(int(torch.randint(n, (1,))))
    or = torch.randperm(n
    → = torch.cat([torch.arange(n)[i * size:(i + 1) * size] for i in torch.randperm(n // size + 1)]
the same order each epoch: The next epoch comes in the same order. Shuffle afresh in each.
    randperm(n) → randperm(n, generator=torch.Generator())
images without a label: The second of a pair holds images without a label. Index `labelled` itself.
    labelled[torch.randperm(len(labelled))] → torch.randperm(len(labelled))
labels not equally often: Some labelled images come more often than others. With so few labels that
    counts: let them go round, each once before any comes again.
    randperm(len(labelled)) → randint(len(labelled), (len(labelled),))
shuffles frozen: Each round of the labelled images has the same order, so the same batches come
    again and again. itertools.cycle(loader) does that: it keeps the first round. Shuffle each.
    torch.cat([labelled[torch.randperm(len(labelled))] for _ in range(rounds)])
    → labelled[torch.randperm(len(labelled))].repeat(rounds)
labels not shuffled: The labelled images come in the order in which they are given. Shuffle each
    round.
    labelled[torch.randperm(len(labelled))] → labelled
the same labelled order each epoch: The labelled images come in the same order in every epoch. The
    next call should give other orders, of these too.
    labelled[torch.randperm(len(labelled))]
    → labelled[torch.randperm(len(labelled), generator=generator)]
    rounds = → generator = torch.Generator(); rounds =
"""
EPOCHS = 30


def _test_epoch(trial: Trial) -> None:
    for n, labels, size in ((125, 24, 12), (60, 7, 5), (41, 30, 6), (36, 6, 6), (24, 10, 1)):
        labelled = torch.randperm(n)[:labels]
        first = _pass(trial, n, labelled, size)
        if len(first[0].unique()) < len(first[0]):
            trial.refuse("an image twice", "", len(first[0].unique()), len(first[0]))
        _test_turns(trial, first[1], labelled)
        again, third = _pass(trial, n, labelled, size), _pass(trial, n, labelled, size)
        orders = first[0], again[0], third[0]  # two alike may be chance where one number is drawn
        if all(torch.equal(order, torch.arange(len(order))) for order in orders):
            trial.refuse("not shuffled")
        if all(torch.equal(order, first[0]) for order in orders):
            trial.refuse("the same order each epoch")
        if labels > 5 and torch.equal(again[1], first[1]):
            trial.refuse("the same labelled order each epoch")
    _test_many(trial)


def _pass(trial: Trial, n: int, labelled: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """All positions of an epoch, in their order: of any images, and of labelled ones."""
    pairs = trial(n, labelled, size)
    if not isinstance(pairs, Iterable):
        says = "Return a list of pairs, one pair for each update."
        trial.refuse("pairs expected", says, type(pairs).__name__, "list")
    pairs = list(pairs)
    _test_updates(trial, len(pairs), n, labelled, size)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            says = "For each update a pair: positions of any images, positions of labelled ones."
            trial.refuse("pairs expected", says)
        for rows in pair:
            _test_positions(trial, rows, n, size)
    images, labels = zip(*pairs, strict=True)
    return torch.cat([*map(torch.as_tensor, images)]), torch.cat([*map(torch.as_tensor, labels)])


def _test_positions(trial: Trial, rows: Any, n: int, size: int) -> None:
    rows = torch.as_tensor(rows) if not isinstance(rows, Tensor) else rows
    trial.tensor(rows, (size,))
    if rows.is_floating_point() or rows.min() < 0 or rows.max() >= n:
        says = "Return positions: whole numbers from 0 to n − 1."
        trial.refuse("not positions", says, rows, f"0 to {n - 1}")


def _test_updates(trial: Trial, got: int, n: int, labelled: Tensor, size: int) -> None:
    if got == n // size:
        return
    shown = f"{got} updates", f"{n // size} updates"
    if got == len(labelled) // size:
        trial.refuse("epoch over the labelled images", "", *shown)
    if got == n // size + 1 and n % size:
        trial.refuse("ragged last batch", "", *shown)
    cause = "wrong number of updates"
    trial.refuse(
        cause, f"Here n is {n}, and size {size}. {row(trial.exercise.wrong, cause).says}", *shown
    )


def _test_turns(trial: Trial, turns: Tensor, labelled: Tensor) -> None:
    if not bool(torch.isin(turns, labelled).all()):
        trial.refuse("images without a label")
    rounds = turns.split(len(labelled))
    if any(len(part.unique()) < len(part) for part in rounds):
        trial.refuse("labels not equally often")
    full = [part for part in rounds if len(part) == len(labelled)]
    if full and all(torch.equal(part, labelled) for part in full):
        trial.refuse("labels not shuffled")
    if len(full) > 2 and all(torch.equal(part, full[0]) for part in full):
        trial.refuse("shuffles frozen")


def _test_many(trial: Trial) -> None:
    """Over many epochs: no image is left out, and neighbours don't stay together."""
    n, size, labelled = 61, 6, torch.randperm(61)[:20].sort().values
    place = torch.zeros(3, n)
    together, label_steps = 0, 0
    for _ in range(EPOCHS):
        order, turns = _pass(trial, n, labelled, size)
        for third, part in enumerate(order.split(20)):
            place[third, part] += 1
        together += int((order.diff().abs() == 1).sum())
        rank = torch.searchsorted(labelled, turns)
        label_steps += int((rank[:20].diff() == 1).sum())
    if place.sum(0).min() < EPOCHS // 2:
        trial.refuse("not a pass over all images")
    if together > 4 * EPOCHS * 2 * 59 / 61:  # two neighbours in an epoch are expected by chance
        trial.refuse("images shuffled in blocks")
    if label_steps > 5 * EPOCHS:  # one in a round is expected by chance
        says = "Labelled images that are neighbours stay neighbours. Shuffle them one by one."
        trial.refuse("labels not shuffled", says)
    if place.max() > 24:  # of 30, where 10 are expected
        says = (
            "Some images always come early, others late. Shuffle all of them: torch.randperm(n)."
        )
        trial.refuse("not shuffled", says)


epoch = exercise(_epoch, _test_epoch, EPOCH)
