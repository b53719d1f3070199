"""Hand-ins as students really send them are repaired, and no answer changes."""

import copy
import json
import sys
from pathlib import Path

import pytest

from aae_lessons.authoring import repair

ROOT = Path(__file__).parent.parent
NAME = "01_autoencoder.ipynb"


@pytest.fixture
def notebook():
    return json.loads((ROOT / "exercises" / NAME).read_text("utf-8"))


def run(monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", ["repair", str(folder)])
    repair.main()


def sources(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def store(folder, notebook, student="ada"):
    path = folder / student / "lesson-01" / NAME
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def test_a_sound_notebook_is_left_as_it_is(notebook, tmp_path, monkeypatch, capsys):
    path = store(tmp_path, notebook)
    before = path.read_bytes()
    run(monkeypatch, tmp_path)
    assert path.read_bytes() == before and capsys.readouterr().out.endswith("fine\n")


def test_copied_cells_widget_state_and_another_kernel(notebook, tmp_path, monkeypatch, capsys):
    marked = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    for cell in marked[:2]:  # an answer and its check, pasted at the end
        notebook["cells"].append(copy.deepcopy(cell))
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    notebook["metadata"]["kernelspec"]["name"] = "conda-env-homework-py"
    path = store(tmp_path, notebook)
    run(monkeypatch, tmp_path)
    repaired = json.loads(path.read_text("utf-8"))
    assert sources(repaired) == sources(notebook)
    metadata = [cell["metadata"] for cell in repaired["cells"] if "nbgrader" in cell["metadata"]]
    marks = [each["nbgrader"]["grade_id"] for each in metadata]
    assert len(marks) == len(set(marks)) == len(marked)
    ids = [cell["id"] for cell in repaired["cells"]]
    assert len(ids) == len(set(ids))
    assert "widgets" not in repaired["metadata"]
    assert repaired["metadata"]["kernelspec"]["name"] == "python3"
    assert "was there twice" in capsys.readouterr().out


def test_lost_marks_are_said_and_nobody_else_is_affected(notebook, tmp_path, monkeypatch, capsys):
    lost = copy.deepcopy(notebook)
    for cell in lost["cells"]:
        cell["metadata"].pop("nbgrader", None)
    store(tmp_path, lost, "ben")
    notebook["metadata"]["widgets"] = {}
    other = store(tmp_path, notebook, "carl")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path)
    assert ended.value.code == 1
    assert "MARKS ARE MISSING" in capsys.readouterr().out
    assert "widgets" not in json.loads(other.read_text("utf-8"))["metadata"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}'])
def test_what_is_no_notebook_is_said(text, tmp_path, monkeypatch, capsys):
    path = tmp_path / NAME
    path.write_text(text)
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path)
    assert "not a notebook" in capsys.readouterr().out
    assert path.read_text() == text
