"""Probes: what an answer is asked, and how its result is compared with the worked answer's.

A probe observes the learner's answer and the worked one in the same circumstances. Where the two
observations differ, each row of the exercise's table is observed as well: a mutant with the
learner's result, which also passes every probe before, names the misconception.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from aae_lessons.checks import clues
from aae_lessons.checks.comparison import as_number, close
from aae_lessons.checks.misconceptions import Answer, Wrong, mutant, row
from aae_lessons.checks.trial import Trial

PAIRED = 12  # rows of a table that are also tried two at a time


@dataclass(frozen=True)
class Probe:
    """One circumstance in which an answer is observed.

    Args:
        observe: calls an answer and returns what came of it.
        cause, says: what the learner hears where no row of the table explains a difference;
            without ``says`` the row of this cause says it.
        expect: what the worked answer or a mutant gives, ``expect(answer, got)``; by default it
            is observed like the learner's.
        same: compares two observations.
        explain: ``explain(got, expected)`` gives another cause and message than the above.
        show: whether a refusal prints got and expected.
        where: put before a row's message, such as the name of a phase.
        pairs: whether two mistakes at once are looked for, among the table's first rows.
        again: observes an answer once more, with other random numbers.
        given: the shapes of the inputs, in words.
        varied: for each argument, how an answer is observed with another value of it.
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
    varied: Sequence[Callable[[Answer], Any]] = ()

    def reference(self, answer: Answer, got: Any) -> Any:
        """What the worked answer gives, or what is expected of the learner's result."""
        return self.expect(answer, got) if self.expect else self.observe(answer)


def run_probes(trial: Trial, probes: Iterable[Probe]) -> None:
    """Tries the probes of an exercise one after the other, until one differs."""
    passed: list[tuple[Probe, Any]] = []
    for probe in probes:
        got = probe.observe(trial)
        expected = probe.reference(trial.exercise.answer, got)
        if probe.same(got, expected):
            passed.append((probe, got))
        else:
            _refuse(trial, probe, got, expected, passed)


def _refuse(trial: Trial, probe: Probe, got: Any, expected: Any, passed: list) -> None:
    both = (got, expected) if probe.show else (None, None)
    rows = _rows_like(trial, probe, got, passed)
    if rows:
        says = " ".join(row.says for row in rows)
        says = f"Two mistakes. {says}" if len(rows) > 1 else says
        trial.refuse(" and ".join(row.cause for row in rows), probe.where + says, *both)
    if probe.explain and (explained := probe.explain(got, expected)):
        trial.refuse(*explained, *both)
    says = probe.says or row(trial.exercise.wrong, probe.cause).says
    if isinstance(expected, Tensor) and probe.show:
        got = trial.tensor(got, expected.shape, expected)
        if not got.isfinite().all() and expected.isfinite().all():
            says += " There is nan or inf in it: a logarithm or a division of zero?"
    trial.refuse(probe.cause, says + clues.clue(trial, probe, got, expected, passed), *both)


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
    data: Collection[int] = (),
    number: bool = False,
    seed: int = 5,
    rtol: float = 1e-4,
    atol: float = 2e-6,
) -> Iterator[Probe]:
    """Two probes: the value for these inputs, and its gradient by each of them.

    Args:
        inputs: of the answer; tensors of floats get gradients in the second probe.
        pick: the part of the result that is compared.
        data: places of inputs that nothing is descended by, such as images: no gradient is asked.
        number: whether a plain number is accepted for a scalar tensor.
    """

    def value(answer: Answer, seed: int = seed, inputs: Sequence[Any] = inputs) -> Any:
        torch.default_generator.manual_seed(seed)
        result = pick(answer(*map(_copy, inputs)))
        return as_number(result) if number else result

    def same(a: Any, b: Any) -> bool:
        return close(a, b, rtol, atol)

    shapes = [str(tuple(value.shape)) for value in inputs if isinstance(value, Tensor)]
    again, given = functools.partial(value, seed=seed + 1), " and ".join(shapes)
    varied = [functools.partial(value, inputs=others) for others in clues.variations(inputs)]
    yield Probe(value, cause, says, same=same, again=again, given=given, varied=varied)
    if gradients:
        yield _gradient(inputs, data, pick, seed, replace(Probe(value), same=same))


def _gradient(
    inputs: Sequence[Any], data: Collection[int], pick: Callable, seed: int, probe: Probe
) -> Probe:
    names: list[str] = []

    def observe(answer: Answer) -> Any:
        torch.default_generator.manual_seed(seed)
        leaves = [_copy(v) if i in data else _leaf(v) for i, v in enumerate(inputs)]
        result = pick(answer(*leaves))
        if not isinstance(result, Tensor) or not result.requires_grad:
            return clues.CUT
        weight = torch.cos(torch.arange(result.numel())).view(result.shape)
        weight = weight if result.dim() else torch.ones(())
        learned = {
            name: v
            for name, v in zip(clues.argument_names(answer, inputs), leaves, strict=True)
            if isinstance(v, Tensor) and v.requires_grad
        }
        names[:] = learned
        slopes = torch.autograd.grad(
            (result * weight).sum(), list(learned.values()), allow_unused=True
        )
        return [clues.CUT if g is None else g for g in slopes]

    def explain(got: Any, expected: Any) -> tuple[str, str]:
        return clues.of_gradients(names, got, expected)

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
