"""WAE is AAE to the last bit; any cost, any discrepancy; which phase moves which network."""

import copy
import math

import pytest
import torch

from aae_lessons.data import Batch, ImageSet, Minibatches
from aae_lessons.models import adversarial, wasserstein
from aae_lessons.models.classifier import DigitClassifier
from aae_lessons.models.wasserstein import (
    MMD,
    WAE,
    Adversarial,
    Config,
    SlicedWasserstein,
    moment_error,
)
from aae_lessons.objectives import (
    absolute_error,
    inverse_multiquadratics,
    perceptual_error,
    rbf,
    squared_error,
)
from aae_lessons.priors import Gaussian, GaussianMixture, Painted, SwissRoll
from aae_lessons.training import fit

SMALL = {"hidden": (16,), "pixels": 12}
PRIORS = {"Gaussian": Gaussian(2), "mixture": GaussianMixture(), "swiss roll": SwissRoll()}


def mean_gap(z, z_prior):
    """A discrepancy as a learner might write it: a plain function."""
    return (z.mean(0) - z_prior.mean(0)).square().sum()


class OwnDiscriminator(torch.nn.Module):
    """A trained discrepancy as a learner might write it: the means of a network's outputs."""

    lr = 1e-3

    def __init__(self, prior):
        super().__init__()
        self.network = torch.nn.Linear(prior.dim, 3)

    def forward(self, z, z_prior):
        return (self.network(z).mean(0) - self.network(z_prior).mean(0)).square().sum()

    def discriminator_loss(self, z, z_prior):
        return -self(z, z_prior)


DISCREPANCIES = {
    "adversarial": lambda prior: Adversarial(prior, (16,)),
    "adversarial, log p": lambda prior: Adversarial(prior, (16,), log_density=True),
    "MMD": lambda prior: MMD(inverse_multiquadratics(prior.dim)),
    "MMD, RBF": lambda prior: MMD(rbf(1.0)),
    "sliced": lambda prior: SlicedWasserstein(8),
    "own": lambda prior: mean_gap,
    "own, trained": OwnDiscriminator,
}


def make(name="adversarial", prior=None, cost=squared_error, **settings):
    prior = prior or Gaussian(2)
    config = Config(**SMALL, **settings)
    model = WAE(prior, cost, DISCREPANCIES[name](prior), config)
    return model, model.optimizers()


def make_batch(n=16):
    return Batch(torch.rand(n, 12), torch.arange(n) % 10)


# --------------------------------------------------------------------------- the equivalence


def run_both(prior, weight_aae, weight_wae, pixels=12, hidden=(16,), updates=200):
    torch.manual_seed(0)
    settings = {"hidden": hidden, "pixels": pixels}
    aae_config = adversarial.JointConfig(**settings, discriminator_hidden=(16,), weight=weight_aae)
    aae = adversarial.AAE(prior, aae_config).double()
    config = Config(**settings, weight=weight_wae)
    wae = WAE(prior, squared_error, Adversarial(prior, (16,)), config).double()
    wae.encoder.load_state_dict(aae.encoder.state_dict())
    wae.decoder.load_state_dict(aae.decoder.state_dict())
    wae.discrepancy.discriminator.load_state_dict(aae.discriminator.state_dict())
    for step, model in ((adversarial.joint_step, aae), (wasserstein.train_step, wae)):
        optimizers = model.optimizers()
        torch.manual_seed(1)
        for _ in range(updates):
            x = torch.rand(16, pixels, dtype=torch.float64)
            step(model, optimizers, Batch(x, torch.zeros(16, dtype=torch.int64)))
    ours = [wae.encoder, wae.decoder, wae.discrepancy.discriminator]
    theirs = [aae.encoder, aae.decoder, aae.discriminator]
    return [
        torch.equal(p, q)
        for a, b in zip(ours, theirs, strict=True)
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    ]


@pytest.mark.parametrize("prior", PRIORS)
def test_wae_with_squared_error_and_a_discriminator_is_the_aae_to_the_last_bit(prior):
    assert all(run_both(PRIORS[prior], 10.0, 10.0))


def test_the_equivalence_holds_at_full_size():
    assert all(run_both(Gaussian(2), 10.0, 10.0, pixels=784, hidden=(64, 64)))


def test_another_weight_is_another_model():
    assert not any(run_both(Gaussian(2), 10.0, 9.0, updates=20))


# ----------------------------------------------------------------------------- gradient flow


def networks_that_moved(model, before):
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(now[name], before[name])}


@pytest.mark.parametrize("name", DISCREPANCIES)
def test_each_phase_moves_its_networks_and_no_others(name):
    moves = {"autoencoder": {"encoder", "decoder"}}
    if name.startswith("adversarial") or name == "own, trained":
        moves["discriminator"] = {"discrepancy"}
    model, optimizers = make(name)
    assert set(optimizers) == set(moves)
    for phase in moves:
        model, optimizers = make(name)
        for other, optimizer in optimizers.items():
            optimizer.param_groups[0]["lr"] *= other == phase
        before = copy.deepcopy(model.state_dict())
        wasserstein.train_step(model, optimizers, make_batch())
        assert networks_that_moved(model, before) == moves[phase]


@pytest.mark.parametrize("name", ["adversarial", "adversarial, log p"])
def test_the_discriminators_loss_does_not_reach_the_encoder(name, watch_descents):
    """The test that a removed detach() fails."""
    model, optimizers = make(name)
    reached = watch_descents(wasserstein, model, optimizers)
    wasserstein.train_step(model, optimizers, make_batch())
    assert reached["discriminator"] == {"discrepancy"}
    assert reached["autoencoder"] == {"encoder", "decoder", "discrepancy"}


@pytest.mark.parametrize("name", DISCREPANCIES)
def test_poisoned_stale_gradients_change_nothing(name):
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan):
        torch.manual_seed(0)
        model, optimizers = make(name)
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            wasserstein.train_step(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("name", DISCREPANCIES)
def test_losses_are_detached_scalars(name):
    model, optimizers = make(name)
    losses = wasserstein.train_step(model, optimizers, make_batch())
    assert {"cost", "discrepancy"} <= set(losses)
    assert ("discriminator" in losses) == (
        name.startswith("adversarial") or name == "own, trained"
    )
    assert all(loss.dim() == 0 and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("name", ["MMD", "sliced", "own"])
def test_the_step_descends_cost_plus_lambda_discrepancy(name):
    """A user's cost and discrepancy included; the same update by plain autograd."""

    def cost(logits, x):
        return (logits - x).abs().mean()

    model, optimizers = make(name, cost=cost, weight=3.0)
    other = copy.deepcopy(model)
    parameters = [*other.encoder.parameters(), *other.decoder.parameters()]
    adam = torch.optim.Adam(parameters, model.config.lr, (model.config.beta1, 0.999))
    batch = make_batch()
    torch.manual_seed(3)
    wasserstein.train_step(model, optimizers, batch)
    torch.manual_seed(3)
    z = other.encoder(batch.x)
    z_prior = other.prior.sample(16)
    (cost(other.decoder(z), batch.x) + 3.0 * other.discrepancy(z, z_prior)).backward()
    adam.step()
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_a_gaussian_encoder_draws():
    model, _ = make("MMD", gaussian_posterior=True)
    x = torch.rand(5, 12)
    assert model.encode(x).shape == (5, 2)
    assert not torch.equal(model.encode(x), model.encode(x))
    model, _ = make("MMD")
    assert torch.equal(model.encode(x), model.encode(x))


# --------------------------------------------------------------------- costs, discrepancies


def test_the_log_density_is_added_to_the_discriminators_logits():
    prior = Gaussian(2)
    discriminator = Adversarial(prior, (16,), log_density=True)
    z = torch.randn(6, 2)
    expected = discriminator.discriminator(z) - 0.5 * z.square().sum(1) - math.log(2 * math.pi)
    torch.testing.assert_close(discriminator.logits(z), expected)
    plain = Adversarial(prior, (16,))
    torch.testing.assert_close(plain.logits(z), plain.discriminator(z))


def test_the_discriminator_learns_that_prior_samples_are_real():
    model, optimizers = make("adversarial")
    optimizers["autoencoder"].param_groups[0]["lr"] = 0.0
    optimizers["discriminator"].param_groups[0]["lr"] = 1e-2
    for _ in range(200):
        wasserstein.train_step(model, optimizers, make_batch())
    discriminator, codes = model.discrepancy, model.encode(torch.rand(300, 12))
    assert (
        discriminator.logits(model.prior.sample(300)).mean()
        > discriminator.logits(codes).mean() + 1
    )
    assert discriminator(model.prior.sample(300), None) < discriminator(codes, None)


def test_costs_by_hand():
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    x = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert absolute_error(logits, x).item() == pytest.approx(0.5)  # (½ + ½ + 0 + 0) / 2
    assert perceptual_error(lambda x: x)(logits, x) == squared_error(logits, x)
    doubled = perceptual_error(lambda x: 2 * x)(logits, x)
    assert doubled.item() == pytest.approx(4 * squared_error(logits, x).item())


def test_the_perceptual_cost_looks_through_a_classifier_at_the_decoder():
    classifier = DigitClassifier().eval()
    logits = torch.randn(2, 784, requires_grad=True)
    cost = perceptual_error(classifier.activations)(logits, torch.rand(2, 784))
    assert cost.item() > 0
    assert torch.autograd.grad(cost, logits)[0].abs().sum() > 0
    x = torch.rand(2, 784) * 0.98 + 0.01
    assert perceptual_error(classifier.activations)(x.logit(), x).item() == pytest.approx(
        0, abs=1e-6
    )


# ------------------------------------------------------------------------------- pre-training


def test_moment_error_by_hand():
    z = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    same_spread = z + torch.tensor([0.0, 3.0])
    assert moment_error(z, z).item() == 0
    assert moment_error(z, same_spread).item() == pytest.approx(9.0)
    assert moment_error(z, 2 * z).item() == pytest.approx(1.0 + 36.0)  # variances 2 and 8
    assert moment_error(z[:, :1], 2 * z[:, :1]).item() == pytest.approx(1.0 + 36.0)


def test_pre_training_gives_codes_the_priors_moments():
    torch.manual_seed(0)
    images = ImageSet(
        torch.randint(256, (2000, 1, 1, 12), dtype=torch.uint8), torch.zeros(2000).long()
    )
    model, _ = make("MMD", prior=Gaussian(2, std=2.0))
    before = copy.deepcopy(model.state_dict())
    batches = [b for e in range(40) for b in Minibatches(images, 400).epoch(e)]
    wasserstein.match_moments(model, batches, lr=5e-3)
    z = model.encode(images.x)
    assert z.mean(0).tolist() == pytest.approx([0, 0], abs=0.3)
    assert z.std(0).tolist() == pytest.approx([2, 2], rel=0.15)
    assert networks_that_moved(model, before) == {"encoder"}


@pytest.mark.parametrize("name", [name for name in DISCREPANCIES if "own" not in name])
def test_a_short_run_brings_codes_to_the_prior(digits, name):
    torch.manual_seed(0)
    prior = Gaussian(2)
    config = Config(hidden=(64,), weight=30.0, lr=2e-3)
    discrepancy = DISCREPANCIES[name](prior)
    if isinstance(discrepancy, Adversarial):
        discrepancy.lr = 2e-3
    model = WAE(prior, squared_error, discrepancy, config)
    batches = Minibatches(digits, 100)
    history = fit(wasserstein.train_step, model, batches, 60, log_every=20, progress=False)
    z = model.encode(digits.x)
    assert z.mean(0).tolist() == pytest.approx([0, 0], abs=0.4)
    assert z.std(0).tolist() == pytest.approx([1, 1], abs=0.4)
    assert history.losses["cost"][-1] < 0.8 * history.losses["cost"][0]


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Config(weight=-1.0), "weight"),
        (lambda: Config(lr=0.0), "lr"),
        (lambda: Adversarial(Gaussian(2), lr=0.0), "lr"),
        (lambda: SlicedWasserstein(0), "directions"),
        (lambda: WAE(Gaussian(2), "squared", mean_gap), "cost"),
        (lambda: WAE(Gaussian(2), squared_error, "mmd"), "discrepancy"),
        (lambda: Adversarial(Painted(torch.rand(9, 2)), log_density=True), "prior"),
        (lambda: MMD(rbf(1.0))(torch.rand(1, 2), torch.rand(5, 2)), "z"),
        (lambda: MMD(rbf(1.0))(torch.rand(5, 3), torch.rand(5, 2)), "z_prior"),
        (lambda: SlicedWasserstein()(torch.rand(5, 3), torch.rand(5, 2)), "z_prior"),
        (lambda: Adversarial(Gaussian(2))(torch.rand(5, 3), None), "z"),
        (lambda: make()[0].encode(torch.rand(2, 11)), "x"),
        (lambda: make()[0].decode(torch.rand(2, 3)), "z"),
        (lambda: wasserstein.match_moments(make()[0], []), "batches"),
        (lambda: wasserstein.match_moments(make()[0], [make_batch(2)]), "batches"),
        (lambda: moment_error(torch.rand(5, 2), torch.rand(5, 3)), "z and z_prior"),
        (lambda: absolute_error(torch.rand(5, 2), torch.rand(5, 3)), "logits and x"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


def test_weights_that_no_phase_would_train_are_refused():
    """Without discriminator_loss and lr a discrepancy would keep its first weights, silently."""
    untrained = torch.nn.Bilinear(2, 2, 1)
    no_rate = torch.nn.Linear(2, 1)
    no_rate.discriminator_loss = lambda z, z_prior: (no_rate(z) - no_rate(z_prior)).mean()
    for wrong in (untrained, no_rate):
        with pytest.raises(ValueError, match=r"^discrepancy: .*discriminator_loss and lr"):
            WAE(Gaussian(2), squared_error, wrong, Config(**SMALL))
    WAE(Gaussian(2), squared_error, untrained.requires_grad_(False), Config(**SMALL))


@pytest.mark.parametrize("prior", [3, None, Gaussian], ids=str)
def test_what_is_no_prior_is_refused(prior):
    for build in (
        lambda: adversarial.AAE(prior),
        lambda: WAE(prior, squared_error, mean_gap, Config(**SMALL)),
    ):
        with pytest.raises(ValueError, match=r"^prior"):
            build()
