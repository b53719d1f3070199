"""The Sphinx extension of the course's site: live explorers, glossary on hover, page meta data."""

from __future__ import annotations

import html
import json
import math
import re
import time
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from aae_lessons.authoring.site import explorers, glossary, lessons, notebooks
from aae_lessons.widgets import static
from aae_lessons.widgets.painter import PriorPainter

FOLDERS = ("notebooks/", "exercises/", "solutions/")
log = logging.getLogger(__name__)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Prepares a notebook that Sphinx has read; remembers its explorers and its description."""
    if docname == "index" and app.config.aae_explorers:
        hero = PriorPainter(strokes=[heart()])
        app.aae_pages[docname] = {"widgets": [hero]}
        source[0] = source[0].replace("<!-- hero -->", static.place(hero.model_id))
    if not docname.startswith(FOLDERS):
        return
    started = time.perf_counter()
    notebook = nbformat.reads(source[0], as_version=4)
    pages = app.aae_pages
    pages[docname] = {"description": lessons.description(notebook.cells), "widgets": []}
    live = {
        place: _live(docname, notebook.cells, place, pages[docname]["widgets"])
        for place in explorers.cells_of_explorers(notebook.cells)
        if app.config.aae_explorers
    }
    source[0] = nbformat.writes(notebooks.prepared(notebook, lambda place: live.get(place, "")))
    alive = sum(map(bool, live.values()))
    words = f", explorers alive: {alive} of {len(live)}" if live else ""
    print(f"{docname}: {time.perf_counter() - started:.1f} s{words}", flush=True)


def heart() -> list[float]:
    """The stroke that the landing page's painter begins with: x, y, x, y, …"""
    turns = [2 * math.pi * i / 60 for i in range(61)]
    return [
        value
        for t in turns
        for value in (
            0.045 * 16 * math.sin(t) ** 3,
            0.045
            * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)),
        )
    ]


def _live(docname: str, cells: list, place: int, widgets: list) -> str:
    """The HTML of one explorer; "" where it can't be made without training."""
    try:
        widget = explorers.made(cells, place)
    except Exception as error:
        log.warning("%s: the explorer of cell %d failed: %r", docname, place, error)
        return ""
    if widget is None:
        log.warning("%s: the explorer of cell %d needs training", docname, place)
        return ""
    if hasattr(widget, "menus"):
        data = json.dumps(explorers.frames(widget)).replace("</", "<\\/")
        script = f'<script type="application/json">{data}</script>'
        return f'<div class="aae aae-menus" data-aae-menus>{script}</div>'
    widgets.append(widget)
    return static.place(widget.model_id)


def finish(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Adds to a page: its description, its preview picture, its explorers' state and scripts."""
    page = app.aae_pages.get(pagename, {})
    words = html.escape(page.get("description") or app.config.aae_description, quote=True)
    title = html.escape(nodes_text(context.get("title", "")), quote=True)
    up = "../" * pagename.count("/")
    context["metatags"] = context.get("metatags", "") + (
        f'<meta name="description" content="{words}">'
        f'<meta property="og:title" content="{title}">'
        f'<meta property="og:description" content="{words}">'
        f'<meta property="og:image" content="{up}_static/preview.png">'
    )
    if page.get("widgets"):
        ids = [widget.model_id for widget in page["widgets"]]
        context["body"] += static.scripts(explorers.states(page["widgets"]), ids)


def plain_bars(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list) -> None:
    """Keeps ``|x - y|`` of a docstring from being read as a substitution."""
    lines[:] = [re.sub(r"(?<![`\\|])\|(?!\|)", r"\\|", line) for line in lines]


def nodes_text(title: str) -> str:
    """A page's title without its marks."""
    return html.unescape(lessons.plain(title))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connects the extension."""
    app.add_config_value("aae_description", "", "html")
    app.add_config_value("aae_explorers", True, "env")
    app.aae_pages = {}  # not in the environment: widgets can't be pickled
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", plain_bars)
    app.connect("doctree-resolved", glossary.link_terms)
    app.connect("html-page-context", finish)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
