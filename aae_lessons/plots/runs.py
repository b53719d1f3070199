"""Losses, curves, histograms, and the table of claims."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor

from aae_lessons.arguments import (
    check,
    check_finite,
    check_instance,
    check_int,
    check_mapping,
    check_number,
    sized,
)
from aae_lessons.plots.style import COLOURS, MARKERS, new_figure

LOG_2 = math.log(2)
EQUILIBRIUM = {"discriminator": 2, "generator": 1}  # losses where D = ½ everywhere, in log 2


def equilibrium(phase: str, adversaries: int = 1) -> tuple[float, str] | None:
    """The loss of a phase where no discriminator can tell, in nats, and its name.

    log 2 for each logarithm in the loss: 2 log 2 for a discriminator, log 2 for a generator, and
    as often as there are adversaries where the losses are sums over several. A phase with a name
    after it, such as ``discriminator_z``, is that of one adversary. None for a phase that is no
    game.
    """
    player, _, one = phase.partition("_")
    if player not in EQUILIBRIUM:
        return None
    times = EQUILIBRIUM[player] * (1 if one else adversaries)
    return times * LOG_2, "log 2" if times == 1 else f"{times} log 2"


def losses(history, title: str = "", adversaries: int = 1) -> Figure:
    """The losses of a run, a panel for each phase, over updates.

    Dotted lines: where discriminator and generator losses are when D = ½ everywhere; there alone
    or on the way to it, the codes need not match the prior. Panels with such a line begin at 0.

    Args:
        history: a :class:`aae_lessons.training.History`.
        title: of the figure.
        adversaries: over how many discriminators the game's losses are summed.
    """
    check_mapping(getattr(history, "losses", None), "history", "what fit returned, with losses")
    phases = list(history.losses)
    check_int(adversaries, "adversaries")
    figure, axes = new_figure(1, len(phases), 3.8 * len(phases), 2.9)
    for ax, phase in zip(axes[0], sorted(phases, key=_order), strict=True):
        ax.plot(history.steps, history.losses[phase], color=COLOURS[0], linewidth=1.4)
        level = equilibrium(phase, adversaries)
        if level is not None:
            ax.axhline(level[0], color="0.2", linestyle=":", label=level[1])
            # from 0 on: else noise of a thousandth around the line would fill the panel
            ax.set_ylim(0, max(1.15 * level[0], ax.get_ylim()[1]))
            ax.legend(fontsize=9)
        ax.set_title(phase, fontsize=11)
        ax.set_xlabel("updates", fontsize=10)
        ax.set_ylabel("loss in nats", fontsize=10)
        ax.tick_params(labelsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def _order(phase: str) -> tuple[int, str]:
    """The phases in the order in which an update runs them (paper, section 2); others behind."""
    names = ("reconstruction", "discriminat", "generator", "classification")
    ranks = (i for i, name in enumerate(names) if phase.startswith(name))
    return next(ranks, len(names)), phase


def _check_lines(x: Sequence[float], lines: Mapping[str, Sequence[float]], name: str) -> None:
    """Lines over ``x`` have as many values as it has, and some of them are finite."""
    many = _length(x)
    check(many > 0, "x", x, "one place or more")
    check_mapping(lines, name, "a dict of one line or more")
    for values in lines.values():
        check(_length(values) == many, name, values, f"{many} values, as many as x")
        seen = any(math.isfinite(value) for value in values)
        check(seen, name, values, "finite values")


def _length(values: object) -> int:
    return len(values) if isinstance(values, Sized) and not isinstance(values, str) else 0


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
    _check_lines(x, lines, "lines")
    figure, axes = new_figure(1, 1, 6.4, 3.2)
    ax = axes[0, 0]
    for i, (name, values) in enumerate(lines.items()):
        ax.semilogy(x, values, color=COLOURS[i], marker=MARKERS[i], markersize=4, label=name)
    if floor is not None:
        ax.axhline(floor, color="0.2", linestyle=":")
    ax.yaxis.set_major_formatter("{x:g}")
    low, high = ax.get_ylim()
    # between the decades as many labels as fit without lying on each other
    if high >= 6 * low:
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    ax.yaxis.set_minor_formatter("{x:g}" if high < 50 * low else NullFormatter())
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=9)
    return figure


def lines(
    x: Sequence[float],
    values: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    dashed: Sequence[str] = (),
) -> Figure:
    """Several lines over the same ``x``, both axes linear.

    Args:
        x: (n,).
        values: name -> values, (n,).
        xlabel, ylabel: names of the axes, with units.
        dashed: names of the lines that are drawn dashed.
    """
    _check_lines(x, values, "values")
    figure, axes = new_figure(1, 1, 6.4, 3.2)
    for i, (name, line) in enumerate(values.items()):
        style = {"color": COLOURS[i], "linestyle": "--" if name in dashed else "-"}
        axes[0, 0].plot(x, line, label=name, linewidth=1.8, **style)
    axes[0, 0].set(xlabel=xlabel, ylabel=ylabel)
    axes[0, 0].legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def histograms(
    values: Mapping[str, Tensor], xlabel: str, bins: int = 40, limit: float | None = None
) -> Figure:
    """Outlines of several histograms over one axis, each with area 1.

    Args:
        values: name -> numbers, (n,).
        xlabel: name of the axis, with its unit.
        bins: from 0 (or the smallest value) to ``limit``.
        limit: right end of the axis; by default the largest value.
    """
    check_mapping(values, "values", "a dict of one histogram or more")
    for v in values.values():
        check_instance(v, "values", Tensor, "tensors of numbers")
        check(len(v) > 0, "values", v, "one number or more in a histogram")
        check_finite(v, "values")
    check_int(bins, "bins")
    if limit is not None:
        check_number(limit, "limit", above=0)
    low = min(0.0, *(v.min().item() for v in values.values()))
    high = max(v.max().item() for v in values.values()) if limit is None else limit
    figure, axes = new_figure(1, 1, 6.4, 3.0)
    styles = ["-", "--", "-.", ":"]
    for i, (name, v) in enumerate(values.items()):
        style = {"color": COLOURS[i], "linestyle": styles[i % 4], "linewidth": 1.6}
        ends, numbers = (low, high), v.detach().cpu()
        axes[0, 0].hist(
            numbers, bins, range=ends, density=True, histtype="step", label=name, **style
        )
    axes[0, 0].set(xlabel=xlabel, ylabel="density")
    axes[0, 0].legend(fontsize=9)
    return figure


Claim = tuple[str, str, str, bool | None]
VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "undecided"}


@dataclass(frozen=True)
class Claims:
    """A table of (claim, expected, measured, holds), shown as HTML or text.

    ``folded`` are further rows, which HTML shows below the table when a reader opens them.
    """

    rows: Sequence[Claim]
    folded: Sequence[Claim] = ()

    def __post_init__(self) -> None:
        for name, rows in (("rows", self.rows), ("folded", self.folded)):
            for row in rows:
                ok = sized(row) == 4 and (row[3] is None or isinstance(row[3], bool))
                check(ok, name, row, "(claim, expected, measured, True, False or None)")

    def _repr_html_(self) -> str:
        if not self.folded:
            return _html_table(self.rows)
        held = sum(row[3] is True for row in self.folded)
        verb = "holds" if held == 1 else "hold"
        summary = f"{len(self.folded)} further claims, of which {held} {verb}"
        folded = f"<details><summary>{summary}</summary>{_html_table(self.folded)}</details>"
        return _html_table(self.rows) + folded

    def __str__(self) -> str:
        return "\n".join(" · ".join(row) for row in _verdicts([*self.rows, *self.folded]))

    __repr__ = __str__


def _verdicts(rows: Sequence[Claim]) -> list[tuple[str, ...]]:
    return [(*row[:3], VERDICTS[row[3]]) for row in rows]


def _html_table(rows: Sequence[Claim]) -> str:
    table = [("claim", "expected", "measured", ""), *_verdicts(rows)]
    lines = ["".join(f"<td>{html.escape(c)}</td>" for c in row) for row in table]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def claims(rows: Sequence[Claim], folded: Sequence[Claim] = ()) -> Claims:
    """A table of what was claimed and what was measured: (claim, expected, measured, holds).

    ``holds`` is True, False, or None where the runs leave it undecided.

    Args:
        rows: the claims that a reader should see.
        folded: the others, which a reader may open.
    """
    for name, part in (("rows", rows), ("folded", folded)):
        check_instance(part, name, Sequence, "a list of (claim, expected, measured, holds)")
    return Claims(list(rows), list(folded))
