"""The KL in closed form and by sampling, the ELBO's sign and reductions, the VAE's step."""

import copy
import math

import pytest
import torch
from torch import distributions
from torch.nn import functional as F

from aae_lessons.data import Batch, Minibatches
from aae_lessons.models import variational
from aae_lessons.models.variational import VAE, Config, reparameterise
from aae_lessons.objectives import (
    gaussian_kl,
    gaussian_log_prob,
    monte_carlo_kl,
    squared_error,
)
from aae_lessons.priors import Gaussian, GaussianMixture, Painted
from aae_lessons.references.recipes import RECIPES
from aae_lessons.references.recipes.variational import FullCovarianceVAE, full_covariance_step
from aae_lessons.training import fit

SMALL = Config(hidden=(24,), pixels=12)


def make(prior=None, config=SMALL):
    model = VAE(prior or Gaussian(2), config)
    return model, model.optimizers()


def make_batch(n=16):
    return Batch(torch.rand(n, 12), torch.arange(n) % 10)


def posterior(n, dim, dtype=torch.float64):
    return torch.randn(n, dim, dtype=dtype), torch.randn(n, dim, dtype=dtype)


def normal(mean, log_variance):
    return distributions.Independent(distributions.Normal(mean, (0.5 * log_variance).exp()), 1)


# ------------------------------------------------------------------------------ the KL


@pytest.mark.parametrize("seed", range(100))
def test_closed_form_and_log_prob_are_those_of_torch_distributions(seed):
    torch.manual_seed(seed)
    dim, std = 1 + seed % 64, 0.5 + seed / 50
    mean, log_variance = posterior(5, dim)
    prior = normal(torch.zeros_like(mean), torch.full_like(mean, 2 * math.log(std)))
    expected = distributions.kl_divergence(normal(mean, log_variance), prior).mean()
    assert gaussian_kl(mean, log_variance, std).item() == pytest.approx(expected.item(), rel=1e-9)
    z = torch.randn_like(mean)
    expected = normal(mean, log_variance).log_prob(z)
    torch.testing.assert_close(gaussian_log_prob(z, mean, log_variance), expected)


def test_closed_form_by_hand():
    one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    assert gaussian_kl(one, zero).item() == pytest.approx(0.5)
    assert gaussian_kl(zero, zero).item() == 0.0
    assert gaussian_kl(zero, math.log(4) * one).item() == pytest.approx((4 - 1 - math.log(4)) / 2)
    # a sum over dimensions, a mean over the batch
    assert gaussian_kl(torch.ones(3, 8), torch.zeros(3, 8)).item() == pytest.approx(4.0)


def mixture_of_torch(prior):
    """The same mixture, built from torch.distributions."""
    angle = torch.arange(prior.components) * (2 * math.pi / prior.components)
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)],
        1,
    )
    spread = torch.diag(torch.tensor([prior.radial_std, prior.tangential_std]) ** 2)
    components = distributions.MultivariateNormal(
        turn @ torch.tensor([prior.radius, 0.0]), turn @ spread @ turn.transpose(1, 2)
    )
    even = distributions.Categorical(torch.ones(prior.components))
    return distributions.MixtureSameFamily(even, components)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("prior", [Gaussian(2), GaussianMixture()], ids=["Gaussian", "mixture"])
def test_monte_carlo_is_within_four_standard_errors(prior, seed):
    torch.manual_seed(seed)
    mean, log_variance = torch.randn(1, 2), torch.randn(1, 2) - 1
    n = 100_000
    many = mean.expand(n, -1), log_variance.expand(n, -1)
    z = reparameterise(*many)
    result = monte_carlo_kl(z, *many, prior.log_prob).item()
    torch_prior = normal(torch.zeros(2), torch.zeros(2)) if isinstance(prior, Gaussian) else None
    log_p = (torch_prior or mixture_of_torch(prior)).log_prob
    fresh = mean + (0.5 * log_variance).exp() * torch.randn(n, 2)
    values = normal(mean, log_variance).log_prob(fresh) - log_p(fresh)
    error = values.std().item() / math.sqrt(n)
    if isinstance(prior, Gaussian):
        assert abs(result - gaussian_kl(mean, log_variance).item()) < 4 * error
    assert abs(result - values.mean().item()) < 4 * math.sqrt(2) * error
    values = normal(mean, log_variance).log_prob(z) - log_p(z)  # the same draws: the same number
    assert result == pytest.approx(values.mean().item(), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("prior", [Gaussian(2), GaussianMixture()], ids=["Gaussian", "mixture"])
def test_gradients(prior):
    mean, log_variance = (t.requires_grad_() for t in posterior(4, 2))
    eps = torch.randn(4, 2, dtype=torch.float64)

    def estimate(mean, log_variance):
        z = mean + (0.5 * log_variance).exp() * eps
        return monte_carlo_kl(z, mean, log_variance, prior.log_prob)

    assert torch.autograd.gradcheck(gaussian_kl, (mean, log_variance))
    assert torch.autograd.gradcheck(estimate, (mean, log_variance))


# ----------------------------------------------------------------------- reparameterisation


def test_draws_have_the_posteriors_moments_and_independent_coordinates():
    mean, log_variance = torch.tensor([1.0, -2.0]), 2 * torch.tensor([0.3, 2.0]).log()
    z = reparameterise(mean.expand(50_000, 2), log_variance.expand(50_000, 2))
    assert z.mean(0).tolist() == pytest.approx([1.0, -2.0], abs=0.05)
    assert z.std(0).tolist() == pytest.approx([0.3, 2.0], rel=0.02)
    assert abs(z.T.corrcoef()[0, 1].item()) < 0.02


def test_the_gradient_of_a_draw_reaches_mean_and_log_variance():
    mean, log_variance = (t.requires_grad_() for t in posterior(3, 2))
    z = reparameterise(mean, log_variance)
    by_mean, by_log_variance = torch.autograd.grad(z.sum(), (mean, log_variance))
    assert torch.equal(by_mean, torch.ones_like(mean))
    torch.testing.assert_close(by_log_variance, (0.5 * (z - mean)).detach())


# ------------------------------------------------------------------------------- the step


@pytest.mark.parametrize("prior", [Gaussian(2), GaussianMixture()], ids=["Gaussian", "mixture"])
def test_a_step_descends_cost_plus_beta_kl(prior):
    """The same update written out with torch's own functions."""
    config = Config(hidden=(24,), pixels=12, weight=0.7)
    model, optimizers = make(prior, config)
    other = copy.deepcopy(model)
    adam = torch.optim.Adam(other.parameters(), config.lr, (config.beta1, 0.999))
    batch = make_batch()
    torch.manual_seed(5)
    losses = variational.train_step(model, optimizers, batch)

    torch.manual_seed(5)
    mean, log_variance = other.encoder(batch.x).split(2, dim=1)
    q = normal(mean, log_variance)
    z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    cost = F.binary_cross_entropy(other.decoder(z).sigmoid(), batch.x, reduction="sum") / 16
    if isinstance(prior, Gaussian):
        kl = distributions.kl_divergence(q, normal(torch.zeros(2), torch.zeros(2))).mean()
    else:
        kl = (q.log_prob(z) - mixture_of_torch(prior).log_prob(z)).mean()
    (cost + 0.7 * kl).backward()
    adam.step()
    torch.testing.assert_close(losses["reconstruction"], cost.detach())
    torch.testing.assert_close(losses["kl"], kl.detach(), rtol=1e-4, atol=1e-4)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)


def test_poisoned_stale_gradients_change_nothing():
    ends, batches = [], [make_batch() for _ in range(3)]
    for poison in (None, math.nan):
        torch.manual_seed(0)
        model, optimizers = make()
        for batch in batches:
            for p in model.parameters():
                p.grad = None if poison is None else torch.full_like(p, poison)
            variational.train_step(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_losses_are_detached_scalars_of_both_terms():
    model, optimizers = make(GaussianMixture())
    losses = variational.train_step(model, optimizers, make_batch())
    assert set(losses) == {"reconstruction", "kl"}
    assert all(loss.dim() == 0 and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize(("weight", "same"), [(0.0, True), (1.0, False)])
def test_beta_weighs_the_kl(weight, same):
    """With β = 0 the prior has no say; with β = 1 it has."""
    ends = []
    for std in (1.0, 3.0):
        torch.manual_seed(0)
        model, optimizers = make(Gaussian(2, std), Config(hidden=(24,), pixels=12, weight=weight))
        batch = Batch(torch.linspace(0, 1, 48).view(4, 12), torch.zeros(4, dtype=torch.int64))
        variational.train_step(model, optimizers, batch)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][k], ends[1][k]) for k in ends[0]) == same


def test_a_large_beta_collapses_posteriors_onto_the_prior(digits):
    torch.manual_seed(0)
    config = Config(hidden=(32,), weight=1e4, lr=5e-3)
    model = VAE(Gaussian(2), config)
    fit(variational.train_step, model, Minibatches(digits, 100), 40, progress=False)
    mean, log_variance = model.posterior(digits.x)
    assert gaussian_kl(mean, log_variance).item() < 0.01


@pytest.mark.parametrize("prior", [Gaussian(2), GaussianMixture()], ids=["Gaussian", "mixture"])
def test_a_short_run_gets_better(digits, prior):
    torch.manual_seed(0)
    config = Config(hidden=(64,), lr=2e-3)
    model = VAE(prior, config)
    batches = Minibatches(digits, 100)
    history = fit(variational.train_step, model, batches, 30, log_every=10, progress=False)
    total = [sum(terms) for terms in zip(*history.losses.values(), strict=True)]
    assert total[-1] < 0.6 * total[0]


# ------------------------------------------------------------------------------ bad input


def test_a_prior_without_a_density_is_refused_and_told_why():
    with pytest.raises(ValueError, match=r"^prior: .*log_prob.*AAE needs samples only"):
        VAE(Painted(torch.rand(50, 2)))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Config(weight=-1.0), "weight"),
        (lambda: Config(lr=0.0), "lr"),
        (lambda: make()[0].posterior(torch.rand(2, 11)), "x"),
        (lambda: make()[0].decode(torch.rand(2, 3)), "z"),
        (lambda: gaussian_kl(torch.rand(2, 2), torch.rand(2, 3)), "mean and log_variance"),
        (lambda: gaussian_kl(torch.rand(2, 2), torch.rand(2, 2), std=0.0), "std"),
        (lambda: gaussian_log_prob(torch.rand(3, 2), *posterior(2, 2)), "z and mean"),
        (
            lambda: monte_carlo_kl(*torch.rand(3, 2, 3), Gaussian(2).log_prob),
            "z",
        ),
        (
            lambda: monte_carlo_kl(*torch.rand(3, 2, 3), lambda z: z),
            "log_prob",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call()


def test_shapes():
    model, _ = make(config=Config(hidden=(24,), pixels=12, cost=squared_error))
    x = torch.rand(5, 12)
    assert model.encode(x).shape == (5, 2)
    assert model(x).shape == (5, 12)
    assert not torch.equal(model.encode(x), model.encode(x)), "a code is a draw"


def test_a_full_covariance_draws_from_the_density_that_it_gives():
    torch.manual_seed(0)
    model = FullCovarianceVAE(GaussianMixture(), Config())
    x = torch.rand(3, 784)
    mean, log_scale, slant = model.encoder(x).split((2, 2, 1), dim=1)
    lower = torch.diag_embed(log_scale.exp())
    lower[:, 1, 0] = slant[:, 0]
    own = distributions.MultivariateNormal(mean, scale_tril=lower)
    z, log_q = model.draw(x)
    torch.testing.assert_close(log_q, own.log_prob(z))
    many, _ = model.draw(x[:1].repeat(100_000, 1))
    torch.testing.assert_close(many.mean(0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(many.T.cov(), own.covariance_matrix[0], atol=0.03, rtol=0)


def test_a_full_covariance_starts_as_the_diagonal_vae_does_and_descends_its_objective(digits):
    built = {}
    for name in ("variational-mixture", "variational-mixture-full-covariance"):
        torch.manual_seed(0)
        built[name] = RECIPES[name].build()
    diagonal, full = built.values()
    assert full.config == diagonal.config
    for ours, theirs in (
        (full.encoder[:-1], diagonal.encoder[:-1]),
        (full.decoder, diagonal.decoder),
    ):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)
    batch = Batch(digits.x[:64], digits.labels[:64])
    adams = full.optimizers()
    assert {id(p) for p in full.parameters()} == {
        id(p) for group in adams["elbo"].param_groups for p in group["params"]
    }
    first, *_, last = (
        sum(loss.item() for loss in full_covariance_step(full, adams, batch).values())
        for _ in range(60)
    )
    assert last < 0.7 * first
