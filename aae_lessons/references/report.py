"""Metrics of the stored runs: measured again, or as recorded, and as Markdown tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import joblib

from aae_lessons import references
from aae_lessons.data import ImageSet
from aae_lessons.references.recipes import RECIPES


def report(device: str | None = None, jobs: int | None = None) -> dict[str, dict[str, float]]:
    """Metrics of every run whose weights are stored, computed again on the test set.

    ``jobs`` processes share the runs, by default one per core; each has one thread, as when the
    records were made.
    """
    kept = [name for name in references.names() if RECIPES[name].keeps_model]
    workers = jobs or joblib.cpu_count()
    tasks = [joblib.delayed(_measure)(name, device) for name in kept]
    measured = joblib.Parallel(n_jobs=workers, inner_max_num_threads=1)(tasks)
    return dict(zip(kept, measured, strict=True))


def _measure(name: str, device: str | None) -> dict[str, float]:
    run = references.load(name, device)
    return RECIPES[name].measure(run.model, _test_set(RECIPES[name].dataset, device))


@functools.cache
def _test_set(dataset: Callable[..., ImageSet], device: str | None) -> ImageSet:
    return dataset("test", device)


def recorded() -> dict[str, dict[str, str]]:
    """Every run's recorded metrics in words: mean ± standard deviation where it has seeds."""
    result = {}
    for name in references.names():
        runs = references.records(name)
        spreads = {m: references.over_seeds(runs, m) for m in runs[0]["metrics"]}
        result[name] = {m: in_digits(mean, dev, n) for m, (mean, dev, n) in spreads.items()}
    return result


def in_digits(mean: float, deviation: float, n: int) -> str:
    """A mean over n seeds, ± its standard deviation where there is one.

    The deviation has two significant digits, and the mean as many decimals.
    """
    if n == 1 or deviation == 0:
        return f"{mean:.4g}" if n == 1 else f"{mean:.4g} ± 0"
    decimals = max(0, 1 - math.floor(math.log10(deviation)))
    return f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"


def tables(metrics: Mapping[str, Mapping[str, float | str]]) -> str:
    """Metrics by run as Markdown tables, one for all runs that were measured alike."""
    groups: dict[tuple[str, ...], dict[str, Mapping[str, float | str]]] = {}
    for name, row in metrics.items():
        groups.setdefault(tuple(row), {})[name] = row
    return "\n\n".join(_table(columns, rows) for columns, rows in groups.items())


def _table(columns: Sequence[str], rows: Mapping[str, Mapping[str, float | str]]) -> str:
    lines = ["| run | " + " | ".join(c.replace("_", " ") for c in columns) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for name, row in rows.items():
        cells = [v if isinstance(v, str) else f"{v:.4g}" for v in (row[c] for c in columns)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
