"""Lesson 2: losses, labels, a short run; draws of priors and updates have their own files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.adversarial_priors import mixture
from aae_lessons.checks.adversarial_roll import swiss_roll
from aae_lessons.checks.adversarial_step import PHASES, aae_step, broken_step, mended_aae_step
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.shared import LARGE
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

__all__ = [
    "aae_step",
    "broken_run",
    "broken_step",
    "label_informed",
    "losses",
    "mended_aae_step",
    "mixture",
    "run",
    "sound_run",
    "swiss_roll",
]


def _losses(logits_real, logits_fake):
    discriminator = F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()
    generator = F.softplus(-logits_fake).mean()
    return discriminator, generator


LOSSES = """
2.3 the losses of discriminator and generator
read: lesson 2, sections 2.2 and 2.3
hint: Which of the two are the real ones, prior samples or codes?
hint: −log sigmoid(l) = softplus(−l). And −log(1 − sigmoid(l))?
hint: The generator's loss is the discriminator's for real samples, applied to the fake ones.
{DISCRIMINATOR}
{GENERATOR}
the two losses exchanged: Your first loss is the generator's. Return the discriminator's first.
    return discriminator, generator → return generator, discriminator
generator of the real ones: You use the logits of the prior's samples. The generator makes the fake
    ones.
    generator = F.softplus(-logits_fake).mean() → generator = F.softplus(-logits_real).mean()
minus the discriminator's loss: You take minus the discriminator's loss. The encoder has no hand in
    the prior's half, and in the other half that is log(1 − D), which is flat where the
    discriminator is sure.
    generator = F.softplus(-logits_fake).mean() → generator = -discriminator
bits, not nats: {BITS}
    discriminator, generator
    → discriminator / 0.6931471805599453, generator / 0.6931471805599453
sigmoid, then log: {LOG_OF_SIGMOID}
    F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()
    → -logits_real.sigmoid().log().mean() - (1 - logits_fake.sigmoid()).log().mean()
    or F.softplus(-logits_fake) → -logits_fake.sigmoid().log()
sigmoid, then log: {LOG_OF_SIGMOID} torch's binary_cross_entropy stops at 100 for that reason.
    F.softplus(-logits_real).mean() → -logits_real.sigmoid().log().clamp(min=-100).mean()
    + F.softplus(logits_fake).mean() → - (1 - logits_fake.sigmoid()).log().clamp(min=-100).mean()
gradient cut: No gradient flows back through a loss. Both are descended, each by a player of its
    own: where detach() belongs is for the step to say, not for the losses.
    F.softplus(logits_fake) → F.softplus(logits_fake.detach())
"""


def _losses_probes(trial: Trial) -> Iterator[Probe]:
    def of(which: int) -> Any:
        def pick(result: Any) -> Any:
            if not isinstance(result, tuple | list) or len(result) != 2:
                says = "Return two scalars: the discriminator's loss and the generator's."
                trial.refuse("two losses expected", says, type(result).__name__, "a tuple of two")
            return result[which]

        return pick

    names = ("The discriminator's loss is wrong.", "The generator's loss is wrong.")
    for rows in (6, 1, 9):
        inputs = 1.5 * torch.randn(rows) + 1, torch.randn(rows) - 1
        for which, says in enumerate(names):
            yield from values(*inputs, pick=of(which), says=says)
    for size in (95.0, 200.0):
        sure = torch.tensor([-size, size, 0.3]), torch.tensor([size, -size, 0.5])
        for which in (0, 1):
            far = partial(values, cause="wrong for large logits", says=LARGE)
            yield from far(*sure, pick=of(which))


losses = exercise(
    _losses, _losses_probes, LOSSES, REAL="logits_real", FAKE="logits_fake", LOGITS="logits_fake"
)


def _discriminator_input(z, label):
    shown = F.one_hot(torch.where(label < 0, 10, label), 11)
    return torch.cat([z, shown.to(z.dtype)], dim=1)


LABEL_INFORMED = """
2.4 what a label-informed discriminator sees
read: lesson 2, sections 2.11 and 2.21
hint: How many columns? The code's, the ten digits', and one more.
hint: Turn −1 into 10 first: torch.where(label < 0, 10, label).
hint: F.one_hot(index, 11) gives whole numbers; cat takes them as floats.
label never shown: Your discriminator sees the code alone. Then it can match the cloud only: the
    outline is right and the digits lie anywhere in it. Append the label to the code.
    torch.cat([z, shown.to(z.dtype)], dim=1) → z
no class for no label: You append ten classes. There is an eleventh, for images whose label is not
    known (−1).
    F.one_hot(torch.where(label < 0, 10, label), 11) → torch.eye(10)[label]
no label taken for nine: An index of −1 counts from the end, or a remainder made a 9 of it: images
    without a label are taken for nines. They have a class of their own, index 10.
    torch.where(label < 0, 10, label) → label % 10
no label taken for zero: Images without a label are taken for zeros: a clamp? They have a class of
    their own, index 10.
    torch.where(label < 0, 10, label) → label.clamp(min=0)
no label first: You add 1 to every label, so that 'no label' comes first. Here digit k has column
    k, and 'no label' the last.
    torch.where(label < 0, 10, label) → label + 1
no label given zeros: Where the label is not known all your columns are 0. It is a class of its
    own: index 10.
    F.one_hot(torch.where(label < 0, 10, label), 11) → (label[:, None] == torch.arange(11))
label before the code: The code comes first, then the one-hot label.
    [z, shown.to(z.dtype)] → [shown.to(z.dtype), z]
label as a number: You append the label as a number. Then a 9 is nine times a 1, which digits are
    not: use a one-hot vector.
    shown.to(z.dtype) → label[:, None].to(z.dtype)
one-hot vector without the code: The code is missing: you return the one-hot vector alone.
    torch.cat([z, shown.to(z.dtype)], dim=1) → shown.to(z.dtype)
number of classes not given: F.one_hot without a number of classes has as many columns as the
    largest label of the batch asks for. Here there are always 11.
    torch.where(label < 0, 10, label), 11 → torch.where(label < 0, 10, label)
gradient cut: No gradient flows back to the code, so the generator's phase could not move the
    encoder. Where detach() belongs is for the step to say, not for the input.
    cat([z, shown → cat([z.detach(), shown
"""


def _label_probes(_trial: Trial) -> Iterator[Probe]:
    z, label = torch.randn(12, 3), torch.randperm(12) - 1
    label[label == 10] = -1  # every digit once, twice no label
    yield from values(z, label)
    says = "Right for some batches, wrong where no image, or every one, has a label."
    for few in (label.clamp(max=-1), label.clamp(min=0)):
        yield from values(z, few, says=says)
    says = "Right for one batch, wrong for another size or another set of labels."
    for dim, some in ((1, [3]), (5, [-1]), (2, [0, 1, 0])):
        yield from values(torch.randn(len(some), dim), torch.tensor(some), says=says)


label_informed = exercise(_discriminator_input, _label_probes, LABEL_INFORMED)


@dataclass(frozen=True)
class Run:
    """A short training of the two-pixel AAE, update by update.

    Args:
        losses: by phase, one number for each update, as ``plots.losses`` takes a history.
        steps: 1, 2, ... updates.
        z: codes of the pictures at the end, (n, 2).
        label: which clump each picture is from, (n,).
    """

    losses: dict[str, list[float]]
    steps: list[int]
    z: Tensor
    label: Tensor


def run(step: Callable, updates: int = 600) -> Run:
    """Trains an AAE on pictures of two pixels, its prior N(0, I), by ``step``; the same each time.

    Args:
        step: an update as in exercise 2.5.
        updates: how many; 600 take about two seconds.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder, decoder, discriminator = (
            _mlp(2, 2),
            _mlp(2, 2),
            nn.Sequential(_mlp(2, 1), nn.Flatten(0)),
        )
        e, d, j = (list(network.parameters()) for network in (encoder, decoder, discriminator))
        owned = zip(PHASES, (e + d, j, e), (1e-3, 2e-3, 2e-3), strict=True)
        optimizers = {p: torch.optim.Adam(own, rate, (0.5, 0.999)) for p, own, rate in owned}
        label = torch.randint(3, (2048,))
        centre = torch.tensor([[0.3, 0.3], [0.5, 0.68], [0.7, 0.35]])[label]
        x = (centre + 0.1 * torch.randn(2048, 2)).clamp(0, 1)
        losses: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for _ in range(updates):
            batch = x[torch.randint(len(x), (128,))]
            result = step(encoder, decoder, discriminator, optimizers, batch, torch.randn(128, 2))
            for phase in PHASES:
                losses[phase].append(float(result[phase]))
        return Run(losses, list(range(1, updates + 1)), encoder(x).detach(), label)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    layers = (nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Linear(32, outputs))


def broken_run() -> Run:
    """The run of :func:`broken_step`."""
    return run(broken_step)


def sound_run() -> Run:
    """The same run by a sound update."""
    return run(mended_aae_step.answer)
