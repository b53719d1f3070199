"""The benchmark's textbook update is the same update: the comparison is of like with like."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
step = pytest.importorskip("step")

from aae_lessons.data import Batch  # noqa: E402
from aae_lessons.models import adversarial  # noqa: E402
from aae_lessons.priors import Gaussian  # noqa: E402


def test_textbook_and_ours_do_the_same(monkeypatch):
    monkeypatch.setattr(
        step, "CONFIG", adversarial.Config(hidden=(16, 16), discriminator_hidden=(16, 16))
    )
    torch.manual_seed(0)
    ours = adversarial.AAE(Gaussian(2), step.CONFIG)
    theirs = adversarial.AAE(Gaussian(2), step.CONFIG)
    theirs.load_state_dict(ours.state_dict())
    fast, slow = ours.optimizers(), step.textbook_optimizers(theirs)
    for phase, adam in fast.items():
        for group in (adam.param_groups[0], slow[phase].param_groups[0]):
            group["lr"] = 1e-3
    for i in range(5):
        x = torch.rand(20, 784)
        torch.manual_seed(i)
        a = adversarial.train_step(ours, fast, Batch(x, torch.zeros(20, dtype=torch.int64)))
        torch.manual_seed(i)
        b = step.textbook_step(theirs, slow, x)
        assert a.keys() == b.keys()
        for phase in a:
            torch.testing.assert_close(a[phase], b[phase], rtol=1e-4, atol=1e-5)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-4)


def test_the_floor_counts_every_product():
    model = adversarial.AAE(Gaussian(2), step.CONFIG)
    work = sum(
        left.shape[0] * left.shape[1] * right.shape[1] for left, right, _ in step.products(model)
    )
    encoder = 784 * 1000 + 1000 * 1000 + 1000 * 2
    discriminator = 2 * 1000 + 1000 * 1000 + 1000
    expected = 100 * (
        2 * (3 * encoder - 784 * 1000)  # encoder, twice: no gradient for the images
        + 3 * encoder  # decoder
        + 2
        * (3 * discriminator - 2 * 1000)  # discriminator on real and fake, none for their codes
        + 2 * discriminator  # generator's phase: none for the discriminator's weights
    )
    assert work == expected


def test_it_prints_the_names_that_others_read():
    result = step.measure(rounds=1, n=1, old=1)
    names = {"ratio_fresh", "ratio_old", "over_floor_fresh", "ours_fresh_ms", "subnormals_cost"}
    assert names <= set(result)
    assert all(value > 0 for value in result.values())


def test_every_mutation_fits_the_code():
    mutations = pytest.importorskip("mutations")
    stale = [edit for edit in mutations.EDITS if not mutations.fits(edit)]
    assert not stale and len(mutations.EDITS) == 40


def test_lessons_steps_are_above_their_floor():
    lessons = pytest.importorskip("lessons")
    (row,) = lessons.measure(("adversarial-gaussian",), rounds=1, n=1).values()
    assert row["over_floor"] > 0.9 and row["floor"] > 0
    assert set(lessons.RUNS) <= set(lessons.RECIPES)
