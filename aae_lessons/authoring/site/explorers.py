"""Explorers for the site: made again from the stored runs, without running whole lessons.

Of a lesson only those statements are executed which the explorer's cell needs: its names, what
defines these, and so on back to the imports. Stored runs are loaded, nothing is trained, so that
a lesson's explorers take seconds.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import functools
import io
import itertools
import os
import symtable
import tempfile
from collections.abc import Generator
from typing import Any
from unittest import mock

from ipywidgets import Widget
from ipywidgets.embed import dependency_state, embed_data
from nbformat import NotebookNode

from aae_lessons import data
from aae_lessons.authoring.execute import small
from aae_lessons.authoring.site.lessons import is_explorer
from aae_lessons.widgets.menus import FigureMenus

TRAINS = "fit"  # no statement of a slice may call it
IMPORTS = ast.Import | ast.ImportFrom
FRAMES = 120  # the most pictures that menus are turned into


def cells_of_explorers(cells: list[NotebookNode]) -> list[int]:
    """The places of the cells whose stored output is an explorer's still."""
    return [
        i
        for i, cell in enumerate(cells)
        if cell.cell_type == "code" and any(map(is_explorer, cell.outputs))
    ]


# --------------------------------------------------------------------------- what is needed


def names_read(node: ast.AST) -> set[str]:
    """The names of the lesson that code uses, inside functions too, without their own ones."""
    tables = [symtable.symtable(ast.unparse(node), "cell", "exec")]
    names = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    while tables:
        children = tables.pop().get_children()
        names |= {s.get_name() for child in children for s in child.get_symbols() if s.is_global()}
        tables += children
    return names


def names_set(node: ast.stmt) -> set[str]:
    """The names whose value after the statement does not depend on the one before."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else []
    parts = [t.elts if isinstance(t, ast.Tuple) else [t] for t in targets]
    return {name.id for row in parts for name in row if isinstance(name, ast.Name)}


def names_changed(node: ast.stmt) -> set[str]:
    """Names that the statement may change: in a block, by an item, by a method, by training."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return set()
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
            names |= names_read(part.value)
        elif isinstance(part, ast.Call) and _calls(part) == TRAINS:
            names |= {arg.id for arg in part.args if isinstance(arg, ast.Name)}
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        names |= names_read(call.func)  # rows.append(…)
    return names


def needed(cells: list[NotebookNode], place: int) -> list[ast.stmt]:
    """The statements of the cells before ``place`` that its cell needs, in order."""
    statements = [
        statement
        for cell in cells[:place]
        if cell.cell_type == "code" and not cell.source.lstrip().startswith(("%", "!"))
        for statement in ast.parse(cell.source).body
    ]
    modules = {name for s in statements if isinstance(s, IMPORTS) for name in names_set(s)}
    names = names_read(ast.parse(cells[place].source))
    chosen = []
    for statement in reversed(statements):
        sets = names_set(statement)
        if (sets | (names_changed(statement) - modules)) & names or _seeds(statement):
            chosen.append(statement)
            names = (names - sets) | names_read(statement)
    return chosen[::-1]


def trains(statements: list[ast.stmt]) -> bool:
    """Whether executing the statements trains a model: ``fit``, or a function that calls it."""
    names = {TRAINS}
    for statement in statements:
        calls = {_calls(n) for n in ast.walk(statement) if isinstance(n, ast.Call)}
        if not calls & names:
            continue
        if not isinstance(statement, ast.FunctionDef):
            return True
        names.add(statement.name)
    return False


def _seeds(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and _calls(call) == "manual_seed"


def _calls(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


# ------------------------------------------------------------------------------ made again


def made(cells: list[NotebookNode], place: int) -> Widget | None:
    """The widget of the cell at ``place``; None where it needs a model trained in the lesson."""
    before = needed(cells, place)
    *rest, last = ast.parse(cells[place].source).body
    if trains([*before, *rest]):
        return None
    names: dict[str, Any] = {"__name__": "lesson"}
    program = ast.Module([*before, *rest], type_ignores=[])
    with _quietly():
        exec(compile(program, f"<cell {place}>", "exec"), names)
        widget = eval(compile(ast.Expression(last.value), f"<cell {place}>", "eval"), names)
    return widget if isinstance(widget, Widget) else None


# MNIST unpacked once for all explorers: nothing that makes them writes into its images
unpacked = functools.cache(data.mnist)


@contextlib.contextmanager
def _quietly() -> Generator[None]:
    here = os.getcwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        mock.patch.object(data, "mnist", unpacked),
    ):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def states(widgets: list[Widget]) -> dict[str, dict[str, Any]]:
    """The stored state of some widgets: id -> name, module, state and buffers in base64."""
    data = embed_data(views=widgets, state=dependency_state(widgets, drop_defaults=False))
    return data["manager_state"]["state"]


def frames(menus: FigureMenus) -> dict[str, Any]:
    """Menus over figures as a table: every combination of options and its picture.

    Returns:
        ``{"menus": [[label, options, chosen], …], "slider": bool, "caption": text,
        "pictures": [base64 PNG, …]}``, the last menu's options turning fastest.
    """
    controls, choices = menus.menus, [list(c.options) for c in menus.menus]
    first = [control.value for control in controls]
    pictures = []
    for combination in itertools.islice(itertools.product(*choices), FRAMES):
        for control, value in zip(controls, combination, strict=True):
            control.value = value
        pictures.append(small(base64.b64encode(menus.picture.value).decode()))
    labels = [control.description for control in controls]
    return {
        "menus": [list(row) for row in zip(labels, choices, first, strict=True)],
        "slider": type(controls[0]).__name__ == "SelectionSlider",
        "caption": menus.children[-1].value,
        "pictures": pictures,
    }
