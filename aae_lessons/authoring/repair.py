"""Makes notebooks that students hand in fit for nbgrader, and changes no answer.

python -m aae_lessons.authoring repair SUBMITTED/        # rewrite them in place

nbgrader expects every marked cell once, and files as JupyterLab writes them. Hand-ins have copied,
merged, moved and deleted cells, marks that a hosted service lost, its widgets' state, another
kernel's name, another encoding, or another file name: all of that is repaired, and said file by
file. What can't be graded (a file cut short, another lesson) is refused with the reason: it is
moved to the folder ``refused`` next to SUBMITTED, so that grading the others goes on, and the
command ends with status 1. The masters are those of the course's folder, SUBMITTED/../source, or
else the package's.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aae_lessons.authoring import marks
from aae_lessons.files import write_atomically

Notebook = dict[str, Any]
SOLUTIONS = Path(__file__).parents[2] / "solutions"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb": "utf-8-sig"}
VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
CHECKPOINTS = ".ipynb_checkpoints"


class Refused(ValueError):
    """A hand-in that can't be graded; the message is the reason."""


def repair(path: Path, masters: dict[str, Notebook]) -> list[str]:
    """Repairs one file in place; returns what was done, one sentence per change.

    Raises:
        Refused: where it can't be graded; the file is then as it was.
    """
    content = path.read_bytes()
    try:
        notebook, changes = _read(content)
        original = copy.deepcopy(notebook)
        changes += _well_formed(notebook)
        name = recognise(notebook, path.name, masters)
        changes += [*marks.restore(notebook, masters[name]), *_cell_ids(notebook)]
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(f"not a notebook ({error!r})") from error
    if changes or notebook != original:
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        write_atomically(path, lambda stream: stream.write(text.encode()))
    if path.name != name and path.with_name(name).exists():
        changes.append(f"NOT GRADED: {name} was handed in as well")
    elif path.name != name:
        path.rename(path.with_name(name))
        changes.append(f"was renamed to {name}")
    return changes


def _read(content: bytes) -> tuple[Notebook, list[str]]:
    if not content.strip():
        raise Refused("the file is empty")
    encoding = ENCODINGS.get(content[:2], "utf-8")
    try:
        notebook = json.loads(content.decode(encoding))
    except ValueError as error:
        raise Refused(f"not a notebook, or one cut short ({error})") from error
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise Refused("it has the format of 2014; opened in JupyterLab and saved it gets today's")
    return notebook, [f"its encoding was {encoding}"] * (encoding != "utf-8")


def recognise(notebook: Notebook, name: str, masters: dict[str, Notebook]) -> str:
    """The file name of the master that a notebook comes from."""
    share = {each: marks.shared(notebook, master) for each, master in masters.items()}
    best = max(share, key=lambda each: (share[each], each == name))
    if not share[best]:
        raise Refused("no cell of the course's exercises is in it")
    if name in masters and best != name:
        raise Refused(f"it is not {name} but {best} under that name")
    return best


def _well_formed(notebook: Notebook) -> Iterator[str]:
    """What the format and nbgrader expect, and converters and hosted services leave out."""
    metadata = notebook.setdefault("metadata", {})
    if metadata.pop("widgets", None) is not None:
        yield "the state of widgets was taken out"
    kernel = metadata.get("kernelspec", {})
    if kernel.get("name") != KERNEL["name"] or "display_name" not in kernel:
        metadata["kernelspec"] = dict(KERNEL)
        yield "the kernel's name was set to python3"
    if (notebook.get("nbformat", 0), notebook.get("nbformat_minor", 0)) < (4, 5):
        notebook |= {"nbformat": 4, "nbformat_minor": 5}
        yield "its format is 4.5 now"
    for cell in notebook["cells"]:
        cell.setdefault("metadata", {})


def _cell_ids(notebook: Notebook) -> Iterator[str]:
    """Every cell has an id of its own, and the keys that its kind of cell has."""
    seen: set[str] = set()
    changed = 0
    for number, cell in enumerate(notebook["cells"]):
        there = cell.get("id")
        if there in seen or not isinstance(there, str) or not VALID_ID.fullmatch(there):
            cell["id"] = f"cell-{number:03d}-{len(notebook['cells'])}"
            changed += 1
        seen.add(cell["id"])
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []} | cell
        else:
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
    if changed:
        yield f"cells that got an id of their own: {changed}"


def find_masters(submitted: Path) -> dict[str, Notebook]:
    """The masters of the course's folder that ``submitted`` is in, or else the package's."""
    source = submitted.resolve().parent / "source"
    paths = source.glob("*/*.ipynb") if source.is_dir() else SOLUTIONS.glob("[0-9]*.ipynb")
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(paths)}


def hand_ins(submitted: Path) -> list[Path]:
    """All notebooks, and the folders SUBMITTED/STUDENT/ASSIGNMENT in which there is none."""
    files = [path for path in submitted.rglob("*") if path.suffix.lower() == ".ipynb"]
    notebooks = [path for path in files if CHECKPOINTS not in path.parts]
    filled = {folder for path in notebooks for folder in path.parents}
    empty = [path for path in submitted.glob("*/*") if path.is_dir() and path not in filled]
    return sorted(notebooks + [path for path in empty if path.name != CHECKPOINTS])


def set_aside(path: Path, submitted: Path) -> Path:
    """Moves a refused hand-in out of the way, with its folder unless others are in there."""
    others = [each for each in hand_ins(path.parent) if each != path]
    alone = path.is_file() and path.parent != submitted and not others
    moved = path.parent if alone else path
    target = submitted.resolve().parent / "refused" / moved.relative_to(submitted)
    number = 2
    while target.exists():
        target = target.with_name(f"{moved.name}-{number}")
        number += 1
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(moved, target)
    return target


def repair_all(submitted: Path) -> bool:
    """Repairs every hand-in and prints what was done. False where one was refused."""
    masters = find_masters(submitted)
    refused = 0
    for path in hand_ins(submitted):
        try:
            if path.is_dir():
                raise Refused("no notebook was handed in")
            done = repair(path, masters)
            print(f"{path}: {'; '.join(done) or 'fine'}")
        except Refused as reason:
            refused += 1
            print(f"{path}: REFUSED: {reason}; moved to {set_aside(path, submitted)}")
    return not refused


def main() -> None:
    """Runs the command line of ``authoring repair``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("submitted", type=Path, help="a folder SUBMITTED/STUDENT/ASSIGNMENT/")
    submitted = parser.parse_args().submitted
    if not submitted.is_dir() or not hand_ins(submitted):
        parser.error(f"no notebook in {submitted}")
    if not repair_all(submitted):
        sys.exit(1)
