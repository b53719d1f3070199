"""Noise in training: on an encoder's input, and on a discriminator's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.arguments import check_number


class Corruption(nn.Module):
    """What is done to the encoder's input in training: (B, 784) -> (B, 784), fresh every time.

    Each image is moved by a small affine map of its own, then gets noise on every pixel. The
    clean image stays the target (a denoising autoencoder; AAE, appendix A.2.1, has the noise).

    Args:
        noise: standard deviation of Gaussian noise on every pixel.
        jitter: standard deviation of the four entries of a random linear map: the image is
            turned, sheared, scaled. For square images.
        shift: of the map's two further entries, in halves of a side: .03 moves by 0.4 of 28
            pixels.
    """

    jitter_std: Tensor
    identity: Tensor

    def __init__(self, noise: float, jitter: float = 0.0, shift: float = 0.0) -> None:
        super().__init__()
        for name, value in {"noise": noise, "jitter": jitter, "shift": shift}.items():
            check_number(value, name, at_least=0)
        self.noise, self.moves = noise, bool(jitter or shift)
        jitter_std = torch.tensor([jitter, jitter, shift])
        self.register_buffer("jitter_std", jitter_std, persistent=False)
        self.register_buffer("identity", torch.eye(2, 3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.moves:
            side = round(x.shape[1] ** 0.5)
            move = self.identity + self.jitter_std * torch.randn(len(x), 2, 3, device=x.device)
            grid = F.affine_grid(move, [len(x), 1, side, side], align_corners=False)
            x = F.grid_sample(x.view(-1, 1, side, side), grid, align_corners=False).flatten(1)
        return x + self.noise * torch.randn_like(x) if self.noise else x


def anneal_noise(model: Any, done: float) -> None:
    """A discriminator's noise, linearly down to 0 at half the run: ``on_step`` of ``fit``.

    Args:
        model: with a buffer ``noise``, and ``config.noise``, its value at the start.
        done: share of the run that is done, 0 … 1.
    """
    model.noise.fill_(model.config.noise * max(0.0, 1.0 - 2.0 * done))
