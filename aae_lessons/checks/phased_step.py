"""Checking a step of several phases by what it does: what moves, down which loss, in which order.

Each phase is tried alone, the others' rates being 0, and compared with one descent of its loss;
what a foreseeable mistake makes of that loss is known by its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aae_lessons.checks.core import Trial

Loss = Callable[..., Tensor]  # loss(model, *inputs), a scalar
Step = Callable[..., Mapping[str, Tensor]]  # step(model, optimizers, *inputs)
RATE, POISON = 0.3, 50.0


@dataclass(frozen=True)
class Fault:
    """A foreseeable mistake in one phase: its name, what to say, and the loss that it descends."""

    cause: str
    says: str
    loss: Loss


@dataclass(frozen=True)
class PhasedStep:
    """What a step should do.

    Args:
        model: makes the same small networks each time.
        owners: phase -> names of the model's parts that its optimizer holds, in the paper's order.
        losses: phase -> its loss, nothing detached.
        faults: phase -> mistakes that are known by name.
        inputs: draws what the step is given beside model and optimizers.
    """

    model: Callable[[], nn.Module]
    owners: Mapping[str, Sequence[str]]
    losses: Mapping[str, Loss]
    faults: Mapping[str, Sequence[Fault]]
    inputs: Callable[[], Sequence[Any]]
    start: Tensor = field(init=False)

    def __post_init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            model = self.model()
        object.__setattr__(self, "start", weights(model))
        # the first optimizer of a process imports half of torch: now, not in a check's time
        self.optimizers(model, dict.fromkeys(self.owners, 0.0))

    def __call__(self, trial: Trial) -> None:
        """Raises through ``trial`` where the answer does something else."""
        inputs = self.inputs()
        got, result = self._play(trial, inputs)
        if not isinstance(result, Mapping) or set(result) != set(self.owners):
            says = f"Return a dict with one loss for each phase: {', '.join(self.owners)}."
            trial.refuse("a loss for each phase wanted", says)
        for phase in self.owners:
            self._test_phase(trial, phase, inputs)
        if not self._near(self._play(trial, inputs, poison=POISON)[0], got):
            says = "Gradients that were there before your step change it: zero_grad() is missing."
            trial.refuse("stale gradients", says)
        expected, losses = self._play(self.descend_all, inputs)
        if not self._near(got, expected):
            says = f"Each phase is right, their order is not: {', '.join(self.owners)}."
            trial.refuse("another order", says)
        for phase in self.owners:
            trial.equal(
                result[phase], losses[phase], otherwise=f"The {phase} loss is another one."
            )
            if result[phase].requires_grad:
                says = f"The {phase} loss still hangs on its graph. Return .detach() of each."
                trial.refuse("loss not detached", says)

    def optimizers(self, model: nn.Module, rates: Mapping[str, float]) -> dict[str, Any]:
        """One SGD a phase, with these rates."""
        return {
            phase: torch.optim.SGD(parameters(model, names), rates[phase])
            for phase, names in self.owners.items()
        }

    def descend_all(self, model: nn.Module, optimizers: Mapping[str, Any], *inputs: Any):
        """The sound step: each phase descends its own loss."""
        seen = {}
        for phase, loss_of in self.losses.items():
            loss = loss_of(model, *inputs)
            _descend(loss, optimizers[phase])
            seen[phase] = loss.detach()
        return seen

    def run(self, step: Step, rates: Mapping[str, float], batches: Sequence, watch=None) -> dict:
        """The losses of a small run by phase, one number a batch, and what ``watch(model)`` is."""
        model = self.model()
        optimizers, seen = self.optimizers(model, rates), {}
        for inputs in batches:
            values = dict(step(model, optimizers, *inputs))
            if watch is not None:
                values |= watch(model)
            for name, value in values.items():
                seen.setdefault(name, []).append(float(value))
        return seen

    # ------------------------------------------------------------------- one phase alone

    def _test_phase(self, trial: Trial, phase: str, inputs: Sequence[Any]) -> None:
        expected = self._after(self.losses[phase], phase, inputs)
        got, _ = self._play(trial, inputs, phase)
        if self._near(got, expected):
            return
        if torch.equal(got, self.start):
            says = f"The {phase} phase moves nothing: is its backward() and step() there?"
            trial.refuse(f"{phase} moves nothing", says)
        for fault in self.faults.get(phase, ()):
            if self._near(got, self._after(fault.loss, phase, inputs)):
                trial.refuse(fault.cause, f"In the {phase} phase: {fault.says}")
        if not self._near(self._play(trial, inputs, phase, POISON)[0], got):
            says = f"Gradients from before your step change the {phase} phase: zero_grad()."
            trial.refuse("stale gradients", says)
        self._refuse_leak(trial, phase, inputs, expected - got)
        says = f"The {phase} phase moves the right networks, but down another loss."
        trial.refuse(f"another {phase} loss", says)

    def _refuse_leak(self, trial: Trial, phase: str, inputs: Sequence[Any], extra: Tensor) -> None:
        """Is ``extra`` what gradients of other phases would add?"""
        others = [name for name in self.owners if name != phase]
        added = {o: self.start - self._after(self.losses[o], phase, inputs) for o in others}
        for n in range(1, len(others) + 1):
            for leaking in itertools.combinations(others, n):
                guess = sum(added[o] for o in leaking)
                if guess.abs().max() > 0 and _close(extra, guess, guess):
                    says = (
                        f"The {phase} phase also descends gradients that were left in .grad by "
                        f"another ({', '.join(leaking)}). zero_grad() belongs before each "
                        "backward(), .detach() on the codes that a discriminator learns from."
                    )
                    trial.refuse("another phase leaks", says)

    def _play(
        self, step: Step, inputs: Sequence[Any], phase: str = "", poison: float | None = None
    ) -> tuple[Tensor, Any]:
        """Weights after one step (of one phase, if named), and what the step returned."""
        model = self.model()
        rates = {name: RATE if phase in ("", name) else 0.0 for name in self.owners}
        optimizers = self.optimizers(model, rates)
        for p in model.parameters():
            p.grad = None if poison is None else torch.full_like(p, poison)
        result = step(model, optimizers, *inputs)
        return weights(model), result

    def _after(self, loss_of: Loss, phase: str, inputs: Sequence[Any]) -> Tensor:
        """Weights after one descent of this loss by this phase's optimizer alone."""
        model = self.model()
        _descend(
            loss_of(model, *inputs),
            self.optimizers(model, dict.fromkeys(self.owners, RATE))[phase],
        )
        return weights(model)

    def _near(self, a: Tensor, b: Tensor) -> bool:
        return _close(a, b, b - self.start)


def _close(a: Tensor, b: Tensor, moved: Tensor) -> bool:
    """Equal within a thousandth of the longest move."""
    return bool((a - b).abs().max() <= 1e-3 * moved.abs().max() + 1e-6)


def _descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def parameters(model: nn.Module, names: Sequence[str]) -> list[nn.Parameter]:
    """The weights of the named parts: networks, or single matrices."""
    parts = [getattr(model, name) for name in names]
    return [p for part in parts for p in (part.parameters() if _is_net(part) else [part])]


def _is_net(part: object) -> bool:
    return isinstance(part, nn.Module)


def weights(model: nn.Module) -> Tensor:
    """All weights of a model in one vector, a copy."""
    return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


# ------------------------------------------------------------- what the lessons' losses share


def discriminator(inputs: int) -> nn.Sequential:
    """A small discriminator, (B, inputs) -> (B,) logits."""
    return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))


def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss of its logits."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def pass_for_real(fake: Tensor) -> Tensor:
    """The generator's loss of the discriminator's logits."""
    return F.softplus(-fake).mean()


def half_square(x: Tensor, logits: Tensor) -> Tensor:
    """½ Σ_pixels (x − sigmoid(logits))², mean over the batch."""
    return 0.5 * (x - logits.sigmoid()).square().sum(1).mean()
