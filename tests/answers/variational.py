"""Answers to the exercises of lesson 3: wrong ones by the name of their mistake, right ones."""

import math

import torch
from answers._steps import by_functional_gradients, three_moves
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

# ----------------------------------------------------------------------- reparameterisation


def draw(mean, log_variance):
    return mean + (0.5 * log_variance).exp() * torch.randn(mean.shape)


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


def pixels_first(logits, x):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return bce.sum(1).mean()


def images_first(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x) * x.shape[1]


def by_torchs_sum(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def make_step(cost=pixels_first, order="zbs"):
    def step(encoder, decoder, optimizer, x, beta):
        mean, log_variance = encoder(x).chunk(2, dim=1)
        c = cost(decoder(draw(mean, log_variance)), x)
        kl = right_kl(mean, log_variance).mean(0).sum()
        three_moves(optimizer, c + beta * kl, order)
        return {"reconstruction": c.detach(), "kl": kl.detach()}

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


EDITS = {
    "reparameterise": """
wrong spread: a tenth too wide
    (0.5 * log_variance).exp() → 1.1 * (0.5 * log_variance).exp()
draws not finite: the root of the log-variance
    (0.5 * log_variance).exp() → log_variance.sqrt()
the same noise at every call: a seed
    std = → torch.manual_seed(0); std =
input changed in place: the mean
    return mean + std * torch.randn_like(mean) → return mean.add_(std * torch.randn_like(mean))
wrong shape: summed over the dimensions
    return mean + std * torch.randn_like(mean)
    → return (mean + std * torch.randn_like(mean)).sum(1)
""",
    "kl": """
gradient cut: of the result
    .sum(1).mean() → .sum(1).mean().detach()
wrong shape: a number for each row
    .sum(1).mean() → .sum(1)
not a tensor: a number
    .sum(1).mean() → .sum(1).mean().item()
""",
    "monte_carlo_kl": """
gradient cut: of the result
    (log_q - log_prob(z)).mean() → (log_q - log_prob(z)).mean().detach()
wrong shape: a number for each row
    (log_q - log_prob(z)).mean() → log_q - log_prob(z)
your code raised: log q of each dimension
    .sum(1) →
""",
    "vae_step": """
a dict of losses expected: their sum
    return {"reconstruction": reconstruction.detach(), "kl": divergence.detach()}
    → return (reconstruction + beta * divergence).detach()
loss not detached: the KL
    divergence.detach() → divergence
another step: the KL squared as well
    + beta * divergence) → + beta * divergence + 0.1 * divergence**2)
""",
    "mended_vae": """
another step: a mean over pixels, and beta divided by 784
    pixels.sum(1).mean() → pixels.mean()
    + beta * divergence) → + beta / 784 * divergence)
""",
}
NOTHING = {"reconstruction": torch.zeros(()), "kl": torch.zeros(())}
WRONG = {"vae_step": {"nothing decoded": lambda *inputs: NOTHING}}
RIGHT = {
    "reparameterise": {
        "as in the lesson": draw,
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
        "mean first": make_step(images_first),
    },
    "mended_vae": {
        "as exercise 3.4": make_step(),
        "torch.distributions": step_with_distributions,
        "torch's own sum": make_step(by_torchs_sum),
    },
}
