"""A run and its checkpoint: identity, damage, extension; held-out losses; guards of ``fit``."""

import math
import time

import numpy
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from aae_lessons import devices
from aae_lessons.data import Batch, ImageSet, Minibatches
from aae_lessons.models import adversarial, autoencoder
from aae_lessons.models.autoencoder import Autoencoder, Config
from aae_lessons.objectives import absolute_error
from aae_lessons.priors import Gaussian, GaussianMixture
from aae_lessons.training import constant_then_linear, fit

IMAGES = ImageSet(
    torch.randint(256, (40, 1, 3, 4), generator=torch.Generator().manual_seed(0)).byte(),
    torch.arange(40) % 10,
)
SMALL = {"hidden": (8,), "pixels": 12}


def train(path=None, epochs=2, images=IMAGES, size=10, seed=0, model=None, **options):
    torch.manual_seed(0)
    settings = {k: options.pop(k) for k in ("lr", "cost") if k in options}
    model = model or Autoencoder(Config(**SMALL, **settings))
    batches = options.pop("batches") if "batches" in options else Minibatches(images, size, seed)
    step = options.pop("step", autoencoder.train_step)
    options = {"progress": False, "checkpoint": path, **options}
    return model, fit(step, model, batches, epochs, **options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


# -------------------------------------------------------------------------------- identity

OTHERS = {
    "config.lr": {"lr": 1e-3},
    "config.cost": {"cost": absolute_error},
    "batches.seed": {"seed": 1},
    "schedule": {"schedule": constant_then_linear},
    "precision": {"precision": "bfloat16"},
    "images": {"images": ImageSet(IMAGES.images.flip(0) // 2, IMAGES.labels)},
    "batches in an epoch": {"size": 20},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_experiment_is_refused_and_the_difference_named(tmp_path, name):
    train(tmp_path / "run.pt")
    with pytest.raises(ValueError, match=rf"^checkpoint: got .one of a run with {name}"):
        train(tmp_path / "run.pt", **OTHERS[name])


def test_another_step_and_other_learning_rates_are_another_experiment(tmp_path):
    train(tmp_path / "run.pt")
    model = Autoencoder(Config(**SMALL))
    other = {"reconstruction": torch.optim.Adam(model.parameters(), 5e-4, (0.9, 0.999))}
    with pytest.raises(ValueError, match=r"with reconstruction.betas"):
        train(tmp_path / "run.pt", model=model, optimizers=other)

    def step(model, optimizers, batch):
        return autoencoder.train_step(model, optimizers, batch)

    with pytest.raises(ValueError, match=r"with step aae_lessons.models.autoencoder.train_step"):
        train(tmp_path / "run.pt", step=step)


def test_single_bit_flips_are_noticed(tmp_path):
    path = tmp_path / "run.pt"
    train(path)
    content, chosen = path.read_bytes(), torch.randint(8, (40,)).tolist()
    places = torch.linspace(100, len(content) - 100, 40).long().tolist()
    unnoticed = []
    for place, bit in zip(places, chosen, strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            _, history = train(path)
        except ValueError as error:
            assert "checkpoint" in str(error)
        else:
            unnoticed.append((place, history.losses))
    # what is no part of the state, such as padding between tensors, may change without a loss
    expected = train()[1].losses
    assert all(losses == expected for _, losses in unnoticed)


@pytest.mark.parametrize(
    "value", [numpy.float64(1.0), {"a": numpy.ones(2)}, [1, {2}], (1, object())]
)
def test_a_snapshot_that_could_not_be_read_back_is_refused_at_once(tmp_path, value):
    path = tmp_path / "run.pt"
    with pytest.raises(ValueError, match=r"^snapshot.*can't be read back"):
        train(path, snapshot=lambda model: value)
    assert not path.exists()
    train(snapshot=lambda model: value)  # without a checkpoint anything may be kept


def test_a_finished_run_goes_on_with_more_epochs(tmp_path):
    path = tmp_path / "run.pt"
    train(path, 2)
    with pytest.raises(ValueError, match=r"^checkpoint.*or extend=True to go on"):
        train(path, 5)
    model, history = train(path, 5, extend=True)
    whole, expected = train(None, 5)
    assert torch.equal(weights(model), weights(whole))
    assert history.steps[-1] == expected.steps[-1] == 20
    with pytest.raises(ValueError, match="20 updates"):
        train(path, 2, extend=True)


def test_the_time_of_a_continued_run_is_that_of_all_its_parts(tmp_path):
    _, slow = train(tmp_path / "run.pt", 1, snapshot=lambda model: time.sleep(0.2))
    assert 0.4 <= slow.seconds < 60 and slow.processor_seconds > 0
    _, again = train(tmp_path / "run.pt", 1)
    assert again.seconds == slow.seconds
    _, longer = train(tmp_path / "run.pt", 2, extend=True)
    assert longer.seconds > slow.seconds and longer.processor_seconds > slow.processor_seconds


# ------------------------------------------------------------------------- held-out losses


def test_losses_on_held_out_batches_change_nothing():
    held_out = Minibatches(IMAGES, 20)
    plain, _ = train(epochs=3)
    watched, history = train(epochs=3, validation=held_out)
    assert torch.equal(weights(plain), weights(watched))
    with torch.no_grad():
        x = IMAGES.x
        after = watched.config.cost(watched.decoder(watched.encoder(x)), x).item()
    assert len(history.validation["reconstruction"]) == 3
    assert history.validation["reconstruction"][-1] == pytest.approx(after, rel=1e-5)


def test_an_adversarial_step_has_held_out_losses_by_phase():
    torch.manual_seed(0)
    model = adversarial.AAE(Gaussian(2), adversarial.Config((8,), (8,), 12))
    history = fit(adversarial.train_step, model, Minibatches(IMAGES, 10), 2,
                  validation=Minibatches(IMAGES, 20), progress=False)  # fmt: skip
    assert set(history.validation) == {"reconstruction", "discriminator", "generator"}


def test_a_run_stops_when_the_held_out_loss_no_longer_falls(tmp_path):
    options = {"validation": Minibatches(IMAGES, 20), "patience": 2, "lr": 1e-12}
    _, history = train(tmp_path / "run.pt", 30, **options)
    assert 3 <= len(history.validation["reconstruction"]) < 30
    _, again = train(tmp_path / "run.pt", 30, **options)  # stopped is finished
    assert again == history
    with pytest.raises(ValueError, match=r"^patience"):
        train(patience=2)


# ------------------------------------------------------------------------------ what comes in


def test_a_data_loader_is_taken_as_it_is(tmp_path):
    data = TensorDataset(IMAGES.images, IMAGES.labels)
    loader = DataLoader(data, 10, shuffle=True, drop_last=True)
    first, history = train(batches=loader, epochs=3)
    second, _ = train(batches=loader, epochs=3)
    assert torch.equal(weights(first), weights(second)) and history.steps[-1] == 12
    assert history.losses["reconstruction"][-1] > 0
    alone = DataLoader(IMAGES.images.float() / 255, 10)
    train(batches=alone, epochs=1)


class Odd:
    def __init__(self, given, length=4):
        self.given, self.length = given, length

    def __len__(self):
        return self.length

    def epoch(self, number, start=0):
        for _ in range(start, self.given):
            yield Batch(torch.rand(5, 12), torch.zeros(5).long())


@pytest.mark.parametrize("given", [0, 2, 5])
def test_batches_of_another_number_than_promised_are_refused(given):
    with pytest.raises(ValueError, match=r"^batches: got '.*expected 4, as its length says"):
        train(batches=Odd(given), epochs=2)


NO_EPOCHS = [[1, 2], range(3), iter([1]), "MNIST", torch.rand(3, 12)]


@pytest.mark.parametrize("batches", NO_EPOCHS)
def test_what_has_no_epochs_is_refused_by_name(batches):
    with pytest.raises(
        ValueError, match=r"^batches: got .*expected data.Minibatches, a DataLoader"
    ):
        train(batches=batches)


class One(Odd):
    def __init__(self, batch):
        super().__init__(1, 1)
        self.batch = batch

    def epoch(self, number, start=0):
        yield self.batch


LABEL = torch.zeros(5).long()
BAD_BATCHES = {
    "a tensor": torch.rand(5, 12),
    "a tuple": (torch.rand(5, 12), LABEL),
    "float64": Batch(torch.rand(5, 12).double(), LABEL),
    "half": Batch(torch.rand(5, 12).half(), LABEL),
    "pixels": Batch(torch.rand(5, 11), LABEL),
    "range": Batch(255 * torch.rand(5, 12), LABEL),
    "negative": Batch(torch.rand(5, 12) - 1, LABEL),
    "nan": Batch(torch.full((5, 12), math.nan), LABEL),
    "labels of another length": Batch(torch.rand(5, 12), LABEL[:1]),
    "labels as a column": Batch(torch.rand(5, 12), LABEL[:, None]),
    "labels as floats": Batch(torch.rand(5, 12), LABEL.float()),
    "label -100": Batch(torch.rand(5, 12), LABEL - 100),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_first_batch_is_refused(name):
    model = Autoencoder(Config(**SMALL))
    before = weights(model)
    with pytest.raises(ValueError, match=r"^batch"):
        train(model=model, batches=One(BAD_BATCHES[name]))
    assert torch.equal(weights(model), before)


GRAPH = torch.zeros((), requires_grad=True)


@pytest.mark.parametrize("losses", [None, {}, 1.0, {"a": 1.0}, {"a": torch.rand(2)}, {"a": GRAPH}])
def test_what_a_step_may_return(losses):
    with pytest.raises(ValueError, match=r"^step: got .*detached scalar"):
        train(step=lambda *inputs: losses)


def test_optimizers_of_another_model_are_refused():
    other = Autoencoder(Config(**SMALL)).optimizers()
    with pytest.raises(ValueError, match=r"^optimizers: got .*another model's weights"):
        train(optimizers=other)


def test_labels_of_more_classes_than_the_prior_has_are_refused():
    with pytest.raises(ValueError, match=r"^label_classes"):
        adversarial.AAE(GaussianMixture(5), adversarial.Config((8,), (8,), 12, label_classes=10))


def test_rates_are_read_once_and_not_in_every_update(monkeypatch):
    """float() of a tensor on a device waits for it."""
    model = Autoencoder(Config(**SMALL))
    optimizers, reads, real = model.optimizers(), [], torch.Tensor.__float__
    rate = torch.tensor(5e-4)
    optimizers["reconstruction"].param_groups[0]["lr"] = rate
    monkeypatch.setattr(torch.Tensor, "__float__", lambda t: reads.append(t is rate) or real(t))
    train(model=model, optimizers=optimizers, epochs=3)
    assert sum(reads) <= 1


def test_a_card_that_is_not_there_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90"])
    assert devices.choose("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match=r"^device: got 'cuda:9', expected cuda:0 … cuda:1"):
        devices.choose("cuda:9")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (6, 1))
    with pytest.raises(ValueError, match=r"^device: got .*compute capability 6.1.*AAE_DEVICE=cpu"):
        devices.choose("cuda")
