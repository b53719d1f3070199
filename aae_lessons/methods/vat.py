"""Virtual adversarial training (VAT): the answer may not change where it changes most.

Principle:
    Of all perturbations of length ε, r_vadv is the one that changes the predicted distribution
    most; the network has to predict the same there, with or without a label:

        min  −log p(label | labelled x)  +  λ · E_x[ LDS(x) ],
        LDS(x) = KL( p(·|x) ‖ p(·|x + r_vadv) ),   r_vadv = argmax over ‖r‖ ≤ ε of that KL

    The KL is smallest, 0, at r = 0, so its gradient there vanishes and the Hessian H decides:
    r_vadv = ε · (top eigenvector of H). One step of the power method finds it: H d is a finite
    difference of gradients.

Reference:
    Miyato et al. 2016, "Distributional Smoothing with Virtual Adversarial Training",
    arXiv:1507.00677; Miyato et al. 2017, "Virtual Adversarial Training", arXiv:1704.03976:
    §3.2, eq. (5)-(8) (LDS and the objective), §3.3 and Algorithm 1 (the direction).

Note:
    Sizes and constants are not the authors' (784-1200-1200-10, ξ = 1e-6, ε = 0.3, Adam 2e-3):
    ours, 1200-600 with ξ = 10, ε = 1 and Adam 2e-4, learn in far fewer updates in single
    precision. Batch norm sees labelled and unlabelled images in one batch.
    Section, equation and algorithm numbers are quoted from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from aae_lessons.arguments import check_config, check_int, check_labels, check_matrix, check_number
from aae_lessons.data import SemiSupervisedBatch
from aae_lessons.methods._layers import frozen_statistics, normalised_mlp
from aae_lessons.objectives import descend, reads


@dataclass(frozen=True)
class Config:
    """Settings of :func:`train_step`.

    Args:
        classes: K.
        hidden: sizes of the hidden layers.
        pixels: number of pixels of an image.
        eps: ε, the length of the perturbation, in the L2 norm of pixels in [0, 1].
        xi: ξ, the length of the step by which the Hessian is felt.
        power_steps: iterations of the power method.
        weight: λ.
        lr: Adam's learning rate.
    """

    classes: int = 10
    hidden: tuple[int, ...] = (1200, 600)
    pixels: int = 784
    eps: float = 1.0
    xi: float = 10.0
    power_steps: int = 1
    weight: float = 1.0
    lr: float = 2e-4

    def __post_init__(self) -> None:
        check_config(self)
        check_int(self.power_steps, "power_steps")
        for name in ("eps", "xi", "lr"):
            check_number(getattr(self, name), name, above=0)
        check_number(self.weight, "weight", at_least=0)


class VAT(nn.Module):
    """A classifier with batch norm: (B, 784) -> logits (B, K)."""

    def __init__(self, config: Config = Config()) -> None:
        super().__init__()
        check_config(config, Config)
        self.config = config
        self.layers = normalised_mlp((config.pixels, *config.hidden, config.classes))

    def optimizers(self) -> dict[str, Adam]:
        """What the step descends with, by phase."""
        return optimizers(self)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits, (B, K), of images ``x``, (B, 784)."""
        check_matrix(x, "x", columns=self.config.pixels)
        return self.layers(x).float()

    def classify(self, x: Tensor) -> Tensor:
        """The most probable class of images ``x``, (B, 784): (B,), 0 … K-1."""
        return self(x).argmax(1)


def divergence(logits: Tensor, other_logits: Tensor) -> Tensor:
    """KL( p ‖ q ) in nats, mean over the batch, of two predictions given as logits, (B, K)."""
    log_p, log_q = logits.log_softmax(1), other_logits.log_softmax(1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)


def unit(d: Tensor) -> Tensor:
    """Rows of length 1, (B, 784)."""
    return F.normalize(d, dim=1, eps=1e-30)


def adversarial_direction(model: VAT, x: Tensor, logits: Tensor) -> Tensor:
    """Unit vectors, (B, 784), along which the prediction changes most (Algorithm 1).

    Args:
        x: images, (B, 784).
        logits: what the model predicts of them, (B, K), as a constant.
    """
    d = unit(torch.randn_like(x))
    for _ in range(model.config.power_steps):
        r = (model.config.xi * d).requires_grad_()  # §3.3: the gradient at r = ξd is ∝ Hd
        (gradient,) = torch.autograd.grad(divergence(logits, model(x + r)), r)
        d = unit(gradient)  # §3.3: the power method
    return d


def optimizers(model: VAT) -> dict[str, Adam]:
    """One Adam for the classifier."""
    return {"vat": Adam(model.parameters(), model.config.lr, fused=True)}


@reads(Config)
def train_step(
    model: VAT, optimizers: dict[str, Adam], batch: SemiSupervisedBatch
) -> dict[str, Tensor]:
    """One update (eq. 8). Returns the cross-entropy and the LDS, in nats."""
    check_labels(batch.label, "label", model.config.classes)
    x = torch.cat([batch.labelled_x, batch.x])
    logits = model(x)
    classification = F.cross_entropy(logits[: len(batch.label)], batch.label)

    # detached: p(·|x) is the constant p(·|x, θ̂) of eq. (5); only the perturbed prediction learns
    with frozen_statistics(model):
        d = adversarial_direction(model, x, logits.detach())
        smoothness = divergence(logits.detach(), model(x + model.config.eps * d))

    descend(classification + model.config.weight * smoothness, optimizers["vat"])
    return {"classification": classification.detach(), "smoothness": smoothness.detach()}
