"""Exercises as text: what is asked, where to read, hints, and the table of mistakes.

    7.1 sliced Wasserstein, by sorting shadows
    read: lesson 7, sections 7.1 and 7.4
    hint: On a line the best transport carries the smallest to the smallest, and so on.
    hint: …
    hint: …
    only one sorted: The prior's shadows are sorted and the codes' are not. Sort both.
        shadow.sort(dim=0).values → shadow

A row is the name of a misconception, what the learner hears, and the edits of the worked answer
that commit it, ``old → new``; without anything after the arrow the old text is left out. ``⏎`` is
a new line of the answer; a long edit goes on in a line that begins with → or ⏎. ``or`` before an
edit begins another row of the same name and message. ``{NAME}`` stands for a text, or in a line of
its own for rows: the name of an argument, or of a constant in :mod:`aae_lessons.checks.shared`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aae_lessons.checks import shared
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import Wrong

Names = Mapping[str, Any]
NAME = re.compile(r"\{([A-Z_]+)\}")


def exercise(
    answer: Callable,
    test: Callable,
    text: str,
    *rows: Wrong,
    called: str = "",
    counterpart: Exercise | None = None,
    **names: Any,
) -> Exercise:
    """An exercise from the text of its head and table; ``rows`` come after those of the text.

    Args:
        answer, test, called, counterpart: see :class:`~aae_lessons.checks.core.Exercise`.
        text: as above.
        names: what ``{NAME}`` in the text stands for.
    """
    (name, title), heads, blocks = head(text, names)
    table = (*_rows(blocks, names), *rows)
    (read,), hints = heads["read"], heads["hint"]
    return Exercise(name, title, read, hints, answer, test, table, called, counterpart)


def table(text: str, **names: Any) -> tuple[Wrong, ...]:
    """The rows of a text without a head."""
    return tuple(_rows(_blocks(text, names), names))


def head(text: str, names: Names) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Number and title; what follows ``read:``, ``hint:`` and ``part:``; the blocks of rows."""
    first, *blocks = _blocks(text, names)
    heads: dict[str, list[str]] = {"read": [], "hint": [], "part": []}
    while blocks and blocks[0].partition(": ")[0] in heads:
        key, _, value = " ".join(blocks.pop(0).split()).partition(": ")
        heads[key].append(value)
    return first.split(maxsplit=1), heads, blocks


def _blocks(text: str, names: Names) -> list[str]:
    """The parts of a text that begin at the margin."""

    def said(match: re.Match[str]) -> str:
        value = names.get(match[1], getattr(shared, match[1], match[0]))
        return value if isinstance(value, str) else match[0]

    while (longer := NAME.sub(said, text)) != text:
        text = longer
    return [block for block in re.split(r"\n(?=\S)", text) if block.strip()]


def _rows(blocks: Sequence[str], names: Names) -> Iterator[Wrong]:
    for block in blocks:
        if known := NAME.fullmatch(block.strip()):
            yield from names[known[1]]
            continue
        lines = re.sub(r"\n\s*([→⏎])", r" \1", block).splitlines()
        sentence = " ".join(" ".join(line for line in lines if "→" not in line).split())
        cause, _, says = sentence.partition(": ")
        edits: list[list[tuple[str, str]]] = [[]]
        for line in (line.strip() for line in lines if "→" in line):
            if line.startswith("or "):
                edits.append([])
            old, _, new = line.removeprefix("or ").partition("→")
            edits[-1].append((_code(old), _code(new)))
        yield from (Wrong(cause, says, tuple(each)) for each in edits)


def _code(text: str) -> str:
    return text.strip().replace(" ⏎ ", "\n    ")
