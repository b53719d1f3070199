"""Results of the long benchmarks: kept in ``results/NAME.json`` as they arrive.

python benchmarks/results.py        # writes their tables into README.md
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from aae_lessons import devices
from aae_lessons.files import write_atomically
from aae_lessons.references.train import processor

FOLDER = Path(__file__).parent / "results"


class Results:
    """What a benchmark measured by name, with the settings it was measured under.

    A file of other settings is not continued: it is refused unless ``again`` drops it.
    """

    def __init__(self, name: str, settings: dict[str, Any], again: bool = False) -> None:
        self.path, self.settings = FOLDER / f"{name}.json", settings
        self.rows: dict[str, dict[str, Any]] = {}
        if self.path.exists() and not again:
            stored = stored_results(name)
            if stored.settings != settings:
                raise SystemExit(f"{self.path} has other settings, {stored.settings}: --again")
            self.rows = stored.rows

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self.rows[key]

    def once(self, key: str, measure: Callable[[], dict[str, Any]]) -> None:
        """Measures what has not been measured, keeps it, and says so in a line."""
        if key in self.rows:
            return
        self.rows[key] = measure()
        text = json.dumps({"settings": self.settings, "rows": self.rows}, indent=1)
        write_atomically(self.path, lambda stream: stream.write(f"{text}\n".encode()))
        print(key, {k: f"{v:.4g}" for k, v in self.rows[key].items()}, flush=True)


def stored_results(name: str) -> Results:
    """The results of a benchmark that was run."""
    stored = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    result = Results(name, stored["settings"], again=True)
    result.rows = stored["rows"]
    return result


def machine() -> dict[str, str]:
    """The processor, with its units for bfloat16, what "fast" stands for on it, and torch."""
    amx, avx = torch.cpu._is_amx_tile_supported(), torch.cpu._is_avx512_bf16_supported()
    units = "AMX" if amx else "AVX512-BF16" if avx else "no bfloat16 units"
    return {
        "processor": f"{processor()}, {units}",
        "fast": devices.fast_precision("cpu"),
        "torch": torch.__version__.partition("+")[0],
    }
