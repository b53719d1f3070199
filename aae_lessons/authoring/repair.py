"""Makes notebooks that students hand in fit for nbgrader, and changes no answer.

python -m aae_lessons.authoring repair SUBMITTED/        # rewrite them in place

A copied answer or check cell repeats its id, and nbgrader then stops for everybody: of repeated
marks only the last cell keeps them. State of widgets, which hosted services save without what
nbgrader expects there, is taken out. Where marks are missing altogether the answers would score 0
without a word: that is said, file by file, and the command ends with status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aae_lessons.files import write_atomically

Notebook = dict[str, Any]
SOLUTIONS = Path(__file__).parents[2] / "solutions"


def repair_notebook(notebook: Notebook) -> list[str]:
    """Repairs a notebook in place; returns what was changed, one sentence per change."""
    return [*_without_widget_state(notebook), *_unique_marks(notebook), *_unique_ids(notebook)]


def _without_widget_state(notebook: Notebook) -> Iterator[str]:
    if notebook.get("metadata", {}).pop("widgets", None) is not None:
        yield "the state of widgets was taken out"
    spec = notebook.setdefault("metadata", {}).setdefault("kernelspec", {})
    if spec.get("name") != "python3":
        spec |= {"name": "python3", "display_name": "Python 3", "language": "python"}
        yield "the kernel's name was set to python3"


def _unique_marks(notebook: Notebook) -> Iterator[str]:
    """Of cells with the same mark only the last keeps it: the copy that ran last."""
    seen: set[str] = set()
    for cell in reversed(notebook["cells"]):
        mark = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if mark is None:
            continue
        if mark in seen:
            del cell["metadata"]["nbgrader"]
            yield f"{mark} was there twice: the last one counts"
        seen.add(mark)


def _unique_ids(notebook: Notebook) -> Iterator[str]:
    seen: set[str] = set()
    for number, cell in enumerate(notebook["cells"]):
        if cell.get("id") in seen:
            cell["id"] = f"copy-{number:02d}"
            yield "a repeated cell id was changed"
        seen.add(cell.get("id"))


def missing(notebook: Notebook, name: str) -> list[str]:
    """Marks of the master of this name that the notebook does not have."""
    master = SOLUTIONS / name
    if not master.is_file():
        return []
    expected = _marks(json.loads(master.read_text("utf-8")))
    return [mark for mark in expected if mark not in set(_marks(notebook))]


def _marks(notebook: Notebook) -> list[str]:
    marks = (cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in notebook["cells"])
    return [mark for mark in marks if mark]


def repair(path: Path) -> bool:
    """Repairs one file and says what it did. False where answers would score 0."""
    try:
        notebook = json.loads(path.read_text("utf-8-sig"))
        changes = repair_notebook(notebook)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{path}: not a notebook ({error}); ask for it again")
        return False
    if changes:
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        write_atomically(path, lambda stream: stream.write(text.encode()))
    lost = missing(notebook, path.name)
    if lost:
        changes.append(f"MARKS ARE MISSING, these cells would score 0: {', '.join(lost)}")
    print(f"{path}: {'; '.join(changes) or 'fine'}")
    return not lost


def main() -> None:
    """Runs the command line of ``solutions/repair.py``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("submitted", type=Path, help="a folder of notebooks, or one notebook")
    where = parser.parse_args().submitted
    paths = sorted(where.rglob("*.ipynb")) if where.is_dir() else [where]
    if not paths or not all(path.is_file() for path in paths):
        parser.error(f"no notebook in {where}")
    if not all([repair(path) for path in paths]):
        sys.exit(1)
