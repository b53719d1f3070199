"""Images and codes of a run whose weights are not kept: some kilobytes, not a megabyte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from aae_lessons.references import Reference

SAMPLES = 40
RECONSTRUCTIONS = 20
CODES = 1000
PLANE_STEPS = 14
PLANE_EXTENT = 2.2


@torch.no_grad()
def make_previews(model: Any, x: Tensor) -> dict[str, Tensor]:
    """Samples, reconstructions and codes of a trained model; images as bytes, 0 … 255.

    Args:
        model: with ``prior``, ``encode`` and ``decode``.
        x: test images, (n, 784).

    Returns:
        ``samples``: decoded prior samples, the same ones for every model of one prior, (40, 784).
        ``reconstructions``: of the first images, (20, 784). ``codes``: of the first images,
        (1000, d), half precision. ``plane``, where d is 2: the decoded square of codes from -2.2
        to 2.2, 14 a side, row by row from the top, (196, 784).
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z_prior = model.prior.sample(SAMPLES).to(x)
        taken = {
            "samples": model.decode(z_prior),
            "reconstructions": model(x[:RECONSTRUCTIONS]),
        }
        codes = model.encode(x[:CODES])
    if model.prior.dim == 2:
        taken["plane"] = model.decode(plane().to(x))
    images = {name: (255 * x_hat).round().byte().cpu() for name, x_hat in taken.items()}
    return images | {"codes": codes.half().cpu()}


def load_previews(run: Reference, x: Tensor) -> dict[str, Tensor]:
    """The previews of a reference run as floats: images in [0, 1], codes as they are.

    Where the run's weights were stored they are made now, of test images ``x``, (n, 784).
    """
    made = run.previews or make_previews(run.model, x)
    return {k: v.float() if k == "codes" else v.float() / 255 for k, v in made.items()}


of = load_previews  # the name in lessons 3 and 7


def plane(steps: int = PLANE_STEPS, extent: float = PLANE_EXTENT) -> Tensor:
    """Codes on a square grid, row by row from the top, (steps², 2)."""
    line = torch.linspace(-extent, extent, steps)
    return torch.cartesian_prod(line.flip(0), line).flip(1)
