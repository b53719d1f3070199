"""Explorers for a page without a kernel: their state, their scripts, and a small loader.

The state is what ipywidgets stores in a notebook's metadata. No widget manager is needed and
nothing is fetched: a page with this text in it works from a folder, with the network off.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ipywidgets.embed import dependency_state

from aae_lessons.arguments import check, check_instance
from aae_lessons.widgets import bundle
from aae_lessons.widgets.base import Explorer

ANYWIDGET = "anywidget"
REFERENCE = "IPY_MODEL_"
LINKS = {"LinkModel": True, "DirectionalLinkModel": False}
DROPPED = ("_esm", "_css", "_anywidget_id", "layout", "tabbable", "tooltip", "_dom_classes")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
States = Mapping[str, Mapping[str, Any]]


def explorers(states: States, model_id: str) -> list[str]:
    """The ids of the explorers that a widget is or contains, in the order they are shown."""
    check(model_id in states, "model_id", model_id, "the id of a stored widget")
    record = states[model_id]
    if record["model_module"] == ANYWIDGET:
        return [model_id]
    children = [c.removeprefix(REFERENCE) for c in record["state"].get("children", [])]
    return [result for child in children for result in explorers(states, child)]


def place(model_id: str) -> str:
    """The element that an explorer is put into."""
    return f'<div data-aae-widget="{model_id}"></div>'


def scripts(states: States, ids: Iterable[str]) -> str:
    """What a page needs once, at its end, for the explorers ``ids``, shown by :func:`place`.

    Args:
        states: id -> ``{"model_name", "model_module", "state", "buffers"}``.
        ids: of explorers.
    """
    return embedded(contents(states, ids))


def contents(states: States, ids: Iterable[str]) -> dict[str, Any]:
    """Scripts, styles, models and links of the explorers ``ids``, each script and style once.

    A script, a style or a buffer's data may afterwards be replaced by ``{"part": KEY}``: the
    loader then takes its bytes from ``window.aaeParts[KEY]``, 7 bits a character, and inflates
    them where there is ``"deflated": true`` next to it.
    """
    ids = list(dict.fromkeys(ids))
    texts: list[str] = []
    styles: list[str] = []
    models = {}
    for model_id in ids:
        record = states[model_id]
        state = dict(record["state"])
        script, style = state["_esm"], state.get("_css", "")
        texts += [script] * (script not in texts)
        styles += [style] * (bool(style) and style not in styles)
        models[model_id] = {
            "script": texts.index(script),
            "state": {k: v for k, v in state.items() if k not in DROPPED},
            "buffers": [{"path": b["path"], "data": b["data"]} for b in record.get("buffers", [])],
        }
    return {"scripts": texts, "styles": styles, "models": models, "links": links(states, ids)}


def embedded(result: Mapping[str, Any]) -> str:
    """:func:`contents` as elements of a page, with the loader."""
    data = (
        json.dumps(_finite(result), ensure_ascii=False, allow_nan=False)
        .replace("</", "<\\/")
        .replace("<!--", "<\\!--")
    )
    loader = bundle.script("static")
    return (
        f'<script type="application/json" id="aae-widgets">{data}</script>\n'
        f'<script type="module">\n{loader}</script>\n'
    )


def _finite(value: Any) -> Any:
    """The same with null for nan and infinity, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fragment(*explorers: Explorer) -> str:
    """HTML for the inside of a page on which these explorers live, with no kernel and no network.

    Args:
        explorers: in their order; a :class:`~aae_lessons.widgets.painter.PriorPainter` trains
            there. Where the server sends a content policy, WebAssembly needs
            ``script-src blob: 'wasm-unsafe-eval'`` and the worker ``worker-src blob:``; without
            them training falls back to plain JavaScript, and to the page's own thread.
    """
    for explorer in explorers:
        check_instance(explorer, "explorers", Explorer, "explorers of aae_lessons.widgets")
    states: dict[str, Any] = dependency_state(list(explorers), drop_defaults=False)
    ids = [explorer.model_id for explorer in explorers]
    places = "\n".join(place(model_id) for model_id in ids)
    return f"{places}\n{scripts(states, ids)}"


def page(*explorers: Explorer, title: str) -> str:
    """A whole HTML page that holds nothing but explorers; it works from ``file://``."""
    return PAGE.format(title=html.escape(title), body=fragment(*explorers))


def links(states: States, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Links made by jslink and jsdlink, where both of their widgets are shown."""
    result = []
    for record in states.values():
        if record["model_name"] not in LINKS:
            continue
        ends = [
            [record["state"][end][0].removeprefix(REFERENCE), record["state"][end][1]]
            for end in ("source", "target")
        ]
        if all(model_id in ids for model_id, _ in ends):
            both = LINKS[record["model_name"]]
            result.append({"source": ends[0], "target": ends[1], "both": both})
    return result
