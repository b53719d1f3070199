"""What the site makes of notebooks and of the repository's address, without a browser."""

import ast

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytest.importorskip("sphinx_book_theme", reason="the site's extra is not installed")
from aae_lessons.authoring import site
from aae_lessons.authoring.site import extension, notebooks, parts, repository

ADDRESS = "https://github.com/OWNER/NAME"


def test_without_an_address_nothing_is_launched(monkeypatch):
    monkeypatch.setenv(repository.VARIABLE, "")
    assert repository.buttons() == {}
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("x = 1")])
    assert [c.source for c in repository.with_installation(notebook).cells] == ["# Title", "x = 1"]


def test_the_launch_buttons_come_from_one_address(monkeypatch, tmp_path):
    monkeypatch.setenv(repository.VARIABLE, f"{ADDRESS}.git")
    site.build(tmp_path / "out", ["01_autoencoder"], explorers=False)
    for folder in ("notebooks", "exercises"):
        page = (tmp_path / "out" / folder / "01_autoencoder.html").read_text("utf-8")
        file = f"{folder}/01_autoencoder.ipynb"
        assert f"https://colab.research.google.com/github/OWNER/NAME/blob/main/{file}" in page
        assert f"https://mybinder.org/v2/gh/OWNER/NAME/main?urlpath=lab/tree/{file}" in page
        assert f'href="{ADDRESS}"' in page
        assert f"_sources/{file}" in page, "the notebook itself"


def test_a_cold_notebook_installs_the_package_first(monkeypatch):
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("x = 1")])
    for address in ("https://github.com/SOMEBODY/ELSE", ADDRESS):  # twice: it is replaced
        monkeypatch.setenv(repository.VARIABLE, address)
        repository.with_installation(notebook)
    title, install, code = notebook.cells
    assert (title.source, code.source) == ("# Title", "x = 1")
    ast.parse(install.source)
    ran = []
    monkeypatch.setattr("subprocess.run", lambda command, check: ran.append((command, check)))
    exec(install.source, {})
    assert not ran, "the package is here"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(install.source, {})
    assert ran[0][0][1:] == ["-m", "pip", "install", "-q", f"git+{ADDRESS}"] and ran[0][1]
    nbformat.validate(notebook)


def picture():
    return new_output("display_data", data={"image/png": "aGVsbG8="})


def test_what_answers_a_prediction_is_behind_a_click():
    """Each output from the question to its answer is folded; what is before and after is not."""
    answer = new_output("display_data", data={"text/markdown": "**Answer.** Seven."})
    cells = [
        new_code_cell("before()", outputs=[picture()]),
        new_markdown_cell("Text.\n\n> **Predict.** How many?"),
        new_code_cell("look()", outputs=[picture()]),
        new_markdown_cell("A remark."),
        new_code_cell('Markdown(f"**Answer.** {n}.")', outputs=[answer]),
        new_code_cell("after()", outputs=[picture()]),
        new_markdown_cell("> **Predict.** And now?"),
        new_code_cell("look()", outputs=[picture()]),
        new_markdown_cell("**Answer.** Eight, by\ncounting.\n\nMore."),
        new_code_cell("after()", outputs=[picture()]),
    ]
    made = notebooks.prepared(new_notebook(cells=cells), lambda place: "").cells
    folded = [i for i, c in enumerate(made) if "hide-output" in c.metadata.get("tags", [])]
    assert folded == [2, 4, 7]
    assert "hide-input" in made[4].metadata.tags, "its code has the answer's words"
    assert "{dropdown} Show the answer\nEight, by\ncounting." in made[8].source
    assert made[8].source.rstrip().endswith("More.")


def test_parts_are_stored_once(tmp_path):
    long = "a" * (parts.SHORT + 1)
    contents = {
        "scripts": [long, "short"],
        "styles": [],
        "models": {"m": {"buffers": [{"path": ["x"], "data": long}]}},
    }
    keys = parts.shared(contents, tmp_path)
    assert contents["scripts"] == [{"part": keys[0]}, "short"]
    assert contents["models"]["m"]["buffers"][0]["data"] == {"part": keys[0]}
    (file,) = (tmp_path / parts.FOLDER).iterdir()
    assert file.name in parts.tags(keys, "../") and long in file.read_text("utf-8")


def test_a_lesson_says_what_can_be_done_with_it():
    known = {"notebooks/02_x", "exercises/02_x", "where-it-runs"}
    lesson = notebooks.next_steps("notebooks/02_x", known)
    for address in (
        "../_sources/notebooks/02_x.ipynb",
        "../where-it-runs.html",
        "../slides/02_x.html",
        "../exercises/02_x.html",
    ):
        assert f'href="{address}"' in lesson
    exercises = notebooks.next_steps("exercises/02_x", known)
    assert "slides" not in exercises and 'href="../notebooks/02_x.html"' in exercises
    assert "exercises" not in notebooks.next_steps("notebooks/00_y", known)


def test_formulas_of_a_module_stand_as_written():
    lines = [
        "Title.",
        "",
        "Principle:",
        "    Words:",
        "",
        "        a(x|y) = b",
        "          + c",
        "",
    ]
    lines += [".. note::", "", "   A note on |x|."]
    extension.readable(None, "module", "name", None, None, lines)
    assert lines[3:8] == ["    Words:", "", "    ::", "", "        a(x|y) = b"]
    assert lines[-3:] == [".. note::", "", r"   A note on \|x\|."]
