"""Lesson 1: costs, an autoencoder's update, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks import shared
from aae_lessons.checks.misconceptions import Wrong, mutant
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.shared import LARGE
from aae_lessons.checks.stage import Parts, Stage, call_with_pair, mlp
from aae_lessons.checks.steps import step_probes
from aae_lessons.checks.tables import exercise, table
from aae_lessons.checks.trial import Trial

__all__ = ["broken_curve", "broken_step", "cost", "cross_entropy", "mended_step", "step"]


of_logits = partial(values, data=(1,))  # nothing is descended by the image


def _squared_error(logits, x):
    x_hat = logits.sigmoid()
    return 0.5 * (x - x_hat).square().sum(1).mean()


def _cost_probes(_trial: Trial) -> Iterator[Probe]:
    for rows, pixels in ((7, 12), (1, 5), (3, 1)):
        yield from of_logits(2 * torch.randn(rows, pixels), torch.rand(rows, pixels))


COST = """
1.1 the squared error of a reconstruction
read: lesson 1, section 1.2
hint: The decoder gives logits. What turns them into pixels between 0 and 1?
hint: Which dimension holds the pixels and which the images? One is summed, one averaged.
hint: (x - x_hat).square().sum(1) has one number for each image.
logits taken for pixels: You compare the image with the decoder's logits. The reconstruction is
    x_hat = sigmoid(logits).
    x_hat = logits.sigmoid() → x_hat = logits
{COSTS}
softmax for sigmoid: You apply a softmax, which makes the pixels of an image compete: they sum to
    1. Each pixel has a sigmoid of its own.
    x_hat = logits.sigmoid() → x_hat = logits.softmax(1)
"""
cost = exercise(_squared_error, _cost_probes, COST)


def _cross_entropy(logits, x):
    return (F.softplus(logits) - x * logits).sum(1).mean()


CROSS_ENTROPY = """
1.2 binary cross-entropy on logits
read: lesson 1, section 1.2
hint: Write −x log x_hat − (1 − x) log(1 − x_hat) for one pixel first.
hint: log(sigmoid(l)) is −softplus(−l). What is log(1 − sigmoid(l))?
hint: F.binary_cross_entropy_with_logits(..., reduction='none') has one number for each pixel.
mean over pixels: You take the mean over all pixels: that is the default reduction of torch's
    function. Sum over the pixels, then take the mean over the images.
    .sum(1).mean() → .mean()
sum over the batch: You sum over the images as well (reduction='sum'). Take the mean over the
    images.
    .sum(1).mean() → .sum()
sigmoid applied twice: {SIGMOID_TWICE}
    (F.softplus(logits) - x * logits) → (F.softplus(logits.sigmoid()) - x * logits.sigmoid())
sign lost: The sign is turned round: return the *negative* log-likelihood, so that lower is better.
    (F.softplus(logits) - x * logits) → -(F.softplus(logits) - x * logits)
only the ink counted: You leave out the term of the white pixels, (1 − x) log(1 − x_hat).
    (F.softplus(logits) - x * logits) → (x * F.softplus(-logits))
only the paper counted: You leave out the term of the ink, x log x_hat.
    (F.softplus(logits) - x * logits) → ((1 - x) * F.softplus(logits))
image and reconstruction swapped: Image and reconstruction have changed places: the logarithm
    belongs to x_hat. torch's functions take the prediction first and the target second.
    (F.softplus(logits) - x * logits)
    → F.binary_cross_entropy(x.clamp(1e-6, 1 - 1e-6), logits.sigmoid(), reduction='none')
bits, not nats: {BITS}
    .mean() → .mean() / 0.6931471805599453
sigmoid, then log: {LOG_OF_SIGMOID}
    (F.softplus(logits) - x * logits)
    → (-(x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()))
sigmoid, then log: {LOG_OF_SIGMOID} torch's binary_cross_entropy stops at 100 for that reason.
    (F.softplus(logits) - x * logits)
    → F.binary_cross_entropy(logits.sigmoid(), x, reduction='none')
sigmoid, then log: log(1 + exp(l)) is infinite in float32 from l = 89 on. F.softplus knows that.
    (F.softplus(logits) - x * logits) → ((1 + logits.exp()).log() - x * logits)
"""


def _cross_entropy_probes(trial: Trial) -> Iterator[Probe]:
    yield from _cost_probes(trial)
    far = partial(of_logits, cause="wrong for large logits", says=LARGE)
    for size in (20.0, 95.0, 200.0):
        logits = torch.tensor([[size, -size, size, -size], [size, size, -size, 1.0]])
        x = torch.tensor([[0.0, 1.0, 0.3, 0.0], [1.0, 0.0, 0.6, 1.0]])
        yield from far(logits, x)


cross_entropy = exercise(_cross_entropy, _cross_entropy_probes, CROSS_ENTROPY)


def _step(encoder, decoder, optimizer, x):
    optimizer.zero_grad()
    loss = _squared_error(decoder(encoder(x)), x)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _mended_step(encoder, decoder, optimizer, x):
    optimizer.zero_grad()
    x_hat = decoder(encoder(x)).sigmoid()
    loss = 0.5 * (x - x_hat).square().sum(1).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


STAGE = Stage(
    model=lambda: Parts(encoder=mlp(6, 4, 2), decoder=mlp(2, 6)),
    owners={"": ("encoder", "decoder")},
    batch=lambda rows: (torch.rand(rows, 6),),
    call=call_with_pair,
)
MOVES = """
encoder does not move: The decoder moves, the encoder does not: its gradient was cut on the way.
    detach()?
    encoder(x) → encoder(x).detach()
uphill: Your step goes up the loss: a sign is turned round.
    loss.backward() → (-loss).backward()
"""
STEP = """
1.3 one update of an autoencoder
read: lesson 1, section 1.4
hint: Forward, loss, descend: three moves.
hint: To descend is three calls: zero_grad, backward, step. In which order?
hint: Return loss.detach(): a number to look at, not a graph to keep.
{UNSTEPPED}
stale gradients: Gradients that were there before your step change it: they add up from step to
    step. optimizer.zero_grad() belongs before backward().
    optimizer.zero_grad() → pass
{MOVES}
{COSTS}
logits taken for pixels: You compare the image with the decoder's logits. The reconstruction is
    x_hat = sigmoid(logits).
    _squared_error(decoder(encoder(x)), x) → 0.5 * (x - decoder(encoder(x))).square().sum(1).mean()
sigmoid applied twice: squared_error applies the sigmoid itself: give it the decoder's logits as
    they are.
    decoder(encoder(x)) → decoder(encoder(x)).sigmoid()
"""

COST_ROWS = [
    Wrong(row.cause, row.says, (("_squared_error(decoder(encoder(x)), x)", row.new),
                                ("loss =", "x_hat = decoder(encoder(x)).sigmoid(); loss =")))
    for row in table(shared.COSTS)
]  # fmt: skip
step = exercise(_step, lambda trial: step_probes(trial, STAGE), STEP, MOVES=MOVES, COSTS=COST_ROWS)

GROWS = "0.5 * (x - x_hat).square().sum()"
MENDED_STEP = """
1.4 find two mistakes in an update
read: lesson 1, sections 1.2 and 1.4
hint: Compare the step line by line with the one of exercise 1.3.
hint: What is in .grad before backward() is called for the second time?
hint: Which sum runs over pixels and images, and which should?
stale gradients: One mistake is still there. The curve swings as if the step had a momentum that
    nobody asked for: gradients of earlier updates are still in .grad when backward() adds to them.
    optimizer.zero_grad() → pass
sum over the batch: One mistake is still there. Give the step every image twice: nothing new, and
    yet the step is twice as long. Over which dimension should there be a mean?
    0.5 * (x - x_hat).square().sum(1).mean() → {GROWS}
{UNSTEPPED}
{MOVES}
{COSTS}
"""
mended_step = exercise(
    _mended_step,
    step.test,
    MENDED_STEP,
    counterpart=step,
    MOVES=MOVES,
    GROWS=GROWS,
    COSTS=[row for row in table(shared.COSTS) if row.new != GROWS],
)
broken_step = mutant(_mended_step, *mended_step.wrong[:2])


def broken_curve(update: Callable = broken_step) -> Tensor:
    """The losses of 60 updates on a small problem, (60,); random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        encoder, decoder = nn.Linear(12, 2), nn.Linear(2, 12)
        optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.01)
        x = (torch.rand(32, 2) @ torch.rand(2, 12)).clamp(0, 1)
        return torch.stack([update(encoder, decoder, optimizer, x).detach() for _ in range(60)])
