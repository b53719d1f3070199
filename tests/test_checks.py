"""Answers that no table knows: right ones written otherwise, and wrong ones of other causes."""

import importlib
import io
import json
import pkgutil
import sys
import threading
import warnings
from pathlib import Path

import pytest
import torch

from aae_lessons import checks
from aae_lessons.checks import course, methods_sums, paper, probes, progress, tables, wasserstein
from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.trial import CheckFailed

LESSONS = sorted(path.stem for path in (Path(__file__).parent / "answers").glob("[!_]*.py"))
MODULES = {lesson: importlib.import_module(f"answers.{lesson}") for lesson in LESSONS}
SEEDS = range(3)


def check_of(lesson, exercise):
    """A check by its name; a lesson's are in several modules, and in those of several lessons."""
    names = [module.name for module in pkgutil.iter_modules(checks.__path__)]
    found = (
        vars(importlib.import_module(f"{checks.__name__}.{name}")).get(exercise)
        for name in sorted(names)
        if name.startswith((lesson, "measuring", "paper"))
    )
    return next(check for check in found if check)


def cases(kind):
    """Right answers, or wrong ones by the name of their cause."""
    return [
        pytest.param(check_of(lesson, exercise), name, answer, id=f"{exercise}-{name}")
        for lesson, module in MODULES.items()
        for exercise, answers in getattr(module, kind, {}).items()
        for name, answer in answers.items()
    ]


def edited():
    """Wrong answers that are edits of the worked one and no row of its table: cause and what."""
    for lesson, module in MODULES.items():
        for exercise, text in getattr(module, "EDITS", {}).items():
            check = check_of(lesson, exercise)
            for row in tables.table(text):
                answer = mutant(check.answer, row)
                yield pytest.param(check, row.cause, answer, id=f"{exercise}-{row.says}")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("AAE_PROGRESS", str(tmp_path / "progress.json"))
    for row in course.exercises().values():
        for exercise in row:
            monkeypatch.setattr(exercise, "accepted", None)


@pytest.mark.parametrize(("check", "cause", "answer"), [*cases("WRONG"), *edited()])
def test_wrong_answer(check, cause, answer):
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as refused:
            check(answer, seed)
        assert refused.value.cause == cause, str(refused.value)
        text = str(refused.value)
        assert text.startswith(f"Exercise {check.name}, {check.title}: not")
        assert cause == "not attempted" or "Read: lesson" in text
    assert progress.done() == set()


@pytest.mark.parametrize(
    ("check", "answer", "says"),
    [
        (
            wasserstein.kernel,
            lambda d2, dim, std, scales: wasserstein.kernel.answer(d2, dim, std, [0.9, 6.0]),
            "Another value of `scales` does not change your result.",
        ),
        (
            methods_sums.sum_over_classes,
            lambda losses, logits: methods_sums.sum_over_classes.answer(losses.detach(), logits),
            "No gradient flows back to `row_losses`.",
        ),
        (paper.cheapest_plan, lambda: (11 / 3, 5 / 3), "The right numbers, in another order"),
    ],
)
def test_a_refusal_names_the_argument_and_the_order(check, answer, says):
    with pytest.raises(CheckFailed) as refused:
        check(answer)
    assert says in refused.value.says


@pytest.mark.parametrize(("check", "name", "answer"), cases("RIGHT"))
def test_right_answer(check, name, answer, capsys):
    for seed in SEEDS:
        assert check(answer, seed) is None
    out, err = capsys.readouterr()
    assert out == f"Exercise {check.name}, {check.title}: right.\n" * len(SEEDS)
    assert err == ""
    assert progress.done() == {check.name}


EVERY = [exercise for row in course.exercises().values() for exercise in row]


def stub(*inputs):
    raise NotImplementedError


def returns_nothing(*inputs):
    pass


def stops(*inputs):
    return inputs[-1] + undefined_name  # noqa: F821


GENERIC = {"not attempted": stub, "nothing returned": returns_nothing, "your code raised": stops}


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.name)
def test_what_every_check_refuses(check):
    for cause, answer in GENERIC.items():
        with pytest.raises(CheckFailed) as refused:
            check(answer)
        assert refused.value.cause == cause


def calls_own_step(*inputs):
    return own_step(*inputs)  # noqa: F821


MENDING = [exercise for exercise in EVERY if exercise.counterpart]


@pytest.mark.parametrize("check", MENDING, ids=lambda check: check.name)
def test_the_answer_of_the_exercise_before_mends_nothing(check, monkeypatch):
    own = mutant(check.counterpart.answer)
    check.counterpart(own)
    monkeypatch.setitem(globals(), "own_step", own)
    for answer in (own, calls_own_step):
        with pytest.raises(CheckFailed) as refused:
            check(answer)
        assert refused.value.cause == "another exercise's answer"
    check(check.answer)


def make(test, answer=lambda x: x):
    return Exercise("0.0", "a title", "lesson 0", ("a", "b", "c"), answer, test)


def expects_ones():
    return make(lambda _: probes.values(torch.zeros(3)), lambda x: x + 1)


def test_an_endless_loop_is_stopped(monkeypatch):
    monkeypatch.setattr(checks.core, "TIME_LIMIT", 0.2)

    def endless(x):
        while True:
            pass

    with pytest.raises(CheckFailed, match="never ends") as refused:
        make(lambda trial: trial(torch.zeros(2)))(endless)
    assert refused.value.cause == "took too long"


def test_an_exception_is_shown_at_the_learners_line():
    def answer(x):
        y = x + 1
        return y @ torch.zeros(7)

    with pytest.raises(CheckFailed) as refused:
        make(lambda trial: trial(torch.zeros(2)))(answer)
    assert "RuntimeError" in str(refused.value)
    assert "return y @ torch.zeros(7)" in str(refused.value)


def test_a_refusal_shows_a_few_lines_and_no_traceback():
    with pytest.raises(CheckFailed) as refused:
        expects_ones()(lambda x: x)
    lines = refused.value._render_traceback_()
    assert lines[0] == "Exercise 0.0, a title: not yet (wrong value)."
    assert lines[1:3] == ["  got       [0, 0, 0]", "  expected  [1, 1, 1]"]
    assert len(lines) <= 8 and not any("Traceback" in line for line in lines)


def test_a_check_changes_no_random_state_and_repeats():
    seen = []
    check = make(lambda trial: seen.append(torch.rand(1).item()))
    before = torch.get_rng_state()
    check(lambda x: x, seed=3)
    check(lambda x: x, seed=3)
    assert seen[0] == seen[1]
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_not_a_function_is_refused():
    with pytest.raises(CheckFailed, match="the function itself"):
        make(lambda trial: None)(3.0)


def test_progress_survives_a_damaged_file_and_a_folder_it_may_not_write(tmp_path, monkeypatch):
    progress.note("1.1")
    progress.note("1.2")
    assert progress.done() == {"1.1", "1.2"}
    progress.path().write_text("{")
    assert progress.done() == set()
    progress.note("1.3")
    assert json.loads(progress.path().read_text())["done"] == ["1.3"]
    assert Path(f"{progress.path()}.damaged").read_text() == "{"
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("AAE_PROGRESS", str(Path(blocked) / "progress.json"))
    progress.note("1.4")
    assert progress.done() == set()


def test_progress_is_merged_between_writers():
    def write(number):
        for k in range(5):
            progress.note(f"{number}.{k + 1}")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(progress.done()) == 40


def test_ticks_survive_a_byte_order_mark_and_half_a_file():
    path = progress.path()
    path.write_bytes(b"\xef\xbb\xbf" + b'{"done": ["1.1", "2.10"]}')
    assert progress.done() == {"1.1", "2.10"}
    path.write_text('{"done": ["1.1", "2.10", "3.')
    progress.note("4.2")
    assert progress.done() == {"1.1", "2.10", "4.2"}


def test_a_warning_of_torch_is_shown_with_a_refusal():
    def answer(x):
        warnings.warn("Using a target size that is different to the input size", stacklevel=1)
        return x

    with pytest.raises(CheckFailed, match="torch warned: Using a target size"):
        expects_ones()(answer)


def test_hints_and_verdicts_print_on_a_terminal_that_is_not_utf8(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    check = Exercise("0.0", "½ · σ", "lesson 0", ("log σ²", "b", "c"), lambda x: x, lambda t: None)
    check.hint()
    check(lambda x: x)
    stream.flush()
    assert stream.buffer.getvalue().decode("ascii").count("?") >= 3


def test_a_loop_that_catches_everything_is_stopped(monkeypatch):
    monkeypatch.setattr(checks.core, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(checks.guards, "AGAIN", 0.1)

    def stubborn(x):
        while True:
            try:  # noqa: SIM105
                x = x + 1
            except BaseException:
                pass

    tracer = sys.gettrace()
    with pytest.raises(CheckFailed) as refused:
        make(lambda trial: trial(torch.zeros(2)))(stubborn)
    assert refused.value.cause == "took too long" and sys.gettrace() is tracer


TEXT = """
7.9 a title
read: lesson 7
hint: one
hint: two,
    on two lines
hint: three
{SHARED}
upside down: {WHY} Turn it
    round.
    1 / x → x
    or 1 / → 2 *
    ⏎ / 3
gone: Nothing is left.
    + y →
"""


def test_a_table_is_read_from_its_text():
    shared = tables.table("sign lost: A minus is missing.\n    y → -y")
    check = tables.exercise(
        lambda x, y: 1 / x + y, lambda t: None, TEXT, SHARED=shared, WHY="Why?"
    )
    assert (check.name, check.title, check.read) == ("7.9", "a title", "lesson 7")
    assert check.hints == ["one", "two, on two lines", "three"]
    says = "Why? Turn it round."
    assert [(row.cause, row.says, row.edits) for row in check.wrong] == [
        ("sign lost", "A minus is missing.", (("y", "-y"),)),
        ("upside down", says, (("1 / x", "x"),)),
        ("upside down", says, (("1 /", "2 *\n    / 3"),)),
        ("gone", "Nothing is left.", (("+ y", ""),)),
    ]
