"""Lesson 5: a label split and the classification loss; epoch and updates have their own files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.semi_supervised_epoch import epoch
from aae_lessons.checks.semi_supervised_step import broken_step, mended_step, step
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

__all__ = ["balanced_labels", "broken_step", "classification", "epoch", "mended_step", "step"]


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
read: lesson 5, sections 5.1 and 5.10
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


def _classification_loss(logits, label):
    known = label >= 0
    return F.cross_entropy(logits[known], label[known])


CLASSIFICATION = """
5.2 the classification loss
read: lesson 5, sections 5.3 and 5.11
hint: Which rows have a label? label >= 0.
hint: F.cross_entropy takes logits, and applies log_softmax itself.
hint: F.cross_entropy(logits[known], label[known]): a mean over the known ones.
softmax before cross_entropy: You apply a softmax, and then a function that applies it again:
    cross_entropy takes logits. With the softmax the loss can't come near 0, and its gradient is
    small just where the network is wrong.
    logits[known] → logits[known].softmax(1)
mean over all images: You divide by the number of all images. Those without a label don't count.
    label[known]) → label[known], reduction='sum') / len(label)
no label taken for a class: An index of −1 counts from the end: images without a label are taught
    to be of the last class. Leave them out.
    F.cross_entropy(logits[known], label[known]) → F.cross_entropy(logits, label % logits.shape[1])
no label taken for zero: Images without a label are taught to be zeros (a clamp?). Leave them out.
    F.cross_entropy(logits[known], label[known]) → F.cross_entropy(logits, label.clamp(min=0))
sum over the batch: You sum over the images. Then the step depends on how many labels the batch
    has. Take the mean.
    label[known]) → label[known], reduction='sum')
zeros left out: You leave out the images of class 0 as well. Only −1 means that there is no label:
    label >= 0.
    label >= 0 → label > 0
log forgotten: You take minus the logit of the right class. It is not a log-probability yet: the
    log-sum-exp of all logits is missing (nll_loss takes log_softmax).
    F.cross_entropy → F.nll_loss
probability without its log: You take minus the probability of the right class. Take minus its
    logarithm.
    F.cross_entropy(logits[known] → F.nll_loss(logits[known].softmax(1)
softmax over the batch: Your softmax runs over the images (dimension 0). It belongs over the
    classes, dimension 1.
    F.cross_entropy(logits[known] → F.nll_loss(logits[known].log_softmax(0)
sign lost: Your loss is negative: it would be descended away from the labels.
    F.cross_entropy(logits[known], label[known]) → -F.cross_entropy(logits[known], label[known])
bits, not nats: {BITS}
    label[known]) → label[known]) / 0.6931471805599453
softmax, then log: Right for small logits, wrong for large ones: a softmax of 0 has the logarithm
    −∞, and a small number added to it is a bound. log_softmax works on the logits.
    F.cross_entropy(logits[known], label[known])
    → -logits[known].softmax(1)[torch.arange(int(known.sum())), label[known]].log().mean()
    or F.cross_entropy(logits[known], label[known])
    → -(logits[known].softmax(1)[torch.arange(int(known.sum())), label[known]] + 1e-9).log().mean()
"""


def _classification_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, classes, known in ((12, 5, 8), (9, 12, 9), (1, 3, 1), (6, 2, 1)):
        label = torch.arange(rows) % classes
        label[torch.randperm(rows)[known:]] = -1
        yield from values(torch.randn(rows, classes), label)
    far = partial(values, cause="softmax, then log", says="")
    label = torch.arange(12) % 5
    label[::3] = -1
    yield from far(150 * torch.randn(12, 5), label)


classification = exercise(_classification_loss, _classification_probes, CLASSIFICATION)
