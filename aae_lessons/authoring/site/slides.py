"""Slides for reveal.js: a slide, its words as HTML, and the pictures and tables of a cell.

The lesson's prose becomes the speaker's notes (press S). Decks need no network; ``?print-pdf``
prints.
"""

from __future__ import annotations

import base64
import html
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from aae_lessons.authoring.site.lessons import HEADING, PICTURE, alternative
from aae_lessons.authoring.site.notebooks import DETAILS

VECTOR = "image/svg+xml"
FOLDED = re.compile(r"<details\b.*?</details>", re.DOTALL)
PREDICT = "<strong>Predict.</strong>"
WIDE = 1.75  # of a figure's sides: above that its caption stands below it
DENSITY = 2  # pixels of a stored picture for each that a notebook shows
ROOM = (1152, 555)  # pixels that a slide has for a figure
LIVE = "aae_live"  # a cell's metadata: the HTML of its explorer


@dataclass
class Slide:
    """One slide: title in Markdown, body in HTML, notes in Markdown, and how soon it may go."""

    title: str
    body: str
    notes: str = ""
    rank: int = 0
    kind: str = ""  # how it is drawn: "opening", "question"

    def html(self) -> str:
        """The slide as a section for reveal.js."""
        notes = f'<aside class="notes">{rendered(self.notes)}</aside>' if self.notes else ""
        kind = f' class="{self.kind}"' if self.kind else ""
        return f"<section{kind}><h2>{inline(self.title)}</h2>\n{self.body}{notes}</section>"


def _parser() -> MarkdownIt:
    def formula(content: str, options: dict) -> str:
        marks = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
        return f"{marks[0]}{html.escape(content)}{marks[1]}"

    parser = MarkdownIt("commonmark").enable("table")
    return parser.use(dollarmath_plugin, renderer=formula, double_inline=True)


PARSER = _parser()


def rendered(markdown: str) -> str:
    """Markdown as HTML; links lead nowhere on a slide and become their words."""
    markdown = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", re.sub(r"<[^>]+>", "", markdown))
    return PARSER.render(markdown)


def inline(markdown: str) -> str:
    """One line of Markdown as HTML."""
    return rendered(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def sections(cells: list[NotebookNode]) -> Iterator[tuple[str, list[NotebookNode]]]:
    """Title and cells of each section; a cell in which one begins is parted there."""
    title, inside = "", []
    for cell in cells[1:]:
        parts = HEADING.split(cell.source) if cell.cell_type == "markdown" else [""]
        inside.append(cell if len(parts) == 1 else new_markdown_cell(parts[0]))
        for heading, text in zip(parts[1::2], parts[2::2], strict=True):
            if title:
                yield title, inside
            title, inside = heading, [new_markdown_cell(text)]
    if title:
        yield title, inside


def tables_of(cell: NotebookNode) -> list[str]:
    """The tables that a code cell shows, as HTML, without those that it folds."""
    result = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "<table" in (shown := FOLDED.sub("", data.get("text/html", ""))):
            result.append(shown)
        elif "\n|--" in (shown := DETAILS.sub("", data.get("text/markdown", ""))):
            lines = shown.splitlines()
            result.append(rendered("\n".join(line for line in lines if line.startswith("|"))))
    return result


def pictures_of(cell: NotebookNode, section: str = "") -> list[str]:
    """The pictures of a code cell as HTML; of an explorer that is alive, its place."""
    if LIVE in cell.metadata:
        return [f'<div class="live">{cell.metadata[LIVE]}</div>']
    result = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        own = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        words = html.escape(own or alternative(output, section), quote=True) if data else ""
        if PICTURE in data:
            image = data[PICTURE].replace("\n", "")
            result.append(f'<img alt="{words}" src="data:image/png;base64,{image}">')
        elif VECTOR in data:
            result.append(drawing(data[VECTOR], words))
    return result


def drawing(svg: str, words: str) -> str:
    """A vector drawing as HTML, with what it shows in words that are escaped already."""
    return f'<div class="drawing" role="img" aria-label="{words}">{svg}</div>'


def figures_of(cell: NotebookNode, section: str = "") -> list[str]:
    """The pictures of a code cell without those whose letters a slide would make smaller."""
    return [
        picture
        for picture in pictures_of(cell, section)
        if not (size := size_of(picture)) or min(ROOM[0] / size[0], ROOM[1] / size[1]) >= 0.9
    ]


def is_tall(picture: str) -> bool:
    """Whether an embedded picture is too tall to fill a slide's width."""
    size = size_of(picture)
    return bool(size) and size[0] < WIDE * size[1]


def size_of(picture: str) -> tuple[float, ...]:
    """Width and height of an embedded picture as a notebook shows it; () of another picture."""
    content = re.search(r"png;base64,([A-Za-z0-9+/=]{40})", picture)
    if content is None:
        return ()
    return tuple(
        side / DENSITY for side in struct.unpack(">II", base64.b64decode(content[1])[16:24])
    )


def parts_of(table: str, most: int) -> list[str]:
    """A table in HTML as several ones of at most ``most`` rows, each with the first row."""
    head, *rows = re.findall(r"<tr\b.*?</tr>", table, re.DOTALL)
    count = -(-len(rows) // most)
    if count < 2:
        return [table]
    each = -(-len(rows) // count)
    parts = (rows[first : first + each] for first in range(0, len(rows), each))
    return [f"<table>{head}{''.join(part)}</table>" for part in parts]
