"""Masters and student notebooks: made from each other, marked for nbgrader, right and not yet."""

import importlib
import re
from pathlib import Path

import nbformat
import pytest
import torch

from aae_lessons.authoring import release
from aae_lessons.checks import course
from aae_lessons.checks.stage import weights
from aae_lessons.checks.trial import CheckFailed

ROOT = Path(__file__).parent.parent
MASTERS = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=MASTERS, ids=lambda path: path.stem)
def master(request):
    return nbformat.read(request.param, as_version=4)


@pytest.fixture
def student(master):
    return release.student(master)


def marks(cell):
    return cell.metadata.get("nbgrader", {})


def run(notebook, monkeypatch, tmp_path):
    """Runs the code cells in this process; returns the causes of the checks that failed, by id."""
    monkeypatch.setenv("AAE_PROGRESS", str(tmp_path / "progress.json"))
    names, failed = {"__name__": "exercises"}, {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            try:
                exec(compile(cell.source, cell.id, "exec"), names)
            except CheckFailed as refused:
                failed[cell.id] = refused.cause
    return failed


def test_students_notebooks_are_those_of_the_masters():
    for path in MASTERS:
        made = release.student(nbformat.read(path, as_version=4))
        kept = (ROOT / "exercises" / path.name).read_text("utf-8")
        assert kept == nbformat.writes(made) + "\n", "run: python -m aae_lessons.authoring release"
    assert len(list((ROOT / "exercises").glob("*.ipynb"))) == len(MASTERS)


def test_masters_pass(master, monkeypatch, tmp_path):
    assert run(master, monkeypatch, tmp_path) == {}


def test_an_untouched_notebook_fails_at_its_checks_and_nowhere_else(
    student, monkeypatch, tmp_path
):
    checks = {cell.id for cell in student.cells if marks(cell).get("grade")}
    assert checks
    assert run(student, monkeypatch, tmp_path) == dict.fromkeys(checks, "not attempted")


def test_a_notebook_filled_with_the_masters_answers_passes(master, student, monkeypatch, tmp_path):
    answers = {cell.id: cell.source for cell in master.cells if marks(cell).get("solution")}
    for cell in student.cells:
        cell.source = answers.get(cell.id, cell.source)
    assert run(student, monkeypatch, tmp_path) == {}


def test_no_answer_is_left_in_a_students_notebook(master, student):
    for theirs, ours in zip(student.cells, master.cells, strict=True):
        assert theirs.id == ours.id
        if marks(ours).get("solution"):
            assert "raise NotImplementedError" in theirs.source
            assert "SOLUTION" not in theirs.source
            body = re.search(r"BEGIN SOLUTION\n(.*?)\n\s*### END", ours.source, re.DOTALL)[1]
            assert body not in theirs.source
        if theirs.cell_type == "code":
            assert theirs.outputs == [] and theirs.execution_count is None


def test_marks_are_nbgraders(master):
    ids = [marks(cell)["grade_id"] for cell in master.cells if marks(cell)]
    assert len(ids) == len(set(ids)) > 0
    for cell in master.cells:
        result = marks(cell)
        if result:
            assert result["schema_version"] == 3 and result["cell_type"] == "code"
            assert result["grade"] != result["solution"]
            assert result["locked"] == result["grade"]
            assert (result.get("points", 0) > 0) == result["grade"]


def test_an_answer_is_followed_by_its_check(master):
    code = [cell for cell in master.cells if marks(cell)]
    assert [marks(c)["grade"] for c in code] == [False, True] * (len(code) // 2)


def test_every_exercise_says_how_hard_and_how_long(master):
    headings = [c.source.splitlines()[0] for c in master.cells if c.source.startswith("## ")]
    assert len(headings) == sum(bool(marks(c).get("grade")) for c in master.cells)
    for heading in headings:
        assert re.fullmatch(r"## \d\.\d .+ · [●○]{3} · \d+ minutes", heading), heading
    minutes = [int(re.search(r"(\d+) minutes", heading)[1]) for heading in headings]
    assert min(minutes) <= 10 and max(minutes) >= 30


def check_called_in(cell):
    """The check that a cell calls, as ``check.cost(squared_error)``."""
    return re.match(r"(\w+\.\w+)\((\w+)\)", cell.source)


def test_printed_worked_answers_run_where_they_are_pasted(student, monkeypatch, tmp_path, capsys):
    """Every cell of a student's notebook filled with what ``solution()`` prints."""
    names = {"__name__": "exercises"}
    exec(student.cells[1].source, names)
    cells = [cell for cell in student.cells if marks(cell)]
    for answer, check in zip(cells[::2], cells[1::2], strict=True):
        eval(check_called_in(check)[1], names).solution()
        answer.source = capsys.readouterr().out
        assert f"def {check_called_in(check)[2]}(" in answer.source
    assert run(student, monkeypatch, tmp_path) == {}


def headings(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    return dict(re.findall(r"^## (\d+\.\d+) (.*)$", text, re.MULTILINE))


def test_sections_that_are_cited_exist_and_have_their_titles():
    known = {}
    for path in (ROOT / "notebooks").glob("0[1-9]_*.ipynb"):
        known |= headings(path)
    for path in MASTERS:
        for cell in nbformat.read(path, 4).cells:
            for line in re.findall(r"^\*Trains .*$", cell.source, re.MULTILINE):
                cited = re.findall(r"(\d+\.\d+), “([^”]*)”", line)
                assert len(cited) == len(re.findall(r"\d+\.\d+", line)) > 0, line
                for number, title in cited:  # a section that moves takes its title with it
                    assert known[number] == title, f"{path.stem}: {line}"
    for row in course.exercises().values():
        for exercise in row:
            cited = set(re.findall(r"\d+\.\d+", exercise.read))
            assert cited and cited <= known.keys(), f"{exercise.name}: {exercise.read}"


BROKEN = ["autoencoder", "adversarial", "variational", "categorical", "semi_supervised"]


@pytest.mark.parametrize("lesson", [*BROKEN, "wasserstein"])
def test_the_broken_step_that_is_shown_is_the_one_of_the_curves(lesson):
    module = importlib.import_module(f"aae_lessons.checks.{lesson}")
    path = next(path for path in MASTERS if path.stem.endswith(lesson))
    texts = [c.source for c in nbformat.read(path, 4).cells if "def broken_step(" in c.source]
    source = re.search(r"```python\n(def broken_step.*?)```", texts[0], re.DOTALL)[1]
    names = {"torch": torch, "F": torch.nn.functional}
    exec(source, names)
    where = (
        module if lesson == "autoencoder" else importlib.import_module(f"{module.__name__}_step")
    )
    stage = getattr(where, "NOISY_STAGE", where.STAGE)
    torch.manual_seed(0)
    batches = [stage.batch(5)]
    steps = (names["broken_step"], module.broken_step)
    shown, run = (list(stage.play(step, batches).model.parameters()) for step in steps)
    assert torch.allclose(weights(shown), weights(run), atol=1e-6)
