"""Heads and errors by hand, which phase moves which network, agreement, cluster heads W_C."""

import copy
import math

import pytest
import torch

from aae_lessons import clusters, data, plots
from aae_lessons.data import Batch
from aae_lessons.models import clustering
from aae_lessons.models.cluster_heads import ClusterHeadAAE
from aae_lessons.models.clustering import ClusteringAAE, Config, JointConfig
from aae_lessons.plots.style import describe_figure
from aae_lessons.references import quantize
from aae_lessons.references.measures import clustering as measures
from aae_lessons.training import fit

SIZES = {"classes": 4, "dim": 3, "hidden": (16,), "discriminator_hidden": (8,), "pixels": 16}
SMALL = Config(**SIZES)
MOVES = {
    "reconstruction": {"encoder", "decoder"},
    "discriminator_y": {"discriminator_y"},
    "discriminator_z": {"discriminator_z"},
    "generator": {"encoder"},
}
JOINT_MOVES = {
    "autoencoder": {"encoder", "decoder"},
    "discriminator_y": {"discriminator_y"},
    "discriminator_z": {"discriminator_z"},
}
BOTH = {"discriminator_y", "discriminator_z"}
STEPS = {  # the configuration, the step, what each phase moves
    "train_step": (Config, clustering.train_step, MOVES),
    "joint_step": (JointConfig, clustering.joint_step, JOINT_MOVES),
}
PHASES = [(step, phase) for step, (_, _, moves) in STEPS.items() for phase in moves]


def make_batch(n=16):
    return Batch(torch.rand(n, 16), torch.full((n,), -1))


def moved(model, before):
    """Networks with a parameter that changed (statistics of batch norm are not parameters)."""
    return {
        name.split(".")[0]
        for name, value in model.named_parameters()
        if not torch.equal(value, before[name])
    }


# ------------------------------------------------------------------------- heads and errors

Q = torch.tensor(  # six validation images, three clusters; cluster 2 is nobody's first choice
    [
        [0.6, 0.3, 0.1],
        [0.9, 0.1, 0.0],
        [0.5, 0.1, 0.4],
        [0.2, 0.8, 0.0],
        [0.3, 0.7, 0.0],
        [0.1, 0.6, 0.3],
    ]
)
LABELS = torch.tensor([7, 1, 1, 7, 3, 3])


def test_a_head_is_the_image_of_highest_probability_and_names_its_cluster():
    assert clusters.cluster_heads(Q).tolist() == [1, 3, 2]
    assert clusters.cluster_names(Q, LABELS).tolist() == [1, 7, 1]


def test_the_head_names_the_cluster_even_where_most_of_it_is_another_class():
    """The paper's rule, not a vote: two of the three images of cluster 1 are threes."""
    assert clusters.contingency(Q, LABELS)[1].tolist() == [0, 0, 0, 2, 0, 0, 0, 1, 0, 0]
    assert clusters.cluster_names(Q, LABELS)[1] == 7


def test_the_error_by_heads_by_hand():
    """Named 1, 1, 1, 7, 7, 7 for images of 7, 1, 1, 7, 3, 3: three of six are wrong."""
    names = clusters.cluster_names(Q, LABELS)
    assert clusters.clustering_error_percent(Q, LABELS, names) == pytest.approx(50)


def test_names_come_from_other_images_than_the_error():
    test = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0], [0.1, 0.9, 0.0], [0.0, 0.2, 0.8]])
    labels = torch.tensor([1, 1, 3, 2])
    names = clusters.cluster_names(Q, LABELS)
    assert clusters.clustering_error_percent(test, labels, names) == pytest.approx(50)


def test_an_empty_cluster_has_a_head_but_names_nobody():
    assert clusters.cluster_sizes(Q).tolist() == [3, 3, 0]
    names = clusters.cluster_names(Q, LABELS)
    before = clusters.clustering_error_percent(Q, LABELS, names)
    for other in range(10):
        renamed = torch.tensor([*names[:2].tolist(), other])
        assert clusters.clustering_error_percent(Q, LABELS, renamed) == before


def test_the_one_to_one_error_by_hand():
    """Best: cluster 0 for class 1 (2 images), cluster 1 for class 3 (2): 4 of 6 are right."""
    assert clusters.one_to_one_error_percent(Q, LABELS) == pytest.approx(100 * 2 / 6)


def test_two_clusters_of_one_class_count_once_in_the_one_to_one_error_and_twice_by_heads():
    q = torch.eye(4)[[0, 0, 1, 1, 2, 3]]
    labels = torch.tensor([5, 5, 5, 5, 0, 8])
    names = clusters.cluster_names(q, labels)
    assert clusters.clustering_error_percent(q, labels, names) == 0
    assert clusters.one_to_one_error_percent(q, labels) == pytest.approx(100 * 2 / 6)


def test_the_matching_is_the_best_of_all():
    """Against every permutation, where greedy choice fails."""
    counts = torch.tensor([[8, 7, 0], [7, 1, 0], [0, 0, 4]])
    q = torch.cat([torch.eye(3)[[k]].repeat(int(counts[k].sum()), 1) for k in range(3)])
    labels = torch.cat([torch.arange(3).repeat_interleave(counts[k]) for k in range(3)])
    error = clusters.one_to_one_error_percent(q, labels, classes=3)
    assert error == pytest.approx(100 * (1 - (7 + 7 + 4) / 27))


def test_contingency_counts_every_image_once():
    counts = clusters.contingency(Q, LABELS)
    assert counts.shape == (3, 10) and counts.sum() == len(Q)
    assert torch.equal(counts.sum(1), clusters.cluster_sizes(Q))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: clusters.cluster_heads(torch.ones(5, 1)), "q"),
        (lambda: clusters.cluster_heads(torch.ones(5)), "q"),
        (lambda: clusters.cluster_heads(torch.full((5, 2), math.nan)), "q"),
        (lambda: clusters.cluster_names(Q, LABELS[:5]), "labels"),
        (lambda: clusters.cluster_names(Q, LABELS + 3), "labels"),
        (lambda: clusters.cluster_names(Q, LABELS.float()), "labels"),
        (lambda: clusters.clustering_error_percent(Q, LABELS, torch.tensor([1, 2])), "names"),
        (lambda: clusters.clustering_error_percent(Q, LABELS, torch.tensor([1, 2, 10])), "names"),
        (lambda: clusters.clustering_error_percent(Q, LABELS[:2], torch.arange(3)), "labels"),
        (lambda: clusters.one_to_one_error_percent(Q, LABELS, classes=5), "labels"),
        (lambda: clusters.contingency(Q, LABELS[:2]), "labels"),
    ],
)
def test_bad_input_to_a_measure_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


# -------------------------------------------------------------------------------- the steps


@pytest.mark.parametrize(("step", "phase"), PHASES)
def test_each_phase_moves_its_networks_and_no_others(step, phase):
    config, update, moves = STEPS[step]
    model = ClusteringAAE(config(**SIZES))
    optimizers = model.optimizers()
    for name, optimizer in optimizers.items():
        optimizer.param_groups[0]["lr"] *= name == phase
    before = copy.deepcopy(dict(model.named_parameters()))
    update(model, optimizers, make_batch())
    assert moved(model, before) == moves[phase]


@pytest.mark.parametrize("step", STEPS)
def test_no_loss_reaches_a_network_that_it_should_not(step, watch_descents):
    """The test that a removed detach() fails."""
    config, update, moves = STEPS[step]
    model = ClusteringAAE(config(**SIZES))
    optimizers = model.optimizers()
    reached = watch_descents(clustering, model, optimizers)
    update(model, optimizers, make_batch())
    game = "generator" if step == "train_step" else "autoencoder"
    assert reached == moves | {game: moves[game] | BOTH}


@pytest.mark.parametrize("step", STEPS)
def test_poisoned_stale_gradients_change_nothing(step):
    config, update, _ = STEPS[step]
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan):
        torch.manual_seed(0)
        model = ClusteringAAE(config(**SIZES))
        optimizers = model.optimizers()
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            update(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize("step", STEPS)
def test_no_label_is_looked_at(step):
    """The same update, to the last bit, whatever the labels say."""
    config, update, _ = STEPS[step]
    ends, x = [], torch.rand(16, 16)
    for label in (torch.full((16,), -1), torch.arange(16) % 10):
        torch.manual_seed(0)
        model = ClusteringAAE(config(**SIZES))
        update(model, model.optimizers(), Batch(x, label))
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize("step", STEPS)
def test_prior_samples_are_the_real_ones(step):
    config, update, moves = STEPS[step]
    soft = config(**SIZES, logit_std=1.0)  # a soft y, easily told from one-hot
    model = ClusteringAAE(soft)
    optimizers = model.optimizers()
    for name in set(moves) - BOTH:
        optimizers[name].param_groups[0]["lr"] = 0.0
    for name in BOTH:
        optimizers[name].param_groups[0]["lr"] = 0.01
    for _ in range(200):
        update(model, optimizers, make_batch())
    y, z = model.encode(torch.rand(200, 16))
    for discriminator, prior, codes in (
        (model.discriminator_y, model.prior_y, y),
        (model.discriminator_z, model.prior, z),
    ):
        assert discriminator(prior.sample(200)).mean() > discriminator(codes).mean() + 0.5


def test_the_losses_can_be_computed_by_hand():
    """Without noise and jitter, in the first update."""
    config = Config(
        **{**vars(SMALL), "noise": 0.0, "jitter": 0.0, "shift": 0.0, "style_noise": 0.0}
    )
    model, batch = ClusteringAAE(config), make_batch()
    optimizers = model.optimizers()
    for optimizer in optimizers.values():
        optimizer.param_groups[0]["lr"] = 0.0
    y, z = model.encode(batch.x)
    x_hat = model.decoder(torch.cat([y, z], 1)).sigmoid()
    losses = clustering.train_step(model, optimizers, batch)
    by_hand = 0.5 * (x_hat - batch.x).square().sum() / len(batch.x)
    torch.testing.assert_close(losses["reconstruction"], by_hand.detach())
    d_y, d_z = model.discriminator_y(y).sigmoid(), model.discriminator_z(z).sigmoid()
    torch.testing.assert_close(
        losses["generator"], -(d_y.log().mean() + d_z.log().mean()).detach()
    )
    assert all(loss.dim() == 0 and not loss.requires_grad for loss in losses.values())


def test_each_logit_of_y_is_spread_over_the_batch():
    config = Config(**{**vars(SMALL), "logit_std": 2.0})
    y_logits, _ = ClusteringAAE(config).class_logits_and_style(torch.rand(500, 16))
    torch.testing.assert_close(y_logits.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(y_logits.std(0), torch.full((4,), 2.0), atol=0.05, rtol=0)


def test_the_input_is_corrupted_and_the_clean_image_is_the_target(monkeypatch):
    config = Config(**{**vars(SMALL), "jitter": 0.0, "shift": 0.0})
    noise = ClusteringAAE(config).corrupt(torch.rand(20_000, 16).mul(0)) * 1.0
    assert noise.std().item() == pytest.approx(config.noise, rel=0.02)
    targets, batch = [], make_batch()
    cost = lambda logits, x: targets.append(x) or logits.sum()  # noqa: E731
    for config, update, _ in STEPS.values():
        model = ClusteringAAE(config(**SIZES, cost=cost))
        update(model, model.optimizers(), batch)
    assert all(torch.equal(x, batch.x) for x in targets)


def test_shapes():
    model = ClusteringAAE(SMALL).eval()
    x = torch.rand(5, 16)
    y, z = model.encode(x)
    assert y.shape == (5, 4) and z.shape == (5, 3)
    torch.testing.assert_close(y.sum(1), torch.ones(5))
    assert torch.equal(model.classify(x), y.argmax(1))
    assert model(x).shape == (5, 16) and model(x).min() >= 0 and model(x).max() <= 1


def test_k_is_free():
    for classes in (2, 7, 30):
        config = Config(**{**vars(SMALL), "classes": classes})
        model = ClusteringAAE(config)
        losses = clustering.train_step(model, model.optimizers(), make_batch())
        assert all(loss.isfinite() for loss in losses.values())


# ------------------------------------------------------------------------------- agreement


def test_agreement_by_hand():
    """Log K for equal one-hot rows, 0 for rows that do not depend on the image."""
    sure = torch.eye(4).repeat(3, 1)
    assert clusters.mutual_information(sure, sure).item() == pytest.approx(math.log(4), abs=1e-4)
    even = torch.full((12, 4), 0.25)
    assert clusters.mutual_information(even, even).item() == pytest.approx(0, abs=1e-5)
    assert clusters.mutual_information(sure, even).item() == pytest.approx(0, abs=1e-5)
    one = torch.eye(4)[torch.zeros(12, dtype=torch.int64)]
    assert clusters.mutual_information(one, one).item() == pytest.approx(0, abs=1e-5)


def test_agreement_does_not_depend_on_which_copy_is_which():
    y, y_other = torch.randn(30, 4).softmax(1), (3 * torch.randn(30, 4)).softmax(1)
    there = clusters.mutual_information(y, y_other)
    torch.testing.assert_close(there, clusters.mutual_information(y_other, y))
    pairs = sum(a[:, None] * b[None] for a, b in zip(y_other, y, strict=True)) / 30
    pairs = (pairs + pairs.T) / 2
    single = pairs.sum(1)
    expected = (pairs * (pairs / (single[:, None] * single[None])).log()).sum()
    torch.testing.assert_close(there, expected)


def test_agreement_is_the_mutual_information_of_the_table():
    """P = [[.4, .1], [.1, .4]]: Σ P log(P / .25)."""
    pairs = [(0, 0)] * 4 + [(1, 1)] * 4 + [(0, 1), (1, 0)]
    y, y_other = (torch.eye(2)[[p[i] for p in pairs]] for i in (0, 1))
    expected = 2 * 0.4 * math.log(0.4 / 0.25) + 2 * 0.1 * math.log(0.1 / 0.25)
    assert clusters.mutual_information(y, y_other).item() == pytest.approx(expected, abs=1e-5)


def test_agreement_refuses_tables_of_other_shapes():
    with pytest.raises(ValueError, match=r"^y_other and y"):
        clusters.mutual_information(torch.rand(4, 3), torch.rand(4, 2))


# ------------------------------------------------------------------------ cluster heads W_C


def test_heads_are_pushed_apart_by_pairs_and_never_from_themselves():
    """Distances 1, 4 and 5 with η = 2: only the first pair counts, once, with 2 − 1."""
    heads = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]])
    assert clusters.repulsion(heads, 2.0).item() == pytest.approx(1.0)
    assert clusters.repulsion(heads, 0.5).item() == 0.0


def test_the_push_moves_near_heads_apart_and_leaves_far_ones():
    heads = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(clusters.repulsion(heads, 2.0), heads)
    torch.testing.assert_close(gradient, torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]))


def make_headed(**changes):
    config = JointConfig(**{**SIZES, "dim": 2})
    return ClusterHeadAAE(config, **changes)


def test_the_decoder_sees_only_the_sum_of_head_and_style():
    model = make_headed().eval()
    y, z = torch.eye(4), torch.randn(4, 2)
    shift = model.decoder.cluster_heads.detach()
    same = model.decode(y.roll(1, 0), z + shift - shift.roll(1, 0))
    torch.testing.assert_close(model.decode(y, z), same, atol=1e-5, rtol=1e-4)
    x = torch.rand(5, 16)
    y, z = model.encode(x)
    torch.testing.assert_close(model.embed(x), y @ shift + z)


def test_the_joint_step_moves_the_heads_and_the_push_is_in_it():
    model = make_headed(distance=100.0, repulsion_weight=1000.0)
    optimizers = model.optimizers()
    before = clusters.repulsion(model.decoder.cluster_heads, 100.0).item()
    for _ in range(20):
        clustering.joint_step(model, optimizers, make_batch())
    assert clusters.repulsion(model.decoder.cluster_heads, 100.0).item() < before - 0.1


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Config(classes=1), "classes"),
        (lambda: Config(dim=0), "dim"),
        (lambda: Config(noise=-0.1), "noise"),
        (lambda: Config(jitter=-0.1), "jitter"),
        (lambda: Config(shift=-0.1), "shift"),
        (lambda: Config(style_noise=-0.1), "style_noise"),
        (lambda: Config(logit_std=0.0), "logit_std"),
        (lambda: JointConfig(agreement_weight=-1.0), "agreement_weight"),
        (lambda: Config(generator_lr=0.0), "generator_lr"),
        (lambda: ClusteringAAE(SMALL).encode(torch.rand(2, 11)), "x"),
        (lambda: ClusteringAAE(SMALL).decode(torch.rand(2, 4), torch.rand(3, 3)), "z"),
        (lambda: ClusteringAAE(SMALL).decode(torch.rand(2, 3), torch.rand(2, 3)), "y"),
        (lambda: JointConfig(lr=0.0), "lr"),
        (lambda: ClusterHeadAAE(SMALL), "config"),
        (lambda: make_headed(distance=0.0), "distance"),
        (lambda: make_headed(repulsion_weight=-1.0), "repulsion_weight"),
        (lambda: clusters.repulsion(torch.rand(3), 1.0), "heads"),
        (lambda: clusters.repulsion(torch.rand(3, 2), 0.0), "distance"),
    ],
)
def test_bad_input_to_the_model_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


# -------------------------------------------------------------------------------- it learns


def test_a_short_run_finds_clusters_that_are_classes(digits):
    """500 digits without labels: far better than by chance, all clusters in use."""
    config = JointConfig(
        classes=20, dim=4, hidden=(64, 64), discriminator_hidden=(32, 32), jitter=0.1
    )
    torch.manual_seed(0)
    model = ClusteringAAE(config)
    none = torch.empty(0, dtype=torch.int64)
    batches = data.Minibatches(data.hide_labels(digits, none), 100)
    history = fit(clustering.joint_step, model, batches, 60, progress=False, log_every=10)
    with torch.no_grad():
        y, _ = model.eval().encode(digits.x)
    names = clusters.cluster_names(y, digits.labels)
    assert clusters.clustering_error_percent(y, digits.labels, names) < 50
    assert (clusters.cluster_sizes(y) > 0).sum() >= 18
    assert history.losses["reconstruction"][-1] < 0.7 * history.losses["reconstruction"][0]
    assert history.losses["agreement"][-1] < history.losses["agreement"][0] - 0.5


def test_the_measure_names_clusters_on_validation_images_and_leaves_the_mode(digits, monkeypatch):
    """A model in training mode is measured as it is in use, and goes on training."""
    monkeypatch.setattr(measures, "validation_images", lambda device: digits)
    torch.manual_seed(0)
    model = ClusteringAAE(Config(hidden=(16,), discriminator_hidden=(8,)))
    seen = measures.validation_error(model, digits.x)
    assert model.training and all(m.training for m in model.modules())
    y = model.eval().encode(digits.x)[0]
    names = clusters.cluster_names(y, digits.labels)
    expected = clusters.clustering_error_percent(y, digits.labels, names)
    assert seen["validation_error_percent"] == pytest.approx(expected)
    assert seen["clusters_in_use"] == (clusters.cluster_sizes(y) > 0).sum()


# -------------------------------------------------------------------------------- figures


def test_figures_of_clusters():
    heads, members = torch.rand(12, 784), [torch.rand(k % 4, 784) for k in range(12)]
    names = [f"{k}: “{k % 10}”" for k in range(12)]
    figure = plots.rows_of_clusters(heads, members, names)
    pictures = [ax.images[0].get_array() for ax in figure.axes]
    assert [p.shape[0] for p in pictures] == [6 * 28, 6 * 28]
    head = 1 - torch.tensor(pictures[1][:28, :28])
    torch.testing.assert_close(head, heads[6].view(28, 28))
    table = plots.contingency(torch.tensor([[3, 0], [1, 3], [0, 0]]), ["a", "b", "empty"])
    assert describe_figure(table).startswith("Figure. a shaded table · axes class of the image")
    assert [t.get_text() for t in table.axes[0].texts] == ["3", "", "1", "3", "", ""]
    assert table.axes[0].collections[0].get_array().flatten().tolist() == [1, 0, 0.25, 0.75, 0, 0]
    assert [t.get_text() for t in table.axes[0].get_yticklabels()] == ["a", "b", "empty"]
    flat = plots.codes_and_cluster_heads(
        torch.randn(50, 2), torch.arange(50) % 10, torch.randn(4, 2)
    )
    assert [t.get_text() for t in flat.axes[0].texts] == ["0", "1", "2", "3"]
    named = plots.codes_and_cluster_heads(
        torch.randn(50, 2), torch.arange(50) % 10, torch.randn(2, 2), names=["0: “6”", "1: “9”"]
    )
    assert [t.get_text() for t in named.axes[0].texts] == ["0: “6”", "1: “9”"]


def test_a_line_leads_from_a_head_to_the_mean_of_its_cluster_and_its_name_covers_no_code():
    z = torch.tensor([[0.0, 0.0], [0.2, 0.4], [4.0, 0.0], [4.0, 1.0]]).repeat(20, 1)
    heads, members = (
        torch.tensor([[1.0, 1.0], [3.0, -1.0], [2.0, 3.0]]),
        torch.tensor([0, 0, 1, 1]),
    )
    figure = plots.codes_and_cluster_heads(
        z, torch.zeros(80, dtype=torch.int64), heads, members=members.repeat(20)
    )
    ax = figure.axes[0]
    ends = [line.get_xydata().tolist() for line in ax.lines]  # the third cluster is empty
    assert [start for start, _ in ends] == heads[:2].tolist()
    torch.testing.assert_close(
        torch.tensor([e for _, e in ends]), torch.tensor([[0.1, 0.2], [4, 0.5]])
    )
    figure.canvas.draw()
    for text in ax.texts:
        box = text.get_window_extent().transformed(ax.transData.inverted())
        assert not any(box.contains(*point) for point in torch.cat([z[:4], heads]).tolist())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (
            lambda: plots.rows_of_clusters(torch.rand(2, 784), [torch.rand(1, 784)], "ab"),
            "members",
        ),
        (lambda: plots.contingency(torch.rand(2, 2), ["a", "b"]), "counts"),
        (lambda: plots.contingency(torch.ones(2, 2, dtype=torch.int64), ["a"]), "names"),
        (
            lambda: plots.codes_and_cluster_heads(
                torch.randn(5, 2), torch.arange(5), torch.randn(2, 2), names=["0"]
            ),
            "names",
        ),
        (
            lambda: plots.codes_and_cluster_heads(
                torch.randn(5, 2), torch.arange(5), torch.randn(2, 2), members=torch.arange(5)
            ),
            "members",
        ),
        (lambda: plots.images(torch.rand(2, 784), names=["0"]), "names"),
    ],
)
def test_bad_input_to_a_figure_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


@pytest.mark.parametrize("make", [ClusteringAAE, ClusterHeadAAE])
def test_a_byte_a_weight_keeps_the_clusters(make, digits):
    """Statistics of the batch norms and the heads W_C are stored too."""
    torch.manual_seed(0)
    config = JointConfig(dim=2, hidden=(32, 32), discriminator_hidden=(8,))
    model = make(config)
    optimizers = model.optimizers()
    for _ in range(5):
        clustering.joint_step(model, optimizers, digits.batch(torch.arange(200)))
    again = make(config)
    missing, _ = again.load_state_dict(
        quantize.unpack(quantize.pack(model.state_dict())), strict=False
    )
    assert {name.split(".")[0] for name in missing} == BOTH
    y, y_again = model.eval().encode(digits.x)[0], again.eval().encode(digits.x)[0]
    assert (y.argmax(1) == y_again.argmax(1)).float().mean() > 0.95
    torch.testing.assert_close(model(digits.x), again(digits.x), atol=0.05, rtol=0)
