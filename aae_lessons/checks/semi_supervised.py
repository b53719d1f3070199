"""Lesson 5: a label split and the classification loss; epoch and updates have their own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.semi_supervised_epoch import epoch
from aae_lessons.checks.semi_supervised_split import balanced_labels
from aae_lessons.checks.semi_supervised_step import broken_step, mended_step, step
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

__all__ = ["balanced_labels", "broken_step", "classification", "epoch", "mended_step", "step"]


def _classification_loss(logits, label):
    known = label >= 0
    return F.cross_entropy(logits[known], label[known])


FAR = (
    "Right for small logits, wrong for large ones: a softmax of 0 has the logarithm −∞, and a "
    "small number added to it is a bound. log_softmax works on the logits."
)
CLASSIFICATION = """
5.2 the classification loss
read: lesson 5, sections 5.3 and 5.9
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
    far = partial(values, cause="softmax, then log", says=FAR)
    label = torch.arange(12) % 5
    label[::3] = -1
    yield from far(150 * torch.randn(12, 5), label)


classification = exercise(_classification_loss, _classification_probes, CLASSIFICATION)
