"""The training loop: it knows nothing of any model, only a step and where its state is.

A step is a function ``step(model, optimizers, batch) -> {phase: loss}``; :func:`fit` calls it once
per minibatch, shows the losses, keeps a history, and writes checkpoints from which a killed run
continues (on a CPU, with the same weights to the last bit as a run that was never killed).
Nothing here waits for the device but every ``log_every`` steps.
"""

from aae_lessons.training.cuda_graph import CapturedStep
from aae_lessons.training.loop import fit
from aae_lessons.training.run import History, NonFiniteLoss
from aae_lessons.training.schedules import constant, constant_then_linear, step_decay
from aae_lessons.training.types import Batches, Losses, Optimizers, Schedule, Step

__all__ = [
    "Batches",
    "CapturedStep",
    "History",
    "Losses",
    "NonFiniteLoss",
    "Optimizers",
    "Schedule",
    "Step",
    "constant",
    "constant_then_linear",
    "fit",
    "step_decay",
]
