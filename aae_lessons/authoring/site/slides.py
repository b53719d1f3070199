"""Slides: a reveal.js deck for each lesson, by code, and the papers' own deck from our records.

A lesson's deck takes from each of its sections the equation, the predictions and the figures; the
lesson's prose becomes the speaker's notes (press S). Decks need no network; ``?print-pdf`` prints.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from aae_lessons import references
from aae_lessons.authoring.site import assets
from aae_lessons.authoring.site.lessons import HEADING, PICTURE, Lesson, alternative
from aae_lessons.authoring.site.repository import ROOT

MOST = 20  # slides in a deck
CLAIMS = ROOT / "docs" / "slides" / "papers.md"
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
PREDICTION = re.compile(r"^> \*\*Predict\.?\*\*(.+(?:\n>.*)*)", re.MULTILINE)
FIELD = re.compile(r"\{\{([\w-]+)\.(\w+)(?::([^}]+))?\}\}")
VECTOR = "image/svg+xml"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="reveal/reveal.css"><link rel="stylesheet" href="reveal/white.css">
<link rel="stylesheet" href="../_static/katex/katex.min.css">
<link rel="stylesheet" href="../_static/slides.css"></head>
<body><main class="reveal"><div class="slides">
{slides}
</div></main>
<script src="reveal/reveal.js"></script><script src="reveal/notes.js"></script>
<script src="../_static/katex.min.js"></script>
<script src="../_static/auto-render.min.js"></script>
<script src="../_static/slides.js"></script></body></html>
"""


@dataclass
class Slide:
    """One slide: title in Markdown, body in HTML, notes in Markdown, and how soon it may go."""

    title: str
    body: str
    notes: str = ""
    rank: int = 0

    def html(self) -> str:
        notes = f'<aside class="notes">{rendered(self.notes)}</aside>' if self.notes else ""
        return f"<section><h2>{inline(self.title)}</h2>\n{self.body}{notes}</section>"


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
    slides = [Slide(lesson.heading, f'<p class="small">{minutes}</p>', first, rank=9)]
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
    elif not any(map(pictures_of, cells)):
        points = re.findall(r"^(?:- .+(?:\n  .+)*)", prose, re.MULTILINE)[:6]
        body = rendered("\n".join(points)) if points else f"<p>{inline(lead(prose))}</p>"
        yield Slide(title, body, prose, rank=7 if points else 4)
    number = 0
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            for question in PREDICTION.findall(cell.source):
                text = re.sub(r"^>", "", question, flags=re.MULTILINE)
                yield Slide("Predict", f'<p class="large">{inline(text)}</p>', cell.source, rank=3)
            continue
        for picture in pictures_of(cell, title):
            after = next((c.source for c in cells[place + 1 :] if c.cell_type == "markdown"), "")
            body = f'{picture}<p class="small">{inline(lead(after))}</p>'
            yield Slide(title, body, after or prose, rank=8 - min(2 * number, 7) if number else 8)
            number += 1


def lead(prose: str, longest: int = 230) -> str:
    """The first sentences of a text, as many as a slide can take."""
    text = " ".join(EQUATION.sub("", re.sub(r"^[>|#].*$", "", prose, flags=re.MULTILINE)).split())
    text = text.partition("<details")[0].strip()
    taken = ""
    for sentence in re.split(r"(?<=[.?!*:]) (?=[A-Z*])", text):
        if taken and len(taken) + len(sentence) > longest:
            break
        taken = f"{taken} {sentence}".strip()
    taken = taken if len(taken) < 2 * longest else taken[: 2 * longest].rsplit(" ", 1)[0] + " …"
    return taken + "*" * (taken.count("*") % 2)


def pictures_of(cell: NotebookNode, section: str = "") -> list[str]:
    """The pictures of a code cell as HTML."""
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


# ------------------------------------------------------------------------ the papers' deck


def number(match: re.Match[str]) -> str:
    """``{{run.metric:format}}`` from the run's records: the mean, with ± where there are seeds."""
    name, metric, form = match[1], match[2], match[3] or ".2f"
    factor, form = (100, form.replace("%", "f")) if form.endswith("%") else (1, form)
    mean, deviation, seeds = references.mean_and_std(name, metric)
    text = f"{factor * mean:{form}}"
    return f"{text} ± {factor * deviation:{form}}" if seeds > 1 else text


def papers(lessons: list[Lesson]) -> list[Slide]:
    """The slides of ``docs/slides/papers.md``: claims with our figures and numbers.

    Slides are separated by ``---``; ``figure: LESSON | WORDS`` takes the first picture of that
    lesson whose section's title or code has the words. Raises ValueError where there is none.
    """
    slides = []
    for part in CLAIMS.read_text("utf-8").split("\n---\n"):
        body, _, notes = part.partition("\nnotes:")
        heading = HEADING.search(body)
        if heading is None:
            raise ValueError(f"{CLAIMS.name}: a slide without a heading: {body[:60]!r}")
        body = HEADING.sub("", body, count=1)
        figure = re.search(r"^figure: (\d+) \| (.+)$", body, re.MULTILINE)
        text = FIELD.sub(number, body.replace(figure[0], "") if figure else body)
        picture = find(lessons, int(figure[1]), figure[2].strip()) if figure else ""
        slides.append(Slide(heading[1], rendered(text) + picture, FIELD.sub(number, notes)))
    return slides


def find(lessons: list[Lesson], lesson: int, words: str) -> str:
    """The first picture of a lesson under a heading, or made by code, that has the words.

    ``words / words``: where no picture has the first, the second are looked for.
    """
    chosen = next((x for x in lessons if x.number == lesson), None)
    parts = list(sections(chosen.cells)) if chosen else []
    for sought in words.lower().split(" / "):
        for title, cells in parts:
            for cell in cells:
                if sought in f"{title}\n{cell.source}".lower() and pictures_of(cell):
                    return pictures_of(cell, title)[0]
    raise ValueError(f"lesson {lesson} has no figure for {words!r}: see {CLAIMS.name}")


# ---------------------------------------------------------------------------------- writing


def write(out: Path, lessons: list[Lesson]) -> list[Path]:
    """Writes all decks into ``out/slides``; returns their files."""
    folder = out / "slides"
    assets.copy_reveal(folder)
    makers: dict[str, Callable[[], list[Slide]]] = {
        lesson.path.stem: lambda lesson=lesson: deck(lesson) for lesson in lessons
    }
    if {0, 1, 2, 3, 4, 5, 6, 7} <= {lesson.number for lesson in lessons}:
        makers["papers"] = lambda: papers(lessons)
    files = []
    for name, make in makers.items():
        slides = make()
        title = html.escape(slides[0].title)
        text = PAGE.format(title=title, slides="\n".join(slide.html() for slide in slides))
        files.append(folder / f"{name}.html")
        files[-1].write_text(assets.pictures_as_files(text, folder), "utf-8")
    return files
