"""A spiral of constant thickness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aae_lessons.arguments import check, check_int, check_labels, check_matrix, check_number


def turn(along: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """(along, across) turned by ``angle``: (n,), (n,), (n,) -> (n, 2)."""
    x = along * angle.cos() - across * angle.sin()
    return torch.stack([x, along * angle.sin() + across * angle.cos()], 1)


@dataclass(frozen=True)
class SwissRoll:
    """A 2-D spiral of constant thickness and even density along its length (AAE Fig 4).

    With u uniform in [0, 1]: radius ``size``·√u, angle 2π·``turns``·√u, plus Gaussian noise. A
    class k is given the k-th tenth of u, from the centre outwards. Its density has no closed
    form, but it is a one-dimensional integral along the curve, and ``log_prob`` sums that up.

    Args:
        turns: how often the spiral goes round.
        size: radius at its outer end.
        noise: standard deviation of its thickness.
        classes: into how many pieces labels cut it.
    """

    turns: float = 2.0
    size: float = 3.0
    noise: float = 0.1
    classes: int = 10
    dim = 2

    def __post_init__(self) -> None:
        for name in ("turns", "size"):
            check_number(getattr(self, name), name, above=0)
        check_number(self.noise, "noise", at_least=0)
        check_int(self.classes, "classes", at_least=2)

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, 2), evenly along the curve."""
        check_int(n, "n")
        return self._draw(torch.rand(n, device=device))

    def sample_given(self, label: Tensor) -> Tensor:
        """One draw per label, (n, 2): from that class's piece, or from the whole for -1."""
        check_labels(label, "label", self.classes, unlabelled=True)
        u = torch.rand(len(label), device=label.device)
        return self._draw(torch.where(label < 0, u, (label + u) / self.classes))

    def _draw(self, u: Tensor) -> Tensor:
        curve = self.curve(u)
        return curve + self.noise * torch.randn_like(curve)

    def log_prob(self, z: Tensor, steps: int = 512) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, 2).

        p(z) = ∫ N(z; curve(u), noise²·I) du over u from 0 to 1. With u = v², which is smooth at
        the centre, the midpoint rule in v is right to 0.02 nats where ``steps`` midpoints lie
        closer together than the spiral is thick.

        Raises ValueError where the spiral has no thickness: then there is no density.
        """
        check_matrix(z, "z", columns=2)
        check(self.noise > 0, "noise", self.noise, "a number above 0: a thin line has no density")
        v = (torch.arange(steps, device=z.device, dtype=z.dtype) + 0.5) / steps
        curve = self.curve(v.square())
        # coordinate by coordinate, which stays exact where z lies on the curve
        square = sum((z[:, None, d] - curve[:, d]).square() for d in range(2))
        weighted = square / (-2 * self.noise**2) + (2 * v / steps).log()
        return weighted.logsumexp(1) - math.log(2 * math.pi * self.noise**2)

    def curve(self, u: Tensor) -> Tensor:
        """The middle of the spiral at positions ``u`` (n,) in [0, 1]: (n, 2)."""
        root = u.sqrt()
        return turn(self.size * root, torch.zeros_like(root), 2 * math.pi * self.turns * root)
