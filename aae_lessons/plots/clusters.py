"""Clusters: their images, what they hold, and where their heads are in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_finite,
    check_labels,
    check_matrix,
    sized,
)
from aae_lessons.plots.images import Shape, check_groups, pictures
from aae_lessons.plots.latent import panels_of_codes
from aae_lessons.plots.style import draw_ink, new_figure

ROWS = 10  # in a column
WIDE = 7.4  # inches: a plane with names in it


def rows_of_clusters(
    heads: Tensor,
    members: Sequence[Tensor],
    names: Sequence[str],
    shape: Shape | None = None,
) -> Figure:
    """A row for each cluster: its head, a gap, then images it holds.

    Args:
        heads: the head of each cluster, (K, C·H·W), in [0, 1].
        members: for each cluster some of its images, (m, C·H·W); m may differ, and be 0.
        names: of each cluster, written at the left of its row.
        shape: of the images, (H, W) or (C, H, W); None for square ones.
    """
    drawn = pictures(heads, "heads", shape)
    members = check_groups(members, "members", len(heads), heads.shape[1])
    check(sized(names) == len(heads), "names", names, f"{len(heads)} names, one per head")
    height, width = drawn.shape[1:3]
    widest = max(len(m) for m in members)
    columns = -(-len(heads) // ROWS)
    rows = -(-len(heads) // columns)
    figure, axes = new_figure(1, columns, columns * (0.36 * widest + 1.2), 0.36 * rows + 0.3)
    for i, ax in enumerate(axes[0]):
        part = slice(i * rows, (i + 1) * rows)
        pairs = zip(drawn[part], members[part], strict=True)
        strips = [_strip(head, group, widest, shape) for head, group in pairs]
        draw_ink(ax, torch.cat(strips))
        middles = [height * (j + 0.5) for j in range(len(strips))]
        ax.set_yticks(middles, names[part], fontsize=9)
        ax.set_xticks([width / 2], ["head"], fontsize=9)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure


def _strip(head: Tensor, members: Tensor, widest: int, shape: Shape | None) -> Tensor:
    """One row of pixels, (H, width, …): head, half a gap, members, white to the end."""
    white = torch.full_like(head, float(head.dim() == 3))
    own = list(pictures(members, "members", shape)) if len(members) else []
    gap = white[:, : head.shape[1] // 2]
    return torch.cat([head, gap, *own, *[white] * (widest - len(own))], dim=1)


def contingency(counts: Tensor, names: Sequence[str], title: str = "") -> Figure:
    """How many images of each class each cluster holds: a shaded table, a row for each cluster.

    Args:
        counts: (K, classes), whole numbers.
        names: of each cluster, at the left of its row.
        title: of the figure.
    """
    ok = isinstance(counts, Tensor) and counts.dim() == 2 and not counts.is_floating_point()
    check(ok, "counts", counts, "a tensor of whole numbers, (K, classes)")
    check(sized(names) == len(counts), "names", names, f"{len(counts)} names, one per cluster")
    import seaborn  # here: it takes longer to import than most figures take to draw

    counts = counts.cpu()
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    numbers = [[str(n) if n else "" for n in row] for row in counts.tolist()]
    figure, axes = new_figure(1, 1, 6.8, 0.26 * len(counts) + 0.9)
    seaborn.heatmap(
        shares.numpy(),
        vmin=0,
        vmax=1,
        cmap="Blues",
        annot=numbers,
        fmt="",
        annot_kws={"fontsize": 8},
        linewidths=0.5,
        cbar_kws={"label": "share of the cluster's images"},
        yticklabels=list(names),
        ax=axes[0, 0],
    )
    axes[0, 0].set(xlabel="class of the image", ylabel="cluster and its name", title=title)
    axes[0, 0].tick_params(length=0, labelsize=8, labelrotation=0)
    return figure


def codes_and_cluster_heads(
    z: Tensor,
    labels: Tensor,
    heads: Tensor,
    title: str = "",
    names: Sequence[str] = (),
    members: Tensor | None = None,
) -> Figure:
    """Codes in the plane by class, and the cluster heads among them, with their names.

    Each head is a cross. Its name stands beside it, where it covers the fewest codes.

    Args:
        z: codes, (n, 2).
        labels: their classes, (n,).
        heads: places of the cluster heads, (K, 2).
        title: of the figure.
        names: of the K heads; by default their numbers, 0 … K-1.
        members: the cluster of each code, (n,), 0 … K-1. A line then joins each head to the mean
            of its cluster's codes, which is a ring.
    """
    check_matrix(heads, "heads", columns=2)
    check_finite(heads, "heads")
    names = names or [str(k) for k in range(len(heads))]
    check(
        len(names) == len(heads), "names", f"{len(names)} names", f"{len(heads)}, as many as heads"
    )
    figure = panels_of_codes([(title, z, labels, None)], size=WIDE)
    ax, z, heads = figure.axes[0], z.detach().cpu(), heads.detach().cpu()
    marks = [heads]
    if members is not None:
        check_labels(members, "members", len(heads))
        check(len(members) == len(z), "members", members, f"{len(z)} clusters, one per code")
        marks += _lines_to_means(ax, z, heads, members.cpu())
    ax.scatter(*heads.T, marker="x", s=55, color="black", linewidths=2, zorder=6)
    outline: list[AbstractPathEffect] = [withStroke(linewidth=2.5, foreground="white")]
    places = _places_of_names(ax, z, heads, names, torch.cat(marks))
    for name, (across, up) in zip(names, places, strict=True):
        text = ax.text(across, up, name, ha="center", va="center", fontsize=9, zorder=7)
        text.set_path_effects(outline)
    return figure


def _lines_to_means(ax: Axes, z: Tensor, heads: Tensor, members: Tensor) -> list[Tensor]:
    """From each head to the mean of its cluster's codes; none for an empty cluster.

    Returns points along each line, (12, 2).
    """
    marks = []
    for k in members.unique().tolist():
        mean = z[members == k].mean(0)
        ax.plot(*torch.stack([heads[k], mean]).T, color="black", linewidth=1, zorder=5)
        ax.scatter(*mean, s=45, facecolors="white", edgecolors="black", linewidths=1.3, zorder=6)
        marks.append(torch.lerp(heads[k], mean, torch.linspace(0, 1, 12)[:, None]))
    return marks


def _places_of_names(
    ax: Axes, z: Tensor, heads: Tensor, names: Sequence[str], marks: Tensor
) -> list[list[float]]:
    """For each head a place beside it, in data units, where its name covers the fewest codes.

    Marks, (m, 2), and the names that already have a place count much more than codes.
    """
    unit = (ax.get_xlim()[1] - ax.get_xlim()[0]) / (WIDE * 72)  # of the axis, in a printer's point
    angles = torch.arange(16) * (2 * torch.pi / 16)
    places: list[Tensor] = []
    boxes: list[Tensor] = []
    for head, name in zip(heads, names, strict=True):
        half = unit * torch.tensor([3.2 * len(name) + 2, 7.0])  # of the text's box
        ring = torch.stack([angles.cos(), angles.sin()], dim=1) * (half + 5 * unit)
        tried = head + torch.cat([stretch * ring for stretch in (1.0, 1.25, 1.5)])
        cost = _covered(tried, z, half) + 20 * _covered(tried, marks, half)
        for place, box in zip(places, boxes, strict=True):
            cost = cost + 80 * _covered(tried, place[None], half + box)
        places.append(tried[cost.argmin()])
        boxes.append(half)
    return [place.tolist() for place in places]


def _covered(centres: Tensor, points: Tensor, half: Tensor) -> Tensor:
    """How many of the points lie in the box of half-size ``half`` around each centre."""
    return ((centres[:, None] - points[None]).abs() < half).all(2).sum(1)
