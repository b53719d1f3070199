"""LatentExplorer: the plane of a 2-D code, under the reader's hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bool, Bytes, Float, Int, TraitError, validate
from traitlets import List as ListOf

from aae_lessons import devices, plots
from aae_lessons.arguments import check, check_callable, check_matrix, check_number
from aae_lessons.data import ImageSet
from aae_lessons.plots.images import Shape
from aae_lessons.widgets import bundle, density, packing
from aae_lessons.widgets.base import Decoding, device_of
from aae_lessons.widgets.images import ShownImages, shown_images

OPINION_SIDE = 65
CAPTION = (
    "Drag or click in the plane, or focus it and use the arrow keys (with shift: larger steps; "
    "Home: the origin). The image is what the decoder makes of the code at the cross."
)
Logits = Callable[[Tensor], Tensor]


class LatentExplorer(Decoding):
    """Codes in the plane, the decoded image at the cross, the nearest of the given images.

    Args:
        model: with ``decode`` (codes (n, 2) -> images (n, C·H·W) in [0, 1]); a reference run; or
            such a function itself. Where it has ``decoder``, ``encode``, ``prior`` or a
            discriminator, these are used.
        x: images to show as points, (n, C·H·W) in [0, 1], or an ImageSet.
        labels: their classes, (n,); by default those of the ImageSet, or none.
        z: their codes, (n, 2); by default ``model.encode(x)``.
        prior: whose contours are drawn; by default the model's own. False for none.
        discriminator: codes (n, 2) -> logits (n,), positive where "a prior sample"; by default
            the model's own, without a label. False for none.
        extent: half the side of the square that is drawn, around the origin; by default whatever
            holds codes and prior.
        device: where ``decode`` expects its codes, if it is a function without a model.
        caption: in place of the usual one.
        shape: (H, W) or (C, H, W) of the images; by default that of the ImageSet, or square.

    Traits:
        z: the code at the cross, [z₁, z₂]; observe it, link it, set it.
        opinion_shown: whether the discriminator's opinion is the background.
    """

    _esm = bundle.script("latent")
    z = ListOf(Float(), [0.0, 0.0]).tag(sync=True)
    opinion_shown = Bool(False).tag(sync=True)
    extent = ListOf(Float()).tag(sync=True)
    size = Int(340).tag(sync=True)
    codes = Bytes().tag(sync=True)
    labels = Bytes().tag(sync=True)
    images = Bytes().tag(sync=True)
    contours = ListOf().tag(sync=True)
    opinion = Bytes().tag(sync=True)
    picture = Bytes().tag(sync=True)

    def __init__(
        self,
        model: Any,
        x: Tensor | ImageSet | None = None,
        labels: Tensor | None = None,
        *,
        z: Tensor | None = None,
        prior: Any = None,
        discriminator: Logits | Literal[False] | None = None,
        extent: float | None = None,
        device: torch.device | str | None = None,
        caption: str = "",
        shape: Shape | None = None,
    ) -> None:
        model, decode = parts(model)
        device = devices.choose(device) if device is not None else device_of(model)
        prior = getattr(model, "prior", None) if prior is None else prior
        prior = None if prior is False else prior
        check(x is not None or z is None, "x", None, "the images whose codes z are")
        check(x is not None or labels is None, "x", None, "the images whose classes labels are")
        shown = None if x is None else shown_images(x, labels, shape)
        self._points = None if shown is None else points(model, shown, z, device)
        self._prior, self._prior_sample = prior, _sample(prior)
        words = self.words(caption, CAPTION + density.CAPTION * (prior is not None))
        super().__init__(title="Latent plane", caption=words)
        square = self._square(extent)
        self.extent = list(square)
        if shown is not None and self._points is not None:
            self.codes, self.labels = packed_points(*self._points)
            self.images = packing.small(packing.greys(shown.x))
        if prior is not None:
            self.contours = density.contours(prior, square)
        logits = opinion_of(model) if discriminator is None else discriminator
        if logits is not None and logits is not False:
            check_callable(logits, "discriminator", "a function: codes (n, 2) -> logits (n,)")
            self.opinion = opinion(logits, square, device)
        probes = self._prior_sample if self._points is None else self._points[0]
        self.decode_with(decode, getattr(model, "decoder", None), 2, probes, shape, shown)
        self._where = device
        self.picture = packing.greys(self.decode(torch.tensor([self.z])))

    @validate("z")
    def _two_numbers(self, proposal: dict) -> list[float]:
        z = [float(value) for value in proposal["value"]]
        if len(z) != 2 or not all(abs(value) < float("inf") for value in z):
            raise TraitError(f"z: got {proposal['value']}, expected two finite numbers")
        return z

    def _square(self, extent: float | None) -> density.Extent:
        if extent is not None:
            check_number(extent, "extent", above=0)
            return (-extent, extent, -extent, extent)
        clouds = [] if self._points is None else [self._points[0]]
        clouds += [] if self._prior_sample is None else [self._prior_sample]
        return density.extent_of(clouds) if clouds else (-3.0, 3.0, -3.0, 3.0)

    @property
    def x_hat(self) -> Tensor:
        """The decoded image at the cross, (1, C·H·W)."""
        return self.decode(torch.tensor([self.z]))

    def static(self) -> Figure:
        """Codes over prior samples; without codes, the decoded plane."""
        if self._points is not None:
            return plots.codes(*self._points, prior=self._prior)
        half = (self.extent[1] - self.extent[0]) / 2
        return plots.decoded_plane(self.decode, half, 12, self.image_shape)


def latent_explorer(
    decode: Callable[[Tensor], Tensor],
    extent: float = 3.0,
    device: torch.device | str | None = None,
    shape: Shape | None = None,
) -> LatentExplorer:
    """A plane without points: the image that ``decode`` makes of the code at the cross.

    Where ``decode`` is a method of a model, the contours of its prior and its discriminator's
    opinion are there too.

    Args:
        decode: codes (n, 2) -> images (n, C·H·W) in [0, 1].
        extent: the plane goes from -extent to extent.
        device: where ``decode`` expects its codes.
        shape: (H, W) or (C, H, W) of the images; None for square ones.
    """
    check_callable(decode, "decode", "a function of codes (n, 2)")
    return LatentExplorer(decode, extent=extent, device=device, shape=shape)


# ------------------------------------------------------------- what a model has to show


def parts(model: Any) -> tuple[Any, packing.Decode]:
    """A model and its ``decode``: of a model, a reference run, a bound method or a function."""
    model = getattr(model, "model", model)
    if hasattr(model, "decode"):
        return model, model.decode
    check(callable(model), "model", model, "a model with decode, or a function of codes")
    return getattr(model, "__self__", None), model


@torch.no_grad()
def points(
    model: Any, shown: ShownImages, z: Tensor | None, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Codes (n, 2) and classes (n,) of the images, on the CPU."""
    if z is None:
        check(hasattr(model, "encode"), "z", None, "codes: this model has no encode")
        z = model.encode(shown.x.to(device))
    z = check_matrix(z, "z", columns=2, rows=len(shown.x))
    return packing.finite(z, "z"), shown.labels


def packed_points(z: Tensor, labels: Tensor) -> tuple[bytes, bytes]:
    """Codes and classes as the browser takes them."""
    return packing.halves(z), packing.label_bytes(labels)


def opinion_of(model: Any) -> Logits | None:
    """The model's discriminator as codes -> logits, with "no label"; None if it has none."""
    if hasattr(model, "discriminate"):
        return lambda z: model.discriminate(z, torch.full((len(z),), -1, device=z.device))
    return getattr(getattr(model, "discrepancy", None), "logits", None)


@torch.no_grad()
def opinion(logits: Logits, extent: density.Extent, device: torch.device) -> bytes:
    """The probability of "a prior sample" over a square grid, row by row from the top."""
    left, right, bottom, top = extent
    side = OPINION_SIDE
    columns, rows = torch.linspace(left, right, side), torch.linspace(top, bottom, side)
    grid = torch.cartesian_prod(rows, columns).flip(1)
    result = logits(grid.to(device))
    ok = isinstance(result, Tensor) and result.shape == (side * side,)
    check(ok, "discriminator(z)", result, f"logits of shape ({side * side},)")
    return packing.greys(result.sigmoid())


def _sample(prior: Any) -> Tensor | None:
    if prior is None:
        return None
    density.check_prior(prior)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return prior.sample(2000).cpu()
