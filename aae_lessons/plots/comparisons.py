"""Runs compared: the seeds of every recipe, and a weight that is swept."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from aae_lessons.arguments import check_mapping
from aae_lessons.plots.style import COLOURS, MARKERS, new_figure

LABEL_PLACES = ((6, 4), (5, -12), (-14, 8))  # points from a mark, by group: they lie close
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
) -> Figure:
    """Two measures against each other: each setting's medians, and a small point for each seed.

    Args:
        groups: name -> (setting, values across, values up), in the order in which they are
            connected.
        xlabel, ylabel: names of the axes, with units.
        floor: where to draw a dotted line.
        linear: the vertical axis is linear; logarithmic by default.
    """
    check_mapping(groups, "groups", "a dict of one group or more")
    figure, axes = new_figure(1, 1, 7.4, 4.2)
    ax = axes[0, 0]
    for i, (name, places) in enumerate(groups.items()):
        style = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 6}
        small = style | {"markersize": 3, "markevery": [1]}
        across = [statistics.median(x) for _, x, _ in places]
        up = [statistics.median(y) for _, _, y in places]
        ax.plot(across, up, linewidth=1, label=name, **style)
        for (setting, *seeds), *middle in zip(places, across, up, strict=True):
            for x, y in zip(*seeds, strict=True):
                ax.plot([middle[0], x], [middle[1], y], linewidth=0.6, alpha=0.45, **small)
            where = LABEL_PLACES[i % len(LABEL_PLACES)]
            ax.annotate(setting, middle, where, textcoords="offset points", fontsize=8)
    if floor is not None:
        ax.axhline(floor, color="0.2", linestyle=":")
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="linear" if linear else "log")
    ax.yaxis.set_major_formatter("{x:g}")
    low, high = ax.get_ylim()
    if not linear and high < 10 * low:  # a decade or less holds hardly any power of ten
        ax.yaxis.set_minor_formatter("{x:g}")
    ax.legend(fontsize=9)
    return figure


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
