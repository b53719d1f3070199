"""Every cell of every lesson on an accelerator that isn't there; see ``tests/accelerator.py``.

Whole lessons take minutes, so they have a folder of their own, next to the notebooks in CI.
"""

import ast
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from aae_lessons import metrics
from aae_lessons.data import Minibatches, SemiSupervisedMinibatches
from aae_lessons.metrics import match

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
MOST = 40  # passes of a loop


class Shortened(ast.NodeTransformer):
    """Loops over long ranges end early, and claims about what they reach are left out."""

    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

    def visit_Call(self, node):
        self.generic_visit(node)
        name, numbers = getattr(node.func, "id", None), node.args
        if name == "range" and len(numbers) == 1 and getattr(numbers[0], "value", 0) > MOST:
            node.args = [ast.copy_location(ast.Constant(MOST), node)]
        return node


def cells(path):
    notebook = json.loads(path.read_text("utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


@pytest.fixture
def short_trainings(monkeypatch):
    for batches in (Minibatches, SemiSupervisedMinibatches):
        monkeypatch.setattr(batches, "__len__", lambda self: min(2, len(self.images) // self.size))
    monkeypatch.setattr(metrics.c2st_accuracy, "__defaults__", (0, 5))
    monkeypatch.setattr(match, "DIRECTIONS", 5)  # of the sliced distance: torch sorts slowly
    monkeypatch.setattr(match, "_floors", {})  # those found with so few stay in this test
    yield
    plt.close("all")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_cell_of_a_lesson_runs_there(path, accelerator, short_trainings, monkeypatch):
    everything = os.environ.get("AAE_ACCELERATORS") == "required"
    if accelerator.kind == "cuda" and not everything:
        pytest.skip("mps refuses more; with AAE_ACCELERATORS=required lessons run on cuda too")
    monkeypatch.setattr("builtins.print", lambda *args, **options: None)
    names = {"__name__": "__main__"}
    for number, source in enumerate(cells(path)):
        tree = Shortened().visit(ast.parse(source))
        exec(compile(tree, f"{path.stem}, code cell {number}", "exec"), names)
        plt.close("all")
