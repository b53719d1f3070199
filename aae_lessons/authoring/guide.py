"""Writes the lecturers' tables that come from the course itself.

python -m aae_lessons.authoring guide            # write them
python -m aae_lessons.authoring guide --check    # fail where one is stale

The exercises and the plans come from the masters' headings and the lessons' stated times, the
misconceptions from the exercises' own tables: what the guide says is what a learner reads.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from aae_lessons.authoring import generated
from aae_lessons.authoring.site.lessons import lessons
from aae_lessons.checks import autoencoder, course
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.trial import CheckFailed

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "INSTRUCTORS.md"
TEACHING = ROOT / "docs" / "teaching"
FILES = (GUIDE, TEACHING / "syllabus.md", TEACHING / "misconceptions.md")
HEADING = re.compile(r"^## (\d+\.\d+) (.+) · ([●○]{3}) · (\d+) minutes", re.MULTILINE)
HOMEWORK = 30  # minutes: exercises as long as this are done at home
Lessons = tuple[int, ...]
# title -> minutes of a session, and for each session the lessons read and the lessons practised;
# a lesson that is read in two sessions takes half of its minutes in each
PLANS: dict[str, tuple[int, tuple[tuple[Lessons, Lessons], ...]]] = {
    "5 sessions of 90 minutes: lessons 0 to 3 and 5": (
        90,
        (((0, 1), (1,)), *(((k,), (k,)) for k in (2, 3, 3, 5))),
    ),
    "4 sessions of 180 minutes": (
        180,
        (((0, 1, 2), (1, 2)), ((3, 4), (3, 4)), ((5, 6), (5, 6)), ((7, 8), (7, 8))),
    ),
    "9 sessions of 90 minutes": (
        90,
        (((0, 1), (1,)), *(((k,), (k,)) for k in (2, 3, 3, 4, 5, 6, 7, 8))),
    ),
    "12 sessions of 90 minutes": (
        90,
        (
            *(((0, 1), (1,)), ((2,), (2,)), ((), (1, 2))),
            *(((3,), (3,)), ((3,), (3,))),
            *(((4,), (4,)), ((5,), (5,)), ((), (4, 5))),
            *(((6,), (6,)), ((7,), (7,)), ((), (6, 7))),
            ((8,), (8,)),
        ),
    ),
}


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


@dataclass(frozen=True)
class Item:
    """An exercise as its master announces it; ``minutes`` and ``points`` are whole numbers."""

    name: str
    title: str
    hard: str
    minutes: int
    points: int


def items() -> dict[int, list[Item]]:
    """Lesson -> its exercises, from the masters."""
    lessons: dict[int, list[Item]] = {}
    for path in sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        points = [c["metadata"].get("nbgrader", {}).get("points") for c in cells]
        headings = filter(None, (HEADING.search("".join(c["source"])) for c in cells))
        lessons[int(path.name[:2])] = [
            Item(*result.groups()[:3], int(result[4]), worth)
            for result, worth in zip(headings, filter(None, points), strict=True)
        ]
    return lessons


def reading() -> dict[int, int]:
    """Lesson -> the minutes that its notebook says it takes; 0 where it does not say."""
    return {lesson.number: lesson.minutes or 0 for lesson in lessons()}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(c).replace("|", r"\|").replace("\n", " ") for c in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def exercises_table() -> str:
    """All exercises in Markdown: title, level, minutes and points, with a row of totals."""
    head = ("exercise", "title", "level", "minutes", "points")
    rows = [
        (i.name, i.title, i.hard, i.minutes, i.points) for row in items().values() for i in row
    ]
    total = ("", f"{len(rows)} exercises", "", sum(r[3] for r in rows), sum(r[4] for r in rows))
    return table(head, [*rows, total])


def split(todo: Sequence[Item], left: int, longest: int) -> tuple[list[Item], list[Item]]:
    """What fits into ``left`` minutes of class, none longer than ``longest``; and the rest."""
    here: list[Item] = []
    rest: list[Item] = []
    for item in todo:
        fits = item.minutes <= min(left, longest)
        (here if fits else rest).append(item)
        left -= item.minutes * fits
    return here, rest


def _without_gaps(todo: Sequence[Item], here: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """The items of ``todo`` up to the first that is not among ``here``; and the rest."""
    first = list(itertools.takewhile(here.__contains__, todo))
    return first, list(todo[len(first) :])


def plan(title: str) -> str:
    """The table of one plan. An exercise that does not fit waits for practice, or is homework."""
    minutes, rows = PLANS[title]
    waiting, times, lines = items(), reading(), []
    sittings = Counter(lesson for read, _ in rows for lesson in read)
    for number, (read, practised) in enumerate(rows, 1):
        spent = sum(-(-times.get(lesson, 0) // sittings[lesson]) for lesson in read)
        todo = [item for lesson in practised for item in waiting.pop(lesson, [])]
        here, rest = split(todo, minutes - spent, HOMEWORK - 1 if read else minutes)
        if set(read) & {lesson for more, _ in rows[number:] for lesson in more}:
            here, rest = _without_gaps(todo, here)  # what comes later asks for the second sitting
        later = {lesson for _, more in rows[number:] for lesson in more}
        home = [item for item in rest if course.order(item.name)[0] not in later]
        for item in rest:
            if item not in home:
                waiting.setdefault(course.order(item.name)[0], []).append(item)
        what = ", ".join(map(str, read)) or (
            "practice" if practised else "a project, or questions"
        )
        lines.append((number, what, spent or "–", _named(here), _named(home)))
    head = ("session", "lessons", "minutes of them", "exercises in class", "homework")
    return f"### {title}\n\n{table(head, lines)}"


def _named(some: Sequence[Item]) -> str:
    names = ", ".join(item.name for item in some)
    return f"{names} ({sum(item.minutes for item in some)} min)" if some else "–"


def refused(check: Exercise, answer: Callable) -> CheckFailed:
    """What a check says to a wrong answer. Raises AssertionError if it is accepted."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            check(answer)
        except CheckFailed as failed:
            return failed
    raise AssertionError(f"exercise {check.name} accepts {answer}")


def general() -> str:
    """What every exercise refuses."""
    rows = []
    for what, answer in GENERAL.items():
        failed = refused(autoencoder.cost, answer)
        rows.append((what, failed.cause, (failed.says or str(failed)).splitlines()[0]))
    return table(("an answer with", "is refused for", "and reads"), rows)


def misconceptions() -> str:
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


def outcomes() -> str:
    """By lesson: the minutes that it takes, and what one can do after it."""
    rows = [(f"{x.number} · {x.title}", x.minutes, x.outcomes) for x in lessons()]
    return table(("lesson", "minutes", "after it, students can"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "exercises": exercises_table,
    "sessions": lambda: "\n\n".join(map(plan, PLANS)),
    "outcomes": outcomes,
    "general": general,
    "misconceptions": misconceptions,
}


def guide(path: Path = GUIDE) -> str:
    """The text of one of ``FILES`` with every table in it made anew."""
    text = path.read_text("utf-8")
    for name, make in PARTS.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if begin in text:
            head, _, rest = text.partition(begin)
            text = f"{head}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> None:
    """Writes the generated pages of the lecturer's guide."""
    os.environ["AAE_PROGRESS"] = os.devnull
    torch.set_num_threads(1)
    generated.main(__doc__.split("\n")[0], lambda: ((path, guide(path)) for path in FILES))


if __name__ == "__main__":
    main()
