"""Makes the student notebooks in ``exercises/`` from the masters in ``solutions/``.

python -m aae_lessons.authoring release            # write them
python -m aae_lessons.authoring release --check    # fail where one is stale

The same result as nbgrader's own preprocessors: what is between ``### BEGIN SOLUTION`` and
``### END SOLUTION`` is taken out, cell ids and nbgrader's marks stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

from aae_lessons.authoring import generated

MASTERS = Path(__file__).parents[2] / "solutions"
STUDENTS = MASTERS.parent / "exercises"
SOLUTION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
STUB = r"\1# YOUR CODE HERE\n\1raise NotImplementedError\n"
KEPT = ("kernelspec", "language_info")  # of a notebook's metadata
BANNER = (
    "> **How this works.** Replace each `raise NotImplementedError` by your code and run the cell "
    "under it: it says whether the answer is right, and if not, what is likely to be wrong. "
    "`.hint()` gives up to three hints, `.solution()` the worked answer.\n"
)


def student(master: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student's notebook: answers cut out, and nothing that running left behind."""
    notebook = nbformat.from_dict(
        {**master, "metadata": {key: master.metadata[key] for key in KEPT}, "cells": []}
    )
    for number, cell in enumerate(master.cells):
        cell = nbformat.from_dict({**cell})
        if number == 0:
            cell.source += "\n\n" + BANNER.rstrip()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = SOLUTION.sub(STUB, cell.source + "\n").rstrip("\n")
        notebook.cells.append(cell)
    return notebook


def students() -> Iterator[tuple[Path, str]]:
    """Each student notebook, and the text that its master makes."""
    for path in sorted(MASTERS.glob("[0-9][0-9]_*.ipynb")):
        made = student(nbformat.read(path, as_version=4))
        yield STUDENTS / path.name, nbformat.writes(made) + "\n"


def main() -> None:
    """Runs the command line of ``authoring release``."""
    generated.main(__doc__.split("\n")[0], students)


if __name__ == "__main__":
    main()
