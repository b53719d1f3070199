"""What can be said of a wrong value, or a wrong gradient, that no row of a table explains."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from aae_lessons.checks.comparison import close
from aae_lessons.checks.trial import CheckFailed, Trial

if TYPE_CHECKING:
    from aae_lessons.checks.probes import Probe

CUT = "gradient cut"
CUT_BY = "Did .item(), .detach(), no_grad() or numpy cut it?"
GRADIENT_SAYS = (
    "The value is right, its gradient is not. Did .detach() cut one of the terms, or does a "
    "constant stand where an argument belongs?"
)
OTHER = 1.3  # times a value: another value of the same kind


def clue(trial: Trial, probe: Probe, got: Any, expected: Any, passed: Sequence) -> str:
    """What can be said of a wrong value that no row explains."""
    if probe.again and probe.same(probe.again(trial.exercise.answer), expected):
        with contextlib.suppress(CheckFailed):
            if not probe.same(probe.again(trial), got):
                return " Two calls with the same inputs differ: nothing here should be random."
    if isinstance(got, Tensor) and got.numel() > 1:
        factor = ((got * expected).sum() / expected.square().sum()).item()
        if abs(factor) > 1e-6 and probe.same(got, factor * expected):
            return f" Every entry is {factor:.4g} times what it should be."
    if probe.cause != "wrong value":  # it says already what these inputs have of their own
        return ""
    unused = _without_effect(trial, probe, got, expected)
    if unused:
        return f" Another value of `{unused}` does not change your result. Is it used?"
    sizes = {other.given for other, _ in passed} - {""}
    if sizes and probe.given not in sizes:
        return (
            f" It was right for inputs of another size; these are {probe.given}. Does a number "
            "stand in your code that should come from an argument or its shape?"
        )
    return ""


def _without_effect(trial: Trial, probe: Probe, got: Any, expected: Any) -> str:
    """The first argument that changes the worked answer's result, and not the learner's."""
    names = argument_names(trial, probe.varied)
    for name, observe in zip(names, probe.varied, strict=True):
        with contextlib.suppress(Exception):
            matters = not probe.same(observe(trial.exercise.answer), expected)
            if matters and probe.same(observe(trial), got):
                return name
    return ""


def variations(inputs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The inputs with one of them changed, for each of them."""
    for place, value in enumerate(inputs):
        yield [*inputs[:place], _changed(value), *inputs[place + 1 :]]


def _changed(value: Any) -> Any:
    """Another value of the same kind; of what is not a number or made of numbers, the same."""
    if isinstance(value, Tensor):
        return OTHER * value if value.is_floating_point() else value
    if isinstance(value, list | tuple):
        return [_changed(v) for v in value]
    if callable(value):
        return _scaled(value)
    if isinstance(value, int):
        return value + 1
    return OTHER * value if isinstance(value, float) else value


def _scaled(function: Callable) -> Callable:
    return lambda *inputs: OTHER * function(*inputs)


def argument_names(answer: Any, inputs: Sequence[Any]) -> list[str]:
    """The names of the arguments of a worked answer, or of the one that belongs to a trial."""
    function = answer.exercise.answer if isinstance(answer, Trial) else answer
    names = list(inspect.signature(function).parameters)
    return (
        names if len(names) == len(inputs) else [f"argument {i + 1}" for i in range(len(inputs))]
    )


def of_gradients(names: Sequence[str], got: Any, expected: Any) -> tuple[str, str]:
    """Why gradients differ, by the arguments of these names: a cause and a message."""
    if got == CUT:
        return CUT, f"No gradient flows back through your result. {CUT_BY}"
    pairs = list(zip(names, got, expected, strict=True))
    cut = [f"`{name}`" for name, g, e in pairs if isinstance(g, str) and not isinstance(e, str)]
    if cut:
        return CUT, f"No gradient flows back to {' and '.join(cut)}. {CUT_BY}"
    bad = [g for _, g, e in pairs if isinstance(g, Tensor) and not close(g, e, 1e-3, 1e-5)]
    if bad and not all(torch.isfinite(g).all() for g in bad):
        says = (
            "The value is right, its gradient is not a number. The slope of a root or a "
            "logarithm at 0 is infinite, even in a branch that torch.where does not take."
        )
        return "gradient not finite", says
    return "wrong gradient", GRADIENT_SAYS
