"""The side bar's tree of pages, made once for each folder instead of once for each page.

For every page that it writes, Sphinx copies the headings of all pages. The trees of two pages in
one folder differ only in the marks of the page that is open, and those are put in here.
"""

from __future__ import annotations

import functools
from typing import Any

from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment

NOWHERE = "_"  # no page's name: a tree that is made for it has no marks
LIST = "<ul>"
ITEM = '<li class="toctree-l1"><a class="reference internal" href="{}">'
ABOVE = '<li class="toctree-l1 current"><a class="reference internal" href="{}">'
OPEN = '<li class="toctree-l1 current"><a class="current reference internal" href="#">'


def tree(builder: StandaloneHTMLBuilder, docname: str, **options: Any) -> str:
    """What Sphinx's own ``toctree`` makes, of one level, for the page ``docname``."""
    folder = docname[: docname.rfind("/") + 1]
    text = _unmarked(builder, folder, tuple(sorted(options.items())))
    for name in [docname, *above(builder.env, docname)]:
        address = builder.get_relative_uri(folder + NOWHERE, name)
        before, item, after = text.partition(ITEM.format(address))
        if item:
            marked = OPEN if name == docname else ABOVE.format(address)
            start, _, items = before.rpartition(LIST)
            return f'{start}<ul class="current">{items}{marked}{after}'
    return text


def above(env: BuildEnvironment, docname: str) -> list[str]:
    """The pages whose contents lead to a page, the nearest first."""
    pages = env.toctree_includes.items()
    parent = next((name for name, inside in pages if docname in inside), None)
    return [parent, *above(env, parent)] if parent else []


@functools.lru_cache(32)
def _unmarked(
    builder: StandaloneHTMLBuilder, folder: str, options: tuple[tuple[str, Any], ...]
) -> str:
    return builder._get_local_toctree(folder + NOWHERE, **dict(options))
