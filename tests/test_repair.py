"""Hand-ins as students really send them are repaired; what the other commands refuse.

`test_nbgrader.py` grades the same ones.
"""

import json
import re
import sys

import hand_ins
import nbformat
import pytest
from hand_ins import HAND_INS, NAME

from aae_lessons.authoring import marks, repair
from aae_lessons.authoring.__main__ import main as authoring_main

SOUND = [name for name, each in HAND_INS.items() if not each.refused]
REFUSED = [name for name, each in HAND_INS.items() if each.refused]


@pytest.fixture
def submitted(tmp_path):
    """A course's folder with the masters, and the folder of what was handed in."""
    for name in (NAME, "02_adversarial.ipynb"):
        path = tmp_path / "source" / f"lesson-{name[:2]}" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(hand_ins.master(name)), "utf-8")
    return tmp_path / "submitted"


def run(monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", ["repair", str(folder)])
    repair.main()


def lines_of(notebook):
    return {line for cell in notebook["cells"] for line in marks.source(cell).splitlines()}


@pytest.mark.parametrize("name", SOUND)
def test_a_hand_in_is_repaired_and_keeps_every_line(name, submitted, monkeypatch, capsys):
    case = HAND_INS[name]
    path = case.write(submitted / name / "lesson-01")
    content = path.read_bytes()
    before = json.loads(content.decode(json.detect_encoding(content)))
    run(monkeypatch, submitted)
    assert re.search(case.says, capsys.readouterr().out.strip())
    path = path.with_name(NAME)
    after = json.loads(path.read_text("utf-8"))
    assert lines_of(before) <= lines_of(after)
    there = [marks.mark(cell) for cell in after["cells"] if marks.is_check(cell)]
    assert sorted(there) == sorted(hand_ins.POINTS)
    if name != "bad-outputs":  # an output is no matter of grading, which empties it
        nbformat.validate(after)
    repaired = path.read_bytes()
    run(monkeypatch, submitted)
    assert path.read_bytes() == repaired
    assert re.search("(fine|no cell answers cost-answer)$", capsys.readouterr().out.strip())


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_graded_is_set_aside_with_the_reason(name, submitted, monkeypatch, capsys):
    path = HAND_INS[name].write(submitted / name / "lesson-01")
    content = path.read_bytes()
    sound = HAND_INS["sound"].write(submitted / "sound" / "lesson-01")
    expected = sound.read_bytes()
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, submitted)
    assert ended.value.code == 1 and sound.read_bytes() == expected
    assert re.search(f"REFUSED: .*{HAND_INS[name].refused}", capsys.readouterr().out)
    aside = submitted.parent / "refused" / name / "lesson-01"
    assert (aside / path.name).read_bytes() == content and not path.parent.exists()
    run(monkeypatch, submitted)  # the others are graded without it
    path.parent.mkdir()
    path.write_bytes(content)  # handed in again, as it was
    with pytest.raises(SystemExit):
        run(monkeypatch, submitted)
    assert (aside.with_name("lesson-01-2") / path.name).read_bytes() == content


@pytest.mark.parametrize("text", ["[]", '{"cells": 3}', '{"worksheets": []}', "3", "<html>"])
def test_what_is_no_notebook_is_said(text, submitted, monkeypatch, capsys):
    path = submitted / "ada" / "lesson-01" / NAME
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(SystemExit):
        run(monkeypatch, submitted)
    assert "REFUSED" in capsys.readouterr().out


def test_a_second_notebook_is_left_alone_and_said(submitted, monkeypatch, capsys):
    folder = submitted / "ada" / "lesson-01"
    HAND_INS["renamed"].write(folder)
    (folder / NAME).write_text(json.dumps(hand_ins.master()), "utf-8")
    checkpoint = folder / ".ipynb_checkpoints" / NAME
    checkpoint.parent.mkdir()
    checkpoint.write_text("")
    run(monkeypatch, submitted)
    assert "NOT GRADED: 01_autoencoder.ipynb was handed in as well" in capsys.readouterr().out
    assert (folder / HAND_INS["renamed"].name).is_file() and checkpoint.read_text() == ""


def test_every_master_is_told_from_the_others_and_needs_no_repair():
    masters = repair.find_masters(repair.SOLUTIONS)
    assert len(masters) == 8
    for name, master in masters.items():
        assert repair.recognise(master, "homework.ipynb", masters) == name
        notebook = json.loads((repair.SOLUTIONS.parent / "exercises" / name).read_text("utf-8"))
        assert repair.recognise(notebook, name, masters) == name
        assert list(marks.restore(notebook, master)) == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("repar", "usage: python -m aae_lessons.authoring COMMAND"),
        ("repair nowhere", "no notebook in nowhere"),
        ("execute 02_adversary", "02_adversary.ipynb; expected names such as 02_adversarial"),
        ("site out 02_adversary", "names: got ['02_adversary'], expected some of 00_start_here"),
        ("site . 02_adversarial", "out: got '.', expected a new or empty folder"),
        ("site", "the following arguments are required: out"),
        ("release --chek", "unrecognized arguments: --chek"),
    ],
)
def test_a_typo_on_the_command_line_ends_in_a_message(
    command, says, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit) as ended:
        authoring_main(command.split())
    assert ended.value.code == 2 and says in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
