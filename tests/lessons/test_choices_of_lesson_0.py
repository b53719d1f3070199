"""Lesson 0 lets a learner choose a shape and two digits: each choice runs, and shows digits."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

LESSON = Path(__file__).parents[2] / "notebooks" / "00_start_here.ipynb"
CHOICE = 'SHAPE, START, END = "a round cloud", 0, 6'
NEEDED = ("import torch", "RUNS = {", "aae = ", "def typical(", "SHAPE, START", "images = walked")
SHAPES = ("anything", "a round cloud", "a ring of ten blades", "a spiral")


@pytest.fixture(scope="module")
def cells():
    """The cells that a walk needs, the last two of them the walk itself."""
    stored = json.loads(LESSON.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in stored if cell["cell_type"] == "code"]
    return [next(source for source in sources if part in source) for part in NEEDED]


@pytest.fixture(scope="module")
def prepared(cells):
    names = {"__name__": "__main__"}
    for source in cells[:-2]:
        exec(compile(source, LESSON.stem, "exec"), names)
        plt.close("all")
    names["classifier"] = names["references"].classifier(names["device"])
    return names


def test_every_shape_is_tried_below(prepared):
    assert tuple(prepared["RUNS"]) == SHAPES


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("start", "end"), [(0, 6), (2, 7)])
def test_a_walk_stays_in_the_picture_and_begins_and_ends_at_its_digits(
    prepared, cells, shape, start, end
):
    names = dict(prepared)
    for source in cells[-2:]:
        chosen = source.replace(CHOICE, f'SHAPE, START, END = "{shape}", {start}, {end}')
        exec(compile(chosen, LESSON.stem, "exec"), names)
    axes, path = names["figure"].axes[0], names["path"].cpu()
    for places, (low, high) in zip(path.T, (axes.get_xlim(), axes.get_ylim()), strict=True):
        assert low < places.min() and places.max() < high
    assert names["images"].min() >= 0 and names["images"].amax(1).min() > 0.5, "ink in each image"
    assert names["read"][0] == start
    # in two of the shapes 7s are encoded among the 9s
    assert names["read"][-1] in ((7, 9) if end == 7 else (end,))
    plt.close("all")


def test_the_lesson_offers_the_choice(cells):
    assert cells[-2].startswith(CHOICE)
