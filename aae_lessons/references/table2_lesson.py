"""Table 2 as lesson 8 shows it: tables and sentences at 100 labels, from our records."""

from __future__ import annotations

import math

import torch

from aae_lessons import references
from aae_lessons.references import table2, train
from aae_lessons.references.recipes import RECIPES

VAT_JOURNAL = 1.36  # error in percent at 100 labels, as later tables quote arXiv:1704.03976


def coverage() -> str:
    """Which rows have a record with 100 labels, and for the others why not, in sentences."""
    absent = [row for row in table2.ROWS if not table2.names(row, "100")]
    run = [row.method for row in table2.ROWS if row not in absent]
    text = f"On MNIST, {len(run)} of the {len(table2.ROWS)} rows have been run for this course: "
    text += f"**{', '.join(run)}**."
    if absent:
        budgets = ", ".join(f"{row.method} {_budget(f'{row.record}-100')}" for row in absent)
        command = f"python -m aae_lessons.references make {absent[0].record}-100 --seeds 0 1 2"
        text += f""" "Not run" means that no run of the recipe has been finished and stored; the
        others are run on the moons only. A run of their recipes would cost, in 10¹⁵ operations:
        {budgets}. `{command}` makes one."""
    return " ".join(text.split())


def _budget(name: str) -> str:
    batches = train.minibatches(RECIPES[name], torch.device("cpu"), seed=0)
    updates = RECIPES[name].epochs * len(batches)
    return f"{table2.cost(name, updates):.2f} ({updates:,} updates)"


def against_the_slides() -> tuple[list[str], list[str]]:
    """Methods whose mean error with 100 labels is at most the slides' figure, and the others."""
    reached, missed = [], []
    for row in table2.ROWS:
        figure = table2.slides_error(row.method)
        if table2.names(row, "100") and not math.isnan(figure):
            mean = references.mean_and_std(table2.names(row, "100")[0], "test_error_percent")[0]
            (reached if mean <= figure else missed).append(row.method)
    return reached, missed


def table() -> str:
    """A line per row at 100 labels in Markdown: the slides' figure, ours, splits and updates.

    The last column says whether our mean is at most the slides' figure (not for the NN baseline,
    which is another network). :func:`dagger` says what the † at VAT's figure means.
    """
    head = "| method | slides, in % | ours, in % | splits | updates | reached |"
    lines = [head, "|---" * 6 + "|"]
    reached, missed = against_the_slides()
    verdicts = {**dict.fromkeys(reached, "yes"), **dict.fromkeys(missed, "no"), "NN baseline": "–"}
    for row in table2.ROWS:
        runs = table2.names(row, "100")
        ours = _cells(runs[0], cost=False) if runs else ["not run", *"––"]
        cells = [row.method, row.slides[0] + " †" * (row.method == "VAT"), *ours]
        cells.append(verdicts.get(row.method, "–"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def dagger() -> str:
    """Whose figure the table has for VAT, and whether our error reaches the other one."""
    mean = references.mean_and_std("vat-100", "test_error_percent")[0]
    reaches = "reaches" if mean <= VAT_JOURNAL else "does not reach"
    quoted = f"VAT's journal paper is quoted with {VAT_JOURNAL}"
    return f"† from the AAE paper; {quoted}, which our {mean:.2f} {reaches}."


def details() -> str:
    """Every recipe at 100 labels in Markdown, with what differs from the paper, as recorded."""
    lines = ["| recipe | test error in % | splits | updates | 10¹⁵ operations | what it is |"]
    lines.append("|---" * 6 + "|")
    for row in table2.ROWS:
        runs = table2.names(row, "100")
        if row.record == "baseline":  # lesson 5's control: the added term, without the AAE's own
            runs.insert(1, "baseline-100-agreement")
        if row.record == "m1-tsvm":  # after the machines to which its note refers
            runs = [*runs[1:], *runs[:1]]
        for name in runs:
            note = references.records(name)[0]["note"]
            lines.append(f"| {' | '.join([table2.display_name(name), *_cells(name), note])} |")
    return "\n".join(lines)


def _cells(name: str, cost: bool = True) -> list[str]:
    mean, deviation, splits = references.mean_and_std(name, "test_error_percent")
    spread = "" if math.isnan(deviation) else f" ± {deviation:.2f}"
    cells = [f"{mean:.2f}{spread}", f"{splits}", f"{table2.total_updates(name):,}"]
    return [*cells, f"{table2.total_cost(name):.2g}"] if cost else cells
