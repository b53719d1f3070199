"""Lesson 4: a Gumbel-softmax sample, by its distribution and its gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aae_lessons.checks.draws import independent
from aae_lessons.checks.shared import SERIAL
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial

PAIRS = 60_000  # enough to tell Gumbel noise from normal noise of the same variance, 8 σ apart


def _gumbel_softmax(logits, temperature):
    gumbel = -torch.empty_like(logits).exponential_().log()
    return ((logits + gumbel) / temperature).softmax(1)


GUMBEL_SOFTMAX = """
4.4 a Gumbel-softmax sample
read: lesson 4, section 4.7
hint: A Gumbel number is −log(−log u), with u uniform between 0 and 1.
hint: Each logit gets its own: the noise has the logits' shape.
hint: Add the noise, divide the sum by the temperature, softmax over the classes.
hard sample: Your sample is one-hot. A Gumbel-softmax sample is soft, so that gradients flow.
    return ( → return torch.eye(logits.shape[1])[(
    .softmax(1) → .argmax(1)] + 0 * logits
rows do not sum to 1: The rows do not sum to 1. The softmax runs over the classes, dimension 1.
    .softmax(1) → .softmax(0)
no noise: There is no noise in your sample (or the same for every class of a row): it is the
    softmax at a temperature. Each logit gets a Gumbel number of its own, −log(−log u).
    (logits + gumbel) / temperature → logits / temperature
one noise for the whole batch: All rows have the same noise. Each image's logits get Gumbel numbers
    of their own.
    empty_like(logits) → empty_like(logits[:1])
multiplied by the temperature: You multiply by the temperature. Divide.
    / temperature → * temperature
noise not divided: You divide the logits only. Divide the sum of noise and logits.
    (logits + gumbel) / temperature → logits / temperature + gumbel
logits not divided: You divide the noise only: on average the sample favours other classes than it
    should. Divide the sum of noise and logits.
    (logits + gumbel) / temperature → logits + gumbel / temperature
temperature not used: The temperature changes nothing. Divide the sum of noise and logits by it.
    / temperature →
not Gumbel noise: The noise has another distribution: normal or uniform, or one of the two
    logarithms is missing. A Gumbel number is −log(−log u), u uniform.
    -torch.empty_like(logits).exponential_().log() → 1.28255 * torch.randn_like(logits)
Gumbel turned round: Class k should be the largest with probability softmax(logits)_k. A sign
    inside the Gumbel number, −log(−log u), may be lost: its long tail is upwards.
    -torch.empty_like(logits).exponential_().log() → torch.empty_like(logits).exponential_().log()
gradient cut: No gradient flows back to the logits. That is what the soft sample is for.
    (logits + gumbel) → (logits.detach() + gumbel)
wrong gradient: The gradient is not that of the softmax. Did a detach() cut a part of it?
    return → soft =
    .softmax(1) → .softmax(1) ⏎ return soft.detach() + 0.1 * (soft - soft.detach())
the same each time: {SEEDED}
    gumbel = → torch.manual_seed(0); gumbel =
"""


def _test_gumbel(trial: Trial) -> None:
    shift = 0.5 + torch.rand(()).item()
    logits = torch.tensor([shift, 0.0]).repeat(PAIRS, 1)
    y = trial.tensor(trial(logits, 0.7), logits.shape)
    if bool(((y == 0) | (y == 1)).all()):
        trial.refuse("hard sample")
    if not torch.allclose(y.sum(1), torch.ones(PAIRS).to(y), atol=1e-4):
        trial.refuse("rows do not sum to 1", "", y[0].sum(), torch.tensor(1.0))
    if torch.equal(y, trial(logits, 0.7)) and y.std(0).max() > 1e-4:
        trial.refuse("the same each time")
    # (log y_1 − log y_2) · τ = l_1 − l_2 + a logistic variable: variance π²/3, heavy tails
    noise = 0.7 * (y[:, 0].log() - y[:, 1].log()).double() - shift
    _test_noise(trial, noise, shift)
    _test_winners(trial)
    _test_gradient(trial)


def _test_noise(trial: Trial, noise: Tensor, shift: float) -> None:
    variance, expected = noise.var(), torch.tensor(math.pi**2 / 3)
    if variance < 1e-6:
        plain = abs(noise[0] - (0.7 * 0.7 * shift - shift)) < 1e-3
        cause = "no noise" if abs(noise[0]) < 1e-3 or plain else "one noise for the whole batch"
        trial.refuse(cause, "", variance, expected)
    ratio, off = (variance / expected).item(), noise.mean().item()
    wrong = {0.7**4: "multiplied by the temperature", 0.7**2: "noise not divided"}
    for known, cause in wrong.items():
        if abs(ratio / known - 1) < 0.1:
            cause = "temperature not used" if known == 0.7**2 and off < -0.1 else cause
            trial.refuse(cause, "", variance, expected)
    if abs(ratio - 1) > 0.08:  # six standard deviations of this estimate
        trial.refuse("not Gumbel noise", "", variance, expected)
    if abs(off) > 0.05:
        trial.refuse("logits not divided", "", torch.tensor(shift + off), torch.tensor(shift))
    tail, expected = (noise.abs() > 5).double().mean(), torch.tensor(2 / (1 + math.exp(5)))
    if tail < 0.0096:  # logistic: .0134 ± .0005; normal of the same variance: .0058
        trial.refuse("not Gumbel noise", "", tail, expected)
    if not independent((noise > 0).long(), 2):
        trial.refuse("rows not independent", SERIAL)


def _test_winners(trial: Trial) -> None:
    """Whatever the temperature, class k is the largest with probability softmax(logits)_k."""
    logits = torch.tensor([2.0, 0.0, 0.0])
    y = trial(logits.repeat(PAIRS, 1), 2.0)
    got, expected = y.argmax(1).bincount(minlength=3) / PAIRS, logits.softmax(0)
    if (got - expected).abs().max() > 0.0125:  # six standard deviations
        trial.refuse("Gumbel turned round", "", got, expected)
    spread = 2.0 * (y[:, 1].log() - y[:, 2].log()).double()
    if abs(spread.var() * 3 / math.pi**2 - 1) > 0.08:
        trial.refuse("temperature not used", "", spread.var(), torch.tensor(math.pi**2 / 3))


def _test_gradient(trial: Trial) -> None:
    for rows, classes, temperature in ((8, 3, 0.7), (1, 5, 1.6)):
        logits = torch.randn(rows, classes, requires_grad=True)
        y = trial(logits, temperature)
        if not y.requires_grad:
            trial.refuse("gradient cut")
        weight = torch.randn(rows, classes)
        got = torch.autograd.grad((weight * y).sum(), logits)[0]
        y = y.detach().float()
        expected = y * (weight - (weight * y).sum(1, keepdim=True)) / temperature
        if not torch.allclose(got, expected, atol=1e-4):
            trial.refuse("wrong gradient", "", got, expected)


gumbel_softmax = exercise(_gumbel_softmax, _test_gumbel, GUMBEL_SOFTMAX)
