"""The Sphinx extension of the course's site: live explorers, glossary on hover, page meta data."""

from __future__ import annotations

import functools
import html
import json
import math
import re
import sys
import time
from typing import Any

import nbformat
from docutils import nodes
from ipywidgets import Widget
from nbformat.v4 import new_markdown_cell
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

from aae_lessons import devices
from aae_lessons.authoring.site import (
    explorers,
    glossary,
    illustrations,
    lessons,
    navigation,
    notebooks,
    parts,
    repository,
)
from aae_lessons.widgets import questions, static
from aae_lessons.widgets.menus import FigureMenus
from aae_lessons.widgets.painter import PriorPainter

FOLDERS = ("notebooks/", "exercises/", "solutions/")
PROMPT = re.compile(r"\b(Show|Hide) the (source|output|content)<")  # myst-nb's own words
PROMPTS = {"source": "code", "output": "answer", "content": "cell"}
IN_EXERCISES = PROMPTS | {"output": "figure that right answers give"}
WORKED = re.compile(r"^# Exercises\b", re.MULTILINE)
log = logging.getLogger(__name__)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Prepares a notebook that Sphinx has read; remembers its explorers and its description."""
    if docname == "index" and app.config.aae_explorers:
        hero = PriorPainter(strokes=[heart()])
        pages_of(app.env)[docname] = alive(app, [hero])
        parts = {"hero": static.place(hero.model_id), "questions": questions.painter_dropdown()}
        source[0] = re.sub(r"<!-- (hero|questions) -->", lambda m: parts[m[1]], source[0])
    if not docname.startswith(FOLDERS):
        return
    started = time.perf_counter()
    notebook = nbformat.reads(source[0], as_version=4)
    if docname.startswith("solutions/"):  # else two pages have one title, in the search too
        notebook.cells[0].source = WORKED.sub("# Worked answers", notebook.cells[0].source, 1)
    worked = repository.ROOT / docname.replace("exercises/", "solutions/")
    if docname.startswith("exercises/") and worked.with_suffix(".ipynb").is_file():
        model = nbformat.read(worked.with_suffix(".ipynb"), as_version=4)
        illustrations.illustrate(notebook.cells, model.cells)
    widgets: list[Widget] = []
    page = {"description": lessons.description(notebook.cells)}
    live = {
        place: _live(app, docname, notebook.cells, place, widgets)
        for place in explorers.cells_of_explorers(notebook.cells)
        if app.config.aae_explorers
    }
    notebooks.prepared(notebook, lambda place: live.get(place, ""))
    links = notebooks.next_steps(docname, set(app.project.docnames))
    notebook.cells.insert(1, new_markdown_cell(links))
    source[0] = nbformat.writes(notebook)
    known = {"live": {place: made for place, made in live.items() if made}}
    pages_of(app.env)[docname] = page | known | alive(app, widgets)
    words = f", explorers alive: {sum(map(bool, live.values()))} of {len(live)}" if live else ""
    print(f"{docname}: {time.perf_counter() - started:.1f} s{words}", flush=True)


def pages_of(env: BuildEnvironment) -> dict[str, dict[str, Any]]:
    """What is known of each page: its description, its explorers' contents and parts."""
    return vars(env).setdefault("aae_pages", {})


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Takes over what another process has read."""
    pages = pages_of(other)
    pages_of(env).update({name: pages[name] for name in docnames if name in pages})


def deal(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Spreads the lessons, whose explorers take longest, over the parts of a parallel reading.

    The images of the explorers are unpacked before, so that the processes share them.
    """
    docnames[:] = [name for first in range(8) for name in docnames[first::8]]
    if app.config.aae_explorers:
        for split in ("train", "test"):
            explorers.unpacked(split, devices.choose())


def ours_alone(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Keeps autodoc from parsing the sources of torch and others, whose classes ours extend."""
    for name in list(sys.modules):
        if not name.startswith("aae_lessons"):
            ModuleAnalyzer.cache["module", name] = PycodeError(f"{name} is not documented here")


def alive(app: Sphinx, widgets: list[Widget]) -> dict[str, Any]:
    """What a page with these explorers has to hold, and the parts that it has to load."""
    if not widgets:
        return {}
    ids = [widget.model_id for widget in widgets]
    contents = static.contents(explorers.states(widgets), ids)
    keys = parts.shared(contents, app.outdir)
    return {"contents": contents, "parts": keys}


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


def _live(app: Sphinx, docname: str, cells: list, place: int, widgets: list[Widget]) -> str:
    """The HTML of one explorer; "" where it can't be made without training."""
    try:
        widget = explorers.made(cells, place)
    except Exception as error:
        log.warning("%s: the explorer of cell %d failed: %r", docname, place, error)
        return ""
    if widget is None:
        log.warning("%s: the explorer of cell %d needs training", docname, place)
        return ""
    if isinstance(widget, FigureMenus):
        frames = explorers.frames(widget)
        frames["pictures"] = [parts.picture(png, app.outdir) for png in frames["pictures"]]
        data = json.dumps(frames).replace("</", "<\\/")
        script = f'<script type="application/json">{data}</script>'
        folder = f"{'../' * docname.count('/')}{parts.FOLDER.as_posix()}/"
        return f'<div class="aae aae-menus" data-aae-menus="{folder}">{script}</div>'
    widgets.append(widget)
    return static.place(widget.model_id) + _on_paper(app, docname, cells[place])


def _on_paper(app: Sphinx, docname: str, cell: nbformat.NotebookNode) -> str:
    """An explorer's stored still with its words, for a printed page; "" where there is none."""
    pictures = [
        o.data[lessons.PICTURE] for o in cell.outputs if lessons.PICTURE in o.get("data", {})
    ]
    if not pictures:
        return ""
    source = f"{'../' * docname.count('/')}{parts.FOLDER / parts.picture(pictures[0], app.outdir)}"
    words = html.escape(
        cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""), quote=True
    )
    return (
        f'<figure class="aae-on-paper"><img src="{source}" alt="{words}">'
        f"<figcaption>{words} On the page it can be moved.</figcaption></figure>"
    )


def finish(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Adds to a page: its description, its preview picture, its explorers' state and scripts."""
    if isinstance(app.builder, StandaloneHTMLBuilder):
        context["toctree"] = functools.partial(navigation.tree, app.builder, pagename)
    page = pages_of(app.env).get(pagename, {})
    words = html.escape(page.get("description") or app.config.aae_description, quote=True)
    title = html.escape(nodes_text(context.get("title", "")), quote=True)
    up = "../" * pagename.count("/")
    context["metatags"] = context.get("metatags", "") + (
        f'<meta name="description" content="{words}">'
        f'<meta property="og:title" content="{title}">'
        f'<meta property="og:description" content="{words}">'
        f'<meta property="og:image" content="{up}_static/preview.png">'
    )
    if "body" in context:
        prompts = IN_EXERCISES if pagename.startswith("exercises/") else PROMPTS
        context["body"] = PROMPT.sub(lambda m: f"{m[1]} the {prompts[m[2]]}<", context["body"])
    if "contents" in page:
        context["body"] += parts.tags(page["parts"], up) + static.embedded(page["contents"])


def readable(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list) -> None:
    """Docstrings as reStructuredText: a module's formulas stand as written, ``|`` is a bar."""
    if what == "module":
        lines[:] = formulas(lines)
    shown = 0  # how far the block that stands as written is indented; 0 outside of one
    for place, line in enumerate(lines):
        depth = _indent(line)
        shown = 0 if line.strip() and depth < shown else shown
        if line.strip() == "::":
            shown = depth + 1
        elif not shown:
            lines[place] = re.sub(r"(?<![`\\|])\|(?!\|)", r"\\|", line)


def formulas(lines: list[str]) -> list[str]:
    """The lines with ``::`` before every block that begins after a blank line and goes deeper.

    The content of a directive, such as ``.. note::``, is no such block.
    """
    result: list[str] = []
    last, shown = "", 0  # the line of text before, and the depth of a block that stands as written
    for place, line in enumerate(lines):
        indent, before = _indent(line), _indent(last)
        if line.strip():
            shown = 0 if indent < shown else shown
            apart = place > 0 and not lines[place - 1].strip()
            if apart and not shown and indent > before and not last.endswith("::"):
                result += [" " * before + "::", ""]
                shown = indent
            last = line
        result.append(line)
    return result


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def nodes_text(title: str) -> str:
    """A page's title without its marks."""
    return html.unescape(lessons.plain(title))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connects the extension."""
    app.add_config_value("aae_description", "", "html")
    app.add_config_value("aae_explorers", True, "env")
    app.connect("env-before-read-docs", deal)
    app.connect("env-before-read-docs", ours_alone)
    app.connect("source-read", read)
    app.connect("env-merge-info", merge)
    app.connect("autodoc-process-docstring", readable)
    app.connect("doctree-resolved", glossary.link_terms)
    app.connect("html-page-context", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
