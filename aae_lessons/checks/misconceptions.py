"""Rows of an exercise's table: a foreseeable wrong answer is an edit of the worked one.

A row says what the misconception is called, what the learner should hear, and which edits of the
worked answer's source commit it. The edited answer is a *mutant*: an answer that gives the same
results as a mutant has made the same mistake.
"""

from __future__ import annotations

import dis
import inspect
import linecache
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Answer = Callable[..., Any]
Edit = tuple[str, str] | Answer  # old text, new text; or a whole answer in place of the worked one


@dataclass(frozen=True)
class Wrong:
    """A misconception: its name, what the learner hears, and the edits that commit it."""

    cause: str
    says: str
    edits: tuple[Edit, ...]

    @property
    def new(self) -> str:
        """What the first edit puts in."""
        first = self.edits[0]
        return "" if callable(first) else first[1]


def row(rows: Sequence[Wrong], cause: str) -> Wrong:
    """The first row of this name."""
    return next(row for row in rows if row.cause == cause)


def source_of(answer: Answer) -> str:
    """The source of a worked answer, from its ``def`` line on."""
    return textwrap.dedent(inspect.getsource(answer)).rstrip()


def uses(answer: Answer, other: Answer | None) -> bool:
    """Whether an answer is ``other``, or a function that calls it by its name."""
    if other is None or answer is other:
        return other is not None
    if not inspect.isfunction(answer):
        return False
    # co_names would not do: it also has attributes, such as the step of optimizer.step()
    names = {i.argval for i in dis.get_instructions(answer) if i.opname == "LOAD_GLOBAL"}
    return any(answer.__globals__.get(name) is other for name in names)


@cache
def mutant(answer: Answer, *rows: Wrong) -> Answer:
    """The worked answer with the mistakes of ``rows``.

    Raises:
        ValueError: where the text that an edit replaces is not in the answer.
    """
    if not inspect.isfunction(answer):
        raise TypeError(f"answer: got {answer!r}, expected a function")
    source = source_of(answer)
    for row in rows:
        for edit in row.edits:
            if callable(edit):
                if len(rows) > 1 or len(row.edits) > 1:
                    raise ValueError(f"{row.cause}: a function is the row's only edit, and alone")
                return edit
            if edit[0] not in source:
                raise ValueError(f"{row.cause}: {answer.__name__} has no {edit[0]!r}")
            source = source.replace(*edit)
    name = f"<{answer.__name__}: {', '.join(row.cause for row in rows)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    names = dict(answer.__globals__)
    exec(compile(source, name, "exec"), names)
    return names[answer.__name__]
