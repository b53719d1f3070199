"""InterpolationExplorer: from one image to another, in pixels and in code."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Float, Int, TraitError, Unicode, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_matrix
from aae_lessons.data import ImageSet
from aae_lessons.plots.images import Shape
from aae_lessons.widgets import bundle, packing
from aae_lessons.widgets.base import Decoding, device_of
from aae_lessons.widgets.images import shown_images

MOST = 100  # images to choose from
FRAMES = 9
CAPTION = (
    "Choose a start and an end among the images, then move the slider. Upper row: a straight "
    "line in pixels, which fades one image out and the other in. Lower row: a straight line "
    "between their codes, decoded. Its ends are the images' reconstructions."
)


class InterpolationExplorer(Decoding):
    """Two images and what lies between them.

    Args:
        model: with ``encode`` and a ``decoder`` (or ``decode``); or a reference run. Where the
            code has two parts, y and z, both are mixed.
        x: images to choose from, (n, C·H·W) in [0, 1], or an ImageSet; n from 2 to 100.
        labels: their classes, (n,); by default those of the ImageSet, or none.
        codes: what the decoder is given for each, (n, inputs); by default the model's codes.
        caption: in place of the usual one.
        shape: (H, W) or (C, H, W) of the images; by default that of the ImageSet, or square.

    Traits:
        start, end: which images, 0 … n-1.
        t: the place between them, 0 … 1.
    """

    _esm = bundle.script("interpolation")
    start = Int(0).tag(sync=True)
    end = Int(1).tag(sync=True)
    t = Float(0.5).tag(sync=True)
    codes = Bytes().tag(sync=True)
    images = Bytes().tag(sync=True)
    names = ListOf(Unicode()).tag(sync=True)

    def __init__(
        self,
        model: Any,
        x: Tensor | ImageSet,
        labels: Tensor | None = None,
        *,
        codes: Tensor | None = None,
        caption: str = "",
        shape: Shape | None = None,
    ) -> None:
        model = getattr(model, "model", model)
        shown = shown_images(x, labels, shape, at_least=2, at_most=MOST)
        self._x, classes = shown.x, shown.labels.tolist()
        decode, decoder = decoding(model)
        codes = codes_of(model, shown.x) if codes is None else codes
        check_matrix(codes, "codes", rows=len(shown.x))
        self._codes = packing.finite(codes, "codes")
        super().__init__(title="Between two images", caption=self.words(caption, CAPTION))
        self.images, self.codes = packing.small(packing.greys(shown.x)), packing.halves(codes)
        self.names = [str(k) if k >= 0 else "" for k in classes]
        self.end = next((i for i, k in enumerate(classes) if k != classes[0]), 1)
        size = self._codes.shape[1]
        self.decode_with(decode, decoder, size, self._codes, shown=shown)

    @validate("start", "end")
    def _an_image(self, proposal: dict) -> int:
        i, n = proposal["value"], len(self._x)
        if not 0 <= i < n:
            raise TraitError(f"{proposal['trait'].name}: got {i}, expected 0 … {n - 1}")
        return i

    @validate("t")
    def _a_share(self, proposal: dict) -> float:
        if not 0 <= proposal["value"] <= 1:
            raise TraitError(f"t: got {proposal['value']}, expected a number from 0 to 1")
        return proposal["value"]

    def between(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures at places ``t`` (m,): mixed in pixels, and decoded; (m, C·H·W) each."""
        ok = isinstance(t, Tensor) and t.is_floating_point() and t.dim() == 1 and len(t) > 0
        check(ok, "t", t, "a floating-point tensor of shape (m,)")
        pixels, codes = (
            (1 - t[:, None]) * values[self.start] + t[:, None] * values[self.end]
            for values in (self._x, self._codes)
        )
        return pixels, self.decode(codes)

    def static(self) -> Figure:
        """Both rows, as they are for the chosen digits."""
        pixels, decoded = self.between(torch.linspace(0, 1, FRAMES))
        rows = {"in pixels": pixels, "in code": decoded}
        return plots.rows_of_images(rows, shape=self.image_shape)


@torch.no_grad()
def codes_of(model: Any, x: Tensor) -> Tensor:
    """What the decoder is given for images (n, C·H·W): z, or y and z side by side."""
    check(hasattr(model, "encode"), "codes", None, "codes: this model has no encode")
    result = model.encode(x.to(device_of(model)))
    return torch.cat(result, dim=1) if isinstance(result, tuple) else result


def decoding(model: Any) -> tuple[packing.Decode, object]:
    """``decode`` of whole codes, and the network in it."""
    decoder = getattr(model, "decoder", None)
    if decoder is not None:
        return lambda codes: decoder(codes).sigmoid(), decoder
    check(hasattr(model, "decode"), "model", model, "a model with decoder or decode")
    return model.decode, None
