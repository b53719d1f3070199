"""Convolutional encoders and decoders for pictures."""

from __future__ import annotations

from torch import nn

from aae_lessons.arguments import (
    check,
    check_int,
    check_sizes,
)
from aae_lessons.networks.layers import Float32Linear, leaky_relu


def conv_encoder(
    outputs: int, shape: tuple[int, int, int] = (1, 28, 28), width: int = 32
) -> nn.Sequential:
    """Images (B, C·H·W) -> (B, outputs): two strided convolutions and one linear layer.

    Args:
        outputs: d, or more where the encoder has several heads.
        shape: (C, H, W), H and W divisible by 4.
        width: channels of the first convolution; the second has twice as many.
    """
    channels, height, breadth = _picture(shape)
    check_int(outputs, "outputs")
    check_int(width, "width")
    return nn.Sequential(
        nn.Unflatten(1, shape),
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.Flatten(),
        Float32Linear(2 * width * (height // 4) * (breadth // 4), outputs),
    )


def conv_decoder(
    inputs: int, shape: tuple[int, int, int] = (1, 28, 28), width: int = 32
) -> nn.Sequential:
    """Codes (B, inputs) -> logits (B, C·H·W): the mirror of :func:`conv_encoder`."""
    channels, height, breadth = _picture(shape)
    check_int(inputs, "inputs")
    check_int(width, "width")
    small = (2 * width, height // 4, breadth // 4)
    return nn.Sequential(
        nn.Linear(inputs, small[0] * small[1] * small[2]),
        nn.Unflatten(1, small),
        leaky_relu(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
        leaky_relu(),
        nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
        nn.Flatten(),
    )


def _picture(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    check_sizes(shape, "shape", length=3)
    ok = shape[1] % 4 == 0 and shape[2] % 4 == 0
    check(ok, "shape", shape, "(C, H, W) with H and W divisible by 4")
    return shape
