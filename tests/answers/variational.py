"""Answers to the exercises of lesson 3: wrong ones by the name of their mistake, right ones."""

import math

import torch
from answers._steps import by_functional_gradients, three_moves
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from aae_lessons.checks import variational as check

CHECKS = {
    "reparameterise": check.reparameterise,
    "kl": check.kl,
    "monte_carlo_kl": check.monte_carlo_kl,
    "vae_step": check.vae_step,
    "mended_vae": check.mended_vae,
}


# ----------------------------------------------------------------------- reparameterisation


def draw_with(std=lambda v: (0.5 * v).exp(), noise=torch.randn_like):
    def draw(mean, log_variance):
        return mean + std(log_variance) * noise(mean)

    return draw


def draw_in_place(mean, log_variance):
    return mean.add_((0.5 * log_variance).exp() * torch.randn_like(mean))


def draw_seeded(mean, log_variance):
    torch.manual_seed(0)
    return draw_with()(mean, log_variance)


def draw_by_loops(mean, log_variance):
    e = torch.stack([torch.randn(len(mean)) for _ in range(mean.shape[1])], 1)
    columns = [
        m + e_d * torch.sqrt(torch.exp(v))
        for m, v, e_d in zip(mean.T, log_variance.T, e.T, strict=True)
    ]
    return torch.stack(columns, dim=1)


def draw_in_float64(mean, log_variance):
    e = torch.randn(*mean.shape, dtype=torch.float64)
    return torch.addcmul(mean.double(), log_variance.double().div(2).exp(), e)


# --------------------------------------------------------------------------- closed form


def kl_with(d_kl, reduce=lambda k: k.sum(1).mean()):
    return lambda mean, log_variance: reduce(d_kl(mean, log_variance))


def right_kl(mean, log_variance):
    return 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance)


def kl_by_torch(mean, log_variance):
    q = Normal(mean, (0.5 * log_variance).exp())
    return kl_divergence(Independent(q, 1), Independent(Normal(0 * mean, 1 + 0 * mean), 1)).mean()


def kl_by_loops(mean, log_variance):
    total = 0.0
    for row, logs in zip(mean, log_variance, strict=True):
        for m, v in zip(row, logs, strict=True):
            total = total + torch.exp(v) + m * m - 1 - v
    return total / (2 * len(mean))


def kl_by_einsum(mean, log_variance):
    m, v = mean.double().T.contiguous(), log_variance.double().T.contiguous()
    return (torch.einsum("db,db->", m, m) + (v.exp() - v - 1).sum()) / (2 * m.shape[1])


# --------------------------------------------------------------------------- Monte Carlo


def log_q_of(z, mean, std):
    return -0.5 * ((z - mean) / std) ** 2 - std.abs().log() - 0.5 * math.log(2 * math.pi)


def estimate_with(
    log_q=lambda z, m, v: log_q_of(z, m, (v / 2).exp()).sum(1), reduce=lambda q, p: (q - p).mean()
):
    return lambda z, mean, log_variance, log_prob: reduce(
        log_q(z, mean, log_variance), log_prob(z)
    )


def estimate_by_torch(z, mean, log_variance, log_prob):
    q = torch.distributions.MultivariateNormal(mean, torch.diag_embed(log_variance.exp()))
    return torch.mean(q.log_prob(z)) - torch.mean(log_prob(z))


def estimate_by_rows(z, mean, log_variance, log_prob):
    rows = [
        Normal(m, (v / 2).exp()).log_prob(one).sum() - log_prob(one[None])[0]
        for one, m, v in zip(z, mean, log_variance, strict=True)
    ]
    return sum(rows) / len(rows)


def estimate_in_float64(z, mean, log_variance, log_prob):
    z, mean, v = z.double(), mean.double(), log_variance.double()
    square = torch.einsum("bd,bd,bd->", z - mean, z - mean, torch.exp(-v))
    constant = z.numel() * math.log(2 * math.pi)
    return -(square + v.sum() + constant) / (2 * len(z)) - log_prob(z).sum() / len(z)


# ------------------------------------------------------------------------------- the step


def bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


def make_step(
    draw=draw_with(),
    cost=lambda logits, x: bce(logits, x).sum(1).mean(),
    kl=kl_with(right_kl),
    total=lambda cost, kl, beta: cost + beta * kl,
    order="zbs",
    returned=lambda cost, kl, beta: {"reconstruction": cost.detach(), "kl": kl.detach()},
):
    def step(encoder, decoder, optimizer, x, beta):
        mean, log_variance = encoder(x).chunk(2, dim=1)
        c = cost(decoder(draw(mean, log_variance)), x)
        d = kl(mean, log_variance)
        three_moves(optimizer, total(c, d, beta), order)
        return returned(c, d, beta)

    return step


def step_with_distributions(encoder, decoder, optimizer, x, beta):
    out = encoder(x)
    half = out.shape[1] // 2
    q = Normal(out[:, :half], torch.exp(out[:, half:] / 2))
    logits = decoder(q.rsample())
    cost = -torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x)
    divergence = kl_divergence(q, Normal(torch.zeros(half), torch.ones(half)))
    by_functional_gradients((cost.sum() + beta * divergence.sum()) / len(x), optimizer)
    with torch.no_grad():
        return {"kl": divergence.sum(1).mean(), "reconstruction": cost.sum(1).mean()}


def never_decodes(encoder, decoder, optimizer, x, beta):
    return {"reconstruction": torch.zeros(()), "kl": torch.zeros(())}


STEPS = {
    "nothing decoded": never_decodes,
    "two terms wanted": make_step(returned=lambda cost, kl, beta: (cost + beta * kl).detach()),
    "loss not detached": make_step(
        returned=lambda cost, kl, beta: {"reconstruction": cost, "kl": kl}
    ),
    "another step": make_step(total=lambda cost, kl, beta: cost + beta * kl + 0.1 * kl**2),
}

WRONG = {
    "reparameterise": {
        "noise a tenth too wide": draw_with(lambda v: 1.1 * (v / 2).exp()),
        "draws not finite": draw_with(torch.sqrt),
        "the same noise at every call": draw_seeded,
        "input changed in place": draw_in_place,
        "wrong shape": lambda mean, v: draw_with()(mean, v).sum(1),
    },
    "kl": {
        "gradient cut": lambda m, v: right_kl(m, v).sum(1).mean().detach(),
        "wrong shape": kl_with(right_kl, lambda k: k.sum(1)),
        "not a tensor": lambda m, v: kl_with(right_kl)(m, v).item(),
    },
    "monte_carlo_kl": {
        "gradient cut": estimate_with(reduce=lambda q, p: (q - p).mean().detach()),
        "wrong shape": estimate_with(reduce=lambda q, p: q - p),
        "your code raised": estimate_with(lambda z, m, v: log_q_of(z, m, (v / 2).exp())),
    },
    "vae_step": STEPS,
    "mended_vae": {
        "beta divided instead": make_step(
            cost=F.binary_cross_entropy_with_logits,
            total=lambda cost, kl, beta: cost + beta / 784 * kl,
        ),
    },
}

MESSAGE = {
    ("mended_vae", "beta divided instead"): "another step",
    ("reparameterise", "noise a tenth too wide"): "wrong spread",
    ("vae_step", "two terms wanted"): "a dict of losses expected",
}

RIGHT = {
    "reparameterise": {
        "as in the lesson": draw_with(),
        "loops": draw_by_loops,
        "float64": draw_in_float64,
        "torch.distributions": lambda mean, v: Normal(mean, (v / 2).exp()).rsample(),
        "another layout": lambda mean, v: (
            (mean.T + v.T.exp().sqrt() * torch.randn(mean.shape[::-1])).T
        ),
    },
    "kl": {
        "torch.distributions": kl_by_torch,
        "loops": kl_by_loops,
        "einsum in float64, transposed": kl_by_einsum,
        "mean first": lambda m, v: -0.5 * (1 + v - m.pow(2) - v.exp()).mean(0).sum(),
    },
    "monte_carlo_kl": {
        "torch.distributions": estimate_by_torch,
        "row by row": estimate_by_rows,
        "einsum in float64": estimate_in_float64,
    },
    "vae_step": {
        "zero_grad first": make_step(),
        "zero_grad last": make_step(order="zbsz"),
        "torch.distributions": step_with_distributions,
        "float32 noise, mean first": make_step(
            draw=draw_with(noise=lambda mean: torch.randn(mean.shape)),
            cost=lambda logits, x: bce(logits, x).mean() * x.shape[1],
            kl=lambda m, v: right_kl(m, v).mean(0).sum(),
        ),
    },
    "mended_vae": {
        "as exercise 3.4": make_step(),
        "torch.distributions": step_with_distributions,
        "torch's own sum": make_step(
            cost=lambda logits, x: (
                F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
            )
        ),
    },
}
