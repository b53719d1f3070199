"""Lesson 5: a label split and the classification loss; epoch and updates have their own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.semi_supervised_epoch import epoch
from aae_lessons.checks.semi_supervised_split import balanced_labels
from aae_lessons.checks.semi_supervised_step import broken_step, mended_step, step
from aae_lessons.checks.shared import BITS
from aae_lessons.checks.trial import Trial

__all__ = ["balanced_labels", "broken_step", "classification", "epoch", "mended_step", "step"]

# ---------------------------------------------------------------- 5.2 the classification loss


def _classification_loss(logits, label):
    known = label >= 0
    return F.cross_entropy(logits[known], label[known])


LOSS = "F.cross_entropy(logits[known], label[known])"
FAR = (
    "Right for small logits, wrong for large ones: a softmax of 0 has the logarithm −∞, and a "
    "small number added to it is a bound. log_softmax works on the logits."
)
RIGHT_CLASS = "logits[known].softmax(1)[torch.arange(int(known.sum())), label[known]]"
LOSS_ROWS = (
    wrong(
        "softmax before cross_entropy",
        "You apply a softmax, and then a function that applies it again: cross_entropy takes "
        "logits. With the softmax the loss can't come near 0, and its gradient is small just "
        "where the network is wrong.",
        ("logits[known]", "logits[known].softmax(1)"),
    ),
    wrong(
        "mean over all images",
        "You divide by the number of all images. Those without a label don't count.",
        (LOSS, "F.cross_entropy(logits[known], label[known], reduction='sum') / len(label)"),
    ),
    wrong(
        "no label taken for a class",
        "An index of −1 counts from the end: images without a label are taught to be of the last "
        "class. Leave them out.",
        (LOSS, "F.cross_entropy(logits, label % logits.shape[1])"),
    ),
    wrong(
        "no label taken for zero",
        "Images without a label are taught to be zeros (a clamp?). Leave them out.",
        (LOSS, "F.cross_entropy(logits, label.clamp(min=0))"),
    ),
    wrong(
        "sum over the batch",
        "You sum over the images. Then the step depends on how many labels the batch has. Take "
        "the mean.",
        (LOSS, "F.cross_entropy(logits[known], label[known], reduction='sum')"),
    ),
    wrong(
        "zeros left out",
        "You leave out the images of class 0 as well. Only −1 means that there is no label: label "
        ">= 0.",
        ("label >= 0", "label > 0"),
    ),
    wrong(
        "log forgotten",
        "You take minus the logit of the right class. It is not a log-probability yet: the "
        "log-sum-exp of all logits is missing (nll_loss takes log_softmax).",
        ("F.cross_entropy", "F.nll_loss"),
    ),
    wrong(
        "probability without its log",
        "You take minus the probability of the right class. Take minus its logarithm.",
        (LOSS, "F.nll_loss(logits[known].softmax(1), label[known])"),
    ),
    wrong(
        "softmax over the batch",
        "Your softmax runs over the images (dimension 0). It belongs over the classes, dimension "
        "1.",
        (LOSS, "F.nll_loss(logits[known].log_softmax(0), label[known])"),
    ),
    wrong(
        "sign lost",
        "Your loss is negative: it would be descended away from the labels.",
        (LOSS, f"-{LOSS}"),
    ),
    wrong("bits, not nats", BITS, (LOSS, f"{LOSS} / 0.6931471805599453")),
    wrong("softmax, then log", FAR, (LOSS, f"-{RIGHT_CLASS}.log().mean()")),
    wrong("softmax, then log", FAR, (LOSS, f"-({RIGHT_CLASS} + 1e-9).log().mean()")),
)


def _classification_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, classes, known in ((12, 5, 8), (9, 12, 9), (1, 3, 1), (6, 2, 1)):
        label = torch.arange(rows) % classes
        label[torch.randperm(rows)[known:]] = -1
        yield from values(torch.randn(rows, classes), label)
    far = partial(values, cause="softmax, then log", says=FAR)
    label = torch.arange(12) % 5
    label[::3] = -1
    yield from far(150 * torch.randn(12, 5), label)


classification = Exercise(
    name="5.2",
    title="the classification loss",
    read="lesson 5, sections 5.3 and 5.9",
    hints=(
        "Which rows have a label? label >= 0.",
        "F.cross_entropy takes logits, and applies log_softmax itself.",
        "F.cross_entropy(logits[known], label[known]): a mean over the known ones.",
    ),
    answer=_classification_loss,
    test=run_probes(_classification_probes),
    wrong=LOSS_ROWS,
)
