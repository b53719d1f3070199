"""What all figures share: palette, markers, resolution, and the words for who can't see them."""

from __future__ import annotations

import io
import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import Tensor

DPI = 76  # at which a figure is laid out and displayed
DENSITY = 2  # stored pixels per displayed pixel, along each side
# Of ten classes any two differ by a ΔE2000 of 30 or more, and of 15 or more for readers without
# red or green cones; all but black can be seen on dark paper too. tests/test_palette.py measures.
PALETTE = (
    "#1033d7", "#ac1357", "#147674", "#db9c93", "#1eea12",
    "#773800", "#dd5eff", "#170619", "#69dce9", "#828015",
)  # fmt: skip
COLOURS = [to_rgb(colour) for colour in PALETTE]
MARKERS = "osD^v<>hX*"
THIN = {"X": 2.0, "*": 2.0}  # markers that need more room to be seen, in multiples of the area
MOST_CLASSES = len(COLOURS) * len(MARKERS)  # pairs of colour and marker
PRIOR_GREY = "0.8"
Extent = tuple[float, float, float, float]  # left, right, bottom, top


def mark(k: int) -> tuple[tuple[float, float, float], str]:
    """Colour and marker of class ``k``, another pair for each of a hundred classes."""
    tens, one = divmod(k, len(COLOURS))
    return COLOURS[one], MARKERS[(one + tens) % len(MARKERS)]


class CourseFigure(Figure):
    """A figure that a notebook shows at double pixel density, with words for who can't see it.

    ``alt`` may be set; else :func:`describe_figure` says what is drawn.
    """

    alt = ""


def png(figure: Figure) -> tuple[bytes, dict[str, object]]:
    """The picture at double density, and how a page shows it: width and height, and ``alt``."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI * DENSITY)
    _release_canvas(figure)
    width, height = (round(DPI * inches) for inches in figure.get_size_inches())
    alt = getattr(figure, "alt", "") or describe_figure(figure)
    return stream.getvalue(), {"width": width, "height": height, "alt": alt}


def _release_canvas(figure: Figure) -> None:
    """Lets go of the canvas, some megabytes, that every text keeps until it is drawn again.

    IPython keeps the figures of all cells in its history, and with them their canvases.
    """
    for text in figure.findobj(Text):
        vars(text)["_renderer"] = None  # its value before the first drawing


def describe_figure(figure: Figure) -> str:
    """What a figure shows in one sentence, from its titles, axes and legends."""
    panels = [_panel(ax) for ax in figure.axes if ax.get_label() != "<colorbar>"]
    title = figure.get_suptitle()
    start = f"{title}: " if title else ""
    number = f"{len(panels)} panels: " if len(panels) > 1 else ""
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    legend = f" Legend: {', '.join(names)}." if names else ""
    return f"Figure. {start}{number}{'; '.join(panels)}.{legend}"


def _panel(ax: Axes) -> str:
    tables = [c for c in ax.collections if isinstance(c, QuadMesh)]
    kind = "images" if ax.images else "points" if ax.collections else "lines"
    kind = "a shaded table" if tables else kind
    parts = [ax.get_title(), kind if not ax.patches or ax.images else "bars"]
    axes = [name for name in (ax.get_xlabel(), ax.get_ylabel()) if name]
    _, names = ax.get_legend_handles_labels()
    parts += [f"axes {' and '.join(axes)}"] * bool(axes)
    parts += [", ".join(names)] * bool(ax.get_legend())
    return " · ".join(part.replace("\n", " ") for part in parts if part)


def new_figure(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, (rows, columns); sizes in inches."""
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        dpi=DPI,
        layout="constrained",
        squeeze=False,
        FigureClass=CourseFigure,
    )
    plt.close(figure)  # a notebook would show it a second time
    _show_in_notebooks()
    return figure, axes


def draw_ink(ax: Axes, picture: Tensor, extent: Extent | None = None) -> None:
    """Draws a picture in [0, 1]; ``extent``: its place.

    (H, W) is drawn as black ink on white, (H, W, 3) in its colours.
    """
    picture = picture.detach().cpu()
    shown = picture.clamp(0, 1) if picture.dim() == 3 else 1 - picture
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")


def _show_in_notebooks() -> None:
    """Has a notebook, where there is one, show these figures by :func:`png`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(CourseFigure, png)
