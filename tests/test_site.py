"""What the site makes of notebooks and of the repository's address, without a browser."""

import ast
import base64
import json
import zlib

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytest.importorskip("sphinx_book_theme", reason="the site's extra is not installed")
from aae_lessons.authoring import site
from aae_lessons.authoring.site import (
    excerpts,
    extension,
    illustrations,
    landing,
    lessons,
    navigation,
    notebooks,
    papers,
    parts,
    repository,
    slides,
    slim,
)

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
        assert "searchindex.js" not in page, "a lesson doesn't load what only a search reads"
    assert "searchindex.js" in (tmp_path / "out" / "search.html").read_text("utf-8")


def test_the_tree_of_pages_is_the_one_that_sphinx_makes(monkeypatch, tmp_path):
    made = navigation.tree
    pages = []

    def compared(builder, docname, **options):
        text = made(builder, docname, **options)
        assert text == builder._get_local_toctree(docname, **options), docname
        pages.append(docname)
        return text

    monkeypatch.setattr(navigation, "tree", compared)
    monkeypatch.setattr(site, "cores", lambda: 1)  # this process writes all pages
    site.build(tmp_path / "out", ["01_autoencoder"], explorers=False)
    assert {"index", "notebooks/01_autoencoder", "teaching/exam", "genindex"} <= set(pages)


def test_only_a_site_of_ours_is_replaced(monkeypatch, tmp_path):
    (tmp_path / "_static").mkdir()  # any project with Sphinx has one
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match=r"^out: got"):
        site.build(tmp_path, ["01_autoencoder"], explorers=False)
    (tmp_path / site.MARKER).touch()
    monkeypatch.setattr("aae_lessons.authoring.site.slim.slim", lambda out: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        site.build(tmp_path, ["00_start_here"], explorers=False)
    assert (tmp_path / "thesis.tex").exists(), "a build that fails leaves what was there"


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
    groups = [made[i].metadata.tags[-1] for i in folded]
    assert groups == ["prediction-1", "prediction-1", "prediction-2"], "one click for each"
    fold = "{dropdown} Show the answer\n:class-container: prediction-2\n\nEight, by\ncounting."
    assert fold in made[8].source
    assert made[8].source.rstrip().endswith("More.")


def test_an_exercise_shows_what_it_draws_without_a_learners_answer():
    answer = "### BEGIN SOLUTION\ndef f(x):\n    return x\n### END SOLUTION"
    worked = [
        new_code_cell(answer),
        new_code_cell("given = broken()\nshow(given)", outputs=[picture()]),
        new_code_cell("y = f(given)"),
        new_code_cell("show(y)", outputs=[picture()]),
    ]
    cells = [new_code_cell(cell.source) for cell in worked]
    cells[0].source = "def f(x): ..."
    illustrations.illustrate(cells, worked)
    assert [len(cell.outputs) for cell in cells] == [0, 1, 0, 1]
    assert [cell.metadata.get("tags", []) for cell in cells] == [[], [], [], ["hide-output"]]


def test_a_diagram_needs_no_code_beside_it():
    cell = new_code_cell('diagrams.aae("x")')
    assert notebooks.names_a_diagram(cell)
    cell.source = "# only words"
    assert notebooks.names_a_diagram(cell)
    cell.source = "diagrams.aae(sizes(model))\nmodel"
    assert not notebooks.names_a_diagram(cell)


def test_a_slides_prediction_comes_before_what_answers_it():
    shown = new_code_cell("show()", outputs=[picture()])
    cells = [
        new_markdown_cell("> **Predict.** How many?"),
        new_code_cell("fit()"),
        shown,
        new_markdown_cell("**Answer.** Seven, as printed."),
        shown,
        new_markdown_cell("> **Predict.** And now?"),
        new_markdown_cell("**Answer.** Eight."),
    ]
    posed = excerpts.questions_before(cells, lambda cell: bool(cell.get("outputs")))
    answers = {2: ("How many?", "**Answer.** Seven."), 6: ("And now?", "**Answer.** Eight.")}
    assert posed == answers


def test_an_equations_lead_does_not_begin_mid_thought():
    text = "The loss has two parts. They are $a$ and $b$.\n\nThen the sum is\n\n$$a + b$$"
    assert excerpts.equations(text) == [
        ("The loss has two parts. They are $a$ and $b$. Then the sum is", "a + b")
    ]
    assert excerpts.equations("This is it:\n\n$$a$$") == [("", "a")]


def test_a_long_table_goes_on_several_slides():
    rows = [f"<tr><td>{i}</td></tr>" for i in range(12)]
    parts_of_it = slides.parts_of(f"<table>{''.join(rows)}</table>", 9)
    assert [part.count("<tr>") for part in parts_of_it] == [7, 6]
    assert all(part.startswith(f"<table>{rows[0]}") for part in parts_of_it)


def stored(key, folder):
    """The bytes of a part, read as the loader in the page reads them."""
    text = (folder / parts.FOLDER / f"{key}.js").read_bytes().decode("ascii")
    characters = json.loads(text[text.index('= "') + 2 : text.rindex(";")], strict=False)
    bits = "".join(f"{ord(c):07b}" for c in characters)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8))


def test_parts_are_stored_once_and_come_back(tmp_path):
    long, data = "a\n" * parts.SHORT, bytes(range(256)) * 20 + b'\\\n\r"'
    buffer = {"path": ["x"], "data": base64.b64encode(data).decode()}
    contents = {
        "scripts": [long, "short"],
        "styles": [],
        "models": {"m": {"buffers": [buffer]}, "n": {"buffers": [dict(buffer)]}},
    }
    script, values = keys = parts.shared(contents, tmp_path)
    assert contents["scripts"] == [{"part": script, "deflated": True}, "short"]
    assert zlib.decompress(stored(script, tmp_path)).decode() == long
    for model in contents["models"].values():
        assert model["buffers"][0]["data"] == {"part": values}
    assert stored(values, tmp_path) == data
    files = {file.name for file in (tmp_path / parts.FOLDER).iterdir()}
    assert files == {f"{key}.js" for key in keys}
    assert all(name in parts.tags(keys, "../") for name in files)


def test_rules_that_no_page_needs_go():
    style = """
        :root { --read: 1px; --unread: 2px }
        .here, .gone > a { margin: var(--read) }
        .here:not(.gone):hover a[href=".gone"]::after { top: 0 }
        @media print { .gone { top: 0 } #there { top: 0 } }
        @media screen { p.gone { top: 0 } }
        @keyframes moves { from { top: 0 } }
        @font-face { font-family: Icons }
    """
    text = slim.purged(style, {"here", "there", "a"}, {"--read"})
    assert "--read: 1px" in text and "--unread" not in text
    assert ".here{" in text and ".gone >" not in text and "::after" in text
    assert "#there" in text and "screen" not in text
    assert "moves" not in text and "Icons" not in text


def test_parts_of_the_theme_are_named_before_any_script():
    page = (
        f'{slim.SIDE}></div><button class="btn search-button-field x" title="Search" '
        'aria-label="Search" data-x="1"><span>Search</span></button>'
    )
    made = slim.named(page)
    assert 'role="complementary" aria-label="Course"></div>' in made
    assert '<button class="btn search-button-field x" title="Search" data-x="1">' in made


def test_what_a_landing_page_can_wait_for_loads_after_its_explorer():
    page = """<html><head><link rel="stylesheet" href="_static/katex/katex.min.css">
        <script data-cfasync="false">mode()</script><script src="theme.js"></script>
        <script>var chosen = 1;</script></head><body><img alt="" src="_images/card.png">
        <script src="_static/explorers/a.js"></script><script type="module">start()</script>
        </body></html>"""
    made = landing.deferred(page)
    assert made.index("mode()") < made.index("explorers/a.js") < made.index("start()")
    assert '<script src="theme.js">' not in made and '<link rel="stylesheet"' not in made
    later = [made.index(text) for text in ("var chosen = 1;", "katex.min.css", "theme.js")]
    assert later == sorted(later) and '<img alt="" data-src="_images/card.png">' in made


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
    assert lesson.count(" download>") == 1
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


def test_a_lessons_figure_has_its_number_and_its_authors_words():
    def cell(alt):
        made = new_code_cell("show()", outputs=[picture()])
        made.metadata["mystnb"] = {"image": {"alt": alt}}
        return made

    cells = [
        new_markdown_cell("# Lesson 4 · X"),
        cell("Bars of D_cat."),
        cell("Figure. lines."),
        cell("More."),
    ]
    made = notebooks.prepared(new_notebook(cells=cells), lambda place: "").cells
    captions = [c.metadata["mystnb"].get("figure", {}).get("caption") for c in made[1:]]
    assert captions == [r"**Figure 4.1.** Bars of D\_cat.", None, "**Figure 4.2.** More."]
    cells[0].source = "# Exercises 4"
    del cells[3].metadata["mystnb"]["figure"]
    (*_, last) = notebooks.prepared(new_notebook(cells=cells), lambda place: "").cells
    assert "figure" not in last.metadata["mystnb"]


def test_the_icons_that_pages_use_are_drawn_without_their_library():
    library = 'x={"sun":[576,512,[9728],"f185","M1 2"],"lightbulb":[384,512,[],"f0eb","M3 4z"]}'
    text = slim.icons(library, ['<i class="fa-solid fa-sun fa-lg"></i>'])
    assert "viewBox='0 0 576 512'" in text and "d='M1 2'" in text and ".fa-lg" not in text
    assert ".fa-lightbulb,.tip>.admonition-title:after{--aae-icon:" in text, "boxes have one, too"


def test_torch_has_one_thread_while_a_site_is_built(tmp_path, monkeypatch):
    """Sphinx forks, and a fork would wait for the threads of its parent for ever."""
    before, during = torch.get_num_threads(), []

    def assemble(*_):
        during.append(torch.get_num_threads())
        raise RuntimeError("enough")

    monkeypatch.setattr("aae_lessons.authoring.site.sources.assemble", assemble)
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="enough"):
            site.build(tmp_path / "out")
        assert (during, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_the_papers_deck_has_every_figure_and_drawing():
    """What ``docs/slides/papers.md`` names is still in the lessons, or can be drawn."""
    slides = papers.papers(lessons.lessons())
    named = papers.FIGURE.findall(papers.CLAIMS.read_text("utf-8"))
    shown = [slide for slide in slides if "<img" in slide.body or "<svg" in slide.body]
    assert len(shown) == len(named) > 10
    with pytest.raises(ValueError, match="lesson 2 has no figure for 'no such cell'"):
        papers.find(lessons.lessons(), 2, "no such cell")
    with pytest.raises(ValueError, match="diagrams has no 'gan'"):
        papers.draw("gan")
