"""Writes the decks of slides: a page for each, with reveal.js and the explorers of its lesson."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aae_lessons.authoring.site import assets, papers, parts
from aae_lessons.authoring.site.lesson_decks import deck
from aae_lessons.authoring.site.lessons import Lesson
from aae_lessons.authoring.site.slides import LIVE, Slide
from aae_lessons.widgets import static

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="reveal/reveal.css"><link rel="stylesheet" href="reveal/white.css">
<link rel="stylesheet" href="../_static/katex/katex.min.css">
<link rel="stylesheet" href="../_static/slides.css"></head>
<body data-deck="{title}"><main><div class="reveal"><div class="slides">
{slides}
</div></div></main>
{explorers}
<script src="reveal/reveal.js"></script><script src="reveal/notes.js"></script>
<script src="../_static/katex.min.js"></script>
<script src="../_static/auto-render.min.js"></script>
<script src="../_static/slides.js"></script></body></html>
"""


def explorers(page: Mapping[str, Any]) -> str:
    """What a deck has to load for the explorers of its lesson."""
    if not page.get("live"):
        return ""
    menus = '<script src="../_static/course.js"></script>\n'
    live = static.embedded(page["contents"]) if "contents" in page else ""
    return menus + parts.tags(page.get("parts", []), "../") + live


def write(out: Path, lessons: list[Lesson], pages: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Writes all decks into ``out/slides``; returns their files.

    Args:
        out: the site's folder.
        lessons: in order.
        pages: what the site knows of each page (``extension.pages_of``), with its live explorers.
    """
    folder = out / "slides"
    assets.copy_reveal(folder)
    for lesson in lessons:
        live = pages.get(f"notebooks/{lesson.path.stem}", {}).get("live", {})
        for place, widget in live.items():
            lesson.cells[place].metadata[LIVE] = widget
    makers: dict[str, Callable[[], list[Slide]]] = {
        lesson.path.stem: lambda lesson=lesson: deck(lesson) for lesson in lessons
    }
    if {0, 1, 2, 3, 4, 5, 6, 7} <= {lesson.number for lesson in lessons}:
        makers["papers"] = lambda: papers.papers(lessons)
    files = []
    for name, make in makers.items():
        slides = make()
        title = html.escape(slides[0].title)
        text = PAGE.format(
            title=title,
            slides="\n".join(slide.html() for slide in slides),
            explorers=explorers(pages.get(f"notebooks/{name}", {})),
        )
        files.append(folder / f"{name}.html")
        files[-1].write_text(assets.pictures_as_files(text, folder), "utf-8")
    return files
