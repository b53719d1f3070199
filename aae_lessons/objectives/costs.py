"""Reconstruction costs c(logits, x)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import check_matrix, check_same_shape
from aae_lessons.devices import in_single_precision

Cost = Callable[[Tensor, Tensor], Tensor]


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
        features: images, (B, 784), in [0, 1] -> (B, F), such as the shipped classifier's
            :meth:`aae_lessons.models.classifier.DigitClassifier.activations`.
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
