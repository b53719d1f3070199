"""Why the weights that an update left differ, where no row of a table says it."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from aae_lessons.checks.probes import close
from aae_lessons.checks.stage import Stage, UpdateTrace

FROZEN = (
    "frozen and never thawed",
    "After your update some weights no longer ask for gradients (requires_grad). What is frozen "
    "for one phase has to be thawed before the function returns.",
)


def diagnosis(
    stage: Stage, phase: str, got: UpdateTrace, expected: UpdateTrace
) -> tuple[str, str]:
    """Why the weights differ, where no row of the table says it."""
    start, the = got.start, f"The {phase} phase" if phase else "The update"
    moved, expected_move = got.weights[0] - start, expected.weights[0] - start
    if not moved.isfinite().all():
        return "weights not finite", f"{the} leaves weights that are not numbers."
    if not all(p.requires_grad for p in got.model.parameters()):
        return FROZEN
    if moved.abs().max() == 0:
        says = (
            f"{the} moves nothing. Are its backward() and the step() of its optimizer there, in "
            "this order, and does nothing cut its gradient or clear it in between?"
        )
        return (f"{phase} moves nothing" if phase else "nothing moved"), says
    if close(moved, -expected_move, 1e-3, 1e-6):
        return "uphill", f"{the} goes up its loss: a sign is turned round."
    frozen = _moves_only_in(got.model, moved, expected_move)
    if frozen:
        says = f"{the} should move the {frozen}, and does not: its gradient was cut on the way."
        return f"{frozen} does not move", says
    extra = _moves_only_in(got.model, expected_move, moved)
    if extra:
        return f"{extra} moves too", f"{the} moves the {extra}, which it should leave alone."
    factor = ((moved @ expected_move) / (expected_move @ expected_move)).item()
    straight = (moved - factor * expected_move).norm() < 1e-3 * moved.norm()
    if straight and abs(factor - 1) > 5e-3:
        says = (
            f"{the} takes the right direction, but the step is {factor:.3g} times as long as it "
            "should be. Look for a factor, a sum that should be a mean, or the reverse."
        )
        return "another length of step", says
    part = _part_with_other_inputs(got, expected, _until(stage, phase))
    if part:
        says = f"{the} gives the {part} something else than the text says. What do you pass to it?"
        return f"other inputs of the {part}", says
    name = f"another {phase} loss" if phase else "another step"
    return name, f"{the} moves the right weights, but not by one descent of the loss of the text."


def _until(stage: Stage, phase: str) -> set[str]:
    """The parts that play before this phase moves anything: its own and those of phases before."""
    phases = list(stage.owners)
    return {part for p in phases[: phases.index(phase) + 1] for part in stage.owners[p]}


def _part_with_other_inputs(
    got: UpdateTrace, expected: UpdateTrace, parts: Collection[str]
) -> str:
    """The first part of the model that is given rows which the worked answer does not give it."""
    for name, inputs, _ in got.seen.calls:
        known = [rows for other, rows, _ in expected.seen.calls if other == name]
        if name in parts and known and inputs.dim() == 2 and inputs.isfinite().all():
            nearest = torch.cdist(inputs.double(), torch.cat(known).double()).amin(1)
            if nearest.max() > 1e-3:
                return name
    return ""


def _moves_only_in(model: nn.Module, other: Tensor, move: Tensor) -> str:
    """The first part of the model that moves in ``move`` and not in ``other``."""
    offset = 0
    parts = {name.partition(".")[0]: 0 for name, _ in model.named_parameters()}
    for name, p in model.named_parameters():
        parts[name.partition(".")[0]] += p.numel()
    for name, size in parts.items():
        here = slice(offset, offset + size)
        if move[here].abs().max() > 1e-6 and other[here].abs().max() < 1e-9:
            return name
        offset += size
    return ""
