"""Schedules of the learning rates: a factor, by the share of the run that is done."""

from __future__ import annotations

from aae_lessons.arguments import check_number
from aae_lessons.training.types import Schedule


def constant(done: float) -> float:
    """The rates stay as they are."""
    return 1.0


def constant_then_linear(done: float) -> float:
    """Full rates for half the run, then linearly down to zero at its end.

    An adversarial game circles its solution at a distance that grows with the rate; without
    the descent the run stops wherever on that circle it happens to be.
    """
    return min(1.0, 2.0 * (1.0 - done))


def step_decay(*at: float) -> Schedule:
    """A schedule that divides the rates by ten at each of these shares of the run, 0 … 1."""
    for share in at:
        check_number(share, "at", at_least=0)

    def schedule(done: float) -> float:
        return 0.1 ** sum(done >= share for share in at)

    schedule.__doc__ = f"divided by ten after {', '.join(f'{share:.3g}' for share in at)} of it"
    return schedule
