"""Slides: a reveal.js deck for each lesson, by code, and the papers' own deck from our records.

A lesson's deck takes from each of its sections the equation, the predictions and the figures; the
lesson's prose becomes the speaker's notes (press S). Decks need no network; ``?print-pdf`` prints.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from aae_lessons.authoring.site.lessons import HEADING, PICTURE, Lesson, alternative

MOST = 20  # slides in a deck
SHORT = 20  # characters of a beginning that says nothing alone, such as "Answer."
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
PREDICTION = re.compile(r"^> \*\*Predict\.?\*\*(.+(?:\n>.*)*)", re.MULTILINE)
VECTOR = "image/svg+xml"
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


# ------------------------------------------------------------------------- a lesson's deck


def deck(lesson: Lesson) -> list[Slide]:
    """The slides of a lesson, at most ``MOST``: second figures of a section go first."""
    first = lesson.cells[0].source
    minutes = f"{lesson.minutes} minutes in the notebook" if lesson.minutes else ""
    slides = [
        Slide(lesson.heading, f'<p class="small">{minutes}</p>', first, rank=9, kind="opening")
    ]
    if lesson.outcomes:
        points = "\n".join(f"- {part.strip()}" for part in lesson.outcomes.split(";"))
        slides.append(Slide("After this lesson you can", rendered(points), first, rank=9))
    for title, cells in sections(lesson.cells):
        slides += section(title, cells)
    while len(slides) > MOST:
        lowest = min(slide.rank for slide in slides)
        last = max(i for i, slide in enumerate(slides) if slide.rank == lowest)
        del slides[last]
    return slides


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


def section(title: str, cells: list[NotebookNode]) -> Iterator[Slide]:
    """What one section puts on slides."""
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    prose = "\n\n".join(re.sub(r"^#.*$", "", text, flags=re.MULTILINE) for text in words)
    equations = EQUATION.findall(prose)
    if equations:
        body = f"<p>{inline(lead(prose))}</p>\n\\[{html.escape(equations[0].strip())}\\]"
        yield Slide(title, body, prose, rank=6)
    elif not any(map(pictures_of, cells)) and not any(map(tables_of, cells)):
        points = re.findall(r"^(?:- .+(?:\n  .+)*)", prose, re.MULTILINE)[:6]
        body = rendered("\n".join(points)) if points else f"<p>{inline(lead(prose))}</p>"
        yield Slide(title, body, prose, rank=7 if points else 4)
    number = 0
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            for question in PREDICTION.findall(cell.source):
                text = re.sub(r"^>", "", question, flags=re.MULTILINE)
                body = f'<p class="large">{inline(text)}</p>'
                yield Slide("Predict", body, cell.source, rank=3, kind="question")
            continue
        if LIVE in cell.metadata:
            yield Slide(title, pictures_of(cell)[0], prose, rank=9)
            continue
        for picture in pictures_of(cell, title):
            after = next((c.source for c in cells[place + 1 :] if c.cell_type == "markdown"), "")
            body = f'{picture}<p class="small">{inline(lead(after))}</p>'
            yield Slide(title, body, after or prose, rank=8 - min(2 * number, 7) if number else 8)
            number += 1
        for table in tables_of(cell):
            yield Slide(title, table, prose, rank=8)


def lead(prose: str, longest: int = 230) -> str:
    """The first sentences of a text, as many as a slide can take."""
    text = re.sub(r"^[>|#].*$", "", prose, flags=re.MULTILINE).strip()
    first = next(filter(None, map(str.strip, EQUATION.split(text)[::2])), "")
    text = " ".join(first.partition("<details")[0].split())
    taken = ""
    for sentence in re.split(r"(?<=[.?!*:]) (?=[A-Z*])", text):
        if len(taken) > SHORT and len(taken) + len(sentence) > longest:
            break
        taken = f"{taken} {sentence}".strip()
    taken = taken if len(taken) < 2 * longest else taken[: 2 * longest].rsplit(" ", 1)[0] + " …"
    return taken + "*" * (taken.count("*") % 2)


def tables_of(cell: NotebookNode) -> list[str]:
    """The tables that a code cell shows, as HTML."""
    result = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "<table" in data.get("text/html", ""):
            result.append(data["text/html"])
        elif "\n|--" in data.get("text/markdown", ""):
            lines = data["text/markdown"].splitlines()
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
            result.append(
                f'<div class="drawing" role="img" aria-label="{words}">{data[VECTOR]}</div>'
            )
    return result
