"""Checks of lesson 2: sampling priors, the two adversarial losses, labels, and the whole step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.checks.adversarial_priors import mixture, swiss_roll
from aae_lessons.checks.adversarial_step import (
    aae_step,
    broken_run,
    mended_aae_step,
    run,
    sound_run,
)
from aae_lessons.checks.core import Exercise, Mistake, Trial

__all__ = [
    "aae_step",
    "broken_run",
    "label_informed",
    "losses",
    "mended_aae_step",
    "mixture",
    "run",
    "sound_run",
    "swiss_roll",
]

# --------------------------------------------------------------- 2.3 the adversarial losses


def _losses(logits_real: Tensor, logits_fake: Tensor) -> tuple[Tensor, Tensor]:
    # −log sigmoid(l) = softplus(−l), and −log(1 − sigmoid(l)) = softplus(l)
    discriminator = F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()
    generator = F.softplus(-logits_fake).mean()
    return discriminator, generator


SIGMOID_TWICE = (
    "You apply the sigmoid, and then a function that applies it again. A function 'with logits' "
    "wants the logits as they are."
)
CRITIC = (
    "There is no logarithm of D in it: you compare the logits themselves, as the critic of a "
    "Wasserstein GAN does. Here D = sigmoid(logit) is a probability, and its loss a cross-entropy."
)
DISCRIMINATOR_MISTAKES = (
    Mistake(
        "real and fake swapped",
        "Your discriminator calls the encoder's codes real. In an AAE the prior's samples are the "
        "real ones (§2).",
        lambda real, fake: F.softplus(real).mean() + F.softplus(-fake).mean(),
    ),
    Mistake(
        "halved",
        "You average the two halves. The loss is their sum: 2 log 2 where D can't tell.",
        lambda real, fake: (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2,
    ),
    Mistake(
        "half of the loss",
        "Only prior samples count in your discriminator's loss. It would call everything real.",
        lambda real, fake: F.softplus(-real).mean(),
    ),
    Mistake(
        "half of the loss",
        "Only codes count in your discriminator's loss. It would call everything fake.",
        lambda real, fake: F.softplus(fake).mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the batch. Take the mean of each half.",
        lambda real, fake: F.softplus(-real).sum() + F.softplus(fake).sum(),
    ),
    Mistake(
        "sigmoid applied twice",
        SIGMOID_TWICE,
        lambda real, fake: F.softplus(-real.sigmoid()).mean() + F.softplus(fake.sigmoid()).mean(),
    ),
    Mistake(
        "sign lost",
        "You maximise: what the discriminator *descends* is minus the log-likelihood.",
        lambda real, fake: -F.softplus(-real).mean() - F.softplus(fake).mean(),
    ),
    Mistake("no logarithm", CRITIC, lambda real, fake: fake.mean() - real.mean()),
    Mistake(
        "the two losses exchanged",
        "Your first loss is the generator's. Return the discriminator's first.",
        lambda real, fake: F.softplus(-fake).mean(),
    ),
)
GENERATOR_MISTAKES = (
    Mistake(
        "saturating",
        "That is log(1 − D), the saturating form: it has no slope where the discriminator is "
        "sure. Take −log D, which is steep just there (Goodfellow et al. 2014, §3).",
        lambda real, fake: -F.softplus(fake).mean(),
    ),
    Mistake(
        "generator calls its codes fake",
        "You ask for codes that the discriminator calls fake. The generator wants them to pass "
        "for real.",
        lambda real, fake: F.softplus(fake).mean(),
    ),
    Mistake(
        "generator of the real ones",
        "You use the logits of the prior's samples. The generator makes the fake ones.",
        lambda real, fake: F.softplus(-real).mean(),
    ),
    Mistake(
        "minus the discriminator's loss",
        "You take minus the discriminator's loss. The encoder has no hand in the prior's half, "
        "and in the other half that is log(1 − D), which is flat where the discriminator is sure.",
        lambda real, fake: -F.softplus(-real).mean() - F.softplus(fake).mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum the generator's loss over the batch. Take the mean.",
        lambda real, fake: F.softplus(-fake).sum(),
    ),
    Mistake(
        "sigmoid applied twice",
        SIGMOID_TWICE,
        lambda real, fake: F.softplus(-fake.sigmoid()).mean(),
    ),
    Mistake("no logarithm", CRITIC, lambda real, fake: -fake.mean()),
)


def _test_losses(trial: Trial) -> None:
    inputs = torch.randn(6) + 1, torch.randn(6) - 1
    got, expected = _two(trial, inputs), _losses(*inputs)
    trial.equal(
        got[0], expected[0], inputs, DISCRIMINATOR_MISTAKES, "The discriminator's is wrong."
    )
    trial.equal(got[1], expected[1], inputs, GENERATOR_MISTAKES, "The generator's is wrong.")
    sure = torch.full((4,), -200.0), torch.full((4,), 200.0)
    for result, right in zip(_two(trial, sure), _losses(*sure), strict=True):
        if not torch.allclose(result.double(), right.double()):
            says = (
                "Right for small logits, wrong for ±200: sigmoid(200) is 1 in floating point and "
                "log(1 − 1) is −∞. Work on the logits: softplus, or a function 'with logits'."
            )
            trial.refuse("sigmoid, then log", says, result, right)
    real, fake = (logits.clone().requires_grad_() for logits in inputs)
    if not all(loss.requires_grad for loss in _two(trial, (real, fake))):
        says = "No gradient flows back through a loss. Did .item(), .detach() or numpy cut it?"
        trial.refuse("gradient cut", says)


def _two(trial: Trial, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    got = trial(*inputs)
    if not isinstance(got, tuple | list) or len(got) != 2:
        says = "Return two scalars: the discriminator's loss and the generator's."
        trial.refuse("two losses wanted", says, type(got).__name__, "a tuple of two")
    return got


losses = Exercise(
    name="2.3",
    title="the losses of discriminator and generator",
    read="lesson 2, sections 2.2 and 2.3",
    hints=(
        "Which of the two are the real ones, prior samples or codes?",
        "−log sigmoid(l) = softplus(−l). And −log(1 − sigmoid(l))?",
        "The generator's loss is what the discriminator's is for real samples, of the fake ones.",
    ),
    answer=_losses,
    test=_test_losses,
)

# ------------------------------------------------------------------ 2.4 telling the label


def _discriminator_input(z: Tensor, label: Tensor) -> Tensor:
    no_label = 10
    shown = F.one_hot(torch.where(label < 0, no_label, label), no_label + 1)
    return torch.cat([z, shown.to(z.dtype)], dim=1)


def _with_columns(columns: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda z, label: torch.cat([z, columns(label).to(z)], dim=1)


def _rows(index: Callable[[Tensor], Tensor], columns: int = 11) -> Callable:
    """The one-hot row of ``index(label)``."""
    return _with_columns(lambda label: torch.eye(columns)[index(label).cpu()])


LABEL_MISTAKES = (
    Mistake(
        "label never shown",
        "Your discriminator sees the code alone. Then it can match the cloud only: the outline "
        "is right and the digits sit anywhere in it (section 2.8). Show it the label beside the "
        "code.",
        lambda z, label: z,
    ),
    Mistake(
        "no class for no label",
        "You show ten classes. There is an eleventh, for images whose label is not known (−1).",
        _rows(lambda label: label, 10),
    ),
    Mistake(
        "no label taken for nine",
        "An index of −1 counts from the end, or a remainder made a 9 of it: images without a "
        "label are shown as nines. They have a class of their own, index 10.",
        _rows(lambda label: label % 10),
    ),
    Mistake(
        "no label taken for zero",
        "Images without a label are shown as zeros: a clamp? They have a class of their own, "
        "index 10.",
        _rows(lambda label: label.clamp(min=0)),
    ),
    Mistake(
        "no label first",
        "You add 1 to every label, so that 'no label' comes first. Here digit k has column k, and "
        "'no label' the last.",
        _rows(lambda label: label + 1),
    ),
    Mistake(
        "no label shown as zeros",
        "Where the label is not known all your columns are 0. It is a class of its own: index 10.",
        _with_columns(lambda label: label[:, None] == torch.arange(11).to(label)),
    ),
    Mistake(
        "label before the code",
        "The code comes first, then the one-hot label.",
        lambda z, label: torch.cat([_discriminator_input(z[:, :0], label).to(z), z], dim=1),
    ),
    Mistake(
        "label as a number",
        "You show the label as a number. Then a 9 is nine times a 1, which digits are not: use a "
        "one-hot vector.",
        _with_columns(lambda label: label[:, None]),
    ),
)


def _test_label(trial: Trial) -> None:
    z, label = torch.randn(12, 3), torch.randperm(12) - 1
    label[label == 10] = -1  # every digit once, twice no label
    expected = _discriminator_input(z, label)
    trial.equal(trial(z, label), expected, (z, label), LABEL_MISTAKES)
    for few in (label.clamp(max=-1), label.clamp(min=0)):  # none labelled; all labelled
        otherwise = "Right for some batches, wrong where no image, or every one, has a label."
        trial.equal(trial(z, few), _discriminator_input(z, few), otherwise=otherwise)
    if not trial(z.requires_grad_(), label).requires_grad:
        says = (
            "No gradient flows back to the code, so the generator's phase could not move the "
            "encoder. Where detach() belongs is for the step to say, not for the input."
        )
        trial.refuse("gradient cut", says)


label_informed = Exercise(
    name="2.4",
    title="what a label-informed discriminator sees",
    read="lesson 2, sections 2.7 and 2.8",
    hints=(
        "How many columns? The code's, the ten digits', and one more.",
        "Turn −1 into 10 first: torch.where(label < 0, 10, label).",
        "F.one_hot(index, 11) gives whole numbers; cat wants them as floats.",
    ),
    answer=_discriminator_input,
    test=_test_label,
)
