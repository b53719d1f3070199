"""Lesson 2: the two adversarial losses, and labels; priors and updates have their own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F

from aae_lessons.checks.adversarial_mended import broken_step, mended_aae_step
from aae_lessons.checks.adversarial_priors import mixture
from aae_lessons.checks.adversarial_roll import swiss_roll
from aae_lessons.checks.adversarial_run import broken_run, run, sound_run
from aae_lessons.checks.adversarial_step import aae_step
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.shared import (
    BITS,
    LARGE,
    LOG_OF_SIGMOID,
    discriminator_rows,
    generator_rows,
)
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

# --------------------------------------------------------------- 2.3 the adversarial losses


def _losses(logits_real, logits_fake):
    discriminator = F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()
    generator = F.softplus(-logits_fake).mean()
    return discriminator, generator


TELL = "F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()"
FOOL = "generator = F.softplus(-logits_fake).mean()"
NAIVE_D = "-logits_real.sigmoid().log().mean() - (1 - logits_fake.sigmoid()).log().mean()"
LOSSES_ROWS = (
    *(
        wrong(row.cause, row.says, (TELL, row.new.replace("real", "logits_real")
                                    .replace("fake", "logits_fake")))
        for row in discriminator_rows()
    ),
    *(
        wrong(row.cause, row.says, (FOOL, f"generator = {row.new}"))
        for row in generator_rows("", "logits_fake")
    ),
    wrong(
        "the two losses exchanged",
        "Your first loss is the generator's. Return the discriminator's first.",
        ("return discriminator, generator", "return generator, discriminator"),
    ),
    wrong(
        "generator of the real ones",
        "You use the logits of the prior's samples. The generator makes the fake ones.",
        (FOOL, "generator = F.softplus(-logits_real).mean()"),
    ),
    wrong(
        "minus the discriminator's loss",
        "You take minus the discriminator's loss. The encoder has no hand in the prior's half, "
        "and in the other half that is log(1 − D), which is flat where the discriminator is sure.",
        (FOOL, "generator = -discriminator"),
    ),
    wrong("bits, not nats", BITS, ("return discriminator, generator",
          "return discriminator / 0.6931471805599453, generator / 0.6931471805599453")),
    wrong("sigmoid, then log", LOG_OF_SIGMOID, (TELL, NAIVE_D)),
    wrong("sigmoid, then log", LOG_OF_SIGMOID,
          (FOOL, "generator = -logits_fake.sigmoid().log().mean()")),
    wrong(
        "sigmoid, then log",
        LOG_OF_SIGMOID + " torch's binary_cross_entropy stops at 100 for that reason.",
        (TELL, "-logits_real.sigmoid().log().clamp(min=-100).mean() - (1 - "
               "logits_fake.sigmoid()).log().clamp(min=-100).mean()"),
    ),
    wrong(
        "gradient cut",
        "No gradient flows back through a loss. Both are descended, each by a player of its own: "
        "where detach() belongs is for the step to say, not for the losses.",
        ("F.softplus(logits_fake)", "F.softplus(logits_fake.detach())"),
    ),
)  # fmt: skip


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


losses = Exercise(
    name="2.3",
    title="the losses of discriminator and generator",
    read="lesson 2, sections 2.2 and 2.3",
    hints=(
        "Which of the two are the real ones, prior samples or codes?",
        "−log sigmoid(l) = softplus(−l). And −log(1 − sigmoid(l))?",
        "The generator's loss is the discriminator's for real samples, applied to the fake ones.",
    ),
    answer=_losses,
    test=run_probes(_losses_probes),
    wrong=LOSSES_ROWS,
)

# ------------------------------------------------------------------ 2.4 telling the label


def _discriminator_input(z, label):
    shown = F.one_hot(torch.where(label < 0, 10, label), 11)
    return torch.cat([z, shown.to(z.dtype)], dim=1)


INDEX, RESULT = "torch.where(label < 0, 10, label)", "torch.cat([z, shown.to(z.dtype)], dim=1)"
LABEL_ROWS = (
    wrong(
        "label never shown",
        "Your discriminator sees the code alone. Then it can match the cloud only: the outline is "
        "right and the digits lie anywhere in it. Append the label to the code.",
        (RESULT, "z"),
    ),
    wrong(
        "no class for no label",
        "You append ten classes. There is an eleventh, for images whose label is not known (−1).",
        (f"F.one_hot({INDEX}, 11)", "torch.eye(10)[label]"),
    ),
    wrong(
        "no label taken for nine",
        "An index of −1 counts from the end, or a remainder made a 9 of it: images without a "
        "label are taken for nines. They have a class of their own, index 10.",
        (INDEX, "label % 10"),
    ),
    wrong(
        "no label taken for zero",
        "Images without a label are taken for zeros: a clamp? They have a class of their own, "
        "index 10.",
        (INDEX, "label.clamp(min=0)"),
    ),
    wrong(
        "no label first",
        "You add 1 to every label, so that 'no label' comes first. Here digit k has column k, and "
        "'no label' the last.",
        (INDEX, "label + 1"),
    ),
    wrong(
        "no label given zeros",
        "Where the label is not known all your columns are 0. It is a class of its own: index 10.",
        (f"F.one_hot({INDEX}, 11)", "(label[:, None] == torch.arange(11))"),
    ),
    wrong(
        "label before the code",
        "The code comes first, then the one-hot label.",
        ("[z, shown.to(z.dtype)]", "[shown.to(z.dtype), z]"),
    ),
    wrong(
        "label as a number",
        "You append the label as a number. Then a 9 is nine times a 1, which digits are not: use "
        "a one-hot vector.",
        ("shown.to(z.dtype)", "label[:, None].to(z.dtype)"),
    ),
    wrong(
        "one-hot vector without the code",
        "The code is missing: you return the one-hot vector alone.",
        (RESULT, "shown.to(z.dtype)"),
    ),
    wrong(
        "number of classes not given",
        "F.one_hot without a number of classes has as many columns as the largest label of the "
        "batch asks for. Here there are always 11.",
        (f"{INDEX}, 11", INDEX),
    ),
    wrong(
        "gradient cut",
        "No gradient flows back to the code, so the generator's phase could not move the encoder. "
        "Where detach() belongs is for the step to say, not for the input.",
        ("cat([z, shown", "cat([z.detach(), shown"),
    ),
)


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


label_informed = Exercise(
    name="2.4",
    title="what a label-informed discriminator sees",
    read="lesson 2, sections 2.8 and 2.9",
    hints=(
        "How many columns? The code's, the ten digits', and one more.",
        "Turn −1 into 10 first: torch.where(label < 0, 10, label).",
        "F.one_hot(index, 11) gives whole numbers; cat takes them as floats.",
    ),
    answer=_discriminator_input,
    test=run_probes(_label_probes),
    wrong=LABEL_ROWS,
)
