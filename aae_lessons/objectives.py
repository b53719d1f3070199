"""Objectives: pure functions of tensors, each a scalar.

Reductions are the same everywhere: **sum over features, mean over the batch**. Whatever ends in a
sigmoid is given as logits; ``x_hat = sigmoid(logits)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import check, check_int, check_matrix, check_number, check_same_shape
from aae_lessons.devices import in_single_precision

Cost = Callable[[Tensor, Tensor], Tensor]
Kernel = Callable[[Tensor], Tensor]

# ---------------------------------------------------------------- reconstruction costs c


def squared_error(logits: Tensor, x: Tensor) -> Tensor:
    """½ Σ_pixels (x − x̂)², mean over the batch, with x̂ = sigmoid(logits).

    Args:
        logits: the decoder's output, (B, 784).
        x: images, (B, 784), in [0, 1].

    Note:
        The sum over pixels is the AAE paper's. With a mean instead, the gradient is 784 times
        smaller (392 times smaller than that of a mean without the ½).
    """
    _images(logits, x)
    return 0.5 * (x - logits.sigmoid()).square().sum(1).mean()


def binary_cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    """Σ_pixels −[x log x̂ + (1−x) log(1−x̂)] in nats, mean over the batch.

    Args:
        logits: the decoder's output, (B, 784).
        x: images, (B, 784), in [0, 1].
    """
    _images(logits, x)
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()


def absolute_error(logits: Tensor, x: Tensor) -> Tensor:
    """Σ_pixels |x − x̂| (L1), mean over the batch, with x̂ = sigmoid(logits).

    Args:
        logits: the decoder's output, (B, 784).
        x: images, (B, 784), in [0, 1].
    """
    _images(logits, x)
    return (x - logits.sigmoid()).abs().sum(1).mean()


def perceptual_error(features: Callable[[Tensor], Tensor]) -> Cost:
    """The cost ½ Σ_f (f(x) − f(x̂))², mean over the batch: a network says how alike two images are.

    Args:
        features: images, (B, 784), in [0, 1] -> (B, F), such as
            :meth:`aae_lessons.networks.DigitClassifier.activations` of the shipped classifier.
    """

    @in_single_precision
    def cost(logits: Tensor, x: Tensor) -> Tensor:
        _images(logits, x)
        return 0.5 * (features(x) - features(logits.sigmoid())).square().sum(1).mean()

    return cost


def _images(logits: Tensor, x: Tensor) -> None:
    check_matrix(logits, "logits")
    check_matrix(x, "x")
    check_same_shape(logits, x, "logits", "x")


# ------------------------------------------------------------------- adversarial losses


def discriminator_loss(logits_real: Tensor, logits_fake: Tensor) -> Tensor:
    """−mean log D(z_prior) − mean log(1 − D(z)), in nats, with D = sigmoid(logits).

    Prior samples are the *real* ones (AAE §2). A discriminator that can't tell says D = ½
    everywhere: the loss is then 2 log 2 = 1.386.

    Args:
        logits_real: of prior samples, (B,).
        logits_fake: of codes, (B,).
    """
    _logits(logits_real, "logits_real")
    _logits(logits_fake, "logits_fake")
    return F.softplus(-logits_real).mean() + F.softplus(logits_fake).mean()


def two_sample_loss(
    discriminator: Callable[..., Tensor], z_prior: Tensor, z: Tensor, *conditions: Tensor
) -> Tensor:
    """:func:`discriminator_loss` of prior samples and codes that pass D together, as one batch.

    Args:
        discriminator: (2B, D), and the conditions, to logits, (2B,).
        z_prior: prior samples, (B, D).
        z: codes, (B, D), detached. No step of this course would move the encoder if they were
            not, because :func:`descend` differentiates by its optimizer's own weights only. A
            plain ``backward()`` would go on into the encoder: time for nothing, gradients left
            behind there for whoever adds up the next ones, and its graph freed, which the
            generator's phase still needs.
        conditions: what else D sees of each row, (B, …): its label, or its class. Prior sample i
            and code i have the same.
    """
    check_same_shape(z_prior, z, "z_prior", "z")
    rows = torch.cat([z_prior, z])
    logits = discriminator(rows, *(torch.cat([c, c]) for c in conditions))
    return discriminator_loss(*logits.split(len(z)))


def generator_loss(logits_fake: Tensor) -> Tensor:
    """−mean log D(z), in nats: small where the discriminator takes codes for prior samples.

    The non-saturating form (Goodfellow et al. 2014, §3). At D = ½ it is log 2 = 0.693.

    Args:
        logits_fake: of codes, (B,).
    """
    _logits(logits_fake, "logits_fake")
    return F.softplus(-logits_fake).mean()


def _logits(value: Tensor, name: str) -> None:
    ok = isinstance(value, Tensor) and value.is_floating_point()
    ok = ok and value.dim() == 1 and len(value) > 0
    check(ok, name, value, "a floating-point tensor of shape (B,), one logit per code")


# -------------------------------------------------- Kullback-Leibler divergence of a posterior

LogProb = Callable[[Tensor], Tensor]


def gaussian_log_prob(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mean, diag(exp(log_variance))) in nats, (B,), all arguments (B, D)."""
    _posterior(mean, log_variance)
    check_matrix(z, "z")
    check_same_shape(z, mean, "z", "mean")
    square = (z - mean).square() * (-log_variance).exp()
    return -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)


def gaussian_kl(mean: Tensor, log_variance: Tensor, std: float = 1.0) -> Tensor:
    """KL( N(mean, diag(σ²)) ‖ N(0, std²·I) ) in nats, in closed form, mean over the batch.

    ½ Σ_d [ (σ_d² + mean_d²)/std² − 1 − log(σ_d²/std²) ], with σ² = exp(log_variance) (Kingma &
    Welling 2014, appendix B, for std = 1).

    Args:
        mean, log_variance: of q(z|x), (B, D).
        std: of the prior.
    """
    _posterior(mean, log_variance)
    check_number(std, "std", above=0)
    relative = log_variance - 2 * math.log(std)
    return 0.5 * (relative.exp() + (mean / std).square() - 1 - relative).sum(1).mean()


def monte_carlo_kl(z: Tensor, mean: Tensor, log_variance: Tensor, log_prob: LogProb) -> Tensor:
    """KL( q(z|x) ‖ p ) in nats from draws: mean over the rows of log q(z|x) − log p(z).

    Unbiased, and it may come out negative. It needs the *density* of the prior.

    Args:
        z: draws from q(z|x), one a row, (B, D).
        mean, log_variance: of the q(z|x) that each row came from, (B, D).
        log_prob: of the prior, (B, D) -> (B,) in nats.
    """
    log_q = gaussian_log_prob(z, mean, log_variance)
    log_p = log_prob(z)
    check_same_shape(log_p, log_q, "log_prob(z)", "log q(z|x)")
    return (log_q - log_p).mean()


def _posterior(mean: Tensor, log_variance: Tensor) -> None:
    check_matrix(mean, "mean")
    check_matrix(log_variance, "log_variance")
    check_same_shape(mean, log_variance, "mean", "log_variance")


# ------------------------------------------------------------- discrepancies from samples


def random_directions(
    dim: int, n: int, generator: torch.Generator | None = None, like: Tensor | None = None
) -> Tensor:
    """``n`` unit vectors, evenly spread over the sphere: (dim, n).

    ``like`` gives device and dtype. A ``generator`` lives on the CPU and gives the same
    directions on every device.
    """
    check_int(dim, "dim")
    check_int(n, "n")
    device = None if like is None or generator is not None else like.device
    directions = torch.randn(dim, n, generator=generator, device=device)
    directions = directions / directions.norm(dim=0)
    return directions if like is None else directions.to(like)


@in_single_precision
def sliced_wasserstein(z: Tensor, z_prior: Tensor, directions: Tensor) -> Tensor:
    """Squared sliced 2-Wasserstein distance between two samples of equal size.

    mean over directions θ, mean over ranks i, of (⟨z, θ⟩ of rank i − ⟨z_prior, θ⟩ of rank i)².
    In one dimension, sorting both samples *is* the optimal transport.

    Args:
        z: codes, (B, D).
        z_prior: prior samples, (B, D).
        directions: unit vectors, (D, n); see :func:`random_directions`.
    """
    _samples(z, z_prior)
    check_same_shape(z, z_prior, "z", "z_prior")
    check_matrix(directions, "directions", rows=z.shape[1])
    difference = (z @ directions).sort(0).values - (z_prior @ directions).sort(0).values
    return difference.square().mean()


WAE_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def inverse_multiquadratics(
    dim: int, std: float = 1.0, scales: Sequence[float] = WAE_SCALES
) -> Kernel:
    """The kernel k(z, z') = Σ_s C_s / (C_s + ‖z − z'‖²), with C_s = 2·dim·std²·s.

    It returns a function of *squared* distances. 2·dim·std² is the expected squared distance
    between two draws from N(0, std²·I) (WAE §4).

    Args:
        dim: D.
        std: of the prior.
        scales: s, each above 0.
    """
    check_int(dim, "dim")
    check_number(std, "std", above=0)
    check(len(scales) > 0, "scales", scales, "one scale or more")
    for s in scales:
        check_number(s, "scales", above=0)
    constants = [2 * dim * std**2 * s for s in scales]

    def kernel(squared_distance: Tensor) -> Tensor:
        return sum(c / (c + squared_distance) for c in constants)

    return kernel


def rbf(bandwidth: float) -> Kernel:
    """The kernel k(z, z') = exp(−‖z − z'‖² / (2·bandwidth²)), as a function of ‖z − z'‖²."""
    check_number(bandwidth, "bandwidth", above=0)
    return lambda squared_distance: torch.exp(squared_distance / (-2 * bandwidth**2))


def mmd(z: Tensor, z_prior: Tensor, kernel: Kernel) -> Tensor:
    """Unbiased estimate of the squared maximum mean discrepancy (WAE Algorithm 2).

    mean_{i≠j} k(z_i, z_j) + mean_{i≠j} k(z'_i, z'_j) − 2 mean_{i,j} k(z_i, z'_j), where z' is
    ``z_prior``. Being unbiased it may be negative: that is no error.

    Args:
        z: codes, (B, D), B at least 2.
        z_prior: prior samples, (B', D), B' at least 2.
        kernel: a function of squared distances, such as :func:`inverse_multiquadratics`.
    """
    _samples(z, z_prior)
    for value, name in ((z, "z"), (z_prior, "z_prior")):
        check(len(value) > 1, name, f"{len(value)} row", "two rows or more: pairs are compared")
    within = _mean_of_pairs(z, kernel) + _mean_of_pairs(z_prior, kernel)
    return within - 2 * kernel(_squared_distances(z, z_prior)).mean()


def _mean_of_pairs(z: Tensor, kernel: Kernel) -> Tensor:
    n = len(z)
    k = kernel(_squared_distances(z, z))
    return (k.sum() - k.diagonal().sum()) / (n * (n - 1))


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_j‖², (n, m); coordinate by coordinate, which stays exact where they are close."""
    return sum((a[:, None, d] - b[None, :, d]).square() for d in range(a.shape[1]))


def _samples(z: Tensor, z_prior: Tensor) -> None:
    check_matrix(z, "z")
    check_matrix(z_prior, "z_prior", columns=z.shape[1])


# ------------------------------------------------------------------ categorical codes


def entropy(probabilities: Tensor) -> Tensor:
    """−Σ_k p_k log p_k in nats, mean over the batch: 0 for one-hot rows, log K for even ones.

    Args:
        probabilities: (B, K), rows that sum to 1.
    """
    check_matrix(probabilities, "probabilities")
    return torch.special.entr(probabilities).sum(1).mean()


# -------------------------------------------------------------------- what a step is made of

S = TypeVar("S", bound=Callable[..., object])


def reads(config: type) -> Callable[[S], S]:
    """Notes on a step whose settings it reads, so that ``fit`` can refuse a model with others."""

    def note(step: S) -> S:
        step.__dict__["config"] = config
        return step

    return note


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of ``optimizer`` down ``loss``, by the gradients of its own parameters only.

    Gradients left over from another phase are dropped first, and none are computed for networks
    that this phase only looks through.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad()
    loss.backward(inputs=parameters)
    optimizer.step()
