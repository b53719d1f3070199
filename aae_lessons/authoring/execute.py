"""Executes lessons from a fresh kernel and stores them with their outputs.

python -m aae_lessons.authoring execute                    # all lessons
python -m aae_lessons.authoring execute 02_adversarial     # one of them
python -m aae_lessons.authoring execute solutions/*.ipynb  # other notebooks, by their paths
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_output
from PIL import Image

from aae_lessons.authoring.site.notebooks import words_a_result
from aae_lessons.authoring.site.repository import with_installation
from aae_lessons.files import write_atomically
from aae_lessons.plots.style import COLOURS

FOLDER = Path(__file__).parents[2] / "notebooks"
LIMIT = 150  # seconds that a lesson may take on two CPU cores
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "name": "python"}  # exporters need the first
HINT = "▶ run this cell to move it\n"  # under an explorer's still, where a reader sees it
WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/svg+xml")
GENERATED = "alt_is_generated"
KEPT_COLOURS = [(255, 255, 255)] + [
    tuple(round(255 * (1 - opaque * (1 - part))) for part in colour)
    for opaque in (1.0, 0.7)  # 0.7: how plots of codes draw them on white
    for colour in COLOURS
]
KEPT = ("tags", "nbgrader", "mystnb", GENERATED)
COLLAPSED = {"hide-input", "remove-cell"}  # tags that fold or drop a cell on the site


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Keeps what a reader on a static page can see; drops bars, timings, widget state, versions.

    Of a widget stay its picture, if it has one, and a line that says to run the cell. Words for
    a figure go into ``mystnb.image.alt`` of the cell's metadata: an author's stay as they are,
    else those that the figure has itself (marked, so that they follow the figure). Code that
    words an answer, and whatever the site folds or drops by a tag, is collapsed in Jupyter.
    """
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        kept = {key: value for key, value in cell.metadata.items() if key in KEPT}
        if kept.get(GENERATED):
            kept = {key: kept[key] for key in kept.keys() - {"mystnb", GENERATED}}
        if cell.cell_type == "code":
            words = "; ".join(filter(None, map(_alt, cell.outputs)))
            if words and "mystnb" not in kept:
                kept |= {"mystnb": {"image": {"alt": words}}, GENERATED: True}
            moves = any(map(_moves, cell.outputs))
            cell.outputs = [seen for output in cell.outputs if (seen := _clean(output))]
            cell.outputs += [new_output("stream", text=HINT)] * moves
            if COLLAPSED & set(kept.get("tags", [])) or words_a_result(cell.source):
                kept["jupyter"] = {"source_hidden": True}
        cell.metadata = nbformat.from_dict(kept)
    return notebook


def _moves(output: nbformat.NotebookNode) -> bool:
    """Whether an output is an explorer, of which a reader sees a still until the cell is run."""
    return output.output_type == "execute_result" and WIDGET in output.data


def _alt(output: nbformat.NotebookNode) -> str:
    """What an output shows, in the words that a figure, diagram or explorer brings along."""
    data = output.get("data", {})
    if not any(kind in data for kind in PICTURES):
        return ""
    if WIDGET in data:
        return data["text/plain"]
    metadata = output.get("metadata", {})
    words = (metadata.get(kind, {}).get("alt") for kind in PICTURES)
    return next(filter(None, words), "")


def _clean(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    if output.output_type == "stream" and output.name == "stderr":
        return None
    data = output.get("data", {})
    if WIDGET in data:
        if output.output_type == "display_data":  # a progress bar, closed by now
            return None
        picture = {"image/png": data["image/png"]} if "image/png" in data else {}
        data = {**picture, "text/plain": "(an explorer: run this cell to move it)"}
    if "image/png" in data:
        data = {**data, "image/png": small(data["image/png"])}
    if data:
        output["data"] = nbformat.from_dict(data)
    metadata = output.get("metadata", {})
    for kind in set(metadata) - set(PICTURES):
        del metadata[kind]
    return output


def small(png: str) -> str:
    """The same picture in base64, in 128 colours: a third of the bytes, no visible difference.

    The colours of the ten classes are among them, as drawn in legends and as drawn in clouds, so
    that no two of them run together; the others are chosen for the picture.
    """
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    chosen = picture.quantize(128 - len(KEPT_COLOURS), dither=Image.Dither.NONE).getpalette() or []
    colours = KEPT_COLOURS + [
        colour
        for colour in zip(chosen[::3], chosen[1::3], chosen[2::3], strict=True)
        if all(_apart(colour, kept) > 8 for kept in KEPT_COLOURS)
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(itertools.chain(*colours)))
    stream = io.BytesIO()
    reduced = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    reduced.save(stream, "png", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


def _apart(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The largest difference of two colours in red, green or blue."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def execute(path: Path) -> float:
    """Executes one notebook in an empty folder and stores it; returns the seconds it took."""
    notebook = with_installation(nbformat.read(path, as_version=4))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        # a slow table arrives in pieces, which a page would show with gaps between them
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3", coalesce_streams=True
        )
        asyncio.run(client.async_execute(cwd=folder))
    seconds = time.perf_counter() - started
    text = nbformat.writes(clean(notebook)) + "\n"
    write_atomically(path, lambda stream: stream.write(text.encode()))
    return seconds


def main() -> None:
    """Runs the command line of ``authoring execute``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="such as 02_adversarial; all without")
    args = parser.parse_args()
    os.environ.setdefault("AAE_PROGRESS", os.devnull)  # lesson 0 is stored as a new learner's
    paths = [Path(n) if n.endswith(".ipynb") else FOLDER / f"{n}.ipynb" for n in args.names]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        parser.error(f"no notebook {', '.join(missing)}; expected names such as 02_adversarial")
    slow = []
    for path in paths or sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")):
        seconds = execute(path)
        print(f"{path.stem}: {seconds:.0f} s")
        slow += [path.stem] * (seconds > LIMIT)
    if slow:
        sys.exit(f"more than {LIMIT} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
