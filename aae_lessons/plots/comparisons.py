"""Runs compared: the seeds of every recipe, and a weight that is swept."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from aae_lessons.arguments import check_mapping
from aae_lessons.plots.style import COLOURS, MARKERS, new_figure

# of a setting's label, in points from its mark, by group: the lines lie close
LABEL_PLACES = ((6, 4), (5, -12), (-14, 8), (5, -12))
MEAN_AND_SPREAD = {
    "errorbar": "sd",
    "linestyle": "none",
    "marker": "|",
    "markersize": 15,
    "markeredgewidth": 2.2,
    "err_kws": {"linewidth": 1.2},
}
Place = tuple[str, Sequence[float], Sequence[float]]  # a setting, and both measures by seed


def trade_off(
    groups: Mapping[str, Sequence[Place]],
    xlabel: str,
    ylabel: str,
    floor: float | None = None,
    linear: bool = False,
    zoom: tuple[float, float] | None = None,
) -> Figure:
    """Two measures against each other: each setting's medians, and a small point for each seed.

    Args:
        groups: name -> (setting, values across, values up), in the order in which they are
            connected. A setting is printed next to its point, in the colour of its line.
        xlabel, ylabel: names of the axes, with units.
        floor: where to draw a dotted line.
        linear: the vertical axis is linear; logarithmic by default.
        zoom: a part of the horizontal axis that a second panel shows larger, with the settings
            of the points that lie there.
    """
    check_mapping(groups, "groups", "a dict of one group or more")
    figure, axes = new_figure(1, 2 if zoom else 1, 11.0 if zoom else 7.4, 4.6 if zoom else 4.2)
    low, high = zoom or (0.0, 0.0)
    for panel, ax in enumerate(axes[0]):
        for i, (name, places) in enumerate(groups.items()):
            labelled = [(low <= statistics.median(x) <= high) == bool(panel) for _, x, _ in places]
            _connected(ax, i, name, places, labelled)
        if floor is not None:
            ax.axhline(floor, color="0.2", linestyle=":")
        ax.set(xlabel=xlabel, ylabel=ylabel, yscale="linear" if linear else "log")
    if zoom:
        axes[0, 0].axvspan(low, high, color="0.94", zorder=0)
        axes[0, 1].set(
            xlim=zoom, ylim=_heights(groups, zoom, linear), title="the grey part, larger"
        )
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    else:
        axes[0, 0].legend(fontsize=9)
    for ax in axes[0]:
        _plain_numbers(ax, linear)
    return figure


def _connected(
    ax: Axes, i: int, name: str, places: Sequence[Place], labelled: Sequence[bool]
) -> None:
    """One group: its medians on a line, its seeds as small points, the labels of some settings."""
    style: dict[str, Any] = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 6}
    small: dict[str, Any] = style | {"markersize": 3, "markevery": [1]}
    ink = [0.7 * part for part in to_rgb(COLOURS[i])]  # darker: letters are thin
    across = [statistics.median(x) for _, x, _ in places]
    up = [statistics.median(y) for _, _, y in places]
    ax.plot(across, up, linewidth=1, label=name, **style)
    for (setting, *seeds), show, *middle in zip(places, labelled, across, up, strict=True):
        for x, y in zip(*seeds, strict=True):
            ax.plot([middle[0], x], [middle[1], y], linewidth=0.6, alpha=0.45, **small)
        if show:
            where = LABEL_PLACES[i % len(LABEL_PLACES)]
            ax.annotate(
                setting,
                (middle[0], middle[1]),
                where,
                textcoords="offset points",
                fontsize=8.5,
                color=ink,
            )


def _heights(
    groups: Mapping[str, Sequence[Place]], zoom: tuple[float, float], linear: bool
) -> tuple[float, float]:
    """What the vertical axis has to hold for the points within ``zoom``."""
    points = (
        (x, y) for places in groups.values() for _, *xy in places for x, y in zip(*xy, strict=True)
    )
    inside = [y for x, y in points if zoom[0] <= x <= zoom[1]]
    low, high = min(inside), max(inside)
    if linear:
        return low - 0.08 * (high - low), high + 0.08 * (high - low)
    return low * (low / high) ** 0.08, high * (high / low) ** 0.08


def _plain_numbers(ax: Axes, linear: bool) -> None:
    ax.yaxis.set_major_formatter("{x:g}")
    low, high = ax.get_ylim()
    if not linear and high < 10 * low:  # a decade or less holds hardly any power of ten
        ax.yaxis.set_minor_formatter("{x:g}")


def seeds_by_row(
    panels: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str, mark: str = ""
) -> Figure:
    """A table of runs as a picture: a row for each recipe, with its seeds, mean and spread.

    A dot is a seed; dots that would hide each other stand one above the other. A bar marks the
    mean, and a line reaches one standard deviation to each side of it, as far as two seeds or
    more have one.

    Args:
        panels: title -> row -> values, a number for each seed; rows that a panel lacks stay empty.
        xlabel: name of the shared horizontal axis, with its unit; it begins at 0.
        mark: the row whose mean is continued as a dotted line over all rows of its panel.
    """
    import seaborn  # here: it takes longer to import than most figures take to draw

    check_mapping(panels, "panels", "a dict of one panel or more")
    rows = list(dict.fromkeys(row for values in panels.values() for row in values))
    height = 1.0 + 0.32 * len(rows)
    figure, axes = new_figure(1, len(panels), 2.6 + 3.3 * len(panels), height)
    for ax, (title, values) in zip(axes[0], panels.items(), strict=True):
        check_mapping(values, "panels", "in each panel a dict of one row or more")
        names = [row for row, seeds in values.items() for _ in seeds]
        numbers = [value for seeds in values.values() for value in seeds]
        drawn = {"x": numbers, "y": names, "order": rows, "orient": "y", "ax": ax}
        seaborn.pointplot(**drawn, color=COLOURS[1], zorder=1, **MEAN_AND_SPREAD)
        seaborn.swarmplot(**drawn, color=COLOURS[0], size=5, alpha=0.75, zorder=2)
        if mark in values:
            mean = statistics.fmean(values[mark])
            ax.axvline(mean, color="0.2", linestyle=":", linewidth=1, zorder=0)
        labels = rows if ax is axes[0, 0] else [""] * len(rows)
        ax.set_yticks(range(len(rows)), labels, fontsize=9)
        ax.set(title=title, xlabel=xlabel, ylabel="", ylim=(len(rows) - 0.5, -0.5))
        ax.set_xlim(left=0)
    return figure
