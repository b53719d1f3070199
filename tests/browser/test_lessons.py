"""Every lesson in JupyterLab: run all cells, see no error, and move each explorer it shows."""

import itertools
import os
from pathlib import Path

import nbformat
import pytest

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
TURNS = itertools.count()  # a page begins where JupyterLab saved: go elsewhere each time
EXPLORERS = {  # how many of each a lesson shows
    "00_start_here": {"latent": 1},
    "01_autoencoder": {"latent": 1, "interpolation": 1},
    "02_adversarial": {"latent": 1, "scrubber": 1, "painter": 1},
    "03_variational": {"menus": 1},
    "04_categorical": {"menus": 1, "class-style": 2},
    "05_semi_supervised": {"class-style": 1},
    "06_clustering": {"menus": 1, "class-style": 1},
    "07_wasserstein": {"costs": 1},
}


def drag(page, place):
    """The pointer pressed and moved over an element, from its upper left to the lower right."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    ends = (0.3, 0.3), (0.7, 0.4 + 0.1 * (next(TURNS) % 4))  # shares of its sides
    points = [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in ends]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=8)
    page.mouse.up()


def latent(page, result):
    drag(page, result.locator(".aae-cross"))
    yield
    result.locator(".aae-cross").press("Shift+ArrowLeft")
    yield


def class_style(page, result):
    result.get_by_role("slider", name="probability of class").nth(1).press("ArrowUp")
    yield
    if result.locator(".aae-cross").is_visible():
        drag(page, result.locator(".aae-cross"))
        yield


def interpolation(page, result):
    result.locator(".aae-thumb").nth(5 + next(TURNS) % 7).click()
    yield
    result.get_by_role("slider").press("ArrowRight")
    yield


def scrubber(page, result):
    result.get_by_role("slider").press("ArrowRight")
    yield


def painter(page, result):
    drag(page, result.locator(".aae-paint"))
    yield


def costs(page, result):
    result.locator("[role=radio][aria-checked=true]").press("ArrowDown")
    yield


def menus(page, result):
    result.locator("[role=slider], select").first.press("ArrowRight")
    yield


MOVES = {
    "latent": latent,
    "class-style": class_style,
    "interpolation": interpolation,
    "scrubber": scrubber,
    "painter": painter,
    "costs": costs,
    "menus": menus,
}
SEEN = """root => [...root.querySelectorAll('canvas, img')]
    .map(e => e.tagName === 'IMG' ? e.src : e.toDataURL()).join()"""


def shown(page, kind):
    """The explorers of a kind; menus over figures are a box with an image in it."""
    if kind == "menus":
        return page.locator(".jp-OutputArea .widget-vbox:has(> .widget-image)").all()
    return page.locator(f"section.aae-{kind}").all()


def move_all(page):
    """Moves every explorer of a page, and waits for other pictures; how many of each there are."""
    result = {kind: explorers for kind in MOVES if (explorers := shown(page, kind))}
    for kind, explorers in result.items():
        for explorer in explorers:
            explorer.scroll_into_view_if_needed()
            before = explorer.evaluate(SEEN)
            for _ in MOVES[kind](page, explorer):
                page.wait_for_function(
                    f"([root, before]) => ({SEEN})(root) !== before",
                    arg=[explorer.element_handle(), before],
                )
                before = explorer.evaluate(SEEN)
    return {kind: len(explorers) for kind, explorers in result.items()}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson(lab, page, shots, lesson):
    """In JupyterLab: every cell runs, and every explorer moves."""
    if os.environ.get("AAE_BROWSER") != "required":
        pytest.skip("whole lessons take minutes: set AAE_BROWSER=required")
    page.set_default_timeout(60_000)
    notebook = nbformat.read(lesson, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, lab.folder / lesson.name)
    lab.run(page, lab.folder / lesson.name)
    outputs = lab.outputs(page)
    assert all(count for count, _ in outputs)
    assert not [count for count, kinds in outputs if "error" in kinds]
    assert move_all(page) == EXPLORERS[lesson.stem]
    shots(page, "section.aae", f"{lesson.stem}")
