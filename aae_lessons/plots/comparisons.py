"""Runs compared: the seeds of every recipe, and a weight that is swept."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from aae_lessons.arguments import check_mapping
from aae_lessons.plots.style import COLOURS, MARKERS, new_figure

# of a setting's label, in points from its mark to the label's middle; the first is preferred
LABEL_PLACES = ((11, 8), (11, -8), (-11, -8), (-11, 8), (0, 13), (0, -13), (17, 0), (-17, 0))
LABEL_PLACES += tuple((1.6 * across, 1.6 * up) for across, up in LABEL_PLACES)
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
    middle: Callable[[Sequence[float]], float] = statistics.median,
) -> Figure:
    """Two measures against each other: each setting's middle, and a small point for each seed.

    Args:
        groups: name -> (setting, values across, values up), in the order in which they are
            connected. A setting is printed next to its point, in the colour of its line.
        xlabel, ylabel: names of the axes, with units.
        floor: where to draw a dotted line.
        linear: the vertical axis is linear; logarithmic by default.
        zoom: a part of the horizontal axis that a second panel shows larger, with the settings
            of the points that lie there.
        middle: of a setting's seeds, for its large point: their median, or ``statistics.fmean``.
    """
    check_mapping(groups, "groups", "a dict of one group or more")
    figure, axes = new_figure(1, 2 if zoom else 1, 11.0 if zoom else 7.4, 4.6 if zoom else 4.2)
    low, high = zoom or (0.0, 0.0)
    for ax in axes[0]:
        for i, (name, places) in enumerate(groups.items()):
            _connected(ax, i, name, places, middle)
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
    figure.draw_without_rendering()  # the labels need the panels' final places
    for panel, ax in enumerate(axes[0]):
        _plain_numbers(ax, linear)
        _label(ax, groups, middle, [low, high] if zoom else [], inside=bool(panel))
    return figure


def _connected(
    ax: Axes,
    i: int,
    name: str,
    places: Sequence[Place],
    middle: Callable[[Sequence[float]], float],
) -> None:
    """One group: the middles of its settings on a line, and its seeds as small points."""
    style: dict[str, Any] = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 6}
    small: dict[str, Any] = style | {"markersize": 3, "markevery": [1]}
    across, up = ([middle(seeds[k]) for _, *seeds in places] for k in (0, 1))
    ax.plot(across, up, linewidth=1, label=name, **style)
    for (_, *seeds), *own in zip(places, across, up, strict=True):
        for x, y in zip(*seeds, strict=True):
            ax.plot([own[0], x], [own[1], y], linewidth=0.6, alpha=0.45, **small)


def _label(
    ax: Axes,
    groups: Mapping[str, Sequence[Place]],
    middle: Callable[[Sequence[float]], float],
    zoom: Sequence[float],
    inside: bool,
) -> None:
    """Each setting's name next to its point, where the fewest points, lines and names lie."""
    marks = [np.asarray(ax.transData.transform(line.get_xydata())) for line in ax.lines]
    along = [np.linspace(a, b, 30) for line in marks for a, b in itertools.pairwise(line)]
    legend = ax.get_legend()
    taken = [np.empty((0, 2)), *marks, *along]
    taken += [] if legend is None else [_grid(legend.get_window_extent().get_points())]
    point = ax.figure.dpi / 72  # in pixels
    for i, places in enumerate(groups.values()):
        ink = [0.7 * part for part in to_rgb(COLOURS[i])]  # darker: letters are thin
        for setting, *seeds in places:
            x, y = map(middle, seeds)
            if zoom and (zoom[0] <= x <= zoom[1]) != inside:
                continue
            half = point * np.array([2.7 * len(setting) + 1, 5.0])  # of the name's box
            own = ax.transData.transform((x, y))
            crowd = np.concatenate(taken)
            covered = [
                (np.abs(crowd - own - np.multiply(point, place)) < half).all(1).sum()
                for place in LABEL_PLACES
            ]
            place = LABEL_PLACES[int(np.argmin(covered))]
            style: dict[str, Any] = {"fontsize": 8.5, "color": ink, "ha": "center", "va": "center"}
            ax.annotate(setting, (x, y), place, textcoords="offset points", **style)
            box = own + point * np.array(place) + np.array([-half, half])
            taken.append(np.repeat(_grid(box), 5, axis=0))  # worse than a line


def _grid(corners: np.ndarray) -> np.ndarray:
    """Points that fill a box, (n, 2), from its lower left and upper right corner."""
    sides = (np.linspace(a, b, 12) for a, b in np.transpose(corners))
    return np.stack(np.meshgrid(*sides), -1).reshape(-1, 2)


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
