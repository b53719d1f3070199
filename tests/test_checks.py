"""Every check refuses wrong answers with the right message, and accepts right ones."""

import importlib
import json
import time
from pathlib import Path

import pytest
import torch

from aae_lessons import checks
from aae_lessons.checks import progress
from aae_lessons.checks.core import CheckFailed, Exercise

LESSONS = sorted(path.stem for path in (Path(__file__).parent / "answers").glob("[!_]*.py"))
MODULES = [importlib.import_module(f"answers.{lesson}") for lesson in LESSONS]
SEEDS = range(20)


def cases(kind):
    return [
        pytest.param(module.CHECKS[exercise], name, answer, module, id=f"{exercise}-{name}")
        for module in MODULES
        for exercise, answers in getattr(module, kind).items()
        for name, answer in answers.items()
    ]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("AAE_PROGRESS", str(tmp_path / "progress.json"))


@pytest.mark.parametrize(("check", "name", "answer", "module"), cases("WRONG"))
def test_wrong_answer(check, name, answer, module):
    exercise = next(k for k, v in module.CHECKS.items() if v is check)
    cause = getattr(module, "MESSAGE", {}).get((exercise, name), name)
    for seed in SEEDS:
        with pytest.raises(CheckFailed) as refused:
            check(answer, seed)
        assert refused.value.cause == cause, str(refused.value)
        text = str(refused.value)
        assert text.startswith(f"Exercise {check.name}, {check.title}: not")
        assert cause == "not attempted" or "Read: lesson" in text
    assert progress.done() == set()


@pytest.mark.parametrize(("check", "name", "answer", "module"), cases("RIGHT"))
def test_right_answer(check, name, answer, module, capsys):
    for seed in SEEDS:
        assert check(answer, seed) is None
    out, err = capsys.readouterr()
    assert out == f"Exercise {check.name}, {check.title}: right.\n" * len(SEEDS)
    assert err == ""
    assert progress.done() == {check.name}


ALL = [
    pytest.param(check, module, name, id=name)
    for module in MODULES
    for name, check in module.CHECKS.items()
]


@pytest.mark.parametrize(("check", "module", "name"), ALL)
def test_there_are_enough_answers_and_hints(check, module, name):
    assert len(module.WRONG[name]) >= 4 and len(module.RIGHT[name]) >= 2
    assert len(check.hints) == 3


@pytest.mark.parametrize(("check", "module", "name"), ALL)
def test_the_worked_answer_is_right_quick_and_shown(check, module, name, capsys):
    started = time.perf_counter()
    check(check.answer)
    assert time.perf_counter() - started < 2
    for _ in range(4):
        check.hint()
    check.solution()
    out = capsys.readouterr().out
    assert all(f"Hint {i} of 3" in out for i in (1, 2, 3))
    assert "That was the last hint" in out and "def " in out and "return" in out


def test_every_exercise_is_tested():
    for lesson, module in zip(LESSONS, MODULES, strict=True):
        result = vars(importlib.import_module(f"aae_lessons.checks.{lesson}"))
        exercises = {name for name, value in result.items() if isinstance(value, Exercise)}
        assert exercises == set(module.CHECKS)


def make(test, answer=lambda x: x):
    return Exercise("0.0", "a title", "lesson 0", ("a", "b", "c"), answer, test)


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
        make(lambda trial: trial.equal(trial(torch.zeros(3)), torch.ones(3)))(lambda x: x)
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
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("AAE_PROGRESS", str(Path(blocked) / "progress.json"))
    progress.note("1.4")
    assert progress.done() == set()
