"""How well codes match a prior."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal

from aae_lessons.arguments import (
    check,
    check_instance,
    check_int,
    check_labels,
    check_matrix,
    check_same_shape,
)
from aae_lessons.objectives import (
    gaussian_log_prob,
    inverse_multiquadratics,
    mmd,
    random_directions,
    sliced_wasserstein,
)
from aae_lessons.priors import HasDensity, HasModes, Prior

DIRECTIONS = 100
FLOOR_DRAWS = 10
MMD_ROWS = 1000


def sliced_wasserstein_over_floor(z: Tensor, prior: Prior, seed: int = 0) -> float:
    """Sliced 2-Wasserstein distance of codes and prior, as a multiple of the floor.

    The floor is what the same distance gives between two samples of the prior of the same size:
    1 is a perfect match, whatever the prior, its scale and n.

    Args:
        z: codes, (n, d), n at least 2.
        prior: P_Z.
        seed: of directions and prior samples.
    """
    check_codes(z, prior, at_least=2, seed=seed)

    def distance(a: Tensor, b: Tensor) -> float:
        directions = random_directions(prior.dim, DIRECTIONS, like=a)
        return math.sqrt(sliced_wasserstein(a, b, directions).item())

    return _over_floor(z, prior, distance, seed, "sliced Wasserstein")


def mmd_over_floor(z: Tensor, prior: Prior, seed: int = 0) -> float:
    """Maximum mean discrepancy of codes and prior, as a multiple of the floor: 0 upwards.

    The root of the unbiased MMD² (0 where that is negative), over the root of its mean size
    between two samples of the prior; on at most 1000 codes, chosen by ``seed``.

    Args:
        z: codes, (n, d), n at least 2.
        prior: P_Z.
        seed: of the chosen codes and the prior samples.
    """
    check_codes(z, prior, at_least=2, seed=seed)
    kernel = inverse_multiquadratics(prior.dim)
    chosen = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))[:MMD_ROWS]
    some, distance = z[chosen.to(z.device)], lambda a, b: mmd(a, b, kernel).item()
    squared = _over_floor(some, prior, distance, seed, "MMD")
    return math.sqrt(max(squared, 0.0))


def _over_floor(
    z: Tensor, prior: Prior, distance: Callable[[Tensor, Tensor], float], seed: int, name: str
) -> float:
    z = z.detach()
    with torch.random.fork_rng():
        torch.manual_seed(seed)

        def draw() -> Tensor:
            return prior.sample(len(z), z.device).to(z)

        floor = _floor(draw, distance, seed, name)
        return sum(distance(z, draw()) for _ in range(FLOOR_DRAWS)) / floor


_floors: dict[tuple[object, ...], tuple[float, Tensor]] = {}  # and the random state after each


def _floor(
    draw: Callable[[], Tensor], distance: Callable[[Tensor, Tensor], float], seed: int, name: str
) -> float:
    """The sum of distances between two samples of the prior; on the CPU computed once per prior.

    Half of a measure's time is its floor, which knows nothing of the codes. A prior is recognised
    by its first sample, so that one whose parameters have changed gets a floor of its own.
    """
    start, first = torch.get_rng_state(), draw()
    if first.device.type != "cpu":
        others = (distance(draw(), draw()) for _ in range(FLOOR_DRAWS - 1))
        return abs(distance(first, draw())) + sum(map(abs, others))
    sample = first.detach().float().contiguous().numpy()
    key = (name, seed, first.dtype, first.shape, hashlib.sha256(sample).digest())
    if key not in _floors:
        torch.set_rng_state(start)
        floor = sum(abs(distance(draw(), draw())) for _ in range(FLOOR_DRAWS))
        _floors[key] = floor, torch.get_rng_state()
    floor, state = _floors[key]
    torch.set_rng_state(state)
    return floor


def moments(z: Tensor) -> dict[str, list[float]]:
    """Mean and standard deviation of codes ``z`` (n, d), n at least 2, by dimension."""
    check_matrix(z, "z")
    check(len(z) > 1, "z", z, "two rows or more")
    return {"mean": z.mean(0).tolist(), "std": z.std(0).tolist()}


def component_accuracy(z: Tensor, labels: Tensor, prior: HasModes) -> float:
    """Share of codes that lie in their own class's component: 0 … 1.

    Args:
        z: codes, (n, d).
        labels: their classes, (n,).
        prior: one with ``nearest``, such as :class:`aae_lessons.priors.GaussianMixture`.
    """
    check_instance(prior, "prior", HasModes, "one with nearest(z)")
    check_codes(z, prior, at_least=1)
    check_labels(labels, "labels", prior.components)
    check(len(labels) == len(z), "labels", labels, f"{len(z)} labels, one per code")
    return (prior.nearest(z) == labels).float().mean().item()


def mass_at_modes(z: Tensor, prior: HasModes) -> dict[str, float]:
    """Where a mixture's codes lie: shares of ``z`` (n, d), 0 … 1.

    Args:
        z: codes, (n, d).
        prior: one with ``distance_to_mode``, such as
            :class:`aae_lessons.priors.GaussianMixture`.

    Returns:
        ``mass_at_modes``: within one standard deviation of a mode. ``mass_between_modes``:
        farther than three from all of them. Compare with the same of prior samples.
    """
    check_instance(prior, "prior", HasModes, "one with distance_to_mode(z)")
    check_codes(z, prior, at_least=1)
    distance = prior.distance_to_mode(z)
    return {
        "mass_at_modes": (distance <= 1).float().mean().item(),
        "mass_between_modes": (distance > 3).float().mean().item(),
    }


@torch.no_grad()
def kl_parts(
    mean: Tensor, log_variance: Tensor, prior: HasDensity, seed: int = 0
) -> dict[str, float]:
    """The VAE's KL term, mean over images, in its two parts; all in nats.

    E_x KL( q(z|x) ‖ P_Z )  =  I(x; z)  +  KL( Q_Z ‖ P_Z ):  the information that a code has on
    its image, and how far all codes together are from the prior (Hoffman & Johnson 2016, "ELBO
    surgery"). Each from one draw per image; Q_Z is the mean of these n posteriors, so that
    I(x; z) is at most log n.

    Args:
        mean, log_variance: of q(z|x), one row per image, (n, d).
        prior: one with ``log_prob``.
        seed: of the draws.

    Returns:
        ``kl``, ``mutual_information``, ``marginal_kl``; the first is the sum of the others.
    """
    check_matrix(mean, "mean")
    check_matrix(log_variance, "log_variance")
    check_same_shape(log_variance, mean, "log_variance", "mean")
    check_instance(prior, "prior", HasDensity, "one with log_prob")
    check_int(seed, "seed", at_least=0)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    own = gaussian_log_prob(z, mean, log_variance)
    posteriors = Normal(mean, (0.5 * log_variance).exp())
    every = [posteriors.log_prob(rows[:, None]).sum(2).logsumexp(1) for rows in z.split(200)]
    together = torch.cat(every) - math.log(len(z))
    return {
        "kl": (own - prior.log_prob(z)).mean().item(),
        "mutual_information": (own - together).mean().item(),
        "marginal_kl": (together - prior.log_prob(z)).mean().item(),
    }


def check_codes(z: Tensor, prior: Prior, at_least: int, seed: int = 0) -> None:
    """``z`` must be codes (n, d) of this prior's size: finite, and ``at_least`` of them."""
    check_instance(prior, "prior", Prior, "one with dim and sample(n)")
    check_int(seed, "seed", at_least=0)
    check_matrix(z, "z", columns=prior.dim)
    check(len(z) >= at_least, "z", z, f"{at_least} codes or more")
    check(bool(z.isfinite().all()), "z", "nan or infinite codes", "finite codes")
