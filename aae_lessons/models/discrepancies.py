"""Discrepancies D_Z(z, z_prior) for the Wasserstein autoencoder: trained, or computed.

Reference:
    Tolstikhin et al. 2018, "Wasserstein Auto-Encoders", Algorithm 1 (adversarial), Algorithm 2
    (MMD), appendix C (log p(z) in the discriminator). Kolouri et al. 2019, arXiv:1804.01947
    (sliced Wasserstein).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from aae_lessons.arguments import check, check_int, check_matrix, check_number
from aae_lessons.networks import Discriminator
from aae_lessons.objectives import (
    Kernel,
    generator_loss,
    mmd,
    random_directions,
    sliced_wasserstein,
    two_sample_loss,
)
from aae_lessons.priors import HasDensity, Prior, check_prior

Discrepancy = Callable[[Tensor, Tensor], Tensor]


@runtime_checkable
class TrainedDiscrepancy(Protocol):
    """A discrepancy with a discriminator, such as :class:`Adversarial`; an ``nn.Module``.

    ``lr`` is the learning rate of the discriminator's Adam.
    """

    lr: float

    def __call__(self, z: Tensor, z_prior: Tensor) -> Tensor:
        """What the encoder descends, a scalar, of codes and prior samples, (B, d) each."""
        ...

    def discriminator_loss(self, z: Tensor, z_prior: Tensor) -> Tensor:
        """What the discriminator descends, a scalar; ``z`` is detached."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """The discriminator's weights."""
        ...


def check_discrepancy(value: object) -> None:
    """Refuses what is no discrepancy, and one whose weights would never be trained."""
    check(callable(value), "discrepancy", value, "a function D(z, z_prior)")
    weights = list(value.parameters()) if isinstance(value, nn.Module) else []
    learns = hasattr(value, "discriminator_loss") or any(p.requires_grad for p in weights)
    expected = "an nn.Module with discriminator_loss and lr, or one without trainable weights"
    known = isinstance(value, TrainedDiscrepancy) and len(weights) > 0
    check(not learns or known, "discrepancy", value, expected)


class Adversarial(nn.Module):
    """D_Z by a discriminator that is trained with the autoencoder (WAE-GAN, Algorithm 1; AAE §2).

    Args:
        prior: P_Z; one with a density for ``log_density``.
        hidden: sizes of the discriminator's hidden layers.
        log_density: add log p(z) to the logits. The best discriminator's logit is
            log p(z) − log q(z); with the first term known, only the second is to be learnt.
        lr: learning rate of the discriminator's Adam.
    """

    def __init__(
        self,
        prior: Prior,
        hidden: tuple[int, ...] = (256, 256),
        log_density: bool = False,
        lr: float = 5e-4,
    ) -> None:
        super().__init__()
        known = isinstance(prior, HasDensity) or not log_density
        check(known, "prior", prior, "one with log_prob, or log_density=False")
        check_prior(prior)
        check_number(lr, "lr", above=0)
        self.prior, self.log_density, self.lr = prior, log_density, lr
        self.discriminator = Discriminator(prior.dim, hidden)

    def logits(self, z: Tensor) -> Tensor:
        """(B,), of codes ``z``, (B, d): positive means "a prior sample"."""
        check_matrix(z, "z", columns=self.prior.dim)
        logits = self.discriminator(z)
        if self.log_density and isinstance(self.prior, HasDensity):
            logits = logits + self.prior.log_prob(z)
        return logits

    def discriminator_loss(self, z: Tensor, z_prior: Tensor) -> Tensor:
        """What the discriminator descends: prior samples are real, codes are fake."""
        return two_sample_loss(self.logits, z_prior, z)

    def forward(self, z: Tensor, z_prior: Tensor) -> Tensor:
        """What the encoder descends: codes should pass for prior samples."""
        return generator_loss(self.logits(z))


@dataclass(frozen=True)
class MMD:
    """D_Z by the unbiased maximum mean discrepancy (WAE-MMD, Algorithm 2): nothing to train.

    Args:
        kernel: a function of squared distances: ``inverse_multiquadratics(dim)`` or
            ``rbf(bandwidth)`` of :mod:`aae_lessons.objectives`.
    """

    kernel: Kernel

    def __call__(self, z: Tensor, z_prior: Tensor) -> Tensor:
        return mmd(z, z_prior, self.kernel)


@dataclass(frozen=True)
class SlicedWasserstein:
    """D_Z by sorting along random directions, new ones at every call: nothing to train.

    Args:
        directions: how many.
    """

    directions: int = 50

    def __post_init__(self) -> None:
        check_int(self.directions, "directions")

    def __call__(self, z: Tensor, z_prior: Tensor) -> Tensor:
        directions = random_directions(z.shape[1], self.directions, like=z)
        return sliced_wasserstein(z, z_prior, directions)
