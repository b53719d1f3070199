"""M1 + M2: the class and style of M2 explain not the pixels but the codes of M1.

Principle:
    M1 is trained first, on all images, and kept. Its codes z₁ ~ q(z₁|x) are M2's images, drawn
    afresh for every update; their density given class and style is Gaussian:

        p(x, y, z₁, z₂) = p(y) · p(z₂) · p(z₁|y, z₂) · p(x|z₁)

Reference:
    Kingma et al. 2014, arXiv:1406.5298: §2 (stacked model M1 + M2), §4 (trained layer by layer).
    The step is that of :mod:`aae_lessons.methods.m2`, eq. (6)-(9).

Note:
    Dimensions of the code that M1 does not use are left out, the others are divided by their
    standard deviation over the images; at test time the mean of q(z₁|x) is classified.
    Section and equation numbers are quoted from memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.optim import Adam

from aae_lessons.arguments import check, check_instance, check_matrix
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods import m2 as upper
from aae_lessons.methods.m1 import M1, used_dimensions
from aae_lessons.networks import reparameterise
from aae_lessons.objectives import reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        m2: of the upper model; its ``pixels`` are set to the number of M1's used dimensions.
    """

    m2: upper.Config = field(default_factory=lambda: upper.Config(gaussian=True))

    def __post_init__(self) -> None:
        check(self.m2.gaussian, "m2", self.m2, "one with gaussian=True: codes are real numbers")


class M1M2(nn.Module):
    """A trained M1, kept as it is, and an M2 on its codes.

    Args:
        m1: trained.
        x: images, (N, 784), of which used dimensions and their deviations are measured.
        config: see :class:`Config`.
    """

    used: Tensor
    std: Tensor

    def __init__(self, m1: M1, x: Tensor, config: Config = Config()) -> None:
        super().__init__()
        check_instance(m1, "m1", M1, "a trained M1")
        check_matrix(x, "x", columns=m1.config.pixels)
        self.m1 = m1.requires_grad_(False)
        used = used_dimensions(m1, x)
        check(bool(used.any()), "m1", "no used dimension", "a trained M1")
        self.register_buffer("used", used.nonzero().flatten())
        with torch.no_grad():
            self.register_buffer("std", m1.encode(x)[:, self.used].std(0))
        self.config = Config(replace(config.m2, pixels=len(self.used)))
        self.m2 = upper.M2(self.config.m2)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def codes(self, x: Tensor, sample: bool = False) -> Tensor:
        """M1's codes of images ``x``, (B, 784), in units of their deviation: (B, used)."""
        with torch.no_grad():
            mean, log_variance = self.m1.posterior(x)
            z = reparameterise(mean, log_variance) if sample else mean
            return z[:, self.used] / self.std

    def forward(self, x: Tensor) -> Tensor:
        """Logits of q(y|z₁), (B, K), of images ``x``, (B, 784)."""
        return self.m2(self.codes(x))

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)


def optimizers(model: M1M2) -> dict[str, Adam]:
    """M2's own: M1 is not trained further."""
    return upper.optimizers(model.m2)


@reads(Config)
def train_step(
    model: M1M2, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update of M2 on fresh draws of M1's codes. Returns M2's losses, in nats."""
    codes = SemiSupervisedBatch(
        model.codes(batch.x, sample=True),
        model.codes(batch.labelled_x, sample=True),
        batch.label,
    )
    return upper.train_step(model.m2, optimizers, codes)
