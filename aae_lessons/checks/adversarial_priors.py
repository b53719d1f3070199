"""Lesson 2: draws from a ring of Gaussians, and what checks of draws have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from aae_lessons.checks.draws import clauses, distribution, independent, too_even
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial
from aae_lessons.priors import GaussianMixture

DRAWS, MANY, CALLS = 10_000, 100_000, 40
RING = GaussianMixture()
ONE_FOR_ALL = "All draws share one noise. Each draw needs noise of its own: torch.randn(n, …)."
OTHER = (
    "The draws do not have the text's distribution. Plot some thousands of yours next to the "
    "picture above: where do they lie, how far out, how wide?"
)
ONE_COMPONENT = "All draws are from one component. Pick one for each draw: randint(10, (n,))."
NOT_FINITE = "Some draws are not numbers. The root of a negative number, a division by zero?"
HALF = torch.tensor([-0.3, -0.2, -0.14, -0.09, -0.05, -0.02, -0.005]).double()
ACROSS = torch.cat([HALF, -HALF.flip(0)])


def many(answer: Callable) -> Tensor:
    """Draws of an answer, (MANY, 2)."""
    return answer(MANY)


def draws_of(trial: Trial) -> Tensor:
    """The answer's draws, (DRAWS, 2): the right shape, finite, and new ones at each call."""
    trial.tensor(trial(1), (1, 2))
    few = [trial.tensor(trial(7), (7, 2)) for _ in range(2)]
    if torch.equal(*few):
        trial.refuse("the same draws each time")
    z = trial.tensor(trial(DRAWS), (DRAWS, 2)).detach().double()
    if not z.isfinite().all():
        trial.refuse("not finite", NOT_FINITE)
    if len(z.unique(dim=0)) < 20:
        trial.refuse("one noise for all draws", ONE_FOR_ALL)
    return z


def _sample_mixture(n):
    angle = 2 * math.pi / 10 * torch.randint(10, (n,))
    along, across = 1.4 + 0.5 * torch.randn(n), 0.1 * torch.randn(n)
    x = along * angle.cos() - across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    return torch.stack([x, y], dim=1)


UNLIKELY = "The components are not equally likely. All ten are: randint(10, (n,))."
MIXTURE = """
2.1 draws from a ring of ten Gaussians
read: lesson 2, section 2.8
hint: Draw which component first: a whole number from 0 to 9 for each of the n.
hint: Draw along and across a blade that points to the right; then turn it by its angle.
hint: x = along·cos − across·sin, y = along·sin + across·cos.
variance taken for the deviation: You multiply the noise by the variance. {DEVIATIONS}
    0.5 * torch.randn(n), 0.1 * → 0.25 * torch.randn(n), 0.01 *
root of the deviation: You take a root: 0.5 and 0.1 are standard deviations, not variances.
    {DEVIATIONS}
    0.5 * torch.randn(n), 0.1 * → 0.5**0.5 * torch.randn(n), 0.1**0.5 *
radial and tangential swapped: The blades lie across their radius. {DEVIATIONS}
    0.5 * torch.randn(n), 0.1 * → 0.1 * torch.randn(n), 0.5 *
one deviation for both directions: You use one standard deviation in both directions. {DEVIATIONS}
    0.1 * torch.randn(n) → 0.5 * torch.randn(n)
    or 0.5 * torch.randn(n) → 0.1 * torch.randn(n)
no noise across the radius: Your blades are lines: there is no noise across the radius.
    {DEVIATIONS}
    0.1 * torch.randn(n) → torch.zeros(n)
no noise along the radius: All your draws are at distance 1.4: there is no noise along the radius.
    {DEVIATIONS}
    0.5 * torch.randn(n) → torch.zeros(n)
one noise for both coordinates: Both coordinates use the same noise. Each needs a draw of its own:
    torch.randn(n, 2).
    1.4 + 0.5 * torch.randn(n), 0.1 * torch.randn(n)
    → *(lambda e: (1.4 + 0.5 * e, 0.1 * e))(torch.randn(n)),
uniform noise: The noise is uniform. torch.rand is; a Gaussian's is torch.randn.
    1.4 + 0.5 * torch.randn(n), 0.1 * torch.randn(n)
    → *(lambda e: (1.4 + 0.5 * e[0], 0.1 * e[1]))(12**0.5 * (torch.rand(2, n) - 0.5)),
    or torch.randn → torch.rand
blades not turned with their angle: The ten means are right, but every blade is stretched along the
    same axis. Turn the stretch by the component's angle too, so that each blade points outwards.
    x = along * angle.cos() - across * angle.sin() → x = 1.4 * angle.cos() + along - 1.4
    y = along * angle.sin() + across * angle.cos() → y = 1.4 * angle.sin() + across
blades turned the wrong way: The means are right, but each blade is turned to the other side of its
    radius: a sign in the rotation is lost. x = along·cos − across·sin, y = along·sin + across·cos.
    x = along * angle.cos() - across * angle.sin()
    → x = 1.4 * angle.cos() + (along - 1.4) * angle.cos() + across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    → y = 1.4 * angle.sin() - (along - 1.4) * angle.sin() + across * angle.cos()
angles in degrees: cos and sin take radians: component k is at 2πk/10, not at 36k.
    2 * math.pi / 10 * → 36.0 *
a continuous ring: Your angles are anywhere between 0 and 2π. There are ten components: draw a
    whole number k from 0 to 9 first; the angle is 2πk/10.
    torch.randint(10, (n,)) → (10 * torch.rand(n))
half a turn: Your components fill half of the ring: component k lies at 2πk/10, not at πk/10.
    2 * math.pi / 10 * → math.pi / 10 *
cos and sin exchanged: The ring is turned by half the way to the next component: cos and sin are
    exchanged. Component 0 lies on the x axis.
    [x, y] → [y, x]
sum of Gaussians, not a mixture: You average draws of all ten Gaussians: that is one Gaussian in
    the middle. In a mixture each draw comes from one of them, picked at random.
    (n,)) → (10 * n,))
    randn(n) → randn(10 * n)
    torch.stack([x, y], dim=1) → torch.stack([x, y], dim=1).view(10, -1, 2).mean(0)
components not equally likely: The last component never comes up. {UNLIKELY}
    torch.randint(10, (n,)) → torch.randint(9, (n,))
components not equally likely: The first component never comes up. {UNLIKELY}
    torch.randint(10, (n,)) → torch.randint(1, 10, (n,))
components not equally likely: Rounding halves the share of the first and the last component.
    {UNLIKELY}
    torch.randint(10, (n,)) → (9 * torch.rand(n)).round()
draws in a pattern: {SERIAL}
    torch.randint(10, (n,)) → (torch.arange(n) % 10)
balanced, not drawn: {EVEN}
    torch.randint(10, (n,)) → (torch.arange(n) % 10)[torch.randperm(n)]
one noise for all draws: {ONE_FOR_ALL}
    randn(n) → randn(1)
the same draws each time: {SEEDED}
    angle = → torch.manual_seed(0); angle =
"""
RING_ALONG = torch.tensor([0, 0.35, 0.65, 0.9, 1.15, 1.4, 1.65, 1.9, 2.15, 2.45, 2.9]).double()


def _sector(z: Tensor) -> Tensor:
    """Forty sectors of the ring; the components are in the middle of every fourth."""
    turn = torch.remainder(torch.atan2(z[:, 1], z[:, 0]) / (2 * math.pi) + 1 / 80, 1)
    return (40 * turn).long().clamp(0, 39)


def _on_blade(z: Tensor) -> tuple[Tensor, Tensor]:
    """Where each draw lies along and across the blade nearest to it, (n,) and (n,)."""
    angle = RING.nearest(z) * (2 * math.pi / 10)
    along = z[:, 0] * angle.cos() + z[:, 1] * angle.sin()
    return along, z[:, 1] * angle.cos() - z[:, 0] * angle.sin()


def _ring_cells(z: Tensor) -> Tensor:
    """A cell for each draw, (n,), by its place along and across a blade."""
    along, across = _on_blade(z)
    return torch.bucketize(along, RING_ALONG) * 15 + torch.bucketize(across, ACROSS)


def unexplained(trial: Trial, describe: Callable, right: Callable, z: Tensor) -> Callable:
    """An explanation for draws whose distribution no row of the table has."""

    def explain(alike: list[bool]) -> tuple[str, str]:
        if alike[0] and right is _sample_mixture:
            return "components not equally likely", UNLIKELY
        with torch.random.fork_rng(devices=[]):
            shown = describe(z), describe(right(DRAWS).double())
        trial.refuse("another distribution", OTHER, *shown)

    return explain


def _describe_ring(z: Tensor) -> str:
    along, across = _on_blade(z)
    text = f"mean distance {along.mean():.2f} from the middle, standard deviation"
    return f"{text} {along.std():.3f} along the nearest blade, {across.std():.3f} across it"


def _mixture_probes(trial: Trial) -> Iterator[Probe]:
    z = draws_of(trial)
    if RING.nearest(z).bincount(minlength=10).max() > 0.9 * DRAWS:
        trial.refuse("one component for all draws", ONE_COMPONENT)
    explain = unexplained(trial, _describe_ring, _sample_mixture, z)
    yield distribution(z, many, (_ring_cells, _sector), explain)
    yield from clauses(_ring_clauses(trial, z))


def _ring_clauses(trial: Trial, z: Tensor) -> Iterator[tuple[bool, str]]:
    for part, parts in ((RING.nearest(z), 10), ((_on_blade(z)[0] > 1.4).long(), 2)):
        yield independent(part, parts), "draws in a pattern"
    samples = [RING.nearest(trial(250).detach().double()) for _ in range(CALLS)]
    yield not too_even(samples, torch.full((10,), 0.1)), "balanced, not drawn"


mixture = exercise(
    _sample_mixture,
    _mixture_probes,
    MIXTURE,
    DEVIATIONS="Mean plus standard deviation times noise: 0.5 along the radius, 0.1 across it.",
    UNLIKELY=UNLIKELY,
    ONE_FOR_ALL=ONE_FOR_ALL,
)
