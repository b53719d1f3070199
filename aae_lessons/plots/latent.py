"""Codes in the plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_finite,
    check_labels,
    check_matrix,
    check_number,
    check_same_shape,
    sized,
)
from aae_lessons.plots import density
from aae_lessons.plots.style import COLOURS, MARKERS, MOST_CLASSES, THIN, mark, new_figure

Panel = tuple[str, Tensor, Tensor, Any]  # title, codes, labels, a prior or samples or None


def codes(
    z: Tensor, labels: Tensor, prior: Any = None, title: str = "", behind: str = "prior"
) -> Figure:
    """Codes in the plane by class, and on top the lines that hold 50 and 90 % of the prior.

    Args:
        z: codes, (n, 2).
        labels: their classes, (n,), at most 100 of them; -1 for "no label".
        prior: one with ``sample``, or samples, (m, 2).
        title: of the figure.
        behind: what the lines are called.
    """
    return panels_of_codes([(title, z, labels, prior)], size=5.4, behind=behind)


def panels_of_codes(
    panels: Sequence[Panel], size: float = 4.0, behind: str = "prior", one_scale: bool = True
) -> Figure:
    """Several :func:`codes` side by side, by default all to the same scale.

    Args:
        panels: (title, codes (n, 2), labels (n,), prior, samples (m, 2), or None).
        size: width of one panel in inches.
        behind: what the lines are called.
        one_scale: whether the axes of all panels are the same; if not, each fits its own codes.
    """
    check_number(size, "size", above=0)
    check(sized(panels) > 0, "panels", panels, "a list of one panel or more")
    for panel in panels:
        check(sized(panel) == 4, "panels", panel, "(title, codes, labels, prior or None)")
    panels = [_checked(*panel) for panel in panels]
    figure, axes = new_figure(1, len(panels), size * len(panels) + 0.7, size + 0.2)
    clouds = [_clouds(panel) for panel in panels]
    if one_scale:
        extents = [density.square([cloud for group in clouds for cloud in group])] * len(panels)
    else:
        extents = [density.square(group) for group in clouds]
    for ax, extent, (title, z, labels, prior) in zip(axes[0], extents, panels, strict=True):
        low, high = extent[::2], extent[1::2]
        _scatter(ax, z, labels)
        ax.set_title(title, fontsize=11)
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        ax.set_xlabel("first coordinate", fontsize=8)
        if prior is not None:
            density.contours(ax, prior, low, high)
    axes[0, 0].set_ylabel("second coordinate", fontsize=8)
    handles, names = max(
        (ax.get_legend_handles_labels() for ax in axes[0]), key=lambda h: len(h[0])
    )
    if any(prior is not None for *_, prior in panels):
        handles, names = [*handles, Line2D([], [], color="0.1", linewidth=1)], [*names, behind]
    columns = math.ceil(len(names) / (4 * size))  # lines that fit next to a panel, about
    place = {"loc": "outside right center", "ncols": columns}
    legend = figure.legend(handles, names, fontsize=9, markerscale=2, **place)
    for handle in filter(None, legend.legend_handles):
        handle.set_alpha(1)
    return figure


def _checked(title: str, z: Tensor, labels: Tensor, prior: Any) -> Panel:
    check_matrix(z, "z", columns=2)
    check_finite(z, "z")
    check_labels(labels, "labels", MOST_CLASSES, unlabelled=True)
    samples = isinstance(prior, Tensor) or prior is None
    drawable = samples or callable(getattr(prior, "sample", None))
    check(drawable, "prior", prior, "one with sample(n), samples (m, 2), or None")
    check(len(z) == len(labels), "labels", labels, f"{len(z)} labels, one per code")
    for drawn in _clouds((title, z, labels, prior))[1:]:
        check_matrix(drawn, "prior", columns=2)
    return title, z.detach().cpu(), labels.cpu(), prior


def _clouds(panel: Panel) -> list[Tensor]:
    """The codes of a panel and, where it has a prior, samples of that."""
    _, z, _, prior = panel
    return [z] if prior is None else [z, density.samples(prior)]


def _scatter(ax: Axes, z: Tensor, labels: Tensor) -> None:
    # black is the colour of the prior's lines, which unlabelled codes alone must not hide
    unlabelled, ink = ("codes", COLOURS[0]) if (labels < 0).all() else ("no label", "k")
    for k in labels.unique().tolist():
        across, up = z[labels == k].T
        if k < 0:
            cloud = ax.scatter(across, up, s=8, color=ink, label=unlabelled)
        else:
            colour, marker = mark(k)
            size = 8 * THIN.get(marker, 1.0)
            cloud = ax.scatter(across, up, s=size, color=colour, marker=marker, label=str(k))
        cloud.set(alpha=0.7, linewidths=0)
    ax.tick_params(labelsize=8)


def posteriors(
    mean: Tensor, log_variance: Tensor, labels: Tensor, prior: Any, title: str = ""
) -> Figure:
    """Gaussian posteriors q(z|x) as ellipses of two standard deviations, by class.

    Args:
        mean, log_variance: (n, 2).
        labels: classes of the images, (n,).
        prior: one with ``sample``, or samples, (m, 2).
        title: of the figure.
    """
    check_matrix(mean, "mean", columns=2)
    check_matrix(log_variance, "log_variance", columns=2)
    check_finite(mean, "mean")
    check_finite(log_variance, "log_variance")
    check_same_shape(log_variance, mean, "log_variance", "mean")
    check_labels(labels, "labels", 10)
    figure = panels_of_codes([(title, mean, labels, prior)], size=5.4)
    widths = 4 * (0.5 * log_variance).exp()
    for centre, (width, height), k in zip(
        mean.tolist(), widths.tolist(), labels.tolist(), strict=True
    ):
        ellipse = Ellipse(centre, width, height, facecolor="none", edgecolor=COLOURS[k])
        ellipse.set(linewidth=0.8, alpha=0.8)
        figure.axes[0].add_patch(ellipse)
    return figure


def transport(x: Sequence[float], y: Sequence[float], plans: dict[str, Sequence[int]]) -> Figure:
    """Points on a line above, points on a line below, and lines from each to its partner.

    Args:
        x: places of the upper points, (n,).
        y: places of the lower points, (n,).
        plans: title -> for each upper point the index of its lower point, (n,).
    """
    check(len(plans) > 0, "plans", plans, "one plan or more")
    figure, axes = new_figure(1, len(plans), 3.4 * len(plans), 2.2)
    for ax, (title, plan) in zip(axes[0], plans.items(), strict=True):
        check(sorted(plan) == list(range(len(x))), "plans", plan, "each index once")
        for i, j in enumerate(plan):
            ax.annotate("", (y[j], 0.06), (x[i], 0.94), arrowprops={"arrowstyle": "->"})
        ax.scatter(x, [1] * len(x), color=COLOURS[0], marker=MARKERS[0], s=60, zorder=3)
        ax.scatter(y, [0] * len(y), color=COLOURS[1], marker=MARKERS[1], s=60, zorder=3)
        ax.set(title=title, yticks=[0, 1], yticklabels=["to", "from"], ylim=(-0.2, 1.2))
    return figure
