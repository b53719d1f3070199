"""Lesson 2: draws from a swiss roll."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from aae_lessons.checks.adversarial_priors import ACROSS, CALLS, draws_of, many, unexplained
from aae_lessons.checks.draws import clauses, distribution, independent, too_even
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _sample_swiss_roll(n):
    root = torch.rand(n).sqrt()
    radius, angle = 3 * root, 4 * math.pi * root
    curve = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return curve + 0.1 * torch.randn(n, 2)


ROOT = "The farther out, the longer a turn: with √u the roll is equally dense along its length."
THICKNESS = "The roll's thickness is Gaussian noise of standard deviation 0.1 on both coordinates."
SWISS_ROLL = """
2.2 draws from a swiss roll
read: lesson 2, section 2.8
hint: One u for each draw decides both its radius and its angle.
hint: √u, not u: a turn twice as far out is twice as long and needs twice the draws.
hint: Add the noise at the end, to both coordinates: 0.1 * torch.randn(n, 2).
root forgotten: Too many draws in the middle: you take u where √u is meant. {ROOT}
    torch.rand(n).sqrt() → torch.rand(n)
square for the root: You take u² where √u is meant. {ROOT}
    torch.rand(n).sqrt() → torch.rand(n).square()
root on one of the two: √u belongs into radius and angle. With one of them only, it is another
    spiral.
    math.pi * root → math.pi * root**2
    or 3 * root → 3 * root**2
radius and angle from two draws: The draws fill a disc. Radius and angle must come from the same u.
    math.pi * root → math.pi * torch.rand(n).sqrt()
no noise: The roll is a line. {THICKNESS}
    0.1 * torch.randn(n, 2) → 0.0
noise on the radius alone: Your noise moves a draw in or out, along its radius only. {THICKNESS}
    radius[:, None] → (radius + 0.1 * torch.randn(n))[:, None]
    + 0.1 * torch.randn(n, 2) →
noise on the angle alone: Your noise moves a draw along the roll, by its angle. {THICKNESS}
    curve = → angle = angle + 0.1 * torch.randn(n); curve =
    + 0.1 * torch.randn(n, 2) →
noise on one coordinate: Only one coordinate has noise. {THICKNESS}
    0.1 * torch.randn(n, 2) → 0.1 * torch.randn(n, 2) * torch.tensor([1.0, 0.0])
    or 0.1 * torch.randn(n, 2) → 0.1 * torch.randn(n, 2) * torch.tensor([0.0, 1.0])
variance taken for the deviation: You multiply the noise by the variance, 0.01. {THICKNESS}
    0.1 * torch.randn(n, 2) → 0.01 * torch.randn(n, 2)
root of the deviation: Your noise is about √0.1 = 0.32 wide; 0.1 is the standard deviation already,
    not a variance. {THICKNESS}
    0.1 * torch.randn(n, 2) → 0.1**0.5 * torch.randn(n, 2)
one noise for both coordinates: Both coordinates use the same noise. Each needs a draw of its own:
    torch.randn(n, 2).
    0.1 * torch.randn(n, 2) → 0.1 * torch.randn(n, 1)
uniform noise: The noise is uniform. torch.rand is; a Gaussian's is torch.randn.
    0.1 * torch.randn(n, 2) → 0.1 * 12**0.5 * (torch.rand(n, 2) - 0.5)
    or 0.1 * torch.randn(n, 2) → 0.1 * torch.rand(n, 2)
one turn only: The roll goes round once. Two turns are an angle of up to 4π.
    4 * math.pi → 2 * math.pi
angles in degrees: cos and sin take radians: two turns are 4π, not 720.
    4 * math.pi → 720.0
radius 1: Your roll ends at radius 1 or 2. It goes out to 3.
    3 * root → 1 * root
cos and sin exchanged: This is the roll's mirror image: the first coordinate is r·cos, the second
    r·sin.
    [angle.cos(), angle.sin()] → [angle.sin(), angle.cos()]
one u for all draws: All draws have the same u. Each needs one of its own: rand(n).
    torch.rand(n).sqrt() → torch.rand(1).sqrt().expand(n)
draws in a pattern: {SERIAL}
    torch.rand(n).sqrt() → torch.linspace(0, 1, n).sqrt()
balanced, not drawn: {EVEN}
    torch.rand(n).sqrt() → torch.linspace(0, 1, n).sqrt()[torch.randperm(n)]
the same draws each time: {SEEDED}
    root = → torch.manual_seed(0); root =
"""
ROLL_RADIUS = torch.arange(0.25, 3.3, 0.25).double()
QUARTERS = torch.tensor([1.5, 2.1213, 2.598]).double()


def _on_roll(z: Tensor) -> tuple[Tensor, Tensor]:
    """Each draw's radius, and how far outside of the nearest turn it is, (n,) and (n,)."""
    radius = z.norm(dim=1)
    turned = torch.remainder(torch.atan2(z[:, 1], z[:, 0]), 2 * math.pi) / (4 * math.pi)
    turns = 3 * torch.stack([turned, turned + 0.5, turned + 1], dim=1)
    outside = radius[:, None] - turns
    return radius, outside.gather(1, outside.abs().argmin(1, keepdim=True)).squeeze(1)


def _describe_roll(z: Tensor) -> str:
    radius, across = _on_roll(z)
    half = f"half of the draws within radius {radius.median():.2f}"
    return f"{half}, standard deviation {across.std():.3f} from the nearest turn"


def _roll_cells(z: Tensor) -> Tensor:
    """A cell for each draw, (n,), by its radius and its distance from the nearest turn."""
    radius, across = _on_roll(z)
    return torch.bucketize(radius, ROLL_RADIUS) * 15 + torch.bucketize(across, ACROSS)


def _roll_probes(trial: Trial) -> Iterator[Probe]:
    z = draws_of(trial)
    explain = unexplained(trial, _describe_roll, _sample_swiss_roll, z)
    if z.norm(dim=1).std() < 0.15:
        trial.refuse("one u for all draws")
    yield distribution(z, many, (_roll_cells,), explain)
    yield from clauses(_roll_clauses(trial, z))


def _roll_clauses(trial: Trial, z: Tensor) -> Iterator[tuple[bool, str]]:
    radius, across = _on_roll(z)
    yield independent(torch.bucketize(radius, QUARTERS), 4), "draws in a pattern"
    yield independent((across > 0).long(), 2), "draws in a pattern"
    samples = [trial(250).detach().double().norm(dim=1) for _ in range(CALLS)]
    cells = [torch.bucketize(sample, QUARTERS) for sample in samples]
    yield not too_even(cells, torch.full((4,), 0.25)), "balanced, not drawn"
    z = trial(40_000)  # about 40 of them lie beyond the roll's end, at (3, 0)
    beyond = (z[:, 0] > 2.6) & (z[:, 1] > 0.05) & (z[:, 1] < 0.6)
    yield int(beyond.sum()) >= 8, "noise on the radius alone"


swiss_roll = exercise(_sample_swiss_roll, _roll_probes, SWISS_ROLL, ROOT=ROOT, THICKNESS=THICKNESS)
