"""Glossary terms in the lessons: the first use on a page explains itself on hover."""

from __future__ import annotations

import functools
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

PAGE = "glossary"
SKIPPED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.term,
    nodes.raw,
)


def terms(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Term in lower case -> (its anchor, its definition as text), from the glossary's page."""
    entries: dict[str, tuple[str, str]] = {}
    for item in app.env.get_doctree(PAGE).findall(nodes.definition_list_item):
        definition = next(item.findall(nodes.definition)).astext()
        for term in item.findall(nodes.term):
            entries[term.astext().lower()] = (term["ids"][0], " ".join(definition.split()))
    return entries


@functools.lru_cache(1)
def pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the terms as whole words, longer ones first, also in the plural."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest))})(?:s|es)?\b", re.IGNORECASE)


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turns the first use of each term on a lesson's page into a link with its definition."""
    if app.builder.name != "html" or not docname.startswith("notebooks/"):
        return
    known = terms(app)
    seen: set[str] = set()
    for text in list(doctree.findall(nodes.Text)):
        if not _is_prose(text):
            continue
        parts = _parts(app, text.astext(), known, seen, docname)
        if len(parts) > 1:
            text.parent.replace(text, parts)


def _is_prose(node: nodes.Node) -> bool:
    inside = False
    while node.parent is not None:
        node = node.parent
        if isinstance(node, SKIPPED):
            return False
        inside = inside or isinstance(node, nodes.paragraph)
    return inside


def _parts(app: Sphinx, text: str, known: dict, seen: set[str], docname: str) -> list[Any]:
    parts: list[Any] = []
    end = 0
    for match in pattern(tuple(known)).finditer(text):
        name = match[1].lower()
        if name in seen:
            continue
        seen.add(name)
        anchor, definition = known[name]
        target = f"{app.builder.get_relative_uri(docname, PAGE)}#{anchor}"
        link = nodes.reference("", match[0], refuri=target, internal=True, classes=["aae-term"])
        link["reftitle"] = definition
        parts += [nodes.Text(text[end : match.start()]), link]
        end = match.end()
    return [*parts, nodes.Text(text[end:])]
