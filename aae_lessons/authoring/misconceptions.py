"""The lecturer's tables of misconceptions, from the exercises' own tables and messages."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence

import torch

from aae_lessons.checks import autoencoder, course
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.trial import CheckFailed


def broken(logits, x):
    """A learner's answer that raises, (B, 784) twice -> nothing."""
    raise NameError("name 'x_hat' is not defined")


GENERAL: dict[str, Callable] = {  # what is refused in every exercise, shown with exercise 1.1
    "a stub, left as it was": lambda logits, x: ...,
    "no return": lambda logits, x: None,
    "an exception": broken,
    "another signature": lambda logits: logits,
    "a float for a tensor": lambda logits, x: 0.0,
    "a loss for each image": lambda logits, x: (x - logits.sigmoid()).square().sum(1),
    "a tensor on another device": lambda logits, x: torch.zeros((), device="meta"),
    "logits.sigmoid_()": lambda logits, x: logits.sigmoid_().mean(),
}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(c).replace("|", r"\|").replace("\n", " ") for c in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def refused(check: Exercise, answer: Callable) -> CheckFailed:
    """What a check says to a wrong answer. Raises AssertionError if it is accepted."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            check(answer)
        except CheckFailed as failed:
            return failed
    raise AssertionError(f"exercise {check.name} accepts {answer}")


def refused_everywhere() -> str:
    """What every exercise refuses."""
    rows = []
    for what, answer in GENERAL.items():
        failed = refused(autoencoder.cost, answer)
        rows.append((what, failed.cause, (failed.says or str(failed)).splitlines()[0]))
    return table(("an answer with", "is refused for", "and reads"), rows)


def by_lesson() -> str:
    """By lesson: each misconception once, its message, and the exercises that know it."""
    return "\n\n".join(
        _of_lesson(lesson, _rows(row)) for lesson, row in course.exercises().items()
    )


def _rows(exercises: Sequence[Exercise]) -> dict[tuple[str, str], list[str]]:
    """(Misconception, message) -> the exercises whose tables have it."""
    met: dict[tuple[str, str], list[str]] = {}
    for exercise in exercises:
        for row in exercise.wrong:
            names = met.setdefault((row.cause, row.says[0].upper() + row.says[1:]), [])
            if exercise.name not in names:
                names.append(exercise.name)
    return met


def _of_lesson(lesson: int, met: dict[tuple[str, str], list[str]]) -> str:
    rows = [
        (", ".join(sorted(names, key=course.order)), cause, says)
        for (cause, says), names in met.items()
    ]
    rows.sort(key=lambda row: course.order(row[0].split(", ")[0]))
    title = f"Lesson {lesson} · {course.LESSONS[lesson]}: {len(rows)} messages"
    body = table(("exercise", "misconception", "what the student reads"), rows)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
