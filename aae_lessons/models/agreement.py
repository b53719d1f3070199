"""Lesson 5, an addition: semi-supervised learning with agreement of two copies of an image.

Principle:
    The objective of :mod:`aae_lessons.models.semi_supervised`, and one term more:

        − I(y; y'),   y and y' the class probabilities of two corrupted copies of one image

    It is large where the copies get the same class and all classes are equally frequent.

Reference:
    Ji et al. 2019, "Invariant Information Clustering", arXiv:1807.06653, eq. 1 to 3. The rest:
    Makhzani et al. 2015, §5.

Note:
    The term is not adversarial, and not in the AAE paper. Lesson 6 has it too.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.optim import SGD

from aae_lessons.arguments import check_number
from aae_lessons.clusters import mutual_information
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.models import semi_supervised
from aae_lessons.models.clustering import ClusteringAAE
from aae_lessons.models.semi_supervised import SemiSupervisedAAE
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config(semi_supervised.Config):
    """Settings of :func:`train_step` in addition to those of the semi-supervised AAE.

    Args:
        agreement_lr: learning rate of the phase of agreement; its momentum is
            ``adversarial_momentum``.
    """

    agreement_lr: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.agreement_lr, "agreement_lr", above=0)


class AgreementAAE(SemiSupervisedAAE):
    """The networks of the semi-supervised AAE, trained with one more phase."""

    config: Config

    def __init__(self, config: Config = Config()) -> None:
        super().__init__(config)

    def optimizers(self) -> dict[str, SGD]:
        """What :func:`train_step` descends with, by phase."""
        return optimizers(self)


def optimizers(model: AgreementAAE) -> dict[str, SGD]:
    """Those of the three phases, and the encoder's for the phase of agreement."""
    agreement = agreement_optimizer(model, model.config)
    return {**semi_supervised.optimizers(model), "agreement": agreement}


def agreement_optimizer(model: SemiSupervisedAAE, config: Config) -> SGD:
    """The encoder's SGD for the phase of agreement, at the rates of ``config``."""
    lr, momentum = config.agreement_lr, config.adversarial_momentum
    return SGD(model.encoder.parameters(), lr, momentum=momentum, fused=True)


def agreement_loss(model: SemiSupervisedAAE | ClusteringAAE, x: Tensor) -> Tensor:
    """−I(y; y') in nats, a scalar, of two corrupted copies of each of the images ``x``, (B, 784).

    Ji et al. 2019, eq. 3.
    """
    y, y_other = (model.encode(model.corrupt(x))[0] for _ in range(2))
    return -mutual_information(y, y_other)


@reads(Config)
def train_step(
    model: AgreementAAE, optimizers: dict[str, SGD], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update of the paper's three phases, then one of agreement.

    Returns the losses of the three phases and ``agreement``, −I(y; y') in nats.
    """
    losses = semi_supervised.train_step(model, optimizers, batch)

    # Agreement phase: two copies of an image, each with its own corruption, get the same class.
    agreement = agreement_loss(model, batch.x)
    descend(agreement, optimizers["agreement"])
    return {**losses, "agreement": agreement.detach()}
