"""Answers to the exercises of lesson 2: wrong ones by the name of their mistake, right ones."""

import math

import torch
from answers._steps import (
    bce,
    by_functional_gradients,
    descender,
    detach_all,
    half_square,
    passing,
    told_apart,
)
from torch.nn import functional as F

from aae_lessons.checks import adversarial as check
from aae_lessons.priors import Gaussian, GaussianMixture, SwissRoll

CHECKS = {
    "mixture": check.mixture,
    "swiss_roll": check.swiss_roll,
    "losses": check.losses,
    "label_informed": check.label_informed,
    "aae_step": check.aae_step,
    "mended_aae_step": check.mended_aae_step,
}


def broken(*inputs):
    return torch.randn(3) @ torch.randn(4)


# ------------------------------------------------------------------------------- sampling


def ring(stds=(0.5, 0.1), pick=lambda n: torch.randint(10, (n,))):
    """Draws about the mean (1.4, 0), each turned by its component's matrix."""

    def sample(n):
        angle = pick(n) * (math.pi / 5)
        c, s = torch.cos(angle), torch.sin(angle)
        turn = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
        z = torch.randn(n, 2) * torch.tensor(stds) + torch.tensor([1.4, 0.0])
        return torch.einsum("nij,nj->ni", turn, z)

    return sample


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


def roll(noise=0.1, top=4 * math.pi):
    def sample(n):
        t = torch.rand(n, 1) ** 0.5
        curve = 3 * t * torch.cat([torch.cos(top * t), torch.sin(top * t)], 1)
        return curve + noise * torch.randn(n, 2)

    return sample


def roll_of_gaussian_u(n):
    t = torch.randn(n).sqrt()
    a = 4 * math.pi * t
    return torch.stack([3 * t * a.cos(), 3 * t * a.sin()], 1) + torch.randn(n, 2) / 10


def roll_in_float64(n):
    t = torch.rand(n, dtype=torch.float64).sqrt()
    x, y = 3 * t * torch.cos(4 * torch.pi * t), 3 * t * torch.sin(4 * torch.pi * t)
    return torch.stack((x, y)).T + torch.normal(0.0, 0.1, (n, 2)).double()


def roll_by_largest_of_two(n):
    """The larger of two uniform numbers is distributed as √u."""
    t = torch.rand(n, 2).amax(1).double()
    return torch.view_as_real(torch.polar(3 * t, 4 * math.pi * t)) + 0.1 * torch.randn(n, 2)


SAMPLING_WRONG = {
    "wrong shape": lambda n: torch.randn(2, n),
    "not a tensor": lambda n: torch.randn(n, 2).tolist(),
    "another distribution": lambda n: Gaussian(2).sample(n),
    "nothing returned": lambda n: None,
    "your code raised": broken,
}
MIXTURE_WRONG = {
    "one component for all draws": ring(pick=lambda n: torch.randint(10, (1,)).expand(n)),
    "radius 1.5": lambda n: GaussianMixture(radius=1.5).sample(n),
    "a fifth too wide": ring((0.5, 0.12)),
    "a fifth too long": ring((0.6, 0.1)),
    **SAMPLING_WRONG,
}
SWISS_ROLL_WRONG = {
    "three turns": roll(top=6 * math.pi),
    "a fifth too thick": roll(noise=0.12),
    "not finite": roll_of_gaussian_u,
    **SAMPLING_WRONG,
}

# ----------------------------------------------------------------------------- the losses


def with_targets(real, fake):
    return told_apart(real, fake), bce(fake, torch.ones_like(fake))


def by_log_sigmoids(real, fake):
    real, fake = real.double(), fake.double()
    d = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).sum() / len(fake)
    return [d, -F.logsigmoid(fake).mean()]


def by_logaddexp(real, fake):
    zero = torch.zeros(())
    d = torch.einsum("b->", torch.logaddexp(zero, -real) + torch.logaddexp(zero, fake)) / len(real)
    return d, torch.logaddexp(zero, -fake).sum() / len(fake)


def in_place(real, fake):
    return F.softplus(real.neg_()).mean() + F.softplus(fake).mean(), F.softplus(-fake).mean()


LOSSES_WRONG = {
    "two losses wanted": lambda r, f: with_targets(r, f)[0],
    "wrong shape": lambda r, f: (F.softplus(-r) + F.softplus(f), F.softplus(-f)),
    "not a tensor": lambda r, f: tuple(loss.item() for loss in with_targets(r, f)),
    "input changed in place": in_place,
}

# ------------------------------------------------------------------------------ the label


def overwrite(z, label):
    label[label < 0] = 10
    return torch.cat([z, F.one_hot(label, 11)], 1)


LABEL_WRONG = {
    "input changed in place": overwrite,
    "your code raised": lambda z, k: torch.cat([z, F.one_hot(k, 11)], 1),
}

# ------------------------------------------------------------------------------- the step


def make_step(
    cost=half_square,
    see=lambda z: z.detach(),
    skip=(),
    no_zero=(),
    again=False,
    returned=detach_all,
    order=("reconstruction", "discriminator", "generator"),
    weight=1.0,
    share_z=False,
    share_logits=False,
):
    """An update with, here and there, something wrong."""

    def step(encoder, decoder, discriminator, optimizers, x, z_prior):
        losses, descend = descender(optimizers, skip, no_zero)
        kept = {}

        def code():
            if "z" not in kept or not share_z:
                kept["z"] = encoder(x)
            return kept["z"]

        for phase in order:
            if phase == "reconstruction":
                descend(phase, cost(x, decoder(code())))
            elif phase == "discriminator":
                kept["fake"] = discriminator(see(code()))
                descend(phase, told_apart(discriminator(z_prior), kept["fake"]))
            else:
                z = code() if again or "z" not in kept else kept["z"]
                fake = kept["fake"] if share_logits else discriminator(z)
                descend(phase, weight * passing(fake))
        return returned(losses)

    return step


def forward_all_first(encoder, decoder, discriminator, optimizers, x, z_prior):
    z = encoder(x)
    losses = {"reconstruction": half_square(x, decoder(z))}
    judged = with_targets(discriminator(z_prior), discriminator(z.detach()))[0]
    losses["discriminator"] = judged
    losses["generator"] = passing(discriminator(encoder(x)))
    for name, loss in losses.items():
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()
    return detach_all(losses)


def of_images(encoder, decoder, discriminator, optimizers, x, z_prior):
    """The discriminator of a GAN."""
    x_hat = decoder(encoder(x)).sigmoid()
    return with_targets(discriminator(x), discriminator(x_hat.detach()))


def step_in_one_batch(encoder, decoder, discriminator, optimizers, x, z_prior):
    """Real and fake in one batch, gradients by autograd.grad, the cost in float64."""
    losses = {}

    def descend(name, loss):
        by_functional_gradients(loss, optimizers[name])
        losses[name] = loss.detach()

    difference = (decoder(encoder(x)).sigmoid() - x).double()
    descend("reconstruction", torch.einsum("bp,bp->", difference, difference) / (2 * len(x)))
    z = encoder(x)
    logits = discriminator(torch.cat([z_prior, z]).detach())
    target = torch.cat([torch.ones(len(z_prior)), torch.zeros(len(z))])
    descend("discriminator", bce(logits, target, reduction="sum") / len(z))
    descend("generator", -F.logsigmoid(discriminator(z)).mean())
    return losses


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
    return detach_all(losses)


def attached(z):
    return z


STEP_WRONG = {
    "another reconstruction loss": make_step(
        cost=lambda x, logits: bce(logits, x, reduction="sum") / len(x)
    ),
    "reconstruction moves nothing": make_step(skip=("reconstruction",)),
    "discriminator moves nothing": make_step(skip=("discriminator",)),
    "discriminator on images": of_images,
    "weight on a lone loss": make_step(weight=10.0),
    "graph used up": make_step(see=attached),
    "one code for all phases": make_step(share_z=True),
    "logits used twice": make_step(share_logits=True, see=attached),
    "weights moved under the graph": forward_all_first,
    "generator before the discriminator": make_step(
        order=("reconstruction", "generator", "discriminator"), again=True
    ),
    "stale gradients": make_step(no_zero=("reconstruction",)),
    "discriminator's stale gradients": make_step(no_zero=("discriminator",)),
    "loss not detached": make_step(returned=dict),
    "wrong value": make_step(
        returned=lambda losses: {k: 2 * loss for k, loss in detach_all(losses).items()}
    ),
    "three losses wanted": make_step(returned=lambda losses: sum(losses.values()).detach()),
    "your code raised": broken,
}


MENDED_WRONG = {
    "graph used up": make_step(see=attached),
    "generator moves nothing": make_step(skip=("generator",)),
}

WRONG = {
    "mixture": MIXTURE_WRONG,
    "swiss_roll": SWISS_ROLL_WRONG,
    "losses": LOSSES_WRONG,
    "label_informed": LABEL_WRONG,
    "aae_step": STEP_WRONG,
    "mended_aae_step": MENDED_WRONG,
}
MESSAGE = {
    ("aae_step", "discriminator's stale gradients"): "stale gradients",
    ("aae_step", "generator before the discriminator"): "another order",
    ("aae_step", "logits used twice"): "graph used up",
    ("aae_step", "one code for all phases"): "graph used up",
    ("aae_step", "three losses wanted"): "a dict of losses expected",
    ("aae_step", "weight on a lone loss"): "another length of step",
    ("aae_step", "wrong value"): "another loss returned",
    ("losses", "two losses wanted"): "two losses expected",
    ("mixture", "a fifth too long"): "another distribution",
    ("mixture", "a fifth too wide"): "another distribution",
    ("mixture", "radius 1.5"): "another distribution",
    ("swiss_roll", "a fifth too thick"): "another distribution",
    ("swiss_roll", "three turns"): "another distribution",
}
RIGHT = {
    "mixture": {
        "complex numbers": ring_by_complex_numbers,
        "component by component": ring_by_components,
        "covariance matrices": ring_by_covariance,
        "einsum": ring(),
        "the package's": lambda n: GaussianMixture().sample(n),
    },
    "swiss_roll": {
        "float64": roll_in_float64,
        "powers": roll(),
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
    "mended_aae_step": {
        "code used again": make_step(),
        "one batch": step_in_one_batch,
        "under no_grad": step_without_grad,
    },
}
