"""Figures from arrays. Every function returns the Figure; a notebook shows it as a cell's value.

Classes have a colour *and* a marker, from a palette that colour-blind readers can tell apart.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import seaborn
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from aae_lessons.arguments import labels as require_labels
from aae_lessons.arguments import matrix, require, whole

DPI = 76
COLOURS = [*seaborn.color_palette("colorblind", 10)]
COLOURS[7] = (0.1, 0.1, 0.1)  # the palette has a grey there: that is the prior's
MARKERS = "osD^v<>hX*"
THIN = {"X": 2.0, "*": 2.0}  # markers that need more room to be seen, in multiples of the area
PRIOR_GREY = "0.8"
EQUILIBRIUM = {"discriminator": (2 * math.log(2), "2 log 2"), "generator": (math.log(2), "log 2")}

Panel = tuple[str, Tensor, Tensor, Tensor | None]


def _figure(rows: int, columns: int, width: float, height: float):
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), dpi=DPI, layout="constrained", squeeze=False
    )
    plt.close(figure)  # a notebook would show it a second time
    return figure, axes


# -------------------------------------------------------------------------------- codes


def codes(
    z: Tensor,
    labels: Tensor,
    prior: Tensor | None = None,
    title: str = "",
    behind: str = "prior",
) -> Figure:
    """Codes in the plane by class, over grey prior samples.

    Args:
        z: codes, (n, 2).
        labels: their classes, (n,).
        prior: prior samples, (m, 2).
        title: of the figure.
        behind: what the grey points are called.
    """
    return panels_of_codes([(title, z, labels, prior)], size=5.0, behind=behind)


def panels_of_codes(panels: Sequence[Panel], size: float = 3.6, behind: str = "prior") -> Figure:
    """Several :func:`codes` side by side, all to the same scale.

    Args:
        panels: (title, codes (n, 2), labels (n,), prior samples (m, 2) or None).
        size: width of one panel in inches.
        behind: what the grey points are called.
    """
    require(len(panels) > 0, "panels", panels, "one panel or more")
    for _, z, labels, prior in panels:
        matrix(z, "z", columns=2)
        require_labels(labels, "labels", 10, unlabelled=True)
        require(len(z) == len(labels), "labels", labels, f"{len(z)} labels, one per code")
        if prior is not None:
            matrix(prior, "prior", columns=2)
    figure, axes = _figure(1, len(panels), size * len(panels) + 0.6, size + 0.2)
    for ax, (title, z, labels, prior) in zip(axes[0], panels, strict=True):
        _scatter(
            ax, z.detach().cpu(), labels.cpu(), None if prior is None else prior.cpu(), behind
        )
        ax.set_title(title, fontsize=11)
    low, high = _square([c for _, z, _, prior in panels for c in (z, prior) if c is not None])
    for ax in axes[0]:
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    handles, names = max(
        (ax.get_legend_handles_labels() for ax in axes[0]), key=lambda h: len(h[0])
    )
    legend = figure.legend(handles, names, loc="outside right center", fontsize=9, markerscale=2)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    return figure


def _square(clouds: Sequence[Tensor]) -> tuple[list[float], list[float]]:
    """Corners of a square that holds the clouds, but for a few points far out of each."""
    shares = torch.tensor([0.002, 0.998])
    edges = torch.stack([c.detach().cpu().quantile(shares, dim=0) for c in clouds])
    low, high = edges[:, 0].amin(0), edges[:, 1].amax(0)
    middle, half = (low + high) / 2, (high - low).max() / 2 * 1.1
    return (middle - half).tolist(), (middle + half).tolist()


def _scatter(ax: Axes, z: Tensor, labels: Tensor, prior: Tensor | None, behind: str) -> None:
    if prior is not None:
        ax.scatter(*prior.T, s=7, color=PRIOR_GREY, linewidths=0, label=behind)
    for k in labels.unique().tolist():
        points, style = z[labels == k], {"alpha": 0.7, "linewidths": 0}
        if k < 0:
            ax.scatter(*points.T, s=8, color="k", label="no label", **style)
        else:
            size, mark = 8 * THIN.get(MARKERS[k], 1.0), MARKERS[k]
            ax.scatter(*points.T, s=size, color=COLOURS[k], marker=mark, label=str(k), **style)
    ax.tick_params(labelsize=8)


# ------------------------------------------------------------------------------- images


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
    matrix(x, "x", columns=shape[0] * shape[1])
    whole(columns, "columns")
    rows = math.ceil(len(x) / columns)
    figure, axes = _figure(1, 1, 0.75 * columns, 0.75 * rows + 0.4 * bool(title))
    _show(axes[0, 0], _mosaic(x, columns, shape))
    axes[0, 0].set_title(title, fontsize=11)
    return figure


def reconstructions(x: Tensor, x_hat: Tensor, title: str = "") -> Figure:
    """Images (upper row) over their reconstructions (lower row), each (n, 784)."""
    matrix(x, "x", columns=784)
    matrix(x_hat, "x_hat", columns=784, rows=len(x))
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
    whole(steps, "steps", at_least=2)
    require(extent > 0, "extent", extent, "a number above 0")
    line = torch.linspace(-extent, extent, steps)
    z = torch.cartesian_prod(line.flip(0), line).flip(1)  # row by row from the top
    with torch.no_grad():
        x = decode(z)
    figure, axes = _figure(1, 1, 6.4, 6.4)
    edge = extent + line[1].sub(line[0]).item() / 2
    _show(axes[0, 0], _mosaic(x, steps, (28, 28)), extent=(-edge, edge, -edge, edge))
    axes[0, 0].set_axis_on()
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


def _show(ax: Axes, picture: Tensor, extent=None) -> None:
    ax.imshow(1 - picture, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
    ax.set_axis_off()


# ------------------------------------------------------------------------ runs and claims


def losses(history, title: str = "") -> Figure:
    """The losses of a run, a panel for each phase, over updates.

    Dotted lines: where discriminator and generator losses are when D = ½ everywhere.

    Args:
        history: a :class:`aae_lessons.training.History`.
        title: of the figure.
    """
    phases = list(history.losses)
    require(len(phases) > 0, "history", history, "one with losses")
    figure, axes = _figure(1, len(phases), 3.4 * len(phases), 2.6)
    for ax, phase in zip(axes[0], sorted(phases, key=_order), strict=True):
        ax.plot(history.steps, history.losses[phase], color=COLOURS[0], linewidth=1.2)
        if phase in EQUILIBRIUM:
            level, name = EQUILIBRIUM[phase]
            ax.axhline(level, color="0.2", linestyle=":", label=name)
            ax.legend(fontsize=8)
        ax.set_title(phase, fontsize=11)
        ax.set_xlabel("updates", fontsize=9)
        ax.set_ylabel("loss", fontsize=9)
        ax.tick_params(labelsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _order(phase: str) -> tuple[bool, str]:
    return phase != "reconstruction", phase


def curves(
    x: Sequence[float],
    lines: dict[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    floor: float | None = None,
) -> Figure:
    """Several lines over the same ``x``, the vertical axis logarithmic.

    Args:
        x: (n,).
        lines: name -> values above 0, (n,).
        xlabel, ylabel: names of the axes, with units.
        floor: where to draw a dotted line.
    """
    require(len(lines) > 0, "lines", lines, "one line or more")
    figure, axes = _figure(1, 1, 6.4, 3.2)
    ax = axes[0, 0]
    for i, (name, values) in enumerate(lines.items()):
        require(len(values) == len(x), "lines", f"{len(values)} values", f"{len(x)}, as many as x")
        ax.semilogy(x, values, color=COLOURS[i], marker=MARKERS[i], markersize=4, label=name)
    if floor is not None:
        ax.axhline(floor, color="0.2", linestyle=":")
    for axis_ticks in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
        axis_ticks("{x:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=9)
    return figure


Claim = tuple[str, str, str, bool]


@dataclass(frozen=True)
class Claims:
    """A table of (claim, expected, measured, holds), shown as HTML or text."""

    rows: Sequence[Claim]

    def __post_init__(self) -> None:
        for row in self.rows:
            ok = len(row) == 4 and isinstance(row[3], bool)
            require(ok, "rows", row, "(claim, expected, measured, True or False)")

    def _cells(self) -> list[tuple[str, ...]]:
        return [(*row[:3], "holds" if row[3] else "DOES NOT HOLD") for row in self.rows]

    def _repr_html_(self) -> str:
        table = [("claim", "expected", "measured", ""), *self._cells()]
        lines = ["".join(f"<td>{html.escape(c)}</td>" for c in row) for row in table]
        return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"

    def __str__(self) -> str:
        return "\n".join(" · ".join(row) for row in self._cells())

    __repr__ = __str__


def claims(rows: Sequence[Claim]) -> Claims:
    """A table of what was claimed and what was measured: (claim, expected, measured, holds)."""
    return Claims(list(rows))
