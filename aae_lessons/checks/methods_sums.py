"""Lesson 8: M2's sum over classes, and the entropies of CatGAN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch

from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _unlabelled_loss(row_losses, logits):
    q = logits.softmax(1)
    negative_entropy = (q * logits.log_softmax(1)).sum(1)
    return ((q * row_losses).sum(1) + negative_entropy).mean()


SUM_OVER_CLASSES = """
8.2 M2 without a label: the sum over classes
read: lesson 8, section 8.4
hint: q = softmax of the logits over classes. Σ_y q·L is a sum over dimension 1.
hint: −H[q] = Σ_y q log q. Take log q as logits.log_softmax(1).
hint: ((q * row_losses).sum(1) + (q * logits.log_softmax(1)).sum(1)).mean()
entropy left out: The entropy of q(y|x) is missing. Without it the best q is one-hot at the
    cheapest class, and the bound of eq. (7) is not a bound.
    + negative_entropy →
entropy added: The entropy is *subtracted*: uncertainty makes the bound tighter.
    + negative_entropy → - negative_entropy
classes not weighted: You take the mean over classes. Each class counts as much as q(y|x) believes
    in it.
    (q * row_losses).sum(1) → row_losses.mean(1)
classes not weighted: You sum the losses of all classes as if each were certain. Weigh each by
    q(y|x).
    (q * row_losses).sum(1) → row_losses.sum(1)
the most probable class alone: You use the most probable class alone. The sum over all classes is
    exact, and what the others cost is what corrects q(y|x).
    (q * row_losses).sum(1) → row_losses.gather(1, q.argmax(1, keepdim=True)).squeeze(1)
logits for probabilities: You weigh by the logits. They don't sum to 1 and may be negative: take
    their softmax.
    (q * row_losses) → (logits * row_losses)
softmax over the batch: Your softmax runs over the images. It is the classes of an image that sum
    to 1.
    logits.softmax(1) → logits.softmax(0)
sum over the batch: You sum over the images. Take their mean.
    negative_entropy).mean() → negative_entropy).sum()
q cut off: The value is right, but q(y|x) gets no gradient of the weighted losses: then nothing
    moves it towards the class that explains best.
    (q * row_losses) → (q.detach() * row_losses)
logarithm of zero: Right for moderate logits. For large ones a probability is 0, and 0 · log 0 is
    nan: take log_softmax of the logits.
    logits.log_softmax(1) → q.log()
"""


def _sum_probes(_trial: Trial) -> Iterator[Probe]:
    yield from values(5 + 3 * torch.randn(4, 3), torch.randn(4, 3))
    yield from values(torch.rand(2, 5) * 40, 2 * torch.randn(2, 5))
    extreme = torch.tensor([[300.0, 0.0, -300.0], [0.0, 0.1, 0.2]])
    yield from values(torch.rand(2, 3), extreme)


sum_over_classes = exercise(_unlabelled_loss, _sum_probes, SUM_OVER_CLASSES)


def _discriminator_loss(real, fake):
    def entropy(log_p):
        return -(log_p.exp() * log_p).sum(-1)

    def log_mean(log_p):  # of the probabilities, whose logarithms these are
        return log_p.logsumexp(0) - math.log(len(log_p))

    real, fake = real.log_softmax(1), fake.log_softmax(1)
    even = entropy(log_mean(real))
    sure = entropy(real).mean()
    unsure = entropy(fake).mean()
    return sure - even - unsure


ENTROPIES = """
8.3 the three entropies of CatGAN's discriminator
read: lesson 8, section 8.3
hint: Softmax first. Two of the terms are means of entropies, one is the entropy of a mean.
hint: With log_p = logits.log_softmax(1) an entropy is the sum of −log_p.exp() * log_p.
hint: mean H(real) − H(mean of real) − mean H(fake); log of the mean: logsumexp − log B.
evenly left out: Nothing asks for an even use of the classes. To call everything class 0 would be
    best.
    sure - even - unsure → sure - unsure
the two entropies of real images confused: The signs of the two terms of real images are turned
    round: each prediction should be sure (a small entropy), their mean even (a large one).
    sure - even - unsure → even - sure - unsure
sure of fakes: You want sure predictions of what the generator makes. That is the generator's aim;
    the discriminator wants to be unsure of them.
    - unsure → + unsure
fakes left out: The generator's images are missing.
    sure - even - unsure → sure - even
mean of entropies twice: You compute the mean of the entropies. The entropy of the mean is another
    number: take the mean of the predictions first.
    entropy(log_mean(real)) → entropy(real).mean()
evenness of the fakes: You ask for an even use of the classes by the fakes. It is the real images
    whose mean prediction should be even.
    entropy(log_mean(real)) → entropy(log_mean(fake))
fakes measured by their mean: Of fakes each prediction should be unsure. You measure whether their
    mean is even.
    entropy(fake).mean() → entropy(log_mean(fake))
mean of logits: You take the mean of the logits. It is the probabilities whose mean says how often
    a class is used.
    real, fake = real.log_softmax(1)
    → mean = real.mean(0).log_softmax(0); real, fake = real.log_softmax(1)
    entropy(log_mean(real)) → entropy(mean)
mean over classes: You take the mean over classes in the entropy. It is their sum.
    log_p).sum(-1) → log_p).mean(-1)
bits: You use the logarithm to base 2. The course counts in nats.
    log_p).sum(-1) → log_p).sum(-1) / 0.6931471805599453
sum over the batch: You sum the entropies over the images. Take their mean.
    entropy(real).mean() → entropy(real).sum()
    entropy(fake).mean() → entropy(fake).sum()
zero times log zero: Right for small logits, wrong for large ones: a probability is 0 there, and 0
    · log 0 is nan. Take log_softmax of the logits; of the mean, logsumexp of the logarithms.
    (log_p.exp() * log_p) → (log_p.exp() * log_p.exp().log())
    or (log_p.exp() * log_p).sum(-1) → (log_p.exp() * log_p.exp().log()).sum(-1).nan_to_num(0)
gradient not finite: Right, but for large logits its gradient is not a number: where a probability
    is 0, the slope of p log p is infinite. Take log_softmax of the logits; of the mean, logsumexp
    of the logarithms.
    -(log_p.exp() * log_p) → torch.special.entr(log_p.exp())
"""


def _entropy_probes(_trial: Trial) -> Iterator[Probe]:
    yield from values(2 * torch.randn(5, 3), torch.randn(5, 3))
    yield from values(3 * torch.randn(4, 6), torch.randn(7, 6))
    far = partial(values, cause="zero times log zero", says="")
    sure = torch.tensor([[200.0, 0.0, 0.0], [150.0, 150.0, -150.0], [0.0, 0.5, 0.2]])
    yield from far(torch.randn(4, 3), sure)
    yield from far(sure[:, [0, 1, 2, 2]], torch.randn(2, 4))
    yield from far(200 * torch.eye(3), sure)


entropies = exercise(_discriminator_loss, _entropy_probes, ENTROPIES)
