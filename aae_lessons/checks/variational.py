"""Lesson 3: draws from the posterior, the KL in two ways; its updates have their own file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from aae_lessons.checks.posterior import DRAWS, refuse_wrong_draws
from aae_lessons.checks.probes import Probe, values
from aae_lessons.checks.stage import patched_noise
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.checks.variational_run import run
from aae_lessons.checks.variational_step import broken_step, mended_vae, vae_step
from aae_lessons.priors import GaussianMixture

__all__ = [
    "broken_step",
    "kl",
    "mended_vae",
    "monte_carlo_kl",
    "reparameterise",
    "run",
    "vae_step",
]
MANY = 20_000


def _reparameterise(mean, log_variance):
    std = (0.5 * log_variance).exp()
    return mean + std * torch.randn_like(mean)


def _test_reparameterise(trial: Trial) -> None:
    mean = torch.randn(MANY, 3)
    log_variance = 2.4 * torch.rand_like(mean) - 1.8
    z = trial.tensor(trial(mean, log_variance), mean.shape, mean).detach()

    def shown(answer: Callable, noise: Tensor) -> Tensor:
        with patched_noise(noise):
            return answer(mean, log_variance)

    refuse_wrong_draws(trial, z, mean, log_variance, shown)
    if torch.equal(trial(mean, log_variance).detach(), z):
        says = "Two calls give the same draws. Is a seed set inside the function?"
        trial.refuse("the same noise at every call", says)
    for rows, dims in ((1, 4), (3, 1), (5, 2)):
        _test_gradient(trial, torch.randn(rows, dims), torch.randn(rows, dims))


def _test_gradient(trial: Trial, mean: Tensor, log_variance: Tensor) -> None:
    inputs = mean.requires_grad_(), log_variance.requires_grad_()
    z = trial.tensor(trial(*inputs), mean.shape, mean)
    weight = torch.randn_like(z)
    if not z.requires_grad:
        trial.refuse("gradient cut")
    total = (weight * z).sum()
    got = torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True)
    if not all(g.any() for g in got):
        trial.refuse("gradient cut")
    for gradient, expected in zip(got, (weight, 0.5 * weight * (z - mean)), strict=True):
        if not torch.allclose(gradient, expected.detach().to(gradient), rtol=1e-3, atol=1e-4):
            trial.refuse("wrong gradient", "", gradient, expected)


REPARAMETERISE = """
3.1 a draw that gradients flow through
read: lesson 3, sections 3.4 and 3.5
hint: Draw ε first, of the shape of the mean: nothing to learn is in it.
hint: σ² = exp(log_variance). What is σ, then?
hint: mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
{DRAWS}
wrong gradient: A gradient of z is not that of mean + σ·ε. Did a detach() cut a part of it?
    std * torch → (0.3 * std + 0.7 * std.detach()) * torch
gradient cut: The draws are right, but no gradient goes from z back to mean and log_variance:
    sample(), torch.normal and detach() cut it. Compute z from them and from ε.
    std * torch → std.detach() * torch
"""
reparameterise = exercise(_reparameterise, _test_reparameterise, REPARAMETERISE, DRAWS=DRAWS)


def _kl(mean, log_variance):
    each = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)
    return each.sum(1).mean()


KL = """
3.2 the KL to a standard normal prior
read: lesson 3, section 3.3
hint: Write it for one dimension: ½ (σ² + μ² − 1 − log σ²).
hint: You are given log σ². Which of the four terms is that, and how does it give σ²?
hint: Sum over dimensions (.sum(1)), then the mean over the images.
half forgotten: Twice too large: the ½ is missing.
    0.5 * (log_variance → (log_variance
mean over dimensions: You take the mean over the latent dimensions too. The KL of a posterior is a
    *sum* over its dimensions; only then comes the mean over the images.
    .sum(1).mean() → .mean()
sum over the batch: You sum over the images as well. Take the mean over the images.
    .sum(1).mean() → .sum()
sum over the images, mean over dimensions: You sum over the images (dimension 0) and average over
    the dimensions: the other way round.
    .sum(1).mean() → .sum(0).mean()
sign lost: The sign is turned round: the form that papers print as −KL belongs to the ELBO, which
    is maximised. A KL is never below 0.
    0.5 * → -0.5 *
log-variance taken for the variance: You use the log-variance as if it were σ². σ² =
    exp(log_variance), and its logarithm is log_variance itself.
    log_variance.exp() → log_variance
    1 - log_variance → 1 - log_variance.log()
log-variance taken for the variance: You use the log-variance as if it were σ². σ² =
    exp(log_variance).
    log_variance.exp() → log_variance
log-variance for the deviation: You use the log-variance as if it were σ. σ² = exp(log_variance).
    0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)
    → 0.5 * (log_variance**2 + mean.square() - 1 - 2 * log_variance.abs().log())
log-variance taken for the log-deviation: You square exp(log_variance), but it is σ² already, not
    σ.
    log_variance.exp() + mean.square() - 1 - → (2 * log_variance).exp() + mean.square() - 1 - 2 *
deviation for the variance: You use σ where σ² stands in the formula. σ² = exp(log_variance),
    without a half.
    log_variance.exp() → (0.5 * log_variance).exp()
the other direction: That is KL(prior ‖ posterior). The posterior comes first: the average is over
    its draws.
    log_variance.exp() + mean.square() - 1 - → (1 + mean.square()) * (-log_variance).exp() - 1 +
mean not squared: The mean enters squared: its sign can't matter for a prior around 0.
    mean.square() → mean
mean left out: μ² is missing: a posterior far from the prior would cost nothing.
    + mean.square() →
one forgotten: The −1 is missing: the KL of N(0, 1) to itself has to be 0.
    - 1 - → -
log-variance left out: −log σ² is missing: then nothing keeps σ from falling to 0.
    - log_variance →
"""


def _kl_probes(_trial: Trial) -> Iterator[Probe]:
    # log-variances above 0 first: there a wrong logarithm gives a number, which can be named
    sizes = ((7, 3, 0.2 + torch.rand(7, 3)), (7, 3, torch.randn(7, 3)), (1, 5, torch.randn(1, 5)))
    for rows, dims, log_variance in sizes:
        yield from values(1 + torch.randn(rows, dims), log_variance)
    yield from values(torch.zeros(4, 2), torch.zeros(4, 2), atol=1e-5)
    yield from values(torch.tensor([[9.0, -3.0]]), torch.tensor([[-20.0, 6.0]]))


kl = exercise(_kl, _kl_probes, KL)


def _monte_carlo_kl(z, mean, log_variance, log_prob):
    square = (z - mean).square() / log_variance.exp()
    log_q = -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)
    return (log_q - log_prob(z)).mean()


MONTE_CARLO_KL = """
3.3 the KL to a mixture, by Monte Carlo
read: lesson 3, section 3.3
hint: A KL is the mean, over draws of q, of log q(z|x) − log p(z). Which of the two is given?
hint: log N(z; μ, σ²) = −½ [(z − μ)²/σ² + log σ² + log 2π] in each dimension; they add up.
hint: log q and log_prob(z) are both (B,). Their difference's mean is the answer.
sign lost: You average log p(z) − log q(z|x): that is minus the KL. The posterior comes first.
    (log_q - log_prob(z)).mean() → (log_prob(z) - log_q).mean()
sum over the batch: You sum over the draws. Take their mean: an estimate must not grow with their
    number.
    (log_q - log_prob(z)).mean() → (log_q - log_prob(z)).sum()
mean over dimensions: You take the mean of log q over the latent dimensions. The logarithm of a
    product of densities is a *sum*; log_prob(z) of the prior is one number for each row too.
    ).sum(1) → ).mean(1)
variance for the deviation: You pass the variance exp(log σ²) where the standard deviation is meant
    (torch's Normal takes the deviation). σ = exp(½ log σ²).
    log_variance.exp() → (2 * log_variance).exp()
    square + log_variance → square + 2 * log_variance
log-variance for the deviation: You pass the log-variance itself as the deviation. σ = exp(½ log
    σ²).
    log_variance.exp() → log_variance**2
    square + log_variance → square + 2 * log_variance.abs().log()
2π forgotten: ½ log 2π for each dimension is missing in log q. Between two Gaussians it cancels;
    here log_prob(z) brings its own.
    + math.log(2 * math.pi) →
2π once for all dimensions: ½ log 2π is there once, and belongs to each dimension.
    -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)
    → -0.5 * ((square + log_variance).sum(1) + math.log(2 * math.pi))
half forgotten: The ½ of log q is missing: log q = −½ Σ (…).
    -0.5 * ( → -(
log σ² left out: log σ² is missing in log q: a narrow Gaussian is higher than a wide one.
    square + log_variance → square
not divided by the variance: (z − μ)² is to be divided by σ².
    (z - mean).square() / log_variance.exp() → (z - mean).square()
Gaussian prior assumed: You compare with a standard normal prior. This prior is another one: use
    log_prob, its log-density, which the function is given.
    log_prob(z) → (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1)
Gaussian prior assumed: That is the closed form for a standard normal prior. For a mixture there is
    none: average log q(z|x) − log_prob(z) over the draws.
    (log_q - log_prob(z)).mean()
    → (0.5 * (log_variance.exp() + mean**2 - 1 - log_variance)).sum(1).mean()
prior at the mean: You ask for the prior's density at the posterior's mean. It is needed at the
    draws z.
    log_prob(z) → log_prob(mean)
prior left out: log p(z) is missing: that is minus the posterior's entropy only.
    (log_q - log_prob(z)).mean() → log_q.mean()
densities in place of their logarithms: You average a difference of densities. The KL is a mean of
    a difference of *logarithms*.
    (log_q - log_prob(z)).mean() → (log_q.exp() - log_prob(z).exp()).mean()
weighted by the density: You multiply by q(z|x), as in the integral. The draws come from q already:
    their plain mean is the estimate.
    (log_q - log_prob(z)).mean() → (log_q.exp() * (log_q - log_prob(z))).mean()
drawn again: You draw z once more. The draws are given: use z as it comes, for both densities.
    square = → z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean); square =
wrong gradient: The value is right, its gradient is not. Did .detach() cut one of the terms, or
    does a constant stand where an argument belongs?
    log_prob(z) → log_prob(z.detach())
"""


def _laplace(z: Tensor) -> Tensor:
    return (-(z - 0.7).abs() - math.log(2)).sum(1)


def _monte_carlo_probes(_trial: Trial) -> Iterator[Probe]:
    # log-variances above 0 first: there a wrong deviation gives a number, which can be named
    cases = (
        (0.2 + torch.rand(7, 2), GaussianMixture().log_prob),
        (torch.randn(7, 2) - 1, GaussianMixture().log_prob),
        (0.5 + torch.rand(1, 5), _laplace),
        (torch.randn(4, 1), _laplace),
    )
    for log_variance, log_prob in cases:
        mean = torch.randn_like(log_variance)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        yield from values(z, mean, log_variance, log_prob, rtol=3e-4)


monte_carlo_kl = exercise(_monte_carlo_kl, _monte_carlo_probes, MONTE_CARLO_KL)
