"""ClassStyleExplorer: what y says, and what is left to z."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Float, TraitError, Unicode, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_matrix, sized
from aae_lessons.data import ImageSet
from aae_lessons.plots.images import Shape
from aae_lessons.widgets import bundle, density, packing
from aae_lessons.widgets.base import Decoding, device_of
from aae_lessons.widgets.images import ShownImages, shown_images

STYLES = 6  # rows of the static figure
CAPTION = (
    "Left: the style z, in a plane of two of its dimensions (drag, click or arrow keys). Right: "
    "the class y; drag the bars for a mixture, click an image for one class alone. The small "
    "images are all classes in the same style."
)
ONLY_CLASS = (
    "The class y: drag the bars (or use their arrow keys) for a mixture, click an image for one "
    "class alone."
)


class ClassStyleExplorer(Decoding):
    """Class times style, for a decoder of y and z side by side.

    Args:
        model: with ``decoder`` (codes (n, K + d) -> logits (n, C·H·W)), ``prior`` (of z) and
            ``prior_y``, or a ``prior`` of y alone; or a reference run.
        x: images whose styles are shown as points, (n, C·H·W) in [0, 1], or an ImageSet; needs
            ``encode``.
        labels: their classes, (n,); by default those of the ImageSet, or none.
        names: of the K classes or clusters; by default 0 … K-1.
        caption: in place of the usual one.
        shape: (H, W) or (C, H, W) of the images; by default that of the ImageSet, or square.

    Traits:
        y: K probabilities that add up to 1.
        z: the style, d numbers.
        directions: two unit vectors of length d at a right angle: what the plane shows. None
            where d is below 2: then there is no plane.
    """

    _esm = bundle.script("class_style")
    y = ListOf(Float()).tag(sync=True)
    z = ListOf(Float()).tag(sync=True)
    directions = ListOf(ListOf(Float())).tag(sync=True)
    names = ListOf(Unicode()).tag(sync=True)
    codes = Bytes().tag(sync=True)
    labels = Bytes().tag(sync=True)
    radii = ListOf(Float()).tag(sync=True)
    std = Float(1.0).tag(sync=True)

    def __init__(
        self,
        model: Any,
        x: Tensor | ImageSet | None = None,
        labels: Tensor | None = None,
        *,
        names: Sequence[str] | None = None,
        caption: str = "",
        shape: Shape | None = None,
    ) -> None:
        model = getattr(model, "model", model)
        check(hasattr(model, "decoder"), "model", model, "a model with a decoder of y and z")
        self._classes, self._dim, std = sizes(model)
        names = [str(k) for k in range(self._classes)] if names is None else names
        check(sized(names) == self._classes, "names", names, f"{self._classes} names")
        check(x is not None or labels is None, "x", None, "the images whose classes labels are")
        shown = None if x is None else shown_images(x, labels, shape)
        words = CAPTION * (self._dim > 1) or ONLY_CLASS
        words += density.CAPTION * (std is not None and self._dim > 1)
        super().__init__(title="Class and style", caption=self.words(caption, words))
        self.names = [str(name) for name in names]
        self.y = [1.0] + [0.0] * (self._classes - 1)
        self.z = [0.0] * self._dim
        self.directions = [
            [float(i == j) for j in range(self._dim)] for i in range(2 * (self._dim > 1))
        ]
        if std is not None:
            self.std = std
            self.radii = [std * math.sqrt(-2 * math.log(1 - mass)) for mass in density.MASSES]
        if shown is not None:
            self._send_points(model, shown)
        decoder = model.decoder
        decode = lambda codes: decoder(codes).sigmoid()  # noqa: E731
        code = self._classes + self._dim
        self.decode_with(decode, decoder, code, self._probes(), shape, shown)

    def _probes(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        classes = torch.arange(packing.PROBES) % self._classes
        y = torch.nn.functional.one_hot(classes, self._classes).float()
        z = self.std * torch.randn(packing.PROBES, self._dim, generator=generator)
        return torch.cat([y, z], dim=1)

    @torch.no_grad()
    def _send_points(self, model: Any, shown: ShownImages) -> None:
        check(self._dim > 1, "x", shown.x, "None: this model has no plane of styles")
        result = model.encode(shown.x.to(device_of(model)))
        z = result[-1] if isinstance(result, tuple) else result
        check_matrix(z, "z", columns=self._dim, rows=len(shown.x))
        self.codes = packing.halves(packing.finite(z, "z"))
        self.labels = packing.label_bytes(shown.labels)

    @validate("y")
    def _probabilities(self, proposal: dict) -> list[float]:
        y = [float(value) for value in proposal["value"]]
        ok = len(y) == self._classes and all(value >= 0 for value in y)
        if not ok or abs(sum(y) - 1) > 1e-3:
            expected = f"{self._classes} probabilities that add up to 1"
            raise TraitError(f"y: got {proposal['value']}, expected {expected}")
        return y

    @validate("z")
    def _style(self, proposal: dict) -> list[float]:
        z = [float(value) for value in proposal["value"]]
        if len(z) != self._dim or not all(map(math.isfinite, z)):
            raise TraitError(f"z: got {proposal['value']}, expected {self._dim} finite numbers")
        return z

    @validate("directions")
    def _right_angle(self, proposal: dict) -> list[list[float]]:
        if self._dim < 2:
            return []
        rows = torch.tensor(proposal["value"], dtype=torch.double)
        ok = rows.shape == (2, self._dim) and bool(
            (rows @ rows.T - torch.eye(2)).abs().max() < 1e-3
        )
        if not ok:
            expected = f"two unit vectors of length {self._dim} at a right angle"
            raise TraitError(f"directions: got {proposal['value']}, expected {expected}")
        return proposal["value"]

    @property
    def x_hat(self) -> Tensor:
        """The decoded image, (1, C·H·W)."""
        return self.decode(torch.tensor([[*self.y, *self.z]]))

    def static(self) -> Figure:
        """Every class (columns) in some styles (rows); one row where there is no style."""
        generator = torch.Generator().manual_seed(0)
        rows = STYLES if self._dim else 1
        styles = self.std * torch.randn(rows, self._dim, generator=generator)
        every = torch.eye(self._classes).repeat(rows, 1)
        codes = torch.cat([every, styles.repeat_interleave(self._classes, 0)], dim=1)
        return plots.images(self.decode(codes), self._classes, shape=self.image_shape)


def sizes(model: Any) -> tuple[int, int, float | None]:
    """K, d (0 where the code is y alone) and the standard deviation of a Gaussian z."""
    prior_y = getattr(model, "prior_y", None)
    if prior_y is None:
        alone = hasattr(getattr(model, "prior", None), "classes")
        check(alone, "model", model, "a model with a prior of y")
        return model.prior.dim, 0, None
    std = getattr(model.prior, "std", None)
    return prior_y.dim, model.prior.dim, None if std is None else float(std)
