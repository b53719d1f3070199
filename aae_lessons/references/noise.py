"""How much the measures of the match vary by chance: each of codes that *are* prior samples.

``noise.json`` holds the results. Measured again, in a few minutes, by
``python -m aae_lessons.references.noise``.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from aae_lessons import metrics, priors
from aae_lessons.files import write_atomically

FILE = Path(__file__).with_name("noise.json")
DRAWS, DIM = 20, 8
MEASURES = {  # with the number of codes that each compares
    "c2st_accuracy": (metrics.c2st_accuracy, 10_000),
    "sliced_wasserstein_over_floor": (metrics.sliced_wasserstein_over_floor, 10_000),
    "mmd_over_floor": (metrics.mmd_over_floor, 1000),
}


def recorded() -> dict[str, dict[str, float]]:
    """The values of each measure on 20 independent sets of prior samples in 8 dimensions.

    Returns:
        name of the metric -> number of ``draws``, ``least`` and ``largest`` value;
        ``mmd_over_floor_wider`` is of samples that are 5 % too wide.
    """
    return json.loads(FILE.read_text("utf-8"))


def measured() -> dict[str, dict[str, float]]:
    """What :func:`recorded` returns, computed; every measure begins with the same seed."""
    prior, results = priors.Gaussian(DIM), {}
    rows = [(name, name, 1.0) for name in MEASURES]
    rows.append(("mmd_over_floor_wider", "mmd_over_floor", 1.05))
    for row, name, width in rows:
        torch.manual_seed(1)
        measure, codes = MEASURES[name]
        values = [measure(width * prior.sample(codes), prior) for _ in range(DRAWS)]
        results[row] = {
            "draws": DRAWS,
            "least": round(min(values), 5),
            "largest": round(max(values), 5),
        }
    return results


if __name__ == "__main__":
    text = json.dumps(measured(), indent=1) + "\n"
    write_atomically(FILE, lambda stream: stream.write(text.encode()))
