"""Lesson 7: the Wasserstein autoencoder (WAE), the frame that holds the others.

Principle:
    min over Q, G:  E[ c(x, G(Q(x))) ]  +  λ · D_Z(Q_Z, P_Z),   any cost c, any discrepancy D_Z

    If Q_Z = P_Z, the first term is the optimal transport cost between the data and the samples of
    the model (WAE, Theorem 1). So minimise it under that constraint, the constraint softened to a
    penalty. With c = squared error and an adversarial D_Z this *is* the adversarial autoencoder.

Reference:
    Tolstikhin et al. 2018, "Wasserstein Auto-Encoders", Theorem 1, Algorithm 1 (adversarial),
    Algorithm 2 (MMD), §4 and appendix C (kernel, log p(z) in the discriminator, moments).
    Kolouri et al. 2019, "Sliced Wasserstein Auto-Encoders", arXiv:1804.01947, for sliced
    Wasserstein.

Note:
    A cost is a function ``c(logits, x)``, a discrepancy a function ``D(z, z_prior)``, each with a
    scalar for its value: write your own and pass it. One with weights to train is a
    :class:`TrainedDiscrepancy`, such as :class:`Adversarial`, and has a phase of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_matrix, check_number, check_same_shape
from aae_lessons.data import Batch
from aae_lessons.devices import in_single_precision
from aae_lessons.models.discrepancies import (
    MMD,
    Adversarial,
    Discrepancy,
    SlicedWasserstein,
    TrainedDiscrepancy,
    check_discrepancy,
)
from aae_lessons.networks import CodeAutoencoder
from aae_lessons.objectives import Cost, adam, descend, reads
from aae_lessons.priors import Prior, check_prior

__all__ = [
    "MMD",
    "WAE",
    "Adversarial",
    "Config",
    "Discrepancy",
    "SlicedWasserstein",
    "TrainedDiscrepancy",
    "match_moments",
    "moment_error",
    "optimizers",
    "train_step",
]


@dataclass(frozen=True)
class Config:
    """Settings of the WAE and of :func:`train_step`.

    Args:
        hidden: sizes of the encoder's hidden layers; the decoder mirrors them.
        pixels: number of pixels of an image.
        gaussian_posterior: draw codes from N(mean(x), diag(variance(x))) instead of one code for
            each image.
        weight: λ, in units of the cost per unit of the discrepancy.
        lr: learning rate of encoder's and decoder's Adam (a discriminator has its own, see
            :class:`Adversarial`).
        beta1: Adam's decay of its first moment; adversarial training needs a low one.
    """

    hidden: tuple[int, ...] = (256, 256)
    pixels: int = 784
    gaussian_posterior: bool = False
    weight: float = 10.0
    lr: float = 5e-4
    beta1: float = 0.5

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.weight, "weight", at_least=0)
        check_number(self.lr, "lr", above=0)


class WAE(CodeAutoencoder):
    """An autoencoder with a cost c and a discrepancy D_Z between its codes and the prior.

    Args:
        prior: the distribution that the codes should have.
        cost: c(logits, x), a scalar: such as ``squared_error``.
        discrepancy: D_Z(z, z_prior), a scalar: :class:`Adversarial`, :class:`MMD`,
            :class:`SlicedWasserstein` or any function of codes and prior samples, (B, d) each.
            One that is trained is a :class:`TrainedDiscrepancy`.
        config: see :class:`Config`.
    """

    def __init__(
        self, prior: Prior, cost: Cost, discrepancy: Discrepancy, config: Config = Config()
    ) -> None:
        check_prior(prior)
        check(callable(cost), "cost", cost, "a function c(logits, x)")
        check_discrepancy(discrepancy)
        super().__init__(prior, config)
        self.cost, self.discrepancy = cost, discrepancy

    def optimizers(self) -> dict[str, Adam]:
        """What :func:`train_step` descends with, by name."""
        return optimizers(self)


def optimizers(model: WAE) -> dict[str, Adam]:
    """One Adam for encoder and decoder together, one for the discriminator if there is one."""
    config, discrepancy = model.config, model.discrepancy
    result = {"autoencoder": adam(config.lr, config.beta1, model.encoder, model.decoder)}
    if isinstance(discrepancy, TrainedDiscrepancy):
        result["discriminator"] = adam(discrepancy.lr, config.beta1, discrepancy)
    return result


@reads(Config)
def train_step(model: WAE, optimizers: dict[str, Adam], batch: Batch) -> dict[str, Tensor]:
    """One update (WAE, Algorithms 1 and 2). Returns cost and discrepancy, and D's loss if any."""
    z = model.encode(batch.x)
    z_prior = model.prior.sample(len(z), z.device).to(z)
    losses = {}

    # Discriminator, where there is one: tell prior samples (real) from codes (fake).
    if isinstance(model.discrepancy, TrainedDiscrepancy):
        # detached: this loss needs no gradient in the encoder (see two_sample_loss)
        discriminator = model.discrepancy.discriminator_loss(z.detach(), z_prior)
        descend(discriminator, optimizers["discriminator"])
        losses["discriminator"] = discriminator.detach()

    # Encoder and decoder: rebuild the image from codes that are distributed as the prior.
    cost = model.cost(model.decoder(z), batch.x)
    discrepancy = model.discrepancy(z, z_prior)
    descend(cost + model.config.weight * discrepancy, optimizers["autoencoder"])
    return losses | {"cost": cost.detach(), "discrepancy": discrepancy.detach()}


def match_moments(model: WAE, batches: Iterable[Batch], lr: float = 1e-3) -> float:
    """Pre-training of the encoder: mean and covariance of its codes become the prior's.

    An untrained encoder puts all codes close together. (WAE, appendix C: at most 200 updates of
    large batches.)

    Args:
        model: its encoder is changed in place.
        batches: one update each, of more rows than dimensions.
        lr: Adam's learning rate.

    Returns:
        ‖mean − mean_prior‖² + ‖cov − cov_prior‖² of the last batch, before its update.
    """
    check_number(lr, "lr", above=0)
    adam = Adam(model.encoder.parameters(), lr, fused=True)
    loss = None
    for batch in batches:
        z = model.encode(batch.x)
        check(len(z) > model.prior.dim, "batches", f"{len(z)} rows", "more rows than dimensions")
        loss = moment_error(z, model.prior.sample(len(z), z.device).to(z))
        descend(loss, adam)
    if loss is None:
        raise ValueError("batches: got none, expected one batch or more")
    return loss.item()


@in_single_precision
def moment_error(z: Tensor, z_prior: Tensor) -> Tensor:
    """‖mean(z) − mean(z_prior)‖² + ‖cov(z) − cov(z_prior)‖², of (B, d) and (B, d)."""
    check_matrix(z, "z")
    check_same_shape(z, z_prior, "z", "z_prior")
    mean = z.mean(0) - z_prior.mean(0)
    covariance = z.T.cov() - z_prior.T.cov()
    return mean.square().sum() + covariance.square().sum()
