"""Which phase moves which network, which side is real, and that training gets better."""

import copy
import math

import pytest
import torch
from torch.nn import functional as F

from aae_lessons.data import Batch, Minibatches
from aae_lessons.models import adversarial, autoencoder
from aae_lessons.models.adversarial import AAE
from aae_lessons.models.autoencoder import Autoencoder
from aae_lessons.objectives import (
    binary_cross_entropy,
    random_directions,
    sliced_wasserstein,
    squared_error,
)
from aae_lessons.priors import Gaussian, GaussianMixture, SwissRoll
from aae_lessons.training import constant_then_linear, fit

CONFIGS = {"train_step": adversarial.Config, "joint_step": adversarial.JointConfig}
SMALL = {"hidden": (24,), "pixels": 12}
VARIANTS = {
    "deterministic": {},
    "Gaussian posterior": {"gaussian_posterior": True},
    "label-informed": {"label_classes": 10},
    "noisy": {"noise": 0.5},
    "all of it": {"gaussian_posterior": True, "label_classes": 10, "noise": 0.5},
}


def make_batch(n=16, pixels=12):
    return Batch(torch.rand(n, pixels), torch.arange(n) % 10)


def make_autoencoder(**changes):
    config = autoencoder.Config(**SMALL, **changes)
    model = Autoencoder(config)
    return model, model.optimizers(), autoencoder.train_step


def make_aae(step="train_step", prior=None, **changes):
    config = CONFIGS[step](**SMALL, discriminator_hidden=(16,), **changes)
    model = AAE(prior or GaussianMixture(), config)
    return model, model.optimizers(), getattr(adversarial, step)


MAKERS = {
    "autoencoder": make_autoencoder,
    "train_step": make_aae,
    "joint_step": lambda **changes: make_aae("joint_step", **changes),
}

# what each phase moves, and through which networks its loss can be differentiated at all
MOVES = {
    "autoencoder": {"reconstruction": {"encoder", "decoder"}},
    "train_step": {
        "reconstruction": {"encoder", "decoder"},
        "discriminator": {"discriminator"},
        "generator": {"encoder"},
    },
    "joint_step": {
        "discriminator": {"discriminator"},
        "autoencoder": {"encoder", "decoder"},
    },
}
REACHES = {
    "autoencoder": MOVES["autoencoder"],
    "train_step": {**MOVES["train_step"], "generator": {"encoder", "discriminator"}},
    "joint_step": {
        "discriminator": {"discriminator"},
        "autoencoder": {"encoder", "decoder", "discriminator"},
    },
}
PHASES = [(step, phase) for step, phases in MOVES.items() for phase in phases]
CASES = [
    (step, phase, name)
    for step, phase in PHASES
    for name in (VARIANTS if step != "autoencoder" else ["deterministic"])
]


def state(model):
    return copy.deepcopy(model.state_dict())


def networks_that_moved(model, before):
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


# -------------------------------------------------------------------------- gradient flow


@pytest.mark.parametrize(("step", "phase", "variant"), CASES)
def test_each_phase_moves_its_networks_and_no_others(step, phase, variant):
    model, optimizers, train = MAKERS[step](**VARIANTS[variant])
    for name, optimizer in optimizers.items():
        if name != phase:
            optimizer.param_groups[0]["lr"] = 0.0
    before = state(model)
    train(model, optimizers, make_batch())
    assert networks_that_moved(model, before) == MOVES[step][phase]


@pytest.mark.parametrize(("step", "phase", "variant"), CASES)
def test_each_phase_moves_every_parameter_of_its_networks(step, phase, variant):
    model, optimizers, train = MAKERS[step](**VARIANTS[variant])
    before = state(model)
    for _ in range(3):
        train(model, optimizers, make_batch())
    frozen = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert frozen == []


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", MAKERS)
def test_no_loss_reaches_a_network_that_it_should_not(step, variant, watch_descents):
    """The test that a removed detach() fails: descent by inputs would hide it from the others."""
    changes = VARIANTS[variant] if step != "autoencoder" else {}
    model, optimizers, train = MAKERS[step](**changes)
    module = autoencoder if step == "autoencoder" else adversarial
    reached = watch_descents(module, model, optimizers)
    train(model, optimizers, make_batch())
    assert reached == REACHES[step]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", MAKERS)
def test_poisoned_stale_gradients_change_nothing(step, variant):
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan, 1e6):
        torch.manual_seed(0)
        changes = VARIANTS[variant] if step != "autoencoder" else {}
        model, optimizers, train = MAKERS[step](**changes)
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            train(model, optimizers, batch)
        ends.append(state(model))
    for end in ends[1:]:
        assert all(torch.equal(end[name], ends[0][name]) for name in end)


def test_noise_is_on_what_the_discriminator_sees_and_is_taken_away_by_half_the_run():
    model, *_ = make_aae(noise=0.5)
    z = torch.ones(20_000, 2)
    assert (model.add_instance_noise(z) - z).std(0).tolist() == pytest.approx([0.5, 0.5], rel=0.03)
    for done, factor in {0.0: 1.0, 0.25: 0.5, 0.5: 0.0, 0.9: 0.0}.items():
        adversarial.anneal_noise(model, done)
        assert model.noise.item() == pytest.approx(0.5 * factor)
    assert torch.equal(make_aae()[0].add_instance_noise(z), z)


@pytest.mark.parametrize("step", MAKERS)
def test_losses_are_detached_finite_scalars_by_phase(step):
    model, optimizers, train = MAKERS[step]()
    losses = train(model, optimizers, make_batch())
    expected = {"reconstruction"}
    if step != "autoencoder":
        expected = {"reconstruction", "discriminator", "generator"}
    assert set(losses) == expected
    for loss in losses.values():
        assert loss.shape == () and not loss.requires_grad and loss.isfinite()


# ------------------------------------------------------- against a textbook implementation


def textbook_update(model, adams, batch):
    """The paper's algorithm as plainly as can be: all gradients cleared, all phases recomputed."""
    ones, zeros = torch.ones(len(batch.x)), torch.zeros(len(batch.x))
    bce = F.binary_cross_entropy_with_logits

    def update(loss, adam):
        model.zero_grad()
        loss.backward()
        adam.step()

    x_hat = model.decoder(model.encoder(batch.x)).sigmoid()
    update(((x_hat - batch.x) ** 2).sum() / 2 / len(batch.x), adams["reconstruction"])
    real = model.discriminator(model.prior.sample(len(batch.x)))
    fake = model.discriminator(model.encoder(batch.x).detach())
    update(bce(real, ones) + bce(fake, zeros), adams["discriminator"])
    update(bce(model.discriminator(model.encoder(batch.x)), ones), adams["generator"])


def textbook_joint(model, adams, batch):
    ones, zeros = torch.ones(len(batch.x)), torch.zeros(len(batch.x))
    bce = F.binary_cross_entropy_with_logits
    real = model.discriminator(model.prior.sample(len(batch.x)))
    fake = model.discriminator(model.encoder(batch.x).detach())
    model.zero_grad()
    (bce(real, ones) + bce(fake, zeros)).backward()
    adams["discriminator"].step()
    z = model.encoder(batch.x)
    cost = ((model.decoder(z).sigmoid() - batch.x) ** 2).sum() / 2 / len(batch.x)
    model.zero_grad()
    (cost + model.config.weight * bce(model.discriminator(z), ones)).backward()
    adams["autoencoder"].step()


@pytest.mark.parametrize(
    ("step", "textbook"), [("train_step", textbook_update), ("joint_step", textbook_joint)]
)
def test_a_step_is_the_papers_algorithm(step, textbook):
    ours, optimizers, train = make_aae(step, **({"weight": 3.0} if step == "joint_step" else {}))
    theirs = copy.deepcopy(ours)
    adams = theirs.optimizers()
    for seed in range(3):
        batch = make_batch()
        torch.manual_seed(seed)
        train(ours, optimizers, batch)
        torch.manual_seed(seed)
        textbook(theirs, adams, batch)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("weight", "same"), [(0.0, True), (10.0, False)])
def test_the_weight_of_the_joint_step_weighs_the_discrepancy(weight, same):
    """With weight 0 encoder and decoder move as in a plain autoencoder."""
    model, optimizers, train = make_aae("joint_step", weight=weight, prior=Gaussian())
    plain, plain_optimizers, plain_train = make_autoencoder()
    plain.encoder.load_state_dict(model.encoder.state_dict())
    plain.decoder.load_state_dict(model.decoder.state_dict())
    for _ in range(3):
        batch = make_batch()
        train(model, optimizers, batch)
        plain_train(plain, plain_optimizers, batch)
    equal = all(
        torch.allclose(p, q, atol=1e-6)
        for p, q in zip(model.encoder.parameters(), plain.encoder.parameters(), strict=True)
    )
    assert equal == same


# ---------------------------------------------------------------------------- which is real


def shift_codes(model, by):
    """Moves the codes away from the prior, so that they are easily told from its samples."""
    with torch.no_grad():
        model.encoder[-1].bias[: model.prior.dim] += by


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", ["train_step", "joint_step"])
def test_the_discriminator_learns_that_prior_samples_are_real(step, variant):
    model, optimizers, train = make_aae(step, discriminator_lr=5e-3, **VARIANTS[variant])
    for name, optimizer in optimizers.items():
        if name != "discriminator":
            optimizer.param_groups[0]["lr"] = 0.0
    shift_codes(model, 3.0)
    batch = make_batch(100)
    for _ in range(60):
        train(model, optimizers, batch)
    with torch.no_grad():
        real = model.discriminate(model.sample_prior(batch.label), batch.label)
        fake = model.discriminate(model.encode(batch.x), batch.label)
    assert real.mean() > fake.mean() + 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_generator_learns_to_pass_for_real(variant):
    model, optimizers, train = make_aae(generator_lr=5e-3, **VARIANTS[variant])
    for name, optimizer in optimizers.items():
        if name != "generator":
            optimizer.param_groups[0]["lr"] = 0.0
    batch = make_batch(100)
    first = train(model, optimizers, batch)["generator"]
    for _ in range(40):
        last = train(model, optimizers, batch)["generator"]
    assert last < first


# -------------------------------------------------------------------------- label-informed


def test_the_discriminator_sees_the_label_and_no_label_is_a_class_of_its_own():
    model, *_ = make_aae(label_classes=10)
    z = torch.randn(1, 2).repeat(11, 1)
    logits = model.discriminate(z, torch.arange(-1, 10))
    assert len(logits.unique()) == 11


def test_a_discriminator_that_is_not_told_labels_ignores_them():
    model, *_ = make_aae()
    z = torch.randn(1, 2).repeat(11, 1)
    assert len(model.discriminate(z, torch.arange(-1, 10)).unique()) == 1


@pytest.mark.parametrize("step", ["train_step", "joint_step"])
def test_a_step_shows_the_discriminator_the_labels_of_its_batch(step):
    """Its input weights of a class move exactly where the class, or "no label", is there."""
    model, optimizers, train = make_aae(step, label_classes=10)
    weights = model.discriminator.layers[0].weight
    before = weights.detach().clone()
    train(model, optimizers, Batch(torch.rand(12, 12), torch.tensor([2, 5, -1] * 4)))
    moved = (weights != before).any(0)[2:]  # beside the two columns of z
    assert moved.nonzero().flatten().tolist() == [2, 5, 10]


@pytest.mark.parametrize("step", CONFIGS)
def test_the_discriminator_sees_each_prior_sample_and_code_with_its_own_label(step):
    """Every row that it sees, in both phases: prior samples lie in their label's component."""
    prior = GaussianMixture(radius=50.0)
    model, optimizers, train = make_aae(step, prior=prior, label_classes=10)
    seen, real = [], model.discriminator.forward
    model.discriminator.forward = lambda rows: seen.append(rows.detach()) or real(rows)
    batch = Batch(torch.rand(30, 12), torch.arange(-1, 29).remainder(11) - 1)
    codes = []
    encode = model.encode
    model.encode = lambda x: codes.append(encode(x)) or codes[-1]
    train(model, optimizers, batch)
    one_hot = F.one_hot(batch.label.where(batch.label >= 0, torch.tensor(10)), 11).float()
    both, fake = seen
    z_prior, known = both[:30, :2], batch.label >= 0
    assert (prior.nearest(z_prior)[known] == batch.label[known]).all()
    assert torch.equal(both[:, 2:], one_hot.repeat(2, 1)) and torch.equal(fake[:, 2:], one_hot)
    assert torch.equal(both[30:, :2], codes[-1]) and torch.equal(fake[:, :2], codes[-1])


def test_prior_samples_come_from_the_part_that_belongs_to_the_label():
    prior = GaussianMixture(radius=5.0)
    conditional, *_ = make_aae(prior=prior, label_classes=10)
    untold, *_ = make_aae(prior=prior)
    label = torch.arange(10).repeat(50)
    assert (prior.nearest(conditional.sample_prior(label)) == label).all()
    assert (prior.nearest(untold.sample_prior(label)) == label).float().mean() < 0.3


# ------------------------------------------------------------------------------- encoders


def test_a_deterministic_encoder_gives_one_code_for_an_image():
    for model, *_ in (make_autoencoder(), make_aae()):
        x = torch.rand(5, 12)
        assert torch.equal(model.encode(x), model.encode(x))


def test_a_gaussian_posterior_draws_with_its_mean_and_variance():
    model, *_ = make_aae(gaussian_posterior=True)
    with torch.no_grad():
        model.encoder[-1].bias += torch.tensor([1.0, -1.0, 0.0, -2.0])
    x = torch.rand(1, 12)
    mean, log_variance = model.posterior(x)
    z = model.encode(x.repeat(20_000, 1)).detach()
    assert len(z.unique(dim=0)) > 19_000
    torch.testing.assert_close(z.mean(0), mean[0].detach(), atol=0.04, rtol=0)
    torch.testing.assert_close(
        z.T.cov(), log_variance[0].exp().diag().detach(), atol=0.05, rtol=0.05
    )


@pytest.mark.parametrize("make", [make_autoencoder, make_aae])
def test_shapes_and_ranges(make):
    model, *_ = make()
    x = torch.rand(5, 12)
    z = model.encode(x)
    assert z.shape == (5, 2) and model.decode(z).shape == model(x).shape == (5, 12)
    assert model(x).min() >= 0 and model(x).max() <= 1
    assert torch.equal(model(x), model.decoder(model.encoder(x)).sigmoid())


def test_layers_are_as_configured():
    model = AAE(Gaussian(7), adversarial.Config((50, 30), (20,), 12))

    def inputs(network):
        return [p.shape[1] for p in network.parameters() if p.dim() == 2]

    assert inputs(model.encoder) == [12, 50, 30] and inputs(model.decoder) == [7, 30, 50]


# --------------------------------------------------------------------------- gets better


@pytest.mark.parametrize("cost", [squared_error, binary_cross_entropy])
def test_a_short_run_of_the_autoencoder_gets_better(digits, cost):
    config = autoencoder.Config(dim=8, hidden=(64,), cost=cost, lr=2e-3)
    model = Autoencoder(config)
    with torch.no_grad():
        before = cost(model.decoder(model.encode(digits.x)), digits.x).item()
    fit(autoencoder.train_step, model, Minibatches(digits, 50), 10, progress=False)
    with torch.no_grad():
        after = cost(model.decoder(model.encode(digits.x)), digits.x).item()
        constant = cost(digits.x.mean(0).clamp(1e-3, 1 - 1e-3).logit().expand(500, -1), digits.x)
    assert after < before / 2 and after < constant


def discrepancy(model, digits):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        z, z_prior = model.encode(digits.x), model.prior.sample(len(digits))
    return sliced_wasserstein(z, z_prior, random_directions(2, 50, generator)).item()


@pytest.mark.parametrize("prior", [Gaussian(2, 3.0), SwissRoll()], ids=["Gaussian", "SwissRoll"])
@pytest.mark.parametrize("step", ["train_step", "joint_step"])
def test_a_short_run_of_the_aae_brings_codes_to_the_prior(digits, step, prior):
    config = CONFIGS[step]((64,), (64,), discriminator_lr=2e-3)
    model = AAE(prior, config)
    shift_codes(model, 4.0)
    before = discrepancy(model, digits)
    train = getattr(adversarial, step)
    history = fit(
        train,
        model,
        Minibatches(digits, 50),
        30,
        schedule=constant_then_linear,
        log_every=10,
        progress=False,
    )
    cost = history.losses["reconstruction"]
    assert cost[-1] < cost[0] / 2
    assert discrepancy(model, digits) < before / 2


# --------------------------------------------------------------------------------- errors


def test_a_prior_without_classes_can_not_be_told_labels():
    with pytest.raises(ValueError, match="prior: got Gaussian"):
        AAE(Gaussian(), adversarial.Config(label_classes=10))


def test_a_deterministic_encoder_has_no_posterior():
    with pytest.raises(ValueError, match="gaussian_posterior"):
        make_aae()[0].posterior(torch.rand(5, 12))


@pytest.mark.parametrize("label", [10, -2])
def test_a_label_out_of_range_is_never_taken_for_no_label(label):
    model, *_ = make_aae(label_classes=10)
    with pytest.raises(ValueError, match="label"):
        model.discriminate(torch.randn(2, 2), torch.tensor([0, label]))
