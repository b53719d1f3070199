"""Lesson 3: the KL in closed form."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from aae_lessons.checks.core import Exercise
from aae_lessons.checks.misconceptions import Wrong, wrong
from aae_lessons.checks.probes import Probe, run_probes, values
from aae_lessons.checks.trial import Trial


def _kl(mean, log_variance):
    each = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)
    return each.sum(1).mean()


EACH = "0.5 * (log_variance.exp() + mean.square() - 1 - log_variance)"
REDUCED = ".sum(1).mean()"


def _kl_row(cause: str, says: str, new: str) -> Wrong:
    return wrong(cause, says, (EACH, new))


KL_ROWS = (
    _kl_row("half forgotten", "Twice too large: the ½ is missing.", EACH[6:]),
    wrong(
        "mean over dimensions",
        "You take the mean over the latent dimensions too. The KL of a posterior is a *sum* over "
        "its dimensions; only then comes the mean over the images.",
        (REDUCED, ".mean()"),
    ),
    wrong(
        "sum over the batch",
        "You sum over the images as well. Take the mean over the images.",
        (REDUCED, ".sum()"),
    ),
    wrong(
        "sum over the images, mean over dimensions",
        "You sum over the images (dimension 0) and average over the dimensions: the other way "
        "round.",
        (REDUCED, ".sum(0).mean()"),
    ),
    _kl_row(
        "sign lost",
        "The sign is turned round: the form that papers print as −KL belongs to the ELBO, which "
        "is maximised. A KL is never below 0.",
        f"-{EACH}",
    ),
    _kl_row(
        "log-variance taken for the variance",
        "You use the log-variance as if it were σ². σ² = exp(log_variance), and its logarithm is "
        "log_variance itself.",
        "0.5 * (log_variance + mean.square() - 1 - log_variance.log())",
    ),
    _kl_row(
        "log-variance taken for the variance",
        "You use the log-variance as if it were σ². σ² = exp(log_variance).",
        "0.5 * (log_variance + mean.square() - 1 - log_variance)",
    ),
    _kl_row(
        "log-variance for the deviation",
        "You use the log-variance as if it were σ. σ² = exp(log_variance).",
        "0.5 * (log_variance**2 + mean.square() - 1 - 2 * log_variance.abs().log())",
    ),
    _kl_row(
        "log-variance taken for the log-deviation",
        "You square exp(log_variance), but it is σ² already, not σ.",
        "0.5 * ((2 * log_variance).exp() + mean.square() - 1 - 2 * log_variance)",
    ),
    _kl_row(
        "deviation for the variance",
        "You use σ where σ² stands in the formula. σ² = exp(log_variance), without a half.",
        "0.5 * ((0.5 * log_variance).exp() + mean.square() - 1 - log_variance)",
    ),
    _kl_row(
        "the other direction",
        "That is KL(prior ‖ posterior). The posterior comes first: the average is over its draws.",
        "0.5 * ((1 + mean.square()) * (-log_variance).exp() - 1 + log_variance)",
    ),
    _kl_row(
        "mean not squared",
        "The mean enters squared: its sign can't matter for a prior around 0.",
        "0.5 * (log_variance.exp() + mean - 1 - log_variance)",
    ),
    _kl_row(
        "mean left out",
        "μ² is missing: a posterior far from the prior would cost nothing.",
        "0.5 * (log_variance.exp() - 1 - log_variance)",
    ),
    _kl_row(
        "one forgotten",
        "The −1 is missing: the KL of N(0, 1) to itself has to be 0.",
        "0.5 * (log_variance.exp() + mean.square() - log_variance)",
    ),
    _kl_row(
        "log-variance left out",
        "−log σ² is missing: then nothing keeps σ from falling to 0.",
        "0.5 * (log_variance.exp() + mean.square() - 1)",
    ),
)


def _kl_probes(_trial: Trial) -> Iterator[Probe]:
    # log-variances above 0 first: there a wrong logarithm gives a number, which can be named
    sizes = ((7, 3, 0.2 + torch.rand(7, 3)), (7, 3, torch.randn(7, 3)), (1, 5, torch.randn(1, 5)))
    for rows, dims, log_variance in sizes:
        yield from values(1 + torch.randn(rows, dims), log_variance)
    yield from values(torch.zeros(4, 2), torch.zeros(4, 2), atol=1e-5)
    yield from values(torch.tensor([[9.0, -3.0]]), torch.tensor([[-20.0, 6.0]]))


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
    test=run_probes(_kl_probes),
    wrong=KL_ROWS,
)
