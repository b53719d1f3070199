"""Checks of lesson 3: posterior draws, the KL in two ways, a VAE's update, a broken run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.checks.variational_draws import reparameterise
from aae_lessons.checks.variational_step import Step, test_vae_step, vae_step, worked_vae_step
from aae_lessons.priors import GaussianMixture

__all__ = ["kl", "mended_vae", "monte_carlo_kl", "reparameterise", "vae_step"]

# --------------------------------------------------------------- 3.2 the KL in closed form


def _kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    return 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1).mean()


def _kl_of(variance: Tensor, mean: Tensor) -> Tensor:
    """In each dimension, (B, D), from a variance."""
    return 0.5 * (variance + mean.square() - 1 - variance.log())


KL_MISTAKES = (
    Mistake(
        "half forgotten",
        "Twice too large: the ½ is missing.",
        lambda mean, log_variance: 2 * _kl(mean, log_variance),
    ),
    Mistake(
        "mean over dimensions",
        "You take the mean over the latent dimensions too. The KL of a posterior is a *sum* over "
        "its dimensions; only then comes the mean over the images.",
        lambda mean, log_variance: _kl_of(log_variance.exp(), mean).mean(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the images as well. Take the mean over the images.",
        lambda mean, log_variance: _kl_of(log_variance.exp(), mean).sum(),
    ),
    Mistake(
        "sign lost",
        "The sign is turned round: the form that papers print as −KL belongs to the ELBO, which "
        "is maximised. A KL is never below 0.",
        lambda mean, log_variance: -_kl(mean, log_variance),
    ),
    Mistake(
        "log-variance taken for the variance",
        "You use the log-variance as if it were σ². σ² = exp(log_variance), and its logarithm is "
        "log_variance itself.",
        lambda mean, log_variance: _kl_of(log_variance, mean).sum(1).mean(),
    ),
    Mistake(
        "log-variance for the deviation",
        "You use the log-variance as if it were σ. σ² = exp(log_variance).",
        lambda mean, log_variance: _kl_of(log_variance.square(), mean).sum(1).mean(),
    ),
    Mistake(
        "log-variance taken for the log-deviation",
        "You square exp(log_variance), but it is σ² already, not σ.",
        lambda mean, log_variance: _kl(mean, 2 * log_variance),
    ),
    Mistake(
        "deviation for the variance",
        "You use σ where σ² stands in the formula. σ² = exp(log_variance), without a half.",
        lambda mean, log_variance: (
            0.5 * ((0.5 * log_variance).exp() + mean.square() - 1 - log_variance).sum(1).mean()
        ),
    ),
    Mistake(
        "the other direction",
        "That is KL(prior ‖ posterior). The posterior comes first: the average is over its draws.",
        lambda mean, log_variance: (
            0.5 * ((1 + mean.square()) * (-log_variance).exp() - 1 + log_variance).sum(1).mean()
        ),
    ),
    Mistake(
        "mean not squared",
        "The mean enters squared: its sign can't matter for a prior around 0.",
        lambda mean, log_variance: (
            0.5 * (log_variance.exp() + mean - 1 - log_variance).sum(1).mean()
        ),
    ),
)


def _test_kl(trial: Trial) -> None:
    # log-variances above 0 first: there a wrong logarithm gives a number, which can be named
    for log_variance in (0.2 + torch.rand(7, 3), torch.randn(7, 3)):
        inputs = torch.randn(7, 3).double(), log_variance.double()
        trial.equal(trial(*inputs), _kl(*inputs), inputs, KL_MISTAKES)
    _test_gradients(trial, inputs, _kl)


def _test_gradients(
    trial: Trial, inputs: tuple[Tensor, ...], worked: Callable[..., Tensor], *rest: object
) -> None:
    """The gradients by all of ``inputs`` must be those of the worked answer."""
    inputs = tuple(value.detach().clone().requires_grad_() for value in inputs)
    got = trial(*inputs, *rest)
    result = [None]
    if got.requires_grad:
        result = torch.autograd.grad(got, inputs, allow_unused=True)
    if any(gradient is None for gradient in result):
        says = (
            "The value is right, but no gradient flows back to every argument. Did .item(), "
            ".detach(), no_grad() or numpy cut it?"
        )
        trial.refuse("gradient cut", says)
    right = torch.autograd.grad(worked(*inputs, *rest), inputs)
    for gradient, expected in zip(result, right, strict=True):
        if not torch.allclose(gradient, expected, rtol=1e-4):
            says = (
                "The value is right, its gradient is not. Did .detach() cut one of the terms, or "
                "does a constant stand where one of the arguments belongs?"
            )
            trial.refuse("wrong gradient", says, gradient, expected)


kl = Exercise(
    name="3.2",
    title="the KL to a standard normal prior",
    read="lesson 3, section 3.3",
    hints=(
        "Write it for one dimension: ½ (σ² + μ² − 1 − log σ²).",
        "You are given log σ². Which of the four terms is that, and how does it give σ²?",
        "Sum over dimensions (.sum(1)), then the mean over the images.",
    ),
    answer=_kl,
    test=_test_kl,
)

# --------------------------------------------------------------- 3.3 the KL by Monte Carlo


def _monte_carlo_kl(z: Tensor, mean: Tensor, log_variance: Tensor, log_prob) -> Tensor:
    square = (z - mean).square() / log_variance.exp()
    log_q = -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)
    return (log_q - log_prob(z)).mean()


def _log_q(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """In each dimension, (B, D), from a deviation."""
    return -0.5 * (((z - mean) / std).square() + 2 * std.abs().log() + math.log(2 * math.pi))


def _std(log_variance: Tensor) -> Tensor:
    return (0.5 * log_variance).exp()


MONTE_CARLO_MISTAKES = (
    Mistake(
        "sign lost",
        "You average log p(z) − log q(z|x): that is minus the KL. The posterior comes first.",
        lambda z, m, v, log_prob: -_monte_carlo_kl(z, m, v, log_prob),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the draws. Take their mean: an estimate must not grow with their number.",
        lambda z, m, v, log_prob: _monte_carlo_kl(z, m, v, log_prob) * len(z),
    ),
    Mistake(
        "mean over dimensions",
        "You take the mean of log q over the latent dimensions. The logarithm of a product of "
        "densities is a *sum*; log_prob(z) of the prior is one number a row too.",
        lambda z, m, v, log_prob: (_log_q(z, m, _std(v)).mean(1) - log_prob(z)).mean(),
    ),
    Mistake(
        "variance for the deviation",
        "You pass the variance exp(log σ²) where the standard deviation is meant (torch's Normal "
        "wants the deviation). σ = exp(½ log σ²).",
        lambda z, m, v, log_prob: (_log_q(z, m, v.exp()).sum(1) - log_prob(z)).mean(),
    ),
    Mistake(
        "log-variance for the deviation",
        "You pass the log-variance itself as the deviation. σ = exp(½ log σ²).",
        lambda z, m, v, log_prob: (_log_q(z, m, v).sum(1) - log_prob(z)).mean(),
    ),
    Mistake(
        "2π forgotten",
        "½ log 2π for each dimension is missing in log q. Between two Gaussians it cancels; here "
        "log_prob(z) brings its own.",
        lambda z, m, v, log_prob: (
            _monte_carlo_kl(z, m, v, log_prob) + 0.5 * z.shape[1] * math.log(2 * math.pi)
        ),
    ),
    Mistake(
        "half forgotten",
        "The ½ of log q is missing: log q = −½ Σ (…).",
        lambda z, m, v, log_prob: (2 * _log_q(z, m, _std(v)).sum(1) - log_prob(z)).mean(),
    ),
    Mistake(
        "Gaussian prior assumed",
        "You compare with a standard normal prior. This prior is a mixture: use log_prob, its "
        "log-density, which the function is given.",
        lambda z, m, v, log_prob: (
            (_log_q(z, m, _std(v)) - _log_q(z, torch.zeros_like(z), torch.ones_like(z)))
            .sum(1)
            .mean()
        ),
    ),
    Mistake(
        "Gaussian prior assumed",
        "That is the closed form for a standard normal prior. For a mixture there is none: "
        "average log q(z|x) − log_prob(z) over the draws.",
        lambda z, m, v, log_prob: _kl(m, v),
    ),
    Mistake(
        "prior at the mean",
        "You ask for the prior's density at the posterior's mean. It is wanted at the draws z.",
        lambda z, m, v, log_prob: (_log_q(z, m, _std(v)).sum(1) - log_prob(m)).mean(),
    ),
    Mistake(
        "prior left out",
        "log p(z) is missing: that is minus the posterior's entropy only.",
        lambda z, m, v, log_prob: _log_q(z, m, _std(v)).sum(1).mean(),
    ),
)


def _test_monte_carlo(trial: Trial) -> None:
    log_prob = GaussianMixture().log_prob
    # log-variances above 0 first: there a wrong deviation gives a number, which can be named
    for log_variance in (0.2 + torch.rand(7, 2).double(), torch.randn(7, 2).double() - 1):
        mean = torch.randn(7, 2).double()
        z = mean + _std(log_variance) * torch.randn(7, 2)
        inputs = z, mean, log_variance, log_prob
        expected = _monte_carlo_kl(*inputs)
        trial.equal(trial(*inputs), expected, inputs, MONTE_CARLO_MISTAKES)
    _test_gradients(trial, (z, mean, log_variance), _monte_carlo_kl, log_prob)


monte_carlo_kl = Exercise(
    name="3.3",
    title="the KL to a mixture, by Monte Carlo",
    read="lesson 3, section 3.3",
    hints=(
        "A KL is the mean, over draws of q, of log q(z|x) − log p(z). Which of the two is given?",
        "log N(z; μ, σ²) = −½ [(z − μ)²/σ² + log σ² + log 2π] in each dimension; they add up.",
        "log q and log_prob(z) are both (B,). Their difference's mean is the answer.",
    ),
    answer=_monte_carlo_kl,
    test=_test_monte_carlo,
)

# ------------------------------------------------------------------- 3.5 find the mistakes


def broken_step(encoder, decoder, optimizer, x, beta):
    """Exercise 3.5: this update has two mistakes."""
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + log_variance * torch.randn_like(mean)
    logits = decoder(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x)
    kl = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1).mean()
    optimizer.zero_grad()
    (reconstruction + beta * kl).backward()
    optimizer.step()
    return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}


@dataclass(frozen=True)
class Run:
    """What a short run left behind.

    Args:
        losses: each term's value after each update.
        x_hat: the first ten images, decoded from their means, (10, 784).
        charged: the mean σ of those ten posteriors, which the KL charges for.
        drawn: the deviation of z around its mean that the update really drew, for the same ten.
    """

    losses: dict[str, list[float]]
    x_hat: Tensor
    charged: float
    drawn: float


def run(x: Tensor, update: Step = broken_step, updates: int = 150) -> Run:
    """Trains a small VAE (784-64-2) on images ``x``, (n, 784), n at least 100, by ``update``."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(784, 64), nn.LeakyReLU(0.2), nn.Linear(64, 4))
        decoder = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 784))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
        losses: dict[str, list[float]] = {"reconstruction": [], "kl": []}
        for _ in range(updates):
            batch = x[torch.randint(len(x), (100,))]
            for name, loss in update(encoder, decoder, optimizer, batch, 1.0).items():
                losses[name].append(loss.item())
        with torch.no_grad():
            mean, log_variance = encoder(x[:10]).chunk(2, dim=1)
            x_hat = decoder(mean).sigmoid()
        drawn = _deviation_drawn(encoder, decoder, update, x[:10].repeat(100, 1))
    return Run(losses, x_hat, _std(log_variance).mean().item(), drawn)


def _deviation_drawn(encoder: nn.Module, decoder: nn.Module, update: Step, x: Tensor) -> float:
    """Root mean square of z − mean that one more update gives to the decoder."""
    seen: list[Tensor] = []
    decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        mean = encoder(x).chunk(2, dim=1)[0]
    still = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], 0.0)
    update(encoder, decoder, still, x, 1.0)
    return (seen[0] - mean).square().mean().sqrt().item()


mended_vae = Exercise(
    name="3.5",
    title="find two mistakes in a VAE's update",
    read="lesson 3, section 3.8",
    hints=(
        "The KL is 0 and all images are one. Which of the two terms is too weak, by which factor?",
        "In the printed line, σ is charged for and nothing of it is drawn. What multiplies ε?",
        "Sum over pixels, then the mean over images. And σ = exp(½ log σ²).",
    ),
    answer=worked_vae_step,
    test=test_vae_step,
)
