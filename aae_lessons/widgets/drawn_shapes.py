"""What trainings on drawn shapes reach in the browser, measured beforehand."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_suffix(".json")


def expected() -> dict[str, Any]:
    """What drawn shapes reach, mean ± standard deviation over seeds, for the painter's table.

    From ``drawn_shapes.json``, which ``benchmarks/trainer.py --shapes`` writes.
    """
    stored = json.loads(RECORD.read_text("utf-8"))

    def said(values: list[float]) -> str:
        return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"

    rows = {
        shape: [said(row["test_off_ink_percent"]), said(row["test_over_floor"])]
        for shape, row in stored["shapes"].items()
    }
    seeds = {len(row["test_over_floor"]) for row in stored["shapes"].values()}
    return {"updates": stored["updates"], "seeds": max(seeds), "rows": rows}
