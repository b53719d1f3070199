"""What is known of an answer that draws: its draws, counted into cells.

Counts are compared with those of many draws of the worked answer, and of each mutant. Between two
samples of one distribution χ² differs by chance only, and :data:`LIMIT` is so far out that a right
answer is refused less than once in 10¹⁰ times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import torch
from torch import Tensor

from aae_lessons.checks.misconceptions import Answer
from aae_lessons.checks.probes import Probe

LIMIT = 6.5  # standard deviations of a normal distribution: 4e-11 lie above
FEW = 5  # draws: cells in which fewer are expected are put together
Cells = Callable[[Tensor], Tensor]


def gap(a: Tensor, b: Tensor) -> float:
    """How unlike two counts are: a normal score of their χ² (by Wilson and Hilferty).

    Args:
        a, b: how many draws of one sample, and of another, fell in each cell, (cells,).
    """
    share = a.sum() / (a.sum() + b.sum())
    rare = (a + b) * share < FEW
    a, b = (torch.cat([n[~rare], n[rare].sum()[None]]) for n in (a, b))
    expected = ((a + b) * share).clamp(min=1e-9)
    chi = ((a - expected).square() / (expected * (1 - share))).sum().item()
    degrees = max(len(a) - 1 - (not rare.any()), 1)
    return wilson_hilferty(chi, degrees)


def wilson_hilferty(chi_squared: float, degrees: int) -> float:
    """The score of a standard normal that is as unlikely as a χ² with these degrees of freedom.

    By the cube-root approximation of Wilson and Hilferty (1931), good from some three degrees on.
    """
    variance = 2 / (9 * degrees)
    return ((chi_squared / degrees) ** (1 / 3) - 1 + variance) / math.sqrt(variance)


def count(cell: Tensor, cells: int = 400) -> Tensor:
    """How many draws fall into each cell: (n,) of numbers -> (cells,), in double precision."""
    return torch.bincount(cell, minlength=cells).double()


@cache
def _reference(answer: Answer, draw: Callable[[Answer], Tensor], cells: Cells) -> Tensor:
    """Counts of many draws of the worked answer or a mutant, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return count(cells(draw(answer).double()))


def distribution(
    z: Tensor,
    draw: Callable[[Answer], Tensor],
    cells: Sequence[Cells],
    explain: Callable[[list[bool]], tuple[str, str]],
) -> Probe:
    """A probe of draws ``z`` that an answer has made.

    Args:
        z: the learner's draws.
        draw: makes many draws with another answer.
        cells: functions that give a cell, a whole number, for each draw.
        explain: gives a cause and a message, from which of the cells are as they should be.
    """

    def expect(answer: Answer, _got: Tensor) -> list[Tensor]:
        return [_reference(answer, draw, cell) for cell in cells]

    def alike(got: Tensor, counts: list[Tensor]) -> list[bool]:
        pairs = zip(cells, counts, strict=True)
        return [gap(count(cell(got)), reference) < LIMIT for cell, reference in pairs]

    def same(got: Tensor, counts: list[Tensor]) -> bool:
        return all(alike(got, counts))

    def why(got: Tensor, counts: list[Tensor]) -> tuple[str, str]:
        return explain(alike(got, counts))

    return Probe(lambda _: z, "", "", expect, same, why, show=False, pairs=False)


def independent(cell: Tensor, cells: int) -> bool:
    """Whether each draw's cell, (n,), tells nothing of the next one's."""
    pairs = count(cell[:-1] * cells + cell[1:], cells * cells).view(cells, cells)
    expected = pairs.sum(1, keepdim=True) * pairs.sum(0) / pairs.sum()
    used = expected > 0
    chi = ((pairs - expected).square()[used] / expected[used]).sum().item()
    degrees = max((int((pairs.sum(1) > 0).sum()) - 1) * (int((pairs.sum(0) > 0).sum()) - 1), 1)
    return abs(wilson_hilferty(chi, degrees)) < LIMIT


def too_even(samples: list[Tensor], shares: Tensor) -> bool:
    """Whether the counts of several samples' cells scatter less than independent draws do."""
    chi = 0.0
    for cell in samples:
        expected = len(cell) * shares
        chi += ((count(cell, len(shares)) - expected).square() / expected).sum().item()
    return wilson_hilferty(chi, len(samples) * (len(shares) - 1)) < -5.5


def clauses(conditions: Iterator[tuple[bool, str]]) -> Iterator[Probe]:
    """A probe for each condition that has been tried: is it met, and the cause if not."""
    for met, cause in conditions:
        yield Probe(lambda _, met=met: met, cause, "", lambda *_: True, show=False)
