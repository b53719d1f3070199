"""Steps, measures and the training loop on an accelerator that isn't there.

The tensors are marked as being on cuda or on mps; see ``tests/accelerator.py``.
The lessons' cells run there in ``tests/lessons``.
"""

import pytest
import torch
from accelerator import OnDevice

from aae_lessons import data, metrics
from aae_lessons.data import ImageSet, Minibatches
from aae_lessons.methods import m1
from aae_lessons.models import adversarial
from aae_lessons.priors import GaussianMixture
from aae_lessons.references import measures
from aae_lessons.references.measures import common
from aae_lessons.references.recipes import RECIPES, methods, methods_svhn, wasserstein
from aae_lessons.training import constant_then_linear, fit

# ------------------------------------------------------------------------ the device itself


def test_the_pretended_device_refuses_what_a_real_one_does(accelerator):
    here, there = torch.rand(3), torch.rand(3, device=accelerator.kind)
    with pytest.raises(RuntimeError, match="on one device"):
        here + there
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()
    with pytest.raises(RuntimeError, match="generator"):
        torch.rand(3, device=accelerator.kind, generator=torch.Generator())
    assert accelerator.waits == 0 and isinstance(there + 1, OnDevice)
    if accelerator.kind == "mps":
        for double in (
            there.double,
            lambda: there.to(torch.float64),
            lambda: there.sum(0, dtype=torch.float64),
        ):
            with pytest.raises(TypeError, match="float64"):
                double()
        with pytest.raises(NotImplementedError, match="pdist"):
            torch.pdist(torch.rand(3, 2, device="mps"))


@pytest.mark.parametrize(
    "waits",
    [
        lambda t: t.sum().item(),
        lambda t: float(t[0]),
        lambda t: bool((t > 0).all()),
        lambda t: t.cpu(),
        lambda t: t.to("cpu"),
        lambda t: t.nonzero(),
        lambda t: t[t > 0.5],
        lambda t: t.tolist(),
        lambda t: t.unique(),
        lambda t: f"{t[0]:.3f}",
    ],
)
def test_the_pretended_device_counts_waits(accelerator, waits):
    t = torch.rand(3, device=accelerator.kind)
    assert accelerator.waits == 0
    waits(t)
    assert accelerator.waits >= 1


def test_gradients_on_the_pretended_device_are_those_of_the_cpu(accelerator):
    x, w = torch.rand(5, 3), torch.rand(3, 2, requires_grad=True)
    (x @ w).square().sum().backward()
    on = w.detach().to(accelerator.device).requires_grad_()
    (x.to(accelerator.device) @ on).cpu().square().sum().backward()
    assert torch.equal(on.grad.elem, w.grad)


# ---------------------------------------------------------------------------- every recipe


SVHN = (3, 32, 32)  # its files are not here
SHAPES = {data.mnist: (1, 28, 28), data.svhn: SVHN, methods_svhn.train_and_extra: SVHN}


def batches_of(recipe, device):
    """Minibatches of noise, of the kind that the recipe's step takes."""
    shape = SHAPES.get(recipe.dataset) or recipe.dataset("train", "cpu").images.shape[1:]
    images = torch.randint(256, (120, *shape), dtype=torch.uint8)
    return recipe.batches(ImageSet.of(images, torch.arange(120) % 10, device), 100, seed=0)


@pytest.fixture
def quickly_prepared(monkeypatch):
    """Pre-training with few images; an M1 that uses its dimensions, untrained."""
    model = m1.M1()
    torch.nn.init.normal_(model.encoder[-1].weight, std=0.5)
    monkeypatch.setattr(methods, "first_model", lambda: model)
    monkeypatch.setattr(methods, "training_images", lambda: torch.rand(200, 784))
    monkeypatch.setattr(wasserstein, "PRETRAINING_BATCH", 20)
    monkeypatch.setattr(wasserstein, "PRETRAINING_UPDATES", 2)


@pytest.mark.parametrize("name", RECIPES)
def test_no_step_waits_for_the_device_or_mixes_devices(name, accelerator, quickly_prepared):
    recipe = RECIPES[name]
    model = recipe.build().to(accelerator.device)
    optimizers = recipe.optimizers(model) if recipe.optimizers else model.optimizers()
    batches = batches_of(recipe, accelerator.device)
    batch = next(batches.epoch(0))
    batch = type(batch)(*(part[:12] for part in batch))
    if recipe.prepare:
        recipe.prepare(model, batches)
    for share in (0.0, 0.5):
        before = accelerator.waits
        if recipe.on_step:
            recipe.on_step(model, share)
        losses = recipe.step(model, optimizers, batch)
        assert accelerator.waits == before, accelerator.places[before:]
    assert all(loss.device == accelerator.device for loss in losses.values())


# ------------------------------------------------------------------------- fit and measures


class Watched(Minibatches):
    """Minibatches that note, when one is drawn, how often the host has waited so far."""

    seen = ()

    def epoch(self, number, start=0):
        for batch in super().epoch(number, start):
            self.seen.append(self.accelerator.waits)
            yield batch


@pytest.mark.parametrize("options", [{}, {"schedule": constant_then_linear, "precision": "fast"}])
def test_fit_does_not_wait_between_two_points_of_its_history(accelerator, options):
    images = ImageSet.of(torch.rand(200, 3, 4), torch.arange(200) % 10, accelerator.device)
    batches = Watched(images, 10)
    object.__setattr__(batches, "seen", [])
    object.__setattr__(batches, "accelerator", accelerator)
    config = adversarial.Config((8,), (8,), 12, label_classes=10, noise=0.3)
    model = adversarial.AAE(GaussianMixture(), config).to(accelerator.device)
    on_step = lambda model, done: model.noise.fill_(0.3 * (1 - done))  # noqa: E731
    history = fit(
        adversarial.train_step, model, batches, 2, log_every=8, on_step=on_step,
        progress=False, **options,
    )  # fmt: skip
    assert history.steps == [8, 16, 24, 32, 40] and len(batches.seen) == 40
    waited = [i for i in range(1, 40) if batches.seen[i] > batches.seen[i - 1]]
    assert waited == [1, 8, 16, 24, 32]  # 1: the first update is looked at closely
    assert accelerator.waits - batches.seen[1] == 5


MEASURES = {(r.measure, r.watch): name for name, r in RECIPES.items()}


@pytest.mark.parametrize("name", sorted(MEASURES.values()))
def test_what_is_measured_and_watched_runs_there(name, accelerator, quickly_prepared, monkeypatch):
    recipe = RECIPES[name]
    few = batches_of(recipe, accelerator.device).images
    monkeypatch.setattr(common, "validation_images", lambda device: few)
    for module in (measures.clustering, measures.semi_supervised):
        monkeypatch.setattr(module, "validation_images", lambda device: few)
    monkeypatch.setattr(metrics.c2st_accuracy, "__defaults__", (0, 3))
    monkeypatch.setattr(measures.wasserstein, "SAMPLES", 50)
    monkeypatch.setattr(measures.semi_supervised, "STYLES", 5)
    model = recipe.build().to(accelerator.device)
    if recipe.prepare:
        recipe.prepare(model, batches_of(recipe, accelerator.device))
    watched = recipe.watch(model, few.x) if recipe.watch else {}
    result = recipe.measure(model.eval(), few)
    assert all(isinstance(value, int | float) for value in result.values())
    assert "z" not in watched or not isinstance(watched["z"], OnDevice)
