"""Probes: what an answer is asked, and how its result is compared with the worked answer's.

A probe observes the learner's answer and the worked one in the same circumstances. Where the two
observations differ, each row of the exercise's table is observed as well: a mutant with the
learner's result, which also passes every probe before, names the misconception.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from aae_lessons.checks.comparison import as_number
from aae_lessons.checks.misconceptions import Answer, Wrong, mutant
from aae_lessons.checks.trial import CheckFailed, Trial

PAIRED = 12  # rows of a table that are also tried two at a time
CUT = "gradient cut"
CUT_SAYS = (
    "No gradient flows back through your result. Did .item(), .detach(), no_grad() or numpy cut "
    "it?"
)
GRADIENT_SAYS = (
    "The value is right, its gradient is not. Did .detach() cut one of the terms, or does a "
    "constant stand where an argument belongs?"
)


def close(got: Any, expected: Any, rtol: float = 1e-4, atol: float = 2e-6) -> bool:
    """Whether two results are the same: tensors within a tolerance, anything else exactly."""
    if isinstance(expected, Tensor):
        if not isinstance(got, Tensor) or got.shape != expected.shape:
            return False
        if got.device != expected.device:
            return False
        a, b = got.detach().double(), expected.detach().double()
        return torch.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if isinstance(expected, list | tuple):
        alike = isinstance(got, list | tuple) and len(got) == len(expected)
        return alike and all(close(a, b, rtol, atol) for a, b in zip(got, expected, strict=True))
    return type(got) is type(expected) and got == expected


@dataclass(frozen=True)
class Probe:
    """One circumstance in which an answer is observed.

    Args:
        observe: calls an answer and returns what came of it.
        cause, says: what the learner hears where no row of the table explains a difference.
        expect: what the worked answer or a mutant gives, ``expect(answer, got)``; by default it
            is observed like the learner's.
        same: compares two observations.
        explain: ``explain(got, expected)`` gives another cause and message than the above.
        show: whether a refusal prints got and expected.
        where: put before a row's message, such as the name of a phase.
        pairs: whether two mistakes at once are looked for, among the table's first rows.
        again: observes an answer once more, with other random numbers.
        given: the shapes of the inputs, in words.
    """

    observe: Callable[[Answer], Any]
    cause: str = "wrong value"
    says: str = "The value is wrong."
    expect: Callable[[Answer, Any], Any] | None = None
    same: Callable[[Any, Any], bool] = close
    explain: Callable[[Any, Any], tuple[str, str] | None] | None = None
    show: bool = True
    where: str = ""
    pairs: bool = True
    again: Callable[[Answer], Any] | None = None
    given: str = ""

    def reference(self, answer: Answer, got: Any) -> Any:
        """What the worked answer gives, or what is expected of the learner's result."""
        return self.expect(answer, got) if self.expect else self.observe(answer)


def run_probes(probes: Callable[[Trial], Iterable[Probe]]) -> Callable[[Trial], None]:
    """The test of an exercise: its probes one after the other, until one differs."""

    def test(trial: Trial) -> None:
        passed: list[tuple[Probe, Any]] = []
        for probe in probes(trial):
            got = probe.observe(trial)
            expected = probe.reference(trial.exercise.answer, got)
            if probe.same(got, expected):
                passed.append((probe, got))
            else:
                _refuse(trial, probe, got, expected, passed)

    return test


def _refuse(trial: Trial, probe: Probe, got: Any, expected: Any, passed: list) -> None:
    both = (got, expected) if probe.show else (None, None)
    rows = _rows_like(trial, probe, got, passed)
    if rows:
        says = " ".join(row.says for row in rows)
        says = f"Two mistakes. {says}" if len(rows) > 1 else says
        trial.refuse(" and ".join(row.cause for row in rows), probe.where + says, *both)
    if probe.explain and (explained := probe.explain(got, expected)):
        trial.refuse(*explained, *both)
    says = probe.says
    if isinstance(expected, Tensor) and probe.show:
        got = trial.tensor(got, expected.shape, expected)
        if not got.isfinite().all() and expected.isfinite().all():
            says += " There is nan or inf in it: a logarithm or a division of zero?"
    trial.refuse(probe.cause, says + _clue(trial, probe, got, expected, passed), *both)


def _clue(trial: Trial, probe: Probe, got: Any, expected: Any, passed: list) -> str:
    """What can be said of a wrong value that no row explains."""
    worked = trial.exercise.answer
    if probe.again and probe.same(probe.again(worked), expected):
        with contextlib.suppress(CheckFailed):
            if not probe.same(probe.again(trial), got):
                return " Two calls with the same inputs differ: nothing here should be random."
    if isinstance(got, Tensor) and got.numel() > 1:
        factor = ((got * expected).sum() / expected.square().sum()).item()
        if abs(factor) > 1e-6 and probe.same(got, factor * expected):
            return f" Every entry is {factor:.4g} times what it should be."
    if any(other.given not in ("", probe.given) for other, _ in passed):
        return (
            f" It was right for inputs of another size; these are {probe.given}. Does a number "
            "stand in your code that should come from an argument or its shape?"
        )
    return ""


def _rows_like(trial: Trial, probe: Probe, got: Any, passed: list) -> Sequence[Wrong]:
    """The row, or the two, whose mutant behaves as the answer does."""
    rows = [row for row in trial.exercise.wrong if not callable(row.edits[0])]
    singles = [(row,) for row in trial.exercise.wrong]
    pairs = combinations(rows[:PAIRED], 2) if probe.pairs else ()
    for chosen in [*singles, *pairs]:
        with contextlib.suppress(Exception):
            answer = mutant(trial.exercise.answer, *chosen)
            if _behaves(answer, probe, got) and all(_behaves(answer, *p) for p in passed):
                return chosen
    return ()


def _behaves(answer: Answer, probe: Probe, got: Any) -> bool:
    return probe.same(got, probe.reference(answer, got))


# ------------------------------------------------------------------------ values, gradients


def values(
    *inputs: Any,
    cause: str = "wrong value",
    says: str = "The value is wrong.",
    pick: Callable[[Any], Any] = lambda result: result,
    gradients: bool = True,
    number: bool = False,
    seed: int = 5,
    rtol: float = 1e-4,
    atol: float = 2e-6,
) -> Iterator[Probe]:
    """Two probes: the value for these inputs, and its gradient by each of them.

    Args:
        inputs: of the answer; tensors of floats get gradients in the second probe.
        pick: the part of the result that is compared.
        number: whether a plain number is accepted for a scalar tensor.
    """

    def value(answer: Answer, seed: int = seed) -> Any:
        torch.default_generator.manual_seed(seed)
        result = pick(answer(*map(_copy, inputs)))
        return as_number(result) if number else result

    def same(a: Any, b: Any) -> bool:
        return close(a, b, rtol, atol)

    shapes = [str(tuple(value.shape)) for value in inputs if isinstance(value, Tensor)]
    again, given = functools.partial(value, seed=seed + 1), " and ".join(shapes)
    yield Probe(value, cause, says, same=same, again=again, given=given)
    if gradients:
        yield _gradient(inputs, pick, seed, replace(Probe(value), same=same))


def _gradient(inputs: Sequence[Any], pick: Callable, seed: int, probe: Probe) -> Probe:
    def observe(answer: Answer) -> Any:
        torch.default_generator.manual_seed(seed)
        leaves = [_leaf(value) for value in inputs]
        result = pick(answer(*leaves))
        if not isinstance(result, Tensor) or not result.requires_grad:
            return CUT
        weight = torch.cos(torch.arange(result.numel())).view(result.shape)
        weight = weight if result.dim() else torch.ones(())
        with_grad = [v for v in leaves if isinstance(v, Tensor) and v.requires_grad]
        slopes = torch.autograd.grad((result * weight).sum(), with_grad, allow_unused=True)
        return [CUT if g is None else g for g in slopes]

    def explain(got: Any, expected: Any) -> tuple[str, str]:
        if got == CUT or any(isinstance(g, str) for g in got):
            return CUT, CUT_SAYS if got == CUT else f"{CUT_SAYS} Every argument needs one."
        bad = [g for g, e in zip(got, expected, strict=True) if not close(g, e, 1e-3, 1e-5)]
        if bad and not bad[0].isfinite().all():
            says = (
                "The value is right, its gradient is not a number. The slope of a root or a "
                "logarithm at 0 is infinite, even in a branch that torch.where does not take."
            )
            return "gradient not finite", says
        return "wrong gradient", GRADIENT_SAYS

    return replace(probe, observe=observe, explain=explain, show=False)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _leaf(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.detach().clone().requires_grad_()
    return _copy(value)


def holds(condition: Callable[[Answer], bool], cause: str, says: str, where: str = "") -> Probe:
    """A clause that is true or not, whatever the worked answer does."""
    return Probe(condition, cause, says, lambda answer, got: True, show=False, where=where)


def guarded(trial: Trial, call: Callable[[], Any], cause: str, says: str) -> Any:
    """``call()``; whatever it raises other than a refusal is refused with this cause."""
    try:
        return call()
    except CheckFailed:
        raise
    except Exception as error:
        trial.refuse(cause, says.format(error=error))
