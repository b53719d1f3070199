"""The classifier of MNIST's digits by which samples are measured.

Principle:
    It is trained once, on all labels, and then fixed. Its classes say which digit a decoded image
    shows, its last hidden layer is the space of the Fréchet distance, and its second convolution
    that of a perceptual cost.

Reference:
    Heusel et al. 2017, arXiv:1706.08500, §2 (the Fréchet distance; there in the features of an
    Inception network, which knows photographs and not digits). How it was trained:
    ``aae_lessons/references/recipes/classifier.py``.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from aae_lessons.networks import Float32Linear, conv_encoder, leaky_relu

FEATURES = 64  # units of the last hidden layer
CLASSES = 10
ROWS = 500  # images at a time: what the convolutions hold of more fills a small machine


class DigitClassifier(nn.Sequential):
    """Images (B, 784) -> logits of their classes, (B, 10)."""

    def __init__(self) -> None:
        layers = conv_encoder(FEATURES), leaky_relu(), nn.Dropout(0.5)
        super().__init__(*layers, Float32Linear(FEATURES, CLASSES))

    def forward(self, input: Tensor) -> Tensor:
        """Logits, (B, 10), of images, (B, 784)."""
        return self[3](self[2](self.features(input)))

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer, (B, 64), of images ``x``, (B, 784)."""
        return torch.cat([self[1](self[0](part)) for part in x.split(ROWS)])

    def activations(self, x: Tensor) -> Tensor:
        """The second convolution's output, (B, 3136), of images ``x``, (B, 784)."""
        return cast(nn.Sequential, self[0])[:6](x)
