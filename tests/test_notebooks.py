"""The stored lessons, without a kernel: executed in order, no errors, small, as the style asks."""

import base64
import io
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from aae_lessons.authoring import execute
from aae_lessons.checks import course
from aae_lessons.plots.style import png

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
MARK, TAG = "# NBVAL_CHECK_OUTPUT", "nbval-check-output"  # nbval reads both


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
    marked = [c for c in code(cells) if MARK in c.source or TAG in c.metadata.get("tags", [])]
    assert marked, "no cell is compared"
    for cell in marked:
        assert cell.source.startswith(MARK) or MARK not in cell.source
        assert cell.execution_count and cell.outputs, cell.source


def test_it_has_its_title(path, cells):
    number = int(path.stem[:2])
    assert cells[0].source.startswith(f"# Lesson {number} · ")


SECTION = re.compile(r"^## (\d+)\.(\d+) \S", re.MULTILINE)
CITED = re.compile(r"\b[Ss]ections?\s+((?:\d+\.\d+(?:,\s+|\s+and\s+)?)+)")


def words(cells):
    """What a reader sees of a lesson as text: its Markdown, written or computed."""
    for cell in cells:
        yield cell.source if cell.cell_type == "markdown" else ""
        for output in cell.get("outputs", []):
            yield output.get("data", {}).get("text/markdown", "")


def sections(cells):
    return SECTION.findall("\n".join(words(cells)))


def test_sections_are_numbered_without_a_gap(path, cells):
    numbers = [(int(lesson), int(part)) for lesson, part in sections(cells)]
    assert len(numbers) >= 5
    assert numbers == [(int(path.stem[:2]), i + 1) for i in range(len(numbers))]


@pytest.fixture(scope="module")
def known_sections():
    lessons = (nbformat.read(lesson, as_version=4).cells for lesson in LESSONS)
    return {".".join(section) for lesson in lessons for section in sections(lesson)}


def test_sections_that_are_cited_exist(cells, known_sections):
    for text in words(cells):
        for cited in CITED.findall(text):
            for number in re.findall(r"\d+\.\d+", cited):
                assert number in known_sections, f"section {number} is cited, and no lesson has it"


def test_stored_pictures_have_a_palette(path):
    """Figures and stills of explorers alike: `execute` reduces them to a third of their bytes."""
    for cell in code(nbformat.read(path, as_version=4).cells):
        for output in cell.outputs:
            png = output.get("data", {}).get("image/png")
            if png:
                picture = Image.open(io.BytesIO(base64.b64decode(png)))
                assert picture.mode == "P", cell.source[:60]


def test_it_is_small_enough(path):
    assert path.stat().st_size <= 1_500_000


def test_cells_are_short(cells):
    for cell in cells:
        if cell.cell_type == "code":
            imports = "import torch" in cell.source  # the first cell may have many of them
            assert len(cell.source.splitlines()) <= (25 if imports else 20), cell.source
        else:
            prose = re.sub(r"<[^>]+>|\$[^$]*\$|```.*?```", " ", cell.source, flags=re.DOTALL)
            assert len(prose.split()) <= 200, cell.source[:80]


def test_it_needs_no_path_tricks(path):
    text = "\n".join(c.source for c in code(nbformat.read(path, as_version=4).cells))
    for trick in ("sys.path", "os.chdir", "../", "/home/", "/root/", "/tmp/", "%pip", "!pip"):
        assert trick not in text, trick


def test_it_names_no_versions_of_this_kernel(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}
    assert metadata["language_info"]["file_extension"] == ".py"  # nbconvert --to script needs it


# ------------------------------------------------------------------ what a lesson promises

REVISED = LESSONS[:8]  # lessons whose predictions, figures and diagrams follow the rules below
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


@pytest.fixture(params=REVISED, ids=lambda p: p.stem)
def revised(request):
    return nbformat.read(request.param, as_version=4).cells


def test_every_prediction_is_answered_before_the_next(revised):
    """A *Predict.* is followed by a paragraph that begins **Answer.** and holds a number."""
    open_question = ""
    for cell in revised:
        shown = "\n".join(
            o.data.get("text/markdown", "") for o in cell.get("outputs", []) if "data" in o
        )
        text = cell.source if cell.cell_type == "markdown" else shown
        for mark in re.findall(r"\*\*(Predict|Answer)\.\*\*", text):
            if mark == "Predict":
                assert not open_question, f"no answer to: {open_question}"
                open_question = text[text.index("**Predict.**") :][:80]
            else:
                assert open_question, f"an answer without a question: {text[:80]}"
                assert re.search(r"\d", text[text.index("**Answer.**") :]), text[:80]
                open_question = ""
    assert not open_question, f"no answer to: {open_question}"


def test_diagrams_are_drawn(revised):
    for cell in revised:
        assert not re.search(r"[─│▼▲►◄]|-->", cell.source), cell.source[:80]


def test_heads_of_tables_have_words(cells):
    """A head of mathematics alone is an empty one to a screen reader."""
    for cell in cells:
        texts = [o.data.get("text/markdown", "") for o in cell.get("outputs", []) if "data" in o]
        texts += [cell.source] if cell.cell_type == "markdown" else []
        for head in re.findall(
            r"^(.*\|.*)\n *\|?[ :|-]*---[ :|-]*$", "\n".join(texts), re.MULTILINE
        ):
            for word in head.strip(" |").split(" | "):
                assert not re.fullmatch(r"\s*\$[^$]+\$\s*", word), head


def test_every_number_of_a_computed_text_is_filled_in(cells):
    """Braces outside mathematics and code are those of an f-string whose f is missing."""
    for text in words(cells):
        text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
        assert not re.search(r"[{}]", text), text


def test_every_figure_has_words(revised):
    for cell in revised:
        kinds = {kind for o in cell.get("outputs", []) for kind in o.get("data", {})}
        if kinds & set(execute.PICTURES):
            assert len(alt_of(cell).split()) >= 5, cell.source[:80]


def test_figures_are_stored_at_double_density(revised):
    for cell in code(revised):
        for output in cell.outputs:
            shown = output.get("metadata", {}).get("image/png")
            if "image/png" in output.get("data", {}):
                stream = io.BytesIO(base64.b64decode(output.data["image/png"]))
                assert abs(Image.open(stream).width - 2 * shown["width"]) <= 2, cell.source[:80]


def test_links_between_notebooks_lead_somewhere(path, cells):
    for cell in cells:
        if cell.cell_type == "markdown":
            for target in LINK.findall(cell.source):
                if not target.startswith("http") and "$" not in target and " " not in target:
                    assert (path.parent / target).exists(), target


def test_it_leads_on_to_its_exercises_and_the_next_lesson(revised):
    text = "\n".join(c.source for c in revised if c.cell_type == "markdown")
    number = int(revised[0].source.split()[2])
    assert re.search(rf"\]\(0{number + 1}_\w+\.ipynb\)", text)
    assert number == 0 or re.search(rf"\]\(\.\./exercises/0{number}_\w+\.ipynb\)", text)


def test_networks_and_updates_are_written_out(revised):
    """Open code: layers, a loss and an update in plain torch, and the package's source beside."""
    source = "\n".join(c.source for c in code(revised))
    if revised[0].source.startswith("# Lesson 0"):
        return
    for part in ("nn.Linear(", ".backward()", ".step()", "inspect.getsource("):
        assert part in source, part


def test_no_learners_progress_is_stored(monkeypatch):
    """Lesson 0 shows the table of exercises as a new learner has it."""
    cells = nbformat.read(LESSONS[0], as_version=4).cells
    stored = next(c for c in cells if "course.progress()" in c.source).outputs[0]
    monkeypatch.setenv("AAE_PROGRESS", os.devnull)
    picture, _ = png(course.progress())
    fresh = Image.open(io.BytesIO(picture)).convert("L")
    kept = Image.open(io.BytesIO(base64.b64decode(stored.data["image/png"]))).convert("L")
    assert kept.size == fresh.size
    ink = [sum(image.histogram()[:160]) for image in (kept, fresh)]
    assert ink[0] <= 1.05 * ink[1], "darker than a table where nothing is done"


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
    assert kept == [["image/png", "text/plain"], ["text/plain"], "stdout", "stdout"]
    assert cleaned.outputs[-1].text == execute.HINT
    assert "run this cell" in cleaned.outputs[1].data["text/plain"]
    assert cleaned.metadata == {}


@pytest.mark.parametrize(
    ("source", "tags", "collapsed"),
    [
        ('n = 7\nMarkdown(f"**Answer.** {n}.")', [], True),
        ("assert n == 7", ["remove-cell"], True),
        ("def plumbing(): ...", ["hide-input"], True),
        ("n = 7", ["nbval-check-output"], False),
        ('text = Markdown("Seven.")\nprint(text)', [], False),
    ],
)
def test_code_with_an_answers_words_is_collapsed_in_jupyter(source, tags, collapsed):
    cell = new_code_cell(source, metadata={"tags": tags})
    kept = execute.clean(new_notebook(cells=[cell])).cells[0].metadata
    assert kept.get("jupyter", {}).get("source_hidden", False) == collapsed
    assert kept.tags == tags


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


EVERY = [
    p for f in ("notebooks", "exercises", "solutions") for p in sorted((ROOT / f).glob("*.ipynb"))
]


@pytest.mark.parametrize("notebook", EVERY, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_part_of_a_formula_reads_as_a_tag(notebook):
    """Markdown takes ``j<k`` for the beginning of an HTML tag: write ``j \\lt k``."""
    cells = nbformat.read(notebook, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    data = [out.get("data", {}) for cell in cells for out in cell.get("outputs", [])]
    texts += [each.get("text/markdown", "") for each in data]
    formulas = [f for t in texts for f in re.findall(r"\$\$.*?\$\$|\$[^$\n]+\$", t, re.DOTALL)]
    assert not [formula for formula in formulas if re.search(r"<[A-Za-z/!]", formula)]


def test_computed_answers_hold_no_placeholder(cells):
    """A literal that lost its f prints ``{mean:.2f}`` in place of a number."""
    data = [out.get("data", {}) for cell in cells for out in cell.get("outputs", [])]
    texts = [each.get("text/markdown", "") for each in data]
    leaked = [
        hit for text in texts for hit in re.findall(r"\{[a-z_][^{}]*:[.,]?\d*[%a-z]\}", text)
    ]
    assert not leaked, leaked
