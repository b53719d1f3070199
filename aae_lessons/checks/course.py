"""All exercises of the course, and a picture of which are done.

from aae_lessons.checks import course
course.progress()
"""

from __future__ import annotations

import importlib
import pkgutil
import textwrap
from collections.abc import Collection, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aae_lessons import checks
from aae_lessons.checks import progress as record
from aae_lessons.checks.core import Exercise
from aae_lessons.plots.style import COLOURS, new_figure

LESSONS = {
    1: "The plain autoencoder",
    2: "The adversarial autoencoder",
    3: "The variational autoencoder",
    4: "Categorical codes",
    5: "Semi-supervised learning",
    6: "Clustering",
    7: "Wasserstein autoencoders",
    8: "Methods of Table 2",
}
Course = Mapping[int, Sequence[Exercise]]


def order(name: str) -> tuple[int, ...]:
    """Where an exercise stands in the course: (2, 10) for ``2.10``, which comes after ``2.9``."""
    return tuple(map(int, name.split(".")))


def exercises() -> dict[int, list[Exercise]]:
    """Lesson -> its exercises in order, from every module of ``aae_lessons.checks``."""
    result = {}
    for module in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        if module.name != __name__:
            values = vars(importlib.import_module(module.name)).values()
            result |= {value.name: value for value in values if isinstance(value, Exercise)}
    lessons: dict[int, list[Exercise]] = {}
    for name in sorted(result, key=order):
        lessons.setdefault(order(name)[0], []).append(result[name])
    return lessons


def caption(course: Course, done: Collection[str]) -> str:
    """The picture in words: how many are done, in all and by lesson, and which comes next."""
    todo = [exercise for row in course.values() for exercise in row if exercise.name not in done]
    total = sum(map(len, course.values()))
    counts = {lesson: sum(e.name in done for e in row) for lesson, row in course.items()}
    begun = [f"lesson {k}: {n} of {len(course[k])}" for k, n in counts.items() if n]
    words = f"{total - len(todo)} of {total} exercises are done"
    words += f" ({', '.join(begun)}). " if begun else ". "
    return words + (f"Next: {todo[0].name}, {todo[0].title}." if todo else "That is all of them.")


def progress() -> Figure:
    """What is done, from the local progress file: a row for a lesson, a square for an exercise.

    A dark square with a check mark: its answer was right once. A white one with its number: not
    yet. The caption says the same in words. Without a progress file nothing is done.
    """
    course, done = exercises(), record.done()
    columns = max(map(len, course.values()))
    width = 1.35 * columns + 1.9
    figure, axes = new_figure(1, 1, width, 0.95 * len(course) + 0.6)
    ax = axes[0, 0]
    for row, (lesson, items) in enumerate(course.items()):
        title = f"Lesson {lesson}\n" + textwrap.fill(LESSONS.get(lesson, ""), 18)
        ax.text(-0.65, row, title, ha="right", va="center", fontsize=9)
        for column, exercise in enumerate(items):
            _square(ax, column, row, exercise, exercise.name in done)
    ax.set(xlim=(-2.0, columns - 0.4), ylim=(len(course) - 0.35, -0.45))
    ax.set_axis_off()
    figure.supxlabel(textwrap.fill(caption(course, done), int(13 * width)), fontsize=9)
    return figure


def _square(ax: Axes, x: float, y: float, exercise: Exercise, done: bool) -> None:
    """One exercise: its square with a mark or its number, and its title under it."""
    face, edge = (COLOURS[0], COLOURS[0]) if done else ("white", "0.45")
    ax.plot(x, y - 0.18, marker="s", markersize=22, color=face, markeredgecolor=edge)
    mark, colour, size = ("✓", "white", 15) if done else (exercise.name, "0.25", 9)
    ax.text(x, y - 0.18, mark, ha="center", va="center", color=colour, fontsize=size)
    title = textwrap.shorten(exercise.title, 46, placeholder=" …")
    label = textwrap.fill(f"{exercise.name} {title}" if done else title, 20)
    ax.text(x, y + 0.07, label, ha="center", va="top", fontsize=7, color="0.1")
