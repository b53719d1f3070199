"""Answers to the exercises of lesson 3: wrong ones by the name of their mistake, right ones."""

import math

import torch
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


def not_attempted(*inputs):
    raise NotImplementedError


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


def uniform_of_deviation_one(mean):
    return (torch.rand_like(mean) - 0.5) * math.sqrt(12)


def laplace_of_deviation_one(mean):
    u = torch.rand_like(mean) - 0.5
    return -u.sign() * torch.log1p(-1.999999 * u.abs()) / math.sqrt(2)


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
    log_q=lambda z, m, v: log_q_of(z, m, (v / 2).exp()).sum(1),
    log_p=lambda z, mean, log_prob: log_prob(z),
    reduce=lambda q, p: (q - p).mean(),
):
    def estimate(z, mean, log_variance, log_prob):
        return reduce(log_q(z, mean, log_variance), log_p(z, mean, log_prob))

    return estimate


def standard_normal(z, mean, log_prob):
    return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1)


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
    halves=lambda out: out.chunk(2, dim=1),
    cost=lambda logits, x: bce(logits, x).sum(1).mean(),
    kl=kl_with(right_kl),
    total=lambda cost, kl, beta: cost + beta * kl,
    order="zbs",
    returned=lambda cost, kl, beta: {"reconstruction": cost.detach(), "kl": kl.detach()},
):
    def step(encoder, decoder, optimizer, x, beta):
        mean, log_variance = halves(encoder(x))
        c = cost(decoder(draw(mean, log_variance)), x)
        d = kl(mean, log_variance)
        loss = total(c, d, beta)
        for letter in order:
            if letter == "z":
                optimizer.zero_grad()
            elif letter == "b":
                loss.backward()
            else:
                optimizer.step()
        return returned(c, d, beta)

    return step


def step_with_distributions(encoder, decoder, optimizer, x, beta):
    out = encoder(x)
    q = Normal(out[:, :2], torch.exp(out[:, 2:] / 2))
    logits = decoder(q.rsample())
    cost = -torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x)
    divergence = kl_divergence(q, Normal(torch.zeros(2).double(), torch.ones(2).double()))
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    loss = (cost.sum() + beta * divergence.sum()) / len(x)
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = gradient
    optimizer.step()
    with torch.no_grad():
        return {"kl": divergence.sum(1).mean(), "reconstruction": cost.sum(1).mean()}


def kl_of_the_draw(encoder, decoder, optimizer, x, beta):
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = draw_with()(mean, log_variance)
    cost = bce(decoder(z), x).sum(1).mean()
    log_p = standard_normal(z, None, None)
    kl = (log_q_of(z, mean, (log_variance / 2).exp()).sum(1) - log_p).mean()
    optimizer.zero_grad()
    (cost + beta * kl).backward()
    optimizer.step()
    return {"reconstruction": cost.detach(), "kl": kl.detach()}


def never_decodes(encoder, decoder, optimizer, x, beta):
    return {"reconstruction": torch.zeros(()), "kl": torch.zeros(())}


def sigmoid_then_log(logits, x):
    x_hat = logits.sigmoid()
    return -(x * x_hat.log() + (1 - x) * (1 - x_hat).log()).sum(1).mean()


STEPS = {
    "variance for the deviation": make_step(draw=draw_with(torch.exp)),
    "log-variance for the deviation": make_step(draw=draw_with(lambda v: v)),
    "one noise for all dimensions": make_step(
        draw=draw_with(noise=lambda mean: torch.randn(len(mean), 1))
    ),
    "no noise": make_step(draw=lambda mean, log_variance: mean),
    "mean and log-variance swapped": make_step(halves=lambda out: out.chunk(2, dim=1)[::-1]),
    "KL subtracted": make_step(total=lambda cost, kl, beta: cost - beta * kl),
    "uphill": make_step(total=lambda cost, kl, beta: -(cost + beta * kl)),
    "mean over pixels": make_step(cost=F.binary_cross_entropy_with_logits),
    "KL averaged over dimensions": make_step(kl=kl_with(right_kl, torch.mean)),
    "KL summed over the batch": make_step(kl=kl_with(right_kl, torch.sum)),
    "sum over the batch": make_step(
        cost=lambda logits, x: bce(logits, x).sum(), kl=kl_with(right_kl, torch.sum)
    ),
    "beta forgotten": make_step(total=lambda cost, kl, beta: cost + kl),
    "beta on the reconstruction": make_step(total=lambda cost, kl, beta: beta * cost + kl),
    "KL left out": make_step(total=lambda cost, kl, beta: cost),
    "half forgotten": make_step(kl=kl_with(lambda m, v: 2 * right_kl(m, v))),
    "sigmoid applied twice": make_step(
        cost=lambda logits, x: bce(logits.sigmoid(), x).sum(1).mean()
    ),
    "squared error": make_step(
        cost=lambda logits, x: 0.5 * (x - logits.sigmoid()).square().sum(1).mean()
    ),
    "gradient cut": make_step(draw=lambda mean, v: Normal(mean, (v / 2).exp()).sample()),
    "KL by Monte Carlo": kl_of_the_draw,
    "sigmoid, then log": make_step(cost=sigmoid_then_log),
    "stale gradients": make_step(order="bs"),
    "nothing moved": make_step(order="zb"),
    "nothing decoded": never_decodes,
    "two terms wanted": make_step(returned=lambda cost, kl, beta: (cost + beta * kl).detach()),
    "beta in the KL returned": make_step(
        returned=lambda cost, kl, beta: {
            "reconstruction": cost.detach(),
            "kl": beta * kl.detach(),
        }
    ),
    "loss not detached": make_step(
        returned=lambda cost, kl, beta: {"reconstruction": cost, "kl": kl}
    ),
    "another step": make_step(total=lambda cost, kl, beta: cost + beta * kl + 0.1 * kl**2),
    "nothing returned": make_step(returned=lambda cost, kl, beta: None),
    "not attempted": not_attempted,
}

WRONG = {
    "reparameterise": {
        "variance for the deviation": draw_with(torch.exp),
        "log-variance for the deviation": draw_with(lambda v: v),
        "half outside the exponent": draw_with(lambda v: 0.5 * v.exp()),
        "sigma left out": draw_with(torch.ones_like),
        "one noise for all dimensions": draw_with(noise=lambda mean: torch.randn(len(mean), 1)),
        "one noise for the whole batch": draw_with(noise=lambda mean: torch.randn(mean.shape[1])),
        "uniform noise": draw_with(noise=torch.rand_like),
        "noise not normal": draw_with(noise=uniform_of_deviation_one),
        "Laplace noise": draw_with(noise=laplace_of_deviation_one),
        "noise a tenth too wide": draw_with(lambda v: 1.1 * (v / 2).exp()),
        "mean left out": lambda mean, v: (v / 2).exp() * torch.randn_like(v),
        "no noise": lambda mean, v: mean,
        "draws not finite": draw_with(torch.sqrt),
        "the same noise at every call": draw_seeded,
        "gradient cut": lambda mean, v: torch.normal(mean, (v / 2).exp()),
        "cut by sample": lambda mean, v: Normal(mean, (v / 2).exp()).sample(),
        "input changed in place": draw_in_place,
        "wrong shape": lambda mean, v: draw_with()(mean, v).sum(1),
        "nothing returned": lambda mean, v: None,
        "not attempted": not_attempted,
    },
    "kl": {
        "half forgotten": kl_with(lambda m, v: v.exp() + m**2 - 1 - v),
        "mean over dimensions": kl_with(right_kl, torch.mean),
        "sum over the batch": kl_with(right_kl, torch.sum),
        "sign lost": kl_with(lambda m, v: 0.5 * (1 + v - m**2 - v.exp())),
        "log-variance taken for the variance": kl_with(lambda m, v: (v + m**2 - 1 - v.log()) / 2),
        "log-variance for the deviation": kl_with(
            lambda m, v: (v**2 + m**2 - 1 - 2 * v.abs().log()) / 2
        ),
        "log-variance taken for the log-deviation": kl_with(
            lambda m, v: (v.exp() ** 2 + m**2 - 1 - 2 * v) / 2
        ),
        "deviation for the variance": kl_with(lambda m, v: ((v / 2).exp() + m**2 - 1 - v) / 2),
        "the other direction": kl_with(lambda m, v: ((1 + m**2) / v.exp() - 1 + v) / 2),
        "mean not squared": kl_with(lambda m, v: (v.exp() + m - 1 - v) / 2),
        "gradient cut": lambda m, v: right_kl(m, v).sum(1).mean().detach(),
        "wrong shape": kl_with(right_kl, lambda k: k.sum(1)),
        "not a tensor": lambda m, v: kl_with(right_kl)(m, v).item(),
        "nothing returned": lambda m, v: None,
        "not attempted": not_attempted,
    },
    "monte_carlo_kl": {
        "sign lost": estimate_with(reduce=lambda q, p: (p - q).mean()),
        "sum over the batch": estimate_with(reduce=lambda q, p: (q - p).sum()),
        "mean over dimensions": estimate_with(
            lambda z, m, v: log_q_of(z, m, (v / 2).exp()),
            reduce=lambda q, p: (q - p[:, None]).mean(),
        ),
        "variance for the deviation": estimate_with(
            lambda z, m, v: Normal(m, v.exp()).log_prob(z).sum(1)
        ),
        "log-variance for the deviation": estimate_with(lambda z, m, v: log_q_of(z, m, v).sum(1)),
        "2π forgotten": estimate_with(lambda z, m, v: -0.5 * ((z - m) ** 2 / v.exp() + v).sum(1)),
        "half forgotten": estimate_with(
            lambda z, m, v: -((z - m) ** 2 / v.exp() + v + math.log(2 * math.pi)).sum(1)
        ),
        "Gaussian prior assumed": estimate_with(log_p=standard_normal),
        "closed form": lambda z, m, v, log_prob: kl_with(right_kl)(m, v),
        "prior at the mean": estimate_with(log_p=lambda z, mean, log_prob: log_prob(mean)),
        "prior left out": estimate_with(reduce=lambda q, p: q.mean()),
        "gradient cut": estimate_with(reduce=lambda q, p: (q - p).mean().detach()),
        "prior detached": estimate_with(log_p=lambda z, mean, log_prob: log_prob(z).detach()),
        "wrong shape": estimate_with(reduce=lambda q, p: q - p),
        "wrong value": estimate_with(reduce=lambda q, p: (q.exp() - p.exp()).mean()),
        "your code raised": estimate_with(lambda z, m, v: log_q_of(z, m, (v / 2).exp())),
        "not attempted": not_attempted,
    },
    "vae_step": STEPS,
    "mended_vae": {
        "mean over pixels": make_step(cost=F.binary_cross_entropy_with_logits),
        "log-variance for the deviation": make_step(draw=draw_with(lambda v: v)),
        "as it came": check.broken_step,
        "variance for the deviation": make_step(draw=draw_with(torch.exp)),
        "both averaged": make_step(
            cost=F.binary_cross_entropy_with_logits, kl=kl_with(right_kl, torch.mean)
        ),
        "beta divided instead": make_step(
            cost=F.binary_cross_entropy_with_logits,
            total=lambda cost, kl, beta: cost + beta / 784 * kl,
        ),
        "sum over the batch": make_step(
            cost=lambda logits, x: bce(logits, x).sum(), kl=kl_with(right_kl)
        ),
        "not attempted": not_attempted,
    },
}

MESSAGE = {
    ("reparameterise", "Laplace noise"): "noise not normal",
    ("reparameterise", "noise a tenth too wide"): "wrong spread",
    ("reparameterise", "cut by sample"): "gradient cut",
    ("monte_carlo_kl", "closed form"): "Gaussian prior assumed",
    ("monte_carlo_kl", "prior detached"): "wrong gradient",
    ("mended_vae", "as it came"): "log-variance for the deviation",
    ("mended_vae", "both averaged"): "mean over pixels",
    ("mended_vae", "beta divided instead"): "another step",
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
