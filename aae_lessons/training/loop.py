"""``fit``: one call of the step per minibatch, with a bar, a history and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from aae_lessons.arguments import check, check_int
from aae_lessons.devices import matmul_precision
from aae_lessons.training.cuda_graph import CapturedStep
from aae_lessons.training.run import History, Run
from aae_lessons.training.schedules import constant
from aae_lessons.training.types import Batches, Optimizers, Schedule, Step


def fit(
    step: Step,
    model: nn.Module,
    batches: Batches,
    epochs: int,
    *,
    optimizers: Optimizers | None = None,
    schedule: Schedule = constant,
    on_step: Callable[[nn.Module, float], None] | None = None,
    snapshot: Callable[[nn.Module], Any] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 500,
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
        batches: its length, and ``epoch(number, start)``.
        epochs: how many.
        optimizers: by phase; ``model.optimizers()`` if there are none. Their learning rates are
            multiplied by ``schedule(share of the run done)``.
        schedule: factor of the rates, such as :func:`constant_then_linear`.
        on_step: ``on_step(model, share of the run done)``, called before every update: for what
            else changes during a run, such as a noise level or a temperature. It fills a
            buffer of the model; a number in Python would be frozen in a CUDA graph.
        snapshot: called with the model before the first and after every epoch; what it returns
            (numbers, tensors, and lists or dicts of these) goes to ``History.snapshots``. The
            random state is put back after it, so that looking does not change the run.
        checkpoint: a file to continue from if it is there, and to write to.
        checkpoint_every: updates between two checkpoints; one more is written at the end.
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
    check_int(epochs, "epochs")
    check_int(checkpoint_every, "checkpoint_every")
    check_int(log_every, "log_every")
    check_int(len(batches), "batches")
    on_cuda = next(model.parameters()).is_cuda
    cuda_graph = on_cuda if cuda_graph is None else cuda_graph
    check(
        on_cuda or not cuda_graph,
        "cuda_graph",
        cuda_graph,
        "False: the model is not on a CUDA device",
    )
    optimizers = _optimizers(step, model, optimizers)
    device = next(model.parameters()).device

    run = Run(model, optimizers, epochs * len(batches), checkpoint)
    run.restore()
    if cuda_graph:
        step = CapturedStep(step, optimizers)
    start = run.done
    bar = tqdm(total=run.total, initial=start, disable=not progress, leave=False, unit="step")
    with bar, matmul_precision(precision, device):
        if start == 0:
            run.take(snapshot)
        while run.done < run.total:
            epoch, position = divmod(run.done, len(batches))
            for batch in batches.epoch(epoch, position):
                _set_rates(optimizers, schedule(run.done / run.total))
                if on_step is not None:
                    on_step(model, run.done / run.total)
                run.note(step(model, optimizers, batch))
                at_end = run.done == run.total
                if run.done % log_every == 0 or at_end:
                    bar.set_postfix({k: f"{v:.3f}" for k, v in run.log().items()}, refresh=False)
                    bar.update(run.done - bar.n)
                if run.done % len(batches) == 0:
                    run.take(snapshot)
                if run.done % checkpoint_every == 0 or at_end:
                    run.save()
    return run.history


def _optimizers(step: Step, model: nn.Module, optimizers: Optimizers | None) -> Optimizers:
    """What ``step`` descends with; refuses the configuration of another algorithm."""
    own = getattr(model, "optimizers", None)
    algorithm, config = getattr(step, "config", None), getattr(model, "config", None)
    if algorithm is not None:
        name = f"{algorithm.__module__.removeprefix('aae_lessons.models.')}.{algorithm.__name__}"
        expected = f"a model of {name}, which {getattr(step, '__name__', 'this step')} reads"
        check(type(config) is algorithm, "model", config, expected)
    if optimizers is None:
        check(callable(own), "optimizers", None, "a dict by phase: this model makes none itself")
        return own()
    ok = isinstance(optimizers, Mapping) and len(optimizers) > 0
    ok = ok and all(isinstance(o, Optimizer) for o in optimizers.values())
    check(ok, "optimizers", optimizers, "a dict of optimizers by phase")
    if algorithm is not None and callable(own):
        phases = set(own())
        check(phases <= set(optimizers), "optimizers", sorted(optimizers), f"{sorted(phases)}")
    return optimizers


def _set_rates(optimizers: Optimizers, factor: float) -> None:
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            rate = group.setdefault("initial_lr", float(group["lr"])) * factor
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
