"""A transductive support vector machine: images without a label must not lie in the margin.

Principle:
    One machine for each class against the rest, f(x) = w·(φ(x) − φ̄) + b. Labelled images have to
    be on their side of the margin, the others on either side:

        min  ½‖w‖² + C Σ_labelled max(0, 1 − y f)²  +  C* · mean over unlabelled of exp(−3 f²)

    With C* = 0 it is a support vector machine (squared hinge).

Reference:
    Joachims 1999, "Transductive Inference for Text Classification using Support Vector Machines",
    §3 (the problem). Chapelle & Zien 2005, "Semi-Supervised Classification by Low Density
    Separation", §4 (∇TSVM: exp(−3f²) as a smooth stand-in for the loss of an unlabelled point,
    the balancing constraint, the slow growth of C*). Rahimi & Recht 2007, "Random Features for
    Large-Scale Kernel Machines" (φ for an RBF kernel). Kingma et al. 2014, §4 (M1 + TSVM).

Note:
    There is no well-kept implementation in Python, so this one is ours. The balancing constraint,
    mean f = 2·(share of the class) − 1 over the unlabelled images, holds exactly: φ̄ is their mean
    feature, and b is that constant (shares are equal here).
    Section numbers are quoted from memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import (
    check,
    check_config,
    check_int,
    check_labels,
    check_matrix,
    check_number,
)
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.objectives import descend, reads

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        frequencies: random features of an RBF kernel; 0 for a linear machine.
        bandwidth: of the kernel exp(−‖z − z'‖² / (2·bandwidth²·d)), on features of deviation 1.
        cost: C, per labelled image.
        unlabelled_cost: C* at its largest, for all unlabelled images together; 0: a plain SVM.
        lr: Adam's learning rate.
    """

    classes: int = 10
    frequencies: int = 2000
    bandwidth: float = 0.7
    cost: float = 10.0
    unlabelled_cost: float = 100.0
    lr: float = 0.02

    def __post_init__(self) -> None:
        check_config(self)
        check_int(self.frequencies, "frequencies", at_least=0)
        check_number(self.bandwidth, "bandwidth", above=0)
        check_number(self.cost, "cost", above=0)
        check_number(self.unlabelled_cost, "unlabelled_cost", at_least=0)
        check_number(self.lr, "lr", above=0)


class TSVM(nn.Module):
    """One machine for each class, on fixed features of an image.

    Args:
        x: images, (N, P), mostly without labels: their features are standardised and centred.
        encode: images (B, P) -> codes (B, d), such as M1's; by default the images themselves.
        config: see :class:`Config`.
    """

    mean: Tensor
    scale: Tensor
    frequency: Tensor
    phase: Tensor
    center: Tensor
    growth: Tensor

    def __init__(self, x: Tensor, encode: Encode | None = None, config: Config = Config()) -> None:
        super().__init__()
        check_matrix(x, "x")
        check_config(config, Config)
        check(
            encode is None or callable(encode), "encode", encode, "a function of images, or None"
        )
        self.config, self.encode = config, encode or (lambda images: images)
        owner = getattr(encode, "__self__", encode)  # a network moves to a device with the machine
        self.encoder = owner if isinstance(owner, nn.Module) else None
        z = self._codes(x)
        self.register_buffer("mean", z.mean(0))
        # one scale for all dimensions: those that vary little stay of little weight
        self.register_buffer("scale", z.var(0).mean().sqrt())
        inputs = z.shape[1]
        frequencies = torch.randn(inputs, config.frequencies) / (config.bandwidth * inputs**0.5)
        self.register_buffer("frequency", frequencies.to(z))
        self.register_buffer("phase", 2 * math.pi * torch.rand(config.frequencies).to(z))
        self.register_buffer("center", self._features(x).mean(0))
        self.register_buffer("growth", torch.tensor(1.0))
        self.w = nn.Parameter(torch.zeros(config.classes, len(self.center)))

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    @torch.no_grad()
    def _codes(self, x: Tensor) -> Tensor:
        return self.encode(x)

    def _features(self, x: Tensor) -> Tensor:
        z = (self._codes(x) - self.mean) / self.scale
        if not self.config.frequencies:
            return z
        size = (2 / self.config.frequencies) ** 0.5
        return size * torch.cos(z @ self.frequency + self.phase)

    def forward(self, x: Tensor) -> Tensor:
        """f of every class, (B, K), of images ``x``, (B, P): positive on the class's side."""
        check_matrix(x, "x")
        b = 2 / self.config.classes - 1  # the balancing constraint
        return F.linear(self._features(x) - self.center, self.w) + b

    def classify(self, x: Tensor) -> Tensor:
        """The class of largest f of images ``x``, (B, P): (B,), 0 … K-1."""
        return self(x).argmax(1)


def objective(
    w: Tensor, labelled: Tensor, sign: Tensor, unlabelled: Tensor, cost: float, c_star: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The three terms of the objective, summed over classes.

    Args:
        w: weights of the machines, (K, M).
        labelled, unlabelled: f of labelled, (n, K), and of unlabelled images, (B, K).
        sign: +1 for the image's class, −1 for the others, (n, K).
        cost, c_star: C and C*.
    """
    hinge = (1 - sign * labelled).relu().square()
    inside = torch.exp(-3 * unlabelled.square())
    return 0.5 * w.square().sum(), cost * hinge.sum(), c_star * inside.mean(0).sum()


def grow(model: TSVM, done: float) -> None:
    """C* grows by a factor of a hundred over the first 80 % of a run (an ``on_step`` of ``fit``).

    Large from the start, it would fix the wrong side for images that no label has reached yet.
    """
    model.growth.fill_(100.0 ** min(0.0, done / 0.8 - 1.0))


def optimizers(model: TSVM) -> dict[str, Adam]:
    """One Adam for the machines' weights."""
    return {"margin": Adam([model.w], model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: TSVM, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update of the objective; the batch holds all labelled images. Returns its terms."""
    config = model.config
    check_labels(batch.label, "label", config.classes)
    labelled, unlabelled = model(torch.cat([batch.labelled_x, batch.x])).split(
        [len(batch.label), len(batch.x)]
    )
    sign = 2.0 * F.one_hot(batch.label, config.classes) - 1
    c_star = config.unlabelled_cost * model.growth
    size, hinge, inside = objective(model.w, labelled, sign, unlabelled, config.cost, c_star)
    descend(size + hinge + inside, optimizers["margin"])
    return {"size": size.detach(), "hinge": hinge.detach(), "inside": inside.detach()}
