"""Answers to the exercises of lesson 4: wrong ones by the name of their mistake, right ones."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from aae_lessons.checks import categorical as check
from aae_lessons.checks import categorical_step
from aae_lessons.priors import Categorical

CHECKS = {
    "one_hot": check.one_hot,
    "entropy": check.entropy,
    "discriminator": check.discriminator,
    "gumbel_softmax": check.gumbel_softmax,
    "step": check.step,
    "mended_step": check.mended_step,
}


def not_attempted(*inputs):
    raise NotImplementedError


# ------------------------------------------------------------------------------- sampling


def seeded(n, k):
    torch.manual_seed(0)
    return torch.eye(k)[torch.randint(k, (n,))]


def in_turn_shuffled(n, k):
    return torch.eye(k)[(torch.arange(n) % k)[torch.randperm(n)]]


def by_scatter(n, k):
    index = torch.multinomial(torch.ones(k), n, replacement=True)
    return torch.zeros(n, k).scatter_(1, index[:, None], 1.0)


def by_loop(n, k):
    y = torch.zeros(n, k, dtype=torch.float64)
    for row, index in enumerate(torch.randint(k, (n,)).tolist()):
        y[row, index] = 1
    return y


# -------------------------------------------------------------------------------- entropy


def with_log(y, log=torch.log):
    return -(y * log(y)).sum(1).mean()


def entropy_in_place(y):
    return -(y * y.clamp_(min=0.2).log()).sum(1).mean()


def entropy_by_loops(y):
    total = 0.0
    for row in y.tolist():
        total += sum(-p * math.log(p) for p in row if p > 0)
    return torch.tensor(total / len(y))


# --------------------------------------------------------------------------- discriminator


def network(*middle, inputs=None, end=(), activation=nn.ReLU, last=1, flat=True):
    def make(k):
        layers = [nn.Linear(inputs or k, 32), *(m() for m in middle), activation()]
        return nn.Sequential(*layers, nn.Linear(32, last), *end, *[nn.Flatten(0)] * flat)

    return make


class Own(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.first, self.last = nn.Linear(k, 16).double(), nn.Linear(16, 1).double()

    def forward(self, y):
        return self.last(torch.tanh(self.first(y.double())))[:, 0]


# --------------------------------------------------------------------------------- Gumbel


def uniforms(logits):
    return torch.rand_like(logits).clamp_(1e-20)


def gumbel(logits):
    return -(-uniforms(logits).log()).log()


def sample(noise=gumbel, temper=lambda logits, noise, t: (logits + noise) / t):
    return lambda logits, t: temper(logits, noise(logits), t).softmax(1)


def shared_noise(logits):
    return gumbel(logits[:, :1]).expand_as(logits)


def hard_gumbel(logits, t):
    return F.gumbel_softmax(logits, t, hard=True)


def gumbel_by_distribution(logits, t):
    zero = torch.zeros(logits.shape, dtype=torch.float64)
    noise = torch.distributions.Gumbel(zero, torch.ones_like(zero)).sample()
    scaled = ((logits.double() + noise) / t).exp()
    return scaled / torch.einsum("bk->b", scaled)[:, None]


# ------------------------------------------------------------------------------- the step


def soft(logits):
    return logits.softmax(1)


def hard(logits):
    return F.one_hot(logits.argmax(1), logits.shape[1]).float()


def raw(logits):
    return logits


def over_batch(logits):
    return logits.softmax(0)


def square(x, logits):
    return ((x - logits.sigmoid()) ** 2).sum(1).mean() / 2


def apart(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def passing(fake):
    return -F.logsigmoid(fake).mean()


def make_step(
    decoded=soft,
    judged=soft,
    made=soft,
    cost=square,
    apart=apart,
    passing=passing,
    skip=(),
    no_zero=(),
    detach=True,
    order=("reconstruction", "discriminator", "generator"),
    returned=lambda losses: {name: loss.detach() for name, loss in losses.items()},
):
    def step(model, optimizers, x, y_prior):
        losses = {}

        def descend(name, loss):
            losses[name] = loss
            if name in skip:
                return
            if name not in no_zero:
                optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()

        for phase in order:
            if phase == "reconstruction":
                descend(phase, cost(x, model.decoder(decoded(model.encoder(x)))))
            elif phase == "discriminator":
                y = judged(model.encoder(x))
                y = y.detach() if detach else y
                descend(phase, apart(model.discriminator(y_prior), model.discriminator(y)))
            else:
                descend(phase, passing(model.discriminator(made(model.encoder(x)))))
        return returned(losses)

    return step


def functional_step(model, optimizers, x, y_prior):
    """Gradients by autograd.grad, one batch for real and fake, sums and einsum for means."""
    seen = {}

    def descend(name, loss):
        parameters = [p for g in optimizers[name].param_groups for p in g["params"]]
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        for p, gradient in zip(parameters, gradients, strict=True):
            p.grad = gradient
        optimizers[name].step()
        seen[name] = loss.detach()

    gap = (model.decoder(F.softmax(model.encoder(x), -1)).sigmoid() - x).double()
    descend("reconstruction", torch.einsum("bp,bp->", gap, gap) / (2 * len(x)))
    y = torch.exp(F.log_softmax(model.encoder(x), dim=1))
    logits = model.discriminator(torch.cat([y, y_prior]).detach())
    target = torch.cat([torch.zeros(len(y)), torch.ones(len(y))])
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(y)
    descend("discriminator", loss)
    descend("generator", F.softplus(-model.discriminator(y)).sum() / len(y))
    return seen


STEP_WRONG = {
    "decoder sees the logits": make_step(decoded=raw),
    "hard code": make_step(decoded=hard),
    "softmax over the batch": make_step(over_batch, over_batch, over_batch),
    "mean over pixels": make_step(cost=lambda x, logits: F.mse_loss(logits.sigmoid(), x) / 2),
    "logits taken for pixels": make_step(
        cost=lambda x, logits: ((x - logits) ** 2).sum(1).mean() / 2
    ),
    "real and fake swapped": make_step(apart=lambda real, fake: apart(fake, real)),
    "halved": make_step(apart=lambda real, fake: apart(real, fake) / 2),
    "D_cat sees the logits": make_step(judged=raw, made=raw),
    "D_cat sees hard codes": make_step(judged=hard),
    "saturating": make_step(passing=lambda fake: F.logsigmoid(-fake).mean()),
    "generator calls its codes fake": make_step(passing=lambda fake: F.softplus(fake).mean()),
    "generator moves nothing": make_step(skip=("generator",)),
    "another phase leaks": make_step(detach=False, no_zero=("generator",)),
    "another generator loss": make_step(passing=lambda fake: -fake.mean()),
    "stale gradients": make_step(no_zero=("reconstruction",)),
    "another order": make_step(order=("generator", "discriminator", "reconstruction")),
    "loss not detached": make_step(returned=dict),
    "a loss for each phase wanted": make_step(returned=lambda losses: losses["generator"]),
    "nothing returned": make_step(returned=lambda losses: None),
    "not attempted": not_attempted,
}

WRONG = {
    "one_hot": {
        "soft rows": lambda n, k: torch.randn(n, k).softmax(1),
        "one class for all": lambda n, k: torch.eye(k)[torch.randint(k, ())].expand(n, k),
        "classes not equally likely": lambda n, k: torch.eye(k)[torch.randint(k - 1, (n,))],
        "whole numbers": lambda n, k: F.one_hot(torch.randint(k, (n,)), k),
        "not one class a row": lambda n, k: (torch.rand(n, k) < 1 / k).float(),
        "balanced, not drawn": in_turn_shuffled,
        "the same each time": seeded,
        "wrong shape": lambda n, k: torch.randint(k, (n,)).float(),
        "your code raised": lambda n, k: F.one_hot(torch.randint(1, k + 1, (n,)), k).float(),
        "not a tensor": lambda n, k: torch.eye(k)[torch.randint(k, (n,))].tolist(),
        "not attempted": not_attempted,
    },
    "entropy": {
        "entropy of the mean": lambda y: -(y.mean(0) * y.mean(0).log()).sum(),
        "mean over classes": lambda y: -(y * y.log()).mean(),
        "sum over the batch": lambda y: -(y * y.log()).sum(),
        "bits, not nats": lambda y: with_log(y, torch.log2),
        "sign lost": lambda y: (y * y.log()).sum(1).mean(),
        "softmax applied again": lambda y: with_log(y.softmax(1)),
        "zero times log zero": with_log,
        "input changed in place": entropy_in_place,
        "wrong shape": lambda y: -(y * y.log()).sum(1),
        "not a tensor": lambda y: with_log(y).item(),
        "nothing returned": lambda y: None,
        "not attempted": not_attempted,
    },
    "discriminator": {
        "batch norm": network(lambda: nn.BatchNorm1d(32)),
        "sigmoid at the end": network(end=(nn.Sigmoid(),)),
        "a discriminator of images": network(inputs=784),
        "no activation": network(activation=nn.Identity),
        "random output": network(nn.Dropout),
        "does not take the codes": network(inputs=2),
        "wrong shape": network(flat=False),
        "a network wanted": lambda k: lambda y: y.sum(1),
        "not attempted": not_attempted,
    },
    "gumbel_softmax": {
        "no noise": lambda logits, t: (logits / t).softmax(1),
        "hard sample": hard_gumbel,
        "multiplied by the temperature": sample(
            temper=lambda logits, noise, t: (logits + noise) * t
        ),
        "noise not divided": sample(temper=lambda logits, noise, t: logits / t + noise),
        "logits not divided": sample(temper=lambda logits, noise, t: logits + noise / t),
        "Gumbel turned round": sample(lambda logits: -gumbel(logits)),
        "not Gumbel noise": sample(lambda logits: torch.randn_like(logits) * math.pi / 6**0.5),
        "gradient cut": lambda logits, t: sample()(logits.detach(), t),
        "rows do not sum to 1": lambda logits, t: ((logits + gumbel(logits)) / t).softmax(0),
        "wrong shape": lambda logits, t: sample()(logits, t)[:, 0],
        "not attempted": not_attempted,
    },
    "step": STEP_WRONG,
    "mended_step": {
        "decoder sees the logits": categorical_step.broken_step,
        "D_cat sees hard codes": make_step(judged=hard),
        "D_cat sees the logits": make_step(judged=raw),
        "hard code": make_step(decoded=hard),
        "real and fake swapped": make_step(apart=lambda real, fake: apart(fake, real)),
        "not attempted": not_attempted,
    },
}
WRONG["one_hot"]["argmax of uneven numbers"] = lambda n, k: torch.eye(k)[
    (torch.rand(n) * (k - 1)).round().long()
]
WRONG["gumbel_softmax"]["one noise for all classes"] = sample(shared_noise)
WRONG["gumbel_softmax"]["normal noise"] = sample(torch.randn_like)
WRONG["gumbel_softmax"]["uniform noise"] = sample(torch.rand_like)
WRONG["gumbel_softmax"]["one logarithm"] = sample(lambda logits: -uniforms(logits).log())
WRONG["step"]["generator not zeroed"] = make_step(no_zero=("generator",))
WRONG["step"]["discriminator of images"] = make_step(judged=lambda logits: logits[:, :1])
WRONG["mended_step"]["one mended"] = make_step(decoded=raw)
MESSAGE = {
    ("one_hot", "argmax of uneven numbers"): "classes not equally likely",
    ("gumbel_softmax", "one noise for all classes"): "no noise",
    ("gumbel_softmax", "normal noise"): "not Gumbel noise",
    ("gumbel_softmax", "uniform noise"): "not Gumbel noise",
    ("gumbel_softmax", "one logarithm"): "not Gumbel noise",
    ("step", "generator not zeroed"): "another phase leaks",
    ("step", "discriminator of images"): "your code raised",
    ("mended_step", "one mended"): "decoder sees the logits",
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
        "torch's distribution": lambda y: torch.distributions.Categorical(y).entropy().mean(),
    },
    "discriminator": {
        "sequential": network(),
        "leaky, layer norm": network(lambda: nn.LayerNorm(32), activation=nn.LeakyReLU),
        "a class of its own, float64": Own,
    },
    "gumbel_softmax": {
        "logarithms of uniforms": sample(),
        "torch's own": F.gumbel_softmax,
        "distribution, float64": gumbel_by_distribution,
    },
    "step": {
        "code encoded afresh": make_step(),
        "undetached but zeroed": make_step(detach=False),
        "functional gradients, one batch, einsum": functional_step,
    },
    "mended_step": {"code encoded afresh": make_step(), "one batch": functional_step},
}
