"""Answers to the exercises of lesson 2: wrong ones by the name of their mistake, right ones."""

import math

import torch
from answers import _steps as steps
from torch.nn import functional as F

from aae_lessons.priors import GaussianMixture, SwissRoll

# ------------------------------------------------------------------------------- sampling


def ring_by_matrices(n):
    """Draws about the mean (1.4, 0), each turned by its component's matrix."""
    angle = torch.randint(10, (n,)) * (math.pi / 5)
    c, s = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
    z = torch.randn(n, 2) * torch.tensor([0.5, 0.1]) + torch.tensor([1.4, 0.0])
    return torch.einsum("nij,nj->ni", turn, z)


def ring_by_complex_numbers(n):
    k = torch.randint(10, (n,)).double()
    z = torch.complex(1.4 + 0.5 * torch.randn(n).double(), 0.1 * torch.randn(n).double())
    return torch.view_as_real(z * torch.polar(torch.ones(n).double(), k * math.pi / 5))


def ring_by_components(n):
    """Component after component, then shuffled."""
    counts = torch.bincount(torch.randint(10, (n,)), minlength=10).tolist()
    rows = []
    for k, count in enumerate(counts):
        c, s = math.cos(math.pi / 5 * k), math.sin(math.pi / 5 * k)
        along, across = torch.normal(1.4, 0.5, (count,)), torch.normal(0.0, 0.1, (count,))
        rows.append(torch.stack([c * along - s * across, s * along + c * across], -1))
    return torch.cat(rows)[torch.randperm(n)]


def ring_by_covariance(n):
    angle = torch.arange(10) * math.pi / 5
    u = torch.stack([angle.cos(), angle.sin()], 1)
    v = torch.stack([-angle.sin(), angle.cos()], 1)
    covariance = 0.25 * u[:, :, None] * u[:, None] + 0.01 * v[:, :, None] * v[:, None]
    root = torch.linalg.cholesky(covariance)
    k = torch.randint(10, (n,))
    return 1.4 * u[k] + (root[k] @ torch.randn(n, 2, 1)).squeeze(2)


def roll_by_powers(n):
    t = torch.rand(n, 1) ** 0.5
    curve = 3 * t * torch.cat([torch.cos(4 * math.pi * t), torch.sin(4 * math.pi * t)], 1)
    return curve + 0.1 * torch.randn(n, 2)


def roll_in_float64(n):
    t = torch.rand(n, dtype=torch.float64).sqrt()
    x, y = 3 * t * torch.cos(4 * torch.pi * t), 3 * t * torch.sin(4 * torch.pi * t)
    return torch.stack((x, y)).T + torch.normal(0.0, 0.1, (n, 2)).double()


def roll_by_largest_of_two(n):
    """The larger of two uniform numbers is distributed as √u."""
    t = torch.rand(n, 2).amax(1).double()
    return torch.view_as_real(torch.polar(3 * t, 4 * math.pi * t)) + 0.1 * torch.randn(n, 2)


# ----------------------------------------------------------------------------- the losses


def with_targets(real, fake):
    return steps.told_apart(real, fake), steps.bce(fake, torch.ones_like(fake))


def by_log_sigmoids(real, fake):
    real, fake = real.double(), fake.double()
    d = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).sum() / len(fake)
    return [d, -F.logsigmoid(fake).mean()]


def by_logaddexp(real, fake):
    zero = torch.zeros(())
    d = torch.einsum("b->", torch.logaddexp(zero, -real) + torch.logaddexp(zero, fake)) / len(real)
    return d, torch.logaddexp(zero, -fake).sum() / len(fake)


# ------------------------------------------------------------------------------- the step


def make_step(
    order=("reconstruction", "discriminator", "generator"), again=False, returned=steps.detach_all
):
    def step(encoder, decoder, discriminator, optimizers, x, z_prior):
        losses, descend = steps.descender(optimizers)
        z = None
        for phase in order:
            if phase == "reconstruction":
                descend(phase, steps.half_square(x, decoder(encoder(x))))
            elif phase == "discriminator":
                z = encoder(x)
                fake = discriminator(z.detach())
                descend(phase, steps.told_apart(discriminator(z_prior), fake))
            else:
                z = encoder(x) if again or z is None else z
                descend(phase, steps.passing(discriminator(z)))
        return returned(losses)

    return step


def forward_all_first(encoder, decoder, discriminator, optimizers, x, z_prior):
    z = encoder(x)
    losses = {"reconstruction": steps.half_square(x, decoder(z))}
    judged = with_targets(discriminator(z_prior), discriminator(z.detach()))[0]
    losses["discriminator"] = judged
    losses["generator"] = steps.passing(discriminator(encoder(x)))
    for name, loss in losses.items():
        steps.three_moves(optimizers[name], loss)
    return steps.detach_all(losses)


def step_in_one_batch(encoder, decoder, discriminator, optimizers, x, z_prior):
    """Real and fake in one batch, gradients by autograd.grad, the cost in float64."""
    losses, descend = steps.descender(optimizers, functional=True)
    difference = (decoder(encoder(x)).sigmoid() - x).double()
    descend("reconstruction", torch.einsum("bp,bp->", difference, difference) / (2 * len(x)))
    z = encoder(x)
    logits = discriminator(torch.cat([z_prior, z]).detach())
    target = torch.cat([torch.ones(len(z_prior)), torch.zeros(len(z))])
    descend("discriminator", steps.bce(logits, target, reduction="sum") / len(z))
    descend("generator", -F.logsigmoid(discriminator(z)).mean())
    return steps.detach_all(losses)


def step_without_grad(encoder, decoder, discriminator, optimizers, x, z_prior):
    """Codes for the discriminator under no_grad, its two halves backwards one by one."""
    for optimizer in optimizers.values():
        optimizer.zero_grad(set_to_none=False)
    rebuilt = F.mse_loss(decoder(encoder(x)).sigmoid(), x) * x.shape[1] / 2
    rebuilt.backward()
    optimizers["reconstruction"].step()
    with torch.no_grad():
        z = encoder(x)
    halves = F.softplus(-discriminator(z_prior)).mean(), F.softplus(discriminator(z)).mean()
    for half in halves:
        half.backward()
    optimizers["discriminator"].step()
    optimizers["generator"].zero_grad()
    passed = torch.logaddexp(torch.zeros(()), -discriminator(encoder(x))).mean()
    passed.backward()
    optimizers["generator"].step()
    losses = {"generator": passed, "discriminator": sum(halves), "reconstruction": rebuilt}
    return steps.detach_all(losses)


def null_by_fair_coins(z, z_prior, train):
    (seen, z), (seen_prior, z_prior) = z.chunk(2), z_prior.chunk(2)
    d = train(seen.double(), seen_prior.double())
    right = (d(z.double()) < 0).tolist(), (d(z_prior.double()).sigmoid() > 0.5).tolist()
    accuracy = sum(sum(side) / len(side) for side in right) / 2
    deviation = math.sqrt(sum(1 / len(side) for side in right)) / 4
    return [accuracy, deviation, abs(accuracy - 0.5) / deviation <= 2]


def null_by_rounding(z, z_prior, train):
    m, n = len(z) // 2, len(z_prior) // 2
    answers = train(z[:m], z_prior[:n])(torch.cat([z[m:], z_prior[n:]])).sigmoid().round()
    accuracy = torch.stack([1 - answers[:m].mean(), answers[m:].mean()]).mean()
    deviation = torch.tensor([m, n]).reciprocal().sum().sqrt() / 4
    return accuracy, deviation, (accuracy - 2 * deviation < 0.5).item()


EDITS = {
    "mixture": """
one component for all draws: the same for each call
    torch.randint(10, (n,)) → torch.randint(10, (1,)).expand(n)
another distribution: radius 1.5
    1.4 + → 1.5 +
another distribution: a fifth too wide
    0.1 * → 0.12 *
another distribution: a fifth too long
    0.5 * → 0.6 *
wrong shape: (2, n)
    dim=1) → dim=0)
not a tensor: lists
    torch.stack([x, y], dim=1) → torch.stack([x, y], dim=1).tolist()
another distribution: one Gaussian
    torch.stack([x, y], dim=1) → torch.randn(n, 2)
""",
    "swiss_roll": """
another distribution: three turns
    4 * math.pi → 6 * math.pi
another distribution: a fifth too thick
    0.1 * → 0.12 *
not finite: the root of Gaussian numbers
    torch.rand(n).sqrt() → torch.randn(n).sqrt()
wrong shape: (2, n)
    curve + 0.1 * torch.randn(n, 2) → (curve + 0.1 * torch.randn(n, 2)).T
not a tensor: lists
    curve + 0.1 * torch.randn(n, 2) → (curve + 0.1 * torch.randn(n, 2)).tolist()
another distribution: one Gaussian
    curve + 0.1 * torch.randn(n, 2) → torch.randn(n, 2)
""",
    "losses": """
two losses expected: one
    return discriminator, generator → return discriminator
wrong shape: no means
    .mean() →
not a tensor: numbers
    return discriminator, generator → return discriminator.item(), generator.item()
input changed in place: by neg_
    F.softplus(-logits_real) → F.softplus(logits_real.neg_())
""",
    "label_informed": """
input changed in place: the label
    torch.where(label < 0, 10, label) → label.masked_fill_(label < 0, 10)
your code raised: one_hot of −1
    torch.where(label < 0, 10, label) → label
""",
    "aae_step": """
another reconstruction loss: the cross-entropy
    0.5 * (x - x_hat).square().sum(1).mean()
    → F.binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
reconstruction moves nothing: no step
    optimizers["reconstruction"].step() → pass
discriminator moves nothing: no step
    optimizers["discriminator"].step() → pass
discriminator on images: as in a GAN
    real, fake = discriminator(z_prior) → real, fake = discriminator(x)
another length of step: a weight on a lone loss
    F.softplus(-discriminator(z)).mean() → 10 * F.softplus(-discriminator(z)).mean()
graph used up: no detach
    z.detach() → z
graph used up: one code for all phases
    z = encoder(x) ⏎ real → real
    x_hat = decoder(encoder(x)).sigmoid() → z = encoder(x); x_hat = decoder(z).sigmoid()
graph used up: logits used twice
    z.detach() → z
    F.softplus(-discriminator(z)).mean() → F.softplus(-fake).mean()
stale gradients: of the reconstruction
    optimizers["reconstruction"].zero_grad() → pass
stale gradients: of the discriminator
    optimizers["discriminator"].zero_grad() → pass
loss not detached: one of the three
    reconstruction.detach() → reconstruction
another loss returned: twice the loss
    loss.detach() → 2 * loss.detach()
a dict of losses expected: their names
    return { → return tuple({
    generator.detach(), ⏎ } → generator.detach()})
""",
    "mended_aae_step": """
graph used up: no detach
    real, fake = → z = encoder(x); real, fake =
    discriminator(encoder(x).detach()) → discriminator(z)
    discriminator(encoder(x)) → discriminator(z)
generator moves nothing: no step
    optimizers["generator"].step() → pass
""",
}
WRONG = {
    "aae_step": {
        "weights moved under the graph": forward_all_first,
        "another order": make_step(("reconstruction", "generator", "discriminator"), again=True),
    }
}
RIGHT = {
    "mixture": {
        "complex numbers": ring_by_complex_numbers,
        "component by component": ring_by_components,
        "covariance matrices": ring_by_covariance,
        "einsum": ring_by_matrices,
        "the package's": lambda n: GaussianMixture().sample(n),
    },
    "swiss_roll": {
        "float64": roll_in_float64,
        "powers": roll_by_powers,
        "the larger of two": roll_by_largest_of_two,
        "the package's": lambda n: SwissRoll().sample(n),
    },
    "losses": {
        "with targets": with_targets,
        "log-sigmoids, float64": by_log_sigmoids,
        "logaddexp and einsum": by_logaddexp,
    },
    "label_informed": {
        "rows of the unit matrix": lambda z, k: torch.cat([z, torch.eye(11)[k]], 1),
        "scatter": lambda z, k: torch.cat(
            [z, torch.zeros(len(z), 11).scatter_(1, (k % 11)[:, None], 1.0)], 1
        ),
        "columns compared": lambda z, k: torch.hstack(
            [z.double(), (k[:, None] % 11 == torch.arange(11)).double()]
        ),
    },
    "aae_step": {
        "code used again": make_step(),
        "code encoded afresh": make_step(again=True),
        "one batch, functional gradients": step_in_one_batch,
        "under no_grad, half by half": step_without_grad,
        "losses as numbers": make_step(returned=lambda all: {k: v.item() for k, v in all.items()}),
    },
    "two_sample_test": {"coins": null_by_fair_coins, "rounding": null_by_rounding},
    "mended_aae_step": {
        "code used again": make_step(),
        "one batch": step_in_one_batch,
        "under no_grad": step_without_grad,
    },
}
