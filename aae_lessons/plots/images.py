"""Images, and what decoders make of codes. Grey ones are drawn as black ink on white.

Every figure takes ``shape``, the (H, W) of grey images or (C, H, W); without it images are
taken to be square.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_callable,
    check_finite,
    check_instance,
    check_int,
    check_mapping,
    check_matrix,
    check_number,
    check_sizes,
    sized,
)
from aae_lessons.plots.style import draw_ink, new_figure

Shape = Sequence[int]  # (H, W) or (C, H, W), C 1 or 3


def image_shape(pixels: int, shape: Shape | None = None) -> tuple[int, int, int]:
    """(C, H, W) of images with so many ``pixels``: that of ``shape``, or of a square image.

    Raises ValueError where ``shape`` has another number of pixels, or there is no such square.
    """
    if shape is not None:
        check_sizes(shape, "shape")
        sizes = (1, *shape) if len(shape) == 2 else tuple(shape)
        fits = len(sizes) == 3 and sizes[0] in (1, 3) and math.prod(sizes) == pixels
        expected = f"(H, W) or (C, H, W), C 1 or 3, of {pixels} numbers"
        check(fits, "shape", shape, expected)
        return sizes[0], sizes[1], sizes[2]
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side * side == pixels:
            return channels, side, side
    got = f"None, for images of {pixels} numbers"
    raise ValueError(f"shape: got {got}, expected (H, W) or (C, H, W): they are not square")


def pictures(x: Tensor, name: str, shape: Shape | None = None, rows: int | None = None) -> Tensor:
    """Images (n, C·H·W) as what is drawn, on the CPU: (n, H, W), or (n, H, W, 3) in colour."""
    check_matrix(x, name, rows=rows)
    check_finite(x, name)
    drawn = x.detach().cpu().view(-1, *image_shape(x.shape[1], shape))
    return drawn.squeeze(1) if drawn.shape[1] == 1 else drawn.permute(0, 2, 3, 1)


def check_groups(members: Sequence[Tensor], name: str, groups: int, pixels: int) -> list[Tensor]:
    """Refuses what is not so many groups of images, (m, pixels); m may be 0."""
    check(sized(members) == groups, name, members, f"{groups} groups of images")
    for group in members:
        check_instance(group, name, Tensor, f"tensors of images, (m, {pixels})")
        if len(group):
            check_matrix(group, name, columns=pixels)
    return list(members)


def images(
    x: Tensor,
    columns: int = 10,
    title: str = "",
    shape: Shape | None = None,
    names: Sequence[str] = (),
) -> Figure:
    """Images in rows of ``columns``.

    Args:
        x: (n, C·H·W), in [0, 1].
        columns: images in a row.
        title: of the figure.
        shape: (H, W) or (C, H, W); None for square images.
        names: written above the images, one per image; none by default.
    """
    drawn = pictures(x, "x", shape)
    check_int(columns, "columns")
    check(sized(names) in (0, len(x)), "names", names, f"{len(x)} names, one per image, or none")
    if len(names):
        drawn = _with_room_above(drawn)
    rows, tall = math.ceil(len(x) / columns), 0.9 if len(names) else 0.75
    figure, axes = new_figure(1, 1, 0.75 * columns, tall * rows + 0.4 * bool(title))
    _show(axes[0, 0], _mosaic(drawn, columns))
    for i, name in enumerate(names):
        row, column = divmod(i, columns)
        across, up = (column + 0.5) * drawn.shape[2], row * drawn.shape[1] + 0.5
        axes[0, 0].text(across, up, name, ha="center", va="top", fontsize=9)
    axes[0, 0].set_title(title, fontsize=11)
    return figure


def _with_room_above(drawn: Tensor) -> Tensor:
    """The same pictures with white rows on top, a fifth of their height, for a name each."""
    white = torch.full_like(drawn[:, : max(1, drawn.shape[1] // 5)], float(drawn.dim() == 4))
    return torch.cat([white, drawn], dim=1)


def reconstructions(
    x: Tensor, x_hat: Tensor, title: str = "", shape: Shape | None = None
) -> Figure:
    """Images (upper row) over their reconstructions (lower row), each (n, C·H·W)."""
    check_matrix(x, "x")
    check_matrix(x_hat, "x_hat", columns=x.shape[1], rows=len(x))
    check_finite(x_hat, "x_hat")
    return images(torch.cat([x, x_hat]), columns=len(x), title=title, shape=shape)


def decoded_plane(
    decode: Callable[[Tensor], Tensor],
    extent: float = 3.0,
    steps: int = 15,
    shape: Shape | None = None,
) -> Figure:
    """What a decoder makes of a grid of 2-D codes, each image at the place of its code.

    Args:
        decode: codes (n, 2) -> images (n, C·H·W).
        extent: the grid covers the square from -extent to extent.
        steps: codes along a side.
        shape: of the images, as for :func:`images`.
    """
    check_callable(decode, "decode", "a function of codes (n, 2)")
    check_int(steps, "steps", at_least=2)
    check_number(extent, "extent", above=0)
    line = torch.linspace(-extent, extent, steps)
    z = torch.cartesian_prod(line.flip(0), line).flip(1)  # row by row from the top
    with torch.no_grad():
        drawn = pictures(decode(z), "decode", shape, rows=len(z))
    figure, axes = new_figure(1, 1, 6.4, 6.4)
    edge = extent + line[1].sub(line[0]).item() / 2
    draw_ink(axes[0, 0], _mosaic(drawn, steps), (-edge, edge, -edge, edge))
    axes[0, 0].tick_params(labelsize=8)
    axes[0, 0].set(xlabel="first coordinate of z", ylabel="second coordinate of z")
    return figure


def _mosaic(drawn: Tensor, columns: int) -> Tensor:
    """(n, H, W) or (n, H, W, 3) -> one picture (rows·H, columns·W, …); left over is white."""
    height, width, *colours = drawn.shape[1:]
    rows = math.ceil(len(drawn) / columns)
    sheet = torch.full((rows * columns, height, width, *colours), float(bool(colours)))
    sheet[: len(drawn)] = drawn
    sheet = sheet.view(rows, columns, height, width, *colours).transpose(1, 2)
    return sheet.reshape(rows * height, columns * width, *colours)


def _show(ax: Axes, picture: Tensor) -> None:
    draw_ink(ax, picture)
    ax.set_axis_off()


def rows_of_images(
    rows: Mapping[str, Tensor], title: str = "", shape: Shape | None = None
) -> Figure:
    """Rows of images, each with its name at its left.

    Args:
        rows: name -> images, (n, C·H·W) in [0, 1], the same n in every row.
        title: of the figure.
        shape: of the images, as for :func:`images`.
    """
    check_mapping(rows, "rows", "a dict of one row or more")
    first = next(iter(rows.values()))
    check_matrix(first, "rows")
    drawn = {name: pictures(x, "rows", shape, rows=len(first)) for name, x in rows.items()}
    columns = len(first)
    names = 0.4 + 0.075 * max(map(len, rows))  # inches that the longest name takes
    width, height = 0.62 * columns + names + 0.1, 0.66 * len(rows) + (0.4 if title else 0.1)
    figure, axes = new_figure(len(rows), 1, width, height)
    # placed by hand: constrained layout cuts the names at the left
    figure.set_layout_engine("none")
    for i, (ax, (name, row)) in enumerate(zip(axes[:, 0], drawn.items(), strict=True)):
        bottom = 0.66 * (len(rows) - 1 - i) + 0.05
        ax.set_position((names / width, bottom / height, 0.62 * columns / width, 0.62 / height))
        _show(ax, _mosaic(row, columns))
        ax.text(-0.2 * row.shape[2], row.shape[1] / 2, name, ha="right", va="center", fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure
