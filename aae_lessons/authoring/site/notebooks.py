"""Notebooks as the site shows them: folded cells, alternatives of pictures, hints, live explorers.

Nothing here changes a stored notebook: :func:`prepared` works on the text that Sphinx has read,
and a reader downloads the file as it is in the repository.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections.abc import Callable, Iterator, Set

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from aae_lessons.authoring.site.lessons import HEADING, PICTURE, alternative, is_explorer, plain

DETAILS = re.compile(
    r"<details>\s*<summary>(.*?)</summary>\s*(.*?)\s*</details>", re.DOTALL | re.IGNORECASE
)
PREDICT = re.compile(r"(?:^> ?.*\n?)+", re.MULTILINE)
DRAWS = {"plots", "plt", "figure", "fig", "axes", "axis", "ax", "diagrams"}
VECTOR = "image/svg+xml"
CHECKS = "aae_lessons.checks"
MARKS = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
RUN_HINT = "▶"  # how the line under an explorer's still begins
PREDICTION = re.compile(r"^> \*\*Predict", re.MULTILINE)
ANSWER = re.compile(r"^\*\*Answer\.?\*\*(.*?)(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)

Place = Callable[[int], str]


def prepared(notebook: NotebookNode, live: Place) -> NotebookNode:
    """A lesson, an exercise or a worked answer for the site.

    Args:
        notebook: as it is stored; changed in place.
        live: place of a cell -> HTML of its explorer, "" where there is none.
    """
    checks, numbers = checks_of(notebook.cells), figure_numbers(notebook.cells)
    section, pending, predictions, cells = "", False, 0, []
    for place, cell in enumerate(notebook.cells):
        pending = awaits_answer(cell, pending)
        if cell.cell_type == "markdown":
            headings = HEADING.findall(cell.source)
            section = plain(headings[-1]) if headings else section
            before, predictions = predictions, predictions + len(PREDICTION.findall(cell.source))
            cell.source = words(cell.source, before)
        else:
            _outputs(cell, section, live(place))
            _caption(cell, numbers)
            _fold(cell, first=place <= 1, pending=pending, group=f"prediction-{predictions}")
            pending = pending and not answers(cell)
            cell.source = MARKS.sub("", cell.source).rstrip("\n")
        cells.append(cell)
        cells += hints(cell, checks)
    notebook.cells = cells
    return notebook


# ------------------------------------------------------------------------------------ words


def words(source: str, predictions: int = 0) -> str:
    """Markdown for the site: folded answers as its own, *Predict* and notes as boxes.

    ``predictions`` counts those before it; an answer opens with what else answers its own.
    """
    source = DETAILS.sub(lambda m: folded(_code(m[1]), _code(m[2])), source)

    def answer(match: re.Match[str]) -> str:
        number = predictions + len(PREDICTION.findall(match.string[: match.start()]))
        return folded("Show the answer", match[1], f"prediction-{number}")

    source = ANSWER.sub(answer, source)
    return PREDICT.sub(lambda m: _box(m[0]), source)


def awaits_answer(cell: NotebookNode, pending: bool) -> bool:
    """Whether a prediction is open at a cell: made there or before, and not answered yet."""
    if cell.cell_type != "markdown":
        return pending
    parts = re.split(r"^(?:> \*\*(?=Predict)|\*\*(?=Answer)|#+ )", cell.source, flags=re.MULTILINE)
    return pending if len(parts) == 1 else parts[-1].startswith("Predict")


def answers(cell: NotebookNode) -> bool:
    """Whether a cell's output is the answer to a prediction."""
    texts = [o.get("data", {}).get("text/markdown", "") for o in cell.outputs]
    return any(text.startswith("**Answer") for text in texts)


def next_steps(docname: str, known: Set[str]) -> str:
    """A line of links under a notebook's title: what a reader can do with it.

    Args:
        docname: such as ``notebooks/02_adversarial``.
        known: the names of the site's pages.
    """
    folder, _, stem = docname.partition("/")
    links = {f"../_sources/{docname}.ipynb": "Download the notebook"}
    if "where-it-runs" in known:
        links["../where-it-runs.html"] = "Run it yourself"
    if folder == "notebooks":
        links[f"../slides/{stem}.html"] = "Slides"
    for other, words in (("notebooks", "The lesson"), ("exercises", "Exercises")):
        if other != folder and f"{other}/{stem}" in known:
            links[f"../{other}/{stem}.html"] = words
    download = {address: " download" for address in links if address.endswith(".ipynb")}
    anchors = (
        f'<a href="{address}"{download.get(address, "")}>{words}</a>'
        for address, words in links.items()
    )
    return f'<p class="aae-actions">{" ".join(anchors)}</p>'


def folded(title: str, body: str, group: str = "") -> str:
    """A part that opens with a click, and with it what else is of its ``group``."""
    option = f":class-container: {group}\n\n" if group else ""
    return f"\n\n::::{{dropdown}} {' '.join(title.split())}\n{option}{body.strip()}\n::::\n\n"


def _code(html: str) -> str:
    text = re.sub(r"<code>(.*?)</code>", r"`\1`", html, flags=re.DOTALL)
    text = re.sub(r"</?(?:em|i)>", "*", text)
    text = re.sub(r"</?(?:strong|b)>", "**", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _box(quote: str) -> str:
    lines = [line.removeprefix(">").removeprefix(" ") for line in quote.rstrip("\n").split("\n")]
    opening = re.match(r"\*\*(.+?)\.?\*\*\s*", lines[0])
    title = opening[1] if opening else "Note"
    lines[0] = lines[0][opening.end() :] if opening else lines[0]
    kind = "tip" if title.lower().startswith("predict") else "note"
    body = "\n".join(lines)
    return f"::::{{admonition}} {title}\n:class: {kind}\n{body}\n::::\n"


def hints(cell: NotebookNode, checks: object) -> list[NotebookNode]:
    """The folded hints of the exercise that a cell checks; none for other cells."""
    name = _checked(cell) if checks is not None and cell.cell_type == "code" else None
    some = getattr(getattr(checks, name, None), "hints", ()) if name else ()
    parts = [folded(f"Hint {i} of {len(some)}", text) for i, text in enumerate(some, 1)]
    return [new_markdown_cell("".join(parts))] if parts else []


def checks_of(cells: list[NotebookNode]) -> object:
    """The module of checks that an exercise imports; None for a lesson."""
    for cell in cells[:4]:
        if cell.cell_type == "code":
            match = re.search(rf"from {CHECKS} import (\w+) as check\b", cell.source)
            if match:
                return importlib.import_module(f"{CHECKS}.{match[1]}")
    return None


def _checked(cell: NotebookNode) -> str | None:
    match = re.match(r"check\.(\w+)\(", cell.source)
    return match[1] if match else None


# ---------------------------------------------------------------------------------- outputs


def _outputs(cell: NotebookNode, section: str, live: str) -> None:
    """Puts the live explorer in place of its still, and gives pictures their words."""
    if live and any(map(is_explorer, cell.outputs)):
        cell.outputs = [
            new_output("display_data", data={"text/html": live}) if is_explorer(o) else o
            for o in cell.outputs
            if not o.get("text", "").startswith(RUN_HINT)
        ]
    for output in cell.outputs:
        for kind in {PICTURE, VECTOR} & set(output.get("data", {})):
            settings = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
            settings.setdefault("alt", alternative(output, section))
            width = output.get("metadata", {}).get(kind, {}).get("width")
            if width:  # of a picture in double density
                settings.setdefault("width", f"{width}px")


def figure_numbers(cells: list[NotebookNode]) -> Iterator[str]:
    """``Figure 2.1``, ``Figure 2.2`` and so on for lesson 2; nothing where it is no lesson."""
    lesson = re.match(r"# Lesson (\d+)", cells[0].source) if cells else None
    return (f"Figure {lesson[1]}.{i}" for i in itertools.count(1)) if lesson else iter(())


def _caption(cell: NotebookNode, numbers: Iterator[str]) -> None:
    """Gives a cell's only picture a number and its words, where an author wrote them."""
    drawn = [o for o in cell.outputs if {PICTURE, VECTOR} & set(o.get("data", {}))]
    if len(drawn) != 1 or is_explorer(drawn[0]):
        return
    words = cell.metadata["mystnb"]["image"]["alt"]
    written = not words.startswith(("Figure", "Still of"))  # else see plots.style, `alternative`
    if written and (number := next(numbers, "")):
        caption = re.sub(r"([\\`*_{}\[\]<>$])", r"\\\1", words)
        cell.metadata["mystnb"]["figure"] = {"caption": f"**{number}.** {caption}"}


def _fold(cell: NotebookNode, first: bool, pending: bool, group: str) -> None:
    """Tags that fold code, but for a diagram's name, which goes, and answers to predictions.

    What answers one prediction has its ``group`` in common, and opens with one click.
    """
    tags = cell.metadata.setdefault("tags", [])
    shows_explorer = any(
        "data-aae" in o.get("data", {}).get("text/html", "") for o in cell.outputs
    )
    is_setup = (first and "import" in cell.source) or {"setup", "plot"} & set(tags)
    if is_setup or shows_explorer or only_draws(cell.source) or words_a_result(cell.source):
        tags.append("remove-input" if names_a_diagram(cell) else "hide-input")
    if pending and cell.outputs and not shows_explorer:
        tags += ["hide-output", group]


def names_a_diagram(cell: NotebookNode) -> bool:
    """Whether a cell is nothing but one call that draws a diagram, or has no code at all."""
    code = re.sub(r"^#.*\n?", "", cell.source, flags=re.MULTILINE).strip()
    return not code or bool(re.fullmatch(r"diagrams\.\w+\([^()\n]*\)", code))


def words_a_result(source: str) -> bool:
    """Whether a cell ends in ``Markdown(…)``: its output says in words what its code has in it."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    call = getattr(statements[-1], "value", None) if statements else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Markdown"


def only_draws(source: str) -> bool:
    """Whether every statement of a cell draws: its call or target begins with a drawing name."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(statements) and all(map(_draws, statements))


def _draws(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.For):
        return all(map(_draws, statement.body))
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    while isinstance(value, ast.Call | ast.Attribute | ast.Subscript):
        value = value.func if isinstance(value, ast.Call) else value.value
    return isinstance(value, ast.Name) and value.id in DRAWS
