"""ADGM: M2 with an auxiliary variable a, which makes the posterior of the style richer.

Principle:
    a is drawn from the image first; class and style are inferred from image and a. The generative
    model of the image, p(x|y, z), does not use a: a only has to be predictable afterwards.

        L(x, y) = E[ −log p(x|y, z) − log p(a|x, y, z) + log q(a|x) ]
                  + KL( q(z|a, x, y) ‖ N(0, I) ) − log p(y)
        U(x)    = E_a[ Σ_y q(y|a, x) · L(x, y) − H[ q(y|a, x) ] ]
        min  mean over labelled of ( L + α · (−log q(label|a, x)) )  +  mean over unlabelled of U

    Without its own draw of a, q(z|x, y) would be a Gaussian; with it, it is a mixture of many.

Reference:
    Maaløe et al. 2016, "Auxiliary Deep Generative Models", arXiv:1602.05473: §2.2 (auxiliary
    variables), §2.3 (the semi-supervised bounds, α = β · N / N_l), §4 (sizes, rates).

Note:
    The paper sums over images; here both minibatches count equally, so that a labelled image
    weighs N_u / N_l times as much as one without a label.
    One draw of a and z for each row. The KL of z is in closed form. The authors also cut
    gradients at a norm of 5; that is left out.
    The paper's sum, and section numbers other than §2.2, are quoted from memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_labels, check_matrix, check_numbers
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._densities import (
    binarise,
    entropy_of_logits,
    every_class,
    kl_of_rows,
    log_likelihood,
    one_hot,
    side_by_side,
)
from aae_lessons.methods._layers import normalised_mlp
from aae_lessons.networks import reparameterise
from aae_lessons.objectives import descend, gaussian_log_prob, reads
from aae_lessons.objectives.information import gaussian_log_prob_of_rows

Parts = tuple[Tensor, ...]  # inputs of a network, side by side


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        dim: d, of the style z and of the auxiliary variable a.
        hidden: sizes of the hidden layers of all five networks.
        pixels: number of pixels of an image.
        gaussian: whether p(x|·) is Gaussian; otherwise Bernoulli, inputs binarised afresh.
        alpha: α, of the classification term: β · N / N_l = 0.1 · 50,000 / 100.
        lr: Adam's learning rate.
    """

    classes: int = 10
    dim: int = 100
    hidden: tuple[int, ...] = (500, 500)
    pixels: int = 784
    gaussian: bool = False
    alpha: float = 50.0
    lr: float = 3e-4

    def __post_init__(self) -> None:
        check_config(self)
        check_numbers(self, "alpha", "lr", above=0)


class ADGM(nn.Module):
    """q(a|x), q(y|a, x), q(z|a, x, y); p(a|x, y, z), p(x|y, z)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        pixels, classes, dim = config.pixels, config.classes, config.dim
        outputs = pixels * (2 if config.gaussian else 1)

        def network(inputs: int, outputs: int) -> nn.Sequential:
            return normalised_mlp((inputs, *config.hidden, outputs))

        self.auxiliary = network(pixels, 2 * dim)  # q(a|x)
        self.classifier = network(pixels + dim, classes)  # q(y|a, x)
        self.encoder = network(pixels + dim + classes, 2 * dim)  # q(z|a, x, y)
        rows = (torch.zeros(1, n) for n in (pixels, dim, classes, dim))
        for_a, for_x = (sum(p.shape[1] for p in parts) for parts in self.conditions(*rows))
        self.auxiliary_decoder = network(for_a, 2 * dim)
        self.decoder = network(for_x, outputs)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of q(y|a, x), (B, K), of images ``x``, (B, 784), at the mean of q(a|x)."""
        check_matrix(x, "x", columns=self.config.pixels)
        mean, _ = self.auxiliary(x).float().chunk(2, dim=1)
        return self.class_logits(x, mean)

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)

    def class_logits(self, x: Tensor, a: Tensor) -> Tensor:
        """Logits of q(y|a, x), (B, K), of images, (B, 784), and auxiliary codes, (B, d)."""
        return side_by_side(self.classifier, x, a).float()

    def auxiliary_code(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """A draw a ~ q(a|x), (B, d), and its log q(a|x), (B,), of images ``x``, (B, 784)."""
        mean, log_variance = self.auxiliary(x).float().chunk(2, dim=1)
        a = reparameterise(mean, log_variance)
        return a, gaussian_log_prob(a, mean, log_variance)

    def conditions(self, x: Tensor, a: Tensor, y: Tensor, z: Tensor) -> tuple[Parts, Parts]:
        """What p(a|x, y, z) and p(x|y, z) depend on: inputs of both decoders."""
        return (x, y, z), (y, z)

    def row_loss(self, x: Tensor, a: Tensor, y: Tensor) -> Tensor:
        """L(x, y) without its term log q(a|x), in nats, (B,): of images, codes a and classes.

        Of every class, ``y`` of (K, 1, K), it is (K, B).
        """
        mean, log_variance = side_by_side(self.encoder, x, a, y).float().chunk(2, dim=-1)
        z = reparameterise(mean, log_variance)
        for_a, for_x = self.conditions(x, a, y, z)
        p_a = side_by_side(self.auxiliary_decoder, *for_a).float()
        log_p_a = gaussian_log_prob_of_rows(a, *p_a.chunk(2, dim=-1))
        outputs = side_by_side(self.decoder, *for_x).float()
        log_p_x = log_likelihood(outputs, x, self.config.gaussian)
        log_p_y = -math.log(self.config.classes)
        return kl_of_rows(mean, log_variance) - log_p_x - log_p_a - log_p_y


def optimizers(model: ADGM) -> dict[str, Adam]:
    """One Adam for all five networks."""
    return {"elbo": Adam(model.parameters(), model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: ADGM, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (§2.3). Returns L, U and the classification loss, in nats."""
    config = model.config
    check_labels(batch.label, "label", config.classes)
    x, labelled_x = batch.x, batch.labelled_x
    if not config.gaussian:
        x, labelled_x = binarise(x), binarise(labelled_x)

    # With a label: L(x, y), and the classification term.
    a, log_q_a = model.auxiliary_code(labelled_x)
    y = one_hot(batch.label, config.classes, labelled_x)
    labelled = (model.row_loss(labelled_x, a, y) + log_q_a).mean()
    classification = F.cross_entropy(model.class_logits(labelled_x, a), batch.label)

    # Without: U(x) = Σ_y q(y|a, x) L(x, y) − H[ q(y|a, x) ].
    a, log_q_a = model.auxiliary_code(x)
    logits = model.class_logits(x, a)
    row_losses = every_class(model.row_loss, config.classes, x, a)
    expected = (logits.softmax(1) * row_losses).sum(1)
    unlabelled = (expected + log_q_a - entropy_of_logits(logits)).mean()

    total = labelled + config.alpha * classification + unlabelled
    descend(total, optimizers["elbo"])
    return {
        "labelled": labelled.detach(),
        "unlabelled": unlabelled.detach(),
        "classification": classification.detach(),
    }
