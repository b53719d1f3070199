"""Writes the lecturers' tables that come from the course itself.

python -m aae_lessons.authoring guide            # write them
python -m aae_lessons.authoring guide --check    # fail where one is stale

The exercises and the plans come from the masters' headings and the lessons' stated times, the
misconceptions from the exercises' own tables: what the guide says is what a learner reads.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from aae_lessons.authoring import generated, misconceptions
from aae_lessons.authoring.misconceptions import table
from aae_lessons.authoring.site.lessons import lessons
from aae_lessons.checks import course

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
    "6 sessions of 90 minutes: lessons 0 to 3 and 5": (
        90,
        (((0, 1), (1,)), ((1, 2), (1,)), *(((k,), (k,)) for k in (2, 3, 3, 5))),
    ),
    "5 sessions of 180 minutes": (
        180,
        (((0, 1), (1,)), *((some, some) for some in ((2,), (3, 4), (5, 6), (7, 8)))),
    ),
    "11 sessions of 90 minutes": (
        90,
        (((0, 1), (1,)), ((1, 2), (1,)), *(((k,), (k,)) for k in (2, 3, 3, 4, 5, 6, 7, 8, 8))),
    ),
    "14 sessions of 90 minutes": (
        90,
        (
            *(((0, 1), (1,)), ((1, 2), (1,)), ((2,), (2,)), ((), (1, 2))),
            *(((3,), (3,)), ((3,), (3,))),
            *(((4,), (4,)), ((5,), (5,)), ((), (4, 5))),
            *(((6,), (6,)), ((7,), (7,)), ((), (6, 7))),
            *(((8,), (8,)), ((8,), (8,))),
        ),
    ),
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


def exercises_table() -> str:
    """All exercises in Markdown: title, level, minutes and points, with a row of totals."""
    head = ("exercise", "title", "level", "minutes", "points")
    rows = [
        (i.name, i.title, i.hard, i.minutes, i.points) for row in items().values() for i in row
    ]
    total = ("", f"{len(rows)} exercises", "", sum(r[3] for r in rows), sum(r[4] for r in rows))
    return table(head, [*rows, total])


def split(
    todo: Sequence[Item], left: int, longest: int, in_order: bool = False
) -> tuple[list[Item], list[Item]]:
    """What fits into ``left`` minutes of class, none longer than ``longest``; and the rest.

    ``in_order``: nothing after the first exercise that does not fit.
    """
    here: list[Item] = []
    rest: list[Item] = []
    for item in todo:
        fits = item.minutes <= min(left, longest) and not (in_order and rest)
        (here if fits else rest).append(item)
        left -= item.minutes * fits
    return here, rest


def plan(title: str) -> str:
    """The table of one plan. An exercise that does not fit waits for practice, or is homework."""
    minutes, rows = PLANS[title]
    waiting, times, lines = items(), reading(), []
    sittings = Counter(lesson for read, _ in rows for lesson in read)
    for number, (read, practised) in enumerate(rows, 1):
        spent = sum(math.ceil(times.get(lesson, 0) / sittings[lesson]) for lesson in read)
        todo = [item for lesson in practised for item in waiting.pop(lesson, [])]
        longest = HOMEWORK - 1 if read else minutes
        read_on = any(set(read) & set(more) for more, _ in rows[number:])  # in a second sitting
        here, rest = split(todo, minutes - spent, longest, in_order=read_on)
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


def outcomes() -> str:
    """By lesson: the minutes that it takes, and what one can do after it."""
    rows = [(f"{x.number} · {x.title}", x.minutes, x.outcomes) for x in lessons()]
    return table(("lesson", "minutes", "after it, students can"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "exercises": exercises_table,
    "sessions": lambda: "\n\n".join(map(plan, PLANS)),
    "outcomes": outcomes,
    "general": misconceptions.refused_everywhere,
    "misconceptions": misconceptions.by_lesson,
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
