"""Answers to the exercises of lesson 4: wrong ones by the name of their mistake, right ones."""

import math

import torch
from answers import _steps as steps
from torch import nn
from torch.nn import functional as F

from aae_lessons.priors import Categorical

# ------------------------------------------------------------------------------- sampling


def by_scatter(n, k):
    index = torch.multinomial(torch.ones(k), n, replacement=True)
    return torch.zeros(n, k).scatter_(1, index[:, None], 1.0)


def by_loop(n, k):
    y = torch.zeros(n, k, dtype=torch.float64)
    for row, index in enumerate(torch.randint(k, (n,)).tolist()):
        y[row, index] = 1
    return y


# -------------------------------------------------------------------------------- entropy


def entropy_by_loops(y):
    total = 0.0
    for row in y.tolist():
        total += sum(-p * math.log(p) for p in row if p > 0)
    return torch.tensor(total / len(y))


# --------------------------------------------------------------------------- discriminator


def network(*middle):
    return lambda k: nn.Sequential(
        nn.Linear(k, 32), *(make() for make in middle), nn.Linear(32, 1), nn.Flatten(0)
    )


class Own(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.first, self.last = nn.Linear(k, 16).double(), nn.Linear(16, 1).double()

    def forward(self, y):
        return self.last(torch.tanh(self.first(y.double())))[:, 0]


# --------------------------------------------------------------------------------- Gumbel


def sample(logits, t):
    noise = -(-torch.rand_like(logits).clamp_(1e-20).log()).log()
    return ((logits + noise) / t).softmax(1)


def gumbel_by_distribution(logits, t):
    zero = torch.zeros(logits.shape, dtype=torch.float64)
    noise = torch.distributions.Gumbel(zero, torch.ones_like(zero)).sample()
    scaled = ((logits.double() + noise) / t).exp()
    return scaled / torch.einsum("bk->b", scaled)[:, None]


# ------------------------------------------------------------------------------- the step


def make_step(detach=True):
    def step(model, optimizers, x, y_prior):
        losses, descend = steps.descender(optimizers)
        descend("reconstruction", steps.half_square(x, model.decoder(model.encoder(x).softmax(1))))
        y = model.encoder(x).softmax(1)
        fake = model.discriminator(y.detach() if detach else y)
        descend("discriminator", steps.told_apart(model.discriminator(y_prior), fake))
        descend("generator", steps.passing(model.discriminator(model.encoder(x).softmax(1))))
        return steps.detach_all(losses)

    return step


def functional_step(model, optimizers, x, y_prior):
    """Gradients by autograd.grad, one batch for real and fake, sums and einsum for means."""
    losses, descend = steps.descender(optimizers, functional=True)
    gap = (model.decoder(F.softmax(model.encoder(x), -1)).sigmoid() - x).double()
    descend("reconstruction", torch.einsum("bp,bp->", gap, gap) / (2 * len(x)))
    y = torch.exp(F.log_softmax(model.encoder(x), dim=1))
    logits = model.discriminator(torch.cat([y, y_prior]).detach())
    target = torch.cat([torch.zeros(len(y)), torch.ones(len(y))])
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(y)
    descend("discriminator", loss)
    descend("generator", F.softplus(-model.discriminator(y)).sum() / len(y))
    return steps.detach_all(losses)


EDITS = {
    "one_hot": """
wrong shape: the classes themselves
    F.one_hot(index, classes).float() → index.float()
your code raised: classes from 1 on
    torch.randint(classes, (n,)) → torch.randint(1, classes + 1, (n,))
not a tensor: lists
    .float() → .float().tolist()
""",
    "entropy": """
input changed in place: a clamp
    torch.special.entr(y) → torch.special.entr(y.clamp_(min=0.2))
wrong shape: a number for each row
    .sum(1).mean() → .sum(1)
""",
    "discriminator": """
does not take the codes: two inputs
    nn.Linear(classes, 64) → nn.Linear(2, 64)
wrong shape: (B, 1)
    , nn.Flatten(0) →
""",
    "gumbel_softmax": """
wrong shape: the first column
    .softmax(1) → .softmax(1)[:, 0]
""",
    "step": """
stale gradients: of the reconstruction
    optimizers["reconstruction"].zero_grad() → pass
loss not detached: one of the three
    generator.detach() → generator
a dict of losses expected: one loss
    return { → return tuple({
    generator.detach(), ⏎ } → generator.detach()})
your code raised: the discriminator sees one column
    y.detach() → y[:, :1].detach()
""",
}
RIGHT = {
    "one_hot": {
        "rows of the unit matrix": lambda n, k: torch.eye(k)[torch.randint(k, (n,))],
        "scatter": by_scatter,
        "loop, float64": by_loop,
        "largest of k random numbers": lambda n, k: F.one_hot(torch.rand(n, k).argmax(1), k) * 1.0,
        "the package's": lambda n, k: Categorical(k).sample(n),
    },
    "entropy": {
        "loops": entropy_by_loops,
        "xlogy, classes first": lambda y: -torch.special.xlogy(y, y).mean(0).sum(),
        "einsum, float64": lambda y: (
            -torch.einsum("bk,bk->", y.double(), y.double().clamp(min=1e-30).log()) / len(y)
        ),
        "a plain number": lambda y: torch.special.entr(y).sum().item() / len(y),
        "torch's distribution": lambda y: torch.distributions.Categorical(y).entropy().mean(),
    },
    "discriminator": {
        "sequential": network(nn.ReLU),
        "leaky, layer norm": network(lambda: nn.LayerNorm(32), nn.LeakyReLU),
        "a class of its own, float64": Own,
    },
    "gumbel_softmax": {
        "logarithms of uniforms": sample,
        "torch's own": F.gumbel_softmax,
        "distribution, float64": gumbel_by_distribution,
    },
    "step": {
        "code encoded afresh": make_step(),
        "undetached but zeroed": make_step(detach=False),
        "functional gradients, one batch, einsum": functional_step,
    },
}
RIGHT["mended_step"] = RIGHT["step"]
