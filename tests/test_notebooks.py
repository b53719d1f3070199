"""The stored lessons, without a kernel: executed in order, no errors, small, as the style asks."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from aae_lessons.authoring import execute

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
MARK = "# NBVAL_CHECK_OUTPUT"


@pytest.fixture(params=LESSONS, ids=lambda p: p.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return nbformat.read(path, as_version=4).cells


def code(cells):
    return [c for c in cells if c.cell_type == "code"]


def test_there_are_lessons():
    assert [p.stem for p in LESSONS][:3] == ["00_start_here", "01_autoencoder", "02_adversarial"]


def test_it_was_executed_from_top_to_bottom(cells):
    counts = [c.execution_count for c in code(cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_error_warning_or_bar_is_stored(cells):
    for cell in code(cells):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            assert execute.WIDGET not in output.get("data", {}), cell.source


def test_a_marked_cell_has_an_output_to_compare(cells):
    marked = [c for c in code(cells) if MARK in c.source]
    assert marked, "no cell is compared"
    for cell in marked:
        assert cell.source.startswith(MARK)
        assert cell.execution_count and cell.outputs, cell.source


def test_it_has_its_title(path, cells):
    number = int(path.stem[:2])
    assert cells[0].source.startswith(f"# Lesson {number} · ")


def test_it_is_small_enough(path):
    assert path.stat().st_size <= 1_500_000


def test_cells_are_short(cells):
    for cell in cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 20, cell.source
        else:
            prose = re.sub(r"<[^>]+>|\$[^$]*\$|```.*?```", " ", cell.source, flags=re.DOTALL)
            assert len(prose.split()) <= 200, cell.source[:80]


def test_it_needs_no_path_tricks(path):
    text = path.read_text("utf-8")
    for trick in ("sys.path", "os.chdir", "../", "/home/", "/root/", "/tmp/", "%pip", "!pip"):
        assert trick not in text, trick


def test_it_names_no_versions_of_this_kernel(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}


PICTURE = (  # one white pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
)


def test_storing_drops_bars_and_keeps_figures():
    widget = {execute.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"}
    outputs = [
        new_output("display_data", data=dict(widget)),
        new_output("stream", name="stderr", text="  0%|"),
        new_output("execute_result", data={"image/png": PICTURE, "text/plain": "<Figure>"}),
        new_output("execute_result", data=dict(widget)),
        new_output("stream", name="stdout", text="0.5"),
    ]
    cell = new_code_cell("x", outputs=outputs, metadata={"execution": {"a": "b"}})
    cleaned = execute.clean(new_notebook(cells=[cell], metadata={"widgets": {}})).cells[0]
    kept = [o.get("name") or sorted(o.data) for o in cleaned.outputs]
    assert kept == [["image/png", "text/plain"], ["text/plain"], "stdout"]
    assert "run this cell" in cleaned.outputs[1].data["text/plain"]
    assert cleaned.metadata == {}


def pictured(size, alt="a cloud of points", **cell):
    shown = new_output(
        "execute_result",
        data={"image/png": PICTURE},
        metadata={"image/png": {"alt": alt, **size}},
    )
    return new_notebook(cells=[new_code_cell("x", outputs=[shown], **cell)])


def alt_of(cell):
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def test_a_figure_keeps_its_size_and_its_words():
    cleaned = execute.clean(pictured({"width": 5, "height": 5})).cells[0]
    assert alt_of(cleaned) == "a cloud of points"
    assert cleaned.outputs[0].metadata["image/png"]["width"] == 5
    again = execute.clean(pictured({}, alt="two clouds", metadata=cleaned.metadata)).cells[0]
    assert alt_of(again) == "two clouds", "words of the figure follow the figure"
    authored = {"mystnb": {"image": {"alt": "mine"}}}
    kept = execute.clean(pictured({}, metadata=authored)).cells[0]
    assert alt_of(kept) == "mine" and kept.metadata == authored
