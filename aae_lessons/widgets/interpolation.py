"""InterpolationExplorer: from one digit to another, in pixels and in code."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Float, Int, TraitError, Unicode, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_labels, check_matrix
from aae_lessons.widgets import bundle, packing
from aae_lessons.widgets.base import Decoding, device_of

MOST = 100  # digits to choose from
FRAMES = 9
CAPTION = (
    "Choose a start and an end among the test digits, then move the slider. Upper row: a straight "
    "line in pixels, which fades one digit out and the other in. Lower row: a straight line "
    "between their codes, decoded. Its ends are the digits' reconstructions."
)


class InterpolationExplorer(Decoding):
    """Two digits and what lies between them.

    Args:
        model: with ``encode`` and a ``decoder`` (or ``decode``); or a reference run. Where the
            code has two parts, y and z, both are mixed.
        x: digits to choose from, (n, 784), n from 2 to 100.
        labels: their classes, (n,).
        codes: what the decoder is given for each, (n, inputs); by default the model's codes.
        caption: in place of the usual one.

    Traits:
        start, end: which digits, 0 … n-1.
        t: the place between them, 0 … 1.
    """

    _esm = bundle.script("interpolation")
    start = Int(0).tag(sync=True)
    end = Int(1).tag(sync=True)
    t = Float(0.5).tag(sync=True)
    codes = Bytes().tag(sync=True)
    digits = Bytes().tag(sync=True)
    names = ListOf(Unicode()).tag(sync=True)

    def __init__(
        self,
        model: Any,
        x: Tensor,
        labels: Tensor,
        *,
        codes: Tensor | None = None,
        caption: str = "",
    ) -> None:
        model = getattr(model, "model", model)
        self._x = packing.images(x, "x")
        check(2 <= len(x) <= MOST, "x", x, f"2 to {MOST} digits to choose from")
        check_labels(labels, "labels", 10)
        check(len(labels) == len(x), "labels", labels, f"{len(x)} labels, one for each digit")
        codes = codes_of(model, x) if codes is None else codes
        check_matrix(codes, "codes", rows=len(x))
        self._codes = packing.finite(codes, "codes")
        super().__init__(title="Between two digits", caption=caption or CAPTION)
        self.digits, self.codes = packing.small(packing.greys(x)), packing.halves(codes)
        self.names = [str(k) for k in labels.tolist()]
        other = (labels != labels[0]).nonzero().flatten().tolist()
        self.end = other[0] if other else 1
        self.decode_with(*decoding(model), self._codes.shape[1], self._codes)

    @validate("start", "end")
    def _a_digit(self, proposal: dict) -> int:
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
        """Pictures at places ``t`` (m,): mixed in pixels, and decoded; (m, 784) each."""
        pixels, codes = (
            (1 - t[:, None]) * values[self.start] + t[:, None] * values[self.end]
            for values in (self._x, self._codes)
        )
        return pixels, self.decode(codes)

    def static(self) -> Figure:
        """Both rows, as they are for the chosen digits."""
        pixels, decoded = self.between(torch.linspace(0, 1, FRAMES))
        return plots.rows_of_images({"in pixels": pixels, "in code": decoded})


@torch.no_grad()
def codes_of(model: Any, x: Tensor) -> Tensor:
    """What the decoder is given for images (n, 784): z, or y and z side by side."""
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
