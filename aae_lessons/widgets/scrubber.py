"""TrainingScrubber: a training run, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from traitlets import Bool, Bytes, Float, Int, TraitError, validate
from traitlets import List as ListOf

from aae_lessons import plots
from aae_lessons.arguments import check, check_matrix
from aae_lessons.plots.images import Shape, image_shape
from aae_lessons.plots.runs import equilibrium
from aae_lessons.widgets import bundle, density, packing
from aae_lessons.widgets.base import ImageExplorer
from aae_lessons.widgets.images import check_images, labels_of

MOST_POINTS = 500  # of a line
CAPTION = (
    "Move the slider (or press play, or click in a curve) to go through the run. Dotted: where a "
    "loss is when the discriminator can't tell codes from prior samples."
)
PLANE = " The plane shows the two directions in which the last codes vary most."


class TrainingScrubber(ImageExplorer):
    """Codes, losses and samples of a run by epoch.

    Args:
        run: a reference run, or the :class:`aae_lessons.training.History` of the learner's own.
            Its snapshots are codes (n, d), or dicts with any of: "z", codes; "samples", images
            (m, C·H·W), the same m in every epoch; and numbers, which become curves.
        labels: classes of the images whose codes these are, (n,); None for one colour.
        prior: whose contours are drawn; by default the model's own. False for none.
        caption: in place of the usual one.
        shape: (H, W) or (C, H, W) of the samples; None for square ones.

    Traits:
        epoch: 0 … epochs.
        playing: whether it goes on by itself.
    """

    _esm = bundle.script("scrubber")
    epoch = Int(0).tag(sync=True)
    playing = Bool(False).tag(sync=True)
    epochs = Int(1).tag(sync=True)
    codes = Bytes().tag(sync=True)
    labels = Bytes().tag(sync=True)
    extent = ListOf(Float(), [-3.0, 3.0, -3.0, 3.0]).tag(sync=True)
    contours = ListOf().tag(sync=True)
    lines = ListOf().tag(sync=True)
    samples = Bytes().tag(sync=True)
    sample_count = Int(0).tag(sync=True)

    def __init__(
        self,
        run: Any,
        labels: Tensor | None = None,
        *,
        prior: Any = None,
        caption: str = "",
        shape: Shape | None = None,
    ) -> None:
        self._history = getattr(run, "history", run)
        shots = snapshots(self._history)
        if prior is None:
            prior = getattr(getattr(run, "model", None), "prior", None)
        elif prior is not False:
            density.check_prior(prior)
        self._z = [packing.finite(shot["z"], "z") for shot in shots if "z" in shot]
        flat = bool(self._z) and self._z[0].shape[1] == 2
        prior = prior if flat and getattr(prior, "dim", None) == 2 else None
        words = (
            CAPTION + density.CAPTION * (prior is not None) + PLANE * (bool(self._z) and not flat)
        )
        super().__init__(title="A training run", caption=self.words(caption, words))
        self.epochs = len(shots) - 1
        self.lines = [*loss_lines(self._history), *number_lines(shots)]
        check(labels is None or bool(self._z), "labels", labels, "None: no snapshot has codes")
        self._labels = labels_of(labels, len(self._z[0]) if self._z else 0)
        self._send_codes(prior)
        self._send_samples([shot["samples"] for shot in shots if "samples" in shot], shape)

    def _send_samples(self, samples: list[Tensor], shape: Shape | None) -> None:
        if not samples:
            return
        images = [check_images(sheet, "samples") for sheet in samples]
        self.image_shape = list(image_shape(images[0].shape[1], shape))
        self.sample_count = len(images[0])
        self.samples = packing.small(b"".join(map(packing.greys, images)))

    def _send_codes(self, prior: Any) -> None:
        if not self._z:
            return
        self._z = in_the_plane(self._z)
        self.codes = packing.halves(torch.cat(self._z))
        self.labels = packing.label_bytes(self._labels)
        last = self._z[len(self._z) // 3 :]  # early codes may be far out: they may leave the plane
        self.extent = list(density.extent_of(last))
        if prior is not None:
            self.contours = density.contours(prior, tuple(self.extent))

    @validate("epoch")
    def _an_epoch(self, proposal: dict) -> int:
        if not 0 <= proposal["value"] <= self.epochs:
            raise TraitError(f"epoch: got {proposal['value']}, expected 0 … {self.epochs}")
        return proposal["value"]

    def static(self) -> Figure:
        """Codes after four epochs spread over the run; without codes, its losses."""
        if not self._z:
            return plots.losses(self._history)
        chosen = sorted({round(self.epochs * share) for share in (0, 0.1, 0.4, 1)})
        panels = [(f"after {e} epochs", self._z[e], self._labels, None) for e in chosen]
        return plots.panels_of_codes(panels, size=2.6)


# ------------------------------------------------------------------------- from a history


def snapshots(history: Any) -> list[Mapping[str, Any]]:
    """A history's snapshots as dicts, each with the same names in it."""
    shots = list(getattr(history, "snapshots", []))
    check(len(shots) > 1, "run", history, "one with a snapshot of two epochs or more")
    shots = [shot if isinstance(shot, Mapping) else {"z": shot} for shot in shots]
    names = set(shots[0])
    check(bool(names), "run", "empty snapshots", "codes, samples or numbers in each")
    for shot in shots:
        check(
            set(shot) == names, "run", f"snapshots of {set(shot)} and {names}", "the same in all"
        )
    for name in names & {"z", "samples"}:
        for shot in shots:
            check_matrix(shot[name], name)
            same = shot[name].shape == shots[0][name].shape
            check(same, name, shot[name], f"shape {tuple(shots[0][name].shape)} in every epoch")
    return shots


def loss_lines(history: Any) -> list[dict[str, Any]]:
    """Each phase's loss over updates."""
    every = max(1, len(history.steps) // MOST_POINTS)
    result = []
    for name, values in history.losses.items():
        line = {
            "name": f"{name} loss",
            "xs": history.steps[::every],
            "ys": _rounded(values[::every]),
        }
        level = equilibrium(name)
        if level is not None:
            line["level"] = dict(zip(("value", "name"), level, strict=True))
        result.append(line)
    return result


def number_lines(shots: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each number in the snapshots over epochs."""
    names = [name for name, value in shots[0].items() if isinstance(value, int | float)]
    return [
        {
            "name": name.replace("_", " "),
            "xs": list(range(len(shots))),
            "ys": _rounded([shot[name] for shot in shots]),
        }
        for name in names
    ]


def in_the_plane(z: list[Tensor]) -> list[Tensor]:
    """Codes (n, 2) of each epoch: as they are, or along the last ones' two main directions."""
    dim = z[-1].shape[1]
    check(dim >= 2, "z", z[-1], "codes of two dimensions or more")
    if dim == 2:
        return z
    middle = z[-1].mean(0)
    directions = torch.linalg.svd(z[-1] - middle, full_matrices=False).Vh[:2]
    return [(codes - middle) @ directions.T for codes in z]


def _rounded(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
