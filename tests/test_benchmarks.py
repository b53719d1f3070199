"""Benchmarks compare like with like, and their page is what their results say."""

import json
import math
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


def test_a_seed_axis_changes_no_weight():
    seeds = pytest.importorskip("seeds")
    assert seeds.largest_difference(n=2, units=8, updates=3) < 1e-12


def test_results_are_kept_as_they_arrive(tmp_path, monkeypatch):
    results = pytest.importorskip("results")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.Results("x", {"a": 1}).once("one", lambda: {"value": 1.0})
    again = results.Results("x", {"a": 1})
    again.once("one", lambda: pytest.fail("it was measured already"))
    again.once("two", lambda: {"value": 2.0})
    kept = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert kept == {"settings": {"a": 1}, "rows": {"one": {"value": 1.0}, "two": {"value": 2.0}}}
    with pytest.raises(SystemExit, match="other settings"):
        results.Results("x", {"a": 2})
    assert results.Results("x", {"a": 2}, again=True).rows == {}


def test_the_difference_that_seeds_explain_is_students():
    precision = pytest.importorskip("precision")
    # variances 1 and 4, three seeds each: 4 degrees of freedom, standard error sqrt(2.5 · 2/3)
    bound = precision.explained_by_seeds([1.0, 2.0, 3.0], [4.0, 6.0, 8.0])
    assert bound == pytest.approx(2.7764 * math.sqrt(5 / 3), rel=1e-4)


def test_both_arithmetics_train_on_the_same_minibatches(monkeypatch):
    precision = pytest.importorskip("precision")
    ways = {}
    for way in ("highest", "bfloat16"):
        seen = []

        def fit(step, model, batches, epochs, seen=seen, **settings):
            rows = [batch.x.sum().item() for batch in batches.epoch(0)]
            seen += [rows, next(model.parameters()).sum().item(), settings["precision"]]

        monkeypatch.setattr(precision.training, "fit", fit)
        precision.train(
            precision.Family("adversarial-gaussian", 40, lambda model, test: {}), way, 1, 0.5
        )
        ways[way] = seen
    assert ways["highest"][:2] == ways["bfloat16"][:2]
    assert [seen[2] for seen in ways.values()] == ["highest", "bfloat16"]


def test_the_page_of_benchmarks_is_what_the_results_say():
    readme = pytest.importorskip("readme")
    assert readme.PAGE.read_text("utf-8") == readme.page()
    files = {path.name for path in readme.PAGE.parent.glob("*.py")}
    assert files - {"readme.py", "results.py"} == set(readme.COMMANDS)


@pytest.mark.parametrize("name", ["AAE", "VAE", "WAE-MMD"])
def test_pythae_has_the_same_objective(name):
    """In an environment with pythae: ``uv run --isolated --with pythae pytest …``."""
    pytest.importorskip("pythae")
    peers = pytest.importorskip("peers")
    images = peers.data.mnist("test", "cpu").subset(slice(0, peers.BATCH))
    ours = peers.build("ours", name, 0, images)
    theirs = peers.build("pythae", name, 0, images).model
    for network in ("encoder", "decoder", "discriminator")[: 3 if name == "AAE" else 2]:
        weights = getattr(ours.model, network).state_dict().values()
        own = getattr(theirs, network).state_dict()
        getattr(theirs, network).load_state_dict(dict(zip(own, weights, strict=True)))
    torch.manual_seed(1)
    out = theirs({"data": images.x})
    torch.manual_seed(1)
    batch = Batch(images.x, images.labels)
    losses = ours.step(ours.model, ours.model.optimizers(), batch)
    ours_loss = sum(
        (peers.WEIGHT if key in ("generator", "discrepancy") else 1.0) * loss.item()
        for key, loss in losses.items()
        if key != "discriminator"
    )
    theirs_loss = peers.WEIGHT * out.autoencoder_loss if name == "AAE" else out.loss
    # an AAE's generator loss here is after the discriminator's update, in pythae before it
    assert theirs_loss.item() == pytest.approx(ours_loss, rel=2e-3 if name == "AAE" else 1e-5)
