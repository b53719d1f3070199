"""Lesson 8: the loss of a transductive support vector machine; VAT's loss, to be mended."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _tsvm_loss(w, labelled, sign, unlabelled, c, c_star):
    size = 0.5 * w.square().sum()
    hinge = (1 - sign * labelled).clamp(min=0).square().sum()
    inside = torch.exp(-3 * unlabelled.square()).mean()
    return size + c * hinge + c_star * inside


TSVM = """
8.5 the loss of a transductive support vector machine
read: lesson 8, section 8.3
hint: Three terms: the size of w, the squared hinge of labelled points, exp(−3f²) of the rest.
hint: The hinge is (1 − y·f).clamp(min=0); square it, sum it, times C.
hint: 0.5 * w.square().sum() + c * hinge + c_star * torch.exp(-3 * f.square()).mean()
hinge not squared: Your hinge is max(0, 1 − yf). Here it is squared: smooth at the margin.
    .clamp(min=0).square() → .clamp(min=0)
no hinge: You square 1 − yf on both sides, which is (y − f)², as in regression. A point far on its
    own side should cost nothing.
    .clamp(min=0) →
sign lost: Points on the wrong side should cost more. Yours cost less: look at 1 − yf.
    1 - sign * labelled → 1 + sign * labelled
unlabelled points drawn to the boundary: Your term is largest far from the boundary. exp(−3f²) is
    largest at f = 0: that is where a point without a label must not be.
    torch.exp(-3 * unlabelled.square()) → (1 - torch.exp(-3 * unlabelled.square()))
f not squared: Your term tells the two sides apart: exp(−3f) is small on one side alone. The point
    may choose its side, so f enters squared.
    unlabelled.square() → unlabelled
factor 3 left out: The factor 3 in exp(−3f²) is missing. It makes the term as wide as the margin.
    -3 * unlabelled → -unlabelled
sum over points without labels: You sum over the points without labels. C* weighs their mean.
    unlabelled.square()).mean() → unlabelled.square()).sum()
mean over labelled points: You take the mean over labelled points. C counts for each of them.
    .square().sum() ⏎ inside → .square().mean() ⏎ inside
half forgotten: The ½ of ½‖w‖² is missing.
    0.5 * w.square() → w.square()
norm not squared: You take the norm of w. It enters squared.
    0.5 * w.square().sum() → 0.5 * w.norm()
costs exchanged: C and C* have changed places.
    c * hinge + c_star * inside → c_star * hinge + c * inside
"""


def _margin_probes(_trial: Trial) -> Iterator[Probe]:
    loss = partial(values, data=(2,))  # nothing is descended by the side of a point
    sign = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    f = torch.tensor([2.0, 0.3, -0.7, -2.5, 0.4])
    yield from loss(torch.randn(3), f, sign, torch.randn(6), 2.0, 5.0, number=True)
    yield from loss(torch.randn(4), 2 * torch.randn(5), sign, torch.randn(3), 0.7, 9.0)


tsvm = exercise(_tsvm_loss, _margin_probes, TSVM)


def _vat_loss(clean, perturbed, labelled, label, weight):
    classification = F.cross_entropy(labelled, label)
    log_p = clean.detach().log_softmax(1)
    log_q = perturbed.log_softmax(1)
    smoothness = (log_p.exp() * (log_p - log_q)).sum(1).mean()
    return classification + weight * smoothness


MENDED_VAT = """
8.6 a broken VAT loss, mended
read: lesson 8, section 8.2
hint: There are three mistakes: one in the cross-entropy, two in the smoothness.
hint: Which of the two predictions is a constant, and which one weighs in the KL?
hint: Logits for cross_entropy; clean.detach(); (p * (log_p - log_q)).sum(1).mean().
clean prediction not held: The clean prediction still learns from the smoothness: it may come to
    meet the perturbed one, and that pulls a right answer towards a wrong one. It is a constant.
    clean.detach() → clean
KL turned round: The KL weighs by the perturbed prediction. It is KL(p(·|x) ‖ p(·|x + r)).
    log_p.exp() * (log_p - log_q) → log_q.exp() * (log_q - log_p)
softmax twice: cross_entropy takes logits and does its own softmax; here it is given probabilities.
    F.cross_entropy(labelled, label) → F.cross_entropy(labelled.softmax(1), label)
mean over classes: The KL is a sum over classes; the mean makes it as many times smaller as there
    are classes.
    .sum(1).mean() → .mean()
perturbed prediction held: Now the perturbed prediction is a constant, and nothing learns from the
    smoothness.
    perturbed.log_softmax(1) → perturbed.detach().log_softmax(1)
sign lost: The smoothness is subtracted: the network would learn to change most nearby.
    + weight * smoothness → - weight * smoothness
weight left out: The weight λ of the smoothness is missing.
    weight * smoothness → smoothness
"""


def _vat_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, classes, weight in ((4, 3, 2.0), (7, 5, 0.5)):
        clean, perturbed = 2 * torch.randn(rows, classes), 2 * torch.randn(rows, classes)
        label = torch.arange(3) % classes
        yield from values(clean, perturbed, torch.randn(3, classes), label, weight)


mended_vat = exercise(_vat_loss, _vat_probes, MENDED_VAT)
