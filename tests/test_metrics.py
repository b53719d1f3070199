"""Measures give known values where those are known, and leave the random state alone."""

import math

import pytest
import torch
from torch import nn

from aae_lessons import metrics, references
from aae_lessons.metrics import match
from aae_lessons.models import classifier
from aae_lessons.networks import mlp
from aae_lessons.priors import Gaussian, GaussianMixture, Painted

DRAWN = Painted(torch.rand(50, 2))
PRIOR = Gaussian(2)


UPDATES = 500  # of a two-sample test here: these differences are learned sooner than by default


@pytest.fixture
def matched():
    torch.manual_seed(3)
    return PRIOR.sample(4000)


def test_the_fixed_classifier_keeps_no_graph_but_passes_gradients_on():
    fixed = references.classifier()
    assert not fixed.features(torch.rand(3, 784)).requires_grad
    x = torch.rand(3, 784, requires_grad=True)
    fixed.activations(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_the_classifier_takes_many_images_in_parts(monkeypatch):
    model = classifier.DigitClassifier().eval()
    x = torch.rand(23, 784)
    whole = model(x), model.features(x)
    monkeypatch.setattr(classifier, "ROWS", 10)
    for parts, expected in zip((model(x), model.features(x)), whole, strict=True):
        torch.testing.assert_close(parts, expected)


def test_a_perfect_match(matched):
    accuracy = metrics.c2st_accuracy(matched, PRIOR, updates=UPDATES)
    assert accuracy == pytest.approx(0.5, abs=0.025)
    assert metrics.sliced_wasserstein_over_floor(matched, PRIOR) == pytest.approx(1, abs=0.35)
    assert metrics.mmd_over_floor(matched, PRIOR) < 2


def test_an_unknown_mismatch_is_seen_by_all(matched):
    z = matched + 0.5
    # the best classifier of N(0.5, I) against N(0, I) in 2-D: the line halfway, Φ(‖0.5‖/2)
    best = torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(0.5**0.5 / 2)).item()
    assert metrics.c2st_accuracy(z, PRIOR, updates=UPDATES) == pytest.approx(best, abs=0.02)
    assert metrics.sliced_wasserstein_over_floor(z, PRIOR) > 8
    assert metrics.mmd_over_floor(z, PRIOR) > 8


def test_a_hole_that_moments_miss_is_seen(matched):
    ring = matched / matched.norm(dim=1, keepdim=True) * 2**0.5  # same mean, same variance
    assert metrics.c2st_accuracy(ring, PRIOR) > 0.9


def test_a_classifier_that_sees_the_density_finds_gaps_sooner():
    """Three in ten samples of a ring turn into its gaps, as in lesson 2."""
    torch.manual_seed(0)
    ring, half = GaussianMixture(), torch.tensor(math.pi / 10)
    z = ring.sample(10_000)
    null = metrics.c2st_accuracy(z, ring, updates=UPDATES, density=True)
    assert null == pytest.approx(0.5, abs=0.02)
    turn = torch.tensor([[half.cos(), half.sin()], [-half.sin(), half.cos()]])
    z[:3000] = z[:3000] @ turn
    more = ring.sample(50_000)
    ratio = (ring.log_prob(more @ turn.T) - ring.log_prob(more)).exp()  # the turned ring's density
    best = 0.5 + 0.5 * 0.3 * (1 - ratio).clamp(min=0).mean().item()  # by the total variation
    plain, informed = (
        metrics.c2st_accuracy(z, ring, updates=UPDATES, density=sees) for sees in (False, True)
    )
    assert plain < best - 0.03 < informed < best + 0.015


@pytest.mark.parametrize(
    "measure",
    [
        lambda z: metrics.c2st_accuracy(z, PRIOR, updates=20),
        lambda z: metrics.c2st_accuracy(z, PRIOR, updates=20, density=True),
        lambda z: metrics.sliced_wasserstein_over_floor(z, PRIOR),
        lambda z: metrics.mmd_over_floor(z, PRIOR),
    ],
)
def test_looking_changes_nothing_and_repeats(measure, matched):
    before = torch.get_rng_state()
    first = measure(matched)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)
    assert measure(matched) == first


def test_moments():
    result = metrics.moments(torch.tensor([[0.0, 1.0], [2.0, 1.0]]))
    assert result["mean"] == [1.0, 1.0]
    assert result["std"] == pytest.approx([2**0.5, 0.0])


def test_component_accuracy():
    prior, labels = GaussianMixture(), torch.arange(1000) % 10
    torch.manual_seed(0)
    z = prior.sample_given(labels)
    assert metrics.component_accuracy(z, labels, prior) > 0.95
    assert metrics.component_accuracy(z, (labels + 1) % 10, prior) < 0.05


def test_reconstruction_mse():
    x = torch.full((3, 784), 0.5)
    assert metrics.reconstruction_mse(lambda x: x + 0.1, x) == pytest.approx(0.01)


def test_reconstruction_mse_of_many_images_is_the_mean_over_all():
    """They go through the model in parts, the last of which is smaller."""
    torch.manual_seed(0)
    x, sizes = torch.rand(2500, 3), []
    shift = torch.arange(2500.0) / 2500

    def model(part):
        start = sum(sizes)
        sizes.append(len(part))
        return part + shift[start : start + len(part), None]

    assert metrics.reconstruction_mse(model, x) == pytest.approx(shift.square().mean().item())
    assert sum(sizes) == 2500 and max(sizes) < 2500


def test_dead_units():
    network = mlp((2, 4, 1), nn.ReLU)
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].bias.copy_(torch.tensor([-1.0, -1.0, -1.0, 1.0]))
    assert metrics.dead_units(network, torch.randn(10, 2)) == [0.75]


def test_sample_quality():
    logits = torch.eye(10) * 50
    result = metrics.sample_quality(torch.rand(10, 784), lambda x: logits)
    assert result["confidence"] == pytest.approx(1)
    assert result["coverage"] == pytest.approx(1)
    one = metrics.sample_quality(torch.rand(10, 784), lambda x: logits[:1].repeat(10, 1))
    assert one["coverage"] == pytest.approx(0.1)


def test_error_percent():
    x, labels = torch.rand(4, 784), torch.tensor([0, 1, 1, 1])
    assert metrics.error_percent(x, labels, lambda x: torch.eye(4)[[0, 1, 1, 0]]) == 25.0


def test_frechet_distance_of_gaussians():
    torch.manual_seed(0)
    a = torch.randn(20_000, 3, dtype=torch.float64)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    # N(0, I) against N(1, 4·I): ‖1‖² + 3·(1 − 2)² = 6
    assert metrics.frechet_distance(a, 2 * a + 1) == pytest.approx(6, abs=0.2)


def test_mass_at_modes_is_known_for_the_prior_and_its_modes():
    # blades far apart: then 1 − exp(−½) of the draws are within one standard deviation
    prior = GaussianMixture(4, radius=20.0)
    torch.manual_seed(0)
    result = metrics.mass_at_modes(prior.sample(100_000), prior)
    assert result["mass_at_modes"] == pytest.approx(1 - math.exp(-0.5), abs=0.006)
    assert result["mass_between_modes"] == pytest.approx(math.exp(-4.5), abs=0.002)
    mode = torch.tensor([[20.0, 0.0], [0.0, 20.0]])
    assert metrics.mass_at_modes(mode, prior)["mass_at_modes"] == 1.0
    assert metrics.mass_at_modes(torch.zeros(1, 2), prior)["mass_between_modes"] == 1.0


def test_the_parts_of_the_kl_add_up_and_are_known_where_q_is():
    """Posteriors N(m, s²), m ~ N(0, 1 − s²): all codes together are N(0, 1)."""
    torch.manual_seed(1)  # not the seed of the draws: they would be these very numbers
    s = 0.5
    mean = math.sqrt(1 - s**2) * torch.randn(4000, 1)
    result = metrics.kl_parts(mean, torch.full_like(mean, 2 * math.log(s)), Gaussian(1))
    assert result["kl"] == pytest.approx(
        result["mutual_information"] + result["marginal_kl"], abs=1e-5
    )
    assert result["mutual_information"] == pytest.approx(-math.log(s), abs=0.03)
    assert result["marginal_kl"] == pytest.approx(0, abs=0.01)
    far = metrics.kl_parts(mean + 2, torch.full_like(mean, 2 * math.log(s)), Gaussian(1))
    assert far["mutual_information"] == pytest.approx(-math.log(s), abs=0.03)
    assert far["marginal_kl"] == pytest.approx(2, abs=0.1)  # ½·2²


def test_sharpness_falls_with_blur():
    stripes = (torch.arange(784) % 2).float().repeat(3, 1)
    assert metrics.sharpness(stripes) == pytest.approx(4.0)  # ±2 at every inner pixel
    assert metrics.sharpness(torch.full((2, 784), 0.7)) == pytest.approx(0, abs=1e-9)
    assert metrics.sharpness(0.5 * stripes) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: metrics.mass_at_modes(torch.randn(5, 2), PRIOR), "prior"),
        (lambda: metrics.kl_parts(torch.randn(5, 2), torch.randn(5, 2), DRAWN), "prior"),
        (lambda: metrics.sharpness(torch.rand(2, 700)), "x"),
        (lambda: metrics.c2st_accuracy(torch.randn(100, 3), PRIOR), "z"),
        (lambda: metrics.c2st_accuracy(torch.randn(10, 2), PRIOR), "z"),
        (lambda: metrics.c2st_accuracy(torch.full((100, 2), torch.nan), PRIOR), "z"),
        (lambda: metrics.c2st_accuracy(torch.randn(100, 2), PRIOR, updates=0), "updates"),
        (lambda: metrics.c2st_accuracy(torch.randn(100, 2), DRAWN, density=True), "prior"),
        (lambda: metrics.moments(torch.randn(1, 2)), "z"),
        (lambda: metrics.frechet_distance(torch.randn(5, 2), torch.randn(5, 3)), "features_b"),
        (lambda: metrics.error_percent(torch.rand(2, 784), torch.zeros(3), None), "labels"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


def test_the_two_sample_test_is_evaluated_on_codes_that_it_was_not_trained_on():
    """Forty codes of the prior itself: learned by heart they can all be told, others cannot."""
    z = Gaussian(2).sample(40)
    held_out = [metrics.c2st_accuracy(z, Gaussian(2), seed, updates=500) for seed in range(3)]
    assert sum(held_out) / 3 < 0.62


def test_the_seed_of_mmd_chooses_codes_and_prior_samples(monkeypatch):
    monkeypatch.setattr("aae_lessons.metrics.match.MMD_ROWS", 100)
    z = Gaussian(2).sample(150) + 0.3
    first, again, other = (metrics.mmd_over_floor(z, Gaussian(2), seed) for seed in (0, 0, 1))
    assert first == again != other
    # the seed chooses among all codes, not the first ones
    spoilt = torch.cat([z[:100], z[100:] + 50])
    assert metrics.mmd_over_floor(spoilt, Gaussian(2), 0) > 1.5 * first


def test_each_seed_of_mmd_chooses_its_own_codes(monkeypatch):
    monkeypatch.setattr("aae_lessons.metrics.match.MMD_ROWS", 20)
    chosen = []
    monkeypatch.setattr(
        "aae_lessons.metrics.match._over_floor", lambda z, *rest: chosen.append(z) or 1.0
    )
    z = Gaussian(2).sample(150)
    for seed in (0, 0, 1):
        metrics.mmd_over_floor(z, Gaussian(2), seed)
    assert torch.equal(chosen[0], chosen[1]) and not torch.equal(chosen[0], chosen[2])


class Movable(Gaussian):
    """A Gaussian whose spread can be changed in place, as a learned prior's."""

    scale = 1.0

    def sample(self, n, device=None):
        return self.scale * super().sample(n, device)


@pytest.mark.parametrize("measure", ["sliced_wasserstein_over_floor", "mmd_over_floor"])
def test_a_floor_is_computed_once_per_prior_and_changes_nothing(measure, monkeypatch):
    measure, prior, z = getattr(metrics, measure), Movable(2), torch.randn(200, 2) + 1
    monkeypatch.setattr(match, "_floors", {})
    before = torch.get_rng_state()
    first = measure(z, prior)
    assert len(match._floors) == 1 and measure(z, prior) == first
    assert len(match._floors) == 1 and torch.equal(torch.get_rng_state(), before)
    measure(z, prior, seed=1)
    assert len(match._floors) == 2  # other draws
    monkeypatch.setattr(Movable, "scale", 3.0)
    wider = measure(z, prior)
    assert len(match._floors) == 3
    match._floors.clear()
    assert measure(z, prior) == wider != first
