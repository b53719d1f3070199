"""Checks of lesson 5: a label split, the classification loss, what an epoch is, and the step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.checks.semi_supervised_step import mended_step, step

__all__ = ["balanced_labels", "classification", "epoch", "mended_step", "step"]

# ------------------------------------------------------------------ 5.1 a balanced label split

CLASSES, WANTED, HELD_OUT = 10, 40, 150


def _balanced_labels(labels: Tensor, held_out: int, n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    training = labels[: len(labels) - held_out]
    chosen = []
    for k in range(10):
        rows = (training == k).nonzero().flatten()
        order = torch.randperm(len(rows), generator=generator)
        chosen.append(rows[order[: n // 10]])
    return torch.cat(chosen)


def _some_labels() -> Tensor:
    """(900,): low digits are frequent, 150 images have no label, the last 150 are held out."""
    uneven = torch.cat([torch.arange(10).repeat(45), torch.randint(5, (150,))])
    training = torch.cat([uneven, torch.full((150,), -1)])[torch.randperm(750)]
    return torch.cat([training, torch.randint(10, (HELD_OUT,))])


def _test_balanced(trial: Trial) -> None:
    labels, state = _some_labels(), torch.get_rng_state()
    splits = [trial(labels, HELD_OUT, WANTED, seed) for seed in range(3)]
    if not torch.equal(state, torch.get_rng_state()):
        says = (
            "Your split changes torch's global random state: everything drawn after it, weights "
            "and shuffles, then depends on the split. Use torch.Generator().manual_seed(seed)."
        )
        again = trial(labels, HELD_OUT, WANTED, 0)
        _test_repeats(trial, splits[0], again)
        trial.refuse("global random state changed", says)
    for rows in splits:
        _test_positions(trial, rows, labels)
        _test_choice(trial, rows, labels)
    _test_repeats(trial, splits[0], trial(labels, HELD_OUT, WANTED, 0))
    if torch.equal(splits[0].sort().values, splits[1].sort().values):
        says = "Seeds 0 and 1 give the same images. Is it always the first ones of each class?"
        trial.refuse("seed not used", says)


def _test_repeats(trial: Trial, first: object, again: object) -> None:
    if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
        says = "The same seed gives another split each time: nobody could repeat your run."
        trial.refuse("another split for the same seed", says)


def _test_positions(trial: Trial, rows: object, labels: Tensor) -> None:
    if isinstance(rows, Tensor) and rows.dtype == torch.bool:
        says = "You return a mask. Positions are wanted: mask.nonzero().flatten()."
        trial.refuse("a mask, not positions", says, rows.dtype, torch.int64)
    if isinstance(rows, Tensor) and rows.shape == (WANTED * CLASSES,):
        says = "You take n of each class. There are n labels in all, n/10 of each class."
        trial.refuse("n of each class", says, len(rows), WANTED)
    rows = trial.tensor(rows, (WANTED,), labels)
    if rows.dtype != torch.int64 or rows.min() < 0 or rows.max() >= len(labels):
        says = "Positions in `labels` are wanted: whole numbers from 0 to N-1."
        trial.refuse("not positions", says, rows.dtype, torch.int64)
    if rows.max() < CLASSES:
        says = "You return the labels of the chosen images. Return their positions."
        trial.refuse("labels, not positions", says)


def _test_choice(trial: Trial, rows: Tensor, labels: Tensor) -> None:
    held = int((rows >= len(labels) - HELD_OUT).sum())
    if held:
        says = (
            f"{held} of your images are held out. A network that has seen their labels can't be "
            "judged by them: the error would look better than it is."
        )
        trial.refuse("drawn from the held-out images", says, held, 0)
    unknown = int((labels[rows] < 0).sum())
    if unknown:
        says = f"{unknown} of your images have no label (−1). They are not a class."
        trial.refuse("images without a label", says, unknown, 0)
    if len(rows.unique()) < WANTED:
        says = "Some image is chosen twice: that is one label less. Draw without replacement."
        trial.refuse("the same image twice", says, len(rows.unique()), WANTED)
    counts = labels[rows].bincount(minlength=CLASSES)
    if not bool((counts == WANTED // CLASSES).all()):
        says = "The classes are not equally frequent. Take n/10 images of each."
        trial.refuse("not balanced", says, counts.max(), WANTED // CLASSES)


balanced_labels = Exercise(
    name="5.1",
    title="a balanced label split",
    read="lesson 5, sections 5.1 and 5.8, and balanced_subset in aae_lessons/data/labels.py",
    hints=(
        "Where are the images of class k? (labels == k).nonzero().flatten().",
        "A generator of your own: torch.Generator().manual_seed(seed), given to torch.randperm.",
        "Cut the held-out images off before you look for anything: labels[:N - held_out].",
    ),
    answer=_balanced_labels,
    test=_test_balanced,
)

# ---------------------------------------------------------------- 5.2 the classification loss


def _classification(logits: Tensor, label: Tensor) -> Tensor:
    known = label >= 0
    return F.cross_entropy(logits[known], label[known])


def _each(logits: Tensor, label: Tensor) -> Tensor:
    known = label >= 0
    return F.cross_entropy(logits[known], label[known], reduction="none")


LOSS_MISTAKES = (
    Mistake(
        "softmax before cross_entropy",
        "You apply a softmax, and then a function that applies it again: cross_entropy wants "
        "logits. With the softmax the loss can't come near 0, and its gradient is small just "
        "where the network is wrong.",
        lambda logits, label: _each(logits.softmax(1), label).mean(),
    ),
    Mistake(
        "mean over all images",
        "You divide by the number of all images. Those without a label don't count.",
        lambda logits, label: _each(logits, label).sum() / len(label),
    ),
    Mistake(
        "no label taken for a class",
        "An index of −1 counts from the end: images without a label are taught to be of the last "
        "class. Leave them out.",
        lambda logits, label: F.cross_entropy(logits, label % logits.shape[1]),
    ),
    Mistake(
        "no label taken for zero",
        "Images without a label are taught to be zeros (a clamp?). Leave them out.",
        lambda logits, label: F.cross_entropy(logits, label.clamp(min=0)),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the images. Then the step depends on how many labels the batch has. Take "
        "the mean.",
        lambda logits, label: _each(logits, label).sum(),
    ),
    Mistake(
        "log forgotten",
        "You take minus the logit of the right class. It is not a log-probability yet: the "
        "log-sum-exp of all logits is missing (nll_loss wants log_softmax).",
        lambda logits, label: F.nll_loss(logits, label, ignore_index=-1),
    ),
    Mistake(
        "probability without its log",
        "You take minus the probability of the right class. Its logarithm is wanted.",
        lambda logits, label: F.nll_loss(logits.softmax(1), label, ignore_index=-1),
    ),
    Mistake(
        "sign lost",
        "Your loss is negative: it would be descended away from the labels.",
        lambda logits, label: -_each(logits, label).mean(),
    ),
    Mistake(
        "bits, not nats",
        "You use the logarithm to base 2. The course counts in nats.",
        lambda logits, label: _each(logits, label).mean() / math.log(2),
    ),
)


def _test_classification(trial: Trial) -> None:
    logits, label = torch.randn(12, 5), torch.randint(5, (12,))
    label[torch.randperm(12)[:4]] = -1
    inputs = logits, label
    trial.equal(trial(*inputs), _classification(*inputs), inputs, LOSS_MISTAKES)
    logits = (150 * torch.randn(12, 5)).requires_grad_()
    got, expected = trial(logits, label), _classification(logits, label)
    if isinstance(got, Tensor) and not torch.allclose(got.double(), expected.double(), rtol=1e-3):
        says = (
            "Right for small logits, wrong for large ones: a softmax of 0 has the logarithm −∞, "
            "and a small number added to it is a bound. log_softmax works on the logits."
        )
        trial.refuse("softmax, then log", says, got, expected)
    if not got.requires_grad:
        says = "No gradient flows back to the logits. Did .item() or .detach() cut it?"
        trial.refuse("gradient cut", says)


classification = Exercise(
    name="5.2",
    title="the classification loss",
    read="lesson 5, sections 5.3 and 5.8",
    hints=(
        "Which rows have a label? label >= 0.",
        "F.cross_entropy takes logits, and applies log_softmax itself.",
        "F.cross_entropy(logits[known], label[known]): a mean over the known ones.",
    ),
    answer=_classification,
    test=_test_classification,
)

# ------------------------------------------------------------------------ 5.3 what an epoch is

Pairs = Sequence[tuple[Tensor, Tensor]]
IMAGES, SIZE, UPDATES = 125, 12, 10


def _epoch(n: int, labelled: Tensor, size: int) -> Pairs:
    order, updates = torch.randperm(n), n // size
    rounds = math.ceil(updates * size / len(labelled))
    turns = torch.cat([labelled[torch.randperm(len(labelled))] for _ in range(rounds)])
    parts = [slice(i * size, (i + 1) * size) for i in range(updates)]
    return [(order[part], turns[part]) for part in parts]


def _test_epoch(trial: Trial) -> None:
    labelled = torch.randperm(IMAGES)[:24]
    pairs = _pairs(trial, labelled)
    _test_updates(trial, len(pairs), labelled)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            says = "For each update a pair: positions of any images, positions of labelled ones."
            trial.refuse("pairs wanted", says)
        trial.tensor(pair[0], (SIZE,))
        trial.tensor(pair[1], (SIZE,))
    order, turns = (torch.cat([pair[i] for pair in pairs]) for i in (0, 1))
    _test_pass(trial, order)
    _test_turns(trial, turns, labelled)
    again = torch.cat([pair[0] for pair in _pairs(trial, labelled)])
    if torch.equal(again, order):
        says = "The next epoch comes in the same order. Shuffle afresh in each."
        trial.refuse("the same order each epoch", says)


def _pairs(trial: Trial, labelled: Tensor) -> Pairs:
    """The answer's pairs, from a list or a generator."""
    result = trial(IMAGES, labelled, SIZE)
    if not isinstance(result, Iterable):
        says = "A list of pairs is wanted, one pair for each update."
        trial.refuse("pairs wanted", says, type(result).__name__, "list")
    return list(result)


def _test_updates(trial: Trial, result: int, labelled: Tensor) -> None:
    if result == len(labelled) // SIZE:
        says = (
            "Your epoch ends when the labelled images have been seen once. With 100 labels and a "
            "batch of 100 that is one update. An epoch is a pass over the images without labels."
        )
        trial.refuse("epoch over the labelled images", says, result, UPDATES)
    if result == UPDATES + 1:
        says = "The last, smaller batch is to be left out: every update has the same size."
        trial.refuse("ragged last batch", says, result, UPDATES)
    if result != UPDATES:
        says = f"{IMAGES} images in batches of {SIZE} are {IMAGES} // {SIZE} updates."
        trial.refuse("wrong number of updates", says, result, UPDATES)


def _test_pass(trial: Trial, order: Tensor) -> None:
    if len(order.unique()) < len(order):
        says = "Some image comes twice in one pass, and others not at all: not a pass."
        trial.refuse("an image twice", says, len(order.unique()), len(order))
    if torch.equal(order, torch.arange(len(order))):
        says = "The images come in the order of the file. Shuffle: torch.randperm(n)."
        trial.refuse("not shuffled", says)


def _test_turns(trial: Trial, turns: Tensor, labelled: Tensor) -> None:
    if not bool(torch.isin(turns, labelled).all()):
        says = "The second of a pair holds images without a label. Index `labelled` itself."
        trial.refuse("images without a label", says)
    rounds = turns.view(-1, len(labelled))
    counts = turns.bincount(minlength=IMAGES)[labelled]
    if counts.max() != counts.min():
        says = (
            "Some labelled images come more often than others. With so few labels that counts: "
            "let them go round, each once before any comes again."
        )
        trial.refuse("labels not equally often", says, counts.max(), counts.min())
    if torch.equal(rounds[0], rounds[1]) and torch.equal(rounds[1], rounds[2]):
        says = (
            "Each round of the labelled images has the same order, so the same batches come again "
            "and again. itertools.cycle(loader) does that: it keeps the first round. Shuffle each."
        )
        trial.refuse("shuffles frozen", says)


epoch = Exercise(
    name="5.3",
    title="one epoch of pairs of minibatches",
    read="lesson 5, section 5.3, and aae_lessons/data/minibatches.py",
    hints=(
        "The number of updates comes from all images: n // size.",
        "One order of all images; several orders of the labelled ones, one after the other.",
        "torch.cat of labelled[torch.randperm(len(labelled))], as many rounds as are needed.",
    ),
    answer=_epoch,
    test=_test_epoch,
)
