"""Exercises whose answer is a few numbers, or a set of letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from aae_lessons.checks.comparison import as_number
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import Wrong, wrong
from aae_lessons.checks.probes import Probe, close, run_probes
from aae_lessons.checks.trial import Trial


def question(
    name: str, title: str, read: str, answer: Callable, parts: Sequence[str],
    hints: tuple[str, str, str], rows: Sequence[Wrong],
) -> Exercise:  # fmt: skip
    """An exercise whose answer takes nothing and returns a number, or a tuple of them."""

    def numbers(function: Callable) -> list[Tensor]:
        result = function()
        if isinstance(result, Tensor | np.ndarray):
            result = result.flatten().tolist()
        values = result if isinstance(result, tuple | list) else [result]
        return [as_number(value) for value in values]

    def probes(trial: Trial) -> Iterator[Probe]:
        got = numbers(trial)
        plain = all(isinstance(value, Tensor) and value.shape == () for value in got)
        if not plain or len(got) != len(parts):
            says = f"Return {len(parts)} plain numbers, in this order: {'; '.join(parts)}."
            trial.refuse("numbers expected", says, str(got), f"{len(parts)} numbers")
        if _exchanged(got, numbers(answer)):
            says = (
                f"The right numbers, in another order. Return, in this order: {'; '.join(parts)}."
            )
            trial.refuse("in another order", says)
        for place, part in enumerate(parts):
            says = f"Not this number: {part}. Three digits are enough."
            yield Probe(
                lambda function, place=place: numbers(function)[place].float(),
                says=says,
                same=_same_number,
                show=False,
            )

    return Exercise(name, title, read, hints, answer, run_probes(probes), rows)  # fmt: skip


def _same_number(got: Tensor, expected: Tensor) -> bool:
    """To three digits."""
    return close(got, expected, rtol=4e-3, atol=1e-3)


def _exchanged(got: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Whether these are the expected numbers, and not in their places."""
    mine, right = ([float(value) for value in values] for values in (got, expected))
    alike = [
        _same_number(torch.tensor(a), torch.tensor(b)) for a, b in zip(mine, right, strict=True)
    ]
    if all(alike):
        return False
    pairs = zip(sorted(mine), sorted(right), strict=True)
    return all(_same_number(torch.tensor(a), torch.tensor(b)) for a, b in pairs)


def statements(
    name: str, of: str, read: str, answer: Callable, why: Mapping[str, str], hint: str
) -> Exercise:
    """An exercise that asks which of the statements ``why`` are true, and says why."""

    def probes(trial: Trial) -> Iterator[Probe]:
        got = trial()
        letters = set(got) if isinstance(got, set | frozenset | list | tuple | str) else None
        if letters is None or not letters <= set(why):
            says = f"Return a set of letters from {', '.join(why)}, such as {{'A', 'B'}}."
            trial.refuse("a set of letters expected", says, repr(got), "a set of letters")
        for letter in why:
            yield Probe(lambda function, letter=letter: letter in set(function()), show=False)

    rows = [
        wrong(
            f"statement {letter}",
            f"Statement {letter} is {'true' if letter in answer() else 'false'}. {reason}",
            (_toggled(answer(), letter)),
        )
        for letter, reason in why.items()
    ]
    return Exercise(
        name=name,
        title=f"name the mistakes of exercise {of}",
        read=read,
        hints=(
            "Take one statement at a time. Does it name a line of the broken code?",
            "Run the broken update with one line mended, and look at the curves again.",
            hint,
        ),
        answer=answer,
        test=run_probes(probes),
        wrong=rows,
        called="mistakes",
    )


def _toggled(letters: set[str], letter: str) -> tuple[str, str]:
    """The edit of the returned set that puts a letter in, or takes it out."""
    shown = ", ".join(f'"{value}"' for value in sorted(letters))
    new = ", ".join(f'"{value}"' for value in sorted(letters ^ {letter}))
    return f"{{{shown}}}", f"{{{new}}}"
