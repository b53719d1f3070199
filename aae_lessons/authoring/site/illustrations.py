"""Figures for the pages of exercises, whose notebooks are stored without any.

They are those of the worked answers. What draws without a learner's answer is seen at once, the
rest with a click: it says what a right answer will look like.
"""

from __future__ import annotations

import ast
import copy

from nbformat import NotebookNode

from aae_lessons.authoring.site.explorers import names_read, names_set, needed
from aae_lessons.authoring.site.lessons import PICTURE

DRAWN = {PICTURE, "image/svg+xml"}
BEGIN = "### BEGIN SOLUTION"


def illustrate(cells: list[NotebookNode], worked: list[NotebookNode]) -> None:
    """Puts the figures of the worked answers under the same cells of an exercise.

    Args:
        cells: of the exercise, changed in place.
        worked: the same ones with answers, executed.
    """
    answered = {name for cell in worked if BEGIN in cell.source for name in _names(cell)}
    for place, (cell, model) in enumerate(zip(cells, worked, strict=False)):
        drawn = [o for o in model.get("outputs", []) if DRAWN & set(o.get("data", {}))]
        if not drawn or cell.source != model.source:
            continue
        cell.outputs = copy.deepcopy(drawn)
        if "mystnb" in model.metadata:
            cell.metadata["mystnb"] = copy.deepcopy(model.metadata["mystnb"])
        read = {name for part in needed(worked, place) for name in names_read(part)}
        if answered & (read | names_read(ast.parse(cell.source))):
            cell.metadata.setdefault("tags", []).append("hide-output")


def _names(cell: NotebookNode) -> set[str]:
    return {name for statement in ast.parse(cell.source).body for name in names_set(statement)}
