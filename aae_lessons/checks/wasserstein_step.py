"""Checks of lesson 7: the whole update of a WAE with any discrepancy, and a broken one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aae_lessons.checks.core import Exercise, Mistake, Trial
from aae_lessons.checks.variational_step import Spy, weights

WEIGHT = 2.5
TERMS = ("cost", "discrepancy")
Step = Callable[..., Mapping[str, Tensor]]


def _wae_step(encoder, decoder, optimizer, x, z_prior, discrepancy, weight):
    z = encoder(x)
    cost = 0.5 * (x - decoder(z).sigmoid()).square().sum(1).mean()
    penalty = discrepancy(z, z_prior)
    optimizer.zero_grad()
    (cost + weight * penalty).backward()
    optimizer.step()
    return {"cost": cost.detach(), "discrepancy": penalty.detach()}


def _discrepancy(z: Tensor, z_prior: Tensor) -> Tensor:
    """Not symmetric, so that it shows which argument was given first."""
    return (z.mean(0) - 2 * z_prior.mean(0)).square().sum() + z.square().mean()


class CountingSGD(torch.optim.SGD):
    """SGD that counts its steps."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)


@dataclass(frozen=True)
class Pass:
    """One forward pass: the input (with its noise, if any), the target, and the prior's draws."""

    encoder: nn.Module
    decoder: nn.Module
    inputs: Tensor
    target: Tensor
    z_prior: Tensor

    @property
    def z(self) -> Tensor:
        return self.encoder(self.inputs)

    @property
    def errors(self) -> Tensor:
        """Half squared errors, (B, pixels)."""
        return 0.5 * (self.target - self.decoder(self.z).sigmoid()).square()

    @property
    def cost(self) -> Tensor:
        return self.errors.sum(1).mean()

    @property
    def penalty(self) -> Tensor:
        return _discrepancy(self.z, self.z_prior)


LOSSES = (
    Mistake(
        "penalty subtracted",
        "You subtract the penalty: then codes are rewarded for being *unlike* the prior. "
        "cost + weight · discrepancy.",
        lambda p: p.cost - WEIGHT * p.penalty,
    ),
    Mistake(
        "mean over pixels",
        "You take the mean over pixels. The cost is a sum over the pixels of an image: λ was "
        "chosen for that, and weighs many times more beside a mean.",
        lambda p: p.errors.mean() + WEIGHT * p.penalty,
    ),
    Mistake(
        "sum over the batch",
        "You sum the cost over the images as well: then λ means something else for each batch "
        "size. Take the mean over the images.",
        lambda p: p.errors.sum() + WEIGHT * p.penalty,
    ),
    Mistake(
        "half forgotten",
        "The ½ of the squared error is missing.",
        lambda p: 2 * p.cost + WEIGHT * p.penalty,
    ),
    Mistake(
        "weight forgotten",
        "The discrepancy enters with weight 1, whatever weight is.",
        lambda p: p.cost + p.penalty,
    ),
    Mistake(
        "weight on the cost",
        "The weight multiplies the cost. λ is the price of the discrepancy.",
        lambda p: WEIGHT * p.cost + p.penalty,
    ),
    Mistake(
        "penalty left out",
        "The discrepancy is not in what you descend: this is a plain autoencoder.",
        lambda p: p.cost,
    ),
    Mistake(
        "logits taken for pixels",
        "You compare the image with the logits. x_hat = sigmoid(logits).",
        lambda p: 0.5 * (p.target - p.decoder(p.z)).square().sum(1).mean() + WEIGHT * p.penalty,
    ),
)


def _world() -> tuple[Spy, nn.Module, CountingSGD]:
    """Encoder 6-2 and decoder 2-6, always the same, in float64."""
    fixed = torch.Generator().manual_seed(1)
    encoder, decoder = Spy(nn.Linear(6, 2).double()), nn.Linear(2, 6).double()
    both = [*encoder.parameters(), *decoder.parameters()]
    for p in both:
        p.data.copy_(torch.randn(p.shape, generator=fixed))
    return encoder, decoder, CountingSGD(both, 0.1)


@dataclass(frozen=True)
class Played:
    """What one update did; ``given``: what the encoder saw, ``called``: the discrepancy."""

    before: Tensor
    after: Tensor
    result: object
    steps: int
    inputs: Tensor
    called: list[tuple[Tensor, Tensor]]


def play(trial: Trial, x: Tensor, z_prior: Tensor, poison: float | None = None) -> Played:
    """The answer's update from the fixed start, where ``poison`` is in every gradient."""
    encoder, decoder, optimizer = _world()
    called: list[tuple[Tensor, Tensor]] = []

    def noting(z: Tensor, z_prior: Tensor) -> Tensor:
        called.append((z, z_prior))
        return _discrepancy(z, z_prior)

    before = weights(encoder, decoder)
    for p in [*encoder.parameters(), *decoder.parameters()]:
        p.grad = None if poison is None else torch.full_like(p, poison)
    result = trial(encoder, decoder, optimizer, x, z_prior, noting, WEIGHT)
    after = weights(encoder, decoder)
    if not encoder.seen:
        trial.refuse("nothing encoded", "Your step never calls the encoder.")
    return Played(before, after, result, optimizer.steps, encoder.seen[0], called)


def _descended(
    loss_of: Callable[[Pass], Tensor], inputs: Tensor, target: Tensor, z_prior: Tensor
) -> Tensor:
    """Weights after one descent of this loss from the fixed start."""
    encoder, decoder, optimizer = _world()
    loss_of(Pass(encoder, decoder, inputs, target, z_prior)).backward()
    optimizer.step()
    return weights(encoder, decoder)


def _right(p: Pass) -> Tensor:
    return p.cost + WEIGHT * p.penalty


def refuse_wrong_update(trial: Trial, x: Tensor, z_prior: Tensor) -> None:
    """Refuses a wrong update. The encoder's input may be noisy; the target is ``x``, (B, 6)."""
    played = play(trial, x, z_prior)
    _test_calls(trial, played, z_prior)
    inputs, result = played.inputs, played.after
    if not torch.allclose(result, _descended(_right, inputs, x, z_prior)):
        noisy = not torch.equal(inputs, x)
        for target in (inputs, x) if noisy else (x,):
            for mistake in (Mistake("", "", _right), *LOSSES):
                if torch.allclose(result, _descended(mistake.result, inputs, target, z_prior)):
                    if target is not x:
                        trial.refuse("noisy input as the target", NOISY_TARGET)
                    trial.refuse(mistake.name, mistake.says)
        says = "The weights move, but not by one descent of cost + weight · discrepancy."
        trial.refuse("another step", says)
    stale = play(trial, x, z_prior, poison=50.0)
    if not torch.allclose(stale.after, _descended(_right, stale.inputs, x, z_prior)):
        says = "Gradients that were there before your step change it: zero_grad() is missing."
        trial.refuse("stale gradients", says)
    _test_returned(trial, played, x, z_prior)


NOISY_TARGET = (
    "You ask for the noise back: the target is the noisy image. Noise can't be rebuilt, so the "
    "cost can't fall below the noise's own. The encoder sees the noisy image; the target is the "
    "clean x."
)


def _test_calls(trial: Trial, played: Played, z_prior: Tensor) -> None:
    if not played.called:
        says = "Your step never calls the discrepancy it is given."
        trial.refuse("discrepancy not called", says)
    z, prior = played.called[0]
    if z.shape != z_prior.shape or prior.shape != z_prior.shape:
        says = (
            "You compare images. D_Z lives in the latent space: it compares the codes z with the "
            "prior's samples, both (B, D)."
        )
        shapes = f"{tuple(z.shape)} and {tuple(prior.shape)}"
        trial.refuse("discrepancy of images", says, shapes, f"{tuple(z_prior.shape)}, twice")
    if prior.requires_grad:
        says = "You call discrepancy(z_prior, z). Codes come first: it need not be symmetric."
        trial.refuse("codes and prior swapped", says)
    if not z.requires_grad:
        says = (
            "The discrepancy's gradient does not reach the encoder, and nobody else could move "
            "the codes. There is no opponent here, so nothing has to be detached."
        )
        trial.refuse("codes detached from the penalty", says)
    if played.steps == 0 or torch.equal(played.before, played.after):
        says = "No weight has moved. backward() makes gradients, optimizer.step() uses them."
        trial.refuse("nothing moved", says)
    if played.steps > 1:
        says = (
            "You descend cost and discrepancy one after the other. With Adam the weight then does "
            "nothing, since Adam divides each gradient by its own size. λ means something in a "
            "sum: one backward() and one step() for cost + weight · discrepancy."
        )
        trial.refuse("two descents", says)


def _test_wae_step(trial: Trial) -> None:
    x, z_prior = torch.rand(5, 6).double(), torch.randn(5, 2).double()
    refuse_wrong_update(trial, x, z_prior)


def _test_returned(trial: Trial, played: Played, x: Tensor, z_prior: Tensor) -> None:
    result = played.result
    if not isinstance(result, Mapping) or set(result) != set(TERMS):
        says = f"Return a dict of the two terms: {', '.join(TERMS)}."
        trial.refuse("two terms wanted", says, type(result).__name__, "a dict")
    encoder, decoder, _ = _world()
    p = Pass(encoder, decoder, played.inputs, x, z_prior)
    penalty = p.penalty.detach()
    trial.equal(result["cost"], p.cost.detach(), otherwise="The cost returned is not this one.")
    weighted = Mistake(
        "weight in the discrepancy returned", "Return D_Z itself, without the weight.", _weighted
    )
    says = "The discrepancy returned is not this one."
    trial.equal(result["discrepancy"], penalty, [penalty], [weighted], says)
    if any(result[name].requires_grad for name in TERMS):
        says = "A term that you return still hangs on its graph. Return .detach() of each."
        trial.refuse("loss not detached", says)


def _weighted(penalty: Tensor) -> Tensor:
    return WEIGHT * penalty


wae_step = Exercise(
    name="7.5",
    title="a WAE's update, with any discrepancy",
    read="lesson 7, section 7.2, and aae_lessons/models/wasserstein.py",
    hints=(
        "The equation of the course has two terms and one λ. Which of them sees z_prior?",
        "cost + weight * discrepancy(z, z_prior): one sum, one backward(), one step().",
        "zero_grad() before it; return both terms, detached and without the weight.",
    ),
    answer=_wae_step,
    test=_test_wae_step,
)
