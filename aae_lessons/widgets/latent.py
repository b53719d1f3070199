"""A first explorer: two sliders for a code, and the image that it decodes to."""

from __future__ import annotations

import io
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.image
import torch
from torch import Tensor

from aae_lessons.arguments import number

SIDE = 168  # of the image on the screen, in pixels


def latent_explorer(
    decode: Callable[[Tensor], Tensor],
    extent: float = 3.0,
    device: torch.device | str | None = None,
) -> widgets.VBox:
    """Two sliders, z₁ and z₂, beside the decoded digit; arrow keys move a focused slider.

    Args:
        decode: codes (1, 2) -> images (1, 784) in [0, 1].
        extent: sliders go from -extent to extent.
        device: where ``decode`` wants its codes.
    """
    number(extent, "extent", above=0)
    sliders = [
        widgets.FloatSlider(
            0.0, min=-extent, max=extent, step=extent / 60, description=name, readout_format=".2f"
        )
        for name in ("z₁", "z₂")
    ]
    image = widgets.Image(format="png", width=SIDE, height=SIDE)
    image.layout.border = "1px solid gray"
    image.layout.object_fit = "contain"

    def draw(_=None) -> None:
        z = torch.tensor([[slider.value for slider in sliders]], device=device)
        with torch.no_grad():
            image.value = _png(decode(z))

    for slider in sliders:
        slider.observe(draw, names="value")
    draw()
    caption = widgets.HTML(
        "The digit that the decoder makes of the code (z₁, z₂). Drag a slider, or focus it and "
        "use the arrow keys."
    )
    return widgets.VBox([widgets.HBox([image, widgets.VBox(sliders)]), caption])


def _png(x: Tensor) -> bytes:
    stream = io.BytesIO()
    picture = 1 - x.detach().cpu().view(28, 28)
    large = picture.repeat_interleave(6, 0).repeat_interleave(6, 1)
    matplotlib.image.imsave(stream, large.numpy(), cmap="gray", vmin=0, vmax=1, format="png")
    return stream.getvalue()
