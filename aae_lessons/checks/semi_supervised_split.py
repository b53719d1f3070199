"""Lesson 5: a balanced label split."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

CLASSES = 10


def _balanced_labels(labels, held_out, n, seed):
    generator = torch.Generator().manual_seed(seed)
    training = labels[: len(labels) - held_out]
    chosen = []
    for k in range(10):
        rows = (training == k).nonzero().flatten()
        order = torch.randperm(len(rows), generator=generator)
        chosen.append(rows[order[: n // 10]])
    return torch.cat(chosen)


BALANCED_LABELS = """
5.1 a balanced label split
read: lesson 5, sections 5.1 and 5.9
hint: Where are the images of class k? (labels == k).nonzero().flatten().
hint: A generator of your own: torch.Generator().manual_seed(seed), given to torch.randperm.
hint: Cut the held-out images off before you look for anything: labels[:N - held_out].
drawn from the held-out images: Some of your images are held out. A network that has seen their
    labels can't be measured by them: the error would look better than it is.
    [: len(labels) - held_out] →
images without a label: Some of your images have no label (−1). They are not a class.
    training == k → training % 10 == k
first images held out: You leave out the first `held_out` images, and your positions count from
    there. The last ones are held out; positions count from the first of `labels`.
    [: len(labels) - held_out] → [held_out:]
n of each class: You take n of each class. There are n labels in all, n/10 of each class.
    n // 10 → n
not balanced: The classes are not equally frequent. Take n/10 images of each.
    chosen = [] → known = (training >= 0).nonzero().flatten(); chosen = []
    for k in range(10):
    → return known[torch.randperm(len(known), generator=generator)[:n]] ⏎ for k in range(10):
the same image twice: Some image is chosen twice: that is one label less. Draw without replacement.
    randperm(len(rows), generator=generator) → randint(5, (len(rows),), generator=generator)
seed not used: Two seeds give the same images. Is it always the first ones of each class?
    torch.randperm(len(rows), generator=generator) → torch.arange(len(rows))
another split for the same seed: The same seed gives another split each time: nobody could repeat
    your run.
    torch.Generator().manual_seed(seed) → None
    chosen = [] → torch.seed(); chosen = []
global random state changed: Your split changes torch's global random state: everything drawn after
    it, weights and shuffles, then depends on the split. Use torch.Generator().manual_seed(seed).
    torch.Generator().manual_seed(seed) → torch.manual_seed(seed)
not chosen from all images: Some images of a class are never chosen, whatever the seed, or some far
    more often than others. Each image of a class should have the same chance.
    torch.randperm(len(rows), → torch.randperm(len(rows) // 2,
images in a row: Your images of a class are neighbours in the file: only where they begin is drawn.
    Choose each of them at random.
    torch.randperm(len(rows), generator=generator)
    → (torch.arange(len(rows)) + torch.randint(len(rows), (1,), generator=generator)) % len(rows)
labels, not positions: You return the labels of the chosen images. Return their positions.
    return torch.cat(chosen) → return labels[torch.cat(chosen)]
a mask, not positions: You return a mask. Return positions: mask.nonzero().flatten().
    return torch.cat(chosen)
    → mask = torch.zeros(len(labels), dtype=torch.bool); return mask
    return mask → mask[torch.cat(chosen)] = True; return mask
positions within the class: You return positions among the images of a class. Return positions in
    `labels`: rows[order], not order.
    rows[order[: n // 10]] → order[: n // 10]
"""


def _some_labels(size: int, held_out: int) -> Tensor:
    """(size,): low digits are frequent, a sixth of the images have no label."""
    training = size - held_out
    uneven = torch.cat([torch.arange(10).repeat(training // 20), torch.randint(4, (training,))])
    uneven = uneven[:training]
    uneven[torch.randperm(training)[: training // 6]] = -1
    return torch.cat([uneven[torch.randperm(training)], torch.randint(10, (held_out,))])


def _test_balanced(trial: Trial) -> None:
    for size, held_out, n in ((900, 150, 40), (613, 97, 20)):
        labels = _some_labels(size, held_out)
        torch.manual_seed(3)
        state = torch.get_rng_state()
        splits = [_split(trial, labels, held_out, n, seed) for seed in (0, 1, 2, 12345)]
        changed = not torch.equal(state, torch.get_rng_state())
        for rows in splits:
            _test_positions(trial, rows, labels, n)
            _test_choice(trial, rows, labels, held_out, n)
        torch.manual_seed(4)
        if not torch.equal(splits[0], _split(trial, labels, held_out, n, 0)):
            trial.refuse("another split for the same seed")
        if changed:
            trial.refuse("global random state changed")
        sets = [set(rows.tolist()) for rows in splits]
        if any(a == b for a, b in itertools.pairwise(sets)):
            trial.refuse("seed not used")
    _test_chances(trial)


def _split(trial: Trial, *inputs: Any) -> Any:
    """The positions that an answer gives; a list or an array of them is as good as a tensor."""
    rows = trial(*inputs)
    return torch.as_tensor(rows) if isinstance(rows, list | tuple | np.ndarray) else rows


def _test_positions(trial: Trial, rows: Any, labels: Tensor, n: int) -> None:
    if isinstance(rows, Tensor) and rows.dtype == torch.bool:
        trial.refuse("a mask, not positions", "", rows.dtype, torch.int64)
    if isinstance(rows, Tensor) and rows.dim() == 1 and len(rows) > 5 * n:
        trial.refuse("n of each class", "", len(rows), n)
    trial.tensor(rows, (n,), labels)
    if rows.is_floating_point() or rows.min() < 0 or rows.max() >= len(labels):
        says = "Return positions in `labels`: whole numbers from 0 to N − 1."
        trial.refuse("not positions", says, rows.dtype, torch.int64)
    if rows.max() < CLASSES:
        trial.refuse("labels, not positions")


def _test_choice(trial: Trial, rows: Tensor, labels: Tensor, held_out: int, n: int) -> None:
    rows = rows.long()
    within = bool((rows < 60).all()) and len(rows.unique()) < n
    held = int((rows >= len(labels) - held_out).sum())
    if held:
        trial.refuse("drawn from the held-out images", "", f"{held} held-out images", "none")
    counts = labels[rows][labels[rows] >= 0].bincount(minlength=CLASSES)
    if within or (bool((rows < 250).all()) and not bool((counts == n // CLASSES).all())):
        trial.refuse("positions within the class")
    later = labels[(rows + held_out).clamp(max=len(labels) - 1)]
    if sorted(later.tolist()) == sorted([*range(CLASSES)] * (n // CLASSES)):
        trial.refuse("first images held out")
    unknown = int((labels[rows] < 0).sum())
    if unknown:
        trial.refuse("images without a label", "", f"{unknown} images without a label", "none")
    if len(rows.unique()) < n:
        trial.refuse("the same image twice", "", f"{len(rows.unique())} images", f"{n} images")
    if not bool((counts == n // CLASSES).all()):
        got = f"{counts.min()} to {counts.max()} of a class"
        trial.refuse("not balanced", "", got, f"{n // CLASSES} of each class")


def _test_chances(trial: Trial) -> None:
    """Over many seeds every image comes, and neighbours no more often together than others."""
    labels = torch.arange(10).repeat(21)[torch.randperm(210)]
    times, near = torch.zeros(210), 0
    rank = torch.stack([(labels[:i] == labels[i]).sum() for i in range(210)])
    for seed in range(100, 140):
        rows = _split(trial, labels, 10, 40, seed).long()
        times[rows] += 1
        for k in range(10):
            ranks = rank[rows[labels[rows] == k]].sort().values
            near += int((ranks.diff() == 1).sum())
    if times[:200].min() == 0 or times.max() > 24:  # 8 of 40 are expected; 24 is 6 σ above
        trial.refuse("not chosen from all images")
    if near > 480:  # of 1200 pairs of neighbours in the choice; 240 are expected by chance
        trial.refuse("images in a row")


balanced_labels = exercise(_balanced_labels, _test_balanced, BALANCED_LABELS)
