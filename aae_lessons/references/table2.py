"""The slides' Table 2, their figures and ours: every figure of ours comes from a record."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from aae_lessons import references
from aae_lessons.references import train
from aae_lessons.references.recipes import RECIPES, methods

LABELS = ("100", "1000", "all")


@dataclass(frozen=True)
class Row:
    """A row of Table 2.

    Args:
        method: its name on the slides.
        slides: error in percent on MNIST with 100 labels, 1000, all, and SVHN with 1000; "–"
            where the slides have none.
        record: our records are named ``{record}-100`` and so on.
        generates: what it can draw: "images", "images of a class", or "nothing".
        flag: what a reader should know of the slides' figures.
    """

    method: str
    slides: tuple[str, str, str, str]
    record: str
    generates: str
    flag: str = ""


ROWS = (
    Row("NN baseline", ("25.80", "8.73", "1.25", "47.50"), "baseline", "nothing"),
    Row(
        "M1 + TSVM",
        ("11.82 ± 0.25", "4.24 ± 0.07", "–", "55.33 ± 0.11"),
        "m1-tsvm",
        "images",
        "Others print 54.33 for SVHN.",
    ),
    Row(
        "M2",
        ("11.97 ± 1.71", "3.60 ± 0.56", "–", "–"),
        "m2",
        "images of a class",
    ),
    Row(
        "M1 + M2",
        ("3.33 ± 0.14", "2.40 ± 0.02", "0.96", "36.02 ± 0.10"),
        "m1-m2",
        "images of a class",
        "The 0.96 for all labels is a supervised M2 on pixels.",
    ),
    Row(
        "VAT",
        ("2.33", "1.36", "0.64 ± 0.04", "24.63"),
        "vat",
        "nothing",
        "2.33 is the AAE paper's figure. Salimans et al. 2016 quote 2.12 from arXiv:1507.00677; "
        "later tables quote 1.36 from the journal version.",
    ),
    Row(
        "CatGAN",
        ("1.91 ± 0.1", "1.73 ± 0.18", "0.91", "–"),
        "catgan",
        "images",
    ),
    Row(
        "Ladder networks",
        ("1.06 ± 0.37", "0.84 ± 0.08", "0.57 ± 0.02", "–"),
        "ladder",
        "nothing",
    ),
    Row(
        "ADGM",
        ("0.96 ± 0.02", "–", "–", "16.61 ± 0.24"),
        "adgm",
        "images of a class",
        "16.61 on SVHN is SDGM's; ADGM's own is 22.86 (as quoted by Salimans et al. 2016).",
    ),
    Row(
        "SDGM",
        ("–", "–", "–", "–"),
        "sdgm",
        "images of a class",
        "Not a row of its own on the slides: 1.32 ± 0.07 with 100 labels, 16.61 on SVHN "
        "(as quoted by Salimans et al. 2016).",
    ),
    Row(
        "AAE",
        ("1.90 ± 0.10", "1.60 ± 0.08", "0.85 ± 0.02", "17.70 ± 0.30"),
        "semi-supervised",
        "images of a class",
    ),
)
VARIANTS = {  # other records of the same row, listed after its first
    "baseline": ("{}-{}-ladder",),
    "m1-tsvm": ("svm-{1}", "m1-svm-{1}"),
    "semi-supervised": (
        *("{}-{}-500-units", "{}-{}-augmented", "{}-{}-agreement"),
        *("{}-{}-60-epochs", "{}-{}-agreement-1000-units", "{}-{}-agreement-36-epochs"),
    ),
}

DISPLAY = {  # a reader's words for records
    "baseline-100": "NN baseline: the AAE's encoder, 500 units",
    "baseline-100-agreement": "labels + augmentation + agreement: the same encoder",
    "baseline-100-ladder": "NN baseline: the Ladder network's encoder",
    "svm-100": "SVM on pixels",
    "m1-svm-100": "M1 + SVM",
    "semi-supervised-100": "AAE, 1000 units",
    "semi-supervised-100-60-epochs": "AAE, 1000 units, 60 epochs",
    "semi-supervised-100-500-units": "AAE, 500 units",
    "semi-supervised-100-augmented": "AAE, 500 units, augmentation",
    "semi-supervised-100-agreement": "AAE, 500 units, augmentation and agreement",
    "semi-supervised-100-agreement-1000-units": "AAE, 1000 units, augmentation and agreement",
    "semi-supervised-100-agreement-36-epochs": (
        "AAE, 1000 units, augmentation and agreement, 36 epochs"
    ),
}
ON_M1 = ("m1-svm", "m1-tsvm", "m1-m2")  # recipes on the codes of a trained M1


def names(row: Row, labels: str) -> list[str]:
    """The records that are there for a row and a number of labels, the row's own first."""
    patterns = ("{}-{}", *VARIANTS.get(row.record, ()))
    candidates = [pattern.format(row.record, labels) for pattern in patterns]
    return [name for name in candidates if name in references.names()]


@functools.cache
def operations_per_update(name: str) -> int:
    """Floating-point operations of one update of a recipe's step, counted by torch.

    Matrix products alone are counted; they are nearly all of it. Unlike seconds, the number is
    the same on every machine.
    """
    recipe = RECIPES[name]
    batches = train.minibatches(recipe, torch.device("cpu"), seed=0)
    few = copy_context()  # in which 1000 images standardise a model: that takes seconds off
    few.run(methods.STANDARDISED_BY.set, 1000)
    with torch.random.fork_rng():
        model: Any = few.run(recipe.build)
        optimizers = recipe.optimizers(model) if recipe.optimizers else model.optimizers()
        with FlopCounterMode(display=False) as counter:
            recipe.step(model, optimizers, next(iter(batches.epoch(0, 0))))
    return counter.get_total_flops()


def cost(name: str, updates: float) -> float:
    """What so many updates of a recipe cost, in 10¹⁵ floating-point operations.

    On M1's codes M1's own training is counted too, once for each run.
    """
    before = total_cost("m1") if name.startswith(ON_M1) else 0.0
    return before + operations_per_update(name) * updates / 1e15


def total_updates(name: str) -> int:
    """Updates of a recorded run; on M1's codes M1's own are counted too, as in :func:`cost`."""
    before = total_updates("m1") if name.startswith(ON_M1) else 0
    return before + references.records(name)[0]["training"]["updates"]


def total_cost(name: str) -> float:
    """What a recorded run cost in all, in 10¹⁵ floating-point operations."""
    return cost(name, references.records(name)[0]["training"]["updates"])


def curve(name: str, seed: int = 0) -> tuple[list[float], list[float]]:
    """What a run has cost so far in 10¹⁵ operations, and its validation error, by epoch."""
    record = next(r for r in references.records(name) if r["seed"] == seed)
    errors = record["history"]["validation_error_percent"][1:]
    updates = record["training"]["updates"] / len(errors)
    return [cost(name, updates * (i + 1)) for i in range(len(errors))], errors


def display_name(name: str) -> str:
    """What a reader calls a record at 100 labels: its row's method, or words for a variant."""
    return DISPLAY.get(name) or {f"{row.record}-100": row.method for row in ROWS}.get(name, name)


def slides_error(method: str, column: int = 0) -> float:
    """The slides' error of a method as a number; nan where they have none."""
    figure = next(row.slides[column] for row in ROWS if row.method == method)
    return float("nan") if figure == "–" else float(figure.split(" ")[0])


def markdown() -> str:
    """Table 2 in Markdown: the slides' figures, then ours, a line for each recipe that was run."""
    lines = ["| method | 100 labels | 1000 labels | all labels | SVHN, 1000 labels |"]
    lines += ["|---|---:|---:|---:|---:|"]
    lines += [f"| {row.method} | {' | '.join(row.slides)} |" for row in ROWS]
    lines += ["", *(f"- {row.method}: {row.flag}" for row in ROWS if row.flag), ""]
    lines += ["| method | labels | slides | ours | splits | updates, M1's included | run |"]
    lines += ["|---|---:|---:|---:|---:|---:|---|"]
    lines += [
        _line(row, i, name) for row in ROWS for i, n in enumerate(LABELS) for name in names(row, n)
    ]
    return "\n".join([*lines, "", absent()])


def _line(row: Row, column: int, name: str) -> str:
    mean, deviation, splits = references.mean_and_std(name, "test_error_percent")
    spread = "" if math.isnan(deviation) else f" ± {deviation:.2f}"
    updates = total_updates(name)
    cells = (row.method, LABELS[column], row.slides[column], f"{mean:.2f}{spread}", splits)
    return f"| {' | '.join(map(str, cells))} | {updates:,} | `{name}` |"


def absent(rows: Sequence[Row] = ROWS) -> str:
    """A sentence that says which figures of the slides have no run of ours next to them."""
    parts = []
    for i, labels in enumerate(LABELS):
        missing = [r.method for r in rows if r.slides[i] != "–" and not names(r, labels)]
        parts += [f"with {labels} labels {', '.join(missing)}"] if missing else []
    return f"Without a run of ours: {'; '.join([*parts, 'SVHN'])}."
