"""Answers to the exercises of lesson 7: wrong ones by the name of their mistake, right ones."""

import torch
from answers._steps import by_functional_gradients, half_square, three_moves
from torch.nn import functional as F

from aae_lessons.checks import wasserstein as check
from aae_lessons.objectives import inverse_multiquadratics, random_directions, sliced_wasserstein
from aae_lessons.objectives import mmd as package_mmd

# ------------------------------------------------------------------------------- shadows


def sliced_by_loops(z, z_prior, directions):
    total = 0.0
    for theta in directions.T:
        pairs = zip(sorted(z @ theta), sorted(z_prior @ theta), strict=True)
        total = total + sum((a - b) ** 2 for a, b in pairs) / len(z)
    return total / directions.shape[1]


def sliced_by_einsum_sorted(z, z_prior, directions):
    a, b = (torch.einsum("bd,dn->nb", s.double(), directions.double()) for s in (z, z_prior))
    return F.mse_loss(a.sort(-1, descending=True)[0], b.sort(-1, descending=True)[0])


def sliced_by_gather(z, z_prior, directions):
    a, b = z @ directions, z_prior @ directions
    return (a.gather(0, a.argsort(0)) - b.gather(0, b.argsort(0))).pow(2).mean(1).mean()


# -------------------------------------------------------------------------------- kernel


def kernel_in_one_line(squared_distance, dim, std, scales):
    return sum(c / (c + squared_distance) for c in [2 * dim * std**2 * s for s in scales])


def kernel_by_broadcasting(squared_distance, dim, std, scales):
    c = 2 * dim * std**2 * torch.tensor(scales, dtype=torch.float64)
    return (c / (c + squared_distance[..., None])).sum(-1)


def kernel_by_reciprocals(squared_distance, dim, std, scales):
    total = torch.zeros_like(squared_distance)
    for s in scales:
        total += torch.reciprocal(1 + squared_distance / (2 * dim * s) / std**2)
    return total


# ----------------------------------------------------------------------------------- MMD


def mmd_by_masks(z, z_prior, kernel):
    def squared(a, b):
        return (a[:, None] - b[None]).pow(2).sum(2)

    def unbiased(a):
        k = kernel(squared(a, a))
        return (k * (1 - torch.eye(len(k)))).sum() / (len(k) * (len(k) - 1))

    return unbiased(z) + unbiased(z_prior) - 2 * kernel(squared(z, z_prior)).mean()


def mmd_by_loops(z, z_prior, kernel):
    def among(a):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(a)) if i != j]
        return sum(kernel((a[i] - a[j]).square().sum()) for i, j in pairs) / len(pairs)

    across = [kernel((a - b).square().sum()) for a in z for b in z_prior]
    return among(z) + among(z_prior) - 2 * sum(across) / len(across)


def mmd_by_inner_products(z, z_prior, kernel):
    z, z_prior = z.double(), z_prior.double()

    def k(a, b):
        inner = torch.einsum("id,jd->ij", a, b)
        return kernel((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * inner)

    def pairs(a):
        i, j = torch.triu_indices(len(a), len(a), 1)
        return k(a, a)[i, j].mean()  # i < j: each pair once

    return pairs(z) + pairs(z_prior) - 2 * k(z, z_prior).mean()


# ------------------------------------------------------------- a discrepancy of one's own


def energy(z, z_prior):
    def mean_distance(a, b):
        return torch.cdist(a, b).mean()

    return 2 * mean_distance(z, z_prior) - mean_distance(z, z) - mean_distance(z_prior, z_prior)


def sliced_own(z, z_prior):
    return sliced_wasserstein(z, z_prior, random_directions(z.shape[1], 50, like=z))


def mmd_own(z, z_prior):
    return package_mmd(z, z_prior, inverse_multiquadratics(z.shape[1]))


def characteristic(z, z_prior):
    t = 1.5 * torch.randn(z.shape[1], 200)
    gaps = [f(z @ t).mean(0) - f(z_prior @ t).mean(0) for f in (torch.cos, torch.sin)]
    return sum(gap.square().mean() for gap in gaps)


# ------------------------------------------------------------------------------- the steps


def make_step(noisy=lambda x: x, order="zbs"):
    def step(encoder, decoder, optimizer, x, z_prior, d, weight):
        z = encoder(noisy(x))
        cost, penalty = half_square(x, decoder(z)), d(z, z_prior)
        three_moves(optimizer, cost + weight * penalty, order)
        return {"cost": cost.detach(), "discrepancy": penalty.detach()}

    return step


def by_two_backwards(encoder, decoder, optimizer, x, z_prior, d, weight):
    optimizer.zero_grad()
    cost = F.mse_loss(decoder(encoder(x)).sigmoid(), x, reduction="sum") / (2 * len(x))
    cost.backward()
    penalty = d(encoder(x), z_prior)
    (weight * penalty).backward()  # gradients add up, and that is a sum of losses too
    optimizer.step()
    return {"discrepancy": penalty.detach(), "cost": cost.detach()}


def denoising_by_functional_gradients(encoder, decoder, optimizer, x, z_prior, d, weight):
    z = encoder(torch.normal(x, 0.3))
    error = x - torch.sigmoid(decoder(z))
    cost = torch.einsum("bp,bp->", error, error) / (2 * len(x))
    penalty = d(z, z_prior)
    by_functional_gradients(cost + weight * penalty, optimizer)
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


EDITS = {
    "sliced": """
gradient cut: of the result
    .mean() → .mean().detach()
wrong gradient: sorted codes detached
    shadow.sort(dim=0).values → (shadow.sort(dim=0).values.detach() + 0 * shadow)
wrong shape: a number for each direction
    .mean() → .mean(0)
input changed in place: the directions
    z_prior @ directions → z_prior @ directions.mul_(2).div_(3)
your code raised: directions that don't fit
    z_prior @ directions → z_prior @ (directions[None, None] @ directions)
""",
    "kernel": """
wrong shape: a mean
    return sum(c / (c + squared_distance) for c in constants)
    → return (sum(c / (c + squared_distance) for c in constants)).mean()
input changed in place: by sqrt_
    constants = → squared_distance.sqrt_(); constants =
""",
    "mmd": """
gradient cut: of the result
    2 * k(z, z_prior).mean() → 2 * k(z, z_prior).mean(); return result.detach()
    return mean_of_pairs(z) → result = mean_of_pairs(z)
wrong gradient: one of each pair detached
    a[:, None] → a.detach()[:, None]
gradient not finite: a root of 0
    .sum(2) → .sum(2).sqrt() ** 2
""",
    "own_discrepancy": """
gradient cut: of the codes
    across = → z = z.detach(); across =
not finite: the logarithm of a negative number
    return → energy =
    (z_prior, z_prior).mean() → (z_prior, z_prior).mean(); return (-energy).log()
wrong shape: a number for each dimension
    across = → return (z.mean(0) - z_prior.mean(0)).square(); across =
not a tensor: a number
    return → energy =
    (z_prior, z_prior).mean() → (z_prior, z_prior).mean(); return energy.item()
""",
    "wae_step": """
discrepancy not called: one's own
    discrepancy(z, z_prior) → (z - z_prior).square().mean()
other inputs of the encoder: noise, in the target as well
    z = encoder → x = x + 0.3 * torch.randn_like(x); z = encoder
a dict of losses expected: their sum
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}
    → return (cost + weight * penalty).detach()
loss not detached: both
    cost.detach() → cost
    penalty.detach() → penalty
""",
    "mended_wae": """
another noise: its variance
    0.3 * → 0.09 *
another noise: uniform
    torch.randn_like(x) → torch.rand_like(x)
input changed in place: the image
    x + 0.3 * torch.randn_like(x) → x.add_(0.3 * torch.randn_like(x))
""",
}
WRONG = {
    "wae_step": {"discrepancy not called": lambda *inputs: {}},
    "mended_wae": {"noisy input as the target and penalty subtracted": check.broken_step},
}
RIGHT = {
    "sliced": {
        "loops": sliced_by_loops,
        "einsum in float64, descending": sliced_by_einsum_sorted,
        "gather": sliced_by_gather,
        "the prior's samples held": lambda z, z_prior, directions: sliced_by_gather(
            z, z_prior.detach(), directions
        ),
    },
    "kernel": {
        "one line": kernel_in_one_line,
        "broadcasting in float64": kernel_by_broadcasting,
        "reciprocals": kernel_by_reciprocals,
    },
    "mmd": {
        "a mask": mmd_by_masks,
        "the prior's samples held": lambda z, z_prior, kernel: mmd_by_masks(
            z, z_prior.detach(), kernel
        ),
        "loops": mmd_by_loops,
        "inner products in float64, each pair once": mmd_by_inner_products,
        "the package's": package_mmd,
    },
    "own_discrepancy": {
        "energy distance": energy,
        "its root": lambda z, z_prior: energy(z, z_prior).sqrt(),
        "sliced Wasserstein": sliced_own,
        "MMD": mmd_own,
        "characteristic functions": characteristic,
        "in float64": lambda z, z_prior: energy(z.double(), z_prior.double()),
    },
    "wae_step": {
        "as in the lesson": make_step(),
        "zero_grad last": make_step(order="zbsz"),
        "two backwards, one step": by_two_backwards,
    },
    "mended_wae": {
        "two names": make_step(noisy=lambda x: x + 0.3 * torch.randn_like(x)),
        "functional gradients": denoising_by_functional_gradients,
    },
}
