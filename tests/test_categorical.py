"""Which phase moves which network, one-hot vectors as the real side, draws, temperature, peaks."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from aae_lessons import data, plots, references
from aae_lessons.data import Batch
from aae_lessons.models import categorical
from aae_lessons.models.categorical import AnnealedConfig, CategoricalAAE, Config, PlainConfig
from aae_lessons.objectives import entropy
from aae_lessons.references.measures import categorical as measures
from aae_lessons.references.recipes import groups
from aae_lessons.training import fit

SIZES = {"classes": 4, "hidden": (16,), "discriminator_hidden": (16,), "pixels": 12}
SMALL = Config(**SIZES)
PHASES = {
    "reconstruction": {"encoder", "decoder"},
    "discriminator": {"discriminator"},
    "generator": {"encoder"},
}
REACHES = PHASES | {"generator": {"encoder", "discriminator"}}
ALONE = {"reconstruction": {"encoder", "decoder"}}
STEPS = {
    categorical.train_step: (PHASES, REACHES),
    categorical.plain_step: (ALONE, ALONE),
    categorical.annealed_step: (ALONE, ALONE),
}


def make(config=SMALL):
    model = CategoricalAAE(config)
    return model, model.optimizers()


def make_batch(n=16):
    return Batch(torch.rand(n, 12), torch.arange(n) % 4)


def networks_that_moved(model, before):
    now = dict(model.named_parameters())
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


def phases(table):
    return [(step, phase) for step, result in STEPS.items() for phase in result[table]]


@pytest.mark.parametrize(("step", "phase"), phases(0), ids=lambda v: getattr(v, "__name__", v))
def test_each_phase_moves_its_networks_and_no_others(step, phase):
    model, optimizers = make()
    for name, optimizer in optimizers.items():
        optimizer.param_groups[0]["lr"] *= name == phase
    before = copy.deepcopy(dict(model.named_parameters()))
    losses = step(model, optimizers, make_batch())
    assert networks_that_moved(model, before) == STEPS[step][0][phase]
    assert losses.keys() == STEPS[step][0].keys()
    assert all(loss.dim() == 0 and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_no_loss_reaches_a_network_that_it_should_not(step, watch_descents):
    """The test that a removed detach() fails."""
    model, optimizers = make()
    reached = watch_descents(categorical, model, optimizers)
    step(model, optimizers, make_batch())
    assert reached == STEPS[step][1]


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_poisoned_stale_gradients_change_nothing(step):
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan):
        torch.manual_seed(0)
        model, optimizers = make()
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            step(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_one_hot_vectors_are_the_real_ones():
    model, optimizers = make()
    for name in ("reconstruction", "generator"):
        optimizers[name].param_groups[0]["lr"] = 0.0
    optimizers["discriminator"].param_groups[0]["lr"] = 0.01
    with torch.no_grad():
        model.encoder[-1].weight.mul_(0.01)  # soft codes, easy to tell
    for _ in range(100):
        categorical.train_step(model, optimizers, make_batch())
    with torch.no_grad():
        real = model.discriminator(model.prior.sample(64))
        fake = model.discriminator(model.encode(torch.rand(64, 12)))
    assert real.min() > 0 > fake.max()


def test_the_real_side_is_one_hot_and_uses_every_class(monkeypatch):
    model, optimizers = make()
    seen, real = [], model.discriminator.forward
    monkeypatch.setattr(model.discriminator, "forward", lambda y: seen.append(y) or real(y))
    categorical.train_step(model, optimizers, make_batch(64))
    y_prior = seen[0][:64]
    assert ((y_prior == 0) | (y_prior == 1)).all() and (y_prior.sum(1) == 1).all()
    assert (y_prior.sum(0) > 0).all()
    assert seen[0].shape == (128, 4) and seen[1].shape == (64, 4)


def test_losses_are_those_of_the_formulas():
    model, optimizers = make()
    for optimizer in optimizers.values():
        optimizer.param_groups[0]["lr"] = 0.0
    batch = make_batch()
    y = model.encoder(batch.x).softmax(1)
    by_hand = 0.5 * (model.decoder(y).sigmoid() - batch.x).square().sum() / 16
    for step in (categorical.train_step, categorical.plain_step):
        losses = step(model, optimizers, batch)
        torch.testing.assert_close(losses["reconstruction"], by_hand.detach())
    losses = categorical.train_step(model, optimizers, batch)
    by_hand = -F.logsigmoid(model.discriminator(y)).mean().detach()
    torch.testing.assert_close(losses["generator"], by_hand)


# ------------------------------------------------------------------------ draws, temperature


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_draws_are_distributed_as_torchs_own(temperature):
    """Kolmogorov-Smirnov distance of every entry; .0173 is exceeded once in 1e6 runs."""
    n, logits = 50_000, torch.tensor([1.5, 0.0, -1.0, 0.5])
    logits = logits.repeat(n, 1)
    ours = categorical.gumbel_softmax(logits, temperature)
    theirs = F.gumbel_softmax(logits, temperature)
    torch.testing.assert_close(ours.sum(1), torch.ones(n))
    for k in range(4):
        a, b = ours[:, k].sort().values, theirs[:, k].sort().values
        places = torch.cat([a, b])
        gap = torch.searchsorted(a, places, right=True) - torch.searchsorted(b, places, right=True)
        assert gap.abs().max() / n < 0.0173


def test_draws_choose_a_class_as_often_as_the_softmax_says():
    logits = torch.tensor([2.0, 0.0, 0.0]).repeat(50_000, 1)
    shares = categorical.gumbel_softmax(logits, 5.0).argmax(1).bincount() / 50_000
    torch.testing.assert_close(shares, logits[0].softmax(0), atol=0.012, rtol=0)


def test_cold_draws_are_peaked_and_warm_ones_even():
    logits = torch.zeros(1000, 4)
    cold, warm = (categorical.gumbel_softmax(logits, t).amax(1).mean() for t in (0.01, 100.0))
    assert cold > 0.98 and warm < 0.27


def test_the_temperature_is_a_buffer_that_fit_fills():
    temperatures = {"start_temperature": 2.0, "end_temperature": 0.5, "cooled_at": 0.5}
    config = AnnealedConfig(**SIZES, **temperatures)
    model, _ = make(config)
    assert "temperature" in dict(model.named_buffers()) and model.temperature == 1
    buffer, result = model.temperature, []
    for done in (0.0, 0.25, 0.5, 1.0):
        categorical.anneal(model, done)
        result.append(model.temperature.item())
    assert result == pytest.approx([2.0, 1.0, 0.5, 0.5])
    assert model.temperature is buffer, "filled in place, as a CUDA graph needs"
    images = data.ImageSet(torch.zeros(8, 1, 3, 4, dtype=torch.uint8), torch.zeros(8).long())
    batches = data.Minibatches(images, 4)
    seen = []

    def step(model, optimizers, batch):
        seen.append(model.temperature.item())
        return categorical.annealed_step(model, optimizers, batch)

    fit(step, model, batches, 2, on_step=categorical.anneal, progress=False)
    assert seen == pytest.approx([2.0, 1.0, 0.5, 0.5])
    assert model.state_dict()["temperature"] == 0.5


def test_codes_are_without_noise_and_at_the_models_temperature():
    model, _ = make()
    x = torch.rand(5, 12)
    model.temperature.fill_(0.5)
    torch.testing.assert_close(model.encode(x), (2 * model.encoder(x)).softmax(1))
    assert torch.equal(model.encode(x), model.encode(x))


def test_the_annealed_step_draws_at_the_models_temperature(monkeypatch):
    model, optimizers = make()
    model.temperature.fill_(0.37)
    seen, real = [], categorical.gumbel_softmax
    monkeypatch.setattr(
        categorical, "gumbel_softmax", lambda logits, t: seen.append(float(t)) or real(logits, t)
    )
    categorical.annealed_step(model, optimizers, make_batch())
    assert seen == pytest.approx([0.37])


# ---------------------------------------------------------------------------- the model


def test_shapes():
    model, _ = make()
    x = torch.rand(5, 12)
    y = model.encode(x)
    torch.testing.assert_close(y.sum(1), torch.ones(5))
    assert y.shape == model.one_hot(y).shape == (5, 4)
    assert torch.equal(model.one_hot(y).argmax(1), y.argmax(1))
    assert (model.one_hot(y).sum(1) == 1).all() and (model.one_hot(y).amax(1) == 1).all()
    assert model(x).shape == (5, 12) and 0 <= model(x).min() <= model(x).max() <= 1


def test_the_start_is_the_mean_image_and_a_spread_of_classes():
    model, _ = make()
    x = torch.rand(200, 12) * torch.linspace(0.2, 1, 12)
    categorical.data_dependent_init(model, x)
    with torch.no_grad():
        torch.testing.assert_close(model.decoder[-1].bias.sigmoid(), x.mean(0))
        logits = model.y_logits(x)
    torch.testing.assert_close(logits.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(logits.std(0), torch.full((4,), SMALL.logit_std))
    categorical.data_dependent_init(model, torch.zeros(3, 12))
    assert all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Config(classes=1), "classes"),
        (lambda: Config(logit_std=0.0), "logit_std"),
        (lambda: Config(generator_lr=-1.0), "generator_lr"),
        (lambda: AnnealedConfig(end_temperature=0.0), "end_temperature"),
        (lambda: AnnealedConfig(cooled_at=math.nan), "cooled_at"),
        (lambda: categorical.gumbel_softmax(torch.zeros(2, 3), 0.0), "temperature"),
        (lambda: categorical.gumbel_softmax(torch.zeros(3), 1.0), "logits"),
        (lambda: categorical.data_dependent_init(make()[0], torch.rand(5, 11)), "x"),
        (lambda: categorical.data_dependent_init(make()[0], torch.rand(1, 12)), "x"),
        (lambda: make()[0].encode(torch.rand(2, 11)), "x"),
        (lambda: make()[0].decode(torch.rand(2, 3)), "y"),
        (lambda: make()[0].one_hot(torch.rand(2, 5)), "y"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}: got"):
        call()


# --------------------------------------------------------------------------- what it does


def three_clusters(n=1200):
    """Pictures of two pixels in three heaps."""
    heap = torch.arange(n) % 3
    centre = torch.tensor([[0.3, 0.3], [0.5, 0.7], [0.7, 0.35]])[heap]
    x = (centre + 0.05 * torch.randn(n, 2)).clamp(0, 1)
    return data.ImageSet((x * 255).byte().view(n, 1, 1, 2), heap)


def test_a_short_run_sharpens_y_and_uses_every_class():
    images = three_clusters()
    result = {}
    for step in (categorical.train_step, categorical.plain_step):
        torch.manual_seed(0)
        sizes = {"classes": 3, "hidden": (32,), "discriminator_hidden": (32,), "pixels": 2}
        config = PlainConfig(**sizes, reconstruction_lr=4e-3)
        if step is categorical.train_step:
            config = Config(**vars(config), discriminator_lr=4e-3, generator_lr=2e-3)
        model, _ = make(config)
        categorical.data_dependent_init(model, images.x)
        fit(step, model, data.Minibatches(images, 100), 30, progress=False)
        y = model.encode(images.x).detach()
        result[step.__name__] = y
    with_d, without = result["train_step"], result["plain_step"]
    assert with_d.amax(1).mean() > 0.9 > 0.8 > without.amax(1).mean()
    assert entropy(with_d.mean(0, keepdim=True)) > math.log(3) - 0.1
    assert len(with_d.argmax(1).unique()) == 3


# ------------------------------------------------------------------------------ measures


def test_peaks_are_measured_by_hand():
    y = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    result = measures.peaks(y)
    assert result["mean_max_probability"] == pytest.approx(3.25 / 4)
    nats = (math.log(2) - 0.25 * math.log(0.25) - 0.75 * math.log(0.75)) / 4
    assert result["entropy"] == pytest.approx(nats)
    share = 2.75 / 4
    nats = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert result["entropy_of_mean"] == pytest.approx(nats)
    assert result["classes_used"] == 2


def test_the_history_holds_a_histogram_after_every_epoch():
    model = CategoricalAAE(Config(hidden=(16,), discriminator_hidden=(16,)))
    watched = measures.watch(model, torch.rand(200, 784))
    history = {name: [value, value] for name, value in watched.items()}
    shares = measures.histogram(history)
    assert shares.shape == (2, len(measures.EDGES) - 1)
    p = model.encode(torch.rand(200, 784)).amax(1)
    assert p.min() >= measures.EDGES[0] and shares.sum(1) == pytest.approx([1.0, 1.0])
    assert history["temperature"] == [1.0, 1.0]


NAMES = [n for n in references.names() if n.startswith("categorical-") and "codes" not in n]


def test_reference_runs_keep_the_lessons_promises():
    assert {"categorical-adversarial", "categorical-none", "categorical-annealed"} <= set(NAMES)
    for name in ("categorical-adversarial", "categorical-none", "categorical-annealed"):
        assert len(references.records(name)) >= 3
    for record in references.records("categorical-adversarial"):
        assert record["metrics"]["mean_max_probability"] >= 0.95
        assert record["metrics"]["classes_used"] == 10
    for record in references.records("categorical-none"):
        assert record["metrics"]["mean_max_probability"] <= 0.6


@pytest.mark.parametrize("name", NAMES)
def test_a_record_holds_the_sharpening(name):
    run = references.load(name)
    shares = measures.histogram(run.record["history"])
    assert len(shares) == run.record["training"]["epochs"] + 1
    torch.testing.assert_close(shares.sum(1), torch.ones(len(shares)), atol=1e-3, rtol=0)
    files = references.FOLDER.glob(f"{name}.*")
    assert sum(f.stat().st_size for f in files) <= 700_000


# ------------------------------------------------------------------- three groups, many starts


def test_starts_side_by_side_are_networks_of_their_own():
    network, x = groups.SideBySide(2, 8, 3), torch.rand(5, 2)
    weight, bias, last_weight, last_bias = (parameter[7] for parameter in network.layers)
    alone = F.leaky_relu(x @ weight + bias, 0.2) @ last_weight + last_bias
    torch.testing.assert_close(network(x)[7], alone)
    network(x)[7].sum().backward()
    for parameter in network.layers:
        others = [i for i in range(groups.STARTS) if i != 7]
        assert parameter.grad[7].abs().sum() > 0 and parameter.grad[others].abs().sum() == 0


def test_groups_are_counted_by_the_class_of_most_of_their_images():
    images = groups.three_groups((40, 5, 5), "cpu")
    apart = F.one_hot(images.labels, 3).float()
    shared = F.one_hot(images.labels.clamp(max=1), 3).float()  # two groups in one class
    cut = apart.clone()
    cut[:10] = torch.tensor([0.0, 1.0, 0.0])  # a quarter of the large group elsewhere
    model = SimpleNamespace(encode=lambda x: torch.stack([apart, shared, cut]))
    result = groups.measure(model, images)
    assert result["starts_with_whole_group"] == 2 and result["starts_with_own_classes"] == 2


def test_a_discriminator_leaves_the_large_group_whole_from_every_start():
    for name in ("groups-equal", "groups-unequal", "groups-unequal-prior"):
        assert references.load(name).metrics["starts_with_whole_group"] == groups.STARTS


# ------------------------------------------------------------------------------- figures


def test_a_one_hot_code_is_a_corner_of_the_triangle():
    y = torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [1 / 3, 1 / 3, 1 / 3]])
    figure = plots.simplex([("a", y, torch.tensor([0, 0, 0])), ("b", y, torch.tensor([0, 1, 2]))])
    points = torch.tensor(figure.axes[0].collections[0].get_offsets().tolist())
    expected = torch.tensor([[0.0, 0.0], [0.5, 0.866], [0.5, 0.2887]])
    torch.testing.assert_close(points, expected, atol=1e-3, rtol=0)
    assert len(figure.axes[1].collections) == 3
    with pytest.raises(ValueError, match=r"^y: got"):
        plots.simplex([("a", torch.rand(3, 4), torch.tensor([0, 1, 2]))])


def test_bars_are_as_tall_as_the_probabilities():
    y = torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    figure = plots.code_bars(torch.rand(2, 784), {"one": y, "two": 1 - y})
    bars = [[bar.get_height() for bar in ax.patches] for ax in figure.axes[2:]]
    assert torch.tensor(bars).flatten() == pytest.approx([0.2, 0.8, 0.5, 0.5, 0.8, 0.2, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"^codes: got"):
        plots.code_bars(torch.rand(3, 784), {"one": y})


def test_figures_over_a_run():
    edges = [0.0, 0.5, 1.0]
    table = torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]])
    figure = plots.peaks_over_training({"a": table, "b": table}, edges)
    drawn = figure.axes[0].images[0]
    assert drawn.get_array().shape == (2, 3) and drawn.get_extent() == [-0.5, 2.5, 0.0, 1.0]
    assert drawn.get_array()[1, 1] == pytest.approx(0.75**0.5)
    figure = plots.peaks({"a": table[1]}, edges)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0.25, 0.75]
    figure = plots.over_epochs({"a": [1.0, 0.5]}, "nats", levels={"log 3": math.log(3)})
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([1.0, 0.5])
    assert figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(math.log(3))
    for call in (
        lambda: plots.peaks({"a": table[1]}, [0.0, 1.0]),
        lambda: plots.peaks_over_training({"a": table}, [0.0, 1.0]),
    ):
        with pytest.raises(ValueError, match=r"^shares: got"):
            call()


def test_members_stand_beside_their_corner():
    corners = torch.stack([torch.zeros(784), torch.ones(784)])
    figure = plots.class_members(corners, [torch.ones(2, 784), torch.zeros(0, 784)])
    sheet = torch.as_tensor(1 - figure.axes[0].images[0].get_array())
    assert sheet.shape == (56, 4 * 28)
    assert sheet[:28, :28].sum() == 0 and sheet[28:, :28].min() == 1
    assert sheet[:28, 56:].min() == 1 and sheet[28:, 28:].sum() == 0
