"""Lesson 6: the loop around the steps, by what each step and each measurement meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import MultiStepLR

from aae_lessons.checks.misconceptions import mutant
from aae_lessons.checks.probes import Probe
from aae_lessons.checks.stage import Descent
from aae_lessons.checks.tables import exercise
from aae_lessons.checks.trial import Trial


def _mended_run(model, step, optimizers, schedulers, batches, epochs, error):
    errors = []
    for number in range(epochs):
        model.train()
        for batch in batches(number):
            step(model, optimizers, batch)
        for scheduler in schedulers:
            scheduler.step()
        model.eval()
        with torch.no_grad():
            errors.append(error(model))
    return errors


MENDED_RUN = """
6.6 find three mistakes in a run
read: lesson 5, section 5.14, on rates that drop
hint: What does every epoch of the broken run have in common that it should not?
hint: The rates should fall after some epochs. Who says to the schedulers that one is over?
hint: model.train() before the updates of an epoch, model.eval() before its error.
shuffles frozen: Every epoch has the same batches: the shuffle is frozen. Ask for batches(number)
    afresh in each epoch, with its number.
    batches(number) → kept
    errors = [] → errors, kept = [], list(batches(0))
schedulers never stepped: The rates never fall: the schedulers are made and never stepped. Each is
    to be stepped once at the end of an epoch.
    for scheduler in schedulers: ⏎         scheduler.step() → pass
measured in training mode: You measure in training mode: dropout still hides inputs, and batch norm
    still uses the moments of whatever batch it is given. model.eval() belongs before it.
    model.eval() → pass
only one scheduler stepped: Some rates fall and others do not: only one of the schedulers is
    stepped. Each optimizer has one.
    in schedulers: → in schedulers[:1]:
schedulers stepped at the wrong time: A rate falls at the wrong time. A scheduler counts its own
    step() calls: one for each epoch, after its updates, not one for each update.
    for scheduler in schedulers: ⏎         scheduler.step() → pass
    optimizers, batch)
    → optimizers, batch) ⏎         for scheduler in schedulers: ⏎             scheduler.step()
    or for scheduler in schedulers: ⏎         scheduler.step() → pass
    model.train() → model.train() ⏎     for scheduler in schedulers: ⏎         scheduler.step()
not back in training mode: Some steps are made in evaluation mode: after the first measurement
    model.train() is missing, and from then on there is no dropout and no batch norm.
    model.train() → pass
    errors = [] → errors = []; model.train()
another order of batches: Epoch number e has the batches of batches(e), from 0 on.
    batches(number) → batches(number + 1)
an epoch left out: Each epoch is one pass over its batches, and there are `epochs` of them.
    range(epochs) → range(1, epochs)
measured at the wrong time: Measure once in each epoch, after its updates: the first error here
    comes before any update.
    errors.append(error(model)) → pass
    model.train() → model.eval(); errors.append(error(model)); model.train()
the least error alone: Return a list with the error after each epoch. The run is measured by its
    last epoch, not by the best one: that would be chosen by looking.
    return errors → return min(errors)
the last error alone: Return a list with the error after each epoch, not the last one alone.
    return errors → return errors[-1]
"""


@dataclass
class Notes:
    """What the steps and the measurements of a run met."""

    batches: list[Any] = field(default_factory=list)
    rates: list[tuple[float, ...]] = field(default_factory=list)
    training: list[bool] = field(default_factory=list)
    measured_training: list[bool] = field(default_factory=list)
    measured_after: list[int] = field(default_factory=list)
    result: Any = None


class Drop:
    """A scheduler: the rate falls tenfold at its n-th step. Torch's need one of its optimizers."""

    def __init__(self, optimizer: Descent, after: int) -> None:
        self.optimizer, self.left = optimizer, after

    def step(self) -> None:
        """Counts an update, and drops the rate at the n-th."""
        self.left -= 1
        if self.left == 0:
            self.optimizer.param_groups[0]["lr"] *= 0.1


def _follow(run: Callable, epochs: int, updates: int) -> Notes:
    """Plays a run with two optimizers whose steps and measurements only take notes."""
    notes, model = Notes(), nn.Linear(2, 2)
    optimizers = {name: Descent([*model.parameters()], 1.0) for name in ("first", "second")}
    schedulers = [Drop(optimizers["first"], 2), Drop(optimizers["second"], 1)]

    def step(model: nn.Module, optimizers: dict, batch: Any) -> dict[str, Tensor]:
        notes.batches.append(batch)
        notes.rates.append(tuple(round(o.param_groups[0]["lr"], 6) for o in optimizers.values()))
        notes.training.append(model.training)
        for optimizer in optimizers.values():
            optimizer.step()
        return {}

    def error(model: nn.Module) -> float:
        notes.measured_training.append(model.training)
        notes.measured_after.append(len(notes.batches))
        return 10.0 - len(notes.batches) % 7

    def batches(number: int) -> Iterator[int]:
        return iter([100 * number + i for i in range(updates)])

    notes.result = run(model, step, optimizers, schedulers, batches, epochs, error)
    return notes


ASPECTS: tuple[tuple[Callable[[Notes], Any], str, str], ...] = (
    (lambda n: n.batches, "another order of batches",
     "Each epoch is one pass over its own batches, batches(number), one step for each batch."),
    (lambda n: n.rates, "schedulers stepped at the wrong time", ""),
    (lambda n: n.measured_after, "measured at the wrong time",
     "Measure once in each epoch, after its updates."),
    (lambda n: n.measured_training, "measured in training mode", ""),
    (lambda n: n.training, "not back in training mode", ""),
    (lambda n: _errors(n.result), "an error for each epoch expected",
     "Return a list with the error after each epoch, in their order. The run is measured by its "
     "last epoch, not by the best one: that would be chosen by looking."),
)  # fmt: skip


def _errors(result: Any) -> Any:
    """A list of numbers from a list, a tuple, an array or a tensor of them."""
    if isinstance(result, Tensor) or hasattr(result, "tolist"):
        result = result.tolist()
    return [float(value) for value in result] if isinstance(result, list | tuple) else result


def _mistakes_probes(_trial: Trial) -> Iterator[Probe]:
    for epochs, updates in ((4, 3), (3, 1)):
        for aspect, cause, says in ASPECTS:

            def observe(answer: Callable, aspect=aspect, epochs=epochs, updates=updates) -> Any:
                return aspect(_follow(answer, epochs, updates))

            yield Probe(observe, cause, says, show=False)


mended_run = exercise(_mended_run, _mistakes_probes, MENDED_RUN)
broken_run = mutant(_mended_run, *mended_run.wrong[:3])


def _encoder() -> nn.Sequential:
    hidden = (nn.Dropout(0.2), nn.Linear(8, 12), nn.BatchNorm1d(12), nn.ReLU())
    return nn.Sequential(*hidden, nn.Linear(12, 2), nn.Linear(2, 8))


def broken_curve(run: Callable = broken_run, epochs: int = 20) -> list[float]:
    """Validation errors of a small autoencoder after each epoch; rates fall after half of them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model, mix = _encoder(), torch.randn(2, 8)
        x, x_validation = (torch.randn(n, 2) @ mix + 0.1 * torch.randn(n, 8) for n in (240, 200))
        optimizer = SGD(model.parameters(), 0.05, momentum=0.9)
        schedulers = [MultiStepLR(optimizer, [epochs // 2], gamma=0.1)]

        def step(model: nn.Module, optimizers: dict, batch: Tensor) -> None:
            optimizers["all"].zero_grad()
            (0.5 * (model(batch) - batch).square().sum(1).mean()).backward()
            optimizers["all"].step()

        def batches(number: int) -> list[Tensor]:
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(number))
            return list(x[order].split(12))

        def error(model: nn.Module) -> float:
            return 0.5 * (model(x_validation) - x_validation).square().sum(1).mean().item()

        return run(model, step, {"all": optimizer}, schedulers, batches, epochs, error)
