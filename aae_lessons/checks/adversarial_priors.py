"""Checks of lesson 2: drawing samples of a ring of Gaussians and of a swiss roll.

All that is known of an answer is its draws. They are counted into cells and compared with the
counts of many draws of the right distribution, and of the wrong ones that frequent mistakes lead
to. Between two samples of one distribution χ² differs by chance only, and :data:`LIMIT` is so far
out that a right answer is refused less than once in 10¹⁰ times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import Tensor

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.priors import GaussianMixture

DRAWS, MANY = 10_000, 100_000  # of an answer, and of what it is compared with
LIMIT = 6.5  # standard deviations of a normal distribution: 4e-11 lie above
FEW = 5  # draws: cells in which fewer are expected are put together
RING = GaussianMixture()
Cells = Callable[[Tensor], Tensor]


def _gap(a: Tensor, b: Tensor) -> float:
    """How unlike two counts are: a normal score of their χ² (by Wilson and Hilferty).

    Args:
        a, b: how many draws of one sample, and of another, fell in each cell, (cells,).
    """
    share = a.sum() / (a.sum() + b.sum())
    rare = (a + b) * share < FEW
    a, b = (torch.cat([n[~rare], n[rare].sum()[None]]) for n in (a, b))
    expected = ((a + b) * share).clamp(min=1e-9)
    chi = ((a - expected).square() / (expected * (1 - share))).sum().item()
    free = max(len(a) - 1 - (not rare.any()), 1)
    return ((chi / free) ** (1 / 3) - 1 + 2 / (9 * free)) / math.sqrt(2 / (9 * free))


def _count(cell: Tensor) -> Tensor:
    return torch.bincount(cell, minlength=400).double()


@cache
def _reference(sample: Callable[[int], Tensor], cells: Cells) -> Tensor:
    """Counts of many draws, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _count(cells(sample(MANY).double()))


def _draws(trial: Trial) -> Tensor:
    """The answer's draws, (DRAWS, 2): the right shape, finite, and new ones at each call."""
    few = [trial.tensor(trial(7), (7, 2)) for _ in range(2)]
    if torch.equal(*few):
        says = (
            "Two calls give the same draws. Does your function call manual_seed? Then a training "
            "run would see the same prior samples at every step."
        )
        trial.refuse("the same draws each time", says)
    z = trial.tensor(trial(DRAWS), (DRAWS, 2)).detach().double()
    if not z.isfinite().all():
        says = "Some draws are not numbers. The root of a negative number, a division by zero?"
        trial.refuse("not finite", says)
    return z


def _compare(
    trial: Trial,
    z: Tensor,
    right: Callable[[int], Tensor],
    cells: Cells,
    mistakes: Sequence[Mistake],
    describe: Callable[[Tensor], str],
) -> None:
    """Refuses draws ``z`` unless they are as those of the right distribution."""
    counts = _count(cells(z))
    if _gap(counts, _reference(right, cells)) < LIMIT:
        return
    got, expected = describe(z), describe(right(DRAWS).double())
    nearest = min(mistakes, key=lambda mistake: _gap(counts, _reference(mistake.result, cells)))
    if _gap(counts, _reference(nearest.result, cells)) < LIMIT:
        trial.refuse(nearest.name, nearest.says, got, expected)
    says = (
        "The draws have another distribution than wanted. Plot some thousands of yours beside "
        "the picture above: where do they lie, how far out, how wide?"
    )
    trial.refuse("another distribution", says, got, expected)


def _noise(n: int, shared: bool = False, uniform: bool = False) -> Tensor:
    """Noise of mean 0 and variance 1, (n, 2): as it should be, or not."""
    if uniform:
        return math.sqrt(12) * (torch.rand(n, 2) - 0.5)
    return torch.randn(n, 1).expand(n, 2) if shared else torch.randn(n, 2)


# ------------------------------------------------------------------ 2.1 a ring of Gaussians


def _sample_mixture(n: int) -> Tensor:
    angle = 2 * math.pi / 10 * torch.randint(10, (n,))
    along, across = 1.4 + 0.5 * torch.randn(n), 0.1 * torch.randn(n)
    x = along * angle.cos() - across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    return torch.stack([x, y], dim=1)


def _ring(
    n: int,
    radial: float = 0.5,
    tangential: float = 0.1,
    turned: bool = True,
    degrees: bool = False,
    noise: Callable[[int], Tensor] = _noise,
) -> Tensor:
    """Draws of the ring, (n, 2), or of what a mistake makes of it."""
    k = torch.randint(10, (n,))
    angle = 36.0 * k if degrees else math.pi / 5 * k
    outwards = torch.stack([angle.cos(), angle.sin()], 1)
    sideways = torch.stack([-angle.sin(), angle.cos()], 1)
    stretched = noise(n) * torch.tensor([radial, tangential])
    if not turned:
        return 1.4 * outwards + stretched
    return (1.4 + stretched[:, :1]) * outwards + stretched[:, 1:] * sideways


DEVIATIONS = "z = mean + standard deviation · noise: 0.5 along the radius, 0.1 across it."
SHARED = "Both coordinates use the same noise. Each needs a draw of its own: torch.randn(n, 2)."
UNIFORM = "The noise is uniform. torch.rand is; a Gaussian's is torch.randn."
RING_MISTAKES = (
    Mistake(
        "variance taken for the deviation",
        f"You multiply the noise by the variance. {DEVIATIONS}",
        partial(_ring, radial=0.5**2, tangential=0.1**2),
    ),
    Mistake(
        "root of the deviation",
        f"You take a root: 0.5 and 0.1 are standard deviations, not variances. {DEVIATIONS}",
        partial(_ring, radial=0.5**0.5, tangential=0.1**0.5),
    ),
    Mistake(
        "radial and tangential swapped",
        f"The blades lie across their radius. {DEVIATIONS}",
        partial(_ring, radial=0.1, tangential=0.5),
    ),
    Mistake(
        "one noise for both coordinates",
        SHARED,
        partial(_ring, noise=partial(_noise, shared=True)),
    ),
    Mistake("uniform noise", UNIFORM, partial(_ring, noise=partial(_noise, uniform=True))),
    Mistake("uniform noise", UNIFORM, partial(_ring, noise=lambda n: torch.rand(n, 2))),
    Mistake(
        "blades not turned with their angle",
        "The ten means are right, but every blade is stretched along the same axis. Turn the "
        "stretch by the component's angle too, so that each blade points outwards.",
        partial(_ring, turned=False),
    ),
    Mistake(
        "angles in degrees",
        "cos and sin take radians: component k is at 2πk/10, not at 36k.",
        partial(_ring, degrees=True),
    ),
    Mistake(
        "cos and sin exchanged",
        "The ring is turned by half the way to the next component: cos and sin are exchanged. "
        "Component 0 lies on the x axis.",
        lambda n: _ring(n).flip(1),
    ),
    Mistake(
        "sum of Gaussians, not a mixture",
        "You average draws of all ten Gaussians: that is one Gaussian in the middle. In a mixture "
        "each draw comes from one of them, picked at random.",
        lambda n: _ring(10 * n).view(10, n, 2).mean(0),
    ),
)
RING_ALONG = torch.tensor([0, 0.35, 0.65, 0.9, 1.15, 1.4, 1.65, 1.9, 2.15, 2.45, 2.9]).double()
ACROSS = torch.tensor([-0.3, -0.2, -0.14, -0.09, -0.05, -0.02, -0.005]).double()
ACROSS = torch.cat([ACROSS, -ACROSS.flip(0)])


def _on_blade(z: Tensor) -> tuple[Tensor, Tensor]:
    """Where each draw lies along and across the blade nearest to it, (n,) and (n,)."""
    angle = RING.nearest(z) * (2 * math.pi / 10)
    along = z[:, 0] * angle.cos() + z[:, 1] * angle.sin()
    return along, z[:, 1] * angle.cos() - z[:, 0] * angle.sin()


def _describe_ring(z: Tensor) -> str:
    along, across = _on_blade(z)
    device = f"mean distance {along.mean():.2f} from the middle, standard deviation"
    return f"{device} {along.std():.3f} along the nearest blade, {across.std():.3f} across it"


def _ring_cells(z: Tensor) -> Tensor:
    """A cell for each draw, (n,), by its place along and across a blade."""
    along, across = _on_blade(z)
    return torch.bucketize(along, RING_ALONG) * 15 + torch.bucketize(across, ACROSS)


def _test_mixture(trial: Trial) -> None:
    z = _draws(trial)
    _compare(trial, z, _ring, _ring_cells, RING_MISTAKES, _describe_ring)
    share = torch.bincount(RING.nearest(z), minlength=10) / DRAWS
    if share.max() > 0.5:
        says = "All draws are from one component. Pick one for each draw: randint(10, (n,))."
        trial.refuse("one component for all draws", says)
    if _gap(_count(RING.nearest(z)), _reference(_ring, RING.nearest)) > LIMIT:
        rarest = int(share.argmin())
        says = f"Component {rarest} is too rare. All ten are equally likely: randint(10, (n,))."
        trial.refuse("components not equally likely", says, share[rarest], torch.tensor(0.1))


mixture = Exercise(
    name="2.1",
    title="draws from a ring of ten Gaussians",
    read="lesson 2, section 2.6, and aae_lessons/priors.py",
    hints=(
        "Draw which component first: a whole number from 0 to 9 for each of the n.",
        "Draw along and across a blade that points to the right; then turn it by its angle.",
        "x = along·cos − across·sin, y = along·sin + across·cos.",
    ),
    answer=_sample_mixture,
    test=_test_mixture,
)

# ------------------------------------------------------------------------ 2.2 a swiss roll


def _sample_swiss_roll(n: int) -> Tensor:
    root = torch.rand(n).sqrt()
    angle = 4 * math.pi * root
    curve = 3 * root[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return curve + 0.1 * torch.randn(n, 2)


def _roll(
    n: int,
    radius: float = 0.5,
    angle: float = 0.5,
    apart: bool = False,
    turns: float = 2.0,
    noise: float = 0.1,
    noise_of: Callable[[int], Tensor] = _noise,
) -> Tensor:
    """Draws of the swiss roll, (n, 2), or of what a mistake (another power of u) makes of it."""
    u = torch.rand(n)
    turn = 2 * math.pi * turns * (torch.rand(n) if apart else u) ** angle
    curve = 3 * (u**radius)[:, None] * torch.stack([turn.cos(), turn.sin()], 1)
    return curve + noise * noise_of(n)


ROOT = (
    "The further out, the longer a turn: only with √u is the roll equally dense along its length."
)
BOTH_ROOTS = "√u belongs into radius and angle. With one of them only, it is another spiral."
THICKNESS = "The roll's thickness is Gaussian noise of standard deviation 0.1 on both coordinates."
ROLL_MISTAKES = (
    Mistake(
        "root forgotten",
        f"Too many draws in the middle: you take u where √u is wanted. {ROOT}",
        partial(_roll, radius=1, angle=1),
    ),
    Mistake("root on one of the two", BOTH_ROOTS, partial(_roll, angle=1)),
    Mistake("root on one of the two", BOTH_ROOTS, partial(_roll, radius=1)),
    Mistake(
        "radius and angle from two draws",
        "The draws fill a disc. Radius and angle must come from the same u.",
        partial(_roll, apart=True),
    ),
    Mistake("no noise", f"The roll is a line. {THICKNESS}", partial(_roll, noise=0.0)),
    Mistake(
        "variance taken for the deviation",
        f"You multiply the noise by the variance, 0.01. {THICKNESS}",
        partial(_roll, noise=0.1**2),
    ),
    Mistake(
        "root of the deviation",
        f"You multiply the noise by √0.1; 0.1 is the standard deviation already. {THICKNESS}",
        partial(_roll, noise=0.1**0.5),
    ),
    Mistake(
        "one noise for both coordinates",
        SHARED,
        partial(_roll, noise_of=partial(_noise, shared=True)),
    ),
    Mistake("uniform noise", UNIFORM, partial(_roll, noise_of=partial(_noise, uniform=True))),
    Mistake("uniform noise", UNIFORM, partial(_roll, noise_of=lambda n: torch.rand(n, 2))),
    Mistake(
        "one turn only",
        "The roll goes round once. Two turns are an angle of up to 4π.",
        partial(_roll, turns=1.0),
    ),
    Mistake(
        "cos and sin exchanged",
        "This is the roll's mirror image: the first coordinate is r·cos, the second r·sin.",
        lambda n: _roll(n).flip(1),
    ),
)
ROLL_RADIUS = torch.arange(0.25, 3.3, 0.25).double()


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


def _test_swiss_roll(trial: Trial) -> None:
    _compare(trial, _draws(trial), _roll, _roll_cells, ROLL_MISTAKES, _describe_roll)


swiss_roll = Exercise(
    name="2.2",
    title="draws from a swiss roll",
    read="lesson 2, section 2.6, and aae_lessons/priors.py",
    hints=(
        "One u for each draw decides both its radius and its angle.",
        "√u, not u: a turn twice as far out is twice as long and needs twice the draws.",
        "Add the noise at the end, to both coordinates: 0.1 * torch.randn(n, 2).",
    ),
    answer=_sample_swiss_roll,
    test=_test_swiss_roll,
)
