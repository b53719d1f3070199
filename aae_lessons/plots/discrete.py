"""Categorical codes: points on the simplex, bars of probabilities, peaks over a run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_finite,
    check_labels,
    check_mapping,
    check_matrix,
    sized,
)
from aae_lessons.plots.images import Shape, check_groups, pictures
from aae_lessons.plots.style import COLOURS, MARKERS, PRIOR_GREY, draw_ink, new_figure

CORNERS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
NAMES = ((-0.05, -0.07), (1.05, -0.07), (0.5, 0.95))
LINES = ["-", "--", "-.", ":"]


def simplex(panels: Sequence[tuple[str, Tensor, Tensor]], size: float = 2.6) -> Figure:
    """Codes of three classes as points in a triangle: a corner is a one-hot vector, and has
    its class's number.

    Args:
        panels: (title, codes (n, 3), labels (n,)).
        size: width of one panel in inches.
    """
    check(len(panels) > 0, "panels", panels, "one panel or more")
    figure, axes = new_figure(1, len(panels), size * len(panels) + 0.3, size + 0.1)
    for ax, (title, y, label) in zip(axes[0], panels, strict=True):
        check_matrix(y, "y", columns=3)
        check_labels(label, "labels", 10)
        check(len(y) == len(label), "labels", label, f"{len(y)} labels, one per code")
        ax.plot(*CORNERS[[0, 1, 2, 0]].T.numpy(), color="0.6", linewidth=1)
        places = y.detach().cpu() @ CORNERS
        for k in label.unique().tolist():
            style = {"color": COLOURS[k], "marker": MARKERS[k], "alpha": 0.5, "linewidths": 0}
            ax.scatter(*places[label.cpu() == k].T.numpy(), s=14, clip_on=False, **style)
        for k, (left, up) in enumerate(NAMES):
            ax.text(left, up, str(k), ha="center", va="center", fontsize=9)
        ax.set(xlim=(-0.08, 1.08), ylim=(-0.14, 1.02), aspect="equal")
        ax.set_title(title, fontsize=11)
        ax.set_axis_off()
    return figure


def code_bars(x: Tensor, codes: Mapping[str, Tensor], shape: Shape | None = None) -> Figure:
    """Images, and under each one its code as bars, a row for each model.

    Args:
        x: images, (n, C·H·W), in [0, 1].
        codes: name -> codes of these images, (n, K).
        shape: of the images, (H, W) or (C, H, W); None for square ones.
    """
    drawn = pictures(x, "x", shape)
    check_mapping(codes, "codes", "a dict of one name or more")
    for y in codes.values():
        check_matrix(y, "codes", rows=len(x))
        check_finite(y, "codes")
    rows = len(codes) + 1
    figure, axes = new_figure(rows, len(x), 0.95 * len(x) + 0.6, 0.9 * rows)
    for ax, picture in zip(axes[0], drawn, strict=True):
        draw_ink(ax, picture)
        ax.set_axis_off()
    for i, (name, y) in enumerate(codes.items()):
        for ax, row in zip(axes[i + 1], y.detach().cpu(), strict=True):
            ax.bar(range(len(row)), row.tolist(), color=COLOURS[i], width=0.9)
            ax.set(ylim=(0, 1.05), xticks=[], yticks=[])
        axes[i + 1, 0].set_yticks([0, 1])
        axes[i + 1, 0].set_ylabel(name, fontsize=9)
        axes[i + 1, 0].tick_params(labelsize=8)
    return figure


def peaks_over_training(shares: Mapping[str, Tensor], edges: Sequence[float]) -> Figure:
    """Histograms of the largest probability, one column per epoch, one panel per run.

    Args:
        shares: title -> share of the codes in each bin, (epochs + 1, bins).
        edges: of the bins, bins + 1 of them.
    """
    check(len(shares) > 0, "shares", shares, "one run or more")
    figure, axes = new_figure(1, len(shares), 3.0 * len(shares) + 0.6, 2.9)
    for ax, (title, table) in zip(axes[0], shares.items(), strict=True):
        check_matrix(table, "shares", columns=len(edges) - 1)
        extent = (-0.5, len(table) - 0.5, edges[0], edges[-1])
        drawn = ax.imshow(
            table.T.sqrt().numpy(), origin="lower", aspect="auto", extent=extent, cmap="Blues",
            vmin=0, vmax=1, interpolation="nearest",
        )  # fmt: skip
        ax.set_title(title, fontsize=11)
        ax.set_xlabel("epochs", fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.tick_params(labelsize=8)
    axes[0, 0].set_ylabel("largest probability of y", fontsize=9)
    bar = figure.colorbar(drawn, ax=list(axes[0]), ticks=[0, 0.1**0.5, 0.5, 1])
    bar.ax.set_yticklabels(["0 %", "10 %", "25 %", "100 %"], fontsize=8)
    bar.set_label("share of the images", fontsize=9)
    return figure


def peaks(shares: Mapping[str, Tensor], edges: Sequence[float], title: str = "") -> Figure:
    """Histograms of the largest probability side by side, each to the same scale.

    Args:
        shares: name -> share of the codes in each bin, (bins,).
        edges: of the bins, bins + 1 of them.
        title: of the figure.
    """
    check(len(shares) > 0, "shares", shares, "one run or more")
    figure, axes = new_figure(1, len(shares), 2.7 * len(shares), 2.5)
    for i, (ax, (name, share)) in enumerate(zip(axes[0], shares.items(), strict=True)):
        check(len(share) == len(edges) - 1, "shares", share, f"{len(edges) - 1} shares")
        width = edges[1] - edges[0]
        ax.bar(edges[:-1], share.tolist(), width, align="edge", color=COLOURS[i], edgecolor="w")
        ax.set(xlim=(edges[0], edges[-1]), ylim=(0, 1))
        ax.set_title(name, fontsize=10)
        ax.set_xlabel("largest probability of y", fontsize=9)
        ax.tick_params(labelsize=8)
    axes[0, 0].set_ylabel("share of the images", fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def over_epochs(
    lines: Mapping[str, Sequence[float]], ylabel: str, levels: Mapping[str, float] | None = None
) -> Figure:
    """Lines over epochs from 0 on, the vertical axis linear from 0.

    Args:
        lines: name -> values, (epochs + 1,).
        ylabel: name of the vertical axis, with its unit.
        levels: name -> height of a dotted line.
    """
    check_mapping(lines, "lines", "a dict of one line or more")
    for values in lines.values():
        check(bool(sized(values)), "lines", values, "one value or more in a line")
    figure, axes = new_figure(1, 1, 6.4, 2.8)
    ax = axes[0, 0]
    for i, (name, values) in enumerate(lines.items()):
        style = {"color": COLOURS[i], "marker": MARKERS[i], "linestyle": LINES[i % 4]}
        ax.plot(range(len(values)), values, markersize=4, label=name, **style)
    levels = levels or {}
    near = 0.1 * max([*levels.values(), ax.get_ylim()[1]])
    for name, level in levels.items():
        ax.axhline(level, color="0.2", linestyle=":", linewidth=1)
        crowded = any(0 < other - level < near for other in levels.values())
        # of two near lines the lower one's name goes under it, so that both can be read
        side = "top" if crowded else "bottom"
        ax.text(1.01, level, name, fontsize=8, va=side, transform=ax.get_yaxis_transform())
    ax.set(xlabel="epochs", ylabel=ylabel, ylim=(0, 1.08 * ax.get_ylim()[1]))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.1 if levels else 1.0, 0.5))
    return figure


def over_settings(
    panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]], xlabel: str
) -> Figure:
    """Measures over a setting of the runs: a point for each seed, a line through the medians.

    Args:
        panels: measure, with its unit -> kind of run -> setting -> a value for each seed.
        xlabel: name of the setting.
    """
    check(len(panels) > 0, "panels", panels, "one measure or more")
    figure, axes = new_figure(1, len(panels), 3.5 * len(panels), 3.1)
    for ax, (measure, kinds) in zip(axes[0], panels.items(), strict=True):
        for i, (kind, values) in enumerate(kinds.items()):
            medians = [statistics.median(seeds) for seeds in values.values()]
            ax.plot(list(values), medians, color=COLOURS[i], linestyle=LINES[i], label=kind)
            for setting, seeds in values.items():
                # side by side, so that points of two kinds do not hide each other
                across = [setting + 0.12 * (2 * i + 1 - len(kinds))] * len(seeds)
                ax.scatter(across, seeds, color=COLOURS[i], marker=MARKERS[i], s=26)
        ax.set_title(measure, fontsize=10)
        ax.set_xlabel(xlabel)
        ax.set_xticks(sorted({setting for values in kinds.values() for setting in values}))
    axes[0, 0].legend(fontsize=8)
    return figure


def class_members(
    corners: Tensor, members: Sequence[Tensor], shape: Shape | None = None
) -> Figure:
    """What the decoder makes of each corner, and images whose code is nearest to it.

    Args:
        corners: decoded one-hot vectors, (K, C·H·W).
        members: for each class up to 8 images, (n, C·H·W); n may be 0.
        shape: of the images, (H, W) or (C, H, W); None for square ones.
    """
    drawn = pictures(corners, "corners", shape)
    groups = check_groups(members, "members", len(corners), corners.shape[1])
    most = max(1, *map(len, groups))
    height, width = drawn.shape[1:3]
    figure, axes = new_figure(1, 1, 0.55 * (most + 2), 0.55 * len(groups))
    blank = torch.full_like(drawn[0], float(drawn.dim() == 4))
    strips = []
    for corner, group in zip(drawn, groups, strict=True):
        own = list(pictures(group, "members", shape)) if len(group) else []
        strips.append(torch.cat([corner, blank, *own, *[blank] * (most - len(own))], dim=1))
    draw_ink(axes[0, 0], torch.cat(strips))
    axes[0, 0].axvline(1.5 * width, color=PRIOR_GREY, linewidth=1)
    for k in range(len(groups)):
        middle = height * (k + 0.5)
        axes[0, 0].text(-0.2 * width, middle, f"{k}", ha="right", va="center", fontsize=9)
    axes[0, 0].set_axis_off()
    return figure
