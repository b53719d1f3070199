"""A lesson's deck, by code: what each of its sections puts on slides.

A section gives its displayed equations, each with the sentence that leads to it; the results of
its folded derivations; the update that it writes in the open; and its diagrams, figures and
tables. A prediction stands above the figure that answers it, which a key press uncovers.
"""

from __future__ import annotations

import ast
import html
import re
from collections import Counter
from collections.abc import Iterator

from nbformat import NotebookNode

from aae_lessons.authoring.site import excerpts
from aae_lessons.authoring.site.lessons import Lesson
from aae_lessons.authoring.site.notebooks import DETAILS
from aae_lessons.authoring.site.slides import (
    LIVE,
    Slide,
    inline,
    is_tall,
    pictures_of,
    rendered,
    sections,
    tables_of,
)

MOST = 20  # slides in a deck
EQUATIONS = 3  # on one slide
LINES = 10  # of code on one slide, comments not counted
UPDATE = re.compile(r"(^|_)(update|step)$")
TROUBLE = re.compile(r"\*\*\d\. ([^*]+?)\.?\*\*")


def deck(lesson: Lesson) -> list[Slide]:
    """The slides of a lesson, at most ``MOST``.

    Third figures of a section go first; among equals those of the section with most slides.
    """
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
        sizes = Counter(slide.title for slide in slides)
        some = [i for i, slide in enumerate(slides) if slide.rank == lowest]
        del slides[max(some, key=lambda i: (sizes[slides[i].title], i))]
    return slides


def section(title: str, cells: list[NotebookNode]) -> Iterator[Slide]:
    """What one section puts on slides."""
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    whole = "\n\n".join(re.sub(r"^#.*$", "", text, flags=re.MULTILINE) for text in words)
    prose = DETAILS.sub("", whole)
    formulas = excerpts.equations(prose)
    results = [] if "Recap" in title else excerpts.results(whole)
    if len(formulas) <= 1 and results:
        yield Slide(title, _formulas(formulas + results), whole, rank=9)
        formulas, results = [], []
    drawn = [place for place, cell in enumerate(cells) if _is_drawing(cell)]
    if formulas and len(formulas) < EQUATIONS and len(drawn) == 1:
        picture = pictures_of(cells[drawn[0]], title)[0]
        yield Slide(title, _formulas(formulas[:1]) + picture, prose, rank=9)
        formulas, cells = formulas[1:], [c for i, c in enumerate(cells) if i != drawn[0]]
        if formulas:
            yield Slide(title, _formulas(formulas), prose, rank=5)
    elif formulas:
        yield Slide(title, _formulas(formulas[:EQUATIONS]), prose, rank=8)
    if formulas[EQUATIONS:]:
        yield Slide(title, _formulas(formulas[EQUATIONS:][:EQUATIONS]), prose, rank=5)
    if results:
        yield Slide(title, _formulas(results), whole, rank=7)
    if not (formulas or drawn or any(pictures_of(cell) or tables_of(cell) for cell in cells)):
        yield _words(title, prose)
    yield from _cells(title, cells, prose)


def _formulas(equations: list[tuple[str, str]]) -> str:
    return "".join(
        (f"<p>{inline(lead)}</p>\n" if lead else "") + f"\\[{html.escape(formula)}\\]"
        for lead, formula in equations
    )


def _words(title: str, prose: str) -> Slide:
    """A section without formulas, figures and tables: its list, or its first sentences."""
    points = re.findall(r"^- .+(?:\n  .+)*", prose, re.MULTILINE)[:6]
    items = [excerpts.lead(" ".join(point[2:].split()), 210) for point in points]
    if items:
        rank = 9 if "Recap" in title else 7
        return Slide(title, rendered("\n".join(f"- {item}" for item in items)), prose, rank=rank)
    return Slide(title, f"<p>{inline(excerpts.lead(prose, 420))}</p>", prose, rank=4)


def _cells(title: str, cells: list[NotebookNode], prose: str) -> Iterator[Slide]:
    """Code, figures, tables and explorers of a section in order, with their predictions."""
    number, question, heading, place = 0, "", title, 0
    while place < len(cells):
        cell, name = cells[place], heading
        place += 1
        if cell.cell_type == "markdown":
            question = next(iter(excerpts.predictions(cell.source)), question)
            if trouble := TROUBLE.findall(cell.source):
                heading = f"{title}: {trouble[-1][0].lower()}{trouble[-1][1:]}"
            continue
        if lines := update(cell):
            yield Slide(name, f"<pre><code>{html.escape(lines)}</code></pre>", prose, rank=8)
        if LIVE in cell.metadata:
            yield Slide(
                name, excerpts.question_above(question) + pictures_of(cell)[0], prose, rank=9
            )
            question = ""
            continue
        drawings = [picture for picture in pictures_of(cell, title) if "<svg" in picture]
        while drawings and place < len(cells) and _is_drawing(cells[place]):
            drawings += pictures_of(cells[place], title)
            place += 1
        pictures = ["".join(drawings)] if drawings else pictures_of(cell, title)
        for picture in pictures:
            body = _figure(picture, excerpts.captions(cells, place), question)
            # what comes of a fault is in the section's later figures
            rank = 8 if heading != title and number < 2 else 8 - min(2 * number, 7)
            yield Slide(name, body, prose, rank=rank)
            number, question = number + 1, ""
        for table in tables_of(cell):
            caveat = excerpts.caveats(prose)
            small = f'<p class="small">{inline(caveat)}</p>' if caveat else ""
            body, rank = excerpts.uncovered(question, table + small), 9 if "claims" in title else 8
            yield Slide(name, body, prose, rank=rank)
            question = ""
        if question and not pictures and (answer := excerpts.answer(cell)):
            body = excerpts.uncovered(question, f"<p>{inline(excerpts.lead(answer, 400))}</p>")
            yield Slide(name, body, prose, rank=5)
            question = ""


def _is_drawing(cell: NotebookNode) -> bool:
    return any("<svg" in picture for picture in pictures_of(cell))


def _figure(picture: str, caption: str, question: str) -> str:
    """A figure with its caption, beside it where the figure is as tall as wide."""
    if picture.count("<svg") > 1:
        return _phases(picture)
    small = f'<p class="small">{inline(caption)}</p>' if caption else ""
    kind = "beside" if is_tall(picture) and caption else "above"
    return excerpts.uncovered(question, f'<div class="{kind}">{picture}{small}</div>')


def _phases(pictures: str) -> str:
    """Diagrams that follow one another: on a slide a key press brings the next, on paper all."""
    drawings = pictures.split('<div class="drawing"')[1:]
    parts = []
    for place, drawing in enumerate(drawings):
        words = excerpts.last_sentence(drawing)
        kind = "fade-in-then-out" if place else "fade-out"
        kind = "fade-in" if place == len(drawings) - 1 else kind
        index = max(0, place - 1)
        parts.append(
            f'<div class="phase fragment {kind}" data-fragment-index="{index}">'
            f'<div class="drawing"{drawing}<p>{words}</p></div>'
        )
    return f'<div class="phases">{"".join(parts)}</div>'


def update(cell: NotebookNode) -> str:
    """The body of an update that the lesson writes in the open, without what it returns.

    At most ``LINES`` lines, comments not counted; "" where the cell has none.
    """
    if cell.get("outputs") or not re.search(r"^def \w*(update|step)\(", cell.source, re.MULTILINE):
        return ""
    functions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
    chosen = next((node for node in functions if UPDATE.search(node.name)), None)
    if chosen is None:
        return ""
    source = (ast.get_source_segment(cell.source, chosen) or "").splitlines()
    lines = [line for line in source if line.strip() and not line.startswith("    return")]
    taken: list[str] = []
    for line in lines:
        if sum(not known.strip().startswith("#") for known in taken) == LINES:
            break
        taken.append(line)
    return "\n".join(taken)
