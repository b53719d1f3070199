"""Every row of every table: its mutant is refused with its own cause, in messages that say it."""

import contextlib
import io
import math
import os
import statistics
import time

import pytest
import torch

from aae_lessons.checks import course, stage
from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.trial import CheckFailed

EXERCISES = [exercise for row in course.exercises().values() for exercise in row]
TABLES = [pytest.param(exercise, id=exercise.name) for exercise in EXERCISES]
ONCE = {(e.answer, e.test, tuple(e.wrong)): e for e in reversed(EXERCISES)}  # 5.5 has 5.4's table
MUTANTS = [pytest.param(exercise, id=exercise.name) for exercise in ONCE.values()]
SEEDS = range(20)
EVERY_SEED = os.environ.get("AAE_TABLES") == "required"  # twenty seeds a row: half an hour


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("AAE_PROGRESS", str(tmp_path / "progress.json"))


def refusal(exercise, answer, seed=0):
    """What a check says to an answer, or None where it is right."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exercise(answer, seed)
        except CheckFailed as failed:
            return failed
    return None


def timed(exercise, answer, seed):
    began = time.process_time()
    failed = refusal(exercise, answer, seed)
    return failed, time.process_time() - began


def shortest(exercise, answer, seed, bar):
    """The shortest of three times in seconds, or the first below the bar.

    A virtual machine that stands still for seconds counts them as its process's own.
    """
    seconds = math.inf
    for _ in range(3):
        seconds = min(seconds, timed(exercise, answer, seed)[1])
        if seconds < bar:
            break
    return seconds


def half_a_second():
    """What a plain core does in half a second: 1050 updates of a small network, timed now.

    Processors, and neighbours on them, differ by a factor of two; updates and checks alike.
    """
    network = stage.mlp(6, 5, 5)
    optimizer, x = stage.Descent(list(network.parameters()), 0.1), torch.rand(5, 6)
    began = time.process_time()
    for _ in range(70):
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return 15 * (time.process_time() - began)


@pytest.mark.parametrize("exercise", MUTANTS)
def test_a_mutant_is_refused_with_its_own_cause(exercise):
    """And with its own message: if two rows' mutants were alike, one would hear the other's."""
    assert len(exercise.wrong) >= 2
    for number, row in enumerate(exercise.wrong):
        answer = mutant(exercise.answer, row)
        # otherwise each row meets two seeds; with few of them, what a mutant does is remembered
        for seed in SEEDS if EVERY_SEED else (0, 1 + number % 4):
            failed, seconds = timed(exercise, answer, seed)
            assert failed is not None, f"{row.cause}: accepted with seed {seed}"
            assert failed.cause == row.cause, str(failed)
            assert failed.says.endswith(row.says), f"{row.cause}: {failed}"
            if seconds > 1:  # too long, or a slow processor? its own half second says
                bar = 4 * half_a_second()
                seconds = shortest(exercise, answer, seed, bar)
                assert seconds < bar, f"{row.cause} took {seconds:.1f} s"


@pytest.mark.parametrize("exercise", MUTANTS)
def test_the_worked_answer_is_right_for_every_seed_and_quick(exercise):
    times, bars = [], []
    for seed in SEEDS:
        bars.append(half_a_second())
        failed, seconds = timed(exercise, exercise.answer, seed)
        times.append(seconds)
        assert failed is None, f"seed {seed}: {failed}"
    bar = statistics.median(bars)
    assert statistics.median(times) < bar
    for seed in SEEDS[1:]:
        if times[seed] >= 4 * bar:
            assert shortest(exercise, exercise.answer, seed, 4 * bar) < 4 * bar


@pytest.mark.parametrize("exercise", TABLES)
def test_messages_are_sentences_and_say_enough(exercise):
    for row in exercise.wrong:
        assert row.says.rstrip()[-1] in ".)?", row.says
        assert len(row.says) >= 25, row.says
    assert len({(row.cause, row.says, row.edits) for row in exercise.wrong}) == len(exercise.wrong)


@pytest.mark.parametrize("exercise", TABLES)
def test_reading_never_points_to_a_file_that_holds_the_answer(exercise):
    assert ".py" not in exercise.read and exercise.read.startswith("lesson ")
    assert len(exercise.hints) == 3


def test_a_check_leaves_the_learners_random_numbers_alone():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    for exercise in EXERCISES[:6]:
        assert refusal(exercise, exercise.answer) is None
    assert torch.equal(state, torch.get_rng_state())
