"""Priors P_Z: what the codes should be distributed as.

All that an adversarial autoencoder needs of a prior is ``sample`` (:class:`Prior`). A prior whose
density is known has ``log_prob`` too (:class:`HasDensity`), which a VAE needs. A prior with a part
for each class has ``sample_given(label)`` (:class:`Conditional`, AAE §2.3); a label of -1 ("no
label") draws from the whole prior.

All draws come from torch's global random state, so ``torch.manual_seed`` governs them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from aae_lessons.arguments import check, check_int, check_labels, check_matrix, check_number


@runtime_checkable
class Prior(Protocol):
    """What every prior has: all that an adversarial autoencoder needs."""

    @property
    def dim(self) -> int:
        """D."""

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        """``n`` draws, (n, D)."""


@runtime_checkable
class HasDensity(Prior, Protocol):
    """A prior whose density is known: what a variational autoencoder needs."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (n,), of codes ``z`` (n, D)."""


@runtime_checkable
class Conditional(Prior, Protocol):
    """A prior with a part for each class: what label information needs (AAE §2.3)."""

    def sample_given(self, label: Tensor) -> Tensor:
        """One draw per label, (n, D): of the class's part, of the whole prior where it is -1."""


@runtime_checkable
class HasModes(Prior, Protocol):
    """A prior with modes, one for each class, to which codes can be compared."""

    @property
    def components(self) -> int:
        """How many modes."""

    def nearest(self, z: Tensor) -> Tensor:
        """The mode under which each code is most likely, (n,)."""

    def distance_to_mode(self, z: Tensor) -> Tensor:
        """How many standard deviations each code is from the nearest mode, (n,)."""


@dataclass(frozen=True)
class Gaussian:
    """The spherical Gaussian N(0, std²·I) in ``dim`` dimensions (AAE Fig 2, top)."""

    dim: int = 2
    std: float = 1.0

    def __post_init__(self) -> None:
        check_int(self.dim, "dim")
        check_number(self.std, "std", above=0)

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
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
        return _turn(along, self.tangential_std * noise[:, 1], self._angle(component))

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
        check_int(n, "n")
        return self._draw(torch.rand(n, device=device))

    def sample_given(self, label: Tensor) -> Tensor:
        """One draw per label, (n, 2): from that class's piece, from anywhere where it is -1."""
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
        return _turn(self.size * root, torch.zeros_like(root), 2 * math.pi * self.turns * root)


@dataclass(frozen=True)
class Categorical:
    """One-hot vectors of ``classes`` equally likely classes: the prior of y (AAE §4.2)."""

    classes: int = 10

    def __post_init__(self) -> None:
        check_int(self.classes, "classes", at_least=2)

    @property
    def dim(self) -> int:
        return self.classes

    def sample(self, n: int, device: torch.device | str | None = None) -> Tensor:
        check_int(n, "n")
        return self.sample_given(torch.randint(self.classes, (n,), device=device))

    def sample_given(self, label: Tensor) -> Tensor:
        """The one-hot vector of each label, (n, classes); of any class where it is -1."""
        check_labels(label, "label", self.classes, unlabelled=True)
        anything = torch.randint_like(label, self.classes)
        return F.one_hot(torch.where(label < 0, anything, label), self.classes).float()

    def log_prob(self, y: Tensor) -> Tensor:
        """log p(y) in nats, (n,), of one-hot rows ``y`` (n, classes)."""
        check_matrix(y, "y", columns=self.classes)
        return y.new_full((len(y),), -math.log(self.classes))


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
        check_int(n, "n")
        if device is not None and self.points.device != torch.device(device):
            self.points = self.points.to(device)
        index = torch.randint(len(self.points), (n,), device=self.points.device)
        points = self.points[index]
        return points + self.bandwidth * self.scale * torch.randn_like(points)


def _turn(along: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """(along, across) turned by ``angle``: (n,), (n,), (n,) -> (n, 2)."""
    x = along * angle.cos() - across * angle.sin()
    return torch.stack([x, along * angle.sin() + across * angle.cos()], 1)
