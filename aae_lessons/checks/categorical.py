"""Checks of lesson 4: one-hot prior samples, entropy, Gumbel-softmax, D_cat, and its step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.categorical_step import mended_step, step
from aae_lessons.checks.core import Exercise, Mistake, Trial

__all__ = ["discriminator", "entropy", "gumbel_softmax", "mended_step", "one_hot", "step"]

DRAWS, CLASSES = 20_000, 10
PAIRS = 60_000  # enough to tell Gumbel noise from normal noise of the same variance, 8 σ apart

# ---------------------------------------------------------------- 4.1 one-hot prior samples


def _one_hot(n: int, classes: int) -> Tensor:
    return F.one_hot(torch.randint(classes, (n,)), classes).float()


def _test_one_hot(trial: Trial) -> None:
    y = trial.tensor(trial(DRAWS, CLASSES), (DRAWS, CLASSES))
    if not y.is_floating_point():
        says = "These are whole numbers, and a network multiplies floats: add .float()."
        trial.refuse("whole numbers", says, y.dtype, torch.float32)
    if not bool(((y == 0) | (y == 1)).all()):
        says = (
            "Your rows are soft: probabilities between 0 and 1. A sample of Cat(K) is one class, "
            "so one entry is 1 and the others are 0. It is from these that D_cat learns that y "
            "should be sharp."
        )
        trial.refuse("soft rows", says, y[0].max(), torch.tensor(1.0))
    if not bool((y.sum(1) == 1).all()):
        says = "There must be exactly one 1 in each row: a sample is in one class."
        trial.refuse("not one class a row", says, y.sum(1)[:4], torch.ones(4))
    _test_shares(trial, y.mean(0))
    if torch.equal(y, trial(DRAWS, CLASSES)):
        says = "Two calls give the same rows. A prior sample is drawn afresh each time."
        trial.refuse("the same each time", says)


def _test_shares(trial: Trial, share: Tensor) -> None:
    """Refuses shares that Cat(K) gives with a probability below 1e-7."""
    even = torch.full_like(share, 1 / CLASSES)
    if share.max() == 1:
        says = "Every row is in the same class. Draw a class for each row: size (n,)."
        trial.refuse("one class for all", says, share, even)
    chi_square = DRAWS * CLASSES * (share - even).square().sum().item()  # 9 degrees of freedom
    if chi_square > 55:
        says = "The classes are not equally likely. randint(K, (n,)) gives 0 to K-1, all alike."
        trial.refuse("classes not equally likely", says, share, even)
    if chi_square < 0.1:
        says = (
            "All classes come exactly equally often. Independent draws do not: their counts "
            "scatter around n/K, and so do those of a batch of images."
        )
        trial.refuse("balanced, not drawn", says)


one_hot = Exercise(
    name="4.1",
    title="one-hot samples of the categorical prior",
    read="lesson 4, sections 4.2 and 4.8, and Categorical in aae_lessons/priors.py",
    hints=(
        "Draw a class for each of the n rows first, each from 0 to K-1.",
        "torch.randint(K, (n,)) draws n classes. What turns a class into a row?",
        "F.one_hot(index, K) gives whole numbers; .float() makes them fit for a network.",
    ),
    answer=_one_hot,
    test=_test_one_hot,
)

# ------------------------------------------------------------------------- 4.2 entropy of y


def _entropy(y: Tensor) -> Tensor:
    return torch.special.entr(y).sum(1).mean()


ENTROPY_MISTAKES = (
    Mistake(
        "entropy of the mean",
        "You average the rows first. That entropy says whether all classes are used; the mean of "
        "the rows' entropies says whether each row is sharp. D_cat asks for the first to be high "
        "and the second to be low, so they must not be mixed up.",
        lambda y: torch.special.entr(y.mean(0)).sum(),
    ),
    Mistake(
        "mean over classes",
        "You average over the classes as well. Sum over the classes, mean over the rows.",
        lambda y: torch.special.entr(y).mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the rows as well. Take their mean.",
        lambda y: torch.special.entr(y).sum(),
    ),
    Mistake(
        "bits, not nats",
        "You use the logarithm to base 2. The course counts in nats (natural logarithm).",
        lambda y: torch.special.entr(y).sum(1).mean() / math.log(2),
    ),
    Mistake(
        "sign lost",
        "Negative: log p is below 0, so a minus belongs in front of the sum.",
        lambda y: -torch.special.entr(y).sum(1).mean(),
    ),
    Mistake(
        "softmax applied again",
        "You apply a softmax to y, which is one already: that makes it nearly even.",
        lambda y: torch.special.entr(y.softmax(1)).sum(1).mean(),
    ),
)


def _test_entropy(trial: Trial) -> None:
    y = (2 * torch.randn(7, 5)).softmax(1)
    trial.equal(trial(y), _entropy(y), (y,), ENTROPY_MISTAKES)
    y[0] = torch.eye(5)[2]
    got = trial(y)
    if isinstance(got, Tensor) and not bool(got.isfinite().all()):
        says = (
            "Right for soft rows, not a number for a one-hot row: 0 · log 0 is nan in floating "
            "point, and 0 in the limit. torch.special.entr and torch.xlogy know that."
        )
        trial.refuse("zero times log zero", says, got, _entropy(y))
    trial.equal(got, _entropy(y), otherwise="Right for soft rows, wrong for a one-hot one.")


entropy = Exercise(
    name="4.2",
    title="the entropy of y",
    read="lesson 4, sections 4.2 and 4.6",
    hints=(
        "One number for each row first: minus the sum over its classes of p log p.",
        "Then the mean over the rows. Which dimension is which?",
        "What should 0 · log 0 be? torch.special.entr(p) is −p log p with that value.",
    ),
    answer=_entropy,
    test=_test_entropy,
)

# ---------------------------------------------------------------- 4.3 a discriminator for y


def _discriminator(classes: int) -> nn.Module:
    layers = [nn.Linear(classes, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)]
    return nn.Sequential(*layers, nn.Flatten(0))


def _test_discriminator(trial: Trial) -> None:
    network = trial(CLASSES)
    if not isinstance(network, nn.Module):
        says = "Return the network itself, an nn.Module."
        trial.refuse("a network wanted", says, type(network).__name__, "Module")
    y = (3 * torch.randn(9, CLASSES)).softmax(1)
    _test_inputs(trial, network)
    logits = trial.tensor(_logits(trial, network, y), (9,))
    again = _logits(trial, network, y)
    if not torch.equal(logits, again):
        says = "Two calls on the same codes differ (dropout?). Keep this one without noise."
        trial.refuse("random output", says)
    if not torch.allclose(_logits(trial, network, y[:4]), logits[:4], atol=1e-5):
        says = (
            "What it says of a code depends on the other codes of the batch: a batch norm? Real "
            "and fake batches are then both normalised to the same moments, and the game freezes "
            "at 50 %. Leave it out of a discriminator."
        )
        trial.refuse("batch norm", says)
    _test_range(trial, network, y)


def _test_inputs(trial: Trial, network: nn.Module) -> None:
    first = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
    if first is not None and first.in_features == 784:
        says = "It takes images. In an AAE the discriminator sees codes, here the K entries of y."
        trial.refuse("a discriminator of images", says, first.in_features, CLASSES)


def _logits(trial: Trial, network: nn.Module, y: Tensor) -> Tensor:
    try:
        return network(y).detach()
    except Exception as error:
        says = f"Given codes of shape {tuple(y.shape)} it stops: {error}."
        trial.refuse("does not take the codes", says)


def _test_range(trial: Trial, network: nn.Module, y: Tensor) -> None:
    """A logit has no bounds and both signs; a sigmoid's output has neither."""
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(4)
    far = _logits(trial, network, torch.cat([30 * y, -30 * y, torch.randn(200, y.shape[1])]))
    if far.min() >= 0 and far.max() <= 1:
        says = (
            "Its output lies between 0 and 1: there is a sigmoid at its end. The losses take "
            "logits, so the last layer is linear."
        )
        trial.refuse("sigmoid at the end", says)
    a, b = y, 2 * y.flip(0)
    apart = _logits(trial, network, a) + _logits(trial, network, b)
    at_zero = _logits(trial, network, torch.zeros_like(y))
    if torch.allclose(apart - at_zero, _logits(trial, network, a + b), rtol=1e-3, atol=1e-3):
        says = "It is linear: without activations between them, layers are one layer."
        trial.refuse("no activation", says)


discriminator = Exercise(
    name="4.3",
    title="a discriminator for y",
    read="lesson 4, section 4.2, and Discriminator in aae_lessons/networks.py",
    hints=(
        "What goes in? Not images: the K entries of y.",
        "One number an image comes out, a logit. No sigmoid, no batch norm.",
        "nn.Flatten(0) turns (B, 1) into (B,).",
    ),
    answer=_discriminator,
    test=_test_discriminator,
)

# ------------------------------------------------------------------------ 4.4 Gumbel-softmax


def _gumbel_softmax(logits: Tensor, temperature: float) -> Tensor:
    exponential = torch.empty_like(logits).exponential_()
    gumbel = -exponential.log()
    return ((logits + gumbel) / temperature).softmax(1)


def _test_gumbel(trial: Trial) -> None:
    shift = 0.5 + torch.rand(()).item()
    logits = torch.tensor([shift, 0.0]).repeat(PAIRS, 1)
    y = trial.tensor(trial(logits, 0.7), logits.shape)
    if bool(((y == 0) | (y == 1)).all()):
        says = "Your sample is one-hot. A Gumbel-softmax sample is soft, so that gradients flow."
        trial.refuse("hard sample", says)
    if not torch.allclose(y.sum(1), torch.ones(PAIRS).to(y), atol=1e-4):
        says = "The rows do not sum to 1. The softmax runs over the classes, dimension 1."
        trial.refuse("rows do not sum to 1", says, y[0].sum(), torch.tensor(1.0))
    # (log y_1 − log y_2) · τ = l_1 − l_2 + a logistic variable: variance π²/3, heavy tails
    noise = 0.7 * (y[:, 0].log() - y[:, 1].log()).double() - shift
    _test_noise(trial, noise, shift)
    _test_winners(trial)
    _test_gradient(trial)


def _test_noise(trial: Trial, noise: Tensor, shift: float) -> None:
    variance, expected = noise.var(), torch.tensor(math.pi**2 / 3)
    if variance < 1e-6:
        says = (
            "There is no noise in your sample (or the same for every class and row): it is the "
            "softmax at a temperature. Each logit gets a Gumbel number of its own, −log(−log u)."
        )
        trial.refuse("no noise", says, variance, expected)
    ratio = (variance / expected).item()
    wrong = {
        0.7**4: ("multiplied by the temperature", "You multiply by it. Divide."),
        0.7**2: ("noise not divided", "You divide the logits only. Noise and logits both."),
    }
    for expected, (cause, says) in wrong.items():
        if abs(ratio / expected - 1) < 0.1:
            trial.refuse(cause, says, variance, expected)
    if abs(ratio - 1) > 0.08:  # six standard deviations of this estimate
        says = "The noise has the wrong spread. A Gumbel number is −log(−log u), u uniform."
        trial.refuse("not Gumbel noise", says, variance, expected)
    off = noise.mean().item()
    if abs(off) > 0.05:
        says = "On average the sample favours other classes than the logits do."
        trial.refuse("logits not divided", says, torch.tensor(shift + off), torch.tensor(shift))
    tail, expected = (noise.abs() > 5).double().mean(), torch.tensor(2 / (1 + math.exp(5)))
    if tail < 0.0096:  # logistic: .0134 ± .0005; normal of the same variance: .0058
        says = "The noise has the right spread but thin tails: it is normal, not Gumbel."
        trial.refuse("not Gumbel noise", says, tail, expected)


def _test_winners(trial: Trial) -> None:
    """Whatever the temperature, class k is the largest with probability softmax(logits)_k."""
    logits = torch.tensor([2.0, 0.0, 0.0])
    y = trial(logits.repeat(PAIRS, 1), 2.0)
    got, expected = y.argmax(1).bincount(minlength=3) / PAIRS, logits.softmax(0)
    if (got - expected).abs().max() > 0.0125:  # six standard deviations
        says = (
            "Class k should be the largest with probability softmax(logits)_k. A sign inside the "
            "Gumbel number, −log(−log u), may be lost: its long tail is upwards."
        )
        trial.refuse("Gumbel turned round", says, got, expected)


def _test_gradient(trial: Trial) -> None:
    logits = torch.randn(8, 3, requires_grad=True)
    y = trial(logits, 0.7)
    if not y.requires_grad:
        says = "No gradient flows back to the logits. That is what the soft sample is for."
        trial.refuse("gradient cut", says)


gumbel_softmax = Exercise(
    name="4.4",
    title="a Gumbel-softmax sample",
    read="lesson 4, section 4.7",
    hints=(
        "A Gumbel number is −log(−log u), with u uniform between 0 and 1.",
        "Each logit gets its own: the noise has the logits' shape.",
        "Add the noise, divide the sum by the temperature, softmax over the classes.",
    ),
    answer=_gumbel_softmax,
    test=_test_gumbel,
)
