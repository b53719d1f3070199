"""What is around the exercises: every check's ground, progress, nbval, the lecturer's guide."""

import functools
import importlib
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import torch
from torch.nn import functional as F

from aae_lessons.authoring import guide, misconceptions, release
from aae_lessons.checks import autoencoder, core, course, guards, progress
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.trial import CheckFailed
from aae_lessons.plots.style import COLOURS

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("AAE_PROGRESS", str(tmp_path / "progress.json"))


def make(test, answer=lambda x: x):
    return Exercise("0.0", "a title", "lesson 0", ("a", "b", "c"), answer, test)


def exercise_with(*inputs):
    """An exercise that calls the answer with these inputs."""
    return make(lambda trial: trial(*inputs))


def expected(tensor):
    """An exercise whose result should be ``tensor``."""
    return make(lambda _: iter([Probe(lambda f: f(torch.zeros(3)), expect=lambda *_: tensor)]))


def refused(check, answer):
    with pytest.raises(CheckFailed) as failed:
        check(answer)
    return failed.value


# ------------------------------------------------------------- what happens inside an answer


def helper(x):
    return x @ torch.zeros(7)


def uses_helper(x):
    return helper(x)


def test_an_exception_is_shown_at_the_innermost_line_of_the_learner():
    failed = refused(exercise_with(torch.zeros(2)), uses_helper)
    assert failed.cause == "your code raised"
    assert re.search(r"^  At line \d+: return x @ torch.zeros\(7\)$", str(failed), re.MULTILINE)


def cells(*sources):
    """Cells of a notebook, run one after the other, each a file of its own."""
    names = {"__name__": "__main__", "torch": torch}
    for number, source in enumerate(sources):
        exec(compile(source, f"cell-{number}", "exec"), names)
    return names


def test_a_line_is_named_by_its_number_where_its_text_is_unknown():
    names = cells("def f(x):\n    y = x + 1\n    return y @ torch.zeros(7)")
    assert "At line 3 of your code." in str(refused(exercise_with(torch.zeros(2)), names["f"]))


def test_an_earlier_exercise_that_is_not_written_is_told_from_this_one():
    names = cells("def f(x):\n    raise NotImplementedError", "def g(x):\n    return f(x)")
    assert refused(exercise_with(torch.zeros(2)), names["f"]).cause == "not attempted"
    failed = refused(exercise_with(torch.zeros(2)), names["g"])
    assert failed.cause == "another exercise comes first"
    assert "f()" in str(failed)


def test_an_operation_that_torch_does_not_have_is_no_missing_answer():
    def answer(x):
        return torch.nn.Module()(x)

    assert refused(exercise_with(torch.zeros(2)), answer).cause == "your code raised"


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: ...,
        functools.partial(cells("def f(a, x):\n    raise NotImplementedError")["f"], 1),
    ],
)
def test_a_stub_is_not_attempted(answer):
    assert refused(exercise_with(torch.zeros(2)), answer).cause == "not attempted"


def test_a_stub_that_the_check_calls_itself_is_not_attempted():
    check = make(lambda trial: trial(torch.zeros(2))(1))  # the answer returns a function
    names = cells("def f(x):\n    def g(y):\n        raise NotImplementedError\n    return g")
    assert refused(check, names["f"]).cause == "not attempted"


def test_a_result_that_the_check_can_not_use_is_refused_without_a_traceback():
    check = make(lambda trial: trial(torch.zeros(2)).requires_grad)
    failed = refused(check, cells("def f(x):\n    return 'words'")["f"])
    assert failed.cause == "of no use"
    assert "requires_grad" in str(failed)


def on_two_devices(x):
    raise RuntimeError("Expected all tensors to be on the same device, but found two")  # torch's


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (on_two_devices, "device=x.device"),
        (lambda x: x.sum().backward(), "Its gradient was cut"),
        (lambda x: None + x, "Something you use is None"),
    ],
)
def test_well_known_errors_of_torch_are_explained(answer, advice):
    failed = refused(exercise_with(torch.zeros(2)), answer)
    assert failed.cause == "your code raised"
    assert advice in str(failed)


@pytest.mark.parametrize("answer", [lambda: 1, lambda x, y: x])
def test_another_signature_is_named(answer):
    failed = refused(exercise_with(torch.zeros(2)), answer)
    assert failed.cause == "wrong arguments"
    assert "expected  1 arguments" in str(failed)


def test_a_type_error_inside_the_answer_is_no_signature():
    assert refused(exercise_with(torch.zeros(2)), lambda x: len(5)).cause == "your code raised"


def test_exit_is_an_error_like_any_other():
    assert (
        refused(exercise_with(torch.zeros(2)), lambda x: sys.exit(0)).cause == "your code raised"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda x, more, named: x.add_(1),
        lambda x, more, named: more[0].zero_(),
        lambda x, more, named: named["a"].mul_(2),
        lambda x, more, named: x.resize_(1),
    ],
)
def test_inputs_changed_in_place_are_seen_at_any_depth(change):
    def answer(x, more, named):
        result = x.clone()
        change(x, more, named)
        return result

    inputs = torch.ones(2), [torch.ones(2)], {"a": torch.ones(2)}
    assert refused(exercise_with(*inputs), answer).cause == "input changed in place"


def test_nan_in_an_input_is_no_change():
    inputs = (torch.tensor([float("nan"), 1.0]), [torch.zeros(1)], {"a": 1})
    exercise_with(*inputs)(lambda x, m, n: x + 1)


# ---------------------------------------------------------------------- comparing results


@pytest.mark.parametrize("like", [None, torch.zeros(1)])
def test_a_result_on_another_device_is_refused(like):
    def elsewhere(x):
        return torch.zeros(3, device="meta")

    assert refused(expected(torch.zeros(3)), elsewhere).cause == "wrong device"
    check = make(lambda trial: trial.tensor(trial(torch.zeros(3)), (3,), like))
    assert refused(check, elsewhere).cause == "wrong device"


def test_large_tensors_are_shown_where_they_differ_most():
    got = torch.zeros(4, 5)
    got[2, 3] = 7
    failed = refused(expected(torch.zeros(4, 5)), lambda x: got)
    assert "got       tensor of shape (4, 5), 7 at [2, 3]" in str(failed)
    assert "expected  tensor of shape (4, 5), 0 at [2, 3]" in str(failed)


def test_nan_is_named():
    failed = refused(expected(torch.zeros(3)), lambda x: x / 0)
    assert failed.cause == "wrong value" and "nan or inf" in str(failed)
    expected(torch.full((3,), float("nan")))(lambda x: x / 0)


def test_says_is_the_explanation_alone():
    failed = refused(exercise_with(torch.zeros(2)), lambda x: None)
    assert failed.says.startswith("Your function returned None")


# ------------------------------------------------------------------------- around an answer


def endless(x):
    while True:
        pass


def catches_everything(x):
    try:
        endless(x)
    except BaseException:
        endless(x)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(core, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(guards, "AGAIN", 0.1)


@pytest.mark.parametrize("answer", [endless, catches_everything])
def test_an_endless_loop_is_stopped_even_where_it_catches_everything(short, answer):
    assert refused(exercise_with(torch.zeros(2)), answer).cause == "took too long"


def test_an_endless_loop_is_stopped_in_another_thread(short):
    seen = []
    thread = threading.Thread(
        target=lambda: seen.append(refused(exercise_with(torch.zeros(2)), endless).cause)
    )
    thread.start()
    thread.join(30)
    assert seen == ["took too long"]


def test_waiting_is_stopped_later_than_computing(short):
    exercise_with(torch.zeros(2))(
        lambda x: time.sleep(0.3) or x
    )  # a busy machine is no endless loop
    assert (
        refused(exercise_with(torch.zeros(2)), lambda x: time.sleep(60)).cause == "took too long"
    )


def test_an_import_is_never_cut_short(short, tmp_path, monkeypatch):
    source = (
        "import time\nbegan = time.process_time()\nwhile time.process_time() < began + 0.5: pass\n"
    )
    (tmp_path / "slow_to_import.py").write_text(source + "whole = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def answer(x):
        return x * importlib.import_module("slow_to_import").whole

    assert exercise_with(torch.zeros(2))(answer) is None


def test_the_limit_gives_back_the_timer_it_found():
    signal = pytest.importorskip("signal")
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timers")
    old = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 500)
    exercise_with(torch.zeros(2))(lambda x: x)
    left = signal.setitimer(signal.ITIMER_REAL, 0)[0]
    assert signal.signal(signal.SIGALRM, old) == signal.SIG_IGN
    assert 400 < left <= 500


def test_a_notebooks_settings_of_torch_do_not_reach_a_check_and_stay():
    seen = []

    def look(trial):
        x = torch.ones(2, requires_grad=True)
        seen.append((x.dtype, x.device.type, (x * 2).requires_grad))

    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.no_grad():
            make(look)(lambda x: x)
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
        assert torch.zeros(1).is_meta
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert seen == [(torch.float32, "cpu", True)]


def test_nothing_reaches_stderr(capsys):
    def noisy(x):
        warnings.warn("careful", stacklevel=1)
        print("a bar", file=sys.stderr)
        return x

    exercise_with(torch.zeros(2))(noisy)
    assert capsys.readouterr().err == ""


def test_hints_begin_again_and_the_worked_answer_has_a_notebooks_names(capsys):
    check = make(lambda trial: None, autoencoder.step.answer)
    for _ in range(5):
        check.hint()
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == [
        *("Hint 1", "Hint 2", "Hint 3", "That w", "Hint 1")
    ]
    check.solution()
    out = capsys.readouterr().out
    assert "def step(" in out and "squared_error(" in out and "_squared" not in out
    assert "optimizer.zero_grad()" in out
    assert repr(check).startswith("Exercise 0.0, a title") and ".hint()" in repr(check)


def test_progress_never_takes_the_place_of_a_device_or_a_folder(monkeypatch, tmp_path):
    for place in (os.devnull, str(tmp_path)):
        monkeypatch.setenv("AAE_PROGRESS", place)
        progress.note("1.1")
        assert progress.done() == set()
        assert not Path(place).is_file()


# ------------------------------------------------------------------------- course.progress()


def test_the_course_knows_every_exercise_in_order():
    names = [exercise.name for row in course.exercises().values() for exercise in row]
    assert names == sorted(names, key=course.order)
    assert names[:4] == ["1.1", "1.2", "1.3", "1.4"]
    masters = [item.name for row in guide.items().values() for item in row]
    assert set(masters) <= set(names)
    assert course.order("2.9") < course.order("2.10")


def test_lessons_have_the_titles_of_their_masters():
    for path in sorted((ROOT / "solutions").glob("[0-9][0-9]_*.ipynb")):
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        assert title == f"# Exercises {int(path.name[:2])} · {course.LESSONS[int(path.name[:2])]}"


def drawn(figure):
    """Of each square: its colour; and every text of the picture."""
    axes = figure.axes[0]
    return [line.get_color() for line in axes.lines], [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("done", [(), ("1.2", "2.1"), "all", ("no such exercise",)])
def test_the_picture_and_its_words_show_what_is_done(done):
    every = course.exercises()
    names = [exercise.name for row in every.values() for exercise in row]
    for name in names if done == "all" else done:
        progress.note(name)
    count = len(names) if done == "all" else len(set(done) & set(names))
    figure = course.progress()
    colours, texts = drawn(figure)
    assert [c == COLOURS[0] for c in colours] == [n in progress.done() for n in names]
    assert texts.count("✓") == count
    assert {n for n in names if n not in progress.done()} <= set(texts)
    assert sum(text.startswith("Lesson ") for text in texts) == len(every)
    words = " ".join(figure.get_supxlabel().split())
    assert words.startswith(f"{count} of {len(names)} exercises are done")
    assert ("That is all" in words) == (done == "all")
    first = next((n for n in names if n not in progress.done()), "")
    assert f"Next: {first}" in words or done == "all"


def test_the_picture_needs_no_file_and_minds_no_damaged_one():
    assert not progress.path().exists()
    assert "0 of" in course.progress().get_supxlabel()
    progress.path().write_text("{")
    assert "0 of" in course.progress().get_supxlabel()


# -------------------------------------------------------------- a student's notebook and nbval

MASTER = ROOT / "solutions" / "01_autoencoder.ipynb"


def nbval(folder, notebook):
    """Runs a notebook under nbval in a process of its own; returns what each failed cell says."""
    path = folder / MASTER.name
    nbformat.write(notebook, path)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
    command += ["--nbval-cell-timeout=600", "--junitxml=out.xml", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, path.name], cwd=folder, capture_output=True, text=True)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    result = ElementTree.parse(folder / "out.xml").findall(".//testcase")
    assert len(result) == len(code), done.stdout
    failed = {
        name: case.find("failure").text
        for name, case in zip(code, result, strict=True)
        if case.find("failure") is not None
    }
    assert done.returncode == bool(failed), done.stdout
    return failed


def test_an_untouched_notebook_fails_under_nbval_at_its_checks_alone(tmp_path):
    student = release.student(nbformat.read(MASTER, as_version=4))
    marked = [c for c in student.cells if c.metadata.get("nbgrader", {}).get("grade")]
    failed = nbval(tmp_path, student)
    assert set(failed) == {cell.id for cell in marked}
    for text in failed.values():
        said = [line for line in text.splitlines() if "Exercise" in line]
        assert said and all(re.search(r"Exercise 1\.\d, .+: not attempted\.", s) for s in said)
        assert "NotImplementedError" not in text


def test_a_notebook_with_the_masters_answers_passes_under_nbval(tmp_path):
    master = nbformat.read(MASTER, as_version=4)
    student = release.student(master)
    answers = {
        c.id: c.source for c in master.cells if c.metadata.get("nbgrader", {}).get("solution")
    }
    assert len(answers) == 7
    for cell in student.cells:
        cell.source = answers.get(cell.id, cell.source)
    assert nbval(tmp_path, student) == {}


# ------------------------------------------------------------------------ the lecturer's guide


@pytest.mark.parametrize("path", guide.FILES, ids=lambda path: path.stem)
def test_the_guide_is_fresh(path):
    text = guide.guide(path)
    assert text == path.read_text("utf-8"), "run: python -m aae_lessons.authoring guide"


def test_every_lesson_says_how_long_it_takes():
    """In minutes: without them the plans would count it as nothing."""
    times = guide.reading()
    assert set(times) == set(range(9)) and all(minutes > 0 for minutes in times.values()), times


@pytest.mark.parametrize("lesson", guide.lessons(), ids=lambda lesson: lesson.path.stem)
def test_a_lessons_minutes_are_those_of_its_length(lesson):
    """CONTRIBUTING: 80 words or 25 lines of shown code a minute, and one for each prediction."""
    words = lines = predictions = 0
    for cell in lesson.cells:
        text = cell.source
        if re.match(r"## [\d.]+ Appendix", text):
            break
        if cell.cell_type == "code":
            hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
            lines += 0 if hidden else len(text.splitlines())
            outputs = cell.get("outputs", [])
            text = "\n".join(o.get("data", {}).get("text/markdown", "") for o in outputs)
        text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
        predictions += text.count("**Predict.**")
        words += len(re.sub(r"^\|.*$", "", text, flags=re.MULTILINE).split())  # without tables
    expected = words / 80 + lines / 25 + predictions
    assert 0.85 < lesson.minutes / expected < 1.15, f"{lesson.minutes}, expected {expected:.0f}"


@pytest.mark.parametrize("title", guide.PLANS)
def test_a_plan_has_every_exercise_once_and_keeps_to_its_time(title):
    minutes, rows = guide.PLANS[title]
    lines = guide.plan(title).splitlines()[4:]
    assert len(lines) == len(rows)
    assert title.startswith(f"{len(rows)} sessions of {minutes} minutes")
    taught = {lesson for read, _ in rows for lesson in read}
    assert taught == set(range(9)) or ": lessons" in title
    known = {i.name: i.minutes for k, row in guide.items().items() if k in taught for i in row}
    given_out = []
    for line in lines:
        _, _, _, spent, here, home, _ = (cell.strip() for cell in line.split("|"))
        names = re.findall(r"\d+\.\d+", here)
        assert sum(known[n] for n in names) + int(spent.replace("–", "0")) <= minutes
        given_out += names + re.findall(r"\d+\.\d+", home)
    assert sorted(given_out, key=course.order) == sorted(known, key=course.order)


def test_a_wrong_answer_that_is_accepted_stops_the_guide():
    with pytest.raises(AssertionError, match=r"1\.1 accepts"):
        misconceptions.refused(autoencoder.cost, autoencoder.cost.answer)
    wrong = misconceptions.refused(
        autoencoder.cost, lambda logits, x: F.mse_loss(logits.sigmoid(), x)
    )
    assert wrong.cause == "mean over pixels"
