"""``fit``: one call of the step per minibatch, with a bar, a history and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from tqdm.auto import tqdm

from aae_lessons.arguments import check
from aae_lessons.devices import fast_precision, matmul_precision
from aae_lessons.training.cuda_graph import CapturedStep
from aae_lessons.training.guards import (
    as_batches,
    check_batch,
    check_losses,
    check_schedule,
    check_settings,
    own_optimizers,
    rest_of_epoch,
)
from aae_lessons.training.identity import fingerprint
from aae_lessons.training.run import History, Run
from aae_lessons.training.schedules import constant
from aae_lessons.training.types import Batches, Losses, Optimizers, Schedule, Step
from aae_lessons.training.validation import has_stalled, held_out_losses


def fit(
    step: Step,
    model: nn.Module,
    batches: Batches | Iterable[Any],
    epochs: int,
    *,
    optimizers: Optimizers | None = None,
    validation: Batches | Iterable[Any] | None = None,
    patience: int | None = None,
    monitor: str = "reconstruction",
    schedule: Schedule = constant,
    on_step: Callable[[nn.Module, float], None] | None = None,
    snapshot: Callable[[nn.Module], Any] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
    extend: bool = False,
    log_every: int = 50,
    cuda_graph: bool | None = None,
    precision: str = "highest",
    progress: bool = True,
) -> History:
    """Trains ``model`` in place for ``epochs`` passes over ``batches``.

    Args:
        step: ``step(model, optimizers, batch)`` does one update and returns
            ``{phase: detached scalar loss}``.
        model: what is trained.
        batches: minibatches, with a length and ``epoch(number, start)``, such as
            :class:`aae_lessons.data.Minibatches`; or a ``torch.utils.data.DataLoader``.
        epochs: how many.
        optimizers: by phase; ``model.optimizers()`` if there are none. Their learning rates are
            multiplied by ``schedule(share of the run done)``.
        validation: held-out minibatches. After every epoch the losses on them, without an update,
            go to ``History.validation``.
        patience: stop early when the held-out loss of ``monitor`` has not been lower than before
            for so many epochs. The weights are those of the last epoch.
        monitor: the phase whose held-out loss decides.
        schedule: factor of the learning rates, such as :func:`constant_then_linear`.
        on_step: ``on_step(model, share of the run done)``, called before every update: for what
            else changes during a run, such as a noise level or a temperature. It fills a
            buffer of the model; a number in Python would be frozen in a CUDA graph.
        snapshot: called with the model before the first and after every epoch; what it returns
            (numbers, tensors, and lists or dicts of these) goes to ``History.snapshots``. The
            random state is put back after it, so that looking does not change the run.
        checkpoint: a file to continue from if it is there, and to write to. It has to be of a run
            with the same settings: another step, configuration, schedule, learning rate, data,
            order of the data or precision is refused, and named.
        checkpoint_every: updates between two checkpoints; one more is written at the end.
        extend: go on from the checkpoint of a finished run of fewer epochs; the schedule is then
            the longer run's.
        log_every: updates between two points of the history.
        cuda_graph: replay the whole update as one CUDA graph; by default on CUDA only.
        precision: "highest" (single precision), "medium", "bfloat16", or "fast", which chooses
            by the processor; see :func:`aae_lessons.devices.matmul_precision`.
        progress: show a bar with the current losses.

    Raises:
        ValueError: unusable arguments, or a checkpoint of another run or that can't be read.
        NonFiniteLoss: a loss became nan or infinite, noticed within ``log_every`` updates;
            nothing is written after that.
    """
    counts = {"epochs": epochs, "checkpoint_every": checkpoint_every, "log_every": log_every}
    check_settings(step, model, counts, on_step=on_step, snapshot=snapshot)
    check_schedule(schedule)
    device = next(model.parameters()).device
    batches = as_batches(batches, "batches", device)
    held_out = None if validation is None else as_batches(validation, "validation", device)
    check(patience is None or held_out is not None, "patience", patience, "None, or validation=")
    optimizers = own_optimizers(step, model, optimizers)
    precision = fast_precision(device) if precision == "fast" else precision
    identity = fingerprint(step, model, batches, optimizers, schedule, on_step, precision)
    run = Run(model, optimizers, epochs * len(batches), checkpoint, identity)
    run.restore(extend)
    update = _updating(step, model, optimizers, schedule, on_step, cuda_graph)
    bar = tqdm(total=run.total, initial=run.done, disable=not progress, leave=False, unit="step")
    with bar, matmul_precision(precision, device):
        if run.done == 0:
            run.take(snapshot)
        while run.done < run.total and not has_stalled(run.history, monitor, patience):
            for batch in rest_of_epoch(batches, run.done):
                run.note(update(batch, run.done / run.total))
                at_end = run.done == run.total
                if run.done % log_every == 0 or at_end:
                    bar.set_postfix({k: f"{v:.3f}" for k, v in run.log().items()}, refresh=False)
                    bar.update(run.done - bar.n)
                if run.done % len(batches) == 0:
                    run.take(snapshot)
                    if held_out is not None:
                        run.validate(held_out_losses(step, model, optimizers, held_out.epoch(0)))
                if run.done % checkpoint_every == 0 or at_end:
                    run.save()
        if run.done < run.total:  # stopped early
            run.log()
            run.save()
    return run.history


def _updating(
    step: Step,
    model: nn.Module,
    optimizers: Optimizers,
    schedule: Schedule,
    on_step: Callable[[nn.Module, float], None] | None,
    cuda_graph: bool | None,
) -> Callable[[Any, float], Losses]:
    """One update, ``update(batch, share of the run done)``; the first is looked at closely."""
    on_cuda = next(model.parameters()).is_cuda
    cuda_graph = on_cuda if cuda_graph is None else cuda_graph
    expected = "False: the model is not on a CUDA device"
    check(on_cuda or not cuda_graph, "cuda_graph", cuda_graph, expected)
    plain, first = step, True
    if cuda_graph:
        step = CapturedStep(step, optimizers)

    def update(batch: Any, done: float) -> Losses:
        nonlocal first
        if first:
            check_batch(plain, model, batch)
        _set_rates(optimizers, schedule(done))
        if on_step is not None:
            on_step(model, done)
        losses = step(model, optimizers, batch)
        if first:
            check_losses(losses)
            first = False
        return losses

    return update


def _set_rates(optimizers: Optimizers, factor: float) -> None:
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            if "initial_lr" not in group:  # float() of a tensor waits for the device: once only
                group["initial_lr"] = float(group["lr"])
            rate = group["initial_lr"] * factor
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
