"""Priors have the moments, densities and class pieces they say they have."""

import math

import pytest
import torch
from scipy.stats import ks_2samp, kstest
from torch import distributions

from aae_lessons.priors import Categorical, Gaussian, GaussianMixture, Painted, SwissRoll

N = 20_000
TOO_UNLIKELY = 1e-4  # a p-value that 20 honest tests would hardly see; the seed is fixed


def directions(dim, n=8):
    result = torch.randn(dim, n)
    return result / result.norm(dim=0)


def assert_same_distribution(a, b):
    """Two-sample Kolmogorov-Smirnov tests on random projections."""
    assert a.shape[1] == b.shape[1]
    theta = directions(a.shape[1])
    for i in range(theta.shape[1]):
        p = ks_2samp((a @ theta[:, i]).numpy(), (b @ theta[:, i]).numpy()).pvalue
        assert p > TOO_UNLIKELY, f"projection {i}: p = {p}"


def mixture_by_torch(prior):
    """The same mixture from torch.distributions, by full covariances."""
    angle = torch.arange(prior.components, dtype=torch.float64) * 2 * math.pi / prior.components
    out = torch.stack([angle.cos(), angle.sin()], 1)
    side = torch.stack([-angle.sin(), angle.cos()], 1)
    along, across = out[:, :, None] * out[:, None], side[:, :, None] * side[:, None]
    covariance = prior.radial_std**2 * along + prior.tangential_std**2 * across
    parts = distributions.MultivariateNormal(prior.radius * out, covariance)
    weights = distributions.Categorical(torch.ones(prior.components, dtype=torch.float64))
    return distributions.MixtureSameFamily(weights, parts)


MIXTURES = [
    GaussianMixture(),
    GaussianMixture(components=3, radius=2.0, radial_std=0.2, tangential_std=0.4),
]
ALL = [
    Gaussian(),
    Gaussian(5, 2.0),
    *MIXTURES,
    SwissRoll(),
    Categorical(),
    Categorical(3),
    Painted(torch.randn(50, 2)),
]


@pytest.mark.parametrize("prior", ALL, ids=lambda p: type(p).__name__)
def test_samples_have_their_shape_and_follow_the_seed(prior, device):
    torch.manual_seed(1)
    first = prior.sample(7, device)
    torch.manual_seed(1)
    second = prior.sample(7, device)
    assert first.shape == (7, prior.dim) and first.dtype == torch.float32
    assert first.device.type == device.type
    assert torch.equal(first, second)
    assert not torch.equal(first, prior.sample(7, device)) or isinstance(prior, Categorical)


# ------------------------------------------------------------------------------ Gaussian


@pytest.mark.parametrize(("dim", "std"), [(1, 1.0), (2, 1.0), (2, 5.0), (15, 0.5)])
def test_gaussian_moments_and_density(dim, std):
    prior = Gaussian(dim, std)
    z = prior.sample(N)
    assert z.mean(0).abs().max() < 5 * std / math.sqrt(N)
    torch.testing.assert_close(
        z.T.cov().reshape(dim, dim), std**2 * torch.eye(dim), atol=0.06 * std**2, rtol=0
    )
    for d in range(dim):
        assert kstest(z[:, d].numpy(), "norm", (0, std)).pvalue > TOO_UNLIKELY
    expected = distributions.Normal(0.0, std).log_prob(z).sum(1)
    torch.testing.assert_close(prior.log_prob(z), expected)


# ------------------------------------------------------------------------------- mixture


@pytest.mark.parametrize("prior", MIXTURES)
def test_mixture_follows_torch_distributions(prior):
    reference = mixture_by_torch(prior)
    assert_same_distribution(prior.sample(N), reference.sample((N,)).float())
    z = 2 * torch.randn(500, 2, dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), reference.log_prob(z))


@pytest.mark.parametrize("prior", MIXTURES)
def test_mixture_density_integrates_to_one(prior):
    axis = torch.linspace(-5, 5, 801, dtype=torch.float64)
    cell = (axis[1] - axis[0]).item() ** 2
    total = prior.log_prob(torch.cartesian_prod(axis, axis)).exp().sum().item() * cell
    assert total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("prior", MIXTURES)
def test_mixture_mean_and_covariance(prior):
    z = prior.sample(N)
    assert z.mean(0).abs().max() < 0.05
    one_axis = (prior.radius**2 + prior.radial_std**2 + prior.tangential_std**2) / 2
    torch.testing.assert_close(z.T.cov(), one_axis * torch.eye(2), atol=0.06, rtol=0)


@pytest.mark.parametrize("prior", MIXTURES)
def test_class_k_is_drawn_from_component_k(prior):
    for k in range(prior.components):
        z = prior.sample_given(torch.full((4000,), k))
        angle = 2 * math.pi * k / prior.components
        out = torch.tensor([math.cos(angle), math.sin(angle)])
        side = torch.tensor([-math.sin(angle), math.cos(angle)])
        assert (z @ out).mean().item() == pytest.approx(prior.radius, abs=0.04)
        assert (z @ out).std().item() == pytest.approx(prior.radial_std, rel=0.08)
        assert (z @ side).mean().item() == pytest.approx(0, abs=0.04)
        assert (z @ side).std().item() == pytest.approx(prior.tangential_std, rel=0.08)


def test_nearest_finds_the_component_a_code_came_from():
    prior = GaussianMixture()
    label = torch.arange(10).repeat(400)
    result = prior.nearest(prior.sample_given(label))
    assert (result == label).float().mean() > 0.9
    angle = torch.arange(10) * 2 * math.pi / 10
    means = prior.radius * torch.stack([angle.cos(), angle.sin()], 1)
    assert prior.nearest(means).tolist() == list(range(10))


# ---------------------------------------------------------------------------- swiss roll


def test_swiss_roll_without_noise_is_the_curve():
    prior = SwissRoll(turns=2.0, size=3.0, noise=0.0)
    radius = prior.sample(N).norm(dim=1)
    u = (radius / 3).square()  # radius = size·√u with u uniform
    assert kstest(u.numpy(), "uniform").pvalue > TOO_UNLIKELY
    curve = prior.curve(torch.tensor([0.0, 1 / 16, 1 / 4, 1.0]))
    expected = torch.tensor([[0, 0], [-0.75, 0], [1.5, 0], [3, 0]])  # 0, ½, 1 and 2 turns
    torch.testing.assert_close(curve, expected, atol=1e-5, rtol=0)


def test_swiss_roll_density_is_even_along_its_length():
    u = torch.linspace(0.2, 1, 200, dtype=torch.float64)  # the centre is wound tightest
    length = SwissRoll().curve(u).diff(dim=0).norm(dim=1)
    assert length.max() / length.min() < 1.1


def test_swiss_roll_noise_is_its_thickness():
    torch.manual_seed(5)
    clean = SwissRoll(noise=0.0).sample(N)
    torch.manual_seed(5)
    noise = SwissRoll(noise=0.3).sample(N) - clean
    assert noise.std(0).tolist() == pytest.approx([0.3, 0.3], rel=0.03)


def test_swiss_roll_log_prob_is_a_density():
    """It sums to 1 over the plane, and its mean over draws is minus the entropy of the grid."""
    line = torch.linspace(-4, 4, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    log_density = SwissRoll().log_prob(grid)
    mass = log_density.exp() * (line[1] - line[0]) ** 2
    assert mass.sum().item() == pytest.approx(1, abs=1e-3)
    torch.manual_seed(6)
    drawn = SwissRoll().log_prob(SwissRoll().sample(20_000))
    assert drawn.mean().item() == pytest.approx((mass * log_density).sum().item(), abs=0.03)


def test_a_swiss_roll_without_thickness_has_no_density():
    with pytest.raises(ValueError, match=r"^noise"):
        SwissRoll(noise=0.0).log_prob(torch.zeros(1, 2))


def test_swiss_roll_class_k_is_piece_k():
    prior = SwissRoll(noise=0.0)
    label = torch.arange(10).repeat(200)
    u = (prior.sample_given(label).norm(dim=1) / prior.size).square()
    assert (u > label / 10 - 1e-4).all() and (u < (label + 1) / 10 + 1e-4).all()
    fourth = u[label == 4] * 10 - 4
    assert kstest(fourth.numpy(), "uniform").pvalue > TOO_UNLIKELY


# --------------------------------------------------------------------------- categorical


@pytest.mark.parametrize("classes", [2, 10])
def test_categorical_draws_one_hot_rows_evenly(classes):
    prior = Categorical(classes)
    y = prior.sample(N)
    assert ((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all()
    assert y.mean(0).tolist() == pytest.approx([1 / classes] * classes, abs=0.015)
    expected = distributions.OneHotCategorical(torch.ones(classes)).log_prob(y)
    torch.testing.assert_close(prior.log_prob(y), expected)
    label = torch.arange(classes)
    assert torch.equal(prior.sample_given(label), torch.eye(classes))


# ------------------------------------------------------------------------------ no label


@pytest.mark.parametrize("prior", [*MIXTURES, SwissRoll(), Categorical()])
def test_no_label_draws_from_the_whole_prior(prior):
    inputs = prior.sample_given(torch.full((N,), -1))
    assert inputs.shape == (N, prior.dim)
    assert_same_distribution(inputs, prior.sample(N))


@pytest.mark.parametrize("prior", [GaussianMixture(), SwissRoll(noise=0.0), Categorical()])
def test_labels_and_no_labels_mix_in_one_batch(prior):
    label = torch.tensor([3, -1]).repeat(3000)
    z = prior.sample_given(label)
    assert_same_distribution(z[label == 3], prior.sample_given(torch.full((N,), 3)))
    assert_same_distribution(z[label == -1], prior.sample(N))


# ------------------------------------------------------------------------------- painted


def test_painted_points_are_centred_and_scaled_with_their_shape_kept():
    points = torch.tensor([1.0, 4.0]) * torch.randn(4000, 2) + torch.tensor([100.0, -50.0])
    prior = Painted(points, bandwidth=0.0, scale=2.0)
    z = prior.sample(N)
    assert z.mean(0).abs().max() < 0.15
    assert z.square().mean().sqrt().item() == pytest.approx(2, rel=0.03)
    assert (z[:, 1].std() / z[:, 0].std()).item() == pytest.approx(4, rel=0.05)
    assert_same_distribution(z, prior.points)


def test_painted_blur_is_in_units_of_scale():
    points = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    z = Painted(points, bandwidth=0.05, scale=3.0).sample(N)
    assert ((z - z.sign() * 3).std(0) - 0.15).abs().max() < 0.005


def test_the_top_of_a_picture_is_up_and_its_right_is_right():
    picture = torch.zeros(20, 20)
    picture[:4, :4] = 1.0  # a blot top left
    picture[-4:, -4:] = 3.0  # a darker one bottom right
    z = Painted.from_picture(picture).sample(N)
    top = z[:, 1] > 0
    assert (z[top, 0] < 0).all() and (z[~top, 0] > 0).all()
    assert top.float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_a_picture_is_spread_evenly_inside_each_pixel():
    z = Painted.from_picture(torch.ones(1, 4)).sample(N)
    x = z[:, 0] - z[:, 0].min()
    assert kstest((x / x.max()).numpy(), "uniform").pvalue > TOO_UNLIKELY
    assert (z[:, 0].std() / z[:, 1].std()).item() == pytest.approx(4, rel=0.03)


def test_a_picture_gives_the_same_points_for_the_same_seed():
    picture = torch.rand(8, 8)
    first, again, other = (Painted.from_picture(picture, 100, seed=s).points for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_distance_to_the_nearest_mode_is_in_standard_deviations():
    prior = GaussianMixture(2, radius=3.0, radial_std=0.5, tangential_std=0.1)
    z = torch.tensor([[3.0, 0.0], [3.5, 0.0], [3.0, 0.2], [-3.0, 0.1], [4.0, -0.1]])
    expected = torch.tensor([0.0, 1.0, 2.0, 1.0, 5.0**0.5])
    torch.testing.assert_close(prior.distance_to_mode(z), expected, atol=2e-3, rtol=1e-3)
