"""Decision regions of classifiers of the plane, and errors against training time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, NullFormatter
from torch import Tensor

from aae_lessons.arguments import check, check_labels, check_matrix, check_same_shape
from aae_lessons.plots.style import COLOURS, MARKERS, new_figure

Classifier = Callable[[Tensor], Tensor]
SIDE = 90  # points of the grid along each side
CLASSES = COLOURS[0], COLOURS[1]
REGIONS = LinearSegmentedColormap.from_list("regions", [CLASSES[0], "white", CLASSES[1]])


def decision_regions(
    classifiers: Mapping[str, Classifier],
    x: Tensor,
    labelled_x: Tensor,
    label: Tensor,
    *,
    arrows: Tensor | None = None,
    tails: Tensor | None = None,
    samples: Mapping[str, Tensor] | None = None,
    columns: int = 4,
) -> Figure:
    """The plane in the colours of two classes, a panel for each classifier.

    Full colour where it is sure, white where both classes are as probable.

    Args:
        classifiers: name -> function of points (n, 2) that gives the probability of class 1, (n,).
        x: points without labels, (N, 2).
        labelled_x, label: the points with labels, (n, 2), and their classes 0 or 1, (n,).
        arrows: a displacement for each of ``tails``, (n, 2), drawn from it.
        tails: where arrows start, (n, 2); by default at the points ``x``.
        samples: name -> further points, (m, 2), such as what a generator makes.
        columns: panels in a row.
    """
    check(len(classifiers) > 0, "classifiers", dict(classifiers), "one classifier or more")
    check_matrix(x, "x", columns=2)
    check_matrix(labelled_x, "labelled_x", columns=2, rows=len(label))
    check_labels(label, "label", 2)
    columns = min(columns, len(classifiers))
    rows = -(-len(classifiers) // columns)
    figure, axes = new_figure(rows, columns, 2.9 * columns, 2.5 * rows + 0.2)
    for ax in axes.flat[len(classifiers) :]:
        ax.set_axis_off()
    limits = torch.stack([x.amin(0) - 0.6, x.amax(0) + 0.6], dim=1).tolist()
    for ax, (name, classifier) in zip(axes.flat, classifiers.items(), strict=False):
        _region(ax, classifier, limits)
        _points(ax, x, labelled_x, label)
        for i, (kind, points) in enumerate((samples or {}).items()):
            size = 30 if arrows is None else 10  # small, so that short arrows can be seen
            style = {"s": size, "edgecolors": "k", "linewidths": 0.5, "zorder": 2.5}
            marker, colour = MARKERS[2 + i], COLOURS[2 + i]
            ax.scatter(*points.T, marker=marker, color=colour, label=kind, **style)
            ax.legend(fontsize=8, loc="lower left")
        if arrows is not None:
            start, name_of_start = (x, "x") if tails is None else (tails, "tails")
            check_same_shape(arrows, start, "arrows", name_of_start)
            style = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.006}
            ax.quiver(*start.T, *arrows.T, zorder=2.7, **style)  # above the samples
        ax.set_title(name, fontsize=10)
        ax.set(xlim=limits[0], ylim=limits[1])
    return figure


@torch.no_grad()
def _region(ax: Axes, classifier: Classifier, limits: list[list[float]]) -> None:
    grid = torch.cartesian_prod(*(torch.linspace(low, high, SIDE) for low, high in limits))
    probability = classifier(grid).reshape(SIDE, SIDE).T
    (left, right), (bottom, top) = limits
    ax.imshow(
        probability, cmap=REGIONS, vmin=0, vmax=1, alpha=0.55, interpolation="bilinear",
        origin="lower", extent=(left, right, bottom, top), aspect="auto",
    )  # fmt: skip
    ax.set_xticks([])
    ax.set_yticks([])


def _points(ax: Axes, x: Tensor, labelled_x: Tensor, label: Tensor) -> None:
    ax.scatter(*x.T, s=2, color="0.25", linewidths=0)
    for k, colour in enumerate(CLASSES):
        points = labelled_x[label == k]
        ax.scatter(*points.T, s=90, marker=MARKERS[k], color=colour, edgecolors="k", zorder=3)


def errors_and_cost(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Error against training cost, both on logarithmic axes, one line with its name per run.

    Args:
        curves: name -> (cost so far in 10¹⁵ floating-point operations, error in percent), both
            above 0, two points or more.
    """
    check(len(curves) > 0, "curves", dict(curves), "one run or more")
    figure, axes = new_figure(1, 1, 9.0, 4.6)
    ax = axes[0, 0]
    for i, (name, (cost, error)) in enumerate(curves.items()):
        check(len(cost) == len(error) > 1, f"curves[{name!r}]", (cost, error), "two equal lengths")
        style = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        ax.plot(cost, error, label=name, markevery=[-1], markersize=8, linewidth=1.3, **style)
    ax.set(xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_formatter(NullFormatter())
    errors = [value for _, error in curves.values() for value in error]
    ax.set_yticks(
        [y for y in (1, 2, 5, 10, 20, 50) if min(errors) / 1.5 <= y <= 1.5 * max(errors)]
    )
    ax.grid(alpha=0.3)
    ax.set_xlabel("training cost so far, in 10¹⁵ floating-point operations", fontsize=10)
    ax.set_ylabel("validation error in percent", fontsize=10)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
