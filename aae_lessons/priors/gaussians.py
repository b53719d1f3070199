"""One Gaussian, and a ring of Gaussians."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aae_lessons.arguments import check_int, check_labels, check_matrix, check_number
from aae_lessons.priors.curves import turn


@dataclass(frozen=True)
class Gaussian:
    """The spherical Gaussian N(0, std²·I) in ``dim`` dimensions (AAE Fig 2, top)."""

    dim: int = 2
    std: float = 1.0

    def __post_init__(self) -> None:
        check_int(self.dim, "dim")
        check_number(self.std, "std", above=0)

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, d)."""
        check_int(n, "n")
        return self.std * torch.randn(n, self.dim, device=device)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, dim)."""
        check_matrix(z, "z", columns=self.dim)
        normaliser = self.dim * math.log(self.std * math.sqrt(2 * math.pi))
        return -0.5 * (z / self.std).square().sum(1) - normaliser


@dataclass(frozen=True)
class GaussianMixture:
    """A ring of 2-D Gaussians, equally likely, each stretched along its radius (AAE Fig 2).

    Component k sits at angle 2πk/components and distance ``radius`` from the origin. A class k
    is given component k.

    Args:
        components: K, 2 or more.
        radius: distance of the means from the origin.
        radial_std, tangential_std: standard deviations along the radius and across it.
    """

    components: int = 10
    radius: float = 1.4
    radial_std: float = 0.5
    tangential_std: float = 0.1
    dim = 2

    def __post_init__(self) -> None:
        check_int(self.components, "components", at_least=2)
        for name in ("radius", "radial_std", "tangential_std"):
            check_number(getattr(self, name), name, above=0)

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, 2), components equally likely."""
        check_int(n, "n")
        return self._draw(torch.randint(self.components, (n,), device=device))

    def sample_given(self, label: Tensor) -> Tensor:
        """One draw per label, (n, 2): from component ``label``, from any where it is -1."""
        check_labels(label, "label", self.components, unlabelled=True)
        anywhere = torch.randint_like(label, self.components)
        return self._draw(torch.where(label < 0, anywhere, label))

    def _draw(self, component: Tensor) -> Tensor:
        noise = torch.randn(len(component), 2, device=component.device)
        along = self.radius + self.radial_std * noise[:, 0]
        return turn(along, self.tangential_std * noise[:, 1], self._angle(component))

    def _angle(self, component: Tensor) -> Tensor:
        return component * (2 * math.pi / self.components)

    def component_log_prob(self, z: Tensor) -> Tensor:
        """log N(z; component k) in nats, (n, components), of codes ``z`` (n, 2)."""
        check_matrix(z, "z", columns=2)
        angle = self._angle(torch.arange(self.components, device=z.device, dtype=z.dtype))
        x, y = z[:, :1], z[:, 1:]
        along = x * angle.cos() + y * angle.sin() - self.radius
        across = y * angle.cos() - x * angle.sin()
        square = (along / self.radial_std).square() + (across / self.tangential_std).square()
        return -0.5 * square - math.log(2 * math.pi * self.radial_std * self.tangential_std)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, 2)."""
        return self.component_log_prob(z).logsumexp(1) - math.log(self.components)

    def nearest(self, z: Tensor) -> Tensor:
        """The component under which each code is most likely, (n,)."""
        return self.component_log_prob(z).argmax(1)

    def distance_to_mode(self, z: Tensor) -> Tensor:
        """How many standard deviations each code is from the nearest mode, (n,).

        In the direction of the deviation (Mahalanobis). Of one 2-D Gaussian's draws, a share of
        1 − exp(−d²/2) is nearer than d.
        """
        peak = -math.log(2 * math.pi * self.radial_std * self.tangential_std)
        return (2 * (peak - self.component_log_prob(z).amax(1))).clamp(min=0).sqrt()
