"""M2: an image without a label is explained by a class and a style, the class summed out.

Principle:
    p(x, y, z) = Cat(y) · N(z; 0, I) · p(x|y, z). With a label the bound is −L(x, y); without one
    every class is tried, each as far as q(y|x) believes in it:

        L(x, y) = E_q(z|x,y)[ −log p(x|y, z) ] + KL( q(z|x, y) ‖ N(0, I) ) − log p(y)
        U(x)    = Σ_y q(y|x) · L(x, y)  −  H[ q(y|x) ]
        min  Σ_labelled L(x, y) + Σ_unlabelled U(x) + α · N · mean of −log q(y|x) over labelled

Reference:
    Kingma et al. 2014, arXiv:1406.5298: eq. (2) (the model M2), eq. (6) (L, with label), eq. (7)
    (U, without), eq. (8)-(9) (the objective; the paper's α = 0.1 · N is our α · N), §4 (sizes).

Note:
    Everything is divided by the number N of images, so that a minibatch's means take the place
    of the sums: labelled images have the weight ``labelled_share``. The KL is in closed form.
    Section and equation numbers are quoted from memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check, check_config, check_labels, check_matrix, check_number
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
from aae_lessons.networks import mlp, reparameterise
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        dim: d, of the style z.
        hidden: sizes of the hidden layers of all three networks.
        pixels: number of pixels of an image.
        gaussian: whether p(x|y, z) is Gaussian; otherwise Bernoulli, inputs binarised afresh.
        alpha: of the classification term, α in α · N.
        labelled_share: labelled images among all, N_l / N.
        lr: Adam's learning rate.
        weight_decay: a Gaussian prior on the weights: 1/N.
    """

    classes: int = 10
    dim: int = 50
    hidden: tuple[int, ...] = (500,)
    pixels: int = 784
    gaussian: bool = False
    alpha: float = 0.1
    labelled_share: float = 0.002
    lr: float = 3e-4
    weight_decay: float = 2e-5

    def __post_init__(self) -> None:
        check_config(self)
        check_number(self.alpha, "alpha", at_least=0)
        check_number(self.lr, "lr", above=0)
        share = self.labelled_share
        check_number(share, "labelled_share", above=0)
        check(share <= 1, "labelled_share", share, "at most 1")


class M2(nn.Module):
    """q(y|x), q(z|x, y) and p(x|y, z)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        pixels, classes = config.pixels, config.classes
        outputs = pixels * (2 if config.gaussian else 1)
        self.classifier = mlp((pixels, *config.hidden, classes), nn.Softplus)
        self.encoder = mlp((pixels + classes, *config.hidden, 2 * config.dim), nn.Softplus)
        decoder = (config.dim + classes, *reversed(config.hidden), outputs)
        self.decoder = mlp(decoder, nn.Softplus)

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of q(y|x), (B, K), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.classifier(x).float()

    def classify(self, x: Tensor) -> Tensor:
        """The class of highest q(y|x) of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)

    def decode(self, y: Tensor, z: Tensor) -> Tensor:
        """Mean images x_hat, (B, 784), of classes ``y``, (B, K), and styles ``z``, (B, d)."""
        outputs = side_by_side(self.decoder, y, z)
        return outputs.chunk(2, dim=1)[0] if self.config.gaussian else outputs.sigmoid()

    def row_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """L(x, y) of eq. (6) in nats, (B,), of images ``x``, (B, 784), of classes ``y``, (B, K).

        One draw of z for each row. Of every class, (K, 1, K), it is (K, B).
        """
        mean, log_variance = side_by_side(self.encoder, x, y).float().chunk(2, dim=-1)
        outputs = side_by_side(self.decoder, y, reparameterise(mean, log_variance)).float()
        log_p_y = -math.log(self.config.classes)
        log_p_x = log_likelihood(outputs, x, self.config.gaussian)
        return kl_of_rows(mean, log_variance) - log_p_x - log_p_y


def unlabelled_loss(row_losses: Tensor, logits: Tensor) -> Tensor:
    """U(x) of eq. (7) in nats, mean over the batch: Σ_y q(y|x) L(x, y) − H[q(y|x)].

    Args:
        row_losses: L(x, y) of every class, (B, K).
        logits: of q(y|x), (B, K).
    """
    return ((logits.softmax(1) * row_losses).sum(1) - entropy_of_logits(logits)).mean()


def optimizers(model: M2) -> dict[str, Adam]:
    """One Adam for all three networks."""
    config = model.config
    decay = config.weight_decay
    return {"elbo": Adam(model.parameters(), config.lr, weight_decay=decay, fused=True)}


@reads(Config)
def train_step(
    model: M2, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (eq. 9, divided by N). Returns L, U and the classification loss, in nats."""
    config = model.config
    check_labels(batch.label, "label", config.classes)
    x, labelled_x = batch.x, batch.labelled_x
    if not config.gaussian:
        x, labelled_x = binarise(x), binarise(labelled_x)

    y = one_hot(batch.label, config.classes, labelled_x)
    labelled = model.row_loss(labelled_x, y).mean()  # eq. (6)
    row_losses = every_class(model.row_loss, config.classes, x)
    unlabelled = unlabelled_loss(row_losses, model(x))  # eq. (7)
    classification = F.cross_entropy(model(labelled_x), batch.label)  # eq. (9), 2nd term

    share = config.labelled_share
    bound = share * labelled + (1 - share) * unlabelled  # eq. (8)
    descend(bound + config.alpha * classification, optimizers["elbo"])
    return {
        "labelled": labelled.detach(),
        "unlabelled": unlabelled.detach(),
        "classification": classification.detach(),
    }
