"""SDGM: ADGM with the auxiliary variable in the generative model: two stochastic layers.

Principle:
    As :mod:`aae_lessons.methods.adgm`, whose inference, bounds and step it shares, but a now
    helps to explain the image:

        p(x, y, z, a) = p(y) · p(z) · p(a|y, z) · p(x|a, y, z)
        L(x, y) = E[ −log p(x|a, y, z) − log p(a|y, z) + log q(a|x) ]
                  + KL( q(z|a, x, y) ‖ N(0, I) ) − log p(y)
        U(x)    = E_a[ Σ_y q(y|a, x) · L(x, y) − H[ q(y|a, x) ] ]
        min  mean over labelled of ( L + α · (−log q(label|a, x)) )  +  mean over unlabelled of U

Reference:
    Maaløe et al. 2016, "Auxiliary Deep Generative Models", arXiv:1602.05473: §2.2 (auxiliary
    variables), §2.3 (the semi-supervised bounds, α = β · N / N_l),
    §2.4 (the skip deep generative model), §4 (sizes, rates).

Note:
    The paper sums over images; here both minibatches count equally, so that a labelled image
    weighs N_u / N_l times as much as one without a label.
    One draw of a and z for each row. The KL of z is in closed form. The authors also cut
    gradients at a norm of 5; that is left out.
    The slides' 16.61 % on SVHN in the row "ADGM" is this model's; ADGM's own is 22.86 %.
    The paper's sum, and section numbers other than §2.2, are quoted from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.optim import Adam

from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods import adgm
from aae_lessons.objectives import reads


@dataclass(frozen=True)
class Config(adgm.Config):
    """Settings of :func:`train_step`: those of :class:`aae_lessons.methods.adgm.Config`."""


class SDGM(adgm.ADGM):
    """q(a|x), q(y|a, x), q(z|a, x, y); p(a|y, z), p(x|a, y, z)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__(config)

    def conditions(
        self, x: Tensor, a: Tensor, y: Tensor, z: Tensor
    ) -> tuple[adgm.Parts, adgm.Parts]:
        """What p(a|y, z) and p(x|a, y, z) depend on: inputs of both decoders."""
        return (y, z), (a, y, z)


def optimizers(model: SDGM) -> dict[str, Adam]:
    """One Adam for all five networks."""
    return adgm.optimizers(model)


@reads(Config)
def train_step(
    model: SDGM, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (§2.3). Returns L, U and the classification loss, in nats."""
    return adgm.train_step(model, optimizers, batch)
