"""nbgrader's marks in a notebook that a student handed in, compared with the master's.

A mark is the metadata by which nbgrader knows a cell: an answer, or a check with its points.
Editors and hosted services lose marks, copies repeat them, and cells are merged, moved and
deleted. Afterwards every check of the master is there once, marked, below its answer. What counts
is what a run from top to bottom gives, and no line that the student wrote is changed or lost.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

Cell = dict[str, Any]
Notebook = dict[str, Any]


def source(cell: Cell) -> str:
    """A cell's text; line ends and blanks at the end of a line make no difference."""
    lines = "".join(cell["source"]).strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def mark(cell: Cell) -> str | None:
    """The name by which nbgrader knows a cell, or None."""
    marks = cell["metadata"].get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None


def is_check(cell: Cell) -> bool:
    """Whether it is a cell that gives points and that students are not to edit."""
    marks = cell["metadata"].get("nbgrader") or {}
    return bool(marks.get("grade")) and not marks.get("solution")


def shared(notebook: Notebook, master: Notebook) -> int:
    """How many of the master's texts and checks are in the notebook, by their text or mark."""
    texts, marks = {source(c) for c in notebook["cells"]}, {mark(c) for c in notebook["cells"]}
    fixed = [cell for cell in master["cells"] if mark(cell) is None or is_check(cell)]
    by_text = sum(source(cell) in texts for cell in fixed)
    return by_text or sum(mark(cell) in marks for cell in master["cells"] if mark(cell))


def restore(notebook: Notebook, master: Notebook) -> Iterator[str]:
    """Restores the marks in place; says what was done, one sentence per change."""
    cells = notebook["cells"]
    marked = [cell for cell in master["cells"] if mark(cell)]
    yield from _known_marks(cells, marked)
    above = None
    for answers, check in _exercises(marked):
        if check:
            yield from _lost_marks(cells, [check])
            yield from _one_check(cells, check)
            yield from _edited_check(cells, check)
        yield from _lost_marks(cells, answers)
        for answer in answers:
            yield from _one_answer(cells, answer, check)
        if check:
            yield from _check_below(cells, check, answers, above)
            above = mark(check)


def _exercises(marked: list[Cell]) -> Iterator[tuple[list[Cell], Cell | None]]:
    """The master's answers with the check that follows them."""
    answers: list[Cell] = []
    for cell in marked:
        if is_check(cell):
            yield answers, cell
            answers = []
        else:
            answers.append(cell)
    yield answers, None


def _places(cells: list[Cell], name: str | None) -> list[int]:
    return [place for place, cell in enumerate(cells) if mark(cell) == name]


def _known_marks(cells: list[Cell], marked: list[Cell]) -> Iterator[str]:
    """Marks and kinds of cells as the master has them; a mark may be edited, or of a version."""
    originals = {mark(cell): cell for cell in marked}
    for cell in cells:
        name = mark(cell)
        old = cell["metadata"].pop("nbgrader", None)
        if name not in originals:
            if name:
                yield f"{name} is no exercise of this lesson: its mark was taken out"
            continue
        new = cell["metadata"]["nbgrader"] = {**old, **originals[name]["metadata"]["nbgrader"]}
        if new != old:
            yield f"the mark of {name} is the master's again"
        if cell["cell_type"] != originals[name]["cell_type"]:
            cell["cell_type"] = originals[name]["cell_type"]
            yield f"{name} is a {cell['cell_type']} cell again"


def _lost_marks(cells: list[Cell], originals: list[Cell]) -> Iterator[str]:
    for original in originals:
        unmarked = [cell for cell in cells if mark(cell) is None and _is_copy(cell, original)]
        if unmarked and not _places(cells, mark(original)):
            for cell in unmarked:
                cell["metadata"]["nbgrader"] = copy.deepcopy(original["metadata"]["nbgrader"])
            yield f"{mark(original)} had lost its mark"


def _is_copy(cell: Cell, original: Cell) -> bool:
    """Whether an unmarked cell was this one: the same text, or a definition of the same name."""
    if cell["cell_type"] != original["cell_type"]:
        return False
    defined = (re.findall(r"^(?:def|class) +(\w+)", source(c), re.M) for c in (original, cell))
    expected, there = defined
    same_text = source(cell) == source(original)
    return same_text or (not is_check(original) and bool(expected) and expected[-1] in there)


def _one_check(cells: list[Cell], original: Cell) -> Iterator[str]:
    """Of several checks one keeps its mark: the last that was not edited, or else the last."""
    places = _places(cells, mark(original))
    unedited = [place for place in places if source(cells[place]) == source(original)]
    for place in places:
        if place != (unedited or places)[-1]:
            del cells[place]["metadata"]["nbgrader"]
            yield f"{mark(original)} was there twice: the last one counts"


def _edited_check(cells: list[Cell], original: Cell) -> Iterator[str]:
    """What a student wrote into a check's cell, which nbgrader overwrites, gets its own cell."""
    for place in _places(cells, mark(original)):
        if source(cells[place]) != source(original):
            own = {**cells[place], "metadata": {}, "id": f"kept-{mark(original)}"}
            cells[place]["source"] = original["source"]
            cells.insert(place, own)
            yield f"{mark(original)} was edited: what it held is in a cell of its own above"
            return


def _one_answer(cells: list[Cell], original: Cell, check: Cell | None) -> Iterator[str]:
    """Of several answers the last above the check keeps its mark, as it is the one that counts."""
    name = mark(original)
    places = _places(cells, name)
    end = max(_places(cells, mark(check)) if check else [], default=len(cells))
    kept = max([place for place in places if place < end] or places, default=None)
    for place in places:
        if place != kept:
            del cells[place]["metadata"]["nbgrader"]
            yield f"{name} was there twice: the last one above its check counts"
    if not places:
        yield f"no cell answers {name}"


def _check_below(
    cells: list[Cell], original: Cell, answers: list[Cell], above: str | None
) -> Iterator[str]:
    """The check stands below its answers; one that is missing is put back there."""
    name = mark(original)
    answered = [place for answer in answers for place in _places(cells, mark(answer))]
    last = max(answered or (_places(cells, above) if above else []), default=len(cells) - 1)
    places = _places(cells, name)
    if not places:
        cells.insert(last + 1, copy.deepcopy(original))
        yield f"{name} was missing and was put back"
    elif answered and last > places[0]:
        cells.insert(last, cells.pop(places[0]))
        yield f"{name} stood above its answer and was moved below it"
