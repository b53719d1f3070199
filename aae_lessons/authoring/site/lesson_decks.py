"""A lesson's deck, by code: what each of its sections puts on slides.

A section gives its displayed equations, each with the sentences that lead to it; the results of
its folded derivations; the update that it writes in the open; and its diagrams, figures and
tables. A prediction comes before the figure that answers it, by which a key press replaces it.
"""

from __future__ import annotations

import ast
import html
import re
from collections import Counter
from collections.abc import Iterator

from nbformat import NotebookNode

from aae_lessons.authoring.site import excerpts
from aae_lessons.authoring.site import formulas as formulas_on
from aae_lessons.authoring.site.lessons import Lesson
from aae_lessons.authoring.site.notebooks import DETAILS
from aae_lessons.authoring.site.slides import (
    LIVE,
    Slide,
    figures_of,
    inline,
    is_tall,
    parts_of,
    pictures_of,
    rendered,
    sections,
    tables_of,
)

MOST = 20  # slides in a deck
ROWS = 9  # of a table on one slide
FEWEST = 12  # slides in a deck: above that, slides of rank ``WORDS`` go
WORDS = 2
LINES = 10  # of code on one slide, comments not counted
UPDATE = re.compile(r"(^|_)(update|step)$")
ROUTINE = re.compile(r"\.(zero_grad|backward|step)\(\)|^\s*(#|def |return)|^\s*$")
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
        points = lesson.outcomes.split(";")
        points = lesson.outcomes.split(", ") if len(points) == 1 else points
        text = "\n".join(f"- {part.strip().removeprefix('and ')}" for part in points)
        slides.append(Slide("After this lesson you can", rendered(text), first, rank=9))
    appendix = False  # shown are its parts with an explorer; they may have no number of their own
    for title, cells in sections(lesson.cells):
        appendix = "Appendix" in title or (appendix and not title[0].isdigit())
        if not appendix or any(LIVE in cell.metadata for cell in cells):
            slides += section(title, cells)
    for again in [slide for slide in slides if "<pre><code>" in slide.body][1:]:
        again.rank = 6  # a further update, much like the first
    while len(slides) > FEWEST:
        lowest = min(slide.rank for slide in slides)
        if lowest > WORDS and len(slides) <= MOST:
            break
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
    if (
        len(formulas) <= 1
        and results
        and formulas_on.lines_of(formulas + results) <= formulas_on.LINES
    ):
        yield Slide(title, formulas_on.written(formulas + results), whole, rank=9)
        formulas, results = [], []
    drawn = [place for place, cell in enumerate(cells) if _is_drawing(cell)]
    if formulas and len(formulas) <= 2 and len(drawn) == 1:
        picture = pictures_of(cells[drawn[0]], title)[0]
        yield Slide(title, formulas_on.written(formulas[:1]) + picture, prose, rank=9)
        formulas, cells = formulas[1:], [c for i, c in enumerate(cells) if i != drawn[0]]
        if formulas:
            yield Slide(title, formulas_on.written(formulas), prose, rank=5)
    else:
        for place, some in enumerate(formulas_on.slides_of(formulas)[:2]):
            yield Slide(title, formulas_on.written(some), prose, rank=7 if place else 9)
    if results:
        yield Slide(title, formulas_on.written(results), whole, rank=7)
    if not (formulas or drawn or any(map(_is_shown, cells))):
        yield _words(title, prose)
    yield from _cells(title, cells, prose)


def _words(title: str, prose: str) -> Slide:
    """A section without formulas, figures and tables of results: its list, its table, or its
    first sentences."""
    points = re.findall(r"^- .+(?:\n  .+)*", prose, re.MULTILINE)[:6]
    items = [excerpts.lead(" ".join(point[2:].split()), 210) for point in points]
    if items:
        rank = 9 if "Recap" in title else 7
        return Slide(title, rendered("\n".join(f"- {item}" for item in items)), prose, rank=rank)
    if rows := re.findall(r"^\|.+$", prose, re.MULTILINE):
        return Slide(title, rendered("\n".join(rows[: ROWS + 2])), prose, rank=5)
    words = excerpts.lead(prose, 420, alone=True)
    return Slide(title, f"<p>{inline(words)}</p>", prose, rank=WORDS)


def _cells(title: str, cells: list[NotebookNode], prose: str) -> Iterator[Slide]:
    """Code, figures, tables and explorers of a section in order, with their predictions."""
    questions = excerpts.questions_before(
        cells, lambda cell: _is_shown(cell) and not _is_curve(cell)
    )
    number, heading, place = 0, title, 0
    while place < len(cells):
        cell, name = cells[place], heading
        question, answer = questions.get(place, ("", ""))
        place += 1
        if cell.cell_type == "markdown" and (trouble := TROUBLE.findall(cell.source)):
            heading = f"{title}: {trouble[-1][0].lower()}{trouble[-1][1:]}"
        if lines := update(cell):
            yield Slide(name, _program(cells[: place - 1], lines), prose, rank=8)
        if LIVE in cell.metadata:
            live = excerpts.question_above(question) + pictures_of(cell)[0]
            yield Slide(name, live, prose, rank=9)
            continue
        drawings = [picture for picture in pictures_of(cell, title) if "<svg" in picture]
        while drawings and place < len(cells) and _is_drawing(cells[place]):
            drawings += pictures_of(cells[place], title)
            place += 1
        for picture in ["".join(drawings)] if drawings else figures_of(cell, title):
            words = excerpts.lead(answer, 280) or excerpts.captions(cells, place)
            body = _figure(picture, words, question)
            # what comes of a fault is in the section's later figures
            rank = 8 if heading != title and number < 2 else 8 - min(2 * number, 5)
            healthy = _is_curve(cell) and "wrong" not in title
            rank = 4 if healthy else max(rank, 8) if question or answer else rank
            yield Slide(name, body, prose, rank=rank)
            number, question, answer = number + (not healthy), "", ""
        yield from _tables(name, cell, prose, question)
        if question and not _is_shown(cell):
            words = excerpts.lead(answer, 400)
            yield Slide(
                name,
                excerpts.uncovered(question, f"<p>{inline(words)}</p>", above=True),
                prose,
                rank=5,
            )


def _tables(title: str, cell: NotebookNode, prose: str, question: str) -> Iterator[Slide]:
    """The tables of a cell, ``ROWS`` rows on each slide, and under which conditions they hold."""
    caveat = excerpts.caveats(prose)
    small = f'<p class="small">{inline(caveat)}</p>' if caveat else ""
    for table in tables_of(cell):
        parts = parts_of(table, ROWS)
        for number, part in enumerate(parts, 1):
            name = f"{title} ({number} of {len(parts)})" if parts[1:] else title
            rank = 9 if "claims" in title else 8
            body = part + (small if number == len(parts) else "")
            yield Slide(name, excerpts.uncovered(question, body), prose, rank=rank)
            question = ""


def _program(before: list[NotebookNode], lines: str) -> str:
    """A program's lines below the last words that come before it."""
    texts = [cell.source for cell in before if cell.cell_type == "markdown"]
    paragraphs = re.split(r"\n\s*\n", DETAILS.sub("", texts[-1]).strip()) if texts else [""]
    words = excerpts.lead(paragraphs[-1], 250, colon=True, alone=True)
    above = "" if words.startswith(("**Answer", "$$")) or not words else f"<p>{inline(words)}</p>"
    return f"{above}<pre><code>{html.escape(lines)}</code></pre>"


def _is_shown(cell: NotebookNode) -> bool:
    return LIVE in cell.metadata or bool(figures_of(cell) or tables_of(cell))


def _is_drawing(cell: NotebookNode) -> bool:
    return any("<svg" in picture for picture in pictures_of(cell))


def _is_curve(cell: NotebookNode) -> bool:
    """Whether a cell draws the losses of a training, which say little by themselves."""
    return "plots.losses(" in cell.source


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

    At most ``LINES`` lines, comments not counted; "" where the cell has none, or where it does
    with a loss what every update does.
    """
    if cell.get("outputs") or not re.search(r"^def \w*(update|step)\(", cell.source, re.MULTILINE):
        return ""
    functions = [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
    chosen = next((node for node in functions if UPDATE.search(node.name)), None)
    if chosen is None:
        return ""
    source = (ast.get_source_segment(cell.source, chosen) or "").splitlines()
    lines = [line for line in source if line.strip() and not line.startswith("    return")]
    if all(map(ROUTINE.search, lines)):
        return ""
    taken: list[str] = []
    for line in lines:
        if sum(not known.strip().startswith("#") for known in taken) == LINES:
            break
        taken.append(line)
    return "\n".join(taken)
