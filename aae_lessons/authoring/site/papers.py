"""The papers' own deck: their claims in order, each with a figure and a number of the course."""

from __future__ import annotations

import functools
import html
import math
import re

from aae_lessons import references
from aae_lessons.authoring.site.lessons import HEADING, Lesson
from aae_lessons.authoring.site.repository import ROOT
from aae_lessons.authoring.site.slides import (
    LIVE,
    Slide,
    drawing,
    pictures_of,
    rendered,
    sections,
)
from aae_lessons.plots import diagrams

CLAIMS = ROOT / "docs" / "slides" / "papers.md"
VERDICTS = CLAIMS.with_name("claims.md")
ROWS = 5  # of the verdicts on a slide
# within one standard deviation of a two-dimensional Gaussian's mean
OWN_SHARE = 1 - math.exp(-0.5)
FIGURE = re.compile(r"^(?:figure: (\d+) \| (.+?)|drawing: (.+?)) *$", re.MULTILINE)
FIELD = re.compile(r"\{\{([\w.-]+)\.(\w+)(?::([^}]+))?\}\}")


def number(match: re.Match[str]) -> str:
    """``{{run.metric:format}}`` from the run's records: the mean, with ± where there are seeds.

    ``min`` or ``max`` before the format takes the extreme seed. ``{{run.seeds}}`` counts the
    records, ``{{run.weight:g}}`` is the setting of the loss's last term, and
    ``{{prior.mass_at_modes}}`` the mixture's own share.
    """
    name, metric, form = match[1], match[2], match[3] or ".2f"
    factor, form = (100, form.replace("%", "f")) if form.endswith("%") else (1, form)
    if name == "prior":
        return f"{factor * OWN_SHARE:{form}}"
    if metric == "seeds":
        count = len(references.records(name))
        return f"{count} seeds" if count > 1 else "one seed"
    if metric == "weight":
        return f"{references.records(name)[0]['model']['config']['weight']:{form}}"
    if form[:3] in ("min", "max"):
        extreme = min if form.startswith("min") else max
        worst = extreme(record["metrics"][metric] for record in references.records(name))
        return f"{factor * worst:{form[3:].strip()}}"
    mean, deviation, seeds = references.mean_and_std(name, metric)
    text = f"{factor * mean:{form}}"
    return f"{text} ± {factor * deviation:{form}}" if seeds > 1 else text


@functools.cache  # for the page on slides, and for the slides
def verdicts() -> str:
    """The table of claims, sources, verdicts and numbers, in Markdown: ``docs/slides/claims.md``.

    Raises ValueError where a row's verdict is not one of the five that the page explains.
    """
    lines = FIELD.sub(number, VERDICTS.read_text("utf-8")).strip().splitlines()
    known = ("confirmed", "partly confirmed", "not confirmed", "contradicted", "not tested")
    for line in lines[2:]:
        verdict = line.split("|")[3].strip().strip("*")
        if verdict not in known:
            raise ValueError(f"{VERDICTS.name}: verdict {verdict!r}, expected one of {known}")
    return "\n".join(lines)


def verdict_slides() -> list[Slide]:
    """The same table on slides, ``ROWS`` rows on each."""
    head, rule, *rows = verdicts().splitlines()
    parts = [rows[first : first + ROWS] for first in range(0, len(rows), ROWS)]
    note = "The site's page on slides has the same table, with links to the lessons."
    return [
        Slide(
            f"Claim by claim ({place} of {len(parts)})",
            f'<div class="verdicts">{rendered(chr(10).join([head, rule, *part]))}</div>',
            note,
        )
        for place, part in enumerate(parts, 1)
    ]


def papers(lessons: list[Lesson]) -> list[Slide]:
    """The slides of ``docs/slides/papers.md``: claims with our figures and numbers.

    Slides are separated by ``---``; ``figure: LESSON | WORDS`` takes the first picture of that
    lesson whose section's title or code has the words, ``drawing: NAME PHASE`` draws one of
    :mod:`aae_lessons.plots.diagrams`. Raises ValueError where there is none.
    """
    slides = []
    for part in CLAIMS.read_text("utf-8").split("\n---\n"):
        body, _, notes = part.partition("\nnotes:")
        heading = HEADING.search(body)
        if heading is None:
            raise ValueError(f"{CLAIMS.name}: a slide without a heading: {body[:60]!r}")
        body = HEADING.sub("", body, count=1)
        figure = FIGURE.search(body)
        text = FIELD.sub(number, body.replace(figure[0], "") if figure else body)
        picture = ""
        if figure:
            picture = find(lessons, int(figure[1]), figure[2]) if figure[1] else draw(figure[3])
        body, kind = rendered(text) + picture, "" if slides else "opening"
        slides.append(Slide(heading[1], body, FIELD.sub(number, notes), kind=kind))
    return slides + verdict_slides()


def find(lessons: list[Lesson], lesson: int, words: str) -> str:
    """The first picture of a lesson under a heading, or made by code, that has the words.

    ``words / words``: where no picture has the first, the second are looked for.
    """
    chosen = next((x for x in lessons if x.number == lesson), None)
    parts = list(sections(chosen.cells)) if chosen else []
    for sought in words.lower().split(" / "):
        for title, cells in parts:
            for cell in cells:
                known = sought in f"{title}\n{cell.source}".lower() and LIVE not in cell.metadata
                if known and pictures_of(cell):
                    return pictures_of(cell, title)[0]
    raise ValueError(f"lesson {lesson} has no figure for {words!r}: see {CLAIMS.name}")


def draw(words: str) -> str:
    """A diagram by its name and, where one follows, its phase: ``aae reconstruction``."""
    name, *phase = words.split()
    make = getattr(diagrams, name, None)
    if make is None:
        raise ValueError(f"diagrams has no {name!r}: see {CLAIMS.name}")
    diagram = make(*phase)
    return drawing(diagram.svg, html.escape(diagram.alt, quote=True))
