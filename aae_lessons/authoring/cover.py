"""Draws the README's picture, codes flowing into three priors, from stored reference runs.

python -m aae_lessons.authoring cover                 # docs/images/codes.png
python -m aae_lessons.authoring cover --path OUT.png
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from aae_lessons import data, references
from aae_lessons.files import write_atomically
from aae_lessons.plots.style import COLOURS
from aae_lessons.references import Reference

PATH = Path(__file__).parents[2] / "docs" / "images" / "codes.png"
RUNS = {
    "adversarial-gaussian": "Gaussian",
    "adversarial-mixture-labels": "ten Gaussians, labels",
    "adversarial-swiss-roll-labels": "swiss roll, labels",
}
EPOCHS = (0, 1, 3, 40)
SAMPLES = 6  # decoded prior samples along each side of a mosaic
PRIOR_POINTS = 4000
WIDTH, ROW = 11.0, 2.25  # inches
DPI = 115
PALETTE = 96  # colours of the stored file


def cover() -> Figure:
    """One row per prior: the codes of 1000 test images before, during and after training, over
    samples of the prior in grey, and what the trained decoder makes of prior samples.
    """
    labels = data.mnist("test", "cpu").labels
    figure = Figure((WIDTH, ROW * len(RUNS)), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(RUNS), len(EPOCHS) + 1, squeeze=False)
    for row, (name, title) in zip(axes, RUNS.items(), strict=True):
        run = references.load(name)
        row[0].set_ylabel(title, fontsize=12)
        torch.manual_seed(0)
        prior = run.model.prior.sample(PRIOR_POINTS)
        for ax, epoch in zip(row, EPOCHS, strict=False):
            z = run.history.snapshots[epoch]["z"]
            _scatter(ax, z, labels[: len(z)], prior)
        row[-1].imshow(_mosaic(run), cmap="gray_r")
        row[-1].set(xticks=[], yticks=[])
    titles = [f"epoch {e}" if e else "before training" for e in EPOCHS]
    for ax, title in zip(axes[0], [*titles, "decoded prior samples"], strict=True):
        ax.set_title(title, fontsize=12)
    return figure


def _scatter(ax: Axes, z: Tensor, labels: Tensor, prior: Tensor) -> None:
    limit = 1.15 * prior.abs().quantile(0.999).item()
    ax.scatter(*prior.T, s=2, color="0.87", linewidths=0)
    ax.scatter(*z.T, s=5, c=[COLOURS[i] for i in labels.tolist()], linewidths=0)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])


@torch.no_grad()
def _mosaic(run: Reference) -> Tensor:
    x = run.model.decode(run.model.prior.sample(SAMPLES**2))
    return x.view(SAMPLES, SAMPLES, 28, 28).transpose(1, 2).reshape(28 * SAMPLES, 28 * SAMPLES)


def png(figure: Figure) -> bytes:
    """The figure in a small palette: a third of the bytes of a full-colour file."""
    stream, small = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, format="png")
    image = Image.open(stream).convert("RGB")
    image.quantize(PALETTE, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def main() -> None:
    """Draws the cover picture to a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--path", type=Path, default=PATH)
    path = parser.parse_args().path
    picture = png(cover())
    write_atomically(path, lambda stream: stream.write(picture))
    print(f"{path}: {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
