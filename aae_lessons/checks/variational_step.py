"""Checks of lesson 3: the whole update of a VAE, checked by what it does.

The draws of an answer are not prescribed. What the decoder was given tells which ε it drew, and
with that same ε every right answer, and every foreseeable wrong one, moves the weights exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.checks.variational_draws import MANY, refuse_wrong_draws

BETA = 1.7
TERMS = ("reconstruction", "kl")
Step = Callable[..., Mapping[str, Tensor]]


class Spy(nn.Module):
    """A network that notes what it is given, in ``seen``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.seen = network, []

    def forward(self, value: Tensor) -> Tensor:
        self.seen.append(value.detach().clone())
        return self.network(value)


def weights(*networks: nn.Module) -> Tensor:
    """All weights of some networks in one vector, copied."""
    return torch.cat([p.detach().flatten().clone() for n in networks for p in n.parameters()])


# ------------------------------------------------------------------ 3.4 the whole update


def worked_vae_step(encoder, decoder, optimizer, x, beta):
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    logits = decoder(z)
    # −log p(x|z) and KL(q(z|x) ‖ N(0, I)), in nats: sums in a row, mean over the rows
    reconstruction = (F.softplus(logits) - x * logits).sum(1).mean()
    kl = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1).mean()
    loss = reconstruction + beta * kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}


@dataclass(frozen=True)
class Pass:
    """One forward pass with a given ε, and its two terms before any reduction."""

    decoder: nn.Module
    x: Tensor
    mean: Tensor
    log_variance: Tensor
    z: Tensor

    @property
    def cost(self) -> Tensor:
        """Cross-entropy in nats, (B, pixels)."""
        return self.cost_of(self.decoder(self.z))

    def cost_of(self, logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, self.x, reduction="none")

    @property
    def kl(self) -> Tensor:
        """KL to N(0, I) in nats, (B, D)."""
        variance = self.log_variance.exp()
        return 0.5 * (variance + self.mean.square() - 1 - self.log_variance)

    @property
    def log_ratio(self) -> Tensor:
        """log q(z|x) − log p(z), (B, D): its mean is a Monte Carlo estimate of the KL."""
        square = (self.z - self.mean).square() * (-self.log_variance).exp()
        return 0.5 * (self.z.square() - square - self.log_variance)


def _total(cost: Tensor, kl: Tensor) -> Tensor:
    """Both terms as they should be reduced."""
    return cost.sum(1).mean() + BETA * kl.sum(1).mean()


LOSSES = (
    Mistake(
        "KL subtracted",
        "You subtract the KL: then posteriors are rewarded for running away from the prior. We "
        "minimise reconstruction *plus* KL; the ELBO, which is maximised, is minus that.",
        lambda p: _total(p.cost, -p.kl),
    ),
    Mistake(
        "uphill",
        "Your step goes up: the ELBO is maximised, so its negative is what an optimizer descends.",
        lambda p: -_total(p.cost, p.kl),
    ),
    Mistake(
        "mean over pixels",
        "You take the mean over pixels, while the KL is a sum over dimensions. That is a β too "
        "large by the number of pixels, and the posterior collapses onto the prior.",
        lambda p: p.cost.mean() + BETA * p.kl.sum(1).mean(),
    ),
    Mistake(
        "mean over pixels",
        "You take the mean over pixels, and over dimensions too. Both are sums: in nats an image.",
        lambda p: p.cost.mean() + BETA * p.kl.mean(),
    ),
    Mistake(
        "KL averaged over dimensions",
        "You take the mean of the KL over latent dimensions. It is a sum: each dimension's nats "
        "count in full.",
        lambda p: p.cost.sum(1).mean() + BETA * p.kl.mean(),
    ),
    Mistake(
        "KL summed over the batch",
        "The KL is summed over the images, the reconstruction averaged: β then depends on the "
        "batch size. Take the mean over the images in both.",
        lambda p: p.cost.sum(1).mean() + BETA * p.kl.sum(),
    ),
    Mistake(
        "sum over the batch",
        "You sum over the images: the step then grows with the batch. Sum over pixels and over "
        "dimensions, and take the mean over the images.",
        lambda p: _total(p.cost, p.kl) * len(p.x),
    ),
    Mistake(
        "sum over the batch",
        "The reconstruction is summed over the images, the KL averaged: β then depends on the "
        "batch size. Take the mean over the images in both.",
        lambda p: p.cost.sum() + BETA * p.kl.sum(1).mean(),
    ),
    Mistake(
        "beta forgotten",
        "The KL enters with weight 1, whatever beta is.",
        lambda p: p.cost.sum(1).mean() + p.kl.sum(1).mean(),
    ),
    Mistake(
        "beta on the reconstruction",
        "beta multiplies the reconstruction. It is the price of a nat of KL.",
        lambda p: BETA * p.cost.sum(1).mean() + p.kl.sum(1).mean(),
    ),
    Mistake(
        "KL left out",
        "The KL is not in what you descend. Without it this is an autoencoder with noise.",
        lambda p: p.cost.sum(1).mean(),
    ),
    Mistake(
        "half forgotten",
        "Your KL is twice too large: the ½ is missing.",
        lambda p: _total(p.cost, 2 * p.kl),
    ),
    Mistake(
        "sigmoid applied twice",
        "You apply the sigmoid, and then a function that applies it again. The decoder's logits "
        "are wanted as they are.",
        lambda p: _total(p.cost_of(p.decoder(p.z).sigmoid()), p.kl),
    ),
    Mistake(
        "squared error",
        "You descend a squared error. Here −log p(x|z) is the cross-entropy of each pixel.",
        lambda p: _total(0.5 * (p.x - p.decoder(p.z).sigmoid()).square(), p.kl),
    ),
    Mistake(
        "gradient cut",
        "The reconstruction's gradient does not reach the encoder: the draw was cut out of the "
        "graph (sample(), torch.normal, detach). mean + σ·ε keeps it: that is the point of it.",
        lambda p: _total(p.cost_of(p.decoder(p.z.detach())), p.kl),
    ),
    Mistake(
        "KL by Monte Carlo",
        "You estimate the KL from the draw. It is unbiased, but the prior is Gaussian: the closed "
        "form is there, without that noise.",
        lambda p: _total(p.cost, p.log_ratio),
    ),
)


def _world(saturated: bool = False) -> tuple[nn.Module, Spy, torch.optim.Optimizer]:
    """Encoder 6-4 (2 dimensions), decoder 2-6, always the same, in float64, and an SGD."""
    fixed = torch.Generator().manual_seed(1)
    encoder, decoder = nn.Linear(6, 4).double(), Spy(nn.Linear(2, 6).double())
    for p in [*encoder.parameters(), *decoder.parameters()]:
        p.data.copy_(torch.randn(p.shape, generator=fixed))
    if saturated:
        decoder.network.bias.data.copy_(torch.tensor([200.0, -200.0] * 3))
    both = [*encoder.parameters(), *decoder.parameters()]
    return encoder, decoder, torch.optim.SGD(both, 0.1)


@dataclass(frozen=True)
class Played:
    """What one update did: weights before and after, what it returned, and its ε, (B, D)."""

    before: Tensor
    after: Tensor
    result: object
    z: Tensor
    mean: Tensor
    log_variance: Tensor

    @property
    def noise(self) -> Tensor:
        return (self.z - self.mean) * (-0.5 * self.log_variance).exp()


def _play(trial: Trial, x: Tensor, poison: float | None = None, saturated: bool = False) -> Played:
    """The answer's update from the fixed start, where ``poison`` is in every gradient."""
    encoder, decoder, optimizer = _world(saturated)
    before = weights(encoder, decoder)
    with torch.no_grad():
        mean, log_variance = encoder(x).chunk(2, dim=1)
    for p in [*encoder.parameters(), *decoder.parameters()]:
        p.grad = None if poison is None else torch.full_like(p, poison)
    result = trial(encoder, decoder, optimizer, x, BETA)
    if not decoder.seen:
        trial.refuse("nothing decoded", "Your step never calls the decoder.")
    z = trial.tensor(decoder.seen[0], mean.shape)
    return Played(before, weights(encoder, decoder), result, z, mean, log_variance)


def _descended(loss_of: Callable[[Pass], Tensor], x: Tensor, noise: Tensor) -> Tensor:
    """Weights after one descent of this loss from the fixed start, with this ε."""
    encoder, decoder, optimizer = _world()
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + (0.5 * log_variance).exp() * noise
    loss_of(Pass(decoder, x, mean, log_variance, z)).backward()
    optimizer.step()
    return weights(encoder, decoder)


def _right(p: Pass) -> Tensor:
    return _total(p.cost, p.kl)


def test_vae_step(trial: Trial) -> None:
    many = _play(trial, torch.rand(MANY, 6, dtype=torch.float64))
    refuse_wrong_draws(trial, many.z, many.mean, many.log_variance)
    x = torch.rand(5, 6, dtype=torch.float64)
    played = _play(trial, x)
    if torch.equal(played.after, played.before):
        says = "No weight has moved. backward() makes gradients, optimizer.step() uses them."
        trial.refuse("nothing moved", says)
    if not torch.allclose(played.after, _descended(_right, x, played.noise)):
        for mistake in LOSSES:
            if torch.allclose(played.after, _descended(mistake.result, x, played.noise)):
                trial.refuse(mistake.name, mistake.says)
        says = "The weights move, but not by one descent of reconstruction + beta · KL."
        trial.refuse("another step", says)
    stale = _play(trial, x, poison=50.0)
    if not torch.allclose(stale.after, _descended(_right, x, stale.noise)):
        says = "Gradients that were there before your step change it: zero_grad() is missing."
        trial.refuse("stale gradients", says)
    _test_returned(trial, x, played)
    _test_large_logits(trial)


def _test_returned(trial: Trial, x: Tensor, played: Played) -> None:
    result = played.result
    if not isinstance(result, Mapping) or set(result) != set(TERMS):
        says = f"Return a dict of the two terms: {', '.join(TERMS)}."
        trial.refuse("two terms wanted", says, type(result).__name__, "a dict")
    expected = _terms(_world()[1], x, played)
    trial.equal(
        result["reconstruction"], expected[0], otherwise="The reconstruction returned is not."
    )
    weighted = Mistake("beta in the KL returned", "Return the KL itself, without beta.", _weighted)
    trial.equal(
        result["kl"], expected[1], expected[1:], [weighted], "The KL returned is not this one."
    )
    if any(result[name].requires_grad for name in TERMS):
        says = "A term that you return still hangs on its graph. Return .detach() of each."
        trial.refuse("loss not detached", says)


def _weighted(kl: Tensor) -> Tensor:
    return BETA * kl


def _terms(decoder: nn.Module, x: Tensor, played: Played) -> tuple[Tensor, Tensor]:
    p = Pass(decoder, x, played.mean, played.log_variance, played.z)
    return p.cost.sum(1).mean().detach(), p.kl.sum(1).mean()


def _test_large_logits(trial: Trial) -> None:
    x = torch.tensor([[0.0, 1.0] * 3] * 4, dtype=torch.float64)
    played = _play(trial, x, saturated=True)
    expected, _ = _terms(_world(saturated=True)[1], x, played)
    got = torch.as_tensor(played.result["reconstruction"])
    if not torch.allclose(got.double(), expected):
        says = (
            "Right for small logits, wrong for ±200: sigmoid(200) is 1 in floating point and "
            "log(1 − 1) is −∞. Use softplus, or a function 'with logits'."
        )
        trial.refuse("sigmoid, then log", says, got, expected)


vae_step = Exercise(
    name="3.4",
    title="the whole update of a VAE",
    read="lesson 3, sections 3.2 and 3.4, and aae_lessons/models/variational.py",
    hints=(
        "Five moves: posterior, draw, decode, the two terms, descend their weighted sum.",
        "Both terms are sums in a row (pixels; dimensions), and then a mean over the rows.",
        "reconstruction + beta * kl, one zero_grad, one backward, one step.",
    ),
    answer=worked_vae_step,
    test=test_vae_step,
)
