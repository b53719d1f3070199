"""Checks of lesson 6: the loop around the steps, by what each step and each measurement meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import MultiStepLR

from aae_lessons.checks.core import Exercise, Trial

EPOCHS, UPDATES, DROP = 4, 3, 2


def _run(model, step, optimizers, schedulers, batches, epochs, error):
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


def broken_run(model, step, optimizers, schedulers, batches, epochs, error):
    """Exercise 6.6: this loop has three mistakes."""
    errors = []
    model.train()
    rounds = list(batches(0))
    for _ in range(epochs):
        for batch in rounds:
            step(model, optimizers, batch)
        with torch.no_grad():
            errors.append(error(model))
    return errors


# ------------------------------------------------------------------ a run that takes notes


@dataclass
class Notes:
    """What the steps and the measurements of a run met."""

    batches: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    training: list[bool] = field(default_factory=list)
    measured_training: list[bool] = field(default_factory=list)
    measured_after: list[int] = field(default_factory=list)


def _follow(run: Callable) -> tuple[Notes, object]:
    """Plays a run whose steps and measurements only take notes."""
    notes, model = Notes(), nn.Linear(2, 2)
    optimizer = SGD(model.parameters(), 1.0)
    scheduler = MultiStepLR(optimizer, [DROP], gamma=0.1)

    def step(model: nn.Module, optimizers: dict, batch: int) -> dict[str, Tensor]:
        notes.batches.append(batch)
        notes.rates.append(optimizers["all"].param_groups[0]["lr"])
        notes.training.append(model.training)
        optimizers["all"].step()
        return {}

    def error(model: nn.Module) -> float:
        notes.measured_training.append(model.training)
        notes.measured_after.append(len(notes.batches))
        return 10.0 - len(notes.batches) % 7

    def batches(number: int) -> list[int]:
        return [100 * number + i for i in range(UPDATES)]

    result = run(model, step, {"all": optimizer}, [scheduler], batches, EPOCHS, error)
    return notes, result


def _test_run(trial: Trial) -> None:
    notes, result = _follow(trial)
    _test_updates(trial, notes)
    _test_rates(trial, notes.rates)
    _test_modes(trial, notes)
    expected = [10.0 - (UPDATES * (i + 1)) % 7 for i in range(EPOCHS)]
    if not isinstance(result, list | tuple) or list(result) != expected:
        says = (
            "Return a list with the error after each epoch, in their order. The run is judged by "
            "its last epoch, not by the best one: that would be chosen by looking."
        )
        trial.refuse("an error for each epoch wanted", says, result, expected)


def _test_updates(trial: Trial, notes: Notes) -> None:
    expected = [100 * number + i for number in range(EPOCHS) for i in range(UPDATES)]
    if notes.batches == expected:
        return
    if len(notes.batches) != len(expected):
        says = "Each epoch is one pass over its batches, one step a batch."
        trial.refuse("wrong number of updates", says, len(notes.batches), len(expected))
    if len(set(notes.batches)) == UPDATES:
        says = (
            "Every epoch has the same batches: the shuffle is frozen. Ask for batches(number) "
            "afresh in each epoch, with its number."
        )
        trial.refuse("shuffles frozen", says, notes.batches[-1], expected[-1])
    says = "Epoch number e has the batches of batches(e), from 0 on."
    trial.refuse("another order of batches", says, notes.batches, expected)


def _test_rates(trial: Trial, rates: list[float]) -> None:
    epochs = [rates[i * UPDATES] for i in range(EPOCHS)]
    expected = [1.0 if i < DROP else 0.1 for i in range(EPOCHS)]
    if len(set(rates)) == 1:
        says = (
            "The rates never fall: the schedulers are made and never stepped. Each is to be "
            "stepped once at the end of an epoch."
        )
        trial.refuse("schedulers never stepped", says, epochs[-1], expected[-1])
    if [round(rate, 6) for rate in epochs] != expected:
        says = (
            f"The rate should fall after {DROP} epochs. A scheduler counts its own step() calls: "
            "one for each epoch, after its updates, not one for each update."
        )
        trial.refuse("schedulers stepped at the wrong time", says, epochs, expected)


def _test_modes(trial: Trial, notes: Notes) -> None:
    if any(notes.measured_training):
        says = (
            "You measure in training mode: dropout still hides inputs, and batch norm still uses "
            "the moments of whatever batch it is given. model.eval() belongs before it."
        )
        trial.refuse("measured in training mode", says)
    if not all(notes.training):
        says = (
            "Some steps are made in evaluation mode: after the first measurement model.train() is "
            "missing, and from then on there is no dropout and no batch norm."
        )
        trial.refuse("not back in training mode", says)
    expected = [UPDATES * (i + 1) for i in range(EPOCHS)]
    if notes.measured_after != expected:
        says = "Measure once an epoch, after its updates."
        trial.refuse("measured at the wrong time", says, notes.measured_after, expected)


# ----------------------------------------------------------------------------- the curves


def _encoder() -> nn.Sequential:
    hidden = (nn.Dropout(0.2), nn.Linear(8, 12), nn.BatchNorm1d(12), nn.ReLU())
    return nn.Sequential(*hidden, nn.Linear(12, 2), nn.Linear(2, 8))


def broken_curve(run: Callable = broken_run, epochs: int = 20) -> list[float]:
    """Validation errors of a small autoencoder after each epoch; rates fall after half of them."""
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


mended_run = Exercise(
    name="6.6",
    title="find three mistakes in a run",
    read="lesson 5, section 5.5, on rates that drop, and fit in aae_lessons/training.py",
    hints=(
        "What does every epoch of the broken run have in common that it should not?",
        "The rates should fall after some epochs. Who tells the schedulers that one is over?",
        "model.train() before the updates of an epoch, model.eval() before its error.",
    ),
    answer=_run,
    test=_test_run,
)
