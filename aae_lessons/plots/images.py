"""Images, and what decoders make of codes. Black ink on white."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from aae_lessons.arguments import check, check_int, check_matrix
from aae_lessons.plots.style import draw_ink, new_figure


def images(
    x: Tensor, columns: int = 10, title: str = "", shape: tuple[int, int] = (28, 28)
) -> Figure:
    """Images in rows of ``columns``, black ink on white.

    Args:
        x: (n, H·W), in [0, 1].
        columns: images in a row.
        title: of the figure.
        shape: (H, W).
    """
    check_matrix(x, "x", columns=shape[0] * shape[1])
    check_int(columns, "columns")
    rows = math.ceil(len(x) / columns)
    figure, axes = new_figure(1, 1, 0.75 * columns, 0.75 * rows + 0.4 * bool(title))
    _show(axes[0, 0], _mosaic(x, columns, shape))
    axes[0, 0].set_title(title, fontsize=11)
    return figure


def reconstructions(x: Tensor, x_hat: Tensor, title: str = "") -> Figure:
    """Images (upper row) over their reconstructions (lower row), each (n, 784)."""
    check_matrix(x, "x", columns=784)
    check_matrix(x_hat, "x_hat", columns=784, rows=len(x))
    return images(torch.cat([x, x_hat]), columns=len(x), title=title)


def decoded_plane(
    decode: Callable[[Tensor], Tensor], extent: float = 3.0, steps: int = 15
) -> Figure:
    """What a decoder makes of a grid of 2-D codes, each image at the place of its code.

    Args:
        decode: codes (n, 2) -> images (n, 784).
        extent: the grid covers the square from -extent to extent.
        steps: codes along a side.
    """
    check_int(steps, "steps", at_least=2)
    check(extent > 0, "extent", extent, "a number above 0")
    line = torch.linspace(-extent, extent, steps)
    z = torch.cartesian_prod(line.flip(0), line).flip(1)  # row by row from the top
    with torch.no_grad():
        x = decode(z)
    figure, axes = new_figure(1, 1, 6.4, 6.4)
    edge = extent + line[1].sub(line[0]).item() / 2
    draw_ink(axes[0, 0], _mosaic(x, steps, (28, 28)), (-edge, edge, -edge, edge))
    axes[0, 0].tick_params(labelsize=8)
    axes[0, 0].set(xlabel="first coordinate of z", ylabel="second coordinate of z")
    return figure


def _mosaic(x: Tensor, columns: int, shape: tuple[int, int]) -> Tensor:
    """Images (n, H·W) -> one picture (rows·H, columns·W); places left over are white."""
    height, width = shape
    rows = math.ceil(len(x) / columns)
    sheet = torch.zeros(rows * columns, height * width)
    sheet[: len(x)] = x.detach().cpu()
    sheet = sheet.view(rows, columns, height, width).transpose(1, 2)
    return sheet.reshape(rows * height, columns * width)


def _show(ax: Axes, picture: Tensor) -> None:
    draw_ink(ax, picture)
    ax.set_axis_off()


def rows_of_images(rows: Mapping[str, Tensor], title: str = "") -> Figure:
    """Rows of images, each with its name at its left.

    Args:
        rows: name -> images, (n, 784) in [0, 1], the same n in every row.
        title: of the figure.
    """
    check(len(rows) > 0, "rows", rows, "one row or more")
    columns = len(next(iter(rows.values())))
    for x in rows.values():
        check_matrix(x, "rows", columns=784, rows=columns)
    figure, axes = new_figure(len(rows), 1, 0.62 * columns + 1.6, 0.66 * len(rows) + 0.4)
    for ax, (name, x) in zip(axes[:, 0], rows.items(), strict=True):
        _show(ax, _mosaic(x, columns, (28, 28)))
        ax.text(-6, 14, name, ha="right", va="center", fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure
