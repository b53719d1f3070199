"""Exercises whose answer is a few numbers, or a set of letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from aae_lessons.checks.comparison import as_number
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import Wrong
from aae_lessons.checks.probes import Probe, close
from aae_lessons.checks.tables import exercise, head, table
from aae_lessons.checks.trial import Trial


def question(answer: Callable, text: str) -> Exercise:
    """An exercise whose answer takes nothing and returns a number, or a tuple of them.

    What each number is, a line of the text says that begins with ``part:``.
    """
    parts = head(text, {})[1]["part"]

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

    return exercise(answer, probes, text)


def _same_number(got: Tensor, expected: Tensor) -> bool:
    """To three digits."""
    return close(got, expected, rtol=4e-3, atol=1e-3)


def _exchanged(got: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Whether these are the expected numbers, and not in their places."""
    mine, right = (torch.tensor([float(value) for value in values]) for values in (got, expected))
    in_order = _same_number(mine.sort().values, right.sort().values)
    return in_order and not _same_number(mine, right)


def statements(answer: Callable, text: str) -> Exercise:
    """An exercise that asks which of some statements are true, and says why.

    The text has one hint, and in place of rows a line for each letter that says why.
    """
    question_text, _, reasons = text.partition("\nA: ")
    why = table(f"A: {reasons}")
    letters = [row.cause for row in why]

    def probes(trial: Trial) -> Iterator[Probe]:
        got = trial()
        chosen = set(got) if isinstance(got, set | frozenset | list | tuple | str) else None
        if chosen is None or not chosen <= set(letters):
            says = f"Return a set of letters from {', '.join(letters)}, such as {{'A', 'B'}}."
            trial.refuse("a set of letters expected", says, repr(got), "a set of letters")
        for letter in letters:
            yield Probe(lambda function, letter=letter: letter in set(function()), show=False)

    rows = [
        Wrong(
            f"statement {row.cause}",
            f"Statement {row.cause} is {'true' if row.cause in answer() else 'false'}. {row.says}",
            (_toggled(answer(), row.cause),),
        )
        for row in why
    ]
    text = question_text.replace("hint: ", f"{HINTS}hint: ", 1)
    return exercise(answer, probes, text, *rows, called="mistakes")


HINTS = """hint: Take one statement at a time. Does it name a line of the broken code?
hint: Run the broken update with one line mended, and look at the curves again.
"""


def _toggled(letters: set[str], letter: str) -> tuple[str, str]:
    """The edit of the returned set that puts a letter in, or takes it out."""
    shown = ", ".join(f'"{value}"' for value in sorted(letters))
    new = ", ".join(f'"{value}"' for value in sorted(letters ^ {letter}))
    return f"{{{shown}}}", f"{{{new}}}"
