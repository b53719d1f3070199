"""What an explorer sends to the browser, made small: half precision, bytes, deflate."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.arguments import check
from aae_lessons.data import MNIST_SHAPE

Decode = Callable[[Tensor], Tensor]

AGREE = 0.01  # the largest pixel difference at which the browser may decode in the model's place
PROBES = 32


def halves(values: Tensor) -> bytes:
    """Numbers in half precision, little-endian."""
    return values.detach().cpu().half().contiguous().numpy().astype("<f2").tobytes()


def greys(x: Tensor) -> bytes:
    """Images in [0, 1] as bytes 0 … 255."""
    return (255 * x.detach().cpu().clamp(0, 1)).round().byte().contiguous().numpy().tobytes()


def nibbles(x: Tensor) -> bytes:
    """MNIST's images (n, 784) in [0, 1] at 4 bits per pixel, deflated.

    Only the explorers that train on MNIST in the browser send them, so that the size is fixed.
    Images go column by column. A byte holds a pixel of an even column in its low half, and in its
    high half the one to its right: such pairs and columns deflate best.
    """
    _, height, width = MNIST_SHAPE
    levels = (15 * x.detach().cpu().clamp(0, 1)).round().byte().view(-1, height, width)
    levels = levels.transpose(1, 2).reshape(-1, width // 2, 2, height)
    pairs = (levels[:, :, 0] | levels[:, :, 1] << 4).contiguous().numpy().tobytes()
    deflate = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_RLE)  # most of an image is paper
    return deflate.compress(pairs) + deflate.flush()


def small(data: bytes) -> bytes:
    """Deflated; the browser inflates it itself. Level 9 saves 0.5 % more in ten times the time."""
    return zlib.compress(data, 7)


def network(decoder: object) -> tuple[dict[str, Any], bytes] | None:
    """An mlp for the browser, or None where it is none of :func:`aae_lessons.networks.mlp`'s.

    Returns:
        ``{"sizes": [inputs, …, outputs], "slope": below zero}``, and for each layer its matrix
        (inputs × outputs, row by row) and its biases in half precision.
    """
    if not isinstance(decoder, nn.Sequential) or len(decoder) % 2 == 0:
        return None
    linear = [layer for layer in decoder[::2] if isinstance(layer, nn.Linear)]
    slopes = {_slope(activation) for activation in decoder[1::2]} or {0.0}
    dense = len(linear) == len(decoder[::2]) and all(layer.bias is not None for layer in linear)
    if not dense or len(slopes) > 1 or None in slopes:
        return None
    sizes = [linear[0].in_features, *(layer.out_features for layer in linear)]
    data = b"".join(halves(layer.weight.T) + halves(layer.bias) for layer in linear)
    return {"sizes": sizes, "slope": slopes.pop()}, data


def _slope(activation: nn.Module) -> float | None:
    if isinstance(activation, nn.ReLU):
        return 0.0
    return activation.negative_slope if isinstance(activation, nn.LeakyReLU) else None


@torch.no_grad()
def decoded(layout: dict[str, Any], data: bytes, codes: Tensor) -> Tensor:
    """What the browser makes of codes (n, inputs): images (n, outputs) in [0, 1]."""
    numbers = torch.frombuffer(bytearray(data), dtype=torch.float16).float()
    h, last = codes.cpu().float(), len(layout["sizes"]) - 2
    for i, (inputs, outputs) in enumerate(zip(layout["sizes"], layout["sizes"][1:], strict=False)):
        weight, bias, numbers = numbers.split(
            [inputs * outputs, outputs, len(numbers) - (inputs + 1) * outputs]
        )
        h = h @ weight.view(inputs, outputs) + bias
        h = h if i == last else F.leaky_relu(h, layout["slope"])
    return h.sigmoid()


@torch.no_grad()
def for_browser(
    decode: Decode, decoder: object, codes: Tensor
) -> tuple[dict[str, Any], bytes] | None:
    """The packed network if it does what ``decode`` does on some codes, (n, inputs), else None."""
    packed = network(decoder)
    if packed is None or packed[0]["sizes"][0] != codes.shape[1]:
        return None
    x_hat = decode(codes).cpu()
    mine = decoded(*packed, codes)
    agree = x_hat.shape == mine.shape and bool((x_hat - mine).abs().max() < AGREE)
    return packed if agree else None


def label_bytes(labels: Tensor) -> bytes:
    """A byte per label, 255 for "no label"; none at all where no image has a label."""
    return b"" if bool((labels < 0).all()) else bytes((labels & 255).tolist())


def finite(values: Tensor, name: str) -> Tensor:
    """Refuses nan and infinity; returns the values on the CPU."""
    check(bool(values.isfinite().all()), name, "nan or infinite values", "finite ones")
    return values.detach().cpu().float()
