"""Equations on slides: how many fit on one, and how they are written there."""

from __future__ import annotations

import html
import math
import re

from aae_lessons.authoring.site.slides import inline

LINES = 16  # of text on one slide, of which an equation takes three
LETTERS = 75  # in a line
MOST = 3  # equations on one slide
LABEL = re.compile(r"_\{\\text\{([^{}]{24,})\}\}")  # long words under a brace

Equations = list[tuple[str, str]]  # the sentences that lead to each, and the formula


def lines_of(equations: Equations) -> int:
    """The lines of text in whose room equations and the sentences before them fit."""
    return sum(
        3 + formula.count(r"\\") + math.ceil(len(lead) / LETTERS) for lead, formula in equations
    )


def slides_of(equations: Equations) -> list[Equations]:
    """Equations in order, as many for each slide as it has room for."""
    result: list[Equations] = []
    for equation in equations:
        full = not result or len(result[-1]) == MOST or lines_of([*result[-1], equation]) > LINES
        result = [*result, [equation]] if full else [*result[:-1], [*result[-1], equation]]
    return result


def written(equations: Equations) -> str:
    """Equations as HTML, each below the sentences that lead to it."""
    return "".join(
        (f"<p>{inline(lead)}</p>\n" if lead else "") + f"\\[{html.escape(_narrow(formula))}\\]"
        for lead, formula in equations
    )


def _narrow(formula: str) -> str:
    """A formula whose long words under braces have two lines, so that its letters stay large."""

    def broken(match: re.Match[str]) -> str:
        words = match[1].split(" ")
        lines = (" ".join(some) for some in (words[: len(words) // 2], words[len(words) // 2 :]))
        return r"_{\substack{" + r"\\".join(rf"\text{{{line}}}" for line in lines) + "}}"

    return LABEL.sub(broken, formula)
