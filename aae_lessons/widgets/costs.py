"""CostDiscrepancyExplorer: lesson 7's grid, any cost with any discrepancy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bytes, Int, TraitError, Unicode, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_instance, check_mapping
from aae_lessons.data import ImageSet
from aae_lessons.plots.images import Shape
from aae_lessons.widgets import bundle, packing
from aae_lessons.widgets.base import ImageExplorer
from aae_lessons.widgets.images import check_images, shown_images

COLUMNS = 14
CAPTION = (
    "Choose a cost (row) and a discrepancy (column), with the pointer or the arrow keys. Below: "
    "test images, what that run makes of them, and decoded samples of the prior, the same codes "
    "for every run."
)


class CostDiscrepancyExplorer(ImageExplorer):
    """Shipped runs by their cost and their discrepancy.

    Args:
        x: test images, (n, C·H·W) in [0, 1], or an ImageSet; the runs reconstructed the first
            of them.
        runs: (cost, discrepancy) -> a dict with "reconstructions" of the first of ``x`` and
            "samples", both (m, C·H·W) in [0, 1], m at least 14, and "metrics", numbers by name.
            Pairs may be missing: their places in the grid say so.
        headline: the metric that the grid shows.
        caption: in place of the usual one.
        shape: (H, W) or (C, H, W) of the images; by default that of the ImageSet, or square.

    Traits:
        cost, discrepancy: what is chosen.
    """

    _esm = bundle.script("costs")
    cost = Unicode().tag(sync=True)
    discrepancy = Unicode().tag(sync=True)
    costs = ListOf(Unicode()).tag(sync=True)
    discrepancies = ListOf(Unicode()).tag(sync=True)
    runs = ListOf().tag(sync=True)
    pictures = Bytes().tag(sync=True)
    columns = Int(COLUMNS).tag(sync=True)

    def __init__(
        self,
        x: Tensor | ImageSet,
        runs: Mapping[tuple[str, str], Mapping[str, Any]],
        *,
        headline: str = "frechet_distance",
        caption: str = "",
        shape: Shape | None = None,
    ) -> None:
        shown = shown_images(x, shape=shape, at_least=COLUMNS)
        self._x = shown.x[:COLUMNS]
        check_mapping(runs, "runs", "a dict of one run or more")
        pixels = self._x.shape[1]
        self._sheets = {pair: _sheet(pair, run, headline, pixels) for pair, run in runs.items()}
        words = f" In the grid: {_name(headline)}."
        super().__init__(
            title="Cost and discrepancy", caption=self.words(caption, CAPTION) + words
        )
        self.image_shape = list(shown.shape)
        self.costs = list(dict.fromkeys(cost for cost, _ in runs))
        self.discrepancies = list(dict.fromkeys(discrepancy for _, discrepancy in runs))
        self.runs = [_described(pair, runs[pair]["metrics"], headline) for pair in runs]
        sheets = [self._x, *(sheet for both in self._sheets.values() for sheet in both)]
        self.pictures = packing.small(packing.greys(torch.cat(sheets)))
        with self.hold_trait_notifications():
            self.cost, self.discrepancy = next(iter(runs))

    @validate("cost", "discrepancy")
    def _known(self, proposal: dict) -> str:
        name = proposal["trait"].name
        known = self.costs if name == "cost" else self.discrepancies
        if proposal["value"] not in known:
            raise TraitError(
                f"{name}: got {proposal['value']!r}, expected one of {', '.join(known)}"
            )
        return proposal["value"]

    def static(self) -> Figure:
        """Samples of every run, a row each, under the test images."""
        rows = {"test images": self._x}
        for (cost, discrepancy), (_, samples) in self._sheets.items():
            rows[f"{cost}, {discrepancy}"] = samples
        return plots.rows_of_images(rows, "decoded samples of the prior", self.image_shape)


def _sheet(pair: object, run: Any, headline: str, pixels: int) -> tuple[Tensor, Tensor]:
    """The first images of a run: reconstructions and samples, (14, C·H·W) each."""
    ok = isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(p, str) for p in pair)
    check(ok, "runs", pair, "keys (cost, discrepancy), two names")
    check_mapping(run, "runs", "a dict for each pair")
    for name in ("reconstructions", "samples", "metrics"):
        check(name in run, "runs", f"{pair} without {name}", "reconstructions, samples, metrics")
    check(isinstance(run["metrics"], Mapping), "runs", run["metrics"], "metrics: numbers by name")
    known = isinstance(headline, str) and headline in run["metrics"]
    check(known, "headline", headline, f"a metric of {pair}")
    for value in run["metrics"].values():
        check_instance(value, "runs", (int, float), "a number for each metric")
    sheets = [
        check_images(run[name], name, pixels)[:COLUMNS] for name in ("reconstructions", "samples")
    ]
    enough = all(len(sheet) == COLUMNS for sheet in sheets)
    check(enough, "runs", f"{pair} with fewer", f"{COLUMNS} images or more of each kind")
    return sheets[0], sheets[1]


def _described(pair: tuple[str, str], metrics: Mapping[str, float], headline: str) -> dict:
    words = [f"{_name(name)} {value:.3g}" for name, value in metrics.items()]
    return {
        "cost": pair[0],
        "discrepancy": pair[1],
        "headline": f"{metrics[headline]:.3g}",
        "words": " · ".join(words),
    }


def _name(metric: str) -> str:
    return metric.replace("_", " ").replace("frechet", "squared Fréchet")
