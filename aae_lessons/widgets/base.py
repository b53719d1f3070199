"""What all explorers share: script, style, colours, words, and a picture for paper."""

from __future__ import annotations

import base64
from typing import Any

import anywidget
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Dict, Int, Unicode
from traitlets import List as ListOf

from aae_lessons.arguments import check_instance, check_matrix
from aae_lessons.plots.images import Shape, image_shape
from aae_lessons.plots.style import COLOURS, MARKERS, png
from aae_lessons.widgets import bundle, packing
from aae_lessons.widgets.images import ShownImages, check_images


class Explorer(anywidget.AnyWidget):
    """A widget whose work is done in the browser.

    Args (of every explorer, by name):
        title: what it is, for a screen reader.
        caption: what to do and what to see, in a sentence or two under it.
    """

    _css = bundle.style()
    title = Unicode().tag(sync=True)
    caption = Unicode().tag(sync=True)
    colours = ListOf(Unicode(), [to_hex(c) for c in COLOURS]).tag(sync=True)
    markers = Unicode(MARKERS).tag(sync=True)

    @staticmethod
    def words(caption: str, otherwise: str) -> str:
        """The caption, or where it is empty the usual one; ValueError unless it is a text."""
        check_instance(caption, "caption", str, "a text")
        return caption or otherwise

    def static(self) -> Figure:
        """The same content as a figure, for paper and for pages without scripts."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict] | None:
        result = super()._repr_mimebundle_(**kwargs)
        if result is None:
            return None
        picture, size = png(self.static())
        data, metadata = result
        preview = {"text/plain": self.title, "image/png": base64.b64encode(picture).decode()}
        return {**data, **preview}, {**metadata, "image/png": size}


class ImageExplorer(Explorer):
    """An explorer of images: grey ones are drawn as ink on the page's paper, RGB in their colours.

    Traits:
        image_shape: (C, H, W) of every image, C 1 or 3; empty where there is none.
    """

    image_shape = ListOf(Int()).tag(sync=True)


class Decoding(ImageExplorer):
    """An explorer with a decoder: in the browser where it can be, else in the kernel.

    The network goes to the browser (once, in half precision) if it is an mlp of this course and
    does what ``decode`` does to within 0.01 of a pixel; ``in_browser`` says whether.
    """

    network = Dict().tag(sync=True)
    weights = Bytes().tag(sync=True)

    def decode_with(
        self,
        decode: packing.Decode,
        decoder: object,
        inputs: int,
        like: Tensor | None,
        shape: Shape | None = None,
        shown: ShownImages | None = None,
    ) -> None:
        """Sets how codes become pictures, and their shape.

        Args:
            decode: codes (n, inputs) -> images (n, C·H·W) in [0, 1].
            decoder: the network in it, if there is one.
            inputs: size of a code.
            like: codes near which the two are compared, (n, inputs); None for standard normal.
            shape: (H, W) or (C, H, W) of the images; None for square ones.
            shown: images of the size and shape that ``decode`` should make, if there are any.
        """
        generator = torch.Generator().manual_seed(0)
        probes = torch.randn(packing.PROBES, inputs, generator=generator) if like is None else like
        self._where = device_of(decoder)
        self._decode, self._inputs = decode, inputs
        probes = probes[: packing.PROBES]
        columns, shape = (shown.x.shape[1], shown.shape) if shown else (None, shape)
        x_hat = check_images(self.decode(probes), "decode(z)", columns, len(probes))
        self.image_shape = list(image_shape(x_hat.shape[1], shape))
        packed = packing.for_browser(self.decode, decoder, probes)
        if packed is not None:
            self.network, self.weights = packed
        self.on_msg(self._answer)

    @property
    def in_browser(self) -> bool:
        """Whether pictures are made in the browser."""
        return bool(self.network)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Images (n, C·H·W) on the CPU, of codes (n, inputs)."""
        check_matrix(codes, "codes", columns=self._inputs)
        x_hat = self._decode(codes.to(self._where))
        check_instance(x_hat, "decode(z)", Tensor, "images (n, C·H·W) in [0, 1]")
        return x_hat.cpu()

    def _answer(self, _widget: object, content: dict, _buffers: object) -> None:
        """Decodes for a browser that can't."""
        if content.get("kind") != "decode":
            return
        reply = {key: content[key] for key in ("from", "number")}
        try:
            x_hat = self.decode(torch.tensor(content["codes"]).float())
        except Exception as error:
            self.send({**reply, "kind": "error", "text": f"decode failed: {error}"})
            return
        self.send({**reply, "kind": "pictures"}, [packing.greys(x_hat)])


def device_of(module: object) -> torch.device:
    """Where a module's parameters are; the CPU if it has none."""
    parameters = getattr(module, "parameters", lambda: iter(()))()
    first = next(parameters, None)
    return torch.device("cpu") if first is None else first.device
