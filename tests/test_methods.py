"""The methods of Table 2: formulas against hand-computed values, phases, and that each learns."""

import copy
import importlib
import itertools
import math
from dataclasses import replace

import pytest
import torch
from matplotlib.quiver import Quiver
from torch import nn
from torch.nn import functional as F

from aae_lessons import data, plots, references
from aae_lessons.data import SemiSupervisedBatch, SemiSupervisedMinibatches
from aae_lessons.methods import (
    _layers,
    adgm,
    baseline,
    catgan,
    ladder,
    m1,
    m1_m2,
    m2,
    sdgm,
    tsvm,
    vat,
)
from aae_lessons.methods._densities import (
    every_class,
    kl_of_rows,
    log_likelihood,
    side_by_side,
)
from aae_lessons.networks import reparameterise
from aae_lessons.objectives import gaussian_kl
from aae_lessons.references import table2, table2_lesson
from aae_lessons.references.recipes import RECIPES
from aae_lessons.training import NonFiniteLoss, fit

P = 12  # pixels of the small images
SMALL = {"classes": 3, "hidden": (16,), "pixels": P}
X = torch.rand(64, P, generator=torch.Generator().manual_seed(3))


def make_m1():
    model = m1.M1(m1.Config(dim=4, hidden=(16,), pixels=P))
    nn.init.normal_(model.encoder[-1].weight, std=0.5)
    return model


MAKERS = {
    "baseline": lambda: baseline.Baseline(baseline.Config(**SMALL)),
    "m1": make_m1,
    "tsvm": lambda: tsvm.TSVM(X, None, tsvm.Config(classes=3, frequencies=20)),
    "m2": lambda: m2.M2(m2.Config(**SMALL, dim=4)),
    "m1_m2": lambda: m1_m2.M1M2(
        make_m1(), X, m1_m2.Config(m2.Config(classes=3, dim=2, hidden=(16,), gaussian=True))
    ),
    "adgm": lambda: adgm.ADGM(adgm.Config(**SMALL, dim=4)),
    "sdgm": lambda: sdgm.SDGM(sdgm.Config(**SMALL, dim=4)),
    "vat": lambda: vat.VAT(vat.Config(**SMALL)),
    "catgan": lambda: catgan.CatGAN(catgan.Config(**SMALL, dim=4, generator_hidden=(16,))),
    "ladder": lambda: ladder.Ladder(ladder.Config(**SMALL, weights=(10.0, 1.0, 0.1))),
}
MOVES = {  # method -> phase -> what it moves; statistics of batch norm are looked at apart
    "baseline": {"classification": {"layers"}},
    "m1": {"elbo": {"encoder", "decoder"}},
    "tsvm": {"margin": {"w"}},
    "m2": {"elbo": {"classifier", "encoder", "decoder"}},
    "m1_m2": {"elbo": {"m2"}},
    "adgm": {"elbo": {"auxiliary", "classifier", "encoder", "auxiliary_decoder", "decoder"}},
    "sdgm": {"elbo": {"auxiliary", "classifier", "encoder", "auxiliary_decoder", "decoder"}},
    "vat": {"vat": {"layers"}},
    "catgan": {"discriminator": {"discriminator"}, "generator": {"generator"}},
    "ladder": {"ladder": {"encoder", "beta", "gamma", "decoder", "combinators"}},
}
METHODS = pytest.mark.parametrize("name", MAKERS)
PHASES = [(name, phase) for name, phases in MOVES.items() for phase in phases]


def make(name):
    model = MAKERS[name]()
    module = importlib.import_module(f"aae_lessons.methods.{name}")
    return module, model, module.optimizers(model)


def make_batch(n=16):
    return SemiSupervisedBatch(torch.rand(n, P), torch.rand(9, P), torch.arange(9) % 3)


# --------------------------------------------------------------- every method, the same tests


@pytest.mark.parametrize(("name", "phase"), PHASES, ids=["-".join(p) for p in PHASES])
def test_each_phase_moves_its_networks_and_no_others(name, phase):
    module, model, optimizers = make(name)
    assert set(optimizers) == set(MOVES[name])
    for other, optimizer in optimizers.items():
        optimizer.param_groups[0]["lr"] *= other == phase
    before = {key: p.clone() for key, p in model.named_parameters() if p.requires_grad}
    for _ in range(2):  # the Ladder's decoder has a gradient from its second update on
        module.train_step(model, optimizers, make_batch())
    now = dict(model.named_parameters())
    moved = {key.split(".")[0] for key, value in before.items() if not value.equal(now[key])}
    assert moved == MOVES[name][phase]


@METHODS
def test_poisoned_stale_gradients_change_nothing(name):
    ends = []
    for poison in (None, math.nan):
        torch.manual_seed(0)
        module, model, optimizers = make(name)
        for _ in range(2):
            batch = make_batch()
            if poison is not None:
                for parameter in model.parameters():
                    parameter.grad = torch.full_like(parameter, poison)
            losses = module.train_step(model, optimizers, batch)
        ends.append(copy.deepcopy(model.state_dict()))
        assert all(not loss.requires_grad and loss.isfinite() for loss in losses.values())
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@METHODS
def test_a_loss_that_is_not_finite_stops_the_run(name):
    module, model, _ = make(name)
    images = data.ImageSet(
        torch.randint(0, 255, (32, 1, 3, 4), dtype=torch.uint8), torch.arange(32) % 3
    )
    batches = SemiSupervisedMinibatches(images, 16, 9)
    parameter = next(p for p in model.parameters() if p.requires_grad)
    with torch.no_grad():
        parameter.fill_(math.nan)
    with pytest.raises(NonFiniteLoss):
        fit(module.train_step, model, batches, 1, log_every=1, progress=False)


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "m1"])
def test_labels_out_of_range_are_refused(name):
    module, model, optimizers = make(name)
    with pytest.raises(ValueError, match=r"label: got .* expected"):
        module.train_step(model, optimizers, make_batch()._replace(label=torch.full((9,), 3)))


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "m1"])
def test_it_gets_better_on_tiny_data(name):
    """Three clouds, each class with a few labels: better than chance by far, and than before."""
    torch.manual_seed(1)
    centers = torch.rand(3, P).round() * 0.8 + 0.1
    label = torch.arange(300) % 3
    x = (centers[label] + 0.08 * torch.randn(300, P)).clamp(0, 1)
    if name == "m1_m2":
        first = make_m1()
        optimizers = {"elbo": torch.optim.Adam(first.parameters(), 5e-3)}
        for _ in range(200):
            m1.train_step(first, optimizers, SemiSupervisedBatch(x, x[:9], label[:9]))
        config = m2.Config(classes=3, dim=2, hidden=(16,), gaussian=True, alpha=1.0)
        module, model = m1_m2, m1_m2.M1M2(first, x, m1_m2.Config(config))
        optimizers = m1_m2.optimizers(model)
    else:
        module, model, optimizers = make(name)
    for optimizer in optimizers.values():
        optimizer.param_groups[0]["lr"] = 5e-3
    for i in range(200):
        rows = torch.arange(i * 30, i * 30 + 30) % 300
        module.train_step(model, optimizers, SemiSupervisedBatch(x[rows], x[:9], label[:9]))
    model.eval()
    assert (model.classify(x) == label).float().mean() > 0.85


def test_m1_gets_better_on_tiny_data():
    model = make_m1()
    optimizers = {"elbo": torch.optim.Adam(model.parameters(), 3e-3)}
    batch = SemiSupervisedBatch(X.round(), X[:9], torch.arange(9) % 3)
    losses = [m1.train_step(model, optimizers, batch) for _ in range(150)]
    total = [loss["reconstruction"].item() + loss["kl"].item() for loss in losses]
    assert sum(total[-10:]) < 0.95 * sum(total[:10])


# ------------------------------------------------------------------------------------ VAT


class Smooth(nn.Module):
    """A small net without batch norm, in float64, so that its Hessian is exact."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()

    def forward(self, x):
        return self.layers(x)


def test_the_direction_is_the_top_eigenvector_of_the_hessian():
    config = vat.Config(classes=3, pixels=5, hidden=(8,), xi=1e-4, power_steps=60)
    net, x = Smooth(config), torch.randn(4, 5, dtype=torch.float64)
    logits = net(x).detach()
    d = vat.adversarial_direction(net, x, logits)
    for i in range(len(x)):

        def kl(r, i=i):
            return vat.divergence(logits[i : i + 1], net(x[i : i + 1] + r))

        hessian = torch.autograd.functional.hessian(kl, torch.zeros(1, 5).double()).view(5, 5)
        top = torch.linalg.eigh(hessian).eigenvectors[:, -1]
        assert abs(float(top @ d[i])) == pytest.approx(1.0, abs=1e-4)
    assert d.norm(dim=1).tolist() == pytest.approx([1.0] * 4)


def test_the_adversarial_direction_changes_more_than_a_random_one():
    config = vat.Config(classes=3, pixels=5, hidden=(8,), xi=1e-2)
    net, x = Smooth(config), torch.randn(40, 5, dtype=torch.float64)
    logits = net(x).detach()
    changes = [
        vat.divergence(logits, net(x + 0.1 * d)).item()
        for d in (vat.adversarial_direction(net, x, logits), vat.unit(torch.randn_like(x)))
    ]
    assert changes[0] > 1.5 * changes[1]


def test_divergence_is_that_of_torch_distributions():
    a, b = torch.randn(6, 4), torch.randn(6, 4)
    p, q = (torch.distributions.Categorical(logits=each) for each in (a, b))
    expected = torch.distributions.kl_divergence(p, q).mean()
    assert vat.divergence(a, b).item() == pytest.approx(expected.item(), abs=1e-6)
    assert vat.divergence(a, a).item() == pytest.approx(0.0, abs=1e-7)


def test_perturbed_images_do_not_enter_the_running_statistics():
    _, model, optimizers = make("vat")
    reference, batch = copy.deepcopy(model), make_batch()
    reference(torch.cat([batch.labelled_x, batch.x]))
    vat.train_step(model, optimizers, batch)
    for key, value in reference.state_dict().items():
        if "running" in key:
            assert torch.allclose(model.state_dict()[key], value), key


# --------------------------------------------------------------------------------- Ladder


def test_the_combinator_by_hand():
    g = ladder.Combinator(1)
    with torch.no_grad():
        g.a.copy_(torch.arange(1.0, 11.0)[:, None] / 10)
    z, u = torch.tensor([[0.7]]), torch.tensor([[-0.4]])

    def s(v):
        return 1 / (1 + math.exp(-v))

    mean = 0.1 * s(0.2 * -0.4 + 0.3) + 0.4 * -0.4 + 0.5
    v = 0.6 * s(0.7 * -0.4 + 0.8) + 0.9 * -0.4 + 1.0
    assert g(z, u).item() == pytest.approx((0.7 - mean) * v + mean, abs=1e-6)


def test_a_new_combinator_has_only_its_slopes_set():
    a = ladder.Combinator(3).a
    assert a.sum(1).tolist() == [0, 3, 0, 0, 0, 0, 3, 0, 0, 0]


def test_without_noise_both_encoders_agree_and_an_identity_combinator_costs_nothing():
    """g(z̃, u) = z̃ where v = 1 and μ = 0: with σ = 0 that is the clean z, the cost is 0."""
    config = ladder.Config(**SMALL, noise=0.0, weights=(10.0, 1.0, 0.1))
    model, x = ladder.Ladder(config), torch.rand(16, P)
    z_noisy, logits = model.noisy_pass(x, [16])
    z, moments = model.clean_pass(x)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(z_noisy, z, strict=True))
    with torch.no_grad():
        for combinator in model.combinators:
            combinator.a.zero_()
            combinator.a[9] = 1.0  # a10: v = 1
    for a, b, (mean, variance), layer in zip(
        model.denoise(z_noisy, logits), z, moments, range(3), strict=True
    ):
        assert torch.allclose(a, b, atol=1e-5)
        normal = _layers.normalise(a, mean, variance)  # ẑ_BN of Algorithm 1
        assert layer or torch.allclose(normal, b, atol=1e-5)


def test_labelled_and_unlabelled_images_are_normalised_apart():
    model = MAKERS["ladder"]()
    model.config = replace(model.config, noise=0.0)
    x = torch.rand(20, P)
    z_both, _ = model.noisy_pass(torch.cat([x, 5 * x]), [20, 20])
    z_alone, _ = model.noisy_pass(x, [20])
    assert torch.allclose(z_both[1][:20], z_alone[1], atol=1e-4)


def test_one_weight_is_asked_of_every_layer():
    with pytest.raises(ValueError, match="weights: got"):
        ladder.Config(hidden=(16,), weights=(1.0, 1.0))


# ---------------------------------------------------------------------------- M1, M2, both


def test_densities_of_rows():
    mean, log_variance, x = torch.randn(5, 4), torch.randn(5, 4), torch.rand(5, 4)
    assert kl_of_rows(mean, log_variance).mean().item() == pytest.approx(
        gaussian_kl(mean, log_variance).item(), abs=1e-5
    )
    bernoulli = torch.distributions.Bernoulli(logits=mean, validate_args=False)
    expected = bernoulli.log_prob(x.round()).sum(1)
    assert torch.allclose(log_likelihood(mean, x.round(), False), expected, atol=1e-5)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).log_prob(x).sum(1)
    both = torch.cat([mean, log_variance], 1)
    assert torch.allclose(log_likelihood(both, x, True), normal, atol=1e-4)


def test_the_sum_over_classes_is_a_loop():
    """U(x) of one batch against a loop over images and classes, the draws of z held."""
    model, x = MAKERS["m2"](), torch.rand(6, P).round()
    with torch.no_grad():  # a posterior without variance: no draw to hold
        model.encoder[-1].weight[4:] = 0.0
        model.encoder[-1].bias[4:] = -40.0
    u = m2.unlabelled_loss(every_class(model.row_loss, 3, x), model(x)).item()
    total = 0.0
    for row in x:
        q = model(row[None]).softmax(1)[0]
        for k in range(3):
            loss = model.row_loss(row[None], torch.eye(3)[k : k + 1]).item()
            total += q[k].item() * (loss + math.log(q[k].item()))
    assert u == pytest.approx(total / 6, rel=1e-5)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_inputs_side_by_side_are_the_inputs_in_one(batch_norm):
    first = nn.Linear(P + 3, 4)
    network = nn.Sequential(first, *[nn.BatchNorm1d(4)] * batch_norm, nn.ReLU(), nn.Linear(4, 2))
    x, y = torch.rand(6, P), torch.eye(3)[torch.arange(6) % 3]
    expected = network(torch.cat([x, y], dim=1))
    assert torch.allclose(side_by_side(network, x, y), expected, atol=1e-6)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_inputs_side_by_side_broadcast_and_so_do_their_gradients(batch_norm):
    """Every image with every class: as the pairs written out, class by class."""
    first = nn.Linear(P + 3, 4)
    network = nn.Sequential(first, *[nn.BatchNorm1d(4)] * batch_norm, nn.ReLU(), nn.Linear(4, 2))
    x, classes = torch.rand(6, P, requires_grad=True), torch.eye(3)
    pairs = torch.cat([x.repeat(3, 1), classes.repeat_interleave(6, 0)], dim=1)
    expected, result = network(pairs), side_by_side(network, x, classes[:, None])
    assert result.shape == (3, 6, 2)
    assert torch.allclose(result.flatten(0, 1), expected, atol=1e-6)
    wanted = [x, *network.parameters()]
    for ours, theirs in zip(
        torch.autograd.grad(result.square().sum(), wanted),
        torch.autograd.grad(expected.square().sum(), wanted),
        strict=True,
    ):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_inputs_side_by_side_must_fill_the_first_layer():
    with pytest.raises(RuntimeError, match="split_sizes"):
        side_by_side(nn.Sequential(nn.Linear(P + 3, 4)), torch.rand(6, P), torch.rand(6, 2))


def test_l_of_m2_by_hand():
    """All weights 0: every pixel ½, posterior N(0, I): L = P log 2 + log K."""
    model = MAKERS["m2"]()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    result = model.row_loss(torch.rand(5, P).round(), torch.eye(3)[torch.arange(5) % 3])
    assert result.tolist() == pytest.approx([P * math.log(2) + math.log(3)] * 5, rel=1e-6)


def test_m1_m2_leaves_out_what_m1_does_not_use_and_draws_afresh():
    first = make_m1()
    with torch.no_grad():
        first.encoder[-1].weight[1] = 0.0
    model = m1_m2.M1M2(first, X, m1_m2.Config(m2.Config(classes=3, dim=2, gaussian=True)))
    assert model.used.tolist() == [0, 2, 3]
    assert model.codes(X).std(0).tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    assert torch.equal(model.codes(X), model.codes(X))
    assert not torch.equal(model.codes(X, sample=True), model.codes(X, sample=True))


@pytest.mark.parametrize(("module", "name"), [(adgm, "adgm"), (sdgm, "sdgm")])
def test_bounds_with_an_auxiliary_variable_by_hand(module, name):
    """All weights 0: q(a|x) = p(a|·) = N(0, I) cancel; pixels ½, q(y|·) even."""
    model = MAKERS[name]()
    optimizers = module.optimizers(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    losses = module.train_step(model, optimizers, make_batch())
    assert losses["labelled"].item() == pytest.approx(P * math.log(2) + math.log(3), rel=1e-5)
    assert losses["unlabelled"].item() == pytest.approx(P * math.log(2), rel=1e-5)
    assert losses["classification"].item() == pytest.approx(math.log(3), rel=1e-5)


def test_in_sdgm_the_image_depends_on_a_and_in_adgm_it_does_not():
    for module, name, inputs in ((adgm, "adgm", 7), (sdgm, "sdgm", 11)):
        assert MAKERS[name]().decoder[0].in_features == inputs, module.__name__


@pytest.mark.parametrize(
    "loss",
    [
        lambda logits: m2.unlabelled_loss(torch.ones(2, 3), logits),
        catgan.mean_entropy,
        catgan.entropy_of_mean,
    ],
)
def test_predictions_as_sure_as_can_be_have_a_finite_gradient(loss):
    logits = torch.tensor([[300.0, 0.0, -300.0], [400.0, 0.1, 0.0]], requires_grad=True)
    loss(logits).backward()
    assert logits.grad.isfinite().all()


# ---------------------------------------------------------------------------------- CatGAN


def test_the_three_entropies():
    sure, even = 50 * torch.eye(4), torch.zeros(4, 4)
    log_k = math.log(4)
    assert catgan.mean_entropy(sure).item() == pytest.approx(0.0, abs=1e-6)
    assert catgan.entropy_of_mean(sure).item() == pytest.approx(log_k)
    assert catgan.mean_entropy(even).item() == pytest.approx(log_k)
    assert catgan.entropy_of_mean(even).item() == pytest.approx(log_k)
    one = 50 * torch.eye(4)[[2, 2, 2]]  # sure, but always of one class
    assert catgan.entropy_of_mean(one).item() == pytest.approx(0.0, abs=1e-6)
    p = torch.tensor([[0.7, 0.3], [0.1, 0.9]])
    rows = [-sum(v * math.log(v) for v in row) for row in p.tolist()]
    assert catgan.mean_entropy(p.log()).item() == pytest.approx(sum(rows) / 2, abs=1e-6)
    mean = -0.4 * math.log(0.4) - 0.6 * math.log(0.6)
    assert catgan.entropy_of_mean(p.log()).item() == pytest.approx(mean, abs=1e-6)


def test_generated_images_do_not_enter_the_running_statistics():
    _, model, optimizers = make("catgan")
    reference, batch = copy.deepcopy(model), make_batch()
    torch.manual_seed(5)
    reference(batch.x)
    torch.manual_seed(5)
    catgan.train_step(model, optimizers, batch)
    for key, value in reference.discriminator.state_dict().items():
        if "running" in key:
            assert torch.allclose(model.discriminator.state_dict()[key], value), key


# ------------------------------------------------------------------------------------ TSVM


def best_assignment(labelled, sign, unlabelled, cost, c_star):
    """The TSVM's problem by enumeration (Joachims 1999, §3): every labelling, one SVM each."""
    results = {}
    everything = torch.cat([labelled, unlabelled])
    for guess in itertools.product((-1.0, 1.0), repeat=len(unlabelled)):
        if sum(guess):  # the balancing constraint
            continue
        signs = torch.cat([sign, torch.tensor(guess)])
        weight = torch.tensor([cost] * len(sign) + [c_star / len(guess)] * len(guess))
        w = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.LBFGS([w], max_iter=200, line_search_fn="strong_wolfe")

        def closure(w=w, signs=signs, weight=weight, optimizer=optimizer):
            optimizer.zero_grad()
            hinge = (1 - signs * (everything @ w)).relu().square()
            loss = 0.5 * w.square().sum() + (weight * hinge).sum()
            loss.backward()
            return loss

        results[guess] = optimizer.step(closure) and closure().item()
    return min(results, key=results.get)


def test_it_chooses_the_labelling_that_enumeration_chooses():
    """Two labels say "left and right"; the images without labels say "upper and lower"."""
    labelled, sign = torch.tensor([[-1.0, -0.4], [1.0, 0.4]]), torch.tensor([-1.0, 1.0])
    unlabelled = torch.tensor(
        [[-0.9, 1.0], [0.1, 1.2], [0.8, 0.9], [-0.8, -0.9], [-0.1, -1.1], [0.9, -1.0]]
    )
    expected = best_assignment(labelled, sign, unlabelled, 10.0, 60.0)
    assert expected == (1, 1, 1, -1, -1, -1)
    config = tsvm.Config(classes=2, frequencies=0, cost=10.0, unlabelled_cost=60.0, lr=0.02)
    answers = {}
    for name, c_star in (("tsvm", 60.0), ("svm", 0.0)):
        model = tsvm.TSVM(unlabelled, None, replace(config, unlabelled_cost=c_star))
        optimizers = tsvm.optimizers(model)
        batch = SemiSupervisedBatch(unlabelled, labelled, (sign > 0).long())
        for i in range(500):
            tsvm.grow(model, i / 500)
            tsvm.train_step(model, optimizers, batch)
        answers[name] = tuple(2.0 * model.classify(unlabelled).float().numpy() - 1)
    assert answers["tsvm"] == expected
    assert answers["svm"] != expected


def test_its_objective_by_hand():
    w, f = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.5], [-2.0]])
    sign, unlabelled = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [1.0]])
    terms = tsvm.objective(w, f, sign, unlabelled, 2.0, torch.tensor(10.0))
    expected = [12.5, 2 * (0.25 + 9), 10 * (1 + math.exp(-3)) / 2]
    assert [t.item() for t in terms] == pytest.approx(expected, rel=1e-6)


def test_without_unlabelled_cost_it_is_scikit_learns_svm():
    svm = pytest.importorskip("sklearn.svm")
    x = torch.randn(60, 3)
    label = (x @ torch.tensor([1.0, -2.0, 0.5]) + 0.3 * torch.randn(60) > 0).long()
    config = tsvm.Config(classes=2, frequencies=0, cost=1.0, unlabelled_cost=0.0, lr=0.05)
    model = tsvm.TSVM(x, None, config)
    optimizers = tsvm.optimizers(model)
    for _ in range(300):
        tsvm.train_step(model, optimizers, SemiSupervisedBatch(x, x, label))
    z = ((x - model.mean) / model.scale - model.center).numpy()
    theirs = svm.LinearSVC(C=1.0, fit_intercept=False, tol=1e-8, max_iter=100_000)
    theirs.fit(z, label.numpy())
    assert model.w[1].tolist() == pytest.approx(theirs.coef_[0].tolist(), rel=0.02)


def test_the_balancing_constraint_holds_exactly():
    model = MAKERS["tsvm"]()
    nn.init.normal_(model.w)
    assert model(X).mean(0).tolist() == pytest.approx([2 / 3 - 1] * 3, abs=1e-5)


def test_c_star_grows_to_its_full_size():
    model = MAKERS["tsvm"]()
    sizes = []
    for done in (0.0, 0.4, 0.8, 1.0):
        tsvm.grow(model, done)
        sizes.append(model.growth.item())
    assert sizes == pytest.approx([0.01, 0.1, 1.0, 1.0])


# -------------------------------------------------------------------------------- layers


def test_noise_is_added_in_training_alone():
    noise, x = _layers.Noise(0.5), torch.zeros(2000, 2)
    assert noise(x).std().item() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(noise.eval()(x), x)


def test_held_statistics_come_back_after_an_error():
    net = nn.Sequential(nn.BatchNorm1d(2))
    with pytest.raises(RuntimeError), _layers.frozen_statistics(net):
        raise RuntimeError
    assert net[0].momentum == 0.1


def test_draws_have_mean_and_deviation_of_the_posterior():
    z = reparameterise(torch.full((4000, 1), 2.0), torch.full((4000, 1), math.log(9.0)))
    assert z.mean().item() == pytest.approx(2.0, abs=0.2)
    assert z.std().item() == pytest.approx(3.0, abs=0.15)
    assert F.one_hot(torch.tensor([1]), 2).tolist() == [[0, 1]]


# --------------------------------------------------------------------------------- Table 2


def test_the_table_has_the_slides_figures_and_ours_from_records():
    slides, ours = table2.markdown().split("| method | labels |")
    lines = [line.split(" | ")[0][2:] for line in slides.splitlines() if line[:2] == "| "]
    assert lines[1:] == [row.method for row in table2.ROWS]
    mean, deviation, _ = references.mean_and_std("baseline-100", "test_error_percent")
    figure = f"{mean:.2f} ± {deviation:.2f}"
    assert f"| NN baseline | 100 | 25.80 | {figure} | 3 | 20,000 | `baseline-100` |" in ours
    assert "| M1 + TSVM | 100 | 11.82 ± 0.25 |" in ours and "`m1-svm-100`" in ours


def test_what_has_no_record_is_said_not_to_be_measured():
    row = replace(table2.ROWS[1], record="no-such-method")
    assert "with 100 labels M1 + TSVM;" in table2.absent([row])
    assert "100 labels" not in table2.absent([table2.ROWS[0]])


def test_the_lesson_names_every_row_that_has_a_record_and_the_cost_of_one_that_has_none(
    monkeypatch,
):
    with_records = [row.method for row in table2.ROWS if table2.names(row, "100")]
    lines = {line.split(" | ")[0][2:]: line for line in table2_lesson.table().splitlines()}
    assert list(lines)[2:] == [row.method for row in table2.ROWS]
    assert [m for m in list(lines)[2:] if "not run" not in lines[m]] == with_records
    monkeypatch.setattr(table2, "names", lambda row, n: [] if row.method == "VAT" else ["vat-100"])
    updates = references.records("vat-100")[0]["training"]["updates"]
    cost = table2.cost("vat-100", updates)
    assert f"VAT {cost:.2f} ({updates:,} updates)" in table2_lesson.coverage()
    monkeypatch.setattr(table2, "names", lambda row, labels: ["vat-100"])
    assert "not run" not in (table2_lesson.coverage() + table2_lesson.table()).lower()


def test_a_method_reaches_the_slides_figure_or_misses_it():
    reached, missed = table2_lesson.against_the_slides()
    for method in (*reached, *missed):
        row = next(row for row in table2.ROWS if row.method == method)
        mean, *_ = references.mean_and_std(table2.names(row, "100")[0], "test_error_percent")
        assert (mean <= float(row.slides[0].split(" ")[0])) == (method in reached)
    assert "SDGM" not in (*reached, *missed)  # the slides have no figure for it


def test_updates_of_a_method_on_the_codes_of_m1_include_those_of_m1():
    alone = references.records("m1-m2-100")[0]["training"]["updates"]
    of_m1 = references.records("m1")[0]["training"]["updates"]
    assert table2.total_updates("m1-m2-100") == alone + of_m1
    assert f"| {alone + of_m1:,} |" in table2_lesson.table()
    vat = references.records("vat-100")[0]["training"]["updates"]
    assert table2.total_updates("vat-100") == vat


def test_vats_figure_has_a_dagger_and_the_journals_is_said(monkeypatch):
    assert "| VAT | 2.33 † |" in table2_lesson.table() and "1.36" in table2_lesson.dagger()
    assert "1.93 does not reach" in table2_lesson.dagger()
    monkeypatch.setattr(references, "mean_and_std", lambda name, metric: (1.3, 0.1, 3))
    assert "1.30 reaches" in table2_lesson.dagger()


def test_operations_are_those_of_the_matrix_products():
    forward = 784 * 500 + 500 * 500 + 500 * 20  # 10 logits of y and 10 numbers of z
    # forward, gradients of the weights, and of all layers' inputs but the images
    by_hand = 2 * 100 * (2 * forward + forward - 784 * 500)
    assert table2.operations_per_update("baseline-100") == by_hand
    cost, error = table2.curve("baseline-100", seed=1)
    record = next(r for r in references.records("baseline-100") if r["seed"] == 1)
    assert cost[-1] == pytest.approx(by_hand * record["training"]["updates"] / 1e15)
    assert error == record["history"]["validation_error_percent"][1:] and len(cost) == len(error)


@pytest.mark.parametrize("row", table2.ROWS, ids=lambda row: row.record)
def test_every_row_has_a_recipe_at_a_hundred_labels(row):
    names = [name for name in RECIPES if name.startswith(f"{row.record}-100")]
    assert names, row.method


# --------------------------------------------------------------------------------- figures


def test_decision_regions_have_a_panel_for_each_classifier_and_keep_to_the_points():
    points, label = torch.randn(40, 2), torch.tensor([0, 1])
    right, left = (lambda p: (p[:, 0] > 0).float()), (lambda p: (p[:, 0] < 0).float())
    far = {"far": torch.full((3, 2), 50.0)}
    classifiers = {"right": right, "left": left}
    figure = plots.decision_regions(classifiers, points, points[:2], label, samples=far)
    assert [ax.get_title() for ax in figure.axes] == ["right", "left"]
    for ax, sign in zip(figure.axes, (1, -1), strict=True):
        low, high = ax.get_xlim()
        assert low == pytest.approx(points[:, 0].min().item() - 0.6) and high < 10
        shown = ax.images[0].get_array()
        assert sign * (shown[:, -1].mean() - shown[:, 0].mean()) == 1.0


def test_arrows_fit_the_points():
    points, label = torch.randn(40, 2), torch.tensor([0, 1])
    one = {"one": lambda p: torch.full((len(p),), 0.5)}
    with pytest.raises(ValueError, match="arrows"):
        plots.decision_regions(one, points, points[:2], label, arrows=torch.zeros(3, 2))
    tails = points[:3] + 1
    figure = plots.decision_regions(
        one, points, points[:2], label, arrows=torch.ones(3, 2), tails=tails
    )
    (arrows,) = (c for c in figure.axes[0].collections if isinstance(c, Quiver))
    assert torch.equal(torch.tensor(arrows.XY), tails)


def test_errors_and_cost_has_a_line_for_every_run():
    curves = {"a": ([0.1, 0.5], [30.0, 20.0]), "b": ([1.0, 12.0], [5.0, 1.7])}
    figure = plots.errors_and_cost(curves)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[30, 20], [5, 1.7]]
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"
    with pytest.raises(ValueError, match="curves"):
        plots.errors_and_cost({"a": ([0.1], [30.0, 20.0])})
