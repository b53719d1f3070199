"""Lesson 3: the KL by Monte Carlo."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.trial import Trial
from aae_lessons.priors import GaussianMixture


def _monte_carlo_kl(z, mean, log_variance, log_prob):
    square = (z - mean).square() / log_variance.exp()
    log_q = -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)
    return (log_q - log_prob(z)).mean()


SQUARE = "(z - mean).square() / log_variance.exp()"
LOG_Q = "-0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)"
RATIO = "(log_q - log_prob(z)).mean()"
MONTE_CARLO_ROWS = (
    wrong(
        "sign lost",
        "You average log p(z) − log q(z|x): that is minus the KL. The posterior comes first.",
        (RATIO, "(log_prob(z) - log_q).mean()"),
    ),
    wrong(
        "sum over the batch",
        "You sum over the draws. Take their mean: an estimate must not grow with their number.",
        (RATIO, "(log_q - log_prob(z)).sum()"),
    ),
    wrong(
        "mean over dimensions",
        "You take the mean of log q over the latent dimensions. The logarithm of a product of "
        "densities is a *sum*; log_prob(z) of the prior is one number for each row too.",
        (").sum(1)", ").mean(1)"),
    ),
    wrong(
        "variance for the deviation",
        "You pass the variance exp(log σ²) where the standard deviation is meant (torch's Normal "
        "takes the deviation). σ = exp(½ log σ²).",
        ("log_variance.exp()", "(2 * log_variance).exp()"),
        ("square + log_variance", "square + 2 * log_variance"),
    ),
    wrong(
        "log-variance for the deviation",
        "You pass the log-variance itself as the deviation. σ = exp(½ log σ²).",
        ("log_variance.exp()", "log_variance**2"),
        ("square + log_variance", "square + 2 * log_variance.abs().log()"),
    ),
    wrong(
        "2π forgotten",
        "½ log 2π for each dimension is missing in log q. Between two Gaussians it cancels; here "
        "log_prob(z) brings its own.",
        (" + math.log(2 * math.pi)", ""),
    ),
    wrong(
        "2π once for all dimensions",
        "½ log 2π is there once, and belongs to each dimension.",
        (LOG_Q, "-0.5 * ((square + log_variance).sum(1) + math.log(2 * math.pi))"),
    ),
    wrong("half forgotten", "The ½ of log q is missing: log q = −½ Σ (…).", ("-0.5 * (", "-(")),
    wrong(
        "log σ² left out",
        "log σ² is missing in log q: a narrow Gaussian is higher than a wide one.",
        ("square + log_variance", "square"),
    ),
    wrong(
        "not divided by the variance",
        "(z − μ)² is to be divided by σ².",
        (SQUARE, "(z - mean).square()"),
    ),
    wrong(
        "Gaussian prior assumed",
        "You compare with a standard normal prior. This prior is another one: use log_prob, its "
        "log-density, which the function is given.",
        ("log_prob(z)", "(-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1)"),
    ),
    wrong(
        "Gaussian prior assumed",
        "That is the closed form for a standard normal prior. For a mixture there is none: "
        "average log q(z|x) − log_prob(z) over the draws.",
        (RATIO, "(0.5 * (log_variance.exp() + mean**2 - 1 - log_variance)).sum(1).mean()"),
    ),
    wrong(
        "prior at the mean",
        "You ask for the prior's density at the posterior's mean. It is needed at the draws z.",
        ("log_prob(z)", "log_prob(mean)"),
    ),
    wrong(
        "prior left out",
        "log p(z) is missing: that is minus the posterior's entropy only.",
        (RATIO, "log_q.mean()"),
    ),
    wrong(
        "densities in place of their logarithms",
        "You average a difference of densities. The KL is a mean of a difference of *logarithms*.",
        (RATIO, "(log_q.exp() - log_prob(z).exp()).mean()"),
    ),
    wrong(
        "weighted by the density",
        "You multiply by q(z|x), as in the integral. The draws come from q already: their plain "
        "mean is the estimate.",
        (RATIO, "(log_q.exp() * (log_q - log_prob(z))).mean()"),
    ),
    wrong(
        "drawn again",
        "You draw z once more. The draws are given: use z as it comes, for both densities.",
        (
            "    square =",
            "    z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)\n    square =",
        ),
    ),
    wrong(
        "wrong gradient",
        "The value is right, its gradient is not. Did .detach() cut one of the terms, or does a "
        "constant stand where an argument belongs?",
        ("log_prob(z)", "log_prob(z.detach())"),
    ),
)


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
    test=run_probes(_monte_carlo_probes),
    wrong=MONTE_CARLO_ROWS,
)
