"""A prior known by samples only."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_int, check_matrix, check_number


class Painted:
    """A prior known by samples only: points that somebody drew, each blurred a little.

    Args:
        points: (N, 2), N at least 2. They are moved to mean 0 and scaled to standard deviation
            ``scale`` (both axes alike, so the shape stays).
        bandwidth: standard deviation of the noise that is added to a point, in units of ``scale``.
        scale: standard deviation of the whole, over both axes.
    """

    dim = 2

    def __init__(self, points: Tensor, bandwidth: float = 0.03, scale: float = 1.0) -> None:
        check_matrix(points, "points", columns=2)
        check_number(bandwidth, "bandwidth", at_least=0)
        check_number(scale, "scale", above=0)
        centred = points - points.mean(0)
        spread = centred.square().mean().sqrt().item()
        check(math.isfinite(spread), "points", f"a spread of {spread}", "finite numbers only")
        check(spread > 0, "points", f"{len(points)} at one place", "at least two places")
        self.points = centred / spread * scale
        self.bandwidth, self.scale = bandwidth, scale

    @classmethod
    def from_picture(
        cls,
        picture: Tensor,
        n: int = 20_000,
        bandwidth: float = 0.0,
        scale: float = 1.0,
        seed: int = 0,
    ) -> Painted:
        """A prior whose density is the ink of a picture.

        Args:
            picture: (H, W), 0 (no ink) upwards; row 0 is the top.
            n: how many points to draw from it, spread evenly inside each pixel.
            bandwidth, scale: as for the class.
            seed: of the points.
        """
        check_matrix(picture, "picture")
        ok = bool((picture >= 0).all()) and 0 < picture.sum().item() < math.inf
        check(ok, "picture", picture, "no negative or infinite pixel, and some ink")
        check_int(n, "n", at_least=2)
        generator = torch.Generator().manual_seed(seed)
        ink = picture.detach().cpu().flatten().double()
        pixel = torch.multinomial(ink, n, replacement=True, generator=generator)
        width = picture.shape[1]
        place = torch.stack([pixel % width, -(pixel // width)], 1)
        return cls(place + torch.rand(n, 2, generator=generator), bandwidth, scale)

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, 2): points with replacement, each with fresh noise."""
        check_int(n, "n")
        points = self.points.to(device)
        points = points[torch.randint(len(points), (n,), device=points.device)]
        return points + self.bandwidth * self.scale * torch.randn_like(points)
